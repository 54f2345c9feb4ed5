#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_organization
short_description: Manage organizations of a Quay registry
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Creates, changes and deletes organizations. The user of the login becomes the only owner of a new organization.
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
  name:
    description:
      - Name of the organization. It must not be the name of a user, because users and organizations share one
        namespace.
    type: str
    required: true
    aliases: [organization]
  email:
    description:
      - Contact email address of the organization.
      - Required for a new organization if Quay sends email (FEATURE_MAILING).
    type: str
  state:
    description:
      - V(present) creates or changes the organization. A token needs the scope C(user:admin) to create it, and
        C(org:admin) to change it.
      - V(absent) deletes the organization and B(everything in it), including repositories, robots, teams, applications
        and their tokens.
      - After a deletion, Quay 3.18 and later block the name for about a minute.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_team
  - module: tokensmith.quay.quay_application
"""

EXAMPLES = r"""
- name: Ensure that the organization exists
  tokensmith.quay.quay_organization:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme
    email: platform@example.com

- name: Delete an organization and everything in it
  tokensmith.quay.quay_organization:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: retired
    state: absent
"""

RETURN = r"""
name:
  description: Name of the organization.
  returned: success
  type: str
  sample: acme
email:
  description:
    - Contact email address. Empty if the organization has none, or if the login does not administer the organization
      and may not read it.
  returned: success
  type: str
  sample: platform@example.com
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.organization import ensure_organization


def main() -> None:
    run_module(
        ensure_organization,
        {
            "name": {"type": "str", "required": True, "aliases": ["organization"]},
            "email": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        replaced={
            "auto_prune_method": "Use quay_api with operation=createOrganizationAutoPrunePolicy",
            "auto_prune_value": "Use quay_api with operation=createOrganizationAutoPrunePolicy",
            "new_name": "Use quay_api with operation=changeOrganization. It renames the robots as well, so their "
            "credentials must be delivered again",
            "time_machine_expiration": "Use quay_api with operation=changeOrganizationDetails and tag_expiration_s in "
            "body, in seconds",
        },
    )


if __name__ == "__main__":
    main()
