# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The organizations that a user administers."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.organizations import administered_organizations
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, ok

MEMBER = {"name": "acme", "is_org_admin": True}


@pytest.mark.parametrize(
    ("listed", "administered"),
    [
        ([MEMBER, {"name": "rival", "is_org_admin": False}, {"name": "third"}], {"acme"}),
        ([], set()),
        (None, set()),
    ],
)
def test_administered_organizations(quay: FakeQuay, listed: Any, administered: set[str]) -> None:
    """A token without the scope user:admin does not see in which of them its user is an administrator."""
    quay.answers(ok({"username": "ann", "organizations": listed}))
    assert administered_organizations(quay.client(BearerAuth("s3cret"))) == administered
    assert quay.calls == [("GET", "/api/v1/user/")]
