# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bootstrap token, which Quay 3.18 keeps in a file of the server."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import request

from .. import auth, tokens
from ..errors import ApiError
from ..quay import Quay, quay, set_caller
from ..routing import Routes
from ..sessions import verify_csrf
from ..state import Application, OAuthToken

routes = Routes()

APPLICATION = "__quay_bootstrap_app"
_INVALID = "Requires valid bootstrap bearer token"


def provision(server: Quay) -> None:
    """Create the token of BOOTSTRAP_TOKEN_OWNER and write its file, as Quay does once when it starts."""
    owner = server.config["BOOTSTRAP_TOKEN_OWNER"]
    state = server.state
    if owner not in state.users or any(found.name == APPLICATION for found in state.applications.values()):
        return
    application = Application(namespace=owner, name=APPLICATION, id=state.next_id())
    state.applications[application.client_id] = application
    _issue(server, application, owner)


def _issue(server: Quay, application: Application, owner: str) -> None:
    """Replace the tokens of the application by a new one, and write it to the file."""
    state, now, secret = server.state, server.clock.now(), tokens.oauth_token()
    kept = {key: token for key, token in state.oauth_tokens.items() if token.client_id != application.client_id}
    token = OAuthToken(
        digest=tokens.digest(secret),
        client_id=application.client_id,
        username=owner,
        scope=server.config["BOOTSTRAP_TOKEN_SCOPE"],
        created=now,
        expires_at=now + timedelta(seconds=server.config["BOOTSTRAP_TOKEN_EXPIRATION"]),
        id=state.next_id(),
    )
    state.oauth_tokens = {**kept, token.digest: token}
    Path(server.config["BOOTSTRAP_TOKEN_PATH"]).write_text(json.dumps({"access_token": secret}))


@routes.plain(
    "POST", "/api/v1/bootstrap/renew", feature="PROGRAMMATIC_BOOTSTRAP", family="3.18", writes=True, mints=True
)
def renew() -> dict[str, Any]:
    bearer = auth.bearer_token()
    if bearer is None:
        verify_csrf()
        raise ApiError("invalid_token", 401, _INVALID)
    token = quay().state.oauth_tokens.get(tokens.digest(bearer))
    application = quay().state.applications.get(token.client_id) if token else None
    if token is None or application is None or application.name != APPLICATION:
        set_caller(auth.oauth_caller(bearer))
        raise ApiError("insufficient_scope", 403, "Unauthorized") if token else ApiError("invalid_token", 401, _INVALID)
    # An expired token is accepted from the machine of the server itself.
    is_local = request.remote_addr in quay().config["STANDIN_LOCAL_ADDRESSES"]
    if token.expires_at <= quay().clock.now() and not is_local:
        raise ApiError("invalid_token", 401, _INVALID)
    _issue(quay(), application, token.username)
    return {"status": "rotated"}
