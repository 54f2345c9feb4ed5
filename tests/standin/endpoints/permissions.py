# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Permissions of users, robots and teams on a repository."""

from __future__ import annotations

from typing import Any

from .. import rights
from ..errors import MessageError, bad_request, internal_error, not_found
from ..quay import quay
from ..routing import Routes, json_body, require
from ..serialization import account_avatar, avatar
from ..state import Repository
from ..usage_log import log
from .repositories import find_repository, split

routes = Routes()

_ROLE = {
    "type": "object",
    "required": ["role"],
    "properties": {"role": {"type": "string", "enum": ["read", "write", "admin"]}},
}
_NO_USER_PERMISSION = "User does not have permission for repo."
_NO_TEAM_PERMISSION = "Team does not have permission for repo."

_PERMISSIONS = "/repository/<repository:repository>/permissions"


def _administered(full_name: str) -> Repository | None:
    require(rights.can_administer_repository(*split(full_name)))
    return find_repository(full_name)


@routes.add("GET", f"{_PERMISSIONS}/user/")
def list_users(repository: str) -> dict[str, Any]:
    found = _administered(repository)
    roles = found.user_roles if found else {}
    return {"permissions": {name: _user_view(split(repository)[0], name, role) for name, role in roles.items()}}


@routes.add("GET", f"{_PERMISSIONS}/team/")
def list_teams(repository: str) -> dict[str, Any]:
    found = _administered(repository)
    roles = found.team_roles if found else {}
    return {"permissions": {name: _team_view(name, role) for name, role in roles.items()}}


@routes.add("GET", f"{_PERMISSIONS}/user/<username>")
def get_user(repository: str, username: str) -> dict[str, Any]:
    found = _administered(repository)
    if found is None or username not in found.user_roles:
        raise MessageError(_NO_USER_PERMISSION)
    return _user_view(found.namespace, username, found.user_roles[username])


@routes.add("PUT", f"{_PERMISSIONS}/user/<username>")
def put_user(repository: str, username: str) -> dict[str, Any]:
    found = _administered(repository)
    role = json_body(_ROLE)["role"]
    namespace, name = split(repository)
    _refuse_owner(namespace, username)
    _refuse_unknown_account(namespace, username)
    if found is None:
        internal_error()
    found.user_roles[username] = role
    metadata = {"username": username, "repo": name, "namespace": namespace, "role": role}
    log("change_repo_permission", namespace, metadata, repository=name)
    return _user_view(namespace, username, role)


@routes.add("DELETE", f"{_PERMISSIONS}/user/<username>")
def delete_user(repository: str, username: str) -> tuple[str, int]:
    found = _administered(repository)
    namespace, name = split(repository)
    _refuse_owner(namespace, username)
    if found is None or found.user_roles.pop(username, None) is None:
        raise bad_request(_NO_USER_PERMISSION)
    metadata = {"username": username, "repo": name, "namespace": namespace}
    log("delete_repo_permission", namespace, metadata, repository=name)
    return "", 204


@routes.add("GET", f"{_PERMISSIONS}/user/<username>/transitive")
def get_transitive(repository: str, username: str) -> dict[str, Any]:
    found = _administered(repository)
    roles = _all_roles(found, username) if found else []
    if not roles:
        raise not_found()
    return {"permissions": [{"role": role} for role in roles]}


@routes.add("GET", f"{_PERMISSIONS}/team/<teamname>")
def get_team(repository: str, teamname: str) -> dict[str, Any]:
    found = _administered(repository)
    if found is None or teamname not in found.team_roles:
        raise MessageError(_NO_TEAM_PERMISSION)
    return {"role": found.team_roles[teamname]}


@routes.add("PUT", f"{_PERMISSIONS}/team/<teamname>")
def put_team(repository: str, teamname: str) -> dict[str, Any]:
    found = _administered(repository)
    role = json_body(_ROLE)["role"]
    namespace, name = split(repository)
    organization = quay().state.organizations.get(namespace)
    if organization is None or teamname not in organization.teams:
        raise bad_request(f"No team {teamname} in organization {namespace}")
    if found is None:
        internal_error()
    found.team_roles[teamname] = role
    log("change_repo_permission", namespace, {"team": teamname, "repo": name, "role": role}, repository=name)
    return _team_view(teamname, role)


@routes.add("DELETE", f"{_PERMISSIONS}/team/<teamname>")
def delete_team(repository: str, teamname: str) -> tuple[str, int]:
    found = _administered(repository)
    namespace, name = split(repository)
    if found is None or found.team_roles.pop(teamname, None) is None:
        raise bad_request(_NO_TEAM_PERMISSION)
    log("delete_repo_permission", namespace, {"team": teamname, "repo": name}, repository=name)
    return "", 204


def _refuse_owner(namespace: str, username: str) -> None:
    if username == namespace:
        raise bad_request("Namespace owner must always be admin.")


def _refuse_unknown_account(namespace: str, username: str) -> None:
    state = quay().state
    if username not in state.users and username not in state.robots:
        raise bad_request(f"Invalid username: {username}")
    if username in state.robots and state.robots[username].namespace != namespace:
        raise bad_request(f"Cannot add robot {username} under namespace {namespace}")


def _all_roles(repository: Repository, username: str) -> list[str]:
    """Return the roles of a user: the direct one and those by teams."""
    direct = repository.user_roles.get(username)
    teams = [team.name for org, team in quay().state.teams_of(username) if org.name == repository.namespace]
    by_team = [repository.team_roles[team] for team in teams if team in repository.team_roles]
    return [direct, *by_team] if direct else by_team


def _user_view(namespace: str, username: str, role: str) -> dict[str, Any]:
    view = {
        "role": role,
        "name": username,
        "is_robot": username in quay().state.robots,
        "avatar": account_avatar(username),
    }
    if namespace in quay().state.organizations:
        view["is_org_member"] = is_organization_member(namespace, username)
    return view


def is_organization_member(orgname: str, account: str) -> bool:
    """Whether an account is a member. Robots always count as members."""
    if account in quay().state.robots:
        return True
    return any(org.name == orgname for org, _team in quay().state.teams_of(account))


def _team_view(teamname: str, role: str) -> dict[str, Any]:
    return {"role": role, "name": teamname, "avatar": avatar(teamname, "team")}
