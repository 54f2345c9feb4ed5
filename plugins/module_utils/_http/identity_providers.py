# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""OIDC tokens from those who issue them: a CI system for its job, or an issuer for a client that has a secret.

Both are other servers than Quay. No message holds text that they sent, because it may repeat a secret.
"""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence
from urllib.parse import quote_plus, urlsplit

from .._core.errors import IdentityError
from .errors import TransportError
from .failures import ServerOptions, transport_error
from .session import send_once

if TYPE_CHECKING:
    import requests

REQUEST_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 (the name of a variable)

# Seconds for each request.
_TIMEOUT = 30.0
# Seconds before each repetition of a request that only reads.
_PAUSES = (0.5, 1.0, 2.0)
_RETRIED_STATUSES = (429, 500, 502, 503, 504)
_JOB = ServerOptions(REQUEST_URL, "", "oidc_ca_path", "")
_ISSUER = ServerOptions("oidc_issuer", "", "oidc_ca_path", "")

# What an OAuth server calls the reason of a refusal, and what to do.
_REFUSALS = {
    "invalid_client": "it does not accept oidc_client_id with oidc_client_secret",
    "unauthorized_client": "the client may not use the grant client_credentials. Allow it at the issuer",
    "unsupported_grant_type": "it does not offer the grant client_credentials",
    "invalid_scope": "it does not accept oidc_scopes",
    "invalid_target": "it does not accept oidc_audience",
    "invalid_request": "it does not accept the request. Check oidc_scopes and oidc_audience",
}


class IdentityProviders:
    """Requests OIDC tokens. Nothing is sent before the first call."""

    def __init__(
        self, session: requests.Session, verify: bool | str = True, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """``verify``: whether TLS certificates are verified, or the path of a file with the CAs to trust."""
        self._session = session
        self._verify = verify
        self._sleep = sleep

    def job_token(self, url: str, request_token: str, audience: str | None) -> str:
        """The OIDC token of this job of GitHub Actions, Forgejo Actions or Gitea Actions.

        ``url`` and ``request_token``: what the runner put into the environment. Raises IdentityError.
        """
        separator = "&" if urlsplit(url).query else "?"
        address = f"{url}{separator}audience={quote_plus(audience)}" if audience else url
        headers = {"Authorization": f"Bearer {request_token}"}
        answer = self._read(address, _JOB, headers, "the job may lack the permission id-token: write")
        return _text(answer, "value", f"GET {_shown(url)}")

    def client_token(
        self, issuer: str, client_id: str, client_secret: str, audience: str | None, scopes: Sequence[str]
    ) -> str:
        """A token of an OIDC issuer for a client (discovery, then the grant client_credentials).

        Raises IdentityError.
        """
        discovery_url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        discovery = self._read(discovery_url, _ISSUER, {}, "Check oidc_issuer")
        where = f"GET {_shown(discovery_url)}"
        # Another issuer's document would send the secret to another server.
        if str(discovery.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
            raise IdentityError(f"{where}: the document is that of another issuer. Check oidc_issuer")
        endpoint = _text(discovery, "token_endpoint", where)
        if urlsplit(endpoint).scheme != "https":
            raise IdentityError(f"{where}: its token_endpoint has no https URL, so the secret is not sent there")
        form = {"grant_type": "client_credentials"}
        if audience:
            form["audience"] = audience
        if scopes:
            form["scope"] = " ".join(scopes)
        headers = {}
        if _takes_form(discovery):
            form.update(client_id=client_id, client_secret=client_secret)
        else:
            pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
        where = f"POST {_shown(endpoint)}"
        try:
            response = self._send("POST", endpoint, _ISSUER, headers, form)
        except TransportError as error:
            raise IdentityError(str(error)) from None
        return _text(_granted(response, where), "access_token", where)

    def _read(self, url: str, options: ServerOptions, headers: Mapping[str, str], hint: str) -> dict[str, Any]:
        where = f"GET {_shown(url)}"
        for pause in (*_PAUSES, None):
            try:
                response = self._send("GET", url, options, headers)
            except TransportError as error:
                if pause is None or error.permanent:
                    raise IdentityError(str(error)) from None
            else:
                if pause is None or response.status_code not in _RETRIED_STATUSES:
                    return _json(response, where, hint)
            self._sleep(pause)
        raise IdentityError(f"{where}: no response")

    def _send(
        self,
        method: str,
        url: str,
        options: ServerOptions,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send one request. Raises TransportError."""
        parts = urlsplit(url)
        try:
            return send_once(
                self._session,
                method,
                url,
                data=form,
                headers={"Accept": "application/json", **headers},
                timeout=_TIMEOUT,
                verify=self._verify,
            )
        except (OSError, ValueError) as error:  # every exception of requests is an OSError
            failure = transport_error(method, parts.path, error, _TIMEOUT, options)
            failure.origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        # Not chained: the text of the exception holds the complete URL, a proxy's password included.
        raise failure


def _takes_form(discovery: Mapping[str, Any]) -> bool:
    """Whether the issuer takes the secret of a client in the form. All take it in the header, unless they say so.

    In the header, servers disagree on how special characters are encoded.
    """
    methods = discovery.get("token_endpoint_auth_methods_supported")
    return isinstance(methods, list) and "client_secret_post" in methods


def _shown(url: str) -> str:
    """The URL without its query, which may hold what nobody else should see."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _json(response: requests.Response, where: str, hint: str) -> dict[str, Any]:
    status = response.status_code
    if 300 <= status < 400:
        raise IdentityError(f"{where}: the server redirects. Redirects are not followed with credentials")
    if status >= 400:
        raise IdentityError(f"{where}: the server answers {status}. {hint[:1].upper()}{hint[1:]}")
    return _object(response, where)


def _granted(response: requests.Response, where: str) -> dict[str, Any]:
    """The body of a token response. Raises IdentityError with the reason of a refusal, if it is a known one."""
    if response.status_code < 400:
        return _json(response, where, "")
    try:
        body = response.json()
    except ValueError:
        body = None
    code = str(body.get("error", "")) if isinstance(body, dict) else ""
    reason = _REFUSALS.get(code, "check oidc_client_id, oidc_client_secret, oidc_scopes and oidc_audience")
    raise IdentityError(f"{where}: the issuer answers {response.status_code}: {reason}")


def _object(response: requests.Response, where: str) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise IdentityError(f"{where}: the answer is no JSON object, so it comes from something else, such as a proxy")
    return body


def _text(body: Mapping[str, Any], key: str, where: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise IdentityError(f"{where}: the answer has no '{key}'")
    return value
