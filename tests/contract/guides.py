# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides: their blocks of code, and what the comments before a block say of it.

These comments are marks. They stand alone in a line before the block:

    .. run                 the commands of the block are run, and their output is compared
    .. run: fails          the same; the last command of the block fails
    .. later: 80d          the clock is moved before the commands of the block are run
    .. shown by: TEST      the block is an output, and this test compares it with the real one

In addition, `.. guarded by: TEST, TEST` names the tests of what a section says.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import collection

FOLDER = collection.ROOT / "docs" / "docsite" / "rst"
NAMES = sorted(path.stem for path in FOLDER.glob("*.rst"))

_MARK = re.compile(r"^ *\.\. (run|later|shown by)(?:: (.+))?$")
_BLOCK = re.compile(r"^( *)\.\. code-block:: (\S+)$")
_GUARDS = re.compile(r"^\.\. guarded by: (.+)$", re.MULTILINE)
_PROMPT = "$ "
# The first line of a block that shows a file.
_FILE = re.compile(r"^# ([\w./-]+\.\w+)$")


@dataclass(frozen=True)
class Command:
    """A command, with the output that the guide shows."""

    text: str
    output: str


@dataclass(frozen=True)
class Block:
    """A block of code in a guide."""

    guide: str
    line: int
    language: str
    text: str
    marks: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.guide}:{self.line}"

    @property
    def file_name(self) -> str:
        """The name of the file that the block shows; empty if it shows none."""
        found = _FILE.match(self.text.partition("\n")[0])
        return found[1] if found else ""

    @property
    def commands(self) -> list[Command]:
        return list(_commands(self.text.splitlines())) if self.language == "console" else []


def text_of(guide: str) -> str:
    return (FOLDER / f"{guide}.rst").read_text()


def guards_of(guide: str) -> set[str]:
    """The names of the tests that guard what a guide says."""
    return {name for listed in _GUARDS.findall(text_of(guide)) for name in listed.split(", ")}


def blocks_of(guide: str) -> list[Block]:
    """All blocks of code of a guide, in their order."""
    return list(_blocks(guide, text_of(guide).splitlines()))


def blocks_of_markdown(path: Path) -> list[Block]:
    """The blocks of code of a file such as README.md, which have no marks."""
    text = path.read_text()
    found = re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    name = str(path.relative_to(collection.ROOT))
    return [Block(name, text.count("\n", 0, part.start()) + 1, part[1], part[2], {}) for part in found]


def _blocks(guide: str, lines: list[str]) -> Iterator[Block]:
    marks: dict[str, str] = {}
    for number, line in enumerate(lines):
        mark, block = _MARK.match(line), _BLOCK.match(line)
        if mark:
            marks[mark[1]] = mark[2] or ""
        elif block:
            text = "\n".join(_indented(lines[number + 1 :], len(block[1])))
            yield Block(guide, number + 1, block[2], textwrap.dedent(text).strip("\n") + "\n", marks)
            marks = {}
        elif line.strip():
            assert not marks, f"{guide}:{number + 1}: a mark without its block"


def _indented(lines: list[str], depth: int) -> Iterator[str]:
    """The first lines, as far as they are empty or deeper than ``depth``."""
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) <= depth:
            return
        yield line


def _commands(lines: list[str]) -> Iterator[Command]:
    command: list[str] = []
    output: list[str] = []
    for line in lines:
        if line.startswith(_PROMPT):
            if command:
                yield Command("\n".join(command), "\n".join(output))
            command, output = [line.removeprefix(_PROMPT)], []
        elif command and not output and command[-1].endswith("\\"):
            command.append(line)
        else:
            output.append(line)
    if command:
        yield Command("\n".join(command), "\n".join(output).rstrip())
