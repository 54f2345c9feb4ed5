# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record in the description of a credential in AWX."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Record
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.awx_record import (
    AwxRecord,
    read_description,
    write_description,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import FINGERPRINT, RECORD, SECRET

DELIVERED = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
KEPT = AwxRecord(replace(RECORD, username="acme+ci"), DELIVERED)
WRITTEN = (
    f"[tokensmith.quay fingerprint={FINGERPRINT} created_at=2026-01-31T12:00:00Z expires_at=2026-04-30T12:00:00Z "
    "uuid=6e3a1d0c superseded=a1,b2 username=acme+ci delivered=2026-11-22T09:30:00Z]"
)


@pytest.mark.parametrize(
    ("description", "expected"),
    [("", WRITTEN), ("Pulls [for CI]", f"Pulls [for CI] {WRITTEN}"), ("two\nlines", f"two\nlines {WRITTEN}")],
)
def test_record_follows_the_users_text(description: str, expected: str) -> None:
    assert write_description(description, KEPT) == expected
    assert read_description(expected) == (description, KEPT)
    assert write_description(expected, None) == description
    assert SECRET not in expected


def test_record_is_replaced() -> None:
    other = AwxRecord(Record("0123456789ab"), DELIVERED)
    assert write_description(f"Pulls {WRITTEN}", other) == (
        "Pulls [tokensmith.quay fingerprint=0123456789ab delivered=2026-11-22T09:30:00Z]"
    )


def test_text_that_was_added_behind_the_record_is_kept() -> None:
    assert read_description(f"Pulls {WRITTEN} since May") == ("Pulls since May", KEPT)


@pytest.mark.parametrize("username", ["a b", "a]b", "$oauthtoken", "a=b"])
def test_any_user_name_is_read_back(username: str) -> None:
    kept = AwxRecord(Record(FINGERPRINT, username=username), DELIVERED)
    assert read_description(write_description("", kept)) == ("", kept)


@pytest.mark.parametrize(
    "text",
    ["Pulls", "[tokensmith.quay]", "[tokensmith.quay uuid=1]", f"[tokensmith.quay fingerprint={FINGERPRINT}]"],
)
def test_text_without_a_complete_record(text: str) -> None:
    assert read_description(text)[1] is None
