# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users and organizations as a superuser manages them."""

from __future__ import annotations

from typing import Any

from flask import request

from .. import names, rights, tokens
from ..errors import MessageError, bad_request, internal_error, not_found
from ..factories import create_organization, create_user
from ..paging import page
from ..quay import caller, hash_password, quay
from ..routing import Routes, flag, json_body, require, require_fresh_login
from ..serialization import account_avatar, avatar
from ..state import Organization, User
from ..usage_log import log

routes = Routes()

_FEATURE = "SUPER_USERS"

_NEW_USER = {
    "required": ["username"],
    "properties": {"username": {"type": "string"}, "email": {"type": "string"}},
}
_UPDATE_USER = {
    "type": "object",
    "properties": {
        "password": {"type": "string"},
        "email": {"type": "string"},
        "enabled": {"type": "boolean"},
    },
}
_UPDATE_ORGANIZATION = {"type": "object", "properties": {"name": {"type": "string"}}}


def _require_superuser() -> None:
    require_fresh_login()
    require(rights.is_superuser())


@routes.add("GET", "/superuser/users/", feature=_FEATURE)
def list_users() -> dict[str, Any]:
    _require_superuser()
    with_disabled = flag("disabled", True)
    users = [user for user in quay().state.users.values() if user.enabled or with_disabled]
    return _paged("users", users, _user_view)


@routes.add("POST", "/superuser/users/", feature=_FEATURE)
def create() -> dict[str, Any]:
    require_fresh_login()
    body = json_body(_NEW_USER)
    if quay().config["AUTHENTICATION_TYPE"] != "Database":
        raise bad_request("Cannot create a user in a non-database auth system")
    require(rights.is_superuser())
    username, email, password = body["username"], body.get("email"), tokens.user_password()
    if email and any(email == other.email for other in quay().state.users.values()):
        raise MessageError(f"duplicate key value violates unique constraint: Key (email)=({email}) already exists.")
    create_user(username, password, email)
    log("user_create", username, {"email": email, "username": username, "superuser": caller().name})
    encrypted = quay().keys.encrypt_password(password)
    return {"username": username, "email": email, "password": password, "encrypted_password": encrypted}


@routes.add("GET", "/superuser/users/<username>", feature=_FEATURE)
def get(username: str) -> dict[str, Any]:
    _require_superuser()
    return _user_view(_find(username))


@routes.add("PUT", "/superuser/users/<username>", feature=_FEATURE)
def update(username: str) -> dict[str, Any]:
    require_fresh_login()
    body = json_body(_UPDATE_USER)
    require(rights.is_superuser())
    user = _find(username)
    if username in quay().config["SUPER_USERS"]:
        raise bad_request("Cannot update a superuser")
    # Quay returns the user before the update, except for the e-mail address.
    view = _user_view(user)
    if "password" in body:
        _change_password(user, body["password"])
        view["encrypted_password"] = quay().keys.encrypt_password(body["password"])
    if "email" in body:
        _change_email(user, body["email"])
        view["email"] = body["email"]
    if "enabled" in body:
        user.enabled = body["enabled"]
        kind = "user_enable" if user.enabled else "user_disable"
        log(kind, username, {"username": username, "superuser": caller().name})
    return view


def _change_password(user: User, password: str) -> None:
    log("user_change_password", user.username, {"username": user.username, "superuser": caller().name})
    if not names.is_password(password):
        raise MessageError(names.INVALID_PASSWORD)
    user.password_digest = hash_password(password, user.username)
    user.invalid_logins = 0
    user.uuid = tokens.new_uuid()


def _change_email(user: User, email: str) -> None:
    if any(email == other.email for other in quay().state.users.values() if other is not user):
        raise MessageError("E-mail address already used")
    metadata = {"old_email": user.email, "email": email, "superuser": caller().name}
    user.email = email
    log("user_change_email", user.username, metadata)


@routes.add("DELETE", "/superuser/users/<username>", feature=_FEATURE)
def delete(username: str) -> tuple[str, int]:
    _require_superuser()
    user = _find(username)
    if username in quay().config["SUPER_USERS"]:
        raise bad_request("Cannot delete a superuser")
    log("user_delete", username, {"username": username})
    # Quay treats a disabled user as already being deleted, and does not delete them.
    if user.enabled:
        quay().state.delete_namespace(username, quay().clock.now())
    return "", 204


@routes.add("GET", "/superuser/organizations/", feature=_FEATURE)
def list_organizations() -> dict[str, Any]:
    _require_superuser()
    return _paged("organizations", list(quay().state.organizations.values()), _organization_view)


@routes.add("PUT", "/superuser/organizations/<name>", feature=_FEATURE)
def rename_organization(name: str) -> dict[str, Any]:
    require_fresh_login()
    body = json_body(_UPDATE_ORGANIZATION)
    require(rights.is_superuser())
    new_name = body.get("name")
    state = quay().state
    if name not in state.organizations or not new_name or state.namespace_exists(new_name):
        internal_error()
    log("org_change_name", name, {"old_name": name, "new_name": new_name, "superuser": caller().name})
    state.rename_organization(name, new_name)
    return _organization_view(state.organizations[new_name])


@routes.add("DELETE", "/superuser/organizations/<name>", feature=_FEATURE)
def delete_organization(name: str) -> tuple[str, int]:
    _require_superuser()
    if name not in quay().state.organizations:
        if quay().family == "3.17":
            raise MessageError(f"Organization does not exist: {name}")
        raise not_found()
    log("org_delete", name, {"namespace": name})
    quay().state.delete_namespace(name, quay().clock.now())
    return "", 204


@routes.add("POST", "/superuser/takeownership/<namespace>", feature=_FEATURE)
def take_ownership(namespace: str) -> dict[str, str]:
    """Make the superuser an owner. The namespace of a user becomes an organization."""
    _require_superuser()
    state, superuser = quay().state, caller().name or ""
    if namespace in quay().config["SUPER_USERS"]:
        raise bad_request("Cannot take ownership of a superuser")
    if not state.namespace_exists(namespace):
        raise not_found()
    was_user = namespace in state.users
    if was_user:
        create_organization(namespace, state.users.pop(namespace).email, superuser)
    owners = state.organizations[namespace].teams["owners"].members
    if superuser not in owners:
        owners.append(superuser)
    log("take_ownership", superuser, {"namespace": namespace, "was_user": was_user, "superuser": superuser})
    return {"namespace": namespace}


def _find(username: str) -> User:
    user = quay().state.users.get(username)
    if user is None:
        raise not_found()
    return user


def _paged(key: str, records: list[Any], view: Any) -> dict[str, Any]:
    limit = request.args.get("limit", type=int)
    if limit is None:
        return {key: [view(record) for record in records]}
    if limit > 100:
        raise bad_request("Page limit cannot be above 100")
    return page(key, sorted(records, key=lambda record: int(record.id)), view, limit)


def _user_view(user: User) -> dict[str, Any]:
    return {
        "kind": "user",
        "name": user.username,
        "username": user.username,
        "email": user.email,
        "verified": user.verified,
        "avatar": account_avatar(user.username),
        "super_user": user.username in quay().config["SUPER_USERS"],
        "global_readonly_super_user": False,
        "enabled": user.enabled,
    }


def _organization_view(organization: Organization) -> dict[str, Any]:
    return {
        "name": organization.name,
        "email": organization.email,
        "avatar": avatar(organization.name, "org", organization.email),
    }
