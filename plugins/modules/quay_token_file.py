#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_token_file
short_description: Deliver a Quay credential to a file of its own
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Writes one credential to a file on the target, whole or not at all, and reads it back. The file is never readable
    by others, not even while it is written.
  - The file belongs to the module wholly. Whatever else it held is replaced.
  - Nothing is sent to Quay. The connection options are accepted so that C(module_defaults) of the action group fits
    every module, and O(quay_host) gives the addresses written beside the token.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
  - tokensmith.quay._delivery
attributes:
  check_mode:
    support: full
    details:
      - In check mode O(token) may be left out, for a secret that a real run would make first. The file is then
        predicted to change.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  path:
    description:
      - Absolute path of the file. Its directory must exist. Symbolic links are refused.
    type: path
    required: true
  format:
    description:
      - V(token) writes the secret alone; what is known of it (never the secret) is kept beside the file, in one of
        the same name with C(.record.json) appended.
      - V(json) and V(yaml) write a mapping with C(token), C(username), C(registry), C(api_url), C(name),
        C(fingerprint), C(created_at), C(expires_at) and C(uuid).
      - V(env) writes the variables C(TOKEN), C(USERNAME), C(REGISTRY) and C(API_URL), each with O(prefix) before its
        name.
    type: str
    choices: [token, json, yaml, env]
    default: token
  prefix:
    description:
      - What the variables of O(format=env) begin with.
    type: str
    default: QUAY_
  owner:
    description:
      - User, by name or number, who shall own the file. Left out, it is the user that runs the module.
    type: str
  group:
    description:
      - Group, by name or number, that shall own the file. Left out, it is the group of the user that runs the module.
    type: str
  mode:
    description:
      - Permissions of the file, in octal.
    type: str
    default: "0600"
seealso:
  - module: tokensmith.quay.quay_container_auth
  - module: tokensmith.quay.quay_store_info
"""

EXAMPLES = r"""
- name: Get a robot's token
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+ci
  register: robot
  no_log: true

- name: Write it as variables for a service
  tokensmith.quay.quay_token_file:
    quay_host: https://quay.example.com
    path: /etc/builder/quay.env
    format: env
    token: "{{ robot.token }}"
    username: "{{ robot.username }}"
    name: "{{ robot.name }}"

- name: Remove a file that is no longer needed
  tokensmith.quay.quay_token_file:
    path: /etc/builder/old-quay.env
    format: env
    state: absent
"""

RETURN = r"""
place:
  description: The file.
  returned: success
  type: str
  sample: /etc/builder/quay.env
format:
  description: How the file is written.
  returned: success
  type: str
  sample: env
fingerprint:
  description: First 12 hexadecimal digits of the token's SHA-256, safe to log; null where no token was given.
  returned: success
  type: str
  sample: 9f86d081884c
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_local_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.delivery import CREDENTIAL_OPTIONS
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.token_file import FILE_OPTIONS, ensure_token_file


def main() -> None:
    run_local_module(ensure_token_file, {**CREDENTIAL_OPTIONS, **FILE_OPTIONS})


if __name__ == "__main__":
    main()
