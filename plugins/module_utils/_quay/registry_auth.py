# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The registry's token service (GET /v2/auth): registry tokens, and the verification of any secret of Quay."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Mapping, Sequence

from .._core.jwt import jwt_claims
from .._core.times import from_timestamp
from .._http.auth import Auth, BasicAuth, RegistryAuth
from .._http.client import QuayClient
from .._http.errors import NotAuthenticated

# Quay logs a request without a scope in the usage logs of the organization, but not one with a scope. The action pull
# creates nothing, and the repository need not exist.
_PROOF_REPOSITORY = "credential-proof"
# The error code with which Quay refuses a login. A 401 without it comes from a proxy.
_REFUSED = "UNAUTHORIZED"
_DISABLED = "This user has been disabled"


@dataclass(frozen=True)
class RegistryToken:
    """A registry token (a JWT, valid for an hour) and its claims.

    ``access``: the granted actions by repository. ``oauth_uuid``: the uuid of the OAuth token that requested it; None
    for any other login. ``app_token_uuid``: the same for an app token.
    """

    token: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    access: Mapping[str, Sequence[str]]
    subject: str
    oauth_uuid: str | None
    app_token_uuid: str | None = None

    def missing(self, repositories: Sequence[str], actions: Sequence[str]) -> list[str]:
        """Return the requested rights that were not granted, as repository:action. Quay answers 200 without them."""
        return [
            f"{repository}:{action}"
            for repository in repositories
            for action in actions
            if action not in self.access.get(repository, ())
        ]


class Liveness(Enum):
    """The state of a secret as Quay reports it."""

    LIVE = "live"
    EXPIRED = "expired"
    INVALID = "invalid"


@dataclass(frozen=True)
class Verification:
    """The result of verify_secret. ``oauth_uuid``: the uuid of the token if the secret is an OAuth token.

    ``app_token_uuid``: the same for an app token.
    ``user`` is the subject of the registry token: the account on whose behalf the secret acts.
    """

    liveness: Liveness
    oauth_uuid: str | None = None
    user: str | None = None
    app_token_uuid: str | None = None

    @property
    def live(self) -> bool:
        return self.liveness is Liveness.LIVE


def request_registry_token(
    client: QuayClient, auth: Auth, service: str, repositories: Sequence[str], actions: Sequence[str]
) -> RegistryToken:
    """Request a registry token and return it (GET /v2/auth).

    ``service``: SERVER_HOSTNAME of the server. ``repositories``: namespace/name. ``actions``: pull, push. With push,
    Quay creates a missing repository. Missing permissions are no error: see RegistryToken.missing. Raises
    NotAuthenticated if Quay does not accept the login.
    """
    scopes = [f"repository:{repository}:{','.join(actions)}" for repository in repositories]
    response = client.get("/v2/auth", {"service": service, "scope": scopes}, auth=auth)
    token = parse_registry_token(str(response.json_object().get("token", "")))
    if token is None:
        raise response.unexpected("the response holds no registry token that can be read")
    return token


def visible_repositories(client: QuayClient, token: RegistryToken, limit: int) -> list[str]:
    """Return repositories on which the token's subject has a role, as namespace/name (GET /v2/_catalog).

    ``limit``: how many at most; Quay returns no more than 100. The access in the token does not matter.
    """
    response = client.get("/v2/_catalog", {"n": str(limit)}, auth=RegistryAuth(token.token))
    return [str(name) for name in response.json_object().get("repositories") or ()]


def verify_secret(client: QuayClient, username: str, secret: str, namespace: str = _PROOF_REPOSITORY) -> Verification:
    """Verify a secret by one request (GET /v2/auth), which Quay does not log. It updates a robot's last_accessed.

    ``namespace``: any namespace name. Raises HttpError if Quay does not answer or reports another error.
    """
    try:
        grant = request_registry_token(
            client, BasicAuth(username, secret), client.netloc, [f"{namespace}/{_PROOF_REPOSITORY}"], ["pull"]
        )
    except NotAuthenticated as refused:
        if refused.error_type != _REFUSED:
            raise
        return Verification(Liveness.EXPIRED if "expired" in refused.message.lower() else Liveness.INVALID)
    return Verification(Liveness.LIVE, grant.oauth_uuid, grant.subject, grant.app_token_uuid)


def accepts_password(client: QuayClient, username: str, password: str) -> bool:
    """Return whether this is the user's password (GET /v2/auth).

    Works for a disabled user, too: Quay reports that the user is disabled only for the correct password.
    """
    try:
        repository = f"{_PROOF_REPOSITORY}/{_PROOF_REPOSITORY}"
        request_registry_token(client, BasicAuth(username, password), client.netloc, [repository], ["pull"])
    except NotAuthenticated as refused:
        if refused.error_type != _REFUSED:
            raise
        return _DISABLED in refused.message
    return True


def login_token(client: QuayClient) -> RegistryToken:
    """Request a registry token for the client's login: it names the user, and the uuid of an OAuth token.

    Raises NotAuthenticated if Quay does not accept the login (GET /v2/auth).
    """
    repository = f"{_PROOF_REPOSITORY}/{_PROOF_REPOSITORY}"
    return request_registry_token(client, client.auth.for_registry(), client.netloc, [repository], ["pull"])


def authenticated_user(client: QuayClient) -> str | None:
    """Return the user of the client's login, or None if Quay does not accept the login (GET /v2/auth)."""
    try:
        return login_token(client).subject
    except NotAuthenticated as refused:
        if refused.error_type != _REFUSED:
            raise
        return None


def parse_registry_token(token: str) -> RegistryToken | None:
    """Parse a registry token, or return None if it is not one. The signature is not verified."""
    claims = jwt_claims(token) or {}
    try:
        access = {
            str(entry["name"]): tuple(str(action) for action in entry["actions"])
            for entry in claims.get("access") or ()
        }
        context = claims.get("context") or {}
        # For tokens, entity_reference is the uuid by which Quay lists and revokes the token.
        kind, reference = context.get("entity_kind"), context.get("entity_reference")
        return RegistryToken(
            token=token,
            issued_at=from_timestamp(float(claims["iat"])),
            expires_at=from_timestamp(float(claims["exp"])),
            access=access,
            subject=str(claims.get("sub", "")),
            oauth_uuid=reference if kind == "oauthtoken" else None,
            app_token_uuid=reference if kind == "appspecifictoken" else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
        return None
