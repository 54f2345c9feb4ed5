# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that rotation_report_path names: written after each run, also after a failed one, and without a secret."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from functional.harness import Harness
from functional.role import Role, Run, stored


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def role(harness: Harness) -> Role:
    return Role(harness)


def reports(role: Role) -> Path:
    return role.work / "reports"


def run(role: Role, credentials: Any, *arguments: str, **variables: Any) -> Run:
    """Run the role with reports in a folder. Asserts that they have no secret."""
    variables.setdefault("rotation_report_path", str(reports(role)))
    found = role.run(credentials, *arguments, **variables)
    for path in reports(role).glob("*"):
        assert role.harness.known_secrets.in_text(path.read_text()) == []
    return found


def tables(role: Role) -> dict[str, list[list[Any]]]:
    """The cells of each table of the page."""
    text = (reports(role) / "rotation.html").read_text()
    found = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    return {name: [row[0] for row in table["rows"]] for name, table in json.loads(found.group(1)).items()}


def test_reports(role: Role) -> None:
    declared = [role.robot(), role.robot("acme+new")]
    predicted = run(role, declared, "--check", "--diff")
    assert not reports(role).exists()
    real = run(role, declared, "--diff")
    assert real.recap == predicted.recap
    assert real.recap["localhost"][1] == 0
    assert (
        real.lines[-2:]
        == predicted.lines[-2:]
        == [f"Report: {reports(role)}/rotation.{end}" for end in ("html", "json")]
    )
    files = sorted(reports(role).iterdir())
    assert [(path.name, stat.S_IMODE(path.stat().st_mode)) for path in files] == [
        ("rotation.html", 0o600),
        ("rotation.json", 0o600),
    ]
    document = json.loads(files[1].read_text())
    assert (document["server"], document["interruption"]) == (role.harness.quay.url, None)
    assert document["rows"] == role.report()
    assert document["summary"]["created"] == 1
    assert [row[0][0] for row in tables(role)["credentials"]] == ["acme+new", "acme+ci"]
    assert tables(role)["deliveries"] == [
        [name, "localhost", str(role.folder / f"{name}.json"), ["delivered"], ""] for name in ("acme+ci", "acme+new")
    ]
    again = run(role, declared)
    assert again.lines[0] == "2 not due"
    assert tables(role)["deliveries"] == []


@pytest.mark.slow
def test_hosts(role: Role) -> None:
    on_host = role.file(path=f"{role.folder}/{{{{ inventory_hostname }}}}.json")
    declared = [{"name": "acme+ci", "kind": "robot", "deliver": [on_host]}]
    real = run(role, declared, inventory="n1,n2,", rotation_hosts="all")
    assert not real.failed, real.output
    found = tables(role)["deliveries"]
    assert found == [["acme+ci", host, f"{role.folder}/{host}.json", ["delivered"], ""] for host in ("n1", "n2")]


def test_failed_credential(role: Role) -> None:
    declared = [role.robot(), {**role.robot("rival+ci"), "deliver": [role.file("x.json")]}]
    failed = run(role, declared)
    assert failed.failed
    text = (reports(role) / "rotation.html").read_text()
    assert "1 credential failed" in text
    first = tables(role)["credentials"][0]
    assert (first[0][0], first[2]) == ("rival+ci", ["failed"])
    assert "403" in first[5]


@pytest.mark.slow
def test_interrupted_run(role: Role) -> None:
    role.harness.quay.faults.add(method="GET", path="/robots$", kind="status", status=500, times=100)
    interrupted = run(role, [role.robot()], rotation_retries=0)
    assert interrupted.failed
    assert "500" in (reports(role) / "rotation.html").read_text()
    assert json.loads((reports(role) / "rotation.json").read_text())["rows"][0]["error"]


def test_report_that_cannot_be_written_fails_at_the_end(role: Role) -> None:
    """What was rotated stays rotated, and is reported."""
    (role.work / "file").write_text("")
    failed = run(role, [role.robot("acme+new")], rotation_report_path=f"{role.work}/file/rotation.html")
    assert failed.failed
    assert failed.lines[0] == "1 created"
    assert "The report was not written: " in failed.text
    assert not [line for line in failed.lines if line.startswith("Report: ")]
    assert stored(role.folder / "acme+new.json") == role.harness.robot_fingerprint("acme+new")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("reports", "rotation_report_path: 'reports' is not an absolute path"),
        ("/tmp/rotation.csv", "has the ending .csv, and this report is written as .html, .json"),
    ],
)
def test_bad_path_sends_nothing(role: Role, path: str, words: str) -> None:
    refused = role.refuse([role.robot()], rotation_report_path=path)
    assert words in refused.text
