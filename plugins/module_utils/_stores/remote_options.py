# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The options of the kinds of stores that are reached from where Quay is asked.

They are apart from the code of these stores: each module with the option deliver needs them, and the code only for the
kinds that are used.
"""

from __future__ import annotations

from typing import Any, Mapping

# The names of kinds.
AWX = "awx_credential"
VAULT_VARS = "vault_vars"

DOCKER_TYPE = "kubernetes.io/dockerconfigjson"

KUBERNETES_LOGIN_OPTIONS: dict[str, Any] = {
    "kubeconfig": {"type": "path"},
    "kubernetes_context": {"type": "str"},
    "kubernetes_host": {"type": "str"},
    "kubernetes_token": {"type": "str", "no_log": True},
    "kubernetes_ca_path": {"type": "path"},
    "kubernetes_validate_certs": {"type": "bool"},
}

KUBERNETES_OPTIONS: dict[str, Any] = {
    "namespaces": {"type": "list", "elements": "str", "required": True},
    "secret_name": {"type": "str", "required": True, "no_log": False},
    "secret_type": {
        "type": "str",
        "choices": [DOCKER_TYPE, "Opaque", "kubernetes.io/basic-auth"],
        "default": DOCKER_TYPE,
        "no_log": False,
    },
    "keys": {"type": "dict", "no_log": False},
    "extra_values": {"type": "dict"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "force": {"type": "bool", "default": False},
    **KUBERNETES_LOGIN_OPTIONS,
}

AWX_OPTIONS: dict[str, Any] = {
    "awx_host": {"type": "str"},
    "awx_token": {"type": "str", "no_log": True},
    "awx_username": {"type": "str"},
    "awx_password": {"type": "str", "no_log": True},
    "awx_validate_certs": {"type": "bool"},
    "awx_ca_path": {"type": "path"},
    "awx_api_path": {"type": "str"},
    "credential": {"type": "str"},
    "credential_id": {"type": "int"},
    "credential_type": {"type": "str"},
    "awx_organization": {"type": "str"},
    "inputs": {"type": "dict"},
    "create": {"type": "bool"},
    "force": {"type": "bool"},
}

VAULT_VARS_OPTIONS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "variables": {"type": "dict"},
    "ansible_vault_id": {"type": "str"},
    "ansible_vault_password_file": {"type": "path", "no_log": False},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
    "force": {"type": "bool"},
    "unsafe_writes": {"type": "bool"},
}

# How a Vault can be logged in to.
TOKEN, TOKEN_FILE, APPROLE, KUBERNETES, JWT, USERPASS = AUTH_METHODS = (
    "token",
    "token_file",
    "approle",
    "kubernetes",
    "jwt",
    "userpass",
)

VAULT_OPTIONS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "force": {"type": "bool"},
    "mount": {"type": "str"},
    "kv_version": {"type": "str", "choices": ["1", "2"]},
    "keys": {"type": "dict", "no_log": False},
    "vault_url": {"type": "str"},
    "vault_namespace": {"type": "str"},
    "vault_auth_method": {"type": "str", "choices": list(AUTH_METHODS)},
    "vault_auth_mount": {"type": "str"},
    "vault_token": {"type": "str", "no_log": True},
    "vault_token_path": {"type": "path", "no_log": False},
    "vault_role_id": {"type": "str"},
    "vault_secret_id": {"type": "str", "no_log": True},
    "vault_role": {"type": "str"},
    "vault_jwt": {"type": "str", "no_log": True},
    "vault_service_account_token_path": {"type": "path", "no_log": False},
    "vault_username": {"type": "str"},
    "vault_password": {"type": "str", "no_log": True},
    "vault_ca_path": {"type": "path"},
    "vault_validate_certs": {"type": "bool"},
    "vault_timeout": {"type": "str"},
}


def lacks_username_input(options: Mapping[str, Any]) -> bool:
    """Whether the options of a store in AWX name no input for the user name."""
    inputs = options.get("inputs")
    return isinstance(inputs, dict) and bool(inputs) and "username" not in inputs.values()


def lacks_username_variable(options: Mapping[str, Any]) -> bool:
    """Whether the options of a store in a file of ansible-vault name no variable for the user name."""
    variables = options.get("variables")
    return isinstance(variables, dict) and "username" not in variables
