# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry tokens: `/v2/auth`, which also creates repositories, and the federation exchange of robots."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from .. import auth, federation, names, rights
from ..errors import READ_ONLY_MESSAGE, AbortError, RegistryError, internal_error, json_response, unknown_robot
from ..factories import create_repository
from ..quay import Caller, caller, quay, set_caller
from ..routing import Routes
from ..state import Robot
from ..usage_log import log

routes = Routes()

_ANONYMOUS = "(anonymous)"
_TUF_DISABLED = "$disabled"


@dataclass(frozen=True)
class Grant:
    name: str
    actions: list[str]
    namespace: str
    repository: str


@routes.plain("GET", "/v2/auth", cached=False)
def get_registry_token() -> dict[str, str]:
    credentials = auth.basic_credentials()
    set_caller(auth.basic_caller(*credentials) if credentials else Caller())
    requested = request.args.getlist("scope")
    known = caller().account is not None
    if not known and not quay().feature("ANONYMOUS_ACCESS"):
        raise AbortError(401, "Anonymous access is not allowed")
    if "Authorization" in request.headers and not known:
        raise RegistryError("UNAUTHORIZED", caller().error or "Specified credentials are invalid", 401)
    if not known and not any(requested):
        raise RegistryError("UNAUTHORIZED", "access to the requested resource is not authorized", 401)
    grants = [_grant(scope) for scope in requested if scope]
    if known and not requested:
        _log_login()
    access = [{"type": "repository", "name": grant.name, "actions": grant.actions} for grant in grants]
    roots = {f"{grant.namespace}/{grant.repository}": _TUF_DISABLED for grant in grants}
    subject = caller().name or _ANONYMOUS
    return {"token": quay().keys.sign(request.args.get("service"), subject, _context(roots), access)}


@routes.plain("GET", "/oauth2/federation/robot/token", mints=True)
def exchange_identity() -> Response | dict[str, str]:
    try:
        name, token = federation.credentials(request.headers.get("Authorization", ""))
    except federation.HeaderError as error:
        return json_response({"error": str(error)}, 401)
    robot = quay().state.robots.get(name)
    if robot is None:
        raise unknown_robot()
    try:
        claims = federation.verify_identity(token, robot.federation)
    except federation.FederationError as error:
        return json_response({"message": str(error)}, 400)
    metadata = {"subject": claims["sub"], "issuer": claims["iss"], "robot": robot.shortname}
    log("federated_robot_token_exchange", robot.namespace, metadata)
    set_caller(Caller("robot", robot))
    hostname = quay().config["SERVER_HOSTNAME"]
    return {"token": quay().keys.sign(hostname, robot.name, _context(None), {})}


def _context(roots: dict[str, str] | None) -> dict[str, Any]:
    current = caller()
    context: dict[str, Any] = {"version": 2} if current.account else {}
    if current.oauth_token:
        uuid = current.oauth_token.uuid
        context |= {"entity_kind": "oauthtoken", "entity_reference": uuid, "kind": "oauth", "oauth": uuid}
    elif current.app_token_uuid:
        context |= {"entity_kind": "appspecifictoken", "entity_reference": current.app_token_uuid, "kind": "user"}
    elif isinstance(current.account, Robot):
        context |= {"entity_kind": "robot", "entity_reference": current.account.name, "kind": "user"}
    elif current.user:
        context |= {"entity_kind": "user", "entity_reference": current.user.uuid, "kind": "user"}
    if current.name:
        context["user"] = current.name
    single = next(iter(roots.values())) if roots and len(roots) == 1 else _TUF_DISABLED
    return context | {"com.apostille.roots": roots, "com.apostille.root": single}


def _log_login() -> None:
    if not quay().config["ACTION_LOG_AUDIT_LOGINS"]:
        return
    current = caller()
    metadata: dict[str, Any] = {"type": "v2auth", "useragent": request.headers.get("User-Agent", "")}
    if current.app_token_title is not None:
        metadata |= {"kind": "app_specific_token", "app_specific_token_title": current.app_token_title}
    elif isinstance(current.account, Robot):
        metadata |= {"kind": "robot", "robot": current.account.name}
    elif not current.oauth_token:
        metadata["kind"] = "user"
    namespace = current.account.namespace if isinstance(current.account, Robot) else current.name
    log("login_success", namespace, metadata)


def _grant(scope: str) -> Grant:
    """Return the granted part of one requested scope. Missing rights remove actions and cause no error."""
    hostname = re.escape(quay().config["SERVER_HOSTNAME"])
    name_pattern = rf"(?:{hostname}/)?((?:[.a-zA-Z0-9_-]+/)*[.a-zA-Z0-9_-]+)"
    match = re.match(rf"^repository:({name_pattern}):((?:push|pull|\*)(?:,(?:push|pull|\*))*)$", scope)
    if match is None:
        raise RegistryError("INVALID_REQUEST", f"Unable to decode repository and actions: {scope}")
    namespace, slash, name = match[2].partition("/")
    if not slash:
        namespace, name = quay().config["LIBRARY_NAMESPACE"], namespace
    if not names.is_repository_name(name):
        raise RegistryError("NAME_INVALID", f"Invalid repository name: {match[2]}")
    actions = _actions(namespace, name, match[3].split(",")) if quay().state.namespace_exists(namespace) else []
    return Grant(match[1], actions, namespace, name)


def _actions(namespace: str, name: str, requested: list[str]) -> list[str]:
    granted = []
    if "push" in requested and caller().account and _may_push(namespace, name):
        granted.append("push")
    repository = quay().state.repositories.get((namespace, name))
    is_public = repository is not None and repository.is_public
    if "pull" in requested and (is_public or rights.can_read_repository(namespace, name)):
        granted.append("pull")
    if "*" in requested and rights.can_administer_repository(namespace, name):
        if repository is None:
            internal_error()
        if repository.state == "NORMAL":
            granted.append("*")
    return granted


def _may_push(namespace: str, name: str) -> bool:
    """Whether a push is allowed. A missing repository is created."""
    repository = quay().state.repositories.get((namespace, name))
    if repository:
        return repository.state == "NORMAL" and rights.can_write_repository(namespace, name)
    if not rights.can_create_repository(namespace):
        return False
    if quay().config["REGISTRY_STATE"] == "readonly":
        raise RegistryError("DENIED", READ_ONLY_MESSAGE, 405)
    visibility = "private" if quay().config["CREATE_PRIVATE_REPO_ON_PUSH"] else "public"
    create_repository(namespace, name, visibility)
    return True
