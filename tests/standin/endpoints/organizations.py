# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Organizations."""

from __future__ import annotations

from typing import Any

from .. import names, rights
from ..errors import MessageError, bad_request, not_found
from ..factories import create_organization
from ..quay import quay
from ..routing import Routes, json_body, require, require_fresh_login, require_user_admin
from ..serialization import account_avatar, avatar
from ..state import Organization, Team
from ..team_sync import sync_of
from ..usage_log import log

routes = Routes()

_NEW = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "email": {"type": "string"}, "contact_email": {"type": "string"}},
}
_UPDATE = {
    "type": "object",
    "properties": {
        "email": {"type": "string"},
        "contact_email": {"type": ["string", "null"]},
        "invoice_email": {"type": "boolean"},
        "invoice_email_address": {"type": ["string", "null"]},
        "tag_expiration_s": {"type": "integer", "minimum": 0},
    },
}


def find_organization(name: str) -> Organization:
    organization = quay().state.organizations.get(name)
    if organization is None:
        raise not_found()
    return organization


@routes.add("POST", "/organization/")
def create() -> tuple[str, int]:
    user = require_user_admin()
    body = json_body(_NEW)
    name = body["name"]
    if quay().state.namespace_exists(name):
        raise bad_request("A user or organization with this name already exists")
    email = body.get("contact_email") or body.get("email")
    if email and not names.is_email(email) and quay().family != "3.17":
        raise bad_request("Invalid email address")
    if email and any(email == other.email for other in quay().state.users.values()):
        raise bad_request(f"Email has already been used: {email}")
    try:
        names.refuse_taken_name(name)
    except MessageError as error:
        raise bad_request(str(error)) from error
    create_organization(name, email, user.username)
    log("org_create", name, {"email": email, "namespace": name})
    return "Created", 201


@routes.add("GET", "/organization/<orgname>")
def get(orgname: str) -> dict[str, Any]:
    organization = find_organization(orgname)
    return organization_view(organization, list(organization.teams.values()))


@routes.add("PUT", "/organization/<orgname>")
def update(orgname: str) -> dict[str, Any]:
    require(rights.can_administer_organization(orgname))
    organization = find_organization(orgname)
    body = json_body(_UPDATE)
    email = body.get("contact_email", body.get("email"))
    if email and not names.is_email(email):
        raise bad_request("Invalid email address")
    if "contact_email" in body or "email" in body:
        organization.email = email or ""
        log("org_change_email", orgname, {"email": organization.email, "namespace": orgname})
    for key in ("invoice_email", "invoice_email_address", "tag_expiration_s"):
        if key in body:
            setattr(organization, key, body[key])
    return organization_view(organization, list(organization.teams.values()))


@routes.add("DELETE", "/organization/<orgname>")
def delete(orgname: str) -> tuple[str, int]:
    require_fresh_login()
    require(rights.can_administer_organization(orgname))
    find_organization(orgname)
    quay().state.delete_namespace(orgname, quay().clock.now())
    return "", 204


def organization_view(organization: Organization, teams: list[Team]) -> dict[str, Any]:
    name = organization.name
    is_admin = rights.can_administer_organization(name)
    is_member = rights.is_organization_member(name)
    view: dict[str, Any] = {
        "name": name,
        "email": organization.email if is_admin else "",
        "avatar": account_avatar(name) | {"kind": "user"},
        "is_admin": is_admin,
        "is_member": is_member,
    }
    if is_member or not teams:
        view["teams"] = {team.name: team_view(organization, team) for team in teams}
        view["ordered_teams"] = [team.name for team in teams]
    if is_admin:
        view |= {
            "invoice_email": organization.invoice_email,
            "invoice_email_address": organization.invoice_email_address,
            "tag_expiration_s": organization.tag_expiration_s,
            "is_free_account": True,
        }
    return view


def team_view(organization: Organization, team: Team) -> dict[str, Any]:
    repositories = [repo for repo in quay().state.repositories.values() if repo.namespace == organization.name]
    return {
        "name": team.name,
        "description": team.description,
        "role": team.role,
        "avatar": avatar(team.name, "team"),
        "can_view": rights.can_view_team(organization.name, team.name),
        "repo_count": sum(team.name in repository.team_roles for repository in repositories),
        "member_count": len(team.members),
        "is_synced": sync_of(team) is not None,
    }
