# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a rotation: rows, table and counts, without secrets."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.report import make_report, progress_line

NOTHING = {"minted": False, "delivered": [], "retired": [], "deleted": [], "removed": []}


def status(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "robot",
        "exists": True,
        "due": False,
        "reason": "not_due",
        "message": "age 3 days",
        "action": "nothing",
        "error": None,
        "fingerprint": "9f86d081884c",
        "expires_at": None,
        **more,
    }


def report(statuses: list[dict[str, Any]] | None, results: dict[str, Any], **more: Any) -> dict[str, Any]:
    declared = [{"name": item["name"], "kind": item["kind"]} for item in statuses or []]
    rows = [{**item, **results.get(item["name"], {})} for item in statuses or []]
    return make_report(declared, None if statuses is None else rows, **more)


def test_no_credentials() -> None:
    found = report([], {})
    assert found["rows"] == []
    assert found["lines"] == ["No credentials are declared. There is nothing to do."]
    assert (found["summary"]["credentials"], found["summary"]["failed"], found["summary"]["errors"]) == (0, 0, {})


# The status, the result, and the action in the table: really and in check mode.
OUTCOMES: dict[str, tuple[dict[str, Any], dict[str, Any], str, str, str]] = {
    "rotated": (
        {"reason": "too_old", "action": "mint"},
        {"changed": True, "minted": True, "fingerprint": "0011", "delivered": ["/a", "/b"], "retired": ["x"]},
        "minted 0011; delivered to /a, /b; revoked 1",
        "would mint 0011; deliver to /a, /b; revoke 1",
        "rotated",
    ),
    "created": (
        {"reason": "missing", "action": "mint", "exists": False},
        {"changed": True, "minted": True, "fingerprint": "0011", "delivered": ["/a"]},
        "minted 0011; delivered to /a",
        "would mint 0011; deliver to /a",
        "created",
    ),
    "delivered": (
        {"reason": "undelivered", "action": "deliver"},
        {"changed": True, "delivered": ["/a"]},
        "delivered to /a",
        "would deliver to /a",
        "delivered",
    ),
    "robot deleted": (
        {"reason": "absent", "action": "remove"},
        {"changed": True, "deleted": ["acme+ci"], "removed": ["/a"]},
        "deleted acme+ci; removed from /a",
        "would delete acme+ci; remove from /a",
        "removed",
    ),
    "token revoked": (
        {"reason": "absent", "action": "remove"},
        {"changed": True, "retired": ["x", "y"]},
        "revoked 2",
        "would revoke 2",
        "removed",
    ),
    "retired": ({"action": "retire"}, {"changed": True, "retired": ["x"]}, "revoked 1", "would revoke 1", "retired"),
    "granted": (
        {},
        {"changed": True, "granted": ["write on acme/app"]},
        "granted write on acme/app",
        "would grant write on acme/app",
        "changed",
    ),
    "kept": ({"reason": "too_old"}, {}, "none", "none", "kept"),
    "not due": ({}, {}, "none", "none", "not_due"),
}


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("case", OUTCOMES)
def test_outcome(case: str, check_mode: bool) -> None:
    changes, result, done, would, count = OUTCOMES[case]
    results = {"acme+ci": {**NOTHING, **result}} if result else {}
    found = report([status("acme+ci", **changes)], results, check_mode=check_mode)
    assert found["lines"][2].endswith(would if check_mode else done)
    assert {name: found["summary"][name] for name in ("failed", count)} == {"failed": 0, count: 1}
    (row,) = found["rows"]
    assert row["changed"] is bool(result)
    assert row["reason"] == changes.get("reason", "not_due")


def test_failures_come_first_in_the_table_and_the_rows_keep_their_order() -> None:
    statuses = [
        status("a"),
        status("b", error="no such robot", message="no such robot", reason=None),
        status("c", action="mint", reason="forced"),
    ]
    done = {"minted": True, "fingerprint": "f1", "delivered": ["/etc/ci/quay"]}
    found = report(statuses, {"c": {"error": "b: disk full", **done}})
    assert [row["name"] for row in found["rows"]] == ["a", "b", "c"]
    assert found["lines"] == [
        "2 failed, 1 not due",
        "CREDENTIAL  KIND   REASON   MESSAGE     ACTION",
        "b           robot  -        -           FAILED: no such robot",
        "c           robot  forced   age 3 days  FAILED: b: disk full (done: minted f1; delivered to /etc/ci/quay)",
        "a           robot  not_due  age 3 days  none",
    ]
    assert found["summary"]["errors"] == {"b": "no such robot", "c": "b: disk full"}


def test_summary_of_many() -> None:
    statuses = [status(str(number)) for number in range(96)] + [status(name, action="mint") for name in "abcd"]
    minted = {**NOTHING, "changed": True, "minted": True}
    found = report(statuses, {"a": minted, "b": minted, "c": minted, "d": {"error": "x"}})
    assert found["lines"][0] == "1 failed, 3 rotated, 96 not due"
    assert found["summary"]["rotated_names"] == ["a", "b", "c"]
    predicted = report(statuses, {"a": minted, "b": minted, "c": minted, "d": {"error": "x"}}, check_mode=True)
    assert predicted["lines"][0] == "1 would fail, 3 would be rotated, 96 not due"


def test_unknown_status() -> None:
    found = make_report([{"name": "acme+ci", "kind": "robot"}], None, interruption="Quay is down")
    (row,) = found["rows"]
    assert (row["error"], row["message"], row["due"]) == ("not done: Quay is down", "not done", False)
    assert found["lines"][2].endswith("FAILED: not done: Quay is down")


def test_former_registry_token_lives_on() -> None:
    until = "2026-11-26T10:00:00Z"
    held = status("scan", kind="referrers", action="mint", reason="forced", expires_at=until)
    result = {**NOTHING, "changed": True, "minted": True, "fingerprint": "0011", "expires_at": "2026-11-26T10:30:00Z"}
    result["former_expires_at"] = until
    found = report([held], {"scan": result})
    assert found["lines"][2].endswith(f"minted 0011; the former token stays valid until {until}")
    assert (found["rows"][0]["former_valid_until"], found["rows"][0]["expires_at"]) == (until, "2026-11-26T10:30:00Z")
    robot = report([{**held, "kind": "robot"}], {"scan": result})
    assert robot["rows"][0]["former_valid_until"] is None
    found = report([{**held, "reason": "expired"}], {"scan": result})
    assert found["rows"][0]["former_valid_until"] is None
    assert found["lines"][2].endswith("minted 0011")


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (True, "minted 0011; former logins are refused, and access that they were granted ends within an hour"),
        (False, "minted 0011; registry tokens of the former secret stay valid"),
        (None, "minted 0011"),
    ],
)
def test_end_of_the_access_by_a_former_secret(ended: bool | None, words: str) -> None:
    result = {**NOTHING, "changed": True, "minted": True, "fingerprint": "0011", "ended": ended}
    found = report([status("a", action="mint", reason="forced")], {"a": result})
    assert found["lines"][2].endswith(words)
    assert found["rows"][0]["ended"] is ended


def test_a_secret_in_a_result_is_not_reported() -> None:
    found = report([status("a", action="mint")], {"a": {**NOTHING, "token": "secret", "minted": True, "changed": True}})
    assert "token" not in found["rows"][0]
    assert "secret" not in str(found)


def test_long_report_leaves_out_what_is_not_due() -> None:
    """It lists what was done, what failed and what is pending. The first line and the rows have the rest."""
    statuses = [status(f"acme+r{number}") for number in range(30)]
    statuses[7].update(reason="too_old", message="age 91 days, waits for b", waiting_for=["b"])
    results = {"acme+r3": {"error": "boom"}, "acme+r5": {"reason": "too_old", "minted": True, "fingerprint": "0011"}}
    found = report(statuses, results)
    assert found["lines"][0] == "1 failed, 1 rotated, 1 waiting for hosts, 27 not due"
    assert [line.split()[0] for line in found["lines"][2:]] == ["acme+r3", "acme+r5", "acme+r7"]
    assert len(found["rows"]) == 30
    assert report(statuses[10:], {})["lines"][0] == "20 not due"
    assert len(report(statuses[10:], {})["lines"]) == 22
    nothing = [status(f"acme+r{number}") for number in range(21)]
    assert report(nothing, {})["lines"] == ["21 not due"]


@pytest.mark.parametrize(
    ("remaining", "failed", "line"),
    [
        (190, 2, "150 of 340 credentials done, 2 failed, about 38 s left"),
        (190, 0, "150 of 340 credentials done, about 38 s left"),
        (0, 0, "340 of 340 credentials done"),
        (340, 0, "0 of 340 credentials done"),
    ],
)
def test_progress(remaining: int, failed: int, line: str) -> None:
    assert progress_line(340, remaining, failed, 30.0) == line


def test_other_credentials_of_earlier_batches() -> None:
    """They are in the rows and in the summary. The table does not repeat them."""
    first = report([status("a"), status("b", error="broken")], {})
    second = report([status("c")], {"c": {"minted": True, "reason": "too_old"}}, earlier=first["rows"])
    assert [row["name"] for row in second["rows"]] == ["a", "b", "c"]
    assert second["summary"]["errors"] == {"b": "broken"}
    assert (second["summary"]["credentials"], second["summary"]["rotated_names"]) == (3, ["c"])
    assert second["lines"][0] == "1 rotated"
    assert not any(line.startswith("a ") for line in second["lines"])
    assert second["lines"][-1] == "All batches: 1 failed, 1 rotated, 1 not due"
