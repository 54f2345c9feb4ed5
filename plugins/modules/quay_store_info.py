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
          - V(kubernetes_secret) is a Secret in one or more namespaces of a Kubernetes cluster. If they differ, the
            newest secret is returned.
          - V(awx_credential) is a credential in AWX or automation controller. AWX never returns a secret, so C(token)
            is null, and C(fingerprint) is the one that was recorded at the delivery.
          - V(vault_vars) is some variables in a file that C(ansible-vault) encrypts.
          - V(hashi_vault) is some keys of a secret in HashiCorp Vault or OpenBao. It needs the Python library hvac.
        type: str
        choices: [file, container_auth, kubernetes_secret, awx_credential, vault_vars, hashi_vault]
        required: true
      path:
        description:
          - Absolute path of the file on the target.
          - For V(hashi_vault), path of the secret below the mount, for example V(ci/quay).
          - Required for V(file), V(container_auth), V(hashi_vault) and V(vault_vars).
        type: path
      format:
        description:
          - Format of a V(file) store. If not specified, the file is read in the format that it has.
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
          - Registry whose entry to read from a V(container_auth) or V(kubernetes_secret) store. Defaults to the host of
            O(quay_host).
        type: str
      namespaces:
        description:
          - For a V(kubernetes_secret) store, the namespaces of the Secret. Each of them gets the same Secret, and must
            exist.
          - Required for V(kubernetes_secret).
        type: list
        elements: str
      secret_name:
        description:
          - Name of the Secret. If there is none, it is created, and deleted again with the last credential in it.
          - Required for V(kubernetes_secret).
        type: str
      secret_type:
        description:
          - Type of the Secret. V(kubernetes.io/dockerconfigjson) is a pull secret, with one entry for the registry. Its
            other entries are kept.
          - V(Opaque) and V(kubernetes.io/basic-auth) have a key for each field of the credential. Other keys are kept.
          - If not specified, V(kubernetes.io/dockerconfigjson) is used. The type of an existing Secret cannot be
            changed.
        type: str
        choices: [kubernetes.io/dockerconfigjson, Opaque, kubernetes.io/basic-auth]
      keys:
        description:
          - For the other two types of V(kubernetes_secret), the key of each field in the Secret.
            The fields are C(token), C(username), C(name),
            C(registry), C(host) (the URL of Quay) and C(api_url). A list writes a field to several keys.
          - If not specified, V(Opaque) has the keys C(token), C(username), C(registry) and C(api_url), and
            V(kubernetes.io/basic-auth) has C(password) and C(username).
          - For a V(hashi_vault) store, names of the keys that are written, for each of C(token), C(username) and
            C(registry). All other keys of the secret are kept.
          - A field that is left out is not written, except for C(token), whose key is then V(token). If not specified,
            the keys V(token), V(username) and V(registry) are written.
        type: dict
      extra_values:
        description:
          - For the other two types, further keys of the Secret with fixed texts, for example C(validateCerts). They
            must not be secret.
        type: dict
      labels:
        description:
          - Labels of the Secret. Other labels are kept.
        type: dict
      annotations:
        description:
          - Annotations of the Secret. Other annotations are kept. The record of the credential is an annotation, too.
        type: dict
      kubeconfig:
        description:
          - Path of the kubeconfig file with the login to the cluster. Needs the Python library C(kubernetes) on the
            target of the task.
          - If neither this nor O(stores[].context) nor O(stores[].kubernetes_host) is specified, the environment
            variables E(K8S_AUTH_HOST) with E(K8S_AUTH_API_KEY), E(K8S_AUTH_KUBECONFIG) and E(KUBECONFIG),
            C(~/.kube/config), and the service account of the pod are tried in this order.
        type: path
      context:
        description:
          - Context in the kubeconfig file. If not specified, E(K8S_AUTH_CONTEXT) or the current context is used.
        type: str
      kubernetes_host:
        description:
          - URL of the API server, for a login without a kubeconfig file. Needs O(stores[].kubernetes_token).
        type: str
      kubernetes_token:
        description:
          - Bearer token for O(stores[].kubernetes_host), for example of a service account.
        type: str
      kubernetes_ca_path:
        description:
          - File with the CA certificates that sign the certificate of O(stores[].kubernetes_host). If not specified,
            those of the system are used.
        type: path
      kubernetes_validate_certs:
        description:
          - Whether to check the certificate of O(stores[].kubernetes_host). If not specified, it is checked.
        type: bool
      credential:
        description:
          - For V(awx_credential), the name of the credential in AWX. Either this or C(credential_id) is required.
        type: str
      credential_id:
        description:
          - For V(awx_credential), the number of the credential, as in its URL. Use it if names are not unique.
        type: int
      credential_type:
        description:
          - For V(awx_credential), the name of the credential's type, for example V(Container Registry). It tells
            credentials of the same name apart. A credential of another type is refused.
        type: str
      awx_organization:
        description:
          - For V(awx_credential), the name of the organization that the credential belongs to. It tells
            credentials of the same name apart.
        type: str
      inputs:
        description:
          - For V(awx_credential), what each input of the credential holds. A key is the name of an input of the
            credential's type. A value is V(token), V(username), V(registry), V(quay_host), V(api_url), V(name),
            V(fingerprint), V(created_at), V(expires_at) or V(uuid). Exactly one input, which must be a secret
            one, holds V(token). All other inputs of the credential are kept.
          - >-
            If not specified, the credential must have the type for registries that AWX provides, and V({host:
            registry, username: username, password: token}) is used.
        type: dict
      create:
        description:
          - For V(awx_credential), create a missing credential. Needs C(credential), C(credential_type) and
            C(awx_organization). If not specified, a missing credential is an error.
        type: bool
      awx_host:
        description:
          - For V(awx_credential), URL of AWX or automation controller.
          - If not specified, E(CONTROLLER_HOST) or E(TOWER_HOST) is used.
        type: str
      awx_token:
        description:
          - For V(awx_credential), an OAuth token for AWX with the scope write. Its user needs the role Admin on
            the credential.
          - If not specified, E(CONTROLLER_OAUTH_TOKEN) or E(TOWER_OAUTH_TOKEN) is used.
        type: str
      awx_username:
        description:
          - For V(awx_credential), the user name to log in to AWX with, instead of a token.
          - If not specified, E(CONTROLLER_USERNAME) or E(TOWER_USERNAME) is used.
        type: str
      awx_password:
        description:
          - For V(awx_credential), the password of C(awx_username).
          - If not specified, E(CONTROLLER_PASSWORD) or E(TOWER_PASSWORD) is used.
        type: str
      awx_validate_certs:
        description:
          - For V(awx_credential), whether to validate the TLS certificate of AWX.
          - If not specified, E(CONTROLLER_VERIFY_SSL) or E(TOWER_VERIFY_SSL) is used, and otherwise V(true).
        type: bool
      awx_ca_path:
        description:
          - For V(awx_credential), file with the CA certificates to trust. If not specified, the certificates of
            the Python library requests are used, or those in E(REQUESTS_CA_BUNDLE).
        type: path
      awx_api_path:
        description:
          - For V(awx_credential), the path of the API. Use V(/api/controller/) behind the gateway of Ansible
            Automation Platform 2.5 and newer.
          - If not specified, E(CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX) is used, and otherwise V(/api/).
        type: str
      variables:
        description:
          - >-
            For V(vault_vars), the name of the variable for each field: V(token), V(username), V(registry) or
            V(api_url). V(token) is required, for example V({token: quay_token}). Fields that are left out are not
            written. Required for V(vault_vars).
        type: dict
      ansible_vault_id:
        description:
          - For V(vault_vars), the vault ID that encrypts the file, as a label, or as C(label@source) as in
            C(ansible-playbook --vault-id). If not specified, the file keeps its vault ID.
        type: str
      ansible_vault_password_file:
        description:
          - For V(vault_vars), path of a file with the vault password, or of a client script that prints it. If
            not specified, Ansible's own settings are used, for example E(ANSIBLE_VAULT_PASSWORD_FILE),
            E(ANSIBLE_VAULT_IDENTITY_LIST) or C(ansible.cfg), as far as they are set where the module runs.
        type: path
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
      description:
        - The secret. Null if the store holds none, or something else than a credential.
        - It is returned as well if a file in the format V(json), V(yaml) or V(env) holds other keys, variables or
          comments in addition. The modules that deliver refuse such a file, because they would lose these.
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

from ansible_collections.tokensmith.quay.plugins.module_utils._module.local_runner import run_local_module
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
