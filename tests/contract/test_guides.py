# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the guides are valid, and the recipes guide lists every playbook."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from . import collection
from .test_documentation import validate

GUIDES = sorted((collection.ROOT / "docs" / "docsite" / "rst").glob("*.rst"))
# A variable of a playbook with a default that is not ``omit``.
_DEFAULT = re.compile(r"^\{\{ \w+ \| default\((?!omit)(.+)\) \}\}$")
_YAML = re.compile(r"^\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", re.MULTILINE)
TASK_KEYWORDS = {"name", "register", "no_log", "vars", "when"}


def tasks() -> Iterator[dict[str, Any]]:
    for guide in GUIDES:
        for block in _YAML.findall(guide.read_text()):
            yield from yaml.safe_load(textwrap.dedent(block))


TASKS = list(tasks())


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task["name"])
def test_tasks_of_guides_can_be_run(task: dict[str, Any]) -> None:
    (action,) = task.keys() - TASK_KEYWORDS
    namespace, _dot, module = action.rpartition(".")
    assert namespace == collection.NAME
    validate(module, task[action] or {})


def test_recipes_guide_names_every_playbook() -> None:
    text = (collection.ROOT / "docs" / "docsite" / "rst" / "guide_recipes.rst").read_text()
    named = set(re.findall(rf"``{collection.NAME}\.(\w+)``", text)) - set(collection.MODULES)
    playbooks = {path.stem for path in (collection.ROOT / "playbooks").glob("*.yml")}
    # The guide also names the action group.
    assert named - {"quay"} == playbooks


def tasks_of_playbooks() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every task of the playbooks and of the files of tasks that they include."""
    folder = collection.ROOT / "playbooks"
    for path in folder.glob("*.yml"):
        for play in yaml.safe_load(path.read_text()):
            yield from ((path, task) for task in flat(play.get("tasks", ())))
    for path in (folder / "tasks").glob("*.yml"):
        # The tag marks a text that is no template.
        text = path.read_text().replace("!unsafe ", "")
        yield from ((path, task) for task in flat(yaml.safe_load(text)))


def flat(tasks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The tasks, and those in blocks."""
    for task in tasks:
        yield task
        yield from flat(task.get("block", ()))


@pytest.mark.parametrize("module", collection.MODULES)
def test_playbooks_and_guides_use_options_by_their_names(module: str) -> None:
    for path, task in tasks_of_playbooks():
        arguments = task.get(f"{collection.NAME}.{module}") or {}
        assert arguments.keys() <= collection.spec_of(module).options.keys(), path.name


@pytest.mark.parametrize("module", collection.MODULES)
def test_playbooks_have_no_defaults_of_their_own(module: str) -> None:
    """A default of a playbook would change an existing object that has another value."""
    for path, task in tasks_of_playbooks():
        for name, value in (task.get(f"{collection.NAME}.{module}") or {}).items():
            own = _DEFAULT.match(str(value))
            if own:
                documented = collection.spec_of(module).options[name].get("default")
                assert yaml.safe_load(own[1]) == documented, f"{path.name}: {name}"


PLAYBOOKS = sorted((collection.ROOT / "playbooks").glob("*.yml"))


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_header_of_a_playbook_lists_its_variables(path: Path) -> None:
    """Every variable that a playbook reads is in its header, and those without a default are checked first."""
    header, _line, text = path.read_text().partition("\n- name: ")
    listed = set(re.findall(r"^#   (\w+)  ", header, re.MULTILINE))
    play = yaml.safe_load(f"- name: {text}")[0]
    parts = [part for folder in ("tasks", "vars") for part in (path.parent / folder).glob(f"{path.stem}*.yml")]
    # Without the names of files.
    text = re.sub(r"\w+\.yml", "", text + "".join(part.read_text() for part in parts))
    prefix = "rotation" if path.stem == "rotate" else path.stem
    own = {task.get("register") for task in play["tasks"]} | set(play.get("vars", {})) | {f"{prefix}_missing"}
    used = set(re.findall(rf"\b({prefix}_\w+|quay_hosts)\b", text)) - own
    # The role has its own documentation. A password comes from the environment.
    assert used - listed <= {"mirror_password"}
    assert "quay_hosts" in listed or path.stem in ("rotate", "bootstrap")
    required = {name for name in listed if re.search(rf"^#   {name} +required: ", header, re.MULTILINE)}
    first = play["tasks"][0]
    checked = set(re.findall(r"'(\w+)':", str(first.get("vars", ""))))
    if path.stem == "rotate":
        checked = {"rotation_credentials"} if "rotation_credentials" in str(first) else set()
    assert required <= checked
