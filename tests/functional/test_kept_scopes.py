# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_api_token without scopes: a token keeps those that it has, and a new one may read repositories."""

from __future__ import annotations

from typing import Any

import pytest

from functional.harness import Harness

MODULE = "quay_api_token"
WIDE = ["repo:read", "repo:write"]


class Task:
    """A task without scopes."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.client_id = harness.accounts.automation
        self.has_names = harness.quay.quay.family == "3.18"
        if not self.has_names:
            harness.login = harness.accounts.alice.by_password
        where = {"organization": "acme", "client_id": self.client_id, "name": "nightly"}
        self.arguments: dict[str, Any] = {**where, "token_path": str(harness.token_path)}

    def run(self, **options: Any) -> Any:
        return self.harness.run(MODULE, {**self.arguments, **options})

    def info(self) -> dict[str, Any]:
        where = {key: value for key, value in self.arguments.items() if key != "token_path"}
        store = {"kind": "file", "path": str(self.harness.token_path)}
        credential = {"kind": "api", "deliver": [store], **where}
        return dict(self.harness.run("quay_token_info", {"credentials": [credential]})["credentials"][0])


@pytest.fixture
def task(harness: Harness) -> Task:
    return Task(harness)


def test_new_token(task: Task) -> None:
    runs = task.harness.four_runs(MODULE, task.arguments)
    assert (runs.first["scopes"], runs.second["scopes"]) == (["repo:read"], ["repo:read"])


def test_present_scopes_are_kept(task: Task) -> None:
    made = task.run(scopes=WIDE)
    runs = task.harness.four_runs(MODULE, task.arguments)
    assert (runs.first.changed, runs.first["scopes"], runs.first["uuid"]) == (False, WIDE, made["uuid"])
    found = task.info()
    assert (found["reason"], found["action"], found["scopes"]) == ("not_due", "nothing", WIDE)


def test_successor_has_the_same_scopes(task: Task) -> None:
    task.run(scopes=WIDE)
    predicted = task.harness.check(MODULE, {**task.arguments, "rotate": "always"})
    made = task.run(rotate="always")
    assert (predicted["scopes"], made["scopes"], made["minted"]) == (WIDE, WIDE, True)
    assert predicted.diff == made.diff
    issued = task.harness.valid_tokens(task.client_id)[made["uuid"]]
    assert sorted(issued.scope.split()) == WIDE
    assert not made.warned("scopes is not set")


def test_declared_scopes_are_narrowed(task: Task) -> None:
    task.run(scopes=WIDE)
    narrowed = task.run(scopes=["repo:read"])
    assert (narrowed["reason"], narrowed["scopes"]) == ("scopes_changed", ["repo:read"])


def test_token_that_quay_does_not_accept(task: Task) -> None:
    """Its scopes are unknown, and those in a record could be edited. The run says what the new token may do."""
    made = task.run(scopes=WIDE)
    state = task.harness.quay.state
    state.oauth_tokens = {key: token for key, token in state.oauth_tokens.items() if token.uuid != made["uuid"]}
    for check in (True, False):
        result = task.harness.run(MODULE, task.arguments, check=check)
        assert (result["reason"], result["scopes"]) == ("invalid", ["repo:read"])
        assert result.warned("scopes is not set, and Quay does not show the scopes of the token that is replaced")


def test_token_of_another_user(task: Task) -> None:
    """Somebody put it into the store, to get a token of the login with the same scopes."""
    if not task.has_names:
        return
    harness = task.harness
    task.run()
    browser = harness.accounts.root.browser()
    browser.call("PUT", "/api/v1/organization/acme/team/owners/members/root")
    foreign = harness.accounts.root.token(task.client_id)
    harness.store_secret(foreign)
    valid = set(harness.valid_tokens(task.client_id))
    for check in (True, False):
        refused = harness.run(MODULE, {**task.arguments, "rotate": "always"}, check=check)
        assert refused.message.startswith("scopes is missing: the stored token was created by root and has the scopes")
        assert harness.writes == []
        assert set(harness.valid_tokens(task.client_id)) == valid
    assert task.run(rotate="always", scopes=["repo:read"])["scopes"] == ["repo:read"]
