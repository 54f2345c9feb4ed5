# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Deletes the robots of expired leases, and nothing else (quay_robot_lease_sweep)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Sequence

from .._core.errors import BadInput, QuayError
from .._core.times import format_time
from .._http.errors import ApiError
from .._module.context import ModuleContext, Result
from .._quay.mirrors import robots_of_mirrors
from .._quay.robots import Robot, RobotName, Robots, is_used_by_mirror
from .lease import LeaseNames, lease_of
from .many import share_work
from .own_namespace import in_its_namespace
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
    """What became of a robot whose name says that its lease expired. All empty: somebody else deleted it."""

    name: str
    deleted: bool = False
    kept: str = ""  # why it is no lease of ours that expired
    failure: str = ""

    @property
    def reason(self) -> str:
        """Why it was not deleted."""
        return self.kept or self.failure


def _sweep(context: ModuleContext, prefix: RobotName) -> Result:
    names = LeaseNames(prefix)
    listed = _list(context, prefix)
    # The response has Quay's time.
    now = context.client.now()
    expiries = {robot.name: names.expiry(name.short) for robot in listed for name in [names.of(robot.name)] if name}
    active = {name: expiry for name, expiry in expiries.items() if expiry is not None and expiry > now}
    expired = [name for robot in listed for name in [names.of(robot.name)] if name and robot.name not in active]
    if expired:
        context.server.refuse_if_read_only("DELETE", expired[0].path)
    share_work(context, context.params["parallel"])
    outcomes = context.each_apart(_sweep_one, expired)
    if context.check_mode and any(outcome.deleted for outcome in outcomes):
        outcomes = _with_mirrored(context, outcomes)
    return _result(outcomes, [{"name": name, "expires_at": format_time(active[name])} for name in sorted(active)])


def _list(context: ModuleContext, prefix: RobotName) -> list[Robot]:
    """All robots of the namespace. To a superuser, Quay lists no robots for an organization that does not exist."""
    robots = Robots(context.client)
    listed = robots.list(prefix.organization)
    if not listed and prefix.organization is not None:
        robots.get(RobotName(prefix.organization, f"{prefix.short}lease"))
    return listed


def _sweep_one(context: ModuleContext, name: RobotName) -> _Outcome:
    """Delete a robot, if its metadata say that it is a lease that expired."""
    full_name = str(name)
    try:
        robot = Robots(context.client).get(name)
        if robot is None:
            return _Outcome(full_name)
        full_name = robot.name
        state = lease_of(robot)
        if not state.is_ours:
            context.warn(f"{full_name} {state.problem}. It was not deleted.")
            return _Outcome(full_name, kept=state.problem)
        if not context.check_mode:
            RobotSecret(context, name).delete()
    except QuayError as error:
        is_mirrored = isinstance(error, ApiError) and is_used_by_mirror(error)
        return _Outcome(full_name, failure=_MIRRORED if is_mirrored else str(error))
    return _Outcome(full_name, deleted=True)


def _with_mirrored(context: ModuleContext, outcomes: Sequence[_Outcome]) -> list[_Outcome]:
    """The outcomes, with the refusals that the real run would get for robots of mirrors."""
    namespace = outcomes[0].name.partition("+")[0]
    mirrored = robots_of_mirrors(context.client, namespace)
    return [
        _Outcome(outcome.name, failure=_MIRRORED) if outcome.deleted and outcome.name in mirrored else outcome
        for outcome in outcomes
    ]


def _result(outcomes: Sequence[_Outcome], active: list[dict[str, Any]]) -> Result:
    outcomes = sorted(outcomes, key=lambda outcome: outcome.name)
    deleted = [outcome.name for outcome in outcomes if outcome.deleted]
    failed = [outcome for outcome in outcomes if outcome.failure]
    failure = ""
    if failed:
        messages = "; ".join(f"{outcome.name}: {outcome.failure}" for outcome in failed)
        failure = f"{len(failed)} of {len(failed) + len(deleted)} expired leases could not be deleted. {messages}"
    return Result(
        changed=bool(deleted),
        values={
            "deleted": deleted,
            "kept": [{"name": outcome.name, "reason": outcome.reason} for outcome in outcomes if outcome.reason],
            "active": active,
        },
        before={"expired_leases": deleted} if deleted else {},
        after={"expired_leases": []} if deleted else {},
        failure=failure,
    )
