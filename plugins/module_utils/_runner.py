# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""How every module runs: options in, one call, one edge where exceptions become failures, one result out."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

from ansible_collections.tokensmith.quay.plugins.module_utils._client import (
    REQUESTS_IMPORT_ERROR,
    QuayClient,
    normalise_host,
    password_in,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import BadInput, QuayError
from ansible_collections.tokensmith.quay.plugins.module_utils._login import BearerLogin, Login, SessionLogin
from ansible_collections.tokensmith.quay.plugins.module_utils._server import Server

if REQUESTS_IMPORT_ERROR is None:
    import requests

# Clocks further apart than this, in seconds, are worth a word: local tools judge expiry by the local clock.
_NOTABLE_SKEW = 300

CONNECTION_OPTIONS: dict[str, Any] = {
    "quay_host": {"type": "str", "default": "http://127.0.0.1", "fallback": (env_fallback, ["QUAY_HOST"])},
    "quay_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["QUAY_TOKEN"])},
    "quay_username": {"type": "str", "fallback": (env_fallback, ["QUAY_USERNAME"])},
    "quay_password": {"type": "str", "no_log": True, "fallback": (env_fallback, ["QUAY_PASSWORD"])},
    "validate_certs": {
        "type": "bool",
        "default": True,
        "aliases": ["verify_ssl"],
        "fallback": (env_fallback, ["QUAY_VERIFY_SSL"]),
    },
    "ca_path": {"type": "path", "fallback": (env_fallback, ["QUAY_CA_PATH"])},
    "timeout": {"type": "float", "default": 10.0, "fallback": (env_fallback, ["QUAY_TIMEOUT"])},
    "retries": {"type": "int", "default": 3},
}


# Of what stands alone before the @ of an address: a token, rather than a user's name.
_SHORTEST_SECRET = 8


class LocalCall:
    """One run of a module: its options, and what it has to say beside its result."""

    def __init__(self, params: dict[str, Any], check_mode: bool, warnings: list[str]) -> None:
        self.params = params
        self.check_mode = check_mode
        self.hidden: set[str] = set()  # what Ansible must blank wherever it repeats the arguments
        self._warnings = warnings

    def warn(self, sentence: str) -> None:
        """Tell the user something that he should know although nothing failed."""
        if sentence not in self._warnings:
            self._warnings.append(sentence)

    def hide_login_in(self, address: str) -> bool:
        """Whether an address has a login in it, which Ansible would repeat in its verbose output; now it will not."""
        pasted = password_in(address)
        # A short user name alone is no secret, and a part of many words.
        if pasted and (":" in pasted or len(pasted) >= _SHORTEST_SECRET):
            self.hidden.add(pasted)
        return pasted is not None

    def refuse_login_in(self, option: str, address: str, why: str) -> None:
        """Refuse an address with a login in it. ``why``: what would become of it."""
        if self.hide_login_in(address):
            raise BadInput(f"{option} must not hold a user name or password: {why}")


class Call(LocalCall):
    """One run of a module that speaks to Quay, and its way there."""

    def __init__(self, params: dict[str, Any], check_mode: bool, warnings: list[str], client: QuayClient) -> None:
        super().__init__(params, check_mode, warnings)
        self.client = client
        self.server = Server(client)


@dataclass(frozen=True)
class Outcome:
    """What a module answers. ``before`` and ``after`` are the sides of the diff; equal sides mean no diff."""

    changed: bool
    values: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def run_module(
    action: Callable[[Call], Outcome], options: Mapping[str, Any], *, login_optional: bool = False, **constraints: Any
) -> None:
    """Run one module: ``options`` besides the connection's, ``constraints`` as AnsibleModule takes them.

    ``login_optional``: it can be of use without a login, too.
    """
    module = _module(options, constraints)
    if REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    warnings: list[str] = []
    outcome, failure = _attempt(module, action, warnings, login_optional)
    _finish(module, outcome, failure, warnings)


def run_local_module(action: Callable[[LocalCall], Outcome], options: Mapping[str, Any], **constraints: Any) -> None:
    """Run a module that sends nothing to Quay.

    It takes the connection options all the same: C(module_defaults) of the action group sets them for every module.
    """
    module = _module(options, constraints)
    warnings: list[str] = []
    call = LocalCall(module.params, module.check_mode, warnings)
    _finish(module, *_guard(lambda: action(call)), warnings)


def _module(options: Mapping[str, Any], constraints: Mapping[str, Any]) -> AnsibleModule:
    module = AnsibleModule(argument_spec={**CONNECTION_OPTIONS, **options}, supports_check_mode=True, **constraints)
    # Ansible repeats the arguments in verbose output; people paste addresses with passwords in them.
    pasted = password_in(module.params["quay_host"])
    if pasted:
        module.no_log_values.add(pasted)
    return module


def _finish(module: AnsibleModule, outcome: Outcome | None, failure: str, warnings: list[str]) -> None:
    # Outside of any except block: Ansible adds the traceback of a handled exception to the result, and its texts
    # are not ours to vouch for.
    for sentence in warnings:
        module.warn(sentence)
    if outcome is None:
        module.fail_json(msg=failure)
    diff = {} if outcome.before == outcome.after else {"diff": {"before": outcome.before, "after": outcome.after}}
    module.exit_json(changed=outcome.changed, **outcome.values, **diff)


def _attempt(
    module: AnsibleModule, action: Callable[[Call], Outcome], warnings: list[str], login_optional: bool
) -> tuple[Outcome | None, str]:
    def act() -> Outcome:
        call = _call(module, warnings, login_optional)
        call.hidden = module.no_log_values
        outcome = action(call)
        skew = call.client.skew.total_seconds()
        if abs(skew) > _NOTABLE_SKEW:
            call.warn(f"The target's clock and Quay's differ by {abs(skew):.0f} s; times were judged by Quay's clock.")
        return outcome

    return _guard(act)


def _guard(act: Callable[[], Outcome]) -> tuple[Outcome | None, str]:
    """The edge: an outcome, or the sentence to fail with."""
    try:
        return act(), ""
    except QuayError as error:
        return None, str(error)
    except Exception as error:
        # The text of an unforeseen exception may quote a secret; its class and place may not.
        return None, f"Internal error: {type(error).__name__} {_place(error)}. Please report this as a defect."


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "at an unknown place"
    code = trace.tb_frame.f_code
    return f"in {code.co_name}, {os.path.basename(code.co_filename)} line {trace.tb_lineno}"


def _call(module: AnsibleModule, warnings: list[str], login_optional: bool) -> Call:
    params = module.params
    login = login_of(params, os.environ, optional=login_optional)
    origin = normalise_host(params["quay_host"])
    if origin.startswith("http://") and isinstance(login, SessionLogin):
        warnings.append("The password is sent over plain http and can be read on the way. Use an https:// quay_host.")
    verify: bool | str = (params["ca_path"] or True) if params["validate_certs"] else False
    if params["timeout"] <= 0 or params["retries"] < 0:
        raise BadInput("timeout must be more than 0 seconds, and retries 0 or more")
    client = QuayClient(
        origin, login, requests.Session(), timeout=params["timeout"], retries=params["retries"], verify=verify
    )
    return Call(params, module.check_mode, warnings, client)


def login_of(params: Mapping[str, Any], environ: Mapping[str, str], *, optional: bool = False) -> Login:
    """The login that the options name. What is written in the play wins over what stands in the environment.

    ``optional``: where they name none, it is that of the public.
    """
    token, username, password = params["quay_token"], params["quay_username"], params["quay_password"]
    if token and username and password:
        token_from_environment = token == environ.get("QUAY_TOKEN")
        user_from_environment = username == environ.get("QUAY_USERNAME") and password == environ.get("QUAY_PASSWORD")
        if not token_from_environment and not user_from_environment:
            raise BadInput("Give either quay_token, or quay_username and quay_password, not both")
        if token_from_environment and not user_from_environment:
            token = None
    if token:
        return BearerLogin(token)
    if username and password:
        return SessionLogin(username, password)
    if username or password:
        raise BadInput("quay_username and quay_password go together; one of them is missing")
    if optional:
        return Login()
    raise BadInput(
        "No login: give quay_token (or QUAY_TOKEN), or quay_username and quay_password (or QUAY_USERNAME and "
        "QUAY_PASSWORD)"
    )
