# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs ansible-inventory and the role on an inventory of credentials, as users do."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from functional.role import Role, Run

SOURCE = "quay_credentials.yml"
# As the guide shows it.
PLAY = """
- hosts: "{{ pattern | default('quay_credentials') }}"
  gather_facts: false
  serial: "{{ batch | default(0) | int }}"
  handlers:
    - name: Note what was delivered
      ansible.builtin.debug:
        msg: "handled {{ rotation_delivered | join(' ') }}"
      listen: quay credential delivered
  roles:
    - role: tokensmith.quay.rotation
  post_tasks:
    - name: Save the report
      ansible.builtin.copy:
        content: "{{ [rotation_report, rotation_summary] | to_json }}"
        dest: "{{ report_path }}"
        mode: "0600"
      check_mode: false
      run_once: true
"""


@dataclass(frozen=True)
class Listing:
    """The output of ansible-inventory."""

    output: str = field(repr=False)
    warnings: str = field(repr=False)

    @property
    def data(self) -> dict[str, Any]:
        return dict(json.loads(self.output))

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """The variables of each host."""
        return dict(self.data["_meta"]["hostvars"])

    def group(self, name: str) -> list[str]:
        return list(self.data.get(name, {}).get("hosts", ()))

    @property
    def text(self) -> str:
        """The warnings without line breaks."""
        return " ".join(self.warnings.split())


@dataclass
class CredentialInventory:
    """An inventory source in the folder of a role's plays."""

    role: Role

    @property
    def work(self) -> Path:
        return self.role.work

    def write(self, declared: list[dict[str, Any]] | None, /, **options: Any) -> None:
        """Write the source, and the declarations, if they are given, next to it."""
        source = {"plugin": "tokensmith.quay.credentials", **options}
        if declared is not None:
            source["credentials_file"] = "credentials.yml"
            (self.work / "credentials.yml").write_text(yaml.safe_dump({"rotation_credentials": declared}))
        (self.work / SOURCE).write_text(yaml.safe_dump(source, sort_keys=False))

    def list(self, *arguments: str) -> Listing:
        """Run ansible-inventory, which must succeed. Asserts that it shows no secret."""
        self.role.harness.quay.journal.clear()
        process = self.inventory(*(arguments or ("--list", "--export")))
        assert process.returncode == 0, process.stderr
        return Listing(process.stdout, process.stderr)

    def refuse(self, *words: str) -> str:
        """Assert that the source is refused with these words, and that nothing is sent."""
        self.role.harness.quay.journal.clear()
        process = self.inventory("--list", ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true")
        text = " ".join(process.stderr.split())
        assert process.returncode != 0, process.stdout
        for part in words:
            assert part in text, text
        assert self.role.harness.requests == []
        return text

    def inventory(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        process = subprocess.run(
            [sys.executable, "-m", "ansible", "inventory", "-i", SOURCE, *arguments],
            env={**self.role.variables_of_environment, **environ},
            cwd=self.work,
            capture_output=True,
            text=True,
            check=False,
        )
        assert self.role.harness.known_secrets.in_text(process.stdout + process.stderr) == []
        return process

    def run(self, *arguments: str, **variables: Any) -> Run:
        """Run the role over the hosts of the inventory."""
        return self.role.run(None, *arguments, play=PLAY, inventory=SOURCE, **variables)

    def rotate(self, *arguments: str, **variables: Any) -> Run:
        """Run the role. Asserts that it succeeds."""
        run = self.run(*arguments, **variables)
        assert not run.failed, run.output
        return run
