# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The robots of a pair: which is active, which is next, and which former secrets may still be valid."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.pair_state import (
    Pair,
    PairState,
    handle_of,
    held_by_other_strategy,
    held_by_unknown_token,
    is_named,
    pair_from_options,
    pair_state_of,
    refuse_unknown_robot,
    robot_of_handle,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot, RobotName
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import stored_secret

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)

CI = RobotName("acme", "ci")
A = RobotName("acme", "ci_a")
B = RobotName("acme", "ci_b")
PAIRED = Pair(CI, (A, B), (CI,))
IN_PLACE = Pair(CI, (CI,), (A, B))


def robot(short: str, token: str | None = None, *, used: datetime | None = None, age: timedelta = 90 * DAY) -> Robot:
    return Robot(f"acme+{short}", NOW - age, used, "", token or f"{short}-token")


ROBOT, ROBOT_A, ROBOT_B = robot("ci"), robot("ci_a"), robot("ci_b")
BOTH: dict[RobotName, Robot | None] = {A: ROBOT_A, B: ROBOT_B}
EMPTY = StoredSecret()


def held(carrier: Robot, *superseded: Robot, delivered: datetime | None = NOW) -> StoredSecret:
    """A store with the present token of a robot, delivered at that time, and what it replaced."""
    handles = tuple(handle_of(former) for former in superseded)
    return stored_secret(str(carrier.token), carrier.name, created_at=delivered, superseded=handles)


def unrecorded(carrier: Robot) -> StoredSecret:
    return StoredSecret(carrier.token, None, carrier.name)


# --- the robots of the options


def options(strategy: str = "paired", pair: list[str] | None = None) -> dict[str, Any]:
    return {"strategy": strategy, "pair": pair}


def test_default_pair() -> None:
    assert pair_from_options(CI, options()) == PAIRED
    assert pair_from_options(CI, options("in_place")) == IN_PLACE
    assert PAIRED.all == (A, B, CI)
    assert IN_PLACE.all == (CI, A, B)


def test_pair_in_the_namespace_of_the_user() -> None:
    own = RobotName(None, "ci")
    members = (RobotName(None, "ci_a"), RobotName(None, "ci_b"))
    assert pair_from_options(own, options()) == Pair(own, members, (own,))


def test_named_pair() -> None:
    blue, green = RobotName("acme", "blue"), RobotName("acme", "green")
    named = ["acme+blue", "acme+green"]
    assert pair_from_options(CI, options(pair=named)) == Pair(CI, (blue, green), (CI,))
    assert pair_from_options(CI, options("in_place", named)) == Pair(CI, (CI,), (blue, green))


@pytest.mark.parametrize("strategy", ["paired", "in_place"])
@pytest.mark.parametrize(
    "pair", [["acme+blue"], ["acme+blue", "acme+blue"], ["acme+blue", "acme+ci"], ["acme+a1", "acme+b1", "acme+c1"]]
)
def test_pair_of_other_than_two_robots(strategy: str, pair: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        pair_from_options(CI, options(strategy, pair))
    assert str(caught.value) == "pair must name two different robots, neither of them acme+ci itself"


@pytest.mark.parametrize("pair", [["acme+blue", "other+green"], ["other+blue", "other+green"], ["blue", "green"]])
def test_pair_in_another_namespace(pair: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        pair_from_options(CI, options(pair=pair))
    assert str(caught.value) == ("pair: both robots must be in the namespace of acme+ci, because permissions end there")


def test_invalid_robot_of_a_pair() -> None:
    with pytest.raises(BadInput, match="^name: 'acme\\+BLUE' is not a valid robot name"):
        pair_from_options(CI, options(pair=["acme+BLUE", "acme+green"]))


def test_name_that_is_too_long_for_a_pair() -> None:
    """It never had a pair. Of a robot that shall have one, the name is refused."""
    longest, too_long = RobotName("acme", "x" * 248), RobotName("acme", "x" * 249)
    assert len(pair_from_options(longest, options("in_place")).all) == 3
    assert pair_from_options(too_long, options("in_place")) == Pair(too_long, (too_long,), ())
    with pytest.raises(BadInput, match="is too long for a robot"):
        pair_from_options(too_long, options())
    named = pair_from_options(too_long, options("in_place", ["acme+blue", "acme+green"]))
    assert [name.short for name in named.others] == ["blue", "green"]


# --- names and handles


@pytest.mark.parametrize(
    ("name", "username", "same"),
    [
        (A, "acme+ci_a", True),
        (A, "acme+ci_b", False),
        (A, "other+ci_a", False),
        (A, "ci_a", False),
        (RobotName(None, "ci_a"), "ann+ci_a", True),
        (RobotName(None, "ci_a"), "ann+ci_b", False),
        (A, "", False),
    ],
)
def test_full_name_of_a_robot(name: RobotName, username: str, same: bool) -> None:
    """In the user's own namespace, a play leaves out the name of the user."""
    assert is_named(name, username) is same


def test_find() -> None:
    assert [PAIRED.find(username) for username in ("acme+ci_b", "acme+ci", "acme+ci_a")] == [B, CI, A]
    with pytest.raises(StopIteration):
        PAIRED.find("acme+other")


def test_handle() -> None:
    """It names the token without being a secret."""
    assert handle_of(ROBOT_A) == f"acme+ci_a@{fingerprint('ci_a-token')}"
    assert robot_of_handle(handle_of(ROBOT_A)) == "acme+ci_a"
    assert robot_of_handle("ci@example.com+ci_a@0123456789ab") == "ci@example.com+ci_a"
    assert "ci_a-token" not in handle_of(ROBOT_A)


# --- what stores hold of other robots

STRANGER = robot("old_a")


@pytest.mark.parametrize(
    "stored",
    [
        [],
        [EMPTY],
        [held(ROBOT_A), held(ROBOT_B), held(ROBOT)],
        [unrecorded(STRANGER)],
        [replace(held(STRANGER), secret="another secret")],
        [stored_secret("s3cret", "$oauthtoken")],
        [stored_secret("s3cret")],
        [stored_secret("s3cret", "old_a")],
    ],
)
def test_known_robots(stored: list[StoredSecret]) -> None:
    """Only the record proves a delivery. A secret that somebody else put into a store is replaced."""
    refuse_unknown_robot(PAIRED, stored)


def test_unknown_robot_is_refused() -> None:
    with pytest.raises(BadInput) as caught:
        refuse_unknown_robot(PAIRED, [held(ROBOT_A), held(STRANGER)])
    assert str(caught.value) == (
        "A store of acme+ci holds a secret of acme+old_a from an earlier delivery, and acme+old_a is none of its "
        "robots (acme+ci_a, acme+ci_b, acme+ci). If the robots were renamed, run the task once with strategy: in_place "
        "and the former pair, so that consumers and permissions move to acme+ci, and then with the new pair. If the "
        "place belongs to another credential, deliver this one to another place"
    )


FORMER_MEMBER = stored_secret("s3cret", "acme+ci", superseded=(handle_of(ROBOT_B),))


@pytest.mark.parametrize(
    ("pair", "stored", "other"),
    [
        (IN_PLACE, [], False),
        (IN_PLACE, [EMPTY, held(ROBOT)], False),
        (IN_PLACE, [held(ROBOT_A)], True),
        (IN_PLACE, [EMPTY, held(ROBOT_B)], True),
        (IN_PLACE, [unrecorded(ROBOT_A)], False),
        (IN_PLACE, [replace(held(ROBOT_A), secret="another secret")], False),
        (IN_PLACE, [FORMER_MEMBER], True),
        (IN_PLACE, [replace(FORMER_MEMBER, secret="another secret")], True),
        (IN_PLACE, [held(ROBOT, ROBOT)], False),
        (IN_PLACE, [held(STRANGER)], False),
        (IN_PLACE, [stored_secret("s3cret")], False),
        (PAIRED, [held(ROBOT_A, ROBOT_B)], False),
        (PAIRED, [held(ROBOT)], True),
        (PAIRED, [held(ROBOT_A, ROBOT)], True),
        (Pair(CI, (CI,), ()), [held(ROBOT_A)], False),
    ],
)
def test_held_by_other_strategy(pair: Pair, stored: list[StoredSecret], other: bool) -> None:
    assert held_by_other_strategy(pair, stored) is other


@pytest.mark.parametrize(
    ("robots", "stored", "unknown"),
    [
        (BOTH, [], False),
        (BOTH, [EMPTY], False),
        (BOTH, [held(ROBOT_A), held(ROBOT_B)], False),
        (BOTH, [held(ROBOT_A, ROBOT_B)], False),
        (BOTH, [held(ROBOT_A, robot("ci_b", "token before"))], False),
        (BOTH, [unrecorded(ROBOT_A)], False),
        (BOTH, [held(ROBOT)], True),
        (BOTH, [held(ROBOT_A), StoredSecret("another secret")], True),
        (BOTH, [held(ROBOT_A, ROBOT)], True),
        (BOTH, [StoredSecret(None, held(ROBOT_A, ROBOT).record)], True),
        ({A: ROBOT_A, B: None}, [held(ROBOT_A, ROBOT_B)], True),
        ({A: None, B: None}, [held(ROBOT_A)], True),
        ({A: None, B: None}, [], False),
    ],
)
def test_held_by_unknown_token(
    robots: dict[RobotName, Robot | None], stored: list[StoredSecret], unknown: bool
) -> None:
    """Then the robots of the other strategy must be read, too."""
    assert held_by_unknown_token(robots, stored) is unknown


# --- the state of a pair

HANDLE, HANDLE_A, HANDLE_B = map(handle_of, (ROBOT, ROBOT_A, ROBOT_B))
RECENTLY = robot("ci_b", used=NOW - DAY)
ALL: dict[RobotName, Robot | None] = {**BOTH, CI: ROBOT}

# The pair, the robots that exist, what is stored; then the active robot, the next one, and the former secrets.
STATES: dict[str, tuple[Pair, dict[RobotName, Robot | None], list[StoredSecret], PairState]] = {
    "no robots": (PAIRED, {A: None, B: None}, [EMPTY], PairState(None, A, ())),
    "no robots, a stored secret": (PAIRED, {A: None, B: None}, [held(ROBOT_A)], PairState(None, A, ())),
    "first robot alone": (PAIRED, {A: ROBOT_A, B: None}, [held(ROBOT_A)], PairState(A, B, ())),
    "second robot alone": (PAIRED, {A: None, B: ROBOT_B}, [EMPTY], PairState(B, A, ())),
    "first robot": (PAIRED, BOTH, [held(ROBOT_A, ROBOT_B)], PairState(A, B, (HANDLE_B,))),
    "second robot": (PAIRED, BOTH, [held(ROBOT_B, ROBOT_A)], PairState(B, A, (HANDLE_A,))),
    "former secret revoked": (PAIRED, BOTH, [held(ROBOT_A, robot("ci_b", "before"))], PairState(A, B, ())),
    "nothing recorded as replaced": (PAIRED, BOTH, [held(ROBOT_A)], PairState(A, B, ())),
    "no record": (PAIRED, BOTH, [unrecorded(ROBOT_A)], PairState(A, B, (HANDLE_B,))),
    "record of another secret": (
        PAIRED,
        BOTH,
        [StoredSecret(ROBOT_A.token, held(STRANGER, ROBOT).record)],
        PairState(A, B, (HANDLE_B,)),
    ),
    # Two stores hold different robots: that which was delivered last, or has no record yet, is active.
    "newer delivery": (
        PAIRED,
        BOTH,
        [held(ROBOT_A, delivered=NOW), held(ROBOT_B, delivered=NOW - DAY)],
        PairState(A, B, ()),
    ),
    "newer delivery to the second store": (
        PAIRED,
        BOTH,
        [held(ROBOT_A, delivered=NOW - DAY), held(ROBOT_B, ROBOT_A, delivered=NOW)],
        PairState(B, A, (HANDLE_A,)),
    ),
    "interrupted delivery": (
        PAIRED,
        BOTH,
        [held(ROBOT_A, delivered=NOW), unrecorded(ROBOT_B)],
        PairState(B, A, (HANDLE_A,)),
    ),
    "record of a former secret is no date": (
        PAIRED,
        BOTH,
        [
            held(ROBOT_A, delivered=NOW),
            StoredSecret(ROBOT_B.token, held(robot("ci_b", "former"), delivered=NOW - DAY).record),
        ],
        PairState(B, A, (HANDLE_A,)),
    ),
    "delivery at an unknown time": (
        PAIRED,
        BOTH,
        [held(ROBOT_A, delivered=NOW), held(ROBOT_B, delivered=None)],
        PairState(B, A, ()),
    ),
    # No store holds a present token.
    "known by its name": (
        PAIRED,
        BOTH,
        [StoredSecret("outdated", None, "acme+ci_b")],
        PairState(B, A, (HANDLE_A,)),
    ),
    "token before name": (
        PAIRED,
        BOTH,
        [StoredSecret("outdated", None, "acme+ci_b"), held(ROBOT_A, ROBOT_B)],
        PairState(A, B, (HANDLE_B,)),
    ),
    "name without a secret": (
        PAIRED,
        {A: robot("ci_a", used=NOW), B: ROBOT_B},
        [StoredSecret(None, None, "acme+ci_b")],
        PairState(A, B, (HANDLE_B,)),
    ),
    "used last": (PAIRED, {A: ROBOT_A, B: RECENTLY}, [EMPTY], PairState(B, A, (HANDLE_A,))),
    "never used, created last": (
        PAIRED,
        {A: robot("ci_a", age=DAY), B: ROBOT_B},
        [StoredSecret("another secret")],
        PairState(A, B, (HANDLE_B,)),
    ),
    "never used, the second one created last": (
        PAIRED,
        {A: ROBOT_A, B: robot("ci_b", age=DAY)},
        [EMPTY],
        PairState(B, A, (HANDLE_A,)),
    ),
    "use counts, not creation": (
        PAIRED,
        {A: robot("ci_a", used=NOW - 2 * DAY), B: robot("ci_b", age=3 * DAY)},
        [EMPTY],
        PairState(A, B, (HANDLE_B,)),
    ),
    "no dates": (
        PAIRED,
        {A: replace(ROBOT_A, created_at=None), B: replace(RECENTLY, created_at=None)},
        [],
        PairState(B, A, (HANDLE_A,)),
    ),
    # From one robot to a pair.
    "robot of its own name": (PAIRED, ALL, [held(ROBOT)], PairState(CI, A, ())),
    "robot of its own name, no record": (PAIRED, ALL, [unrecorded(ROBOT)], PairState(CI, A, (HANDLE_A, HANDLE_B))),
    "moved to the pair": (PAIRED, ALL, [held(ROBOT_A, ROBOT)], PairState(A, B, (HANDLE,))),
    "moved to the pair, no record": (PAIRED, ALL, [unrecorded(ROBOT_A)], PairState(A, B, (HANDLE_B,))),
    "robot of its own name is not ours": (
        PAIRED,
        {A: None, B: None, CI: ROBOT},
        [StoredSecret("another secret")],
        PairState(None, A, ()),
    ),
    # From a pair to one robot.
    "still the pair": (IN_PLACE, ALL, [held(ROBOT_A, ROBOT_B)], PairState(A, CI, (HANDLE_B,))),
    "still the pair, no record": (IN_PLACE, ALL, [unrecorded(ROBOT_A)], PairState(A, CI, (HANDLE_B, HANDLE))),
    "moved from the pair": (IN_PLACE, ALL, [held(ROBOT, ROBOT_A, ROBOT_B)], PairState(CI, CI, (HANDLE_A, HANDLE_B))),
    "moved from the pair, no record": (IN_PLACE, ALL, [unrecorded(ROBOT)], PairState(CI, CI, ())),
}


@pytest.mark.parametrize("case", STATES)
def test_pair_state(case: str) -> None:
    pair, robots, stored, state = STATES[case]
    assert pair_state_of(pair, robots, stored) == state


def test_served_by_a_member() -> None:
    assert PairState(A, B, ()).is_served_by(PAIRED)
    assert not PairState(CI, A, ()).is_served_by(PAIRED)
    assert not PairState(None, A, ()).is_served_by(PAIRED)
    assert PairState(CI, CI, ()).is_served_by(IN_PLACE)
    assert not PairState(A, CI, ()).is_served_by(IN_PLACE)
