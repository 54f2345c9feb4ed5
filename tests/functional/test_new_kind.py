# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kind of credential is one file and its line in the registry: the role rotates a new one in a copy of the code."""

from __future__ import annotations

import inspect
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from contract import collection
from functional import toy_kind
from functional.harness import Harness
from functional.role import PLAY, Role, stored

_MAX_LINES = 80
# What the role's process is made of.
_PARTS = ("meta", "plugins", "roles")
# In kinds.py: the import of the new kind, and its name.
_REGISTERED = {
    "from .robot_kind import ROBOT\n": "from .robot_kind import ROBOT\nfrom .toy_kind import TOY\n",
    "_IN_ORDER = (": "_IN_ORDER = (TOY, ",
}
_STATUS = """
    - name: Get the status
      tokensmith.quay.quay_token_info:
        credentials: "{{ rotation_credentials }}"
      register: status
    - name: Save the status
      ansible.builtin.copy:
        content: "{{ status.credentials | to_json }}"
        dest: "{{ report_path }}.status"
        mode: "0600"
      check_mode: false
"""


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def role(harness: Harness, tmp_path: Path) -> Role:
    """The role of a copy of the collection with the new kind."""
    copy = tmp_path / "ansible_collections" / "tokensmith" / "quay"
    for part in _PARTS:
        shutil.copytree(collection.ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(collection.ROOT / "galaxy.yml", copy)
    kinds = copy / "plugins" / "module_utils" / "_credentials"
    shutil.copy(str(inspect.getsourcefile(toy_kind)), kinds)
    registry = (kinds / "kinds.py").read_text()
    for before, after in _REGISTERED.items():
        assert registry.count(before) == 1
        registry = registry.replace(before, after)
    (kinds / "kinds.py").write_text(registry)
    return Role(harness, {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path)})


def toy(role: Role, **options: Any) -> dict[str, Any]:
    return {"name": "mine", "kind": "toy", "server": str(role.work / "server"), "deliver": [role.file()], **options}


def known(role: Role) -> str:
    """The fingerprint of the secret that is valid."""
    return str(json.loads((role.work / "server").read_text())["mine"])


def status(role: Role) -> dict[str, Any]:
    (found,) = json.loads((role.work / "report.json.status").read_text())
    return dict(found)


def test_new_kind_is_a_short_file() -> None:
    assert len(inspect.getsource(toy_kind).splitlines()) <= _MAX_LINES


def test_role_rotates_a_new_kind(role: Role) -> None:
    declared, file = [toy(role)], role.folder / "ci.json"
    predicted = role.rotate(declared, "--check", play=PLAY + _STATUS)
    assert predicted.lines[0] == "1 would be created"
    assert status(role)["reason"] == "missing"
    assert not (role.work / "server").exists()
    assert list(role.folder.iterdir()) == []
    planned = role.report()

    created = role.rotate(declared, play=PLAY + _STATUS)
    assert created.lines[0] == "1 created"
    unknown = {"fingerprint": None, "window_seconds": None}
    assert [{**row, **unknown} for row in role.report()] == [{**row, **unknown} for row in planned]
    assert role.report()[0]["delivered"] == [str(file)]
    assert stored(file) == role.report()[0]["fingerprint"] == known(role)
    now = status(role)
    assert (now["reason"], now["holds"], now["fingerprint"]) == ("not_due", ["current"], known(role))

    first = known(role)
    again = role.rotate(declared)
    assert again.lines[0] == "1 not due"
    assert (stored(file), known(role)) == (first, first)

    forced = role.rotate(declared, rotation_force="mine")
    assert forced.lines[0] == "1 rotated"
    assert stored(file) == known(role) != first


def test_declaration_of_a_new_kind_is_validated(role: Role) -> None:
    wrong = toy(role, server="", scopes=["repo:read"], deliver=[{"kind": "tasks", "tasks_file": "x.yml"}])
    run = role.refuse([wrong, {**toy(role), "kind": "tou"}])
    assert "server is missing" in run.text
    assert "scopes has no effect on a credential of the kind toy. A toy does nothing" in run.text
    assert "deliver needs a store that can be read back" in run.text
    assert re.search(r"kind must be toy, api, .* or \w+, not 'tou'", run.text)
