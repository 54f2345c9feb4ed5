# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Gives the next robot the rights of the active one, and verifies that its secret opens what that one opens."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Sequence

from .._core.errors import RefusedCredential, Unconfirmed
from .._http.auth import BasicAuth
from .._http.errors import NotAuthenticated
from .._module.context import ModuleContext
from .._quay.registry_auth import RegistryToken, request_registry_token
from .._quay.robot_rights import Rights, RobotRights
from .._quay.robots import Robot

# So many repositories fit into one request to /v2/auth.
_REPOSITORIES_AT_ONCE = 30


class RightsCopy:
    """The rights of the active robot, for the next one."""

    def __init__(self, context: ModuleContext, organization: str | None) -> None:
        self._context = context
        self._rights = RobotRights(context.client, organization)
        self._active: Robot | None = None
        self.desired = Rights()
        self.present = Rights()

    def read(self, active: Robot, target: Robot | None, target_name: str) -> None:
        """Read what both robots may do. ``target``: None if the next robot does not exist yet."""
        self._active = active
        rights = self._rights.read([active, target] if target else [active])
        self.desired = rights[active.name]
        self.present = rights.get(target.name, Rights()) if target else Rights()
        if self.desired.unresolved_teams:
            self._context.warn(
                f"{active.name} is a member of teams that Quay lists without their organization "
                f"({', '.join(sorted(self.desired.unresolved_teams))}): {target_name} does not get these permissions."
            )

    def apply(self, robot: Robot) -> None:
        """Make the robot's rights those of the active one. Raises Unconfirmed if they are not afterwards."""
        if self._active is None or _same_rights(self.present, self.desired):
            return
        self._rights.apply(robot, self.present, self.desired)
        if not _same_rights(self._rights.read([replace(robot, teams=None)])[robot.name], self.desired):
            raise Unconfirmed(
                f"Quay reported success, but the permissions of {robot.name} differ from those of the active "
                "robot. Nothing was replaced. Run the task again, and check whether something else changes them"
            )

    def verify(self, robot: Robot) -> None:
        """Use the new secret for each permission of the active robot. Raises if it opens less; the old one stays."""
        roles = self._rights.accessible_repositories(self.desired)
        repositories = sorted(roles) or [f"{robot.namespace}/credential-proof"]
        lacking: list[str] = []
        for start in range(0, len(repositories), _REPOSITORIES_AT_ONCE):
            some = repositories[start : start + _REPOSITORIES_AT_ONCE]
            lacking += self._lacking(robot, {name: roles.get(name) for name in some})
        if lacking:
            raise RefusedCredential(
                f"The new secret of {robot.name} does not open what that of the active robot opens: "
                f"{', '.join(lacking)}. It was not delivered, and the old one is still valid"
            )

    def _lacking(self, robot: Robot, roles: Mapping[str, str | None]) -> list[str]:
        """What the active robot is granted and this one is not, as ``repository:action``."""
        lacking = []
        # Only a role that may push is asked for push: for others the answer is known, and Quay would create a
        # repository that is missing.
        for actions, verified_roles in ((["pull"], (None, "read")), (["pull", "push"], ("write", "admin"))):
            repositories = [name for name, role in roles.items() if role in verified_roles]
            if repositories:
                lacking += self._compare_access(robot, repositories, actions)
        return lacking

    def _compare_access(self, robot: Robot, repositories: Sequence[str], actions: Sequence[str]) -> list[str]:
        lacking = self._request_token(robot, repositories, actions).missing(repositories, actions)
        if not lacking or self._active is None:
            return []
        # A repository may be read-only or deleted: what the active robot gets is the measure.
        lacking_before = self._request_token(self._active, repositories, actions).missing(repositories, actions)
        return [access for access in lacking if access not in lacking_before]

    def _request_token(self, robot: Robot, repositories: Sequence[str], actions: Sequence[str]) -> RegistryToken:
        client, auth = self._context.client, BasicAuth(robot.name, robot.token or "")
        try:
            return request_registry_token(client, auth, client.netloc, repositories, actions)
        except NotAuthenticated as refused:
            raise RefusedCredential(
                f"Quay does not accept the secret of {robot.name} at /v2/auth ({refused}). Nothing was delivered. Run "
                "the task again, and check whether something else regenerates this robot"
            ) from None


def _same_rights(one: Rights, other: Rights) -> bool:
    return replace(one, unresolved_teams=frozenset()) == replace(other, unresolved_teams=frozenset())
