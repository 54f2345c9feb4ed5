# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scopes and what they include."""

from __future__ import annotations

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._quay.scopes import SCOPES, covered_scopes, least_scopes


@pytest.mark.parametrize(
    ("scopes", "covered"),
    [
        ([], set()),
        (["repo:read"], {"repo:read"}),
        (["repo:write"], {"repo:read", "repo:write"}),
        (["repo:admin"], {"repo:read", "repo:write", "repo:admin"}),
        (["org:admin", "repo:read"], {"org:admin", "repo:read"}),
        (["user:admin", "super:user", "repo:create"], {"user:admin", "super:user", "repo:create"}),
    ],
)
def test_covered_scopes(scopes: list[str], covered: set[str]) -> None:
    assert covered_scopes(scopes) == covered


@pytest.mark.parametrize(
    ("scopes", "least"),
    [
        ([], []),
        (["repo:read", "org:admin", "repo:read"], ["org:admin", "repo:read"]),
        (["repo:read", "repo:admin"], ["repo:admin"]),
        (["repo:write", "repo:read"], ["repo:write"]),
        (SCOPES, ["org:admin", "repo:admin", "repo:create", "super:user", "user:admin", "user:read"]),
    ],
)
def test_least_scopes(scopes: list[str], least: list[str]) -> None:
    assert least_scopes(scopes) == least
    assert covered_scopes(least) == covered_scopes(scopes)
