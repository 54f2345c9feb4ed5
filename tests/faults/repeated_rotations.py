# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repeated rotations: while a consumer logs in continuously, or each with a kill at a random time."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from contract import collection

from .cell import CellRunner, stored_logins
from .consumer import Tally
from .file_stores import REGISTRY
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
    command = [sys.executable, "-m", "faults.consumer", str(workspace.auth), REGISTRY, workspace.server.target.url]
    if isinstance(workspace.server.target.verify, str):
        command.append(workspace.server.target.verify)
    search = {"PYTHONPATH": str(collection.ROOT / "tests"), "PYTHONDONTWRITEBYTECODE": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=search, text=True) as consumer:
        assert consumer.stdout
        assert consumer.stdout.readline() == "ready\n"
        try:
            for _rotation in range(rotations):
                ran = runner.run_without_faults(scenario, workspace.server, arguments)
                assert not ran.failed, ran.message
        finally:
            output = consumer.communicate()[0]
    return ConsumerResult(scenario.name, rotations, Tally(**json.loads(output)))


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
    problems += runner.check_recovery(scenario, workspace, former, orphans_allowed=True)
    return KillResult(scenario.name, times, killed, list(dict.fromkeys(problems)))
