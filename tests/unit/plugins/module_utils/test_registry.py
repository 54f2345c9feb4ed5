# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry tokens: asking for them, reading them, and proving secrets by them."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from typing import Any

import pytest
from requests.exceptions import ReadTimeout

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import (
    ApiError,
    NotAuthenticated,
    RateLimited,
    TransportFailure,
    UnexpectedAnswer,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._login import (
    BasicLogin,
    BearerLogin,
    Login,
    SessionLogin,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._registry import (
    Liveness,
    Proof,
    prove,
    read_grant,
    request_grant,
    user_of_login,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    COMMON,
    FakeQuay,
    Reply,
    Request,
    ok,
    page,
    refused,
    registry_token,
)

ISSUED = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)
ENDS = datetime(2026, 1, 31, 13, 0, 0, tzinfo=timezone.utc)
UUID = "6e3a1d0c-2f5b-4a4e-9d53-0c1f2b3a4d5e"
OF_OAUTH = {"version": 2, "entity_kind": "oauthtoken", "entity_reference": UUID, "kind": "oauth", "user": "ann"}


def basic(username: str, secret: str) -> dict[str, str]:
    pair = base64.b64encode(f"{username}:{secret}".encode()).decode()
    return {**COMMON, "Authorization": f"Basic {pair}"}


def encoded(claims: Any) -> str:
    return "h." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".s"


def test_grant_is_read() -> None:
    access = [
        {"type": "repository", "name": "acme/app", "actions": ["push", "pull"]},
        {"type": "repository", "name": "acme/none", "actions": []},
    ]
    token = registry_token(sub="acme+ci", access=access)
    grant = read_grant(token)
    assert grant is not None
    assert grant.token == token
    assert (grant.issued_at, grant.expires_at) == (ISSUED, ENDS)
    assert grant.access == {"acme/app": ("push", "pull"), "acme/none": ()}
    assert (grant.subject, grant.oauth_uuid) == ("acme+ci", None)


def test_grant_of_an_oauth_token_tells_which() -> None:
    grant = read_grant(registry_token(context=OF_OAUTH))
    assert grant is not None
    assert grant.oauth_uuid == UUID


@pytest.mark.parametrize("kind", ["user", "robot", "appspecifictoken", "anonymous"])
def test_grant_of_other_logins_names_no_uuid(kind: str) -> None:
    grant = read_grant(registry_token(context={"entity_kind": kind, "entity_reference": UUID}))
    assert grant is not None
    assert grant.oauth_uuid is None


@pytest.mark.parametrize("claims", [{"access": None}, {"context": None}, {"sub": None}, {"iat": 1769860800.9}])
def test_grant_that_says_little(claims: dict[str, Any]) -> None:
    grant = read_grant(registry_token(**claims))
    assert grant is not None
    assert grant.access == {}
    assert grant.issued_at.replace(microsecond=0) == ISSUED


WRONG_TOKENS = {
    "empty": "",
    "no parts": "abc",
    "two parts": "a.b",
    "four parts": registry_token() + ".x",
    "no base64": "a.é.c",
    "cut base64": "a.b.c",
    "no JSON": "a." + base64.urlsafe_b64encode(b"text").decode() + ".c",
    "no UTF-8": "a." + base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode() + ".c",
    "a list": encoded([]),
    "a text": encoded("x"),
    "no times": encoded({"sub": "ann"}),
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


@pytest.mark.parametrize("name", WRONG_TOKENS)
def test_no_grant(name: str) -> None:
    assert read_grant(WRONG_TOKENS[name]) is None


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
def test_missing_rights(repositories: list[str], actions: list[str], missing: list[str]) -> None:
    rights = {"acme/app": ["push", "pull"], "acme/read": ["pull"], "acme/none": []}
    grant = read_grant(registry_token(access=[{"name": name, "actions": acts} for name, acts in rights.items()]))
    assert grant is not None
    assert grant.missing(repositories, actions) == missing


def test_request_for_a_grant(quay: FakeQuay) -> None:
    token = registry_token(sub="acme+ci")
    quay.answers(ok({"token": token}))
    login = BasicLogin("acme+ci", "s3cret")
    grant = request_grant(quay.client(), login, "quay.example.com:8443", ["acme/app", "acme/lib"], ["pull", "push"])
    assert grant.token == token
    target = (
        "/v2/auth?service=quay.example.com%3A8443"
        "&scope=repository%3Aacme%2Fapp%3Apull%2Cpush&scope=repository%3Aacme%2Flib%3Apull%2Cpush"
    )
    assert quay.requests == [Request("GET", target, basic("acme+ci", "s3cret"))]


@pytest.mark.parametrize("body", [{}, {"token": None}, {"token": "abc"}, {"access_token": registry_token()}])
def test_answer_without_a_grant(quay: FakeQuay, body: dict[str, Any]) -> None:
    quay.answers(ok(body))
    with pytest.raises(UnexpectedAnswer, match="^GET /v2/auth: the answer holds no registry token that can be read$"):
        request_grant(quay.client(), Login(), "x", ["a/b"], ["pull"])


def test_grant_that_is_refused(quay: FakeQuay) -> None:
    quay.answers(refused("Invalid Username or Password"))
    with pytest.raises(NotAuthenticated, match="^GET /v2/auth: Quay answered 401: Invalid Username or Password$"):
        request_grant(quay.client(), BasicLogin("ann", "x"), "x", ["a/b"], ["pull"])


@pytest.mark.parametrize(
    ("username", "claims", "proof"),
    [
        ("ann", {"sub": "ann"}, Proof(Liveness.LIVE, None, "ann")),
        ("acme+ci", {"sub": "acme+ci"}, Proof(Liveness.LIVE, None, "acme+ci")),
        ("$oauthtoken", {"sub": "ann", "context": OF_OAUTH}, Proof(Liveness.LIVE, UUID, "ann")),
    ],
)
def test_proof_of_a_live_secret(quay: FakeQuay, username: str, claims: dict[str, Any], proof: Proof) -> None:
    """One request, by the secret itself and with a scope, so that no login is logged."""
    quay.answers(ok({"token": registry_token(**claims)}))
    client = quay.client(BearerLogin("another"))
    assert prove(client, username, "s3cret", "acme") == proof
    assert proof.live
    target = "/v2/auth?service=quay.example.com&scope=repository%3Aacme%2Fcredential-proof%3Apull"
    assert quay.requests == [Request("GET", target, basic(username, "s3cret"))]


@pytest.mark.parametrize(
    ("words", "liveness"),
    [
        ("OAuth access token has expired", Liveness.EXPIRED),
        ("OAuth access token could not be validated", Liveness.INVALID),
        ("Could not find robot with username: acme+ci and supplied password.", Liveness.INVALID),
        ("Could not find robot with specified username", Liveness.INVALID),
        ("Invalid Username or Password", Liveness.INVALID),
        ("Invalid token", Liveness.INVALID),
    ],
)
def test_proof_of_a_dead_secret(quay: FakeQuay, words: str, liveness: Liveness) -> None:
    quay.answers(refused(words))
    proof = prove(quay.client(), "$oauthtoken", "s3cret", "acme")
    assert proof == Proof(liveness)
    assert not proof.live


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (page(401), NotAuthenticated),
        (ok({"message": "who are you?"}, 401), NotAuthenticated),
        (ok({"errors": [{"code": "NAME_INVALID", "message": "bad"}]}, 400), ApiError),
        (page(429), RateLimited),
        (page(500), ApiError),
        (page(200), UnexpectedAnswer),
        (ReadTimeout(), TransportFailure),
    ],
)
def test_proof_that_quay_did_not_give(quay: FakeQuay, reply: Reply, kind: type[Exception]) -> None:
    """A proxy's 401, or no answer, says nothing about the secret: nobody may replace it for that."""
    quay.answers(reply)
    with pytest.raises(kind):
        prove(quay.client(retries=0), "$oauthtoken", "s3cret", "acme")


@pytest.mark.parametrize(
    ("login", "headers"),
    [
        (BearerLogin("s3cret"), basic("$oauthtoken", "s3cret")),
        (SessionLogin("ann", "s3cret"), basic("ann", "s3cret")),
    ],
    ids=["bearer", "session"],
)
def test_user_of_a_login(quay: FakeQuay, login: Login, headers: dict[str, str]) -> None:
    quay.answers(ok({"token": registry_token(sub="ann")}))
    assert user_of_login(quay.client(login)) == "ann"
    target = "/v2/auth?service=quay.example.com&scope=repository%3Acredential-proof%2Fcredential-proof%3Apull"
    assert quay.requests == [Request("GET", target, headers)]


def test_no_user_of_a_dead_login(quay: FakeQuay) -> None:
    quay.answers(refused("OAuth access token could not be validated"))
    assert user_of_login(quay.client(BearerLogin("s3cret"))) is None


def test_no_secret_is_shown() -> None:
    token = registry_token()
    assert token not in repr(read_grant(token))
