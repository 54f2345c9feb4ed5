# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API tokens: the policy, and which way the server offers to issue one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.api_token import (
    api_token_issuer,
    api_token_policy,
    ensure_api_token,
    listed_credential,
    listed_tokens,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.application_token import (
    ApplicationTokenIssuer,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.browser_token import BrowserTokenIssuer
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.desired_token import DesiredToken
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import Policy
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.oauth import AccessToken
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, error, ok, page
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
TOKENS = "/api/v1/organization/acme/applications/X/tokens"
PROBE = ("GET", "/api/v1/organization/zz/applications/zz/tokens")
SIGN_IN = [ok({"csrf_token": "x"}), ok({})]
OLDER_QUAY = page(404)
NEWER_QUAY = error(401, "Requires authentication", "invalid_token")

# The options of the policy.
OPTIONS: dict[str, Any] = {
    "rotate": "when_due",
    "max_age": None,
    "renew_before": None,
    "retire_after": None,
    "lifetime": None,
}


@pytest.mark.parametrize(
    ("options", "renew_before"),
    [
        ({}, 14 * DAY),
        ({"lifetime": "90d"}, 14 * DAY),
        ({"lifetime": "42d"}, 14 * DAY),
        ({"lifetime": "30d"}, 10 * DAY),
        ({"lifetime": "3h"}, timedelta(hours=1)),
        ({"renew_before": "3d"}, 3 * DAY),
        ({"renew_before": "0"}, timedelta(0)),
        ({"renew_before": "23h", "lifetime": "1d"}, timedelta(hours=23)),
        ({"renew_before": "400d"}, 400 * DAY),
    ],
)
def test_renewal(options: dict[str, Any], renew_before: timedelta) -> None:
    """Two weeks before a token expires, or when a third of a short lifetime remains."""
    assert api_token_policy({**OPTIONS, **options}) == Policy(renew_before=renew_before)


def test_other_limits() -> None:
    options = {**OPTIONS, "rotate": "never", "max_age": "30d", "retire_after": "1d"}
    assert api_token_policy(options) == Policy("never", 30 * DAY, 14 * DAY, DAY)


@pytest.mark.parametrize(
    ("renew_before", "lifetime"), [("30d", "30d"), ("24h", "1d"), ("14d", "7d"), ("3653d", None), ("3653d", "")]
)
def test_token_that_would_be_due_at_once(renew_before: str, lifetime: str | None) -> None:
    with pytest.raises(BadInput) as caught:
        api_token_policy({**OPTIONS, "renew_before": renew_before, "lifetime": lifetime})
    assert str(caught.value) == (
        f"renew_before ({renew_before}) must be shorter than lifetime ({lifetime or 'ten years if it is not set'}): a "
        "new token would be due at once, in every run"
    )


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
    params = {**OPTIONS, "for_user": None, "revoke_superseded": None, **options}
    with pytest.raises(BadInput) as caught:
        ensure_api_token(module_context(quay, params=params))
    assert str(caught.value).startswith(message)
    assert quay.requests == []


def test_issuer(quay: FakeQuay) -> None:
    """A server that does not list tokens issues them to signed-in users only."""
    context, desired = module_context(quay), DesiredToken("acme", "X", "nightly", ["repo:read"], None)
    assert isinstance(api_token_issuer(context, desired, []), ApplicationTokenIssuer)
    assert isinstance(api_token_issuer(context, desired, None), BrowserTokenIssuer)


def test_tokens_that_a_bearer_token_lists(quay: FakeQuay) -> None:
    quay.answers(ok({"tokens": [{"uuid": "1", "name": "nightly"}]}), OLDER_QUAY)
    context = module_context(quay, auth=BearerAuth("s3cret"))
    listed = listed_tokens(context, "acme", "X")
    assert listed is not None
    assert [token.uuid for token in listed] == ["1"]
    assert listed_tokens(context, "acme", "X") is None
    assert quay.calls == [("GET", TOKENS)] * 2


def test_tokens_that_a_password_lists(quay: FakeQuay) -> None:
    """An anonymous request shows whether signing in is worth it. It is sent once."""
    context = module_context(quay, auth=SessionAuth("ann", "s3cret"))
    quay.answers(NEWER_QUAY, *SIGN_IN, ok({"tokens": []}), ok({"tokens": []}))
    assert listed_tokens(context, "acme", "X") == []
    assert listed_tokens(context, "acme", "X") == []
    assert quay.calls[0] == PROBE
    assert quay.calls[3:] == [("GET", TOKENS)] * 2


def test_older_quay_with_a_password(quay: FakeQuay) -> None:
    context = module_context(quay, auth=SessionAuth("ann", "s3cret"))
    quay.answers(OLDER_QUAY)
    assert listed_tokens(context, "acme", "X") is None
    assert quay.calls == [PROBE]


@pytest.mark.parametrize(("name", "shown"), [("nightly", "nightly"), (None, "")])
def test_listed_credential(name: str | None, shown: str) -> None:
    """Tokens of the web page have no name."""
    token = AccessToken("1", name, ("repo:read",), NOON, NOON + DAY, NOON - DAY, "ann")
    assert listed_credential(token, {"organization": "acme", "client_id": "X"}) == Credential(
        shown,
        "$oauthtoken",
        None,
        "1",
        NOON,
        NOON + DAY,
        NOON - DAY,
        "quay",
        details={"organization": "acme", "client_id": "X", "scopes": ["repo:read"]},
    )
