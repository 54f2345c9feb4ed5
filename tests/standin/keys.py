# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key that signs registry tokens, and the key that encrypts passwords."""

from __future__ import annotations

import functools
from typing import Any

import jwt
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric import rsa

from . import tokens
from .clock import Clock

ALGORITHM = "RS256"
ISSUER = "quay"
LIFETIME_S = 3600
LEEWAY_S = 30


def is_jwt(secret: str) -> bool:
    """Whether a secret is a JWT according to its header. No other secret of Quay has such a header."""
    try:
        return str(jwt.get_unverified_header(secret).get("typ", "")).lower() in ("jwt", "at+jwt")
    except jwt.InvalidTokenError:
        return False


@functools.cache
def service_key() -> tuple[rsa.RSAPrivateKey, str]:
    """A key and its id. All Quays of a process share it, because creating one takes most of the start time."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048), tokens.random_string(64, "0123456789abcdef")


class InvalidRegistryToken(Exception):
    """The message with which the registry refuses a token."""


class Keys:
    """The service key of one Quay. It survives restarts, so a reset of the state keeps it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._private, self._key_id = service_key()
        self._fernet = Fernet(Fernet.generate_key())

    def sign(self, audience: str | None, subject: str, context: dict[str, Any], access: Any) -> str:
        now = self._clock.timestamp()
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "nbf": now,
            "iat": now,
            "exp": now + LIFETIME_S,
            "sub": subject,
            "access": access,
            "context": context,
        }
        return jwt.api_jwt.encode(claims, self._private, ALGORITHM, headers={"kid": self._key_id})

    def verify(self, token: str, audience: str, max_fresh_s: int) -> dict[str, Any]:
        """Return the claims of a registry token. Raises InvalidRegistryToken if the registry does not accept it now."""
        options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
        try:
            if jwt.get_unverified_header(token).get("kid") != self._key_id:
                raise InvalidRegistryToken("Unknown service key")
            claims: dict[str, Any] = jwt.decode(
                token, self._private.public_key(), [ALGORITHM], audience=audience, issuer=ISSUER, options=options
            )
        except jwt.InvalidTokenError as error:
            raise InvalidRegistryToken(str(error)) from error
        self._check_times(claims, max_fresh_s)
        return claims

    def _check_times(self, claims: dict[str, Any], max_fresh_s: int) -> None:
        # Checked here, because the library reads the real time instead of the clock of the stand-in.
        now = self._clock.timestamp()
        if claims["nbf"] > now + LEEWAY_S:
            raise InvalidRegistryToken("The token is not yet valid (nbf)")
        if claims["exp"] <= now - LEEWAY_S:
            raise InvalidRegistryToken("Signature has expired")
        if claims["exp"] > claims["iat"] + max_fresh_s:
            raise InvalidRegistryToken(f"Token was signed for more than {max_fresh_s} seconds")

    def encrypt_password(self, password: str) -> str:
        return self._fernet.encrypt(password.encode()).decode()

    def decrypt_password(self, encrypted: str) -> str | None:
        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except InvalidToken:
            return None
