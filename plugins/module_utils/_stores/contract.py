# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What a store of credentials is: the contract that each kind of store fulfils in one file (C(_store_*.py))."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from .._core.credential import Record


@dataclass(frozen=True)
class StoredSecret:
    """What a store holds: the secret, and what was written down beside it."""

    secret: str | None = field(default=None, repr=False)
    record: Record | None = None
    username: str | None = None
    permissions_match: bool = True  # whether the file's permissions and owner are the wanted ones

    @property
    def recorded(self) -> bool:
        """Whether what is written down belongs to the secret."""
        return self.record is not None and self.record.fits(self.secret)

    def serves(self, secret: str | None, *, recorded: bool = False) -> bool:
        """Whether this is the secret, kept as it shall be; ``recorded``: and written down."""
        return self.secret == secret and self.permissions_match and (self.recorded or not recorded)


@dataclass(frozen=True)
class Delivery:
    """What is written to a store: a secret, whose it is, and what is known of it."""

    secret: str = field(repr=False)
    username: str = ""
    name: str = ""
    record: Record = field(default_factory=Record)


class Store(Protocol):
    """A place where consumers find a credential."""

    place: str  # what to call it, for a person

    def check(self) -> None:
        """Refuse a place that cannot be written. Touches nothing."""

    def read(self) -> StoredSecret:
        """What it holds now."""

    def matches(self, delivery: Delivery) -> bool:
        """Whether a delivery would change nothing."""

    def prepare(self) -> AbstractContextManager[object]:
        """Claim what writing needs, before a secret is minted."""

    def write(self, delivery: Delivery) -> None:
        """Write it whole or not at all, and read it back. Only inside of ``prepare``."""

    def remove(self) -> None:
        """Take our credential out of the store."""
