# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""App-specific tokens: passwords of a user that only the registry accepts."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from flask import request

from .. import config as configuration
from .. import rights, tokens
from ..errors import not_found
from ..names import refuse_long_texts
from ..quay import quay
from ..routing import Routes, flag, json_body, require, require_fresh_login, require_user_admin
from ..serialization import rfc2822
from ..state import AppToken
from ..usage_log import log

routes = Routes()

_FEATURE = "APP_SPECIFIC_TOKENS"
_EXPIRING_WINDOW_S = 4 * 7 * 86400

_NEW = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}


@routes.add("GET", "/user/apptoken", feature=_FEATURE)
def list_own() -> dict[str, Any]:
    user = require_user_admin()
    own = [token for token in _present() if token.username == user.username]
    return _list(own)


@routes.add("POST", "/user/apptoken", feature=_FEATURE, mints=True)
def create() -> dict[str, Any]:
    user = require_user_admin()
    require_fresh_login()
    title = json_body(_NEW)["title"]
    refuse_long_texts(title)
    now = quay().clock.now()
    lifetime_s = configuration.seconds(quay().config["APP_SPECIFIC_TOKEN_EXPIRATION"])
    expiration = now + timedelta(seconds=lifetime_s) if lifetime_s else None
    token = AppToken(user.username, title, tokens.app_token(), now, expiration)
    quay().state.app_tokens[token.uuid] = token
    _log("create_app_specific_token", token)
    return {"token": _view(token) | {"token_code": token.code}}


@routes.add("GET", "/user/apptoken/<uuid>", feature=_FEATURE)
def get(uuid: str) -> dict[str, Any]:
    token = _own(uuid)
    if token.expiration and token.expiration <= quay().clock.now():
        raise not_found()
    return {"token": _view(token) | {"token_code": token.code}}


@routes.add("DELETE", "/user/apptoken/<uuid>", feature=_FEATURE)
def delete(uuid: str) -> tuple[str, int]:
    token = _own(uuid)
    del quay().state.app_tokens[uuid]
    _log("revoke_app_specific_token", token)
    return "", 204


@routes.add("GET", "/superuser/apptokens", feature=_FEATURE)
def list_all() -> dict[str, Any]:
    require_fresh_login()
    require(rights.is_superuser())
    return _list(_present())


def _list(found: list[AppToken]) -> dict[str, Any]:
    only_expiring = flag("expiring", default=False)
    shown = [token for token in found if not only_expiring or _expires_soon(token)]
    return {
        "tokens": [_view(token) for token in shown],
        "only_expiring": only_expiring if "expiring" in request.args else None,
    }


def _present() -> list[AppToken]:
    """The tokens that the garbage collector of expired tokens has not removed."""
    window = timedelta(seconds=configuration.seconds(quay().config["EXPIRED_APP_SPECIFIC_TOKEN_GC"]) or 0)
    oldest = quay().clock.now() - window
    return [token for token in quay().state.app_tokens.values() if not token.expiration or token.expiration >= oldest]


def _expires_soon(token: AppToken) -> bool:
    lifetime_s = configuration.seconds(quay().config["APP_SPECIFIC_TOKEN_EXPIRATION"]) or _EXPIRING_WINDOW_S
    now = quay().clock.now()
    soon = now + timedelta(seconds=math.ceil(lifetime_s * 0.1))
    return token.expiration is not None and now < token.expiration <= soon


def _own(uuid: str) -> AppToken:
    user = require_user_admin()
    require_fresh_login()
    token = next((token for token in _present() if token.uuid == uuid), None)
    if token is None or token.username != user.username:
        raise not_found()
    return token


def _log(kind: str, token: AppToken) -> None:
    log(kind, token.username, {"app_specific_token_title": token.title, "app_specific_token": token.uuid})


def _view(token: AppToken) -> dict[str, Any]:
    return {
        "uuid": token.uuid,
        "title": token.title,
        "last_accessed": rfc2822(token.last_accessed),
        "created": rfc2822(token.created),
        "expiration": rfc2822(token.expiration),
    }
