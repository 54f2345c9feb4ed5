# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The robots of one namespace and the age of their tokens, for one credential or for many at the same cost.

Quay keeps no date for a robot's token. It comes from the record of its delivery, else from the usage logs.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Iterable, Mapping, Optional, Sequence, Tuple

from .._core.credential import Record
from .._core.errors import BadInput
from .._module.context import ModuleContext
from .._quay.logs import Logs, LogsUnavailable
from .._quay.robots import Robot, RobotName, Robots
from .._stores.contract import StoredSecret
from .policy import AGE_FROM_CREATION, AGE_FROM_LOG, AGE_FROM_RECORD

# How far back to look for an entry that shows whether Quay logs a namespace at all. One request for each 28 days.
_LONGEST_SEARCH = timedelta(days=365)
# For so many seconds, a robot counts as it was seen.
_SEEN_FOR = 30.0

# When a token was issued, and where that is known from; (None, None) if it is unknown.
Age = Tuple[Optional[datetime], Optional[str]]


@dataclass(frozen=True)
class AgeQuery:
    """How old is this robot's token? Answered only as far as ``max_age`` makes it matter."""

    robot: Robot
    max_age: timedelta | None
    records: Sequence[Record]

    @property
    def short_name(self) -> str:
        return self.robot.name.rpartition("+")[2]

    @property
    def key(self) -> tuple[Any, ...]:
        """What the answer depends on."""
        return (self.robot.name, self.max_age, *self.records)

    def known_age(self, now: datetime) -> Age | None:
        """The age as far as it is known without the logs; None if they must be read.

        The record of a delivery counts if it fits Quay's present token. The token of a robot that is younger than the
        limit is young enough.
        """
        fitting = (record for record in self.records if record.created_at and record.fits(self.robot.token))
        record = next(fitting, None)
        if record is not None:
            return record.created_at, AGE_FROM_RECORD
        if self.max_age is None:
            return None, None
        if self.robot.created_at is not None and now - self.robot.created_at < self.max_age:
            return self.robot.created_at, AGE_FROM_CREATION
        return None


@dataclass(frozen=True)
class Deletions:
    """When robots were deleted, by short name; None if that is unknown."""

    times: Mapping[str, datetime] | None


@dataclass(frozen=True)
class Seen:
    """What a run that looks at many credentials at once saw of one of them.

    As long as its stores still hold the same, the robot need not be read again: whoever replaces its token meanwhile
    writes the stores, too.
    """

    lookup: RobotLookup
    stored: Sequence[StoredSecret] = field(repr=False)

    def still_holds(self, stored: Sequence[StoredSecret]) -> bool:
        """Whether it was just seen, with this in its stores."""
        return monotonic() - self.lookup.read_at < _SEEN_FOR and list(stored) == list(self.stored)


class RobotLookup:
    """Reads the robots of one namespace, each once. ``organization`` is None for the user's own namespace."""

    def __init__(self, context: ModuleContext, organization: str | None) -> None:
        self._context = context
        self.organization = organization
        self._robots = Robots(context.client)
        self._listed: dict[str, Robot] | None = None
        self.read_at = 0.0  # when all robots were read, by the monotonic clock
        self._found: dict[RobotName, Robot | None] = {}
        self._ages: dict[tuple[Any, ...], Age] = {}
        self._deletions: Deletions | None = None
        # Credentials that are rotated at the same time ask for the same logs.
        self._lock = threading.Lock()

    def prefetch(self, *, with_teams: bool = False) -> list[Robot]:
        """Read all robots of the namespace in one request."""
        self.read_at = monotonic()
        robots = self._robots.list(self.organization, with_teams=with_teams)
        self._listed = {robot.name.rpartition("+")[2]: robot for robot in robots}
        return robots

    def all(self) -> list[Robot]:
        """All robots of the namespace. Read once."""
        return self.prefetch() if self._listed is None else list(self._listed.values())

    def existing(self, names: Iterable[RobotName]) -> dict[RobotName, Robot]:
        """Those of these robots that exist, with their teams, but without their metadata."""
        if self._listed is None:
            self.prefetch(with_teams=True)
        listed = self._listed or {}
        return {name: self.get(name) or listed[name.short] for name in names if name.short in listed}

    def get(self, name: RobotName) -> Robot | None:
        """The robot with its token, or None. Asked once.

        Raises BadInput if the login may see the robot but not its token.
        """
        if self._listed is not None:
            robot = self._listed.get(name.short)
        else:
            robot = self._found[name] if name in self._found else self._robots.get(name)
            self._found[name] = robot
        if robot is not None and robot.token is None:
            raise BadInput(
                f"This login may see the robot {name} but not its token, which Quay shows to administrators of the "
                "organization only. Use the login of a member of its team owners, or of another team with the role "
                "admin; a token needs the scope org:admin"
            )
        return robot

    def read(self, name: RobotName) -> Robot | None:
        """The robot as it is now, with its metadata, or None."""
        return self._robots.get(name)

    def deletions(self, since: datetime, logged: datetime | None = None) -> Mapping[str, datetime] | None:
        """When robots were last deleted, by short name, since then; None if Quay's logs do not show it. Asked once.

        ``logged``: a time at which something must have been logged, if one is known.
        """
        with self._lock:
            if self._deletions is None:
                self._deletions = self._read_deletions(since, logged)
            return self._deletions.times

    def _read_deletions(self, since: datetime, logged: datetime | None) -> Deletions:
        logs = Logs(self._context.client, self.organization)
        try:
            return Deletions(logs.robot_deletions(since, max(logged or since, since - _LONGEST_SEARCH)))
        except LogsUnavailable:
            return Deletions(None)

    def prefetch_ages(self, queries: Sequence[AgeQuery]) -> None:
        """Find out the ages of several tokens, with one pass through the logs for all."""
        ages = token_ages(self._context, self.organization, queries)
        self._ages.update(zip((query.key for query in queries), ages))

    def age_of(self, query: AgeQuery) -> Age:
        """The age of one token."""
        if query.key not in self._ages:
            self.prefetch_ages([query])
        return self._ages[query.key]


def token_ages(context: ModuleContext, organization: str | None, queries: Sequence[AgeQuery]) -> list[Age]:
    """The age of the present tokens of one namespace's robots, in the order of the queries.

    The logs are read once for all robots whose age is not known otherwise. A token of unknown age counts as old as its
    robot.
    """
    now = context.client.now()
    known = [query.known_age(now) for query in queries]
    unknown = [query for query, age in zip(queries, known) if age is None]
    changes: dict[str, datetime] = {}
    if unknown:
        longest = max(query.max_age for query in unknown if query.max_age is not None)
        changes = _token_changes(context, organization, [query.short_name for query in unknown], now - longest)
    return [age or _age_from_logs(query.robot, changes.get(query.short_name)) for query, age in zip(queries, known)]


def _token_changes(
    context: ModuleContext, organization: str | None, robots: Sequence[str], since: datetime
) -> dict[str, datetime]:
    """When the robots' tokens last changed, from the logs; nothing, with a warning, if the logs cannot be read."""
    try:
        return Logs(context.client, organization).token_changes(robots, since)
    except LogsUnavailable as error:
        context.warn(
            f"The usage logs do not show the age of robot tokens ({error}). A token without a record of its delivery "
            "counts as old as its robot."
        )
        return {}


def _age_from_logs(robot: Robot, changed: datetime | None) -> Age:
    """The date in the log, unless the robot was created later under the same name; else the robot's own date."""
    if changed is None or (robot.created_at is not None and robot.created_at > changed):
        return robot.created_at, AGE_FROM_CREATION
    return changed, AGE_FROM_LOG
