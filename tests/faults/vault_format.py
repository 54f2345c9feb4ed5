# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The format of ansible-vault, version 1.2. Without code of ansible-core, which would change what a module prints."""

from __future__ import annotations

import hashlib
import hmac
import os
from binascii import hexlify, unhexlify

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

_ITERATIONS = 10000
_SALT_BYTES = 32
_KEY_BYTES = 32
_BLOCK_BYTES = 16
_LINE_CHARACTERS = 80


class Undecryptable(Exception):
    """The text is not in this format, or was encrypted with another password."""


def encrypt(text: bytes, label: str, password: bytes) -> bytes:
    salt = os.urandom(_SALT_BYTES)
    keys = _Keys(salt, password)
    padding = _BLOCK_BYTES - len(text) % _BLOCK_BYTES
    secret = keys.apply(text + bytes([padding]) * padding)
    body = hexlify(b"\n".join(map(hexlify, (salt, keys.digest(secret), secret)))).decode()
    starts = range(0, len(body), _LINE_CHARACTERS)
    lines = [f"$ANSIBLE_VAULT;1.2;AES256;{label}", *(body[start : start + _LINE_CHARACTERS] for start in starts)]
    return ("\n".join(lines) + "\n").encode()


def decrypt(text: bytes, password: bytes) -> bytes:
    """Raises Undecryptable."""
    try:
        salt, digest, secret = map(unhexlify, unhexlify(b"".join(text.split(b"\n")[1:])).split(b"\n"))
    except ValueError:
        raise Undecryptable from None
    keys = _Keys(salt, password)
    if not hmac.compare_digest(keys.digest(secret), digest):
        raise Undecryptable
    plain = keys.apply(secret)
    return plain[: -plain[-1]]


class _Keys:
    def __init__(self, salt: bytes, password: bytes) -> None:
        length = 2 * _KEY_BYTES + _BLOCK_BYTES
        derived = hashlib.pbkdf2_hmac("sha256", password, salt, _ITERATIONS, length)
        self._cipher_key, self._digest_key = derived[:_KEY_BYTES], derived[_KEY_BYTES : 2 * _KEY_BYTES]
        self._start = derived[2 * _KEY_BYTES :]

    def apply(self, text: bytes) -> bytes:
        """Encrypt or decrypt, which are the same."""
        encryptor = Cipher(AES(self._cipher_key), CTR(self._start)).encryptor()
        return encryptor.update(text) + encryptor.finalize()

    def digest(self, secret: bytes) -> bytes:
        return hmac.new(self._digest_key, secret, "sha256").digest()
