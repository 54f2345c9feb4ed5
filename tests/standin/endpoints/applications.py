# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OAuth applications of an organization."""

from __future__ import annotations

from typing import Any

from .. import rights, tokens
from ..errors import bad_request, not_found
from ..names import refuse_long_texts
from ..quay import quay
from ..routing import Routes, json_body, require
from ..serialization import avatar
from ..state import Application, Organization
from ..usage_log import log
from .organizations import find_organization, organization_view

routes = Routes()

_RESERVED_NAME = "__quay_bootstrap_app"

_FIELDS = ("name", "redirect_uri", "application_uri", "description", "avatar_email")
_LIMITED = ("name", "redirect_uri", "application_uri", "avatar_email")
_PROPERTIES = {name: {"type": "string"} for name in _FIELDS}
_NEW = {"type": "object", "required": ["name"], "properties": _PROPERTIES}
_UPDATE = {"type": "object", "required": ["name", "redirect_uri", "application_uri"], "properties": _PROPERTIES}


def find_application(orgname: str, client_id: str) -> Application:
    find_organization(orgname)
    application = quay().state.applications.get(client_id)
    if application is None or application.namespace != orgname:
        raise not_found()
    return application


@routes.add("GET", "/organization/<orgname>/applications")
def list_all(orgname: str) -> dict[str, Any]:
    require(rights.can_administer_organization(orgname))
    find_organization(orgname)
    return {"applications": [application_view(app) for app in quay().state.applications_of(orgname)]}


@routes.add("POST", "/organization/<orgname>/applications", mints=True)
def create(orgname: str) -> dict[str, Any]:
    body = json_body(_NEW)
    require(rights.can_administer_organization(orgname))
    find_organization(orgname)
    _refuse_reserved_name(body["name"])
    refuse_long_texts(*(body.get(name) for name in _LIMITED))
    application = Application(namespace=orgname, name=body["name"], id=quay().state.next_id())
    _fill(application, body)
    quay().state.applications[application.client_id] = application
    _log_with_body("create_application", application, body)
    return application_view(application)


@routes.add("GET", "/organization/<orgname>/applications/<client_id>")
def get(orgname: str, client_id: str) -> dict[str, Any]:
    require(rights.can_administer_organization(orgname))
    return application_view(find_application(orgname, client_id))


@routes.add("PUT", "/organization/<orgname>/applications/<client_id>")
def update(orgname: str, client_id: str) -> dict[str, Any]:
    body = json_body(_UPDATE)
    require(rights.can_administer_organization(orgname))
    application = find_application(orgname, client_id)
    _refuse_reserved_name(body["name"])
    refuse_long_texts(*(body.get(name) for name in _LIMITED))
    _fill(application, body)
    _log_with_body("update_application", application, body)
    return application_view(application)


@routes.add("DELETE", "/organization/<orgname>/applications/<client_id>")
def delete(orgname: str, client_id: str) -> tuple[str, int]:
    require(rights.can_administer_organization(orgname))
    application = find_application(orgname, client_id)
    log("delete_application", orgname, {"application_name": application.name, "client_id": client_id})
    quay().state.delete_application(client_id)
    return "", 204


@routes.add("POST", "/organization/<orgname>/applications/<client_id>/resetclientsecret", mints=True)
def reset_secret(orgname: str, client_id: str) -> dict[str, Any]:
    require(rights.can_administer_organization(orgname))
    application = find_application(orgname, client_id)
    application.client_secret = tokens.client_secret()
    metadata = {"application_name": application.name, "client_id": client_id}
    log("reset_application_client_secret", orgname, metadata)
    return application_view(application)


@routes.add("GET", "/app/<client_id>")
def get_public(client_id: str) -> dict[str, Any]:
    application = quay().state.applications.get(client_id)
    if application is None:
        raise not_found()
    return {
        "name": application.name,
        "description": application.description,
        "uri": application.application_uri,
        "avatar": avatar(application.name, "app", application.avatar_email),
        "organization": organization_view(_owner(application), []),
    }


def _owner(application: Application) -> Organization:
    """The owner. The first user's application is in the namespace of the user, which is shown like an organization."""
    state = quay().state
    user = state.users.get(application.namespace)
    if user is None:
        return state.organizations[application.namespace]
    return Organization(user.username, user.email, user.created, user.id)


def application_view(application: Application) -> dict[str, Any]:
    return {
        "name": application.name,
        "description": application.description,
        "application_uri": application.application_uri,
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "redirect_uri": application.redirect_uri,
        "avatar_email": application.avatar_email,
    }


def _fill(application: Application, body: dict[str, Any]) -> None:
    """Set the fields. Fields that the body omits are reset, also in an update."""
    application.name = body["name"]
    application.application_uri = body.get("application_uri", "")
    application.redirect_uri = body.get("redirect_uri", "")
    application.description = body.get("description", "")
    application.avatar_email = body.get("avatar_email")


def _refuse_reserved_name(name: str) -> None:
    if name == _RESERVED_NAME and quay().family != "3.17":
        raise bad_request("Application name is reserved for bootstrap token provisioning")


def _log_with_body(kind: str, application: Application, body: dict[str, Any]) -> None:
    metadata = {**body, "application_name": application.name, "client_id": application.client_id}
    log(kind, application.namespace, metadata)
