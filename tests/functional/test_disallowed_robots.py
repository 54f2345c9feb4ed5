# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Robots on a Quay with ROBOTS_DISALLOW: it regenerates their tokens and accepts none of them."""

from __future__ import annotations

from typing import Any

import pytest

from functional.harness import Harness, assert_refused

MODULE = "quay_robot_token"
CI = "/api/v1/organization/acme/robots/ci"
DISALLOWED = "This Quay does not allow robot accounts (ROBOTS_DISALLOW in its configuration), so "


@pytest.fixture
def disallowing(harness: Harness) -> Harness:
    harness.quay.config.update(ROBOTS_DISALLOW=True, ROBOTS_WHITELIST=["acme+mirror"])
    return harness


def test_token_that_could_not_be_used_is_not_replaced(disallowing: Harness) -> None:
    """It would be replaced in every run, because no new token could be verified and stored."""
    harness = disallowing
    before = harness.robot_fingerprint()
    words = (
        "it would not accept a new token of acme+ci. The present token was not replaced. Ask the administrator of Quay"
    )
    assert_refused(harness, MODULE, {"name": "acme+ci", "rotate": "always"}, DISALLOWED + words, "ROBOTS_WHITELIST")
    assert harness.requests == [f"GET {CI}", "GET /config", "GET /v2/auth"]
    assert harness.robot_fingerprint() == before


def test_robot_on_the_whitelist_is_rotated(disallowing: Harness) -> None:
    harness = disallowing
    harness.quay.config["ROBOTS_WHITELIST"] = ["acme+ci"]
    before = harness.robot_fingerprint()
    runs = harness.four_runs(MODULE, {"name": "acme+ci", "rotate": "always"}, idempotent=False)
    assert (runs.first["minted"], runs.first["reason"]) == (True, "forced")
    assert harness.robot_fingerprint() != before


def test_present_token_is_returned_if_nothing_is_due(disallowing: Harness) -> None:
    runs = disallowing.four_runs(MODULE, {"name": "acme+ci"})
    assert (runs.first.changed, runs.first.token) == (False, disallowing.robot_fingerprint())
    assert runs.requests == [[f"GET {CI}"]] * 4


@pytest.mark.parametrize("name", ["acme+new", "acme+mirror", "new"])
def test_new_robot(disallowing: Harness, name: str) -> None:
    words = f"{DISALLOWED}the robot {name} cannot be created. Use another kind of credential"
    assert assert_refused(disallowing, MODULE, {"name": name}, words) == words
    assert disallowing.writes == []


@pytest.mark.parametrize("created", ["none", "one", "both"])
def test_pair(harness: Harness, created: str) -> None:
    arguments: dict[str, Any] = {"name": "acme+pull", "strategy": "paired", "rotate": "always"}
    arguments["deliver"] = [{"kind": "file", "format": "json", "path": str(harness.token_path)}]
    for _run in range({"none": 0, "one": 1, "both": 2}[created]):
        assert harness.run(MODULE, arguments).changed
    harness.quay.config["ROBOTS_DISALLOW"] = True
    words = {
        "none": "the robot acme+pull_a cannot be created",
        "one": "the robot acme+pull_b cannot be created",
        "both": "the robot acme+pull_c cannot be created",
    }
    state, stored = harness.state(), stored_text(harness)
    for check in (True, False):
        result = harness.run(MODULE, arguments, check=check)
        assert result.message.startswith(DISALLOWED + words[created])
        assert harness.writes == []
        assert (harness.state(), stored_text(harness)) == (state, stored)


def stored_text(harness: Harness) -> str | None:
    return harness.token_path.read_text() if harness.token_path.exists() else None
