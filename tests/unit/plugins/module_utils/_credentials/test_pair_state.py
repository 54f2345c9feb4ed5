# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The robots of a credential: their names, which one is active, and which former secrets may still be valid."""

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
    is_marked,
    is_named,
    is_recorded,
    is_recorded_token,
    marked,
    named_robots,
    pair_from_options,
    pair_state_of,
    recorded_robots,
    refuse_unknown_robot,
    robot_of_handle,
    with_strategy,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot, RobotName
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import stored_secret

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)

CI = RobotName("acme", "ci")
A = RobotName("acme", "ci_a")
B = RobotName("acme", "ci_b")
PAIRED = Pair(CI, (A, B), paired=True)
IN_PLACE = Pair(CI, (A, B), paired=False)


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


def on_another_machine(stored: StoredSecret) -> StoredSecret:
    """The same as it is known where Quay is asked: without its secret."""
    return replace(stored, secret=None, untold=stored.fingerprint)


# --- the robots of the options


def options(strategy: str = "paired", pair: list[str] | None = None, name: str = "acme+ci") -> dict[str, Any]:
    return {"strategy": strategy, "pair": pair, "name": name}


def test_default_pair() -> None:
    """The robots take turns in the order of the alphabet. Those of the first two names are the credential's."""
    pair = pair_from_options(CI, options())
    shorts = [name.short for name in pair.turns]
    assert (len(shorts), len(set(shorts))) == (26 * 9, 26 * 9)
    assert (shorts[:3], shorts[25:28], shorts[-1]) == (["ci_a", "ci_b", "ci_c"], ["ci_z", "ci_a2", "ci_b2"], "ci_z9")
    assert {name.organization for name in pair.turns} == {"acme"}
    assert pair == Pair(CI, None, paired=True)
    assert (pair.members, pair.others, pair.usual) == (pair.turns, (CI,), (A, B))
    assert str(pair) == "acme+ci_a, acme+ci_b, acme+ci"


def test_one_robot() -> None:
    """The pair has the names that the credential could have had under the other strategy."""
    turns = pair_from_options(CI, options()).turns
    pair = pair_from_options(CI, options("in_place"))
    assert pair == Pair(CI, None, paired=False)
    assert pair.turns == turns
    assert (pair.members, pair.others, pair.usual) == ((CI,), turns, (CI,))
    assert str(pair) == "acme+ci_a, acme+ci_b, acme+ci"


def test_pair_in_the_namespace_of_the_user() -> None:
    own = RobotName(None, "ci")
    pair = pair_from_options(own, options(name="ci"))
    assert pair.usual == (RobotName(None, "ci_a"), RobotName(None, "ci_b"))
    assert str(pair) == "ci_a, ci_b, ci"


@pytest.mark.parametrize("pair", [["ann+blue", "ann+green"], ["blue", "green"], ["ann+blue", "green"]])
def test_named_pair_in_the_namespace_of_the_user(pair: list[str]) -> None:
    """The credential's name was written with that of the user."""
    own = RobotName(None, "ci")
    turns = (RobotName(None, "blue"), RobotName(None, "green"))
    assert pair_from_options(own, options(pair=pair, name="ann+ci")) == Pair(own, turns, paired=True)


@pytest.mark.parametrize("strategy", ["paired", "in_place"])
def test_named_pair(strategy: str) -> None:
    turns = tuple(RobotName("acme", short) for short in ("blue", "green", "red"))
    pair = pair_from_options(CI, options(strategy, ["acme+blue", "acme+green", "acme+red"]))
    assert pair == Pair(CI, turns, paired=strategy == "paired")
    assert pair.usual == pair.members == (turns if strategy == "paired" else (CI,))
    assert pair.all == ((*turns, CI) if strategy == "paired" else (CI, *turns))
    assert str(pair) == "acme+blue, acme+green, acme+red, acme+ci"


@pytest.mark.parametrize(
    ("explicit", "name", "limited"), [(True, A, True), (True, CI, True), (False, CI, True), (False, A, False)]
)
def test_name_that_no_other_can_replace(explicit: bool, name: RobotName, limited: bool) -> None:
    assert Pair(CI, (A, B) if explicit else None, paired=True).is_limited(name) is limited


@pytest.mark.parametrize("strategy", ["paired", "in_place"])
@pytest.mark.parametrize(
    "pair",
    [
        ["acme+blue"],
        ["acme+blue", "acme+blue"],
        ["acme+blue", "acme+ci"],
        ["acme+blue", "acme+green", "acme+blue"],
        ["acme+a1", "acme+b1", "acme+ci"],
    ],
)
def test_pair_of_too_few_robots(strategy: str, pair: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        pair_from_options(CI, options(strategy, pair))
    assert str(caught.value) == "pair must name at least two different robots, none of them acme+ci itself"


@pytest.mark.parametrize("pair", [["acme+blue", "other+green"], ["other+blue", "other+green"], ["blue", "other+green"]])
def test_pair_in_another_namespace(pair: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        pair_from_options(CI, options(pair=pair))
    assert str(caught.value) == (
        "pair: all robots must be in the namespace of acme+ci, because permissions end there. Write their names "
        "without an organization"
    )


@pytest.mark.parametrize("pair", [["blue", "green"], ["acme+blue", "green"]])
@pytest.mark.parametrize("strategy", ["paired", "in_place"])
def test_pair_in_the_namespace_of_the_credential(strategy: str, pair: list[str]) -> None:
    turns = pair_from_options(CI, options(strategy, pair)).turns
    assert [str(name) for name in turns] == ["acme+blue", "acme+green"]
    assert [name.organization for name in turns] == ["acme", "acme"]


def test_name_in_a_pair_that_is_too_long_with_its_namespace() -> None:
    with pytest.raises(BadInput) as caught:
        pair_from_options(CI, options(pair=["blue", "g" * 251]))
    assert (
        str(caught.value) == f"pair: acme+{'g' * 251} is too long for a robot: the full name has 255 characters at most"
    )
    assert len(pair_from_options(CI, options(pair=["blue", "g" * 250])).turns) == 2


def test_invalid_robot_of_a_pair() -> None:
    with pytest.raises(BadInput, match="^name: 'acme\\+BLUE' is not a valid robot name"):
        pair_from_options(CI, options(pair=["acme+BLUE", "acme+green"]))


@pytest.mark.parametrize(("length", "turns"), [(247, 26 * 9), (248, 26), (249, 0), (250, 0)])
def test_name_that_is_too_long_for_a_pair(length: int, turns: int) -> None:
    """Quay stores 255 characters of acme+name. A suffix has two or three."""
    name = RobotName("acme", "x" * length)
    assert len(pair_from_options(name, options("in_place")).turns) == turns
    if turns:
        assert len(pair_from_options(name, options()).turns) == turns
    else:
        with pytest.raises(BadInput) as caught:
            pair_from_options(name, options())
        assert str(caught.value) == (
            f"name: {name} is too long for strategy: paired without pair, which appends _a and _b"
        )
        assert len(pair_from_options(name, options(pair=["acme+blue", "acme+green"])).turns) == 2


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


@pytest.mark.parametrize("metadata", [None, {}, {"team": "a"}])
def test_mark_of_a_robot(metadata: dict[str, Any] | None) -> None:
    """A robot of another name than the credential's shows in its metadata for which credential it was created."""
    mark = {"tokensmith.quay/credential": "ci"}
    assert marked(metadata, PAIRED, A) == {**(metadata or {}), **mark}
    assert marked({**(metadata or {}), **mark}, PAIRED, A) == {**(metadata or {}), **mark}
    assert marked(metadata, PAIRED, CI) == (metadata or None)
    assert marked({**(metadata or {}), **mark}, PAIRED, CI) == (metadata or None)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (None, False),
        ({}, False),
        ({"team": "ci"}, False),
        ({"tokensmith.quay/credential": "ci"}, True),
        ({"tokensmith.quay/credential": "other"}, False),
    ],
)
def test_marked_robot(metadata: dict[str, Any] | None, expected: bool) -> None:
    assert is_marked(replace(ROBOT_A, metadata=metadata), PAIRED) is expected


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


@pytest.mark.parametrize(
    ("stored", "recorded", "named"),
    [
        ([], set(), set()),
        ([EMPTY, StoredSecret("s3cret")], set(), set()),
        ([held(ROBOT_A)], {A}, {A}),
        ([held(ROBOT_A, ROBOT_B), held(ROBOT)], {A, B, CI}, {A, B, CI}),
        ([held(STRANGER, ROBOT_B)], {B}, {B}),
        ([unrecorded(ROBOT_A)], set(), {A}),
        ([unrecorded(STRANGER)], set(), set()),
        ([replace(held(ROBOT_A, ROBOT_B), secret="another secret")], {B}, {A, B}),
        ([StoredSecret(None, None, "acme+ci_a")], set(), set()),
        ([StoredSecret("s3cret", None, "other+ci_a")], set(), set()),
    ],
)
def test_robots_that_stores_name(stored: list[StoredSecret], recorded: set[RobotName], named: set[RobotName]) -> None:
    assert recorded_robots(PAIRED, stored) == recorded
    assert named_robots(PAIRED, stored) == named


@pytest.mark.parametrize(
    ("stored", "recorded"),
    [
        ([], False),
        ([EMPTY, unrecorded(ROBOT_A)], False),
        ([replace(held(ROBOT_A), secret="another secret")], False),
        ([EMPTY, held(STRANGER)], True),
    ],
)
def test_stores_with_a_record(stored: list[StoredSecret], recorded: bool) -> None:
    assert is_recorded(stored) is recorded


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
        (Pair(CI, (), paired=False), [held(ROBOT_A)], False),
    ],
)
def test_held_by_other_strategy(pair: Pair, stored: list[StoredSecret], other: bool) -> None:
    assert held_by_other_strategy(pair, stored) is other


@pytest.mark.parametrize(
    ("stored", "recorded"),
    [
        ([], False),
        ([held(ROBOT_A)], True),
        ([on_another_machine(held(ROBOT_A))], True),
        ([unrecorded(ROBOT_A)], False),
        ([held(ROBOT_B, ROBOT_A)], True),
        ([held(robot("ci_a", "token before"))], False),
        ([on_another_machine(held(robot("ci_a", "token before")))], False),
    ],
)
def test_is_recorded_token(stored: list[StoredSecret], recorded: bool) -> None:
    assert is_recorded_token(ROBOT_A, stored) is recorded


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
        (BOTH, [held(ROBOT_A, ROBOT)], False),
        (BOTH, [StoredSecret(None, held(ROBOT).record)], False),
        ({A: ROBOT_A, B: None}, [held(ROBOT_A, ROBOT_B)], False),
        ({A: ROBOT_A, B: None}, [held(ROBOT_B)], True),
        ({A: None, B: None}, [held(ROBOT_A)], True),
        ({A: None, B: None}, [], False),
    ],
)
def test_held_by_unknown_token(
    robots: dict[RobotName, Robot | None], stored: list[StoredSecret], unknown: bool
) -> None:
    """Then more robots must be read."""
    assert held_by_unknown_token(robots, stored) is unknown


# --- the state of a pair

HANDLE, HANDLE_A, HANDLE_B = map(handle_of, (ROBOT, ROBOT_A, ROBOT_B))
RECENTLY = robot("ci_b", used=NOW - DAY)
ALL: dict[RobotName, Robot | None] = {**BOTH, CI: ROBOT}

# The pair, the robots that were read, what is stored; then the active robot, and the former secrets.
STATES: dict[str, tuple[Pair, dict[RobotName, Robot | None], list[StoredSecret], PairState]] = {
    "no robots": (PAIRED, {A: None, B: None}, [EMPTY], PairState(None, ())),
    "no robots, a stored secret": (PAIRED, {A: None, B: None}, [held(ROBOT_A)], PairState(None, ())),
    "first robot alone": (PAIRED, {A: ROBOT_A, B: None}, [held(ROBOT_A)], PairState(A, ())),
    "second robot alone": (PAIRED, {A: None, B: ROBOT_B}, [EMPTY], PairState(B, ())),
    "first robot": (PAIRED, BOTH, [held(ROBOT_A, ROBOT_B)], PairState(A, (HANDLE_B,))),
    "second robot": (PAIRED, BOTH, [held(ROBOT_B, ROBOT_A)], PairState(B, (HANDLE_A,))),
    "former secret revoked": (PAIRED, BOTH, [held(ROBOT_A, robot("ci_b", "before"))], PairState(A, ())),
    "nothing recorded as replaced": (PAIRED, BOTH, [held(ROBOT_A)], PairState(A, ())),
    "no record": (PAIRED, BOTH, [unrecorded(ROBOT_A)], PairState(A, (HANDLE_B,))),
    "record of another secret": (
        PAIRED,
        BOTH,
        [StoredSecret(ROBOT_A.token, held(STRANGER, ROBOT).record)],
        PairState(A, (HANDLE_B,)),
    ),
    # Two stores hold different robots: that which was delivered last, or has no record yet, is active.
    "newer delivery": (
        PAIRED,
        BOTH,
        [held(ROBOT_A, delivered=NOW), held(ROBOT_B, delivered=NOW - DAY)],
        PairState(A, ()),
    ),
    "newer delivery to the second store": (
        PAIRED,
        BOTH,
        [held(ROBOT_A, delivered=NOW - DAY), held(ROBOT_B, ROBOT_A, delivered=NOW)],
        PairState(B, (HANDLE_A,)),
    ),
    "interrupted delivery": (
        PAIRED,
        BOTH,
        [held(ROBOT_A, delivered=NOW), unrecorded(ROBOT_B)],
        PairState(B, (HANDLE_A,)),
    ),
    "record of a former secret is no date": (
        PAIRED,
        BOTH,
        [
            held(ROBOT_A, delivered=NOW),
            StoredSecret(ROBOT_B.token, held(robot("ci_b", "former"), delivered=NOW - DAY).record),
        ],
        PairState(B, (HANDLE_A,)),
    ),
    "delivery at an unknown time": (
        PAIRED,
        BOTH,
        [held(ROBOT_A, delivered=NOW), held(ROBOT_B, delivered=None)],
        PairState(B, ()),
    ),
    # No store holds a present token.
    "known by its name": (
        PAIRED,
        BOTH,
        [StoredSecret("outdated", None, "acme+ci_b")],
        PairState(B, (HANDLE_A,)),
    ),
    "token before name": (
        PAIRED,
        BOTH,
        [StoredSecret("outdated", None, "acme+ci_b"), held(ROBOT_A, ROBOT_B)],
        PairState(A, (HANDLE_B,)),
    ),
    "name without a secret": (
        PAIRED,
        {A: robot("ci_a", used=NOW), B: ROBOT_B},
        [StoredSecret(None, None, "acme+ci_b")],
        PairState(A, (HANDLE_B,)),
    ),
    "used last": (PAIRED, {A: ROBOT_A, B: RECENTLY}, [EMPTY], PairState(B, (HANDLE_A,))),
    "never used, created last": (
        PAIRED,
        {A: robot("ci_a", age=DAY), B: ROBOT_B},
        [StoredSecret("another secret")],
        PairState(A, (HANDLE_B,)),
    ),
    "never used, the second one created last": (
        PAIRED,
        {A: ROBOT_A, B: robot("ci_b", age=DAY)},
        [EMPTY],
        PairState(B, (HANDLE_A,)),
    ),
    "use counts, not creation": (
        PAIRED,
        {A: robot("ci_a", used=NOW - 2 * DAY), B: robot("ci_b", age=3 * DAY)},
        [EMPTY],
        PairState(A, (HANDLE_B,)),
    ),
    "no dates": (
        PAIRED,
        {A: replace(ROBOT_A, created_at=None), B: replace(RECENTLY, created_at=None)},
        [],
        PairState(B, (HANDLE_A,)),
    ),
    # From one robot to a pair.
    "robot of its own name": (PAIRED, ALL, [held(ROBOT)], PairState(CI, ())),
    "robot of its own name, no record": (PAIRED, ALL, [unrecorded(ROBOT)], PairState(CI, (HANDLE_A, HANDLE_B))),
    "moved to the pair": (PAIRED, ALL, [held(ROBOT_A, ROBOT)], PairState(A, (HANDLE,))),
    "moved to the pair, no record": (PAIRED, ALL, [unrecorded(ROBOT_A)], PairState(A, (HANDLE_B,))),
    "robot of its own name is not ours": (
        PAIRED,
        {A: None, B: None, CI: ROBOT},
        [StoredSecret("another secret")],
        PairState(None, ()),
    ),
    # From a pair to one robot.
    "still the pair": (IN_PLACE, ALL, [held(ROBOT_A, ROBOT_B)], PairState(A, (HANDLE_B,))),
    "still the pair, no record": (IN_PLACE, ALL, [unrecorded(ROBOT_A)], PairState(A, (HANDLE_B, HANDLE))),
    "moved from the pair": (IN_PLACE, ALL, [held(ROBOT, ROBOT_A, ROBOT_B)], PairState(CI, (HANDLE_A, HANDLE_B))),
    "moved from the pair, no record": (IN_PLACE, ALL, [unrecorded(ROBOT)], PairState(CI, ())),
}


@pytest.mark.parametrize("case", STATES)
def test_pair_state(case: str) -> None:
    pair, robots, stored, state = STATES[case]
    assert pair_state_of(pair, robots, stored) == state


def test_served_by_a_member() -> None:
    assert PairState(A, ()).is_served_by(PAIRED)
    assert not PairState(CI, ()).is_served_by(PAIRED)
    assert not PairState(None, ()).is_served_by(PAIRED)
    assert PairState(CI, ()).is_served_by(IN_PLACE)
    assert not PairState(A, ()).is_served_by(IN_PLACE)


# --- a strategy that is not declared


def recorded_strategy(strategy: str | None, secret: str = "s3cret") -> StoredSecret:
    return replace(stored_secret("s3cret", strategy=strategy), secret=secret)


@pytest.mark.parametrize(
    ("declared", "stored", "expected"),
    [
        (None, [], "in_place"),
        (None, [StoredSecret("s3cret")], "in_place"),
        (None, [recorded_strategy(None)], "in_place"),
        (None, [recorded_strategy("in_place")], "in_place"),
        (None, [recorded_strategy("paired")], "paired"),
        (None, [recorded_strategy(None), recorded_strategy("paired")], "paired"),
        # The record is that of another secret.
        (None, [recorded_strategy("paired", "an0ther")], "in_place"),
        ("in_place", [recorded_strategy("paired")], "in_place"),
        ("paired", [recorded_strategy("in_place")], "paired"),
    ],
)
def test_strategy_of_the_present_secret(declared: str | None, stored: list[StoredSecret], expected: str) -> None:
    params = {"strategy": declared, "pair": None}
    assert with_strategy(params, stored) == {"strategy": expected, "pair": None}
