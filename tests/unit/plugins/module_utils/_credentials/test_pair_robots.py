# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The robots of one credential: which ones are read, and which ones belong to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.pair_robots import PairRobots
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.pair_state import (
    Pair,
    handle_of,
    pair_from_options,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_lookup import RobotLookup
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot, RobotName
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import UNKNOWN_ROBOT, robot_list, robot_reply
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context, stored_secret

ROBOTS = "/api/v1/organization/acme/robots"
LIST = f"{ROBOTS}?permissions=true"
NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)

CI, A, B, C, D = (RobotName("acme", short) for short in ("ci", "ci_a", "ci_b", "ci_c", "ci_d"))
PAIRED = pair_from_options(CI, {"strategy": "paired", "pair": None})
IN_PLACE = pair_from_options(CI, {"strategy": "in_place", "pair": None})
NAMED = Pair(CI, (C, D), paired=True, explicit=True)
MARKED = {"tokensmith.quay/credential": "ci"}


def robot(name: RobotName, metadata: dict[str, Any] | None = None) -> Robot:
    return Robot(str(name), NOW, None, "", f"token of {name}", metadata)


def held(name: RobotName, *former: RobotName) -> StoredSecret:
    """A store with the robot's present token, and the record of what it replaced."""
    superseded = tuple(handle_of(robot(other)) for other in former)
    return stored_secret(str(robot(name).token), str(name), superseded=superseded)


def reader(quay: FakeQuay, pair: Pair = PAIRED) -> PairRobots:
    return PairRobots(pair, RobotLookup(module_context(quay), "acme"))


def targets(quay: FakeQuay) -> list[str]:
    return [target for _method, target in quay.calls]


@pytest.mark.parametrize(
    ("stored", "names"),
    [
        ([held(A)], [A]),
        ([held(B, A)], [A, B]),
        ([held(C, B)], [B, C]),
        ([held(A, CI), StoredSecret()], [A, CI]),
        ([held(A), StoredSecret(robot(B).token, None, "acme+ci_b")], [A, B]),
    ],
)
def test_robots_that_the_records_name(quay: FakeQuay, stored: list[StoredSecret], names: list[RobotName]) -> None:
    """Each costs one request, and nothing else is read."""
    quay.answers(*(robot_reply(robot(name)) for name in names))
    assert reader(quay).read(stored) == {name: robot(name) for name in names}
    assert targets(quay) == [f"{ROBOTS}/{name.short}" for name in names]


def test_robot_that_was_deleted(quay: FakeQuay) -> None:
    quay.answers(UNKNOWN_ROBOT, robot_reply(robot(B)))
    assert reader(quay).read([held(B, A)]) == {A: None, B: robot(B)}


def test_no_records(quay: FakeQuay) -> None:
    """All robots of the namespace are listed. Of other names than the usual ones, the mark decides."""
    listed = [robot(name) for name in (CI, A, B, C, D)]
    quay.answers(robot_list(*listed), robot_reply(robot(C, MARKED)), robot_reply(robot(D, {})))
    assert reader(quay).read([StoredSecret()]) == {name: robot(name) for name in (A, B, C)}
    assert targets(quay) == [LIST, f"{ROBOTS}/ci_c", f"{ROBOTS}/ci_d"]


def test_secret_of_a_robot_of_another_strategy(quay: FakeQuay) -> None:
    quay.answers(robot_list(robot(CI), robot(A)))
    assert reader(quay).read([StoredSecret(robot(CI).token, None, "acme+ci")]) == {A: robot(A), CI: robot(CI)}


def test_secret_that_no_recorded_robot_has(quay: FakeQuay) -> None:
    """Somebody replaced the token, or put another secret into the store."""
    changed = replace(robot(A), token="replaced")
    quay.answers(robot_reply(changed), robot_list(changed, robot(CI)))
    assert reader(quay).read([held(A)]) == {A: changed, CI: robot(CI)}
    assert targets(quay) == [f"{ROBOTS}/ci_a", LIST]


@pytest.mark.parametrize(
    ("pair", "stored", "own", "asked"),
    [
        (PAIRED, [], {A, B, CI}, ["ci_c"]),
        (PAIRED, [held(C)], {A, B, C, CI}, []),
        (PAIRED, [held(A, C)], {A, B, C, CI}, []),
        (IN_PLACE, [], {CI}, ["ci_a", "ci_b", "ci_c"]),
        (IN_PLACE, [held(A)], {A, CI}, ["ci_b", "ci_c"]),
        (NAMED, [], {C, CI}, []),
    ],
)
def test_robots_that_belong_to_the_credential(
    quay: FakeQuay, pair: Pair, stored: list[StoredSecret], own: set[RobotName], asked: list[str]
) -> None:
    existing = [name for name in (CI, A, B, C) if name in pair.all]
    quay.answers(robot_list(*map(robot, existing)), *(robot_reply(robot(C, {})) for _name in asked))
    found, taken = reader(quay, pair).list(stored)
    assert (set(found), set(taken)) == (own, set(existing) - own)
    assert targets(quay) == [LIST, *(f"{ROBOTS}/{short}" for short in asked)]
