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
  - Merges the login for one registry into a C(containers-auth.json) (Podman, Skopeo, Buildah, CRI-O) or a Docker
    C(config.json), and reads it back. All other entries, and the file's owner and mode, are kept. A new file has mode
    V(0600).
  - The file is written whole or not at all. A file that is not an auth file is refused and left as it is.
  - What is known of the secret (its fingerprint and dates, never the secret) is kept beside the file, in one of the
    same name with C(.record.json) appended, so that other tools find nothing unknown in the auth file.
  - Nothing is sent to Quay, and no container engine is needed. The connection options are accepted so that
    C(module_defaults) of the action group fits every module, and O(quay_host) gives the default of O(registry).
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
  - tokensmith.quay._delivery
attributes:
  check_mode:
    support: full
    details:
      - In check mode O(token) may be left out, for a secret that a real run would make first. The entry is then
        predicted to change.
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
seealso:
  - module: tokensmith.quay.quay_token_file
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

- name: Let Podman use it
  tokensmith.quay.quay_container_auth:
    path: /etc/containers/auth.json
    registry: quay.example.com
    username: "{{ robot.username }}"
    token: "{{ robot.token }}"

- name: Take the login out again
  tokensmith.quay.quay_container_auth:
    path: /etc/containers/auth.json
    registry: quay.example.com
    state: absent
"""

RETURN = r"""
place:
  description: The auth file.
  returned: success
  type: str
  sample: /etc/containers/auth.json
registry:
  description: The entry's registry.
  returned: success
  type: str
  sample: quay.example.com
fingerprint:
  description: First 12 hexadecimal digits of the token's SHA-256, safe to log; null where no token was given.
  returned: success
  type: str
  sample: 9f86d081884c
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_local_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.container_auth import ensure_container_auth
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.delivery import CREDENTIAL_OPTIONS


def main() -> None:
    run_local_module(ensure_container_auth, {**CREDENTIAL_OPTIONS, "path": {"type": "path", "required": True}})


if __name__ == "__main__":
    main()
