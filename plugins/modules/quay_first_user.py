#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_first_user
short_description: Create the first user of an empty Quay registry
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Creates the first user of a Quay server that has no users yet, and returns or stores an OAuth access token of this
    user. The server must have C(FEATURE_USER_INITIALIZE), and manage its users itself (C(AUTHENTICATION_TYPE) is
    C(Database)). No login is needed.
  - Quay shows the first token only in the response to this one request. It has all scopes and is valid for 2.5 hours.
    Use it to create another token with M(tokensmith.quay.quay_api_token), or use the name and the password as login.
  - On any other server the module creates nothing. It verifies the token that O(token_path) or O(current_token) holds,
    and if there is none, or Quay does not accept it, O(name) and O(password). It reports no change if one of the two
    works, and fails with the reason otherwise.
  - The request that creates the user is sent once. If its response is lost, the module signs in to find out whether the
    user was created. The first token is then lost, which a warning reports.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
    details:
      - Quay says whether it would create a user without creating one, and the module checks the rules for names,
        passwords and email addresses itself. So check mode predicts the same change, and fails with the same errors.
      - If there are users already, the module signs in to verify O(password) in check mode, too. If Quay takes its
        users from a directory, it creates their account at their first sign-in.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the user. To make the user a superuser, add the name to C(SUPER_USERS) in the configuration of Quay.
      - If not specified, O(quay_username) is used, or the environment variable E(QUAY_USERNAME) on the target. One of
        them is required.
    type: str
    aliases: [username]
  password:
    description:
      - Password of the user. A new user needs at least 8 characters without whitespace.
      - If not specified, O(quay_password) is used, or the environment variable E(QUAY_PASSWORD) on the target. One of
        them is required.
      - The module never returns this value.
    type: str
  email:
    description:
      - Email address of the user. Required for a new user if Quay sends emails (C(FEATURE_MAILING)).
      - It is not compared with the address of a user that exists.
    type: str
  issue_token:
    description:
      - Whether Quay issues the first token together with the user.
      - With V(false), no token exists, and the password is the only login.
    type: bool
    default: true
    aliases: [create_token]
  token_path:
    description:
      - Absolute path of a file on the target in which to store the first token. The file contains only the token. The
        token is then not returned.
      - The file is written atomically, immediately after the user was created. An existing file keeps its permissions,
        and a new one has V(0600).
      - The fingerprint and date of the token are stored in a file of the same name with C(.record.json) appended. That
        file never contains the token.
      - The directory must exist. Symbolic links are refused.
      - Mutually exclusive with O(current_token).
    type: path
  current_token:
    description:
      - The token that an earlier run returned, to be verified.
      - Mutually exclusive with O(token_path).
    type: str
notes:
  - The module does not use O(quay_token). A token of another login says nothing about the user O(name).
  - To set up an empty server up to the first rotation, see the playbook C(tokensmith.quay.bootstrap).
seealso:
  - module: tokensmith.quay.quay_user
  - module: tokensmith.quay.quay_api_token
"""

EXAMPLES = r"""
- name: Create the first user, and store the token that is valid for 2.5 hours
  tokensmith.quay.quay_first_user:
    quay_host: https://quay.example.com
    name: quayadmin
    password: "{{ quayadmin_password }}"
    email: quayadmin@example.com
    token_path: /etc/quay/first-token

- name: Create the first user without a token
  tokensmith.quay.quay_first_user:
    quay_host: https://quay.example.com
    name: quayadmin
    password: "{{ quayadmin_password }}"
    email: quayadmin@example.com
    issue_token: false
"""

RETURN = r"""
name:
  description: Name of the user.
  returned: success
  type: str
  sample: quayadmin
email:
  description: Email address of the user. Empty if the user has none. Null if a token was verified.
  returned: success
  type: str
  sample: quayadmin@example.com
superuser:
  description:
    - Whether the configuration of Quay defines the user as a superuser. Null if the user does not exist yet (check
      mode), for a user that was created without a token, and if a token was verified.
  returned: success
  type: bool
  sample: true
verified_with:
  description:
    - V(token) or V(password), the login that Quay accepted. Null if the user does not exist yet (check mode), and for a
      user that was created without a token.
  returned: success
  type: str
  sample: token
token:
  description:
    - The first token. Null unless this run created the user, and with O(token_path).
  returned: success
  type: str
  sample: null
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the first token, safe to log. Null if there is none that Quay
      accepts.
  returned: success
  type: str
  sample: 9f86d081884c
created_at:
  description: Time at which the first token was created (ISO 8601, UTC). Null if unknown.
  returned: success
  type: str
  sample: "2026-11-26T02:00:00Z"
expires_at:
  description: Time at which the first token expires (ISO 8601, UTC). Null if unknown.
  returned: success
  type: str
  sample: "2026-11-26T04:30:00Z"
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.first_user import ensure_first_user


def main() -> None:
    run_module(
        ensure_first_user,
        {
            "name": {"type": "str", "aliases": ["username"]},
            "password": {"type": "str", "no_log": True},
            "email": {"type": "str"},
            "issue_token": {
                "type": "bool",
                "default": True,
                "aliases": ["create_token"],
                "no_log": False,
            },
            "token_path": {"type": "path", "no_log": False},
            "current_token": {"type": "str", "no_log": True},
        },
        own_login=True,
        mutually_exclusive=[("token_path", "current_token")],
    )


if __name__ == "__main__":
    main()
