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

from ansible_collections.tokensmith.quay.plugins.module_utils._client import QuayClient
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import NotAuthenticated, UnexpectedAnswer
from ansible_collections.tokensmith.quay.plugins.module_utils._login import BasicLogin, Login
from ansible_collections.tokensmith.quay.plugins.module_utils._times import from_timestamp

# A login without a scope leaves an entry in the organization's usage log, one that names a scope does not. Asking to
# pull never creates anything, and the repository need not exist.
_PROOF_REPOSITORY = "credential-proof"
# The code with which Quay refuses a login here. A 401 without it is somebody else's: a proxy's.
_REFUSED = "UNAUTHORIZED"
_DISABLED = "This user has been disabled"


@dataclass(frozen=True)
class Grant:
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
class Proof:
    """The outcome of using a secret once. For an OAuth token Quay tells which one it is."""

    liveness: Liveness
    oauth_uuid: str | None = None
    user: str | None = None

    @property
    def live(self) -> bool:
        return self.liveness is Liveness.LIVE


def request_grant(
    client: QuayClient, login: Login, service: str, repositories: Sequence[str], actions: Sequence[str]
) -> Grant:
    """Ask for a registry token (GET /v2/auth). Raises NotAuthenticated where the login is not accepted."""
    scopes = [f"repository:{repository}:{','.join(actions)}" for repository in repositories]
    answer = client.get("/v2/auth", {"service": service, "scope": scopes}, login=login)
    grant = read_grant(str(answer.mapping().get("token", "")))
    if grant is None:
        raise UnexpectedAnswer("GET", "/v2/auth", "the answer holds no registry token that can be read")
    return grant


def prove(client: QuayClient, username: str, secret: str, namespace: str) -> Proof:
    """Use a secret once and say what Quay makes of it; one request, no entry in any log, nothing changed.

    ``namespace`` is any namespace name. Raises QuayError where Quay cannot be asked.
    """
    try:
        grant = request_grant(
            client, BasicLogin(username, secret), client.netloc, [f"{namespace}/{_PROOF_REPOSITORY}"], ["pull"]
        )
    except NotAuthenticated as refused:
        if refused.error_type != _REFUSED:
            raise
        return Proof(Liveness.EXPIRED if "expired" in refused.message.lower() else Liveness.INVALID)
    return Proof(Liveness.LIVE, grant.oauth_uuid, grant.subject)


def accepts_password(client: QuayClient, username: str, password: str) -> bool:
    """Whether this is the user's password. Of a disabled user, too: only the right one is told that he is disabled."""
    try:
        repository = f"{_PROOF_REPOSITORY}/{_PROOF_REPOSITORY}"
        request_grant(client, BasicLogin(username, password), client.netloc, [repository], ["pull"])
    except NotAuthenticated as refused:
        if refused.error_type != _REFUSED:
            raise
        return _DISABLED in refused.message
    return True


def user_of_login(client: QuayClient) -> str | None:
    """The user on whose behalf the client's login acts; None where the login is not accepted."""
    try:
        return request_grant(
            client, client.login.at_registry(), client.netloc, [f"{_PROOF_REPOSITORY}/{_PROOF_REPOSITORY}"], ["pull"]
        ).subject
    except NotAuthenticated as refused:
        if refused.error_type != _REFUSED:
            raise
        return None


def read_grant(token: str) -> Grant | None:
    """Read a registry token without checking its signature (only the registry can); None when it is none."""
    claims = _claims(token)
    try:
        access = {
            str(entry["name"]): tuple(str(action) for action in entry["actions"])
            for entry in claims.get("access") or ()
        }
        context = claims.get("context") or {}
        return Grant(
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
