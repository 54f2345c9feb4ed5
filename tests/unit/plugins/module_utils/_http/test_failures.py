# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failed request means: the error shapes of Quay's API, its registry, nginx and proxies."""

from __future__ import annotations

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import (
    Auth,
    BasicAuth,
    BearerAuth,
    SessionAuth,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    ApiError,
    EndpointMissing,
    Forbidden,
    NotAuthenticated,
    NotFound,
    RateLimited,
    ReadOnlyRegistry,
    TransportError,
    UnexpectedResponse,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._http.failures import split_location
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    ORIGIN,
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

INVALID_TOKEN = (
    "Quay does not accept the token: it is wrong, revoked or expired (Quay does not say which). "
    "Check quay_token or QUAY_TOKEN. It must be an OAuth access token: tokens of robots and app tokens are for the "
    "registry only"
)

LACKS_PERMISSION = "The login lacks the permission, or the object does not exist (Quay does not say which)"
LACKS_SCOPE = "The login lacks the permission or the scope{}, or the object does not exist (Quay does not say which)"

ENDPOINT_MISSING = "This server does not offer that endpoint (an older Quay, or a feature that is off)"

SCHEMA = """'name' is a required property

Failed validating 'required' in schema:
    {'type': 'object', 'required': ['name']}

On instance:
    {'secret': 'hunter2'}"""

NGINX = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body>\r\n</html>"


def error_for(quay: FakeQuay, reply: Reply, method: str = "POST", auth: Auth | None = None) -> ApiError:
    """The error that the client raises for this reply."""
    quay.answers(reply)
    client = quay.client(auth, retries=0)
    with pytest.raises(ApiError) as caught:
        client.get("/api/v1/x") if method == "GET" else client.post("/api/v1/x")
    return caught.value


# The reply; the error's class, status, message, error type and hint; whether the outcome of a write is unknown.
SHAPES: list[tuple[Reply, type[ApiError], int, str, str | None, str, bool]] = [
    (error(400, "Existing robot", INVALID), ApiError, 400, "Existing robot", INVALID, "", False),
    (error(403, "Unauthorized", SCOPE), Forbidden, 403, "Unauthorized", SCOPE, LACKS_PERMISSION, False),
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
    (page(403), Forbidden, 403, "Some page", None, LACKS_PERMISSION, False),
    (page(404), EndpointMissing, 404, "", None, ENDPOINT_MISSING, False),
    (page(405), EndpointMissing, 405, "", None, ENDPOINT_MISSING, False),
    (page(413), ApiError, 413, "Some page", None, "", False),
    (page(429), RateLimited, 429, "Some page", None, "Quay limits the rate of requests; try again later", False),
    (
        Reply(429, b"Too many login attempts. \nPlease reset.", [("Content-Type", "text/html")]),
        RateLimited,
        429,
        "Too many login attempts. \nPlease reset.",
        None,
        "Quay limits the rate of requests; try again later",
        False,
    ),
    (page(500), ApiError, 500, "Some page", None, "", True),
    (page(502, NGINX), ApiError, 502, "502 Bad Gateway", None, "", True),
    (page(502, "<p>no title</p>"), ApiError, 502, "", None, "", True),
    (ok({"message": "busy"}, 503), ApiError, 503, "busy", None, "", True),
    (empty(500), ApiError, 500, "", None, "", True),
    (empty(404), EndpointMissing, 404, "", None, ENDPOINT_MISSING, False),
    (empty(400), ApiError, 400, "", None, "", False),
    (ok([], 400), ApiError, 400, "", None, "", False),
    (ok("text", 400), ApiError, 400, "", None, "", False),
    (Reply(400, b'{"message": "cut'), ApiError, 400, '{"message": "cut', None, "", False),
    (ok({"message": "x" * 999}, 400), ApiError, 400, "x" * 300, None, "", False),
    (Reply(400, b"x" * 999), ApiError, 400, "x" * 200, None, "", False),
]


@pytest.mark.parametrize(("reply", "kind", "status", "message", "error_type", "hint", "outcome_unknown"), SHAPES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_error_shapes(
    quay: FakeQuay,
    method: str,
    reply: Reply,
    kind: type[ApiError],
    status: int,
    message: str,
    error_type: str | None,
    hint: str,
    outcome_unknown: bool,
) -> None:
    failure = error_for(quay, reply, method, BasicAuth("ann", "pässword"))
    assert failure.__class__ is kind
    assert (failure.status, failure.method, failure.path) == (status, method, "/api/v1/x")
    assert (failure.message, failure.error_type) == (message, error_type)
    assert failure.outcome_unknown is (outcome_unknown and method == "POST")
    sentence = f": {message.rstrip('.')}" if message else ""
    assert str(failure) == f"{method} {ORIGIN}/api/v1/x: Quay answered {status}{sentence}" + (
        f". {hint}" if hint else ""
    )


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
def test_invalid_bearer_token(quay: FakeQuay, method: str, reply: Reply) -> None:
    """Quay answers a write without a valid token with a CSRF failure."""
    failure = error_for(quay, reply, method, BearerAuth("s3cret"))
    assert failure.__class__ is NotAuthenticated
    assert str(failure) == f"{method} {ORIGIN}/api/v1/x: Quay answered 401. {INVALID_TOKEN}"
    assert (failure.status, failure.error_type, failure.outcome_unknown) == (401, "invalid_token", False)


def test_valid_bearer_token_without_the_scope(quay: FakeQuay) -> None:
    """GET /api/v1/user/ answers 401 then too. The key session_required is the difference."""
    reply = ok({"message": "Requires authentication", "error_type": "invalid_token", "session_required": False}, 401)
    failure = error_for(quay, reply, "GET", BearerAuth("s3cret"))
    assert failure.__class__ is Forbidden
    assert str(failure) == (
        f"GET {ORIGIN}/api/v1/x: Quay answered 401: Requires authentication. {LACKS_SCOPE.format('')}"
    )


@pytest.mark.parametrize("session_required", [True, None])
def test_invalid_bearer_token_where_a_session_is_accepted(quay: FakeQuay, session_required: bool | None) -> None:
    reply = ok({"message": "Requires authentication", "session_required": session_required}, 401)
    assert error_for(quay, reply, "GET", BearerAuth("s3cret")).__class__ is NotAuthenticated


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/api/v1/organization/acme/robots/ci/regenerate", " org:admin"),
        ("/api/v1/repository/acme/app", " repo:admin"),
        ("/api/v1/user/robots/ci", " user:admin"),
        ("/api/v1/organization/", " user:admin"),
        ("/oauth/authorizeapp", ""),
    ],
)
def test_bearer_token_without_the_permission(quay: FakeQuay, path: str, scope: str) -> None:
    """The scope that the request needs is named, if it is known."""
    quay.answers(error(403, "Unauthorized", "insufficient_scope"))
    with pytest.raises(Forbidden) as caught:
        quay.client(BearerAuth("s3cret")).post(path)
    assert str(caught.value) == (f"POST {ORIGIN}{path}: Quay answered 403: Unauthorized. {LACKS_SCOPE.format(scope)}")


def test_session_without_the_permission(quay: FakeQuay) -> None:
    """A password has all scopes."""
    refusal = error(403, "Unauthorized", "insufficient_scope")
    quay.answers(ok({"csrf_token": "csrf-1"}), ok({"success": True}), refusal)
    with pytest.raises(Forbidden) as caught:
        quay.client(SessionAuth("ann", "pässword")).get("/api/v1/organization/acme/robots")
    assert caught.value.hint == LACKS_PERMISSION


def test_unknown_session(quay: FakeQuay) -> None:
    quay.answers(ok({"csrf_token": "csrf-1"}), ok({"error": CSRF}, 403))
    with pytest.raises(NotAuthenticated) as caught:
        quay.client(SessionAuth("ann", "pässword")).get("/api/v1/x")
    assert str(caught.value) == (
        f"POST {ORIGIN}/api/v1/signin: Quay answered 403: CSRF token was invalid or missing. "
        "Quay does not know the session. Check whether a proxy drops its cookie"
    )


@pytest.mark.parametrize(
    ("unverified", "invalid", "hint"),
    [
        (False, True, "Check quay_username and quay_password"),
        (True, False, "The user's e-mail address is not verified yet"),
    ],
)
def test_refused_sign_in(quay: FakeQuay, unverified: bool, invalid: bool, hint: str) -> None:
    body = {"needsEmailVerification": unverified, "invalidCredentials": invalid, "message": "No"}
    quay.answers(ok({"csrf_token": "csrf-1"}), ok(body, 403))
    with pytest.raises(NotAuthenticated) as caught:
        quay.client(SessionAuth("ann", "pässword")).get("/api/v1/x")
    assert str(caught.value) == f"POST {ORIGIN}/api/v1/signin: Quay answered 403: No. {hint}"
    assert caught.value.status == 403


@pytest.mark.parametrize("auth", [Auth(), BearerAuth("s3cret")])
def test_read_only_registry(quay: FakeQuay, auth: Auth) -> None:
    sentence = "System is currently read-only. Pulls will succeed but all write operations are currently suspended."
    failure = error_for(quay, ok({"is_readonly": True, "message": sentence}, 503), "POST", auth)
    assert failure.__class__ is ReadOnlyRegistry
    assert str(failure) == (
        f"POST {ORIGIN}/api/v1/x: the registry is read-only; nothing was changed (Quay says: {sentence.rstrip('.')})"
    )
    assert (failure.status, failure.message, failure.outcome_unknown) == (503, sentence, False)


def test_challenge(quay: FakeQuay) -> None:
    challenge = 'Bearer realm="https://quay.example.com/v2/auth",service="quay.example.com"'
    failure = error_for(quay, ok({"errors": []}, 401, WWW_Authenticate=challenge), "GET")
    assert failure.challenge == challenge
    assert error_for(quay, page(404), "GET").challenge == ""


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
def test_redirect_that_adds_a_slash_means_a_missing_endpoint(quay: FakeQuay, path: str, location: str) -> None:
    quay.answers(page(308, Location=location))
    with pytest.raises(EndpointMissing) as caught:
        quay.client(BearerAuth("s3cret")).get(path)
    assert str(caught.value) == f"GET {ORIGIN}{path}: Quay answered 308. {ENDPOINT_MISSING}"


@pytest.mark.parametrize(
    ("status", "location", "destination"),
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
def test_redirect_elsewhere(quay: FakeQuay, status: int, location: str | None, destination: str) -> None:
    quay.answers(page(status, Location=location) if location else empty(status))
    with pytest.raises(UnexpectedResponse) as caught:
        quay.client(BearerAuth("s3cret")).get("/api/v1/x")
    assert str(caught.value) == (
        f"GET {ORIGIN}/api/v1/x: the server redirects to {destination}. Redirects are not followed with credentials; "
        "set quay_host to the address of Quay itself"
    )


@pytest.mark.parametrize("location", ["http://[broken", "https://quay.example.com/\xff"])
def test_malformed_redirect(quay: FakeQuay, location: str) -> None:
    quay.answers(page(308, Location=location), page(308, Location=location))
    sentence = "an address is malformed: that of quay_host, of a proxy, or of a redirect"
    with pytest.raises(TransportError, match=f"^GET {ORIGIN}/api/v1/x: {sentence}$"):
        quay.client().get("/api/v1/x")
    with pytest.raises(TransportError) as caught:
        quay.client().delete("/api/v1/x")
    assert caught.value.outcome_unknown


def test_location() -> None:
    target = split_location({"Location": "https://a.example/b?c=d#e"})
    assert (target.netloc, target.path, target.query, target.fragment) == ("a.example", "/b", "c=d", "e")


@pytest.mark.parametrize("location", [None, "", "http://[broken"])
def test_missing_or_malformed_location(location: str | None) -> None:
    target = split_location({} if location is None else {"Location": location})
    assert (target.netloc, target.path, target.query, target.fragment) == ("", "", "", "")


LOGIN_PAGE = "<!doctype html><title>Sign in</title>"

PROXY = "Check that quay_host is Quay itself, and not a proxy's login page"

BROKEN = "the JSON of the response is broken or cut off"


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (page(200, LOGIN_PAGE), f"expected JSON, got text/html. {PROXY}"),
        (Reply(200, b"hello"), f"expected JSON, got a response without a content type. {PROXY}"),
        (Reply(200, b'{"a": ', [("Content-Type", "application/json")]), BROKEN),
        (Reply(200, b'{"a": 1}}', [("Content-Type", "application/json; charset=utf-8")]), BROKEN),
        (Reply(200, b"\xff\xfe{", [("Content-Type", "application/problem+json")]), BROKEN),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_response_that_is_not_json(quay: FakeQuay, method: str, reply: Reply, problem: str) -> None:
    quay.answers(reply)
    client = quay.client(BearerAuth("s3cret"))
    with pytest.raises(UnexpectedResponse) as caught:
        client.get("/api/v1/x") if method == "GET" else client.post("/api/v1/x")
    assert str(caught.value) == f"{method} {ORIGIN}/api/v1/x: {problem}"
    assert (caught.value.method, caught.value.path) == (method, "/api/v1/x")
    assert caught.value.outcome_unknown is (method == "POST")


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_json_of_any_content_type(quay: FakeQuay, kind: str) -> None:
    quay.answers(Reply(200, b'{"a": 1}', [("Content-Type", kind)]))
    assert quay.client().get("/api/v1/x").json_object() == {"a": 1}
