# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""One HTTP client for everything: logging in, retries, paging, and the translation of Quay's errors.

It knows HTTP and Quay's manners, and no subject of Quay. It never sees AnsibleModule: values come in plain, the
``requests.Session`` is injected, and constructing a client sends nothing.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import ssl
import time
import traceback
import warnings
from datetime import datetime, timedelta, timezone
from http.client import IncompleteRead
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Callable, Iterator, Mapping
from urllib.parse import SplitResult, quote, unquote, urlsplit

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import (
    ApiError,
    BadInput,
    EndpointMissing,
    Forbidden,
    NotAuthenticated,
    NotFound,
    QuayError,
    RateLimited,
    ReadOnlyRegistry,
    TransportFailure,
    UnexpectedAnswer,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._login import Login
from ansible_collections.tokensmith.quay.plugins.module_utils._times import parse_time

try:
    import requests
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

SAFE_METHODS = ("GET", "HEAD")
RETRY_STATUSES = (429, 502, 503, 504)
LONGEST_PAUSE = 30.0
DEAD_BEARER = "CSRF token was invalid or missing"

_HOST_NAME = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?")
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})")
_TITLE = re.compile(r"<title>([^<]{1,120})</title>")


class Answer:
    """A successful answer (2xx, or a redirect that the caller asked for): status, headers and the parsed JSON body."""

    def __init__(self, status: int, headers: Mapping[str, str], data: Any, method: str, path: str) -> None:
        self.status = status
        self.headers = headers
        self.data = data
        self._where = (method, path)

    def mapping(self) -> dict[str, Any]:
        """The body as a JSON object; raises UnexpectedAnswer when it is anything else."""
        if not isinstance(self.data, dict):
            raise UnexpectedAnswer(*self._where, "the answer is not a JSON object as Quay sends it")
        return self.data

    def record(self, key: str) -> dict[str, Any]:
        """The body as the JSON object of one thing, which always has ``key``; raises UnexpectedAnswer otherwise."""
        if not self.mapping().get(key):
            raise UnexpectedAnswer(*self._where, f"the answer has no '{key}' as Quay sends it")
        return self.mapping()

    def items(self, key: str) -> list[dict[str, Any]]:
        """The list of objects below ``key``; raises UnexpectedAnswer when it is not there."""
        return self._objects(self.mapping().get(key), f"a list '{key}'")

    def sequence(self) -> list[dict[str, Any]]:
        """The body as a JSON list of objects; raises UnexpectedAnswer when it is anything else."""
        return self._objects(self.data, "a list")

    def _objects(self, value: Any, what: str) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise UnexpectedAnswer(*self._where, f"the answer is not {what} of objects as Quay sends it")
        return value


def normalise_host(text: str) -> str:
    """Read the origin (scheme, host, port) of a Quay server from what a person typed.

    A trailing slash is dropped. Raises BadInput for anything that is not an origin; the message never repeats the
    text, because people paste URLs with passwords in them.
    """
    try:
        url = urlsplit(text.strip())
        host, port = url.hostname, url.port
    except ValueError:
        raise BadInput(_NO_URL) from None
    if url.scheme not in ("http", "https") or not host:
        raise BadInput(
            "quay_host must start with https:// (or http://) and name a host, as in https://quay.example.com"
        )
    if url.username is not None or url.password is not None:
        raise BadInput("quay_host must not hold a user name or password; use quay_username and quay_password")
    if url.path.strip("/") or url.query or url.fragment:
        raise BadInput(
            "quay_host must be the server alone, without a path or query: Quay serves its API at /api/v1 of it"
        )
    in_brackets = "[" in url.netloc
    if not (_is_ipv6(host) if in_brackets else _HOST_NAME.fullmatch(host)):
        raise BadInput(_NO_URL)
    shown = f"[{host}]" if in_brackets else host
    return f"{url.scheme}://{shown}" + (f":{port}" if port is not None else "")


_NO_URL = "quay_host is not a URL; write it as https://quay.example.com or https://[2001:db8::1]:8443"


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def password_in(url: str) -> str | None:
    """What somebody wrote before the @ of a URL, where passwords stand; a password may hold any character."""
    before = url.strip().rpartition("@")[0]
    return re.sub(r"^[A-Za-z]+:/*", "", before) or None


def path_of(*parts: str) -> str:
    """Join path parts below C(/api/v1), each percent-encoded. Raises BadInput for parts that would change the path."""
    for part in parts:
        # Quay takes an encoded slash for a slash.
        if part in ("", ".", "..") or "/" in part:
            raise BadInput(f"'{part}' cannot be the name of anything in Quay")
    return "/api/v1/" + "/".join(quote(part, safe="") for part in parts)


class QuayClient:
    """Speaks to one Quay server with one default login."""

    def __init__(
        self,
        host: str,
        login: Login,
        session: requests.Session,
        *,
        timeout: float = 10.0,
        retries: int = 3,
        verify: bool | str = True,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``host`` as typed, ``timeout`` in seconds per request, ``verify`` false or a CA bundle's path or true."""
        self.origin = normalise_host(host)
        self.login = login
        self._session = session
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._timeout = timeout
        self._retries = retries
        self._verify = _verification(verify)
        self._sleep = sleep
        self._skew = timedelta(0)

    @property
    def netloc(self) -> str:
        """Host and port, as one types them after C(podman login)."""
        return urlsplit(self.origin).netloc

    @property
    def skew(self) -> timedelta:
        """How far the server's clock is ahead of ours, as its last C(Date) header said."""
        return self._skew

    def now(self) -> datetime:
        """The server's time: Quay's dates are judged by Quay's clock, not by a target's that may be wrong."""
        return datetime.now(timezone.utc) + self._skew

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, login: Login | None = None) -> Answer:
        """GET; repeated with growing pauses where that can help."""
        return self.exchange("GET", path, params=params, login=login)

    def post(self, path: str, json: Any = None, *, login: Login | None = None) -> Answer:
        """POST, sent exactly once."""
        return self.exchange("POST", path, json={} if json is None else json, login=login)

    def put(self, path: str, json: Any = None) -> Answer:
        """PUT, sent exactly once."""
        return self.exchange("PUT", path, json={} if json is None else json)

    def delete(self, path: str) -> Answer:
        """DELETE, sent exactly once."""
        return self.exchange("DELETE", path)

    def pages(
        self,
        path: str,
        key: str,
        params: Mapping[str, Any] | None = None,
        inspect: Callable[[Answer], None] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Walk a list lazily by C(next_page), which Quay's last page may or may not name.

        One empty page may lie between (where Quay reads two stores of logs, one after the other); two are the end.
        ``inspect`` is shown each page before its items are handed on.
        """
        asked = dict(params or {})
        seen: set[str] = set()
        empty_pages = 0
        while True:
            answer = self.get(path, asked)
            items = answer.items(key)
            if inspect is not None:
                inspect(answer)
            yield from items
            empty_pages = 0 if items else empty_pages + 1
            following = answer.mapping().get("next_page")
            # A bad cursor silently means "page 1": never follow the same one twice.
            if not isinstance(following, str) or not following or following in seen or empty_pages > 1:
                return
            seen.add(following)
            asked["next_page"] = following

    def exchange(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        login: Login | None = None,
        redirect: bool = False,
        replay_when_limited: bool = False,
    ) -> Answer:
        """Send one request and return the successful answer, or raise one QuayError.

        Safe methods are repeated on connection errors, 429, 502, 503 and 504. Any other method is sent once, but for
        a 429 (refused, so without effect) where ``replay_when_limited`` allows it. ``redirect`` means that a redirect
        is the answer that the caller wants; it is never followed.
        """
        who = login or self.login
        if not (path == "/csrf_token" and login is who):
            who.ready(self.exchange)
        attempt = 0
        while True:
            try:
                response = self._send(method, path, params, json, form, who)
                return self._translate(response, method, path, who, redirect)
            except (TransportFailure, ApiError) as failure:
                pause = self._pause_before_repeating(failure, method, attempt, replay_when_limited)
                if pause is None:
                    raise
            self._sleep(pause)
            attempt += 1

    def _send(
        self, method: str, path: str, params: Any, json: Any, form: Mapping[str, str] | None, login: Login
    ) -> requests.Response:
        headers = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest", **login.headers(method)}

        def own_headers_only(request: Any) -> Any:
            # Given an auth callable, requests neither reads .netrc nor takes credentials out of the URL.
            return request

        try:
            with _quietly_unverified(self._verify):
                response = self._session.request(
                    method,
                    self.origin + path,
                    params=params,
                    json=json,
                    data=form,
                    headers=headers,
                    auth=own_headers_only,
                    timeout=self._timeout,
                    verify=self._verify,
                    allow_redirects=False,
                )
        except (requests.exceptions.RequestException, OSError, ValueError) as error:
            # Not chained: the text of a requests exception holds the whole URL, a proxy's password included.
            words, sent, lasting = _why_no_answer(error, self._timeout)
            failure = TransportFailure(method, path, words, sent=sent, lasting=lasting)
        else:
            login.learn(response.headers, {cookie.name: cookie.value or "" for cookie in response.cookies})
            self._learn_time(response.headers.get("Date"))
            return response
        raise failure

    def _learn_time(self, date: str | None) -> None:
        moment = parse_time(date)
        if moment is not None:
            self._skew = moment - datetime.now(timezone.utc)

    def _pause_before_repeating(
        self, failure: QuayError, method: str, attempt: int, replay_when_limited: bool
    ) -> float | None:
        """Seconds to wait before trying again, or None when this failure is final."""
        if attempt >= self._retries:
            return None
        limited = isinstance(failure, RateLimited)
        if method not in SAFE_METHODS and not (limited and replay_when_limited):
            return None
        if isinstance(failure, TransportFailure) and failure.lasting:
            return None
        if isinstance(failure, ApiError) and (
            failure.status not in RETRY_STATUSES or isinstance(failure, ReadOnlyRegistry)
        ):
            return None
        pause: float = 0.5 * 2**attempt
        asked = failure.retry_after if isinstance(failure, ApiError) else None
        return min(LONGEST_PAUSE, max(pause, asked or 0.0))

    def _translate(self, response: requests.Response, method: str, path: str, login: Login, redirect: bool) -> Answer:
        status = response.status_code
        if status >= 400:
            failure = _api_error(response, method, path, login)
            failure.retry_after = _seconds_to_wait(response.headers.get("Retry-After"), self.now())
            failure.challenge = response.headers.get("WWW-Authenticate", "")
            raise failure
        if 300 <= status < 400 and not redirect:
            raise self._refused_redirect(response, method, path)
        if status == 204 or redirect or not response.content:
            return Answer(status, response.headers, None, method, path)
        return Answer(status, response.headers, _parse(response, method, path), method, path)

    def _refused_redirect(self, response: requests.Response, method: str, path: str) -> QuayError:
        """No redirect is followed: credentials must not travel, and Quay itself only redirects where nothing is."""
        target = split_location(response.headers)
        own = urlsplit(self.origin)
        # To a path that it lacks, Quay adds a slash. It names the host as asked, and the scheme and port as a proxy
        # in front of it tells them.
        own_host = target.hostname in (None, own.hostname)
        if response.status_code == 308 and own_host and unquote(target.path) == unquote(path) + "/":
            return _endpoint_missing(308, method, path)
        elsewhere = target.hostname and (target.scheme, target.netloc) != (own.scheme, own.netloc)
        place = f"{target.scheme}://{target.hostname}" if elsewhere else "another page"
        return UnexpectedAnswer(
            method,
            path,
            f"the server redirects to {place}. Redirects are not followed with credentials; "
            "set quay_host to the address at which Quay itself answers",
        )


def split_location(headers: Mapping[str, str]) -> SplitResult:
    """Read the Location header; one that is missing or no URL is an empty one."""
    try:
        return urlsplit(headers.get("Location", ""))
    except ValueError:
        return urlsplit("")


@contextlib.contextmanager
def _quietly_unverified(verify: bool | str) -> Iterator[None]:
    """Who switches the check off knows it: urllib3's warning at each request would only clutter the output."""
    with warnings.catch_warnings():
        if verify is False:
            warnings.filterwarnings("ignore", message="Unverified HTTPS request")
        yield


def _verification(verify: bool | str) -> bool | str:
    """Refuse a CA file that cannot serve: what TLS says about it later is hard to understand."""
    if isinstance(verify, str) and not os.path.isdir(verify):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=verify)
        except FileNotFoundError:
            raise BadInput(f"ca_path: there is no file {verify} on the target") from None
        except ssl.SSLError:
            raise BadInput(f"ca_path: {verify} holds no certificate in PEM form") from None
        except OSError as error:
            raise BadInput(f"ca_path: {verify} cannot be read: {error.strerror}") from None
    return verify


def _endpoint_missing(status: int, method: str, path: str) -> EndpointMissing:
    return EndpointMissing(
        status,
        method,
        path,
        "",
        hint="This server does not offer that endpoint (an older Quay, or a feature that is off)",
    )


def _why_no_answer(error: Exception, timeout: float) -> tuple[str, bool, bool]:
    """Why no answer came, in plain words; whether the request may have reached the server; whether that will last."""
    failure = requests.exceptions
    causes = _causes(error)
    unsent = (NewConnectionError, ConnectTimeoutError)
    sent = not any(isinstance(cause, unsent) or _untrusted(cause) for cause in causes)
    if isinstance(error, ValueError):
        # requests reads a redirect's address, even that of one which it is told not to follow.
        words = "an address is malformed: that of quay_host, of a proxy, or of a redirect"
        return words, not isinstance(error, failure.RequestException), True
    if not isinstance(error, failure.RequestException):
        return "the file of CA certificates cannot be read; check REQUESTS_CA_BUNDLE", False, True
    if isinstance(error, failure.ProxyError):
        refused = next(filter(None, (_TUNNEL_REFUSED.match(str(cause)) for cause in causes)), None)
        status = refused.group(1) if refused else ""
        words = "the proxy did not let the request through" + (f" ({status})" if status else "")
        # A login that the proxy refuses is not offered again: that might lock it.
        return words, sent and not status, status == "407"
    if isinstance(error, failure.SSLError):
        return _tls_words(causes), sent, not sent
    if isinstance(error, failure.ConnectTimeout):
        return f"no connection within {timeout:g} s", False, False
    if isinstance(error, failure.Timeout) or any(isinstance(cause, ReadTimeoutError) for cause in causes):
        return f"no answer within {timeout:g} s", True, False
    return _cut_words(causes), sent, False


def _causes(error: BaseException) -> list[BaseException]:
    """The exception and those that requests and urllib3 wrapped in it; only classes and errno texts are ever shown."""
    causes = [error]
    while len(causes) < 10:
        near = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
        inner = next((cause for cause in near if isinstance(cause, BaseException)), None)
        # A QuayError is what was being handled when this request was made, not why it failed.
        if inner is None or isinstance(inner, QuayError):
            break
        causes.append(inner)
        error = inner
    return causes


def _untrusted(cause: BaseException) -> bool:
    """Whether the server's certificate is why; some versions of urllib3 have an exception of their own for names."""
    return isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError"


def _tls_words(causes: list[BaseException]) -> str:
    untrusted = next(filter(_untrusted, causes), None)
    if untrusted is not None:
        said = str(getattr(untrusted, "verify_message", "") or " ".join(map(str, untrusted.args))).rstrip(".")
        return (
            f"the server's TLS certificate is not trusted ({said}). Give the issuing CA by ca_path; "
            "validate_certs=false switches the check off and exposes the credentials"
        )
    reason = next((cause.reason for cause in causes if isinstance(cause, ssl.SSLError) and cause.reason), "")
    return f"TLS failed{f' ({reason})' if reason else ''}; does quay_host name a port that serves https?"


def _cut_words(causes: list[BaseException]) -> str:
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "the host name cannot be resolved"
    if any(isinstance(cause, IncompleteRead) for cause in causes):
        return "the answer broke off"
    said = (getattr(cause, "strerror", None) for cause in reversed(causes))
    return next(filter(None, said), "the connection was cut")


def _parse(response: requests.Response, method: str, path: str) -> Any:
    try:
        return response.json()
    except ValueError:
        pass
    kind = response.headers.get("Content-Type", "").split(";")[0]
    if "json" in kind:
        raise UnexpectedAnswer(method, path, "the JSON of the answer is broken or cut off")
    raise UnexpectedAnswer(
        method,
        path,
        f"expected JSON, got {kind or 'something without a type'}: is quay_host Quay itself, or a proxy's login page?",
    )


def _quay_words(response: requests.Response) -> tuple[str, str | None, dict[str, Any]]:
    """Quay's own message out of its five error shapes, the error type where there is one, and the body."""
    try:
        body = response.json()
    except ValueError:
        # Quay's 429 is plain text under an HTML type.
        page = response.text
        title = _TITLE.search(page)
        return ((title.group(1) if title else "" if "<" in page else page[:200]).strip(), None, {})
    if not isinstance(body, dict):
        return ("", None, {})
    listed = body.get("errors")
    if isinstance(listed, list) and listed and isinstance(listed[0], dict):
        return (str(listed[0].get("message") or ""), str(listed[0].get("code") or "") or None, body)
    # A schema failure puts pages of jsonschema into "detail"; its first line is the sentence.
    words = next((body[key] for key in ("error_message", "detail", "message", "error") if body.get(key)), "")
    kind = body.get("error_type")
    return (str(words).strip().split("\n", maxsplit=1)[0][:300], str(kind) if kind else None, body)


def _api_error(response: requests.Response, method: str, path: str, login: Login) -> ApiError:
    status = response.status_code
    words, kind, body = _quay_words(response)
    if status == 503 and body.get("is_readonly"):
        return ReadOnlyRegistry(status, method, path, words)
    if (
        login.kind == "bearer"
        and (status == 401 or (status == 403 and DEAD_BEARER in words))
        and not _lacks_scope(body)
    ):
        return NotAuthenticated(
            401,
            method,
            path,
            "",
            error_type="invalid_token",
            hint="Quay does not accept the token: it is wrong, revoked or expired (Quay does not say which). "
            "Check quay_token or QUAY_TOKEN",
        )
    if body.get("needsEmailVerification"):
        return NotAuthenticated(status, method, path, words, hint="The user's e-mail address is not verified yet")
    if "invalidCredentials" in body:
        return NotAuthenticated(status, method, path, words, hint="Check quay_username and quay_password")
    if status == 403 and DEAD_BEARER in words:
        hint = "Quay does not know the session: does a proxy drop its cookie?"
        return NotAuthenticated(status, method, path, words, hint=hint)
    if status == 401 and not _lacks_scope(body):
        return NotAuthenticated(status, method, path, words, error_type=kind)
    if status in (401, 403):
        hint = "The login lacks the right or the scope for this, or the object does not exist (Quay does not say which)"
        return Forbidden(status, method, path, words, error_type=kind, hint=hint)
    if status in (404, 405) and not body:
        return _endpoint_missing(status, method, path)
    if status == 404:
        return NotFound(status, method, path, words, error_type=kind)
    if status == 429:
        return RateLimited(status, method, path, words, hint="Quay asks to wait; try again later")
    return ApiError(status, method, path, words, error_type=kind)


def _lacks_scope(body: Mapping[str, Any]) -> bool:
    """GET /api/v1/user/ with a live token that lacks user:read is a 401 too, told apart by one extra key."""
    return body.get("session_required") is False


def _seconds_to_wait(value: str | None, now: datetime) -> float | None:
    """Retry-After in seconds, from a number or a date of the server's; None where it is absent or unreadable."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    moment = parse_time(value)
    return max(0.0, (moment - now).total_seconds()) if moment else None
