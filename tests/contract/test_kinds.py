# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of credentials: only the files of a kind know it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.kind import Kind
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.kinds import CREDENTIAL, KINDS

from . import collection

CREDENTIALS = collection.PLUGINS / "module_utils" / "_credentials"
REGISTRY = "kinds.py"
# The logic of the lookup plugins, which issue one kind each.
LOOKUPS = {CREDENTIALS / "registry_token.py", CREDENTIALS / "federated_lookup.py"}
# What Quay lists for an audit. Some of it is no kind of declared credentials.
AUDITED = CREDENTIALS / "audited.py"
# Folders of plugins that treat all kinds alike.
GENERIC_PLUGINS = ("action", "filter", "inventory", "plugin_utils")


def files_of_kinds() -> set[Path]:
    """The files that belong to kinds: those that declare them, and those that issue their secrets."""
    functions = (function for kind in KINDS.values() for function in (kind.module, kind.module().ensure))
    return {CREDENTIALS / f"{function.__module__.rpartition('.')[2]}.py" for function in functions}


def generic_files() -> list[Path]:
    plugins = [path for folder in GENERIC_PLUGINS for path in (collection.PLUGINS / folder).glob("*.py")]
    return sorted({*plugins, *CREDENTIALS.glob("*.py")} - files_of_kinds() - LOOKUPS - {AUDITED})


def names_of_kinds(text: str) -> Iterator[str]:
    """The names of kinds in code, and imports of their files. Documentation is a longer text than a name."""
    files = {path.stem for path in files_of_kinds()}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in KINDS:
            yield f"line {node.lineno}: {node.value}"
        if isinstance(node, ast.ImportFrom) and str(node.module).rpartition(".")[2] in files:
            yield f"line {node.lineno}: import from {node.module}"


@pytest.mark.parametrize("file", generic_files(), ids=lambda path: str(path.relative_to(collection.PLUGINS)))
def test_generic_code_knows_no_kind(file: Path) -> None:
    found = list(names_of_kinds(file.read_text()))
    assert found == [] or file.name == REGISTRY, found


@pytest.mark.parametrize(
    "code", ['a = b == "robot"', "from .robot_kind import ROBOT", "def f():\n  import json\n  'api'"]
)
def test_names_of_kinds_are_found(code: str) -> None:
    assert len(list(names_of_kinds(code))) == 1


def test_status_option_of_several_kinds_has_one_meaning() -> None:
    known: dict[str, object] = {}
    for kind in KINDS.values():
        for name, option in kind.module().status_options.items():
            assert known.setdefault(name, option) == option, (kind.name, name)


@pytest.mark.parametrize("kind", KINDS)
def test_option_of_several_kinds_is_read_in_one_way(kind: str) -> None:
    """The options of all kinds are one table. A kind must not read an option otherwise than the first one."""
    own = KINDS[kind].options
    assert {name: option for name, option in own.items() if CREDENTIAL[name].read is not option.read} == {}


def test_registry_names_each_kind_once() -> None:
    assert [kind.name for kind in KINDS.values()] == list(KINDS)
    files = {path.stem for path in CREDENTIALS.glob("*_kind.py")}
    assert files == {f"{name}_kind" for name in KINDS}


def test_kind_that_is_listed_has_the_code() -> None:
    for kind in KINDS.values():
        assert kind.is_listed == (kind.module().list_all is not None), kind.name


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_kinds_name_the_scopes_of_their_login(kind: Kind) -> None:
    """The playbook bootstrap creates the token with which the rotation logs in."""
    assert (kind.login_scopes is not Kind.login_scopes) == kind.needs_login
