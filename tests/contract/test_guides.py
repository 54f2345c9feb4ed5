# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the guides are valid, and the recipes guide lists every playbook."""

from __future__ import annotations

import itertools
import re
import shlex
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.validation import read_declarations
from diagrams import placing

from . import collection, guides
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


# --- the index, and the blocks of code

_INDEX = yaml.safe_load((collection.ROOT / "docs" / "docsite" / "extra-docs.yml").read_text())
every_guide = pytest.mark.parametrize("guide", guides.NAMES)
# How many characters the web pages have for code on a screen of 1280 pixels, and less on a small one.
_WIDTH = 100


def test_index_has_each_guide_once() -> None:
    listed = [name for section in _INDEX["sections"] for name in section["toctree"]]
    assert sorted(listed) == guides.NAMES


@every_guide
def test_output_is_compared_with_a_real_one(guide: str) -> None:
    """Each output that a guide shows is that of its commands, or a test compares it."""
    tests = {
        name
        for path in (collection.ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    for block in guides.blocks_of(guide):
        if "shown by" in block.marks:
            assert block.marks["shown by"] in tests, block
        elif any(command.output for command in block.commands):
            assert "run" in block.marks, f"{block}: nothing compares this output"


@every_guide
def test_code_fits_into_a_page(guide: str) -> None:
    """Outputs are as they are. So are the commands of Quay's API guide, and lines of files that cannot be broken."""
    for block in guides.blocks_of(guide):
        lines = [line for command in block.commands for line in command.text.splitlines()]
        if block.language.startswith("yaml"):
            lines = block.text.splitlines()
        for line in lines:
            assert len(line) <= _WIDTH, f"{block}: {line}"


def commands() -> Iterator[tuple[str, list[str]]]:
    """The words of each command that the guides and the README show."""
    blocks = [block for guide in guides.NAMES for block in guides.blocks_of(guide)]
    for block in [*blocks, *guides.blocks_of_markdown(collection.ROOT / "README.md")]:
        for command in block.commands:
            text = command.text.replace("\\\n", " ")
            yield f"{block}: {text}", shlex.split(text.removesuffix("&"), comments=True)


COMMANDS = dict(commands())


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_command_names_what_exists(words: list[str]) -> None:
    """Playbooks with variables that they have, modules with their options, targets of make."""
    if words[:1] == ["ansible-playbook"] and words[1].startswith(collection.NAME):
        assert variables_of(words) <= variables_of_playbook(words[1].rpartition(".")[2])
    if words[:1] == ["ansible"]:
        module = words[words.index("-m") + 1]
        if module.startswith(collection.NAME):
            given = shlex.split(words[words.index("-a") + 1])
            validate(module.rpartition(".")[2], dict(word.split("=", 1) for word in given))
    if words[:1] == ["make"]:
        targets = re.findall(r"^\.PHONY: ([a-z-]+)$", (collection.ROOT / "Makefile").read_text(), re.MULTILINE)
        assert words[1] in targets


def variables_of(words: list[str]) -> set[str]:
    """The names of the variables that a command sets by -e."""
    names: set[str] = set()
    for option, value in itertools.pairwise(words):
        if option == "-e" and not value.startswith("@"):
            names |= set(yaml.safe_load(value)) if value.startswith("{") else {value.partition("=")[0]}
    return names


def variables_of_playbook(name: str) -> set[str]:
    text = (collection.ROOT / "playbooks" / f"{name}.yml").read_text()
    names = set(re.findall(r"^#   (\w+)  ", text, re.MULTILINE))
    if name in ("rotate", "bootstrap"):
        specs = yaml.safe_load((collection.ROOT / "roles" / "rotation" / "meta" / "argument_specs.yml").read_text())
        names |= set(specs["argument_specs"]["main"]["options"]) | {"rotation_hosts", "rotation_serial"}
    return names


# --- declarations

_TEMPLATE = re.compile(r"\{\{[^{}]+\}\}")
_FILES_WITH_DECLARATIONS = [collection.ROOT / "README.md", collection.ROOT / "roles" / "rotation" / "README.md"]


def declarations() -> Iterator[tuple[str, list[Any]]]:
    """The declared credentials of each block in the guides and README files, with a text for each template."""
    blocks = [block for guide in guides.NAMES for block in guides.blocks_of(guide)]
    blocks += [block for path in _FILES_WITH_DECLARATIONS for block in guides.blocks_of_markdown(path)]
    for block in blocks:
        if block.language.startswith("yaml"):
            documents = list(yaml.load_all(_TEMPLATE.sub("root", block.text), _Loader))
            yield from ((str(block), found) for found in credentials_in(documents))


class _Loader(yaml.SafeLoader):
    """Reads a text with a tag, such as !vault, as a text."""


_Loader.add_multi_constructor("!", lambda loader, _tag, node: loader.construct_scalar(node))


def credentials_in(value: Any) -> Iterator[list[Any]]:
    """The lists ``rotation_credentials`` in a document, and the document if it is such a list."""
    if isinstance(value, list) and value and isinstance(value[0], dict) and {"kind", "deliver"} <= value[0].keys():
        yield value
    elif isinstance(value, list):
        yield from (found for item in value for found in credentials_in(item))
    elif isinstance(value, dict):
        others = dict(value)
        if "rotation_credentials" in others:
            yield others.pop("rotation_credentials")
        yield from credentials_in(list(others.values()))


@pytest.mark.parametrize(("block", "declared"), list(declarations()))
def test_declarations_are_valid(block: str, declared: list[Any]) -> None:
    assert read_declarations(declared, "https://quay.example.com"), block


# --- diagrams


def test_each_diagram_is_in_a_guide() -> None:
    found = [name for guide in guides.NAMES for name in placing.names_in(guides.text_of(guide))]
    assert sorted(found) == placing.NAMES


@every_guide
def test_diagrams_are_those_of_their_figures(guide: str) -> None:
    text = guides.text_of(guide)
    assert placing.placed(text) == text, "run make diagrams"


@pytest.mark.parametrize("name", placing.NAMES)
def test_diagram_can_be_read_by_everybody(name: str) -> None:
    """It has a title and a description, and each bar says with a text what it means."""
    drawn = ElementTree.fromstring(placing.drawing_of(name))
    space = {"svg": "http://www.w3.org/2000/svg"}
    ids = {element.get("id"): element.text for element in drawn.findall("*", space) if element.get("id")}
    named = str(drawn.get("aria-labelledby")).split()
    assert drawn.get("role") == "img"
    assert [bool(ids[name]) for name in named] == [True, True]
    assert len(drawn.findall("svg:text", space)) > len(drawn.findall("svg:rect", space))
    assert {element.get("fill") for element in drawn.findall("svg:text", space)} == {"currentColor"}
