# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What a server offers: its own name, its features, whether it takes writes. Asked once, anonymously."""

from __future__ import annotations

import re
import threading
from typing import Any

from .address import api_path
from .auth import Auth
from .client import QuayClient
from .errors import ApiError, EndpointMissing, ReadOnlyRegistry, UnexpectedResponse

_SERVICE = re.compile(r'service="([^"]+)"')
_ANONYMOUS = Auth()


class Server:
    """The capabilities of one server. Sends each request at most once (GET /config: 1 ms, anonymous, on every Quay)."""

    def __init__(self, client: QuayClient) -> None:
        self._client = client
        self._page: dict[str, Any] | None = None
        self._challenged: str | None = None
        self._application_tokens: bool | None = None
        # Credentials that are rotated at the same time ask the same questions.
        self._lock = threading.Lock()

    def refuse_if_read_only(self, method: str, path: str) -> None:
        """Raise ReadOnlyRegistry if the registry takes no writes. The arguments name the write that would follow."""
        if self._config().get("registry_state") == "readonly":
            error = ReadOnlyRegistry(503, method, path, "")
            error.origin = self._client.origin
            raise error

    def feature(self, name: str) -> bool | None:
        """Whether a feature (without its prefix FEATURE_) is on; None if the server does not report it."""
        value = self._section("features").get(name)
        return bool(value) if value is not None else None

    def authentication(self) -> str:
        """AUTHENTICATION_TYPE, where Quay's users come from: Database, LDAP, OIDC …; empty if it is not reported."""
        return str(self._section("config").get("AUTHENTICATION_TYPE") or "")

    def disallows_robots(self) -> bool:
        """Whether robots may neither be created nor, unless they are on ROBOTS_WHITELIST, used (ROBOTS_DISALLOW)."""
        return bool(self._section("config").get("ROBOTS_DISALLOW"))

    def has_application_tokens(self) -> bool:
        """Whether the server has the application-token endpoints (Quay 3.18 and later). Asked anonymously."""
        with self._lock:
            if self._application_tokens is None:
                self._application_tokens = self._probe_application_tokens()
            return self._application_tokens

    def hostname(self) -> str:
        """SERVER_HOSTNAME, the server's own name, which may differ from the address in quay_host."""
        named = self._section("config").get("SERVER_HOSTNAME")
        return str(named) if named else self._hostname_of_challenge()

    def oauth_page(self) -> str:
        """The URL of Quay's own page /oauth/localapp: the one redirect URI that it accepts for every application."""
        settings = self._section("config")
        scheme = settings.get("PREFERRED_URL_SCHEME") or self._client.origin.split(":")[0]
        handler = settings.get("LOCAL_OAUTH_HANDLER") or "/oauth/localapp"
        return f"{scheme}://{self.hostname()}{handler}"

    def _probe_application_tokens(self) -> bool:
        try:
            self._client.get(api_path("organization", "zz", "applications", "zz", "tokens"), auth=_ANONYMOUS)
        except EndpointMissing:
            return False
        except ApiError:
            return True
        return True

    def _config(self) -> dict[str, Any]:
        with self._lock:
            if self._page is None:
                try:
                    self._page = self._client.get("/config", auth=_ANONYMOUS).json_object()
                except (ApiError, UnexpectedResponse):
                    # A proxy may hide the page. Its callers have another source or can do without.
                    self._page = {}
            return self._page

    def _section(self, name: str) -> dict[str, Any]:
        section = self._config().get(name)
        return section if isinstance(section, dict) else {}

    def _hostname_of_challenge(self) -> str:
        """The service that the registry's challenge at /v2/ names, whichever address the request used."""
        with self._lock:
            if self._challenged is None:
                self._challenged = self._challenge() or self._client.netloc
            return self._challenged

    def _challenge(self) -> str:
        try:
            self._client.get("/v2/", auth=_ANONYMOUS)
        except ApiError as refused:
            named = _SERVICE.search(refused.challenge)
            return named.group(1) if named else ""
        except UnexpectedResponse:
            pass
        return ""
