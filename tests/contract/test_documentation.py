# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for DOCUMENTATION, EXAMPLES and RETURN, in addition to those of validate-modules and antsibull-docs.

ansible-test sanity compares DOCUMENTATION with the argument spec and checks the form of both.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from . import collection

every_module = pytest.mark.parametrize("module", collection.MODULES)

# Options that look like a secret and are none.
HARMLESS = {
    "ansible_vault_password_file",
    "oidc_token_path",
    "quay_token_path",
    "oidc_token_variable",
    "token_path",
    "token_key",
    "issue_token",
    "reset_client_secret",
    "update_password",
    "secret_name",
    "secret_type",
    "vault_token_path",
    "vault_service_account_token_path",
}
_LOOKS_SECRET = re.compile(r"token|password|secret|_jwt$")

# Values that replace the templates of an example when it is validated.
_VALUES = {"str": "text", "path": "/tmp/text", "int": 1, "float": 1.0, "bool": True, "list": ["text"], "dict": {}}
_VALUES["raw"] = {}
# The Python types of return values.
_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "path": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "list": list,
    "dict": dict,
    "raw": object,
}


@every_module
def test_every_fallback_is_documented(module: str) -> None:
    options = collection.documented(module).options
    for name, accepted in collection.spec_of(module).options.items():
        _function, *arguments = accepted.get("fallback", (None, []))
        text = " ".join(options[name]["description"])
        assert set(re.findall(r"E\((\w+)\)", text)) >= set(arguments[0]), name


TOKEN_MODULES = (
    "quay_api_token",
    "quay_app_token",
    "quay_client_secret",
    "quay_referrers_token",
    "quay_robot_lease",
    "quay_robot_token",
)


def meaning(option: dict[str, Any], below: str) -> dict[str, Any]:
    """What a task may give for an option, by its documentation or by the argument spec."""
    found = {key: option.get(key) for key in ("default", "choices", "elements")}
    suboptions = {name: meaning(part, below) for name, part in (option.get(below) or {}).items()}
    required, aliases = bool(option.get("required")), sorted(option.get("aliases") or ())
    return {**found, "type": option.get("type", "str"), "required": required, "aliases": aliases, "options": suboptions}


@pytest.mark.parametrize("module", TOKEN_MODULES)
def test_entries_of_a_list_have_the_options_of_one_credential(module: str) -> None:
    documented, spec = collection.documented(module).options, collection.spec_of(module).options
    listed = documented["credentials"]
    assert meaning(listed, "suboptions") == meaning(spec["credentials"], "options")
    alone = {name for name, option in spec.items() if name in listed["suboptions"]}
    assert alone == listed["suboptions"].keys()
    for name, option in listed["suboptions"].items():
        alike = {**meaning(documented[name], "suboptions"), "required": bool(option.get("required"))}
        assert meaning(option, "suboptions") == alike, name
        text = " ".join(option["description"])
        assert not re.search(rf"\bO\(({'|'.join(alone)})\b", text), f"{name} refers to an option of one credential"


# These options may hold logins. The modules that return names and paths of them show those.
HIDDEN_AS_A_WHOLE = {
    "quay_audit_info": {"credentials"},
    "quay_declaration_info": {"credentials"},
    "quay_host_inspection": {"credentials"},
    "quay_host_delivery": {"deliveries"},
    "quay_login_info": {"credentials"},
    "quay_rotation": {"logins", "store_logins", "login_successors"},
}


@every_module
def test_secrets_are_kept_out_of_logs_and_nothing_else_is(module: str) -> None:
    for name, option in collection.walk(collection.spec_of(module).options, "options"):
        short = name.rpartition(".")[2]
        if _LOOKS_SECRET.search(short):
            assert option.get("no_log") is (short not in HARMLESS), f"{name}: set no_log to true or false"
        elif name in HIDDEN_AS_A_WHOLE.get(module, ()):
            assert option.get("no_log") is True, name
        else:
            assert not option.get("no_log"), f"{name} does not look like a secret"


@every_module
def test_descriptions_are_sentences(module: str) -> None:
    documented = collection.documented(module)
    assert not documented.doc["short_description"].endswith(".")
    texts = {"description": documented.doc["description"]}
    texts |= {name: option["description"] for name, option in collection.walk(documented.options, "suboptions")}
    texts |= {f"returns {name}": key["description"] for name, key in collection.walk(documented.returns, "contains")}
    texts |= {f"attribute {name}": item["description"] for name, item in documented.doc["attributes"].items()}
    texts["notes"] = documented.doc.get("notes", [])
    for name, description in texts.items():
        for sentence in [description] if isinstance(description, str) else description:
            assert re.search(r"\.\)?$", sentence.strip()), f"{name}: {sentence}"


@every_module
def test_fragments_are_used(module: str) -> None:
    fragments = yaml.safe_load(collection.source_text(module, "DOCUMENTATION"))["extends_documentation_fragment"]
    of_quay = [] if module in collection.CONSUMER_MODULES else ["_attributes.action_group", "_connection"]
    shared = ["_attributes", *of_quay]
    assert {f"{collection.NAME}.{name}" for name in shared} <= set(fragments)
    # quay_first_user verifies a token and rotates none, so it lacks the other options of the fragment.
    rotates = "rotate" in collection.spec_of(module).options
    assert (f"{collection.NAME}._token" in fragments) == rotates


@every_module
def test_attributes_are_documented(module: str) -> None:
    attributes = collection.documented(module).doc["attributes"]
    assert {"check_mode", "diff_mode", "idempotent"} <= attributes.keys()
    in_group = module not in collection.CONSUMER_MODULES
    assert ("action_group" in attributes) == in_group
    if in_group:
        assert attributes["action_group"]["membership"] == [f"{collection.NAME}.quay"]
    for name, attribute in attributes.items():
        assert attribute["support"] != "partial" or attribute.get("details"), f"{name}: add details"
    assert attributes["check_mode"]["support"] == "full"


@every_module
def test_version_of_the_module_is_documented(module: str) -> None:
    assert collection.documented(module).doc["version_added"]


def examples_of(module: str) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = yaml.safe_load(collection.documented(module).examples)
    return tasks


# The keywords of a task.
TASK_KEYWORDS = {"become", "check_mode", "delegate_to", "diff", "loop", "loop_control", "name", "no_log", "notify"}
TASK_KEYWORDS |= {"register", "run_once", "vars", "when"}


@every_module
def test_examples_are_valid_tasks(module: str) -> None:
    tasks = examples_of(module)
    assert tasks
    for task in tasks:
        assert task["name"][0].isupper(), task
        actions = task.keys() - TASK_KEYWORDS
        assert len(actions) == 1, f"{task['name']}: {sorted(actions)}"
        action = actions.pop()
        namespace, _dot, used = action.rpartition(".")
        assert namespace in (collection.NAME, "ansible.builtin"), action
        if namespace == collection.NAME:
            assert used in collection.MODULES, action
            validate(used, task[action])
        else:
            assert task[action].keys() <= collection.options_of_builtin(action), task["name"]
    assert any(f"{collection.NAME}.{module}" in task for task in tasks)
    assert len({task["name"] for task in tasks}) == len(tasks)


def validate(module: str, arguments: dict[str, Any]) -> None:
    spec = collection.spec_of(module)
    # Examples use no aliases.
    assert arguments.keys() <= spec.options.keys()
    filled = {name: fill(value, spec.options[name]) for name, value in arguments.items()}
    result = ArgumentSpecValidator(spec.options, **spec.constraints).validate(filled)
    assert not result.error_messages, (module, arguments)


def fill(value: Any, option: dict[str, Any]) -> Any:
    """Return a value of the right type where an example has a template, else the value itself."""
    if isinstance(value, str) and "{{" in value:
        return _VALUES[option.get("type", "str")]
    if isinstance(value, list) and option.get("options"):
        return [{name: fill(part, option["options"][name]) for name, part in item.items()} for item in value]
    return value


@every_module
def test_examples_have_no_secret_and_log_none(module: str) -> None:
    for task in examples_of(module):
        for action in task.keys() - TASK_KEYWORDS:
            for name, value in task[action].items():
                if action.startswith(collection.NAME) and _LOOKS_SECRET.search(name) and name not in HARMLESS:
                    assert "{{" in str(value), f"{task['name']}: {name}"
            used = action.rpartition(".")[2]
            returns_secret = used in collection.MODULES and "token" in collection.documented(used).returns
            if returns_secret and "token_key" in collection.spec_of(used).options:
                # This module returns a secret only if token_key is given.
                returns_secret = "token_key" in task[action]
            if "register" in task and returns_secret and "token_path" not in task[action]:
                assert task.get("no_log") is True, f"{task['name']}: no_log"


@every_module
def test_return_values_have_elements_and_samples(module: str) -> None:
    returns = collection.documented(module).returns
    assert returns
    for name, key in collection.walk(returns, "contains"):
        assert key["type"] != "list" or key.get("elements") in _PYTHON_TYPES, name
    for name, key in returns.items():
        assert "sample" in key, name
        assert key["sample"] is None or isinstance(key["sample"], _PYTHON_TYPES[key["type"]]), name


@every_module
def test_samples_hold_no_secret(module: str) -> None:
    for name, key in collection.walk(collection.documented(module).returns, "contains"):
        if name.rpartition(".")[2] == "token":
            assert key.get("sample") is None, name
