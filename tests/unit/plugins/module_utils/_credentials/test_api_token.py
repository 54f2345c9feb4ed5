# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API tokens: the policy, which way the server offers to issue one, and the module."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.api_token import (
    api_token_issuer,
    ensure_api_token,
    listed_credential,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.application_token import (
    ApplicationTokenIssuer,
    listed_tokens,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.browser_token import BrowserTokenIssuer
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.desired_token import (
    DesiredToken,
    api_token_policy,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.policy import Policy
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import Result
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.oauth import AccessToken
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, Reply, empty, error, ok, page
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import verified
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
TOKENS = "/api/v1/organization/acme/applications/X/tokens"
PROBE = ("GET", "/api/v1/organization/zz/applications/zz/tokens")
SIGN_IN = [ok({"csrf_token": "x"}), ok({})]
OLDER_QUAY = page(404)
NEWER_QUAY = error(401, "Requires authentication", "invalid_token")

# The options of the policy.
OPTIONS: dict[str, Any] = {
    "rotate": "when_due",
    "max_age": None,
    "renew_before": None,
    "retire_after": None,
    "lifetime": None,
}


@pytest.mark.parametrize(
    ("options", "renew_before"),
    [
        ({}, 14 * DAY),
        ({"lifetime": "90d"}, 14 * DAY),
        ({"lifetime": "42d"}, 14 * DAY),
        ({"lifetime": "30d"}, 10 * DAY),
        ({"lifetime": "3h"}, timedelta(hours=1)),
        ({"renew_before": "3d"}, 3 * DAY),
        ({"renew_before": "0"}, timedelta(0)),
        ({"renew_before": "23h", "lifetime": "1d"}, timedelta(hours=23)),
        ({"renew_before": "400d"}, 400 * DAY),
    ],
)
def test_renewal(options: dict[str, Any], renew_before: timedelta) -> None:
    """Two weeks before a token expires, or when a third of a short lifetime remains."""
    assert api_token_policy({**OPTIONS, **options}) == Policy(renew_before=renew_before)


def test_other_limits() -> None:
    options = {**OPTIONS, "rotate": "never", "max_age": "30d", "retire_after": "1d"}
    assert api_token_policy(options) == Policy("never", 30 * DAY, 14 * DAY, DAY)


@pytest.mark.parametrize(
    ("renew_before", "lifetime"), [("30d", "30d"), ("24h", "1d"), ("14d", "7d"), ("3653d", None), ("3653d", "")]
)
def test_token_that_would_be_due_at_once(renew_before: str, lifetime: str | None) -> None:
    with pytest.raises(BadInput) as caught:
        api_token_policy({**OPTIONS, "renew_before": renew_before, "lifetime": lifetime})
    assert str(caught.value) == (
        f"renew_before ({renew_before}) must be shorter than lifetime ({lifetime or 'ten years if it is not set'}): a "
        "new token would be due at once, in every run"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"for_user": "bob", "lifetime": "90d"}, "lifetime has no effect with for_user: Quay issues the token that a"),
        (
            {"revoke_superseded": False, "retire_after": "2d"},
            "retire_after says when the replaced token is revoked, and revoke_superseded: false says that it is not.",
        ),
    ],
)
def test_options_without_effect(quay: FakeQuay, options: dict[str, Any], message: str) -> None:
    params = {**OPTIONS, "for_user": None, "revoke_superseded": None, **options}
    with pytest.raises(BadInput) as caught:
        ensure_api_token(module_context(quay, params=params))
    assert str(caught.value).startswith(message)
    assert quay.requests == []


def test_issuer(quay: FakeQuay) -> None:
    """A server that does not list tokens issues them to signed-in users only."""
    context, desired = module_context(quay), DesiredToken("acme", "X", "nightly", ["repo:read"], None)
    assert isinstance(api_token_issuer(context, desired, []), ApplicationTokenIssuer)
    assert isinstance(api_token_issuer(context, desired, None), BrowserTokenIssuer)


def test_tokens_that_a_bearer_token_lists(quay: FakeQuay) -> None:
    quay.answers(ok({"tokens": [{"uuid": "1", "name": "nightly"}]}), OLDER_QUAY)
    context = module_context(quay, auth=BearerAuth("s3cret"))
    listed = listed_tokens(context, "acme", "X")
    assert listed is not None
    assert [token.uuid for token in listed] == ["1"]
    assert listed_tokens(context, "acme", "X") is None
    assert quay.calls == [("GET", TOKENS)] * 2


def test_tokens_that_a_password_lists(quay: FakeQuay) -> None:
    """An anonymous request shows whether signing in is worth it. It is sent once."""
    context = module_context(quay, auth=SessionAuth("ann", "s3cret"))
    quay.answers(NEWER_QUAY, *SIGN_IN, ok({"tokens": []}), ok({"tokens": []}))
    assert listed_tokens(context, "acme", "X") == []
    assert listed_tokens(context, "acme", "X") == []
    assert quay.calls[0] == PROBE
    assert quay.calls[3:] == [("GET", TOKENS)] * 2


def test_older_quay_with_a_password(quay: FakeQuay) -> None:
    context = module_context(quay, auth=SessionAuth("ann", "s3cret"))
    quay.answers(OLDER_QUAY)
    assert listed_tokens(context, "acme", "X") is None
    assert quay.calls == [PROBE]


@pytest.mark.parametrize(("name", "shown"), [("nightly", "nightly"), (None, "")])
def test_listed_credential(name: str | None, shown: str) -> None:
    """Tokens of the web page have no name."""
    token = AccessToken("1", name, ("repo:read",), NOON, NOON + DAY, NOON - DAY, "ann")
    assert listed_credential(token, {"organization": "acme", "client_id": "X"}) == Credential(
        shown,
        "$oauthtoken",
        None,
        "1",
        NOON,
        NOON + DAY,
        NOON - DAY,
        "quay",
        details={"organization": "acme", "client_id": "X", "scopes": ["repo:read"]},
    )


# --- the module

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
UNSET: dict[str, Any] = dict.fromkeys(
    ("max_age", "renew_before", "retire_after", "for_user", "revoke_superseded", "uuid", "application", "deliver")
)
READABLE = ok({"registry_state": "normal"})
MINT = ("POST", TOKENS)
FORMER = {
    "uuid": "former",
    "name": "nightly",
    "scope": "repo:read",
    "created": "2026-08-30T09:30:00Z",
    "expires_at": "2026-11-28T09:30:00Z",
    "created_by": "ann",
}
ISSUED = {**FORMER, "uuid": "new", "created": "2026-11-22T09:30:00Z", "expires_at": "2027-02-20T09:30:00Z"}
NEW = {**ISSUED, "token": "n3w"}

Run = Callable[..., Result]


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def run(quay: FakeQuay, clock: datetime, warnings: list[str]) -> Run:
    """Runs the module quay_api_token, by default with a bearer token."""
    assert clock == NOW

    def act(*, auth: Any = None, check_mode: bool = False, **options: Any) -> Result:
        params = {
            **UNSET,
            "quay_host": "https://quay.example.com",
            "organization": "acme",
            "client_id": "X",
            "name": "nightly",
            "scopes": ["repo:read"],
            "lifetime": "90d",
            "rotate": "when_due",
            "state": "present",
            "owns_application": False,
            "current_token": None,
            "token_path": None,
            **options,
        }
        login = auth or BearerAuth("login")
        return ensure_api_token(module_context(quay, warnings, auth=login, check_mode=check_mode, params=params))

    return act


def paths(quay: FakeQuay) -> list[tuple[str, str]]:
    return [(method, target.partition("?")[0]) for method, target in quay.calls]


def is_token(uuid: str) -> Reply:
    return verified(context={"entity_kind": "oauthtoken", "entity_reference": uuid}, sub="ann")


def lists(*tokens: dict[str, Any]) -> Reply:
    return ok({"tokens": list(tokens)})


def answer_rotation(quay: FakeQuay, *after: Reply) -> None:
    """Answer a rotation of FORMER by a login that has all scopes."""
    quay.answers(*READS, ok(NEW), is_token("new"), *after)


OWN = ok({"authorizations": [{"uuid": "login", "scopes": [{"scope": "repo:read"}], "application": {"name": "x"}}]})
READS = [lists(FORMER), is_token("former"), READABLE, is_token("login"), OWN]
ROTATION = [
    ("GET", TOKENS),
    ("GET", "/v2/auth"),
    ("GET", "/config"),
    ("GET", "/v2/auth"),
    ("GET", "/api/v1/user/authorizations"),
    MINT,
    ("GET", "/v2/auth"),
]


def test_token_of_the_caller_is_renewed(quay: FakeQuay, run: Run) -> None:
    """The caller has to store the new token before the old one is revoked, by a later task or by another run."""
    answer_rotation(quay)
    result = run(current_token="f0rmer")
    assert result.changed
    values = result.values
    assert (values["token"], values["uuid"], values["reason"]) == ("n3w", "new", "expiring")
    assert (values["retired"], values["superseded"], values["delivered"]) == ([], ["former"], [])
    assert paths(quay) == ROTATION
    assert quay.requests[5].body == {"name": "nightly", "scope": "repo:read", "expiration": 90 * 86400}


@pytest.mark.parametrize("options", [{"revoke_superseded": True}, {"retire_after": "0"}])
def test_token_of_the_caller_is_renewed_and_the_old_one_revoked(
    quay: FakeQuay, run: Run, options: dict[str, Any]
) -> None:
    answer_rotation(quay, empty())
    result = run(current_token="f0rmer", **options)
    assert (result.values["retired"], result.values["superseded"]) == (["former"], [])
    assert paths(quay) == [*ROTATION, ("DELETE", f"{TOKENS}/former")]


@pytest.mark.parametrize(("options", "revokes"), [({}, True), ({"revoke_superseded": False}, False)])
def test_token_in_a_file_is_renewed(
    quay: FakeQuay, run: Run, tmp_path: Path, options: dict[str, Any], revokes: bool
) -> None:
    """It is delivered by this task, so that the old one can be revoked at once."""
    file = tmp_path / "token"
    file.write_text("F0RMER" * 5)
    file.chmod(0o600)
    answer_rotation(quay, *([empty()] if revokes else []))
    result = run(token_path=str(file), **options)
    assert file.read_text() == "n3w\n"
    assert result.values["token"] is None
    assert result.values["retired"] == (["former"] if revokes else [])
    assert paths(quay)[len(ROTATION) :] == ([("DELETE", f"{TOKENS}/former")] if revokes else [])


def test_check_mode(quay: FakeQuay, run: Run, tmp_path: Path) -> None:
    """It predicts what a real run returns, and reads only."""
    quay.answers(*READS)
    file = tmp_path / "token"
    file.write_text("F0RMER" * 5)
    file.chmod(0o600)
    predicted = run(token_path=str(file), check_mode=True)
    assert {method for method, _path in paths(quay)} == {"GET"}
    assert file.read_text() == "F0RMER" * 5
    assert (predicted.changed, predicted.values["token"]) == (True, None)
    assert (predicted.values["retired"], predicted.values["reason"]) == (["former"], "expiring")
    assert predicted.before["token"] == "present"
    assert predicted.after["token"] == "new"


def test_valid_token(quay: FakeQuay, run: Run) -> None:
    quay.answers(lists(ISSUED), is_token("new"))
    result = run(current_token="n3w")
    assert (result.changed, result.values["token"], result.values["reason"]) == (False, None, "not_due")
    assert paths(quay) == [("GET", TOKENS), ("GET", "/v2/auth")]


@pytest.mark.parametrize(("uuid", "revoked"), [("former", ["former"]), ("unknown", [])])
@pytest.mark.parametrize("check_mode", [False, True])
def test_token_is_revoked_by_its_uuid(
    quay: FakeQuay, run: Run, uuid: str, revoked: list[str], check_mode: bool
) -> None:
    quay.answers(
        lists(FORMER, ISSUED), *([READABLE] if revoked else []), *([empty()] if revoked and not check_mode else [])
    )
    result = run(state="absent", uuid=uuid, check_mode=check_mode)
    assert (result.changed, result.values["retired"]) == (bool(revoked), revoked)
    writes = [call for call in paths(quay) if call[0] != "GET"]
    assert writes == ([("DELETE", f"{TOKENS}/former")] if revoked and not check_mode else [])


def test_tokens_are_revoked_by_their_name(quay: FakeQuay, run: Run) -> None:
    """Those of other users and of other names stay."""
    others = [{**FORMER, "uuid": "of bob", "created_by": "bob"}, {**FORMER, "uuid": "other", "name": "weekly"}]
    quay.answers(lists(FORMER, *others), is_token("login"), READABLE, empty())
    assert run(state="absent").values["retired"] == ["former"]
    assert paths(quay)[-1] == ("DELETE", f"{TOKENS}/former")


@pytest.mark.parametrize(("reply", "options"), [(OLDER_QUAY, {}), (lists(FORMER), {"name": None})])
def test_token_to_revoke_is_not_named(quay: FakeQuay, run: Run, reply: Reply, options: dict[str, Any]) -> None:
    quay.answers(reply)
    with pytest.raises(BadInput, match="^Name the token to revoke by uuid, current_token, token_path or deliver."):
        run(state="absent", **options)
    assert paths(quay) == [("GET", TOKENS)]


def test_token_of_another_user_needs_a_password(quay: FakeQuay, run: Run) -> None:
    with pytest.raises(BadInput, match="^for_user needs quay_username and quay_password of an administrator"):
        run(for_user="bob", lifetime=None)
    assert quay.requests == []


def test_token_is_assigned_to_another_user(quay: FakeQuay, run: Run) -> None:
    """The user accepts it later. Its secret is never seen here."""
    config = {"config": {"SERVER_HOSTNAME": "quay.example.com"}, "features": {}, "registry_state": "normal"}
    quay.answers(ok(config), NEWER_QUAY, *SIGN_IN, lists(FORMER), ok({"message": "Token assigned successfully"}))
    result = run(for_user="bob", lifetime=None, auth=SessionAuth("ann", "s3cret"))
    assert (result.changed, result.values["token"], result.values["minted"]) == (True, None, False)
    assert result.after == {"for_user": "bob", "token": "assigned"}
    assert paths(quay)[-1] == ("POST", "/oauth/authorize/assignuser")
