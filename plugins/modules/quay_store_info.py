#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_store_info
short_description: Read what local stores of Quay credentials hold
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Reads any number of files and auth file entries in one go, for M(tokensmith.quay.quay_token_info) to judge.
  - B(The result holds the secrets), each in a key C(token), so register it under C(no_log).
  - Nothing is sent to Quay. The connection options are accepted so that C(module_defaults) of the action group fits
    every module, and O(quay_host) gives the default of O(stores[].registry).
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._attributes.info
  - tokensmith.quay._connection
options:
  stores:
    description:
      - The stores to read. The answer keeps their order.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description:
          - V(file) is what M(tokensmith.quay.quay_token_file) writes, V(container_auth) what
            M(tokensmith.quay.quay_container_auth) writes.
        type: str
        choices: [file, container_auth]
        required: true
      path:
        description:
          - Absolute path of the file on the target.
        type: path
        required: true
      format:
        description:
          - How a V(file) is written.
        type: str
        choices: [token, json, yaml, env]
        default: token
      prefix:
        description:
          - What the variables of O(stores[].format=env) begin with.
        type: str
        default: QUAY_
      owner:
        description:
          - Accepted as M(tokensmith.quay.quay_token_file) takes it, and not looked at.
        type: str
      group:
        description:
          - Accepted as M(tokensmith.quay.quay_token_file) takes it, and not looked at.
        type: str
      mode:
        description:
          - Accepted as M(tokensmith.quay.quay_token_file) takes it, and not looked at.
        type: str
        default: "0600"
      registry:
        description:
          - The entry of a V(container_auth) file. Defaults to the host of O(quay_host).
        type: str
seealso:
  - module: tokensmith.quay.quay_token_info
"""

EXAMPLES = r"""
- name: See what the consumers of two credentials hold
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

- name: Show their fingerprints
  ansible.builtin.debug:
    msg: "{{ held.stores | map(attribute='fingerprint') }}"
"""

RETURN = r"""
stores:
  description: What each store holds, in the order of O(stores).
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the store.
      returned: success
      type: str
    place:
      description: The file.
      returned: success
      type: str
    token:
      description: The secret; null where there is none.
      returned: success
      type: str
    fingerprint:
      description: First 12 hexadecimal digits of the secret's SHA-256, safe to log.
      returned: success
      type: str
    created_at:
      description: When the secret was made, as written down at its delivery; null where that is not known.
      returned: success
      type: str
    expires_at:
      description: When the secret ends, as written down at its delivery; null where that is not known.
      returned: success
      type: str
    uuid:
      description: The secret's uuid in Quay, as written down at its delivery; null where that is not known.
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
