# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Reads the robots of one credential: those that its stores name, or all that exist."""

from __future__ import annotations

from typing import Sequence

from .._quay.robots import Robot, RobotName
from .._stores.contract import StoredSecret
from .pair_state import (
    Pair,
    RobotsByName,
    held_by_unknown_token,
    is_marked,
    is_recorded,
    is_recorded_token,
    named_robots,
    recorded_robots,
)
from .robot_lookup import RobotLookup


class PairRobots:
    """The robots of one credential."""

    def __init__(self, pair: Pair, lookup: RobotLookup) -> None:
        self._pair = pair
        self._lookup = lookup

    def read(self, stored: Sequence[StoredSecret]) -> RobotsByName:
        """The robots that decide which one is active: those that the stores name, if they have records."""
        if is_recorded(stored):
            known = self._known(stored)
            named = named_robots(self._pair, stored)
            names = [name for name in self._pair.all if name in named]
            robots = {name: self._lookup.get(name) for name in names if name in known or self._is_own(name, stored)}
            if not held_by_unknown_token(robots, stored):
                return robots
        own, _taken = self.list(stored)
        robots = {name: robot for name, robot in own.items() if name in self._pair.members}
        # A store may hold the secret of a robot that carried the credential under another strategy.
        return own if held_by_unknown_token(robots, stored) else robots

    def list(self, stored: Sequence[StoredSecret]) -> tuple[dict[RobotName, Robot], frozenset[RobotName]]:
        """All existing robots of the credential, and the names of those that belong to somebody else.

        A robot is the credential's if its name says so (see Pair.usual), if a record names its present token, or if it
        was created for the credential.
        """
        known = self._known(stored)
        existing = self._lookup.existing(self._pair.all)
        own = {name: robot for name, robot in existing.items() if name in known or self._is_own(name, stored)}
        return own, frozenset(existing.keys() - own.keys())

    def _known(self, stored: Sequence[StoredSecret]) -> set[RobotName]:
        named = recorded_robots(self._pair, stored) if self._pair.explicit else set()
        return {*self._pair.usual, self._pair.name, *named}

    def _is_own(self, name: RobotName, stored: Sequence[StoredSecret]) -> bool:
        """Whether a robot is the credential's although its name does not say so.

        Whoever can write to a store can name any robot in its record, so the name in a record proves nothing.
        """
        if name in recorded_robots(self._pair, stored):
            robot = self._lookup.get(name)
            if robot is None or is_recorded_token(robot, stored):
                return True
        return self._is_marked(name)

    def _is_marked(self, name: RobotName) -> bool:
        robot = self._lookup.read(name)
        return robot is not None and is_marked(robot, self._pair)
