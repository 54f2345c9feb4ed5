# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What a robot may do: repository permissions, teams and default permissions. No single call of Quay tells it all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Sequence

from .._http.address import api_path
from .._http.client import QuayClient
from .._http.errors import Forbidden, NotFound
from .robots import Robot, RobotName


@dataclass(frozen=True)
class DefaultRight:
    """A default permission: a role on each repository that this user, or anybody, creates from now on."""

    creator: str | None
    role: str

    def __str__(self) -> str:
        return f"{self.role} on new repositories of {self.creator or 'everybody'}"


@dataclass(frozen=True)
class Rights:
    """All rights of one robot. ``unresolved_teams`` names teams of other organizations, which nobody here can change."""

    repositories: Mapping[str, str] = field(default_factory=dict)
    teams: frozenset[str] = frozenset()
    defaults: frozenset[DefaultRight] = frozenset()
    unresolved_teams: frozenset[str] = frozenset()

    def describe(self) -> list[str]:
        """One line for each right, for a diff."""
        return [
            *(f"{role} on {repository}" for repository, role in sorted(self.repositories.items())),
            *(f"member of {team}" for team in sorted(self.teams)),
            *sorted(map(str, self.defaults)),
        ]


class RobotRights:
    """The rights of robots of one namespace: read and made equal.

    Reading takes the scopes user:admin and org:admin, changing also repo:admin (a session of an administrator has all).
    """

    def __init__(self, client: QuayClient, organization: str | None) -> None:
        self._client = client
        self._organization = organization
        self._teams: dict[str, set[str] | None] = {}

    def read(self, robots: Sequence[Robot]) -> dict[str, Rights]:
        """The rights of these robots by their names. Raises Forbidden where Quay does not show all to the login."""
        with_teams = self._team_names()
        defaults = self._defaults()
        found = {}
        for robot in robots:
            named = with_teams.get(robot.name, [])
            own = frozenset(team for team in named if robot.name in (self._members(team) or ()))
            mine = frozenset(right for delegate, right, _uuid in defaults if delegate == robot.name)
            found[robot.name] = Rights(self._repositories(robot), own, mine, frozenset(named) - own)
        return found

    def apply(self, robot: Robot, present: Rights, desired: Rights) -> None:
        """Change what differs, and nothing else. Each step may be repeated by a later run."""
        for repository, role in desired.repositories.items():
            if present.repositories.get(repository) != role:
                self._client.put(_permission(repository, robot), {"role": role})
        for repository in present.repositories.keys() - desired.repositories.keys():
            self._client.delete(_permission(repository, robot))
        for team in desired.teams - present.teams:
            self._client.put(self._membership(team, robot))
        for team in present.teams - desired.teams:
            self._client.delete(self._membership(team, robot))
        self._change_defaults(robot, present, desired)
        self._teams.clear()

    def accessible_repositories(self, rights: Rights) -> dict[str, str]:
        """The repositories that these rights open, by teams too, and the best role on each."""
        reached = dict(rights.repositories)
        for team in rights.teams:
            path = api_path("organization", self._organization or "", "team", team, "permissions")
            for repository, role in self._permissions(path, self._organization or ""):
                if _ROLES.index(role) > _ROLES.index(reached.get(repository, _ROLES[0])) or repository not in reached:
                    reached[repository] = role
        return reached

    def _repositories(self, robot: Robot) -> dict[str, str]:
        short = robot.name.rpartition("+")[2]
        path = f"{RobotName(self._organization, short).path}/permissions"
        return dict(self._shown(lambda: list(self._permissions(path, robot.namespace)), "repository permissions"))

    def _permissions(self, path: str, namespace: str) -> Iterator[tuple[str, str]]:
        for item in self._client.get(path).list_of("permissions"):
            repository = item.get("repository") or {}
            yield f"{namespace}/{repository.get('name')}", str(item.get("role"))

    def _team_names(self) -> dict[str, list[str]]:
        """For each robot the names of its teams, those of other organizations too: Quay does not tell them apart."""
        space = ("user",) if self._organization is None else ("organization", self._organization)
        path, shown = api_path(*space, "robots"), {"permissions": "true", "token": "false"}
        robots = self._shown(lambda: self._client.get(path, shown), "teams").list_of("robots")
        return {
            str(robot.get("name")): [str(team.get("name")) for team in robot.get("teams") or ()] for robot in robots
        }

    def _members(self, team: str) -> set[str] | None:
        """Who is in a team of this organization; None where the organization has no such team."""
        if self._organization is None:
            return None
        if team not in self._teams:
            path = api_path("organization", self._organization, "team", team, "members")
            try:
                self._teams[team] = {str(member.get("name")) for member in self._client.get(path).list_of("members")}
            except NotFound:
                self._teams[team] = None
        return self._teams[team]

    def _defaults(self) -> list[tuple[str, DefaultRight, str]]:
        """Delegate, right and id of each default permission (GET /organization/{org}/prototypes)."""
        if self._organization is None:
            return []
        path = api_path("organization", self._organization, "prototypes")
        found = []
        for item in self._shown(lambda: self._client.get(path), "default permissions").list_of("prototypes"):
            delegate = item.get("delegate") or {}
            creator = (item.get("activating_user") or {}).get("name")
            right = DefaultRight(str(creator) if creator else None, str(item.get("role")))
            if delegate.get("kind") == "user":
                found.append((str(delegate.get("name")), right, str(item.get("id"))))
        return found

    def _change_defaults(self, robot: Robot, present: Rights, desired: Rights) -> None:
        if present.defaults == desired.defaults:
            return
        root = api_path("organization", self._organization or "", "prototypes")
        for right in sorted(desired.defaults - present.defaults, key=str):
            body: dict[str, Any] = {"role": right.role, "delegate": {"name": robot.name, "kind": "user"}}
            if right.creator:
                body["activating_user"] = {"name": right.creator}
            self._client.post(root, body)
        for delegate, right, uuid in self._defaults():
            if delegate == robot.name and right not in desired.defaults:
                self._client.delete(f"{root}/{uuid}")

    def _membership(self, team: str, robot: Robot) -> str:
        return api_path("organization", self._organization or "", "team", team, "members", robot.name)

    @staticmethod
    def _shown(ask: Callable[[], Any], what: str) -> Any:
        """What Quay shows; a refusal says which rights cannot be seen, because none of them is ever guessed."""
        try:
            return ask()
        except Forbidden as refused:
            raise refused.with_hint(
                f"Quay does not show this login the {what} of robots (it takes the scopes user:admin, org:admin and "
                "repo:admin, or the password of an administrator). Nothing was changed. Use such a login, or give both "
                "robots their rights yourself and set copy_rights: false"
            ) from None


_ROLES = ("read", "write", "admin")


def _permission(repository: str, robot: Robot) -> str:
    return api_path("repository", *repository.split("/"), "permissions", "user", robot.name)
