# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API tokens by the flow of the browser: what a stored token is, which others are ours, and how one is issued."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

import pytest
from requests.exceptions import ReadTimeout

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential, Record
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, RefusedCredential
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.browser_token import BrowserTokenIssuer
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.desired_token import DesiredToken
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.evaluation import Observation
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import ObservedState
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.rotation_order import Minted
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import Auth, BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import Forbidden, ReadOnlyRegistry
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.oauth import LONGEST_LIFETIME
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
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
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import FORBIDDEN, verification, verified
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context, stored_secret

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
CLIENT_ID = "ABCDEFGHIJKLMNOPQRST"
SCOPES = ("repo:read", "repo:write")
DESIRED = DesiredToken("acme", CLIENT_ID, "nightly", list(SCOPES), None)
ALONE = replace(DESIRED, own_application="ci")
PAGE = f"{ORIGIN}/oauth/localapp"

CSRF = ok({"csrf_token": "csrf-1"})
SIGN_IN = [CSRF, ok({"success": True})]
SIGN_IN_CALLS = [("GET", "/csrf_token"), ("POST", "/api/v1/signin")]
LIST_CALL = ("GET", "/api/v1/user/authorizations")
CONFIG = ok({"config": {"SERVER_HOSTNAME": "quay.example.com", "PREFERRED_URL_SCHEME": "https"}})


def is_token(uuid: str) -> Reply:
    """The registry's reply to the OAuth token with this uuid."""
    return verified(context={"entity_kind": "oauthtoken", "entity_reference": uuid}, sub="ann")


def own_tokens(*tokens: tuple[str, str, tuple[str, ...]], organization: str = "acme") -> Reply:
    """The signed-in user's tokens: the uuid, the application and the scopes of each."""
    return ok(
        {
            "authorizations": [
                {
                    "uuid": uuid,
                    "application": {"name": application, "organization": {"name": organization}},
                    "scopes": [{"scope": scope} for scope in scopes],
                }
                for uuid, application, scopes in tokens
            ]
        }
    )


Issuers = Callable[..., BrowserTokenIssuer]


@pytest.fixture
def make(quay: FakeQuay, clock: datetime) -> Issuers:
    """Makes an issuer for the user ann, who signs in with a password, or for another login."""
    assert clock == NOW

    def issuer(
        desired: DesiredToken = DESIRED,
        auth: Auth | None = None,
        *,
        warnings: list[str] | None = None,
    ) -> BrowserTokenIssuer:
        context = module_context(quay, warnings, auth=auth or SessionAuth("ann", "s3cret"))
        return BrowserTokenIssuer(context, desired)

    return issuer


def observation(
    secret: str | None,
    uuid: str | None,
    state: str = "valid",
    superseded: tuple[str, ...] = (),
    predecessors: tuple[str, ...] = (),
    *,
    scopes: tuple[str, ...] = SCOPES,
    record: Record | None = None,
) -> Observation:
    """The observation of a stored secret that is the valid token with this uuid, or none."""
    created, expires = (record.created_at, record.expires_at) if record else (None, None)
    return Observation(
        ObservedState(
            exists=secret is not None,
            secret=state,
            scopes_match=scopes == SCOPES,
            created_at=created,
            expires_at=expires,
        ),
        Credential(
            "nightly",
            "$oauthtoken",
            secret if uuid else None,
            uuid,
            created,
            expires,
            None,
            "record" if record else None,
            superseded,
            details={"organization": "acme", "client_id": CLIENT_ID, "scopes": list(scopes)},
        ),
        {"scopes": list(SCOPES)},
        predecessors,
    )


def test_kind_of_issuer() -> None:
    """Quay returns a secret once, so only the stores have it. Their records are not needed."""
    kind = BrowserTokenIssuer
    assert (kind.changes_quay, kind.secret_is_readable, kind.record_required) == (True, False, False)


# --- observe


@pytest.mark.parametrize("stored", [[], [StoredSecret()]])
def test_no_stored_token(quay: FakeQuay, make: Issuers, stored: list[StoredSecret]) -> None:
    """The server gives tokens no names, so that nothing else is ours. Nobody signs in for that."""
    assert make().observe(stored) == observation(None, None, "none")
    assert quay.requests == []


def test_stored_token(quay: FakeQuay, make: Issuers) -> None:
    quay.answers(is_token("present"), *SIGN_IN, own_tokens(("other", "ci", ()), ("present", "ci", SCOPES)))
    assert make().observe([StoredSecret("t0ken")]) == observation("t0ken", "present")
    assert quay.requests[0] == verification("$oauthtoken", "t0ken")
    assert quay.calls[1:] == [*SIGN_IN_CALLS, LIST_CALL]


def test_recorded_token(quay: FakeQuay, make: Issuers) -> None:
    """The list of the user's tokens has no dates. The record of the delivery has them."""
    quay.answers(is_token("present"), *SIGN_IN, own_tokens(("present", "ci", SCOPES)))
    stored = stored_secret("t0ken", created_at=NOW - DAY, expires_at=NOW + DAY)
    assert make().observe([stored]) == observation("t0ken", "present", record=stored.record)


def test_record_of_another_token_does_not_count(quay: FakeQuay, make: Issuers) -> None:
    quay.answers(is_token("present"), *SIGN_IN, own_tokens(("former", "ci", SCOPES), ("present", "ci", SCOPES)))
    stored = replace(stored_secret("another", created_at=NOW - DAY, superseded=("former",)), secret="t0ken")
    assert make().observe([stored]) == observation("t0ken", "present")


def test_stored_token_with_other_scopes(quay: FakeQuay, make: Issuers) -> None:
    quay.answers(is_token("present"), *SIGN_IN, own_tokens(("present", "ci", ("repo:read",))))
    assert make().observe([StoredSecret("t0ken")]) == observation("t0ken", "present", scopes=("repo:read",))


def test_stored_token_of_another_user(quay: FakeQuay, make: Issuers) -> None:
    """It is valid, and its scopes are unknown: they count as the declared ones."""
    quay.answers(is_token("present"), *SIGN_IN, own_tokens())
    assert make().observe([StoredSecret("t0ken")]) == observation("t0ken", "present")


def test_bearer_token_cannot_list_the_tokens_of_its_user(quay: FakeQuay, make: Issuers) -> None:
    quay.answers(is_token("present"))
    stored = stored_secret("t0ken", superseded=("former",))
    found = make(ALONE, BearerAuth("login")).observe([stored])
    assert found == observation("t0ken", "present", record=stored.record)
    assert len(quay.requests) == 1


@pytest.mark.parametrize(("reply", "state"), [(refused(), "invalid"), (refused("Token has expired"), "expired")])
def test_token_that_quay_does_not_accept(quay: FakeQuay, make: Issuers, reply: Reply, state: str) -> None:
    quay.answers(reply)
    stored = stored_secret("t0ken", created_at=NOW - DAY, expires_at=NOW)
    assert make().observe([stored]) == observation("t0ken", None, state, record=stored.record)
    assert len(quay.requests) == 1


def test_recorded_predecessors_that_are_valid(quay: FakeQuay, make: Issuers) -> None:
    """Those that the list does not have were revoked already."""
    quay.answers(is_token("present"), *SIGN_IN, own_tokens(("former", "ci", ()), ("present", "ci", SCOPES)))
    stored = stored_secret("t0ken", superseded=("gone", "former"))
    assert make().observe([stored]) == observation(
        "t0ken", "present", "valid", ("former",), ("former",), record=stored.record
    )


def test_own_application(quay: FakeQuay, make: Issuers) -> None:
    """All other tokens of the user in it are ours. Of these, consumers may use the recorded ones."""
    quay.answers(
        is_token("present"),
        *SIGN_IN,
        own_tokens(("lost", "ci", ()), ("present", "ci", SCOPES), ("former", "ci", ()), ("elsewhere", "other", ())),
    )
    stored = stored_secret("t0ken", superseded=("former",))
    assert make(ALONE).observe([stored]) == observation(
        "t0ken", "present", "valid", ("former", "lost"), ("former",), record=stored.record
    )
    assert quay.calls.count(LIST_CALL) == 1


def test_own_application_without_a_stored_token(quay: FakeQuay, make: Issuers) -> None:
    quay.answers(*SIGN_IN, own_tokens(("lost", "ci", ()), ("elsewhere", "other", ())))
    assert make(ALONE).observe([]) == observation(None, None, "none", ("lost",))


def test_application_of_the_same_name_in_another_organization(quay: FakeQuay, make: Issuers) -> None:
    quay.answers(*SIGN_IN, own_tokens(("elsewhere", "ci", ()), organization="other"))
    assert make(ALONE).observe([]) == observation(None, None, "none")


def test_stores_with_different_tokens(quay: FakeQuay, make: Issuers) -> None:
    """The newest one that Quay accepts is the present one, and the others are superseded."""
    quay.answers(
        refused(),
        is_token("second"),
        *SIGN_IN,
        own_tokens(("first", "ci", ()), ("second", "ci", ())),
        is_token("first"),
    )
    stored = [
        stored_secret("t0ken of first", created_at=NOW - DAY, superseded=("second",)),
        stored_secret("t0ken of second", created_at=NOW - 2 * DAY),
        stored_secret("invalid", created_at=NOW),
    ]
    assert make(replace(DESIRED, scopes=[])).observe(stored) == replace(
        observation("t0ken of first", "first", "valid", ("second",), ("second",), record=stored[0].record),
        state=ObservedState(exists=True, created_at=NOW - DAY),
        credential=Credential(
            "nightly",
            "$oauthtoken",
            "t0ken of first",
            "first",
            NOW - DAY,
            age_source="record",
            superseded=("second",),
            details={"organization": "acme", "client_id": CLIENT_ID, "scopes": []},
        ),
        desired={"scopes": []},
    )
    assert quay.calls.count(LIST_CALL) == 1


@pytest.mark.parametrize("order", ["first", "last"])
def test_tokens_that_were_issued_in_the_same_second(quay: FakeQuay, make: Issuers, order: str) -> None:
    """The record of the newer one names the older one. The present token is never among those to revoke."""
    new = stored_secret("t0ken of new", uuid="new", created_at=NOW, superseded=("old",))
    old = stored_secret("t0ken of old", uuid="old", created_at=NOW)
    stored = [new, old] if order == "first" else [old, new]
    is_last, is_first = (is_token(uuid) for uuid in (("old", "new") if order == "first" else ("new", "old")))
    listed = own_tokens(("old", "ci", SCOPES), ("new", "ci", SCOPES))
    quay.answers(is_last, *SIGN_IN, listed, is_first)
    observed = make().observe(stored)
    assert observed == observation("t0ken of new", "new", "valid", ("old",), ("old",), record=new.record)


def test_present_token_is_not_superseded(quay: FakeQuay, make: Issuers) -> None:
    """Each of two interrupted runs recorded that it replaced the token of the other one."""
    first = stored_secret("t0ken of first", created_at=NOW, superseded=("second",))
    second = stored_secret("t0ken of second", created_at=NOW, superseded=("first",))
    listed = own_tokens(("first", "ci", SCOPES), ("second", "ci", SCOPES))
    quay.answers(is_token("second"), *SIGN_IN, listed, is_token("first"))
    credential = make().observe([first, second]).credential
    assert (credential.uuid, credential.superseded) == ("second", ("first",))


@pytest.mark.parametrize("limits_age", [False, True])
@pytest.mark.parametrize("lifetime", [None, 90 * DAY])
def test_lifetime_has_no_effect(quay: FakeQuay, make: Issuers, lifetime: timedelta | None, limits_age: bool) -> None:
    """Quay 3.17 ignores it. A token of ten years would surprise whoever declared 90 days."""
    quay.answers(*SIGN_IN, own_tokens())
    warnings: list[str] = []
    make(replace(ALONE, lifetime=lifetime, limits_age=limits_age), warnings=warnings).observe([])
    remedy = "max_age replaces and revokes" if limits_age else "Set max_age to replace and revoke"
    expected = (
        "lifetime has no effect: this server (Quay 3.17 and older) issues every token for ten years. "
        f"{remedy} the token at that age."
    )
    assert warnings == ([expected] if lifetime else [])


def test_present_token_is_never_superseded(quay: FakeQuay, make: Issuers) -> None:
    """Another store's record names it, because that store holds an older state."""
    listed = own_tokens(("first", "ci", SCOPES), ("second", "ci", SCOPES))
    quay.answers(refused(), is_token("first"), *SIGN_IN, listed)
    stored = [
        stored_secret("t0ken of first", created_at=NOW - DAY, superseded=("second",)),
        stored_secret("invalid", superseded=("first",)),
    ]
    found = make().observe(stored)
    assert (found.credential.uuid, found.credential.superseded, found.predecessors) == (
        "first",
        ("second",),
        ("second",),
    )


def test_list_that_cannot_be_read(quay: FakeQuay, make: Issuers) -> None:
    quay.answers(is_token("present"), *SIGN_IN, FORBIDDEN)
    with pytest.raises(Forbidden):
        make().observe([StoredSecret("t0ken")])


# --- prepare


def test_prepare(quay: FakeQuay, make: Issuers) -> None:
    quay.answers(CONFIG)
    observed = observation(None, None, "none")
    assert make().prepare(observed) is observed
    assert quay.calls == [("GET", "/config")]


def test_prepare_with_a_bearer_token(quay: FakeQuay, make: Issuers) -> None:
    with pytest.raises(BadInput) as caught:
        make(auth=BearerAuth("login")).prepare(observation(None, None, "none"))
    assert str(caught.value) == (
        "This server has no application-token endpoints (Quay 3.18 and later), so it issues OAuth tokens only to a "
        "signed-in user: give quay_username and quay_password of an administrator of the organization"
    )
    assert quay.requests == []


@pytest.mark.parametrize("username", ["acme+ci", "$app"])
def test_prepare_as_a_user_of_the_registry(quay: FakeQuay, make: Issuers, username: str) -> None:
    with pytest.raises(BadInput, match="which can log in to the registry only, not to the API"):
        make(auth=SessionAuth(username, "s3cret")).prepare(observation(None, None, "none"))
    assert quay.requests == []


def test_prepare_in_a_read_only_registry(quay: FakeQuay, make: Issuers) -> None:
    quay.answers(ok({"registry_state": "readonly"}))
    with pytest.raises(ReadOnlyRegistry) as caught:
        make().prepare(observation(None, None, "none"))
    assert str(caught.value) == (f"POST {ORIGIN}/oauth/authorizeapp: the registry is read-only; nothing was changed")


# --- mint and retire

REDIRECT = empty(302, Location=f"{PAGE}#access_token=new-t0ken&token_type=Bearer")
FORM = {
    "response_type": "token",
    "client_id": CLIENT_ID,
    "redirect_uri": PAGE,
    "scope": "repo:read repo:write",
}
NEW = Credential(
    "nightly",
    "$oauthtoken",
    "new-t0ken",
    "new",
    NOW,
    NOW + LONGEST_LIFETIME,
    None,
    "mint",
    details=DESIRED.details(SCOPES),
)


@pytest.mark.parametrize(
    ("observed", "existed", "superseded"),
    [
        (observation(None, None, "none"), False, ()),
        (observation("t0ken", "present", "valid", ("lost",)), True, ("lost", "present")),
        (observation("t0ken", None, "invalid", ("lost",)), True, ("lost",)),
    ],
)
def test_mint(quay: FakeQuay, make: Issuers, observed: Observation, existed: bool, superseded: tuple[str, ...]) -> None:
    """HTTP Basic is enough, so that the user is not signed in. The new token is used once, which shows its uuid."""
    quay.answers(CONFIG, CSRF, REDIRECT, is_token("new"))
    assert make().mint(observed) == Minted(replace(NEW, superseded=superseded), existed)
    assert quay.calls[:3] == [("GET", "/config"), ("GET", "/csrf_token"), ("POST", "/oauth/authorizeapp")]
    assert quay.requests[2].body == FORM
    assert quay.requests[2].headers["Authorization"].startswith("Basic ")
    assert quay.requests[3] == verification("$oauthtoken", "new-t0ken")


def test_mint_in_a_session(quay: FakeQuay, make: Issuers) -> None:
    """The user is signed in already, because the list of tokens needed it."""
    quay.answers(*SIGN_IN, own_tokens(), CONFIG, REDIRECT, is_token("new"))
    issuer = make(ALONE)
    assert issuer.mint(issuer.observe([])) == Minted(NEW, existed=False)
    assert quay.calls[3:5] == [("GET", "/config"), ("POST", "/oauth/authorizeapp")]
    assert "Authorization" not in quay.requests[4].headers


@pytest.mark.parametrize(
    ("desired", "remedy"),
    [
        (ALONE, "a token that was issued is then found in the credential's own application and revoked"),
        (
            DESIRED,
            "a token that was issued has no name on this server and is not touched, because it may belong to somebody "
            "else: look for it among the user's authorized applications, or give the credential an application of its "
            "own and set owns_application",
        ),
    ],
)
@pytest.mark.parametrize("step", [ReadTimeout(), page(500), empty(302, Location=f"{PAGE}#token_type=Bearer")])
def test_mint_with_a_lost_response(
    quay: FakeQuay, make: Issuers, step: Any, desired: DesiredToken, remedy: str
) -> None:
    """It is not repeated: each request may issue a token."""
    quay.answers(CONFIG, CSRF, step)
    with pytest.raises(RefusedCredential) as caught:
        make(desired).mint(observation(None, None, "none"))
    message = str(caught.value)
    assert message.startswith(f"POST {ORIGIN}/oauth/authorizeapp: ")
    assert message.endswith(
        ". It is unknown whether Quay issued the token; its secret would be lost. No credential was replaced. Run the "
        f"task again; {remedy}"
    )
    assert len(quay.requests) == 3


def test_mint_that_is_refused(quay: FakeQuay, make: Issuers) -> None:
    quay.answers(CONFIG, CSRF, empty(302, Location=f"{PAGE}?error=access_denied"))
    with pytest.raises(RefusedCredential) as caught:
        make().mint(observation(None, None, "none"))
    assert str(caught.value) == (
        f"POST {ORIGIN}/oauth/authorizeapp: Quay refused to authorize: the user may not have one of the scopes. Check "
        "scopes, or use another login"
    )


def test_mint_of_a_token_that_quay_does_not_accept(quay: FakeQuay, make: Issuers) -> None:
    quay.answers(CONFIG, CSRF, REDIRECT, refused())
    with pytest.raises(RefusedCredential, match="^Quay does not accept the new token at /v2/auth, so it was not del"):
        make().mint(observation(None, None, "none"))


@pytest.mark.parametrize("reply", [empty(), error(404, "Not Found", "not_found")])
def test_retire(quay: FakeQuay, make: Issuers, reply: Reply) -> None:
    """A token that somebody else revoked is no error."""
    quay.answers(reply)
    make(auth=BearerAuth("login")).retire("former")
    assert quay.calls == [("DELETE", "/api/v1/user/authorizations/former")]
