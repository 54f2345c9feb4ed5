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
  - tokensmith.quay._stores.read
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
