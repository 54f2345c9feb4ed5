# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_api_token where Quay has no application-token endpoints (3.17 and older): the OAuth flow of the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from standin.tokens import fingerprint

MODULE = "quay_api_token"
PROBE = "GET /api/v1/organization/zz/applications/zz/tokens"
VERIFY = "GET /v2/auth"
CONFIG = "GET /config"
CSRF = "GET /csrf_token"
SIGN_IN = [CSRF, "POST /api/v1/signin"]
AUTHORIZATIONS = "GET /api/v1/user/authorizations"
AUTHORIZE = "POST /oauth/authorizeapp"
TEN_YEARS_S = 315576000

# The requests that check a stored token with a login by password. Bearer tokens have tests of their own.
CHECK_REQUESTS = [PROBE, VERIFY, *SIGN_IN, AUTHORIZATIONS]


@pytest.fixture
def family() -> str:
    return "3.17"


class ApiTokens:
    """The API tokens of acme's application "automation". They have no names on older servers."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.client_id = harness.accounts.automation
        self.arguments = {"organization": "acme", "client_id": self.client_id}

    def create(self, scope: str = "repo:read") -> tuple[str, str]:
        before = self.valid_uuids()
        secret = self.harness.accounts.alice.token(self.client_id, scope)
        (uuid,) = self.valid_uuids() - before
        return uuid, secret

    def create_in_file(self, scope: str = "repo:read") -> str:
        uuid, secret = self.create(scope)
        self.harness.store_secret(secret)
        return uuid

    def valid_uuids(self) -> set[str]:
        return set(self.harness.valid_tokens(self.client_id))

    def file_arguments(self, **options: Any) -> dict[str, Any]:
        return {**self.arguments, "token_path": str(self.harness.token_path), **options}


@pytest.fixture
def api_tokens(harness: Harness) -> ApiTokens:
    """API tokens with a login by password, which the browser flow needs."""
    harness.login = harness.accounts.alice.by_password
    return ApiTokens(harness)


def revoke_request(uuid: str) -> str:
    return f"DELETE /api/v1/user/authorizations/{uuid}"


def test_token_is_created_and_stored_in_a_file(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    runs = harness.four_runs(
        MODULE, api_tokens.file_arguments(name="nightly", scopes=["repo:write", "repo:read"], lifetime="90d")
    )
    assert runs.requests == [
        [PROBE, CONFIG],
        # This needs no session of the user, and none is left.
        [PROBE, CONFIG, CSRF, AUTHORIZE, VERIFY],
        CHECK_REQUESTS,
        CHECK_REQUESTS,
    ]
    (token,) = harness.valid_tokens(api_tokens.client_id).values()
    assert (token.name, token.username) == (None, "alice")
    assert set(token.scope.split()) == {"repo:read", "repo:write"}
    assert runs.first.content | {"created_at": None, "expires_at": None} == {
        "token": None,
        "name": "nightly",
        "username": "$oauthtoken",
        "registry": f"127.0.0.1:{harness.quay.port}",
        "api_url": f"{harness.quay.url}/api/v1",
        "organization": "acme",
        "client_id": api_tokens.client_id,
        "scopes": ["repo:read", "repo:write"],
        "uuid": token.uuid,
        "created_at": None,
        "expires_at": None,
        "last_accessed": None,
        "age_source": "mint",
        "fingerprint": harness.stored_fingerprint(),
        "reason": "missing",
        "minted": True,
        "superseded": [],
        "delivered": [str(harness.token_path)],
        "retired": [],
        "deleted": [],
        "removed": [],
    }
    assert harness.is_now(runs.first["created_at"])
    assert (token.expires_at - token.created).total_seconds() == TEN_YEARS_S
    assert runs.second["age_source"] == "record"
    assert runs.second["created_at"] == runs.first["created_at"]
    assert runs.second["expires_at"] == runs.first["expires_at"]
    assert harness.token_record()["uuid"] == token.uuid


def test_application_by_name(api_tokens: ApiTokens) -> None:
    arguments = {**api_tokens.file_arguments(), "application": "automation"}
    del arguments["client_id"]
    runs = api_tokens.harness.four_runs(MODULE, arguments)
    applications = "GET /api/v1/organization/acme/applications"
    assert runs.requests[3] == [*SIGN_IN, applications, PROBE, VERIFY, AUTHORIZATIONS]


def test_new_token_is_delivered_before_the_old_one_is_revoked(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    old = api_tokens.create_in_file()
    old_fingerprint = harness.stored_fingerprint()
    seen: dict[str, Any] = {}

    def observe() -> None:
        seen["file"], seen["valid"] = harness.stored_fingerprint(), api_tokens.valid_uuids()

    harness.before_request("DELETE", observe)
    result = harness.run(MODULE, api_tokens.file_arguments(rotate="always"))
    assert harness.requests == [*CHECK_REQUESTS, CONFIG, AUTHORIZE, VERIFY, revoke_request(old)]
    assert seen["file"] == harness.stored_fingerprint() == result["fingerprint"] != old_fingerprint
    assert seen["valid"] == {old, result["uuid"]}
    assert api_tokens.valid_uuids() == {result["uuid"]}


def test_other_tokens_of_the_application_are_never_changed(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    other, _secret = api_tokens.create()
    elsewhere = set(harness.valid_tokens(harness.accounts.console))
    first = harness.run(MODULE, api_tokens.file_arguments())
    again = harness.run(MODULE, api_tokens.file_arguments(rotate="always"))
    harness.run(MODULE, api_tokens.file_arguments(state="absent"))
    assert first["superseded"] == again["superseded"] == []
    assert api_tokens.valid_uuids() == {other}
    assert set(harness.valid_tokens(harness.accounts.console)) == elsewhere


def test_valid_token_of_the_caller(api_tokens: ApiTokens) -> None:
    uuid, secret = api_tokens.create()
    runs = api_tokens.harness.four_runs(MODULE, {**api_tokens.arguments, "current_token": secret})
    assert runs.requests == [CHECK_REQUESTS] * 4
    assert (runs.first["reason"], runs.first["uuid"], runs.first["token"]) == ("not_due", uuid, None)
    assert runs.first["created_at"] is None
    assert runs.first["fingerprint"] == fingerprint(secret)


def test_valid_token_by_bearer_costs_two_requests(harness: Harness) -> None:
    api_tokens = ApiTokens(harness)
    uuid, secret = api_tokens.create()
    runs = harness.four_runs(MODULE, {**api_tokens.arguments, "current_token": secret})
    listing = f"GET /api/v1/organization/acme/applications/{api_tokens.client_id}/tokens"
    assert runs.requests == [[listing, VERIFY]] * 4
    assert (runs.first["reason"], runs.first["uuid"]) == ("not_due", uuid)


def test_bearer_token_alone_cannot_create_one(harness: Harness) -> None:
    api_tokens = ApiTokens(harness)
    predicted, result = (
        harness.check(MODULE, api_tokens.file_arguments()),
        harness.run(MODULE, api_tokens.file_arguments()),
    )
    assert predicted.message == result.message
    assert "has no application-token endpoints (Quay 3.18 and later)" in result.message
    assert "give quay_username and quay_password of an administrator" in result.message
    assert harness.writes == []
    assert harness.files().keys() == {str(harness.folder)}


def test_replaced_token_is_not_revoked_without_delivery(api_tokens: ApiTokens) -> None:
    uuid, secret = api_tokens.create(scope="repo:write")
    arguments = {**api_tokens.arguments, "scopes": ["repo:read"], "current_token": secret}
    runs = api_tokens.harness.four_runs(MODULE, arguments, idempotent=False)
    assert (runs.first["reason"], runs.first["superseded"]) == ("scopes_changed", [uuid])
    assert runs.first.token == runs.first["fingerprint"]
    assert uuid in api_tokens.valid_uuids()
    api_tokens.harness.four_runs(MODULE, {**api_tokens.arguments, "state": "absent", "uuid": uuid})
    assert api_tokens.valid_uuids() == {runs.first["uuid"], runs.second["uuid"]}


def test_user_who_does_not_administer_the_organization(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    harness.login = harness.accounts.bob.by_password
    result = harness.run(MODULE, {**api_tokens.arguments, "token_path": str(harness.token_path)})
    assert result.failed
    assert "the user does not administer the organization that owns the application" in result.message
    assert api_tokens.valid_uuids() == set()


@pytest.mark.parametrize("hidden", [False, True], ids=["/config", "the registry's challenge"])
def test_server_reached_under_another_name(api_tokens: ApiTokens, hidden: bool) -> None:
    """Quay accepts only a redirect URI with its configured host name, under whatever name it is reached."""
    harness = api_tokens.harness
    harness.quay.config["SERVER_HOSTNAME"] = "registry.example.com"
    if hidden:
        harness.quay.faults.add("status", path="^/config$", times=None, status=404)
    result = harness.run(MODULE, api_tokens.file_arguments())
    assert not result.failed, result.message
    assert harness.is_oauth_token(result["uuid"], harness.stored_fingerprint())
    assert ("GET /v2/" in harness.requests) == hidden


# --- absent


def test_token_of_a_file_is_revoked_with_its_file(api_tokens: ApiTokens) -> None:
    other, _secret = api_tokens.create()
    api_tokens.harness.run(MODULE, api_tokens.file_arguments())
    runs = api_tokens.harness.four_runs(MODULE, api_tokens.file_arguments(state="absent"))
    assert runs.first.changed
    assert api_tokens.valid_uuids() == {other}
    assert list(api_tokens.harness.folder.iterdir()) == []


def test_held_token_is_revoked(api_tokens: ApiTokens) -> None:
    _uuid, secret = api_tokens.create()
    other, _secret = api_tokens.create()
    api_tokens.harness.four_runs(MODULE, {**api_tokens.arguments, "current_token": secret, "state": "absent"})
    assert api_tokens.valid_uuids() == {other}


def test_held_token_of_another_user_is_not_revoked(api_tokens: ApiTokens) -> None:
    """Only that user can revoke it, and Quay answers everybody else that there is no such token."""
    harness = api_tokens.harness
    harness.accounts.alice.browser().call("PUT", "/api/v1/organization/acme/team/owners/members/bob")
    secret = harness.accounts.bob.token(api_tokens.client_id, "repo:read")
    (uuid,) = api_tokens.valid_uuids()
    arguments = {**api_tokens.arguments, "current_token": secret, "state": "absent"}
    assert_refused(harness, MODULE, arguments, f"The token {uuid} is valid, but it belongs to another user")
    assert api_tokens.valid_uuids() == {uuid}


def test_unknown_uuid_is_absent_already(api_tokens: ApiTokens) -> None:
    api_tokens.create()
    arguments = {**api_tokens.arguments, "uuid": "5f0c1a52-5f3c-4f0d-8a56-0d6c5d1b2f11", "state": "absent"}
    runs = api_tokens.harness.four_runs(MODULE, arguments)
    assert not runs.first.changed
    assert runs.first.warned("if it is a token of another user, it is still valid")


def test_name_does_not_identify_a_token(api_tokens: ApiTokens) -> None:
    api_tokens.create()
    result = api_tokens.harness.run(MODULE, {**api_tokens.arguments, "name": "nightly", "state": "absent"})
    assert result.failed
    assert "A name is enough on Quay 3.18 and later" in result.message
    assert len(api_tokens.valid_uuids()) == 1


# --- for another user


def test_token_is_assigned_and_taken(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    arguments = {**api_tokens.arguments, "for_user": "carol"}
    assigned = harness.four_runs(MODULE, arguments, idempotent=False)
    assert (assigned.first.changed, assigned.first["minted"], assigned.first["token"]) == (True, False, None)
    assert assigned.requests[1] == [CONFIG, PROBE, *SIGN_IN, "POST /oauth/authorize/assignuser"]
    harness.login = harness.accounts.carol.by_password
    taken = harness.four_runs(MODULE, {**arguments, "token_path": str(harness.token_path)})
    assert (taken.first["reason"], taken.first["minted"]) == ("missing", True)
    (token,) = harness.valid_tokens(api_tokens.client_id).values()
    assert (token.username, token.scope) == ("carol", "repo:read")
    assert harness.is_oauth_token(token.uuid, harness.stored_fingerprint())


# --- every reason on older servers


def _revoked(api_tokens: ApiTokens) -> dict[str, Any]:
    uuid = api_tokens.create_in_file()
    api_tokens.harness.accounts.alice.browser().call("DELETE", f"/api/v1/user/authorizations/{uuid}")
    return api_tokens.file_arguments()


def _aged(api_tokens: ApiTokens, *, days: float, **options: Any) -> dict[str, Any]:
    api_tokens.harness.run(MODULE, api_tokens.file_arguments())
    api_tokens.harness.advance(days=days)
    return api_tokens.file_arguments(**options)


def _stored(api_tokens: ApiTokens, **options: Any) -> dict[str, Any]:
    api_tokens.create_in_file(options.pop("scope", "repo:read"))
    return api_tokens.file_arguments(**options)


REASONS: dict[str, Callable[[ApiTokens], dict[str, Any]]] = {
    "missing": lambda api_tokens: api_tokens.file_arguments(),
    "forced": lambda api_tokens: _stored(api_tokens, rotate="always"),
    "invalid": _revoked,
    "expired": lambda api_tokens: _aged(api_tokens, days=3653),
    "scopes_changed": lambda api_tokens: _stored(api_tokens, scope="repo:write", scopes=["repo:read"]),
    "expiring": lambda api_tokens: _aged(api_tokens, days=3640),
    "too_old": lambda api_tokens: _aged(api_tokens, days=91, max_age="90d"),
    "not_due": lambda api_tokens: _aged(api_tokens, days=89, max_age="90d"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_reason_is_the_same_in_check_mode_and_in_a_real_run(api_tokens: ApiTokens, reason: str) -> None:
    arguments = REASONS[reason](api_tokens)
    runs = api_tokens.harness.four_runs(MODULE, arguments, idempotent=reason != "forced")
    assert runs.predicted["reason"] == runs.first["reason"] == reason
    assert runs.second["reason"] == ("forced" if reason == "forced" else "not_due")
    assert api_tokens.valid_uuids() == {runs.second["uuid"]}
    assert api_tokens.harness.stored_fingerprint() == runs.second["fingerprint"]
