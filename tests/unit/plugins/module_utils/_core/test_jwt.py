# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON Web Tokens, read without a key."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.jwt import jwt_claims, jwt_header


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_parts_of_a_token() -> None:
    token = f"{encoded({'alg': 'RS256'})}.{encoded({'sub': 'ä'})}.c2ln"
    assert jwt_header(token) == {"alg": "RS256"}
    assert jwt_claims(token) == {"sub": "ä"}


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c.d", "!.!.c", f"{encoded([])}.{encoded('x')}.c", "YQ.YQ.c"])
def test_other_texts(text: str) -> None:
    assert jwt_header(text) is None
    assert jwt_claims(text) is None
