# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API tokens by the application-token endpoints: which listed token a store holds, and what else is ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from requests.exceptions import ReadTimeout

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, RefusedCredential
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.application_token import (
    ApplicationTokenIssuer,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.desired_token import DesiredToken
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.evaluation import Observation
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import ObservedState
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.rotation_order import Minted
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import ApiError, Forbidden, ReadOnlyRegistry
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.oauth import AccessToken
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
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
    refused,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import FORBIDDEN, verification, verified
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context, stored_secret

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
CLIENT_ID = "ABCDEFGHIJKLMNOPQRST"
TOKENS = f"/api/v1/organization/acme/applications/{CLIENT_ID}/tokens"
SCOPES = ("repo:read", "repo:write")
DESIRED = DesiredToken("acme", CLIENT_ID, "nightly", list(SCOPES), timedelta(days=90))
NOT_ACCEPTED = refused()
EXPIRED = refused("Token has expired")


def token(uuid: str, age: timedelta = 10 * DAY, **more: Any) -> AccessToken:
    """A listed token of the declared name and of the user ann, without its secret."""
    fields: dict[str, Any] = {"name": "nightly", "scopes": SCOPES, "created_by": "ann", "last_accessed": NOW - DAY}
    times = {"created_at": NOW - age, "expires_at": NOW - age + 90 * DAY}
    return AccessToken(uuid, **{**fields, **times, **more})


PRESENT = token("present")


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def context(quay: FakeQuay, clock: datetime, warnings: list[str]) -> ModuleContext:
    assert clock == NOW
    return module_context(quay, warnings, auth=BearerAuth("login"))


def is_token(uuid: str) -> Reply:
    """The registry's reply to the OAuth token with this uuid."""
    return verified(context={"entity_kind": "oauthtoken", "entity_reference": uuid}, sub="ann")


def recorded(secret: str, uuid: str | None, *superseded: str, expires: datetime | None = None) -> StoredSecret:
    return stored_secret(secret, uuid=uuid, superseded=superseded, expires_at=expires)


def observe(
    context: ModuleContext, listed: list[AccessToken], stored: list[StoredSecret], desired: DesiredToken = DESIRED
) -> Observation:
    return ApplicationTokenIssuer(context, desired, listed).observe(stored)


def observation(
    secret: str | None,
    found: AccessToken | None,
    state: str = "valid",
    superseded: tuple[str, ...] = (),
    predecessors: tuple[str, ...] = (),
    *,
    scopes_match: bool = True,
    by_record: bool = False,
) -> Observation:
    """The observation of a stored secret that is this listed token, or none."""
    created, expires = (found.created_at, found.expires_at) if found else (None, None)
    return Observation(
        ObservedState(
            exists=secret is not None,
            secret=state,
            scopes_match=scopes_match,
            created_at=created,
            expires_at=expires,
        ),
        Credential(
            "nightly",
            "$oauthtoken",
            secret if found else None,
            found.uuid if found else None,
            created,
            expires,
            found.last_accessed if found else None,
            "quay" if found else None,
            superseded,
            details={
                "organization": "acme",
                "client_id": CLIENT_ID,
                "scopes": list(found.scopes if found else SCOPES),
            },
        ),
        {"scopes": list(SCOPES)},
        predecessors,
        by_record,
    )


def test_kind_of_issuer() -> None:
    """Quay returns a secret once, so only the stores have it. Their records are not needed."""
    kind = ApplicationTokenIssuer
    assert (kind.changes_quay, kind.secret_is_readable, kind.record_required) == (True, False, False)


# --- nothing is stored


@pytest.mark.parametrize("stored", [[], [StoredSecret()]])
def test_no_stored_token(quay: FakeQuay, context: ModuleContext, stored: list[StoredSecret]) -> None:
    assert observe(context, [], stored) == observation(None, None, "none")
    assert quay.requests == []


def test_tokens_of_the_same_name_without_a_stored_token(quay: FakeQuay, context: ModuleContext) -> None:
    """Earlier runs of our user left them. Quay says at /v2/auth who our user is."""
    listed = [
        token("a"),
        token("b", name="other"),
        token("c", name=None),
        token("d", created_by="bob"),
        token("e", created_by=None),
        token("f"),
    ]
    quay.answers(verified(sub="ann"))
    assert observe(context, listed, []) == observation(None, None, "none", ("a", "f"))
    assert quay.requests == [verification("$oauthtoken", "login", "credential-proof")]


def test_tokens_of_the_default_name_are_not_ours(quay: FakeQuay, context: ModuleContext) -> None:
    """The task does not give the name, so that other tasks may use it, too."""
    assert observe(context, [token("a")], [], replace(DESIRED, named=False)) == observation(None, None, "none")
    assert quay.requests == []


# --- a recorded token


def test_recorded_token(quay: FakeQuay, context: ModuleContext) -> None:
    """The list shows whether it is valid, so no request is needed."""
    assert observe(context, [token("other", name="x"), PRESENT], [recorded("s3cret", "present")]) == observation(
        "s3cret", PRESENT, by_record=True
    )
    assert quay.requests == []


@pytest.mark.parametrize(
    ("expires", "state"),
    [
        (None, "invalid"),
        (NOW + timedelta(seconds=1), "invalid"),
        (NOW, "expired"),
        (NOW - DAY, "expired"),
    ],
)
def test_recorded_token_that_is_not_listed(
    quay: FakeQuay, context: ModuleContext, expires: datetime | None, state: str
) -> None:
    """Quay lists valid tokens only. The record shows whether this one expired or was revoked."""
    stored = [recorded("s3cret", "present", expires=expires)]
    assert observe(context, [], stored) == observation("s3cret", None, state)
    assert quay.requests == []


def test_recorded_token_with_other_scopes(context: ModuleContext) -> None:
    found = replace(PRESENT, scopes=("repo:read",))
    assert observe(context, [found], [recorded("s3cret", "present")]) == observation(
        "s3cret", found, scopes_match=False, by_record=True
    )


# --- a record that somebody may have edited

VICTIM = token("victim", 5 * DAY, name="of others", created_by="bob")
LEFT = (token("older", 20 * DAY), token("of bob", created_by="bob"))
EDITED = (
    "The record of a store names the token victim, but the stored secret is not that token. The record was edited, so "
    "it is ignored."
)


def prove(context: ModuleContext, listed: list[AccessToken], stored: list[StoredSecret]) -> Observation:
    return ApplicationTokenIssuer(context, DESIRED, listed).observe(stored, proven=True)


def test_proof_of_a_recorded_token(quay: FakeQuay, context: ModuleContext, warnings: list[str]) -> None:
    """One request for each secret. The result is that of the record, if the record is right."""
    quay.answers(is_token("present"))
    stored = [recorded("s3cret", "present", "older")] * 2
    by_record = observe(context, [PRESENT, *LEFT], stored)
    assert by_record.by_record
    assert prove(context, [PRESENT, *LEFT], stored) == replace(by_record, by_record=False)
    assert quay.requests == [verification("$oauthtoken", "s3cret")]
    assert warnings == []


def test_record_that_names_the_token_of_others(quay: FakeQuay, context: ModuleContext, warnings: list[str]) -> None:
    """Neither that token nor another one of its user is revoked: Quay shows which token the stored secret is."""
    quay.answers(is_token("present"))
    stored = [recorded("s3cret", "victim", "of bob", "victim")]
    assert observe(context, [VICTIM, PRESENT, *LEFT], stored).credential.handle == "victim"
    found = prove(context, [VICTIM, PRESENT, *LEFT], stored)
    assert (found.credential.handle, found.credential.superseded, found.by_record) == ("present", ("older",), False)
    assert warnings == [EDITED]


@pytest.mark.parametrize("reply", [NOT_ACCEPTED, EXPIRED])
def test_record_of_a_useless_secret_names_the_token_of_others(
    quay: FakeQuay, context: ModuleContext, warnings: list[str], reply: Reply
) -> None:
    quay.answers(reply, verified(sub="ann"))
    found = prove(context, [VICTIM, *LEFT], [recorded("s3cret", "victim", "of bob")])
    assert (found.credential.handle, found.credential.superseded) == (None, ("older",))
    assert warnings == [EDITED]


# --- a token without its record


@pytest.mark.parametrize(
    "stored",
    [
        StoredSecret("s3cret"),
        recorded("s3cret", None),
        replace(recorded("another secret", "other"), secret="s3cret"),
    ],
)
def test_token_without_its_record(
    quay: FakeQuay, context: ModuleContext, warnings: list[str], stored: StoredSecret
) -> None:
    """Using the token once shows its uuid."""
    quay.answers(is_token("present"))
    assert observe(context, [PRESENT, token("other", name="x")], [stored]) == observation("s3cret", PRESENT)
    assert quay.requests == [verification("$oauthtoken", "s3cret")]
    assert warnings == []


@pytest.mark.parametrize(("reply", "state"), [(NOT_ACCEPTED, "invalid"), (EXPIRED, "expired")])
def test_token_that_quay_does_not_accept(
    quay: FakeQuay, context: ModuleContext, warnings: list[str], reply: Reply, state: str
) -> None:
    quay.answers(reply)
    assert observe(context, [token("other", name="x")], [StoredSecret("s3cret")]) == observation("s3cret", None, state)
    assert warnings == []


@pytest.mark.parametrize("reply", [is_token("elsewhere"), verified(sub="ann")])
def test_token_of_another_application(
    quay: FakeQuay, context: ModuleContext, warnings: list[str], reply: Reply
) -> None:
    quay.answers(reply)
    assert observe(context, [], [StoredSecret("s3cret")]) == observation("s3cret", None, "invalid")
    assert warnings == ["The stored token is valid, but it is not one of this application: it is not revoked."]


def test_token_that_cannot_be_verified(quay: FakeQuay, context: ModuleContext) -> None:
    quay.answers(page(502))
    with pytest.raises(ApiError, match=f"^GET {ORIGIN}/v2/auth: Quay answered 502"):
        observe(context, [PRESENT], [StoredSecret("s3cret")])


# --- what it replaced


def test_other_tokens_of_the_same_name(quay: FakeQuay, context: ModuleContext) -> None:
    """They are ours if the user who created the present one created them, too. That needs no request."""
    listed = [PRESENT, token("older", 20 * DAY), token("newer", DAY), token("of bob", created_by="bob")]
    stored = [recorded("s3cret", "present")]
    expected = observation("s3cret", PRESENT, "valid", ("older", "newer"), ("older",), by_record=True)
    assert observe(context, listed, stored) == expected
    assert quay.requests == []


@pytest.mark.parametrize(
    ("age", "predecessors"),
    [(10 * DAY, ("other",)), (10 * DAY + timedelta(seconds=1), ("other",)), (10 * DAY - timedelta(seconds=1), ())],
)
def test_older_token_may_be_the_predecessor(
    context: ModuleContext, age: timedelta, predecessors: tuple[str, ...]
) -> None:
    """Without a record of it, consumers may use a token that is not newer than the present one."""
    listed = [PRESENT, token("other", age)]
    assert observe(context, listed, [recorded("s3cret", "present")]) == observation(
        "s3cret", PRESENT, "valid", ("other",), predecessors, by_record=True
    )


@pytest.mark.parametrize("unknown", ["present", "other"])
def test_token_of_unknown_age_is_no_predecessor(context: ModuleContext, unknown: str) -> None:
    listed = [replace(item, created_at=None) if item.uuid == unknown else item for item in (PRESENT, token("other"))]
    assert observe(context, listed, [recorded("s3cret", "present")]).predecessors == ()


def test_record_names_the_predecessor(context: ModuleContext) -> None:
    """Then an older token that it does not name was left by an interrupted run."""
    listed = [PRESENT, token("older", 20 * DAY), token("named", 30 * DAY)]
    stored = [recorded("s3cret", "present", "named", "revoked already")]
    expected = observation("s3cret", PRESENT, "valid", ("older", "named"), ("named",), by_record=True)
    assert observe(context, listed, stored) == expected


def test_invalid_token_leaves_tokens_of_its_name(quay: FakeQuay, context: ModuleContext) -> None:
    """Who created it is unknown, so the login says who our user is."""
    quay.answers(NOT_ACCEPTED, verified(sub="ann"))
    found = observe(context, [token("a"), token("b", created_by="bob")], [StoredSecret("s3cret")])
    assert found == observation("s3cret", None, "invalid", ("a",))


# --- several stores


def test_invalid_tokens_in_addition_to_the_present_one(quay: FakeQuay, context: ModuleContext) -> None:
    """The list says who our user is, so that each of them costs the one request that shows that it is invalid."""
    quay.answers(NOT_ACCEPTED, EXPIRED)
    listed = [PRESENT, token("left", 20 * DAY), token("foreign", created_by="bob")]
    stored = [StoredSecret("edited"), recorded("s3cret", "present"), StoredSecret("expired"), recorded("old", "gone")]
    expected = observation("s3cret", PRESENT, "valid", ("left",), ("left",), by_record=True)
    assert observe(context, listed, stored) == expected
    assert [request.headers["Authorization"] for request in quay.requests] == [
        verification("$oauthtoken", secret).headers["Authorization"] for secret in ("expired", "edited")
    ]


def test_invalid_tokens_alone(quay: FakeQuay, context: ModuleContext) -> None:
    """The login says once who our user is."""
    quay.answers(NOT_ACCEPTED, NOT_ACCEPTED, verified(sub="ann"))
    found = observe(context, [token("left")], [StoredSecret("one"), StoredSecret("two")])
    assert found.credential.superseded == ("left",)
    assert len(quay.requests) == 3


def test_replaced_token_without_a_name(context: ModuleContext, warnings: list[str]) -> None:
    """A record alone does not show that it is one of this credential."""
    listed = [PRESENT, token("by hand", 20 * DAY, name=None), token("other", 20 * DAY, name="other")]
    found = observe(context, listed, [recorded("s3cret", "present", "by hand", "other", "gone")])
    assert found.credential.superseded == ()
    (warning,) = warnings
    assert warning.startswith("The token by hand is still valid, although the record of a store names it as replaced.")


@pytest.mark.parametrize(("secret", "expected"), [("login", "login"), ("s3cret", None)])
def test_stored_token_that_is_the_login(
    quay: FakeQuay, context: ModuleContext, secret: str, expected: str | None
) -> None:
    """An interrupted run has delivered its successor to another store."""
    observe(context, [PRESENT, token("login", 20 * DAY)], [recorded("new", "present"), recorded(secret, "login")])
    assert context.login_uuid == expected
    assert quay.requests == []


def test_stores_with_different_tokens(quay: FakeQuay, context: ModuleContext) -> None:
    """The newest one that Quay accepts is the present one. The others are superseded, whatever their name."""
    newest = token("newest", DAY)
    listed = [token("oldest", 30 * DAY, name="renamed"), newest, PRESENT]
    stored = [
        recorded("second", "present", "gone"),
        StoredSecret(),
        recorded("first", "newest", "present"),
        recorded("third", "oldest"),
    ]
    assert observe(context, listed, stored) == observation(
        "first", newest, "valid", ("present", "oldest"), ("present",), by_record=True
    )
    assert quay.requests == []


def test_stores_with_the_same_token(quay: FakeQuay, context: ModuleContext) -> None:
    """It is verified once."""
    quay.answers(is_token("present"))
    stored = [StoredSecret("s3cret", None, "$oauthtoken"), StoredSecret("s3cret")]
    assert observe(context, [PRESENT], stored) == observation("s3cret", PRESENT)


def test_representation_hides_the_secret(context: ModuleContext) -> None:
    assert "s3cret" not in repr(observe(context, [PRESENT], [recorded("s3cret", "present")]))


# --- prepare, mint and retire

HEADERS = {**COMMON, "Authorization": "Bearer login"}
MINT = Request(
    "POST",
    TOKENS,
    {**HEADERS, "Content-Type": "application/json"},
    {"name": "nightly", "scope": "repo:read repo:write", "expiration": 7776000},
)
NEW_JSON = {
    "uuid": "new",
    "name": "nightly",
    "scope": "repo:write repo:read",
    "created": "2026-11-22T09:30:00.500000Z",
    "expires_at": "2027-02-20T09:30:00Z",
    "last_accessed": None,
    "created_by": "ann",
    "token": "new s3cret",
}
NEW = Credential(
    "nightly",
    "$oauthtoken",
    "new s3cret",
    "new",
    NOW + timedelta(milliseconds=500),
    NOW + 90 * DAY,
    None,
    "mint",
    details=DESIRED.details(SCOPES),
)


@pytest.fixture
def issuer(context: ModuleContext) -> ApplicationTokenIssuer:
    return ApplicationTokenIssuer(context, DESIRED, [])


def targets(quay: FakeQuay) -> list[str]:
    """The path of each request."""
    return [target.partition("?")[0] for _method, target in quay.calls]


def authorizations(**scopes: str) -> Reply:
    """The user's own tokens, by uuid."""
    listed = [{"uuid": uuid, "scopes": [{"scope": scope} for scope in text.split()]} for uuid, text in scopes.items()]
    return ok({"authorizations": listed})


OWN = "/api/v1/user/authorizations"

# The scopes of the login's token, which must cover repo:read and repo:write; the replies to the requests that show
# them, and these requests. None: Quay does not show them.
LOGINS: dict[str, tuple[str | None, list[Reply], list[str]]] = {
    "of this application": ("org:admin repo:admin", [is_token("login")], ["/v2/auth"]),
    "of another application": (
        "org:admin repo:write",
        [is_token("elsewhere"), authorizations(other="x", elsewhere="org:admin repo:write")],
        ["/v2/auth", OWN],
    ),
    "without the scope user:admin": (None, [is_token("elsewhere"), FORBIDDEN], ["/v2/auth", OWN]),
    "not among the user's own": (None, [is_token("elsewhere"), authorizations()], ["/v2/auth", OWN]),
    "refused by the registry": (None, [NOT_ACCEPTED], ["/v2/auth"]),
}


@pytest.mark.parametrize("login", LOGINS)
def test_prepare(quay: FakeQuay, context: ModuleContext, login: str) -> None:
    """At most two requests show whether the login has the scopes of the new token."""
    _scopes, replies, requested = LOGINS[login]
    listed = [token("login", scopes=("org:admin", "repo:admin")), PRESENT]
    quay.answers(ok({}), *replies)
    observed = observation("s3cret", PRESENT)
    assert ApplicationTokenIssuer(context, DESIRED, listed).prepare(observed) is observed
    assert targets(quay) == ["/config", *requested]


@pytest.mark.parametrize(
    ("scopes", "lacking"),
    [
        ("org:admin", "repo:read repo:write"),
        ("org:admin repo:read", "repo:write"),
        ("org:admin repo:create super:user user:admin", "repo:read repo:write"),
    ],
)
@pytest.mark.parametrize("is_listed", [False, True])
def test_prepare_with_a_login_that_lacks_scopes(
    quay: FakeQuay, context: ModuleContext, scopes: str, lacking: str, is_listed: bool
) -> None:
    """Quay would refuse to issue the token. The scope org:admin includes no other scope."""
    listed = [token("login", scopes=tuple(scopes.split()))] if is_listed else []
    quay.answers(ok({}), is_token("login"), *([] if is_listed else [authorizations(login=scopes)]))
    with pytest.raises(BadInput) as caught:
        ApplicationTokenIssuer(context, DESIRED, listed).prepare(observation("s3cret", PRESENT))
    assert str(caught.value) == (
        f"The login's token has the scopes {scopes}, and Quay issues no token with scopes that the login lacks: "
        f"{lacking}. Use a token with these scopes, or a password"
    )
    assert all(method == "GET" for method, _target in quay.calls)


@pytest.mark.parametrize("scopes", [("org:admin", "repo:write"), ("org:admin",)])
def test_prepare_with_the_token_itself_as_the_login(
    quay: FakeQuay, context: ModuleContext, scopes: tuple[str, ...]
) -> None:
    """The list shows its scopes, without another request."""
    present = token("present", scopes=scopes)
    quay.answers(ok({}))
    issuer = ApplicationTokenIssuer(context, DESIRED, [present])
    if scopes == ("org:admin",):
        with pytest.raises(BadInput, match="^The login's token has the scopes org:admin, and"):
            issuer.prepare(observation("login", present))
    else:
        issuer.prepare(observation("login", present))
    assert targets(quay) == ["/config"]


def test_prepare_with_a_password(quay: FakeQuay) -> None:
    """It has all scopes, so nothing is asked."""
    quay.answers(ok({}))
    context = module_context(quay, auth=SessionAuth("ann", "s3cret"))
    ApplicationTokenIssuer(context, DESIRED, []).prepare(observation("s3cret", PRESENT))
    assert targets(quay) == ["/config"]


def test_prepare_in_a_read_only_registry(quay: FakeQuay, issuer: ApplicationTokenIssuer) -> None:
    quay.answers(ok({"registry_state": "readonly"}))
    with pytest.raises(ReadOnlyRegistry) as caught:
        issuer.prepare(observation("s3cret", PRESENT))
    assert str(caught.value) == f"POST {ORIGIN}{TOKENS}: the registry is read-only; nothing was changed"


@pytest.mark.parametrize(
    ("observed", "existed", "superseded"),
    [
        (observation(None, None, "none"), False, ()),
        (observation("s3cret", PRESENT, "valid", ("lost",)), True, ("lost", "present")),
        (observation("s3cret", PRESENT, "valid", ("lost", "new")), True, ("lost", "present")),
        (observation("s3cret", None, "invalid", ("lost",)), True, ("lost",)),
    ],
)
def test_mint(
    quay: FakeQuay,
    issuer: ApplicationTokenIssuer,
    observed: Observation,
    existed: bool,
    superseded: tuple[str, ...],
) -> None:
    """The new token is used once before it is delivered."""
    quay.answers(ok(NEW_JSON), is_token("new"))
    assert issuer.mint(observed) == Minted(replace(NEW, superseded=superseded), existed)
    assert quay.requests == [MINT, verification("$oauthtoken", "new s3cret")]


@pytest.mark.parametrize("step", [ReadTimeout(), page(500), page(200)])
def test_mint_with_a_lost_response(quay: FakeQuay, issuer: ApplicationTokenIssuer, step: Any) -> None:
    """It is not repeated: each request may issue a token."""
    quay.answers(step)
    with pytest.raises(RefusedCredential) as caught:
        issuer.mint(observation(None, None, "none"))
    message = str(caught.value)
    assert message.startswith(f"POST {ORIGIN}{TOKENS}: ")
    assert message.endswith(
        ". It is unknown whether Quay issued the token; its secret would be lost. No credential was replaced. Run the "
        "task again; a token that was issued is then found by its name and revoked"
    )
    assert quay.requests == [MINT]


def test_mint_that_is_refused(quay: FakeQuay, issuer: ApplicationTokenIssuer) -> None:
    quay.answers(FORBIDDEN)
    with pytest.raises(Forbidden):
        issuer.mint(observation(None, None, "none"))


def test_mint_without_a_secret(quay: FakeQuay, issuer: ApplicationTokenIssuer) -> None:
    quay.answers(ok({**NEW_JSON, "token": None}))
    with pytest.raises(RefusedCredential) as caught:
        issuer.mint(observation(None, None, "none"))
    assert str(caught.value) == "Quay issued a token but returned no secret. The next run revokes it"


def test_mint_of_a_token_that_quay_does_not_accept(quay: FakeQuay, issuer: ApplicationTokenIssuer) -> None:
    quay.answers(ok(NEW_JSON), NOT_ACCEPTED)
    with pytest.raises(RefusedCredential, match="^Quay does not accept the new token at /v2/auth, so it was not del"):
        issuer.mint(observation(None, None, "none"))


@pytest.mark.parametrize("reply", [empty(), error(404, "Not Found", "not_found")])
def test_retire(quay: FakeQuay, issuer: ApplicationTokenIssuer, reply: Reply) -> None:
    """A token that somebody else revoked is no error."""
    quay.answers(reply)
    issuer.retire("former")
    assert quay.requests == [Request("DELETE", f"{TOKENS}/former", HEADERS)]
