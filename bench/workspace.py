# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder in which plays run, as a user runs them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from contract import collection

from .measure import Measurement, best, run
from .quay import Quay

ROTATION = f"{collection.NAME}.rotation"
DEFAULTS = collection.ROOT / "roles" / "rotation" / "defaults" / "main.yml"
PARALLEL = "rotation_parallel"
_LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}

Play = list[dict[str, Any]]


@dataclass
class Workspace:
    """A folder with plays, variables and the stores of credentials, and the login of Quay."""

    folder: Path
    quay: Quay
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def stores(self) -> Path:
        return self.folder / "stores"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of a play. The user's own settings of Ansible are left out."""
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(collection.COLLECTIONS),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            **self.quay.environment,
        }

    def credentials(self, robots: Sequence[str], **policy: Any) -> list[dict[str, Any]]:
        """Declare robots, each with a file of its own."""
        self.stores.mkdir(exist_ok=True)
        return [
            {"name": name, "kind": "robot", **policy, "deliver": [self.file(self.stores / f"{name}.json")]}
            for name in robots
        ]

    def file(self, path: Path | str) -> dict[str, Any]:
        return {"kind": "file", "path": str(path), "format": "json"}

    def clear(self) -> None:
        """Remove all stores."""
        shutil.rmtree(self.stores, ignore_errors=True)

    def play(
        self,
        play: Play,
        *options: str,
        inventory: str = "localhost,",
        environment: Mapping[str, str] | None = None,
        **variables: Any,
    ) -> Measurement:
        """Run a play once."""
        (self.folder / "play.yml").write_text(yaml.safe_dump(play, sort_keys=False))
        given = {**_LOCAL, **self.variables, **variables}
        # JSON is YAML, and is written faster.
        (self.folder / "variables.yml").write_text(json.dumps(given, indent=1))
        command = ["ansible-playbook", "play.yml", "-i", inventory, "-e", "@variables.yml", *options]
        return run(command, {**self.environment, **(environment or {})}, self.folder)

    def ping(self, times: int = 3) -> Measurement:
        """Measure a play with one task that does nothing: the fixed start of Ansible."""
        return best([self.play(task_play("ansible.builtin.ping", {})) for _time in range(times)])


def task_play(module: str, arguments: Mapping[str, Any], hosts: str = "localhost", **keywords: Any) -> Play:
    """A play with one task."""
    task = {"name": "Run the module", module: dict(arguments), **keywords}
    return [{"name": "Measure one task", "hosts": hosts, "gather_facts": False, "tasks": [task]}]


def role_play(hosts: str = "localhost") -> Play:
    """A play that runs the role."""
    return [{"name": "Rotate the credentials", "hosts": hosts, "gather_facts": False, "roles": [ROTATION]}]


def has_parallel() -> bool:
    """Whether the role has the variable rotation_parallel."""
    return PARALLEL in yaml.safe_load(DEFAULTS.read_text())


def parallel() -> int:
    """Return how many credentials the role rotates at a time."""
    return int(yaml.safe_load(DEFAULTS.read_text()).get(PARALLEL) or 1)
