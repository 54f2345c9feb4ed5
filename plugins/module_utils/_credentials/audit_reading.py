# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Reads what Quay lists of credentials: the number of requests depends on namespaces and pages, not on robots.

What costs a request for each robot or repository is read only on request (``audit_rules.DETAILS``).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Callable, Iterable, Iterator, Mapping, Sequence, TypeVar

from .._core.errors import BadInput, BadLogin
from .._core.parallel import in_parallel
from .._http.auth import SessionAuth
from .._http.errors import ApiError, NotAuthenticated, NotFound, RateLimited
from .._module.context import ModuleContext
from .._quay.app_tokens import AppToken, AppTokens, NotOffered
from .._quay.logs import Logs, LogsUnavailable
from .._quay.mirrors import mirrors_of, robot_of_organization_mirror
from .._quay.oauth import AccessToken, Application, Applications, Authorization, UserTokens
from .._quay.organizations import Organization, Organizations, Teams
from .._quay.repositories import USER, Repositories, RepositoryName
from .._quay.robot_rights import RobotRights
from .._quay.robots import FederationEntry, Robot, RobotName, Robots, is_unknown_robot
from .._quay.users import Users
from .application_token import listed_tokens
from .audit_rules import FEDERATION, LOGS, MIRRORS, ROLES
from .audited import (
    ADMIN,
    API,
    APP,
    CLIENT_SECRET,
    ROBOT,
    Audited,
    RepositoryRole,
    TeamRole,
)
from .audited import FEDERATION as FEDERATION_KIND
from .lease import expiry_in_name
from .policy import AGE_FROM_CREATION, AGE_FROM_LOG, AGE_FROM_QUAY

_T = TypeVar("_T")

# Quay does not record the last use of anything if it is off.
_TRACKS_USE = "USER_LAST_ACCESSED"


@dataclass(frozen=True)
class Scope:
    """What an audit reads. ``details``: of ``audit_rules.DETAILS``. ``logged_for``: how far back the logs are read."""

    organizations: Sequence[str] = ()
    all_organizations: bool = False
    user_robots: bool = False
    own_account: bool = False
    users: bool = False  # whether users are enabled
    details: frozenset[str] = frozenset()
    logged_for: timedelta = timedelta(days=90)


@dataclass
class Reading:
    """What was read. ``problems``: what could not be read. ``limits``: what this server shows to no login."""

    items: list[Audited] = field(default_factory=list)
    organizations: list[str] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)

    def add(self, other: Reading) -> None:
        """Add what was read of another namespace."""
        self.items += other.items
        self.organizations += other.organizations
        self.problems += other.problems
        for limit in other.limits:
            self.note_limit(limit)

    def note_limit(self, sentence: str) -> None:
        """Add a limit. The same one appears once."""
        if sentence not in self.limits:
            self.limits.append(sentence)

    def attempt(self, subject: str, read: Callable[[], _T]) -> _T | None:
        """What ``read`` returns. An error that concerns the subject alone is noted, and None returned."""
        try:
            return read()
        except (BadLogin, NotAuthenticated, RateLimited):
            raise
        except NotOffered as error:
            self.note_limit(f"{error}.")
        except (ApiError, BadInput, LogsUnavailable) as error:
            if isinstance(error, ApiError) and error.status >= 500:
                raise
            self.problems.append({"subject": subject, "message": str(error)})
        return None

    def attempt_list(self, subject: str, read: Callable[[], Iterable[_T]]) -> list[_T]:
        """The same for a list, which is empty after an error."""
        return self.attempt(subject, lambda: list(read())) or []


def read_credentials(context: ModuleContext, scope: Scope) -> Reading:
    """Read all credentials of the scope. Raises QuayError if the login or the server fails for all of them."""
    reading, client = Reading(), context.client
    names = list(dict.fromkeys(scope.organizations))
    if scope.all_organizations:
        names = list(dict.fromkeys([*names, *Organizations(client).names()]))
    enabled = {user.name: user.enabled for user in Users(client).list()} if scope.users else {}
    parts = context.each_apart(partial(_read_organization, scope), names)
    if scope.user_robots:
        parts += context.each_apart(partial(_read_user, scope), sorted(enabled))
    if scope.own_account:
        parts.append(_read_own_account(scope, context))
    if scope.all_organizations:
        parts.append(_read_app_tokens_of_all(context))
    for part in parts:
        reading.add(part)
    use_known = context.server.feature(_TRACKS_USE) is not False
    if not use_known:
        reading.note_limit("This server does not record the last use of credentials (FEATURE_USER_LAST_ACCESSED).")
    reading.items = [
        replace(item, owner_enabled=enabled.get(item.owner or ""), use_known=item.use_known and use_known)
        for item in _distinct(reading.items)
    ]
    return reading


def _distinct(items: Iterable[Audited]) -> list[Audited]:
    """Each token once. The login's own tokens are listed twice; the entry that says more counts."""
    by_identity: dict[tuple[str, str], Audited] = {}
    for number, item in enumerate(items):
        identity = (item.kind, item.uuid or str(number))
        known = by_identity.get(identity)
        if known is None or (item.created_at is not None, item.owner is not None) > (
            known.created_at is not None,
            known.owner is not None,
        ):
            by_identity[identity] = item
    return list(by_identity.values())


# --- namespaces


def _read_organization(scope: Scope, context: ModuleContext, name: str) -> Reading:
    reading = Reading()
    found = reading.attempt(name, lambda: Organizations(context.client).get(name))
    if found is None:
        if not reading.problems:
            reading.problems.append({"subject": name, "message": f"There is no organization '{name}'"})
        return reading
    reading.organizations.append(name)
    robots = _RobotReader(context, scope, reading, name, _roles_of_teams(found))
    reading.items += reading.attempt_list(f"robots of {name}", robots.read)
    applications = reading.attempt_list(f"applications of {name}", Applications(context.client, name).list)
    reading.items += _client_secrets(context, scope, reading, name, applications)
    reading.items += reading.attempt_list(
        f"OAuth tokens of {name}", lambda: _tokens_of(context, reading, name, applications)
    )
    return reading


def _roles_of_teams(organization: Organization) -> Mapping[str, str] | None:
    return None if organization.teams is None else {name: team.role for name, team in organization.teams.items()}


def _read_user(scope: Scope, context: ModuleContext, name: str) -> Reading:
    """The robots of another user, whom Quay treats as an organization here. Only a superuser may see them."""
    reading = Reading()
    robots = _RobotReader(context, scope, reading, name, {}, of_user=True)
    reading.items += reading.attempt_list(f"robots of the user {name}", robots.read)
    return reading


def _read_own_account(scope: Scope, context: ModuleContext) -> Reading:
    """What belongs to the user of the login (scope user:admin)."""
    reading, client = Reading(), context.client
    robots = _RobotReader(context, scope, reading, None, {}, of_user=True)
    reading.items += reading.attempt_list("robots of the login's user", robots.read)
    owner = client.auth.username if isinstance(client.auth, SessionAuth) else robots.namespace
    authorizations = reading.attempt_list("OAuth tokens of the login's user", UserTokens(client).authorizations)
    reading.items += [_authorization(item, owner) for item in authorizations]
    app_tokens = reading.attempt_list("app tokens of the login's user", AppTokens(client).list)
    reading.items += [_app_token(item, owner) for item in app_tokens]
    return reading


def _read_app_tokens_of_all(context: ModuleContext) -> Reading:
    reading = Reading()
    tokens = reading.attempt_list("app tokens of all users", AppTokens(context.client).list_all)
    reading.items += [_app_token(item, None) for item in tokens]
    if tokens:
        reading.note_limit("Quay does not show to whom the app tokens of other users belong.")
    return reading


# --- robots


class _RobotReader:
    """Reads the robots of one namespace. ``namespace``: None for that of the login's user.

    ``roles``: of the organization's teams; None if the login may not see them.
    """

    def __init__(
        self,
        context: ModuleContext,
        scope: Scope,
        reading: Reading,
        namespace: str | None,
        roles: Mapping[str, str] | None,
        *,
        of_user: bool = False,
    ) -> None:
        self._context, self._client = context, context.client
        self._scope, self._reading = scope, reading
        self.namespace = namespace
        self._roles = roles
        self._of_user = of_user
        self._address = namespace  # by which Quay's API names the namespace

    def read(self) -> list[Audited]:
        """The robots, and the identities of their federation. Raises BadInput if the login may not see their rights."""
        robots = Robots(self._client).list(self._address, with_teams=True, with_tokens=False)
        if not robots:
            return []
        self.namespace = robots[0].namespace
        if self._roles is None or any(robot.teams is None for robot in robots):
            raise BadInput(
                f"This login may not see what the robots of {self.namespace} may do. Use the login of an administrator "
                "of the organization; a token needs the scope org:admin"
            )
        changed = self._detail(LOGS, "usage logs", lambda: self._token_changes(robots)) or {}
        teams, repositories = self._teams_of(robots), self._repositories_of(robots)
        federation = self._detail(FEDERATION, "federation", lambda: self._federation_of(robots))
        mirrors = self._detail(MIRRORS, "mirrors", self._mirrors)
        items = []
        for robot in robots:
            entries = None if federation is None else tuple(federation[robot.name])
            item = replace(
                self._robot(robot, changed.get(_short(robot))),
                teams=teams[robot.name],
                repositories=repositories[robot.name],
                federation=entries,
                mirrors=None if mirrors is None else tuple(mirrors.get(robot.name, ())),
            )
            items += [item, *(_identity(item, entry) for entry in entries or ())]
        return items

    def _robot(self, robot: Robot, changed: datetime | None) -> Audited:
        issued, source = robot.created_at, AGE_FROM_CREATION
        # A robot that was created later under the same name has nothing to do with the entry.
        if changed is not None and (issued is None or changed > issued):
            issued, source = changed, AGE_FROM_LOG
        expires_at = expiry_in_name(_short(robot))
        return Audited(
            kind=ROBOT,
            name=robot.name,
            organization=None if self._of_user else robot.namespace,
            owner=robot.namespace,
            description=robot.description,
            created_at=issued,
            age_source=source,
            exists_since=robot.created_at,
            expires_at=expires_at,
            is_lease=expires_at is not None,
            last_accessed=robot.last_accessed,
        )

    def _detail(self, name: str, subject: str, read: Callable[[], _T]) -> _T | None:
        """What is read only on request; None if it was not requested, or could not be read."""
        if name not in self._scope.details:
            return None
        return self._reading.attempt(f"{subject} of {self.namespace}", read)

    def _teams_of(self, robots: Sequence[Robot]) -> dict[str, tuple[TeamRole, ...]]:
        """The teams of each robot. Quay does not say whose teams they are, so membership in an admin team is checked.

        One request for each team with the role admin that has robots.
        """
        roles = self._roles or {}
        named = {team for robot in robots for team in robot.teams or ()}
        members = {team: self._members(team) for team in sorted(named) if roles.get(team) == ADMIN}

        def role_of(robot: Robot, team: str) -> str | None:
            return roles.get(team) if robot.name in members.get(team, {robot.name}) else None

        return {
            robot.name: tuple(TeamRole(team, role_of(robot, team)) for team in robot.teams or ()) for robot in robots
        }

    def _members(self, team: str) -> frozenset[str]:
        membership = Teams(self._client, self._address or "").membership(team)
        return frozenset() if membership is None else membership.robots

    def _repositories_of(self, robots: Sequence[Robot]) -> dict[str, tuple[RepositoryRole, ...]]:
        """The repositories of each robot, with the roles if they were requested."""
        namespace = self.namespace or ""
        roles = self._detail(ROLES, "roles on repositories", lambda: self._direct_roles(robots)) or {}
        of_teams = self._detail(ROLES, "roles of teams", lambda: self._roles_by_team(robots)) or {}
        found = {}
        for robot in robots:
            direct = [
                RepositoryRole(f"{namespace}/{name}", roles.get((name, robot.name)))
                for name in sorted(set(robot.repositories or ()))
            ]
            by_team = [
                RepositoryRole(repository, role, team)
                for team in robot.teams or ()
                for repository, role in sorted(of_teams.get(team, {}).items())
            ]
            found[robot.name] = (*direct, *by_team)
        return found

    def _direct_roles(self, robots: Sequence[Robot]) -> dict[tuple[str, str], str]:
        """The role of each robot on each repository, by the names of both. One request for each repository."""
        names = sorted({name for robot in robots for name in robot.repositories or ()})

        def roles_on(name: str) -> dict[tuple[str, str], str]:
            found = Repositories(self._client, RepositoryName(self.namespace or "", name)).roles(USER)
            return {(name, account): role for (_kind, account), role in found.items()}

        listed = in_parallel(roles_on, names, self._context.workers)
        return {key: role for roles in listed for key, role in roles.items()}

    def _roles_by_team(self, robots: Sequence[Robot]) -> dict[str, dict[str, str]]:
        """The roles of the organization's teams on repositories. One request for each team that has robots."""
        rights = RobotRights(self._client, self._address)
        named = sorted({team for robot in robots for team in robot.teams or ()} & (self._roles or {}).keys())
        return {team: rights.team_roles(team) for team in named}

    def _federation_of(self, robots: Sequence[Robot]) -> dict[str, list[FederationEntry]]:
        """The federation of each robot. One request for each robot."""
        names = [RobotName(self._address, _short(robot)) for robot in robots]
        found = in_parallel(self._federation, names, self._context.workers)
        return {robot.name: entries for robot, entries in zip(robots, found)}

    def _federation(self, name: RobotName) -> list[FederationEntry]:
        try:
            return Robots(self._client).federation(name)
        except ApiError as error:
            if is_unknown_robot(error):
                # Deleted since the list was read.
                return []
            raise

    def _mirrors(self) -> dict[str, list[str]]:
        """What mirrors use each robot. One request for each 100 repositories and each mirrored repository, and one."""
        mirrored: dict[str, list[str]] = defaultdict(list)
        for repository, robot in mirrors_of(self._client, self.namespace or "", readable_only=False):
            mirrored[robot].append(repository)
        if not self._of_user:
            robot_of_all = robot_of_organization_mirror(self._client, self.namespace or "")
            if robot_of_all:
                mirrored[robot_of_all].append(f"the organization {self.namespace}")
        return mirrored

    def _token_changes(self, robots: Sequence[Robot]) -> dict[str, datetime]:
        """When the tokens of older robots last changed, by short name. Those of younger ones are young enough."""
        since = self._client.now() - self._scope.logged_for
        older = [_short(robot) for robot in robots if robot.created_at is None or robot.created_at < since]
        return Logs(self._client, self._address).token_changes(older, since)


def _short(robot: Robot) -> str:
    return robot.name.rpartition("+")[2]


def _identity(robot: Audited, entry: FederationEntry) -> Audited:
    """An identity of the robot's federation, which may do what the robot may."""
    return Audited(
        kind=FEDERATION_KIND,
        name=entry.subject,
        organization=robot.organization,
        owner=robot.name,
        description=entry.issuer,
        use_known=False,
        federation=(entry,),
        declared=None,
    )


# --- applications and tokens


def _client_secrets(
    context: ModuleContext, scope: Scope, reading: Reading, organization: str, applications: Sequence[Application]
) -> Iterator[Audited]:
    issued: Mapping[str, datetime] = {}
    if LOGS in scope.details and applications:
        since, client_ids = context.client.now() - scope.logged_for, [item.client_id for item in applications]
        changes = partial(Logs(context.client, organization).client_secret_changes, client_ids, since)
        issued = reading.attempt(f"usage logs of {organization}", changes) or {}
    for application in applications:
        yield Audited(
            kind=CLIENT_SECRET,
            name=application.name,
            organization=organization,
            owner=organization,
            client_id=application.client_id,
            application=application.name,
            description=application.description,
            created_at=issued.get(application.client_id),
            age_source=AGE_FROM_LOG,
            use_known=False,
        )


def _tokens_of(
    context: ModuleContext, reading: Reading, organization: str, applications: Sequence[Application]
) -> Iterator[Audited]:
    """The valid OAuth tokens of the applications: one request for each 50 of an application."""
    for application in applications:
        try:
            tokens = listed_tokens(context, organization, application.client_id)
        except NotFound:
            # Deleted since the list was read.
            continue
        if tokens is None:
            reading.note_limit("This server (Quay 3.17 or older) does not list the OAuth tokens of applications.")
            return
        for token in tokens:
            yield _oauth_token(token, organization, application)


def _oauth_token(token: AccessToken, organization: str, application: Application) -> Audited:
    return Audited(
        kind=API,
        name=token.name or "",
        organization=organization,
        owner=token.created_by,
        uuid=token.uuid,
        client_id=application.client_id,
        application=application.name,
        created_at=token.created_at,
        age_source=AGE_FROM_QUAY,
        expires_at=token.expires_at,
        last_accessed=token.last_accessed,
        scopes=token.scopes,
    )


def _authorization(item: Authorization, owner: str | None) -> Audited:
    """An OAuth token of the login's user, of which Quay shows no dates."""
    return Audited(
        kind=API,
        name="",
        organization=item.organization or None,
        owner=owner,
        uuid=item.uuid,
        application=item.application,
        use_known=False,
        scopes=item.scopes,
    )


def _app_token(token: AppToken, owner: str | None) -> Audited:
    return Audited(
        kind=APP,
        name=token.title,
        organization=None,
        owner=owner,
        uuid=token.uuid,
        created_at=token.created_at,
        age_source=AGE_FROM_QUAY,
        expires_at=token.expires_at,
        last_accessed=token.last_accessed,
    )
