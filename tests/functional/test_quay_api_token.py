# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_api_token where Quay has application-token endpoints (3.18 and later)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functional.accounts import ALL_SCOPES
from functional.documentation import documented_reasons
from functional.harness import Harness, assert_kept
from standin.tokens import fingerprint

MODULE = "quay_api_token"
PROBE = "GET /api/v1/organization/zz/applications/zz/tokens"
APPLICATIONS = "GET /api/v1/organization/acme/applications"
CONFIG = "GET /config"
VERIFY = "GET /v2/auth"
TEN_YEARS_S = 315576000


@pytest.fixture
def family() -> str:
    return "3.18"


class ApiTokens:
    """The API tokens of acme's application "automation"."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.client_id = harness.accounts.automation
        self.path = f"/api/v1/organization/acme/applications/{self.client_id}/tokens"
        self.arguments = {"organization": "acme", "client_id": self.client_id, "name": "nightly"}

    @property
    def list_requests(self) -> list[str]:
        """The first requests of every run."""
        if self.harness.sign_in:
            return [PROBE, *self.harness.sign_in, f"GET {self.path}"]
        return [f"GET {self.path}"]

    @property
    def check_requests(self) -> list[str]:
        """What is read before a token is issued, in check mode too. A token of the login shows its scopes."""
        return [CONFIG] if self.harness.sign_in else [CONFIG, VERIFY, "GET /api/v1/user/authorizations"]

    @property
    def mint_requests(self) -> list[str]:
        return [*self.check_requests, f"POST {self.path}", VERIFY]

    def revoke_request(self, uuid: str) -> str:
        return f"DELETE {self.path}/{uuid}"

    def create(self, name: str = "nightly", scope: str = "repo:read", lifetime_s: int = TEN_YEARS_S) -> tuple[str, str]:
        """Create a token, as somebody did earlier. Returns its uuid and secret."""
        body = {"name": name, "scope": scope, "expiration": lifetime_s}
        made = self.harness.accounts.alice.browser().call("POST", self.path, body).json()
        return made["uuid"], made["token"]

    def create_in_file(self, **options: Any) -> str:
        """Create a token and store it in the file without a record. Returns its uuid."""
        uuid, secret = self.create(**options)
        self.harness.store_secret(secret)
        return uuid

    def valid_uuids(self) -> set[str]:
        return set(self.harness.valid_tokens(self.client_id))

    def file_arguments(self, **options: Any) -> dict[str, Any]:
        return {**self.arguments, "token_path": str(self.harness.token_path), **options}


@pytest.fixture
def api_tokens(each_login: Harness) -> ApiTokens:
    return ApiTokens(each_login)


@pytest.fixture
def bearer_api_tokens(harness: Harness) -> ApiTokens:
    return ApiTokens(harness)


# --- a token in a file


def test_token_is_created_and_stored_in_a_file(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    arguments = api_tokens.file_arguments(scopes=["repo:write", "repo:read"], lifetime="90d")
    runs = harness.four_runs(MODULE, arguments)
    assert runs.requests == [
        [*api_tokens.list_requests, *api_tokens.check_requests],
        [*api_tokens.list_requests, *api_tokens.mint_requests],
        api_tokens.list_requests,
        api_tokens.list_requests,
    ]
    (token,) = harness.valid_tokens(api_tokens.client_id).values()
    assert (token.name, token.scope, token.username) == ("nightly", "repo:read repo:write", "alice")
    assert runs.first.content == {
        "token": None,
        "name": "nightly",
        "username": "$oauthtoken",
        "registry": f"127.0.0.1:{harness.quay.port}",
        "api_url": f"{harness.quay.url}/api/v1",
        "organization": "acme",
        "client_id": api_tokens.client_id,
        "scopes": ["repo:read", "repo:write"],
        "uuid": token.uuid,
        "created_at": harness.iso(token.created),
        "expires_at": harness.iso(token.expires_at),
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
    assert (token.expires_at - token.created).total_seconds() == 90 * 86400
    assert harness.is_oauth_token(token.uuid, harness.stored_fingerprint())
    assert harness.token_record() == {
        "fingerprint": harness.stored_fingerprint(),
        "created_at": harness.iso(token.created),
        "expires_at": harness.iso(token.expires_at),
        "uuid": token.uuid,
        "superseded": None,
        "username": "$oauthtoken",
    }
    assert runs.first.diff == {
        "before": {"name": "nightly", "token": "absent", "scopes": None, **harness.deliver_diff("absent")},
        "after": {
            "name": "nightly",
            "token": "new",
            "scopes": ["repo:read", "repo:write"],
            **harness.deliver_diff("new"),
        },
    }
    assert (runs.second["reason"], runs.second["age_source"]) == ("not_due", "quay")
    assert runs.second["uuid"] == token.uuid


def test_token_without_a_lifetime_is_valid_for_ten_years(api_tokens: ApiTokens) -> None:
    api_tokens.harness.run(MODULE, api_tokens.file_arguments())
    (token,) = api_tokens.harness.valid_tokens(api_tokens.client_id).values()
    assert (token.expires_at - token.created).total_seconds() == TEN_YEARS_S


def test_application_by_name_costs_one_request_more(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    arguments = {**api_tokens.file_arguments(), "application": "automation"}
    del arguments["client_id"]
    runs = harness.four_runs(MODULE, arguments)
    if harness.sign_in:
        assert runs.requests[3] == [*harness.sign_in, APPLICATIONS, PROBE, f"GET {api_tokens.path}"]
    else:
        assert runs.requests[3] == [APPLICATIONS, f"GET {api_tokens.path}"]
    assert runs.first["client_id"] == api_tokens.client_id


def test_organization_is_found_by_the_client_id(api_tokens: ApiTokens) -> None:
    arguments = api_tokens.file_arguments()
    del arguments["organization"]
    runs = api_tokens.harness.four_runs(MODULE, arguments)
    assert runs.first["organization"] == "acme"
    assert runs.requests[3] == [f"GET /api/v1/app/{api_tokens.client_id}", *api_tokens.list_requests]


def test_new_token_is_delivered_before_the_old_one_is_revoked(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    old = api_tokens.create_in_file()
    old_fingerprint = harness.stored_fingerprint()
    seen: dict[str, Any] = {}

    def observe() -> None:
        seen["file"], seen["valid"] = harness.stored_fingerprint(), api_tokens.valid_uuids()

    harness.before_request("DELETE", observe)
    result = harness.run(MODULE, api_tokens.file_arguments(rotate="always"))
    assert harness.requests == [
        *api_tokens.list_requests,
        VERIFY,
        *api_tokens.mint_requests,
        api_tokens.revoke_request(old),
    ]
    assert seen["file"] == harness.stored_fingerprint() == result["fingerprint"] != old_fingerprint
    assert seen["valid"] == {old, result["uuid"]}
    assert api_tokens.valid_uuids() == {result["uuid"]}
    assert (result["superseded"], result["retired"]) == ([], [old])


def test_rotate_always_in_four_runs(api_tokens: ApiTokens) -> None:
    old = api_tokens.create_in_file()
    runs = api_tokens.harness.four_runs(MODULE, api_tokens.file_arguments(rotate="always"), idempotent=False)
    assert runs.first["reason"] == "forced"
    assert runs.first.diff["before"]["superseded"] == [old]
    assert runs.first.diff["after"]["superseded"] == []
    assert api_tokens.valid_uuids() == {runs.second["uuid"]}
    assert api_tokens.harness.stored_fingerprint() == runs.second["fingerprint"]


def test_token_without_a_record_is_verified(api_tokens: ApiTokens) -> None:
    uuid = api_tokens.create_in_file()
    runs = api_tokens.harness.four_runs(MODULE, api_tokens.file_arguments())
    assert runs.first["uuid"] == uuid
    assert (runs.first["reason"], runs.first["minted"], runs.first.changed) == ("not_due", False, False)
    assert runs.requests == [[*api_tokens.list_requests, VERIFY]] * 4


def test_superseded_token_of_an_earlier_run_is_retired(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    uuid = api_tokens.create_in_file()
    orphan, _secret = api_tokens.create()
    runs = harness.four_runs(MODULE, api_tokens.file_arguments())
    assert runs.first["reason"] == "not_due"
    assert runs.first.changed
    assert runs.first.diff == {
        "before": {"name": "nightly", "token": "present", "superseded": [orphan], **harness.deliver_diff("current")},
        "after": {"name": "nightly", "token": "present", "superseded": [], **harness.deliver_diff("current")},
    }
    assert api_tokens.valid_uuids() == {uuid}


# --- tokens that are never changed


def test_foreign_tokens_are_never_changed(api_tokens: ApiTokens) -> None:
    harness, accounts = api_tokens.harness, api_tokens.harness.accounts
    other_name, _secret = api_tokens.create(name="weekly")
    without_name = accounts.alice.token(api_tokens.client_id)
    elsewhere = accounts.alice.browser().call(
        "POST",
        api_tokens.path.replace(api_tokens.client_id, accounts.console),
        {"name": "nightly", "scope": "repo:read"},
    )
    browser = accounts.root.browser().call("POST", api_tokens.path, {"name": "nightly", "scope": "repo:read"})
    of_another = browser.json()["uuid"]
    first = harness.run(MODULE, api_tokens.file_arguments())
    again = harness.run(MODULE, api_tokens.file_arguments(rotate="always"))
    gone = harness.run(MODULE, api_tokens.file_arguments(state="absent"))
    assert first["superseded"] == again["superseded"] == gone["superseded"] == []
    named = {other_name, of_another}
    assert named <= api_tokens.valid_uuids()
    assert len(api_tokens.valid_uuids() - named) == 1
    assert fingerprint(without_name) in {
        token.digest[:12] for token in harness.valid_tokens(api_tokens.client_id).values() if token.name is None
    }
    assert elsewhere.json()["uuid"] in harness.valid_tokens(accounts.console)


def test_tokens_with_the_default_name_are_not_revoked(api_tokens: ApiTokens) -> None:
    """Two files without a name share the default name. Neither run may revoke the token of the other."""
    harness = api_tokens.harness
    arguments = {"organization": "acme", "client_id": api_tokens.client_id}
    one, two = (harness.folder / name for name in ("one", "two"))
    for _round in range(2):
        for path in (one, two):
            result = harness.run(MODULE, {**arguments, "token_path": str(path)})
            assert result["superseded"] == []
    assert len(api_tokens.valid_uuids()) == 2
    assert one.read_text() != two.read_text()


def test_valid_token_of_another_application_is_replaced_but_not_revoked(api_tokens: ApiTokens) -> None:
    harness, accounts = api_tokens.harness, api_tokens.harness.accounts
    secret = accounts.alice.token(accounts.console)
    before = set(harness.valid_tokens(accounts.console))
    harness.store_secret(secret)
    result = harness.run(MODULE, api_tokens.file_arguments())
    assert (result["reason"], result["minted"]) == ("invalid", True)
    assert result.warned("not one of this application")
    assert set(harness.valid_tokens(accounts.console)) == before


# --- a token held by the caller


def test_valid_token_costs_two_requests(api_tokens: ApiTokens) -> None:
    uuid, secret = api_tokens.create()
    runs = api_tokens.harness.four_runs(MODULE, {**api_tokens.arguments, "current_token": secret})
    assert runs.requests == [[*api_tokens.list_requests, VERIFY]] * 4
    assert not runs.first.changed
    assert runs.first["token"] is None
    assert (runs.first["uuid"], runs.first["reason"]) == (uuid, "not_due")
    assert runs.first["fingerprint"] == fingerprint(secret)
    assert runs.first["age_source"] == "quay"


def test_token_is_returned_once_and_each_run_creates_another(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    runs = harness.four_runs(MODULE, api_tokens.arguments, idempotent=False)
    assert runs.first.token == runs.first["fingerprint"]
    assert harness.is_oauth_token(runs.first["uuid"], runs.first.token)
    assert runs.second["superseded"] == [runs.first["uuid"]]
    assert api_tokens.valid_uuids() == {runs.first["uuid"], runs.second["uuid"]}
    assert runs.second.diff["after"]["superseded"] == [runs.first["uuid"]]


def test_replaced_token_is_not_revoked_without_delivery(api_tokens: ApiTokens) -> None:
    uuid, secret = api_tokens.create(scope="repo:write")
    arguments = {**api_tokens.arguments, "scopes": ["repo:read"], "current_token": secret}
    runs = api_tokens.harness.four_runs(MODULE, arguments, idempotent=False)
    assert runs.first["reason"] == "scopes_changed"
    assert runs.first["superseded"] == [uuid]
    assert runs.first.diff["before"]["scopes"] == ["repo:write"]
    assert runs.first.diff["after"]["scopes"] == ["repo:read"]
    assert uuid in api_tokens.valid_uuids()
    following = {**api_tokens.arguments, "state": "absent", "uuid": uuid}
    api_tokens.harness.four_runs(MODULE, following)
    assert uuid not in api_tokens.valid_uuids()
    assert runs.second["uuid"] in api_tokens.valid_uuids()


def test_replaced_token_is_revoked_on_demand(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    uuid, secret = api_tokens.create()
    arguments = {**api_tokens.arguments, "current_token": secret, "rotate": "always", "revoke_superseded": True}
    result = harness.run(MODULE, arguments)
    assert result["superseded"] == []
    assert api_tokens.valid_uuids() == {result["uuid"]}
    assert harness.is_oauth_token(result["uuid"], result.token)
    assert harness.requests[-1] == api_tokens.revoke_request(uuid)


def test_replaced_token_in_a_file_is_kept_on_demand(api_tokens: ApiTokens) -> None:
    uuid = api_tokens.create_in_file()
    result = api_tokens.harness.run(MODULE, api_tokens.file_arguments(rotate="always", revoke_superseded=False))
    assert result["superseded"] == [uuid]
    assert uuid in api_tokens.valid_uuids()


def test_token_that_rotates_itself(bearer_api_tokens: ApiTokens) -> None:
    """The token in the file is also the login, so it is revoked last."""
    api_tokens = bearer_api_tokens
    harness = api_tokens.harness
    uuid, secret = api_tokens.create(scope=ALL_SCOPES)
    orphan, _secret = api_tokens.create()
    harness.store_secret(secret)
    harness.login = {"quay_token": secret}
    result = harness.run(MODULE, api_tokens.file_arguments(scopes=ALL_SCOPES.split(), rotate="always"))
    assert not result.failed, result.message
    assert api_tokens.valid_uuids() == {result["uuid"]}
    assert harness.requests[-2:] == [api_tokens.revoke_request(orphan), api_tokens.revoke_request(uuid)]
    assert harness.stored_fingerprint() == result["fingerprint"]


def test_rotate_never_keeps_what_is_due(api_tokens: ApiTokens) -> None:
    uuid, secret = api_tokens.create(scope="repo:write")
    arguments = {**api_tokens.arguments, "scopes": ["repo:read"], "current_token": secret, "rotate": "never"}
    runs = api_tokens.harness.four_runs(MODULE, arguments)
    assert (runs.first["reason"], runs.first["minted"]) == ("scopes_changed", False)
    assert api_tokens.valid_uuids() == {uuid}


def test_rotate_never_creates_what_is_missing(api_tokens: ApiTokens) -> None:
    runs = api_tokens.harness.four_runs(MODULE, api_tokens.file_arguments(rotate="never"))
    assert (runs.first["reason"], runs.first["minted"]) == ("missing", True)


@pytest.mark.parametrize("option", ["scopes", "rights"])
def test_every_scope(api_tokens: ApiTokens, option: str) -> None:
    harness = api_tokens.harness
    harness.login = harness.accounts.root.by_password
    runs = harness.four_runs(MODULE, api_tokens.file_arguments(**{option: ["all"]}))
    assert runs.first["scopes"] == sorted([*ALL_SCOPES.split(), "super:user"])


def test_order_and_repetition_of_scopes_do_not_matter(api_tokens: ApiTokens) -> None:
    _uuid, secret = api_tokens.create(scope="repo:write,repo:read")
    arguments = {**api_tokens.arguments, "current_token": secret, "scopes": ["repo:write", "repo:read", "repo:write"]}
    assert api_tokens.harness.run(MODULE, arguments)["reason"] == "not_due"


def test_token_on_the_second_page_is_found(bearer_api_tokens: ApiTokens) -> None:
    api_tokens = bearer_api_tokens
    uuid, secret = api_tokens.create()
    browser = api_tokens.harness.accounts.alice.browser()
    for number in range(60):
        browser.call("POST", api_tokens.path, {"name": f"other-{number}", "scope": "repo:read"})
    result = api_tokens.harness.run(MODULE, {**api_tokens.arguments, "current_token": secret})
    assert (result["reason"], result["uuid"]) == ("not_due", uuid)
    assert api_tokens.harness.requests == [f"GET {api_tokens.path}", f"GET {api_tokens.path}", VERIFY]


def test_verification_leaves_no_login_in_the_log(bearer_api_tokens: ApiTokens) -> None:
    bearer_api_tokens.harness.run(MODULE, bearer_api_tokens.file_arguments())
    kinds = [entry.kind for entry in bearer_api_tokens.harness.quay.state.logs]
    assert kinds[-1] == "create_oauth_api_token"


# --- absent


def test_token_of_a_file_is_revoked_with_its_file(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    other, _secret = api_tokens.create(name="weekly")
    made = harness.run(MODULE, api_tokens.file_arguments())
    orphan, _secret = api_tokens.create()
    runs = harness.four_runs(MODULE, api_tokens.file_arguments(state="absent"))
    assert runs.first.changed
    revoked = [orphan, made["uuid"]]
    assert runs.first["retired"] == revoked
    assert runs.first.diff == {
        "before": {"name": "nightly", "token": "present", "revoked": [], **harness.deliver_diff("present")},
        "after": {"name": "nightly", "token": "absent", "revoked": revoked, **harness.deliver_diff("absent")},
    }
    assert api_tokens.valid_uuids() == {other}
    assert list(harness.folder.iterdir()) == []


def test_held_token_is_revoked(api_tokens: ApiTokens) -> None:
    _uuid, secret = api_tokens.create()
    api_tokens.harness.four_runs(MODULE, {**api_tokens.arguments, "current_token": secret, "state": "absent"})
    assert api_tokens.valid_uuids() == set()


def test_tokens_of_a_name_are_revoked(api_tokens: ApiTokens) -> None:
    api_tokens.create()
    api_tokens.create()
    other, _secret = api_tokens.create(name="weekly")
    runs = api_tokens.harness.four_runs(MODULE, {**api_tokens.arguments, "state": "absent"})
    assert len(runs.first.diff["after"]["revoked"]) == 2
    assert api_tokens.valid_uuids() == {other}


def test_token_of_a_uuid_is_revoked_and_no_other(api_tokens: ApiTokens) -> None:
    revoked, _secret = api_tokens.create()
    remaining, _secret = api_tokens.create()
    runs = api_tokens.harness.four_runs(MODULE, {**api_tokens.arguments, "uuid": revoked, "state": "absent"})
    assert api_tokens.valid_uuids() == {remaining}
    assert runs.first["retired"] == runs.first.diff["after"]["revoked"] == [revoked]
    assert api_tokens.revoke_request(revoked) in runs.requests[1]


def test_file_with_a_valid_token_of_another_application_stays(api_tokens: ApiTokens) -> None:
    """Its secret is nowhere else."""
    harness, accounts = api_tokens.harness, api_tokens.harness.accounts
    harness.store_secret(accounts.alice.token(accounts.console))
    arguments = api_tokens.file_arguments(state="absent")
    assert_kept(
        harness,
        MODULE,
        arguments,
        "it belongs to another user or another application",
        "Nothing was revoked or removed",
    )


@pytest.mark.parametrize("where", ["this application", "another application"])
def test_uuid_of_another_token_than_the_one_in_the_file(api_tokens: ApiTokens, where: str) -> None:
    harness, accounts = api_tokens.harness, api_tokens.harness.accounts
    revoked, _secret = api_tokens.create()
    if where == "this application":
        held, secret = api_tokens.create(name="weekly")
        words = [f"uuid names the token {revoked}", f"hold the token {held}, which is valid", "Leave uuid out"]
    else:
        secret = accounts.alice.token(accounts.console)
        words = ["it belongs to another user or another application", "Nothing was revoked or removed"]
    harness.store_secret(secret)
    arguments = api_tokens.file_arguments(state="absent", uuid=revoked)
    assert_kept(harness, MODULE, arguments, *words)
    harness.store_secret(secret[::-1])
    runs = harness.four_runs(MODULE, arguments)
    assert (runs.first["retired"], runs.first["removed"]) == ([revoked], [str(harness.token_path)])


def test_unknown_uuid_is_absent_already(api_tokens: ApiTokens) -> None:
    other, _secret = api_tokens.create()
    arguments = {**api_tokens.arguments, "uuid": "5f0c1a52-5f3c-4f0d-8a56-0d6c5d1b2f11", "state": "absent"}
    runs = api_tokens.harness.four_runs(MODULE, arguments)
    assert not runs.first.changed
    assert api_tokens.valid_uuids() == {other}


def test_absent_without_an_identifier_is_refused(api_tokens: ApiTokens) -> None:
    other, _secret = api_tokens.create(name="ansible")
    arguments = {"organization": "acme", "client_id": api_tokens.client_id, "state": "absent"}
    result = api_tokens.harness.run(MODULE, arguments)
    assert result.failed
    assert "Name the token to revoke by uuid, current_token, token_path or deliver" in result.message
    assert api_tokens.valid_uuids() == {other}


# --- for another user


def assigned_to(harness: Harness, username: str) -> list[str]:
    return [item.scope for item in harness.quay.state.assignments.values() if item.username == username]


def test_token_is_assigned_and_taken(harness: Harness) -> None:
    api_tokens = ApiTokens(harness)
    arguments = {**api_tokens.arguments, "scopes": ["repo:read"], "for_user": "carol"}
    harness.login = harness.accounts.alice.by_password
    runs = harness.four_runs(MODULE, arguments, idempotent=False)
    assert runs.first.changed
    assert (runs.first["reason"], runs.first["minted"], runs.first["token"]) == ("missing", False, None)
    assert runs.first.diff == {
        "before": {"for_user": "carol", "token": "absent"},
        "after": {"for_user": "carol", "token": "assigned"},
    }
    assert assigned_to(harness, "carol") == ["repo:read", "repo:read"]
    harness.login = harness.accounts.carol.by_password
    taken = harness.four_runs(MODULE, {**arguments, "token_path": str(harness.token_path)})
    assert (taken.first["reason"], taken.first["minted"]) == ("missing", True)
    (token,) = harness.valid_tokens(api_tokens.client_id).values()
    assert (token.username, token.scope, token.name) == ("carol", "repo:read", None)
    assert harness.is_oauth_token(token.uuid, harness.stored_fingerprint())
    assert taken.first["uuid"] == token.uuid
    assert assigned_to(harness, "carol") == ["repo:read"]
    harness.login = harness.accounts.alice.by_password
    seen = harness.four_runs(MODULE, arguments)
    assert (seen.first["reason"], seen.first["uuid"], seen.first.changed) == ("not_due", token.uuid, False)


def test_token_that_is_not_assigned_cannot_be_taken(harness: Harness) -> None:
    api_tokens = ApiTokens(harness)
    harness.login = harness.accounts.carol.by_password
    arguments = {**api_tokens.arguments, "scopes": ["repo:read"], "for_user": "carol"}
    predicted, result = harness.check(MODULE, arguments), harness.run(MODULE, arguments)
    assert predicted.message == result.message
    assert f"No token of the application {api_tokens.client_id} is assigned to the signed-in user" in result.message
    assert harness.writes == []


@pytest.mark.parametrize("scopes", [["repo:write"], ["repo:read", "repo:write"]], ids=str)
def test_assignment_of_other_scopes_is_not_taken(harness: Harness, scopes: list[str]) -> None:
    api_tokens = ApiTokens(harness)
    harness.login = harness.accounts.alice.by_password
    harness.run(MODULE, {**api_tokens.arguments, "scopes": ["repo:read"], "for_user": "carol"})
    harness.login = harness.accounts.carol.by_password
    result = harness.run(MODULE, {**api_tokens.arguments, "scopes": scopes, "for_user": "carol"})
    assert result.failed
    assert assigned_to(harness, "carol") == ["repo:read"]


@pytest.mark.parametrize(
    ("login", "config", "words"),
    [
        ("bearer", {}, "for_user needs quay_username and quay_password of an administrator"),
        ("session", {"FEATURE_ASSIGN_OAUTH_TOKEN": False}, "FEATURE_ASSIGN_OAUTH_TOKEN is off"),
        ("session", {"REGISTRY_STATE": "readonly"}, "the registry is read-only; nothing was changed"),
    ],
    ids=["bearer", "feature off", "read-only"],
)
def test_assignment_that_cannot_be_made(harness: Harness, login: str, config: dict[str, Any], words: str) -> None:
    harness.login = harness.accounts.alice.by_password if login == "session" else harness.login
    harness.quay.config.update(config)
    arguments = {**ApiTokens(harness).arguments, "for_user": "carol"}
    predicted, result = harness.check(MODULE, arguments), harness.run(MODULE, arguments)
    assert predicted.message == result.message
    assert words in result.message
    assert harness.writes == []


def test_assignment_by_a_user_who_does_not_administer(harness: Harness) -> None:
    harness.login = harness.accounts.bob.by_password
    result = harness.run(MODULE, {**ApiTokens(harness).arguments, "for_user": "carol"})
    assert result.failed
    assert "403" in result.message
    assert assigned_to(harness, "carol") == []


# --- every reason


def _stored(api_tokens: ApiTokens, *, days: float = 0, **options: Any) -> dict[str, Any]:
    lifetime_days = options.pop("lifetime_days", 3650)
    api_tokens.create_in_file(lifetime_s=lifetime_days * 86400, **options)
    api_tokens.harness.advance(days=days)
    return api_tokens.file_arguments()


def _revoked(api_tokens: ApiTokens) -> dict[str, Any]:
    uuid = api_tokens.create_in_file()
    api_tokens.harness.accounts.alice.browser().call("DELETE", f"{api_tokens.path}/{uuid}")
    return api_tokens.file_arguments()


REASONS: dict[str, Callable[[ApiTokens], dict[str, Any]]] = {
    "missing": lambda api_tokens: api_tokens.file_arguments(),
    "forced": lambda api_tokens: {**_stored(api_tokens), "rotate": "always"},
    "invalid": _revoked,
    "expired": lambda api_tokens: _stored(api_tokens, lifetime_days=30, days=31),
    "scopes_changed": lambda api_tokens: {**_stored(api_tokens, scope="repo:write"), "scopes": ["repo:read"]},
    "expiring": lambda api_tokens: {**_stored(api_tokens, lifetime_days=30, days=21), "renew_before": "10d"},
    "too_old": lambda api_tokens: {**_stored(api_tokens, days=91), "max_age": "90d"},
    "not_due": lambda api_tokens: {
        **_stored(api_tokens, lifetime_days=30, days=19),
        "renew_before": "10d",
        "max_age": "20d",
    },
}


def test_every_documented_reason_has_a_case() -> None:
    # Other tests are about a credential in several stores, and about its removal.
    assert documented_reasons(MODULE) - {"undelivered", "absent"} == REASONS.keys()


@pytest.mark.parametrize("reason", REASONS)
def test_reason_is_the_same_in_check_mode_and_in_a_real_run(api_tokens: ApiTokens, reason: str) -> None:
    arguments = REASONS[reason](api_tokens)
    runs = api_tokens.harness.four_runs(MODULE, arguments, idempotent=reason != "forced")
    assert runs.predicted["reason"] == runs.first["reason"] == reason
    assert runs.first["minted"] == (reason != "not_due")
    assert runs.second["reason"] == ("forced" if reason == "forced" else "not_due")
    assert api_tokens.valid_uuids() == {runs.second["uuid"]}
    assert api_tokens.harness.stored_fingerprint() == runs.second["fingerprint"]


@pytest.mark.parametrize("reason", ["invalid", "expired"])
def test_end_of_a_recorded_token_is_detected_without_verification(api_tokens: ApiTokens, reason: str) -> None:
    harness = api_tokens.harness
    made = harness.run(MODULE, api_tokens.file_arguments(lifetime="30d"))
    if reason == "invalid":
        harness.accounts.alice.browser().call("DELETE", f"{api_tokens.path}/{made['uuid']}")
    else:
        harness.advance(days=31)
    result = harness.run(MODULE, api_tokens.file_arguments(lifetime="30d"))
    assert result["reason"] == reason
    assert harness.requests == [*api_tokens.list_requests, *api_tokens.mint_requests]
    assert api_tokens.valid_uuids() == {result["uuid"]}
