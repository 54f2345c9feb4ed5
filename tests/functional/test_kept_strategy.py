# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_robot_token without strategy: a credential keeps that by which its secret was issued."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functional.harness import Harness

MODULE = "quay_robot_token"
STORES: dict[str, dict[str, Any]] = {
    "auth file": {"kind": "container_auth"},
    "json": {"kind": "file", "format": "json"},
    "env": {"kind": "file", "format": "env"},
}


def arguments(harness: Harness, store: str, **options: Any) -> dict[str, Any]:
    return {"name": "acme+ci", "deliver": [{**STORES[store], "path": str(harness.folder / "place")}], **options}


def info(harness: Harness, store: str, **options: Any) -> dict[str, Any]:
    credential = {"kind": "robot", **arguments(harness, store, **options)}
    return dict(harness.run("quay_token_info", {"credentials": [credential]})["credentials"][0])


@pytest.mark.parametrize("store", STORES)
def test_pair_takes_turns(harness: Harness, store: str) -> None:
    first = harness.run(MODULE, arguments(harness, store, strategy="paired"))
    runs = harness.four_runs(MODULE, arguments(harness, store))
    assert (runs.first.changed, runs.first["username"]) == (False, first["username"])
    found = info(harness, store)
    assert (found["reason"], found["action"], found["username"]) == ("not_due", "nothing", first["username"])
    predicted = harness.check(MODULE, arguments(harness, store, rotate="always"))
    turned = harness.run(MODULE, arguments(harness, store, rotate="always"))
    assert predicted["username"] == turned["username"]
    assert {first["username"], turned["username"]} == {"acme+ci_a", "acme+ci_b"}
    # The former robot still serves consumers.
    assert turned["superseded"] == [f"{first['username']}@{harness.robot_fingerprint(first['username'])}"]
    assert not harness.run(MODULE, arguments(harness, store, retire_after="1d")).changed


def test_declared_strategy_counts(harness: Harness) -> None:
    harness.run(MODULE, arguments(harness, "json", strategy="paired"))
    moved = harness.run(MODULE, arguments(harness, "json", strategy="in_place"))
    assert (moved["minted"], moved["username"]) == (True, "acme+ci")
    assert info(harness, "json")["username"] == "acme+ci"
    assert not harness.run(MODULE, arguments(harness, "json", rotate="never"))["minted"]


def test_new_credential_is_replaced_in_place(harness: Harness) -> None:
    made = harness.run(MODULE, arguments(harness, "json", name="acme+new"))
    assert made["username"] == "acme+new"
    record = json.loads((harness.folder / "place").read_text())
    assert "strategy" not in record


def test_robot_after_a_leak_returns_to_its_name(harness: Harness) -> None:
    """It carries the credential in the place of the deleted one. That is no pair."""
    harness.run(MODULE, arguments(harness, "json"))
    moved = harness.run(MODULE, arguments(harness, "json", rotate="compromised"))
    assert moved["username"] != "acme+ci"
    assert json.loads((harness.folder / "place").read_text())["strategy"] == "in_place"
    harness.advance(hours=2)
    assert harness.run(MODULE, arguments(harness, "json"))["username"] == "acme+ci"


def test_store_without_a_place_for_the_user_name(harness: Harness) -> None:
    """It is refused as with the declared strategy, before anything is issued."""
    harness.run(MODULE, arguments(harness, "json", strategy="paired"))
    options = arguments(harness, "json")
    options["deliver"].append({"kind": "file", "path": str(harness.folder / "bare"), "format": "token"})
    for check in (True, False):
        refused = harness.run(MODULE, options, check=check)
        assert "strategy: paired changes the user name with each rotation" in refused.message
        assert harness.writes == []
