# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The Auth and the client that the connection options stand for."""

from __future__ import annotations

import getpass
import json
import os
import stat
from typing import Any, Mapping

from .._core.errors import BadInput
from .._core.secret_input import clean_password, clean_secret, clean_username
from .._http.address import normalise_host
from .._http.auth import Auth, BearerAuth, SessionAuth
from .._http.client import QuayClient
from .._http.session import new_session

# A file with a token is small.
_MAX_TOKEN_FILE = 64 * 1024


def auth_from_options(params: Mapping[str, Any], environ: Mapping[str, str], *, optional: bool = False) -> Auth:
    """The Auth that the options name. Values from the play win over values from the environment.

    ``optional``: without any credentials, return an anonymous Auth. Raises BadInput for contradictory or missing ones.
    """
    token = clean_secret(params["quay_token"], "quay_token")
    username = clean_username(params["quay_username"], "quay_username")
    password = clean_password(params["quay_password"])
    token_from_environment = token == environ.get("QUAY_TOKEN", "").strip()
    user_from_environment = (username, password) == (
        environ.get("QUAY_USERNAME", "").strip(),
        clean_password(environ.get("QUAY_PASSWORD")),
    )
    path = params.get("quay_token_path")
    if path:
        if (token and not token_from_environment) or (username and password and not user_from_environment):
            raise BadInput("Give one login: quay_token, quay_token_path, or quay_username and quay_password")
        return BearerAuth(read_token(path))
    if token and username and password:
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
        "No login: give quay_token (or QUAY_TOKEN), quay_token_path, or quay_username and quay_password (or "
        f"QUAY_USERNAME and QUAY_PASSWORD). The environment was read on {os.uname().nodename} as the user "
        f"{_current_user()}; variables that are set on the controller do not reach another host"
    )


def read_token(path: str) -> str:
    """The token in a file that holds it alone, or in the key ``token`` of a JSON file.

    Raises BadInput, which never repeats the content.
    """
    text = _text_of(path).strip()
    if text.startswith("{"):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            raise BadInput(f"quay_token_path: {path} is not valid JSON") from None
        text = str(document.get("token") or "")
    token = clean_secret(text, f"quay_token_path: {path}")
    if not token:
        raise BadInput(f"quay_token_path: {path} holds no token")
    return token


def _text_of(path: str) -> str:
    try:
        # Opening a pipe would wait for its other end.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), encoding="utf-8") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadInput(f"quay_token_path: {path} is not a regular file")
            return file.read(_MAX_TOKEN_FILE)
    except OSError as error:
        raise BadInput(
            f"quay_token_path: {path} cannot be read on {os.uname().nodename} as the user {_current_user()}: "
            f"{error.strerror}"
        ) from None
    except UnicodeDecodeError:
        raise BadInput(f"quay_token_path: {path} is not a text file") from None


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
