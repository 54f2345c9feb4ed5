#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_team
short_description: Manage teams of a Quay organization and their members
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Creates, changes and deletes teams, and manages their members. It does not manage the permissions of a team on
    repositories. See M(tokensmith.quay.quay_repository) for these.
  - Fields that are not specified keep their values in Quay.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  organization:
    description:
      - Organization of the team. It must exist. A token needs the scope C(org:admin).
    type: str
    required: true
  name:
    description:
      - Name of the team.
    type: str
    required: true
    aliases: [team]
  role:
    description:
      - Role of the members in the organization. V(member) can see the organization, V(creator) can also create
        repositories, and V(admin) can administer the organization.
      - A new team has the role V(member) by default.
    type: str
    choices: [member, creator, admin]
  description:
    description:
      - Description of the team.
    type: str
  members:
    description:
      - Users and robots that are members of the team. Specify the full name of a robot, such as V(acme+ci). They must
        exist.
      - If not specified, the members are neither read nor changed.
      - If Quay requires invitations (FEATURE_MAILING and FEATURE_REQUIRE_TEAM_INVITE), Quay only invites a user. The
        module treats an invited user as a member and warns about it.
    type: list
    elements: str
  exclusive:
    description:
      - Whether to remove all members that are not in O(members). Requires O(members), which can be an empty list.
      - If the team takes its members from a directory, only robots are removed. The directory manages the other
        members.
    type: bool
    default: false
  append:
    description:
      - The opposite of O(exclusive), under the name that it has in C(infra.quay_configuration). V(false) is the same as
        O(exclusive=true).
      - Mutually exclusive with O(exclusive).
    type: bool
  state:
    description:
      - V(present) creates or changes the team.
      - V(absent) deletes the team. Its members lose the permissions of the team. Quay does not delete the team through
        which the login itself administers the organization.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_organization
  - module: tokensmith.quay.quay_team_sync
"""

EXAMPLES = r"""
- name: Ensure that the team exists and has the robot and the user as members
  tokensmith.quay.quay_team:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    name: automation
    role: creator
    description: Builds and pushes images
    members: [acme+ci, pipeline]

- name: Ensure that only two users are in the team of owners
  tokensmith.quay.quay_team:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    name: owners
    members: [jdoe, pipeline]
    exclusive: true

- name: Delete a team
  tokensmith.quay.quay_team:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    name: retired
    state: absent
"""

RETURN = r"""
organization:
  description: Organization of the team.
  returned: success
  type: str
  sample: acme
name:
  description: Name of the team.
  returned: success
  type: str
  sample: automation
role:
  description: Role of the members in the organization.
  returned: success
  type: str
  sample: creator
description:
  description: Description of the team. Empty if it has none.
  returned: success
  type: str
  sample: Builds and pushes images
members:
  description:
    - All members of the team, sorted, including invited users. Null if O(members) is not specified, and with
      O(state=absent).
  returned: success
  type: list
  elements: str
  sample: [acme+ci, pipeline]
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.team import ensure_team


def main() -> None:
    run_module(
        ensure_team,
        {
            "organization": {"type": "str", "required": True},
            "name": {"type": "str", "required": True, "aliases": ["team"]},
            "role": {"type": "str", "choices": ["member", "creator", "admin"]},
            "description": {"type": "str"},
            "members": {"type": "list", "elements": "str"},
            "exclusive": {"type": "bool", "default": False},
            "append": {"type": "bool"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        mutually_exclusive=[("exclusive", "append")],
    )


if __name__ == "__main__":
    main()
