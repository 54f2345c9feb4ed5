# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens that are issued for an OIDC token: which stored secrets are something else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.federated_token import FederatedIssuer
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, refused, registry_token
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import verification, verified
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context, stored_secret

ENDLESS = "the token of the robot acme+ci that does not expire"
FUTURE = datetime(2099, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def issuer(quay: FakeQuay) -> FederatedIssuer:
    params = {"name": "acme+ci", "robot": None}
    return FederatedIssuer(module_context(quay, params=params), params)


def unread(stored: StoredSecret) -> StoredSecret:
    """What a store tells that another machine reads: the secret is not known here."""
    return replace(stored, secret=None, untold=stored.fingerprint)


@pytest.mark.parametrize(
    ("subject", "end", "expected"),
    [
        ("acme+ci", FUTURE, ""),
        ("acme+other", FUTURE, "a valid token of acme+other"),
        ("acme+other", FUTURE - timedelta(days=40000), ""),
    ],
)
def test_token_of_a_robot(quay: FakeQuay, issuer: FederatedIssuer, subject: str, end: datetime, expected: str) -> None:
    token = registry_token(sub=subject, exp=end.timestamp())
    assert issuer.other(StoredSecret(token)) == expected
    assert quay.requests == []


def test_secret_that_is_no_such_token(quay: FakeQuay, issuer: FederatedIssuer) -> None:
    quay.answers(verified(), refused())
    assert issuer.other(StoredSecret("s3cret")) == ENDLESS
    assert issuer.other(StoredSecret("s3cret")) == ""
    assert quay.requests == [verification("acme+ci", "s3cret")] * 2


def test_secret_that_is_not_known(quay: FakeQuay, issuer: FederatedIssuer) -> None:
    """Its record says whether it expires."""
    assert issuer.other(unread(stored_secret("s3cret", "acme+ci"))) == ENDLESS
    assert issuer.other(unread(stored_secret("s3cret", "acme+ci", expires_at=FUTURE))) == ""
    assert issuer.other(unread(StoredSecret("s3cret"))) == ""
    assert quay.requests == []
