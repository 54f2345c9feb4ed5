# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The rights of robots: repository permissions, team memberships and default permissions.

No single endpoint of Quay returns all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Sequence

from .._http.address import api_path
from .._http.client import QuayClient
from .._http.errors import Forbidden, NotFound
from .robots import Robot, RobotName

# In ascending order.
_ROLES = ("read", "write", "admin")


@dataclass(frozen=True)
class DefaultRight:
    """A default permission: the role on each repository that ``creator`` creates. None stands for any user."""

    creator: str | None
    role: str

    def __str__(self) -> str:
        return f"{self.role} on new repositories of {self.creator or 'any user'}"


@dataclass(frozen=True)
class Rights:
    """All rights of one robot. ``repositories``: the direct role on each namespace/name.

    ``unresolved_teams``: teams of other organizations, which this organization cannot change.
    """

    repositories: Mapping[str, str] = field(default_factory=dict)
    teams: frozenset[str] = frozenset()
    defaults: frozenset[DefaultRight] = frozenset()
    unresolved_teams: frozenset[str] = frozenset()

    def describe(self) -> list[str]:
        """Return one line for each right, for a diff."""
        return [
            *(f"{role} on {repository}" for repository, role in sorted(self.repositories.items())),
            *(f"member of {team}" for team in sorted(self.teams)),
            *sorted(map(str, self.defaults)),
        ]


class RobotRights:
    """Reads and changes the rights of the robots of one namespace.

    Reading requires the scopes user:admin and org:admin; changing also requires repo:admin. A session of an
    administrator has all of them.
    """

    def __init__(self, client: QuayClient, organization: str | None) -> None:
        """``organization``: None for the namespace of the signed-in user."""
        self._client = client
        self._organization = organization
        self._teams: dict[str, set[str] | None] = {}

    def read(self, robots: Sequence[Robot]) -> dict[str, Rights]:
        """Return the rights by the robots' full names. Raises Forbidden if the login may not see all of them."""
        team_names = self._team_names()
        all_defaults = self._default_permissions()
        rights = {}
        for robot in robots:
            names = team_names.get(robot.name, [])
            teams = frozenset(team for team in names if robot.name in (self._members(team) or ()))
            defaults = frozenset(right for delegate, right, _uuid in all_defaults if delegate == robot.name)
            rights[robot.name] = Rights(self._repositories(robot), teams, defaults, frozenset(names) - teams)
        return rights

    def apply(self, robot: Robot, present: Rights, desired: Rights) -> None:
        """Grant and revoke what differs. A later run can complete an interrupted one."""
        for repository, role in desired.repositories.items():
            if present.repositories.get(repository) != role:
                self._client.put(_permission_path(repository, robot), {"role": role})
        for repository in present.repositories.keys() - desired.repositories.keys():
            self._client.delete(_permission_path(repository, robot))
        for team in desired.teams - present.teams:
            self._client.put(self._member_path(team, robot))
        for team in present.teams - desired.teams:
            self._client.delete(self._member_path(team, robot))
        self._change_defaults(robot, present, desired)
        self._teams.clear()

    def accessible_repositories(self, rights: Rights) -> dict[str, str]:
        """Return the repositories that these rights give access to, including by teams, with the highest role."""
        roles = dict(rights.repositories)
        for team in rights.teams:
            path = api_path("organization", self._organization or "", "team", team, "permissions")
            for repository, role in self._permissions(path, self._organization or ""):
                if repository not in roles or _ROLES.index(role) > _ROLES.index(roles[repository]):
                    roles[repository] = role
        return roles

    def repository_roles(self, robot: Robot) -> dict[str, str]:
        """Return the direct role on each repository. Raises Forbidden if the login may not read them."""
        try:
            return dict(self._permissions(_permissions_path(robot, self._organization), robot.namespace))
        except Forbidden as error:
            raise error.with_hint(
                f"This login may not read the permissions of {robot.name} (a token needs the scope org:admin, for a "
                "robot of the user's own namespace user:admin)"
            ) from None

    def grant(self, robot: Robot, repository: str, role: str) -> None:
        """Give the robot this role on a repository, instead of the one that it has."""
        self._client.put(_permission_path(repository, robot), {"role": role})

    def _repositories(self, robot: Robot) -> dict[str, str]:
        path = _permissions_path(robot, self._organization)
        return dict(self._read(lambda: list(self._permissions(path, robot.namespace)), "repository permissions"))

    def _permissions(self, path: str, namespace: str) -> Iterator[tuple[str, str]]:
        """Yield repository and role. Quay's list has the repository's name without its namespace."""
        for item in self._client.get(path).list_of("permissions"):
            repository = item.get("repository") or {}
            yield f"{namespace}/{repository.get('name')}", str(item.get("role"))

    def _team_names(self) -> dict[str, list[str]]:
        """The names of each robot's teams. Quay includes teams of other organizations without marking them."""
        namespace = ("user",) if self._organization is None else ("organization", self._organization)
        path, query = api_path(*namespace, "robots"), {"permissions": "true", "token": "false"}
        robots = self._read(lambda: self._client.get(path, query), "teams").list_of("robots")
        return {
            str(robot.get("name")): [str(team.get("name")) for team in robot.get("teams") or ()] for robot in robots
        }

    def _members(self, team: str) -> set[str] | None:
        """The members of a team of this organization; None if the organization has no such team."""
        if self._organization is None:
            return None
        if team not in self._teams:
            path = api_path("organization", self._organization, "team", team, "members")
            try:
                self._teams[team] = {str(member.get("name")) for member in self._client.get(path).list_of("members")}
            except NotFound:
                self._teams[team] = None
        return self._teams[team]

    def _default_permissions(self) -> list[tuple[str, DefaultRight, str]]:
        """Delegate, right and id of each default permission (GET /organization/{org}/prototypes)."""
        if self._organization is None:
            return []
        path = api_path("organization", self._organization, "prototypes")
        permissions = []
        for item in self._read(lambda: self._client.get(path), "default permissions").list_of("prototypes"):
            delegate = item.get("delegate") or {}
            creator = (item.get("activating_user") or {}).get("name")
            right = DefaultRight(str(creator) if creator else None, str(item.get("role")))
            if delegate.get("kind") == "user":
                permissions.append((str(delegate.get("name")), right, str(item.get("id"))))
        return permissions

    def _change_defaults(self, robot: Robot, present: Rights, desired: Rights) -> None:
        if present.defaults == desired.defaults:
            return
        root = api_path("organization", self._organization or "", "prototypes")
        for right in sorted(desired.defaults - present.defaults, key=str):
            body: dict[str, Any] = {"role": right.role, "delegate": {"name": robot.name, "kind": "user"}}
            if right.creator:
                body["activating_user"] = {"name": right.creator}
            self._client.post(root, body)
        for delegate, right, uuid in self._default_permissions():
            if delegate == robot.name and right not in desired.defaults:
                self._client.delete(f"{root}/{uuid}")

    def _member_path(self, team: str, robot: Robot) -> str:
        return api_path("organization", self._organization or "", "team", team, "members", robot.name)

    @staticmethod
    def _read(read: Callable[[], Any], what: str) -> Any:
        """The result of ``read``. Raises Forbidden with a hint that names the rights that the login may not read."""
        try:
            return read()
        except Forbidden as error:
            raise error.with_hint(
                f"This login may not read the {what} of robots. Nothing was changed. Use a token with the scopes "
                "user:admin, org:admin and repo:admin, or the password of an administrator; or grant both robots their "
                "rights yourself and set copy_rights: false"
            ) from None


def _permissions_path(robot: Robot, organization: str | None) -> str:
    return f"{RobotName(organization, robot.name.rpartition('+')[2]).path}/permissions"


def _permission_path(repository: str, robot: Robot) -> str:
    return api_path("repository", *repository.split("/"), "permissions", "user", robot.name)
