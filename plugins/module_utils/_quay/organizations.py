# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Organizations, their teams, and the directory groups behind teams: typed records in, typed records out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Mapping, Sequence

from .._core.names import real_email
from .._core.times import parse_time
from .._http.address import api_path
from .._http.client import QuayClient
from .._http.errors import ApiError, NotFound


@dataclass(frozen=True)
class Team:
    """A team as the organization tells it."""

    name: str
    role: str
    description: str
    synced: bool

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Team:
        return cls(
            name=str(data.get("name", "")),
            role=str(data.get("role", "")),
            description=str(data.get("description") or ""),
            synced=bool(data.get("is_synced")),
        )


@dataclass(frozen=True)
class Organization:
    """An organization as this login sees it; ``teams`` is None for who is no member of it."""

    name: str
    email: str
    administered: bool  # whether the login administers it
    teams: Mapping[str, Team] | None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Organization:
        teams = data.get("teams")
        return cls(
            name=str(data.get("name", "")),
            email=real_email(data.get("email")),
            administered=bool(data.get("is_admin")),
            teams={name: Team.of(team) for name, team in teams.items()} if isinstance(teams, dict) else None,
        )


class Organizations:
    """The calls about organizations (/api/v1/organization; creating: scope user:admin, the rest: org:admin)."""

    path = "/api/v1/organization/"

    def __init__(self, client: QuayClient) -> None:
        self._client = client

    def get(self, name: str) -> Organization | None:
        """The organization as far as the login may see it; None where there is none. Everybody may ask."""
        try:
            return Organization.of(self._client.get(api_path("organization", name)).object_with("name"))
        except NotFound:
            return None

    def create(self, name: str, email: str) -> None:
        """Create an organization; the login's user becomes its only owner."""
        self._client.post(self.path, {"name": name, "email": email} if email else {"name": name})

    def update(self, name: str, changes: Mapping[str, Any]) -> None:
        """Change what is named, and nothing else."""
        self._client.put(api_path("organization", name), dict(changes))

    def delete(self, name: str) -> None:
        """Delete the organization with everything in it."""
        self._client.delete(api_path("organization", name))


@dataclass(frozen=True)
class Sync:
    """Which group of a directory gives a team its members. ``group`` is None where Quay does not tell it this login."""

    service: str
    group: Mapping[str, Any] | None
    last_updated: datetime | None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Sync:
        group = data.get("config")
        return cls(
            service=str(data.get("service", "")),
            group=group if isinstance(group, dict) else None,
            last_updated=parse_time(data.get("last_updated")),
        )


@dataclass(frozen=True)
class Membership:
    """Who is in a team, and where its members come from."""

    members: frozenset[str] = frozenset()
    invited: frozenset[str] = frozenset()  # asked, and not yet there
    robots: frozenset[str] = frozenset()  # those of the members that are robots
    syncs_with: Mapping[str, Any] | None = None  # the directory, where the login may set up a sync
    sync: Sync | None = field(default=None)

    @classmethod
    def of(cls, data: Mapping[str, Any], members: Sequence[Mapping[str, Any]]) -> Membership:
        listed = [item for item in members if item.get("name")]
        can_sync, synced = data.get("can_sync"), data.get("synced")
        return cls(
            members=frozenset(str(item["name"]) for item in listed if not item.get("invited")),
            invited=frozenset(str(item["name"]) for item in listed if item.get("invited")),
            robots=frozenset(str(item["name"]) for item in listed if item.get("is_robot")),
            syncs_with=can_sync if isinstance(can_sync, dict) else None,
            sync=Sync.of(synced) if isinstance(synced, dict) else None,
        )


class Teams:
    """The calls about the teams of one organization (/api/v1/organization/{org}/team, scope org:admin)."""

    def __init__(self, client: QuayClient, organization: str) -> None:
        self._client = client
        self._organization = organization

    def path(self, team: str, *below: str) -> str:
        return api_path("organization", self._organization, "team", team, *below)

    def write(self, team: str, fields: Mapping[str, str]) -> None:
        """Create a team, or change one; C(role) is required in both cases."""
        self._client.put(self.path(team), dict(fields))

    def delete(self, team: str) -> None:
        """Delete a team; its members lose what it gave them."""
        self._client.delete(self.path(team))

    def membership(self, team: str) -> Membership | None:
        """Who is in a team, those included who are only invited; None where there is no such team."""
        try:
            response = self._client.get(self.path(team, "members"), {"includePending": "true"})
            return Membership.of(response.json_object(), response.list_of("members"))
        except NotFound:
            return None

    def add(self, team: str, member: str) -> bool:
        """Add a user or robot; false where Quay only invited him (FEATURE_MAILING and FEATURE_REQUIRE_TEAM_INVITE)."""
        try:
            response = self._client.put(self.path(team, "members", member)).json_object()
        except ApiError as error:
            if error.status == 400 and "already a member" in error.message:
                return True
            raise
        return not response.get("invited")

    def remove(self, team: str, member: str) -> None:
        """Remove a member, or take an invitation back."""
        try:
            self._client.delete(self.path(team, "members", member))
        except ApiError as error:
            gone = isinstance(error, NotFound) or (error.status == 400 and "does not belong" in error.message)
            if not gone:
                raise

    def sync(self, team: str, group: Mapping[str, str]) -> None:
        """Take the members from a group from now on. Quay answers 500 for a team that is synced already."""
        self._client.post(self.path(team, "syncing"), dict(group))

    def unsync(self, team: str) -> None:
        """Leave the members as they are from now on."""
        self._client.delete(self.path(team, "syncing"))

    def robots(self) -> set[str]:
        """The full names of the organization's robots."""
        listed = self._client.get(api_path("organization", self._organization, "robots"), {"token": "false"})
        return {str(item.get("name")) for item in listed.list_of("robots")}


def user_exists(client: QuayClient, name: str) -> bool:
    """Whether there is a user of that name, enabled or not (GET /users/{name}: any login may ask)."""
    try:
        client.get(api_path("users", name))
    except NotFound:
        return False
    return True
