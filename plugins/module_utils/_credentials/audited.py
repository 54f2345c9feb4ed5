# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A credential as an audit sees it: what it is, who owns it, how old and how used it is, and what it may do. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._core.times import format_time
from .._quay.robots import FederationEntry

# The kinds of audited credentials. Those of declarations have the same names.
ROBOT, API, APP, CLIENT_SECRET, FEDERATION = "robot", "api", "app", "client_secret", "federation"
KINDS = (ROBOT, API, APP, CLIENT_SECRET, FEDERATION)

ADMIN = "admin"


@dataclass(frozen=True)
class TeamRole:
    """A team of a robot. ``role``: in the organization of the robot; None for a team of another organization."""

    name: str
    role: str | None


@dataclass(frozen=True)
class RepositoryRole:
    """The role of a robot on a repository. ``role``: None if it was not read. ``team``: the team that has the role."""

    repository: str
    role: str | None
    team: str | None = None


@dataclass(frozen=True)
class Audited:
    """One credential that Quay lists. Never its secret.

    Of what Quay does not show, or what was not read, the value is None.
    """

    kind: str
    name: str
    organization: str | None  # None in the namespace of a user
    owner: str | None  # the user whose rights it has; of a robot and an application, the namespace
    owner_enabled: bool | None = None
    uuid: str | None = None
    client_id: str | None = None
    application: str | None = None
    description: str = ""
    created_at: datetime | None = None
    age_source: str | None = None
    exists_since: datetime | None = None  # of a robot, whose secret may be newer
    expires_at: datetime | None = None
    last_accessed: datetime | None = None
    use_known: bool = True  # whether Quay shows the last use of such a credential at all
    is_lease: bool = False
    scopes: tuple[str, ...] = ()
    teams: tuple[TeamRole, ...] | None = None
    repositories: tuple[RepositoryRole, ...] | None = None
    federation: tuple[FederationEntry, ...] | None = None
    mirrors: tuple[str, ...] | None = None
    declared: bool | None = None  # None if no declarations are given

    @property
    def admin_of(self) -> tuple[str, ...]:
        """What a robot administers: teams with the role admin, and repositories."""
        teams = [f"organization {self.organization} (team {team.name})" for team in self.teams or () if _admin(team)]
        repositories = [f"repository {item.repository}" for item in self.repositories or () if item.role == ADMIN]
        return (*teams, *dict.fromkeys(repositories))

    def public(self, now: datetime) -> dict[str, Any]:
        """The return value."""
        return {
            "kind": self.kind,
            "name": self.name,
            "organization": self.organization,
            "owner": self.owner,
            "owner_enabled": self.owner_enabled,
            "uuid": self.uuid,
            "client_id": self.client_id,
            "application": self.application,
            "description": self.description,
            "created_at": format_time(self.created_at),
            "age_source": self.age_source if self.created_at else None,
            "age_days": None if self.created_at is None else max(0, (now - self.created_at).days),
            "expires_at": format_time(self.expires_at),
            "last_accessed": format_time(self.last_accessed),
            "use_known": self.use_known,
            "scopes": list(self.scopes),
            "teams": _listed(self.teams, "name", "role"),
            "repositories": _listed(self.repositories, "repository", "role", "team"),
            "federation": _listed(self.federation, "issuer", "subject"),
            "mirrors": None if self.mirrors is None else list(self.mirrors),
            "declared": self.declared,
        }


def _admin(team: TeamRole) -> bool:
    return team.role == ADMIN


def _listed(items: tuple[Any, ...] | None, *names: str) -> list[dict[str, Any]] | None:
    return None if items is None else [{name: getattr(item, name) for name in names} for item in items]
