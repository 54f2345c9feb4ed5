# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verify the identity token of an external issuer, which a robot exchanges for a registry token."""

from __future__ import annotations

import json
import ssl
import urllib.request
from typing import Any

import jwt

from .clock import Clock

_TIMEOUT_S = 5
_LEEWAY_S = 30
_ALGORITHMS = ["RS256", "ES256"]


class FederationError(Exception):
    """The message with which Quay refuses an identity token."""


def verify_identity(identity: str, federation: list[dict[str, str]], clock: Clock) -> dict[str, Any]:
    """Return the claims of an identity token that matches the robot's federation. Raises ValueError if it is no JWT."""
    try:
        issuer = jwt.decode(identity, options={"verify_signature": False}).get("iss")
    except jwt.InvalidTokenError as error:
        raise ValueError("not a JWT") from error
    if not issuer:
        raise FederationError("Token does not contain issuer")
    if not federation:
        raise FederationError("Robot does not have federated login configured")
    subjects = [item["subject"] for item in federation if item["issuer"] == issuer]
    if not subjects:
        raise FederationError(f"issuer {issuer} not configured for this robot")
    claims = _decode(identity, issuer)
    if claims["exp"] <= clock.timestamp() - _LEEWAY_S:
        raise FederationError("Invalid token: Signature has expired")
    if claims.get("sub") not in subjects:
        raise FederationError("Token does not match robot")
    return claims


def _decode(identity: str, issuer: str) -> dict[str, Any]:
    # Times are checked by the caller against the clock of the stand-in.
    unchecked = dict.fromkeys(("verify_aud", "verify_nbf", "verify_exp", "verify_iat"), False)
    options: Any = {**unchecked, "require": ["iat", "exp"]}
    try:
        key = _public_key(issuer, jwt.get_unverified_header(identity).get("kid"))
        claims: dict[str, Any] = jwt.decode(identity, key, _ALGORITHMS, issuer=issuer, options=options)
    except jwt.InvalidTokenError as error:
        raise FederationError(f"Invalid token: {error}") from error
    return claims


def _public_key(issuer: str, key_id: str | None) -> Any:
    if key_id is None:
        raise FederationError("Invalid token: Missing `kid` header")
    discovery = _fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    for key in jwt.PyJWKSet.from_dict(_fetch(discovery["jwks_uri"])).keys:
        if key.key_id == key_id:
            return key.key
    raise FederationError(f"Invalid token: Public key {key_id} not found")


def _fetch(url: str) -> dict[str, Any]:
    # Issuers in tests have self-signed certificates, which are not verified.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S, context=context) as response:
        body: dict[str, Any] = json.load(response)
    return body
