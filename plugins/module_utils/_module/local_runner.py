# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Runs a module that sends nothing to Quay: options in, one call, one result out.

Here is the one place where exceptions become failures. The runner of modules that talk to Quay is built on this one,
which imports no HTTP client: consumer hosts need none.
"""

from __future__ import annotations

import os
import re
from typing import Any, Callable, Mapping, NoReturn, Sequence

from ansible.module_utils.basic import AnsibleModule

from .._core.secret_input import refuse_masked_values
from .._http.address import credentials_in_url
from .context import LocalContext, Result
from .failures import failure_message
from .many_options import problems_of_many, secrets_of, with_many
from .options import CONNECTION_OPTIONS, variables_of, without_empty
from .packing import with_packed


def run_local_module(action: Callable[[LocalContext], Result], options: Mapping[str, Any], **constraints: Any) -> None:
    """Run a module that sends nothing to Quay.

    It accepts the connection options, because module_defaults of the action group set them for every module.
    """
    _run_locally(new_module(options, constraints, {}), action)


def run_consumer_module(
    action: Callable[[LocalContext], Result],
    options: Mapping[str, Any],
    packed: Sequence[str] = (),
    **constraints: Any,
) -> None:
    """Run a module on a machine that must not get the login of Quay: it has no options for one.

    ``packed``: the options that arrive packed; the result is then packed, too.
    """
    if packed:
        action = with_packed(action, packed)
    host = {"quay_host": {"type": "str"}}
    _run_locally(_new_module({**host, **options}, constraints, {}), action)


def _run_locally(module: AnsibleModule, action: Callable[[LocalContext], Result]) -> None:
    warnings: list[str] = []
    context = LocalContext(module.params, module.check_mode, warnings)
    context.hidden = module.no_log_values

    def act() -> Result:
        refuse_masked_values(module.params)
        return action(context)

    finish(module, *guard(act), warnings)


class _Module(AnsibleModule):
    """An AnsibleModule for which empty values are unset ones, before their types are checked.

    For an option in ``replaced`` it fails with the sentence there. Otherwise AnsibleModule would only say that it does
    not know the option, or complain about others that are missing.
    """

    def __init__(self, replaced: Mapping[str, str], has_list: bool, **arguments: Any) -> None:
        """``has_list``: the module takes many credentials, too."""
        self._replaced = replaced
        self._has_list = has_list
        self._advice: list[str] = []  # about the replaced options of this task, and about its list
        self._variables: dict[str, str] = {}  # the environment variables that stand for options
        initialise: Callable[..., None] = super().__init__
        initialise(**arguments)
        if self._advice:
            # AnsibleModule itself found nothing wrong.
            self.fail_json(msg="")

    def _load_params(self) -> None:
        AnsibleModule._load_params(self)
        given = {name for name, value in self.params.items() if name in self._replaced and value not in (None, "")}
        self._advice = [f"There is no option {name}. {self._replaced[name]}" for name in sorted(given)]
        known = {name: value for name, value in self.params.items() if name in given or name not in self._replaced}
        self.params = without_empty(known, self.argument_spec)
        self._variables = variables_of(self.params, self.argument_spec, os.environ)
        if self._has_list:
            self._advice += problems_of_many(self.params, self.argument_spec, self._replaced)
            self.no_log_values.update(secrets_of(self.params, self.argument_spec))

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        super().fail_json(msg=". ".join(self._advice) or self._with_variables(msg), **result)

    def _with_variables(self, message: str) -> str:
        """The message with the names of the environment variables from which the options in it were read."""
        sources = [
            f"{option} was read from the environment variable {variable}"
            for option, variable in self._variables.items()
            if re.search(rf"\b{option}\b", message) and variable not in message
        ]
        return ". ".join([message.rstrip("."), *sources]) if sources else message


def new_module(
    options: Mapping[str, Any],
    constraints: Mapping[str, Any],
    replaced: Mapping[str, str],
    *,
    or_many: bool = False,
) -> AnsibleModule:
    """``or_many``: the options describe one credential, and the module takes a list of many instead."""
    if or_many:
        options, constraints = with_many(options, constraints)
    return _new_module({**CONNECTION_OPTIONS, **options}, constraints, replaced, or_many)


def _new_module(
    spec: Mapping[str, Any], constraints: Mapping[str, Any], replaced: Mapping[str, str], has_list: bool = False
) -> AnsibleModule:
    module: AnsibleModule = _Module(replaced, has_list, argument_spec=spec, supports_check_mode=True, **constraints)
    # Ansible repeats the arguments in verbose output; people paste addresses with passwords in them.
    pasted = credentials_in_url(module.params["quay_host"] or "")
    if pasted:
        module.no_log_values.add(pasted)
    return module


def finish(module: AnsibleModule, result: Result | None, failure: str, warnings: list[str]) -> None:
    # Outside of any except block: Ansible adds the traceback of an exception that is being handled to the result, and
    # its text may hold a secret.
    for sentence in warnings:
        module.warn(sentence)
    if result is None:
        module.fail_json(msg=failure)
    diff: dict[str, Any] = {}
    if result.diffs:
        diff = {"diff": list(result.diffs)}
    elif result.before != result.after:
        diff = {"diff": {"before": result.before, "after": result.after}}
    if result.failure:
        module.fail_json(msg=result.failure, changed=result.changed, **result.values, **diff)
    module.exit_json(changed=result.changed, **result.values, **diff)


def guard(act: Callable[[], Result]) -> tuple[Result | None, str]:
    """The result, or the message to fail with. The one place where exceptions become failures."""
    try:
        return act(), ""
    except Exception as error:
        return None, failure_message(error)
