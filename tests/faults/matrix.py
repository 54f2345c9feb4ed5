# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Go through the matrix, or a part of it: `python -m faults`, behind `make faults`."""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import multiprocessing
import multiprocessing.util
import os
import random
import re
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import TypeVar

from .cell import FAULTS, Bench, Point, Verdict
from .scenarios import SCENARIOS, Scenario
from .site import Named, named
from .stretches import Consumed, Killed, consume, kill_at_random

# Cells that one process tries before it asks for more: a real Quay takes its time.
_AT_ONCE = 20
_AT_ONCE_REAL = 2

_MARKS = {"success": "s", "error": "e", "killed": "k"}
_BROKEN = "X"

_TAG = re.compile(r"\bt[0-9a-f]{8}(?![0-9a-f])|\b[A-Z0-9]{20}\b|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_LABEL = 70


@dataclass(frozen=True)
class _Cell:
    scenario: str
    point: Point
    fault: str


_Result = TypeVar("_Result", Killed, Consumed)

_bench: list[Bench] = []


def _open_bench(real: Named | None) -> None:
    """In each working process, once."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    bench = Bench(real)
    _bench.append(bench.__enter__())
    multiprocessing.util.Finalize(None, bench.__exit__, exitpriority=10)


def _points_of(scenario: str) -> list[Point]:
    return _bench[0].points(SCENARIOS[scenario])


def _try(cells: list[_Cell]) -> list[Verdict]:
    return [_bench[0].try_cell(SCENARIOS[cell.scenario], cell.point, cell.fault) for cell in cells]


def _kill(scenario: str, times: int, seed: int) -> Killed:
    return kill_at_random(_bench[0], SCENARIOS[scenario], times, seed)


def _consume(scenario: str, rotations: int) -> Consumed:
    return consume(_bench[0], SCENARIOS[scenario], rotations)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--scenario", default="", metavar="NAME", help="only those whose name begins so")
    parser.add_argument("--point", metavar="NAME", help="only this one, as the matrix names it: request3")
    parser.add_argument("--fault", choices=FAULTS, help="only this one")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only one in N cells, picked at random")
    parser.add_argument("--kills", type=int, metavar="N", help="instead, kill N rotations each at a random moment")
    parser.add_argument("--seed", type=int, default=1, help="of what is random")
    parser.add_argument("--consumer", type=int, metavar="N", help="instead, rotate N times under a consumer's eyes")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), metavar="N")
    return parser.parse_args()


def main() -> int:
    given = _arguments()
    # So that what was made on a real Quay is removed, however this ends.
    signal.signal(signal.SIGTERM, _stop)
    with named() as real:
        chosen = [s for s in SCENARIOS.values() if s.name.startswith(given.scenario) and _fits(s, real)]
        spawn = multiprocessing.get_context("spawn")
        processes = 1 if given.consumer else given.processes
        with (
            concurrent.futures.ProcessPoolExecutor(processes, spawn, _open_bench, (real,)) as pool,
            _nothing_left_running(),
        ):
            if given.kills:
                return _kills(pool, chosen, given)
            if given.consumer:
                return _consumers(pool, chosen, given)
            return _matrix(pool, chosen, given, _AT_ONCE_REAL if real else _AT_ONCE)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _nothing_left_running() -> Iterator[None]:
    """Whoever interrupts does not want to wait for what is queued."""
    try:
        yield
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise


def _fits(scenario: Scenario, real: Named | None) -> bool:
    return real is None or scenario.family == real.family


def _kills(pool: concurrent.futures.Executor, chosen: list[Scenario], given: argparse.Namespace) -> int:
    running = [pool.submit(_kill, s.name, given.kills, given.seed) for s in chosen if s.mode == "forced"]
    results = list(_shown(task.result() for task in running))
    broken = sum(bool(result.problems) for result in results)
    print(
        f"kills: {sum(result.killed for result in results)}, scenarios held: {len(results) - broken}, broken: {broken}"
    )
    return int(broken > 0 or not results)


def _consumers(pool: concurrent.futures.Executor, chosen: list[Scenario], given: argparse.Namespace) -> int:
    watched = [scenario.name for scenario in chosen if scenario.is_login and scenario.mode == "forced"]
    results = list(_shown(pool.submit(_consume, name, given.consumer).result() for name in watched))
    return int(not results or any(result.tally.failed for result in results if SCENARIOS[result.scenario].overlaps))


def _shown(results: Iterable[_Result]) -> Iterator[_Result]:
    """Each is printed as soon as it is there."""
    for result in results:
        print(result, flush=True)
        yield result


def _matrix(pool: concurrent.futures.Executor, chosen: list[Scenario], given: argparse.Namespace, at_once: int) -> int:
    begun = time.monotonic()
    names = [scenario.name for scenario in chosen]
    points = dict(zip(names, pool.map(_points_of, names), strict=True))
    cells = _picked(list(_cells(points, given)), given)
    print(f"{len(names)} scenarios, {sum(map(len, points.values()))} points, {len(cells)} cells", flush=True)
    found: dict[str, list[Verdict]] = defaultdict(list)
    bundles = [cells[first : first + at_once] for first in range(0, len(cells), at_once)]
    _print_legend()
    for verdicts in pool.map(_try, bundles):
        for verdict in verdicts:
            # In order: whoever comes next, those before are complete.
            if verdict.scenario not in found and found:
                _print_scenario(list(found.values())[-1])
            found[verdict.scenario].append(verdict)
    if found:
        _print_scenario(list(found.values())[-1])
    return _sum_up([verdict for verdicts in found.values() for verdict in verdicts], time.monotonic() - begun)


def _picked(cells: list[_Cell], given: argparse.Namespace) -> list[_Cell]:
    chance = random.Random(given.seed)
    return [cells[number] for number in sorted(chance.sample(range(len(cells)), -(-len(cells) // given.every)))]


def _cells(points: dict[str, list[Point]], given: argparse.Namespace) -> Iterator[_Cell]:
    for scenario, found in points.items():
        for point in found:
            for fault in point.faults:
                if given.point in (None, point.name) and given.fault in (None, fault):
                    yield _Cell(scenario, point, fault)


def _print_legend() -> None:
    print("\ns: held, by a success   e: held, by a clear error   k: held, killed   X: broken   blank: does not apply")
    numbered = [f"{number:>2} {fault}" for number, fault in enumerate(FAULTS, 1)]
    for first in range(0, len(numbered), 6):
        print("  " + "".join(f"{word:<20}" for word in numbered[first : first + 6]).rstrip())


def _print_scenario(verdicts: list[Verdict]) -> None:
    broken = sum(not verdict.held for verdict in verdicts)
    print(f"\n{verdicts[0].scenario}: {len(verdicts) - broken} held, {broken} broken")
    width = 12 + _LONGEST_LABEL
    print(" " * width + "".join(str(number // 10 or " ") for number in range(1, len(FAULTS) + 1)).rstrip())
    print(" " * width + "".join(str(number % 10) for number in range(1, len(FAULTS) + 1)))
    rows: dict[Point, dict[str, Verdict]] = defaultdict(dict)
    for verdict in verdicts:
        rows[verdict.point][verdict.fault] = verdict
    for point, row in rows.items():
        marks = "".join(_mark(row.get(fault)) for fault in FAULTS).rstrip()
        print(f"  {point.name:<9} {_TAG.sub('*', point.what)[:_LONGEST_LABEL]:<{_LONGEST_LABEL}}{marks}")
    for verdict in verdicts:
        _explain(verdict)
    sys.stdout.flush()


def _mark(verdict: Verdict | None) -> str:
    if verdict is None:
        return " "
    return _MARKS[verdict.ending] if verdict.held else _BROKEN


def _explain(verdict: Verdict) -> None:
    if verdict.held:
        return
    print(f"  broken: {verdict.point.name} ({verdict.point.what}), {verdict.fault}, the run: {verdict.ending}")
    for problem in verdict.problems:
        print(f"    {problem}")
    if verdict.message:
        print(f"    The run said: {verdict.message}")
    print(f'    make faults ARGS="--scenario {verdict.scenario} --point {verdict.point.name} --fault {verdict.fault}"')


def _sum_up(verdicts: list[Verdict], seconds: float) -> int:
    broken = [verdict for verdict in verdicts if not verdict.held]
    endings = Counter(verdict.ending for verdict in verdicts)
    ends = ", ".join(f"{count} by {ending}" for ending, count in sorted(endings.items()))
    print(f"\nfaults: {len(verdicts)} cells ({ends}), {len(verdicts) - len(broken)} held, {len(broken)} broken", end="")
    print(f"; {seconds // 60:.0f}:{seconds % 60:02.0f} minutes")
    _print_counts("by scenario", ((verdict.scenario, verdict.held) for verdict in verdicts))
    _print_counts("by fault", ((verdict.fault, verdict.held) for verdict in verdicts))
    return int(bool(broken) or not verdicts)


def _print_counts(title: str, held: Iterable[tuple[str, bool]]) -> None:
    totals: dict[str, list[bool]] = defaultdict(list)
    for name, good in held:
        totals[name].append(good)
    print(f"  {title}")
    for name, goods in totals.items():
        print(f"    {name:<28} {sum(goods):>5} held {len(goods) - sum(goods):>5} broken")
