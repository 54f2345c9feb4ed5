# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what the collection costs: python3 -m bench [SCENARIO ...] [--count N ...]."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ansible.release import __version__ as ansible_version

from standin.cost import Cost

from . import all_due, fleet, module_call, nothing_due, other_collection, quay
from .measure import CommandFailed
from .workspace import Workspace

Scenario = Callable[[Workspace, Sequence[int]], str]

# Each scenario with its numbers of robots, or of hosts.
SCENARIOS: dict[str, tuple[Scenario, tuple[int, ...]]] = {
    "nothing-due": (nothing_due.measure, (1, 10, 100, 1000)),
    "all-due": (all_due.measure, (100,)),
    "module-call": (module_call.measure, ()),
    "fleet": (fleet.measure, (20, 200)),
    "other-collection": (other_collection.measure, (100,)),
}
# As measured on real servers (see tests/standin/cost.py).
HASH_SECONDS = 0.175
WORKERS = 2


def arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    names = ", ".join(SCENARIOS)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"what to measure: {names} (default: all)")
    parser.add_argument("--count", type=int, nargs="+", metavar="N", help="numbers of robots, or of hosts of a fleet")
    parser.add_argument(
        "--hash-seconds",
        type=float,
        default=HASH_SECONDS,
        help="how long the stand-in takes for a password hash, which each request with an API token needs "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--workers", type=int, default=WORKERS, help="how many requests the stand-in handles at a time (default: 2)"
    )
    given = parser.parse_args(words)
    unknown = set(given.scenarios) - SCENARIOS.keys()
    if unknown:
        parser.error(f"unknown scenario {', '.join(sorted(unknown))}: use {names}")
    return given


def conditions(server: quay.Quay) -> str:
    """Describe what the figures depend on."""
    machine = f"{os.cpu_count()} processors, Python {platform.python_version()}, ansible-core {ansible_version}"
    return "\n".join(
        (
            f"{datetime.now(UTC):%Y-%m-%d}, {machine}",
            f"Server: {server.description}",
            "Seconds depend on the machine and on what else it does. The ratios are to be compared.",
        )
    )


def main(words: Sequence[str]) -> int:
    given = arguments(words)
    try:
        with quay.serve(Cost(given.hash_seconds, given.workers)) as server:
            print(conditions(server), flush=True)
            for name in given.scenarios or SCENARIOS:
                scenario, counts = SCENARIOS[name]
                with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                    table = scenario(Workspace(Path(folder), server), given.count or counts)
                print(f"\n{table}", flush=True)
    except (CommandFailed, quay.Refused) as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
