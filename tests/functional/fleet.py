# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of hosts on this machine, each with its own folder, any of which can be lost at any step."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from functional.role import Role, Run, stored

# A connection to this machine that can be lost. The file of a host says how many more commands it lets through, and
# whether the first lost one is executed, so that only its result is lost. A run can be stopped at one of its commands:
# it goes on when the file `stopped` is removed.
_CONNECTION = '''
from __future__ import annotations

import pathlib
import time

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = """
name: losable
short_description: the local machine, as a host that can be lost
author: the tests
description: Fails as an unreachable host does.
options:
  allowance:
    description: The file with the number of commands that are let through.
    type: str
    vars:
      - name: losable_allowance
"""


class Connection(LocalConnection):
    transport = "losable"

    def exec_command(self, *arguments, **options):
        path = pathlib.Path(self.get_option("allowance"))
        _stop_at_command(path.parent)
        if path.exists():
            left, _blank, last = path.read_text().partition(" ")
            if int(left) <= 0:
                path.write_text("0")
                if last:
                    super().exec_command(*arguments, **options)
                raise AnsibleConnectionFailure("the host is gone")
            path.write_text(f"{int(left) - 1} {last}".strip())
        return super().exec_command(*arguments, **options)


def _stop_at_command(work):
    with (work / "commands").open("a") as file:
        file.write(".")
        file.flush()
        number = file.tell()
    stop, stopped = work / "stop", work / "stopped"
    if stop.exists() and int(stop.read_text()) == number:
        stopped.touch()
        while stopped.exists():
            time.sleep(0.01)
'''


@dataclass
class Fleet:
    """The hosts of one play, in the group nodes."""

    role: Role
    names: list[str]

    def __post_init__(self) -> None:
        plugins = self.work / "connection_plugins"
        plugins.mkdir(exist_ok=True)
        (plugins / "losable.py").write_text(_CONNECTION)
        self.role.connection = {}
        for name in self.names:
            self.folder(name).mkdir(exist_ok=True)
        self.write_inventory()

    @property
    def work(self) -> Path:
        return self.role.work

    def folder(self, host: str) -> Path:
        return self.role.folder / host

    def write_inventory(self, others: dict[str, Any] | None = None, **host_vars: dict[str, Any]) -> None:
        """Write the inventory. ``host_vars``: further variables by host. ``others``: the group of other hosts."""
        hosts = {
            name: {
                "ansible_connection": "losable",
                "losable_allowance": str(self._allowance(name)),
                "ansible_python_interpreter": sys.executable,
                "folder": str(self.folder(name)),
                **host_vars.get(name, {}),
            }
            for name in self.names
        }
        (self.work / "hosts.yml").write_text(yaml.safe_dump({"nodes": {"hosts": hosts}, "others": others or {}}))

    def lose(self, host: str, *, after: int = 0, executes: bool = False) -> None:
        """Make a host unreachable, after so many more commands.

        ``executes``: the next command is executed, and its result is lost.
        """
        self._allowance(host).write_text(f"{after} executes" if executes else str(after))

    def find(self, host: str) -> None:
        """Make a host reachable again."""
        self._allowance(host).unlink(missing_ok=True)

    def run(self, credentials: Any, *arguments: str, **variables: Any) -> Run:
        inventory = {"inventory": "hosts.yml", "rotation_hosts": "nodes"}
        return self.role.run(credentials, *arguments, **{**inventory, **variables})

    def rotate(self, credentials: Any, *arguments: str, **variables: Any) -> Run:
        """Run the role. Asserts that it succeeds on every host."""
        run = self.run(credentials, *arguments, **variables)
        assert not run.failed, run.output
        return run

    def held(self, name: str) -> dict[str, str | None]:
        """The fingerprint of the secret that each host holds in a JSON file of its folder."""
        paths = {host: self.folder(host) / name for host in self.names}
        return {host: stored(path) if path.exists() else None for host, path in paths.items()}

    def username(self, host: str, name: str) -> str:
        return str(json.loads((self.folder(host) / name).read_text())["username"])

    def _allowance(self, host: str) -> Path:
        return self.work / f"{host}.allowance"
