# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Organizations, teams, and the synchronization of teams with a directory: typed records in, typed records out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Iterator, Mapping, Sequence

from .._core.names import real_email
from .._core.times import parse_time
from .._http.address import api_path
from .._http.client import QuayClient
from .._http.errors import ApiError, Forbidden, NotFound
from .._http.paging import read_list

# The maximum. Quay refuses 101.
_PAGE_SIZE = 100


@dataclass(frozen=True)
class Team:
    """A team in the view of its organization (GET /organization/{org}). ``synced``: with a directory group."""

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
    """An organization in the view of the login. ``teams`` (by name) is None if the login is not a member.

    ``administered``: whether the login administers the organization. ``email`` is empty if none is set.
    """

    name: str
    email: str
    administered: bool
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
    """The organizations of a server (/api/v1/organization/; scope user:admin to create, org:admin to change)."""

    path = "/api/v1/organization/"

    def __init__(self, client: QuayClient) -> None:
        self._client = client

    def get(self, name: str) -> Organization | None:
        """Return the organization, or None if it does not exist (GET /organization/{name}, which is public)."""
        try:
            return Organization.of(self._client.get(api_path("organization", name)).object_with("name"))
        except NotFound:
            return None

    def names(self) -> Iterator[str]:
        """Yield the names of all organizations of the server, read page by page (GET /superuser/organizations/).

        Raises Forbidden, with a hint, if the login is not a superuser.
        """
        path = "/api/v1/superuser/organizations/"
        try:
            for item in read_list(self._client, path, "organizations", {"limit": _PAGE_SIZE}):
                yield str(item.get("name"))
        except Forbidden as error:
            raise error.with_hint(
                "Use the login of a superuser, or a superuser's token with the scope super:user"
            ) from None

    def create(self, name: str, email: str) -> None:
        """Create an organization (POST /organization/). The user of the login becomes its only owner."""
        self._client.post(self.path, {"name": name, "email": email} if email else {"name": name})

    def update(self, name: str, changes: Mapping[str, Any]) -> None:
        """Change these fields of the organization and no others (PUT /organization/{name})."""
        self._client.put(api_path("organization", name), dict(changes))

    def delete(self, name: str) -> None:
        """Delete the organization with all its contents (DELETE /organization/{name})."""
        self._client.delete(api_path("organization", name))


@dataclass(frozen=True)
class Sync:
    """The directory group that a team is synchronized with.

    ``group`` is Quay's configuration of it, such as {"group_dn": ...}; None if Quay does not show it to this login.
    """

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
    """The members of a team, and the directory group that they come from."""

    members: frozenset[str] = frozenset()
    invited: frozenset[str] = frozenset()  # invitations that are not accepted yet
    robots: frozenset[str] = frozenset()  # the members that are robots
    syncs_with: Mapping[str, Any] | None = None  # the directory; None if the login may not configure a sync
    sync: Sync | None = field(default=None)

    @classmethod
    def of(cls, data: Mapping[str, Any], members: Sequence[Mapping[str, Any]]) -> Membership:
        """``data``: the response of GET .../members. ``members``: its list of members."""
        named = [item for item in members if item.get("name")]
        can_sync, synced = data.get("can_sync"), data.get("synced")
        return cls(
            members=frozenset(str(item["name"]) for item in named if not item.get("invited")),
            invited=frozenset(str(item["name"]) for item in named if item.get("invited")),
            robots=frozenset(str(item["name"]) for item in named if item.get("is_robot")),
            syncs_with=can_sync if isinstance(can_sync, dict) else None,
            sync=Sync.of(synced) if isinstance(synced, dict) else None,
        )


class Teams:
    """The teams of one organization (/api/v1/organization/{org}/team, scope org:admin)."""

    def __init__(self, client: QuayClient, organization: str) -> None:
        self._client = client
        self._organization = organization

    def path(self, team: str, *parts: str) -> str:
        """Return the API path of a team, or of a resource below it."""
        return api_path("organization", self._organization, "team", team, *parts)

    def write(self, team: str, fields: Mapping[str, str]) -> None:
        """Create or change a team (PUT .../team/{team}). ``fields`` must have a role in both cases."""
        self._client.put(self.path(team), dict(fields))

    def delete(self, team: str) -> None:
        """Delete a team (DELETE .../team/{team}). Its members lose the team's permissions."""
        self._client.delete(self.path(team))

    def membership(self, team: str) -> Membership | None:
        """Return the members of a team and its pending invitations, or None if there is no such team."""
        try:
            response = self._client.get(self.path(team, "members"), {"includePending": "true"})
            return Membership.of(response.json_object(), response.list_of("members"))
        except NotFound:
            return None

    def add(self, team: str, member: str) -> bool:
        """Add a user or a robot (PUT .../team/{team}/members/{member}).

        Returns False if Quay only sent an invitation (FEATURE_MAILING with FEATURE_REQUIRE_TEAM_INVITE). For a present
        member Quay answers 400, which counts as success.
        """
        try:
            response = self._client.put(self.path(team, "members", member)).json_object()
        except ApiError as error:
            if error.status == 400 and "already a member" in error.message:
                return True
            raise
        return not response.get("invited")

    def remove(self, team: str, member: str) -> None:
        """Remove a member, or withdraw an invitation. Does nothing if neither exists."""
        try:
            self._client.delete(self.path(team, "members", member))
        except ApiError as error:
            absent = isinstance(error, NotFound) or (error.status == 400 and "does not belong" in error.message)
            if not absent:
                raise

    def sync(self, team: str, group: Mapping[str, str]) -> None:
        """Synchronize a team with a directory group (POST .../syncing). Quay answers 500 if it is synchronized already.

        ``group``: such as {"group_dn": ...} for LDAP. The scope super:user may be needed in addition.
        """
        self._client.post(self.path(team, "syncing"), dict(group))

    def unsync(self, team: str) -> None:
        """Stop the synchronization of a team (DELETE .../syncing). The members stay as they are."""
        self._client.delete(self.path(team, "syncing"))

    def robots(self) -> set[str]:
        """Return the full names of the organization's robots (GET /organization/{org}/robots)."""
        response = self._client.get(api_path("organization", self._organization, "robots"), {"token": "false"})
        return {str(item.get("name")) for item in response.list_of("robots")}


def user_exists(client: QuayClient, name: str) -> bool:
    """Return whether a user exists, enabled or not (GET /users/{name}, for any login)."""
    try:
        client.get(api_path("users", name))
    except NotFound:
        return False
    return True


def administered_organizations(client: QuayClient) -> frozenset[str]:
    """Return the organizations that the login's user administers by a team (GET /user/, scope user:admin).

    Unlike in ``Organizations.get``, the rights of a superuser do not count.
    """
    listed = client.get("/api/v1/user/").json_object().get("organizations") or ()
    return frozenset(str(item.get("name")) for item in listed if item.get("is_org_admin"))
