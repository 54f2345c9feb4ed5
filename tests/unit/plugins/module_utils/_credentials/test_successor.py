# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which robot carries a credential next, and which names must rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.pair_state import (
    Pair,
    handle_of,
    pair_from_options,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.successor import (
    Situation,
    Successor,
    choose_successor,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot, RobotName

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

CI, A, B, C, D = (RobotName("acme", short) for short in ("ci", "ci_a", "ci_b", "ci_c", "ci_d"))
Z = RobotName("acme", "ci_z")
A2 = RobotName("acme", "ci_a2")
PAIRED = pair_from_options(CI, {"strategy": "paired", "pair": None})
IN_PLACE = pair_from_options(CI, {"strategy": "in_place", "pair": None})
NAMED = Pair(CI, (A, B), paired=True, explicit=True)
THREE = Pair(CI, (A, B, C), paired=True, explicit=True)


def robot(name: RobotName, created: datetime = NOW - 90 * DAY, token: str | None = None) -> Robot:
    return Robot(str(name), created, None, "", token or f"token of {name}")


def situation(pair: Pair = PAIRED, active: RobotName | None = A, **known: Any) -> Situation:
    """The robots were created long ago, and the secret of the active one was issued 30 days ago."""
    values: dict[str, Any] = {
        "robots": {active: robot(active)} if active else {},
        "taken": frozenset(),
        "deletions": {},
        "issued_at": NOW - 30 * DAY if active else None,
        "replaced": [],
        "now": NOW,
    }
    return Situation(pair, active, **{**values, **known})


def existing(*names: RobotName) -> dict[RobotName, Robot]:
    return {name: robot(name) for name in names}


def deleted(ago: timedelta, *names: RobotName) -> dict[str, datetime]:
    return {name.short: NOW - ago for name in names}


LATELY = 64 * MINUTE
LONG_AGO = 65 * MINUTE

# The situation, and the next robot.
CHOICES: dict[str, tuple[Situation, Successor]] = {
    "the first one": (situation(active=None), Successor(A)),
    "the other one": (situation(), Successor(B)),
    "the first one again": (situation(active=B), Successor(A)),
    "deleted long ago": (situation(active=B, deletions=deleted(LONG_AGO, A)), Successor(A)),
    "deleted lately": (situation(active=B, deletions=deleted(LATELY, A)), Successor(C)),
    "two deleted lately": (situation(active=C, deletions=deleted(LATELY, A, B)), Successor(D)),
    "all letters deleted lately": (
        situation(active=Z, deletions=deleted(LATELY, *PAIRED.turns[:25])),
        Successor(A2),
    ),
    "former one still exists": (situation(active=B, robots=existing(A, B)), Successor(C)),
    "name of somebody else": (situation(robots=existing(A), taken=frozenset({B, C})), Successor(D)),
    "from one robot to a pair": (situation(active=CI, robots=existing(CI)), Successor(A)),
    # The record alone shows that a robot existed when the present secret was issued.
    "replaced lately": (
        situation(active=B, issued_at=NOW - LATELY, replaced=[handle_of(robot(A))]),
        Successor(C),
    ),
    "replaced long ago": (
        situation(active=B, issued_at=NOW - LONG_AGO, replaced=[handle_of(robot(A))]),
        Successor(A),
    ),
    # Quay's logs do not show deletions.
    "unknown, the first one": (situation(active=None, deletions=None), Successor(A)),
    "unknown": (situation(active=B, deletions=None), Successor(C)),
    "unknown, some exist": (situation(active=B, deletions=None, robots=existing(B, C)), Successor(D)),
    "unknown, after the last one": (
        situation(active=PAIRED.turns[-1], deletions=None),
        Successor(A),
    ),
    "unknown, from one robot to a pair": (situation(active=CI, deletions=None), Successor(A)),
    # Names that the user chose.
    "named": (situation(NAMED, B), Successor(A)),
    "named, in doubt": (situation(NAMED, B, deletions=None), Successor(A, in_doubt=True)),
    "named, exists": (
        situation(NAMED, B, robots=existing(A, B)),
        Successor(A, robot(A), outlived=True),
    ),
    "three, one exists": (situation(THREE, B, robots=existing(A, B)), Successor(C)),
    "three, one deleted lately": (situation(THREE, B, deletions=deleted(LATELY, A)), Successor(C)),
    "three, one deleted lately, one exists": (
        situation(THREE, B, robots=existing(B, C), deletions=deleted(LATELY, A)),
        Successor(C, robot(C), outlived=True),
    ),
    # In place: the robot of the credential's own name is preferred.
    "return": (situation(IN_PLACE, A), Successor(CI)),
    "return, in doubt": (situation(IN_PLACE, A, deletions=None), Successor(CI, in_doubt=True)),
    "return, deleted lately": (situation(IN_PLACE, A, deletions=deleted(LATELY, CI)), Successor(B)),
    "return, exists": (
        situation(IN_PLACE, A, robots=existing(A, CI)),
        Successor(CI, robot(CI), outlived=True),
    ),
    "return, former one exists": (
        situation(IN_PLACE, A, robots=existing(A, CI), replaced=[handle_of(robot(CI))]),
        Successor(B),
    ),
    "return, exists, leak": (situation(IN_PLACE, A, robots=existing(A, CI), leaked=True), Successor(B)),
    "leak": (situation(IN_PLACE, CI, robots=existing(CI)), Successor(A)),
    "leak, unknown": (situation(IN_PLACE, CI, robots=existing(CI), deletions=None), Successor(A)),
    "second leak, unknown": (
        situation(IN_PLACE, A, deletions=None, issued_at=NOW - MINUTE, replaced=[handle_of(robot(CI))]),
        Successor(B),
    ),
}


@pytest.mark.parametrize("case", CHOICES)
def test_choice(case: str) -> None:
    known, successor = CHOICES[case]
    assert choose_successor(known) == successor


LEFT = robot(C, NOW - DAY)


@pytest.mark.parametrize(
    ("left", "known", "used"),
    [
        (LEFT, {}, True),
        (replace(LEFT, created_at=NOW - 30 * DAY), {}, True),
        (replace(LEFT, created_at=NOW - 30 * DAY), {"issued_at": NOW - 30 * DAY + timedelta(microseconds=9)}, True),
        (replace(LEFT, created_at=NOW - 31 * DAY), {}, False),
        (replace(LEFT, created_at=None), {}, False),
        (LEFT, {"replaced": [handle_of(LEFT)]}, False),
        (LEFT, {"issued_at": None}, False),
    ],
)
def test_robot_that_an_interrupted_run_left(left: Robot, known: dict[str, Any], used: bool) -> None:
    """It is younger than the present secret, and was never delivered."""
    found = choose_successor(situation(robots={A: robot(A), C: left}, **known))
    assert found == (Successor(C, left) if used else Successor(B))


@pytest.mark.parametrize(
    ("known", "until"),
    [
        ({}, None),
        ({"deletions": None}, None),
        ({"deletions": deleted(5 * MINUTE, B)}, NOW + 60 * MINUTE),
        ({"deletions": deleted(65 * MINUTE, B)}, None),
        ({"deletions": deleted(5 * MINUTE, C)}, None),
        ({"issued_at": NOW - 10 * MINUTE, "replaced": [handle_of(robot(B))]}, NOW + 55 * MINUTE),
        ({"issued_at": NOW - 10 * MINUTE, "replaced": [handle_of(robot(C))]}, None),
        (
            {"issued_at": NOW - 10 * MINUTE, "replaced": [handle_of(robot(B))], "deletions": deleted(MINUTE, B)},
            NOW + 64 * MINUTE,
        ),
    ],
)
def test_rest_of_a_name(known: dict[str, Any], until: datetime | None) -> None:
    assert situation(**known).rests_until(B) == until


def test_no_free_name() -> None:
    with pytest.raises(BadInput) as caught:
        choose_successor(situation(THREE, A, deletions={**deleted(5 * MINUTE, B), **deleted(20 * MINUTE, C)}))
    assert str(caught.value) == (
        "acme+ci: no robot can carry it next. acme+ci_b, acme+ci_c existed within the last hour, and Quay would accept "
        "again the registry tokens that were issued then. Nothing was changed. acme+ci_c can be created again from "
        "2026-11-22T10:15:00Z. To rotate earlier, add another name to pair"
    )


def test_names_of_others_only() -> None:
    with pytest.raises(BadInput) as caught:
        choose_successor(situation(NAMED, CI, taken=frozenset({A, B})))
    assert str(caught.value) == (
        "acme+ci: no robot can carry it next. Robots of these names belong to others: acme+ci_a, acme+ci_b"
    )
