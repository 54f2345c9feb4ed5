# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client sends: methods, headers, bodies, logins, and what it does not let the environment change."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._client import QuayClient
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import (
    ApiError,
    BadInput,
    EndpointMissing,
    NotAuthenticated,
    UnexpectedAnswer,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._login import (
    BasicLogin,
    BasicWithCsrf,
    BearerLogin,
    Login,
    SessionLogin,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import COMMON, FakeQuay, Request, empty, ok, page

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


def test_making_a_client_sends_nothing(quay: FakeQuay) -> None:
    quay.client(SessionLogin("ann", "pässword"))
    assert quay.requests == []


def test_get(quay: FakeQuay) -> None:
    quay.answers(ok({"a": 1}))
    answer = quay.client(BearerLogin("s3cret")).get("/api/v1/x", {"one": "a b", "two": ["+", "/"]})
    assert quay.requests == [Request("GET", "/api/v1/x?one=a+b&two=%2B&two=%2F", {**COMMON, **BEARER})]
    assert (answer.status, answer.data) == (200, {"a": 1})


def test_post(quay: FakeQuay) -> None:
    quay.answers(ok({}), ok([]), ok({}))
    client = quay.client(BearerLogin("s3cret"))
    client.post("/api/v1/x", {"name": "ü"})
    client.post("/api/v1/x", [])
    client.post("/api/v1/x")
    bodies: list[Any] = [{"name": "ü"}, [], {}]
    assert quay.requests == [Request("POST", "/api/v1/x", {**JSON, **BEARER}, body) for body in bodies]


def test_put(quay: FakeQuay) -> None:
    quay.answers(ok({}, 201), ok({}, 201))
    client = quay.client(BearerLogin("s3cret"))
    client.put("/api/v1/x", {"name": "n"})
    client.put("/api/v1/x")
    assert quay.requests == [Request("PUT", "/api/v1/x", {**JSON, **BEARER}, body) for body in ({"name": "n"}, {})]


def test_delete(quay: FakeQuay) -> None:
    quay.answers(empty())
    answer = quay.client(BearerLogin("s3cret")).delete("/api/v1/x")
    assert quay.requests == [Request("DELETE", "/api/v1/x", {**COMMON, **BEARER})]
    assert (answer.status, answer.data) == (204, None)


def test_form(quay: FakeQuay) -> None:
    quay.answers(page(302, Location="/elsewhere#x"))
    answer = quay.client().exchange("POST", AUTHORIZE, form={"scope": "a b"}, redirect=True)
    assert quay.requests == [Request("POST", AUTHORIZE, FORM, {"scope": "a b"})]
    assert (answer.status, answer.data, answer.headers["Location"]) == (302, None, "/elsewhere#x")


def test_anonymous(quay: FakeQuay) -> None:
    quay.answers(ok({}), ok({}))
    quay.client().get("/api/v1/x")
    quay.client(BearerLogin("s3cret")).get("/api/v1/x", login=Login())
    assert quay.requests == [Request("GET", "/api/v1/x"), Request("GET", "/api/v1/x")]


def test_basic(quay: FakeQuay) -> None:
    quay.answers(ok({}))
    quay.client(BearerLogin("s3cret")).get("/v2/auth", login=BasicLogin("acme+ci", "pässword"))
    assert quay.requests == [Request("GET", "/v2/auth", {**COMMON, **basic("acme+ci:pässword")})]


def test_session(quay: FakeQuay) -> None:
    """Sign in when it is first needed, once; the CSRF token goes with writes alone, and nobody is signed out."""
    quay.answers(CSRF_PAIR, SIGNED_IN, ok({}), ok({}), empty())
    login = SessionLogin("ann", "pässword")
    client = quay.client(login)
    assert not login.signed_in
    client.get("/api/v1/x")
    assert login.signed_in
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
    client = quay.client(SessionLogin("ann", "pässword"))
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
    login = SessionLogin("ann", "pässword")
    client = quay.client(login)
    with pytest.raises(NotAuthenticated, match=r"Invalid Username\. Check quay_username and quay_password$"):
        client.get("/api/v1/x")
    assert not login.signed_in
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
    client = quay.client(SessionLogin("ann", "pässword"))
    client.exchange("POST", AUTHORIZE, form={"a": "b"}, login=BasicWithCsrf("ann", "pässword"), redirect=True)
    signed = {"Cookie": "_csrf_token=cookie-1", "X-CSRF-Token": "csrf-1", **basic("ann:pässword")}
    assert quay.requests == [GET_CSRF, Request("POST", AUTHORIZE, {**FORM, **signed}, {"a": "b"})]


@pytest.mark.parametrize(
    ("login", "header"),
    [
        (BearerLogin("s3cret"), basic("$oauthtoken:s3cret")),
        (SessionLogin("ann", "pässword"), basic("ann:pässword")),
        (BasicLogin("acme+ci", "x"), basic("acme+ci:x")),
        (Login(), {}),
    ],
    ids=lambda value: value.kind if isinstance(value, Login) else "",
)
def test_login_at_the_registry(quay: FakeQuay, login: Login, header: dict[str, str]) -> None:
    quay.answers(ok({}))
    quay.client(login).get("/v2/auth", login=login.at_registry())
    assert quay.requests == [Request("GET", "/v2/auth", {**COMMON, **header})]


def test_session_without_a_session(quay: FakeQuay) -> None:
    quay.answers(CSRF_PAIR, page(302))
    login = SessionLogin("ann", "pässword")
    quay.client(login).exchange("POST", AUTHORIZE, form={}, login=login.without_session(), redirect=True)
    assert quay.requests[1].headers["Authorization"] == basic("ann:pässword")["Authorization"]
    assert not login.signed_in


@pytest.mark.parametrize("token", ["", " s3cret", "s3cret\n", "s3 cret", "s3\r\nX-Evil: 1", "s3crét", "s3cret\0"])
def test_token_that_cannot_stand_in_a_header(token: str) -> None:
    with pytest.raises(BadInput, match="^quay_token holds a blank, a line break or another character") as caught:
        BearerLogin(token)
    assert "s3" not in str(caught.value)


def test_cookies_never_mix(quay: FakeQuay) -> None:
    """Two users and a token on one connection: what the server sets for one is not sent for another."""
    other = ok({"csrf_token": "csrf-b"}, Set_Cookie="_csrf_token=cookie-b; Path=/")
    tracked = ok({}, Set_Cookie="tracker=1; Path=/")
    quay.answers(CSRF_PAIR, SIGNED_IN, tracked, other, ok({}), tracked, tracked, tracked, ok({}))
    ann, bob = SessionLogin("ann", "pässword"), SessionLogin("bob", "x")
    client = quay.client()
    client.get("/api/v1/x", login=ann)
    client.get("/api/v1/x", login=bob)
    client.get("/api/v1/x", login=BearerLogin("s3cret"))
    client.get("/api/v1/x")
    client.get("/api/v1/x", login=ann)
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


@pytest.mark.parametrize("host", ["machine quay.example.com", "default"])
@pytest.mark.parametrize("by_variable", [False, True])
def test_netrc_is_not_read(
    quay: FakeQuay, home: Path, monkeypatch: pytest.MonkeyPatch, host: str, by_variable: bool
) -> None:
    netrc = home / ".netrc"
    if by_variable:
        netrc = home / "credentials"
        monkeypatch.setenv("NETRC", str(netrc))
    netrc.write_text(f"{host}\nlogin eve\npassword stolen\n")
    netrc.chmod(0o600)
    quay.answers(ok({}), ok({}), CSRF_PAIR, SIGNED_IN, ok({}))
    client = quay.client()
    client.get("/api/v1/x")
    client.get("/api/v1/x", login=BearerLogin("s3cret"))
    client.get("/api/v1/x", login=SessionLogin("ann", "pässword"))
    assert [request.headers.get("Authorization") for request in quay.requests] == [None, "Bearer s3cret"] + [None] * 3


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128"}, "http://proxy:3128"),
        ({"ALL_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ({"HTTP_PROXY": "http://proxy:3128"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "quay.example.com"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "no_proxy": ".example.com"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "other.example.com"}, "http://proxy:3128"),
    ],
)
def test_proxies_of_the_environment(
    quay: FakeQuay, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], proxy: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    quay.answers(ok({}))
    quay.client(BearerLogin("s3cret")).get("/api/v1/x")
    proxies = quay.options[0]["proxies"]
    assert proxies.get("https", proxies.get("all")) == proxy
    assert quay.requests == [Request("GET", "/api/v1/x", {**COMMON, **BEARER})]


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize(
    ("verify", "used"), [(True, "from the environment"), (False, False), ("from the option", "from the option")]
)
def test_certificates(
    quay: FakeQuay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, verify: Any, used: Any
) -> None:
    """The environment names the CA where the options leave it open, and never overrides them."""
    monkeypatch.setenv(variable, "from the environment")
    if isinstance(verify, str):
        verify = used = str(tmp_path)  # a folder of certificates
    quay.answers(ok({}))
    quay.client(verify=verify).get("/api/v1/x")
    assert quay.options[0]["verify"] == used


def test_time_limit(quay: FakeQuay) -> None:
    quay.answers(ok({}), ok({}))
    quay.client(timeout=2.5).get("/api/v1/x")
    quay.client().get("/api/v1/x")
    assert [options["timeout"] for options in quay.options] == [2.5, 10.0]


def test_time_of_the_server(quay: FakeQuay, clock: datetime) -> None:
    """The server's clock counts, as its last answer told it; also an answer that is an error."""
    client = quay.client()
    assert (client.skew, client.now()) == (timedelta(0), clock)
    ahead = clock + timedelta(days=1)
    quay.answers(ok({}, Date=format_datetime(ahead)))
    client.get("/api/v1/x")
    assert (client.skew, client.now()) == (timedelta(days=1), ahead)
    behind = clock - timedelta(hours=1)
    quay.answers(page(404, Date=format_datetime(behind)))
    with pytest.raises(EndpointMissing):
        client.get("/api/v1/x")
    assert (client.skew, client.now()) == (timedelta(hours=-1), behind)


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_no_time_of_the_server(quay: FakeQuay, date: str | None) -> None:
    quay.answers(ok({}) if date is None else ok({}, Date=date))
    client = quay.client()
    client.get("/api/v1/x")
    assert client.skew == timedelta(0)


@pytest.mark.parametrize("location", ["https://evil.example/api/v1/x", "//evil.example/x", "/api/v1/y"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(quay: FakeQuay, status: int, location: str) -> None:
    """FakeQuay would fail on a second request, and on one to another origin."""
    quay.answers(page(status, Location=location), page(status, Location=location))
    client: QuayClient = quay.client(BearerLogin("s3cret"))
    for act in (client.get, client.post):
        with pytest.raises(UnexpectedAnswer):
            act("/api/v1/x")
    assert quay.calls == [("GET", "/api/v1/x"), ("POST", "/api/v1/x")]


def test_redirect_of_the_sign_in_is_not_followed(quay: FakeQuay) -> None:
    quay.answers(CSRF_PAIR, page(307, Location="https://evil.example/api/v1/signin"))
    with pytest.raises(
        UnexpectedAnswer, match=r"^POST /api/v1/signin: the server redirects to https://evil\.example\."
    ):
        quay.client(SessionLogin("ann", "pässword")).get("/api/v1/x")
    assert quay.calls == [("GET", "/csrf_token"), ("POST", "/api/v1/signin")]


def test_error_that_a_wanted_redirect_gives_instead(quay: FakeQuay) -> None:
    quay.answers(ok({"error": "invalid_request"}, 400))
    with pytest.raises(ApiError, match=r"^POST /oauth/authorizeapp: Quay answered 400: invalid_request$"):
        quay.client().exchange("POST", AUTHORIZE, form={"a": "b"}, redirect=True)
