# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The Auth and the client that the connection options stand for."""

from __future__ import annotations

import getpass
import os
from typing import Any, Mapping

from .._core.errors import BadInput
from .._core.secret_input import clean_password, clean_secret, clean_username
from .._http.address import normalise_host
from .._http.auth import Auth, BearerAuth, SessionAuth
from .._http.client import QuayClient
from .._http.session import new_session


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
