# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records in custom metadata and in keys of secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Record
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.vault_records import (
    metadata_of,
    outdated_metadata,
    record_from_text,
    record_text,
    records_in,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import FINGERPRINT, RECORD

KEY = f"quay_token_{FINGERPRINT}"
LONG = replace(RECORD, superseded=tuple(f"00000000-0000-0000-0000-{number:012}" for number in range(40)))


def test_record_in_a_text() -> None:
    record = replace(RECORD, username="acme+ci")
    assert record_from_text(record_text(record, "nightly")) == record


@pytest.mark.parametrize("text", [None, "", "x", "[]", "{}", 1, '{"uuid": "x"}', "[" * 9999])
def test_text_that_is_no_record(text: Any) -> None:
    assert record_from_text(text) is None


def test_record_in_metadata() -> None:
    metadata = {"team": "build", **metadata_of("token", RECORD, "nightly")}
    assert metadata.keys() == {"team", KEY}
    assert records_in("token", metadata) == {FINGERPRINT: RECORD}
    assert records_in("other", metadata) == {}


def test_long_record_in_metadata() -> None:
    """A value has at most 512 bytes."""
    metadata = metadata_of("token", LONG, "nächtlich")
    assert list(metadata) == [KEY, f"{KEY}_2", f"{KEY}_3", f"{KEY}_4"]
    assert all(len(value.encode()) <= 512 for value in metadata.values())
    assert records_in("token", metadata) == {FINGERPRINT: LONG}
    # A part is missing.
    assert records_in("token", {key: metadata[key] for key in metadata if key != f"{KEY}_2"}) == {}


def test_record_of_another_secret() -> None:
    metadata = {"quay_token_000000000000": record_text(RECORD, "")}
    assert records_in("token", metadata) == {}


def test_outdated_metadata() -> None:
    old = metadata_of("token", replace(LONG, fingerprint="0" * 12), "")
    present = metadata_of("token", replace(LONG, fingerprint="1" * 12), "")
    new = metadata_of("token", RECORD, "")
    foreign = {"quay_other_000000000000": "x", "quay_token_x": "x", "team": "build"}
    assert outdated_metadata("token", {**old, **present, **foreign}, new, "1" * 12) == list(old)
    # Of the present secret's own longer record, only the first part is kept.
    long = metadata_of("token", LONG, "")
    assert outdated_metadata("token", long, new) == list(long)[1:]
    assert Record() not in records_in("token", foreign).values()
