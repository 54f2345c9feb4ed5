# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Runs a module that talks to Quay: options in, one call, one result out."""

from __future__ import annotations

import os
from typing import Any, Callable, Mapping, Sequence

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._core.secret_input import refuse_masked_values
from .._http.address import normalise_host
from .._http.auth import Auth, BearerAuth, SessionAuth
from .._http.session import REQUESTS_IMPORT_ERROR
from .connection import auth_from_options, client_from_options
from .context import ModuleContext, Result
from .local_runner import finish, guard, new_module
from .packing import with_packed

# Seconds. A larger difference of the clocks causes a warning: local tools check expiry by the local clock.
_NOTABLE_CLOCK_SKEW = 300


def run_module(
    action: Callable[[ModuleContext], Result],
    options: Mapping[str, Any],
    *,
    auth_optional: bool = False,
    own_login: bool = False,
    or_many: bool = False,
    replaced: Mapping[str, str] | None = None,
    packed: Sequence[str] = (),
    **constraints: Any,
) -> None:
    """Run a module that talks to Quay.

    ``options``: its argument spec without the connection options. ``constraints``: as AnsibleModule takes them.
    ``auth_optional``: the module can do without credentials. ``own_login``: it has options of its own for the login, so
    the client is anonymous. ``or_many``: the options describe one credential, and the
    module takes a list of many instead. ``replaced``: by the name of an option that the module of
    infra.quay_configuration has and this one lacks, a sentence that says what to use. ``packed``: the options that
    arrive packed; the result is then packed, too.
    """
    if packed:
        action = with_packed(action, packed)
    module = new_module(options, constraints, replaced or {}, or_many=or_many)
    if REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    warnings: list[str] = []
    result, failure = _attempt(module, action, warnings, auth_optional, own_login)
    finish(module, result, failure, warnings)


def _attempt(
    module: AnsibleModule,
    action: Callable[[ModuleContext], Result],
    warnings: list[str],
    auth_optional: bool,
    own_login: bool,
) -> tuple[Result | None, str]:
    def act() -> Result:
        refuse_masked_values(module.params)
        context = _context(module, warnings, auth_optional, own_login)
        context.hidden, context.hides_result = module.no_log_values, bool(module.no_log)
        result = action(context)
        clock_skew = context.client.clock_skew.total_seconds()
        if abs(clock_skew) > _NOTABLE_CLOCK_SKEW:
            context.warn(f"The target's clock and Quay's differ by {abs(clock_skew):.0f} s; Quay's clock was used.")
        return result

    return guard(act)


def _context(module: AnsibleModule, warnings: list[str], auth_optional: bool, own_login: bool) -> ModuleContext:
    params = module.params
    auth = Auth() if own_login else auth_from_options(params, os.environ, optional=auth_optional)
    if params.get("quay_token_path") and isinstance(auth, BearerAuth):
        # Ansible itself hides the secrets among the options only.
        module.no_log_values.add(auth.token)
    origin = normalise_host(params["quay_host"])
    if origin.startswith("http://") and (own_login or isinstance(auth, SessionAuth)):
        warnings.append("The password is sent over plain http and can be read by others. Use an https:// quay_host.")
    return ModuleContext(params, module.check_mode, warnings, client_from_options(params, auth))
