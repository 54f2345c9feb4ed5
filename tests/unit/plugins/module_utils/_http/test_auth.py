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
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    COMMON,
    ORIGIN,
    FakeQuay,
    Reply,
    Request,
    empty,
    error,
    ok,
    page,
)

JSON = {**COMMON, "Content-Type": "application/json"}

FORM = {**COMMON, "Content-Type": "application/x-www-form-urlencoded"}

BEARER = {"Authorization": "Bearer s3cret"}

AUTHORIZE = "/oauth/authorizeapp"

# The replies to a sign-in: GET /csrf_token, then POST /api/v1/signin, which sends the next token and cookie.
CSRF_TOKEN = ok({"csrf_token": "csrf-1"}, Set_Cookie="_csrf_token=cookie-1; HttpOnly; Path=/; SameSite=Lax")

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


def test_session_signs_in_once(quay: FakeQuay) -> None:
    """It signs in before the first request. Only writes carry the CSRF token. It never signs out."""
    quay.answers(CSRF_TOKEN, SIGNED_IN, ok({}), ok({}), empty())
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


@pytest.mark.parametrize(
    ("username", "kind"), [("acme+ci", "robot"), ("$oauthtoken", "token"), ("$app", "token"), ("$token+x", "robot")]
)
def test_session_of_a_user_of_the_registry(quay: FakeQuay, username: str, kind: str) -> None:
    """Only the registry accepts it. Nothing is sent: Quay locks accounts after failed sign-ins."""
    client = quay.client(SessionAuth(username, "s3cret"))
    with pytest.raises(BadInput) as caught:
        client.get("/api/v1/x")
    assert str(caught.value) == (
        f"quay_username: '{username}' is the name of a {kind}, which can log in to the registry only, not to the API. "
        "Use quay_token with an OAuth access token, or a user's name and password"
    )
    assert quay.requests == []


def test_session_keeps_its_cookies(quay: FakeQuay) -> None:
    """A load balancer adds its own cookie, and the server renews the cookie of the session."""
    renewed = ok({}, Set_Cookie="_csrf_token=cookie-3; Path=/")
    csrf_token = ok({"csrf_token": "csrf-1"}, Set_Cookie="route=b; Path=/; Secure")
    quay.answers(csrf_token, SIGNED_IN, renewed, ok({}))
    client = quay.client(SessionAuth("ann", "pässword"))
    client.get("/api/v1/x")
    client.get("/api/v1/y")
    assert [request.headers.get("Cookie") for request in quay.requests] == [
        None,
        "route=b",
        "route=b; _csrf_token=cookie-2",
        "route=b; _csrf_token=cookie-3",
    ]


def test_next_request_signs_in_again_after_a_failure(quay: FakeQuay) -> None:
    refusal = ok({"needsEmailVerification": False, "invalidCredentials": True, "message": "Invalid Username"}, 403)
    quay.answers(CSRF_TOKEN, refusal, SIGNED_IN, ok({}))
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


def test_basic_with_a_csrf_token(quay: FakeQuay) -> None:
    """The CSRF token belongs to an anonymous session. Only the one page receives the password."""
    quay.answers(CSRF_TOKEN, page(302, Location="/x"))
    client = quay.client(SessionAuth("ann", "pässword"))
    client.request("POST", AUTHORIZE, form={"a": "b"}, auth=BasicCsrfAuth("ann", "pässword"), redirect=True)
    headers = {"Cookie": "_csrf_token=cookie-1", "X-CSRF-Token": "csrf-1", **basic("ann:pässword")}
    assert quay.requests == [GET_CSRF, Request("POST", AUTHORIZE, {**FORM, **headers}, {"a": "b"})]


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
def test_auth_for_the_registry(quay: FakeQuay, auth: Auth, header: dict[str, str]) -> None:
    quay.answers(ok({}))
    quay.client(auth).get("/v2/auth", auth=auth.for_registry())
    assert quay.requests == [Request("GET", "/v2/auth", {**COMMON, **header})]


def test_basic_csrf_auth_of_a_session(quay: FakeQuay) -> None:
    quay.answers(CSRF_TOKEN, page(302))
    auth = SessionAuth("ann", "pässword")
    quay.client(auth).request("POST", AUTHORIZE, form={}, auth=auth.without_session(), redirect=True)
    assert quay.requests[1].headers["Authorization"] == basic("ann:pässword")["Authorization"]
    assert not auth.signed_in


@pytest.mark.parametrize("token", ["", " s3cret", "s3cret\n", "s3 cret", "s3\r\nX-Evil: 1", "s3crét", "s3cret\0"])
def test_token_that_cannot_be_sent_in_a_header(token: str) -> None:
    with pytest.raises(BadInput, match="^quay_token holds a space, a line break or another character") as caught:
        BearerAuth(token)
    assert "s3" not in str(caught.value)


@pytest.mark.parametrize(
    ("username", "kind"), [("acme+ci", "robot"), ("$app", "token"), ("$oauthtoken", "token"), ("+", "robot")]
)
def test_user_of_the_registry_cannot_sign_in(quay: FakeQuay, username: str, kind: str) -> None:
    """Quay would answer that the password is wrong. Nothing is sent, and the registry still accepts the login."""
    auth = SessionAuth(username, "s3cret")
    with pytest.raises(BadInput) as caught:
        quay.client(auth).get("/api/v1/x")
    assert str(caught.value) == (
        f"quay_username: '{username}' is the name of a {kind}, which can log in to the registry only, not to the API. "
        "Use quay_token with an OAuth access token, or a user's name and password"
    )
    assert quay.requests == []
    quay.answers(ok({}))
    quay.client(auth).get("/v2/auth", auth=auth.for_registry())
    assert len(quay.requests) == 1


def test_user_of_the_api_is_not_refused() -> None:
    for username in ("ann", "ann@example.com", "a$b"):
        SessionAuth(username, "s3cret").refuse_registry_user()


def test_token_of_the_login() -> None:
    auth = BearerAuth("s3cret")
    assert auth.holds("s3cret")
    assert not auth.holds("other")
    assert not auth.holds(None)


def test_each_auth_has_its_own_cookies(quay: FakeQuay) -> None:
    """Two users and a token share connections. A cookie that is set for one is not sent for another."""
    csrf_token_of_bob = ok({"csrf_token": "csrf-b"}, Set_Cookie="_csrf_token=cookie-b; Path=/")
    with_cookie = ok({}, Set_Cookie="tracker=1; Path=/")
    quay.answers(
        CSRF_TOKEN, SIGNED_IN, with_cookie, csrf_token_of_bob, ok({}), with_cookie, with_cookie, with_cookie, ok({})
    )
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


# --- a login that is not fresh any more

STALE = error(401, "Requires fresh login", "fresh_login_required")
VERIFIED = ok({"success": True}, Set_Cookie="_csrf_token=cookie-3; Path=/", X_Next_CSRF_Token="csrf-3")
WRITE = ("POST", "/api/v1/x")


@pytest.mark.parametrize(
    ("method", "reply"), [("GET", ok({"x": 1})), ("PUT", ok({"x": 1})), ("POST", ok({"x": 1})), ("DELETE", empty())]
)
def test_login_that_is_not_fresh_is_renewed_once(quay: FakeQuay, method: str, reply: Reply) -> None:
    """The request had no effect, so that it is sent again, with the next CSRF token and without a pause."""
    quay.answers(CSRF_TOKEN, SIGNED_IN, STALE, VERIFIED, reply)
    client = quay.client(SessionAuth("ann", "pässword"), retries=0)
    response = client.request(method, "/api/v1/x", json={"a": 1})
    assert response.data == (None if method == "DELETE" else {"x": 1})
    first, verify, second = quay.requests[2:]
    signed_in = {"Cookie": "_csrf_token=cookie-2", "X-CSRF-Token": "csrf-2"}
    assert verify == Request("POST", "/api/v1/signin/verify", {**JSON, **signed_in}, {"password": "pässword"})
    assert (first.method, first.target, first.body) == (second.method, second.target, second.body)
    assert second.headers["Cookie"] == "_csrf_token=cookie-3"
    assert second.headers.get("X-CSRF-Token") == (None if method == "GET" else "csrf-3")
    assert quay.pauses == []


def test_login_that_is_not_fresh_after_it_was_renewed(quay: FakeQuay) -> None:
    quay.answers(CSRF_TOKEN, SIGNED_IN, STALE, VERIFIED, STALE)
    with pytest.raises(NotAuthenticated, match="^POST .*/api/v1/x: Quay answered 401: Requires fresh login"):
        quay.client(SessionAuth("ann", "pässword")).post("/api/v1/x")
    assert quay.calls[2:] == [WRITE, ("POST", "/api/v1/signin/verify"), WRITE]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (
            ok({"message": "Invalid Username or Password", "invalidCredentials": True}, 403),
            "Quay answered 403: Invalid Username or Password. Check quay_username and quay_password",
        ),
        (STALE, "Quay answered 401: Requires fresh login"),
    ],
)
def test_login_that_cannot_be_renewed(quay: FakeQuay, reply: Reply, message: str) -> None:
    """The request is not sent again."""
    quay.answers(CSRF_TOKEN, SIGNED_IN, STALE, reply)
    with pytest.raises(NotAuthenticated) as caught:
        quay.client(SessionAuth("ann", "pässword")).post("/api/v1/x")
    assert str(caught.value) == f"POST {ORIGIN}/api/v1/signin/verify: {message}"
    assert quay.calls[2:] == [WRITE, ("POST", "/api/v1/signin/verify")]
    assert "pässword" not in str(caught.value)


@pytest.mark.parametrize("reply", [error(401, "Requires authentication", "invalid_token"), page(401)])
def test_other_refusal_of_a_session(quay: FakeQuay, reply: Reply) -> None:
    quay.answers(CSRF_TOKEN, SIGNED_IN, reply)
    with pytest.raises(NotAuthenticated):
        quay.client(SessionAuth("ann", "pässword")).post("/api/v1/x")
    assert quay.calls[2:] == [WRITE]


def test_each_request_can_renew_the_login(quay: FakeQuay) -> None:
    """A run may take longer than twice the time for which a login is fresh."""
    quay.answers(CSRF_TOKEN, SIGNED_IN, STALE, VERIFIED, ok({}), STALE, VERIFIED, ok({}))
    client = quay.client(SessionAuth("ann", "pässword"))
    for _time in range(2):
        client.get("/api/v1/x")
    assert [target for _method, target in quay.calls[2:]] == ["/api/v1/x", "/api/v1/signin/verify", "/api/v1/x"] * 2


@pytest.mark.parametrize("auth", [BearerAuth("s3cret"), BasicAuth("ann", "x"), Auth()], ids=lambda auth: auth.kind)
def test_other_logins_are_not_renewed(quay: FakeQuay, auth: Auth) -> None:
    quay.answers(STALE)
    with pytest.raises(NotAuthenticated):
        quay.client(auth).get("/api/v1/x")
    assert len(quay.requests) == 1


def test_redirect_of_the_sign_in_is_not_followed(quay: FakeQuay) -> None:
    quay.answers(CSRF_TOKEN, page(307, Location="https://evil.example/api/v1/signin"))
    with pytest.raises(
        UnexpectedResponse, match=rf"^POST {ORIGIN}/api/v1/signin: the server redirects to https://evil\.example\."
    ):
        quay.client(SessionAuth("ann", "pässword")).get("/api/v1/x")
    assert quay.calls == [("GET", "/csrf_token"), ("POST", "/api/v1/signin")]
