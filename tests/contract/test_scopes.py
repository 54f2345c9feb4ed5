# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scopes that error messages name are those of Quay's own description of its API."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._http.scopes import scopes_of_request

from . import collection

# What Quay checks although its description does not say so, or says less.
UNDESCRIBED = {
    "GET /api/v1/organization/x/robots/x/permissions": ["org:admin", "user:admin"],
    "GET /api/v1/organization/x/team/x/permissions": ["org:admin"],
    "POST /api/v1/organization/x/applications/x/resetclientsecret": ["org:admin"],
    "GET /api/v1/superuser/aggregatelogs": ["super:user"],
    "GET /api/v1/superuser/mirror/health": ["super:user"],
}
# No module sends these with a token.
UNUSED = {"POST /api/v1/user/", "POST /api/v1/signin/verify", "POST /api/v1/detachexternal/x"}


def described() -> dict[str, list[str]]:
    """The scopes of each operation that Quay describes, with example names in its path."""
    text = (collection.ROOT / "tests" / "standin" / "endpoints" / "discovery.json").read_text()
    operations: dict[str, dict[str, Any]] = json.loads(text)["operations"]
    return {
        re.sub(r"\{\w+\}", "x", operation.replace("{repository}", "acme/app")): facts["scopes"]
        for operation, facts in operations.items()
    }


@pytest.mark.parametrize(("operation", "scopes"), described().items())
def test_scopes_are_those_that_quay_describes(operation: str, scopes: list[str]) -> None:
    if operation not in UNUSED:
        assert list(scopes_of_request(*operation.split())) == UNDESCRIBED.get(operation, scopes)
