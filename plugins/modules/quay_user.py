#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_user
short_description: Manage users of a Quay registry
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Creates, changes, disables and deletes users. This requires the login of a superuser. A token needs the scope
    C(super:user).
  - Quay generates the password of a new user and returns it only once. The module treats it as a secret. It returns it
    in RV(token), or stores it at O(token_path). If O(password) is specified, that password is set instead.
  - Fields that are not specified keep their values in Quay.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
    details:
      - With O(password) and O(update_password=always), the module tries the password in check mode as well. A wrong
        password counts as a failed login of the user.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the user.
    type: str
    required: true
    aliases: [username]
  email:
    description:
      - Email address of the user. Two users cannot have the same address.
    type: str
  enabled:
    description:
      - Whether the user may log in. Quay refuses the tokens of a disabled user. They work again when the user is
        enabled.
      - A new user is enabled by default.
    type: bool
  password:
    description:
      - Password of the user, at least 8 characters without whitespace. O(update_password) determines when it is set.
      - The module never returns this value.
      - Mutually exclusive with O(token_path).
    type: str
  update_password:
    description:
      - V(on_create) sets O(password) only for a user that the task creates.
      - V(always) also sets it for an existing user that has another password. The module tries the password at the
        registry's token service to find out, so the task is idempotent. It requires O(password).
    type: str
    choices: [always, on_create]
    default: on_create
  token_path:
    description:
      - Absolute path of a file on the target in which to store the password that Quay generates for a new user. The
        file contains only the password. The password is then not returned.
      - The file is written atomically, immediately after the user was created. An existing file keeps its permissions,
        and a new one has V(0600).
      - The fingerprint and date of the password are stored in a file of the same name with C(.record.json) appended.
        That file never contains the password.
      - The directory must exist. Symbolic links are refused. With O(state=absent), the file is removed.
    type: path
  state:
    description:
      - V(present) creates or changes the user.
      - V(absent) deletes the user and all their repositories, robots and tokens. Organizations that only this user
        administers are kept, without an administrator.
      - Quay cannot delete a disabled user, so the module enables the user just before the deletion.
      - After a deletion, Quay 3.18 and later block the name for about a minute.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Superusers are defined in the configuration of Quay. They cannot be changed or deleted through the API.
  - If Quay takes its users from a directory (LDAP, OIDC and others), the module can only enable, disable and delete
    users.
seealso:
  - module: tokensmith.quay.quay_user_info
  - module: tokensmith.quay.quay_team
"""

EXAMPLES = r"""
- name: Ensure that the pipeline user exists, and store the generated password in a file
  tokensmith.quay.quay_user:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: pipeline
    email: pipeline@example.com
    token_path: /etc/quay/pipeline

- name: Create a user with a given password
  tokensmith.quay.quay_user:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: jdoe
    email: jdoe@example.com
    password: "{{ initial_password }}"

- name: Disable a user
  tokensmith.quay.quay_user:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: jdoe
    enabled: false

- name: Delete a user
  tokensmith.quay.quay_user:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: jdoe
    state: absent
"""

RETURN = r"""
name:
  description: Name of the user.
  returned: success
  type: str
  sample: pipeline
email:
  description: Email address of the user. Empty if the user has none, or does not exist.
  returned: success
  type: str
  sample: pipeline@example.com
enabled:
  description: Whether the user may log in. False if the user does not exist.
  returned: success
  type: bool
  sample: true
superuser:
  description: Whether the configuration of Quay defines the user as a superuser.
  returned: success
  type: bool
  sample: false
token:
  description:
    - The password that Quay generated for a new user. Null if no user was created, in check mode, and with O(password)
      or O(token_path).
  returned: success
  type: str
  sample: null
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the generated password, safe to log. Null if no password was
      generated.
  returned: success
  type: str
  sample: 9f86d081884c
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.user import ensure_user


def main() -> None:
    run_module(
        ensure_user,
        {
            "name": {"type": "str", "required": True, "aliases": ["username"]},
            "email": {"type": "str"},
            "enabled": {"type": "bool"},
            "password": {"type": "str", "no_log": True},
            "update_password": {
                "type": "str",
                "choices": ["always", "on_create"],
                "default": "on_create",
                "no_log": False,
            },
            "token_path": {"type": "path", "no_log": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        mutually_exclusive=[("password", "token_path")],
        replaced=dict.fromkeys(
            ("superuser", "is_superuser"),
            "Add the user to SUPER_USERS in Quay's configuration, restart Quay, and remove the option",
        ),
    )


if __name__ == "__main__":
    main()
