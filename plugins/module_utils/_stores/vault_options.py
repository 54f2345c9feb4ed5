# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The options of a store in HashiCorp Vault or OpenBao: address, login and TLS, as the ``vault`` CLI reads them.

Nothing is read but the environment: a token file is read when it is used.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any, Mapping
from urllib.parse import urlsplit

from .._core.errors import BadInput
from .._core.secret_input import clean_password, clean_secret
from .._core.times import parse_duration
from .remote_options import APPROLE, JWT, KUBERNETES, TOKEN, TOKEN_FILE, USERPASS

# The options of a login, each with the methods that use it.
_METHODS_OF = {
    "vault_auth_mount": (APPROLE, KUBERNETES, JWT, USERPASS),
    "vault_token": (TOKEN,),
    "vault_token_path": (TOKEN_FILE,),
    "vault_role_id": (APPROLE,),
    "vault_secret_id": (APPROLE,),
    "vault_role": (KUBERNETES, JWT),
    "vault_jwt": (JWT,),
    "vault_service_account_token_path": (KUBERNETES,),
    "vault_username": (USERPASS,),
    "vault_password": (USERPASS,),
}
_REQUIRED = {
    APPROLE: ("vault_role_id",),
    KUBERNETES: ("vault_role",),
    JWT: ("vault_jwt",),
    USERPASS: ("vault_username", "vault_password"),
}

_DEFAULT_MOUNT = "secret"
_DEFAULT_TOKEN_FILE = "~/.vault-token"  # noqa: S105
_DEFAULT_SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_DEFAULT_TIMEOUT = "30s"
# As the vault CLI reads VAULT_SKIP_VERIFY.
_TRUE = ("1", "t", "true")
_HEADER_TEXT = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class VaultLogin:
    """How to log in. ``credentials``: the body of the login request. ``token_file``: where a token is read from."""

    method: str
    mount: str = ""
    token: str | None = field(default=None, repr=False)
    token_file: str = ""
    # As pairs, so that a login can be compared and hashed.
    credentials: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    username: str = ""


@dataclass(frozen=True)
class VaultServer:
    """The address of a server, and how to connect to it. ``url`` is empty if it is not known."""

    url: str
    namespace: str = ""
    verify: bool | str = True
    timeout: float = 30.0


def server_from_options(options: Mapping[str, Any]) -> VaultServer:
    """The server that the options or the environment name. Raises BadInput for invalid values."""
    url = _option(options, "vault_url", "VAULT_ADDR", "BAO_ADDR")
    # As in the CLI, a file of certificates comes before a directory of them.
    authorities = ("VAULT_CACERT", "BAO_CACERT", "VAULT_CAPATH", "BAO_CAPATH")
    verify: bool | str = _option(options, "vault_ca_path", *authorities) or True
    skip = _option({}, "", "VAULT_SKIP_VERIFY", "BAO_SKIP_VERIFY").lower() in _TRUE
    checked = options.get("vault_validate_certs")
    namespace = _option(options, "vault_namespace", "VAULT_NAMESPACE", "BAO_NAMESPACE").strip("/")
    if namespace and not _HEADER_TEXT.fullmatch(namespace):
        raise BadInput("vault_namespace must be the path of a namespace, such as admin/ci, without blanks")
    return VaultServer(
        _normalised(url) if url else "",
        namespace,
        False if checked is False or (checked is None and skip) else verify,
        _timeout(options),
    )


def _timeout(options: Mapping[str, Any]) -> float:
    """The seconds to wait for a response."""
    text = _option(options, "vault_timeout", "VAULT_CLIENT_TIMEOUT", "BAO_CLIENT_TIMEOUT") or _DEFAULT_TIMEOUT
    # The CLI reads a number without a unit as seconds.
    text = f"{text}s" if not options.get("vault_timeout") and text.isdecimal() else text
    timeout = parse_duration(text, "vault_timeout (VAULT_CLIENT_TIMEOUT)")
    if not timeout:
        raise BadInput("vault_timeout (VAULT_CLIENT_TIMEOUT) must be longer than 0s")
    return timeout.total_seconds()


def login_from_options(options: Mapping[str, Any]) -> VaultLogin:
    """The login that the options name. Raises BadInput for options that do not belong together.

    Without vault_auth_method, it is the token of the option or of the environment, else the token file of the CLI.
    """
    method = options.get("vault_auth_method") or _implied_method(options)
    _refuse_other_logins(options, method)
    if method == TOKEN:
        token = clean_secret(_option(options, "vault_token", "VAULT_TOKEN", "BAO_TOKEN"), "vault_token")
        if token and not _HEADER_TEXT.fullmatch(token):
            raise BadInput("vault_token holds characters that no token has")
        return VaultLogin(TOKEN, token=token)
    if method == TOKEN_FILE:
        return VaultLogin(TOKEN_FILE, token_file=_expanded(options.get("vault_token_path") or _DEFAULT_TOKEN_FILE))
    missing = [name for name in _REQUIRED[method] if not options.get(name)]
    if missing:
        raise BadInput(f"{' and '.join(missing)} missing: vault_auth_method: {method} needs it")
    mount = _path(options.get("vault_auth_mount") or method, "vault_auth_mount")
    if method == KUBERNETES:
        file = _expanded(options.get("vault_service_account_token_path") or _DEFAULT_SERVICE_ACCOUNT)
        return VaultLogin(method, mount, token_file=file, credentials=(("role", options["vault_role"]),))
    return VaultLogin(
        method, mount, credentials=_credentials(options, method), username=options.get("vault_username") or ""
    )


def mount_from_options(options: Mapping[str, Any]) -> str:
    """The mount of the KV engine. Raises BadInput if it is none."""
    return _path(options.get("mount") or _DEFAULT_MOUNT, "mount")


def path_from_options(options: Mapping[str, Any]) -> str:
    """The path below the mount. Raises BadInput if it is none."""
    path = str(options["path"])
    # Ansible replaces a leading ~ by a home directory, so this covers it too.
    if path.startswith("/"):
        raise BadInput("path must be relative to the mount of a hashi_vault store, as in ci/quay, without a leading /")
    return _path(path, "path")


def _path(text: str, option: str) -> str:
    parts = text.strip("/").split("/")
    if any(part.strip() in ("", ".", "..") for part in parts) or not text.isprintable():
        raise BadInput(f"{option} must be a path such as ci/quay, without empty parts")
    return "/".join(parts)


def _option(options: Mapping[str, Any], name: str, *variables: str) -> str:
    """The option, else the first of these environment variables that is set, else an empty text."""
    given = str(options.get(name) or "").strip()
    if given:
        return given
    found = (os.environ.get(variable, "").strip() for variable in variables)
    return next(filter(None, found), "")


def _normalised(url: str) -> str:
    """The address without a trailing slash. Raises BadInput, without repeating it: it may hold a password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadInput("vault_url (VAULT_ADDR) is not a URL; write it as https://vault.example.com:8200") from None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise BadInput(
            "vault_url (VAULT_ADDR) must be the address of Vault or OpenBao, as https://vault.example.com:8200"
        )
    if parts.username is not None or parts.password is not None:
        raise BadInput("vault_url (VAULT_ADDR) must not hold a user name or password")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _implied_method(options: Mapping[str, Any]) -> str:
    if options.get("vault_token_path"):
        return TOKEN_FILE
    return TOKEN if _option(options, "vault_token", "VAULT_TOKEN", "BAO_TOKEN") else TOKEN_FILE


def _refuse_other_logins(options: Mapping[str, Any], method: str) -> None:
    for name, methods in _METHODS_OF.items():
        if options.get(name) and method not in methods:
            use = " or ".join(f"vault_auth_method: {other}" for other in methods)
            raise BadInput(f"{name} has no effect without {use}. Set that, or leave {name} out")


def _credentials(options: Mapping[str, Any], method: str) -> tuple[tuple[str, str], ...]:
    if method == APPROLE:
        secret_id = clean_secret(options.get("vault_secret_id"), "vault_secret_id")
        given = {"role_id": options["vault_role_id"], "secret_id": secret_id}
    elif method == JWT:
        given = {"role": options.get("vault_role"), "jwt": clean_secret(options["vault_jwt"], "vault_jwt")}
    else:
        given = {"password": clean_password(options["vault_password"])}
    return tuple((name, value) for name, value in given.items() if value)


def _expanded(path: str) -> str:
    return os.path.expanduser(path)
