# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry tokens: the policy. None replaces a new token in the next run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Mapping

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import Policy
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.referrers_token import referrers_token_policy

UNSET: Mapping[str, Any] = {"rotate": "when_due", "renew_before": None}


@pytest.mark.parametrize(("text", "renew_before"), [(None, 5), ("5m", 5), ("30m", 30), ("59m", 59), ("0", 0)])
def test_renewal(text: str | None, renew_before: int) -> None:
    expected = Policy(renew_before=timedelta(minutes=renew_before))
    assert referrers_token_policy({**UNSET, "renew_before": text}) == expected


@pytest.mark.parametrize("text", ["1h", "60m", "14d"])
def test_token_that_would_always_be_due(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        referrers_token_policy({**UNSET, "renew_before": text})
    assert str(caught.value) == (
        f"renew_before ({text}) must be shorter than the hour for which Quay issues such a token: a new one would be "
        "due at once, in every run"
    )
