# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to authenticate: which headers and requests each of them sends."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import (
    Auth,
    BasicAuth,
    BasicCsrfAuth,
    BearerAuth,
    SessionAuth,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    NotAuthenticated,
    UnexpectedResponse,
)
from unit.plugins.fake_quay import COMMON, ORIGIN, FakeQuay, Request, empty, ok, page

JSON = {**COMMON, "Content-Type": "application/json"}

FORM = {**COMMON, "Content-Type": "application/x-www-form-urlencoded"}

BEARER = {"Authorization": "Bearer s3cret"}

AUTHORIZE = "/oauth/authorizeapp"

# What a browser's login meets: the CSRF pair first, then signing in, which gives a new pair.
CSRF_PAIR = ok({"csrf_token": "csrf-1"}, Set_Cookie="_csrf_token=cookie-1; HttpOnly; Path=/; SameSite=Lax")

SIGNED_IN = ok({"success": True}, Set_Cookie="_csrf_token=cookie-2; HttpOnly; Path=/", X_Next_CSRF_Token="csrf-2")

GET_CSRF = Request("GET", "/csrf_token")

SIGN_IN = Request(
    "POST",
    "/api/v1/signin",
    {**JSON, "Cookie": "_csrf_token=cookie-1", "X-CSRF-Token": "csrf-1"},
    {"username": "ann", "password": "pässword"},
)


def basic(pair: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def test_anonymous(quay: FakeQuay) -> None:
    quay.answers(ok({}), ok({}))
    quay.client().get("/api/v1/x")
    quay.client(BearerAuth("s3cret")).get("/api/v1/x", auth=Auth())
    assert quay.requests == [Request("GET", "/api/v1/x"), Request("GET", "/api/v1/x")]


def test_basic(quay: FakeQuay) -> None:
    quay.answers(ok({}))
    quay.client(BearerAuth("s3cret")).get("/v2/auth", auth=BasicAuth("acme+ci", "pässword"))
    assert quay.requests == [Request("GET", "/v2/auth", {**COMMON, **basic("acme+ci:pässword")})]


def test_session(quay: FakeQuay) -> None:
    """Sign in when it is first needed, once; the CSRF token goes with writes alone, and nobody is signed out."""
    quay.answers(CSRF_PAIR, SIGNED_IN, ok({}), ok({}), empty())
    auth = SessionAuth("ann", "pässword")
    client = quay.client(auth)
    assert not auth.signed_in
    client.get("/api/v1/x")
    assert auth.signed_in
    client.post("/api/v1/x", {"a": 1})
    client.delete("/api/v1/x")
    cookie = {"Cookie": "_csrf_token=cookie-2"}
    csrf = {"X-CSRF-Token": "csrf-2"}
    assert quay.requests == [
        GET_CSRF,
        SIGN_IN,
        Request("GET", "/api/v1/x", {**COMMON, **cookie}),
        Request("POST", "/api/v1/x", {**JSON, **cookie, **csrf}, {"a": 1}),
        Request("DELETE", "/api/v1/x", {**COMMON, **cookie, **csrf}),
    ]


def test_session_follows_its_cookies(quay: FakeQuay) -> None:
    """A load balancer adds a cookie of its own, and the server renews the session's."""
    renewed = ok({}, Set_Cookie="_csrf_token=cookie-3; Path=/")
    balanced = ok({"csrf_token": "csrf-1"}, Set_Cookie="route=b; Path=/; Secure")
    quay.answers(balanced, SIGNED_IN, renewed, ok({}))
    client = quay.client(SessionAuth("ann", "pässword"))
    client.get("/api/v1/x")
    client.get("/api/v1/y")
    assert [request.headers.get("Cookie") for request in quay.requests] == [
        None,
        "route=b",
        "route=b; _csrf_token=cookie-2",
        "route=b; _csrf_token=cookie-3",
    ]


def test_failed_sign_in_is_tried_again_by_the_next_request(quay: FakeQuay) -> None:
    wrong = ok({"needsEmailVerification": False, "invalidCredentials": True, "message": "Invalid Username"}, 403)
    quay.answers(CSRF_PAIR, wrong, SIGNED_IN, ok({}))
    auth = SessionAuth("ann", "pässword")
    client = quay.client(auth)
    with pytest.raises(NotAuthenticated, match=r"Invalid Username\. Check quay_username and quay_password$"):
        client.get("/api/v1/x")
    assert not auth.signed_in
    client.get("/api/v1/x")
    assert quay.calls == [
        ("GET", "/csrf_token"),
        ("POST", "/api/v1/signin"),
        ("POST", "/api/v1/signin"),
        ("GET", "/api/v1/x"),
    ]


def test_basic_with_a_csrf_pair(quay: FakeQuay) -> None:
    """No session of the user's: the pair is an anonymous one, and the password goes by Basic to one page only."""
    quay.answers(CSRF_PAIR, page(302, Location="/x"))
    client = quay.client(SessionAuth("ann", "pässword"))
    client.request("POST", AUTHORIZE, form={"a": "b"}, auth=BasicCsrfAuth("ann", "pässword"), redirect=True)
    signed = {"Cookie": "_csrf_token=cookie-1", "X-CSRF-Token": "csrf-1", **basic("ann:pässword")}
    assert quay.requests == [GET_CSRF, Request("POST", AUTHORIZE, {**FORM, **signed}, {"a": "b"})]


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        (BearerAuth("s3cret"), basic("$oauthtoken:s3cret")),
        (SessionAuth("ann", "pässword"), basic("ann:pässword")),
        (BasicAuth("acme+ci", "x"), basic("acme+ci:x")),
        (Auth(), {}),
    ],
    ids=lambda value: value.kind if isinstance(value, Auth) else "",
)
def test_login_at_the_registry(quay: FakeQuay, auth: Auth, header: dict[str, str]) -> None:
    quay.answers(ok({}))
    quay.client(auth).get("/v2/auth", auth=auth.for_registry())
    assert quay.requests == [Request("GET", "/v2/auth", {**COMMON, **header})]


def test_session_without_a_session(quay: FakeQuay) -> None:
    quay.answers(CSRF_PAIR, page(302))
    auth = SessionAuth("ann", "pässword")
    quay.client(auth).request("POST", AUTHORIZE, form={}, auth=auth.without_session(), redirect=True)
    assert quay.requests[1].headers["Authorization"] == basic("ann:pässword")["Authorization"]
    assert not auth.signed_in


@pytest.mark.parametrize("token", ["", " s3cret", "s3cret\n", "s3 cret", "s3\r\nX-Evil: 1", "s3crét", "s3cret\0"])
def test_token_that_cannot_stand_in_a_header(token: str) -> None:
    with pytest.raises(BadInput, match="^quay_token holds a space, a line break or another character") as caught:
        BearerAuth(token)
    assert "s3" not in str(caught.value)


def test_cookies_never_mix(quay: FakeQuay) -> None:
    """Two users and a token on one connection: what the server sets for one is not sent for another."""
    other = ok({"csrf_token": "csrf-b"}, Set_Cookie="_csrf_token=cookie-b; Path=/")
    tracked = ok({}, Set_Cookie="tracker=1; Path=/")
    quay.answers(CSRF_PAIR, SIGNED_IN, tracked, other, ok({}), tracked, tracked, tracked, ok({}))
    ann, bob = SessionAuth("ann", "pässword"), SessionAuth("bob", "x")
    client = quay.client()
    client.get("/api/v1/x", auth=ann)
    client.get("/api/v1/x", auth=bob)
    client.get("/api/v1/x", auth=BearerAuth("s3cret"))
    client.get("/api/v1/x")
    client.get("/api/v1/x", auth=ann)
    assert [request.headers.get("Cookie") for request in quay.requests] == [
        None,
        "_csrf_token=cookie-1",
        "_csrf_token=cookie-2",
        None,
        "_csrf_token=cookie-b",
        "_csrf_token=cookie-b",
        None,
        None,
        "_csrf_token=cookie-2; tracker=1",
    ]
    assert list(quay.session.cookies) == []


def test_redirect_of_the_sign_in_is_not_followed(quay: FakeQuay) -> None:
    quay.answers(CSRF_PAIR, page(307, Location="https://evil.example/api/v1/signin"))
    with pytest.raises(
        UnexpectedResponse, match=rf"^POST {ORIGIN}/api/v1/signin: the server redirects to https://evil\.example\."
    ):
        quay.client(SessionAuth("ann", "pässword")).get("/api/v1/x")
    assert quay.calls == [("GET", "/csrf_token"), ("POST", "/api/v1/signin")]
