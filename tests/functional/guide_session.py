# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the commands of a guide in their order by one shell, and compares what they print with what the guide shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contract import collection
from contract.guides import Block
from functional.shown_output import difference_of
from standin import Standin

# Folders of the guides. On the machine of the tests, they are in a folder of the test.
FOLDERS = ("/etc/",)
# Every machine with a container engine has this one.
PRESENT = "etc/containers"
HOME = "/home/<you>"
# Between the outputs of two commands, with the exit status.
_END = "\x1e"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

_MOVE_CLOCK = """
import json, sys, urllib.request
body = json.dumps({"advance": float(sys.argv[2])}).encode()
urllib.request.urlopen(urllib.request.Request(sys.argv[1], body, {"Content-Type": "application/json"})).close()
"""


@dataclass(frozen=True)
class Printed:
    """What a command of a guide printed."""

    block: Block
    command: str
    shown: str
    output: str
    status: int


@dataclass
class GuideSession:
    """A shell in an empty home directory, with a stand-in for the Quay of the guide."""

    quay: Standin
    folder: Path
    # The address of Quay in the guide.
    url: str = "https://quay.example.com"
    environ: dict[str, str] = field(default_factory=dict, repr=False)
    # Names of the guide that are others here.
    names: dict[str, str] = field(default_factory=dict)
    # What a person would enter, in this order.
    entered: Sequence[str] = field(default=(), repr=False)
    errors: str = ""
    _values: dict[str, str] = field(default_factory=dict)

    def run(self, blocks: Sequence[Block]) -> list[Printed]:
        """Run the commands of all blocks that have the mark. Files that the guide shows before are written."""
        (self.folder / PRESENT).mkdir(parents=True)
        home = self.folder / "home"
        home.mkdir()
        (self.folder / "script").write_text("".join(self._script(blocks)))
        process = subprocess.run(
            ["bash", str(self.folder / "script")],
            env=self._variables(home),
            cwd=home,
            input="".join(f"{line}\n" for line in self.entered),
            capture_output=True,
            text=True,
            check=False,
        )
        self.errors = process.stderr
        outputs = re.split(rf"{_END}(\d+)\n", process.stdout)
        commands = [(block, command) for block in blocks if "run" in block.marks for command in block.commands]
        assert len(outputs) == 2 * len(commands) + 1, process.stdout + process.stderr
        return [
            Printed(block, command.text, command.output, self._as_in_guide(output), int(status))
            for (block, command), output, status in zip(commands, outputs[::2], outputs[1::2], strict=False)
        ]

    def difference(self, printed: Printed) -> str:
        """What differs from the guide; empty if nothing does."""
        is_last = printed.command == printed.block.commands[-1].text
        fails = is_last and printed.block.marks["run"] == "fails"
        if (printed.status != 0) != fails:
            return f"The exit status is {printed.status}\n{printed.output}\n{self.errors}"
        if not printed.shown:
            return ""
        return difference_of(printed.shown, printed.output, self._values)

    def _script(self, blocks: Sequence[Block]) -> Iterator[str]:
        for block in blocks:
            if block.file_name:
                name = self._as_here(block.file_name)
                yield f"cat > {shlex.quote(name)} <<'END OF FILE'\n{self._as_here(block.text)}END OF FILE\n"
            if "later" in block.marks:
                later = block.marks["later"]
                seconds = str(int(later[:-1]) * _SECONDS[later[-1]])
                url = f"{self.quay.url}/__standin__/clock"
                yield shlex.join([sys.executable, "-c", _MOVE_CLOCK, url, seconds]) + "\n"
            for command in block.commands if "run" in block.marks else ():
                yield f"{self._as_here(command.text)}\nprintf '{_END}%s\\n' $?\n"

    def _as_here(self, text: str) -> str:
        """A command or file of the guide, for this machine."""
        text = text.replace("sudo ", "")
        for name, here in self.names.items():
            text = text.replace(name, here)
        text = text.replace(self.url, self.quay.url)
        for name in FOLDERS:
            text = re.sub(rf"(?<![\w/]){name}", f"{self.folder}{name}", text)
        return text

    def _as_in_guide(self, text: str) -> str:
        """An output, with the folders and addresses of the guide."""
        text = text.replace(f"{self.folder}/home", HOME).replace(str(self.folder), "")
        return text.replace(self.quay.url, self.url).replace(f"127.0.0.1:{self.quay.port}", self.url.split("://")[1])

    def _variables(self, home: Path) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "ANSIBLE_COLLECTIONS_PATH": str(collection.COLLECTIONS),
            # Ansible takes the width of the terminal from it, and tests have none.
            "COLUMNS": "80",
            "PYTHONDONTWRITEBYTECODE": "1",
            "NO_PROXY": "127.0.0.1",
            **self.environ,
        }
