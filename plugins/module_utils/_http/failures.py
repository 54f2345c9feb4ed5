# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What a failed request means: exceptions of requests, error responses and redirects become one HttpError each."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Any, Mapping
from urllib.parse import SplitResult, unquote, urlsplit

from .._core.errors import QuayError
from .._core.times import parse_time
from .auth import Auth
from .errors import (
    ApiError,
    EndpointMissing,
    Forbidden,
    HttpError,
    NotAuthenticated,
    NotFound,
    RateLimited,
    ReadOnlyRegistry,
    TransportError,
    UnexpectedResponse,
)
from .scopes import scopes_of_request

if TYPE_CHECKING:
    import requests

_CSRF_FAILURE = "CSRF token was invalid or missing"
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})")
_TITLE = re.compile(r"<title>([^<]{1,120})</title>")

_NOT_ACCEPTED = (
    "Quay does not accept the token: it is wrong, revoked or expired (Quay does not say which). "
    "Check quay_token or QUAY_TOKEN. It must be an OAuth access token: tokens of robots and app tokens are for the "
    "registry only"
)
_FORBIDDEN = "The login lacks the permission{scope}, or the object does not exist (Quay does not say which)"
_ENDPOINT_MISSING = "This server does not offer that endpoint (an older Quay, or a feature that is off)"


# --- no response


@dataclass(frozen=True)
class ServerOptions:
    """How messages name the options of a server's address and of its certificate; empty for those that do not exist."""

    host: str
    host_variable: str
    ca_path: str
    validate_certs: str


QUAY_OPTIONS = ServerOptions("quay_host", "QUAY_HOST", "ca_path", "validate_certs")


@dataclass(frozen=True)
class _Cause:
    """Why no response came. ``sent``: the request may have reached the server."""

    message: str
    sent: bool
    permanent: bool = False


def transport_error(
    method: str, path: str, error: Exception, timeout: float, options: ServerOptions = QUAY_OPTIONS
) -> TransportError:
    """The TransportError for an exception of requests. ``timeout``: the seconds that were allowed."""
    cause = _cause_of(error, timeout, options)
    return TransportError(method, path, cause.message, sent=cause.sent, permanent=cause.permanent)


def _cause_of(error: Exception, timeout: float, options: ServerOptions) -> _Cause:
    from requests import exceptions
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError

    chain = _chain_of(error)
    unsent = (NewConnectionError, ConnectTimeoutError)
    sent = not any(isinstance(cause, unsent) or _is_untrusted(cause) for cause in chain)
    if isinstance(error, ValueError):
        # requests parses a redirect's address even if it must not follow it.
        message = f"an address is malformed: that of {options.host}, of a proxy, or of a redirect"
        return _Cause(message, sent=not isinstance(error, exceptions.RequestException), permanent=True)
    if not isinstance(error, exceptions.RequestException):
        message = "the file of CA certificates cannot be read; check REQUESTS_CA_BUNDLE"
        return _Cause(message, sent=False, permanent=True)
    if isinstance(error, exceptions.ProxyError):
        return _proxy_cause(chain, sent)
    if isinstance(error, exceptions.SSLError):
        return _Cause(_tls_message(chain, options), sent, permanent=not sent)
    if isinstance(error, exceptions.ConnectTimeout):
        return _Cause(f"no connection within {timeout:g} s. {_check_host(options)}", sent=False)
    if isinstance(error, exceptions.Timeout) or any(isinstance(cause, ReadTimeoutError) for cause in chain):
        return _Cause(f"no response within {timeout:g} s (timeout)", sent=True)
    return _Cause(_connection_message(chain, sent, options), sent)


def _check_host(options: ServerOptions) -> str:
    return f"Check {_named_host(options)} and that the server is up"


def _named_host(options: ServerOptions) -> str:
    return f"{options.host} ({options.host_variable})" if options.host_variable else options.host


def _proxy_cause(chain: list[BaseException], sent: bool) -> _Cause:
    refused = next(filter(None, (_TUNNEL_REFUSED.match(str(cause)) for cause in chain)), None)
    status = refused.group(1) if refused else ""
    message = "the proxy did not let the request through" + (f" ({status})" if status else "")
    # A login that the proxy refuses is not sent again: that might lock the account.
    return _Cause(message, sent=sent and not status, permanent=status == "407")


def _chain_of(error: BaseException) -> list[BaseException]:
    """The exception and those that requests and urllib3 wrapped in it. Only classes and errno texts are ever shown."""
    chain = [error]
    while len(chain) < 10:
        inner = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
        wrapped = next((cause for cause in inner if isinstance(cause, BaseException)), None)
        # A QuayError was being handled when this request was sent. It is not the reason of the failure.
        if wrapped is None or isinstance(wrapped, QuayError):
            break
        chain.append(wrapped)
        error = wrapped
    return chain


def _is_untrusted(cause: BaseException) -> bool:
    """Whether the server's certificate is the reason. Some versions of urllib3 have a class of their own for names."""
    return isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError"


def _tls_message(chain: list[BaseException], options: ServerOptions) -> str:
    untrusted = next(filter(_is_untrusted, chain), None)
    if untrusted is not None:
        detail = str(getattr(untrusted, "verify_message", "") or " ".join(map(str, untrusted.args))).rstrip(".")
        unchecked = f"; {options.validate_certs}=false switches the check off and exposes the credentials"
        return (
            f"the server's TLS certificate is not trusted ({detail}). Set {options.ca_path} to the issuing CA"
            f"{unchecked if options.validate_certs else ''}"
        )
    reason = next((cause.reason for cause in chain if isinstance(cause, ssl.SSLError) and cause.reason), "")
    return f"TLS failed{f' ({reason})' if reason else ''}. Check that the port in {options.host} serves https"


def _connection_message(chain: list[BaseException], sent: bool, options: ServerOptions) -> str:
    if any(isinstance(cause, socket.gaierror) for cause in chain):
        return f"the host name cannot be resolved. Check {_named_host(options)}"
    if any(isinstance(cause, IncompleteRead) for cause in chain):
        return "the response was cut off"
    details = (getattr(cause, "strerror", None) for cause in reversed(chain))
    detail = next(filter(None, details), "the connection was closed")
    return detail if sent else f"{detail}. {_check_host(options)}"


# --- a response that is none of Quay's


def parse_json(received: requests.Response, method: str, path: str) -> Any:
    """The JSON of a successful response. Raises UnexpectedResponse for anything else."""
    try:
        return received.json()
    except ValueError:
        pass
    media_type = received.headers.get("Content-Type", "").split(";")[0]
    if "json" in media_type:
        raise UnexpectedResponse(method, path, "the JSON of the response is broken or cut off")
    found = media_type or "a response without a content type"
    raise UnexpectedResponse(
        method, path, f"expected JSON, got {found}. Check that quay_host is Quay itself, and not a proxy's login page"
    )


def split_location(headers: Mapping[str, str]) -> SplitResult:
    """The URL of the Location header; an empty one if the header is missing or malformed."""
    try:
        return urlsplit(headers.get("Location", ""))
    except ValueError:
        return urlsplit("")


def redirect_error(received: requests.Response, method: str, path: str, origin: str) -> HttpError:
    """The error for a redirect. None is followed: credentials must not reach another server.

    Quay itself redirects (308) only a path that it does not have, to the same path with a slash added.
    """
    target, own = split_location(received.headers), urlsplit(origin)
    # Quay repeats the requested host, and the scheme and port that a proxy in front of it reports.
    own_host = target.hostname in (None, own.hostname)
    if received.status_code == 308 and own_host and unquote(target.path) == unquote(path) + "/":
        return EndpointMissing(308, method, path, "", hint=_ENDPOINT_MISSING)
    elsewhere = target.hostname and (target.scheme, target.netloc) != (own.scheme, own.netloc)
    destination = f"{target.scheme}://{target.hostname}" if elsewhere else "another page"
    return UnexpectedResponse(
        method,
        path,
        f"the server redirects to {destination}. Redirects are not followed with credentials; "
        "set quay_host to the address of Quay itself",
    )


# --- an error response


@dataclass(frozen=True)
class _ErrorBody:
    """Quay's own words: its message, its error type where there is one, and the JSON body."""

    message: str = ""
    error_type: str | None = None
    data: Mapping[str, Any] | None = None

    def get(self, key: str) -> Any:
        return (self.data or {}).get(key)

    @property
    def lacks_scope(self) -> bool:
        """Whether a live token lacks a scope. GET /api/v1/user/ then answers 401, and this key is the difference."""
        return self.get("session_required") is False


def api_error(received: requests.Response, method: str, path: str, auth: Auth) -> ApiError:
    """The ApiError for a response with an error status (400 and above)."""
    status, body = received.status_code, _error_body(received)
    if status == 503 and body.get("is_readonly"):
        return ReadOnlyRegistry(status, method, path, body.message)
    if status in (401, 403):
        return _access_error(status, method, path, auth, body)
    # Quay refuses a sign-in by any of several statuses.
    refused = _sign_in_error(status, method, path, body)
    if refused is not None:
        return refused
    if status in (404, 405) and not body.data:
        return EndpointMissing(status, method, path, "", hint=_ENDPOINT_MISSING)
    if status == 404:
        return NotFound(status, method, path, body.message, error_type=body.error_type)
    if status == 429:
        return RateLimited(status, method, path, body.message, hint="Quay limits the rate of requests; try again later")
    return ApiError(status, method, path, body.message, error_type=body.error_type)


def _access_error(status: int, method: str, path: str, auth: Auth, body: _ErrorBody) -> ApiError:
    csrf_failure = status == 403 and _CSRF_FAILURE in body.message
    if auth.kind == "bearer" and (status == 401 or csrf_failure) and not body.lacks_scope:
        return NotAuthenticated(401, method, path, "", error_type="invalid_token", hint=_NOT_ACCEPTED)
    refused = _sign_in_error(status, method, path, body)
    if refused is not None:
        return refused
    if csrf_failure:
        hint = "Quay does not know the session. Check whether a proxy drops its cookie"
        return NotAuthenticated(status, method, path, body.message, hint=hint)
    if status == 401 and not body.lacks_scope:
        return NotAuthenticated(status, method, path, body.message, error_type=body.error_type)
    hint = _forbidden_hint(method, path, auth)
    return Forbidden(status, method, path, body.message, error_type=body.error_type, hint=hint)


def _forbidden_hint(method: str, path: str, auth: Auth) -> str:
    """What the login may lack. Only tokens have scopes: a password has all of them."""
    if auth.kind != "bearer":
        return _FORBIDDEN.format(scope="")
    scopes = " and ".join(scopes_of_request(method, path))
    return _FORBIDDEN.format(scope=f" or the scope {scopes}" if scopes else " or the scope")


def _sign_in_error(status: int, method: str, path: str, body: _ErrorBody) -> NotAuthenticated | None:
    """The error for a refused sign-in (POST /api/v1/signin); None for any other response."""
    if body.get("needsEmailVerification"):
        hint = "The user's e-mail address is not verified yet"
    elif "invalidCredentials" in (body.data or {}):
        hint = "Check quay_username and quay_password"
    else:
        return None
    return NotAuthenticated(status, method, path, body.message, hint=hint)


def _error_body(received: requests.Response) -> _ErrorBody:
    """Read the message from any of Quay's five error shapes."""
    try:
        data = received.json()
    except ValueError:
        # Quay's 429 is plain text under an HTML type.
        page = received.text
        title = _TITLE.search(page)
        return _ErrorBody((title.group(1) if title else "" if "<" in page else page[:200]).strip())
    if not isinstance(data, dict):
        return _ErrorBody()
    listed = data.get("errors")
    if isinstance(listed, list) and listed and isinstance(listed[0], dict):
        return _ErrorBody(str(listed[0].get("message") or ""), str(listed[0].get("code") or "") or None, data)
    # A schema failure puts pages of jsonschema into "detail"; its first line is the sentence.
    message = next((data[key] for key in ("error_message", "detail", "message", "error") if data.get(key)), "")
    first_line = str(message).strip().split("\n", maxsplit=1)[0][:300]
    return _ErrorBody(first_line, str(data["error_type"]) if data.get("error_type") else None, data)


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Retry-After in seconds, from a number or a date of the server's; None if it is absent or malformed."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    until = parse_time(value)
    return max(0.0, (until - now).total_seconds()) if until else None
