# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The one shape in which every kind of credential leaves the collection."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Mapping

from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._times import iso


@dataclass(frozen=True)
class Credential:
    """What is known of one credential. ``details`` holds what only its kind has (scopes, access, client_id …)."""

    name: str
    username: str | None
    secret: str | None = field(default=None, repr=False)
    uuid: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_accessed: datetime | None = None
    age_source: str | None = None
    superseded: tuple[str, ...] = ()
    twin: str | None = None  # of a robot that takes turns: which token of which robot this is
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def handle(self) -> str | None:
        """By what this secret is retired once it is superseded; None where it cannot live beside its successor."""
        return self.uuid or self.twin

    def record(self) -> Record:
        """What a holder should write down beside the secret."""
        return Record(
            fingerprint(self.secret), self.created_at, self.expires_at, self.uuid, self.superseded, self.username
        )

    def public(self) -> dict[str, Any]:
        """The return keys that every token module shares, without the secret itself."""
        return {
            "name": self.name,
            "username": self.username,
            "uuid": self.uuid,
            "created_at": iso(self.created_at),
            "expires_at": iso(self.expires_at),
            "last_accessed": iso(self.last_accessed),
            "age_source": self.age_source,
            "fingerprint": fingerprint(self.secret),
            "superseded": list(self.superseded),
            **self.details,
        }
