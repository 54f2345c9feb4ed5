# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policies of API tokens and of registry tokens. None of them replaces a new token in the next run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Mapping

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.api_token import (
    api_token_policy,
    ensure_api_token,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import Policy
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.referrers_token import referrers_token_policy
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

UNSET: Mapping[str, Any] = {"rotate": "when_due", "lifetime": None, "renew_before": None, "max_age": None}


@pytest.mark.parametrize(
    ("options", "renew_before"),
    [
        ({}, 14 * DAY),
        ({"lifetime": "90d"}, 14 * DAY),
        ({"lifetime": "42d"}, 14 * DAY),
        ({"lifetime": "30d"}, 10 * DAY),
        ({"lifetime": "7d"}, 56 * HOUR),
        ({"lifetime": "3s"}, timedelta(seconds=1)),
        ({"lifetime": "90d", "renew_before": "89d"}, 89 * DAY),
        ({"lifetime": "90d", "renew_before": "0"}, timedelta(0)),
        ({"renew_before": "365d"}, 365 * DAY),
    ],
)
def test_api_token(options: dict[str, str], renew_before: timedelta) -> None:
    """By default, a token is renewed when a third of its lifetime remains, or two weeks if that is shorter."""
    assert api_token_policy({**UNSET, **options}) == Policy(renew_before=renew_before)


@pytest.mark.parametrize(
    ("options", "durations"),
    [
        ({"lifetime": "7d", "renew_before": "14d"}, "renew_before (14d) must be shorter than lifetime (7d)"),
        ({"lifetime": "7d", "renew_before": "168h"}, "renew_before (168h) must be shorter than lifetime (7d)"),
        (
            {"renew_before": "3653d"},
            "renew_before (3653d) must be shorter than lifetime (ten years if it is not set)",
        ),
    ],
)
def test_api_token_that_would_always_be_due(options: dict[str, str], durations: str) -> None:
    with pytest.raises(BadInput) as caught:
        api_token_policy({**UNSET, **options})
    assert str(caught.value) == f"{durations}: a new token would be due at once, in every run"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"for_user": "bob", "lifetime": "90d"}, "lifetime has no effect with for_user: Quay issues the token that a"),
        (
            {"revoke_superseded": False, "retire_after": "2d"},
            "retire_after says when the replaced token is revoked, and revoke_superseded: false says that it is not.",
        ),
    ],
)
def test_options_without_effect(quay: FakeQuay, options: dict[str, Any], message: str) -> None:
    params = {**UNSET, "for_user": None, "revoke_superseded": None, "retire_after": None, **options}
    with pytest.raises(BadInput) as caught:
        ensure_api_token(module_context(quay, params=params))
    assert str(caught.value).startswith(message)
    assert quay.requests == []


@pytest.mark.parametrize(("text", "renew_before"), [(None, 5), ("5m", 5), ("30m", 30), ("59m", 59), ("0", 0)])
def test_registry_token(text: str | None, renew_before: int) -> None:
    expected = Policy(renew_before=timedelta(minutes=renew_before))
    assert referrers_token_policy({**UNSET, "renew_before": text}) == expected


@pytest.mark.parametrize("text", ["1h", "60m", "14d"])
def test_registry_token_that_would_always_be_due(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        referrers_token_policy({**UNSET, "renew_before": text})
    assert str(caught.value) == (
        f"renew_before ({text}) must be shorter than the hour for which Quay issues such a token: a new one would be "
        "due at once, in every run"
    )
