# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenario: all robots are due. The role mints, verifies and delivers; bare HTTP requests mint and verify."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from . import bare_http
from .measure import CommandFailed, Measurement, run
from .table import Cell, number_of, render, times
from .workspace import PARALLEL, Workspace, has_parallel, parallel, role_play

HEADING = ("run", "requests", "wall s", "without start s", "CPU s", "wall")
# So that the robots are too old in the second run.
MAX_AGE = "1s"


def measure(workspace: Workspace, counts: Sequence[int]) -> str:
    """Return a table of the role and of bare HTTP, for each number of robots."""
    start = workspace.ping()
    threads = parallel()
    rows: list[list[Cell]] = []
    for count in counts:
        robots = workspace.quay.robots(count, "due")
        bare, bare_requests = run_bare(workspace, robots, threads)
        role, role_requests = run_role(workspace, robots)
        workspace.clear()
        workspace.quay.remove(robots)
        rows.append(row(f"bare HTTP, {number_of(count, 'robot')}", bare, bare_requests, 0.0, bare))
        rows.append(row(f"role, {number_of(count, 'robot')}", role, role_requests, start.wall_seconds, bare))
    how = f"{PARALLEL}: {threads}" if has_parallel() else "one robot after the other"
    title = f"All due, in place: the role ({how}), against bare HTTP requests by {threads} threads"
    return render(title, HEADING, rows)


def run_bare(workspace: Workspace, robots: Sequence[str], threads: int) -> tuple[Measurement, int | None]:
    quay = workspace.quay
    with quay.counted() as requests:
        command = [sys.executable, bare_http.__file__, quay.organization, str(threads), *robots]
        measured = run(command, workspace.environment, workspace.folder)
    return measured, quay.count(requests)


def run_role(workspace: Workspace, robots: Sequence[str]) -> tuple[Measurement, int | None]:
    """Deliver the robots by a run without cost, and return the second run, in which all are too old."""
    credentials = workspace.credentials(robots, max_age=MAX_AGE)
    workspace.play(role_play(), rotation_credentials=credentials)
    # Ages are in seconds. The clock of a stand-in need not be waited for.
    if workspace.quay.standin:
        workspace.quay.standin.clock.advance(2)
    else:
        time.sleep(2)
    with workspace.quay.counted() as requests:
        measured = workspace.play(role_play(), rotation_credentials=credentials)
    minted = measured.output.count("minted ")
    if minted != len(robots):
        raise CommandFailed(f"The role rotated {minted} of {len(robots)} robots:\n{measured.output[-3000:]}")
    return measured, workspace.quay.count(requests)


def row(name: str, measured: Measurement, requests: int | None, start: float, bare: Measurement) -> list[Cell]:
    """A row. ``start``: the seconds that Ansible takes to start, which are left out of the ratio."""
    own = measured.wall_seconds - start
    ratio = times(own, bare.wall_seconds)
    return [name, requests, measured.wall_seconds, own, measured.cpu_seconds, ratio]
