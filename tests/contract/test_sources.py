# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for all source files, in addition to those of ruff and reuse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from . import collection


def relative(path: Path) -> str:
    return path.relative_to(collection.ROOT).as_posix()


@pytest.mark.parametrize("path", collection.tracked(), ids=relative)
def test_source_has_no_path_of_a_home_folder(path: Path) -> None:
    homes = re.compile(r"(?<![\w.])/(?:root|work|home/\w+|srv/\w+)/")
    found = [line for line in path.read_text().splitlines() if homes.search(line)]
    assert not found


def test_no_sanity_rule_is_ignored() -> None:
    assert not list((collection.ROOT / "tests" / "sanity").glob("ignore*.txt"))
