# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""App tokens that are removed: whether a store holds another valid one."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.app_token import (
    valid_token_in_store,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.app_token_issuer import AppTokenList
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.app_tokens import AppTokens
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, Reply, ok, refused
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import verified
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context, stored_secret

REVOKED = ("one",)


def held_app_token(uuid: str) -> Reply:
    return verified(context={"entity_kind": "appspecifictoken", "entity_reference": uuid})


def ask(quay: FakeQuay, stored: StoredSecret) -> str | None:
    context = module_context(quay, auth=BearerAuth("login"))
    return valid_token_in_store(context, stored, REVOKED, AppTokenList(AppTokens(context.client)))


def test_recorded_token_that_is_revoked_costs_no_request(quay: FakeQuay) -> None:
    assert ask(quay, stored_secret("s3cret", "$app", uuid="one")) is None
    assert quay.requests == []


@pytest.mark.parametrize("record", [{}, {"uuid": "two"}], ids=["unknown", "recorded"])
@pytest.mark.parametrize(
    ("reply", "expected"), [(held_app_token("one"), None), (held_app_token("two"), "two"), (refused(), None)]
)
def test_secret_says_which_token_it_is(
    quay: FakeQuay, record: dict[str, Any], reply: Reply, expected: str | None
) -> None:
    quay.answers(reply)
    assert ask(quay, stored_secret("s3cret", "$app", **record)) == expected


@pytest.mark.parametrize(
    ("uuid", "expiration", "expected"),
    [
        ("two", None, "two"),
        ("two", "Sun, 01 Feb 2026 12:00:00 -0000", None),
        ("three", None, None),
    ],
)
def test_token_of_a_secret_that_is_not_known(
    quay: FakeQuay, uuid: str, expiration: str | None, expected: str | None
) -> None:
    """What another machine holds: its record and the list of tokens say which one it is."""
    listed = {"uuid": "two", "title": "phone", "last_accessed": None, "created": None, "expiration": expiration}
    quay.answers(ok({"tokens": [listed], "only_expiring": None}))
    item = stored_secret("s3cret", "$app", uuid=uuid)
    assert ask(quay, StoredSecret(record=item.record, username="$app", untold=item.fingerprint)) == expected
