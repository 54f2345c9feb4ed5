# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenario: a nightly run in which no robot is due, each with a file of its own on the rotator."""

from __future__ import annotations

from collections.abc import Sequence

from .measure import Measurement, best
from .table import Cell, number_of, render, times
from .workspace import Workspace, role_play

HEADING = ("run", "tasks", "lines", "requests", "wall s", "CPU s", "peak MiB", "wall", "CPU")

# A short run is disturbed more, so the best of several counts.
REPEATS = 3
FEW = 100


def measure(workspace: Workspace, counts: Sequence[int]) -> str:
    """Return a table with a row for each number of robots."""
    ping = workspace.ping()
    rows = [row("ping", ping, None, ping)]
    for count in counts:
        rows.append(row(number_of(count, "robot"), *role_run(workspace, count), base=ping))
    return render("Nothing due: the role, against a play with one ansible.builtin.ping", HEADING, rows)


def role_run(workspace: Workspace, count: int) -> tuple[Measurement, int | None]:
    """Deliver robots by one run without cost, and return a later run, in which nothing is due."""
    quay = workspace.quay
    robots = quay.robots(count, "due")
    credentials = workspace.credentials(robots, max_age="90d")
    workspace.play(role_play(), rotation_credentials=credentials)
    measured = []
    for _repeat in range(REPEATS if count <= FEW else 1):
        with quay.counted() as requests:
            measured.append(workspace.play(role_play(), rotation_credentials=credentials))
    workspace.clear()
    quay.remove(robots)
    return best(measured), quay.count(requests)


def row(name: str, measured: Measurement, requests: int | None, base: Measurement) -> list[Cell]:
    return [
        name,
        measured.task_lines,
        measured.output_lines,
        requests,
        measured.wall_seconds,
        measured.cpu_seconds,
        measured.peak_memory / 1024,
        times(measured.wall_seconds, base.wall_seconds),
        times(measured.cpu_seconds, base.cpu_seconds),
    ]
