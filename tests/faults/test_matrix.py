# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the matrix that runs every time: each scenario and each fault occurs; `make faults` does the rest."""

from __future__ import annotations

import itertools

import pytest

from faults.cell import FILE_FAULTS, PLACE_FAULTS, REQUEST_FAULTS, Bench, Point
from faults.scenarios import SCENARIOS
from faults.stretches import consume, kill_at_random

WITH_FILES = [name for name, scenario in SCENARIOS.items() if scenario.files]


def in_turn(names: list[str], faults: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each scenario with one of the faults, and each fault with one of the scenarios."""
    many = range(max(len(names), len(faults)))
    return [(names[number % len(names)], faults[number % len(faults)]) for number in many]


def last(points: list[Point]) -> Point:
    return points[-1]


@pytest.mark.parametrize(("name", "fault"), in_turn(list(SCENARIOS), REQUEST_FAULTS))
def test_fault_of_the_deciding_request(bench: Bench, name: str, fault: str) -> None:
    requests = [point for point in bench.points(SCENARIOS[name]) if point.kind == "request"]
    deciding = [point for point in requests if not point.what.startswith("GET") and "/signin" not in point.what]
    verdict = bench.try_cell(SCENARIOS[name], last(deciding or requests), fault)
    assert verdict.problems == (), verdict.message


@pytest.mark.parametrize(("name", "fault"), in_turn(WITH_FILES, FILE_FAULTS))
def test_fault_of_a_file_operation(bench: Bench, name: str, fault: str) -> None:
    files = [point for point in bench.points(SCENARIOS[name]) if point.kind == "file" and fault in point.faults]
    about_the_store = [point for point in files if "auth.json" in point.what and ".record." not in point.what]
    verdict = bench.try_cell(SCENARIOS[name], last(about_the_store or files), fault)
    assert verdict.problems == (), verdict.message


@pytest.mark.parametrize("place", ["secret", "auth", "record"])
@pytest.mark.parametrize("fault", PLACE_FAULTS)
def test_something_else_in_the_stores_place(bench: Bench, place: str, fault: str) -> None:
    scenario = SCENARIOS["api-renew-3.18"]
    points = [point for point in bench.points(scenario) if point.kind == place]
    verdict = bench.try_cell(scenario, points[len(points) // 2], fault)
    assert verdict.problems == (), verdict.message


@pytest.mark.parametrize("name", [name for name, scenario in SCENARIOS.items() if scenario.mode == "forced"])
def test_kills_at_random(bench: Bench, name: str) -> None:
    assert kill_at_random(bench, SCENARIOS[name], times=4, seed=1).problems == []


def test_two_cuts_in_a_row_leave_no_consumer_of_a_pair_out(bench: Bench) -> None:
    """The first comes when one store has the new secret; the second when the idle robot would be given another."""
    scenario = SCENARIOS["paired-renew-3.18"]
    written = [point for point in bench.points(scenario) if point.kind == "file" and "killed-after" in point.faults]
    moved = next(point for point in written if point.what.startswith("replace") and ".record." not in point.what)
    ground = bench.ground(scenario)
    again = {**scenario.first(ground), "rotate": "always"}
    cut = {"file": {"number": moved.number, "fault": "killed-after"}}
    assert bench.run(scenario, ground.site, scenario.first(ground), order=cut).killed
    for number in itertools.count(1):
        cut = {"request": {"number": number, "fault": "killed-after"}}
        ended = bench.run(scenario, ground.site, again, order=cut)
        assert list(bench.judge_whole(scenario, ground, {})) == []
        if not ended.killed:
            break


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name.startswith("paired-forced")])
def test_consumer_notices_nothing_of_robots_that_take_turns(bench: Bench, name: str) -> None:
    consumed = consume(bench, SCENARIOS[name], rotations=5)
    assert consumed.tally.logins > consumed.rotations
    assert consumed.tally.failed == 0


def test_consumer_of_a_robot_in_place_fails_within_windows_only(bench: Bench) -> None:
    consumed = consume(bench, SCENARIOS["robot-forced-3.18"], rotations=3)
    assert consumed.tally.logins > consumed.tally.failed
    assert len(consumed.tally.windows) <= consumed.rotations
