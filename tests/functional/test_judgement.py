# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_token_info judges as the token modules do: the role plans by the one and acts by the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contract import collection
from functional import test_quay_api_token as api
from functional import test_quay_api_token_by_browser as api_by_browser
from functional import test_quay_referrers_token as referrers
from functional import test_quay_robot_token as robots
from functional.world import World

Arguments = dict[str, Any]
Case = tuple[str, str, Callable[[World], Arguments]]


def ends_soon(world: World) -> Arguments:
    """Left to the module's default, ten days of life are too few."""
    desk = api.Desk(world)
    desk.make_in_file(lifetime_s=10 * 86400)
    return desk.in_file()


def ends_within_minutes(world: World) -> Arguments:
    """Four minutes are."""
    world.advance(minutes=-56)
    world.run("quay_referrers_token", referrers.in_file(world))
    world.advance(minutes=56)
    return referrers.in_file(world)


def cases() -> dict[str, Case]:
    """Every reason of every kind, by the tables of the modules' own tests."""
    found: dict[str, Case] = {}
    for reason, arrange in robots.REASONS.items():
        found[f"robot {reason}"] = ("robot", "3.18", arrange)
    for reason, arrange in referrers.REASONS.items():
        found[f"referrers {reason}"] = ("referrers", "3.18", arrange)
    for reason, arrange_api in api.REASONS.items():
        found[f"api {reason}"] = ("api", "3.18", lambda world, arrange=arrange_api: arrange(api.Desk(world)))  # type: ignore[misc]
    for reason, arrange_old in api_by_browser.REASONS.items():
        found[f"old api {reason}"] = (
            "api",
            "3.17",
            lambda world, arrange=arrange_old: arrange(api_by_browser.Desk(world)),  # type: ignore[misc]
        )
    found["api ends soon"] = ("api", "3.18", ends_soon)
    found["referrers ends soon"] = ("referrers", "3.18", ends_within_minutes)
    return found


CASES = cases()
MODULES = {"api": "quay_api_token", "referrers": "quay_referrers_token", "robot": "quay_robot_token"}


@pytest.fixture
def family(request: pytest.FixtureRequest) -> str:
    return CASES[request.node.callspec.params["case"]][1]


@pytest.mark.parametrize("case", CASES)
def test_judgement_is_that_of_the_module(world: World, case: str) -> None:
    kind, family, arrange = CASES[case]
    if family == "3.17":
        world.login = world.people.alice.by_password
    arguments = arrange(world)
    (told,) = world.run("quay_token_info", {"credentials": [question(kind, arguments)]})["credentials"]
    predicted = world.run(MODULES[kind], arguments, check=True)
    assert told["error"] is None
    assert told["reason"] == predicted["reason"]
    assert (told["action"] == "mint") == predicted["minted"]
    assert (told["action"] != "nothing") == bool(predicted["delivered"] or predicted["minted"] or predicted["retired"])
    assert told["superseded"] == [uuid for uuid in predicted["superseded"] if uuid != told["uuid"]]


def question(kind: str, arguments: Arguments) -> Arguments:
    """The same credential as one asks about it."""
    options = collection.spec_of("quay_token_info").options["credentials"]["options"]
    asked = {name: value for name, value in arguments.items() if name in options}
    if "token_path" in arguments:
        asked["deliver"] = [{"kind": "file", "path": arguments["token_path"]}]
    return {"kind": kind, "name": "scan", **asked}
