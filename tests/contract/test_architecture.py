# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The architecture of plugins: every file follows every rule, and every rule finds what breaks it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from . import architecture, collection
from .architecture import (
    Rule,
    Source,
    has_a_docstring,
    has_short_functions,
    imports_allowed_libraries,
    imports_from_lower_layers,
    imports_its_action_by_name,
    is_a_short_module,
    is_in_a_known_folder,
    is_marked_as_private,
    writes_imports_in_one_form,
)

SOURCES = architecture.sources()

_ROOT = f"from ansible_collections.{collection.NAME}.plugins.module_utils."
_PRIVATE = """
# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.
"""
_MODULE = f"""#!/usr/bin/python
{_ROOT}_module.runner import run_module
{_ROOT}_resources.thing import ensure_thing, read_thing


def main() -> None:
    run_module(ensure_thing, {{}})
"""

# What breaks a rule: the file's path, its text, and a part of the problem that the rule must report.
BROKEN: list[tuple[Rule, str, str, str]] = [
    (is_in_a_known_folder, "module_utils/_thing.py", "", "in no known folder"),
    (is_in_a_known_folder, "module_utils/_thing/x.py", "", "in no known folder"),
    (is_in_a_known_folder, "module_utils/_http/deeper/x.py", "", "in no known folder"),
    (is_in_a_known_folder, "modules/deeper/quay_x.py", "", "in no known folder"),
    (is_in_a_known_folder, "callback/x.py", "", "in no known folder"),
    (imports_from_lower_layers, "module_utils/_core/x.py", "from .._http import errors", "_http"),
    (imports_from_lower_layers, "module_utils/_http/x.py", "from .._quay.robots import A", "_quay"),
    (
        imports_from_lower_layers,
        "module_utils/_stores/x.py",
        f"{_ROOT}_resources.y import A",
        "_resources",
    ),
    (imports_from_lower_layers, "module_utils/_resources/x.py", "from .._credentials.y import A", "_cred"),
    (imports_from_lower_layers, "module_utils/_credentials/x.py", "from .._resources.y import A", "_res"),
    (
        imports_from_lower_layers,
        "module_utils/_quay/x.py",
        "def f(): from .._module.y import A",
        "_module",
    ),
    (imports_from_lower_layers, "module_utils/_quay/x.py", "from ...modules import y", "modules"),
    (writes_imports_in_one_form, "module_utils/_quay/x.py", f"{_ROOT}_http.client import A", "relative"),
    (writes_imports_in_one_form, "modules/quay_x.py", "from ..module_utils._http import A", "absolute"),
    (imports_allowed_libraries, "module_utils/_quay/x.py", "import ansible.module_utils.basic", "ansible"),
    (imports_allowed_libraries, "module_utils/_module/x.py", "from ansible.module_utils.urls import A", "ansible"),
    (imports_allowed_libraries, "modules/quay_x.py", "from ansible.module_utils import basic", "ansible"),
    (imports_allowed_libraries, "module_utils/_stores/x.py", "def f():\n    import yaml", "yaml"),
    (imports_allowed_libraries, "module_utils/_quay/x.py", "def f():\n    import requests", "requests"),
    (imports_allowed_libraries, "module_utils/_http/session.py", "import requests", "under a guard"),
    (imports_allowed_libraries, "module_utils/_http/client.py", "import requests.auth", "under a guard"),
    (is_marked_as_private, "module_utils/_quay/x.py", '"""Text."""', "lacks the comment"),
    (is_marked_as_private, "module_utils/quay/x.py", _PRIVATE, "must begin with an underscore"),
    (is_marked_as_private, "doc_fragments/x.py", _PRIVATE, "must begin with an underscore"),
    (has_a_docstring, "module_utils/_quay/x.py", "A = 1", "lacks a docstring"),
    (has_a_docstring, "module_utils/_quay/x.py", 'class A:\n    """Text."""', "lacks a docstring"),
    (has_a_docstring, "doc_fragments/_x.py", "class ModuleDocFragment:\n    A = 1", "lacks a docstring"),
    (has_short_functions, "module_utils/_quay/x.py", "def f():\n" + "    a = 1\n" * 45, "f has 46 lines"),
    (
        has_short_functions,
        "module_utils/_quay/x.py",
        "class A:\n def f():\n" + "  a = 1\n" * 45,
        "46 lines",
    ),
    (is_a_short_module, "modules/quay_thing.py", _MODULE.replace("{}", "{" + "\n" * 60 + "}"), "62 lines"),
    (is_a_short_module, "modules/quay_thing.py", _MODULE.replace("#!/usr/bin/python", ""), "begin with"),
    (
        is_a_short_module,
        "modules/quay_thing.py",
        _MODULE.replace("    run", "    pass\n    run"),
        "one call",
    ),
    (is_a_short_module, "modules/quay_thing.py", _MODULE + "\n\ndef more(): pass\n", "the one function"),
    (is_a_short_module, "modules/quay_thing.py", "#!/usr/bin/python\n", "the one function"),
    (imports_its_action_by_name, "modules/quay_other.py", _MODULE, "_resources/other"),
    (
        imports_its_action_by_name,
        "modules/quay_thing.py",
        _MODULE.replace("_resources.thing", "_quay.thing"),
        "not from",
    ),
]

# What follows every rule although a rule looks closely at it.
VALID = [
    ("modules/quay_thing.py", _MODULE),
    (
        "module_utils/_quay/x.py",
        _PRIVATE + '"""Text."""\nimport json\nfrom .robots import A\nfrom .._core import times',
    ),
    ("module_utils/_http/session.py", _PRIVATE + '"""Text."""\ntry:\n    import requests\nexcept ImportError: pass'),
    ("module_utils/_http/client.py", _PRIVATE + '"""Text."""\nif TYPE_CHECKING:\n    import requests'),
    ("module_utils/_http/failures.py", _PRIVATE + '"""Text."""\ndef f():\n    from urllib3.exceptions import A'),
    ("module_utils/_module/x.py", _PRIVATE + '"""Text."""\nfrom ansible.module_utils.basic import AnsibleModule'),
    ("module_utils/_quay/x.py", _PRIVATE + '"""Text."""\ndef f():\n' + "    a = 1\n" * 44),
    ("lookup/thing.py", f'"""Text."""\nfrom ansible.errors import AnsibleError\n{_ROOT}_stores.kinds import A'),
]


def name_of(value: object) -> str:
    """The name of a rule or a file in the ids of tests."""
    return str(getattr(value, "__name__", getattr(value, "path", "")))


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
@pytest.mark.parametrize("rule", architecture.RULES, ids=name_of)
def test_source_follows_the_rule(rule: Rule, source: Source) -> None:
    assert list(rule(source)) == []


@pytest.mark.parametrize(("rule", "path", "text", "problem"), BROKEN, ids=name_of)
def test_rule_reports_what_breaks_it(rule: Rule, path: str, text: str, problem: str) -> None:
    found = list(rule(Source(PurePosixPath(path), text)))
    assert len(found) == 1
    assert problem in found[0]


@pytest.mark.parametrize("rule", architecture.RULES, ids=name_of)
def test_every_rule_has_an_example_that_breaks_it(rule: Rule) -> None:
    assert any(rule is broken for broken, *_example in BROKEN)


@pytest.mark.parametrize(("path", "text"), VALID)
def test_rules_accept_valid_sources(path: str, text: str) -> None:
    source = Source(PurePosixPath(path), text)
    assert [problem for rule in architecture.RULES for problem in rule(source)] == []


def test_no_import_cycle() -> None:
    assert architecture.cycle_in(SOURCES) == []


def test_import_cycle_is_found() -> None:
    texts = {"a": "from .b import A", "b": "from .c import A", "c": "def f():\n    from .b import A"}
    cycle = [Source(PurePosixPath(f"module_utils/_core/{name}.py"), text) for name, text in texts.items()]
    assert architecture.cycle_in(cycle) == [f"module_utils/_core/{name}" for name in "bcb"]


@pytest.mark.parametrize("module", collection.MODULES)
def test_one_file_has_the_logic_of_a_module(module: str) -> None:
    name = f"{module.removeprefix('quay_')}.py"
    assert len([folder for folder in architecture.LOGIC if (collection.PLUGINS / folder / name).is_file()]) == 1


@pytest.mark.parametrize("path", collection.MODULE_FILES, ids=lambda path: path.stem)
def test_module_is_not_executable(path: Path) -> None:
    assert path.stat().st_mode & 0o111 == 0


def test_every_layer_has_files() -> None:
    folders = {source.folder for source in SOURCES}
    assert folders >= {folder for folder in architecture.RANKS if folder.startswith("module_utils/")}
