#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_user
short_description: Manage the users of a Quay registry
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Creates, changes, disables and deletes users. This needs the login of a superuser; a token needs the scope
    C(super:user).
  - Quay chooses the password of a new user and tells it once. It is a secret like a token, and is returned in RV(token)
    or kept at O(token_path), unless O(password) gives another one.
  - A field that the task does not name keeps its value.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
    details:
      - With O(password) and O(update_password=always) the password is tried, in check mode too. A wrong one counts as a
        failed login of that user.
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
      - The user's e-mail address. No two users can have the same.
    type: str
  enabled:
    description:
      - Whether the user may log in. The tokens of a disabled user are refused, and work again once he is enabled.
      - A new user is enabled unless this is V(false).
    type: bool
  password:
    description:
      - The user's password, at least 8 characters without blanks. When it is sent says O(update_password).
      - It is never returned.
    type: str
  update_password:
    description:
      - V(on_create) sets O(password) only for a user whom the task creates.
      - V(always) also gives it to a user who has another one. Whether he has is found out by trying it at the
        registry's token service, so the task stays idempotent.
    type: str
    choices: [always, on_create]
    default: on_create
  token_path:
    description:
      - Absolute path of a file on the target that gets the password which Quay chose for a new user, and nothing else.
        It is written with mode V(0600), whole or not at all, at once after the user was created; the password is then
        not returned.
      - What is known of it (its fingerprint and date) is kept beside it in a file of the same name with C(.record.json)
        appended.
      - The directory must exist. Symbolic links are refused. With O(state=absent) the file is removed.
    type: path
  state:
    description:
      - V(present) creates or changes the user.
      - V(absent) deletes him, with his repositories, robots and tokens. A disabled user is enabled for that moment,
        since Quay does not delete him otherwise. Organizations that he alone administered stay, without an
        administrator.
      - After a deletion, Quay 3.18 and newer keep the name blocked for about a minute.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Superusers are named in Quay's configuration, and Quay lets nobody change or delete them.
  - Where Quay takes its users from a directory (LDAP, OIDC and others), they can be enabled, disabled and deleted here,
    and nothing else.
seealso:
  - module: tokensmith.quay.quay_user_info
  - module: tokensmith.quay.quay_team
"""

EXAMPLES = r"""
- name: Make sure that the user of the pipeline exists, and keep his password in a file
  tokensmith.quay.quay_user:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: pipeline
    email: pipeline@example.com
    token_path: /etc/quay/pipeline

- name: Create a user with a password of your own
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
  description: The user's e-mail address; empty where he has none.
  returned: success
  type: str
  sample: pipeline@example.com
enabled:
  description: Whether the user may log in.
  returned: success
  type: bool
  sample: true
superuser:
  description: Whether Quay's configuration makes him a superuser.
  returned: success
  type: bool
  sample: false
token:
  description:
    - The password that Quay chose for a new user. Null in every other case, in check mode, with O(password) and with
      O(token_path).
  returned: success
  type: str
  sample: null
fingerprint:
  description: First 12 hexadecimal digits of the new password's SHA-256, safe to log; null where there is none.
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
    )


if __name__ == "__main__":
    main()
