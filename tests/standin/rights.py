# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rights of the caller: the roles of the account, limited by the scopes of the token."""

from __future__ import annotations

from .quay import caller, quay
from .scopes import DIRECT_LOGIN

_REPOSITORY_ROLES = (None, "read", "write", "admin")
_TEAM_ROLES = (None, "member", "creator", "admin")
_USER_ROLES = (None, "read", "admin")

_MAX_REPOSITORY_ROLE = {"repo:read": "read", "repo:write": "write", "repo:admin": "admin", DIRECT_LOGIN: "admin"}
_MAX_TEAM_ROLE = {"repo:create": "creator", "org:admin": "admin", DIRECT_LOGIN: "admin"}
_MAX_USER_ROLE = {"user:read": "read", "user:admin": "admin", DIRECT_LOGIN: "admin"}

Roles = tuple[str | None, ...]


def _limited_rank(ladder: Roles, limits: dict[str, str], role: str | None) -> int:
    """Return the rank of a role after the limit by the caller's scopes. 0 is no role."""
    highest = max((ladder.index(limits.get(scope)) for scope in caller().scopes), default=0)
    return min(highest, ladder.index(role))


def is_superuser() -> bool:
    user, held = caller().user, caller().scopes
    return (
        user is not None
        and quay().feature("SUPER_USERS")
        and user.username in quay().config["SUPER_USERS"]
        and bool(held & {"super:user", DIRECT_LOGIN})
    )


def has_full_access() -> bool:
    return is_superuser() and quay().feature("SUPERUSERS_FULL_ACCESS")


def _organization_rank(namespace: str) -> int:
    name = caller().name
    if name is None:
        return 0
    roles = [team.role for org, team in quay().state.teams_of(name) if org.name == namespace]
    if name == namespace:
        roles.append("admin")
    return max((_limited_rank(_TEAM_ROLES, _MAX_TEAM_ROLE, role) for role in roles), default=0)


def can_administer_organization(namespace: str) -> bool:
    return has_full_access() or _organization_rank(namespace) >= _TEAM_ROLES.index("admin")


def can_create_repository(namespace: str) -> bool:
    return has_full_access() or _organization_rank(namespace) >= _TEAM_ROLES.index("creator")


def is_organization_member(namespace: str) -> bool:
    return has_full_access() or _organization_rank(namespace) >= _TEAM_ROLES.index("member")


def can_view_team(namespace: str, team_name: str) -> bool:
    if can_administer_organization(namespace):
        return True
    team = quay().state.organizations[namespace].teams.get(team_name)
    if team is None or caller().name not in team.members:
        return False
    return _limited_rank(_TEAM_ROLES, _MAX_TEAM_ROLE, team.role) > 0


def repository_role_of(account: str, namespace: str, name: str) -> str | None:
    """Return the role of a user or robot on a repository: direct, by a team or as owner of the namespace."""
    if account == namespace:
        return "admin"
    teams = [team for org, team in quay().state.teams_of(account) if org.name == namespace]
    if any(team.role == "admin" for team in teams):
        return "admin"
    repository = quay().state.repositories.get((namespace, name))
    if repository is None:
        return None
    roles = [repository.user_roles.get(account), *(repository.team_roles.get(team.name) for team in teams)]
    return max(roles, key=_REPOSITORY_ROLES.index)


def _repository_rank(namespace: str, name: str) -> int:
    account = caller().name
    if account is None:
        return 0
    return _limited_rank(_REPOSITORY_ROLES, _MAX_REPOSITORY_ROLE, repository_role_of(account, namespace, name))


def can_read_repository(namespace: str, name: str) -> bool:
    return has_full_access() or _repository_rank(namespace, name) >= _REPOSITORY_ROLES.index("read")


def can_write_repository(namespace: str, name: str) -> bool:
    return has_full_access() or _repository_rank(namespace, name) >= _REPOSITORY_ROLES.index("write")


def can_administer_repository(namespace: str, name: str) -> bool:
    return has_full_access() or _repository_rank(namespace, name) >= _REPOSITORY_ROLES.index("admin")


def _user_rank() -> int:
    return _limited_rank(_USER_ROLES, _MAX_USER_ROLE, "admin") if caller().user else 0


def can_read_user() -> bool:
    return _user_rank() >= _USER_ROLES.index("read")


def can_administer_user() -> bool:
    return _user_rank() >= _USER_ROLES.index("admin")


def is_admin_of_organization(username: str, namespace: str) -> bool:
    """Whether a user is in an admin team. The OAuth flow ignores scopes and superuser rights."""
    return any(org.name == namespace and team.role == "admin" for org, team in quay().state.teams_of(username))
