# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes of a run, as every user of the machine can see them with ps.

A run is identified by a mark in its environment, which child processes inherit.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

MARK = "CANARY_RUN"

# Seconds between two reads of all processes.
_PAUSE_S = 0.003

_TESTS = Path(__file__).resolve().parents[1]


def of_run(mark: str) -> list[int]:
    """Return the running processes of a run."""
    return [pid for pid in _all() if _belongs(_read(pid, "environ"), mark) and not _is_dead(pid)]


@dataclass
class ProcessWatcher:
    """Records the processes of a run until the block ends."""

    mark: str
    arguments: list[str] = field(default_factory=list, repr=False)
    environments: list[str] = field(default_factory=list, repr=False)

    def __enter__(self) -> ProcessWatcher:
        # A separate process, so that neither the stand-in nor the tests slow it down.
        self._watcher = subprocess.Popen(
            [sys.executable, "-m", "canary.processes", self.mark],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.defpath, "PYTHONPATH": str(_TESTS), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert self._watcher.stdout is not None
        assert self._watcher.stdout.readline() == b"watching\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        output, _errors = self._watcher.communicate()
        seen = json.loads(output)
        self.arguments, self.environments = seen["arguments"], seen["environments"]


def watch(mark: str) -> None:
    """Record until the standard input ends. Then print each command line and each environment variable once."""
    arguments: set[bytes] = set()
    variables: set[bytes] = set()
    before = set(_all())
    print("watching", flush=True)
    while not select.select([sys.stdin], [], [], _PAUSE_S)[0]:
        present = set(_all())
        before &= present
        for pid in present - before:
            environment = _read(pid, "environ")
            if _belongs(environment, mark):
                variables.update(environment.split(b"\0"))
                arguments.add(_read(pid, "cmdline").replace(b"\0", b" "))
    json.dump({"arguments": _texts(arguments), "environments": _texts(variables)}, sys.stdout)


def _all() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208


def _read(pid: int, name: str) -> bytes:
    """Return the file of a process, or nothing if the process has ended or belongs to another user."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/{name}", "rb") as file:  # noqa: PTH123
        return file.read()
    return b""


def _belongs(environment: bytes, mark: str) -> bool:
    return f"{MARK}={mark}".encode() in environment.split(b"\0")


def _is_dead(pid: int) -> bool:
    return _read(pid, "stat").rpartition(b")")[2].split()[:1] == [b"Z"]


def _texts(found: set[bytes]) -> list[str]:
    return sorted(os.fsdecode(item) for item in found if item)


if __name__ == "__main__":
    watch(sys.argv[1])
