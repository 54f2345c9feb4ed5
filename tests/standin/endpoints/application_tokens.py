# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens of an OAuth application: endpoints of Quay 3.18 and later."""

from __future__ import annotations

from typing import Any

from .. import rights, scopes
from ..errors import MessageError, not_found, unauthorized
from ..factories import TEN_YEARS_S, mint_oauth_token
from ..paging import page
from ..quay import caller, quay
from ..routing import Routes, json_body, require
from ..serialization import iso8601
from ..state import OAuthToken
from ..usage_log import log
from .applications import find_application

routes = Routes()

_PAGE_SIZE = 50
_FAMILY = "3.18"

_NEW = {
    "type": "object",
    "required": ["name", "scope"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 255},
        "scope": {"type": "string"},
        "expiration": {"type": "number", "minimum": 1},
    },
}


@routes.add("GET", "/organization/<orgname>/applications/<client_id>/tokens", family=_FAMILY)
def list_all(orgname: str, client_id: str) -> dict[str, Any]:
    require(rights.can_administer_organization(orgname))
    application = find_application(orgname, client_id)
    now = quay().clock.now()
    valid = [token for token in quay().state.tokens_of_application(application.client_id) if token.expires_at > now]
    return page("tokens", sorted(valid, key=lambda token: -token.id), token_view, _PAGE_SIZE)


@routes.add("POST", "/organization/<orgname>/applications/<client_id>/tokens", family=_FAMILY, mints=True)
def create(orgname: str, client_id: str) -> dict[str, Any]:
    body = json_body(_NEW)
    require(rights.can_administer_organization(orgname))
    application = find_application(orgname, client_id)
    name = body["name"].strip()
    if not name:
        raise MessageError("'name' must not be empty")
    scope = scopes.normalize(body["scope"])
    if not scopes.is_valid(scope):
        raise MessageError(f"Invalid scope: {body['scope']}")
    user = caller().user
    if user is None or not _may_mint(orgname, scope):
        raise unauthorized()
    _refuse_above_limit(application.client_id)
    lifetime_s = min(int(body.get("expiration", TEN_YEARS_S)), TEN_YEARS_S)
    record, secret = mint_oauth_token(application, user.username, scope, lifetime_s=lifetime_s, name=name)
    metadata = {
        "oauth_token_uuid": record.uuid,
        "scope": scope,
        "token_display_name": name,
        "application_name": application.name,
        "auth_method": "OAuth",
        "client_id": client_id,
    }
    log("create_oauth_api_token", orgname, metadata)
    return token_view(record) | {"token": secret}


@routes.add("DELETE", "/organization/<orgname>/applications/<client_id>/tokens/<uuid>", family=_FAMILY)
def delete(orgname: str, client_id: str, uuid: str) -> tuple[str, int]:
    require(rights.can_administer_organization(orgname))
    application = find_application(orgname, client_id)
    found = next((token for token in quay().state.tokens_of_application(client_id) if token.uuid == uuid), None)
    if found is None:
        raise not_found()
    metadata = {"oauth_token_uuid": uuid, "application_name": application.name, "client_id": client_id}
    log("revoke_oauth_api_token", orgname, metadata)
    del quay().state.oauth_tokens[found.digest]
    return "", 204


def _may_mint(orgname: str, scope: str) -> bool:
    """Whether the caller may create a token with this scope. It must not exceed their own scopes and rights."""
    held = caller().oauth_token
    if held and not scopes.covers(held.scope, scope):
        return False
    return all(_holds(orgname, single) for single in scopes.parse(scope))


def _holds(orgname: str, scope: str) -> bool:
    checks = {
        "repo:read": lambda: rights.can_read_repository(orgname, ""),
        "repo:write": lambda: rights.can_write_repository(orgname, ""),
        "repo:admin": lambda: rights.can_administer_repository(orgname, ""),
        "repo:create": lambda: rights.can_create_repository(orgname),
        "user:read": rights.can_read_user,
        "user:admin": rights.can_administer_user,
        "org:admin": lambda: rights.can_administer_organization(orgname),
        "super:user": rights.is_superuser,
    }
    return checks[scope]()


def _refuse_above_limit(client_id: str) -> None:
    limit = quay().config["OAUTH_APPLICATION_MAXIMUM_TOKEN_COUNT"]
    now = quay().clock.now()
    valid = sum(token.expires_at > now for token in quay().state.tokens_of_application(client_id))
    if limit is not None and valid >= int(limit):
        raise MessageError(f"Token limit reached: maximum {limit} non-expired tokens per application")


def token_view(token: OAuthToken) -> dict[str, Any]:
    return {
        "uuid": token.uuid,
        "name": token.name,
        "scope": token.scope,
        "expires_at": iso8601(token.expires_at),
        "created": iso8601(token.created),
        "created_by": token.username,
        "last_accessed": iso8601(token.last_accessed),
    }
