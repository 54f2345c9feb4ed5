# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenario: one rotation is delivered to many hosts. The hosts are folders of this machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .measure import Measurement
from .table import Cell, number_of, render, times
from .workspace import Workspace, role_play, task_play

HEADING = ("run", "tasks", "requests", "wall s", "CPU s", "per host ms", "peak MiB", "wall", "CPU")
FORKS = ("--forks", "10")
GROUP = "nodes"


def measure(workspace: Workspace, counts: Sequence[int]) -> str:
    """Return a table of ansible.builtin.copy and of the role, for each number of hosts."""
    rows: list[list[Cell]] = []
    for count in counts:
        inventory = write_inventory(workspace.folder, count)
        # Neither run finds what it has to write.
        content = {"content": "a file as large as a robot token and its record\n" * 8, "dest": "{{ folder }}/copied"}
        play = task_play("ansible.builtin.copy", {**content, "mode": "0600"}, GROUP)
        copied = workspace.play(play, *FORKS, inventory=inventory)
        rows.append(row(f"copy to {number_of(count, 'host')}", count, copied, None, copied))
        delivered, requests = run_role(workspace, inventory)
        rows.append(row(f"role for {number_of(count, 'host')}", count, delivered, requests, copied))
    return render("One robot rotated and delivered to each host, against ansible.builtin.copy", HEADING, rows)


def write_inventory(folder: Path, count: int) -> str:
    """Create a folder for each host, and return the name of the inventory."""
    hosts = {}
    for number in range(count):
        place = folder / f"hosts{count}" / f"node{number:04}"
        place.mkdir(parents=True)
        hosts[place.name] = {"folder": str(place)}
    (folder / f"hosts{count}.json").write_text(json.dumps({GROUP: {"hosts": hosts}}))
    return f"hosts{count}.json"


def run_role(workspace: Workspace, inventory: str) -> tuple[Measurement, int | None]:
    """Mint the token of one robot, and deliver it to all hosts."""
    (robot,) = workspace.quay.robots(1, "fleet")
    stores = [workspace.file("{{ folder }}/robot.json")]
    credential = {"name": robot, "kind": "robot", "rotate": "always", "deliver": stores}
    with workspace.quay.counted() as requests:
        measured = workspace.play(role_play(GROUP), *FORKS, inventory=inventory, rotation_credentials=[credential])
    workspace.quay.remove([robot])
    return measured, workspace.quay.count(requests)


def row(name: str, hosts: int, measured: Measurement, requests: int | None, base: Measurement) -> list[Cell]:
    return [
        name,
        measured.task_lines,
        requests,
        measured.wall_seconds,
        measured.cpu_seconds,
        measured.wall_seconds / hosts * 1000,
        measured.peak_memory / 1024,
        times(measured.wall_seconds, base.wall_seconds),
        times(measured.cpu_seconds, base.cpu_seconds),
    ]
