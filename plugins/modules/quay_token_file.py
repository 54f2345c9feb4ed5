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
  - The module manages the complete file. A file that holds anything else than such a credential is refused, unless
    O(merge) or O(force) is set.
  - Everything that would prevent the write is checked first, in check mode too, such as the permissions of the
    directory, a mount point, an immutable file, or an owner that the module cannot set.
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
      - In check mode O(token) is optional, because an earlier task issues the secret only in a real run. Specify
        O(fingerprint) so that the module can compare the stored secret. Without it, the module reports that the file
        would change.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  path:
    description:
      - Absolute path of the file. Its directory must exist.
      - The file must not be a symbolic link. A symbolic link in the path is followed only if root or the user that runs
        the module owns it.
    type: path
    required: true
  format:
    description:
      - Format of the file.
      - If not specified, an existing file with a credential keeps its format, and a new one has V(token).
      - V(token) writes only the secret. The fingerprint, dates and UUID of the secret are stored in a record next to
        the file. The record is a file of the same name with C(.record.json) appended. It never contains the secret.
      - V(json) and V(yaml) write a mapping with the keys C(token), C(username), C(registry), C(api_url), C(name),
        C(fingerprint), C(created_at), C(expires_at) and C(uuid).
      - V(env) writes the variables C(TOKEN), C(USERNAME), C(REGISTRY) and C(API_URL). Each name is prefixed with
        O(prefix).
    type: str
    choices: [token, json, yaml, env]
  prefix:
    description:
      - Prefix for the names of the variables with O(format=env). If not specified, V(QUAY_) is used. Other formats
        refuse it.
    type: str
  merge:
    description:
      - With O(format=env), keep the other lines of the file. The variables of this credential come last. If the present
        ones are exported, the new ones are, too.
      - Give each credential in one file its own O(prefix).
    type: bool
    default: false
  owner:
    description:
      - User that owns the file, as a name or a numeric ID.
      - If not specified, an existing file keeps its owner, and a new one is owned by the user that runs the module.
      - The record next to the file has the same owner, group and permissions.
    type: str
  group:
    description:
      - Group that owns the file, as a name or a numeric ID.
      - If not specified, an existing file keeps its group, and a new one has the group of the user that runs the
        module.
    type: str
  mode:
    description:
      - Permissions of the file, as in M(ansible.builtin.copy). A string is octal or symbolic, for example V("0640") or
        V("u=rw,g=r"). A number is the permission bits themselves, as YAML makes them of an unquoted V(0640).
      - If not specified, an existing file keeps its permissions, and a new one has V(0600). A warning says if every
        user can read the existing one.
      - Permissions that let every user write, or that do not let the owner read, are refused.
      - Access control lists and other extended attributes of an existing file are kept.
    type: raw
  force:
    description:
      - Replace a file that holds anything else than a credential of this module. With O(state=absent), remove it.
      - With O(merge), the other lines stay all the same. Only a file that has no variables is replaced.
    type: bool
    default: false
  backup:
    description:
      - With O(force), first copy the content that is replaced, to a private file next to it whose name ends in C(~). A
        secret that the module wrote is never copied.
    type: bool
    default: false
  unsafe_writes:
    description:
      - Write the file in place if it cannot be replaced, for example because it is a mount point or its directory is
        read-only. Without this option, such a file is refused. Other files are always replaced atomically.
      - A reader can see an incomplete file while it is written in place. The owner and permissions must be right
        already, and the file must not have other hard links. With O(state=absent), the file is emptied.
      - It is better to mount the directory of the file. A process that mounts only the file keeps the old one when it
        is replaced.
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
    fingerprint: "{{ robot.fingerprint }}"
    username: "{{ robot.username }}"
    name: "{{ robot.name }}"

- name: Add the token to the environment file of a service, and keep its other variables
  tokensmith.quay.quay_token_file:
    quay_host: https://quay.example.com
    path: /etc/builder/service.env
    format: env
    merge: true
    owner: builder
    mode: "0600"
    token: "{{ robot.token }}"
    fingerprint: "{{ robot.fingerprint }}"
    username: "{{ robot.username }}"

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
    - First 12 hexadecimal digits of the SHA-256 hash of the token, safe to log. Null if neither O(token) nor
      O(fingerprint) was specified, and with O(state=absent).
  returned: success
  type: str
  sample: 9f86d081884c
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.local_runner import run_local_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.delivery import CREDENTIAL_OPTIONS
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.token_file import FILE_OPTIONS, ensure_token_file


def main() -> None:
    run_local_module(ensure_token_file, {**CREDENTIAL_OPTIONS, **FILE_OPTIONS})


if __name__ == "__main__":
    main()
