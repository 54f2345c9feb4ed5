#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_team
short_description: Manage the teams of a Quay organization and their members
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Creates, changes and deletes teams, and keeps their members. What a team may do in repositories is not its business.
  - A field that the task does not name keeps its value.
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
      - Organization that has the team. It must exist. A token needs the scope C(org:admin).
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
      - What the members may do in the organization. V(member) sees it, V(creator) may also create repositories,
        V(admin) administers it.
      - A new team has V(member) unless this says otherwise.
    type: str
    choices: [member, creator, admin]
  description:
    description:
      - What the team is for.
    type: str
  members:
    description:
      - Users and robots who belong to the team, robots by their full name such as V(acme+ci). They must exist.
      - Where Quay sends mail and wants invitations (FEATURE_MAILING, FEATURE_REQUIRE_TEAM_INVITE), a user is only
        invited; he counts as a member here, and a warning says so.
    type: list
    elements: str
  exclusive:
    description:
      - Remove everybody else from the team. Has no effect without O(members); with an empty list nobody stays.
      - In a team that takes its members from a directory only robots are removed, the others are the directory's.
    type: bool
    default: false
  state:
    description:
      - V(present) creates or changes the team.
      - V(absent) deletes it; its members lose what it gave them. Quay does not delete the team by which the login
        itself administers the organization.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_organization
  - module: tokensmith.quay.quay_team_sync
"""

EXAMPLES = r"""
- name: Make sure that the team exists and has the robot and the user
  tokensmith.quay.quay_team:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    name: automation
    role: creator
    description: Whoever builds and pushes
    members: [acme+ci, pipeline]

- name: Let nobody else administer the organization
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
  description: Organization that has the team.
  returned: success
  type: str
  sample: acme
name:
  description: Name of the team.
  returned: success
  type: str
  sample: automation
role:
  description: What the members may do in the organization.
  returned: success
  type: str
  sample: creator
description:
  description: What the team is for.
  returned: success
  type: str
  sample: Whoever builds and pushes
members:
  description:
    - All members of the team, sorted, those included who are only invited. Null where O(members) is not given, as
      it then is not asked for.
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
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
    )


if __name__ == "__main__":
    main()
