# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation of a fleet that is killed at each of its steps, or loses a host at each of them, and the next runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from faults.file_stores import Login
from faults.fleet_runs import (
    CONTROLLER,
    MAX_AGE_DAYS,
    NAMES,
    PAIR,
    ROBOT,
    ROTATOR,
    TOKEN,
    FleetRun,
    Kill,
    KillableFleet,
)
from faults.fleet_runs import killable_fleet as open_fleet
from functional.role import PLAY

HOSTS = ["n1", "n2", "n3"]
# Each host is inspected by one command, and delivered to by one.
INSPECTED, DELIVERED = len(HOSTS), 2 * len(HOSTS)

STEPS = {
    "before the first request": Kill("^GET ", victim=ROTATOR),
    "before the robot in place is rotated": Kill("POST .*/ci/regenerate$"),
    "after the robot in place was rotated": Kill("POST .*/ci/regenerate$", answered=True, victim=ROTATOR),
    "after the first secret was verified": Kill("GET /v2/auth$", answered=True, minted=True),
    "after the next robot of the pair was created": Kill("PUT .*/robots/duo_.$", answered=True),
    "before the API token is issued": Kill("POST .*/tokens$", victim=ROTATOR),
    "after the API token was issued": Kill("POST .*/tokens$", answered=True),
    "while hosts are inspected": Kill(command=2),
    "between Quay and the delivery": Kill(command=INSPECTED + 1),
    "after the first host was delivered to": Kill(command=INSPECTED + 2),
    "before the last host is delivered to": Kill(command=DELIVERED, victim=CONTROLLER),
    "before the confirmation": Kill("^GET ", commands=DELIVERED),
    "during the confirmation": Kill("^GET .*/robots/duo_", commands=DELIVERED, victim=ROTATOR),
    "before the former robot is deleted": Kill("DELETE .*/robots/", commands=DELIVERED),
    "after the former robot was deleted": Kill("DELETE .*/robots/", answered=True, commands=DELIVERED, victim=ROTATOR),
    "before the former API token is revoked": Kill("DELETE .*/tokens/", commands=DELIVERED),
    "after the former API token was revoked": Kill("DELETE .*/tokens/", answered=True, commands=DELIVERED),
}


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillableFleet]:
    """A fleet that holds all credentials. Its hosts are served one after the other, so that a kill is at one step."""
    with open_fleet(tmp_path_factory.mktemp("fleet").resolve() / "work", HOSTS) as fleet:
        fleet.fleet.role.environ["ANSIBLE_FORKS"] = "1"
        assert not fleet.run().run.failed
        fleet.save()
        yield fleet


@pytest.fixture
def fleet(rotated: KillableFleet) -> KillableFleet:
    """The fleet. All of its credentials are due, and all of its hosts are reachable."""
    rotated.restore()
    rotated.harness.advance(days=MAX_AGE_DAYS + 1)
    return rotated


def force(fleet: KillableFleet, kill: Kill | None = None, **options: Any) -> FleetRun:
    return fleet.run(kill=kill, rotation_force=",".join(NAMES), **options)


def held(fleet: KillableFleet) -> dict[str, set[Login | None]]:
    """What the hosts hold of each credential."""
    return {name: {fleet.held(host)[name] for host in HOSTS} for name in NAMES}


def refused(fleet: KillableFleet) -> set[tuple[str, str]]:
    """The credentials and hosts whose login is refused."""
    logins = {(name, host): login for host in HOSTS for name, login in fleet.held(host).items()}
    return {place for place, login in logins.items() if not (login and fleet.logs_in(login))}


def assert_nobody_lost_a_secret(fleet: KillableFleet, run: FleetRun) -> None:
    """Only a robot in place may be refused, if its token was replaced."""
    assert {name for name, _host in refused(fleet)} <= ({ROBOT} if run.mints[ROBOT] else set())
    assert all(run.mints[name] <= 1 for name in NAMES)


def assert_next_runs_repair(fleet: KillableFleet, former: dict[str, set[Login | None]], run: FleetRun) -> None:
    """The next run serves every host, and the one after it leaves nothing superseded and changes nothing."""
    stored = {name: logins - former[name] for name, logins in held(fleet).items()}
    stored[TOKEN] |= {fleet.held_by_rotator()} - former[TOKEN]
    again = fleet.run()
    assert not again.run.failed, again.run.output
    assert refused(fleet) == set()
    assert [name for name in NAMES if again.mints[name] and run.mints[name] and stored[name]] == []
    assert not (again.mints[ROBOT] and run.mints[ROBOT])
    last = fleet.run()
    assert not last.run.failed, last.run.output
    assert last.mints.total() == 0
    present = held(fleet)
    assert {name: len(logins) for name, logins in present.items()} == dict.fromkeys(NAMES, 1)
    assert refused(fleet) == set()
    assert fleet.living() == dict.fromkeys(NAMES, 1)
    assert fleet.leftovers() == []
    for name in NAMES:
        assert not any(login and fleet.logs_in(login) for login in former[name] - present[name]), name


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_each_step(fleet: KillableFleet, step: str) -> None:
    former = held(fleet)
    run = force(fleet, STEPS[step])
    assert run.killed
    assert_nobody_lost_a_secret(fleet, run)
    if STEPS[step].victim == ROTATOR:
        # The play goes on without the process that talked to Quay, and reports it.
        assert run.run.failed
        assert "it is not known what it did" in run.run.text
        assert "rotation_summary" in run.run.output
    assert_next_runs_repair(fleet, former, run)


LOSSES = {"before the run": (0, False), "before the delivery": (1, False), "at the delivery": (1, True)}


@pytest.mark.slow
@pytest.mark.parametrize("moment", LOSSES)
def test_host_is_lost(fleet: KillableFleet, moment: str) -> None:
    """It keeps valid secrets, except that of the robot in place, whose rotation was forced."""
    former = held(fleet)
    after, executes = LOSSES[moment]
    fleet.lose("n2", after=after, executes=executes)
    run = force(fleet)
    assert refused(fleet) == (set() if executes else {(ROBOT, "n2")})
    # Nothing is retired that the lost host may use: the robot of the pair, and the API token.
    assert all(login and fleet.logs_in(login) for name in (PAIR, TOKEN) for login in former[name])
    assert "n2" in run.run.output
    fleet.find("n2")
    assert_next_runs_repair(fleet, former, run)


@pytest.mark.slow
def test_host_is_lost_after_the_delivery(fleet: KillableFleet) -> None:
    """A daemon of the host may use the former secret, because its handler did not run."""
    handler = (
        "  handlers:\n    - name: Restart\n      ansible.builtin.command: echo restarted\n"
        "      listen: quay credential delivered\n  tasks:\n"
    )
    former = held(fleet)
    fleet.lose("n2", after=2)
    run = force(fleet, play=PLAY.replace("  tasks:\n", handler))
    assert refused(fleet) == set()
    assert all(login and fleet.logs_in(login) for name in (PAIR, TOKEN) for login in former[name])
    fleet.find("n2")
    assert_next_runs_repair(fleet, former, run)


@pytest.mark.slow
def test_host_that_was_delivered_to_by_a_killed_run_is_missing_in_the_next(fleet: KillableFleet) -> None:
    """Its secret stays valid, although no other host knows of it."""
    former = held(fleet)
    run = force(fleet, STEPS["after the first host was delivered to"])
    assert run.killed
    delivered = [host for host in HOSTS if fleet.held(host)[PAIR] not in former[PAIR]]
    assert delivered == ["n1"]
    fleet.lose("n1")
    run = force(fleet)
    assert refused(fleet) <= {(ROBOT, "n1")}, run.run.output[-6000:]
    fleet.find("n1")
    assert_next_runs_repair(fleet, former, run)
