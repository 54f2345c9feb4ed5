#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_repository
short_description: Manage repositories of a Quay registry, and who may use them
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Creates, changes and deletes a repository, and gives users, robots and teams their roles on it.
  - A field that the task does not name keeps its value.
  - What is deleted is gone with all its images.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
    details:
      - Check mode does not ask whether the users, robots and teams of O(permissions) exist.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  repository:
    description:
      - The repository, as V(namespace/repository). The namespace is an organization or a user and must exist. The
        part behind it may hold further slashes.
      - Names that Quay's API takes for a part of another repository, such as V(acme/app/mirror), are refused.
    type: str
    required: true
  visibility:
    description:
      - Who can see it. A V(public) repository can be pulled without a login.
      - A new repository is V(private) unless the task says otherwise.
    type: str
    choices: [public, private]
  description:
    description:
      - What the repository is for, in Markdown.
    type: str
  mode:
    description:
      - V(normal) takes pushes, V(read_only) takes none, V(mirror) is filled by its mirror configuration alone (see
        M(tokensmith.quay.quay_repository_mirror)).
      - Quay can change it only where C(FEATURE_REPO_MIRROR) is on.
      - A new repository is V(normal) unless the task says otherwise.
    type: str
    choices: [normal, read_only, mirror]
  permissions:
    description:
      - Who has which role on the repository.
      - Whoever is not listed keeps the role that he has, unless O(permissions_exclusive=true).
    type: list
    elements: dict
    suboptions:
      kind:
        description:
          - What O(permissions[].name) is the name of.
        type: str
        choices: [user, robot, team]
        required: true
      name:
        description:
          - Name of the user, of the robot (in full, V(acme+ci)) or of the team of the same organization.
          - It must exist. A robot must be of the repository's namespace.
        type: str
        required: true
      role:
        description:
          - V(read) can pull, V(write) can push, V(admin) can do everything. V(none) takes the role away.
        type: str
        choices: [read, write, admin, none]
        required: true
  permissions_exclusive:
    description:
      - Whether to take the role away from everybody who is not in O(permissions). Quay makes the user who creates a
        repository its administrator, and this takes away that role, too.
      - Administrators of the organization, and the user who owns the namespace, keep their power without any role.
    type: bool
    default: false
  state:
    description:
      - Whether the repository shall exist. V(absent) looks before it deletes and again afterwards, because Quay reports
        success in any case.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_robot_token
  - module: tokensmith.quay.quay_repository_mirror
  - module: tokensmith.quay.quay_repository_build
"""

EXAMPLES = r"""
- name: Have a robot
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+ci
    token_path: /etc/ci/quay-token

- name: Have a private repository to which it can push
  tokensmith.quay.quay_repository:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    description: The application
    permissions:
      - kind: robot
        name: acme+ci
        role: write
      - kind: team
        name: developers
        role: read

- name: Take away a role
  tokensmith.quay.quay_repository:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    permissions:
      - kind: user
        name: alice
        role: none

- name: Let nobody use it but one team
  tokensmith.quay.quay_repository:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    permissions:
      - kind: team
        name: developers
        role: admin
    permissions_exclusive: true

- name: Publish a repository, and take no more pushes
  tokensmith.quay.quay_repository:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    visibility: public
    mode: read_only

- name: Delete a repository with all its images
  tokensmith.quay.quay_repository:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/retired
    state: absent
"""

RETURN = r"""
repository:
  description: The repository's full name.
  returned: success
  type: str
  sample: acme/app
visibility:
  description: V(public) or V(private); null for a repository that does not exist.
  returned: success
  type: str
  sample: private
description:
  description: What the repository is for; null for a repository that does not exist.
  returned: success
  type: str
  sample: The application
mode:
  description: V(normal), V(read_only) or V(mirror); null for a repository that does not exist.
  returned: success
  type: str
  sample: normal
permissions:
  description:
    - The roles of whom O(permissions) lists, and with O(permissions_exclusive=true) of everybody.
    - Null without O(permissions), and for a repository that does not exist.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(user), V(robot) or V(team).
      returned: success
      type: str
    name:
      description: Name of the user, robot or team.
      returned: success
      type: str
    role:
      description: V(read), V(write) or V(admin).
      returned: success
      type: str
  sample:
    - kind: robot
      name: acme+ci
      role: write
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.repository import ensure_repository


def main() -> None:
    run_module(
        ensure_repository,
        {
            "repository": {"type": "str", "required": True},
            "visibility": {"type": "str", "choices": ["public", "private"]},
            "description": {"type": "str"},
            "mode": {"type": "str", "choices": ["normal", "read_only", "mirror"]},
            "permissions": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "kind": {"type": "str", "choices": ["user", "robot", "team"], "required": True},
                    "name": {"type": "str", "required": True},
                    "role": {"type": "str", "choices": ["read", "write", "admin", "none"], "required": True},
                },
            },
            "permissions_exclusive": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
    )


if __name__ == "__main__":
    main()
