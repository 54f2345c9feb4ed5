#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_user_info
short_description: List the users of a Quay registry
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Lists all users, or returns one user. Robots and organizations are not included.
  - This requires the login of a superuser. A token needs the scope C(super:user).
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.info
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
options:
  name:
    description:
      - Return only the user with this name. RV(users) is empty if there is no such user.
    type: str
    aliases: [username]
  enabled:
    description:
      - V(true) returns only users who may log in. V(false) returns only disabled users.
      - If not specified, all users are returned.
    type: bool
seealso:
  - module: tokensmith.quay.quay_user
"""

EXAMPLES = r"""
- name: List all users
  tokensmith.quay.quay_user_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
  register: users

- name: List all disabled users
  tokensmith.quay.quay_user_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    enabled: false
  register: disabled

- name: Get one user
  tokensmith.quay.quay_user_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: jdoe
  register: jdoe
"""

RETURN = r"""
users:
  description: The users, oldest first. Empty if no user matches.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: jdoe, email: jdoe@example.com, enabled: true, superuser: false, verified: true}
  contains:
    name:
      description: Name of the user.
      returned: success
      type: str
    email:
      description: Email address of the user. Empty if the user has none.
      returned: success
      type: str
    enabled:
      description: Whether the user may log in.
      returned: success
      type: bool
    superuser:
      description: Whether the configuration of Quay defines the user as a superuser.
      returned: success
      type: bool
    verified:
      description: Whether the email address is verified.
      returned: success
      type: bool
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.user_info import list_users


def main() -> None:
    run_module(list_users, {"name": {"type": "str", "aliases": ["username"]}, "enabled": {"type": "bool"}})


if __name__ == "__main__":
    main()
