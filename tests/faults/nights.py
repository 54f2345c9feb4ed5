# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nights: a fleet whose credentials are due every night, while hosts are lost and runs are limited, batched and killed.

After each run, what the hosts hold is compared with what the documentation of the role promises. A consumer of paired
robots or of an API token never holds a dead secret. A consumer of a robot in place may, from a run that was killed or
forced while the host was missing, until a run serves the host.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .file_stores import Login
from .fleet_runs import (
    CONTROLLER,
    EVERYTHING,
    MAX_AGE_DAYS,
    NAMES,
    ROBOT,
    TOKEN,
    FleetRun,
    Kill,
    KillableFleet,
    killable_fleet,
)
from .sshd import SshServer

# When a host is lost: before it is inspected, before it is delivered to, or after it, so that the result is lost.
_LOST = {"before the run": (0, False), "before the delivery": (1, False), "at the delivery": (1, True)}


@dataclass(frozen=True)
class Night:
    """What happens in one night. ``lost``: when each lost host is lost. ``limit``: all hosts if it is empty."""

    number: int
    lost: dict[str, str]
    limit: tuple[str, ...]
    serial: int
    forced: tuple[str, ...]
    kill: Kill | None

    def __str__(self) -> str:
        words = [f"lost {host} {moment}" for host, moment in self.lost.items()]
        words += [f"limit to {len(self.limit)} hosts"] if self.limit else []
        words += [f"serial {self.serial}"] if self.serial else []
        words += [f"forced {', '.join(self.forced)}"] if self.forced else []
        if self.kill:
            words.append(f"{self.kill.victim} killed {self._moment(self.kill)}")
        return f"night {self.number}: {', '.join(words) or 'no faults'}"

    @staticmethod
    def _moment(kill: Kill) -> str:
        if kill.seconds:
            return f"after {kill.seconds:.1f} s"
        return f"before command {kill.command}" if kill.command else f"at request {kill.number}"


@dataclass
class NightsResult:
    """The counts of all nights, and the problems that were found."""

    seed: int
    hosts: int
    nights: int = 0
    runs: int = 0
    killed: int = 0  # runs that were killed before their end
    mints: int = 0
    logins: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        found = "; ".join(dict.fromkeys(self.problems)) or "all passed"
        return (
            f"nights of {self.hosts} hosts, seed {self.seed}: {self.nights} nights, {self.runs} runs, {self.killed} of "
            f"them killed, {self.mints} secrets minted, {self.logins} logins checked, {len(self.problems)} failures: "
            f"{found}"
        )


def plan_night(
    rng: random.Random, number: int, hosts: Sequence[str], local: Sequence[str], last: FleetRun, *, timed: bool
) -> Night:
    """Choose the faults of a night. ``local``: hosts that can be lost during a run. ``last``: the last complete run.

    ``timed``: whether a run may also be killed after a time. Otherwise the same seed gives the same nights.
    """
    lost = {}
    for host in rng.sample(hosts, rng.randint(0, max(1, len(hosts) // 5))):
        lost[host] = rng.choice(list(_LOST)) if host in local else next(iter(_LOST))
    limit = tuple(sorted(rng.sample(hosts, rng.randint(len(hosts) // 2, len(hosts) - 1)))) if rng.random() < 0.3 else ()
    serial = rng.choice((0, 0, min(5, len(hosts) // 2)))
    forced = tuple(name for name in NAMES if rng.random() < 0.15)
    victim = rng.choice((EVERYTHING, CONTROLLER))
    kind = rng.choice(("request", "command", *(["seconds"] if timed else [])))
    if kind == "seconds":
        kill = Kill(seconds=rng.uniform(0, last.seconds), victim=victim)
    elif kind == "command":
        kill = Kill(command=rng.randint(1, max(1, last.commands)), victim=victim)
    else:
        answered = rng.random() < 0.5
        kill = Kill(request=".", number=rng.randint(1, last.requests), answered=answered, victim=victim)
    return Night(number, lost, limit, serial, forced, kill)


class Nights:
    """Runs nights on one fleet, and checks it after every run."""

    def __init__(self, fleet: KillableFleet, seed: int, *, complete: bool) -> None:
        """``complete``: run again after each killed run, in the same night, kill also by time, and print every run."""
        self._fleet = fleet
        self._complete = complete
        self._rng = random.Random(seed)
        self._result = NightsResult(seed, len(fleet.names))
        self._last: FleetRun | None = None  # the last run that was not killed and reached all hosts
        self._may_be_dead: set[str] = set()  # hosts whose secret of the robot in place may be dead
        self._ever_held: dict[str, set[Login]] = {name: set() for name in NAMES}

    def run(self, nights: int) -> NightsResult:
        """Create the credentials, run the nights, and end with runs without faults."""
        self._last = self._run_and_check("first run")
        for number in range(1, nights + 1):
            fleet, last = self._fleet, self._last
            self._spend(plan_night(self._rng, number, fleet.names, fleet.local, last, timed=self._complete))
        self._end()
        return self._result

    def _spend(self, night: Night) -> None:
        self._result.nights += 1
        self._fleet.harness.advance(days=MAX_AGE_DAYS + 1)
        before = {name: self._logins(name) for name in NAMES}
        with self._lost(night):
            first = self._run_and_check(str(night), night, kill=night.kill)
        if not (self._complete and first.killed):
            return
        reached = {name for name in NAMES if self._logins(name) - before[name]}
        with self._lost(night):
            again = self._run_and_check(f"{night}, repeated", night, forced=())
        for name in NAMES:
            # Only a secret that no store got is issued again. That of a robot in place can be read again.
            if first.mints[name] and again.mints[name] and (name == ROBOT or name in reached):
                self._report(f"{night}", f"{name} was minted twice")

    def _end(self) -> None:
        """Run without faults, and check that nothing is left."""
        place = "after the last run"
        # The first run delivers to the hosts that were missing. A pair that is due takes its turn in the second one
        # then, and the next run deletes what it replaced.
        for number in (1, 2, 3):
            self._run_and_check(f"last run {number}")
            living = self._fleet.living()
            if number > 1 and living == dict.fromkeys(NAMES, 1):
                break
        else:
            self._report(place, f"Quay has other secrets than the present ones: {living}")
        if self._fleet.leftovers():
            self._report(place, f"left are {', '.join(self._fleet.leftovers())}")
        for name in NAMES:
            present = self._logins(name)
            if len(present) != 1:
                self._report(place, f"{len(present)} secrets of {name} are in use")
            for login in self._ever_held[name] - present:
                if self._logs_in(login):
                    self._report(place, f"a superseded secret of {name} is accepted")

    def _run_and_check(
        self, place: str, night: Night | None = None, *, kill: Kill | None = None, forced: tuple[str, ...] | None = None
    ) -> FleetRun:
        names = ",".join(night.forced if night and forced is None else forced or ())
        limit = ["--limit", ",".join(night.limit)] if night and night.limit else []
        variables: dict[str, Any] = {"batch": night.serial} if night and night.serial else {}
        run = self._fleet.run(*limit, kill=kill, rotation_force=names or None, **variables)
        self._result.runs += 1
        self._result.killed += run.killed
        self._result.mints += sum(run.mints.values())
        served = self._served(run, night)
        if run.mints[ROBOT]:
            self._may_be_dead |= set(self._fleet.names) - served
        self._may_be_dead -= served
        for name in NAMES:
            if run.mints[name] > 1:
                self._report(place, f"{name} was minted {run.mints[name]} times")
        self._check_hosts(place)
        if not run.killed and not (night and night.serial):
            self._check_present(place, served)
        if self._complete:
            outcome = "killed" if run.killed else "finished"
            minted = ", ".join(run.mints.elements()) or "nothing"
            print(f"{place}: {outcome} after {run.seconds:.0f} s, minted {minted}", flush=True)
        return run

    def _served(self, run: FleetRun, night: Night | None) -> set[str]:
        """The hosts that a run has to serve: none if it was killed, and none of a batch that did not begin."""
        if run.killed:
            return set()
        hosts = set(night.limit or self._fleet.names) if night else set(self._fleet.names)
        if not (night and night.serial) and not hosts <= run.run.recap.keys():
            self._report(str(night), "a host is missing in the recap")
        return {host for host in hosts & run.run.recap.keys() if not (night and host in night.lost)}

    def _check_hosts(self, place: str) -> None:
        """Check that every host holds complete and valid secrets, except where the documentation allows a dead one."""
        for host in self._fleet.names:
            for name, login in self._fleet.held(host).items():
                if login is None:
                    self._report(place, f"{host} has no secret of {name}")
                    continue
                self._ever_held[name].add(login)
                allowed = name == ROBOT and host in self._may_be_dead
                if not self._logs_in(login) and not allowed:
                    self._report(place, f"{host} holds a dead secret of {name}")

    def _check_present(self, place: str, served: set[str]) -> None:
        """Check that all hosts that a run served hold the same secret."""
        for name in NAMES:
            if len({self._fleet.held(host)[name] for host in served}) > 1:
                self._report(place, f"the hosts hold different secrets of {name}")

    def _logins(self, name: str) -> set[Login]:
        """What the stores of a credential hold, that of the rotator included."""
        logins = [self._fleet.held(host)[name] for host in self._fleet.names]
        logins += [self._fleet.held_by_rotator()] if name == TOKEN else []
        return {login for login in logins if login}

    def _logs_in(self, login: Login) -> bool:
        self._result.logins += 1
        return self._fleet.logs_in(login)

    @contextlib.contextmanager
    def _lost(self, night: Night) -> Iterator[None]:
        for host, moment in night.lost.items():
            after, executes = _LOST[moment]
            self._fleet.lose(host, after=after, executes=executes)
        try:
            yield
        finally:
            for host in night.lost:
                self._fleet.find(host)

    def _report(self, place: str, problem: str) -> None:
        self._result.problems.append(f"{place}: {problem}")
        if self._complete:
            print(f"  failed: {place}: {problem}", flush=True)


def spend_nights(hosts: int, nights: int, seed: int, *, ssh: int = 0, complete: bool = True) -> NightsResult:
    """Rotate the credentials of a fleet, night after night. ``ssh``: how many hosts are reached by a real sshd."""
    names = [f"n{number}" for number in range(1, hosts + 1)]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nights-"))).resolve()
        fleet = stack.enter_context(killable_fleet(folder / "work", names))
        if ssh:
            server = stack.enter_context(SshServer(folder / "sshd", fleet.mark))
            fleet.reach_by_ssh(names[:ssh], server)
        return Nights(fleet, seed, complete=complete).run(nights)
