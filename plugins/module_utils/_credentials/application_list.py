# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The applications of one organization: read once for many credentials, and again after half a minute."""

from __future__ import annotations

import threading
from time import monotonic

from .._core.credential import fingerprint
from .._http.client import QuayClient
from .._quay.oauth import Application, Applications

# For so many seconds, the list counts as read just now.
_LISTED_FOR = 30.0


class ApplicationList:
    """The applications of one organization, with their client secrets."""

    def __init__(self, client: QuayClient, organization: str) -> None:
        self.organization = organization
        self._applications = Applications(client, organization)
        self._listed: list[Application] = []
        self._read_at: float | None = None
        # Credentials that are rotated at the same time ask for the same list.
        self._lock = threading.Lock()

    def by_client_id(self, client_id: str) -> Application | None:
        """The application with this client id, or None."""
        return next((application for application in self._all() if application.client_id == client_id), None)

    def by_name(self, name: str) -> Application | None:
        """The application of this name, or None. Raises BadInput if several have it."""
        return self._applications.named(name, self._all())

    def by_secret(self, shown: str | None) -> Application | None:
        """The application whose client secret has this fingerprint, or None."""
        found = (application for application in self._all() if fingerprint(application.client_secret) == shown)
        return next(found, None)

    def _all(self) -> list[Application]:
        with self._lock:
            if self._read_at is None or monotonic() - self._read_at >= _LISTED_FOR:
                self._listed, self._read_at = self._applications.list(), monotonic()
            return self._listed
