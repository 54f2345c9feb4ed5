# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Authenticate the caller: bearer token, Basic credentials or session cookie."""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import timedelta

import jwt
from flask import request

from . import tokens
from .errors import AbortError, TooManyLogins, internal_error, unknown_robot
from .keys import InvalidRegistryToken, is_jwt
from .quay import Caller, count_hash, hash_password, quay
from .sessions import session_caller
from .state import AppToken, OAuthToken, Robot, User

OAUTH_TOKEN_USERNAME = "$oauthtoken"
APP_TOKEN_USERNAME = "$app"
ACCESS_TOKEN_USERNAME = "$token"

_INVALID_LOGIN = "Invalid Username or Password"
_DISABLED = "This user has been disabled. Please contact your administrator."


def authenticate_api() -> Caller:
    """Authenticate an API request by bearer token or session. The session is not used if a bearer token is invalid."""
    bearer = bearer_token()
    if bearer is None:
        return session_caller() or Caller()
    if is_jwt(bearer):
        raise AbortError(401, _sso_refusal(bearer))
    return oauth_caller(bearer)


def authenticate_web() -> Caller:
    """Authenticate a request to an OAuth page: by Basic credentials or session."""
    credentials = basic_credentials()
    if credentials is None:
        return session_caller() or Caller()
    return basic_caller(*credentials)


def bearer_token() -> str | None:
    parts = request.headers.get("Authorization", "").split()
    return parts[1] if len(parts) == 2 and parts[0].lower() == "bearer" else None


def _sso_refusal(bearer: str) -> str:
    # Quay treats a JWT as a token of a single sign-on service. The stand-in has none configured.
    try:
        issuer = jwt.decode(bearer, options={"verify_signature": False}).get("iss")
    except jwt.InvalidTokenError as error:
        return str(error)
    return f"Issuer {issuer} not configured" if issuer else "Token does not contain issuer"


def basic_credentials() -> tuple[str, str] | None:
    parts = request.headers.get("Authorization", "").split()
    if len(parts) != 2 or parts[0].lower() != "basic":
        return None
    try:
        username, colon, password = base64.b64decode(parts[1]).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (username, password) if colon else None


def oauth_caller(secret: str) -> Caller:
    found = quay().state.oauth_tokens.get(tokens.digest(secret))
    if found is None:
        return Caller(error="OAuth access token could not be validated")
    count_hash()
    now = quay().clock.now()
    if found.expires_at <= now:
        return Caller(error="OAuth access token has expired")
    _record_use(found, int(quay().config["OAUTH_TOKEN_LAST_ACCESSED_UPDATE_THRESHOLD_S"]))
    user = quay().state.users[found.username]
    if not user.enabled:
        return Caller(error="Granter of the oauth access token is disabled")
    return Caller("bearer", user, oauth_token=found)


def basic_caller(username: str, password: str) -> Caller:
    """Authenticate Basic credentials of any kind: app token, OAuth token, robot, user."""
    if username == ACCESS_TOKEN_USERNAME:
        # The access tokens of repositories, which Quay does not issue any more.
        return Caller(error="Invalid access token")
    if username == APP_TOKEN_USERNAME and quay().feature("APP_SPECIFIC_TOKENS"):
        return _app_token_caller(password)
    if username == OAUTH_TOKEN_USERNAME:
        return Caller(error=_sso_refusal(password)) if is_jwt(password) else oauth_caller(password)
    if "+" in username:
        return _robot_caller(username, password)
    user, error = verify_password(username, password, encrypted_allowed=True)
    return Caller("user", user) if user else Caller(error=error)


def _app_token_caller(code: str) -> Caller:
    now = quay().clock.now()
    for token in quay().state.app_tokens.values():
        if token.code == code and (token.expiration is None or token.expiration > now):
            user = quay().state.users[token.username]
            if not user.enabled:
                return Caller(error=_DISABLED)
            _record_use(token, _user_threshold())
            return Caller("app", user, app_token_uuid=token.uuid, app_token_title=token.title)
    return Caller(error="Invalid token")


def _robot_caller(name: str, secret: str) -> Caller:
    config = quay().config
    if config["ROBOTS_DISALLOW"] and name not in config["ROBOTS_WHITELIST"]:
        return Caller(error="Robot account have been disabled. Please contact your administrator.")
    robot = quay().state.robots.get(name)
    if robot is None:
        return Caller(error=str(unknown_robot()))
    owner = quay().state.users.get(robot.namespace)
    if owner and not owner.enabled:
        return Caller(error=f"Robot {name} owner {owner.username} is disabled")
    error = _robot_refusal(robot, secret)
    if error:
        return Caller(error=error)
    _record_use(robot, _user_threshold())
    return Caller("robot", robot)


def _robot_refusal(robot: Robot, secret: str) -> str | None:
    """Return why the secret is refused, or none. It may be the robot's token or any registry token of the robot.

    The access in the registry token does not count, nor whether the robot's token was replaced after it was issued.
    """
    if not is_jwt(secret):
        if hmac.compare_digest(secret.encode(), robot.token.encode()):
            return None
        return f"Could not find robot with username: {robot.name} and supplied password."
    config = quay().config
    try:
        claims = quay().keys.verify(secret, config["SERVER_HOSTNAME"], int(config["REGISTRY_JWT_AUTH_MAX_FRESH_S"]))
    except InvalidRegistryToken:
        # Quay does not handle the exception: tampered, expired, of another server, for another service.
        internal_error()
    return None if claims["sub"] == robot.name else "Token does not match robot"


def verify_password(login: str, password: str, *, encrypted_allowed: bool = False) -> tuple[User | None, str | None]:
    """Return the user for a name or e-mail address and a password, or the reason for the refusal."""
    user = find_user(login)
    if user is None:
        return None, _INVALID_LOGIN
    _refuse_during_backoff(user)
    if encrypted_allowed:
        password = quay().keys.decrypt_password(password) or password
    if user.password_digest != hash_password(password, user.username):
        user.invalid_logins += 1
        user.last_invalid_login = quay().clock.now()
        return None, _INVALID_LOGIN
    user.invalid_logins = 0
    return (user, None) if user.enabled else (None, _DISABLED)


def find_user(login: str) -> User | None:
    users = quay().state.users
    return users.get(login) or next((user for user in users.values() if user.email == login), None)


def _refuse_during_backoff(user: User) -> None:
    if not user.last_invalid_login or not user.invalid_logins:
        return
    backoff = timedelta(seconds=0.5 * (2**user.invalid_logins - 1))
    remaining = user.last_invalid_login + backoff - quay().clock.now()
    if remaining > timedelta(0):
        raise TooManyLogins(remaining.total_seconds())


def _user_threshold() -> int:
    return int(quay().config["LAST_ACCESSED_UPDATE_THRESHOLD_S"])


def _record_use(record: OAuthToken | AppToken | Robot, threshold_s: int) -> None:
    """Update `last_accessed`, unless it is recent or the registry is read-only."""
    now = quay().clock.now()
    recent = record.last_accessed and now - record.last_accessed < timedelta(seconds=threshold_s)
    if not recent and quay().config["REGISTRY_STATE"] != "readonly":
        record.last_accessed = now
