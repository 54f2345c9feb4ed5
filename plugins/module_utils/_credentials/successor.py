# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Which robot carries a credential next, and which names must rest. Pure.

Quay accepts a registry token (the JWT of /v2/auth) that was issued to a robot as the robot's password. Each login with
one gives another for a full hour, whatever happened to the robot's own token. Only deleting the robot stops that, and
only if no robot of its name is created again while one of these tokens may be valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Mapping, Sequence

from .._core.errors import BadInput
from .._core.times import format_time
from .._quay.robots import Robot, RobotName
from .pair_state import Pair, handle_of, is_named, robot_of_handle

# How long a name must not be used again. A registry token is valid for an hour, and Quay accepts it 30 seconds longer.
NAME_REST = timedelta(minutes=65)


@dataclass(frozen=True)
class Situation:
    """What is known when the next robot is chosen.

    ``robots``: the existing ones of the credential. ``taken``: names of robots that exist and belong to somebody else.
    ``deletions``: when robots were deleted lately, by short name; None if Quay's logs do not show it. ``issued_at``:
    when the secret of the active robot was issued. ``replaced``: handles of what it replaced. ``leaked``: whether the
    secret of the active robot leaked. ``unseen``: whether hosts that were not seen may hold the secret of any robot.
    """

    pair: Pair
    active: RobotName | None
    robots: Mapping[RobotName, Robot]
    taken: frozenset[RobotName]
    deletions: Mapping[str, datetime] | None
    issued_at: datetime | None
    replaced: Sequence[str]
    now: datetime
    leaked: bool = False
    unseen: bool = False

    def rests_until(self, name: RobotName) -> datetime | None:
        """When a robot of this name may be created; None if nothing is known that speaks against it now."""
        gone = []
        if self.deletions and name.short in self.deletions:
            gone.append(self.deletions[name.short])
        if self.issued_at is not None and any(is_named(name, robot_of_handle(handle)) for handle in self.replaced):
            gone.append(self.issued_at)  # it existed then
        until = max(gone) + NAME_REST if gone else self.now
        return until if until > self.now else None

    def is_leftover(self, name: RobotName) -> bool:
        """Whether an interrupted run created this robot as the next one, and no host holds its secret.

        A host to which that run delivered the secret may be one that is not seen now.
        """
        robot = None if self.unseen else self.robots.get(name)
        if robot is None or robot.created_at is None or self.issued_at is None or handle_of(robot) in self.replaced:
            return False
        return robot.created_at >= self.issued_at.replace(microsecond=0)

    @property
    def returns_to(self) -> Robot | None:
        """The robot of the credential's own name, if it must carry it and exists although it is not the former one."""
        own = None if self.pair.paired or self.active == self.pair.name else self.robots.get(self.pair.name)
        return None if own is None or self.leaked or handle_of(own) in self.replaced else own

    @property
    def candidates(self) -> list[RobotName]:
        """All names that the next robot may have, the preferred ones first."""
        preferred = self.pair.turns if self.pair.paired else (self.pair.name, *self.pair.turns)
        return [name for name in preferred if name != self.active and name not in self.taken]


@dataclass(frozen=True)
class Successor:
    """The next robot. ``robot``: None if it must be created.

    ``in_doubt``: whether registry tokens of an earlier robot of this name may be valid, because Quay's logs do not show
    when it was deleted. ``outlived``: whether they are valid, because the robot is used again.
    """

    name: RobotName
    robot: Robot | None = None
    in_doubt: bool = False
    outlived: bool = False


def choose_successor(situation: Situation) -> Successor:
    """The robot that carries the credential next. Raises BadInput if no name is free."""
    candidates = situation.candidates
    leftover = next((name for name in candidates if situation.is_leftover(name)), None)
    if leftover is not None:
        return Successor(leftover, situation.robots[leftover])
    if situation.returns_to is not None:
        return Successor(situation.pair.name, situation.returns_to, outlived=True)
    rested = [name for name in candidates if name not in situation.robots and not situation.rests_until(name)]
    if situation.deletions is None:
        rested = _never_used_first(situation, rested)
    if rested:
        in_doubt = situation.deletions is None and situation.pair.is_limited(rested[0])
        return Successor(rested[0], in_doubt=in_doubt)
    idle = [name for name in candidates if name in situation.robots]
    if idle:
        return Successor(idle[0], situation.robots[idle[0]], outlived=True)
    raise BadInput(_no_free_name(situation, candidates))


def _never_used_first(situation: Situation, names: Sequence[RobotName]) -> list[RobotName]:
    """The names in their order, but of those that take turns the one after the active robot's first.

    That one was not used for the longest time, if it was used at all.
    """
    turns = situation.pair.turns
    if situation.pair.explicit or situation.active not in turns:
        return list(names)
    after = turns.index(situation.active) + 1
    own = [name for name in names if name not in turns]
    return own + [name for name in (*turns[after:], *turns[:after]) if name in names]


def _no_free_name(situation: Situation, candidates: Sequence[RobotName]) -> str:
    resting = {name: until for name in candidates for until in [situation.rests_until(name)] if until is not None}
    if not resting:
        taken = ", ".join(str(name) for name in sorted(situation.taken, key=str))
        return f"{situation.pair.name}: no robot can carry it next. Robots of these names belong to others: {taken}"
    first = min(resting, key=lambda name: resting[name])
    return (
        f"{situation.pair.name}: no robot can carry it next. {', '.join(str(name) for name in resting)} existed within "
        "the last hour, and Quay would accept again the registry tokens that were issued then. Nothing was changed. "
        f"{first} can be created again from {format_time(resting[first])}. To rotate earlier, add another name to pair"
    )
