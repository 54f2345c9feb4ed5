# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which robot carries a credential next: names that must rest, leftovers, and what the logs do not show."""

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
    NAME_REST,
    Situation,
    Successor,
    choose_successor,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot, RobotName

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)

CI = RobotName("acme", "ci")
A, B, C, D = (RobotName("acme", f"ci_{letter}") for letter in "abcd")
BLUE, GREEN = RobotName("acme", "blue"), RobotName("acme", "green")

PAIRED = pair_from_options(CI, {"strategy": "paired", "pair": None, "name": "acme+ci"})
IN_PLACE = pair_from_options(CI, {"strategy": "in_place", "pair": None, "name": "acme+ci"})
NAMED = Pair(CI, (BLUE, GREEN), paired=True)


def robot(name: RobotName, age: timedelta = 90 * DAY) -> Robot:
    return Robot(str(name), NOW - age, None, "", f"token of {name}")


def situation(pair: Pair = PAIRED, active: RobotName | None = A, **known: Any) -> Situation:
    """The active robot exists. It got its secret 30 days ago, and Quay's logs show no deletion since then."""
    defaults: dict[str, Any] = {
        "robots": {} if active is None else {active: robot(active)},
        "taken": frozenset(),
        "deletions": {},
        "issued_at": NOW - 30 * DAY,
        "replaced": (),
        "now": NOW,
    }
    return Situation(pair, active, **{**defaults, **known})


def test_a_name_rests_longer_than_a_registry_token_is_valid() -> None:
    assert timedelta(minutes=65) == NAME_REST


@pytest.mark.parametrize(
    ("known", "until"),
    [
        ({}, None),
        ({"deletions": None}, None),
        ({"deletions": {"ci_c": NOW}}, None),
        ({"deletions": {"ci_b": NOW - 10 * MINUTE}}, NOW + 55 * MINUTE),
        ({"deletions": {"ci_b": NOW - 65 * MINUTE + SECOND}}, NOW + SECOND),
        ({"deletions": {"ci_b": NOW - 65 * MINUTE}}, None),
        ({"deletions": {"ci_b": NOW - DAY}}, None),
        ({"replaced": ("acme+ci_b@0123456789ab",), "issued_at": NOW - 20 * MINUTE}, NOW + 45 * MINUTE),
        ({"replaced": ("acme+ci_b@0123456789ab",), "issued_at": None}, None),
        ({"replaced": ("acme+ci_c@0123456789ab",), "issued_at": NOW}, None),
        (
            {"replaced": ("acme+ci_b@01",), "issued_at": NOW - 20 * MINUTE, "deletions": {"ci_b": NOW - 5 * MINUTE}},
            NOW + 60 * MINUTE,
        ),
        (
            {"replaced": ("acme+ci_b@01",), "issued_at": NOW - 5 * MINUTE, "deletions": {"ci_b": NOW - 20 * MINUTE}},
            NOW + 60 * MINUTE,
        ),
        ({"replaced": ("acme+ci_b@01",), "issued_at": NOW - 5 * MINUTE, "deletions": None}, NOW + 60 * MINUTE),
    ],
)
def test_name_that_must_rest(known: dict[str, Any], until: datetime | None) -> None:
    """The logs show when a robot was deleted. The record shows when a replaced one still existed."""
    assert situation(**known).rests_until(B) == until


ISSUED = NOW - 30 * DAY


@pytest.mark.parametrize(
    ("created", "known", "leftover"),
    [
        (ISSUED + DAY, {}, True),
        (ISSUED, {}, True),
        (ISSUED, {"issued_at": ISSUED + timedelta(milliseconds=900)}, True),
        (ISSUED - SECOND, {}, False),
        (None, {}, False),
        (ISSUED + DAY, {"issued_at": None}, False),
        (ISSUED + DAY, {"replaced": (handle_of(robot(B)),)}, False),
        (ISSUED + DAY, {"replaced": ("acme+ci_b@0123456789ab",)}, True),
    ],
)
def test_robot_that_an_interrupted_run_left(created: datetime | None, known: dict[str, Any], leftover: bool) -> None:
    """It was created after the present secret was issued, and was never replaced."""
    robots = {A: robot(A), B: replace(robot(B), created_at=created)}
    assert situation(robots=robots, **known).is_leftover(B) is leftover
    assert situation(robots={A: robot(A)}, **known).is_leftover(B) is False


def test_candidates() -> None:
    """The own name of the credential comes first for one robot. A pair never takes it."""
    assert situation(active=None).candidates == list(PAIRED.turns)
    assert situation(active=B, taken=frozenset({A, C})).candidates[:2] == [D, RobotName("acme", "ci_e")]
    assert situation(IN_PLACE, CI).candidates == list(PAIRED.turns)
    assert situation(IN_PLACE, A).candidates[:3] == [CI, B, C]
    assert situation(NAMED, BLUE).candidates == [GREEN]


OLD_B = {A: robot(A), B: robot(B)}
LEFT_C = {A: robot(A), B: robot(B), C: robot(C, DAY)}
MINUTES_AGO = NOW - 10 * MINUTE

CHOICES: dict[str, tuple[Situation, Successor]] = {
    "first robot": (situation(active=None), Successor(A)),
    "next robot": (situation(), Successor(B)),
    "first robot again": (situation(active=B), Successor(A)),
    "name that must rest": (situation(deletions={"ci_b": MINUTES_AGO}), Successor(C)),
    "name of somebody else": (situation(taken=frozenset({B, C})), Successor(D)),
    "existing robot": (situation(robots=OLD_B), Successor(C)),
    "leftover": (situation(robots=LEFT_C), Successor(C, LEFT_C[C])),
    # The interrupted run may have delivered its secret to a host that is missing now.
    "leftover that a host may hold": (situation(robots=LEFT_C, unseen=True), Successor(D)),
    "one robot": (situation(IN_PLACE, CI), Successor(A)),
    "back to its own name": (situation(IN_PLACE, A), Successor(CI)),
    "own name must rest": (situation(IN_PLACE, A, deletions={"ci": MINUTES_AGO}), Successor(B)),
    # Quay's logs do not show when robots were deleted.
    "without logs": (situation(deletions=None), Successor(B)),
    "without logs, the second robot": (situation(active=B, deletions=None), Successor(C)),
    "without logs, the last robot": (situation(active=PAIRED.turns[-1], deletions=None), Successor(A)),
    "without logs, one robot": (situation(IN_PLACE, CI, deletions=None), Successor(A)),
    "without logs, back to its own name": (
        situation(IN_PLACE, A, deletions=None),
        Successor(CI, in_doubt=True),
    ),
    # The user named the robots.
    "named": (situation(NAMED, BLUE), Successor(GREEN)),
    "named, without logs": (situation(NAMED, BLUE, deletions=None), Successor(GREEN, in_doubt=True)),
    "named and used before": (
        situation(NAMED, BLUE, robots={BLUE: robot(BLUE), GREEN: robot(GREEN)}),
        Successor(GREEN, robot(GREEN), outlived=True),
    ),
}


@pytest.mark.parametrize("case", CHOICES)
def test_choose_successor(case: str) -> None:
    known, successor = CHOICES[case]
    assert choose_successor(known) == successor


def test_no_name_is_free() -> None:
    """The message says which name is free first, and when."""
    names = {"blue": NOW - 20 * MINUTE, "green": NOW - 30 * MINUTE}
    with pytest.raises(BadInput) as caught:
        choose_successor(situation(NAMED, None, deletions=names))
    assert str(caught.value) == (
        "acme+ci: no robot can carry it next. acme+blue, acme+green existed within the last hour, and Quay would "
        "accept again the registry tokens that were issued then. Nothing was changed. acme+green can be created again "
        "from 2026-11-22T10:05:00Z. To rotate earlier, add another name to pair"
    )


def test_all_names_belong_to_others() -> None:
    with pytest.raises(BadInput) as caught:
        choose_successor(situation(NAMED, None, taken=frozenset({GREEN, BLUE})))
    assert str(caught.value) == (
        "acme+ci: no robot can carry it next. Robots of these names belong to others: acme+blue, acme+green"
    )
