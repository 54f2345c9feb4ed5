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
    QuayError,
    ReadOnlyRegistry,
    UnexpectedAnswer,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._login import Login

_SERVICE = re.compile(r'service="([^"]+)"')
_ANONYMOUS = Login()


class Server:
    """Answers questions about one server with at most one request each way (GET /config: 1 ms, anonymous, on every Quay)."""

    def __init__(self, client: QuayClient) -> None:
        self._client = client
        self._page: dict[str, Any] | None = None

    def refuse_if_read_only(self, method: str, path: str) -> None:
        """Raise ReadOnlyRegistry when the registry takes no writes, before the write named by the arguments is tried."""
        if self._config().get("registry_state") == "readonly":
            raise ReadOnlyRegistry(503, method, path, "not sent, because the registry says that it is read-only")

    def feature(self, name: str) -> bool | None:
        """Whether a feature (without its prefix FEATURE_) is on; None where the server does not say."""
        value = self._config().get("features", {}).get(name)
        return bool(value) if value is not None else None

    def has_application_tokens(self) -> bool:
        """Whether the application-token endpoints are there (Quay 3.18 and later): asked anonymously, of no application."""
        try:
            self._client.get(path_of("organization", "zz", "applications", "zz", "tokens"), login=_ANONYMOUS)
        except EndpointMissing:
            return False
        except ApiError:
            return True
        return True

    def hostname(self) -> str:
        """SERVER_HOSTNAME: what the server calls itself, which may differ from the address it is reached by."""
        named = self._settings().get("SERVER_HOSTNAME")
        return str(named) if named else self._hostname_of_challenge()

    def oauth_page(self) -> str:
        """The only redirect address that Quay accepts for every application: its own C(/oauth/localapp)."""
        settings = self._settings()
        scheme = settings.get("PREFERRED_URL_SCHEME") or self._client.origin.split(":")[0]
        handler = settings.get("LOCAL_OAUTH_HANDLER") or "/oauth/localapp"
        return f"{scheme}://{self.hostname()}{handler}"

    def _config(self) -> dict[str, Any]:
        if self._page is None:
            try:
                self._page = self._client.get("/config", login=_ANONYMOUS).mapping()
            except (ApiError, UnexpectedAnswer):
                # A proxy may hide the page; everything that needs it has another way or can do without.
                self._page = {}
        return self._page

    def _settings(self) -> dict[str, Any]:
        settings = self._config().get("config")
        return settings if isinstance(settings, dict) else {}

    def _hostname_of_challenge(self) -> str:
        """The registry's challenge at /v2/ names the service, whichever address was used to reach it."""
        try:
            self._client.get("/v2/", login=_ANONYMOUS)
        except ApiError as refused:
            named = _SERVICE.search(refused.challenge)
            if named:
                return named.group(1)
        except QuayError:
            pass
        return self._client.netloc
