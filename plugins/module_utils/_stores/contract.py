# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What every kind of store implements, and what is read from and written to a store."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Collection, Protocol, Sequence

from .._core.credential import Record, fingerprint
from .secret_file import SecretFile

# What a store holds, compared with the present secret.
ABSENT = "absent"  # no secret
OTHER = "other"  # another secret, one without what belongs to it, or something that is none
WRONG_PERMISSIONS = "wrong_permissions"  # the present secret in a file with another owner or mode than declared
UNRECORDED = "unrecorded"  # the present secret without the record that belongs to it
CURRENT = "current"
UNREADABLE = "unreadable"  # its content is unknown, so it gets the present secret in each run

# The states of a store for which nothing has to be issued or written.
UP_TO_DATE = (CURRENT, UNREADABLE)

# The fingerprint of a secret that a store does not tell, and that somebody may have replaced since it was delivered.
UNKNOWN = "unknown"


@dataclass(frozen=True)
class StoredSecret:
    """What a store holds: the secret, its user name, and the record that was kept when it was delivered."""

    secret: str | None = field(default=None, repr=False)
    record: Record | None = None
    username: str | None = None
    permissions_match: bool = True  # whether owner and mode of the file are the declared ones
    foreign: bool = False  # whether the store holds what this collection did not write, and would replace by force
    removable: bool = True  # whether the secret can be removed and what others keep in the store stays
    complete: bool = True  # whether what belongs to the secret, such as its user name, is there as it was delivered
    # The fingerprint of a secret that the store holds and does not tell.
    untold: str | None = None
    readable: bool = True  # whether anything is known of what the store holds

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the secret; None if there is none."""
        return fingerprint(self.secret) or self.untold

    @property
    def recorded(self) -> bool:
        """Whether the record belongs to the secret."""
        return (
            self.record is not None
            and self.record.fingerprint is not None
            and self.record.fingerprint == self.fingerprint
        )

    def belongs_to(self, usernames: Collection[str | None]) -> bool:
        """Whether it is a secret of one of these users, as far as the store says whose it is."""
        return bool(self.fingerprint) and (self.username is None or self.username in usernames)

    def compared_with(self, secret: str | None, *, record_required: bool = False) -> str:
        """The store's state. UNRECORDED is one only if a record is required."""
        return self.compared_with_fingerprint(fingerprint(secret), record_required=record_required)

    def compared_with_fingerprint(self, present: str | None, *, record_required: bool = False) -> str:
        """The store's state, by the fingerprint of the present secret."""
        if not self.readable:
            return UNREADABLE
        if self.foreign:
            return OTHER
        if not self.fingerprint:
            return ABSENT
        if self.fingerprint != present or not self.complete:
            return OTHER
        if not self.permissions_match:
            return WRONG_PERMISSIONS
        return CURRENT if self.recorded or not record_required else UNRECORDED


@dataclass(frozen=True)
class Delivery:
    """What is written to a store: a secret, its user name, the credential's name, and the record."""

    secret: str = field(repr=False)
    username: str = ""
    name: str = ""
    record: Record = field(default_factory=Record)


def records_of(stored: Sequence[StoredSecret]) -> list[Record]:
    """The records of these stored secrets."""
    return [item.record for item in stored if item.record is not None]


class Store(Protocol):
    """A place where consumers find a credential."""

    place: str  # the store's name in messages; a store without files is also recognised by it
    part: str  # what of the place it writes, such as one entry; empty for all of it
    files: Sequence[SecretFile]  # the files to lock while the store is used
    tells_secret: bool  # whether the secret can be read back; otherwise only its fingerprint is known

    def check(self, *, removing: bool = False) -> None:
        """Raise if the store cannot be written as declared, or would lose what others keep there. Changes nothing.

        ``removing``: what others keep there is no reason, because it stays.
        """

    def warnings(self) -> list[str]:
        """What the user should know of the store although it can be written."""

    def read(self) -> StoredSecret:
        """What the store holds now."""

    def matches(self, delivery: Delivery) -> bool:
        """Whether a delivery would change nothing."""

    def prepare(self) -> AbstractContextManager[object]:
        """Do all of a write but its content, before a secret is minted."""

    def write(self, delivery: Delivery) -> None:
        """Write completely or not at all, and read back. Only inside of ``prepare``."""

    def remove(self) -> None:
        """Remove our credential from the store, and nothing else."""
