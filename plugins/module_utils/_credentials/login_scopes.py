# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Which scopes the login of a module has, as far as Quay shows it."""

from __future__ import annotations

from typing import Sequence

from .._core.credential import Credential
from .._http.auth import BearerAuth
from .._http.client import QuayClient
from .._http.errors import ApiError
from .._quay.oauth import AccessToken, UserTokens
from .._quay.registry_auth import login_token


def own_scopes(
    client: QuayClient, listed: Sequence[AccessToken] = (), present: Credential | None = None
) -> Sequence[str] | None:
    """The scopes of the token with which the client authenticates; None for a password, and if Quay does not show them.

    ``present``: the credential that is rotated, which may be the login itself. Otherwise sends GET /v2/auth, which
    names the token's uuid, and GET /user/authorizations unless ``listed`` holds that token.
    """
    if not isinstance(client.auth, BearerAuth):
        return None
    try:
        is_login = present is not None and client.auth.holds(present.secret)
        uuid = present.uuid if present and is_login else login_token(client).oauth_uuid
        scopes = next((token.scopes for token in listed if token.uuid == uuid), None)
        if scopes is not None:
            return scopes
        return next((own.scopes for own in UserTokens(client).authorizations() if own.uuid == uuid), None)
    except ApiError:
        return None


def login_uuid(client: QuayClient) -> str | None:
    """The uuid of the token with which the client authenticates (GET /v2/auth); None if Quay does not show it."""
    if not isinstance(client.auth, BearerAuth):
        return None
    try:
        return login_token(client).oauth_uuid
    except ApiError:
        return None
