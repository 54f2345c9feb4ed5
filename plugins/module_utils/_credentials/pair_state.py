# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The robots that carry one credential in turn: which one is active, which secrets may still be valid. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cached_property
from typing import Any, Mapping, Optional, Sequence

from .._core.credential import fingerprint
from .._core.errors import BadInput
from .._core.names import MAX_LENGTH
from .._quay.robots import Robot, RobotName
from .._stores.contract import StoredSecret, records_of
from .policy import IN_PLACE, PAIRED

# Robots by name, as they were read; None for one that does not exist.
RobotsByName = Mapping[RobotName, Optional[Robot]]

# A suffix distinguishes the robots of one credential.
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# _a to _z, then _a2 to _z2 and so on: more than can be used up within the time for which a name must rest.
_SUFFIXES = [f"_{letter}{number}" for number in ("", *"23456789") for letter in _LETTERS]
# Without the option pair, robots of these two names belong to the credential even if nothing else shows it.
_USUAL = 2

# The key in a robot's metadata which shows that it was created for a credential. The value is the credential's robot.
_MARK = "tokensmith.quay/credential"


@dataclass(frozen=True)
class Pair:
    """The robots of one credential: that of its own name for in_place, and those that take turns for paired.

    ``chosen``: the robots that take turns, if the user named them, so that there are no others.
    """

    name: RobotName
    chosen: tuple[RobotName, ...] | None
    paired: bool

    @property
    def explicit(self) -> bool:
        return bool(self.chosen)

    @cached_property
    def turns(self) -> tuple[RobotName, ...]:
        """The robots that take turns. Their names are made when they are needed: most credentials have no turns."""
        if self.chosen is not None:
            return self.chosen
        suffixes = [suffix for suffix in _SUFFIXES if self.name.has_room_for(suffix)]
        return tuple(replace(self.name, short=self.name.short + suffix) for suffix in suffixes)

    @property
    def members(self) -> tuple[RobotName, ...]:
        """The robots that may carry the credential under the declared strategy."""
        return self.turns if self.paired else (self.name,)

    @property
    def others(self) -> tuple[RobotName, ...]:
        """The robots that carried it under another strategy, or while the name of the credential had to rest."""
        return (self.name,) if self.paired else self.turns

    @property
    def all(self) -> tuple[RobotName, ...]:
        return self.members + self.others

    @property
    def usual(self) -> tuple[RobotName, ...]:
        """The members that belong to the credential by their names alone."""
        return self.members if self.explicit else self.members[:_USUAL]

    def is_limited(self, name: RobotName) -> bool:
        """Whether the user chose this name, so that no other one can take its place."""
        return self.explicit or name == self.name

    def find(self, username: str) -> RobotName:
        """The robot that Quay calls by this full name. Raises StopIteration if it is none of these."""
        return next(name for name in self.all if is_named(name, username))

    def __str__(self) -> str:
        """The robots as messages name them."""
        shown = [*self.turns[: len(self.turns) if self.explicit else _USUAL], self.name]
        return ", ".join(str(name) for name in shown)


def is_robot_of(params: Mapping[str, Any], username: str | None) -> bool:
    """Whether the robot of this full name may carry the credential, or may have carried it, by its name alone."""
    pair = pair_from_options(RobotName.parse(params["name"]), {**params, "strategy": IN_PLACE})
    return any(is_named(robot, username or "") for robot in pair.all)


def with_strategy(params: Mapping[str, Any], stored: Sequence[StoredSecret]) -> dict[str, Any]:
    """The options with the strategy: the declared one, else that by which the stored secret was issued.

    A credential without any is replaced in place.
    """
    recorded = {item.record.strategy for item in stored if item.record and item.recorded}
    present = PAIRED if PAIRED in recorded else IN_PLACE
    return {**params, "strategy": params["strategy"] or present}


def pair_from_options(name: RobotName, params: Mapping[str, Any]) -> Pair:
    """The robots of a credential. Raises BadInput for an invalid pair."""
    paired = params["strategy"] == PAIRED
    if not params["pair"]:
        pair = Pair(name, None, paired)
        if paired and len(pair.turns) < _USUAL:
            raise BadInput(f"name: {name} is too long for strategy: paired without pair, which appends _a and _b")
        return pair
    chosen = tuple(_in_namespace_of(name, RobotName.parse(text), params) for text in params["pair"])
    if len(chosen) < _USUAL or len(set(chosen)) < len(chosen) or name in chosen:
        raise BadInput(f"pair must name at least two different robots, none of them {name} itself")
    if any(robot.organization != name.organization for robot in chosen):
        raise BadInput(
            f"pair: all robots must be in the namespace of {name}, because permissions end there. Write their names "
            "without an organization"
        )
    return Pair(name, chosen, paired)


def _in_namespace_of(name: RobotName, robot: RobotName, params: Mapping[str, Any]) -> RobotName:
    """A robot of the pair, in the namespace of the credential if its name has none.

    It is in the user's own namespace if that of the credential was written with the user's name.
    """
    if robot.organization is None:
        robot = replace(robot, organization=name.organization, user=name.user)
        if not robot.has_room_for(""):
            raise BadInput(f"pair: {robot} is too long for a robot: the full name has {MAX_LENGTH} characters at most")
    is_own = name.organization is None and robot.organization == RobotName.parse(params["name"]).organization
    return replace(robot, organization=None, user=robot.organization) if is_own else robot


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


def marked(metadata: Mapping[str, Any] | None, pair: Pair, name: RobotName) -> dict[str, Any] | None:
    """The metadata with which this robot is created: with the mark, if its name is not that of the credential."""
    plain = {key: value for key, value in (metadata or {}).items() if key != _MARK}
    if name == pair.name:
        return plain or None
    return {**plain, _MARK: pair.name.short}


def is_marked(robot: Robot, pair: Pair) -> bool:
    """Whether the robot was created for this credential. ``robot``: as read alone, with its metadata."""
    return (robot.metadata or {}).get(_MARK) == pair.name.short


def refuse_unknown_robot(pair: Pair, stored: Sequence[StoredSecret]) -> None:
    """Raise BadInput if a store holds what was delivered for a robot that is none of these.

    It is then unknown whose permissions the next robot needs, and its secret would open nothing.
    """
    for item in stored:
        username = item.username if item.recorded else None
        if username and "+" in username and not any(is_named(name, username) for name in pair.all):
            raise BadInput(
                f"A store of {pair.name} holds a secret of {username} from an earlier delivery, and {username} is "
                f"none of its robots ({pair}). If the robots were renamed, run the task once with strategy: in_place "
                f"and the former pair, so that consumers and permissions move to {pair.name}, and then with the new "
                "pair. If the place belongs to another credential, deliver this one to another place"
            )


def is_recorded(stored: Sequence[StoredSecret]) -> bool:
    """Whether a store knows what was delivered to it."""
    return any(item.recorded for item in stored)


def recorded_robots(pair: Pair, stored: Sequence[StoredSecret]) -> set[RobotName]:
    """The robots of the credential that the records in the stores name: delivered, or replaced by what was delivered.

    Only a record proves a delivery: a robot whose secret somebody put into a store is not ours, whatever its name.
    """
    delivered = {item.username for item in stored if item.recorded}
    replaced = {robot_of_handle(handle) for record in records_of(stored) for handle in record.superseded}
    names = {username for username in delivered | replaced if username}
    others = {username for username in names if not is_named(pair.name, username)}
    found = {pair.name} if others < names else set()
    # Most credentials have only ever been carried by the robot of their own name.
    turns = pair.turns if others else ()
    return found | {name for name in turns if any(is_named(name, username) for username in others)}


def is_recorded_token(robot: Robot, stored: Sequence[StoredSecret]) -> bool:
    """Whether a record names this robot's present token: as delivered with it, or as replaced by what was delivered."""
    delivered = any(item.recorded and item.fingerprint == fingerprint(robot.token) for item in stored)
    return delivered or any(handle_of(robot) in record.superseded for record in records_of(stored))


def named_robots(pair: Pair, stored: Sequence[StoredSecret]) -> set[RobotName]:
    """The robots of the credential that the stores name in any way."""
    usernames = {item.username for item in stored if item.fingerprint and item.username}
    return recorded_robots(pair, stored) | {name for name in pair.all for user in usernames if is_named(name, user)}


def held_by_other_strategy(pair: Pair, stored: Sequence[StoredSecret]) -> bool:
    """Whether the stores hold, or replaced, what was delivered for a robot of another strategy."""
    recorded = recorded_robots(pair, stored)
    return pair.name in recorded if pair.paired else bool(recorded - {pair.name})


def held_by_unknown_token(robots: RobotsByName, stored: Sequence[StoredSecret]) -> bool:
    """Whether a store holds a secret of none of these robots."""
    tokens = {fingerprint(robot.token) for robot in robots.values() if robot is not None}
    return any(item.fingerprint and item.fingerprint not in tokens for item in stored)


@dataclass(frozen=True)
class PairState:
    """The active robot, and the handles of former secrets that may still be valid."""

    active: RobotName | None
    superseded: tuple[str, ...]

    def is_served_by(self, pair: Pair) -> bool:
        """Whether the active robot is one of the declared strategy."""
        return self.active in pair.members


def pair_state_of(pair: Pair, robots: RobotsByName, stored: Sequence[StoredSecret]) -> PairState:
    """The state by what the stores hold. ``robots``: those of the credential that were read, with present tokens."""
    active = _active(pair, robots, stored)
    return PairState(active, _superseded(pair, robots, stored, active))


def _active(pair: Pair, robots: RobotsByName, stored: Sequence[StoredSecret]) -> RobotName | None:
    """The robot whose secret the stores hold; of two, the one that was being delivered when a run was interrupted."""
    existing = [name for name in pair.all if robots.get(name) is not None]
    for matches in (_has_token, _has_name):
        matching = [(_delivered_at(item), name) for item in stored for name in existing if matches(robots[name], item)]
        if matching:
            return max(matching, key=lambda match: match[0])[1]
    # No store holds a present token. Consumers know the robot that was used last.
    members = {name: robot for name, robot in robots.items() if robot is not None and name in pair.members}
    return max(members, key=lambda name: _used_last(members[name])) if members else None


def _used_last(robot: Robot) -> tuple[datetime, datetime]:
    """When a robot was used or created, for comparison."""
    created = robot.created_at or datetime.min.replace(tzinfo=timezone.utc)
    return robot.last_accessed or created, created


def _has_token(robot: Robot | None, stored: StoredSecret) -> bool:
    return robot is not None and stored.fingerprint is not None and stored.fingerprint == fingerprint(robot.token)


def _has_name(robot: Robot | None, stored: StoredSecret) -> bool:
    """Whether the user name beside an outdated secret is the robot's: consumers know that robot."""
    return robot is not None and stored.fingerprint is not None and stored.username == robot.name


def _delivered_at(stored: StoredSecret) -> datetime:
    """When a store got its secret. A secret without its record is the one whose delivery was interrupted."""
    recorded = stored.record.created_at if stored.record and stored.recorded else None
    return recorded or datetime.max.replace(tzinfo=timezone.utc)


def _superseded(
    pair: Pair, robots: RobotsByName, stored: Sequence[StoredSecret], active: RobotName | None
) -> tuple[str, ...]:
    """The former secrets that may be valid: those that were recorded; without a record, those of all idle robots."""
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
