# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_robot_lease_sweep: robots of expired leases are deleted, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from functional.leases import CONFIG, DELETE, NEW, ROBOTS, Leases, issue
from functional.test_retired_robots import set_mirror
from standin.state import Robot

MODULE = "quay_robot_lease_sweep"
LIST = f"GET {ROBOTS}"
SWEEP = {"name_prefix": "acme+ci"}


@pytest.fixture
def leases(harness: Harness) -> Leases:
    return Leases(harness)


def issue_many(leases: Leases, *lifetimes: str, prefix: str = "acme+ci") -> list[str]:
    return [issue(leases, name_prefix=prefix, lifetime=lifetime, current_token=None) for lifetime in lifetimes]


def test_expired_leases_are_deleted(either_login: Harness) -> None:
    harness, leases = either_login, Leases(either_login)
    expired, lasting = issue_many(leases, "1h", "2h"), issue_many(leases, "12h")
    expires_at = harness.robot(lasting[0]).metadata["tokensmith.quay"]["expires_at"]
    harness.advance(hours=3)
    runs = harness.four_runs(MODULE, {**SWEEP, "parallel": 1})
    assert leases.names == lasting
    assert [leases.without_login(requests) for requests in runs.requests] == [
        [LIST, NEW, NEW, CONFIG, "GET /api/v1/repository"],
        [LIST, NEW, NEW, CONFIG, DELETE, DELETE],
        [LIST],
        [LIST],
    ]
    active = [{"name": lasting[0], "expires_at": expires_at}]
    assert runs.first.content == {"deleted": sorted(expired), "kept": [], "active": active}
    assert runs.first.diff == {
        "before": {"expired_leases": sorted(expired)},
        "after": {"expired_leases": []},
    }
    assert runs.second.content == {"deleted": [], "kept": [], "active": active}


def test_nothing_is_expired_at_the_last_second(leases: Leases) -> None:
    (name,) = issue_many(leases, "1h")
    expires_at = leases.harness.robot(name).created.replace(microsecond=0) + timedelta(hours=1)
    leases.harness.quay.clock.set(expires_at - timedelta(seconds=3))
    assert not leases.harness.run(MODULE, SWEEP).changed
    leases.harness.quay.clock.set(expires_at + timedelta(seconds=1))
    assert leases.harness.run(MODULE, SWEEP)["deleted"] == [name]


def test_robots_of_others_are_not_even_read(leases: Leases) -> None:
    harness = leases.harness
    others = issue_many(leases, "1h", prefix="acme+ci-nightly") + issue_many(leases, "1h", prefix="acme+c")
    (name,) = issue_many(leases, "1h")
    expiry = name[len("acme+ci-") :]
    for lookalike in (
        f"acme+ci-{expiry}-x",
        f"acme+ci_{expiry}",
        f"acme+ci-{expiry[:-1]}",
        "acme+ci-20261399t000000z-",
    ):
        copied = copy.deepcopy(harness.robot(name))
        copied.name = lookalike.rstrip("-") + ("" if lookalike[-1] != "-" else "-abcdefghjkmn")
        harness.quay.state.robots[copied.name] = copied
        others.append(copied.name)
    harness.advance(hours=2)
    result = harness.run(MODULE, SWEEP)
    assert result["deleted"] == [name]
    assert result["kept"] == []
    assert leases.requests == [LIST, NEW, CONFIG, DELETE]
    assert {*others, "acme+ci"} <= harness.quay.state.robots.keys()


def lease_in(robot: Robot) -> dict[str, Any]:
    found: dict[str, Any] = robot.metadata["tokensmith.quay"]
    return found


def _set_metadata(robot: Robot, metadata: dict[str, Any]) -> None:
    robot.metadata = metadata


DAMAGES: dict[str, tuple[Callable[[Robot], object], str]] = {
    "no metadata": (lambda robot: _set_metadata(robot, {}), "was not issued as a lease"),
    "metadata of somebody else": (lambda robot: _set_metadata(robot, {"team": "blue"}), "was not issued as a lease"),
    "a text": (lambda robot: _set_metadata(robot, {"tokensmith.quay": "lease"}), "cannot be read"),
    "another kind": (lambda robot: lease_in(robot).update(kind="other"), "cannot be read"),
    "no time": (lambda robot: lease_in(robot).update(expires_at="soon"), "cannot be read"),
    "a number for a time": (lambda robot: lease_in(robot).update(issued_at=1), "cannot be read"),
    "no owner": (lambda robot: lease_in(robot).pop("owner"), "cannot be read"),
    "another robot": (lambda robot: lease_in(robot).update(name="ci-x"), "has the metadata of another robot, ci-x"),
    "another expiry": (
        lambda robot: lease_in(robot).update(expires_at="2036-01-01T00:00:00Z"),
        "its lease expires at 2036-01-01T00:00:00Z, which its name does not",
    ),
    "created before": (
        lambda robot: setattr(robot, "created", robot.created - timedelta(days=1)),
        "but its lease was issued at",
    ),
    "created after": (
        lambda robot: setattr(robot, "created", robot.created + timedelta(minutes=11)),
        "but its lease was issued at",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_robot_whose_metadata_do_not_fit_is_kept(leases: Leases, damage: str) -> None:
    damaged, expired = issue_many(leases, "1h", "1h")
    change, words = DAMAGES[damage]
    change(leases.harness.robot(damaged))
    leases.harness.advance(hours=2)
    runs = leases.harness.four_runs(MODULE, SWEEP)
    assert runs.first["deleted"] == [expired]
    (kept,) = runs.first["kept"]
    assert kept["name"] == damaged
    assert words in kept["reason"]
    assert f"{damaged} {kept['reason']}. It was not deleted." in runs.first.warnings
    assert leases.names == [damaged]


def test_creation_a_little_later_is_no_contradiction(leases: Leases) -> None:
    (name,) = issue_many(leases, "1h")
    robot = leases.harness.robot(name)
    robot.created += timedelta(minutes=9)
    leases.harness.advance(hours=2)
    assert leases.harness.run(MODULE, SWEEP)["deleted"] == [name]


def test_robot_of_a_mirror_fails_the_task_and_others_go_on(leases: Leases) -> None:
    mirrored, expired = issue_many(leases, "1h", "1h")
    set_mirror(leases.harness, mirrored)
    leases.harness.advance(hours=2)
    predicted = leases.harness.check(MODULE, SWEEP)
    result = leases.harness.run(MODULE, SWEEP)
    assert leases.names == [mirrored]
    assert result.failed
    assert result.message.startswith(
        f"1 of 2 expired leases could not be deleted. {mirrored}: a mirror uses it. Give the mirror another robot"
    )
    for one in (predicted, result):
        assert (one.message, one["deleted"], one.changed) == (result.message, [expired], True)
        assert one["kept"] == result["kept"]
        assert one.diff == result.diff
    assert result["kept"][0]["name"] == mirrored
    again = leases.harness.run(MODULE, SWEEP)
    assert (again.failed, again.changed, again.diff) == (True, False, None)


def test_error_of_one_robot_does_not_stop_the_others(leases: Leases) -> None:
    names = issue_many(leases, "1h", "1h", "1h")
    leases.harness.advance(hours=2)
    leases.harness.quay.faults.add("status", method="DELETE", status=503)
    result = leases.harness.run(MODULE, SWEEP)
    assert "1 of 3 expired leases could not be deleted" in result.message
    (left,) = leases.names
    assert result["deleted"] == sorted(set(names) - {left})


@pytest.mark.parametrize("fault", ["cut_after", "truncate"])
def test_lost_response_of_a_deletion_is_looked_up(leases: Leases, fault: str) -> None:
    (name,) = issue_many(leases, "1h")
    leases.harness.advance(hours=2)
    leases.harness.quay.faults.add(fault, method="DELETE")
    result = leases.harness.run(MODULE, SWEEP)
    assert result["deleted"] == [name]
    assert leases.requests == [LIST, NEW, CONFIG, DELETE, *([NEW] if fault == "cut_after" else [])]


def test_robot_that_disappears_meanwhile_is_not_reported(leases: Leases) -> None:
    (name,) = issue_many(leases, "1h")
    leases.harness.advance(hours=2)
    leases.harness.before_request(f"GET {ROBOTS}/ci-", lambda: leases.harness.quay.state.robots.pop(name))
    result = leases.harness.run(MODULE, SWEEP)
    assert (result.changed, result["deleted"], result["kept"]) == (False, [], [])


def test_own_namespace(leases: Leases) -> None:
    (name,) = issue_many(leases, "1h", prefix="alice+ci")
    leases.harness.advance(hours=2)
    result = leases.harness.run(MODULE, {"name_prefix": "alice+ci"})
    assert result["deleted"] == [name], (result.values, leases.harness.requests)
    assert leases.names == []


def test_unknown_organization_is_refused(superuser: Harness) -> None:
    """Quay lists no robots to a superuser then."""
    assert_refused(superuser, MODULE, {"name_prefix": "none+ci"}, "Organization does not exist: none")


def test_read_only_registry_is_refused(leases: Leases) -> None:
    issue_many(leases, "1h")
    leases.harness.advance(hours=2)
    leases.harness.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(leases.harness, MODULE, SWEEP, "the registry is read-only")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name_prefix": "acme+"}, "name_prefix: 'acme+' is not valid"),
        ({"parallel": 0}, "parallel must be 1 or more"),
    ],
)
def test_invalid_options_are_refused(leases: Leases, options: dict[str, Any], words: str) -> None:
    assert_refused(leases.harness, MODULE, {**SWEEP, **options}, words)
    assert leases.harness.requests == []
