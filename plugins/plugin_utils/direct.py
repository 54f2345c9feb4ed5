# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of this collection from where it is installed, if the task runs on this machine by this Python.

Ansible packs a module with all that it imports, and each run compiles all of it anew. For the modules of the rotation,
that takes several times as long as what they do. A process of its own runs them here, too: with the arguments on its
standard input, and its result on its standard output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Mapping, Sequence

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.tokensmith.quay.plugins.module_utils._module.packing import pack_arguments, unpack_result

_NAMESPACE = "tokensmith.quay."
# The folder with ansible_collections. It takes the place of the current directory, from which nothing is imported.
_ROOT = Path(__file__).resolve().parents[5]
_PROGRAM = (
    "import sys; sys.path[0] = {root!r}; "
    "from ansible_collections.tokensmith.quay.plugins.modules.{module} import main; main()"
)


class DirectAction(ActionBase):
    """An action that runs modules of this collection."""

    def execute(
        self, module: str, arguments: dict[str, Any], task_vars: dict[str, Any], packed: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The result of a module. ``module``: its short name. Raises AnsibleConnectionFailure.

        ``packed``: the long arguments, which the module takes packed.
        """
        arguments = pack_arguments(arguments, packed)
        if self._is_here(task_vars):
            done = self._run_here(module, arguments, task_vars)
        else:
            done = self._execute_module(module_name=_NAMESPACE + module, module_args=arguments, task_vars=task_vars)
        # The arguments as the module got them would be kept with the result, in each variable that holds it.
        for name in packed:
            (done.get("invocation") or {}).get("module_args", {}).pop(name, None)
        return unpack_result(done)

    def _is_here(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether Ansible would run the module by this Python, as this user and in this environment."""
        host = self._task.delegate_to
        variables = (task_vars.get("ansible_delegated_vars") or {}).get(host) if host else task_vars
        interpreter = (variables or {}).get("ansible_python_interpreter")
        return (
            self._connection.transport == "local"
            and not self._connection.become
            and not any(self._task.environment or ())
            and not self._task.async_val
            and not constants.config.get_config_value("DEFAULT_KEEP_REMOTE_FILES")
            and bool(interpreter)
            and str(self._templar.template(interpreter)) == sys.executable
        )

    def _run_here(self, module: str, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        given = dict(arguments)
        self._update_module_args(_NAMESPACE + module, given, task_vars)
        process = subprocess.run(
            [sys.executable, "-c", _PROGRAM.format(root=str(_ROOT), module=module)],
            # A value that is encrypted in a file of variables becomes its text.
            input=json.dumps({"ANSIBLE_MODULE_ARGS": given}, default=str),
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
        return _result(process.stdout, process.returncode)


class DirectModule(NormalAction, DirectAction):
    """The action of a module that needs nothing of the controller but to be run from here."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module of the same name."""
        if not self._is_here(task_vars or {}):
            elsewhere: dict[str, Any] = super().run(tmp, task_vars)  # type: ignore[no-untyped-call]
            return elsewhere
        result: dict[str, Any] = ActionBase.run(self, tmp, task_vars)
        module = str(self._task.action).rpartition(".")[2]
        return {**result, **self._run_here(module, self._task.args, task_vars or {})}


def _result(output: str, status: int) -> dict[str, Any]:
    """What a module printed. Without a complete result, the keys that Ansible sets in that case."""
    try:
        found = json.loads(output)
    except ValueError:
        return {"failed": True, "msg": "MODULE FAILURE", "rc": status, "module_stdout": output}
    result: dict[str, Any] = found
    for key in ("warnings", "deprecations"):
        if key in result:
            result[key] = [_text_of(item) if key == "warnings" else item for item in result[key]]
    return result


def _text_of(warning: Any) -> str:
    """Since ansible-core 2.19, a module returns its warnings as mappings."""
    return str(warning if isinstance(warning, str) else warning["event"]["msg"])
