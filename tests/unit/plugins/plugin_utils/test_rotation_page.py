# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a rotation's report: what it says of each credential, host and store."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.report import make_report
from ansible_collections.tokensmith.quay.plugins.plugin_utils.rotation_page import Facts, rotation_page

STATUS = {
    "exists": True,
    "due": True,
    "reason": "too_old",
    "message": "age 91 days, limit 90 days",
    "action": "mint",
    "error": None,
    "fingerprint": "0011",
    "expires_at": None,
    "superseded": [],
}
RESULTS: list[dict[str, Any]] = [
    {
        **STATUS,
        "name": "acme+ci",
        "kind": "robot",
        "changed": True,
        "minted": True,
        "window_seconds": 1.5,
        "delivered": ["/etc/ci/quay", "n1:/etc/containers/auth.json", "hashi_vault https://vault.example.com ci"],
        "ended": False,
    },
    {
        **STATUS,
        "name": "nightly",
        "kind": "api",
        "changed": True,
        "minted": True,
        "window_seconds": 0.25,
        "delivered": ["n1:/etc/nightly"],
        "failed_hosts": {"n2": "n2: No space left on device"},
        "waiting_for": ["n2", "n3"],
        "superseded": ["uuid-1", "uuid-2"],
        "retired": ["uuid-2"],
        "error": "n2: No space left on device",
    },
    {
        **STATUS,
        "name": "scanner",
        "kind": "referrers",
        "changed": True,
        "minted": True,
        "window_seconds": 0.1,
        "delivered": ["/etc/scanner"],
        "former_expires_at": "2026-01-31T13:00:00Z",
    },
    {**STATUS, "name": "acme+idle", "kind": "robot", "due": False, "reason": "not_due", "action": "nothing"},
]
FACTS = Facts("https://quay.example.com", "rotator", "2026-01-31T12:00:00Z")


def rows(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = make_report(results, results)["rows"]
    return found


def tables_of(page: str) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return dict(json.loads(found.group(1)))


def cells(table: dict[str, Any]) -> list[list[Any]]:
    return [row[0] for row in table["rows"]]


def test_credentials_with_failures_first() -> None:
    table = tables_of(rotation_page(rows(RESULTS), FACTS))["credentials"]
    found = cells(table)
    assert [row[0][0] for row in found] == ["nightly", "acme+ci", "scanner", "acme+idle"]
    assert [row[2] for row in found] == [["failed"], ["rotated"], ["rotated"], ["not_due"]]
    assert found[0][3:] == [
        "too_old",
        "age 91 days, limit 90 days",
        "n2: No space left on device",
        [0.25, ""],
    ]
    assert found[1][5].startswith("minted 0011; delivered to /etc/ci/quay, n1:/etc/containers/auth.json")
    assert found[3][6] == [None, ""]
    details = dict(table["rows"][0][1])
    assert details["Failed hosts"] == ["n2: No space left on device"]
    assert (details["Waiting for"], details["Revoked"]) == (["n2", "n3"], ["uuid-2"])


def test_hosts_and_stores() -> None:
    found = cells(tables_of(rotation_page(rows(RESULTS), FACTS))["deliveries"])
    assert found == [
        ["acme+ci", "rotator", "/etc/ci/quay", ["delivered"], ""],
        ["acme+ci", "n1", "/etc/containers/auth.json", ["delivered"], ""],
        ["acme+ci", "rotator", "hashi_vault https://vault.example.com ci", ["delivered"], ""],
        ["nightly", "n1", "/etc/nightly", ["delivered"], ""],
        ["nightly", "n2", "", ["failed"], "n2: No space left on device"],
        ["nightly", "n3", "", ["missing"], ""],
        ["scanner", "rotator", "/etc/scanner", ["delivered"], ""],
    ]


def test_what_is_still_valid() -> None:
    page = rotation_page(rows(RESULTS), FACTS)
    assert cells(tables_of(page)["valid"]) == [
        [
            "acme+ci",
            "registry tokens that were issued for the former secret",
            "unknown: they can be renewed",
            "delete the robot account to end them",
        ],
        ["nightly", "the former secret uuid-1", "a later run revokes it", "n2, n3 may use it"],
        ["scanner", "the former token", "2026-01-31T13:00:00Z", "it cannot be revoked"],
    ]
    assert "valid" not in tables_of(rotation_page(rows(RESULTS[3:]), FACTS))


@pytest.mark.parametrize("check_mode", [False, True])
def test_notices(check_mode: bool) -> None:
    warnings = ["The token expires in 3 days"]
    facts = Facts(
        "https://quay.example.com", "rotator", "", check_mode, "Quay is down", [{"path": "/etc/old"}], warnings
    )
    page = rotation_page(rows(RESULTS), facts)
    for text in (
        "Quay is down",
        f"1 credential {'would fail' if check_mode else 'failed'}",
        "nightly: n2: No space left on device",
        "nightly: n2, n3",
        "/etc/old (unknown)",
        *warnings,
    ):
        assert text in page
    assert ("(prediction)" in page) is check_mode
    assert ("Nothing was changed." in page) is check_mode
    assert "No credential failed, and no host is missing." not in page
    assert "No credential failed, and no host is missing." in rotation_page(rows(RESULTS[2:]), FACTS)


def test_notice_of_many_failures_is_short() -> None:
    many = [{**RESULTS[1], "name": f"n{number}"} for number in range(14)]
    page = rotation_page(rows(many), FACTS)
    assert "14 credentials failed" in page
    assert "<li>n11: n2: No space left on device</li><li>and 2 more, see the table</li>" in page
    assert len(tables_of(page)["credentials"]["rows"]) == 14


def test_windows() -> None:
    page = rotation_page(rows(RESULTS), FACTS)
    assert re.findall(r'<span class="value">([\d.]+ s)</span>', page) == ["1.50 s", "0.25 s", "0.10 s"]
    assert "<b>1.50 s</b>" in page


def test_nothing_to_do() -> None:
    page = rotation_page([], FACTS)
    assert cells(tables_of(page)["credentials"]) == []
