# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assigned tokens: which assignment is accepted, whose token is stored, and what is known after a lost response."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Callable, Sequence

import pytest
from requests.exceptions import ReadTimeout

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, RefusedCredential
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.assigned_token_issuer import (
    AssignedTokenIssuer,
    NoAssignment,
    choose_assignment,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.desired_token import DesiredToken
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.evaluation import Observation
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.oauth import LONGEST_LIFETIME, Assignment
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import ORIGIN, FakeQuay, Reply, empty, ok, page
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import verified
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
CLIENT_ID = "ABCDEFGHIJKLMNOPQRST"
OTHER = "X" * 20
READ, WRITE = ("repo:read",), ("repo:write",)
PAGE = f"{ORIGIN}/oauth/localapp"
CONFIG = ok({"config": {"SERVER_HOSTNAME": "quay.example.com", "PREFERRED_URL_SCHEME": "https"}})
SIGN_IN = [ok({"csrf_token": "csrf-1"}), ok({"success": True})]
REDIRECT = empty(302, Location=f"{PAGE}#access_token=new-t0ken&token_type=Bearer")
AUTHORIZE = ("POST", "/oauth/authorizeapp")
DESIRED = DesiredToken("acme", CLIENT_ID, "ci", list(READ), None)


def assignment(uuid: str, scopes: Sequence[str] = READ, client_id: str = CLIENT_ID) -> Assignment:
    return Assignment(uuid, client_id, PAGE, tuple(scopes), "ci", "acme")


def assigned(*items: Assignment) -> Reply:
    return ok(
        {
            "authorizations": [
                {
                    "uuid": item.uuid,
                    "application": {"clientId": item.client_id, "name": "ci", "organization": {"name": "acme"}},
                    "redirectUri": item.redirect_uri,
                    "scopes": [{"scope": scope} for scope in item.scopes],
                }
                for item in items
            ]
        }
    )


def own_tokens(*uuids: str, application: str = "ci", organization: str = "acme") -> Reply:
    located = {"name": application, "organization": {"name": organization}}
    return ok(
        {
            "authorizations": [
                {"uuid": uuid, "application": located, "scopes": [{"scope": "repo:read"}]} for uuid in uuids
            ]
        }
    )


def is_token(uuid: str) -> Reply:
    return verified(context={"entity_kind": "oauthtoken", "entity_reference": uuid}, sub="bob")


Issuers = Callable[..., AssignedTokenIssuer]


@pytest.fixture
def make(quay: FakeQuay, clock: datetime) -> Issuers:
    """Makes an issuer for the user bob."""
    assert clock == NOW

    def issuer(warnings: list[str] | None = None, **options: Any) -> AssignedTokenIssuer:
        context = module_context(quay, warnings, auth=SessionAuth("bob", "s3cret"))
        return AssignedTokenIssuer(context, DESIRED, **{"application": "ci", **options})

    return issuer


# --- the choice


@pytest.mark.parametrize(
    ("scopes", "uuid", "chosen"),
    [
        (READ, None, "read"),
        (("repo:write", "repo:read"), None, "both"),
        (None, "both", "both"),
        (READ, "read", "read"),
        (None, "of another application", None),
        (READ, "unknown", None),
    ],
)
def test_choice(scopes: Sequence[str] | None, uuid: str | None, chosen: str | None) -> None:
    pending = [
        assignment("of another application", client_id=OTHER),
        assignment("both", ("repo:read", "repo:write")),
        assignment("read"),
        assignment("read again"),
    ]
    found = choose_assignment(pending, CLIENT_ID, scopes, uuid)
    assert (found.uuid if found else None) == chosen


def test_choice_of_any_scopes() -> None:
    found = choose_assignment([assignment("a", WRITE), assignment("b", WRITE)], CLIENT_ID, None)
    assert found is not None
    assert found.uuid == "a"
    with pytest.raises(BadInput) as caught:
        choose_assignment([assignment("a", WRITE), assignment("b"), assignment("c", ())], CLIENT_ID, None)
    assert str(caught.value) == (
        "Tokens with different scopes are assigned: a has repo:write; b has repo:read. Select one by scopes or uuid"
    )


def test_choice_of_scopes_that_do_not_exist() -> None:
    with pytest.raises(NoAssignment, match="^What is assigned has no scopes that Quay knows: a has none. Set scopes"):
        choose_assignment([assignment("a", ())], CLIENT_ID, None)


@pytest.mark.parametrize("uuid", [None, "a"])
def test_choice_of_other_scopes(uuid: str | None) -> None:
    with pytest.raises(NoAssignment) as caught:
        choose_assignment([assignment("a", WRITE)], CLIENT_ID, READ, uuid)
    assert str(caught.value) == (
        "What is assigned has other scopes than repo:read: a has repo:write. Set scopes to what is assigned or leave "
        "it out, or let an administrator of the organization assign a token with the scopes that are needed"
    )


# --- observe


def test_own_token(quay: FakeQuay, make: Issuers) -> None:
    warnings: list[str] = []
    quay.answers(is_token("present"), *SIGN_IN, own_tokens("present", "other"))
    observation = make(warnings).observe([StoredSecret("t0ken")])
    assert (observation.state.secret, observation.credential.uuid) == ("valid", "present")
    assert warnings == []


@pytest.mark.parametrize(
    ("own", "options"),
    [
        (own_tokens("other"), {}),
        (own_tokens("present", application="console"), {}),
        (own_tokens("present", organization="rival"), {}),
        (own_tokens("present", organization="rival"), {"application": None}),
    ],
)
def test_token_of_others(quay: FakeQuay, make: Issuers, own: Reply, options: dict[str, Any]) -> None:
    """It does not count as the user's token, and nothing says that the run may revoke it."""
    warnings: list[str] = []
    quay.answers(is_token("present"), *SIGN_IN, own)
    issuer = make(warnings, **options)
    observation = issuer.observe([StoredSecret("t0ken")])
    assert (observation.state.exists, observation.state.secret) == (True, "invalid")
    credential = observation.credential
    assert (credential.uuid, credential.secret, credential.superseded) == (None, None, ())
    assert issuer.foreign == ["present"]
    assert warnings == [
        "The stored token present is valid, but it belongs to another user or another application. It is not revoked."
    ]


# --- accept


def nothing(make: Issuers) -> tuple[AssignedTokenIssuer, Observation]:
    issuer = make()
    return issuer, issuer.observe([])


def test_accept(quay: FakeQuay, make: Issuers) -> None:
    issuer, observation = nothing(make)
    quay.answers(CONFIG, *SIGN_IN, assigned(assignment("x", client_id=OTHER), assignment("a")), own_tokens())
    prepared = issuer.prepare(observation)
    assert (prepared.desired, issuer.assignment) == ({"scopes": ["repo:read"]}, "a")
    assert prepared.extra_diff == {"assignment": ("pending", "accepted")}
    quay.answers(REDIRECT, is_token("new"))
    credential = issuer.mint(prepared).credential
    assert (credential.secret, credential.uuid, credential.expires_at) == ("new-t0ken", "new", NOW + LONGEST_LIFETIME)
    assert quay.requests[-2].body == {
        "response_type": "token",
        "client_id": CLIENT_ID,
        "redirect_uri": PAGE,
        "scope": "repo:read",
        "assignment_uuid": "a",
    }


def test_scopes_that_were_assigned(quay: FakeQuay, make: Issuers) -> None:
    issuer = make(any_scopes=True)
    quay.answers(CONFIG, *SIGN_IN, assigned(assignment("a", WRITE)), own_tokens())
    assert issuer.prepare(issuer.observe([])).desired == {"scopes": ["repo:write"]}


@pytest.mark.parametrize(
    ("own", "hint"),
    [
        (own_tokens("elsewhere", application="console"), ""),
        (
            own_tokens("lost"),
            ". The user has tokens of this application that the task does not hold (lost). If an interrupted run "
            "accepted one of them, its secret is lost. Then revoke it with quay_assigned_token, state=absent and uuid",
        ),
    ],
)
def test_nothing_assigned(quay: FakeQuay, make: Issuers, own: Reply, hint: str) -> None:
    issuer, observation = nothing(make)
    quay.answers(CONFIG, *SIGN_IN, assigned(assignment("x", client_id=OTHER)), own)
    with pytest.raises(NoAssignment) as caught:
        issuer.prepare(observation)
    assert str(caught.value) == (
        f"No token of the application {CLIENT_ID} is assigned to the signed-in user. An administrator of the "
        f"organization acme assigns one with quay_assigned_token{hint}"
    )
    assert caught.value.observation == observation
    assert issuer.assignment is None


def prepared_to_accept(quay: FakeQuay, make: Issuers) -> tuple[AssignedTokenIssuer, Observation]:
    issuer, observation = nothing(make)
    quay.answers(CONFIG, *SIGN_IN, assigned(assignment("a")), own_tokens("former"))
    return issuer, issuer.prepare(observation)


@pytest.mark.parametrize("step", [ReadTimeout(), page(500)])
@pytest.mark.parametrize(
    ("then", "words"),
    [
        ([assigned(assignment("a")), own_tokens("former")], "The token is still assigned, and no credential was"),
        ([assigned(), own_tokens("former", "new")], "Quay issued the token new, whose secret is lost, and no"),
        ([assigned(), own_tokens("former")], "Quay issued a token, whose secret is lost, and no"),
        ([page(500)], "It is unknown whether Quay issued the token; its secret would be lost. No credential was"),
    ],
)
def test_lost_response(quay: FakeQuay, make: Issuers, step: Any, then: list[Reply], words: str) -> None:
    """The request is not sent again. Quay shows whether the assignment was used up, and which token is new."""
    issuer, prepared = prepared_to_accept(quay, make)
    quay.answers(step, *then)
    with pytest.raises(RefusedCredential) as caught:
        issuer.mint(prepared)
    message = str(caught.value)
    assert message.startswith(f"POST {ORIGIN}/oauth/authorizeapp: ")
    assert words in message
    assert quay.calls.count(AUTHORIZE) == 1


def test_refusal(quay: FakeQuay, make: Issuers) -> None:
    issuer, prepared = prepared_to_accept(quay, make)
    quay.answers(empty(302, Location=f"{PAGE}?error=unauthorized_client"))
    with pytest.raises(RefusedCredential, match="Quay refused to authorize"):
        issuer.mint(prepared)
