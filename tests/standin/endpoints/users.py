# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first user, signing in and out, and the account of the caller."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.exceptions import NotFound

from .. import auth, names, rights
from ..errors import ApiError, HtmlError, MessageError, internal_error
from ..factories import create_user, mint_oauth_token
from ..quay import Caller, caller, hash_password, quay, set_caller
from ..routing import TRACE, Routes, json_body, require_fresh_login, require_user_admin
from ..serialization import account_avatar
from ..sessions import sign_in, sign_out
from ..state import Application, User
from ..usage_log import log

routes = Routes()

_INITIALIZE_TOKEN_LIFETIME_S = 9000
_INITIALIZE_SCOPE = "org:admin repo:admin repo:create repo:read repo:write super:user user:admin user:read"

_SIGN_IN = {
    "type": "object",
    "required": ["username", "password"],
    "properties": {"username": {"type": "string"}, "password": {"type": "string"}, "invite_code": {"type": "string"}},
}
_PASSWORD = {"type": "object", "required": ["password"], "properties": {"password": {"type": "string"}}}
_UPDATE_USER = {
    "type": "object",
    "properties": {"password": {"type": "string"}, "email": {"type": "string"}},
}


@routes.plain("POST", "/api/v1/user/initialize", feature="USER_INITIALIZE", aborts=True, mints=True)
def initialize() -> tuple[dict[str, Any], int, dict[str, str]]:
    # A request without a body asks whether a user would be created, and creates nothing.
    request.environ[TRACE].update(writes=bool(request.data), mints=bool(request.data))
    if quay().config["AUTHENTICATION_TYPE"] != "Database":
        raise MessageError("Cannot initialize user in a non-database auth system")
    if quay().state.users:
        raise MessageError("Cannot initialize user in a non-empty database")
    body = _initialize_body()
    if not names.is_password(body["password"]):
        raise MessageError(f"Failed to initialize user: {names.INVALID_PASSWORD}")
    try:
        user = create_user(body["username"], body["password"], body.get("email"))
    except MessageError as error:
        raise MessageError(f"Failed to initialize user: {error}") from error
    # The stand-in has no configuration file for superusers, so the first user becomes one.
    quay().config["SUPER_USERS"] = [user.username]
    result = {
        "username": user.username,
        "email": body.get("email"),
        "encrypted_password": quay().keys.encrypt_password(body["password"]),
    }
    headers = sign_in(user)
    if body.get("access_token"):
        result["access_token"] = _automation_token(user)
    return result, 200, headers


def _initialize_body() -> dict[str, Any]:
    if not request.is_json:
        raise HtmlError(415)
    body: dict[str, Any] = request.get_json()
    if not {"username", "password"} <= body.keys():
        internal_error()
    return body


def _automation_token(user: User) -> str:
    application = Application(
        namespace=user.username,
        name="automation",
        id=quay().state.next_id(),
        client_id=user.username,
        description="Application token generated via /api/v1/user/initialize",
    )
    quay().state.applications[application.client_id] = application
    _token, secret = mint_oauth_token(
        application, user.username, _INITIALIZE_SCOPE, lifetime_s=_INITIALIZE_TOKEN_LIFETIME_S
    )
    return secret


@routes.add("POST", "/signin", feature="DIRECT_LOGIN", anonymous=True, works_read_only=True, writes=False)
def post_signin() -> tuple[dict[str, Any], int, dict[str, str]]:
    body = json_body(_SIGN_IN)
    user, error = auth.verify_password(body["username"], body["password"])
    if user is None:
        return {"needsEmailVerification": False, "invalidCredentials": True, "message": error}, 403, {}
    headers = sign_in(user)
    if quay().config["ACTION_LOG_AUDIT_LOGINS"]:
        _log_login(user)
    return {"success": True}, 200, headers


def _log_login(user: User) -> None:
    # Written before the session is valid, so it has no performer.
    set_caller(Caller())
    log("login_success", user.username, {"type": "quayauth", "useragent": request.headers.get("User-Agent", "")})


@routes.add("POST", "/signin/verify", works_read_only=True, writes=False)
def verify_signin() -> tuple[dict[str, Any], int, dict[str, str]]:
    user = require_user_admin()
    found, error = auth.verify_password(user.username, json_body(_PASSWORD)["password"])
    if found is None:
        return {"message": error, "invalidCredentials": True}, 403, {}
    return {"success": True}, 200, sign_in(found)


@routes.add("POST", "/signout")
def post_signout() -> dict[str, Any]:
    user = caller().user
    sign_out(user)
    if user:
        log("logout_success", user.username)
    return {"success": True}


@routes.add("GET", "/user/", anonymous=True)
def get_user() -> dict[str, Any]:
    user = caller().user
    if user is None or not rights.can_read_user():
        raise ApiError("invalid_token", 401, "Requires authentication", session_required=False)
    return user_view(user)


@routes.add("PUT", "/user/")
def put_user() -> dict[str, Any]:
    user = require_user_admin()
    require_fresh_login()
    body = json_body(_UPDATE_USER)
    if "password" in body:
        change_password(user, body["password"])
        log("account_change_password", user.username)
    if "email" in body:
        user.email = body["email"]
    return user_view(user)


def change_password(user: User, password: str) -> None:
    """Set a password. It ends all sessions of the user, as signing out does."""
    if not names.is_password(password):
        raise MessageError(names.INVALID_PASSWORD)
    user.password_digest = hash_password(password, user.username)
    user.invalid_logins = 0
    sign_out(user)


@routes.add("GET", "/users/<username>")
def get_other_user(username: str) -> dict[str, Any]:
    user = quay().state.users.get(username)
    if user is None:
        raise MessageError(str(NotFound.description), 404)
    return user_view(user)


@routes.add("POST", "/user/clientkey")
def post_client_key() -> dict[str, str]:
    user = require_user_admin()
    password = json_body(_PASSWORD)["password"]
    found, error = auth.verify_password(user.username, password)
    if found is None:
        raise ApiError("invalid_request", 400, error)
    log("user_generate_client_key", user.username)
    return {"key": quay().keys.encrypt_password(password)}


def user_view(user: User) -> dict[str, Any]:
    is_me = caller().user is user
    is_admin = is_me and rights.can_administer_user()
    view: dict[str, Any] = {
        "anonymous": False,
        "username": user.username,
        "avatar": account_avatar(user.username),
    }
    if is_admin:
        view |= _private_view(user)
    if is_me and rights.can_read_user():
        view["organizations"] = [
            _organization_summary(name, detailed=is_admin) for name in _organizations_of(user.username)
        ]
    if rights.is_superuser():
        view["super_user"] = is_me
    return view


def _private_view(user: User) -> dict[str, Any]:
    return {
        "can_create_repo": True,
        "is_me": True,
        "verified": user.verified,
        "email": user.email,
        "logins": [],
        "invoice_email": False,
        "invoice_email_address": None,
        "preferred_namespace": False,
        "tag_expiration_s": 1209600,
        "prompts": [],
        "company": None,
        "family_name": None,
        "given_name": None,
        "location": None,
        "is_free_account": True,
        "has_password_set": user.password_digest is not None,
    }


def _organizations_of(username: str) -> list[str]:
    return list(dict.fromkeys(org.name for org, _team in quay().state.teams_of(username)))


def _organization_summary(name: str, *, detailed: bool) -> dict[str, Any]:
    view: dict[str, Any] = {
        "name": name,
        "avatar": account_avatar(name),
        "can_create_repo": rights.can_create_repository(name),
        "public": False,
    }
    if detailed:
        view |= {"is_org_admin": rights.can_administer_organization(name), "preferred_namespace": False}
    return view
