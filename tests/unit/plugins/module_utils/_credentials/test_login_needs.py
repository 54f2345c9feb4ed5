# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What declared credentials need of the login."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.login_needs import (
    Need,
    Users,
    need_of,
    users_of_scopes,
)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"name": "acme+ci", "kind": "robot"}, Need("acme+ci", "robot", ("org:admin",), "acme", "admin")),
        ({"name": "ci", "kind": "robot"}, Need("ci", "robot", ("user:admin",), None, None)),
        (
            {"name": "acme+ci", "kind": "robot", "strategy": "paired"},
            Need("acme+ci", "robot", ("org:admin", "user:admin", "repo:admin"), "acme", "admin"),
        ),
        (
            {"name": "n", "kind": "api", "organization": "acme", "scopes": ["org:admin", "repo:read"]},
            Need("n", "api", ("org:admin", "repo:read"), "acme", "admin"),
        ),
        # To revoke a token, its scopes do not matter.
        (
            {"name": "n", "kind": "api", "organization": "acme", "scopes": ["repo:read"], "state": "absent"},
            Need("n", "api", ("org:admin",), "acme", "admin"),
        ),
        ({"name": "n", "kind": "app"}, Need("n", "app", ("user:admin",), None, None)),
        (
            {"name": "n", "kind": "referrers", "repositories": ["acme/a", "acme/b"], "actions": ["push"]},
            Need("n", "referrers", ("repo:write",), "acme", "write"),
        ),
        (
            {"name": "n", "kind": "referrers", "repositories": ["a/b", "c/d"]},
            Need("n", "referrers", ("repo:read",), None, "read"),
        ),
        # It has a login of its own.
        (
            {"name": "n", "kind": "referrers", "repositories": ["a/b"], "quay_username": "u"},
            Need("n", "referrers", (), "a", None),
        ),
        ({"name": "acme+ci", "kind": "federated"}, Need("acme+ci", "federated", (), "acme", None)),
    ],
)
def test_need(options: dict[str, Any], expected: Need) -> None:
    assert need_of(options) == expected


def test_first_users_of_a_scope_are_named() -> None:
    needs = [need_of({"name": f"acme+{letter}", "kind": "robot"}) for letter in "abcd"]
    needs.append(need_of({"name": "laptop", "kind": "app"}))
    found = users_of_scopes(needs)
    assert found == {
        "org:admin": Users(["acme+a", "acme+b", "acme+c"], 4),
        "user:admin": Users(["laptop"], 1),
    }
    assert str(found["org:admin"]) == "acme+a, acme+b, acme+c and 1 more"
    assert str(found["user:admin"]) == "laptop"
