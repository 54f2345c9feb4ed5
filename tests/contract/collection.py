# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection: its modules, their documentation and their argument specs."""

from __future__ import annotations

import ast
import functools
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from ansible.module_utils.basic import AnsibleModule

NAME = "tokensmith.quay"
ROOT = Path(__file__).resolve().parents[2]
# The folder from which `ansible_collections.tokensmith.quay` is imported.
COLLECTIONS = ROOT.parents[2]
PLUGINS = ROOT / "plugins"
MODULE_FILES = sorted((PLUGINS / "modules").glob("quay_*.py"))
MODULES = [path.stem for path in MODULE_FILES]
# They run on machines that must not get the login of Quay, so that they are not in the action group.
CONSUMER_MODULES = ("quay_host_delivery", "quay_host_inspection")

Document = dict[str, Any]


@dataclass(frozen=True)
class Spec:
    """The arguments that a module passes to AnsibleModule."""

    options: Document
    constraints: Document


@dataclass(frozen=True)
class Documented:
    """A module's documentation as ansible-doc returns it, with its fragments."""

    doc: Document
    examples: str
    returns: Document

    @property
    def options(self) -> Document:
        return dict(self.doc["options"])


class _Stop(BaseException):
    """Stops main() once its argument spec is known."""


@functools.cache
def spec_of(module: str) -> Spec:
    seen: dict[str, Any] = {}

    def note(_self: AnsibleModule, argument_spec: Document, **rest: Any) -> None:
        seen.update(rest, argument_spec=argument_spec)
        raise _Stop

    main = importlib.import_module(f"ansible_collections.{NAME}.plugins.modules.{module}").main
    try:
        with mock.patch.object(AnsibleModule, "__init__", note):
            main()
    except _Stop:
        pass
    options = seen.pop("argument_spec")
    seen.pop("supports_check_mode", None)
    return Spec(options, constraints=seen)


def documented(module: str) -> Documented:
    found = ansible_doc(*(f"{NAME}.{name}" for name in MODULES))[f"{NAME}.{module}"]
    return Documented(found["doc"], found["examples"], found["return"])


def options_of_builtin(module: str) -> set[str]:
    """The names and aliases of the options of a module of ansible-core."""
    options = ansible_doc(module)[module]["doc"]["options"]
    return {*options, *(alias for option in options.values() for alias in option.get("aliases", ()))}


@functools.cache
def ansible_doc(*modules: str) -> Document:
    with tempfile.TemporaryDirectory(prefix="ansible-") as home:
        environ = {**os.environ, "ANSIBLE_HOME": home, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
        command = [sys.executable, "-m", "ansible", "doc", "--json", "--type", "module", *modules]
        answer = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    found: Document = json.loads(answer.stdout)
    assert found.keys() == set(modules), answer.stderr
    return found


def source_text(module: str, variable: str) -> str:
    """The text that a module's file assigns to a variable, such as DOCUMENTATION."""
    tree = ast.parse((PLUGINS / "modules" / f"{module}.py").read_text())
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and _named(statement, variable):
            return str(ast.literal_eval(statement.value))
    raise AssertionError(f"{module} has no {variable}")


def _named(statement: ast.Assign, variable: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == variable for target in statement.targets)


def runtime() -> Document:
    found: Document = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    return found


def walk(options: Mapping[str, Any], below: str, path: str = "") -> list[tuple[str, Document]]:
    """All options and suboptions with their full names; ``below`` is the key of an option's suboptions."""
    found = []
    for name, option in options.items():
        found.append((f"{path}{name}", option))
        found += walk(option.get(below) or {}, below, f"{path}{name}.")
    return found


def tracked() -> list[Path]:
    """All files of the working tree that git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in sorted(listing.split("\0")) if name and (ROOT / name).is_file()]
