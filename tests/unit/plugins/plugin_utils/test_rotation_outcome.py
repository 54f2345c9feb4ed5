# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter rotation_outcome: the report of a rotation, complete or not."""

from __future__ import annotations

from typing import Any

from ansible_collections.tokensmith.quay.plugins.filter.rotation_outcome import FilterModule
from ansible_collections.tokensmith.quay.plugins.plugin_utils.compact import compacted

outcome = FilterModule().filters()["rotation_outcome"]

DECLARED = [{"name": "acme+ci", "kind": "robot"}, {"name": "acme+cd", "kind": "robot"}]
PLAN: dict[str, Any] = {"credentials": [{**item, "max_age": "90d"} for item in DECLARED]}


def row(name: str, **values: Any) -> dict[str, Any]:
    result = {"name": name, "kind": "robot", "reason": "not_due", "message": "not due", "action": "none", "error": None}
    done: dict[str, Any] = {key: [] for key in ("delivered", "deleted", "removed", "retired", "waiting_for")}
    return {**result, **done, "minted": False, "changed": False, **values}


def test_report_of_a_complete_run() -> None:
    """It is what the last task made, and not made anew."""
    report = {"rows": [row("acme+ci")], "lines": ["1 not due"], "summary": {"not_due": 1}}
    run = {"declared": DECLARED, "results": [row("acme+ci")]}
    final = compacted({"results": [], **report}, ["results", "rows"])
    assert outcome([PLAN, run, final]) == report


def test_interrupted_before_the_rotation() -> None:
    report = outcome([PLAN, {}, {}], "the host is gone")
    assert {item["name"]: item["error"] for item in report["rows"]} == {
        "acme+ci": "not done: the host is gone",
        "acme+cd": "not done: the host is gone",
    }
    assert report["summary"]["failed"] == 2


def test_interrupted_after_the_rotation() -> None:
    """Of a credential of which both are known, the final result counts."""
    run = compacted({"declared": DECLARED, "results": [row("acme+ci"), row("acme+cd", error="refused")]}, ["results"])
    final = {"declared": DECLARED, "results": [row("acme+cd", error="not confirmed")], "rows": [], "summary": {}}
    report = outcome([PLAN, run, final], "a handler failed", check_mode=True)
    assert {item["name"]: item["error"] for item in report["rows"]} == {"acme+ci": None, "acme+cd": "not confirmed"}
    assert report["summary"]["check_mode"] is True


def test_nothing_is_known() -> None:
    assert outcome([{}, {}, {}], "the host is gone")["lines"] == ["Nothing was done: the host is gone"]


def test_rows_of_earlier_batches() -> None:
    earlier = {**PLAN, "earlier_report": [row("acme+before")]}
    report = outcome([earlier, {"results": [row("acme+ci"), row("acme+cd")]}, {}])
    assert [item["name"] for item in report["rows"]] == ["acme+before", "acme+ci", "acme+cd"]
