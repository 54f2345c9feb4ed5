# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verify the OIDC token of an external issuer, which a robot exchanges for a token that is valid for an hour.

Discovery and keys are requested for each exchange. Quay caches neither.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Any

import certifi
import jwt
import requests

from .errors import GatewayError, internal_error
from .quay import quay

_DISCOVERY_TIMEOUT_S = 5
_LEEWAY_S = 30
_ALGORITHMS = ("RS256", "RS384")


class FederationError(Exception):
    """The message with which Quay refuses an OIDC token (400)."""


class HeaderError(Exception):
    """The message with which Quay refuses an Authorization header (401)."""


def credentials(header: str) -> tuple[str, str]:
    """Return the name of the robot and the OIDC token. Raises HeaderError."""
    if not header:
        raise HeaderError("No auth header")
    parts = header.split()
    if len(parts) != 2 or parts[0].lower() != "basic":
        raise HeaderError("Invalid basic auth header")
    try:
        name, colon, token = b64decode(parts[1]).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        name, colon, token = "", "", ""
    if not colon:
        raise HeaderError("Unexpected number of credentials found in basic auth header")
    if "+" not in name:
        raise HeaderError("Invalid robot")
    return name, token


def verify_identity(token: str, federation: list[dict[str, str]]) -> dict[str, Any]:
    """Return the claims of an OIDC token that fits the robot's federation. Raises FederationError."""
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.InvalidTokenError:
        internal_error()
    if not issuer:
        raise FederationError("Token does not contain issuer")
    if not federation:
        raise FederationError("Robot does not have federated login configured")
    subjects = [item["subject"] for item in federation if item["issuer"] == issuer]
    if not subjects:
        raise FederationError(f"issuer {issuer} not configured for this robot")
    try:
        claims = _decoded(token, issuer)
    except jwt.InvalidTokenError as error:
        raise FederationError(f"Invalid token: {error}") from error
    if claims.get("sub") not in subjects:
        raise FederationError("Token does not match robot")
    return claims


def _decoded(token: str, issuer: str) -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    if header.get("kid") is None:
        raise jwt.InvalidTokenError("Missing `kid` header")
    if not issuer.startswith("https://"):
        internal_error()
    discovery = _fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration", timeout=_DISCOVERY_TIMEOUT_S)
    if not discovery.get("jwks_uri"):
        internal_error()
    _check_issuer(issuer, discovery.get("issuer"))
    try:
        return _verified(token, _key(discovery["jwks_uri"], header["kid"]))
    except jwt.InvalidTokenError:
        # Quay looks once more, in case the keys have changed.
        return _verified(token, _key(discovery["jwks_uri"], header["kid"]))


def _check_issuer(issuer: str, published: str | None) -> None:
    """Compare the issuer of the token with that of the discovery document. Quay 3.18 ignores a slash at the end."""
    if published is None or published == issuer:
        return
    if quay().family == "3.17":
        raise jwt.InvalidIssuerError("Invalid issuer")
    if published.rstrip("/") != issuer.rstrip("/"):
        raise jwt.InvalidIssuerError(f"Issuer '{issuer}' not in configured issuers: ['{published}']")


def _verified(token: str, key: Any) -> dict[str, Any]:
    # Audience and nbf are not verified. The other times are compared with the clock of the stand-in.
    unchecked = dict.fromkeys(("verify_aud", "verify_nbf", "verify_exp", "verify_iat"), False)
    options: Any = {**unchecked, "require": ["iat", "exp"]}
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=list(_ALGORITHMS), options=options)
    now = int(quay().clock.timestamp())
    if int(claims["exp"]) <= now - _LEEWAY_S:
        raise jwt.ExpiredSignatureError("Signature has expired")
    try:
        issued = int(claims["iat"])
    except ValueError:
        raise jwt.DecodeError("Issued At claim (iat) must be an integer.") from None
    if issued > now + _LEEWAY_S:
        raise jwt.InvalidIssuedAtError("Issued At claim (iat) cannot be in the future.")
    return claims


def _key(url: str, key_id: str) -> Any:
    """Return the key of this id. Quay answers 500 if there is none, and for keys that it cannot use."""
    keys = _fetched(url).get("keys")
    try:
        found = next(key for key in keys or () if key.get("kid") == key_id)
        if found["kty"] != "RSA":
            internal_error()
        return jwt.PyJWK(found, algorithm="RS256").key
    except (StopIteration, AttributeError, KeyError, TypeError, jwt.PyJWTError):
        internal_error()


def _fetched(url: str, timeout: float | None = None) -> dict[str, Any]:
    """Return a JSON object of the issuer. Quay follows redirects, and verifies certificates."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            response = session.get(url, timeout=timeout, verify=_trusted())
    except requests.RequestException:
        # The exception ends the worker, and nginx shows its page.
        raise GatewayError from None
    try:
        body = response.json()
    except ValueError:
        internal_error()
    if response.status_code >= 300 or not isinstance(body, dict):
        internal_error()
    return body


def _trusted() -> str:
    return str(quay().config["STANDIN_ISSUER_CA"] or certifi.where())
