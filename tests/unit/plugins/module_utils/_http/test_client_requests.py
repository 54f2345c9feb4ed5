# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client sends, and the server's clock that it reads from responses."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import (
    BearerAuth,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._http.client import QuayClient
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    ApiError,
    EndpointMissing,
    UnexpectedResponse,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    COMMON,
    ORIGIN,
    FakeQuay,
    Request,
    empty,
    ok,
    page,
)

JSON = {**COMMON, "Content-Type": "application/json"}

FORM = {**COMMON, "Content-Type": "application/x-www-form-urlencoded"}

BEARER = {"Authorization": "Bearer s3cret"}

AUTHORIZE = "/oauth/authorizeapp"


def test_get(quay: FakeQuay) -> None:
    quay.answers(ok({"a": 1}))
    response = quay.client(BearerAuth("s3cret")).get("/api/v1/x", {"one": "a b", "two": ["+", "/"]})
    assert quay.requests == [Request("GET", "/api/v1/x?one=a+b&two=%2B&two=%2F", {**COMMON, **BEARER})]
    assert (response.status, response.data) == (200, {"a": 1})


def test_post(quay: FakeQuay) -> None:
    quay.answers(ok({}), ok([]), ok({}))
    client = quay.client(BearerAuth("s3cret"))
    client.post("/api/v1/x", {"name": "ü"})
    client.post("/api/v1/x", [])
    client.post("/api/v1/x")
    bodies: list[Any] = [{"name": "ü"}, [], {}]
    assert quay.requests == [Request("POST", "/api/v1/x", {**JSON, **BEARER}, body) for body in bodies]


def test_put(quay: FakeQuay) -> None:
    quay.answers(ok({}, 201), ok({}, 201))
    client = quay.client(BearerAuth("s3cret"))
    client.put("/api/v1/x", {"name": "n"})
    client.put("/api/v1/x")
    assert quay.requests == [Request("PUT", "/api/v1/x", {**JSON, **BEARER}, body) for body in ({"name": "n"}, {})]


def test_delete(quay: FakeQuay) -> None:
    quay.answers(empty())
    response = quay.client(BearerAuth("s3cret")).delete("/api/v1/x")
    assert quay.requests == [Request("DELETE", "/api/v1/x", {**COMMON, **BEARER})]
    assert (response.status, response.data) == (204, None)


def test_form(quay: FakeQuay) -> None:
    quay.answers(page(302, Location="/elsewhere#x"))
    response = quay.client().request("POST", AUTHORIZE, form={"scope": "a b"}, redirect=True)
    assert quay.requests == [Request("POST", AUTHORIZE, FORM, {"scope": "a b"})]
    assert (response.status, response.data, response.headers["Location"]) == (302, None, "/elsewhere#x")


def test_server_time(quay: FakeQuay, clock: datetime) -> None:
    """The Date header of the last response counts, that of an error too."""
    client = quay.client()
    assert (client.clock_skew, client.now()) == (timedelta(0), clock)
    ahead = clock + timedelta(days=1)
    quay.answers(ok({}, Date=format_datetime(ahead)))
    client.get("/api/v1/x")
    assert (client.clock_skew, client.now()) == (timedelta(days=1), ahead)
    behind = clock - timedelta(hours=1)
    quay.answers(page(404, Date=format_datetime(behind)))
    with pytest.raises(EndpointMissing):
        client.get("/api/v1/x")
    assert (client.clock_skew, client.now()) == (timedelta(hours=-1), behind)


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_response_without_a_valid_date(quay: FakeQuay, date: str | None) -> None:
    quay.answers(ok({}) if date is None else ok({}, Date=date))
    client = quay.client()
    client.get("/api/v1/x")
    assert client.clock_skew == timedelta(0)


@pytest.mark.parametrize("location", ["https://evil.example/api/v1/x", "//evil.example/x", "/api/v1/y"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(quay: FakeQuay, status: int, location: str) -> None:
    """FakeQuay fails on a second request, and on one to another server."""
    quay.answers(page(status, Location=location), page(status, Location=location))
    client: QuayClient = quay.client(BearerAuth("s3cret"))
    for act in (client.get, client.post):
        with pytest.raises(UnexpectedResponse):
            act("/api/v1/x")
    assert quay.calls == [("GET", "/api/v1/x"), ("POST", "/api/v1/x")]


def test_error_instead_of_an_expected_redirect(quay: FakeQuay) -> None:
    quay.answers(ok({"error": "invalid_request"}, 400))
    with pytest.raises(ApiError, match=rf"^POST {ORIGIN}/oauth/authorizeapp: Quay answered 400: invalid_request$"):
        quay.client().request("POST", AUTHORIZE, form={"a": "b"}, redirect=True)
