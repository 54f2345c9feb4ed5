# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""One robot's token: read, made, replaced and proved without losing it, and how old it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Optional, Sequence, Tuple

from .._core.credential import Record
from .._module.context import ModuleContext
from .._quay.logs import Logs, LogsUnavailable
from .._quay.robots import Robot
from .._stores.contract import StoredSecret
from .policy import AGE_FROM_CREATION, AGE_FROM_LOG, AGE_FROM_RECORD


def records_of(held: Sequence[StoredSecret]) -> list[Record]:
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


def ages_of(context: ModuleContext, organization: str | None, questions: Sequence[AgeQuestion]) -> list[Age]:
    """When the present tokens of one namespace's robots were made, and who says so; one answer for each question.

    The holder's record counts where it fits Quay's present token. A robot younger than the limit needs no asking. The
    logs are asked once for all others. The rule where nobody knows: a token counts as old as its robot.
    """
    now = context.client.now()
    known = [_known_age(question, now) for question in questions]
    unknown = [question for question, age in zip(questions, known) if age is None]
    changes: dict[str, datetime] = {}
    if unknown:
        longest = max(question.max_age for question in unknown if question.max_age is not None)
        changes = _token_changes(context, organization, [question.short for question in unknown], now - longest)
    return [
        age or _date_from_log_or_robot(question.robot, changes.get(question.short))
        for question, age in zip(questions, known)
    ]


def _known_age(question: AgeQuestion, now: datetime) -> Age | None:
    """The age as far as it can be told without the logs; None where they must be asked."""
    robot = question.robot
    recorded_uuids = next((r.created_at for r in question.records if r.created_at and r.fits(robot.token)), None)
    if recorded_uuids is not None:
        return recorded_uuids, AGE_FROM_RECORD
    if question.max_age is None:
        return None, None
    if robot.created_at is not None and now - robot.created_at < question.max_age:
        return robot.created_at, AGE_FROM_CREATION
    return None


def _token_changes(
    context: ModuleContext, organization: str | None, robots: list[str], since: datetime
) -> dict[str, datetime]:
    """When the robots' tokens last changed, out of the logs; silent logs answer nothing, with a warning."""
    try:
        return Logs(context.client, organization).token_changes(robots, since)
    except LogsUnavailable as error:
        context.warn(
            f"The usage logs cannot tell the age of robot tokens ({error}). A token without a record of its delivery "
            "counts as old as its robot."
        )
        return {}


def _date_from_log_or_robot(robot: Robot, changed: datetime | None) -> Age:
    """The token's date: the log's, unless the robot was created later under the same name; else the robot's own."""
    if changed is None or (robot.created_at is not None and robot.created_at > changed):
        return robot.created_at, AGE_FROM_CREATION
    return changed, AGE_FROM_LOG
