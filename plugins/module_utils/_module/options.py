# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The connection options that every module has, and which options of a task are unset."""

from __future__ import annotations

import os
from typing import Any, Mapping

from ansible.module_utils.basic import env_fallback


def environment(*names: str) -> Any:
    """The first of these environment variables that is not empty, as a fallback of an option."""
    for name in names:
        if os.environ.get(name, "").strip():
            return os.environ[name]
    # Without a name it reports that there is none.
    return env_fallback()


def variables_of(given: Mapping[str, Any], spec: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variable of each option that the task does not give and the environment does.

    ``given``: the options of the task. ``spec``: the argument spec.
    """
    found: dict[str, str] = {}
    for name, option in spec.items():
        _function, variables = option.get("fallback", (None, ()))
        variable = next((variable for variable in variables if environ.get(variable, "").strip()), None)
        if variable is not None and not any(alias in given for alias in (name, *option.get("aliases", ()))):
            found[name] = variable
    return found


CONNECTION_OPTIONS: dict[str, Any] = {
    "quay_host": {"type": "str", "fallback": (environment, ["QUAY_HOST"])},
    "quay_token": {"type": "str", "no_log": True, "fallback": (environment, ["QUAY_TOKEN"])},
    "quay_token_path": {"type": "path", "no_log": False},
    "quay_username": {"type": "str", "fallback": (environment, ["QUAY_USERNAME"])},
    "quay_password": {"type": "str", "no_log": True, "fallback": (environment, ["QUAY_PASSWORD"])},
    "validate_certs": {
        "type": "bool",
        "default": True,
        "aliases": ["verify_ssl"],
        "fallback": (environment, ["QUAY_VERIFY_SSL"]),
    },
    "ca_path": {"type": "path", "fallback": (environment, ["QUAY_CA_PATH"])},
    "timeout": {"type": "float", "default": 10.0, "fallback": (environment, ["QUAY_TIMEOUT"])},
    "retries": {"type": "int", "default": 3},
}

# Texts that a task can set to nothing. Any other option with an empty value is not set: templates, AWX and the shell
# hand over empty texts for variables that are not set.
_MEANT_IF_EMPTY = frozenset(
    (
        "application_uri",
        "avatar_email",
        "description",
        "external_registry_username",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "prefix",
        "redirect_uri",
    )
)


def without_empty(params: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a task, and those inside of its lists, without those whose empty value means that they are unset.

    ``spec``: the argument spec.
    """
    names = {alias: name for name, option in spec.items() for alias in (name, *option.get("aliases", ()))}
    return {
        given: _without_empty_items(value, spec[names[given]].get("options")) if given in names else value
        for given, value in params.items()
        if given not in names or not _is_unset(names[given], value)
    }


def _is_unset(name: str, value: Any) -> bool:
    return isinstance(value, str) and not value.strip() and name not in _MEANT_IF_EMPTY


def _without_empty_items(value: Any, spec: Mapping[str, Any] | None) -> Any:
    """The value of an option. ``spec``: that of the mapping or of the mappings in it; None if it has no such."""
    if spec is None:
        return value
    if isinstance(value, dict):
        return without_empty(value, spec)
    return [_without_empty_items(item, spec) for item in value] if isinstance(value, list) else value
