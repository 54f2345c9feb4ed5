# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A credential as all kinds share it, and the record that is kept beside a delivered secret."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Mapping

from .times import format_time


def fingerprint(secret: str | None) -> str | None:
    """The first 12 hex digits of a secret's SHA-256: safe to log, enough to compare. None for no secret."""
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()[:12] if secret else None


@dataclass(frozen=True)
class Record:
    """What was recorded when a secret was delivered. It counts only for the secret that its fingerprint names."""

    fingerprint: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    uuid: str | None = None
    superseded: tuple[str, ...] = ()  # handles of what the secret replaced and what may still be valid
    username: str | None = None  # the secret's user, where the store's own format has no place for it
    strategy: str | None = None  # how the credential is rotated, if robots carry it in turn

    def fits(self, secret: str | None) -> bool:
        """Whether the record belongs to this secret."""
        return self.fingerprint is not None and self.fingerprint == fingerprint(secret)


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
    robot_handle: str | None = None  # for a robot of a pair: which token of which robot this is
    strategy: str | None = None  # for a robot of a pair: the strategy that chose it
    details: Mapping[str, Any] = field(default_factory=dict)
    # The fingerprint of a secret that was not read, because a store that holds it is known by its record.
    recorded_fingerprint: str | None = None

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the secret; None if it is unknown."""
        return fingerprint(self.secret) or self.recorded_fingerprint

    @property
    def handle(self) -> str | None:
        """How this secret is named when it is revoked as superseded; None if it cannot outlive its successor."""
        return self.uuid or self.robot_handle

    def record(self) -> Record:
        """The record to keep beside the secret."""
        return Record(
            self.fingerprint,
            self.created_at,
            self.expires_at,
            self.uuid,
            self.superseded,
            self.username,
            self.strategy,
        )

    def public(self) -> dict[str, Any]:
        """The return keys that every token module shares, without the secret itself."""
        return {
            "name": self.name,
            "username": self.username,
            "uuid": self.uuid,
            "created_at": format_time(self.created_at),
            "expires_at": format_time(self.expires_at),
            "last_accessed": format_time(self.last_accessed),
            "age_source": self.age_source if self.created_at else None,
            "fingerprint": self.fingerprint,
            "superseded": list(self.superseded),
            **self.details,
        }
