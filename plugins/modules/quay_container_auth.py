#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_container_auth
short_description: Deliver a Quay credential to a container engine's auth file
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Writes the login for one registry to a C(containers-auth.json) file (Podman, Skopeo, Buildah, CRI-O) or to a Docker
    C(config.json) file, and reads it back. All other entries are kept, and so are the owner and mode of the file. A new
    file has mode V(0600).
  - The file is written atomically. If the file exists but is not an auth file, the module fails and leaves it
    unchanged.
  - The fingerprint and dates of the secret are stored in a record next to the auth file. The record is a file of the
    same name with C(.record.json) appended. It never contains the secret. The auth file contains no additional keys, so
    other tools can read it.
  - The module warns if the auth file names a credential helper, because container engines use the helper instead of the
    entry.
  - The module sends no requests to Quay and needs no container engine. It accepts the connection options so that
    C(module_defaults) of the action group work for every module. It uses O(quay_host) as the default for O(registry).
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
        then reports that the entry would change.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  path:
    description:
      - Absolute path of the auth file. Its directory must exist. Symbolic links are refused.
    type: path
    required: true
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
      - If not specified, a new file has the permissions V(0600), and an existing file keeps its permissions.
      - Permissions that let every user write to the file are refused.
    type: raw
  unsafe_writes:
    description:
      - Whether to write the file in place if it cannot be replaced, such as a single file that is mounted into a
        container. A reader can then see an incomplete file for a moment.
    type: bool
    default: false
seealso:
  - module: tokensmith.quay.quay_token_file
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

- name: Write the login for Podman
  tokensmith.quay.quay_container_auth:
    path: /etc/containers/auth.json
    registry: quay.example.com
    username: "{{ robot.username }}"
    token: "{{ robot.token }}"

- name: Remove the login
  tokensmith.quay.quay_container_auth:
    path: /etc/containers/auth.json
    registry: quay.example.com
    state: absent
"""

RETURN = r"""
place:
  description: Path of the auth file.
  returned: success
  type: str
  sample: /etc/containers/auth.json
registry:
  description: Registry of the entry.
  returned: success
  type: str
  sample: quay.example.com
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the token, safe to log. Null if no token was specified, and
      with O(state=absent).
  returned: success
  type: str
  sample: 9f86d081884c
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_local_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.container_auth import (
    AUTH_FILE_OPTIONS,
    ensure_container_auth,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.delivery import CREDENTIAL_OPTIONS


def main() -> None:
    run_local_module(ensure_container_auth, {**CREDENTIAL_OPTIONS, **AUTH_FILE_OPTIONS})


if __name__ == "__main__":
    main()
