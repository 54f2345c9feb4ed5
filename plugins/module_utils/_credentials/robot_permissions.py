# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The declared roles of a robot on repositories. A robot that was created a moment ago has none."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .._core.errors import BadInput
from .._http.errors import ApiError
from .._module.context import ModuleContext, Result
from .._quay.repositories import Repositories, RepositoryName
from .._quay.robot_rights import RobotRights
from .._quay.robots import Robot, is_unknown_robot

PERMISSION_OPTIONS: dict[str, Any] = {
    "repository": {"type": "str", "required": True},
    "role": {"type": "str", "choices": ["read", "write", "admin"], "required": True},
}


class DeclaredPermissions:
    """The roles that a credential's active robot must have. Its roles on other repositories are kept."""

    def __init__(
        self, context: ModuleContext, organization: str | None, entries: Sequence[Mapping[str, str]] | None
    ) -> None:
        """``organization``: that of the robots, None for the user's own namespace.

        Raises BadInput for a repository of another namespace, or one that is declared twice.
        """
        entries = entries or ()
        self._context = context
        self._rights = RobotRights(context.client, organization)
        self._active: Robot | None = None
        self._roles: Mapping[str, str] = {}  # the present roles of the active robot
        self._desired = {str(_repository(organization, entry["repository"])): entry["role"] for entry in entries}
        if len(self._desired) != len(entries):
            raise BadInput("permissions names the same repository twice")

    @property
    def present(self) -> Mapping[str, str]:
        """The roles that the active robot had when they were checked."""
        return self._roles

    def check(self, active: Robot | None) -> None:
        """Read the present roles of the active robot. Raises, before anything is minted, if one cannot be granted."""
        self._active = active
        self._roles = self._rights.repository_roles(active) if active else {}
        for repository in [] if self._desired.items() <= self._roles.items() else self._desired:
            if Repositories(self._context.client, RepositoryName.parse(repository)).get() is None:
                raise BadInput(
                    f"permissions: the repository {repository} does not exist. Create it with quay_repository"
                )

    def ensure(self, result: Result, *, copies: bool) -> Result:
        """The result of the rotation, completed by the roles.

        ``copies``: minting copies the roles of the active robot to another one.
        """
        robot = Robot(str(result.values["username"]), None, None, "", None)
        present = self._present_roles(robot, minted=bool(result.values["minted"]), copies=copies)
        if not self._context.check_mode:
            self.grant(robot, present)
        return self.completed(result, present)

    def grant(self, robot: Robot, present: Mapping[str, str]) -> None:
        """Grant the declared roles that the robot does not have. ``present``: its roles."""
        for repository, role in self._missing(present).items():
            self._rights.grant(robot, repository, role)

    def completed(self, result: Result, present: Mapping[str, str]) -> Result:
        """The result, completed by what was granted to a robot that had the roles ``present``."""
        missing = self._missing(present)
        before = {name: present.get(name, "none") for name in self._desired}
        return Result(
            changed=result.changed or bool(missing),
            values={**result.values, "granted": [f"{role} on {name}" for name, role in sorted(missing.items())]},
            before={**result.before, "permissions": before},
            after={**result.after, "permissions": dict(self._desired)},
        )

    def _missing(self, present: Mapping[str, str]) -> dict[str, str]:
        return {name: role for name, role in self._desired.items() if present.get(name) != role}

    def _present_roles(self, robot: Robot, *, minted: bool, copies: bool) -> Mapping[str, str]:
        """The roles that the robot has now, or that it would have after the predicted rotation."""
        is_active = self._active is not None and robot.name == self._active.name
        if not minted or (self._context.check_mode and (copies or is_active)):
            return self._roles
        try:
            return self._rights.repository_roles(robot)
        except ApiError as error:
            if self._context.check_mode and is_unknown_robot(error):
                return {}
            raise


def _repository(organization: str | None, text: str) -> RepositoryName:
    name = RepositoryName.parse(text)
    if organization not in (None, name.namespace):
        raise BadInput(
            f"permissions: the repository {text} is not in the namespace {organization}. A robot can only "
            "have permissions in its own namespace"
        )
    return name
