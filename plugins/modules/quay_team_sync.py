#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_team_sync
short_description: Synchronise the members of a Quay team with a directory group
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Enables, changes or disables the synchronisation of a team with a group of the directory.
  - The login must be a superuser who administers the organization. A token needs the scope C(super:user). If
    FEATURE_NONSUPERUSER_TEAM_SYNCING_SETUP is enabled in Quay, any administrator of the organization can be used.
  - B(Quay removes all users from the team that are not in the group), including local users. Robots stay. Synchronising
    the team V(owners) can remove all administrators of the organization.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
    details:
      - Check mode does not verify that the group exists in the directory.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  organization:
    description:
      - Organization of the team.
    type: str
    required: true
  team:
    description:
      - Name of the team. It must exist.
    type: str
    required: true
    aliases: [name]
  group_dn:
    description:
      - DN of the group in an LDAP directory, relative to LDAP_BASE_DN, for example V(cn=devs,ou=groups). Quay adds the
        base DN itself. A DN that includes it is refused.
      - With O(state=present), specify exactly one of O(group_dn), O(group_name) and O(group_id).
    type: str
  group_name:
    description:
      - Name of the group, if users are authenticated with OIDC.
    type: str
  group_id:
    description:
      - ID of the group, if users are authenticated with Keystone.
    type: str
  state:
    description:
      - V(present) synchronises the members with the group. A background worker of Quay updates the members later, not
        immediately.
      - V(absent) disables the synchronisation. The current members stay.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Quay cannot change the group of a synchronised team, so the module disables the old synchronisation first. If Quay
    then refuses the new group, the module enables the old synchronisation again.
seealso:
  - module: tokensmith.quay.quay_team
"""

EXAMPLES = r"""
- name: Synchronise the team with a group of the directory
  tokensmith.quay.quay_team_sync:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    team: developers
    group_dn: cn=devs,ou=groups

- name: Disable the synchronisation
  tokensmith.quay.quay_team_sync:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    team: developers
    state: absent
"""

RETURN = r"""
organization:
  description: Organization of the team.
  returned: success
  type: str
  sample: acme
team:
  description: Name of the team.
  returned: success
  type: str
  sample: developers
service:
  description: Kind of the directory. Null if Quay does not report one.
  returned: success
  type: str
  sample: ldap
group_dn:
  description:
    - DN of the group in an LDAP directory. Null for other directories, and if the team is not synchronised.
  returned: success
  type: str
  sample: cn=devs,ou=groups
group_name:
  description: Name of the OIDC group. Null for other directories, and if the team is not synchronised.
  returned: success
  type: str
  sample: null
group_id:
  description: ID of the Keystone group. Null for other directories, and if the team is not synchronised.
  returned: success
  type: str
  sample: null
last_updated:
  description:
    - Time at which Quay last updated the members from the group (ISO 8601, UTC). Null if this has not happened yet, if
      the team is not synchronised, and if the task changed the synchronisation.
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
        replaced={
            "keep_users": "The members stay when the synchronisation is disabled. Use quay_team with members and "
            "exclusive=true to remove them afterwards",
            "sync": "Use state=present instead of sync=true, and state=absent instead of sync=false",
        },
    )


if __name__ == "__main__":
    main()
