# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The connection options that every module has, and the Auth that they stand for."""

from __future__ import annotations

import getpass
import os
from typing import Any, Mapping

from ansible.module_utils.basic import env_fallback

from .._core.errors import BadInput
from .._core.secret_input import clean_secret
from .._http.auth import Auth, BearerAuth, SessionAuth


def environment(*names: str) -> Any:
    """The first of these environment variables that is not empty, as a fallback of an option."""
    for name in names:
        if os.environ.get(name):
            return os.environ[name]
    # Without a name it reports that there is none.
    return env_fallback()


CONNECTION_OPTIONS: dict[str, Any] = {
    "quay_host": {"type": "str", "fallback": (environment, ["QUAY_HOST"])},
    "quay_token": {"type": "str", "no_log": True, "fallback": (environment, ["QUAY_TOKEN"])},
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

# Texts for which an empty value means that they are not set, as templates and AWX hand them over. An empty value of any
# other type than text always means that. An empty description or e-mail address means an empty one.
_UNSET_IF_EMPTY = frozenset(
    (
        *CONNECTION_OPTIONS,
        "application",
        "client_id",
        "current_token",
        "for_user",
        "group",
        "lifetime",
        "max_age",
        "mode",
        "name",
        "organization",
        "owner",
        "registry",
        "renew_before",
        "retire_after",
        "uuid",
    )
)


def without_empty(params: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a task without those whose empty value means that they are not set."""
    return {
        name: value
        for name, value in params.items()
        if value != "" or not (name in _UNSET_IF_EMPTY or _type_of(name, spec) != "str")
    }


def _type_of(name: str, spec: Mapping[str, Any]) -> str:
    """The type of an option by its name or an alias; text for one that is unknown."""
    for key, option in spec.items():
        if name == key or name in option.get("aliases", ()):
            return str(option.get("type", "str"))
    return "str"


def auth_from_options(params: Mapping[str, Any], environ: Mapping[str, str], *, optional: bool = False) -> Auth:
    """The Auth that the options name. Values from the play win over values from the environment.

    ``optional``: without any credentials, return an anonymous Auth. Raises BadInput for contradictory or missing ones.
    """
    token = clean_secret(params["quay_token"], "quay_token")
    username, password = params["quay_username"], params["quay_password"]
    if token and username and password:
        token_from_environment = token == environ.get("QUAY_TOKEN", "").strip()
        user_from_environment = username == environ.get("QUAY_USERNAME") and password == environ.get("QUAY_PASSWORD")
        if not token_from_environment and not user_from_environment:
            raise BadInput("Give either quay_token, or quay_username and quay_password, not both")
        if token_from_environment and not user_from_environment:
            token = None
    if token:
        return BearerAuth(token)
    if username and password:
        return SessionAuth(username, password)
    if username or password:
        raise BadInput("quay_username and quay_password go together; one of them is missing")
    if optional:
        return Auth()
    raise BadInput(
        "No login: give quay_token (or QUAY_TOKEN), or quay_username and quay_password (or QUAY_USERNAME and "
        f"QUAY_PASSWORD). The environment was read on {os.uname().nodename} as the user {_current_user()}; variables "
        "that are set on the controller do not reach another host"
    )


def _current_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())
