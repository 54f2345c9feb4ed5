# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the role rotation by ansible-playbook, as users do, and reads what it prints."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from contract import collection
from functional.harness import Harness
from standin.tokens import fingerprint

_RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
_REPORT = re.compile(r"TASK \[[^\]]*Rotation report[^\]]*\] \**\nok: \[\S+\] => (\{.*?\n\})", re.DOTALL)
_STATS = re.compile(r"CUSTOM STATS: \**\s+RUN: (\{.*\})")
PLAY = """
- hosts: "{{ rotation_hosts | default('localhost') }}"
  gather_facts: false
  strategy: "{{ strategy_name | default('linear') }}"
  serial: "{{ batch | default(0) | int }}"
  tasks:
    - name: Rotate
      ansible.builtin.import_role:
        name: tokensmith.quay.rotation
    - name: Save the report
      ansible.builtin.copy:
        content: "{{ [rotation_report, rotation_summary] | to_json }}"
        dest: "{{ report_path }}"
        mode: "0600"
      check_mode: false
      run_once: true
"""


@dataclass(frozen=True)
class Run:
    """The output of one run. ``recap``: for each host, its changed and its failed tasks."""

    output: str = field(repr=False)
    recap: dict[str, tuple[int, int]]

    @property
    def failed(self) -> bool:
        return any(failed for _changed, failed in self.recap.values())

    @property
    def lines(self) -> list[str]:
        """The printed report."""
        found = _REPORT.search(self.output)
        assert found, self.output
        return list(json.loads(found[1])["msg"])

    @property
    def summary(self) -> dict[str, Any]:
        """The statistics that AWX keeps."""
        found = _STATS.search(self.output)
        assert found, self.output
        return dict(json.loads(found[1])["rotation_summary"])

    @property
    def text(self) -> str:
        """The output without the line breaks that ansible-core inserts."""
        return " ".join(self.output.split())


@dataclass
class Role:
    """Runs the role against the stand-in as alice, by the environment variables of the connection."""

    harness: Harness
    environ: dict[str, str] = field(default_factory=dict)
    # How hosts are connected to, for all of them. An inventory with its own connections leaves it empty.
    connection: dict[str, str] = field(
        default_factory=lambda: {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    )

    @property
    def folder(self) -> Path:
        return self.harness.folder

    @property
    def work(self) -> Path:
        """The folder of the playbook, its inventory and its results."""
        return self.folder.parent

    def run(self, credentials: Any, *arguments: str, play: str = PLAY, **variables: Any) -> Run:
        process = subprocess.run(
            self.command(credentials, *arguments, play=play, **variables),
            env=self.variables_of_environment,
            cwd=self.work,
            capture_output=True,
            text=True,
            check=False,
        )
        run = self.finished(process.stdout + process.stderr)
        assert run.recap, run.output
        return run

    def command(self, credentials: Any, *arguments: str, play: str = PLAY, **variables: Any) -> list[str]:
        """Write the play and its variables, and return the command that runs it in the folder ``work``."""
        self.harness.quay.journal.clear()
        (self.work / "play.yml").write_text(play)
        given = {"rotation_credentials": credentials, "report_path": str(self.work / "report.json"), **variables}
        given = {name: value for name, value in given.items() if value is not None}
        (self.work / "variables.yml").write_text(yaml.safe_dump({**self.connection, **given}))
        command = [sys.executable, "-m", "ansible", "playbook", "play.yml", "-e", "@variables.yml"]
        return [*command, "-i", str(variables.get("inventory", "localhost,")), *arguments]

    def finished(self, output: str) -> Run:
        """The result by what was printed. Asserts that it contains no secret."""
        assert self.harness.known_secrets.in_text(output) == []
        return Run(output, {host: (int(found[0]), int(found[2])) for host, *found in _RECAP.findall(output)})

    def rotate(self, credentials: Any, *arguments: str, **variables: Any) -> Run:
        """Run the role. Asserts that it succeeds."""
        run = self.run(credentials, *arguments, **variables)
        assert not run.failed, run.output
        return run

    def refuse(self, credentials: Any, *arguments: str, **variables: Any) -> Run:
        """Run the role in check mode and really. Asserts that it fails, sends nothing and writes nothing."""
        state, files = self.harness.state(), self.harness.files()
        for check in ((), ("--check",)):
            run = self.run(credentials, *arguments, *check, **variables)
            assert run.failed, run.output
            assert self.harness.requests == []
            assert (self.harness.state(), self.harness.files()) == (state, files)
            assert "argument_spec_data" not in run.output
        return run

    def report(self) -> list[dict[str, Any]]:
        """The variable rotation_report of the last run."""
        return list(json.loads((self.work / "report.json").read_text())[0])

    def file(self, name: str = "ci.json", **options: Any) -> dict[str, Any]:
        return {"kind": "file", "path": str(self.folder / name), "format": "json", **options}

    def robot(self, name: str = "acme+ci", **options: Any) -> dict[str, Any]:
        return {"name": name, "kind": "robot", "deliver": [self.file(f"{name}.json")], **options}

    @property
    def variables_of_environment(self) -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": str(self.work),
            "ANSIBLE_HOME": str(self.work / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(collection.COLLECTIONS),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_SHOW_CUSTOM_STATS": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "QUAY_HOST": self.harness.quay.url,
            "QUAY_TOKEN": self.harness.accounts.alice_token,
            **self.environ,
        }


def stored(path: Path) -> str:
    """The fingerprint of the secret in a JSON file."""
    return fingerprint(json.loads(path.read_text())["token"])
