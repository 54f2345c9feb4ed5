# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DOCUMENTATION says what main() accepts, EXAMPLES can be typed, RETURN can be read."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from . import collection

every_module = pytest.mark.parametrize("module", collection.MODULES)

# Options that look as if they held a secret and hold none.
HARMLESS = {"token_path", "reset_client_secret", "update_password"}
_SECRET_LOOK = re.compile(r"token|password|secret")

# What an example's template stands for when the example is checked.
_STAND_INS = {"str": "text", "path": "/tmp/text", "int": 1, "float": 1.0, "bool": True, "list": ["text"], "dict": {}}
# The types of option and return values, as Python has them.
_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "path": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "list": list,
    "dict": dict,
}


def facts_of_documented(option: dict[str, Any]) -> dict[str, Any]:
    """What a documented option means, in one form for both sides."""
    return {
        "type": option.get("type", "str"),
        "default": option.get("default"),
        "choices": list(option.get("choices") or ()),
        "aliases": sorted(option.get("aliases") or ()),
        "elements": option.get("elements"),
        "required": bool(option.get("required")),
    }


facts_of_accepted = facts_of_documented


@every_module
def test_documentation_equals_what_main_accepts(module: str) -> None:
    documented = dict(collection.walk(collection.documented(module).options, "suboptions"))
    accepted = dict(collection.walk(collection.spec_of(module).options, "options"))
    assert documented.keys() == accepted.keys()
    for name in accepted:
        assert facts_of_documented(documented[name]) == facts_of_accepted(accepted[name]), name


@every_module
def test_documentation_has_no_keys_of_the_argument_spec(module: str) -> None:
    for name, option in collection.walk(collection.documented(module).options, "suboptions"):
        assert not {"no_log", "fallback", "options"} & option.keys(), name


@every_module
def test_every_fallback_is_documented(module: str) -> None:
    options = collection.documented(module).options
    for name, accepted in collection.spec_of(module).options.items():
        _function, *arguments = accepted.get("fallback", (None, []))
        text = " ".join(options[name]["description"])
        assert set(re.findall(r"E\((\w+)\)", text)) >= set(arguments[0]), name


@every_module
def test_secrets_are_kept_out_of_logs_and_nothing_else_is(module: str) -> None:
    for name, option in collection.walk(collection.spec_of(module).options, "options"):
        short = name.rpartition(".")[2]
        if _SECRET_LOOK.search(short):
            assert option.get("no_log") is (short not in HARMLESS), f"{name}: say no_log, either way"
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
    shared = ["_attributes", "_attributes.action_group", "_connection"]
    assert {f"{collection.NAME}.{name}" for name in shared} <= set(fragments)
    token_options = {"current_token", "rotate"} & collection.spec_of(module).options.keys()
    assert (f"{collection.NAME}._token" in fragments) == bool(token_options)


@every_module
def test_attributes_are_told(module: str) -> None:
    attributes = collection.documented(module).doc["attributes"]
    assert {"check_mode", "diff_mode", "idempotent", "action_group"} <= attributes.keys()
    assert attributes["action_group"]["membership"] == [f"{collection.NAME}.quay"]
    for name, attribute in attributes.items():
        assert attribute["support"] in ("full", "partial", "none", "N/A"), name
        assert attribute["support"] != "partial" or attribute.get("details"), f"{name}: partial in what?"
    assert collection.spec_of(module).supports_check_mode
    assert attributes["check_mode"]["support"] == "full"


@every_module
def test_the_head_of_the_documentation(module: str) -> None:
    doc = collection.documented(module).doc
    assert doc["module"] == module
    assert doc["version_added"]
    assert doc["author"]
    written = yaml.safe_load(collection.source_text(module, "DOCUMENTATION"))
    assert written["module"] == module


@every_module
def test_references_name_what_is_there(module: str) -> None:
    """O() and RV() name options and return values of this module, M() names modules of the collection."""
    documented = collection.documented(module)
    options = {name for name, _option in collection.walk(documented.options, "suboptions")}
    returned = {name for name, _key in collection.walk(documented.returns, "contains")}
    text = str([documented.doc, documented.returns])
    for name in re.findall(r"\bO\(([^):=]+)", text):
        assert name.replace("[]", "") in options, f"O({name})"
    for name in re.findall(r"\bRV\(([^):=]+)", text):
        assert name.replace("[]", "") in returned, f"RV({name})"
    named = re.findall(rf"\bM\({collection.NAME}\.(\w+)\)", text)
    linked = [item["module"].rpartition(".")[2] for item in documented.doc.get("seealso", []) if "module" in item]
    assert {*named, *linked} <= set(collection.MODULES)


def examples_of(module: str) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = yaml.safe_load(collection.documented(module).examples)
    return tasks


# What a task may say beside its module.
_TASK_WORDS = {"become", "check_mode", "delegate_to", "diff", "loop", "loop_control", "name", "no_log", "register"}
_TASK_WORDS |= {"run_once", "vars", "when"}


@every_module
def test_examples_are_tasks_that_could_run(module: str) -> None:
    tasks = examples_of(module)
    assert tasks
    for task in tasks:
        assert task["name"][0].isupper(), task
        actions = task.keys() - _TASK_WORDS
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
    # Aliases are for those who come from elsewhere; examples use the names.
    assert arguments.keys() <= spec.options.keys()
    filled = {name: fill(value, spec.options[name]) for name, value in arguments.items()}
    result = ArgumentSpecValidator(spec.options, **spec.constraints).validate(filled)
    assert not result.error_messages, (module, arguments)


def fill(value: Any, option: dict[str, Any]) -> Any:
    """Put something of the right type where an example has a template."""
    if isinstance(value, str) and "{{" in value:
        return _STAND_INS[option.get("type", "str")]
    if isinstance(value, list) and option.get("options"):
        return [{name: fill(part, option["options"][name]) for name, part in item.items()} for item in value]
    return value


@every_module
def test_examples_show_no_secret_and_hide_what_they_register(module: str) -> None:
    for task in examples_of(module):
        for action in task.keys() - _TASK_WORDS:
            for name, value in task[action].items():
                if action.startswith(collection.NAME) and _SECRET_LOOK.search(name) and name not in HARMLESS:
                    assert "{{" in value, f"{task['name']}: {name}"
            used = action.rpartition(".")[2]
            returns_secret = used in collection.MODULES and "token" in collection.documented(used).returns
            if "register" in task and returns_secret and "token_path" not in task[action]:
                assert task.get("no_log") is True, f"{task['name']}: no_log"


@every_module
def test_return_values_are_described(module: str) -> None:
    returns = collection.documented(module).returns
    assert returns
    for name, key in collection.walk(returns, "contains"):
        assert key["description"], name
        assert key["returned"], name
        assert key["type"] in _PYTHON_TYPES, name
        assert key["type"] != "list" or key.get("elements") in _PYTHON_TYPES, name
    for name, key in returns.items():
        assert "sample" in key, name
        assert key["sample"] is None or isinstance(key["sample"], _PYTHON_TYPES[key["type"]]), name


@every_module
def test_samples_hold_no_secret(module: str) -> None:
    for name, key in collection.walk(collection.documented(module).returns, "contains"):
        if name.rpartition(".")[2] == "token":
            assert key.get("sample") is None, name
