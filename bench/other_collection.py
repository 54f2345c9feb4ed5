# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenario: the established collection for Quay in a loop over the same robots, if it is installed."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

from contract import collection

from .measure import Measurement
from .nothing_due import HEADING, role_run, row
from .table import Cell, number_of, render
from .workspace import Workspace, task_play

PACKAGE = "ansible_collections.infra.quay_configuration"
MODULE = "infra.quay_configuration.quay_robot"


def collections_path() -> Path | None:
    """Return the folder of collections in which it is installed, none if it is not."""
    try:
        found = importlib.util.find_spec(PACKAGE)
    except ModuleNotFoundError:
        return None
    places = list(found.submodule_search_locations or ()) if found else []
    return Path(places[0]).parents[2] if places else None


def measure(workspace: Workspace, counts: Sequence[int]) -> str:
    """Return a table of a loop over its module and of the role, in which nothing is due."""
    folder = collections_path()
    title = f"Nothing due: {MODULE} in a loop, against the role"
    if folder is None:
        return f"{title}\n\nnot installed: no {PACKAGE} on PYTHONPATH"
    rows: list[list[Cell]] = []
    for count in counts:
        role, requests = role_run(workspace, count)
        rows.append(row(f"role, {number_of(count, 'robot')}", role, requests, role))
        rows.append(row(f"loop, {number_of(count, 'robot')}", *loop_run(workspace, folder, count), role))
    return render(title, HEADING, rows)


def loop_run(workspace: Workspace, folder: Path, count: int) -> tuple[Measurement, int | None]:
    """Call its module for each robot, all of which exist."""
    robots = workspace.quay.robots(count, "loop")
    play = task_play(MODULE, {"name": "{{ item }}", "state": "present"}, loop=robots)
    paths = os.pathsep.join([str(collection.COLLECTIONS), str(folder)])
    with workspace.quay.counted() as requests:
        measured = workspace.play(play, environment={"ANSIBLE_COLLECTIONS_PATH": paths})
    workspace.quay.remove(robots)
    return measured, workspace.quay.count(requests)
