# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody who can write to the directory of a store edits a record, so that a run revokes what belongs to others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functional.harness import Harness

API = "quay_api_token"
ROBOT = "quay_robot_token"
VERIFY = "GET /v2/auth"


class Victim:
    """A credential in a file, and the token of another credential of the same application."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.client_id = harness.accounts.automation
        self.has_names = harness.quay.quay.family == "3.18"
        if not self.has_names:
            harness.login = harness.accounts.alice.by_password
        self.own = self.run()["uuid"]
        other = {"name": "other", "token_path": str(harness.folder / "other")}
        self.other = self.run(**other)["uuid"]

    def arguments(self, **options: Any) -> dict[str, Any]:
        where = {"organization": "acme", "client_id": self.client_id, "name": "nightly"}
        return {**where, "token_path": str(self.harness.token_path), **options}

    def run(self, **options: Any) -> Any:
        return self.harness.run(API, self.arguments(**options))

    def edit(self, **fields: Any) -> None:
        record = self.harness.token_record()
        record.update(fields)
        path = self.harness.folder / "token.record.json"
        path.write_text(json.dumps({"token": record}))

    def valid(self) -> set[str]:
        return set(self.harness.valid_tokens(self.client_id))


@pytest.fixture
def victim(harness: Harness) -> Victim:
    return Victim(harness)


def test_uuid_of_another_credential(victim: Victim) -> None:
    """Quay shows which token the stored secret is, so the rotation revokes that one."""
    victim.edit(uuid=victim.other, superseded=victim.other if victim.has_names else None)
    before = victim.valid() - {victim.own}
    predicted = victim.harness.check(API, victim.arguments(rotate="always"))
    made = victim.run(rotate="always")
    assert predicted["retired"] == made["retired"] == [victim.own]
    assert victim.valid() == before | {made["uuid"]}
    assert victim.other in before
    if victim.has_names:
        warning = f"The record of a store names the token {victim.other}, but the stored secret is not that token"
        assert predicted.warned(warning)
        assert made.warned(warning)


def test_absent_credential(victim: Victim) -> None:
    victim.edit(uuid=victim.other)
    before = victim.valid() - {victim.own}
    runs = victim.harness.four_runs(API, victim.arguments(state="absent"))
    assert runs.first["retired"] == [victim.own]
    assert victim.valid() == before


def test_tokens_that_interrupted_runs_left(victim: Victim) -> None:
    """The present token is not taken for one of them, because a record names another one as present."""
    if not victim.has_names:
        return
    lost = victim.run(token_path=str(victim.harness.folder / "lost"), revoke_superseded=False)["uuid"]
    victim.edit(uuid=victim.other)
    ended = victim.run()
    assert (ended["retired"], ended["uuid"]) == ([lost], victim.own)
    assert {victim.own, victim.other} <= victim.valid()


def test_requests(victim: Victim) -> None:
    """Nothing is asked in addition while nothing is due, and once if it is."""
    if not victim.has_names:
        return
    victim.run()
    assert VERIFY not in victim.harness.requests
    victim.harness.check(API, victim.arguments(rotate="always"))
    assert victim.harness.requests.count(VERIFY) == 2  # the stored secret, and the login
    victim.run(rotate="always")
    assert victim.harness.requests.count(VERIFY) == 3  # and the new secret


def test_superseded_token_of_another_application(harness: Harness) -> None:
    """Quay 3.17 and older list all tokens of a user. Only one of the same application may be revoked."""
    victim = Victim(harness)
    before = set(harness.valid_tokens(harness.accounts.console))
    harness.accounts.alice.token(harness.accounts.console)
    (uuid,) = set(harness.valid_tokens(harness.accounts.console)) - before
    victim.edit(superseded=uuid)
    for state in ({}, {"rotate": "always"}):
        result = victim.run(**state)
        assert uuid not in result["retired"]
    assert uuid in harness.valid_tokens(harness.accounts.console)
    # The stored secret is useless, so the list does not show its application either.
    victim.edit(superseded=uuid)
    harness.quay.state.oauth_tokens = {
        digest: token for digest, token in harness.quay.state.oauth_tokens.items() if token.uuid != result["uuid"]
    }
    assert uuid not in victim.run()["retired"]
    assert uuid in harness.valid_tokens(harness.accounts.console)


def test_dates_of_a_record(harness: Harness) -> None:
    """They show the age of a robot's token, because Quay keeps no date. A forced rotation does not depend on them."""
    options = {"name": "acme+ci", "token_path": str(harness.token_path), "max_age": "1d"}
    harness.run(ROBOT, {**options, "rotate": "always"})
    record = harness.token_record()
    harness.advance(days=3)
    assert harness.check(ROBOT, options)["reason"] == "too_old"
    record_path = harness.folder / "token.record.json"
    record_path.write_text(json.dumps({"token": {**record, "created_at": harness.now()}}))
    assert harness.check(ROBOT, options)["reason"] == "not_due"
    assert harness.run(ROBOT, {**options, "rotate": "always"})["minted"]


@pytest.mark.parametrize("strategy", ["in_place", "paired"])
@pytest.mark.parametrize("handle", ["acme+ci_d@0123456789ab", "acme+ci_d@{fingerprint}", "acme+other@{fingerprint}"])
@pytest.mark.parametrize("rotate", ["when_due", "always"])
def test_robot_of_others(harness: Harness, strategy: str, handle: str, rotate: str) -> None:
    """A robot is not deleted because a record says that it was replaced, unless the record knows its token."""
    browser = harness.accounts.alice.browser()
    robots = ("ci_d", "other")
    for short in robots:
        browser.call("PUT", f"/api/v1/organization/acme/robots/{short}", {})
    path = harness.folder / "auth.json"
    options = {"name": "acme+ci", "strategy": strategy, "deliver": [{"kind": "container_auth", "path": str(path)}]}
    harness.run(ROBOT, options)
    record_path = harness.folder / "auth.json.record.json"
    records = json.loads(record_path.read_text())
    (registry,) = records
    records[registry]["fingerprint" if rotate == "when_due" else "uuid"] = "0123456789ab"
    name = handle.partition("@")[0]
    known = harness.robot_fingerprint("acme+other")
    records[registry]["superseded"] = handle.format(fingerprint=known)
    record_path.write_text(json.dumps(records))
    harness.advance(days=3)
    for more in ({"rotate": rotate, "retire_after": "1d"} if strategy == "paired" else {"rotate": rotate}, {}):
        result = harness.run(ROBOT, {**options, **more})
        assert not result.failed, result.message
        assert name not in result["deleted"]
    assert {f"acme+{short}" for short in robots} <= set(harness.quay.state.robots)
