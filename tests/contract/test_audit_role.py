# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role audit passes on every option of its module, and its rules are those of the module and of the guide."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.audit_rules import RULE_NAMES
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.audited import KINDS
from ansible_collections.tokensmith.quay.plugins.plugin_utils.audit_report import KEYS, KIND_NAMES

from . import collection

ROLE = collection.ROOT / "roles" / "audit"
GUIDE = (collection.ROOT / "docs" / "docsite" / "rst" / "guide_audit.rst").read_text()
_ROW = re.compile(r"^\| `(audit_\w+)` \|", re.MULTILINE)


def load(name: str) -> Any:
    return yaml.safe_load((ROLE / name).read_text())


def variables() -> dict[str, Any]:
    found: dict[str, Any] = load("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return found


def test_every_variable_has_its_default_and_is_in_the_readme() -> None:
    defaults = load("defaults/main.yml")
    assert variables().keys() == defaults.keys()
    assert set(_ROW.findall((ROLE / "README.md").read_text())) == defaults.keys()
    # That of the declarations is a template.
    for name, option in variables().items():
        if name != "audit_credentials":
            assert option.get("default") == defaults[name], name


def test_every_option_of_the_module_is_passed_on() -> None:
    options = collection.spec_of("quay_audit_info").options
    (task,) = [task for task in load("tasks/main.yml") if "tokensmith.quay.quay_audit_info" in task]
    passed = task["tokensmith.quay.quay_audit_info"]
    connection = re.findall(r"'(\w+)': audit_\w+", load("vars/main.yml")["__audit_connection"])
    assert options.keys() == passed.keys() | set(connection)
    for name in passed.keys() - {"required_rules"}:
        assert f"audit_{name}" in variables()
        default = variables()[f"audit_{name}"].get("default")
        assert default == options[name].get("default"), name


def test_rules() -> None:
    assert load("vars/main.yml")["__audit_rule_names"] == RULE_NAMES
    assert sorted(RULE_NAMES) == collection.spec_of("quay_audit_info").options["rules"]["choices"]
    section = GUIDE.partition("Rules\n-----\n")[2].partition("\n\n\n")[0].partition("In a CI job")[0]
    assert re.findall(r"^   \* - ``(\w+)``$", section, re.MULTILINE) == RULE_NAMES


def test_schema() -> None:
    schema = json.loads((ROLE / "files" / "audit.schema.json").read_text())
    returns = collection.documented("quay_audit_info").returns
    assert schema["properties"].keys() == set(KEYS) == returns.keys()
    assert schema["$defs"]["rule"]["enum"] == RULE_NAMES
    credential = schema["$defs"]["credential"]["properties"]
    assert credential.keys() == returns["credentials"]["contains"].keys()
    assert credential["kind"]["enum"] == list(KINDS) == list(KIND_NAMES)
