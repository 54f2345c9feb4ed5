# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Which of a pair's robots is active, which is next, and which of their former secrets may still be valid. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Mapping, Optional, Sequence

from .._core.credential import fingerprint
from .._core.errors import BadInput
from .._quay.robots import Robot, RobotName
from .._stores.contract import StoredSecret
from .robot_lookup import records_of

PAIRED = "paired"

# Robots by name, as they were read; None for one that does not exist.
RobotsByName = Mapping[RobotName, Optional[Robot]]


@dataclass(frozen=True)
class Pair:
    """The robots of one credential. ``members`` take turns; ``others`` were used under another strategy."""

    name: RobotName
    members: tuple[RobotName, ...]
    others: tuple[RobotName, ...]

    @property
    def all(self) -> tuple[RobotName, ...]:
        return self.members + self.others

    def find(self, username: str) -> RobotName:
        """The robot that Quay calls by this full name. Raises StopIteration if it is none of these."""
        return next(name for name in self.all if is_named(name, username))


def pair_from_options(name: RobotName, params: Mapping[str, Any]) -> Pair:
    """The robots of a credential: the pair and the robot of its own name, in the roles that ``strategy`` gives them.

    Raises BadInput for an invalid pair.
    """
    paired = params["strategy"] == PAIRED
    if not paired and not params["pair"] and not name.has_room_for("_a"):
        # The name is too long for a pair, so it never had one.
        return Pair(name, (name,), ())
    pair = tuple(name.neighbour(text) for text in params["pair"] or [f"{name}_a", f"{name}_b"])
    if len(set(pair)) != 2 or name in pair:
        raise BadInput(f"pair must name two different robots, neither of them {name} itself")
    if any(robot.organization != name.organization for robot in pair):
        raise BadInput(f"pair: both robots must be in the namespace of {name}, because permissions end there")
    return Pair(name, pair, (name,)) if paired else Pair(name, (name,), pair)


def is_named(name: RobotName, username: str) -> bool:
    """Whether Quay calls this robot by this full name."""
    namespace, _plus, short = username.rpartition("+")
    return name.short == short and name.organization in (None, namespace)


def handle_of(robot: Robot) -> str:
    """Which token of which robot, without the secret: ``acme+ci_a@9f86d081884c``."""
    return f"{robot.name}@{fingerprint(robot.token)}"


def robot_of_handle(handle: str) -> str:
    """The robot's full name in a handle."""
    return handle.rpartition("@")[0]


def refuse_unknown_robot(pair: Pair, stored: Sequence[StoredSecret]) -> None:
    """Raise BadInput if a store holds what was delivered for a robot that is none of these.

    It is then unknown whose permissions the next robot needs, and its secret would open nothing.
    """
    for item in stored:
        username = item.username if item.recorded else None
        if username and "+" in username and not any(is_named(name, username) for name in pair.all):
            raise BadInput(
                f"A store of {pair.name} holds a secret of {username} from an earlier delivery, and {username} is "
                f"none of its robots ({', '.join(str(name) for name in pair.all)}). If the robots were renamed, run "
                f"the task once with strategy: in_place and the former pair, so that consumers and permissions move "
                f"to {pair.name}, and then with the new pair. If the place belongs to another credential, deliver "
                "this one to another place"
            )


def held_by_other_strategy(pair: Pair, stored: Sequence[StoredSecret]) -> bool:
    """Whether the stores hold, or replaced, what was delivered for a robot of another strategy.

    Only a record proves a delivery: a robot whose secret somebody put into a store is not ours, whatever its name.
    """
    delivered = {item.username for item in stored if item.recorded}
    replaced = {robot_of_handle(handle) for item in stored if item.record for handle in item.record.superseded}
    return any(is_named(other, username) for username in delivered | replaced if username for other in pair.others)


def held_by_unknown_token(robots: RobotsByName, stored: Sequence[StoredSecret]) -> bool:
    """Whether a store holds, or replaced, a secret of none of these robots."""
    existing = [robot for robot in robots.values() if robot is not None]
    tokens = {robot.token for robot in existing}
    names = {robot.name for robot in existing}
    replaced = {handle for record in records_of(stored) for handle in record.superseded}
    foreign = any(robot_of_handle(handle) not in names for handle in replaced)
    return foreign or any(item.secret and item.secret not in tokens for item in stored)


@dataclass(frozen=True)
class PairState:
    """The active robot, the next one, and the handles of former secrets that may still be valid."""

    active: RobotName | None
    target: RobotName
    superseded: tuple[str, ...]

    def is_served_by(self, pair: Pair) -> bool:
        """Whether the active robot is a member of the pair."""
        return self.active in pair.members


def pair_state_of(pair: Pair, robots: RobotsByName, stored: Sequence[StoredSecret]) -> PairState:
    """The pair's state, by what the stores hold. ``robots``: those that were read, with their present tokens."""
    active = _active(pair, robots, stored)
    target = next((name for name in pair.members if name != active), pair.members[0])
    return PairState(active, target, _superseded(pair, robots, stored, active))


def _active(pair: Pair, robots: RobotsByName, stored: Sequence[StoredSecret]) -> RobotName | None:
    """The robot whose secret the stores hold; of two, the one that was being delivered when a run was interrupted."""
    existing = [name for name in pair.all if robots.get(name) is not None]
    for matches in (_has_token, _has_name):
        matching = [(_delivered_at(item), name) for item in stored for name in existing if matches(robots[name], item)]
        if matching:
            return max(matching, key=lambda match: match[0])[1]
    # No store holds a present token. Consumers know the robot that was used last.
    beginning = datetime.min.replace(tzinfo=timezone.utc)
    members = [(name, robots.get(name)) for name in existing if name in pair.members]
    used = [((robot.last_accessed or robot.created_at or beginning), name) for name, robot in members if robot]
    return max(used, key=lambda use: use[0])[1] if used else None


def _has_token(robot: Robot | None, stored: StoredSecret) -> bool:
    return robot is not None and bool(stored.secret) and stored.secret == robot.token


def _has_name(robot: Robot | None, stored: StoredSecret) -> bool:
    """Whether the user name beside an outdated secret is the robot's: consumers know that robot."""
    return robot is not None and bool(stored.secret) and stored.username == robot.name


def _delivered_at(stored: StoredSecret) -> datetime:
    """When a store got its secret. A secret without its record is the one whose delivery was interrupted."""
    recorded = stored.record.created_at if stored.record and stored.recorded else None
    return recorded or datetime.max.replace(tzinfo=timezone.utc)


def _superseded(
    pair: Pair, robots: RobotsByName, stored: Sequence[StoredSecret], active: RobotName | None
) -> tuple[str, ...]:
    """The former secrets that may be valid: those that were recorded; without a record, that of the idle robot."""
    present = robots.get(active) if active else None
    if present is None:
        return ()
    records = [record for record in records_of(stored) if record.fits(present.token)]
    recorded = {handle for record in records for handle in record.superseded}
    idle = [(name, robot) for name, robot in robots.items() if robot is not None and name != active]
    return tuple(
        handle_of(robot)
        for name, robot in idle
        if handle_of(robot) in recorded or (not records and (name in pair.members or active not in pair.members))
    )
