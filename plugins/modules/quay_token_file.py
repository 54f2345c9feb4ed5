#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_token_file
short_description: Deliver a Quay credential to a file
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Writes one credential to a file on the target and reads it back. The file is written atomically. Other users can
    never read it, not even while it is written, unless O(mode) allows it.
  - The module manages the complete file. It refuses a file that holds anything else, unless O(force) or O(merge) is
    set.
  - The module sends no requests to Quay. It accepts the connection options so that C(module_defaults) of the action
    group work for every module. It derives the addresses in the file from O(quay_host).
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
  - tokensmith.quay._delivery
attributes:
  check_mode:
    support: full
    details:
      - In check mode O(token) is optional, because an earlier task issues the secret only in a real run. The module
        then reports that the file would change.
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
      - Format of the file.
      - V(token) writes only the secret. The fingerprint, dates and UUID of the secret are stored in a record next to
        the file. The record is a file of the same name with C(.record.json) appended. It never contains the secret.
      - V(json) and V(yaml) write a mapping with the keys C(token), C(username), C(registry), C(api_url), C(name),
        C(fingerprint), C(created_at), C(expires_at) and C(uuid).
      - V(env) writes the variables C(TOKEN), C(USERNAME), C(REGISTRY) and C(API_URL). Each name is prefixed with
        O(prefix).
    type: str
    choices: [token, json, yaml, env]
    default: token
  prefix:
    description:
      - Prefix for the names of the variables with O(format=env). If not specified, V(QUAY_) is used.
      - It can only be used with O(format=env).
    type: str
  merge:
    description:
      - Whether to keep the other lines of an existing file. Only the variables of O(prefix) are set or removed.
      - It can only be used with O(format=env).
    type: bool
    default: false
  owner:
    description:
      - User that owns the file, as a name or a numeric ID. If not specified, a new file is owned by the user that runs
        the module, and an existing file keeps its owner.
    type: str
  group:
    description:
      - Group that owns the file, as a name or a numeric ID. If not specified, a new file has the group of the user that
        runs the module, and an existing file keeps its group.
    type: str
  mode:
    description:
      - Permissions of the file, as in M(ansible.builtin.copy), for example V("0640") or V(u=rw,g=r).
      - A number without quotes is refused if it is not what YAML makes of octal digits with a leading zero.
      - Permissions that let every user write to the file are refused.
    type: raw
    default: "0600"
  force:
    description:
      - Whether to replace a file that holds anything else than this credential. The diff shows that there was other
        content, but never the content.
    type: bool
    default: false
  backup:
    description:
      - Whether to keep a copy of other content that O(force) replaces, next to the file.
    type: bool
    default: false
  unsafe_writes:
    description:
      - Whether to write the file in place if it cannot be replaced, such as a single file that is mounted into a
        container. A reader can then see an incomplete file for a moment.
    type: bool
    default: false
seealso:
  - module: tokensmith.quay.quay_container_auth
  - module: tokensmith.quay.quay_store_info
"""

EXAMPLES = r"""
- name: Get the token of a robot
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+ci
  register: robot
  no_log: true

- name: Write the token as environment variables for a service
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
  description: Path of the file.
  returned: success
  type: str
  sample: /etc/builder/quay.env
format:
  description: Format of the file.
  returned: success
  type: str
  sample: env
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the token, safe to log. Null if no token was specified, and
      with O(state=absent).
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
