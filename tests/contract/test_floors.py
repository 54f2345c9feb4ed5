# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The floors of the house: what each file may import, and what each says of itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from . import collection

# From the top to the ground. A file imports from floors below its own only; a star stands for one file a kind.
FLOORS = (
    ("quay_*",),
    ("_overview",),
    ("_kind_*", "_delivery"),
    ("_pair",),
    ("_rotation",),
    ("_custody",),
    ("_stores",),
    ("_store_*",),
    ("_robot_tokens",),
    ("_store",),
    ("_files",),
    ("_credential", "_upkeep"),
    ("_runner",),
    (
        "_builds",
        "_logs",
        "_manifests",
        "_mirrors",
        "_oauth",
        "_organizations",
        "_registry",
        "_repositories",
        "_rights",
        "_users",
    ),
    ("_robots",),
    ("_server",),
    ("_client",),
    ("_login", "_names", "_times"),
    ("_errors", "_lifecycle"),
)

_IMPORT_ROOT = f"ansible_collections.{collection.NAME}.plugins."
_MODULE_UTILS = sorted((collection.PLUGINS / "module_utils").glob("*.py"))
_PRIVATE = [*_MODULE_UTILS, *sorted((collection.PLUGINS / "doc_fragments").glob("*.py"))]
_FLOORED = [*_MODULE_UTILS, *collection.MODULE_FILES]

# Without documentation, imports and blank lines; the rest of the work belongs below.
LONGEST_MODULE = 60


def name_of(path: Path) -> str:
    return path.stem


def floor_of(name: str) -> int:
    floors = [number for number, names in enumerate(FLOORS) if any(fnmatch(name, pattern) for pattern in names)]
    exact = [number for number in floors if name in FLOORS[number]]
    assert floors, f"{name} is on no floor: give it one in FLOORS"
    return (exact or floors)[0]


def imports(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: modules are shipped alone, relative imports break"
            yield str(node.module), node


@pytest.mark.parametrize("path", _FLOORED, ids=name_of)
def test_imports_go_down_only(path: Path) -> None:
    here = floor_of(path.stem)
    for name, _node in imports(path):
        if name.startswith(_IMPORT_ROOT):
            imported = name.removeprefix(_IMPORT_ROOT).removeprefix("module_utils.")
            assert floor_of(imported) > here, f"{path.stem} imports {imported}"


@pytest.mark.parametrize("path", _FLOORED, ids=name_of)
def test_imports_come_from_python_ansible_requests_and_here(path: Path) -> None:
    allowed = re.compile(rf"^(requests|ansible\.module_utils\.basic|{re.escape(_IMPORT_ROOT)}module_utils\._\w+)$")
    third_party = {"requests", "ansible", "ansible_collections", "yaml", "six"}
    for name, _node in imports(path):
        if name.split(".")[0] in third_party:
            assert allowed.match(name), f"{path.stem} imports {name}"


@pytest.mark.parametrize("path", _FLOORED, ids=name_of)
def test_requests_is_imported_under_guard(path: Path) -> None:
    tree = ast.parse(path.read_text())
    unguarded = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in unguarded:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
        assert not any(name.split(".")[0] == "requests" for name in names), f"{path.stem} line {node.lineno}"


@pytest.mark.parametrize("path", _PRIVATE, ids=name_of)
def test_private_files_say_so(path: Path) -> None:
    assert path.name.startswith("_")
    kind = {"module_utils": "module utility", "doc_fragments": "doc fragment"}[path.parent.name]
    head = path.read_text().split("from __future__")[0]
    assert f"# This {kind} is PRIVATE to the collection" in head
    assert re.search(r"# Do not (import|use) it from other collections", head)


@pytest.mark.parametrize("path", collection.MODULE_FILES, ids=name_of)
def test_modules_are_short(path: Path) -> None:
    tree = ast.parse(path.read_text())
    texts = (ast.Assign, ast.Import, ast.ImportFrom, ast.Expr)
    code = [node for node in tree.body if not isinstance(node, texts)]
    lines = sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in code)
    assert lines <= LONGEST_MODULE


@pytest.mark.parametrize("path", collection.MODULE_FILES, ids=name_of)
def test_modules_are_documentation_options_and_one_call(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert path.read_text().startswith("#!/usr/bin/python\n")
    assert path.stat().st_mode & 0o111 == 0
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert [node.name for node in functions] == ["main"]
    assert len(functions[0].body) == 1


def test_only_the_runner_knows_ansible() -> None:
    knowing = {path.stem for path in _FLOORED if any(name.startswith("ansible.") for name, _node in imports(path))}
    assert knowing == {"_runner"}


def test_only_the_client_and_the_runner_know_requests() -> None:
    knowing = {path.stem for path in _FLOORED if any(name.split(".")[0] == "requests" for name, _node in imports(path))}
    assert knowing <= {"_client", "_runner"}
