#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_team_sync
short_description: Take the members of a Quay team from a directory's group
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Switches the synchronisation of a team with a group of the directory on or off, or moves it to another group.
  - This needs a superuser who administers the organization, and with a token the scope C(super:user); or, where
    FEATURE_NONSUPERUSER_TEAM_SYNCING_SETUP is on, whoever administers the organization.
  - B(Quay removes every user from the team who is not in the group), local ones too; robots stay. A team V(owners) can
    so lose all who administer the organization.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
    details:
      - Whether the directory knows the group is found by the real run only.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  organization:
    description:
      - Organization that has the team.
    type: str
    required: true
  team:
    description:
      - The team. It must exist.
    type: str
    required: true
    aliases: [name]
  group_dn:
    description:
      - The group in an LDAP directory, relative to LDAP_BASE_DN, for example V(cn=devs,ou=groups).
    type: str
  group_name:
    description:
      - The group's name, where users come from OIDC.
    type: str
  group_id:
    description:
      - The group's id, where users come from Keystone.
    type: str
  state:
    description:
      - V(present) takes the members from the group. Quay's worker does so within its next rounds, not at once.
      - V(absent) ends that. The members stay as they are then.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Quay cannot change the group of a synchronised team, so the old synchronisation is ended first. Where Quay then
    refuses the new group, the module switches the old one on again.
seealso:
  - module: tokensmith.quay.quay_team
"""

EXAMPLES = r"""
- name: Take the developers from the directory
  tokensmith.quay.quay_team_sync:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    team: developers
    group_dn: cn=devs,ou=groups

- name: Keep the members by hand again
  tokensmith.quay.quay_team_sync:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    team: developers
    state: absent
"""

RETURN = r"""
organization:
  description: Organization that has the team.
  returned: success
  type: str
  sample: acme
team:
  description: The team.
  returned: success
  type: str
  sample: developers
service:
  description: The kind of directory; null where Quay tells of none.
  returned: success
  type: str
  sample: ldap
group_dn:
  description: The group in an LDAP directory; null for other directories, and without a synchronisation.
  returned: success
  type: str
  sample: cn=devs,ou=groups
group_name:
  description: The group's name, where users come from OIDC; else null.
  returned: success
  type: str
  sample: null
group_id:
  description: The group's id, where users come from Keystone; else null.
  returned: success
  type: str
  sample: null
last_updated:
  description: When the members were last taken from the group (ISO 8601, UTC); null where that has not happened yet.
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.team_sync import ensure_team_sync


def main() -> None:
    run_module(
        ensure_team_sync,
        {
            "organization": {"type": "str", "required": True},
            "team": {"type": "str", "required": True, "aliases": ["name"]},
            "group_dn": {"type": "str"},
            "group_name": {"type": "str"},
            "group_id": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        mutually_exclusive=[("group_dn", "group_name", "group_id")],
        required_if=[("state", "present", ("group_dn", "group_name", "group_id"), True)],
    )


if __name__ == "__main__":
    main()
