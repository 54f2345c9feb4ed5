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
    C(config.json) file, and reads it back. All other entries are kept, and so are the owner and permissions of the
    file unless they are specified.
  - The file is written atomically. If the file exists but is not an auth file, the module fails and leaves it
    unchanged.
  - Everything that would prevent the write is checked first, in check mode too, such as the permissions of the
    directory, a mount point, an immutable file, or an owner that the module cannot set.
  - The fingerprint and dates of the secret are stored in a record next to the auth file. The record is a file of the
    same name with C(.record.json) appended. It never contains the secret. The auth file contains no additional keys, so
    other tools can read it.
  - The module warns if the auth file names a credential helper, because container engines that use the helper never
    read the entry.
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
      - In check mode O(token) is optional, because an earlier task issues the secret only in a real run. Specify
        O(fingerprint) so that the module can compare the stored secret. Without it, the module reports that the entry
        would change.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  path:
    description:
      - Absolute path of the auth file. Its directory must exist.
      - The file must not be a symbolic link. A symbolic link in the path is followed only if root or the user that runs
        the module owns it.
    type: path
    required: true
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
      - If not specified, an existing file keeps its permissions, and a new one has V(0600).
      - Permissions that let every user write, or that do not let the owner read, are refused.
      - Access control lists and other extended attributes of an existing file are kept.
    type: raw
  unsafe_writes:
    description:
      - Write the file in place if it cannot be replaced, for example because it is a mount point or its directory is
        read-only. Without this option, such a file is refused. Other files are always replaced atomically.
      - A reader can see an incomplete file while it is written in place. The owner and permissions must be right
        already, and the file must not have other hard links.
      - The record must be writable, too. In a read-only directory it must exist, for example as an empty file.
      - It is better to mount the directory of the file. A process that mounts only the file keeps the old one when it
        is replaced.
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
    fingerprint: "{{ robot.fingerprint }}"

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
    - First 12 hexadecimal digits of the SHA-256 hash of the token, safe to log. Null if neither O(token) nor
      O(fingerprint) was specified, and with O(state=absent).
  returned: success
  type: str
  sample: 9f86d081884c
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.local_runner import run_local_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.container_auth import (
    AUTH_FILE_OPTIONS,
    ensure_container_auth,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.delivery import CREDENTIAL_OPTIONS


def main() -> None:
    run_local_module(ensure_container_auth, {**CREDENTIAL_OPTIONS, **AUTH_FILE_OPTIONS})


if __name__ == "__main__":
    main()
