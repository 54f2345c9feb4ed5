# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""One robot's token: read, made, replaced and proved without losing it, and how old it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Mapping, Optional, Sequence, Tuple

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import (
    ApiError,
    Forbidden,
    QuayError,
    RefusedCredential,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import (
    AGE_FROM_CREATION,
    AGE_FROM_LOG,
    AGE_FROM_RECORD,
    Record,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._logs import Logs, LogsSilent
from ansible_collections.tokensmith.quay.plugins.module_utils._registry import prove
from ansible_collections.tokensmith.quay.plugins.module_utils._robots import (
    Robot,
    RobotName,
    Robots,
    is_unknown_robot,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call
from ansible_collections.tokensmith.quay.plugins.module_utils._store import Held

# How often to look again when other writers keep replacing the robot's token.
_PATIENCE = 3


class RobotToken:
    """The token of one robot. Replacing it kills the old one at once, and Quay can tell the present one again."""

    def __init__(
        self,
        call: Call,
        name: RobotName,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._call = call
        self._name = name
        self._description = description
        self._metadata = metadata
        self._robots = Robots(call.client)

    def read(self) -> Robot | None:
        """The robot with its token, or None; refuses a login that may see the robot but not its token."""
        robot = self._robots.get(self._name)
        if robot is not None and robot.token is None:
            raise Forbidden(
                403, "GET", self._name.path, "", hint=f"This login may see the robot {self._name} but not its token"
            )
        return robot

    def replace(self, known: set[str]) -> tuple[Robot, bool]:
        """A robot with a new token, and whether there was one before. ``known``: its possible tokens of before."""
        try:
            return self._robots.regenerate(self._name), True
        except QuayError as error:
            if isinstance(error, ApiError) and is_unknown_robot(error):
                return self.create(known), False
            return self._look_after(error, known), True

    def end(self, robot: Robot) -> None:
        """Give the robot a token that nobody is told, so that the one given is dead."""
        try:
            self._robots.regenerate(self._name)
        except QuayError as error:
            if isinstance(error, ApiError) and is_unknown_robot(error):
                return
            self._look_after(error, {robot.token or ""})

    def create(self, known: set[str]) -> Robot:
        """A new robot with its first token."""
        try:
            return self._robots.create(self._name, self._description, self._metadata)
        except QuayError as error:
            return self._look_after(error, known, creating=True)

    def _look_after(self, error: QuayError, known: set[str], *, creating: bool = False) -> Robot:
        """After a lost answer, the robot's present token tells whether the deed was done. Nothing is repeated."""
        robot = self._robots.get(self._name) if error.unclear else None
        if robot is None or robot.token is None or robot.token in known:
            raise error
        if not known and not creating:
            raise RefusedCredential(
                f"{error}. Whether the token was replaced cannot be told, because the old one was not looked at. "
                "Nothing is lost: Quay can tell the present token; run the task again"
            )
        return robot

    def proved(self, robot: Robot) -> tuple[Robot, QuayError | None]:
        """The robot with a token that Quay accepts: this run's, or that of another writer who was faster.

        Two writers at once are both told 200, and only one token lives. It is a good one: it is what Quay holds.
        """
        for _attempt in range(_PATIENCE):
            try:
                if robot.token and prove(self._call.client, robot.name, robot.token, robot.namespace).live:
                    return robot, None
            except QuayError as error:
                # The old token is dead: consumers are better off with this one than with none.
                return robot, error
            found = self._robots.get(self._name)
            if found is None or found.token == robot.token:
                break
            robot = found
        raise RefusedCredential(
            f"Quay does not accept the new token of {self._name} at /v2/auth. The robot's present token can be read "
            "again: run the task once more, and look whether something else regenerates this robot"
        )

    def warn_of_fixed_fields(self, robot: Robot) -> None:
        """Say which declared fields differ: Quay can set them at creation only."""
        if self._description is not None and robot.description != self._description:
            self._call.warn(
                f"The description of {self._name} differs from the wanted one. Quay can set it at creation only; "
                "delete and create the robot to change it."
            )
        if self._metadata is not None and robot.metadata is not None and dict(robot.metadata) != dict(self._metadata):
            self._call.warn(
                f"The metadata of {self._name} differ from the wanted ones. Quay can set them at creation only; "
                "delete and create the robot to change them."
            )


def records_of(held: Sequence[Held]) -> list[Record]:
    """What the holders wrote down."""
    return [item.record for item in held if item.record is not None]


@dataclass(frozen=True)
class AgeQuestion:
    """How old is this robot's token? Asked only as far as ``max_age`` makes it matter."""

    robot: Robot
    short: str
    max_age: timedelta | None
    records: Sequence[Record]


Age = Tuple[Optional[datetime], Optional[str]]


def ages_of(call: Call, organization: str | None, questions: Sequence[AgeQuestion]) -> list[Age]:
    """When the present tokens of one namespace's robots were made, and who says so; one answer for each question.

    The holder's record counts where it fits Quay's present token. A robot younger than the limit needs no asking. The
    logs are asked once for all others. The rule where nobody knows: a token counts as old as its robot.
    """
    now = call.client.now()
    known = [_known_age(question, now) for question in questions]
    unknown = [question for question, age in zip(questions, known) if age is None]
    changes: dict[str, datetime] = {}
    if unknown:
        longest = max(question.max_age for question in unknown if question.max_age is not None)
        changes = _token_changes(call, organization, [question.short for question in unknown], now - longest)
    return [age or _dated(question.robot, changes.get(question.short)) for question, age in zip(questions, known)]


def _known_age(question: AgeQuestion, now: datetime) -> Age | None:
    """The age as far as it can be told without the logs; None where they must be asked."""
    robot = question.robot
    noted = next((r.created_at for r in question.records if r.created_at and r.fits(robot.token)), None)
    if noted is not None:
        return noted, AGE_FROM_RECORD
    if question.max_age is None:
        return None, None
    if robot.created_at is not None and now - robot.created_at < question.max_age:
        return robot.created_at, AGE_FROM_CREATION
    return None


def _token_changes(call: Call, organization: str | None, robots: list[str], since: datetime) -> dict[str, datetime]:
    """When the robots' tokens last changed, out of the logs; silent logs answer nothing, with a warning."""
    try:
        return Logs(call.client, organization).token_changes(robots, since)
    except LogsSilent as silence:
        call.warn(
            f"The usage logs cannot tell the age of robot tokens ({silence}). A token without a record of its delivery "
            "counts as old as its robot."
        )
        return {}


def _dated(robot: Robot, changed: datetime | None) -> Age:
    """The token's date: the log's, unless the robot was created later under the same name; else the robot's own."""
    if changed is None or (robot.created_at is not None and robot.created_at > changed):
        return robot.created_at, AGE_FROM_CREATION
    return changed, AGE_FROM_LOG
