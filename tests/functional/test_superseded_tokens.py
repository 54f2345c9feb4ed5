# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Superseded API tokens: grace period, orphans, and tokens that are never changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functional.harness import Harness

MODULE = "quay_api_token"
ORPHAN_FAULT: dict[str, Any] = {"kind": "cut_after", "method": "POST", "path": "(tokens|authorizeapp)$"}


class ApiTokens:
    """An API token of acme's application "automation", stored in a file, on both families."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.client_id = harness.accounts.automation
        self.has_names = harness.quay.quay.family == "3.18"
        if not self.has_names:
            harness.login = harness.accounts.alice.by_password

    def arguments(self, **options: Any) -> dict[str, Any]:
        where = {"organization": "acme", "client_id": self.client_id, "name": "nightly"}
        return {**where, "token_path": str(self.harness.token_path), **options}

    def run(self, **options: Any) -> Any:
        return self.harness.run(MODULE, self.arguments(**options))

    def info(self, **options: Any) -> dict[str, Any]:
        """Return the status by quay_token_info for the same declaration."""
        arguments = self.arguments(**options)
        deliver = [{"kind": "file", "path": arguments.pop("token_path")}]
        (found,) = self.harness.run(
            "quay_token_info", {"credentials": [{"kind": "api", "deliver": deliver, **arguments}]}
        )["credentials"]
        return dict(found)

    def valid_uuids(self) -> set[str]:
        return set(self.harness.valid_tokens(self.client_id))

    def create_orphan(self, **options: Any) -> str:
        """Create a token whose secret is lost with the response. Returns its uuid."""
        before = self.valid_uuids()
        self.harness.quay.faults.add(**ORPHAN_FAULT)
        assert self.run(rotate="always", **options).failed
        (lost,) = self.valid_uuids() - before
        return lost


@pytest.fixture
def api_tokens(harness: Harness) -> ApiTokens:
    return ApiTokens(harness)


@pytest.mark.parametrize("change", [{"rotate": "always"}, {"scopes": ["repo:write"]}], ids=["forced", "other scopes"])
def test_superseded_token_stays_valid_during_the_grace_period(api_tokens: ApiTokens, change: dict[str, Any]) -> None:
    harness = api_tokens.harness
    old = api_tokens.run(scopes=["repo:read", "repo:write"], retire_after="2d")["uuid"]
    scopes = change.get("scopes", ["repo:read", "repo:write"])
    made = api_tokens.run(**{"scopes": scopes, "retire_after": "2d", **change})
    assert (made["superseded"], made["retired"]) == ([old], [])
    assert api_tokens.valid_uuids() == {old, made["uuid"]}
    options = {"scopes": scopes, "retire_after": "2d"}
    assert (api_tokens.info(**options)["action"], api_tokens.info(**options)["superseded"]) == ("nothing", [old])
    harness.advance(days=1)
    waiting = harness.four_runs(MODULE, api_tokens.arguments(**options))
    assert (waiting.first.changed, waiting.first["superseded"]) == (False, [old])
    harness.advance(days=1, minutes=1)
    found = api_tokens.info(**options)
    assert (found["action"], found["message"]) == ("retire", "a superseded token is still valid")
    # The proof that comes before a revocation counts as a use of the present token, also in check mode.
    harness.check(MODULE, api_tokens.arguments(**options))
    ended = harness.four_runs(MODULE, api_tokens.arguments(**options))
    assert (ended.first["retired"], ended.first["superseded"], ended.first["minted"]) == ([old], [], False)
    assert api_tokens.valid_uuids() == {made["uuid"]}


def test_only_the_latest_superseded_token_is_kept(api_tokens: ApiTokens) -> None:
    first = api_tokens.run(retire_after="2d")["uuid"]
    second = api_tokens.run(retire_after="2d", rotate="always")["uuid"]
    third = api_tokens.run(retire_after="2d", rotate="always")
    assert (third["retired"], third["superseded"]) == ([first], [second])
    assert api_tokens.valid_uuids() == {second, third["uuid"]}


def test_without_grace_period_the_old_token_is_revoked_in_the_same_run(api_tokens: ApiTokens) -> None:
    for options in ({}, {"retire_after": "0"}):
        old = api_tokens.run()["uuid"]
        assert api_tokens.run(rotate="always", **options)["retired"] == [old]


def test_grace_period_of_a_token_held_by_the_caller(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    where = {name: value for name, value in api_tokens.arguments().items() if name != "token_path"}
    old = harness.run(MODULE, where)
    new = harness.run(MODULE, {**where, "current_token": old["token"], "rotate": "always", "retire_after": "2d"})
    assert (new["superseded"], new["retired"]) == ([old["uuid"]], [])
    if not api_tokens.has_names:
        # Without a list or a record the token cannot be found again.
        return
    harness.advance(days=3)
    later = harness.run(MODULE, {**where, "current_token": new["token"], "retire_after": "2d"})
    assert later["retired"] == [old["uuid"]]
    assert api_tokens.valid_uuids() == {new["uuid"]}


def test_orphan_is_revoked_without_grace_period(api_tokens: ApiTokens) -> None:
    own = {"owns_application": True, "retire_after": "2d"}
    old = api_tokens.run(**own)["uuid"]
    lost = api_tokens.create_orphan(**own)
    assert api_tokens.info(**own)["action"] == "retire"
    repaired = api_tokens.harness.four_runs(MODULE, api_tokens.arguments(**own))
    assert (repaired.first["retired"], repaired.first["uuid"]) == ([lost], old)
    assert api_tokens.valid_uuids() == {old}


# --- an interrupted run that issued a token within the same second as the one before


@pytest.mark.parametrize("owns_application", [False, True])
@pytest.mark.parametrize("order", ["new first", "old first"])
@pytest.mark.parametrize("check_first", [False, True])
def test_tokens_of_the_same_second(
    api_tokens: ApiTokens, order: str, owns_application: bool, check_first: bool
) -> None:
    """A run was killed after it wrote the first of two stores. The next one keeps the newer token."""
    harness = api_tokens.harness
    stores = [{"kind": "file", "path": str(harness.folder / name)} for name in ("reached", "missed")]
    options: dict[str, Any] = {"token_path": None, "owns_application": owns_application}
    old = api_tokens.run(**options, deliver=stores)["uuid"]
    new = api_tokens.run(**options, deliver=stores[:1], rotate="always", revoke_superseded=False)["uuid"]
    in_the_same_second(harness, new, old)
    both = stores if order == "new first" else stores[::-1]
    if check_first:
        assert harness.check(MODULE, api_tokens.arguments(**options, deliver=both))["retired"] == [old]
    repaired = api_tokens.run(**options, deliver=both)
    assert (repaired["uuid"], repaired["reason"], repaired["minted"]) == (new, "undelivered", False)
    assert repaired["retired"] == [old]
    assert api_tokens.valid_uuids() == {new}
    assert (harness.folder / "reached").read_text() == (harness.folder / "missed").read_text()
    assert not api_tokens.run(**options, deliver=both).changed


def in_the_same_second(harness: Harness, *uuids: str) -> None:
    """Make the tokens equally old, in Quay and in their records."""
    created = harness.quay.clock.now().replace(microsecond=0)
    for token in harness.quay.state.oauth_tokens.values():
        if token.uuid in uuids:
            token.created = created
    for path in harness.folder.glob("*.record.json"):
        record = json.loads(path.read_text())
        record["token"]["created_at"] = harness.iso(created)
        path.write_text(json.dumps(record))


# --- older servers: tokens without names


def test_first_orphan_is_found_in_an_owned_application(api_tokens: ApiTokens) -> None:
    lost = api_tokens.create_orphan(owns_application=True)
    made = api_tokens.run(owns_application=True)
    assert made["retired"] == [lost]
    assert api_tokens.valid_uuids() == {made["uuid"]}
    api_tokens.harness.four_runs(MODULE, api_tokens.arguments(owns_application=True))


def test_foreign_tokens_are_never_changed(api_tokens: ApiTokens) -> None:
    """Tokens of the user interface, and of other names, users and applications."""
    harness, alice = api_tokens.harness, api_tokens.harness.accounts.alice
    alice.token(api_tokens.client_id)
    alice.token(harness.accounts.console)
    browser = harness.accounts.root.browser()
    browser.call("PUT", "/api/v1/organization/acme/team/owners/members/root")
    harness.accounts.root.token(api_tokens.client_id)
    others = api_tokens.valid_uuids()
    if api_tokens.has_names:
        others.add(api_tokens.run(name="other", token_path=str(harness.folder / "other"))["uuid"])
    made = api_tokens.run()
    lost = api_tokens.create_orphan() if not api_tokens.has_names else None
    for _time in range(2):
        last = api_tokens.run(rotate="always")
        assert last["retired"] == [made["uuid"]]
        made = last
    assert api_tokens.valid_uuids() == others | {made["uuid"]} | ({lost} if lost else set())


def test_owned_application_keeps_tokens_of_other_users_and_applications(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    harness.accounts.root.browser().call("PUT", "/api/v1/organization/acme/team/owners/members/root")
    harness.accounts.root.token(api_tokens.client_id)
    elsewhere = harness.valid_tokens(harness.accounts.console)
    foreign = api_tokens.valid_uuids()
    made_in_the_pages = harness.accounts.alice.token(api_tokens.client_id)
    made = api_tokens.run(owns_application=True)
    assert harness.valid_tokens(harness.accounts.console) == elsewhere
    if api_tokens.has_names:
        assert foreign < api_tokens.valid_uuids()
        assert made["retired"] == []
    else:
        assert api_tokens.valid_uuids() == foreign | {made["uuid"]}
        assert not harness.is_oauth_token(made["uuid"], made_in_the_pages)


def test_unclear_response_says_what_happens_to_the_token(api_tokens: ApiTokens) -> None:
    api_tokens.harness.quay.faults.add(**ORPHAN_FAULT)
    result = api_tokens.run()
    assert result.failed
    if api_tokens.has_names:
        assert "found by its name and revoked" in result.message
    else:
        assert "is not touched, because it may belong to somebody else" in result.message
        assert "owns_application" in result.message


def test_ambiguous_owned_application_is_refused(api_tokens: ApiTokens) -> None:
    api_tokens.harness.accounts.alice.browser().call(
        "POST", "/api/v1/organization/acme/applications", {"name": "automation"}
    )
    result = api_tokens.run(owns_application=True)
    if api_tokens.has_names:
        assert not result.failed
    else:
        assert "has several applications named 'automation'" in result.message
        assert api_tokens.harness.writes == []
