# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which code a module loads: on a target all of it is compiled anew in each run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contract import collection
from functional.harness import Harness

# Runs a module as a program, and prints afterwards the names of all modules that it has imported.
_PROGRAM = """
import json, runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    print()
    print(json.dumps([end.code, sorted(sys.modules)]))
"""
_UTILS = f"ansible_collections.{collection.NAME}.plugins.module_utils."
# What only modules that talk to Quay need.
HTTP_CLIENT = {"requests", "urllib3", f"{_UTILS}_http.client", f"{_UTILS}_http.session"}

READ = "GET /api/v1/organization/acme/robots/ci"


@pytest.fixture
def family() -> str:
    return "3.18"


def loaded_by(module: str, arguments: dict[str, Any], *, status: int = 0) -> set[str]:
    """Run a module, which must end with ``status``, in a new interpreter, and return what it has imported."""
    process = subprocess.run(
        [sys.executable, "-B", "-c", _PROGRAM, str(collection.PLUGINS / "modules" / f"{module}.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={"PATH": os.defpath, "PYTHONPATH": str(collection.COLLECTIONS)},
        capture_output=True,
        text=True,
        check=True,
    )
    ended, names = json.loads(process.stdout.splitlines()[-1])
    assert ended == status
    return set(names)


def store_code(loaded: set[str]) -> set[str]:
    """The names of the loaded files of stores."""
    prefix = f"{_UTILS}_stores."
    return {name.removeprefix(prefix) for name in loaded if name.startswith(prefix)}


def remote_store_code(loaded: set[str]) -> set[str]:
    """The loaded files of the stores that are reached from where Quay is asked."""
    kinds = ("awx_", "hashi_", "kubernetes_", "vault_", "ansible_vault")
    return {name for name in store_code(loaded) if name.startswith(kinds)}


def token_module_code(loaded: set[str]) -> set[str]:
    """The loaded files that issue secrets, of all kinds of credentials."""
    files = ("rotation_order", "robot_token", "robot_pair", "api_token", "referrers_token", "federated_token")
    return loaded & {f"{_UTILS}_credentials.{name}" for name in files}


def file_store(tmp_path: Path) -> dict[str, Any]:
    return {"kind": "file", "path": str(tmp_path / "ci.json"), "format": "json"}


@pytest.mark.parametrize("state", ["nothing", "a file"])
def test_delivery_to_a_host_needs_no_http_client(tmp_path: Path, state: str) -> None:
    delivery = {**file_store(tmp_path), "declared": "acme+ci", "entry": 0, "token": "T" * 64, "username": "acme+ci"}
    deliveries = [] if state == "nothing" else [delivery]
    arguments = {"quay_host": "https://quay.example.com", "deliveries": deliveries, "run": {}, "rotator": "localhost"}
    loaded = loaded_by("quay_host_delivery", arguments)
    assert (tmp_path / "ci.json").exists() == bool(deliveries)
    assert loaded & HTTP_CLIENT == set()
    assert remote_store_code(loaded) == set()


def test_inspection_of_a_host_needs_no_http_client(tmp_path: Path) -> None:
    declared = [
        {"name": "acme+ci", "kind": "robot", "deliver": [file_store(tmp_path)]},
        {"name": "acme+duo", "kind": "robot", "strategy": "paired", "deliver": [file_store(tmp_path / "duo")]},
        {"name": "acme+build", "kind": "robot_lease", "lifetime": "1h", "deliver": [file_store(tmp_path / "build")]},
        {"name": "laptop", "kind": "app", "deliver": [file_store(tmp_path / "laptop")]},
    ]
    arguments = {"quay_host": "https://quay.example.com", "credentials": declared, "rotator": "localhost"}
    loaded = loaded_by("quay_host_inspection", arguments)
    assert "token_file" in store_code(loaded)
    assert token_module_code(loaded) == set()
    assert loaded & HTTP_CLIENT == set()
    assert remote_store_code(loaded) == set()


def test_module_that_asks_no_server_needs_no_http_client(tmp_path: Path) -> None:
    arguments = {"quay_host": "https://quay.example.com", "path": str(tmp_path / "token"), "token": "T" * 64}
    assert loaded_by("quay_token_file", arguments) & HTTP_CLIENT == set()


def test_secret_in_a_file_needs_no_code_of_other_stores(harness: Harness, tmp_path: Path) -> None:
    arguments = {"quay_host": harness.quay.url, **harness.login, "name": "acme+ci"}
    harness.quay.journal.clear()
    loaded = loaded_by("quay_robot_token", {**arguments, "deliver": [file_store(tmp_path)]})
    assert (tmp_path / "ci.json").exists()
    assert loaded >= HTTP_CLIENT
    assert f"{_UTILS}_credentials.robot_token" in token_module_code(loaded)
    assert remote_store_code(loaded) == set()
    # Nothing is asked before the credential: a bearer token needs no sign-in.
    assert harness.requests[0] == READ
    harness.quay.journal.clear()
    loaded_by("quay_robot_token", {**arguments, "deliver": [file_store(tmp_path)]})
    assert harness.requests == [READ]


def test_code_of_the_used_kind_is_loaded_alone(harness: Harness) -> None:
    """The run ends where it cannot reach the server of the store."""
    store = {"kind": "hashi_vault", "vault_url": "http://127.0.0.1:1", "path": "quay/ci", "vault_token": "T" * 26}
    arguments = {"quay_host": harness.quay.url, **harness.login, "name": "acme+ci", "deliver": [store]}
    kinds = remote_store_code(loaded_by("quay_robot_token", arguments, status=1))
    assert "hashi_vault" in kinds
    assert not any(name.startswith(("awx_", "kubernetes_", "ansible_vault", "vault_vars")) for name in kinds)


def test_files_of_filters_do_not_load_what_makes_reports() -> None:
    """To find a filter, Ansible loads the files of all of them, and anew in the process of each task."""
    prefix = f"ansible_collections.{collection.NAME}.plugins."
    files = sorted(path.stem for path in (collection.PLUGINS / "filter").glob("[a-z]*.py"))
    imports = "; ".join(f"import {prefix}filter.{name}" for name in files)
    process = subprocess.run(
        [sys.executable, "-B", "-c", f"import json, sys; {imports}; print(json.dumps(sorted(sys.modules)))"],
        env={"PATH": os.defpath, "PYTHONPATH": str(collection.COLLECTIONS)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = json.loads(process.stdout)
    assert f"{prefix}filter.audit_report" in loaded
    pages = (f"{prefix}plugin_utils.{name}" for name in ("audit_page", "audit_report", "html_report", "rotation_page"))
    assert [name for name in loaded if name.startswith((*pages, f"{prefix}module_utils._credentials.audit"))] == []
