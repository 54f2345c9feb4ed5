# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A part of the matrix with each scenario and each fault. `make faults` runs all of it."""

from __future__ import annotations

import random

import pytest

from faults import fault_injection
from faults.cell import (
    FILE_FAULTS,
    PLACE_FAULTS,
    PROGRAM_FAULTS,
    REQUEST_FAULTS,
    STORE_WRITE_FAULTS,
    CellRunner,
    Point,
    random_lasting_error,
)
from faults.repeated_rotations import kill_at_random, rotate_with_consumer
from faults.scenarios import SCENARIOS

PERMANENT_FAULTS = tuple(filter(fault_injection.is_permanent, fault_injection.ERRORS))
ON_FILES = [name for name, scenario in SCENARIOS.items() if not scenario.stores]
WITH_FILES = [name for name in ON_FILES if SCENARIOS[name].files]
ON_SERVERS = [name for name, scenario in SCENARIOS.items() if scenario.remote_kind]
WITH_ANSIBLE_VAULT = [name for name, scenario in SCENARIOS.items() if "vault_vars" in scenario.stores]


def combine(names: list[str], faults: tuple[str, ...]) -> list[tuple[str, str]]:
    """Combine each scenario with one of the faults, and each fault with one of the scenarios."""
    many = range(max(len(names), len(faults)))
    return [(names[number % len(names)], faults[number % len(faults)]) for number in many]


def last(points: list[Point]) -> Point:
    return points[-1]


@pytest.mark.parametrize("name", [name for name in ON_FILES if SCENARIOS[name].mode == "renew"])
def test_renewal_is_due(runner: CellRunner, name: str) -> None:
    """Otherwise the scenario would try nothing."""
    scenario = SCENARIOS[name]
    workspace = runner.workspace(scenario)
    former = {store: login.secret for store, login in workspace.logins().items() if login}
    ran = runner.run(scenario, workspace, scenario.first_arguments(workspace))
    assert not ran.failed, ran.message
    assert ran.values["minted"]
    # Registry tokens come from the request with which other kinds verify a secret, so those are not counted.
    mints = 0 if scenario.kind.module == "quay_referrers_token" else 1
    assert sum(request.mints for request in ran.requests) == mints
    renewed = {store: login.secret for store, login in workspace.logins().items() if login}
    assert former.keys() == renewed.keys() == workspace.logins().keys()
    assert not set(former.values()) & set(renewed.values())


@pytest.mark.parametrize(("name", "fault"), combine(ON_FILES, REQUEST_FAULTS))
def test_fault_of_the_deciding_request(runner: CellRunner, name: str, fault: str) -> None:
    requests = [point for point in runner.points(SCENARIOS[name]) if point.kind == "request"]
    deciding = [point for point in requests if not point.what.startswith("GET") and "/signin" not in point.what]
    result = runner.try_cell(SCENARIOS[name], last(deciding or requests), fault)
    assert result.problems == (), result.message


@pytest.mark.parametrize(("name", "fault"), combine(WITH_FILES, FILE_FAULTS))
def test_fault_of_a_file_operation(runner: CellRunner, name: str, fault: str) -> None:
    files = [point for point in runner.points(SCENARIOS[name]) if point.kind == "file" and fault in point.faults]
    of_the_store = [point for point in files if "auth.json" in point.what and ".record." not in point.what]
    result = runner.try_cell(SCENARIOS[name], last(of_the_store or files), fault)
    assert result.problems == (), result.message


@pytest.mark.parametrize(("name", "fault"), combine(WITH_FILES, PERMANENT_FAULTS))
def test_store_that_cannot_be_written_is_found_before_anything_changes(
    runner: CellRunner, name: str, fault: str
) -> None:
    """From the first file operation on that can show it."""
    points = [point for point in runner.points(SCENARIOS[name]) if point.kind == "file" and fault in point.faults]
    result = runner.try_cell(SCENARIOS[name], points[0], fault)
    assert (result.outcome, result.problems) == ("error", ()), result.message


@pytest.mark.parametrize(("name", "fault"), combine(ON_SERVERS, STORE_WRITE_FAULTS))
def test_fault_of_a_request_to_a_store(runner: CellRunner, name: str, fault: str) -> None:
    """At the last request that can have it: mostly the write of the secret."""
    points = [point for point in runner.points(SCENARIOS[name]) if point.kind == "store" and fault in point.faults]
    result = runner.try_cell(SCENARIOS[name], last(points), fault)
    assert result.problems == (), result.message


@pytest.mark.parametrize("name", ["robot-vault-create-3.18", "api-kubernetes-forced-3.18", "paired-awx-forced-3.18"])
def test_store_that_cannot_be_reached_is_found_before_anything_changes(runner: CellRunner, name: str) -> None:
    points = [point for point in runner.points(SCENARIOS[name]) if point.kind == "store"]
    result = runner.try_cell(SCENARIOS[name], points[0], "gone")
    assert (result.outcome, result.problems) == ("error", ()), result.message


@pytest.mark.parametrize(("name", "fault"), combine(WITH_ANSIBLE_VAULT, PROGRAM_FAULTS))
def test_fault_of_ansible_vault(runner: CellRunner, name: str, fault: str) -> None:
    points = [point for point in runner.points(SCENARIOS[name]) if point.kind == "program"]
    result = runner.try_cell(SCENARIOS[name], last(points), fault)
    assert result.problems == (), result.message


@pytest.mark.parametrize("fault", ["killed-before", "killed-after", "disk-full"])
@pytest.mark.parametrize("name", ["vars.yml.record.json", "vars.yml"])
def test_fault_between_the_variables_and_their_record(runner: CellRunner, name: str, fault: str) -> None:
    """A value without its record would be refused by the next run, like one that was written by hand."""
    scenario = SCENARIOS["robot-vault-vars-renew-3.18"]
    what = f"rename .{name}.*.draft {name}"
    (replace,) = [point for point in runner.points(scenario) if point.what == what]
    result = runner.try_cell(scenario, replace, fault)
    assert result.problems == (), result.message


@pytest.mark.parametrize("name", WITH_FILES)
def test_random_lasting_errors(runner: CellRunner, name: str) -> None:
    """A part of `make faults ARGS=--random-errno=200`."""
    rng = random.Random(name)
    for _number in range(5):
        point, fault = random_lasting_error(runner.points(SCENARIOS[name]), rng)
        result = runner.try_cell(SCENARIOS[name], point, fault)
        assert result.problems == (), (point, fault, result.message)


@pytest.mark.parametrize("place", ["secret", "auth", "record"])
@pytest.mark.parametrize("fault", PLACE_FAULTS)
def test_replaced_store(runner: CellRunner, place: str, fault: str) -> None:
    scenario = SCENARIOS["api-renew-3.18"]
    points = [point for point in runner.points(scenario) if point.kind == place]
    result = runner.try_cell(scenario, points[len(points) // 2], fault)
    assert result.problems == (), result.message


@pytest.mark.parametrize("name", [name for name in ON_FILES if SCENARIOS[name].mode == "forced"])
def test_kills_at_random(runner: CellRunner, name: str) -> None:
    assert kill_at_random(runner, SCENARIOS[name], times=4, seed=1).problems == []


def test_two_kills_in_a_row_leave_every_store_of_a_pair_valid(runner: CellRunner) -> None:
    """The first kill comes after one store has the new secret, the second one after a request of a forced rotation."""
    scenario = SCENARIOS["paired-renew-3.18"]
    written = [point for point in runner.points(scenario) if point.kind == "file" and "killed-after" in point.faults]
    first_replace = next(
        point for point in written if point.what.startswith("rename") and not point.what.endswith((".draft", ".json"))
    )
    workspace = runner.workspace(scenario)
    again = {**scenario.first_arguments(workspace), "rotate": "always"}
    injected = {"file": {"number": first_replace.number, "fault": "killed-after"}}
    assert runner.run(scenario, workspace, scenario.first_arguments(workspace), injected=injected).killed
    # Each run that is killed may leave a robot, which the next one has to look at, so they have no fixed number.
    requests = sum(point.kind == "request" for point in runner.points(scenario))
    for number in range(1, requests + 1):
        injected = {"request": {"number": number, "fault": "killed-after"}}
        runner.run(scenario, workspace, again, injected=injected)
        assert list(runner.check_files(scenario, workspace, {})) == []


@pytest.mark.parametrize("name", [name for name in ON_FILES if name.startswith("paired-forced")])
def test_consumer_of_paired_robots_never_fails(runner: CellRunner, name: str) -> None:
    result = rotate_with_consumer(runner, SCENARIOS[name], rotations=5)
    assert result.tally.logins > result.rotations
    assert result.tally.failed == 0


def test_consumer_of_a_robot_in_place_fails_once_per_rotation_only(runner: CellRunner) -> None:
    result = rotate_with_consumer(runner, SCENARIOS["robot-forced-3.18"], rotations=3)
    assert result.tally.logins > result.tally.failed
    assert len(result.tally.windows) <= result.rotations
