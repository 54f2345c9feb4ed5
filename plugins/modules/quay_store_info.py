#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_store_info
short_description: Read the Quay credentials held in stores
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Reads any number of files, auth file entries and secrets of Vault in one task. Pass the result to
    M(tokensmith.quay.quay_token_info) to check whether the credentials are due.
  - B(The result contains the secrets), each in the key C(token). Register it in a task with C(no_log).
  - The module sends no requests to Quay. It accepts the connection options so that C(module_defaults) of the action
    group work for every module. It uses O(quay_host) as the default for O(stores[].registry).
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._attributes.info
  - tokensmith.quay._connection
options:
  stores:
    description:
      - The stores to read. RV(stores) has the same order.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description:
          - Kind of the store. V(file) is written by M(tokensmith.quay.quay_token_file), V(container_auth) by
            M(tokensmith.quay.quay_container_auth). A V(container_auth) store refuses the options C(format), C(prefix),
            C(merge), C(force) and C(backup).
          - V(hashi_vault) is some keys of a secret in HashiCorp Vault or OpenBao. It needs the Python library hvac.
        type: str
        choices: [file, container_auth, hashi_vault]
        required: true
      path:
        description:
          - Absolute path of the file on the target.
          - For V(hashi_vault), path of the secret below the mount, for example V(ci/quay).
          - Required for V(file), V(container_auth) and V(hashi_vault).
        type: path
      format:
        description:
          - Format of a V(file) store. If not specified, V(token) is used.
        type: str
        choices: [token, json, yaml, env]
      prefix:
        description:
          - Prefix for the names of the variables in the format V(env). If not specified, V(QUAY_) is used. Other
            formats refuse it.
        type: str
      merge:
        description:
          - Accepted, so that the same list can be used to deliver. With it, a file with
            other lines counts as one of ours. Without it, the variables are read all the same.
        type: bool
      owner:
        description:
          - Accepted, so that the same list can be used to deliver. The owner of the file is
            not checked.
        type: str
      group:
        description:
          - Accepted, so that the same list can be used to deliver. The group of the file is
            not checked.
        type: str
      mode:
        description:
          - Accepted, so that the same list can be used to deliver. The permissions of the file
            are not checked.
        type: raw
      force:
        description:
          - Accepted, so that the same list can be used to deliver. Nothing is replaced.
        type: bool
      backup:
        description:
          - Accepted, so that the same list can be used to deliver. Nothing is copied.
        type: bool
      unsafe_writes:
        description:
          - Accepted, so that the same list can be used to deliver. Nothing is written.
        type: bool
      registry:
        description:
          - Registry whose entry to read from a V(container_auth) file. Defaults to the host of O(quay_host).
        type: str
      url:
        description:
          - For a V(hashi_vault) store, address of HashiCorp Vault or OpenBao, for example
            V(https://vault.example.com:8200).
          - If not specified, the environment variable E(VAULT_ADDR) or E(BAO_ADDR) of the host that runs the module is
            used.
        type: str
      mount:
        description:
          - For a V(hashi_vault) store, path at which the KV engine is mounted. If not specified, V(secret) is used.
        type: str
      kv_version:
        description:
          - For a V(hashi_vault) store, version of the KV engine. If not specified, the server is asked for it.
          - V(2) writes with check-and-set, so that two writers do not overwrite each other, and keeps the record in the
            custom metadata. V(1) has neither.
        type: str
        choices: ["1", "2"]
      keys:
        description:
          - For a V(hashi_vault) store, names of the keys that are written, for each of C(token), C(username) and
            C(registry). All other keys of the secret are kept.
          - A field that is left out is not written, except for C(token), whose key is then V(token). If not specified,
            the keys V(token), V(username) and V(registry) are written.
        type: dict
      vault_namespace:
        description:
          - For a V(hashi_vault) store, namespace of the mount and of the login. If not specified, E(VAULT_NAMESPACE) or
            E(BAO_NAMESPACE) is used.
        type: str
      auth_method:
        description:
          - For a V(hashi_vault) store, how to log in. V(token) uses a token, V(token_file) a file that holds one. The
            others log in with the options of the method of that name.
          - If not specified, the token of the option C(vault_token), of E(VAULT_TOKEN) or of E(BAO_TOKEN) is used.
            Without one, it is read from the token file.
        type: str
        choices: [token, token_file, approle, kubernetes, jwt, userpass]
      auth_mount:
        description:
          - For a V(hashi_vault) store, path at which the auth method is mounted. If not specified, it is the name of
            the method.
        type: str
      vault_token:
        description:
          - For V(token), token of Vault or OpenBao. If not specified, E(VAULT_TOKEN) or E(BAO_TOKEN) is used.
        type: str
      vault_token_file:
        description:
          - For V(token_file), path of a file that holds a token. If not specified, V(~/.vault-token) is used, to which
            C(vault login) writes.
        type: path
      role_id:
        description:
          - For V(approle), ID of the role. Required for it.
        type: str
      secret_id:
        description:
          - For V(approle), secret ID of the role. Leave it out if the role does not need one.
        type: str
      vault_role:
        description:
          - For V(kubernetes) and V(jwt), name of the role. Required for V(kubernetes).
        type: str
      vault_jwt:
        description:
          - For V(jwt), JSON Web Token to log in with, for example the ID token of a CI job. Required for it.
        type: str
      service_account_token_file:
        description:
          - For V(kubernetes), path of the token of the service account. If not specified,
            V(/var/run/secrets/kubernetes.io/serviceaccount/token) is used.
        type: path
      vault_username:
        description:
          - For V(userpass), user name. Required for it.
        type: str
      vault_password:
        description:
          - For V(userpass), password. Required for it.
        type: str
      vault_ca_path:
        description:
          - For a V(hashi_vault) store, path of a file or directory with the CA certificates that are trusted. If not
            specified, E(VAULT_CACERT), E(BAO_CACERT), E(VAULT_CAPATH) or E(BAO_CAPATH) is used, else the CAs of the
            system.
        type: path
      vault_validate_certs:
        description:
          - For a V(hashi_vault) store, whether the TLS certificate of the server is verified. If not specified, it is,
            unless E(VAULT_SKIP_VERIFY) or E(BAO_SKIP_VERIFY) is V(true).
        type: bool
      vault_timeout:
        description:
          - For a V(hashi_vault) store, how long to wait for a response, for example V(10s). The unit is V(s), V(m),
            V(h), V(d) or V(w).
          - If not specified, E(VAULT_CLIENT_TIMEOUT) or E(BAO_CLIENT_TIMEOUT) is used, else V(30s).
        type: str
seealso:
  - module: tokensmith.quay.quay_token_info
"""

EXAMPLES = r"""
- name: Read what the consumers of two credentials hold
  tokensmith.quay.quay_store_info:
    stores:
      - kind: container_auth
        path: /etc/containers/auth.json
        registry: quay.example.com
      - kind: file
        path: /etc/builder/quay.env
        format: env
  register: held
  no_log: true

- name: Show the fingerprints
  ansible.builtin.debug:
    msg: "{{ held.stores | map(attribute='fingerprint') }}"
"""

RETURN = r"""
stores:
  description: Contents of each store, in the order of O(stores).
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the store.
      returned: success
      type: str
    place:
      description: Path of the file, or the name of a store without one.
      returned: success
      type: str
    token:
      description: The secret. Null if the store holds none, or something else than a credential.
      returned: success
      type: str
    fingerprint:
      description:
        - First 12 hexadecimal digits of the SHA-256 hash of the secret, safe to log. Null if the store holds no secret.
      returned: success
      type: str
    created_at:
      description:
        - Time at which the secret was created (ISO 8601, UTC), as recorded when it was delivered. Null if unknown.
      returned: success
      type: str
    expires_at:
      description:
        - Time at which the secret expires (ISO 8601, UTC), as recorded when it was delivered. Null if unknown.
      returned: success
      type: str
    uuid:
      description: UUID of the secret in Quay, as recorded when it was delivered. Null if unknown.
      returned: success
      type: str
  sample:
    - kind: container_auth
      place: /etc/containers/auth.json
      token: null
      fingerprint: null
      created_at: null
      expires_at: null
      uuid: null
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_local_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import STORE_OPTIONS
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.store_info import read_stores


def main() -> None:
    run_local_module(
        read_stores,
        {
            "stores": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": STORE_OPTIONS,
            },
        },
    )


if __name__ == "__main__":
    main()
