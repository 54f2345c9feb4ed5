# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Teams of an organization and their members."""

from __future__ import annotations

from typing import Any

from .. import names, rights, tokens
from ..errors import MessageError, bad_request, internal_error, not_found
from ..quay import caller, quay
from ..routing import Routes, flag, json_body, require, require_fresh_login
from ..serialization import account_avatar, avatar, rfc2822
from ..state import Team, TeamSync
from ..team_sync import group_problem, may_set_up_sync, metadata, service, sync_of
from ..usage_log import log
from .notifications import TEAM_INVITE, notify

routes = Routes()

_TEAM = {
    "type": "object",
    "required": ["role"],
    "properties": {
        "role": {"type": "string", "enum": ["member", "creator", "admin"]},
        "description": {"type": "string"},
    },
}


def find_team(orgname: str, teamname: str) -> Team:
    organization = quay().state.organizations.get(orgname)
    if organization is None or teamname not in organization.teams:
        raise not_found()
    return organization.teams[teamname]


@routes.add("PUT", "/organization/<orgname>/team/<teamname>")
def put(orgname: str, teamname: str) -> dict[str, Any]:
    body = json_body(_TEAM)
    require(rights.can_administer_organization(orgname))
    organization = quay().state.organizations.get(orgname)
    if organization is None:
        raise MessageError(f"Organization does not exist: {orgname}")
    team = organization.teams.get(teamname)
    if team is None:
        return _view(orgname, _create(orgname, teamname, body), is_new=True)
    _update(orgname, team, body)
    return _view(orgname, team, is_new=False)


def _create(orgname: str, teamname: str, body: dict[str, Any]) -> Team:
    problem = names.account_name_problem(teamname, "Team")
    if problem:
        raise MessageError(f"Invalid team name {teamname}: {problem}")
    team = Team(teamname, body["role"], quay().state.next_id(), body.get("description", ""))
    quay().state.organizations[orgname].teams[teamname] = team
    log("org_create_team", orgname, {"team": teamname})
    return team


def _update(orgname: str, team: Team, body: dict[str, Any]) -> None:
    if body.get("description", team.description) != team.description:
        team.description = body["description"]
        log("org_set_team_description", orgname, {"team": team.name, "description": team.description})
    if body["role"] != team.role:
        if team.role == "admin" and _is_only_admin_team(orgname, team):
            raise MessageError(
                f"Cannot remove admin from team '{team.name}' because calling user "
                f"would no longer have admin on org '{orgname}'"
            )
        team.role = body["role"]
        log("org_set_team_role", orgname, {"team": team.name, "role": team.role})


@routes.add("DELETE", "/organization/<orgname>/team/<teamname>")
def delete(orgname: str, teamname: str) -> tuple[str, int]:
    require(rights.can_administer_organization(orgname))
    organization = quay().state.organizations.get(orgname)
    if organization is None or teamname not in organization.teams:
        raise MessageError(f"Team '{teamname}' is not a team in org '{orgname}'")
    if _is_only_admin_team(orgname, organization.teams[teamname]):
        text = f"Deleting team '{teamname}' would remove admin ability for user '{caller().name}'"
        raise MessageError(f"{text} in organization '{orgname}'")
    if organization.teams[teamname].role == "admin" and not _admin_teams(orgname):
        # Quay looks for the caller's own team, and fails for a superuser without one.
        internal_error()
    del organization.teams[teamname]
    for repository in quay().state.repositories.values():
        if repository.namespace == orgname:
            repository.team_roles.pop(teamname, None)
    log("org_delete_team", orgname, {"team": teamname})
    return "", 204


@routes.add("GET", "/organization/<orgname>/team/<teamname>/members")
def list_members(orgname: str, teamname: str) -> dict[str, Any]:
    require(orgname in quay().state.organizations or rights.has_full_access())
    if orgname in quay().state.organizations:
        require(rights.can_view_team(orgname, teamname))
    team = find_team(orgname, teamname)
    administers = rights.can_administer_organization(orgname)
    members = [_member_view(member) for member in team.members]
    if flag("includePending", False) and administers:
        members += [_member_view(member, invited=True) for member in team.invited]
    return {"name": teamname, "members": members, "can_edit": administers} | _sync_view(orgname, team)


def _sync_view(orgname: str, team: Team) -> dict[str, Any]:
    view: dict[str, Any] = {}
    if service() and quay().feature("TEAM_SYNCING") and may_set_up_sync(orgname):
        view["can_sync"] = {"service": service()} | metadata()
    sync = sync_of(team)
    if sync is not None:
        view["synced"] = {"service": sync.service}
        if quay().feature("NONSUPERUSER_TEAM_SYNCING_SETUP") or rights.is_superuser():
            view["synced"] |= {"last_updated": rfc2822(sync.last_updated), "config": sync.config}
    return view


@routes.add("PUT", "/organization/<orgname>/team/<teamname>/members/<member>")
def put_member(orgname: str, teamname: str, member: str) -> dict[str, Any]:
    _refuse_synced(orgname, teamname, member)
    require(rights.can_administer_organization(orgname))
    team = find_team(orgname, teamname)
    state = quay().state
    if member not in state.users and member not in state.robots:
        raise bad_request("Unknown user")
    if member in state.robots and _invites() and not member.startswith(f"{orgname}+"):
        raise MessageError("Cannot add the specified robot to this team, as it is not a member of the organization")
    if member in team.members:
        raise MessageError(f"User {member} is already a member of team {teamname}")
    if _invites() and member in state.users and not any(org.name == orgname for org, _team in state.teams_of(member)):
        team.invited.append(member)
        invitation = {"code": tokens.new_uuid(), "inviter": caller().name, "org": orgname, "team": teamname}
        notify(TEAM_INVITE, member, invitation)
        log("org_invite_team_member", orgname, {"user": member, "member": member, "team": teamname})
        return _member_view(member, invited=True)
    team.members.append(member)
    log("org_add_team_member", orgname, {"member": member, "team": teamname})
    return _member_view(member)


def _refuse_synced(orgname: str, teamname: str, member: str) -> None:
    """Refuse changes of members of a synced team, except robots. Checked before any right."""
    organization = quay().state.organizations.get(orgname)
    team = organization.teams.get(teamname) if organization else None
    if team is not None and sync_of(team) is not None and "+" not in member:
        raise bad_request("Cannot call this method on an auth-synced team")


def _invites() -> bool:
    return quay().feature("MAILING") and quay().feature("REQUIRE_TEAM_INVITE")


@routes.add("DELETE", "/organization/<orgname>/team/<teamname>/members/<member>")
def delete_member(orgname: str, teamname: str, member: str) -> tuple[str, int]:
    _refuse_synced(orgname, teamname, member)
    require(rights.can_administer_organization(orgname))
    team = find_team(orgname, teamname)
    if member not in quay().state.users and member not in quay().state.robots:
        raise not_found()
    if member in team.invited:
        team.invited.remove(member)
        log("org_delete_team_member_invite", orgname, {"user": member, "team": teamname, "member": member})
        return "", 204
    if member not in team.members:
        raise MessageError(f"User {member} does not belong to team {teamname}")
    if member == caller().name and _is_only_admin_team(orgname, team):
        raise MessageError("User cannot remove themselves from their only admin team.")
    team.members.remove(member)
    log("org_remove_team_member", orgname, {"member": member, "team": teamname})
    return "", 204


@routes.add("GET", "/organization/<orgname>/team/<teamname>/permissions")
def list_permissions(orgname: str, teamname: str) -> dict[str, Any]:
    require(rights.can_administer_organization(orgname))
    find_team(orgname, teamname)
    held = [
        repository
        for repository in quay().state.repositories.values()
        if repository.namespace == orgname and teamname in repository.team_roles
    ]
    return {
        "permissions": [
            {"repository": {"name": repo.name, "is_public": repo.is_public}, "role": repo.team_roles[teamname]}
            for repo in held
        ]
    }


def _is_only_admin_team(orgname: str, team: Team) -> bool:
    """Whether the caller administers the organization only by this team."""
    return _admin_teams(orgname) == [team.name]


def _admin_teams(orgname: str) -> list[str]:
    """The teams by which the caller administers the organization."""
    mine = quay().state.teams_of(caller().name or "")
    return [team.name for org, team in mine if org.name == orgname and team.role == "admin"]


@routes.add("POST", "/organization/<orgname>/team/<teamname>/syncing", feature="TEAM_SYNCING")
def enable_sync(orgname: str, teamname: str) -> dict[str, Any]:
    require_fresh_login()
    require(may_set_up_sync(orgname))
    team = find_team(orgname, teamname)
    body = json_body({})
    if not isinstance(body, dict):
        internal_error()
    problem = group_problem(body)
    if problem:
        raise bad_request(f"Could not sync to group: {problem}")
    if team.sync is not None:
        # One row per team: a second one violates the key.
        internal_error()
    team.sync = TeamSync(service() or "", body)
    log("enable_team_sync", orgname, {"team": teamname})
    if service() == "oidc":
        team.members.clear()
    return _view(orgname, team, is_new=False)


@routes.add("DELETE", "/organization/<orgname>/team/<teamname>/syncing", feature="TEAM_SYNCING")
def disable_sync(orgname: str, teamname: str) -> dict[str, Any]:
    require_fresh_login()
    require(may_set_up_sync(orgname))
    team = find_team(orgname, teamname)
    team.sync = None
    log("disable_team_sync", orgname, {"team": teamname})
    return _view(orgname, team, is_new=False)


def _view(orgname: str, team: Team, *, is_new: bool) -> dict[str, Any]:
    return {
        "name": team.name,
        "description": team.description,
        "can_view": rights.can_view_team(orgname, team.name),
        "role": team.role,
        "avatar": avatar(team.name, "team"),
        "new_team": is_new,
    }


def _member_view(member: str, *, invited: bool = False) -> dict[str, Any]:
    return {
        "name": member,
        "kind": "user",
        "is_robot": member in quay().state.robots,
        "avatar": account_avatar(member),
        "invited": invited,
    }
