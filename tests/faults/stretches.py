# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many rotations at a stretch: while a consumer never stops, or with a kill at a random moment of each."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from contract import collection

from .cell import Bench, logins_of
from .consumer import Tally
from .scenarios import REGISTRY, Scenario


@dataclass(frozen=True)
class Consumed:
    """What a consumer lived through while a credential was rotated."""

    scenario: str
    rotations: int
    tally: Tally

    def __str__(self) -> str:
        logins = f"{self.tally.logins} logins, {self.tally.failed} failed"
        if not self.tally.windows:
            return f"{self.scenario}: {self.rotations} rotations, {logins}"
        windows = sorted(self.tally.windows)
        middle, longest = windows[len(windows) // 2], windows[-1]
        return (
            f"{self.scenario}: {self.rotations} rotations, {logins}, in {len(windows)} windows of "
            f"{middle * 1000:.0f} ms (the median) to {longest * 1000:.0f} ms"
        )


def consume(bench: Bench, scenario: Scenario, rotations: int, **options: Any) -> Consumed:
    """Rotate so many times while a consumer reads its auth file and logs in without a pause."""
    ground = bench.ground(scenario)
    arguments = {**scenario.arguments(ground), "rotate": "always", **options}
    command = [sys.executable, "-m", "faults.consumer", str(ground.auth), REGISTRY, ground.site.target.url]
    if isinstance(ground.site.target.verify, str):
        command.append(ground.site.target.verify)
    search = {"PYTHONPATH": str(collection.ROOT / "tests"), "PYTHONDONTWRITEBYTECODE": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=search, text=True) as consumer:
        assert consumer.stdout
        assert consumer.stdout.readline() == "ready\n"
        try:
            for _rotation in range(rotations):
                ran = bench.run_plainly(scenario, ground.site, arguments)
                assert not ran.failed, ran.message
        finally:
            told = consumer.communicate()[0]
    return Consumed(scenario.name, rotations, Tally(**json.loads(told)))


@dataclass(frozen=True)
class Killed:
    """What was left after many kills and one run."""

    scenario: str
    runs: int
    killed: int
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        found = "; ".join(self.problems) or "all held"
        return f"{self.scenario}: {self.runs} runs, {self.killed} of them killed, then one more: {found}"


def kill_at_random(bench: Bench, scenario: Scenario, times: int, seed: int) -> Killed:
    """Kill so many runs, each at a random moment; then let one run to its end, and judge."""
    chance = random.Random(seed)
    ground = bench.ground(scenario)
    forced = {**scenario.arguments(ground), "rotate": "always"}
    begun = time.monotonic()
    assert not bench.run(scenario, ground.site, forced).failed
    longest = time.monotonic() - begun
    killed, problems, former = 0, list[str](), logins_of(ground)
    for _time in range(times):
        before = {path: path.read_bytes() for path in ground.folder.iterdir()}
        ran = bench.run(scenario, ground.site, forced, kill_after=chance.uniform(0, longest))
        killed += ran.killed
        problems += bench.judge_whole(scenario, ground, before)
        former |= logins_of(ground)
    problems += bench.judge_recovery(scenario, ground, former, forgiven=True)
    return Killed(scenario.name, times, killed, list(dict.fromkeys(problems)))
