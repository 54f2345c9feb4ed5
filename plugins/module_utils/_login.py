# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The ways to log in to Quay, one class each.

A login adds headers to a request and learns from the answers. Only the session login sends requests of its own, and
only when it is first used. Cookies are kept by the login, never by the HTTP session, so that a bearer request and a
signed-in request can share connections without sharing an identity.
"""

from __future__ import annotations

import base64
import re
from typing import Any, Callable, Mapping

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import BadInput

# (method, path, headers, json) -> (headers, cookies) of a successful answer; see QuayClient.exchange
Exchange = Callable[..., Any]

_SAFE = ("GET", "HEAD")
_TOKEN = re.compile(r"[!-~]+")

# What to type as the user name beside the other kinds of secrets.
MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)

OAUTH_USERNAME = "$oauthtoken"
APP_USERNAME = "$app"


class Login:
    """No login at all: what the public may see."""

    kind = "anonymous"

    def ready(self, exchange: Exchange) -> None:
        """Do whatever must come before the first request (nothing here)."""

    def headers(self, method: str) -> dict[str, str]:
        """The headers to add to a request with this method."""
        return {}

    def at_registry(self) -> Login:
        """The login to use at the registry's token service, C(/v2/auth)."""
        return self

    def learn(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> None:
        """Take note of what an answer says about the login."""


class BearerLogin(Login):
    """An OAuth access token. Costs the server one password hash per request."""

    kind = "bearer"

    def __init__(self, token: str) -> None:
        """Raise BadInput for what cannot stand in a header; the message does not repeat it."""
        if not _TOKEN.fullmatch(token):
            raise BadInput("quay_token holds a blank, a line break or another character that no token of Quay has")
        self._token = token

    def headers(self, method: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def at_registry(self) -> BasicLogin:
        """The same token as the registry's token service takes it."""
        return BasicLogin(OAUTH_USERNAME, self._token)


class BasicLogin(Login):
    """A name and a secret by HTTP Basic: accepted at C(/v2/auth) and the browser's OAuth pages, never at C(/api/v1)."""

    kind = "basic"

    def __init__(self, username: str, secret: str) -> None:
        pair = f"{username}:{secret}".encode()
        self._header = "Basic " + base64.b64encode(pair).decode("ascii")

    def headers(self, method: str) -> dict[str, str]:
        return {"Authorization": self._header}


class _CsrfPair(Login):
    """A CSRF token and the session cookie that it belongs to (GET /csrf_token)."""

    def __init__(self) -> None:
        self._csrf = ""
        self._cookies: dict[str, str] = {}

    def ready(self, exchange: Exchange) -> None:
        if not self._csrf:
            answer = exchange("GET", "/csrf_token", login=self)
            self._csrf = str(answer.mapping().get("csrf_token", ""))

    def headers(self, method: str) -> dict[str, str]:
        headers = {}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if self._csrf and method not in _SAFE:
            headers["X-CSRF-Token"] = self._csrf
        return headers

    def learn(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> None:
        self._cookies.update(cookies)
        # After signing in, the token of before is dead and this one counts.
        self._csrf = headers.get("X-Next-CSRF-Token", self._csrf)


class SessionLogin(_CsrfPair):
    """Sign in with a password, once, as the browser does (GET /csrf_token, POST /api/v1/signin).

    It never signs out: Quay then ends all sessions of that user everywhere. A session costs the server 13 to 20 times
    less per request than a bearer token.
    """

    kind = "session"

    def __init__(self, username: str, password: str) -> None:
        super().__init__()
        self.username = username
        self._password = password
        self._signed_in = False

    @property
    def signed_in(self) -> bool:
        return self._signed_in

    def at_registry(self) -> BasicLogin:
        """The same user as the registry's token service takes him."""
        return BasicLogin(self.username, self._password)

    def without_session(self) -> BasicWithCsrf:
        """The same user for one form of the browser's, without signing in."""
        return BasicWithCsrf(self.username, self._password)

    def ready(self, exchange: Exchange) -> None:
        if self._signed_in:
            return
        super().ready(exchange)
        self._signed_in = True  # set first: the request below comes through here, too
        try:
            exchange(
                "POST",
                "/api/v1/signin",
                json={"username": self.username, "password": self._password},
                login=self,
                replay_when_limited=True,
            )
        except Exception:
            self._signed_in = False
            raise


class BasicWithCsrf(_CsrfPair):
    """HTTP Basic plus the CSRF pair of an anonymous session: enough for C(/oauth/authorizeapp), leaves no session."""

    kind = "basic"

    def __init__(self, username: str, password: str) -> None:
        super().__init__()
        self._basic = BasicLogin(username, password)

    def headers(self, method: str) -> dict[str, str]:
        headers = super().headers(method)
        if self._csrf:
            headers.update(self._basic.headers(method))
        return headers


class RegistryLogin(Login):
    """A registry token (the JWT of C(/v2/auth)), good at C(/v2) alone."""

    kind = "registry"

    def __init__(self, token: str) -> None:
        self._token = token

    def headers(self, method: str) -> dict[str, str]:
        # Quay would rewrite an image for whoever does not take what it has, and a rewritten one has another digest.
        return {"Authorization": f"Bearer {self._token}", "Accept": ", ".join(MANIFEST_TYPES)}
