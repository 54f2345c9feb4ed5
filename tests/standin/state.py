# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The database of Quay, as records in memory."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import tokens


@dataclass
class User:
    username: str
    email: str
    created: datetime
    id: int
    password_digest: str | None = None
    uuid: str = field(default_factory=tokens.new_uuid)
    enabled: bool = True
    verified: bool = True
    last_accessed: datetime | None = None
    invalid_logins: int = 0
    last_invalid_login: datetime | None = None


@dataclass
class TeamSync:
    """The group of a directory that provides the members of a team."""

    service: str
    config: dict[str, Any]
    last_updated: datetime | None = None


@dataclass
class Team:
    name: str
    role: str
    id: int
    description: str = ""
    members: list[str] = field(default_factory=list)
    invited: list[str] = field(default_factory=list)
    sync: TeamSync | None = None


@dataclass
class Organization:
    name: str
    email: str
    created: datetime
    id: int
    teams: dict[str, Team] = field(default_factory=dict)
    tag_expiration_s: int = 1209600
    invoice_email: bool = False
    invoice_email_address: str | None = None
    mirror_robot: str | None = None  # the robot of the mirror of the complete organization


@dataclass
class Robot:
    name: str
    token: str
    created: datetime
    id: int
    description: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    last_accessed: datetime | None = None
    federation: list[dict[str, str]] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        return self.name.split("+", 1)[0]

    @property
    def shortname(self) -> str:
        return self.name.split("+", 1)[1]


@dataclass
class Application:
    namespace: str
    name: str
    id: int
    client_id: str = field(default_factory=tokens.client_id)
    client_secret: str = field(default_factory=tokens.client_secret)
    description: str = ""
    application_uri: str = ""
    redirect_uri: str = ""
    avatar_email: str | None = None


@dataclass
class OAuthToken:
    digest: str
    client_id: str
    username: str
    scope: str
    created: datetime
    expires_at: datetime
    id: int
    name: str | None = None
    uuid: str = field(default_factory=tokens.new_uuid)
    last_accessed: datetime | None = None


@dataclass
class AuthorizationCode:
    digest: str
    client_id: str
    username: str
    scope: str


@dataclass
class Assignment:
    client_id: str
    username: str
    redirect_uri: str
    scope: str
    response_type: str
    uuid: str = field(default_factory=tokens.new_uuid)


@dataclass
class AppToken:
    username: str
    title: str
    code: str
    created: datetime
    expiration: datetime | None
    uuid: str = field(default_factory=tokens.new_uuid)
    last_accessed: datetime | None = None


@dataclass
class Notification:
    kind: str
    username: str
    metadata: dict[str, Any]
    created: datetime
    id: int
    uuid: str = field(default_factory=tokens.new_uuid)
    dismissed: bool = False


@dataclass
class Manifest:
    digest: str
    media_type: str
    content: bytes


@dataclass
class Mirror:
    external_reference: str
    robot: str
    tags: list[str]
    sync_interval: int
    sync_start_date: datetime | None
    skopeo_timeout: int
    username: str | None = None
    password: str | None = None
    registry: dict[str, Any] = field(default_factory=dict)
    architectures: list[str] = field(default_factory=list)
    enabled: bool = True
    status: str = "NEVER_RUN"
    retries: int = 3


@dataclass
class Build:
    started: datetime
    archive_url: str
    dockerfile_path: str
    context: str
    tags: list[str]
    manual_user: str
    pull_robot: str | None = None
    uuid: str = field(default_factory=tokens.new_uuid)
    phase: str = "waiting"
    status: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


@dataclass
class Repository:
    namespace: str
    name: str
    created: datetime
    id: int
    visibility: str = "private"
    description: str = ""
    kind: str = "image"
    state: str = "NORMAL"
    badge_token: str = field(default_factory=tokens.new_uuid)
    user_roles: dict[str, str] = field(default_factory=dict)
    team_roles: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    mirror: Mirror | None = None
    builds: list[Build] = field(default_factory=list)

    @property
    def is_public(self) -> bool:
        return self.visibility == "public"


@dataclass
class Prototype:
    organization: str
    role: str
    delegate_kind: str
    delegate_name: str
    activating_user: str | None
    uuid: str = field(default_factory=tokens.new_uuid)


@dataclass
class LogEntry:
    id: int
    kind: str
    namespace: str | None
    repository: str | None
    performer: str | None
    ip: str | None
    metadata: dict[str, Any]
    at: datetime


@dataclass
class State:
    """All records of one Quay. A deep copy is a snapshot."""

    users: dict[str, User] = field(default_factory=dict)
    organizations: dict[str, Organization] = field(default_factory=dict)
    robots: dict[str, Robot] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    oauth_tokens: dict[str, OAuthToken] = field(default_factory=dict)
    authorization_codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    assignments: dict[str, Assignment] = field(default_factory=dict)
    app_tokens: dict[str, AppToken] = field(default_factory=dict)
    notifications: dict[str, Notification] = field(default_factory=dict)
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    prototypes: dict[str, Prototype] = field(default_factory=dict)
    logs: list[LogEntry] = field(default_factory=list)
    uploads: dict[str, bytearray] = field(default_factory=dict)
    deleted_namespaces: dict[str, datetime] = field(default_factory=dict)
    last_id: int = 0

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def namespace_exists(self, name: str) -> bool:
        return name in self.users or name in self.organizations

    def robots_of(self, namespace: str) -> list[Robot]:
        return [robot for robot in self.robots.values() if robot.namespace == namespace]

    def applications_of(self, namespace: str) -> list[Application]:
        return [app for app in self.applications.values() if app.namespace == namespace]

    def tokens_of_application(self, client_id: str) -> list[OAuthToken]:
        return [token for token in self.oauth_tokens.values() if token.client_id == client_id]

    def tokens_of_user(self, username: str) -> list[OAuthToken]:
        return [token for token in self.oauth_tokens.values() if token.username == username]

    def teams_of(self, account: str) -> list[tuple[Organization, Team]]:
        """Every team, in any organization, that a user or robot is a member of."""
        return [
            (organization, team)
            for organization in self.organizations.values()
            for team in organization.teams.values()
            if account in team.members
        ]

    def delete_application(self, client_id: str) -> None:
        """Delete an application with its tokens, codes and assignments."""
        del self.applications[client_id]
        self.oauth_tokens = {key: token for key, token in self.oauth_tokens.items() if token.client_id != client_id}
        self.assignments = {key: item for key, item in self.assignments.items() if item.client_id != client_id}
        self.authorization_codes = {
            key: code for key, code in self.authorization_codes.items() if code.client_id != client_id
        }

    def remove_account_references(self, name: str) -> None:
        """Remove a user or robot from teams, permissions and default permissions."""
        for team in itertools.chain.from_iterable(org.teams.values() for org in self.organizations.values()):
            team.members = [member for member in team.members if member != name]
        for repository in self.repositories.values():
            repository.user_roles.pop(name, None)
            for build in repository.builds:
                build.pull_robot = None if build.pull_robot == name else build.pull_robot
        self.prototypes = {
            key: prototype
            for key, prototype in self.prototypes.items()
            if (prototype.delegate_kind, prototype.delegate_name) != ("user", name)
            and prototype.activating_user != name
        }

    def rename_organization(self, old: str, new: str) -> None:
        """Rename an organization and everything in it, including its robots."""
        organization = self.organizations.pop(old)
        organization.name = new
        self.organizations[new] = organization
        for robot in self.robots_of(old):
            self._rename_robot(robot, f"{new}+{robot.shortname}")
        for application in self.applications_of(old):
            application.namespace = new
        for repository in [repo for repo in self.repositories.values() if repo.namespace == old]:
            del self.repositories[old, repository.name]
            repository.namespace = new
            self.repositories[new, repository.name] = repository
        for prototype in self.prototypes.values():
            prototype.organization = new if prototype.organization == old else prototype.organization
        for entry in self.logs:
            entry.namespace = new if entry.namespace == old else entry.namespace

    def _rename_robot(self, robot: Robot, name: str) -> None:
        del self.robots[robot.name]
        for team in itertools.chain.from_iterable(org.teams.values() for org in self.organizations.values()):
            team.members = [name if member == robot.name else member for member in team.members]
        for repository in self.repositories.values():
            if robot.name in repository.user_roles:
                repository.user_roles[name] = repository.user_roles.pop(robot.name)
            if repository.mirror and repository.mirror.robot == robot.name:
                repository.mirror.robot = name
        for prototype in self.prototypes.values():
            if (prototype.delegate_kind, prototype.delegate_name) == ("user", robot.name):
                prototype.delegate_name = name
        robot.name = name
        self.robots[name] = robot

    def delete_namespace(self, name: str, at: datetime) -> None:
        """Delete a user or organization with everything in its namespace."""
        for robot in self.robots_of(name):
            self.remove_account_references(robot.name)
            del self.robots[robot.name]
        for application in self.applications_of(name):
            self.delete_application(application.client_id)
        self.repositories = {key: repo for key, repo in self.repositories.items() if repo.namespace != name}
        self.prototypes = {key: item for key, item in self.prototypes.items() if item.organization != name}
        if self.users.pop(name, None):
            self.remove_account_references(name)
            self.oauth_tokens = {key: token for key, token in self.oauth_tokens.items() if token.username != name}
            self.app_tokens = {key: token for key, token in self.app_tokens.items() if token.username != name}
            self.assignments = {key: item for key, item in self.assignments.items() if item.username != name}
            self.notifications = {key: item for key, item in self.notifications.items() if item.username != name}
        self.organizations.pop(name, None)
        self.deleted_namespaces[name] = at
