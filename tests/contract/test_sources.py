# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every source file: its licence, and what must not stand in it."""

from __future__ import annotations

import ast
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from . import collection

HEADER = [
    "Copyright (c) 2026 The tokensmith.quay authors",
    "GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "SPDX-License-Identifier: GPL-3.0-or-later",
]

# The licence itself, and formats in which nothing can be said beside the data.
_BARE = ("LICENSES/*", "COPYING", "*.json", "*.png", "*.svg", "py.typed")


def relative(path: Path) -> str:
    return path.relative_to(collection.ROOT).as_posix()


def annotated_elsewhere() -> list[str]:
    annotations = tomllib.loads((collection.ROOT / "REUSE.toml").read_text())["annotations"]
    return [pattern for annotation in annotations for pattern in annotation["path"]]


def sources() -> list[Path]:
    exempt = [*_BARE, *annotated_elsewhere()]
    return [path for path in collection.tracked() if not any(fnmatch(relative(path), pattern) for pattern in exempt)]


@pytest.mark.parametrize("path", sources(), ids=relative)
def test_source_names_its_licence(path: Path) -> None:
    head = path.read_text().splitlines()[:12]
    for sentence in HEADER:
        assert any(sentence in line for line in head), sentence


@pytest.mark.parametrize("path", [path for path in sources() if path.suffix == ".py"], ids=relative)
def test_python_source_begins_alike(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[lines[0].startswith("#!") :][:3] == [f"# {sentence}" for sentence in HEADER]
    has_code = len(ast.parse(path.read_text()).body) > 1
    assert not has_code or "from __future__ import annotations" in lines
    assert not any(re.search(r"module_utils\.(six|_text)|^# -\*- coding|^__metaclass__", line) for line in lines)


@pytest.mark.parametrize("path", sources(), ids=relative)
def test_source_names_no_place_of_its_making(path: Path) -> None:
    homes = re.compile(r"(?<![\w.])/(?:root|work|home/\w+|srv/\w+)/")
    found = [line for line in path.read_text().splitlines() if homes.search(line)]
    assert not found


def test_no_sanity_rule_is_ignored() -> None:
    assert not list((collection.ROOT / "tests" / "sanity").glob("ignore*.txt"))
