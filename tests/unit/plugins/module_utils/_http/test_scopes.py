# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scopes of requests. A test of the contract compares them with Quay's own description of its API."""

from __future__ import annotations

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._http.scopes import scopes_of_request

ACME = "/api/v1/organization/acme"
APP = "/api/v1/repository/acme/app"


@pytest.mark.parametrize(
    ("request_", "scopes"),
    [
        (f"GET {ACME}", ()),
        (f"PUT {ACME}", ("org:admin",)),
        ("POST /api/v1/organization/", ("user:admin",)),
        (f"GET {ACME}/robots/ci", ("org:admin",)),
        (f"GET {ACME}/robots/ci/permissions", ("org:admin", "user:admin")),
        (f"POST {ACME}/applications/ABC/tokens", ("org:admin",)),
        ("GET /api/v1/repository", ("repo:read",)),
        ("POST /api/v1/repository", ("repo:create",)),
        (f"GET {APP}", ("repo:read",)),
        (f"PUT {APP}", ("repo:write",)),
        (f"DELETE {APP}", ("repo:admin",)),
        (f"GET {APP}/logs", ("repo:admin",)),
        (f"GET {APP}/build/1/logs", ("repo:read",)),
        (f"POST {APP}/build/", ("repo:write",)),
        (f"PUT {APP}/permissions/user/ann", ("repo:admin",)),
        (f"PUT {APP}/mirror", ("repo:admin",)),
        (f"POST {APP}/changevisibility", ("repo:admin",)),
        (f"PUT {APP}/tag/latest", ("repo:write",)),
        ("GET /api/v1/repository/acme/team/app", ("repo:read",)),
        ("GET /api/v1/superuser/users/", ("super:user",)),
        ("GET /api/v1/user/", ("user:read",)),
        ("GET /api/v1/user/robots/ci", ("user:admin",)),
        ("GET /api/v1/users/ann", ()),
        ("POST /oauth/authorizeapp", ()),
        ("GET /v2/auth", ()),
    ],
)
def test_scopes_of_a_request(request_: str, scopes: tuple[str, ...]) -> None:
    method, path = request_.split()
    assert scopes_of_request(method, path) == scopes
