# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""On which hosts of a play the stores of a credential are. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from .._stores.kinds import ROLE_KINDS as STORE_KINDS


@dataclass(frozen=True)
class Placement:
    """The host that a declaration is read for, the rotator, and the hosts that each pattern of the declaration matches.

    Without a host, the declaration is not read for one host of a play: everything concerns it.
    """

    host: str | None = None
    rotator: str | None = None
    patterns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ephemeral_rotator: bool = False  # whether the files of the rotator are lost after the run

    def hosts_of(self, pattern: str) -> list[str] | None:
        """The hosts that a pattern matches; None if that is unknown."""
        return list(self.patterns[pattern]) if pattern in self.patterns else None

    def concerns(self, store: Mapping[str, Any]) -> bool:
        """Whether the host, or the rotator for it, writes this store."""
        hosts = self._named(store)
        return self.host is None or STORE_KINDS[store["kind"]].on_rotator or hosts is None or self.host in hosts

    def is_on_rotator(self, store: Mapping[str, Any]) -> bool:
        """Whether the store is reached from where Quay is asked."""
        if STORE_KINDS[store["kind"]].on_rotator:
            return True
        hosts = self._named(store)
        return self.host == self.rotator if hosts is None else self.rotator in hosts

    def is_on_host(self, store: Mapping[str, Any]) -> bool:
        """Whether the store is a file of the host, which is not the rotator."""
        on_machine = not STORE_KINDS[store["kind"]].on_rotator
        return on_machine and self.host != self.rotator and self.concerns(store)

    def expected_hosts(self, store: Mapping[str, Any]) -> list[str] | None:
        """The hosts that must have this store, without the rotator; None for every host of the play."""
        if STORE_KINDS[store["kind"]].on_rotator:
            return []
        hosts = self._named(store)
        return None if hosts is None else [host for host in hosts if host != self.rotator]

    def _named(self, store: Mapping[str, Any]) -> list[str] | None:
        pattern = store.get("hosts")
        return None if pattern is None else self.hosts_of(pattern) or []


EVERYWHERE = Placement()


def store_itself(store: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a store without those that a play has for it: its hosts, and whether it is to be cleared."""
    return {name: value for name, value in store.items() if name not in ("hosts", "state")}


def is_former(store: Mapping[str, Any]) -> bool:
    """Whether consumers no longer read the store, so that it is to be cleared."""
    return store.get("state") == "absent"


def used_stores(credential: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    """The stores of a credential that consumers read, with their positions in ``deliver``."""
    return [item for item in enumerate(credential.get("deliver", ()), 1) if not is_former(item[1])]
