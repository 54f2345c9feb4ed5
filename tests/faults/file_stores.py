# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stores that are files: what the tests put into them, and how they read them, without code of the collection."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from . import vault_format

REGISTRY = "quay.example.com"
OTHER_REGISTRY = "other.example.com"
OTHER_LOGIN = base64.b64encode(b"somebody:something").decode()

# The names of the files in the folder of a workspace.
FILES = {"file": "secret", "auth": "auth.json", "second": "second", "vault_vars": "vars.yml"}

VAULT_LABEL = "ci"
VAULT_PASSWORD = "a-password-of-ansible-vault"
_OTHER_VARIABLES = "---\n# The registry\nquay_url: https://quay.example.com  # of the team\nbuilders: [one, two]\n"


@dataclass(frozen=True)
class Login:
    """The login in a store."""

    username: str
    secret: str = field(repr=False)


def options_of_file(kind: str, path: Path, form: str, vault_password_file: Path) -> Mapping[str, Any]:
    """The entry of ``deliver`` for a file. ``form``: the format of the first file."""
    where = {"path": str(path), "registry": REGISTRY}
    if kind == "auth":
        return {"kind": "container_auth", **where}
    if kind == "vault_vars":
        variables = {"token": "quay_token", "username": "quay_username"}
        vault_id = f"{VAULT_LABEL}@{vault_password_file}"
        return {"kind": "vault_vars", "path": str(path), "variables": variables, "ansible_vault_id": vault_id}
    return {"kind": "file", "format": form if kind == "file" else "json", **where}


def fill_file(kind: str, path: Path) -> None:
    """Put what others keep in a file into it, which must stay."""
    if kind == "auth":
        path.write_text(json.dumps({"auths": {OTHER_REGISTRY: {"auth": OTHER_LOGIN}}}))
    elif kind == "vault_vars":
        path.write_bytes(vault_format.encrypt(_OTHER_VARIABLES.encode(), VAULT_LABEL, VAULT_PASSWORD.encode()))
    else:
        return
    path.chmod(0o600)


def read_store(path: Path) -> Login | None:
    """Return the login in a store, or none if it is incomplete. Does not use code of the collection."""
    if path.is_symlink():
        return None
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError):
        return None
    if not text.endswith("\n"):
        return None
    if path.name == FILES["vault_vars"]:
        return _read_variables(text)
    if path.name != FILES["auth"] and not text.startswith("{"):
        return Login("", text[:-1]) if re.fullmatch(r"\S+\n", text) else None
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if path.name != FILES["auth"]:
        return Login(document["username"] or "", document["token"])
    return login_in_auths(document)


def login_in_auths(document: Mapping[str, Any]) -> Login | None:
    """The login in the content of an auth file; none without it, or without the login for another registry."""
    if document["auths"].get(OTHER_REGISTRY) != {"auth": OTHER_LOGIN} or REGISTRY not in document["auths"]:
        return None
    username, _colon, secret = base64.b64decode(document["auths"][REGISTRY]["auth"]).decode().partition(":")
    return Login(username, secret)


def _read_variables(text: str) -> Login | None:
    """The login in a file of variables; none if it is incomplete, or lacks what others keep in it."""
    try:
        plain = vault_format.decrypt(text.encode(), VAULT_PASSWORD.encode()).decode()
    except vault_format.Undecryptable:
        return None
    variables = yaml.safe_load(plain)
    if not plain.startswith(_OTHER_VARIABLES) or "quay_token" not in variables:
        return None
    return Login(variables["quay_username"], variables["quay_token"])
