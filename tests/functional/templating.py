# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of ad-hoc commands of Ansible, for filters and lookups."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contract import collection


@dataclass(frozen=True)
class Play:
    """The result of one play. ``values``: the facts that it wrote."""

    failed: bool
    output: str
    values: dict[str, Any]


def run_play(
    folder: Path,
    facts: Mapping[str, Any],
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Play:
    """Evaluate templates as one task of a play on localhost, and return their values, which reach no output.

    ``facts``: a template for each name.
    """
    out = folder / "values.json"
    out.unlink(missing_ok=True)
    tasks = [
        {
            "name": "Evaluate",
            "ansible.builtin.copy": {"content": "{{ evaluated | to_json }}", "dest": str(out), "mode": "0600"},
            "vars": {"evaluated": dict(facts)},
            "check_mode": False,
            "diff": False,
        }
    ]
    play = {"hosts": "localhost", "gather_facts": False, "vars": dict(variables or {}), "tasks": tasks}
    playbook = folder / "play.yml"
    playbook.write_text(yaml.safe_dump([play]))
    home = folder / "home"
    process = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", str(playbook), *arguments],
        env={
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "ANSIBLE_HOME": str(home / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(collection.COLLECTIONS),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_LOCALHOST_WARNING": "0",
            **(environ or {}),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    values = json.loads(out.read_text()) if out.exists() else {}
    out.unlink(missing_ok=True)
    return Play(process.returncode != 0, process.stdout + process.stderr, values)
