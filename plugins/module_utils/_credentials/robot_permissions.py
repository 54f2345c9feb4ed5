# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The declared roles of a robot on repositories. A robot that was created a moment ago has none."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .._core.errors import BadInput
from .._module.context import ModuleContext, Result
from .._quay.repositories import Repositories, RepositoryName
from .._quay.robot_rights import RobotRights
from .._quay.robots import Robot
from .pair_state import Pair
from .robot_lookup import RobotLookup

PERMISSION_OPTIONS: dict[str, Any] = {
    "repository": {"type": "str", "required": True},
    "role": {"type": "str", "choices": ["read", "write", "admin"], "required": True},
}


class DeclaredPermissions:
    """The roles that a credential's active robot must have. Its roles on other repositories are kept."""

    def __init__(self, context: ModuleContext, pair: Pair, entries: Sequence[Mapping[str, str]]) -> None:
        """Raises BadInput for a repository of another namespace, or one that is declared twice."""
        self._context = context
        self._pair = pair
        self._rights = RobotRights(context.client, pair.name.organization)
        self._roles: dict[str, Mapping[str, str]] = {}  # the present roles by the robot's full name
        self._desired = {str(_repository(pair, entry["repository"])): entry["role"] for entry in entries}
        if len(self._desired) != len(entries):
            raise BadInput("permissions names the same repository twice")

    def check(self, lookup: RobotLookup) -> None:
        """Read the present roles. Raises, before anything is minted, if a role cannot be granted."""
        robots = [robot for robot in map(lookup.get, self._pair.all) if robot is not None]
        self._roles = {robot.name: self._rights.repository_roles(robot) for robot in robots}
        granted = [roles for roles in self._roles.values() if self._desired.items() <= roles.items()]
        for repository in [] if granted else self._desired:
            if Repositories(self._context.client, RepositoryName.parse(repository)).get() is None:
                raise BadInput(
                    f"permissions: the repository {repository} does not exist. Create it with quay_repository"
                )

    def ensure(self, result: Result, *, copies: bool) -> Result:
        """The result of the rotation, completed by the roles.

        ``copies``: minting copies the roles of the other robot of the pair.
        """
        robot = Robot(str(result.values["username"]), None, None, "", None)
        present = self._present_roles(robot, minted=bool(result.values["minted"]), copies=copies)
        missing = {name: role for name, role in self._desired.items() if present.get(name) != role}
        if missing and not self._context.check_mode:
            for repository, role in missing.items():
                self._rights.grant(robot, repository, role)
        before = {name: present.get(name, "none") for name in self._desired}
        return Result(
            changed=result.changed or bool(missing),
            values={**result.values, "granted": [f"{role} on {name}" for name, role in sorted(missing.items())]},
            before={**result.before, "permissions": before},
            after={**result.after, "permissions": dict(self._desired)},
        )

    def _present_roles(self, robot: Robot, *, minted: bool, copies: bool) -> Mapping[str, str]:
        """The roles that the robot has now, or that it would have after the predicted rotation."""
        if not minted:
            return self._roles.get(robot.name, {})
        if not self._context.check_mode:
            return self._rights.repository_roles(robot)
        others = [roles for name, roles in self._roles.items() if name != robot.name]
        return others[0] if copies and others else self._roles.get(robot.name, {})


def _repository(pair: Pair, text: str) -> RepositoryName:
    name = RepositoryName.parse(text)
    if pair.name.organization not in (None, name.namespace):
        raise BadInput(
            f"permissions: the repository {text} is not in the namespace {pair.name.organization}. A robot can only "
            "have permissions in its own namespace"
        )
    return name
