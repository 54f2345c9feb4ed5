# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The robots of one credential: those that its stores name, or all that exist and belong to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

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

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)
ROBOTS = "/api/v1/organization/acme/robots"
MARK = {"tokensmith.quay/credential": "ci"}

CI = RobotName("acme", "ci")
A, B, C, D = (RobotName("acme", f"ci_{letter}") for letter in "abcd")
PAIRED = pair_from_options(CI, {"strategy": "paired", "pair": None, "name": "acme+ci"})
IN_PLACE = pair_from_options(CI, {"strategy": "in_place", "pair": None, "name": "acme+ci"})


def robot(name: RobotName) -> Robot:
    return Robot(str(name), NOON, None, "", f"token of {name}")


def held(carrier: RobotName, *superseded: RobotName) -> StoredSecret:
    """A store with the recorded token of a robot."""
    handles = tuple(handle_of(robot(name)) for name in superseded)
    return stored_secret(f"token of {carrier}", str(carrier), superseded=handles)


def marked(name: RobotName) -> Robot:
    return replace(robot(name), metadata=MARK)


@pytest.fixture
def paired(quay: FakeQuay) -> PairRobots:
    return PairRobots(PAIRED, RobotLookup(module_context(quay), "acme"))


def targets(quay: FakeQuay) -> list[str]:
    """The paths of all requests, each of which only reads."""
    assert {method for method, _target in quay.calls} == {"GET"}
    return [target.partition("?")[0] for _method, target in quay.calls]


# --- those that decide which robot is active


def test_robots_that_the_records_name(quay: FakeQuay, paired: PairRobots) -> None:
    """Two requests, however many names the credential has."""
    quay.answers(robot_reply(robot(A)), robot_reply(robot(C)))
    assert paired.read([held(C, A)]) == {A: robot(A), C: robot(C)}
    assert targets(quay) == [f"{ROBOTS}/ci_a", f"{ROBOTS}/ci_c"]


def test_robot_that_was_deleted(quay: FakeQuay, paired: PairRobots) -> None:
    """The store holds the secret of none then, so that all are read."""
    quay.answers(UNKNOWN_ROBOT, robot_list(robot(B)))
    assert paired.read([held(C)]) == {B: robot(B)}
    assert targets(quay) == [f"{ROBOTS}/ci_c", ROBOTS]


def test_former_robot_that_was_deleted(quay: FakeQuay, paired: PairRobots) -> None:
    quay.answers(UNKNOWN_ROBOT, robot_reply(robot(C)))
    assert paired.read([held(C, A)]) == {A: None, C: robot(C)}


@pytest.mark.parametrize("stored", [[], [StoredSecret()]])
def test_empty_stores(quay: FakeQuay, paired: PairRobots, stored: list[StoredSecret]) -> None:
    """Of the pair, not of the robot of the credential's own name."""
    quay.answers(robot_list(robot(CI), robot(B), robot(RobotName("acme", "other"))))
    assert paired.read(stored) == {B: robot(B)}
    assert targets(quay) == [ROBOTS]


def test_secret_of_the_other_strategy(quay: FakeQuay, paired: PairRobots) -> None:
    """Its store has lost its record."""
    quay.answers(robot_list(robot(CI), robot(B)))
    assert paired.read([StoredSecret(f"token of {CI}")]) == {B: robot(B), CI: robot(CI)}


def test_unrecorded_secret_next_to_a_recorded_one(quay: FakeQuay, paired: PairRobots) -> None:
    """An interrupted run delivered a new robot to the first store. Its metadata shows that it is the credential's."""
    interrupted = StoredSecret(f"token of {D}", None, str(D))
    quay.answers(robot_reply(robot(A)), robot_reply(marked(D)), robot_reply(marked(D)))
    assert paired.read([interrupted, held(A)]) == {A: robot(A), D: marked(D)}


def test_unrecorded_secret_of_a_robot_that_belongs_to_others(quay: FakeQuay, paired: PairRobots) -> None:
    foreign = StoredSecret(f"token of {D}", None, str(D))
    quay.answers(robot_reply(robot(A)), robot_reply(robot(D)), robot_list(robot(A), robot(D)), robot_reply(robot(D)))
    assert paired.read([foreign, held(A)]) == {A: robot(A)}


# --- a record that somebody may have edited


def edited(handle: str, username: str = str(A), fingerprint_of: str = f"token of {A}") -> StoredSecret:
    """The token of A with a record that names whatever it likes."""
    stored = stored_secret(fingerprint_of, username, superseded=(handle,))
    return replace(stored, secret=f"token of {A}")


@pytest.mark.parametrize(
    "stored",
    [
        edited(f"{D}@0123456789ab"),
        edited(f"{D}@0123456789ab", fingerprint_of="another secret"),
        edited("", username=str(D)),
    ],
)
@pytest.mark.parametrize("pair", [PAIRED, IN_PLACE])
def test_record_that_names_the_robot_of_others(quay: FakeQuay, pair: Pair, stored: StoredSecret) -> None:
    """Only the token of a robot, its name or its metadata show that it is the credential's."""
    robots = PairRobots(pair, RobotLookup(module_context(quay), "acme"))
    quay.answers(robot_list(robot(CI), robot(D)), robot_reply(robot(D)))
    assert robots.list([stored]) == ({CI: robot(CI)}, frozenset({D}))


@pytest.mark.parametrize("stored", [held(A, D), held(D), edited(handle_of(robot(D)), fingerprint_of="another secret")])
def test_record_that_names_the_token_of_a_robot(quay: FakeQuay, paired: PairRobots, stored: StoredSecret) -> None:
    """It needs no mark: Quay shows its present token."""
    quay.answers(robot_list(robot(CI), robot(D)))
    assert paired.list([stored]) == ({CI: robot(CI), D: robot(D)}, frozenset())


def test_pair_that_the_user_named(quay: FakeQuay) -> None:
    """Its former robots belong to the credential, whatever their tokens are."""
    options = {"strategy": "in_place", "pair": ["acme+x1", "acme+y1"], "name": "acme+ci"}
    robots = PairRobots(pair_from_options(CI, options), RobotLookup(module_context(quay), "acme"))
    x = RobotName("acme", "x1")
    quay.answers(robot_list(robot(CI), robot(x)))
    assert robots.list([edited(f"{x}@0123456789ab")])[0] == {CI: robot(CI), x: robot(x)}


# --- all of them


def test_robots_of_the_credential(quay: FakeQuay, paired: PairRobots) -> None:
    """By their names: the first two and its own. By the records. By their metadata. All others belong to others."""
    e = RobotName("acme", "ci_e")
    quay.answers(
        robot_list(*[robot(name) for name in (CI, A, C, D, e)]),
        robot_reply(marked(D)),
        robot_reply(robot(e)),
    )
    own, taken = paired.list([held(A, C)])
    assert own == {name: robot(name) for name in (A, C, D, CI)}
    assert taken == {e}
    assert targets(quay) == [ROBOTS, f"{ROBOTS}/ci_d", f"{ROBOTS}/ci_e"]


def test_robots_of_a_credential_with_one_robot(quay: FakeQuay) -> None:
    """A robot of a pair's name belongs to it only if that shows."""
    robots = PairRobots(IN_PLACE, RobotLookup(module_context(quay), "acme"))
    quay.answers(robot_list(robot(CI), robot(A), robot(B)), robot_reply(robot(A)), robot_reply(marked(B)))
    own, taken = robots.list([])
    assert (own, taken) == ({CI: robot(CI), B: robot(B)}, frozenset({A}))
