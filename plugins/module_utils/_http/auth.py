# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The ways to authenticate with Quay, one class each.

An Auth adds headers to a request and reads what a response says about them. Only the session sends requests of its own,
and only when it is first used. An Auth keeps its cookies itself, so a bearer request and a signed-in request can share
connections without sharing an identity.
"""

from __future__ import annotations

import base64
import re
import threading
from typing import Any, Callable, Mapping

from .._core.credential import fingerprint
from .._core.errors import BadInput, BadLogin

# As QuayClient.request.
SendRequest = Callable[..., Any]

_SAFE_METHODS = ("GET", "HEAD")
_TOKEN = re.compile(r"[!-~]+")

MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)

# The user name that goes with an OAuth access token where the registry wants a user name and a password.
OAUTH_USERNAME = "$oauthtoken"
# The same for an app token. Only the registry accepts it.
APP_USERNAME = "$app"


class Auth:
    """No credentials: what the public may see."""

    kind = "anonymous"

    def prepare(self, request: SendRequest) -> None:
        """Send whatever must come before the first request (nothing here)."""

    def headers(self, method: str) -> dict[str, str]:
        """The headers to add to a request with this method."""
        return {}

    def for_registry(self) -> Auth:
        """The same identity for the registry's token service, /v2/auth."""
        return self

    def process_response(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> None:
        """Keep what a response sets (nothing here)."""

    def renew(self, request: SendRequest) -> bool:
        """Enter the password again, after Quay refused a request because that was too long ago.

        Returns whether the request can be sent again (never here).
        """
        return False


class WebAuth(Auth):
    """No credentials, for pages of the web application.

    With its present web interface, the proxy in front of Quay (nginx) answers 405 to POST /oauth/access_token itself.
    It hands the request over to Quay for those who chose the former interface by this cookie.
    """

    def headers(self, method: str) -> dict[str, str]:
        return {"Cookie": "defaultui=angular"}


class BearerAuth(Auth):
    """An OAuth access token. Costs the server one password hash per request."""

    kind = "bearer"

    def __init__(self, token: str) -> None:
        """Raises BadInput for a token that cannot be sent in a header; the message does not repeat it."""
        if not _TOKEN.fullmatch(token):
            raise BadInput("quay_token holds a space, a line break or another character that no token of Quay has")
        self._token = token

    @property
    def token(self) -> str:
        """The token itself, a secret."""
        return self._token

    def headers(self, method: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def holds(self, secret: str | None) -> bool:
        """Whether this is the token."""
        return secret == self._token

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the token, safe to log."""
        return fingerprint(self._token)

    def for_registry(self) -> BasicAuth:
        return BasicAuth(OAUTH_USERNAME, self._token)


class BasicAuth(Auth):
    """A user name and a secret by HTTP Basic: accepted at /v2/auth and by the browser's OAuth pages, not at /api/v1."""

    kind = "basic"

    def __init__(self, username: str, secret: str) -> None:
        pair = f"{username}:{secret}".encode()
        self._header = "Basic " + base64.b64encode(pair).decode("ascii")

    def headers(self, method: str) -> dict[str, str]:
        return {"Authorization": self._header}


class _CsrfAuth(Auth):
    """A CSRF token with the session cookie that it belongs to (GET /csrf_token)."""

    def __init__(self) -> None:
        self._csrf = ""
        self._cookies: dict[str, str] = {}

    def prepare(self, request: SendRequest) -> None:
        if not self._csrf:
            response = request("GET", "/csrf_token", auth=self)
            self._csrf = str(response.json_object().get("csrf_token", ""))

    def headers(self, method: str) -> dict[str, str]:
        headers = {}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if self._csrf and method not in _SAFE_METHODS:
            headers["X-CSRF-Token"] = self._csrf
        return headers

    def process_response(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> None:
        self._cookies.update(cookies)
        # Signing in invalidates the former CSRF token and sends the next one.
        self._csrf = headers.get("X-Next-CSRF-Token", self._csrf)


class SessionAuth(_CsrfAuth):
    """A session of a user: signs in with a password, once, as the browser does (GET /csrf_token, POST /api/v1/signin).

    It never signs out: Quay then ends all sessions of that user everywhere. A request in a session costs the server 13
    to 20 times less than one with a bearer token.
    """

    kind = "session"

    def __init__(self, username: str, password: str) -> None:
        super().__init__()
        self.username = username
        self._password = password
        self._signed_in = False
        self._renewing = False
        # One thread signs in, and the others wait for it. The requests of the sign-in come back to this object.
        self._lock = threading.RLock()

    @property
    def signed_in(self) -> bool:
        return self._signed_in

    def for_registry(self) -> BasicAuth:
        return BasicAuth(self.username, self._password)

    def without_session(self) -> BasicCsrfAuth:
        """The same user for one form of the browser's pages, without signing in."""
        return BasicCsrfAuth(self.username, self._password)

    def refuse_registry_user(self) -> None:
        """Raise BadLogin for a user name with which nobody can sign in, because only the registry accepts it."""
        if "+" not in self.username and not self.username.startswith("$"):
            return
        kind = "robot" if "+" in self.username else "token"
        raise BadLogin(
            f"quay_username: '{self.username}' is the name of a {kind}, which can log in to the registry only, not to "
            "the API. Use quay_token with an OAuth access token, or a user's name and password"
        )

    def prepare(self, request: SendRequest) -> None:
        with self._lock:
            self._sign_in(request)

    def _sign_in(self, request: SendRequest) -> None:
        if self._signed_in:
            return
        self.refuse_registry_user()
        super().prepare(request)
        self._signed_in = True  # set first: the request below calls this method, too
        try:
            request(
                "POST",
                "/api/v1/signin",
                json={"username": self.username, "password": self._password},
                auth=self,
                replay_when_limited=True,
            )
        except Exception:
            self._signed_in = False
            raise

    def renew(self, request: SendRequest) -> bool:
        """POST /api/v1/signin/verify keeps the session, which counts as fresh again."""
        with self._lock:
            return self._verify_password(request)

    def _verify_password(self, request: SendRequest) -> bool:
        if self._renewing:
            return False
        self._renewing = True
        try:
            request(
                "POST",
                "/api/v1/signin/verify",
                json={"password": self._password},
                auth=self,
                replay_when_limited=True,
            )
        finally:
            self._renewing = False
        return True


class BasicCsrfAuth(_CsrfAuth):
    """HTTP Basic with the CSRF token of an anonymous session: enough for /oauth/authorizeapp, and leaves no session."""

    kind = "basic"

    def __init__(self, username: str, password: str) -> None:
        super().__init__()
        self._basic = BasicAuth(username, password)

    def headers(self, method: str) -> dict[str, str]:
        headers = super().headers(method)
        if self._csrf:
            headers.update(self._basic.headers(method))
        return headers


class RegistryAuth(Auth):
    """A registry token (the JWT of /v2/auth), accepted below /v2 only."""

    kind = "registry"

    def __init__(self, token: str) -> None:
        self._token = token

    def headers(self, method: str) -> dict[str, str]:
        # Quay converts an image for clients that do not accept its type, and a converted image has another digest.
        return {"Authorization": f"Bearer {self._token}", "Accept": ", ".join(MANIFEST_TYPES)}
