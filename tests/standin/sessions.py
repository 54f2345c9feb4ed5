# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Browser sessions: the signed cookie, its CSRF token, and signing in and out."""

from __future__ import annotations

import hmac
from datetime import timedelta

from flask import request, session

from . import tokens
from .config import seconds
from .errors import AbortError
from .quay import Caller, quay
from .state import User

COOKIE_NAME = "_csrf_token"
CSRF_FIELD = "_csrf_token"
CSRF_HEADER = "X-CSRF-Token"
NEXT_CSRF_HEADER = "X-Next-CSRF-Token"
LIFETIME = timedelta(days=31)

_USER_KEY = "_user_id"
_LOGIN_KEY = "login_time"


def csrf_token(*, renew: bool = False) -> str:
    """Return the CSRF token of this session. It is created if there is none."""
    if renew or CSRF_FIELD not in session:
        session[CSRF_FIELD] = tokens.csrf_token()
    return str(session[CSRF_FIELD])


def verify_csrf() -> None:
    expected = str(session.get(CSRF_FIELD, ""))
    found = request.values.get(CSRF_FIELD) or request.headers.get(CSRF_HEADER, "")
    if not expected or not found or not hmac.compare_digest(expected.encode(), found.encode()):
        raise AbortError(403, "CSRF token was invalid or missing.")


def sign_in(user: User) -> dict[str, str]:
    """Sign the user in with the current session. Returns the response headers with the new CSRF token."""
    session[_USER_KEY] = user.uuid
    session[_LOGIN_KEY] = quay().clock.now().timestamp()
    session.permanent = quay().feature("PERMANENT_SESSIONS")
    return {NEXT_CSRF_HEADER: csrf_token(renew=True)}


def sign_out(user: User | None) -> None:
    """Sign the user out. The new uuid ends all sessions of the user, not only this one."""
    if user:
        user.uuid = tokens.new_uuid()
    session.pop(_USER_KEY, None)


def session_caller() -> Caller | None:
    """The user of this session. None if they signed out elsewhere, are disabled, or the cookie is too old."""
    uuid = session.get(_USER_KEY)
    user = next((user for user in quay().state.users.values() if user.uuid == uuid), None)
    if user is None or not user.enabled or _age() > LIFETIME.total_seconds():
        return None
    return Caller("session", user)


def is_fresh() -> bool:
    return _age() <= (seconds(quay().config["FRESH_LOGIN_TIMEOUT"]) or 0)


def _age() -> float:
    return quay().clock.now().timestamp() - float(session.get(_LOGIN_KEY, 0))
