# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role audit and its playbook: the files of the report, check mode, and when a job fails."""

from __future__ import annotations

import csv
import json
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from contract import collection
from functional.conftest import OLDER_IS_SLOW
from functional.harness import Harness
from functional.role import Role

SCHEMA = json.loads((collection.ROOT / "roles" / "audit" / "files" / "audit.schema.json").read_text())
_RECAP = re.compile(r"localhost\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)")
_MESSAGE = re.compile(r"TASK \[[^\]]*Audit report[^\]]*\] \**\nok: \[localhost\] => (\{.*?\n\})", re.DOTALL)
NAME = '=cmd|" /C calc"!A0</script><img src=x onerror=alert(1)>{{ 7 * 7 }} \u202eabc | `x`'


class AuditRun:
    """The output of one run of the playbook."""

    def __init__(self, output: str, status: int) -> None:
        found = _RECAP.search(output)
        assert found, output
        self.output, self.status = output, status
        self.changed, self.failed = int(found[1]), int(found[2])

    @property
    def lines(self) -> list[str]:
        found = _MESSAGE.search(self.output)
        assert found, self.output
        return list(json.loads(found[1])["msg"])

    @property
    def text(self) -> str:
        return " ".join(self.output.split())


class Auditor:
    """Runs the playbook on the stand-in as alice."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.role = Role(harness)

    @property
    def folder(self) -> Path:
        return self.harness.folder / "reports"

    def run(self, *arguments: str, **variables: Any) -> AuditRun:
        self.harness.quay.journal.clear()
        given = {"audit_organizations": "acme", **self.role.connection, **variables}
        (self.role.work / "variables.yml").write_text(yaml.safe_dump(given))
        command = [sys.executable, "-m", "ansible", "playbook", "tokensmith.quay.audit", "-i", "localhost,"]
        process = subprocess.run(
            [*command, "-e", "@variables.yml", *arguments],
            env=self.role.variables_of_environment,
            cwd=self.role.work,
            capture_output=True,
            text=True,
            check=False,
        )
        output = process.stdout + process.stderr
        assert self.harness.known_secrets.in_text(output) == []
        for path in self.folder.rglob("*.*"):
            assert self.harness.known_secrets.in_text(path.read_text()) == []
        return AuditRun(output, process.returncode)


@pytest.fixture
def family() -> str:
    """Runs of a playbook are slow. What depends on the server is tested with the module."""
    return "3.18"


@pytest.fixture
def auditor(harness: Harness) -> Auditor:
    return Auditor(harness)


def schema_problems(document: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(document)]


@OLDER_IS_SLOW
def test_reports(auditor: Auditor) -> None:
    harness = auditor.harness
    harness.robot().description = NAME
    harness.advance(days=91)
    predicted = auditor.run("--check", "--diff", audit_report_path=str(auditor.folder), audit_details="federation")
    assert not auditor.folder.exists()
    requests = harness.requests
    run = auditor.run("--diff", audit_report_path=str(auditor.folder), audit_details="federation")
    assert (run.status, run.failed) == (0, 0), run.output
    assert (harness.requests, harness.writes) == (requests, [])
    assert run.changed == predicted.changed == 2
    assert run.lines == predicted.lines
    files = {path.name: path for path in auditor.folder.iterdir()}
    assert files.keys() == {"audit.html", "audit.json", "audit.csv", "audit.md"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    assert run.lines[-4:] == [f"Report: {files[f'audit.{ending}']}" for ending in ("html", "json", "csv", "md")]
    check_json(json.loads(files["audit.json"].read_text()))
    check_csv(files["audit.csv"])
    check_html(files["audit.html"].read_text())
    markdown = files["audit.md"].read_text()
    assert markdown.startswith("# Quay credential audit\n")
    assert "| acme\\+ci | robot account | acme | 91 | never | never | up to 91 days old, limit 90 days" in markdown


def check_json(document: dict[str, Any]) -> None:
    assert schema_problems(document) == []
    (robot,) = [row for row in document["credentials"] if row["kind"] == "robot"]
    assert (robot["description"], robot["age_days"]) == (NAME, 91)
    # The schema is complete: it names every key, and no other one is required.
    keys = set(SCHEMA["$defs"]["credential"]["properties"])
    assert {key for row in document["credentials"] for key in row} == keys
    assert document.keys() == SCHEMA["properties"].keys()


def check_csv(path: Path) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (robot,) = [row for row in rows if row["kind"] == "robot"]
    assert robot["description"] == f"'{NAME}"
    assert (robot["age_days"], robot["rules"]) == ("91", "too_old; never_used; no_federation")
    cells = [cell for row in rows for cell in row.values()]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []


def check_html(text: str) -> None:
    assert text.count("</script>") == 2
    assert "<img" not in text
    assert "\\u003c/script\\u003e" in text
    assert "{{ 7 * 7 }}" in text
    assert re.findall(r"(?:src|href)=[\"'][^#\"']", text) == []


@pytest.mark.slow
def test_second_report_replaces_the_first(auditor: Auditor) -> None:
    path = auditor.folder / "new" / "quay.json"
    for days in (0, 1):
        auditor.harness.advance(days=days)
        run = auditor.run(audit_report_path=[str(path)])
        assert run.status == 0, run.output
    assert [found.name for found in auditor.folder.rglob("*.*")] == ["quay.json"]
    assert [row["age_days"] for row in json.loads(path.read_text())["credentials"] if row["kind"] == "robot"] == [1]


@pytest.mark.slow
def test_schema_refuses_another_structure(auditor: Auditor) -> None:
    auditor.run(audit_report_path=f"{auditor.folder}/quay.json")
    document = json.loads((auditor.folder / "quay.json").read_text())
    assert schema_problems(document) == []
    del document["credentials"][0]["owner"]
    document["credentials"][1]["kind"] = "secret"
    assert len(schema_problems(document)) == 2


@pytest.mark.slow
def test_audit_without_files(auditor: Auditor) -> None:
    run = auditor.run(audit_report_path="")
    assert (run.status, run.changed) == (0, 0)
    assert "credentials have findings" in run.lines[0]
    assert not [line for line in run.lines if line.startswith("Report")]
    assert list(auditor.harness.folder.iterdir()) == []


@pytest.mark.slow
def test_fail_on(auditor: Auditor) -> None:
    path = f"{auditor.folder}/quay.json"
    passed = auditor.run(audit_fail_on="too_old, unused", audit_report_path=path)
    assert passed.status == 0, passed.output
    for arguments in (), ("--check",):
        failed = auditor.run(*arguments, audit_fail_on=["dangerous_scopes"], audit_report_path=path)
        assert (failed.status, failed.failed) == (2, 1)
        assert "Dangerous scopes (dangerous_scopes): (no name)" in failed.text
    assert schema_problems(json.loads(Path(path).read_text())) == []
    assert "No expiry (no_expiry): (no name)" in auditor.run(audit_fail_on="any").text


def test_fail_on_reads_what_the_rule_needs(auditor: Auditor) -> None:
    run = auditor.run(audit_fail_on="no_federation")
    assert run.status == 2
    assert "No federation (no_federation): acme+ci" in run.text


@pytest.mark.slow
def test_rule_that_cannot_be_checked_is_no_success(auditor: Auditor) -> None:
    refused = auditor.run(audit_fail_on="undeclared")
    assert refused.status == 2
    assert "undeclared needs credentials" in refused.text
    left_out = auditor.run(audit_fail_on="unused", audit_rules="too_old")
    assert "required_rules names rules that are not in rules: unused" in left_out.text


@pytest.mark.slow
def test_declarations(auditor: Auditor) -> None:
    robot = auditor.role.robot()
    run = auditor.run(rotation_credentials=[robot], audit_fail_on="undeclared")
    assert run.status == 2
    assert "Not declared (undeclared): " in run.text
    assert "acme+ci" not in run.text.partition("Not declared (undeclared)")[2]
    more = auditor.role.work / "more.yml"
    more.write_text(yaml.safe_dump({"rotation_credentials": [robot]}))
    by_file = auditor.run(audit_credentials_files=str(more), audit_fail_on="undeclared")
    assert by_file.lines == run.lines
    nothing = auditor.run(rotation_credentials=[], audit_fail_on="undeclared")
    assert "Not declared (undeclared): acme+ci" in nothing.text


@pytest.mark.slow
def test_incomplete_audit_fails(auditor: Auditor) -> None:
    path = f"{auditor.folder}/quay.html"
    run = auditor.run(audit_organizations=["acme", "rival"], audit_report_path=path)
    assert run.status == 2
    assert "The audit is incomplete. robots of rival: " in run.text
    assert any(line.startswith("NOT READ: robots of rival: ") for line in run.lines)
    assert "This audit is incomplete." in Path(path).read_text()
    accepted = auditor.run(audit_organizations=["acme", "rival"], audit_allow_incomplete="true")
    assert accepted.status == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"audit_fail_on": "old"}, "audit_fail_on: old is no rule. There are: any, admin_robot"),
        ({"audit_report_path": "reports"}, "audit_report_path: 'reports' is not an absolute path"),
        ({"audit_report_path": ["/tmp/a", "/tmp/a/audit.md"]}, "audit_report_path names a file twice"),
        ({"audit_organizations": ""}, "Nothing is to be audited"),
        ({"audit_max_age": 90}, "max_age needs a unit"),
    ],
)
def test_bad_variables_send_nothing(auditor: Auditor, variables: dict[str, Any], words: str) -> None:
    run = auditor.run(**variables)
    assert run.status == 2
    assert words in run.text
    assert auditor.harness.requests == []


@pytest.mark.slow
def test_empty_texts_are_unset(auditor: Auditor) -> None:
    """AWX hands over empty texts for questions without an answer."""
    specs = yaml.safe_load((collection.ROOT / "roles" / "audit" / "meta" / "argument_specs.yml").read_text())
    names = specs["argument_specs"]["main"]["options"].keys() - {"audit_organizations"}
    plain = auditor.run()
    empty = auditor.run(**dict.fromkeys(names, ""))
    assert (plain.status, empty.status) == (0, 0), empty.output
    assert empty.lines == plain.lines
