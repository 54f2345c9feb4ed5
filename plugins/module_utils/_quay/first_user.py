# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The first user of an empty server (POST /api/v1/user/initialize), and the account of a login (GET /api/v1/user/)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, Mapping

from .._core.names import real_email
from .._http.auth import Auth
from .._http.client import QuayClient
from .._http.errors import ApiError, EndpointMissing, NotFound

INITIALIZE = "/api/v1/user/initialize"
# Fixed in Quay. The response does not name it.
FIRST_TOKEN_LIFETIME = timedelta(seconds=9000)

_ANONYMOUS = Auth()
# What Quay answers, without acting, to a request without a body if it would create a user.
_UNSUPPORTED_MEDIA_TYPE = 415


class Readiness(Enum):
    """Whether a first user can be created."""

    EMPTY = "empty"
    HAS_USERS = "has_users"
    EXTERNAL = "external"  # the users come from a directory or an identity provider
    OFF = "off"  # FEATURE_USER_INITIALIZE


@dataclass(frozen=True)
class Account:
    """The account of a login. ``superuser``: Quay's configuration lists it in SUPER_USERS."""

    name: str
    email: str
    superuser: bool

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Account:
        return cls(str(data.get("username", "")), real_email(data.get("email")), bool(data.get("super_user")))


def readiness(client: QuayClient) -> Readiness:
    """Return whether a first user can be created. Nothing is created: the request has no body.

    Raises ApiError for any other response, such as a 500 while the database is down.
    """
    try:
        response = client.request("POST", INITIALIZE, auth=_ANONYMOUS)
    except (EndpointMissing, NotFound):
        return Readiness.OFF
    except ApiError as error:
        known = _refusal(error)
        if known is not None:
            return known
        if error.status == _UNSUPPORTED_MEDIA_TYPE:
            return Readiness.EMPTY
        raise
    raise response.unexpected("Quay refuses a request without a body here. Check that quay_host is Quay itself")


def initialize(client: QuayClient, name: str, password: str, email: str | None, *, issue_token: bool) -> str | None:
    """Create the first user. Return the secret of their first token, which only this response has; None without one.

    Raises AlreadyInitialized if another user was created meanwhile.
    """
    body: dict[str, Any] = {"username": name, "password": password, "access_token": issue_token}
    if email:
        body["email"] = email
    try:
        response = client.post(INITIALIZE, body, auth=_ANONYMOUS)
    except ApiError as error:
        if _refusal(error) is Readiness.HAS_USERS:
            raise AlreadyInitialized(error.status, error.method, error.path, error.message) from None
        raise
    secret = response.json_object().get("access_token") if issue_token else None
    if issue_token and (not isinstance(secret, str) or not secret):
        raise response.unexpected("the response holds no access token")
    return str(secret) if secret else None


class AlreadyInitialized(ApiError):
    """Another user was created since the server was found empty. Nothing was changed."""


def own_account(client: QuayClient) -> Account:
    """Return the account of the client's login (GET /api/v1/user/; a token needs the scope user:read).

    Raises NotAuthenticated if Quay does not accept the login.
    """
    return Account.of(client.get("/api/v1/user/").object_with("username"))


def _refusal(error: ApiError) -> Readiness | None:
    """Return why Quay creates no first user, by the words of a 400; None for any other error."""
    if error.status != 400:
        return None
    if "non-database" in error.message:
        return Readiness.EXTERNAL
    if "USER_INITIALIZE" in error.message:
        return Readiness.OFF
    return Readiness.HAS_USERS if "non-empty" in error.message else None
