# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the client reads answers: JSON, and the error shapes of Quay's API, its registry, nginx and proxies."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._client import Answer, QuayClient
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import (
    ApiError,
    EndpointMissing,
    Forbidden,
    NotAuthenticated,
    NotFound,
    QuayError,
    RateLimited,
    ReadOnlyRegistry,
    TransportFailure,
    UnexpectedAnswer,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._login import (
    BasicLogin,
    BearerLogin,
    Login,
    SessionLogin,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    FakeQuay,
    Reply,
    empty,
    error,
    ok,
    page,
    refused,
)

INVALID = "invalid_request"
SCOPE = "insufficient_scope"
CSRF = "CSRF token was invalid or missing."
DEAD = (
    "Quay does not accept the token: it is wrong, revoked or expired (Quay does not say which). "
    "Check quay_token or QUAY_TOKEN"
)
LACKS = "The login lacks the right or the scope for this, or the object does not exist (Quay does not say which)"
MISSING = "This server does not offer that endpoint (an older Quay, or a feature that is off)"
SCHEMA = """'name' is a required property

Failed validating 'required' in schema:
    {'type': 'object', 'required': ['name']}

On instance:
    {'secret': 'hunter2'}"""
NGINX = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body>\r\n</html>"


def failure_of(quay: FakeQuay, reply: Reply, method: str = "POST", login: Login | None = None) -> ApiError:
    """The error that an answer to a single request becomes."""
    quay.answers(reply)
    client = quay.client(login, retries=0)
    with pytest.raises(ApiError) as caught:
        client.get("/api/v1/x") if method == "GET" else client.post("/api/v1/x")
    return caught.value


# The answer; then the exception, its status, Quay's words, the error type, the hint, and whether a write is unclear.
SHAPES: list[tuple[Reply, type[ApiError], int, str, str | None, str, bool]] = [
    (error(400, "Existing robot", INVALID), ApiError, 400, "Existing robot", INVALID, "", False),
    (error(403, "Unauthorized", SCOPE), Forbidden, 403, "Unauthorized", SCOPE, LACKS, False),
    (error(404, "Not Found", "not_found"), NotFound, 404, "Not Found", "not_found", "", False),
    (error(409, "Conflict", "conflict"), ApiError, 409, "Conflict", "conflict", "", False),
    (error(400, SCHEMA, INVALID), ApiError, 400, "'name' is a required property", INVALID, "", False),
    (ok({"detail": "Mirror exists"}, 409), ApiError, 409, "Mirror exists", None, "", False),
    (ok({"message": "Token limit reached"}, 400), ApiError, 400, "Token limit reached", None, "", False),
    (ok({"message": "Method not allowed."}, 405), ApiError, 405, "Method not allowed.", None, "", False),
    (ok({"message": "Did not attempt"}, 415), ApiError, 415, "Did not attempt", None, "", False),
    (ok({"error": "Not Found"}, 404), NotFound, 404, "Not Found", None, "", False),
    (ok({"error": "invalid_client"}, 400), ApiError, 400, "invalid_client", None, "", False),
    (refused("Invalid token"), NotAuthenticated, 401, "Invalid token", "UNAUTHORIZED", "", False),
    (ok({"errors": [{"code": "DENIED", "message": "bad"}]}, 400), ApiError, 400, "bad", "DENIED", "", False),
    (ok({"errors": [{"code": None, "message": None}]}, 400), ApiError, 400, "", None, "", False),
    (ok({"errors": []}, 400), ApiError, 400, "", None, "", False),
    (ok({"errors": ["x"], "message": "y"}, 400), ApiError, 400, "y", None, "", False),
    (page(400, NGINX), ApiError, 400, "502 Bad Gateway", None, "", False),
    (page(401), NotAuthenticated, 401, "Some page", None, "", False),
    (page(403), Forbidden, 403, "Some page", None, LACKS, False),
    (page(404), EndpointMissing, 404, "", None, MISSING, False),
    (page(405), EndpointMissing, 405, "", None, MISSING, False),
    (page(413), ApiError, 413, "Some page", None, "", False),
    (page(429), RateLimited, 429, "Some page", None, "Quay asks to wait; try again later", False),
    (
        Reply(429, b"Too many login attempts. \nPlease reset.", [("Content-Type", "text/html")]),
        RateLimited,
        429,
        "Too many login attempts. \nPlease reset.",
        None,
        "Quay asks to wait; try again later",
        False,
    ),
    (page(500), ApiError, 500, "Some page", None, "", True),
    (page(502, NGINX), ApiError, 502, "502 Bad Gateway", None, "", True),
    (page(502, "<p>no title</p>"), ApiError, 502, "", None, "", True),
    (ok({"message": "busy"}, 503), ApiError, 503, "busy", None, "", True),
    (empty(500), ApiError, 500, "", None, "", True),
    (empty(404), EndpointMissing, 404, "", None, MISSING, False),
    (empty(400), ApiError, 400, "", None, "", False),
    (ok([], 400), ApiError, 400, "", None, "", False),
    (ok("text", 400), ApiError, 400, "", None, "", False),
    (Reply(400, b'{"message": "cut'), ApiError, 400, '{"message": "cut', None, "", False),
    (ok({"message": "x" * 999}, 400), ApiError, 400, "x" * 300, None, "", False),
    (Reply(400, b"x" * 999), ApiError, 400, "x" * 200, None, "", False),
]


@pytest.mark.parametrize(("reply", "kind", "status", "message", "error_type", "hint", "unclear"), SHAPES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_error(
    quay: FakeQuay,
    method: str,
    reply: Reply,
    kind: type[ApiError],
    status: int,
    message: str,
    error_type: str | None,
    hint: str,
    unclear: bool,
) -> None:
    failure = failure_of(quay, reply, method, BasicLogin("ann", "pässword"))
    assert failure.__class__ is kind
    assert (failure.status, failure.method, failure.path) == (status, method, "/api/v1/x")
    assert (failure.message, failure.error_type) == (message, error_type)
    assert failure.unclear is (unclear and method == "POST")
    words = f": {message.rstrip('.')}" if message else ""
    assert str(failure) == f"{method} /api/v1/x: Quay answered {status}{words}" + (f". {hint}" if hint else "")


@pytest.mark.parametrize(
    ("method", "reply"),
    [
        ("GET", error(401, "Requires authentication", "invalid_token")),
        ("GET", ok({"error": "Anonymous access is not allowed"}, 401)),
        ("GET", page(401)),
        ("POST", ok({"error": CSRF}, 403)),
        ("POST", error(401, "Requires authentication", "invalid_token")),
    ],
)
def test_dead_bearer(quay: FakeQuay, method: str, reply: Reply) -> None:
    """On a write, Quay speaks of CSRF only because nobody is signed in."""
    failure = failure_of(quay, reply, method, BearerLogin("s3cret"))
    assert failure.__class__ is NotAuthenticated
    assert str(failure) == f"{method} /api/v1/x: Quay answered 401. {DEAD}"
    assert (failure.status, failure.error_type, failure.unclear) == (401, "invalid_token", False)


def test_live_bearer_without_the_scope(quay: FakeQuay) -> None:
    """GET /api/v1/user/ is a 401 then, told apart by one key."""
    reply = ok({"message": "Requires authentication", "error_type": "invalid_token", "session_required": False}, 401)
    failure = failure_of(quay, reply, "GET", BearerLogin("s3cret"))
    assert failure.__class__ is Forbidden
    assert str(failure) == f"GET /api/v1/x: Quay answered 401: Requires authentication. {LACKS}"


@pytest.mark.parametrize("session_required", [True, None])
def test_dead_bearer_where_a_session_would_do(quay: FakeQuay, session_required: bool | None) -> None:
    reply = ok({"message": "Requires authentication", "session_required": session_required}, 401)
    assert failure_of(quay, reply, "GET", BearerLogin("s3cret")).__class__ is NotAuthenticated


def test_bearer_that_lacks_the_right(quay: FakeQuay) -> None:
    failure = failure_of(quay, error(403, "Unauthorized", "insufficient_scope"), "POST", BearerLogin("s3cret"))
    assert failure.__class__ is Forbidden


def test_session_that_quay_does_not_know(quay: FakeQuay) -> None:
    quay.answers(ok({"csrf_token": "csrf-1"}), ok({"error": CSRF}, 403))
    with pytest.raises(NotAuthenticated) as caught:
        quay.client(SessionLogin("ann", "pässword")).get("/api/v1/x")
    assert str(caught.value) == (
        "POST /api/v1/signin: Quay answered 403: CSRF token was invalid or missing. "
        "Quay does not know the session: does a proxy drop its cookie?"
    )


@pytest.mark.parametrize(
    ("unverified", "invalid", "hint"),
    [
        (False, True, "Check quay_username and quay_password"),
        (True, False, "The user's e-mail address is not verified yet"),
    ],
)
def test_refused_sign_in(quay: FakeQuay, unverified: bool, invalid: bool, hint: str) -> None:
    words = {"needsEmailVerification": unverified, "invalidCredentials": invalid, "message": "No"}
    quay.answers(ok({"csrf_token": "csrf-1"}), ok(words, 403))
    with pytest.raises(NotAuthenticated) as caught:
        quay.client(SessionLogin("ann", "pässword")).get("/api/v1/x")
    assert str(caught.value) == f"POST /api/v1/signin: Quay answered 403: No. {hint}"
    assert caught.value.status == 403


@pytest.mark.parametrize("login", [Login(), BearerLogin("s3cret")])
def test_read_only_registry(quay: FakeQuay, login: Login) -> None:
    words = "System is currently read-only. Pulls will succeed but all write operations are currently suspended."
    failure = failure_of(quay, ok({"is_readonly": True, "message": words}, 503), "POST", login)
    assert failure.__class__ is ReadOnlyRegistry
    assert str(failure) == (
        f"POST /api/v1/x: the registry is read-only; nothing was changed (Quay says: {words.rstrip('.')})"
    )
    assert (failure.status, failure.message, failure.unclear) == (503, words, False)


def test_challenge(quay: FakeQuay) -> None:
    challenge = 'Bearer realm="https://quay.example.com/v2/auth",service="quay.example.com"'
    failure = failure_of(quay, ok({"errors": []}, 401, WWW_Authenticate=challenge), "GET")
    assert failure.challenge == challenge
    assert failure_of(quay, page(404), "GET").challenge == ""


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/api/v1/x", "https://quay.example.com/api/v1/x/"),
        ("/api/v1/x", "http://quay.example.com/api/v1/x/"),
        ("/api/v1/x", "https://quay.example.com:8443/api/v1/x/?a=b"),
        ("/api/v1/x", "/api/v1/x/"),
        ("/api/v1/a%2Bb", "https://quay.example.com/api/v1/a+b/"),
    ],
)
def test_redirect_to_the_slash_is_an_endpoint_that_is_not_there(quay: FakeQuay, path: str, location: str) -> None:
    quay.answers(page(308, Location=location))
    with pytest.raises(EndpointMissing) as caught:
        quay.client(BearerLogin("s3cret")).get(path)
    assert str(caught.value) == f"GET {path}: Quay answered 308. {MISSING}"


@pytest.mark.parametrize(
    ("status", "location", "place"),
    [
        (301, "https://quay.example.com/api/v1/x/", "another page"),
        (302, "https://sso.example.com:8443/login?rd=s3cret", "https://sso.example.com"),
        (302, "https://ann:s3cret@sso.example.com/login", "https://sso.example.com"),
        (302, "/login?token=s3cret", "another page"),
        (303, "https://quay.example.com/login?token=s3cret", "another page"),
        (307, "http://quay.example.com/api/v1/x", "http://quay.example.com"),
        (308, "http://quay.example.com/api/v1/x", "http://quay.example.com"),
        (308, "https://quay.example.com/api/v1/x", "another page"),
        (308, "https://quay.example.com/api/v1/y/", "another page"),
        (308, "https://evil.example/api/v1/x/", "https://evil.example"),
        (304, None, "another page"),
    ],
)
def test_redirect_elsewhere(quay: FakeQuay, status: int, location: str | None, place: str) -> None:
    quay.answers(page(status, Location=location) if location else empty(status))
    with pytest.raises(UnexpectedAnswer) as caught:
        quay.client(BearerLogin("s3cret")).get("/api/v1/x")
    assert str(caught.value) == (
        f"GET /api/v1/x: the server redirects to {place}. Redirects are not followed with credentials; "
        "set quay_host to the address at which Quay itself answers"
    )


@pytest.mark.parametrize("location", ["http://[broken", "https://quay.example.com/\xff"])
def test_redirect_to_no_address(quay: FakeQuay, location: str) -> None:
    quay.answers(page(308, Location=location), page(308, Location=location))
    words = "an address is malformed: that of quay_host, of a proxy, or of a redirect"
    with pytest.raises(TransportFailure, match=f"^GET /api/v1/x: {words}$"):
        quay.client().get("/api/v1/x")
    with pytest.raises(TransportFailure) as caught:
        quay.client().delete("/api/v1/x")
    assert caught.value.unclear


LOGIN_PAGE = "<!doctype html><title>Sign in</title>"
PROXY = "is quay_host Quay itself, or a proxy's login page?"
BROKEN = "the JSON of the answer is broken or cut off"


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (page(200, LOGIN_PAGE), f"expected JSON, got text/html: {PROXY}"),
        (Reply(200, b"hello"), f"expected JSON, got something without a type: {PROXY}"),
        (Reply(200, b'{"a": ', [("Content-Type", "application/json")]), BROKEN),
        (Reply(200, b'{"a": 1}}', [("Content-Type", "application/json; charset=utf-8")]), BROKEN),
        (Reply(200, b"\xff\xfe{", [("Content-Type", "application/problem+json")]), BROKEN),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_answer_that_is_not_json(quay: FakeQuay, method: str, reply: Reply, what: str) -> None:
    quay.answers(reply)
    client = quay.client(BearerLogin("s3cret"))
    with pytest.raises(UnexpectedAnswer) as caught:
        client.get("/api/v1/x") if method == "GET" else client.post("/api/v1/x")
    assert str(caught.value) == f"{method} /api/v1/x: {what}"
    assert (caught.value.method, caught.value.path) == (method, "/api/v1/x")
    assert caught.value.unclear is (method == "POST")


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_json_under_any_type(quay: FakeQuay, kind: str) -> None:
    quay.answers(Reply(200, b'{"a": 1}', [("Content-Type", kind)]))
    assert quay.client().get("/api/v1/x").mapping() == {"a": 1}


READERS: list[tuple[Callable[[Answer], object], str]] = [
    (Answer.mapping, "the answer is not a JSON object as Quay sends it"),
    (lambda answer: answer.items("robots"), "the answer is not a list 'robots' of objects as Quay sends it"),
    (Answer.sequence, "the answer is not a list of objects as Quay sends it"),
]


@pytest.mark.parametrize(
    ("reader", "bodies"),
    [
        (READERS[0], [None, [], [{}], "x", 1, True]),
        (READERS[1], [{}, {"robots": None}, {"robots": {}}, {"robots": "x"}, {"robots": [1]}, {"robots": [{}, None]}]),
        (READERS[2], [None, {}, "x", [1], [[]], [{}, None]]),
    ],
)
def test_answer_of_another_form(
    quay: FakeQuay, reader: tuple[Callable[[Answer], object], str], bodies: list[Any]
) -> None:
    read, sentence = reader
    client: QuayClient = quay.client()
    for body in bodies:
        quay.answers(ok(body))
        answer = client.get("/api/v1/x")
        with pytest.raises(UnexpectedAnswer) as caught:
            read(answer)
        assert str(caught.value) == f"GET /api/v1/x: {sentence}"


def test_answer_without_a_body(quay: FakeQuay) -> None:
    quay.answers(empty(200), empty(204))
    client = quay.client()
    for status in (200, 204):
        answer = client.delete("/api/v1/x")
        assert (answer.status, answer.data) == (status, None)
        with pytest.raises(UnexpectedAnswer):
            answer.mapping()


def test_lists_in_an_answer(quay: FakeQuay) -> None:
    quay.answers(ok({"robots": [{"name": "a"}]}), ok([{"issuer": "i"}]))
    client = quay.client()
    assert client.get("/api/v1/x").items("robots") == [{"name": "a"}]
    assert client.get("/api/v1/x").sequence() == [{"issuer": "i"}]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_what_errors_know(method: str) -> None:
    """What leaves a write unclear leaves a read clear."""
    reads = method in ("GET", "HEAD")
    sent = TransportFailure(method, "/x", "cut", sent=True)
    assert (str(sent), sent.method, sent.path, sent.lasting) == (f"{method} /x: cut", method, "/x", False)
    assert sent.unclear is not reads
    assert TransportFailure(method, "/x", "refused", sent=False).unclear is False
    assert TransportFailure(method, "/x", "untrusted", sent=False, lasting=True).lasting is True
    assert UnexpectedAnswer(method, "/x", "a page").unclear is not reads
    assert ApiError(500, method, "/x", "").unclear is not reads
    assert ApiError(499, method, "/x", "").unclear is False
    assert ReadOnlyRegistry(503, method, "/x", "").unclear is False
    assert QuayError("any").unclear is False


def test_words_of_errors() -> None:
    assert str(ApiError(400, "PUT", "/x", "")) == "PUT /x: Quay answered 400"
    assert str(ApiError(400, "PUT", "/x", "Bad.", hint="Do it well")) == "PUT /x: Quay answered 400: Bad. Do it well"
    assert str(ReadOnlyRegistry(503, "PUT", "/x", "")) == "PUT /x: the registry is read-only; nothing was changed"
