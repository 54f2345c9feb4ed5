#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_store_info
short_description: Read the Quay credentials held in local stores
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Reads any number of files and auth file entries in one task. Pass the result to M(tokensmith.quay.quay_token_info)
    to check whether the credentials are due.
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
        type: str
        choices: [file, container_auth, kubernetes_secret]
        required: true
      path:
        description:
          - Absolute path of the file on the target.
          - Required for V(file) and V(container_auth).
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
          - For the other two types, the key of each field in the Secret. The fields are C(token), C(username), C(name),
            C(registry), C(host) (the URL of Quay) and C(api_url). A list writes a field to several keys.
          - If not specified, V(Opaque) has the keys C(token), C(username), C(registry) and C(api_url), and
            V(kubernetes.io/basic-auth) has C(password) and C(username).
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
      description: Path of the file, or the namespaces and the name of the Secret.
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
