#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_repository
short_description: Manage repositories of a Quay registry and their permissions
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Creates, changes and deletes a repository, and manages the roles of users, robots and teams on it.
  - Fields that are not specified keep their values in Quay.
  - Deleting a repository also deletes all its images.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
    details:
      - Check mode does not verify that the users, robots and teams in O(permissions) exist.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  repository:
    description:
      - The repository, specified as V(namespace/repository). The namespace is an organization or a user and must exist.
        The repository part can contain further slashes.
      - Names that the Quay API interprets as a part of another repository, such as V(acme/app/mirror), are refused.
    type: str
    required: true
    aliases: [name]
  visibility:
    description:
      - Visibility of the repository. A V(public) repository can be pulled without a login.
      - A new repository is V(private) by default.
    type: str
    choices: [public, private]
  description:
    description:
      - Description of the repository, in Markdown.
    type: str
  mode:
    description:
      - Mode of the repository. V(normal) accepts pushes. V(read_only) accepts no pushes. V(mirror) accepts images only
        from its mirror configuration. See M(tokensmith.quay.quay_repository_mirror).
      - Changing the mode requires C(FEATURE_REPO_MIRROR) in Quay.
      - A new repository is V(normal) by default.
    type: str
    choices: [normal, read_only, mirror]
  permissions:
    description:
      - Roles of users, robots and teams on the repository.
      - Users, robots and teams that are not listed keep their roles, unless O(permissions_exclusive=true).
    type: list
    elements: dict
    aliases: [perms]
    suboptions:
      kind:
        description:
          - Whether O(permissions[].name) is the name of a user, a robot or a team.
          - If not specified, a name with a C(+) is that of a robot, and any other name is that of a user. V(user) is
            accepted for a robot as well.
        type: str
        choices: [user, robot, team]
        aliases: [type]
      name:
        description:
          - Name of the user, full name of the robot (V(acme+ci)), or name of a team of the same organization.
          - It must exist. A robot must belong to the namespace of the repository.
        type: str
        required: true
      role:
        description:
          - Role on the repository. V(read) allows pulling, V(write) allows pushing, and V(admin) allows everything.
            V(none) removes the role.
        type: str
        choices: [read, write, admin, none]
        required: true
  permissions_exclusive:
    description:
      - Whether to remove the roles of all users, robots and teams that are not in O(permissions). Requires
        O(permissions), which can be an empty list.
      - Quay gives the user who creates a repository the role V(admin). This role is removed as well.
      - Administrators of the organization, and the user who owns the namespace, can access the repository without a
        role.
    type: bool
    default: false
  append:
    description:
      - The opposite of O(permissions_exclusive), under the name that it has in C(infra.quay_configuration). V(false) is
        the same as O(permissions_exclusive=true).
      - Mutually exclusive with O(permissions_exclusive).
    type: bool
  state:
    description:
      - V(present) creates or changes the repository.
      - V(absent) deletes the repository. The module checks before and after the deletion whether the repository exists,
        because Quay reports success in any case.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_robot_token
  - module: tokensmith.quay.quay_repository_mirror
  - module: tokensmith.quay.quay_repository_build
"""

EXAMPLES = r"""
- name: Ensure that the robot exists
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+ci
    token_path: /etc/ci/quay-token

- name: Ensure that a private repository exists and that the robot can push to it
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

- name: Remove the role of a user
  tokensmith.quay.quay_repository:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    permissions:
      - kind: user
        name: alice
        role: none

- name: Remove the roles of everyone except one team
  tokensmith.quay.quay_repository:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repository: acme/app
    permissions:
      - kind: team
        name: developers
        role: admin
    permissions_exclusive: true

- name: Make a repository public and read-only
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
  description: Full name of the repository.
  returned: success
  type: str
  sample: acme/app
visibility:
  description: V(public) or V(private). Null if the repository does not exist.
  returned: success
  type: str
  sample: private
description:
  description: Description of the repository. Null if the repository does not exist.
  returned: success
  type: str
  sample: The application
mode:
  description: V(normal), V(read_only) or V(mirror). Null if the repository does not exist.
  returned: success
  type: str
  sample: normal
permissions:
  description:
    - Roles of the users, robots and teams that O(permissions) lists. With O(permissions_exclusive=true), the roles of
      all users, robots and teams.
    - Null if O(permissions) is not specified, and if the repository does not exist.
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
            "repository": {"type": "str", "required": True, "aliases": ["name"]},
            "visibility": {"type": "str", "choices": ["public", "private"]},
            "description": {"type": "str"},
            "mode": {"type": "str", "choices": ["normal", "read_only", "mirror"]},
            "permissions": {
                "type": "list",
                "elements": "dict",
                "aliases": ["perms"],
                "options": {
                    "kind": {"type": "str", "choices": ["user", "robot", "team"], "aliases": ["type"]},
                    "name": {"type": "str", "required": True},
                    "role": {"type": "str", "choices": ["read", "write", "admin", "none"], "required": True},
                },
            },
            "permissions_exclusive": {"type": "bool", "default": False},
            "append": {"type": "bool"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        mutually_exclusive=[("permissions_exclusive", "append")],
        replaced={
            "auto_prune_method": "Use quay_api with operation=createRepositoryAutoPrunePolicy",
            "auto_prune_value": "Use quay_api with operation=createRepositoryAutoPrunePolicy",
            "repo_state": "Use mode with the value normal, read_only or mirror",
            "star": "Use quay_api with operation=createStar or operation=deleteStar",
        },
    )


if __name__ == "__main__":
    main()
