# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random secrets in the formats of Quay, and their fingerprints."""

from __future__ import annotations

import hashlib
import secrets
import string
import uuid

CAPITALS = string.ascii_uppercase + string.digits
MIXED = string.ascii_letters + string.digits

FINGERPRINT_LENGTH = 12


def random_string(length: int, alphabet: str = CAPITALS) -> str:
    return "".join(secrets.choice(alphabet) for _time in range(length))


def client_id() -> str:
    return random_string(20)


def client_secret() -> str:
    return random_string(40)


def oauth_token() -> str:
    return random_string(40, MIXED)


def robot_token() -> str:
    return random_string(64)


def app_token() -> str:
    return random_string(120)


def user_password() -> str:
    """The password that the superuser API generates for a new user."""
    return random_string(32)


def csrf_token() -> str:
    return secrets.token_urlsafe(48)


def new_uuid() -> str:
    return str(uuid.uuid4())


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def fingerprint(secret: str) -> str:
    """Return a fingerprint, which identifies a secret and can be shown."""
    return digest(secret)[:FINGERPRINT_LENGTH]
