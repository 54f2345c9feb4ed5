# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the fault matrix or a part of it (`make faults`)."""

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
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TypeVar

from .cell import FAULTS, CellResult, CellRunner, Point, random_lasting_error
from .fleet_runs import killable_fleet
from .nights import spend_nights
from .repeated_rotations import (
    ConsumerResult,
    KillResult,
    kill_at_random,
    rotate_fleet_with_consumers,
    rotate_with_consumer,
)
from .scenarios import SCENARIOS, Scenario
from .servers import RealQuay, real_quay
from .sshd import has_sshd

# Cells per batch of a process. A real Quay is slower.
_BATCH_SIZE = 20
_BATCH_SIZE_REAL = 2

# Hosts of a fleet, and how many of them are reached by ssh.
_HOSTS = 20
_SSH_HOSTS = 2

_MARKS = {"success": "s", "error": "e", "killed": "k"}
_FAILED_MARK = "X"

_TAG = re.compile(r"\bt[0-9a-f]{8}(?![0-9a-f])|\b[A-Z0-9]{20}\b|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_LABEL = 70


@dataclass(frozen=True)
class _Cell:
    scenario: str
    point: Point
    fault: str


_Result = TypeVar("_Result", KillResult, ConsumerResult)

_runners: list[CellRunner] = []


def _open_runner(real: RealQuay | None) -> None:
    """Initialise a worker process."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    runner = CellRunner(real)
    _runners.append(runner.__enter__())
    multiprocessing.util.Finalize(None, runner.__exit__, exitpriority=10)


def _points_of(scenario: str) -> list[Point]:
    return _runners[0].points(SCENARIOS[scenario])


def _try(cells: list[_Cell]) -> list[CellResult]:
    return [_runners[0].try_cell(SCENARIOS[cell.scenario], cell.point, cell.fault) for cell in cells]


def _kill(scenario: str, times: int, seed: int) -> KillResult:
    return kill_at_random(_runners[0], SCENARIOS[scenario], times, seed)


def _consume(scenario: str, rotations: int) -> ConsumerResult:
    return rotate_with_consumer(_runners[0], SCENARIOS[scenario], rotations)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--scenario", default="", metavar="NAME", help="only scenarios whose name starts with NAME")
    parser.add_argument("--point", metavar="NAME", help="only this point of the matrix, such as request3")
    parser.add_argument("--fault", choices=FAULTS, help="only this fault")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only one in N cells, selected at random")
    parser.add_argument("--kills", type=int, metavar="N", help="instead: kill N rotations, each at a random time")
    parser.add_argument("--seed", type=int, default=1, help="seed of random selections")
    parser.add_argument("--consumer", type=int, metavar="N", help="instead: rotate N times while a consumer logs in")
    parser.add_argument(
        "--random-errno", type=int, metavar="N", help="instead: N rotations, in each a file operation fails from now on"
    )
    parser.add_argument("--nights", type=int, metavar="N", help="instead: rotate the credentials of a fleet")
    parser.add_argument("--hosts", type=int, metavar="N", help="hosts of --nights; --consumer: on each of N hosts")
    parser.add_argument("--ssh", type=int, metavar="N", help="hosts of --nights that a local sshd serves")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), metavar="N")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    # Remove the objects on a real Quay also after SIGTERM.
    signal.signal(signal.SIGTERM, _stop)
    if arguments.nights:
        return _nights(arguments)
    if arguments.consumer and arguments.hosts:
        return _fleet_consumers(arguments)
    with real_quay() as real:
        chosen = [s for s in SCENARIOS.values() if s.name.startswith(arguments.scenario) and _applies(s, real)]
        spawn = multiprocessing.get_context("spawn")
        processes = 1 if arguments.consumer else arguments.processes
        with (
            concurrent.futures.ProcessPoolExecutor(processes, spawn, _open_runner, (real,)) as pool,
            _terminated_children(),
        ):
            if arguments.kills:
                return _kills(pool, chosen, arguments)
            if arguments.consumer:
                return _consumers(pool, chosen, arguments)
            if arguments.random_errno:
                return _random_errnos(pool, chosen, arguments)
            return _matrix(pool, chosen, arguments, _BATCH_SIZE_REAL if real else _BATCH_SIZE)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _terminated_children() -> Iterator[None]:
    """Terminate the worker processes after an interrupt, without waiting for queued cells."""
    try:
        yield
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise


def _applies(scenario: Scenario, real: RealQuay | None) -> bool:
    """Stores on other servers are tested with a stand-in of Quay alone."""
    return real is None or (scenario.family == real.family and not scenario.stores and not scenario.kind.needs_standin)


def _kills(pool: concurrent.futures.Executor, chosen: list[Scenario], arguments: argparse.Namespace) -> int:
    running = [pool.submit(_kill, s.name, arguments.kills, arguments.seed) for s in chosen if s.mode == "forced"]
    results = list(_print_each(task.result() for task in running))
    failed = sum(bool(result.problems) for result in results)
    kills = sum(result.killed for result in results)
    print(f"kills: {kills}, scenarios passed: {len(results) - failed}, failed: {failed}")
    return int(failed > 0 or not results)


def _consumers(pool: concurrent.futures.Executor, chosen: list[Scenario], arguments: argparse.Namespace) -> int:
    names = [scenario.name for scenario in chosen if scenario.is_login and scenario.mode == "forced"]
    results = list(_print_each(pool.submit(_consume, name, arguments.consumer).result() for name in names))
    return int(not results or any(result.tally.failed for result in results if SCENARIOS[result.scenario].overlaps))


def _nights(arguments: argparse.Namespace) -> int:
    ssh = arguments.ssh if arguments.ssh is not None else _SSH_HOSTS if has_sshd() else 0
    print(f"seed {arguments.seed}", flush=True)
    hosts = arguments.hosts or _HOSTS
    result = spend_nights(hosts, arguments.nights, arguments.seed, ssh=ssh)
    print(result)
    return int(bool(result.problems))


def _fleet_consumers(arguments: argparse.Namespace) -> int:
    names = [f"n{number}" for number in range(1, arguments.hosts + 1)]
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder, killable_fleet(Path(folder).resolve(), names) as fleet:
        result = rotate_fleet_with_consumers(fleet, arguments.consumer)
    print(result)
    return int(result.failed > 0)


def _random_errnos(pool: concurrent.futures.Executor, chosen: list[Scenario], arguments: argparse.Namespace) -> int:
    rng = random.Random(arguments.seed)
    names = [scenario.name for scenario in chosen if scenario.files]
    points = dict(zip(names, pool.map(_points_of, names), strict=True))
    cells = [
        _Cell(name, *random_lasting_error(points[name], rng)) for name in rng.choices(names, k=arguments.random_errno)
    ]
    results = [result for batch in pool.map(_try, ([cell] for cell in cells)) for result in batch]
    for result in results:
        outcome = result.outcome if result.passed else "failed"
        print(f"  {outcome:<8} {result.scenario}: {result.point.name} ({result.point.what}), {result.fault}")
        _print_problems(result)
    failed = sum(not result.passed for result in results)
    print(f"random errors: {len(results)} runs, {len(results) - failed} passed, {failed} failed")
    return int(failed > 0 or not results)


def _print_each(results: Iterable[_Result]) -> Iterator[_Result]:
    """Print each result as soon as it is available."""
    for result in results:
        print(result, flush=True)
        yield result


def _matrix(
    pool: concurrent.futures.Executor, chosen: list[Scenario], arguments: argparse.Namespace, batch_size: int
) -> int:
    start = time.monotonic()
    names = [scenario.name for scenario in chosen]
    points = dict(zip(names, pool.map(_points_of, names), strict=True))
    cells = _sample(list(_cells(points, arguments)), arguments)
    print(f"{len(names)} scenarios, {sum(map(len, points.values()))} points, {len(cells)} cells", flush=True)
    found: dict[str, list[CellResult]] = defaultdict(list)
    batches = [cells[first : first + batch_size] for first in range(0, len(cells), batch_size)]
    _print_legend()
    for results in pool.map(_try, batches):
        for result in results:
            # Results are in order, so the previous scenario is complete.
            if result.scenario not in found and found:
                _print_scenario(list(found.values())[-1])
            found[result.scenario].append(result)
    if found:
        _print_scenario(list(found.values())[-1])
    return _print_summary([result for results in found.values() for result in results], time.monotonic() - start)


def _sample(cells: list[_Cell], arguments: argparse.Namespace) -> list[_Cell]:
    rng = random.Random(arguments.seed)
    return [cells[number] for number in sorted(rng.sample(range(len(cells)), -(-len(cells) // arguments.every)))]


def _cells(points: dict[str, list[Point]], arguments: argparse.Namespace) -> Iterator[_Cell]:
    for scenario, found in points.items():
        for point in found:
            for fault in point.faults:
                if arguments.point in (None, point.name) and arguments.fault in (None, fault):
                    yield _Cell(scenario, point, fault)


def _print_legend() -> None:
    print("\ns: passed, success   e: passed, clear error   k: passed, killed   X: failed   blank: does not apply")
    numbered = [f"{number:>2} {fault}" for number, fault in enumerate(FAULTS, 1)]
    for first in range(0, len(numbered), 6):
        print("  " + "".join(f"{word:<20}" for word in numbered[first : first + 6]).rstrip())


def _print_scenario(results: list[CellResult]) -> None:
    failed = sum(not result.passed for result in results)
    print(f"\n{results[0].scenario}: {len(results) - failed} passed, {failed} failed")
    width = 12 + _LONGEST_LABEL
    print(" " * width + "".join(str(number // 10 or " ") for number in range(1, len(FAULTS) + 1)).rstrip())
    print(" " * width + "".join(str(number % 10) for number in range(1, len(FAULTS) + 1)))
    rows: dict[Point, dict[str, CellResult]] = defaultdict(dict)
    for result in results:
        rows[result.point][result.fault] = result
    for point, row in rows.items():
        marks = "".join(_mark(row.get(fault)) for fault in FAULTS).rstrip()
        print(f"  {point.name:<9} {_TAG.sub('*', point.what)[:_LONGEST_LABEL]:<{_LONGEST_LABEL}}{marks}")
    for result in results:
        _print_problems(result)
    sys.stdout.flush()


def _mark(result: CellResult | None) -> str:
    if result is None:
        return " "
    return _MARKS[result.outcome] if result.passed else _FAILED_MARK


def _print_problems(result: CellResult) -> None:
    if result.passed:
        return
    print(f"  failed: {result.point.name} ({result.point.what}), {result.fault}, the run: {result.outcome}")
    for problem in result.problems:
        print(f"    {problem}")
    if result.message:
        print(f"    The run printed: {result.message}")
    print(f'    make faults ARGS="--scenario {result.scenario} --point {result.point.name} --fault {result.fault}"')


def _print_summary(results: list[CellResult], seconds: float) -> int:
    failed = [result for result in results if not result.passed]
    outcomes = Counter(result.outcome for result in results)
    ends = ", ".join(f"{count} by {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"\nfaults: {len(results)} cells ({ends}), {len(results) - len(failed)} passed, {len(failed)} failed", end="")
    print(f"; {seconds // 60:.0f}:{seconds % 60:02.0f} minutes")
    _print_counts("by scenario", ((result.scenario, result.passed) for result in results))
    _print_counts("by fault", ((result.fault, result.passed) for result in results))
    return int(bool(failed) or not results)


def _print_counts(title: str, outcomes: Iterable[tuple[str, bool]]) -> None:
    totals: dict[str, list[bool]] = defaultdict(list)
    for name, passed in outcomes:
        totals[name].append(passed)
    print(f"  {title}")
    for name, values in totals.items():
        print(f"    {name:<28} {sum(values):>5} passed {len(values) - sum(values):>5} failed")
