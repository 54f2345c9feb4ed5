# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a former robot of a pair is retired, and how the name of the next one is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functional.harness import Harness, assert_predicted
from functional.registry_tokens import Thief
from functional.test_paired_robots import MODULE, PAIR, ROBOTS, PairedRobots, superseded_entry
from standin.state import Mirror, Prototype

A, B = PAIR
C = "acme+pull_c"
HOURS: dict[str, Any] = {"minutes": 66}
STAY_VALID = "registry tokens that were issued to it are still accepted as its password for an hour"


@pytest.fixture
def paired(harness: Harness) -> PairedRobots:
    return PairedRobots(harness)


def names(harness: Harness) -> set[str]:
    """The robots of the credential."""
    return {name for name in harness.quay.state.robots if name.startswith("acme+pull")}


def browse(harness: Harness, method: str, path: str, body: Any = None) -> None:
    harness.accounts.alice.browser().call(method, path, body)


def assert_refused(harness: Harness, arguments: dict[str, Any], *words: str) -> str:
    """Assert that a run is refused with these words, in check mode and really, and that nothing changes."""
    state, files = harness.state(), {path: path.read_bytes() for path in harness.folder.iterdir()}
    messages = []
    for check in (True, False):
        result = harness.run(MODULE, arguments, check=check)
        assert result.failed
        for part in words:
            assert part in result.message, result.message
        assert harness.quay.journal.mints == harness.quay.journal.writes == []
        assert harness.state() == state
        assert {path: path.read_bytes() for path in harness.folder.iterdir()} == files
        messages.append(result.message)
    assert messages[0] == messages[1]
    return messages[0]


def set_mirror(harness: Harness, robot: str) -> None:
    """Make the robot the user of the mirror of acme/base."""
    repository = harness.quay.state.repositories["acme", "base"]
    repository.state = "MIRROR"
    repository.mirror = Mirror("registry.example.com/base", robot, ["*"], 3600, None, 300)
    harness.quay.config["FEATURE_REPO_MIRROR"] = True


# --- what ends


def test_registry_tokens_of_the_former_robot_end_with_it(paired: PairedRobots) -> None:
    harness = paired.harness
    thief = Thief(harness, A, paired.start())
    paired.run()
    assert thief.has_access()
    assert paired.run()["ended"] is True
    assert not thief.has_access()
    # One hour later its name is used again. A registry token would have expired by now.
    harness.advance(**HOURS)
    assert paired.run(rotate="always")["username"] == A
    assert names(harness) == {A, B}


def test_rights_of_every_kind_survive_many_turns(paired: PairedRobots) -> None:
    harness = paired.harness
    paired.start()
    state = harness.quay.state
    own = Prototype("acme", "admin", "user", A, A)
    others = Prototype("acme", "write", "team", "readers", A)
    state.prototypes |= {own.uuid: own, others.uuid: others}
    robot = harness.robot(A)
    robot.description, robot.metadata = "pulls for the farm", {**robot.metadata, "cost": "42"}
    before = _rights(paired, A)
    for expected in (B, A, B):
        assert paired.run(rotate="always", retire_after="0")["username"] == expected
        assert _rights(paired, expected) == before
        assert harness.robot(expected).description == "pulls for the farm"
        assert harness.robot(expected).metadata == robot.metadata
        assert names(harness) == {expected}
        harness.advance(**HOURS)


def _rights(paired: PairedRobots, name: str) -> Any:
    """All rights of a robot, with its name replaced."""
    prototypes = [
        (p.role, p.delegate_kind, p.delegate_name.replace(name, "-"), str(p.activating_user).replace(name, "-"))
        for p in paired.harness.quay.state.prototypes.values()
        if name in (p.delegate_name, p.activating_user)
    ]
    return {**paired.rights_of(name), "defaults": sorted(prototypes)}


# --- the name of the next robot


def test_name_rests_for_an_hour_by_the_log(paired: PairedRobots) -> None:
    harness = paired.harness
    paired.start()
    paired.run()
    harness.advance(days=3)
    paired.run()  # deletes the first robot
    harness.advance(minutes=64)
    predicted = harness.check(MODULE, paired.arguments(rotate="always"))
    early = paired.run(rotate="always")
    assert_predicted(predicted, early)
    assert early["username"] == C
    harness.advance(minutes=2)
    assert paired.run(rotate="always")["username"] == A


@pytest.mark.parametrize("unknown", ["not searchable", "no permission", "not logged", "failing"])
def test_next_name_is_used_while_the_logs_do_not_show_deletions(paired: PairedRobots, unknown: str) -> None:
    harness = paired.harness
    paired.start()
    harness.quay.state.logs.clear()
    if unknown == "not searchable":
        harness.quay.config["LOGS_MODEL"] = "splunk"
    elif unknown == "not logged":
        harness.quay.config["DISABLED_FOR_AUDIT_LOGS"] = ["acme"]
    else:
        status = 403 if unknown == "no permission" else 500
        harness.quay.faults.add("status", path="/aggregatelogs$", status=status, times=None)
    for expected in (B, C, "acme+pull_d", "acme+pull_e"):
        predicted = harness.check(MODULE, paired.arguments(rotate="always"))
        result = paired.run(rotate="always")
        assert_predicted(predicted, result)
        assert result["username"] == expected
        harness.advance(days=40)


def test_robot_of_somebody_else_is_left_alone(paired: PairedRobots) -> None:
    """acme+pull_c has a name that the credential would use, but was not created for it."""
    harness = paired.harness
    paired.start()
    browse(harness, "PUT", f"{ROBOTS}/pull_c")
    foreign = harness.robot(C).token
    paired.run()
    result = paired.run(rotate="always")
    assert result["username"] == "acme+pull_d"
    for record in harness.folder.glob("*.record.json"):
        record.unlink()
    for _run in range(3):
        paired.run()
    assert names(harness) == {C, "acme+pull_d"}
    assert harness.robot(C).token == foreign


@pytest.mark.parametrize("lost", ["records", "stores"])
def test_third_robot_is_recognized_without_a_record(paired: PairedRobots, lost: str) -> None:
    harness = paired.harness
    paired.start()
    paired.run(rotate="always")
    paired.run(rotate="always")
    assert names(harness) == {B, C}
    harness.advance(minutes=1)
    harness.robot(C).last_accessed = harness.quay.clock.now()
    for path in harness.folder.iterdir() if lost == "stores" else harness.folder.glob("*.record.json"):
        path.unlink()
    former = superseded_entry(B, paired.secret_of(B))
    assert (paired.run()["minted"], paired.stored_login()[0]) == (False, C)
    assert paired.run()["retired"] == [former]
    assert names(harness) == {C}
    harness.four_runs(MODULE, paired.arguments())


def test_robots_left_by_interrupted_runs_are_used_or_deleted(paired: PairedRobots) -> None:
    harness = paired.harness
    paired.start()
    harness.quay.faults.add("status", path="/permissions/user/", status=500)
    assert paired.run().failed
    assert names(harness) == {A, B}
    created = harness.robot(B).token
    result = paired.run()
    assert (result["username"], result["superseded"]) == (B, [superseded_entry(A, harness.robot(A).token)])
    assert harness.robot(B).token != created
    # One that is older than the active robot may have been in use, so it is deleted.
    browse(harness, "PUT", f"{ROBOTS}/pull_d")
    left = harness.robot("acme+pull_d")
    left.metadata, left.created = dict(harness.robot(B).metadata), harness.robot(A).created
    harness.advance(days=31)
    predicted = harness.check(MODULE, paired.arguments())
    result = paired.run()
    assert_predicted(predicted, result)
    assert result["username"] == C
    assert len(result["retired"]) == 2
    assert names(harness) == {B, C}


# --- pairs with names


def test_named_pair_waits_for_a_name(paired: PairedRobots) -> None:
    harness = paired.harness
    pair = {"pair": ["acme+blue", "acme+green"]}
    paired.run(**pair)
    assert paired.run(**pair, rotate="always", retire_after="0")["username"] == "acme+green"
    assert not paired.exists("acme+blue")
    message = assert_refused(
        harness,
        paired.arguments(**pair, rotate="always"),
        "no robot can carry it next. acme+blue existed within the last hour",
        "acme+blue can be created again from 2",
        "add another name to pair",
    )
    assert "acme+green can be" not in message
    three = {"pair": [*pair["pair"], "acme+red"], "rotate": "always"}
    assert paired.run(**three)["username"] == "acme+red"
    harness.advance(**HOURS)
    assert paired.run(**three)["username"] == "acme+blue"


def test_existing_robot_of_a_named_pair_is_used_with_a_warning(paired: PairedRobots) -> None:
    """It cannot be deleted and created in one run, and there is no other name."""
    harness = paired.harness
    pair = {"pair": ["acme+blue", "acme+green"]}
    paired.run(**pair)
    thief = Thief(harness, "acme+blue", paired.secret_of("acme+blue"))
    paired.run(**pair, rotate="always")
    former = paired.secret_of("acme+blue")
    predicted = harness.check(MODULE, paired.arguments(**pair, rotate="always"))
    result = paired.run(**pair, rotate="always")
    assert_predicted(predicted, result)
    assert result["username"] == "acme+blue"
    assert paired.secret_of("acme+blue") != former
    for run in (predicted, result):
        assert run.warned("acme+blue exists already and carries the credential from now on")
    assert thief.has_access()


def test_name_in_doubt_gives_a_warning(paired: PairedRobots) -> None:
    harness = paired.harness
    pair = {"pair": ["acme+blue", "acme+green"]}
    harness.quay.config["LOGS_MODEL"] = "splunk"
    first = paired.run(**pair)
    assert first.warned("do not show whether a robot of the name acme+blue was deleted within the last hour")
    paired.run(**pair, rotate="always", retire_after="0")
    # The record shows that the other one existed an hour ago, so not even the warning would do.
    assert_refused(harness, paired.arguments(**pair, rotate="always"), "no robot can carry it next")
    harness.advance(**HOURS)
    result = paired.run(**pair, rotate="always")
    assert result["username"] == "acme+blue"
    assert result.warned("acme+blue was deleted within the last hour")


# --- robots that are kept


def _give_federation(paired: PairedRobots) -> None:
    entry = {"issuer": "https://token.ci.example.com", "subject": "project/acme"}
    browse(paired.harness, "POST", f"{ROBOTS}/pull_a/federation", [entry])


def _give_foreign_team(paired: PairedRobots) -> None:
    paired.harness.quay.state.organizations["rival"].teams["owners"].members.append(A)


def _give_organization_mirror(paired: PairedRobots) -> None:
    paired.harness.quay.config["FEATURE_ORG_MIRROR"] = True
    paired.harness.quay.state.organizations["acme"].mirror_robot = A


KEPT: dict[str, tuple[Callable[[PairedRobots], None], str]] = {
    "mirror": (lambda paired: set_mirror(paired.harness, A), "is the user of a mirror"),
    "mirror of the organization": (_give_organization_mirror, "is the user of a mirror"),
    "federation": (_give_federation, "has federation, whose workloads know it by name"),
    "team": (_give_foreign_team, "is a member of teams that the next robot is not in (owners)"),
}


@pytest.mark.parametrize("case", KEPT)
def test_robot_with_what_no_other_can_get_is_kept(paired: PairedRobots, case: str) -> None:
    harness = paired.harness
    give, reason = KEPT[case]
    old = paired.start()
    thief = Thief(harness, A, old)
    give(paired)
    paired.run()
    predicted = harness.check(MODULE, paired.arguments())
    result = paired.run()
    assert_predicted(predicted, result)
    assert (result["retired"], result["ended"]) == ([superseded_entry(A, old)], False)
    assert paired.secret_of(A) != old
    assert result.warned(f"{A} {reason}, so it was not deleted")
    assert result.warned(STAY_VALID)
    assert thief.has_access()
    harness.four_runs(MODULE, paired.arguments())
    # At the next turn it is not used again, and its deletion is tried again.
    harness.advance(days=40)
    turn = paired.run()
    assert turn["username"] == C
    assert turn.warned(f"{A} {reason}")
    assert paired.is_stored(C)


def test_robots_whose_permissions_are_not_copied_are_kept(paired: PairedRobots) -> None:
    harness = paired.harness
    own = {"copy_rights": False}
    browse(harness, "PUT", f"{ROBOTS}/pull_b")
    paired.grant_rights(B)
    rights = paired.rights_of(B)
    paired.run(**own)
    names_before = names(harness)
    for _turn in range(3):
        before = paired.stored_login()
        result = paired.run(**own, rotate="always", retire_after="0")
        assert result.warned("has permissions that are not copied (copy_rights: false)")
        assert result["ended"] is False
        assert {before[0], result["username"]} == {A, B}
        assert paired.secret_of(before[0]) != before[1]
    assert names(harness) == {A, B} | names_before
    assert paired.rights_of(B) == rights


def test_registry_token_that_is_still_accepted_is_an_error(paired: PairedRobots) -> None:
    """Somebody creates the robot again at the same moment."""
    harness = paired.harness
    paired.start()
    paired.run()
    robot = harness.robot(A)

    def create_again() -> None:
        harness.quay.state.robots[A] = robot

    harness.before_request("DELETE", lambda: harness.before_request("GET /v2/auth", create_again))
    result = paired.run()
    assert result.failed
    assert f"{A} was deleted, but Quay still accepts a registry token that was issued to it" in result.message


@pytest.mark.parametrize(("status", "shown"), [(500, "Quay answered 500"), (503, "Quay answered 503")])
def test_refusal_that_cannot_be_verified_is_no_end(paired: PairedRobots, status: int, shown: str) -> None:
    harness = paired.harness
    paired.start()
    paired.run()
    harness.quay.faults.add("status", path="/v2/auth", nth=2, status=status)
    result = paired.run()
    assert (result["ended"], paired.exists(A)) == (False, False)
    assert result.warned(shown)


@pytest.mark.parametrize("fault", ["cut_before", "cut_after", "status", "truncate"])
def test_deletion_with_a_lost_response(paired: PairedRobots, fault: str) -> None:
    harness = paired.harness
    old = paired.start()
    paired.run()
    options = {"status": 500} if fault == "status" else {}
    harness.quay.faults.add(fault, method="DELETE", path="/robots/pull_a$", **options)
    first = paired.run()
    assert first.failed == paired.exists(A)
    if first.failed:
        assert paired.run()["retired"] == [superseded_entry(A, old)]
    assert names(harness) == {B}
    harness.four_runs(MODULE, paired.arguments())


# --- interrupted turns


@pytest.mark.slow
def test_turn_that_fails_at_any_request_is_completed_by_the_next_run(paired: PairedRobots) -> None:
    harness = paired.harness
    paired.start()
    paired.run()
    harness.advance(days=31)
    snapshot = harness.quay.quay.snapshot()
    files = {path: path.read_bytes() for path in harness.folder.iterdir()}
    arguments = paired.arguments(retire_after="0")
    assert not harness.run(MODULE, arguments).failed
    count = len(harness.requests)
    former = paired.secret_of(str(paired.stored_login()[0]))
    assert former
    for number in range(1, count + 1):
        for kind in ("cut_before", "cut_after"):
            harness.quay.quay.restore(snapshot)
            for path, content in files.items():
                path.write_bytes(content)
            harness.quay.faults.clear()
            harness.quay.faults.add(kind, nth=number)
            secret = paired.secret_of(B)
            harness.run(MODULE, arguments)
            harness.quay.faults.clear()
            username, stored = paired.stored_login()
            assert paired.secret_of(username) == stored, (number, kind)
            assert not harness.run(MODULE, arguments).failed
            assert not harness.run(MODULE, arguments).failed
            username = paired.stored_login()[0]
            assert username != B, (number, kind)
            assert paired.is_stored(username), (number, kind)
            assert paired.rights_of(username)["repositories"] == {"app": "write", "base": "read"}, (number, kind)
            assert names(harness) == {username}, (number, kind)
            assert secret not in [robot.token for robot in harness.quay.state.robots.values()]


def test_quay_token_info_agrees(paired: PairedRobots) -> None:
    harness = paired.harness
    info = {"credentials": [{"kind": "robot", **paired.arguments()}]}

    def shown() -> tuple[str, str, str]:
        (found,) = harness.run("quay_token_info", info)["credentials"]
        return found["action"], found["reason"], found["username"]

    paired.start()
    paired.run(rotate="always")
    paired.run(rotate="always")
    assert shown() == ("retire", "not_due", C)
    paired.run()
    assert shown() == ("nothing", "not_due", C)


def test_credential_returns_to_a_robot_of_its_own_name_that_was_kept(paired: PairedRobots) -> None:
    """It has federation, so it was not deleted when the credential moved to a pair."""
    harness = paired.harness
    in_place = paired.arguments(strategy="in_place")
    harness.run(MODULE, in_place)
    entry = {"issuer": "https://token.ci.example.com", "subject": "project/acme"}
    browse(harness, "POST", f"{ROBOTS}/pull/federation", [entry])
    harness.advance(minutes=1)
    paired.run()
    kept = paired.run()
    assert (kept["ended"], names(harness)) == (False, {"acme+pull", A})
    predicted = harness.check(MODULE, in_place)
    back = harness.run(MODULE, in_place)
    assert_predicted(predicted, back)
    assert back["username"] == "acme+pull"
    for run in (predicted, back):
        assert run.warned("acme+pull exists already and carries the credential from now on")
    harness.run(MODULE, in_place)
    assert names(harness) == {"acme+pull"}
    harness.four_runs(MODULE, in_place)
