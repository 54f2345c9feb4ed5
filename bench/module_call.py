# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenario: one call of quay_robot_token that has nothing to do, and what its time is spent on."""

from __future__ import annotations

import re
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import ansible.module_utils

from conformance.client import Client
from contract import collection

from .measure import Measurement, best, run
from .quay import Quay, expect
from .table import Cell, render, times
from .workspace import Workspace, task_play

HEADING = ("part", "wall s", "CPU s", "wall", "CPU")
MODULE = f"{collection.NAME}.quay_robot_token"
REPEATS = 3
_PACKAGE = "ansible_collections.tokensmith.quay.plugins"
# What each module imports, that of the ping too.
_OF_EACH_MODULE = "ansible.module_utils.basic"
# The packages that requests brings with it.
_OF_REQUESTS = ("requests", "urllib3", "certifi", "idna", "charset_normalizer", "chardet")
_IMPORT_TIME = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \| +(\S+)$", re.MULTILINE)


def measure(workspace: Workspace, _counts: Sequence[int] = ()) -> str:
    """Return a table of the parts of a call."""
    (robot,) = workspace.quay.robots(1, "call")
    ping, called, requests = call(workspace, robot)
    asked = answer_seconds(workspace.quay, requests)
    workspace.quay.remove([robot])
    imports = import_seconds(workspace.folder, workspace.environment)
    own = called.wall_seconds - ping.wall_seconds
    rest = own - sum(imports.values()) - (asked or 0.0)
    counted = "" if asked is None else f" ({len(requests)})"
    rows: list[Sequence[Cell]] = [
        row("play with ansible.builtin.ping", ping, ping),
        row("play with quay_robot_token", called, ping),
        ["  more than the ping", own, called.cpu_seconds - ping.cpu_seconds, times(own, ping.wall_seconds), None],
        *([f"    import of {name}", seconds, None, None, None] for name, seconds in imports.items()),
        [f"    requests{counted}", asked, None, None, None],
        ["    rest: packing and sending the module, options, store", rest, None, None, None],
    ]
    return render("One call of quay_robot_token, nothing due, against ansible.builtin.ping", HEADING, rows)


def call(workspace: Workspace, robot: str) -> tuple[Measurement, Measurement, list[str]]:
    """Measure a ping and the call after a first run, in turn. Returns the requests of one call, too."""
    play = task_play(MODULE, {"name": robot, "token_path": str(workspace.folder / "token"), "max_age": "90d"})
    workspace.play(play)
    pings, found = [], []
    for _repeat in range(REPEATS):
        pings.append(workspace.ping(times=1))
        with workspace.quay.counted() as requests:
            found.append(workspace.play(play))
    return best(pings), best(found), requests


def import_seconds(folder: Path, environment: Mapping[str, str]) -> dict[str, float]:
    """Return the seconds of the imports that a ping does not need, by where they come from."""
    archive = write_archive(folder / "module.zip")
    statement = f"import {_OF_EACH_MODULE}; import {_PACKAGE}.modules.quay_robot_token"
    command = [sys.executable, "-B", "-X", "importtime", "-c", statement]
    runs = [run(command, {**environment, "PYTHONPATH": str(archive)}, folder) for _repeat in range(REPEATS)]
    times_of = _IMPORT_TIME.findall(best(runs).output)
    own = times_of[[name for _time, name in times_of].index(_OF_EACH_MODULE) + 1 :]
    seconds: dict[str, float] = {}
    for microseconds, name in own:
        seconds[_origin(name)] = seconds.get(_origin(name), 0.0) + int(microseconds) / 1e6
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))


def write_archive(path: Path) -> Path:
    """Write an archive as Ansible sends it: of sources only, which Python compiles in each call."""
    core = Path(ansible.module_utils.__path__[0])
    trees = {"ansible/module_utils": core, _PACKAGE.replace(".", "/"): collection.PLUGINS}
    packages = set()
    with zipfile.ZipFile(path, "w") as archive:
        for below, tree in trees.items():
            for source in sorted(tree.rglob("*.py")):
                name = Path(below) / source.relative_to(tree)
                packages |= {parent / "__init__.py" for parent in name.parents[:-1]} - {name}
                archive.write(source, str(name))
        for package in sorted(packages - set(map(Path, archive.namelist()))):
            archive.writestr(str(package), "")
    return path


def _origin(name: str) -> str:
    top = name.partition(".")[0]
    if top == "ansible_collections":
        return "the collection"
    if top in _OF_REQUESTS:
        return "requests"
    return "ansible.module_utils" if top == "ansible" else "Python"


def answer_seconds(quay: Quay, requests: Sequence[str]) -> float | None:
    """Return how long the server takes for the same requests, none if they are not known."""
    if not requests:
        return None
    # Nothing is due, so that all of them read.
    paths = [request.removeprefix("GET ") for request in requests]
    with quay.counted(), Client(quay.target, bearer=str(quay.token)) as client:
        begin = time.monotonic()
        for path in paths:
            expect(client.get(path), 200)
        return time.monotonic() - begin


def row(name: str, measured: Measurement, base: Measurement) -> list[Cell]:
    return [
        name,
        measured.wall_seconds,
        measured.cpu_seconds,
        times(measured.wall_seconds, base.wall_seconds),
        times(measured.cpu_seconds, base.cpu_seconds),
    ]
