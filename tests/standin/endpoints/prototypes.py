# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Default permissions of an organization, which apply to new repositories."""

from __future__ import annotations

from typing import Any

from .. import rights
from ..errors import MessageError, bad_request, not_found
from ..quay import caller, quay
from ..routing import Routes, json_body, require
from ..serialization import account_avatar, avatar
from ..state import Prototype
from ..usage_log import log
from .organizations import find_organization
from .permissions import is_organization_member

routes = Routes()

_ROLE = {"type": "string", "enum": ["read", "write", "admin"]}
_NAMED = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
_NEW = {
    "type": "object",
    "required": ["role", "delegate"],
    "properties": {
        "role": _ROLE,
        "activating_user": _NAMED,
        "delegate": {
            "type": "object",
            "required": ["name", "kind"],
            "properties": {"name": {"type": "string"}, "kind": {"type": "string", "enum": ["user", "team"]}},
        },
    },
}
_UPDATE = {"type": "object", "required": ["role"], "properties": {"role": _ROLE}}


@routes.add("GET", "/organization/<orgname>/prototypes")
def list_all(orgname: str) -> dict[str, Any]:
    require(rights.can_administer_organization(orgname))
    find_organization(orgname)
    found = [prototype for prototype in quay().state.prototypes.values() if prototype.organization == orgname]
    return {"prototypes": [_view(prototype) for prototype in found]}


@routes.add("POST", "/organization/<orgname>/prototypes")
def create(orgname: str) -> dict[str, Any]:
    body = json_body(_NEW)
    require(rights.can_administer_organization(orgname))
    organization = find_organization(orgname)
    kind, name = body["delegate"]["kind"], body["delegate"]["name"]
    if kind == "team" and name not in organization.teams:
        # Quay does not format its own message.
        raise MessageError(f"('Team does not exist: %s/%s', '{orgname}', '{name}')")
    activating_user = body.get("activating_user", {}).get("name")
    if activating_user and not _account_exists(activating_user):
        raise bad_request("Unknown activating user")
    if kind == "user" and not _account_exists(name):
        raise bad_request("Missing delegate user or team")
    prototype = Prototype(orgname, body["role"], kind, name, activating_user)
    quay().state.prototypes[prototype.uuid] = prototype
    _log("create_prototype_permission", prototype)
    return _view(prototype)


@routes.add("PUT", "/organization/<orgname>/prototypes/<uuid>")
def update(orgname: str, uuid: str) -> dict[str, Any]:
    body = json_body(_UPDATE)
    prototype = _find(orgname, uuid)
    original, prototype.role = prototype.role, body["role"]
    _log("modify_prototype_permission", prototype, original_role=original)
    return _view(prototype)


@routes.add("DELETE", "/organization/<orgname>/prototypes/<uuid>")
def delete(orgname: str, uuid: str) -> tuple[str, int]:
    prototype = _find(orgname, uuid)
    del quay().state.prototypes[uuid]
    _log("delete_prototype_permission", prototype)
    return "", 204


def _find(orgname: str, uuid: str) -> Prototype:
    require(rights.can_administer_organization(orgname))
    find_organization(orgname)
    prototype = quay().state.prototypes.get(uuid)
    if prototype is None or prototype.organization != orgname:
        raise not_found()
    return prototype


def _account_exists(name: str) -> bool:
    return name in quay().state.users or name in quay().state.robots


def _log(kind: str, prototype: Prototype, **more: Any) -> None:
    metadata = {
        "prototypeid": prototype.uuid,
        "username": caller().name,
        "activating_username": prototype.activating_user,
        "role": prototype.role,
        **more,
        f"delegate_{prototype.delegate_kind}": prototype.delegate_name,
    }
    log(kind, prototype.organization, metadata)


def _view(prototype: Prototype) -> dict[str, Any]:
    activating = prototype.activating_user
    if prototype.delegate_kind == "team":
        name = prototype.delegate_name
        delegate = {"name": name, "kind": "team", "avatar": avatar(name, "team")}
    else:
        delegate = _user_view(prototype.organization, prototype.delegate_name)
    return {
        "activating_user": _user_view(prototype.organization, activating) if activating else None,
        "delegate": delegate,
        "role": prototype.role,
        "id": prototype.uuid,
    }


def _user_view(orgname: str, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "is_robot": name in quay().state.robots,
        "kind": "user",
        "is_org_member": is_organization_member(orgname, name),
        "avatar": account_avatar(name),
    }
