# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command, and measure its time, its memory and its output."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import launcher

_TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[", re.MULTILINE)


class CommandFailed(Exception):
    """A measured command failed."""


@dataclass(frozen=True)
class Measurement:
    """What one command used. ``cpu_seconds`` is that of all its processes, ``peak_memory`` in KiB of the largest."""

    wall_seconds: float
    cpu_seconds: float
    peak_memory: int
    output: str = field(default="", repr=False)

    @property
    def output_lines(self) -> int:
        return self.output.count("\n")

    @property
    def task_lines(self) -> int:
        """The number of tasks that Ansible announced."""
        return len(_TASK.findall(self.output))


def run(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Measurement:
    """Run ``command`` in ``folder``. Raises CommandFailed with the end of its output."""
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        usage_file = Path(temporary, "usage.json")
        words = [sys.executable, "-S", "-E", launcher.__file__, str(usage_file), *map(str, command)]
        done = subprocess.run(
            words, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            raise CommandFailed(f"{Path(command[0]).name} failed with status {done.returncode}:\n{done.stdout[-3000:]}")
        return Measurement(**json.loads(usage_file.read_text()), output=done.stdout)


def best(measurements: Sequence[Measurement]) -> Measurement:
    """Return the fastest of several measurements of the same command: the others were disturbed more."""
    return min(measurements, key=lambda measurement: measurement.wall_seconds)
