# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""JSON Web Tokens, as far as they can be read without their issuer's key. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any


def jwt_header(token: str) -> dict[str, Any] | None:
    """The header of a JWT; None if it cannot be decoded."""
    return _part(token, 0)


def jwt_claims(token: str) -> dict[str, Any] | None:
    """The claims of a JWT; None if they cannot be decoded. The signature is not verified."""
    return _part(token, 1)


def _part(token: str, number: int) -> dict[str, Any] | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    encoded = parts[number]
    try:
        value = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, binascii.Error):
        return None
    return value if isinstance(value, dict) else None
