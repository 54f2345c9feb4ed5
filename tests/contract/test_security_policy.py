# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The threat model in SECURITY.md names the tests that guard it, and they exist."""

from __future__ import annotations

import re

import pytest

from . import collection

_MODEL = (collection.ROOT / "SECURITY.md").read_text().partition("## Threat model")[2]
STATEMENTS = [" ".join(item.split()) for item in re.findall(r"^\* (.*(?:\n  .*)*)", _MODEL, re.MULTILINE)]
TESTS = {
    name
    for path in (collection.ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
}


def test_threat_model_has_statements() -> None:
    assert len(STATEMENTS) > 15


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statement_is_guarded(statement: str) -> None:
    named = re.findall(r"`(test_\w+)`", statement)
    assert named
    assert set(named) <= TESTS
