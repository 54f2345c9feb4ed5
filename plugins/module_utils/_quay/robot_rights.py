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
from .robots import Robot, RobotName, Robots

# Stands for the robot itself in its own rights, so that those of two robots can be compared and copied.
SELF = "this robot"

# In ascending order.
_ROLES = ("read", "write", "admin")


@dataclass(frozen=True)
class DefaultRight:
    """A default permission that names the robot: the role of ``delegate`` on each repository that ``creator`` creates.

    ``creator``: None stands for any user. ``delegate``: kind (user or team) and name.
    """

    creator: str | None
    role: str
    delegate: tuple[str, str] = ("user", SELF)

    def __str__(self) -> str:
        right = f"{self.role} on new repositories of {self.creator or 'any user'}"
        kind, name = self.delegate
        return right if name == SELF else f"{right} for the {kind} {name}"


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
        listed: dict[str, tuple[str, ...]] = {}
        if any(robot.teams is None for robot in robots):
            all_robots = self._read(lambda: Robots(self._client).list(self._organization, with_teams=True), "teams")
            listed = {robot.name: robot.teams or () for robot in all_robots}
        all_defaults = self._default_permissions()
        rights = {}
        for robot in robots:
            names = listed.get(robot.name, ()) if robot.teams is None else robot.teams
            teams = frozenset(team for team in names if robot.name in (self._members(team) or ()))
            defaults = frozenset(_rights_of(robot, all_defaults))
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
            for repository, role in self.team_roles(team).items():
                if repository not in roles or _ROLES.index(role) > _ROLES.index(roles[repository]):
                    roles[repository] = role
        return roles

    def repository_roles(self, robot: Robot) -> dict[str, str]:
        """Return the direct role on each repository. Raises Forbidden if the login may not read them."""
        try:
            return dict(self._permissions(_permissions_path(robot, self._organization), robot.namespace))
        except Forbidden as error:
            raise error.with_hint(
                f"This login may not read the permissions of {robot.name} (a token needs the scopes org:admin and "
                "user:admin, for a robot of the user's own namespace user:admin)"
            ) from None

    def team_roles(self, team: str) -> dict[str, str]:
        """Return the role of a team on each repository (GET .../team/{team}/permissions, scope org:admin)."""
        organization = self._organization or ""
        path = api_path("organization", organization, "team", team, "permissions")
        return dict(self._permissions(path, organization))

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

    def _default_permissions(self) -> list[tuple[DefaultRight, str]]:
        """Each default permission with its id (GET /organization/{org}/prototypes)."""
        if self._organization is None:
            return []
        path = api_path("organization", self._organization, "prototypes")
        permissions = []
        for item in self._read(lambda: self._client.get(path), "default permissions").list_of("prototypes"):
            delegate = item.get("delegate") or {}
            creator = (item.get("activating_user") or {}).get("name")
            names = (str(delegate.get("kind")), str(delegate.get("name")))
            right = DefaultRight(str(creator) if creator else None, str(item.get("role")), names)
            permissions.append((right, str(item.get("id"))))
        return permissions

    def _change_defaults(self, robot: Robot, present: Rights, desired: Rights) -> None:
        if present.defaults == desired.defaults:
            return
        root = api_path("organization", self._organization or "", "prototypes")
        for right in sorted(desired.defaults - present.defaults, key=str):
            kind, name = right.delegate
            delegate = {"name": robot.name if name == SELF else name, "kind": kind}
            body: dict[str, Any] = {"role": right.role, "delegate": delegate}
            if right.creator:
                body["activating_user"] = {"name": robot.name if right.creator == SELF else right.creator}
            self._client.post(root, body)
        for right, uuid in self._default_permissions():
            if any(own not in desired.defaults for own in _rights_of(robot, [(right, uuid)])):
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


def _rights_of(robot: Robot, permissions: Sequence[tuple[DefaultRight, str]]) -> Iterator[DefaultRight]:
    """Those of the default permissions that name the robot, from its own point of view."""
    for right, _uuid in permissions:
        is_delegate, is_creator = right.delegate == ("user", robot.name), right.creator == robot.name
        if is_delegate or is_creator:
            delegate = ("user", SELF) if is_delegate else right.delegate
            yield DefaultRight(SELF if is_creator else right.creator, right.role, delegate)


def _permissions_path(robot: Robot, organization: str | None) -> str:
    return f"{RobotName(organization, robot.name.rpartition('+')[2]).path}/permissions"


def _permission_path(repository: str, robot: Robot) -> str:
    return api_path("repository", *repository.split("/"), "permissions", "user", robot.name)
