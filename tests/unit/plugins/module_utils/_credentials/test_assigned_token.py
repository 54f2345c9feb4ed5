# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_assigned_token: whether a token that was assigned counts as pending."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Sequence

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.assigned_token import is_pending
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.oauth import AccessToken

ASSIGNED_AT = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)


def accepted(created_at: datetime | None) -> AccessToken:
    return AccessToken("u", None, ("repo:read",), created_at, None, None, "bob")


@pytest.mark.parametrize(
    ("assigned_at", "tokens", "pending"),
    [
        (None, (), False),
        (ASSIGNED_AT, (), True),
        (ASSIGNED_AT, (ASSIGNED_AT - SECOND,), True),
        (ASSIGNED_AT, (None,), True),
        (ASSIGNED_AT, (ASSIGNED_AT - SECOND, ASSIGNED_AT + SECOND), False),
        (ASSIGNED_AT, (ASSIGNED_AT,), False),
    ],
)
def test_pending(assigned_at: datetime | None, tokens: Sequence[datetime | None], pending: bool) -> None:
    """A token that was issued later was accepted since, whatever its scopes are."""
    assert is_pending(assigned_at, [accepted(created_at) for created_at in tokens]) is pending
