# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The connection options that every module has, and the Auth that they stand for."""

from __future__ import annotations

from typing import Any, Mapping

from ansible.module_utils.basic import env_fallback

from .._core.errors import BadInput
from .._http.auth import Auth, BearerAuth, SessionAuth

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


def auth_from_options(params: Mapping[str, Any], environ: Mapping[str, str], *, optional: bool = False) -> Auth:
    """The Auth that the options name. Values from the play win over values from the environment.

    ``optional``: without any credentials, return an anonymous Auth. Raises BadInput for contradictory or missing ones.
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
        return BearerAuth(token)
    if username and password:
        return SessionAuth(username, password)
    if username or password:
        raise BadInput("quay_username and quay_password go together; one of them is missing")
    if optional:
        return Auth()
    raise BadInput(
        "No login: give quay_token (or QUAY_TOKEN), or quay_username and quay_password (or QUAY_USERNAME and "
        "QUAY_PASSWORD)"
    )
