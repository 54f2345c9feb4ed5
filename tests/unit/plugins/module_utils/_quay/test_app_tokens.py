# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""App tokens: the records, and each call."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import QuayError
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import NotAuthenticated, UnexpectedResponse
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.app_tokens import AppToken, AppTokens, NotOffered
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, Reply, empty, error, ok, page

PATH = "/api/v1/user/apptoken"
CREATED = datetime(2026, 11, 26, 14, 42, 28, tzinfo=timezone.utc)
LISTED = {
    "uuid": "one",
    "title": "laptop",
    "last_accessed": None,
    "created": "Thu, 26 Nov 2026 14:42:28 -0000",
    "expiration": "Fri, 27 Nov 2026 14:42:28 -0000",
}
FULL = {"token": {**LISTED, "token_code": "S3CRET" * 20}}


@pytest.fixture
def app_tokens(quay: FakeQuay) -> AppTokens:
    return AppTokens(quay.client(BearerAuth("s3cret")))


def test_list(quay: FakeQuay, app_tokens: AppTokens) -> None:
    bare = {"uuid": "two", "title": None, "last_accessed": None, "created": None, "expiration": None}
    quay.answers(ok({"tokens": [LISTED, bare], "only_expiring": None}))
    first, second = app_tokens.list()
    assert first == AppToken("one", "laptop", CREATED, CREATED + timedelta(days=1), None)
    assert second == AppToken("two", "", None, None, None)
    assert quay.calls == [("GET", PATH)]


@pytest.mark.parametrize(
    ("call", "request_line"),
    [
        (lambda tokens: tokens.get("one"), ("GET", f"{PATH}/one")),
        (lambda tokens: tokens.create("laptop"), ("POST", PATH)),
    ],
    ids=["get", "create"],
)
def test_secret(
    quay: FakeQuay, app_tokens: AppTokens, call: Callable[[AppTokens], Any], request_line: tuple[str, str]
) -> None:
    quay.answers(ok(FULL))
    token = call(app_tokens)
    assert (token.uuid, token.secret) == ("one", "S3CRET" * 20)
    assert "S3CRET" not in repr(token)
    assert quay.calls == [request_line]


def test_title_is_sent(quay: FakeQuay, app_tokens: AppTokens) -> None:
    quay.answers(ok(FULL))
    app_tokens.create("laptop")
    assert quay.requests[0].body == {"title": "laptop"}


@pytest.mark.parametrize("data", [{}, {"token": None}, {"token": {"uuid": "one"}}, {"token": {"token_code": "x"}}])
def test_response_without_a_token(quay: FakeQuay, app_tokens: AppTokens, data: Any) -> None:
    quay.answers(ok(data))
    with pytest.raises(UnexpectedResponse) as caught:
        app_tokens.create("laptop")
    assert caught.value.outcome_unknown


def test_what_does_not_exist(quay: FakeQuay, app_tokens: AppTokens) -> None:
    quay.answers(*[error(404, "Not Found", "not_found")] * 2)
    assert app_tokens.get("one") is None
    assert app_tokens.revoke("one") is False


def test_revoke(quay: FakeQuay, app_tokens: AppTokens) -> None:
    quay.answers(empty())
    assert app_tokens.revoke("one") is True
    assert quay.calls == [("DELETE", f"{PATH}/one")]


@pytest.mark.parametrize("reply", [page(405), page(308, Location=f"{PATH}/")], ids=["405", "308"])
def test_feature_that_is_off(quay: FakeQuay, app_tokens: AppTokens, reply: Reply) -> None:
    quay.answers(reply)
    with pytest.raises(NotOffered) as caught:
        app_tokens.list()
    assert "FEATURE_APP_SPECIFIC_TOKENS is off" in str(caught.value)


def test_login_that_is_not_fresh_is_explained(quay: FakeQuay, app_tokens: AppTokens) -> None:
    quay.answers(error(401, "The action requires a fresh login", "fresh_login_required"))
    app_tokens._client.auth.kind = "session"
    with pytest.raises(NotAuthenticated) as caught:
        app_tokens.get("one")
    assert "Quay asks for the password again" in str(caught.value)


def test_other_errors_are_those_of_the_server(quay: FakeQuay, app_tokens: AppTokens) -> None:
    quay.answers(error(400, "'title' is a required property", "invalid_request"))
    with pytest.raises(QuayError) as caught:
        app_tokens.create("laptop")
    assert "'title' is a required property" in str(caught.value)


@pytest.mark.parametrize(("expires_at", "valid"), [(None, True), (CREATED, False), (CREATED + timedelta(1), True)])
def test_validity(expires_at: datetime | None, valid: bool) -> None:
    assert AppToken("one", "laptop", None, expires_at, None).valid_at(CREATED) is valid
