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
from .._core.secret_input import clean_password, clean_secret, clean_username
from .._http.address import normalise_host
from .._http.auth import Auth, BearerAuth, SessionAuth
from .._http.client import QuayClient
from .._http.session import new_session


def environment(*names: str) -> Any:
    """The first of these environment variables that is not empty, as a fallback of an option."""
    for name in names:
        if os.environ.get(name, "").strip():
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


def auth_from_options(params: Mapping[str, Any], environ: Mapping[str, str], *, optional: bool = False) -> Auth:
    """The Auth that the options name. Values from the play win over values from the environment.

    ``optional``: without any credentials, return an anonymous Auth. Raises BadInput for contradictory or missing ones.
    """
    token = clean_secret(params["quay_token"], "quay_token")
    username = clean_username(params["quay_username"], "quay_username")
    password = clean_password(params["quay_password"])
    if token and username and password:
        token_from_environment = token == environ.get("QUAY_TOKEN", "").strip()
        user_from_environment = (username, password) == (
            environ.get("QUAY_USERNAME", "").strip(),
            clean_password(environ.get("QUAY_PASSWORD")),
        )
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


def client_from_options(params: Mapping[str, Any], auth: Auth) -> QuayClient:
    """A client for the server of these options. Nothing is sent. Raises BadInput for invalid options."""
    verify: bool | str = (params["ca_path"] or True) if params["validate_certs"] else False
    if params["timeout"] <= 0 or params["retries"] < 0:
        raise BadInput("timeout must be more than 0 seconds, and retries 0 or more")
    return QuayClient(
        normalise_host(params["quay_host"]),
        auth,
        new_session(),
        timeout=params["timeout"],
        retries=params["retries"],
        verify=verify,
    )
