# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a store holds, compared with the present secret."""

from __future__ import annotations

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import (
    ABSENT,
    CURRENT,
    OTHER,
    UNRECORDED,
    WRONG_PERMISSIONS,
    Delivery,
    StoredSecret,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import OTHER_SECRET, RECORD, SECRET

BARE = StoredSecret(SECRET)
RECORDED = StoredSecret(SECRET, RECORD)
OLD_RECORD = StoredSecret(OTHER_SECRET, RECORD)
READABLE_BY_OTHERS = StoredSecret(SECRET, RECORD, permissions_match=False)


@pytest.mark.parametrize(
    ("stored", "recorded"), [(BARE, False), (RECORDED, True), (OLD_RECORD, False), (StoredSecret(None, RECORD), False)]
)
def test_record_of_the_secret(stored: StoredSecret, recorded: bool) -> None:
    assert stored.recorded is recorded


@pytest.mark.parametrize(
    ("stored", "state", "state_if_record_required"),
    [
        (StoredSecret(), "absent", "absent"),
        (StoredSecret(foreign=True), "other", "other"),
        (StoredSecret(SECRET, RECORD, foreign=True), "other", "other"),
        (StoredSecret(SECRET, RECORD, foreign=True, removable=False), "other", "other"),
        (StoredSecret(""), "absent", "absent"),
        (StoredSecret(OTHER_SECRET), "other", "other"),
        (OLD_RECORD, "other", "other"),
        (READABLE_BY_OTHERS, "wrong_permissions", "wrong_permissions"),
        (StoredSecret(SECRET, permissions_match=False), "wrong_permissions", "wrong_permissions"),
        (BARE, "current", "unrecorded"),
        (StoredSecret(SECRET, Record(fingerprint(OTHER_SECRET))), "current", "unrecorded"),
        (RECORDED, "current", "current"),
        (StoredSecret(SECRET, RECORD, complete=False), "other", "other"),
    ],
)
def test_compared_with_the_present_secret(stored: StoredSecret, state: str, state_if_record_required: str) -> None:
    assert stored.compared_with(SECRET) == state
    assert stored.compared_with(SECRET, record_required=True) == state_if_record_required


@pytest.mark.parametrize(
    ("stored", "state"), [(StoredSecret(), "absent"), (StoredSecret(""), "absent"), (RECORDED, "other")]
)
def test_compared_with_no_secret(stored: StoredSecret, state: str) -> None:
    """Without a present secret, whatever a store holds is another one."""
    assert stored.compared_with(None) == state
    assert stored.compared_with(None, record_required=True) == state


def test_names_of_states() -> None:
    """Results show these names."""
    assert (ABSENT, OTHER, WRONG_PERMISSIONS, UNRECORDED, CURRENT) == (
        "absent",
        "other",
        "wrong_permissions",
        "unrecorded",
        "current",
    )


def test_representation_hides_the_secret() -> None:
    assert SECRET not in repr(RECORDED)
    assert SECRET not in repr(Delivery(SECRET, "acme+ci", record=RECORD))
