# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The requests to the API of AWX (automation controller) that a store needs: credentials and their types.

AWX repeats values of a request in its error messages. No message of this client holds text that AWX sent.
"""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Mapping, Sequence

from .._core.errors import BadInput, StoreError
from .._core.times import parse_time
from .._http.address import encode_part, normalise_host
from .._http.errors import TransportError
from .._http.failures import ServerOptions, transport_error
from .._http.session import REQUESTS_IMPORT_ERROR, checked_verify, new_session, send_once
from .libraries import load_library
from .remote_options import AWX

KIND = AWX

# Seconds for each request.
TIMEOUT = 30.0

# Seconds before each repetition of a request that only reads.
_PAUSES = (0.5, 1.0, 2.0)
_RETRIED_STATUSES = (429, 502, 503, 504)
_READS = ("GET", "OPTIONS")
_OPTIONS = ServerOptions("awx_host", "CONTROLLER_HOST", "awx_ca_path", "awx_validate_certs")

_REFUSED_LOGIN = (
    "AWX does not accept the login: it is missing, wrong or expired (AWX does not say which). Check awx_token "
    "(CONTROLLER_OAUTH_TOKEN), or awx_username and awx_password"
)
_FORBIDDEN = (
    "the login lacks the permission. It needs the role Admin on the credential, and a token needs the scope write"
)
_TRY_AGAIN = "Check that AWX works, and run the task again"
_NO_API = "there is no API of AWX at this URL. Check awx_host and awx_api_path"


class AwxError(StoreError):
    """A request to AWX that did not succeed. ``status``: of the response; 0 if there is none.

    ``refused``: the names of the fields that AWX did not accept.
    """

    def __init__(
        self, message: str, status: int = 0, *, outcome_unknown: bool = False, refused: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.outcome_unknown = outcome_unknown
        self.refused = refused


@dataclass(frozen=True)
class AwxLogin:
    """Where AWX is, and who logs in there: by an OAuth token, or by user name and password."""

    host: str | None = None
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    api_path: str = "/api/"
    verify: bool | str = True

    @property
    def origin(self) -> str:
        """Scheme, host and port. Raises BadInput for anything else than an address."""
        if not self.host:
            raise BadInput(
                "awx_host is missing: set it, or CONTROLLER_HOST in the environment, to the address of AWX, such as "
                "https://awx.example.com"
            )
        # As awx.awx does, take a name without a scheme for https.
        host = self.host if "://" in self.host else f"https://{self.host}"
        try:
            return normalise_host(host)
        except BadInput:
            raise BadInput(
                "awx_host must be the address of AWX alone, such as https://awx.example.com, without a path, a user "
                "name or a password"
            ) from None

    @property
    def header(self) -> str:
        """The value of the Authorization header. Raises BadInput if there is no login."""
        if self.token:
            return f"Bearer {self.token}"
        if self.username and self.password:
            pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")
            return f"Basic {pair}"
        raise BadInput(
            "No login for AWX: give awx_token (or CONTROLLER_OAUTH_TOKEN), or awx_username and awx_password (or "
            "CONTROLLER_USERNAME and CONTROLLER_PASSWORD)"
        )


class AwxClient:
    """Sends requests to one AWX. Nothing is sent before the first call."""

    def __init__(self, login: AwxLogin, sleep: Callable[[float], None] | None = None) -> None:
        self._login = login
        self._sleep = sleep or time.sleep
        self._session: Any = None
        self._server_time: datetime | None = None

    @property
    def uses_token(self) -> bool:
        return bool(self._login.token)

    @property
    def url(self) -> str:
        """The URL of the API."""
        return f"{self._login.origin}{self._path('')}"

    def server_time(self) -> datetime:
        """AWX's own time at its last response."""
        return self._server_time or datetime.now(timezone.utc)

    def credentials(self, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        """The credentials that match, as far as the login may see them. At most one page of them."""
        return self._list("credentials/", filters)

    def credential(self, number: int) -> dict[str, Any]:
        return self._object("GET", f"credentials/{number}/")

    def credential_type(self, number: int) -> dict[str, Any]:
        return self._object("GET", f"credential_types/{number}/")

    def credential_types(self, name: str) -> list[dict[str, Any]]:
        return self._list("credential_types/", {"name": name})

    def organizations(self, name: str) -> list[dict[str, Any]]:
        return self._list("organizations/", {"name": name})

    def input_sources(self, number: int) -> list[str]:
        """The inputs of a credential that AWX reads from an external system instead."""
        return [
            str(source.get("input_field_name")) for source in self._list(f"credentials/{number}/input_sources/", {})
        ]

    def may_write(self) -> bool:
        """Whether AWX's description of the endpoint lets this login POST a credential: not with the scope read."""
        actions = self._object("OPTIONS", "credentials/").get("actions")
        return not isinstance(actions, dict) or "POST" in actions

    def update(self, number: int, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change a credential. Sent once. ``inputs`` in it must be complete: AWX drops those that are left out."""
        return self._object("PATCH", f"credentials/{number}/", json=changes)

    def create(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Create a credential. Sent once."""
        return self._object("POST", "credentials/", json=fields)

    def _list(self, path: str, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        results = self._object("GET", path, params={"page_size": "200", **filters}).get("results")
        if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
            raise AwxError(f"GET {self._url(path)}: {_NO_API}")
        return results

    def _object(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        attempt = 0
        while True:
            try:
                return self._interpret(method, path, self._send(method, path, **arguments))
            except AwxError as error:
                lasting = error.status and error.status not in _RETRIED_STATUSES
                if method not in _READS or lasting or attempt >= len(_PAUSES) or not error.outcome_unknown:
                    raise
            self._sleep(_PAUSES[attempt])
            attempt += 1

    def _send(self, method: str, path: str, **arguments: Any) -> Any:
        if REQUESTS_IMPORT_ERROR is not None:
            load_library("requests", KIND)
        headers = {"Accept": "application/json", "Authorization": self._login.header}
        url = self._url(path)
        verify = checked_verify(self._login.verify, "awx_ca_path")
        self._session = self._session or new_session()
        try:
            return send_once(self._session, method, url, verify=verify, headers=headers, timeout=TIMEOUT, **arguments)
        except (OSError, ValueError) as error:  # every exception of requests is an OSError
            failure = self._transport_error(method, path, error)
        # Not chained: the text of the exception holds the complete URL, a proxy's password included.
        raise failure

    def _transport_error(self, method: str, path: str, error: Exception) -> AwxError:
        cause: TransportError = transport_error(method, self._path(path), error, TIMEOUT, _OPTIONS)
        cause.origin = self._login.origin
        may_repeat = method in _READS and not cause.permanent
        return AwxError(str(cause), outcome_unknown=cause.outcome_unknown or may_repeat)

    def _interpret(self, method: str, path: str, response: Any) -> dict[str, Any]:
        where, status = f"{method} {self._url(path)}", response.status_code
        self._server_time = parse_time(response.headers.get("Date")) or self._server_time
        if 300 <= status < 400:
            raise AwxError(
                f"{where}: the server redirects. Redirects are not followed with credentials; set awx_host to the "
                "address of AWX itself",
                status,
            )
        try:
            data = response.json()
        except ValueError:
            data = None
        if status >= 400:
            raise _refusal(where, status, data)
        if not isinstance(data, dict):
            raise AwxError(f"{where}: {_NO_API}", status, outcome_unknown=method not in _READS)
        return data

    def _url(self, path: str) -> str:
        return f"{self._login.origin}{self._path(path)}"

    def _path(self, path: str) -> str:
        parts = [encode_part(part) for part in self._login.api_path.split("/") if part]
        return "/".join(["", *parts, "v2", path])


def _refusal(where: str, status: int, data: Any) -> AwxError:
    """The error for a response with an error status."""
    body = data if isinstance(data, dict) else {}
    if status == 401:
        return AwxError(f"{where}: {_REFUSED_LOGIN}", status)
    if status == 403:
        return AwxError(f"{where}: {_FORBIDDEN}", status)
    if status == 404:
        problem = "it does not exist, or the login may not see it" if body.get("detail") else _NO_API
        return AwxError(f"{where}: {problem}", status)
    if status >= 500 or status == 429:
        return AwxError(f"{where}: AWX answers {status}. {_TRY_AGAIN}", status, outcome_unknown=True)
    refused = sorted(_fields(body))
    named = f" It does not accept: {', '.join(refused)}" if refused else ""
    return AwxError(f"{where}: AWX refuses the request ({status}).{named}", status, refused=refused)


def _fields(body: Mapping[str, Any]) -> list[str]:
    """The names of the fields in a refusal, without what AWX says of them: that may repeat a secret."""
    inputs = body.get("inputs")
    names = [str(name) for name in inputs] if isinstance(inputs, dict) else []
    return names or [str(name) for name in body if name != "detail"]
