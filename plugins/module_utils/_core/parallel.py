# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Bounded parallel work in one process: a function for each item, and items that must not run at the same time."""

from __future__ import annotations

import threading
from typing import Any, Callable, Hashable, Iterable, Sequence, TypeVar

_Item = TypeVar("_Item")
_Outcome = TypeVar("_Outcome")


def in_parallel(function: Callable[[_Item], _Outcome], items: Sequence[_Item], workers: int) -> list[_Outcome]:
    """What ``function`` returns for each item, in the order of the items. At most ``workers`` run at the same time.

    If the process is interrupted, or a call raises, no other call begins, and those that run are waited for: a secret
    that was issued is delivered.
    """
    if workers <= 1 or len(items) <= 1:
        return [function(item) for item in items]
    # Imported here, because most modules have one thing to do and need no threads.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(workers, len(items))) as executor:
        futures = [executor.submit(function, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()


class Shared:
    """What several calls that run at the same time need, made once for each key. The others wait for it meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._made: dict[Hashable, Any] = {}

    def get(self, key: Hashable, make: Callable[[], _Item], usable: Callable[[_Item], bool]) -> _Item:
        """What ``make`` returned for this key. It is made again when it is no longer ``usable``."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._made or not usable(self._made[key]):
                self._made[key] = make()
            made: _Item = self._made[key]
            return made


def grouped_by_shared(items: Sequence[_Item], places: Callable[[_Item], Iterable[Hashable]]) -> list[list[_Item]]:
    """The items in groups, so that items of two groups have no place in common. Groups and items keep their order."""
    groups: dict[int, list[int]] = {}
    group_of: dict[int, int] = {}
    owner: dict[Hashable, int] = {}
    for number, item in enumerate(items):
        joined = {group_of[owner[place]] for place in places(item) if place in owner}
        first = min(joined, default=number)
        members = sorted([member for group in joined for member in groups.pop(group)] + [number])
        groups[first] = members
        group_of.update(dict.fromkeys(members, first))
        owner.update(dict.fromkeys(places(item), number))
    return [[items[member] for member in members] for _first, members in sorted(groups.items())]
