# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role audit: neither its output nor its reports contain a secret. It sees all credentials, and fails."""

from __future__ import annotations

import pytest

from canary.harness import Harness
from canary.search import Trace


@pytest.mark.parametrize("check", [("--check",), ()])
def test_audit(rotated: Harness, pipelining: bool, check: tuple[str, ...]) -> None:
    run = rotated.play("audit", *check, pipelining=pipelining)
    assert rotated.leaks(run) == []
    assert run.status == 2
    assert "The audit is incomplete" in run.stdout
    reports = sorted((rotated.stores / "reports").glob("*"))
    assert [path.suffix for path in reports] == ([] if check else [".csv", ".html", ".json", ".md"])
    traces = [Trace(path.name, path.read_text()) for path in reports]
    assert rotated.leak_detector.leaks(traces) == []
    assert rotated.standin.journal.mints == []
