# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OAuth applications and their tokens: the records, and each call."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, QuayError, RefusedCredential
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BasicCsrfAuth, BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.client import QuayClient
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    ApiError,
    EndpointMissing,
    Forbidden,
    NotAuthenticated,
    NotFound,
    UnexpectedResponse,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.oauth import (
    LONGEST_LIFETIME,
    AccessToken,
    Application,
    Applications,
    ApplicationTokens,
    Assignment,
    Authorization,
    UserTokens,
    accepts_client_secret,
    expand_scopes,
    organization_of,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.scopes import SCOPES
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

UTC = timezone.utc
SECRET = "S3CRET" * 6 + "ABCD"
CLIENT_SECRET = "CL13NT" * 6 + "ABCD"
UUID = "6e3a1d0c-2f5b-4a4e-9d53-0c1f2b3a4d5e"
CLIENT_ID = "ABCDEFGHIJKLMNOPQRST"
READ = {**COMMON, "Authorization": "Bearer s3cret"}
WRITE = {**READ, "Content-Type": "application/json"}
APPLICATIONS = "/api/v1/organization/acme/applications"
TOKENS = f"{APPLICATIONS}/{CLIENT_ID}/tokens"
PAGE = "https://quay.example.com/oauth/localapp"
FORBIDDEN = error(403, "Unauthorized", "insufficient_scope")
NOT_FOUND = error(404, "Not Found", "not_found")


@pytest.fixture
def client(quay: FakeQuay) -> QuayClient:
    return quay.client(BearerAuth("s3cret"))


@pytest.mark.parametrize(
    ("scopes", "expanded"),
    [
        (["repo:read"], ["repo:read"]),
        (["repo:write", "org:admin", "repo:write"], ["org:admin", "repo:write"]),
        (["all"], list(SCOPES)),
        (["repo:read", "all"], list(SCOPES)),
    ],
)
def test_scopes(scopes: list[str], expanded: list[str]) -> None:
    assert expand_scopes(scopes) == expanded


def test_all_scopes_are_in_order() -> None:
    assert list(SCOPES) == sorted(SCOPES)


def test_empty_list_of_scopes() -> None:
    with pytest.raises(BadInput, match="^scopes must name at least one scope: "):
        expand_scopes([])


def test_longest_lifetime() -> None:
    assert timedelta(seconds=315576000) == LONGEST_LIFETIME


APPLICATION_JSON = {
    "name": "ci",
    "description": "builds",
    "application_uri": "https://ci.example",
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "redirect_uri": "https://ci.example/back",
    "avatar_email": None,
}
APPLICATION = Application("ci", CLIENT_ID, CLIENT_SECRET, "builds", "https://ci.example", "https://ci.example/back", "")


def test_application_record() -> None:
    assert Application.of({**APPLICATION_JSON, "more": 1}) == APPLICATION
    assert Application.of({"name": "x"}) == Application("x", "", "")


def test_representation_of_an_application_hides_the_secret() -> None:
    assert CLIENT_SECRET not in repr(APPLICATION)
    assert CLIENT_ID in repr(APPLICATION)


def test_list_of_applications(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(ok({"applications": [APPLICATION_JSON, {"name": "two"}]}))
    assert Applications(client, "acme").list() == [APPLICATION, Application("two", "", "")]
    assert quay.requests == [Request("GET", APPLICATIONS, READ)]


@pytest.mark.parametrize("organization", ["", ".", "..", "acme/robots"])
def test_invalid_organization(client: QuayClient, organization: str) -> None:
    with pytest.raises(BadInput):
        Applications(client, organization)


@pytest.mark.parametrize(("reply", "kind"), [(FORBIDDEN, Forbidden), (NOT_FOUND, NotFound)])
def test_applications_of_an_inaccessible_organization(
    quay: FakeQuay, client: QuayClient, reply: Reply, kind: type[ApiError]
) -> None:
    quay.answers(reply)
    with pytest.raises(kind) as caught:
        Applications(client, "nope").list()
    assert str(caught.value).endswith(
        ". Check that the organization 'nope' exists and that the login administers it "
        "(a token needs the scope org:admin)"
    )
    assert (caught.value.status, caught.value.method) == (reply.status, "GET")
    assert caught.value.error_type in ("insufficient_scope", "not_found")
    assert caught.value.message in ("Unauthorized", "Not Found")


def test_find_an_application_by_name(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(*[ok({"applications": [{"name": "CI"}, APPLICATION_JSON, {"name": "ci2"}]})] * 2)
    assert Applications(client, "acme").find("ci") == APPLICATION
    assert Applications(client, "acme").find("c") is None


def test_two_applications_with_the_same_name(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(ok({"applications": [APPLICATION_JSON, {**APPLICATION_JSON, "client_id": "AAAA"}]}))
    with pytest.raises(BadInput) as caught:
        Applications(client, "acme").find("ci")
    assert str(caught.value) == (
        f"The organization acme has 2 applications named 'ci' (client ids AAAA, {CLIENT_ID}). "
        "Set client_id to select one of them"
    )


def test_get_an_application(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(ok(APPLICATION_JSON), NOT_FOUND)
    assert Applications(client, "acme").get(CLIENT_ID) == APPLICATION
    assert Applications(client, "acme").get("none of ours") is None
    assert quay.requests == [
        Request("GET", f"{APPLICATIONS}/{CLIENT_ID}", READ),
        Request("GET", f"{APPLICATIONS}/none%20of%20ours", READ),
    ]


def test_create_application(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(ok(APPLICATION_JSON))
    fields = {"name": "ci", "description": "builds"}
    assert Applications(client, "acme").create(fields) == APPLICATION
    assert quay.requests == [Request("POST", APPLICATIONS, WRITE, fields)]


def test_update_application(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(ok(APPLICATION_JSON))
    fields = {"name": "ci", "redirect_uri": "", "application_uri": ""}
    assert Applications(client, "acme").update(CLIENT_ID, fields) == APPLICATION
    assert quay.requests == [Request("PUT", f"{APPLICATIONS}/{CLIENT_ID}", WRITE, fields)]


def test_reset_client_secret(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(ok(APPLICATION_JSON))
    assert Applications(client, "acme").reset_secret(CLIENT_ID) == APPLICATION
    assert quay.requests == [Request("POST", f"{APPLICATIONS}/{CLIENT_ID}/resetclientsecret", WRITE, {})]


@pytest.mark.parametrize(
    ("reply", "accepted"),
    [
        (ok({"error": "invalid_grant"}, 400), True),
        (ok({"error": "invalid_client"}, 400), False),
        (ok({"error": "unsupported_grant_type"}, 400), None),
        (page(405), None),
        (page(404), None),
    ],
)
def test_client_secret_is_verified_without_a_code(
    quay: FakeQuay, client: QuayClient, reply: Reply, accepted: bool | None
) -> None:
    """Quay checks the client secret before the code, so nothing can be issued."""
    quay.answers(reply)
    assert accepts_client_secret(client, CLIENT_ID, CLIENT_SECRET) is accepted
    (request,) = quay.requests
    assert (request.method, request.target) == ("POST", "/oauth/access_token")
    assert "Authorization" not in request.headers
    assert request.headers["Cookie"] == "defaultui=angular"
    form = request.body
    assert (form["client_id"], form["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
    assert (form["grant_type"], form["code"]) == ("authorization_code", "no-such-code")


def test_client_secret_that_cannot_be_verified(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(page(503))
    with pytest.raises(ApiError) as caught:
        accepts_client_secret(client, CLIENT_ID, CLIENT_SECRET)
    assert CLIENT_SECRET not in str(caught.value)


def test_delete_application(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(empty())
    Applications(client, "acme").delete(CLIENT_ID)
    assert quay.requests == [Request("DELETE", f"{APPLICATIONS}/{CLIENT_ID}", READ)]


BY_ID: dict[str, Callable[[Applications, str], object]] = {
    "get": Applications.get,
    "update": lambda applications, client_id: applications.update(client_id, {}),
    "reset": Applications.reset_secret,
    "delete": Applications.delete,
}


@pytest.mark.parametrize("call", BY_ID)
@pytest.mark.parametrize("client_id", ["", "..", "x/resetclientsecret"])
def test_client_id_that_would_change_the_path(client: QuayClient, call: str, client_id: str) -> None:
    with pytest.raises(BadInput):
        BY_ID[call](Applications(client, "acme"), client_id)


@pytest.mark.parametrize("call", sorted(set(BY_ID) - {"get"}))
def test_missing_application(quay: FakeQuay, client: QuayClient, call: str) -> None:
    quay.answers(NOT_FOUND)
    with pytest.raises(NotFound):
        BY_ID[call](Applications(client, "acme"), CLIENT_ID)


def test_organization_of_an_application(quay: FakeQuay, client: QuayClient) -> None:
    """The request is anonymous, which costs the server less."""
    quay.answers(ok({"name": "ci", "organization": {"name": "acme", "avatar": {}}}))
    assert organization_of(client, CLIENT_ID) == "acme"
    assert quay.requests == [Request("GET", f"/api/v1/app/{CLIENT_ID}")]


@pytest.mark.parametrize("owner", [None, {}, {"name": None}])
def test_application_without_an_organization(quay: FakeQuay, client: QuayClient, owner: Any) -> None:
    quay.answers(ok({"organization": owner}))
    assert organization_of(client, CLIENT_ID) == ""


def test_unknown_client_id(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(NOT_FOUND)
    with pytest.raises(BadInput) as caught:
        organization_of(client, "x")
    assert str(caught.value) == (
        f"client_id: {ORIGIN} has no application with the client id 'x'. Check client_id and quay_host"
    )


TOKEN_JSON = {
    "uuid": UUID,
    "name": "nightly",
    "scope": "repo:write repo:read",
    "expires_at": "2036-11-21T18:06:03.101340Z",
    "created": "2026-11-22T18:06:03.500000Z",
    "created_by": "ann",
    "last_accessed": None,
}
TOKEN = AccessToken(
    uuid=UUID,
    name="nightly",
    scopes=("repo:read", "repo:write"),
    created_at=datetime(2026, 11, 22, 18, 6, 3, 500000, UTC),
    expires_at=datetime(2036, 11, 21, 18, 6, 3, 101340, UTC),
    last_accessed=None,
    created_by="ann",
)


def test_token_record() -> None:
    assert AccessToken.of(TOKEN_JSON) == TOKEN
    used = AccessToken.of({**TOKEN_JSON, "last_accessed": "2026-12-01T00:00:00Z"})
    assert used.last_accessed == datetime(2026, 12, 1, tzinfo=UTC)
    from_the_browser = AccessToken.of({**TOKEN_JSON, "name": None, "token": ""})
    assert (from_the_browser.name, from_the_browser.secret) == (None, None)
    assert AccessToken.of({}) == AccessToken("", None, (), None, None, None, None)


def test_representation_of_a_token_hides_the_secret() -> None:
    token = AccessToken.of({**TOKEN_JSON, "token": SECRET})
    assert token.secret == SECRET
    assert SECRET not in repr(token)


def test_list_of_tokens(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(ok({"tokens": [TOKEN_JSON], "next_page": "n"}), ok({"tokens": [{**TOKEN_JSON, "uuid": "2"}]}))
    tokens = ApplicationTokens(client, "acme", CLIENT_ID).list()
    assert tokens is not None
    assert [token.uuid for token in tokens] == [UUID, "2"]
    assert quay.requests == [Request("GET", TOKENS, READ), Request("GET", f"{TOKENS}?next_page=n", READ)]


@pytest.mark.parametrize("reply", [page(308, Location=f"{ORIGIN}{TOKENS}/"), page(404)])
def test_tokens_of_an_older_quay(quay: FakeQuay, client: QuayClient, reply: Reply) -> None:
    quay.answers(reply)
    assert ApplicationTokens(client, "acme", CLIENT_ID).list() is None


@pytest.mark.parametrize(("reply", "kind"), [(NOT_FOUND, NotFound), (FORBIDDEN, Forbidden), (page(500), ApiError)])
def test_list_of_tokens_that_fails(quay: FakeQuay, client: QuayClient, reply: Reply, kind: type[ApiError]) -> None:
    quay.answers(reply)
    with pytest.raises(kind):
        ApplicationTokens(client, "acme", CLIENT_ID).list()


@pytest.mark.parametrize(
    ("lifetime", "expiration"),
    [
        (None, {}),
        (timedelta(days=90), {"expiration": 7776000}),
        (timedelta(seconds=1.9), {"expiration": 1}),
    ],
)
def test_mint(quay: FakeQuay, client: QuayClient, lifetime: timedelta | None, expiration: dict[str, int]) -> None:
    quay.answers(ok({**TOKEN_JSON, "token": SECRET}))
    token = ApplicationTokens(client, "acme", CLIENT_ID).mint("nightly", ["repo:read", "repo:write"], lifetime)
    assert (token.uuid, token.secret) == (UUID, SECRET)
    body = {"name": "nightly", "scope": "repo:read repo:write", **expiration}
    assert quay.requests == [Request("POST", TOKENS, WRITE, body)]


def test_revoke(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(empty(), NOT_FOUND, page(405))
    tokens = ApplicationTokens(client, "acme", CLIENT_ID)
    assert tokens.revoke(UUID) is True
    assert tokens.revoke(UUID) is False
    with pytest.raises(EndpointMissing):
        tokens.revoke(UUID)
    with pytest.raises(BadInput):
        tokens.revoke("../../../x")
    assert quay.requests == [Request("DELETE", f"{TOKENS}/{UUID}", READ)] * 3


AUTHORIZATION_JSON = {
    "application": {"name": "ci", "url": "", "organization": {"name": "acme"}},
    "scopes": [{"scope": "repo:write", "title": "w"}, {"scope": "repo:read", "title": "r"}],
    "uuid": UUID,
}
ASSIGNMENT_JSON = {
    "application": {"name": "ci", "clientId": CLIENT_ID, "organization": {"name": "acme"}},
    "uuid": UUID,
    "redirectUri": PAGE,
    "scopes": [{"scope": "repo:write"}, {"scope": "repo:read"}],
    "responseType": "token",
}


def test_authorizations(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(ok({"authorizations": [AUTHORIZATION_JSON, {}, {"application": None, "scopes": None}]}))
    assert UserTokens(client).authorizations() == [
        Authorization(UUID, "ci", "acme", ("repo:read", "repo:write")),
        Authorization("", "", "", ()),
        Authorization("", "", "", ()),
    ]
    assert quay.requests == [Request("GET", "/api/v1/user/authorizations", READ)]


def test_revoke_an_authorization(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(empty(), NOT_FOUND)
    assert UserTokens(client).revoke(UUID) is True
    assert UserTokens(client).revoke(UUID) is False
    assert quay.requests == [Request("DELETE", f"/api/v1/user/authorizations/{UUID}", READ)] * 2


def test_assignments(quay: FakeQuay, client: QuayClient) -> None:
    quay.answers(ok({"authorizations": [ASSIGNMENT_JSON, {}]}))
    assert UserTokens(client).assignments() == [
        Assignment(UUID, CLIENT_ID, PAGE, ("repo:read", "repo:write"), "ci", "acme"),
        Assignment("", "", "", ()),
    ]
    assert quay.requests == [Request("GET", "/api/v1/user/assignedauthorization", READ)]


def redirect_to(target: str) -> Reply:
    return page(302, Location=target)


def authorize(quay: FakeQuay, assignment: str | None = None) -> str:
    """Authorize with Basic and the CSRF token of an anonymous session."""
    auth = BasicCsrfAuth("ann", "pässword")
    tokens = UserTokens(quay.client(BearerAuth("another")))
    return tokens.authorize(CLIENT_ID, PAGE, ["repo:read", "user:read"], auth, assignment)


CSRF_TOKEN = ok({"csrf_token": "csrf-1"}, Set_Cookie="_csrf_token=cookie-1; Path=/")


@pytest.mark.parametrize("assignment", [None, UUID])
def test_authorize(quay: FakeQuay, assignment: str | None) -> None:
    fragment = f"access_token={SECRET}&token_type=Bearer&expires_in=315576000"
    quay.answers(CSRF_TOKEN, redirect_to(f"{PAGE}?scope=repo%3Aread+user%3Aread#{fragment}"))
    assert authorize(quay, assignment) == SECRET
    headers = {
        **COMMON,
        "Authorization": "Basic " + base64.b64encode("ann:pässword".encode()).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": "_csrf_token=cookie-1",
        "X-CSRF-Token": "csrf-1",
    }
    form = {
        "response_type": "token",
        "client_id": CLIENT_ID,
        "redirect_uri": PAGE,
        "scope": "repo:read user:read",
        **({"assignment_uuid": assignment} if assignment else {}),
    }
    assert quay.requests == [
        Request("GET", "/csrf_token"),
        Request("POST", "/oauth/authorizeapp", headers, form),
    ]


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (
            "unauthorized_client",
            "Quay refused to authorize: the client id is unknown, or the user does not administer the organization "
            "that owns the application. Check client_id, or use the login of an administrator",
        ),
        ("invalid_scope", "Quay refused to authorize: it does not know one of the scopes. Check scopes"),
        (
            "access_denied",
            "Quay refused to authorize: the user may not have one of the scopes. Check scopes, or use another login",
        ),
    ],
)
def test_authorize_is_refused(quay: FakeQuay, reason: str, message: str) -> None:
    """Quay has minted nothing, so the outcome is known."""
    quay.answers(CSRF_TOKEN, redirect_to(f"{PAGE}?error={reason}"))
    with pytest.raises(RefusedCredential) as caught:
        authorize(quay)
    assert str(caught.value) == f"POST {ORIGIN}/oauth/authorizeapp: {message}"
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize(
    "reply",
    [
        redirect_to(f"{PAGE}?error=server_error"),
        redirect_to(f"{PAGE}?scope=x#token_type=Bearer"),
        redirect_to(f"{PAGE}#access_token="),
        redirect_to(f"{ORIGIN}/signin"),
        page(302),
        page(200, "<title>Sign in</title>"),
        ok({"access_token": SECRET}),
    ],
)
def test_authorize_without_a_token(quay: FakeQuay, reply: Reply) -> None:
    quay.answers(CSRF_TOKEN, reply)
    with pytest.raises(UnexpectedResponse) as caught:
        authorize(quay)
    assert str(caught.value) == f"POST {ORIGIN}/oauth/authorizeapp: the response holds no access token"
    assert caught.value.outcome_unknown


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (ok({"error": "invalid_request"}, 400), ApiError),
        (page(401), NotAuthenticated),
        (ok({"error": "CSRF token was invalid or missing."}, 403), NotAuthenticated),
        (page(500), ApiError),
    ],
)
def test_authorize_that_fails(quay: FakeQuay, reply: Reply, kind: type[QuayError]) -> None:
    quay.answers(CSRF_TOKEN, reply)
    with pytest.raises(kind) as caught:
        authorize(quay)
    assert caught.value.outcome_unknown is (reply.status == 500)


def signed_in(quay: FakeQuay) -> UserTokens:
    quay.answers(CSRF_TOKEN, ok({"success": True}, X_Next_CSRF_Token="csrf-2"))
    return UserTokens(quay.client(SessionAuth("ann", "pässword")))


def test_assign(quay: FakeQuay) -> None:
    """Quay reads everything from the query, and the CSRF token from a header."""
    tokens = signed_in(quay)
    quay.answers(ok({"message": "Token assigned successfully"}))
    tokens.assign(CLIENT_ID, PAGE, ["repo:read", "user:read"], "bob")
    target = (
        f"/oauth/authorize/assignuser?response_type=token&client_id={CLIENT_ID}"
        "&redirect_uri=https%3A%2F%2Fquay.example.com%2Foauth%2Flocalapp"
        "&scope=repo%3Aread+user%3Aread&username=bob&format=json"
    )
    headers = {**COMMON, "Cookie": "_csrf_token=cookie-1", "X-CSRF-Token": "csrf-2"}
    assert quay.requests[-1] == Request("POST", target, headers)


def test_assign_to_an_unknown_user(quay: FakeQuay) -> None:
    tokens = signed_in(quay)
    quay.answers(page(404))
    with pytest.raises(BadInput) as caught:
        tokens.assign(CLIENT_ID, PAGE, ["repo:read"], "bob")
    assert str(caught.value) == (
        f"for_user: {ORIGIN} has no enabled user 'bob', or no application with the client "
        f"id '{CLIENT_ID}'. Check for_user and client_id"
    )


ASSIGNED = "/api/v1/user/assignedauthorization"


def test_assignments_that_are_not_offered(quay: FakeQuay) -> None:
    tokens = signed_in(quay)
    quay.answers(empty(308, Location=f"{ORIGIN}{ASSIGNED}/"))
    with pytest.raises(BadInput) as caught:
        tokens.assignments()
    assert str(caught.value) == f"{ORIGIN} does not offer assigned tokens (FEATURE_ASSIGN_OAUTH_TOKEN is off)"


@pytest.mark.parametrize(("reply", "existed"), [(empty(), True), (error(404, "Not Found", "not_found"), False)])
def test_decline(quay: FakeQuay, reply: Reply, existed: bool) -> None:
    tokens = signed_in(quay)
    quay.answers(reply)
    assert tokens.decline("a b") is existed
    assert quay.calls[-1] == ("DELETE", f"{ASSIGNED}/a%20b")


@pytest.mark.parametrize(("reply", "kind"), [(page(403), Forbidden), (page(500), ApiError)])
def test_assign_that_fails(quay: FakeQuay, reply: Reply, kind: type[QuayError]) -> None:
    tokens = signed_in(quay)
    quay.answers(reply)
    with pytest.raises(kind):
        tokens.assign(CLIENT_ID, PAGE, ["repo:read"], "bob")
