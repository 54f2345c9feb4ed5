# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repeated rotations: while a consumer logs in continuously, or each with a kill at a random time."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract import collection

from .cell import CellRunner, stored_logins
from .consumer import Tally
from .file_stores import REGISTRY
from .fleet_runs import PAIR, STORES, KillableFleet
from .scenarios import Scenario


@dataclass(frozen=True)
class ConsumerResult:
    """The logins of a consumer during rotations."""

    scenario: str
    rotations: int
    tally: Tally

    def __str__(self) -> str:
        logins = f"{self.tally.logins} logins, {self.tally.failed} failed"
        if not self.tally.windows:
            return f"{self.scenario}: {self.rotations} rotations, {logins}"
        windows = sorted(self.tally.windows)
        median, longest = windows[len(windows) // 2], windows[-1]
        return (
            f"{self.scenario}: {self.rotations} rotations, {logins}, in {len(windows)} windows of "
            f"{median * 1000:.0f} ms (the median) to {longest * 1000:.0f} ms"
        )


def rotate_with_consumer(runner: CellRunner, scenario: Scenario, rotations: int, **options: Any) -> ConsumerResult:
    """Rotate a number of times while a consumer reads its auth file and logs in without pauses."""
    workspace = runner.workspace(scenario)
    arguments = {**scenario.arguments(workspace), "rotate": "always", **options}
    target = workspace.server.target
    with _consumers([workspace.auth], target.url, target.verify) as tallies:
        for _rotation in range(rotations):
            ran = runner.run_without_faults(scenario, workspace.server, arguments)
            assert not ran.failed, ran.message
    return ConsumerResult(scenario.name, rotations, tallies[0])


@contextlib.contextmanager
def _consumers(
    auths: Sequence[Path], url: str, verify: str | bool = True, registry: str = REGISTRY
) -> Iterator[list[Tally]]:
    """One consumer for each auth file, in a program of its own. Yields their tallies, which are there at the end."""
    ca_path = verify if isinstance(verify, str) else ""
    command = [sys.executable, "-m", "faults.consumer", registry, url, ca_path, *map(str, auths)]
    search = {"PYTHONPATH": str(collection.ROOT / "tests"), "PYTHONDONTWRITEBYTECODE": "1"}
    pipe, tallies = subprocess.PIPE, list[Tally]()
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=search, text=True) as consumers:
        assert consumers.stdout
        assert consumers.stdout.readline() == "ready\n"
        try:
            yield tallies
        finally:
            output = consumers.communicate()[0]
        tallies += [Tally(**tally) for tally in json.loads(output)]


@dataclass(frozen=True)
class FleetConsumerResult:
    """The logins of a consumer on each host during rotations of paired robots."""

    rotations: int
    tallies: list[Tally]

    @property
    def failed(self) -> int:
        return sum(tally.failed for tally in self.tallies)

    def __str__(self) -> str:
        logins = sum(tally.logins for tally in self.tallies)
        hosts = len(self.tallies)
        return f"{hosts} hosts with a consumer each: {self.rotations} rotations, {logins} logins, {self.failed} failed"


def rotate_fleet_with_consumers(fleet: KillableFleet, rotations: int) -> FleetConsumerResult:
    """Rotate the pair of a fleet while a consumer on each host logs in. A host is lost in every second rotation.

    The host is lost before the run or at its delivery, and each time it is another one.
    """
    pair = [credential for credential in fleet.credentials() if credential["name"] == PAIR]
    assert not fleet.run(credentials=pair).run.failed
    auths = [fleet.fleet.folder(host) / STORES[PAIR] for host in fleet.names]
    url, secrets = fleet.quay.url, set[str]()
    with _consumers(auths, url, registry=url.partition("://")[2]) as tallies:
        for rotation in range(rotations):
            lost = fleet.names[rotation // 2 % len(fleet.names)] if rotation % 2 else ""
            if lost:
                fleet.lose(lost, after=rotation // 2 % 2)
            run = fleet.run(credentials=pair, rotation_force=PAIR)
            assert run.mints[PAIR] == 1
            assert lost or not run.run.failed, run.run.output
            secrets |= {login.secret for host in fleet.names if (login := fleet.held(host)[PAIR])}
            if lost:
                fleet.find(lost)
    assert len(secrets) >= rotations
    return FleetConsumerResult(rotations, tallies)


@dataclass(frozen=True)
class KillResult:
    """The problems after many killed runs and one more run."""

    scenario: str
    runs: int
    killed: int
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        found = "; ".join(self.problems) or "all passed"
        return f"{self.scenario}: {self.runs} runs, {self.killed} of them killed, then one more: {found}"


def kill_at_random(runner: CellRunner, scenario: Scenario, times: int, seed: int) -> KillResult:
    """Kill a number of runs, each at a random time. Then run once more and check."""
    rng = random.Random(seed)
    workspace = runner.workspace(scenario)
    # A leaked robot is replaced each time. Rotated in place, its store would hold a dead secret for a moment.
    forced = {**scenario.arguments(workspace), "rotate": scenario.rotate}
    start = time.monotonic()
    assert not runner.run(scenario, workspace, forced).failed
    longest = time.monotonic() - start
    killed, problems, former = 0, list[str](), stored_logins(workspace)
    for _time in range(times):
        before = {path: path.read_bytes() for path in workspace.folder.iterdir()}
        ran = runner.run(scenario, workspace, forced, kill_after=rng.uniform(0, longest))
        killed += ran.killed
        problems += runner.check_files(scenario, workspace, before)
        former |= stored_logins(workspace)
    problems += runner.check_recovery(scenario, workspace, former, orphans_allowed=killed)
    return KillResult(scenario.name, times, killed, list(dict.fromkeys(problems)))
