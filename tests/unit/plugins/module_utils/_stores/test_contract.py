# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a store holds, and whether it serves its consumers."""

from __future__ import annotations

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import Delivery, StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import OTHER_SECRET, RECORD, SECRET

BARE = StoredSecret(SECRET)
RECORDED = StoredSecret(SECRET, RECORD)
OLD_RECORD = StoredSecret(OTHER_SECRET, RECORD)
READABLE_BY_OTHERS = StoredSecret(SECRET, RECORD, permissions_match=False)


@pytest.mark.parametrize(
    ("held", "recorded"), [(BARE, False), (RECORDED, True), (OLD_RECORD, False), (StoredSecret(None, RECORD), False)]
)
def test_record_of_the_secret(held: StoredSecret, recorded: bool) -> None:
    assert held.recorded is recorded


@pytest.mark.parametrize(
    ("held", "serves", "serves_with_record"),
    [
        (BARE, True, False),
        (RECORDED, True, True),
        (OLD_RECORD, False, False),
        (READABLE_BY_OTHERS, False, False),
        (StoredSecret(), False, False),
    ],
)
def test_serves(held: StoredSecret, serves: bool, serves_with_record: bool) -> None:
    assert held.serves(SECRET) is serves
    assert held.serves(SECRET, recorded=True) is serves_with_record


def test_representation_hides_the_secret() -> None:
    assert SECRET not in repr(RECORDED)
    assert SECRET not in repr(Delivery(SECRET, "acme+ci", record=RECORD))
