# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What this Quay is: its own name, its features, whether it takes writes. Learned by asking, once, anonymously."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.tokensmith.quay.plugins.module_utils._client import QuayClient, path_of
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import (
    ApiError,
    EndpointMissing,
    ReadOnlyRegistry,
    UnexpectedAnswer,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._login import Login

_SERVICE = re.compile(r'service="([^"]+)"')
_ANONYMOUS = Login()


class Server:
    """Answers questions about one server, each kind by one request (GET /config: 1 ms, anonymous, on every Quay)."""

    def __init__(self, client: QuayClient) -> None:
        self._client = client
        self._page: dict[str, Any] | None = None
        self._challenged: str | None = None
        self._application_tokens: bool | None = None

    def refuse_if_read_only(self, method: str, path: str) -> None:
        """Raise ReadOnlyRegistry when the registry takes no writes: ahead of the write that the arguments name."""
        if self._config().get("registry_state") == "readonly":
            raise ReadOnlyRegistry(503, method, path, "")

    def feature(self, name: str) -> bool | None:
        """Whether a feature (without its prefix FEATURE_) is on; None where the server does not say."""
        value = self._section("features").get(name)
        return bool(value) if value is not None else None

    def authentication(self) -> str:
        """Where this Quay's users come from: C(Database), C(LDAP), C(OIDC) …; empty where the server does not say."""
        return str(self._section("config").get("AUTHENTICATION_TYPE") or "")

    def has_application_tokens(self) -> bool:
        """Whether the application-token endpoints are there (Quay 3.18 on): asked anonymously, of no application."""
        if self._application_tokens is None:
            self._application_tokens = self._probe_application_tokens()
        return self._application_tokens

    def hostname(self) -> str:
        """SERVER_HOSTNAME: what the server calls itself, which may differ from the address it is reached by."""
        named = self._section("config").get("SERVER_HOSTNAME")
        return str(named) if named else self._hostname_of_challenge()

    def oauth_page(self) -> str:
        """The only redirect address that Quay accepts for every application: its own C(/oauth/localapp)."""
        settings = self._section("config")
        scheme = settings.get("PREFERRED_URL_SCHEME") or self._client.origin.split(":")[0]
        handler = settings.get("LOCAL_OAUTH_HANDLER") or "/oauth/localapp"
        return f"{scheme}://{self.hostname()}{handler}"

    def _probe_application_tokens(self) -> bool:
        try:
            self._client.get(path_of("organization", "zz", "applications", "zz", "tokens"), login=_ANONYMOUS)
        except EndpointMissing:
            return False
        except ApiError:
            return True
        return True

    def _config(self) -> dict[str, Any]:
        if self._page is None:
            try:
                self._page = self._client.get("/config", login=_ANONYMOUS).mapping()
            except (ApiError, UnexpectedAnswer):
                # A proxy may hide the page; everything that needs it has another way or can do without.
                self._page = {}
        return self._page

    def _section(self, name: str) -> dict[str, Any]:
        section = self._config().get(name)
        return section if isinstance(section, dict) else {}

    def _hostname_of_challenge(self) -> str:
        """The registry's challenge at /v2/ names the service, whichever address was used to reach it."""
        if self._challenged is None:
            self._challenged = self._challenge() or self._client.netloc
        return self._challenged

    def _challenge(self) -> str:
        try:
            self._client.get("/v2/", login=_ANONYMOUS)
        except ApiError as refused:
            named = _SERVICE.search(refused.challenge)
            return named.group(1) if named else ""
        except UnexpectedAnswer:
            pass
        return ""
