# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Deletes the robots of expired leases, and nothing else (quay_robot_lease_sweep)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Mapping, Sequence

from .._core.errors import BadInput, QuayError
from .._core.times import format_time
from .._http.errors import ApiError
from .._module.context import ModuleContext, Result
from .._quay.mirrors import robots_of_mirrors
from .._quay.robots import Robot, RobotName, Robots, is_used_by_mirror
from .lease import LeaseNames, lease_of
from .many import share_work
from .own_namespace import in_its_namespace, is_refused_namespace
from .robot_secret import RobotSecret

# The options of quay_robot_lease_sweep, with their defaults.
LEASE_SWEEP_OPTIONS: dict[str, Any] = {
    "name_prefix": {"type": "str", "required": True},
    "parallel": {"type": "int", "default": 4},
}

# Why Quay refuses to delete a robot.
_MIRRORED = (
    "a mirror uses it. Give the mirror another robot with quay_repository_mirror, or delete the mirrored repository"
)


def sweep_robot_leases(context: ModuleContext) -> Result:
    """The module quay_robot_lease_sweep."""
    names = LeaseNames.parse(context.params["name_prefix"])
    if context.params["parallel"] < 1:
        raise BadInput("parallel must be 1 or more: the number of robots to work on at the same time")
    return in_its_namespace(context, names.prefix, partial(_sweep, context), option="name_prefix")


@dataclass(frozen=True)
class _Outcome:
    """What becomes of a robot whose name says that its lease expired.

    ``expired``: whether its metadata say so, too. ``kept``: why it is no lease of ours. ``failure``: why it could not
    be read or deleted. Nothing of it: another program has deleted it.
    """

    name: RobotName
    full_name: str
    expired: bool = False
    kept: str = ""
    failure: str = ""

    @property
    def reason(self) -> str:
        """Why it was not deleted."""
        return self.kept or self.failure

    @property
    def deleted(self) -> bool:
        return self.expired and not self.failure


def _sweep(context: ModuleContext, prefix: RobotName) -> Result:
    names = LeaseNames(prefix)
    listed = {robot.name: names.of(robot.name) for robot in _list(context, prefix)}
    # The response has Quay's time.
    now = context.client.now()
    active: dict[str, datetime] = {}
    over: list[RobotName] = []
    for full_name, name in listed.items():
        expires_at = names.expiry(name.short) if name else None
        if expires_at is not None and expires_at > now:
            active[full_name] = expires_at
        elif name is not None:
            over.append(name)
    share_work(context, context.params["parallel"])
    outcomes = context.each_apart(_read, over)
    if any(outcome.expired for outcome in outcomes):
        context.server.refuse_if_read_only("DELETE", over[0].path)
        outcomes = _predicted(context, outcomes) if context.check_mode else context.each_apart(_delete, outcomes)
    return _result(outcomes, active)


def _list(context: ModuleContext, prefix: RobotName) -> list[Robot]:
    """All robots of the namespace. To a superuser, Quay lists no robots for an organization that does not exist."""
    robots = Robots(context.client)
    listed = robots.list(prefix.organization)
    if not listed and prefix.organization is not None:
        robots.get(RobotName(prefix.organization, f"{prefix.short}lease"))
    return listed


def _read(context: ModuleContext, name: RobotName) -> _Outcome:
    """Whether the robot's metadata say that it is a lease that expired, as its name does.

    Raises ApiError if Quay refuses the namespace: it refuses all robots of it then.
    """
    outcome = _Outcome(name, str(name))
    try:
        robot = Robots(context.client).get(name)
    except QuayError as error:
        if is_refused_namespace(error):
            raise
        return replace(outcome, failure=str(error))
    if robot is None:
        return outcome
    outcome = replace(outcome, full_name=robot.name)
    state = lease_of(robot)
    if state.is_ours:
        return replace(outcome, expired=True)
    context.warn(f"{robot.name} {state.problem}. It was not deleted.")
    return replace(outcome, kept=state.problem)


def _delete(context: ModuleContext, outcome: _Outcome) -> _Outcome:
    if not outcome.expired:
        return outcome
    try:
        RobotSecret(context, outcome.name).delete()
    except QuayError as error:
        is_mirrored = isinstance(error, ApiError) and is_used_by_mirror(error)
        return replace(outcome, failure=_MIRRORED if is_mirrored else str(error))
    return outcome


def _predicted(context: ModuleContext, outcomes: Sequence[_Outcome]) -> list[_Outcome]:
    """The outcomes, with the refusals that the real run would get for robots of mirrors."""
    namespace = next(outcome.full_name for outcome in outcomes if outcome.expired).partition("+")[0]
    mirrored = robots_of_mirrors(context.client, namespace)
    return [
        replace(outcome, failure=_MIRRORED) if outcome.expired and outcome.full_name in mirrored else outcome
        for outcome in outcomes
    ]


def _result(outcomes: Sequence[_Outcome], active: Mapping[str, datetime]) -> Result:
    outcomes = sorted(outcomes, key=lambda outcome: outcome.full_name)
    deleted = [outcome.full_name for outcome in outcomes if outcome.deleted]
    failed = [outcome for outcome in outcomes if outcome.failure]
    failure = ""
    if failed:
        messages = "; ".join(f"{outcome.full_name}: {outcome.failure}" for outcome in failed)
        failure = f"{len(failed)} of {len(failed) + len(deleted)} expired leases could not be deleted. {messages}"
    return Result(
        changed=bool(deleted),
        values={
            "deleted": deleted,
            "kept": [{"name": outcome.full_name, "reason": outcome.reason} for outcome in outcomes if outcome.reason],
            "active": [{"name": name, "expires_at": format_time(active[name])} for name in sorted(active)],
        },
        before={"expired_leases": deleted} if deleted else {},
        after={"expired_leases": []} if deleted else {},
        failure=failure,
    )
