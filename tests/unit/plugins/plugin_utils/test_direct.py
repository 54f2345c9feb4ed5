# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a module runs from where it is installed, and what becomes of its result."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any
from unittest import mock

import pytest

from ansible_collections.tokensmith.quay.plugins.plugin_utils.direct import DirectAction, DirectModule

HERE = {"ansible_python_interpreter": sys.executable}
DECLARED = [{"name": "acme+ci", "kind": "robot", "deliver": [{"kind": "file", "path": "/etc/ci/quay"}]}]
ARGUMENTS = {"quay_host": "https://quay.example.com", "credentials": DECLARED, "inventory": {"host": "localhost"}}


class Action(DirectAction):
    """An action whose module is run by Ansible if it is not run here."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        return self.inspect(dict(ARGUMENTS), task_vars)

    def inspect(self, arguments: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        return self.execute("quay_host_inspection", arguments, task_vars, packed=["credentials"])

    def _execute_module(self, *_arguments: Any, **_options: Any) -> dict[str, Any]:
        return {"by": "Ansible"}


def action(**changes: Any) -> Action:
    """An action on this machine by this Python. ``changes``: what is different."""
    task = mock.Mock(delegate_to=None, environment=[{}], async_val=0, check_mode=False, no_log=False, diff=False)
    connection = mock.Mock(transport="local", become=None, socket_path=None)
    connection._shell.tmpdir = None
    templar = mock.Mock()
    templar.template = lambda value: sys.executable if value == "{{ ansible_playbook_python }}" else value
    for name, value in changes.items():
        setattr(connection if hasattr(type(connection), name) or name in ("transport", "become") else task, name, value)
    made = Action(task, connection, mock.Mock(), mock.Mock(), templar, mock.Mock())
    made.get_shell_option = mock.Mock(return_value="~/.ansible/tmp")  # type: ignore[method-assign]
    return made


def test_module_runs_here() -> None:
    result = action().run(task_vars=HERE)
    assert [item["name"] for item in result["credentials"]] == ["acme+ci"]
    assert result["changed"] is False


def test_interpreter_of_the_host_to_which_the_task_is_delegated() -> None:
    delegated = {"ansible_delegated_vars": {"r": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}}}
    assert "credentials" in action(delegate_to="r").run(task_vars=delegated)
    assert action(delegate_to="r").run(task_vars={**delegated, "ansible_delegated_vars": {}}) == {"by": "Ansible"}
    assert action(delegate_to="r").run(task_vars=HERE) == {"by": "Ansible"}


@pytest.mark.parametrize(
    "changes",
    [
        {"transport": "ssh"},
        {"become": mock.Mock()},
        {"environment": [{"REQUESTS_CA_BUNDLE": "/etc/ca.pem"}]},
        {"async_val": 60},
    ],
    ids=["ssh", "become", "environment", "async"],
)
def test_ansible_runs_what_is_not_for_this_process(changes: dict[str, Any]) -> None:
    assert action(**changes).run(task_vars=HERE) == {"by": "Ansible"}


@pytest.mark.parametrize("interpreter", [None, "auto_silent", "/usr/bin/other-python"])
def test_ansible_runs_it_by_another_python(interpreter: str | None) -> None:
    assert action().run(task_vars={"ansible_python_interpreter": interpreter}) == {"by": "Ansible"}


def test_arguments_are_sent_through_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[list[str], dict[str, Any]]] = []

    def run(command: list[str], **options: Any) -> Any:
        calls.append((command, options))
        return mock.Mock(stdout='{"changed": false}', returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    assert action().run(task_vars=HERE) == {"changed": False}
    ((command, options),) = calls
    assert (command[:2], len(command)) == ([sys.executable, "-c"], 3)
    assert "acme+ci" not in command[2]
    assert "env" not in options
    assert json.loads(json.loads(options["input"])["ANSIBLE_MODULE_ARGS"]["credentials"]) == DECLARED


class Encrypted:
    """A value that is encrypted in a file of variables, as Ansible hands it over."""

    def __str__(self) -> str:
        return "acme+ci"


def test_encrypted_value_becomes_its_text() -> None:
    made = action()
    given = {**ARGUMENTS, "credentials": [{**DECLARED[0], "name": Encrypted()}]}
    result = made.inspect(given, dict(HERE))
    assert [item["name"] for item in result["credentials"]] == ["acme+ci"]


def test_long_list_is_not_repeated_in_the_result() -> None:
    """Ansible would keep it in each variable that holds the result. Newer ones return no arguments at all."""
    result = action().run(task_vars=HERE)
    assert "credentials" not in result.get("invocation", {}).get("module_args", {})
    assert json.dumps(DECLARED) not in json.dumps(result)


def test_failure_of_the_module() -> None:
    given = {**ARGUMENTS, "credentials": [{"name": "acme+ci"}]}
    result = action().inspect(given, dict(HERE))
    assert result["failed"] is True
    assert "kind is missing" in result["msg"]


@pytest.mark.parametrize("output", ["", '{"changed": tr', "Killed"])
def test_incomplete_result(monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    """As Ansible itself returns it, so that the action hides what the module printed."""
    monkeypatch.setattr(subprocess, "run", mock.Mock(return_value=mock.Mock(stdout=output, returncode=-9)))
    result = action().run(task_vars=HERE)
    assert result == {"failed": True, "msg": "MODULE FAILURE", "rc": -9, "module_stdout": output}


@pytest.mark.parametrize("warning", ["old robot", {"event": {"msg": "old robot"}}])
def test_warnings_are_texts(monkeypatch: pytest.MonkeyPatch, warning: Any) -> None:
    output = json.dumps({"changed": False, "warnings": [warning]})
    monkeypatch.setattr(subprocess, "run", mock.Mock(return_value=mock.Mock(stdout=output, returncode=0)))
    assert action().run(task_vars=HERE)["warnings"] == ["old robot"]


def module_action(**changes: Any) -> DirectModule:
    """The action of quay_token_info, whose options are wrong."""
    made = action(**changes)
    args = {"quay_host": "https://quay.example.com", "kinds": ["none"]}
    task = made._task
    task.action, task.args = "tokensmith.quay.quay_token_info", args
    direct = DirectModule(task, made._connection, mock.Mock(), mock.Mock(), made._templar, mock.Mock())
    direct.get_shell_option = mock.Mock(return_value="~/.ansible/tmp")  # type: ignore[method-assign]
    direct._execute_module = mock.Mock(return_value={"by": "Ansible"})  # type: ignore[method-assign]
    return direct


def test_module_of_the_same_name_runs_here() -> None:
    result = module_action().run(task_vars=dict(HERE))
    assert result["failed"] is True
    assert "kinds" in result["msg"]


def test_module_that_ansible_runs() -> None:
    made = module_action(transport="ssh")
    assert made.run(task_vars=dict(HERE))["by"] == "Ansible"
