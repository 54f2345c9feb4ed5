# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The registry's token service, C(GET /v2/auth): referrers tokens, and the proof that any secret of Quay is alive."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Mapping, Sequence

from .._core.times import from_timestamp
from .._http.auth import Auth, BasicAuth
from .._http.client import QuayClient
from .._http.errors import NotAuthenticated

# A login without a scope leaves an entry in the organization's usage log, one that names a scope does not. Asking to
# pull never creates anything, and the repository need not exist.
_PROOF_REPOSITORY = "credential-proof"
# The code with which Quay refuses a login here. A 401 without it is somebody else's: a proxy's.
_REFUSED = "UNAUTHORIZED"
_DISABLED = "This user has been disabled"


@dataclass(frozen=True)
class RegistryToken:
    """A registry token (a JWT that Quay signs for an hour) and what it says."""

    token: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    access: Mapping[str, Sequence[str]]
    subject: str
    oauth_uuid: str | None

    def missing(self, repositories: Sequence[str], actions: Sequence[str]) -> list[str]:
        """Which of the wanted rights were not granted, as C(repository:action): Quay answers 200 all the same."""
        return [
            f"{repository}:{action}"
            for repository in repositories
            for action in actions
            if action not in self.access.get(repository, ())
        ]


class Liveness(Enum):
    """What Quay makes of a secret."""

    LIVE = "live"
    EXPIRED = "expired"
    INVALID = "invalid"


@dataclass(frozen=True)
class Verification:
    """The outcome of using a secret once. For an OAuth token Quay tells which one it is."""

    liveness: Liveness
    oauth_uuid: str | None = None
    user: str | None = None

    @property
    def live(self) -> bool:
        return self.liveness is Liveness.LIVE


def request_registry_token(
    client: QuayClient, auth: Auth, service: str, repositories: Sequence[str], actions: Sequence[str]
) -> RegistryToken:
    """Ask for a registry token (GET /v2/auth). Raises NotAuthenticated where the login is not accepted."""
    scopes = [f"repository:{repository}:{','.join(actions)}" for repository in repositories]
    response = client.get("/v2/auth", {"service": service, "scope": scopes}, auth=auth)
    token = parse_registry_token(str(response.json_object().get("token", "")))
    if token is None:
        raise response.unexpected("the response holds no registry token that can be read")
    return token


def verify_secret(client: QuayClient, username: str, secret: str, namespace: str) -> Verification:
    """Use a secret once and say what Quay makes of it; one request, no entry in any log, nothing changed.

    ``namespace`` is any namespace name. Raises QuayError where Quay cannot be asked.
    """
    try:
        grant = request_registry_token(
            client, BasicAuth(username, secret), client.netloc, [f"{namespace}/{_PROOF_REPOSITORY}"], ["pull"]
        )
    except NotAuthenticated as refused:
        if refused.error_type != _REFUSED:
            raise
        return Verification(Liveness.EXPIRED if "expired" in refused.message.lower() else Liveness.INVALID)
    return Verification(Liveness.LIVE, grant.oauth_uuid, grant.subject)


def accepts_password(client: QuayClient, username: str, password: str) -> bool:
    """Whether this is the user's password. Of a disabled user, too: only the right one is told that he is disabled."""
    try:
        repository = f"{_PROOF_REPOSITORY}/{_PROOF_REPOSITORY}"
        request_registry_token(client, BasicAuth(username, password), client.netloc, [repository], ["pull"])
    except NotAuthenticated as refused:
        if refused.error_type != _REFUSED:
            raise
        return _DISABLED in refused.message
    return True


def authenticated_user(client: QuayClient) -> str | None:
    """The user on whose behalf the client's login acts; None where the login is not accepted."""
    try:
        return request_registry_token(
            client, client.auth.for_registry(), client.netloc, [f"{_PROOF_REPOSITORY}/{_PROOF_REPOSITORY}"], ["pull"]
        ).subject
    except NotAuthenticated as refused:
        if refused.error_type != _REFUSED:
            raise
        return None


def parse_registry_token(token: str) -> RegistryToken | None:
    """Read a registry token without checking its signature (only the registry can); None when it is none."""
    claims = _claims(token)
    try:
        access = {
            str(entry["name"]): tuple(str(action) for action in entry["actions"])
            for entry in claims.get("access") or ()
        }
        context = claims.get("context") or {}
        return RegistryToken(
            token=token,
            issued_at=from_timestamp(float(claims["iat"])),
            expires_at=from_timestamp(float(claims["exp"])),
            access=access,
            subject=str(claims.get("sub", "")),
            # entity_kind "oauthtoken": entity_reference is the uuid under which Quay lists and revokes the token.
            oauth_uuid=context.get("entity_reference") if context.get("entity_kind") == "oauthtoken" else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
        return None


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}
