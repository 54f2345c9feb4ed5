# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry tokens: how they are requested and parsed, and how they verify secrets."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from typing import Any

import pytest
from requests.exceptions import ReadTimeout

from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import Auth, BasicAuth, BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    ApiError,
    NotAuthenticated,
    RateLimited,
    TransportError,
    UnexpectedResponse,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.registry_auth import (
    Liveness,
    Verification,
    authenticated_user,
    login_token,
    parse_registry_token,
    request_registry_token,
    verify_secret,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    COMMON,
    ORIGIN,
    FakeQuay,
    Reply,
    Request,
    ok,
    page,
    refused,
    registry_token,
)

ISSUED = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)
EXPIRES = datetime(2026, 1, 31, 13, 0, 0, tzinfo=timezone.utc)
UUID = "6e3a1d0c-2f5b-4a4e-9d53-0c1f2b3a4d5e"
OAUTH_CONTEXT = {"version": 2, "entity_kind": "oauthtoken", "entity_reference": UUID, "kind": "oauth", "user": "ann"}


def basic(username: str, secret: str) -> dict[str, str]:
    pair = base64.b64encode(f"{username}:{secret}".encode()).decode()
    return {**COMMON, "Authorization": f"Basic {pair}"}


def unsigned(claims: Any) -> str:
    return "h." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".s"


def test_registry_token_is_parsed() -> None:
    access = [
        {"type": "repository", "name": "acme/app", "actions": ["push", "pull"]},
        {"type": "repository", "name": "acme/none", "actions": []},
    ]
    token = registry_token(sub="acme+ci", access=access)
    parsed = parse_registry_token(token)
    assert parsed is not None
    assert parsed.token == token
    assert (parsed.issued_at, parsed.expires_at) == (ISSUED, EXPIRES)
    assert parsed.access == {"acme/app": ("push", "pull"), "acme/none": ()}
    assert (parsed.subject, parsed.oauth_uuid) == ("acme+ci", None)


def test_uuid_of_an_oauth_token() -> None:
    parsed = parse_registry_token(registry_token(context=OAUTH_CONTEXT))
    assert parsed is not None
    assert parsed.oauth_uuid == UUID


def test_uuid_of_an_app_token() -> None:
    parsed = parse_registry_token(registry_token(context={**OAUTH_CONTEXT, "entity_kind": "appspecifictoken"}))
    assert parsed is not None
    assert (parsed.oauth_uuid, parsed.app_token_uuid) == (None, UUID)


@pytest.mark.parametrize("kind", ["user", "robot", "anonymous"])
def test_other_logins_have_no_uuid(kind: str) -> None:
    parsed = parse_registry_token(registry_token(context={"entity_kind": kind, "entity_reference": UUID}))
    assert parsed is not None
    assert (parsed.oauth_uuid, parsed.app_token_uuid) == (None, None)


@pytest.mark.parametrize("claims", [{"access": None}, {"context": None}, {"sub": None}, {"iat": 1769860800.9}])
def test_registry_token_with_missing_claims(claims: dict[str, Any]) -> None:
    parsed = parse_registry_token(registry_token(**claims))
    assert parsed is not None
    assert parsed.access == {}
    assert parsed.issued_at.replace(microsecond=0) == ISSUED


def test_token_of_the_login(quay: FakeQuay) -> None:
    quay.answers(ok({"token": registry_token(sub="ann", context=OAUTH_CONTEXT)}), refused())
    client = quay.client(BearerAuth("s3cret"))
    token = login_token(client)
    assert (token.subject, token.oauth_uuid) == ("ann", UUID)
    target = "/v2/auth?service=quay.example.com&scope=repository%3Acredential-proof%2Fcredential-proof%3Apull"
    assert quay.requests == [Request("GET", target, basic("$oauthtoken", "s3cret"))]
    with pytest.raises(NotAuthenticated):
        login_token(client)


MALFORMED_TOKENS = {
    "empty": "",
    "no parts": "abc",
    "two parts": "a.b",
    "four parts": registry_token() + ".x",
    "no base64": "a.é.c",
    "cut base64": "a.b.c",
    "no JSON": "a." + base64.urlsafe_b64encode(b"text").decode() + ".c",
    "no UTF-8": "a." + base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode() + ".c",
    "a list": unsigned([]),
    "a text": unsigned("x"),
    "no times": unsigned({"sub": "ann"}),
    "time null": registry_token(exp=None),
    "time text": registry_token(exp="soon"),
    "time too far": registry_token(exp=1e18),
    "time endless": registry_token(exp=float("inf")),
    "time none": registry_token(iat=float("nan")),
    "access text": registry_token(access="all"),
    "access number": registry_token(access=1),
    "access without a name": registry_token(access=[{"actions": []}]),
    "access without actions": registry_token(access=[{"name": "a/b"}]),
    "actions null": registry_token(access=[{"name": "a/b", "actions": None}]),
    "context a list": registry_token(context=["x"]),
}


@pytest.mark.parametrize("name", MALFORMED_TOKENS)
def test_malformed_registry_token(name: str) -> None:
    assert parse_registry_token(MALFORMED_TOKENS[name]) is None


@pytest.mark.parametrize(
    ("repositories", "actions", "missing"),
    [
        (["acme/app"], ["pull"], []),
        (["acme/app"], ["pull", "push"], []),
        (["acme/read"], ["pull"], []),
        (["acme/read"], ["pull", "push"], ["acme/read:push"]),
        (["acme/none"], ["pull"], ["acme/none:pull"]),
        (["acme/unheard"], ["pull", "push"], ["acme/unheard:pull", "acme/unheard:push"]),
        (["acme/app", "acme/read", "acme/none"], ["push"], ["acme/read:push", "acme/none:push"]),
        ([], ["pull"], []),
    ],
)
def test_missing_actions(repositories: list[str], actions: list[str], missing: list[str]) -> None:
    granted = {"acme/app": ["push", "pull"], "acme/read": ["pull"], "acme/none": []}
    parsed = parse_registry_token(
        registry_token(access=[{"name": name, "actions": acts} for name, acts in granted.items()])
    )
    assert parsed is not None
    assert parsed.missing(repositories, actions) == missing


def test_request_for_a_registry_token(quay: FakeQuay) -> None:
    token = registry_token(sub="acme+ci")
    quay.answers(ok({"token": token}))
    auth = BasicAuth("acme+ci", "s3cret")
    parsed = request_registry_token(
        quay.client(), auth, "quay.example.com:8443", ["acme/app", "acme/lib"], ["pull", "push"]
    )
    assert parsed.token == token
    target = (
        "/v2/auth?service=quay.example.com%3A8443"
        "&scope=repository%3Aacme%2Fapp%3Apull%2Cpush&scope=repository%3Aacme%2Flib%3Apull%2Cpush"
    )
    assert quay.requests == [Request("GET", target, basic("acme+ci", "s3cret"))]


@pytest.mark.parametrize("body", [{}, {"token": None}, {"token": "abc"}, {"access_token": registry_token()}])
def test_response_without_a_registry_token(quay: FakeQuay, body: dict[str, Any]) -> None:
    quay.answers(ok(body))
    with pytest.raises(
        UnexpectedResponse, match=f"^GET {ORIGIN}/v2/auth: the response holds no registry token that can be read$"
    ):
        request_registry_token(quay.client(), Auth(), "x", ["a/b"], ["pull"])


def test_refused_request_for_a_registry_token(quay: FakeQuay) -> None:
    quay.answers(refused("Invalid Username or Password"))
    with pytest.raises(
        NotAuthenticated, match=f"^GET {ORIGIN}/v2/auth: Quay answered 401: Invalid Username or Password$"
    ):
        request_registry_token(quay.client(), BasicAuth("ann", "x"), "x", ["a/b"], ["pull"])


@pytest.mark.parametrize(
    ("username", "claims", "verification"),
    [
        ("ann", {"sub": "ann"}, Verification(Liveness.LIVE, None, "ann")),
        ("acme+ci", {"sub": "acme+ci"}, Verification(Liveness.LIVE, None, "acme+ci")),
        ("$oauthtoken", {"sub": "ann", "context": OAUTH_CONTEXT}, Verification(Liveness.LIVE, UUID, "ann")),
    ],
)
def test_live_secret(quay: FakeQuay, username: str, claims: dict[str, Any], verification: Verification) -> None:
    """One request, with the secret itself and with a scope, so that Quay logs no login."""
    quay.answers(ok({"token": registry_token(**claims)}))
    client = quay.client(BearerAuth("another"))
    assert verify_secret(client, username, "s3cret", "acme") == verification
    assert verification.live
    target = "/v2/auth?service=quay.example.com&scope=repository%3Aacme%2Fcredential-proof%3Apull"
    assert quay.requests == [Request("GET", target, basic(username, "s3cret"))]


@pytest.mark.parametrize(
    ("message", "liveness"),
    [
        ("OAuth access token has expired", Liveness.EXPIRED),
        ("OAuth access token could not be validated", Liveness.INVALID),
        ("Could not find robot with username: acme+ci and supplied password.", Liveness.INVALID),
        ("Could not find robot with specified username", Liveness.INVALID),
        ("Invalid Username or Password", Liveness.INVALID),
        ("Invalid token", Liveness.INVALID),
    ],
)
def test_invalid_secret(quay: FakeQuay, message: str, liveness: Liveness) -> None:
    quay.answers(refused(message))
    verification = verify_secret(quay.client(), "$oauthtoken", "s3cret", "acme")
    assert verification == Verification(liveness)
    assert not verification.live


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (page(401), NotAuthenticated),
        (ok({"message": "who are you?"}, 401), NotAuthenticated),
        (ok({"errors": [{"code": "NAME_INVALID", "message": "bad"}]}, 400), ApiError),
        (page(429), RateLimited),
        (page(500), ApiError),
        (page(200), UnexpectedResponse),
        (ReadTimeout(), TransportError),
    ],
)
def test_failure_says_nothing_about_the_secret(quay: FakeQuay, reply: Reply, kind: type[Exception]) -> None:
    """After a proxy's 401, or no response, the secret may be valid. It must not be replaced."""
    quay.answers(reply)
    with pytest.raises(kind):
        verify_secret(quay.client(retries=0), "$oauthtoken", "s3cret", "acme")


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        (BearerAuth("s3cret"), basic("$oauthtoken", "s3cret")),
        (SessionAuth("ann", "s3cret"), basic("ann", "s3cret")),
    ],
    ids=["bearer", "session"],
)
def test_authenticated_user(quay: FakeQuay, auth: Auth, headers: dict[str, str]) -> None:
    quay.answers(ok({"token": registry_token(sub="ann")}))
    assert authenticated_user(quay.client(auth)) == "ann"
    target = "/v2/auth?service=quay.example.com&scope=repository%3Acredential-proof%2Fcredential-proof%3Apull"
    assert quay.requests == [Request("GET", target, headers)]


def test_authenticated_user_of_an_invalid_login(quay: FakeQuay) -> None:
    quay.answers(refused("OAuth access token could not be validated"))
    assert authenticated_user(quay.client(BearerAuth("s3cret"))) is None


def test_representation_hides_the_token() -> None:
    token = registry_token()
    assert token not in repr(parse_registry_token(token))
