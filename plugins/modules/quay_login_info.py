#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_login_info
short_description: Compare the permissions of a login with those that declared credentials need
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Reports which scopes and which role each declared credential needs, as in the variable C(rotation_credentials) of
    the role P(tokensmith.quay.rotation#role), and what the login has.
  - Warns if the login lacks a scope or a role, if it has far more than it needs, and if it expires soon.
  - What Quay does not show to the login is null. Nothing is guessed, and nothing is tried.
  - A token that Quay lists, and one in a file with a record, have a known expiry. Quay 3.17 and older list none.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._attributes.info
  - tokensmith.quay._connection
options:
  credentials:
    description:
      - The declared credentials, as in the variable C(rotation_credentials) of the role
        P(tokensmith.quay.rotation#role). A text is read as JSON. They are validated as
        M(tokensmith.quay.quay_declaration_info) does.
      - Without it, only the login is reported.
    type: raw
  scopes:
    description:
      - Scopes that the login needs for other tasks. They do not count as more than it needs.
    type: list
    elements: str
    default: []
    choices: [org:admin, repo:admin, repo:create, repo:read, repo:write, super:user, user:admin, user:read]
  organization:
    description:
      - The organization of the application that issued the token of the login. Together with O(application) or
        O(client_id), it shows the scopes and the expiry of a token without the scope C(user:admin), if it has
        C(org:admin).
    type: str
  application:
    description: The name of the application that issued the token of the login.
    type: str
  client_id:
    description: The client ID of that application.
    type: str
notes:
  - Reads the token of the login in one request, and in up to five more to find its scopes and its expiry. Each
    organization for which the login needs a role costs one.
seealso:
  - module: tokensmith.quay.quay_declaration_info
  - module: tokensmith.quay.quay_token_info
  - module: tokensmith.quay.quay_api_token
"""

EXAMPLES = r"""
- name: Compare the login with what the rotation needs
  tokensmith.quay.quay_login_info:
    quay_host: https://quay.example.com
    quay_token_path: /etc/quay/rotator
    credentials: "{{ rotation_credentials }}"
  register: login

- name: Fail if the login has more scopes than it needs
  ansible.builtin.assert:
    that: login.surplus_scopes == []
    fail_msg: "{{ login.problems | join(' ') }}"
    quiet: true

- name: Find out when a token without the scope user:admin expires
  tokensmith.quay.quay_login_info:
    quay_host: https://quay.example.com
    quay_token: "{{ vault_quay_token }}"
    organization: acme
    application: rotation
"""

RETURN = r"""
login:
  description: What Quay, or the record of O(quay_token_path), shows of the login.
  returned: success
  type: dict
  contains:
    kind:
      description: V(token) or V(password).
      returned: success
      type: str
    user:
      description: The user of the login.
      returned: success
      type: str
    uuid:
      description: UUID of the token. Null for a password.
      returned: success
      type: str
    scopes:
      description: Scopes of the token. Null for a password, which needs none, and if Quay does not show them.
      returned: success
      type: list
      elements: str
    created_at:
      description: Time at which the token was created (ISO 8601, UTC). Null if it is not known.
      returned: success
      type: str
    expires_at:
      description: Time at which the token expires (ISO 8601, UTC). Null if it is not known.
      returned: success
      type: str
  sample:
    kind: token
    user: rotator
    uuid: 8c5b2b8e-6a0a-4d8e-9f27-0c1c7a3f4a52
    scopes: ["org:admin", "user:admin"]
    created_at: "2026-11-01T08:00:00Z"
    expires_at: "2027-01-30T08:00:00Z"
needs:
  description: What each credential in O(credentials) needs of the login.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the credential.
      returned: success
      type: str
    kind:
      description: Kind of the credential.
      returned: success
      type: str
    scopes:
      description: Scopes that a token needs, without those that others include. A password needs none.
      returned: success
      type: list
      elements: str
    organization:
      description: Organization of the credential. Null if it belongs to the user, or to several organizations.
      returned: success
      type: str
    role:
      description:
        - Role that the user of the login needs. V(admin) is the role of a team of RV(needs[].organization), such as
          owners. V(read) and V(write) are roles on each of the repositories. Null if none is needed.
      returned: success
      type: str
  sample:
    - name: acme+ci
      kind: robot
      scopes: ["org:admin"]
      organization: acme
      role: admin
needed_scopes:
  description: Scopes that a token needs for all of O(credentials) and O(scopes), without those that others include.
  returned: success
  type: list
  elements: str
  sample: ["org:admin"]
missing_scopes:
  description: Those of RV(needed_scopes) that the token lacks. Null if its scopes are not known.
  returned: success
  type: list
  elements: str
  sample: []
surplus_scopes:
  description:
    - Scopes of the token that are not needed. Null if its scopes are not known, for a password, and if neither
      O(credentials) nor O(scopes) need any.
  returned: success
  type: list
  elements: str
  sample: ["user:admin"]
organizations:
  description: The organizations in which the user of the login needs a role.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the organization.
      returned: success
      type: str
    role:
      description: The needed role.
      returned: success
      type: str
    has_role:
      description:
        - Whether the login has the role. Null if it is not known, because the token may lack the scope C(org:admin).
      returned: success
      type: bool
  sample:
    - {name: acme, role: admin, has_role: true}
problems:
  description: What should be changed, as sentences. The module also returns them as warnings.
  returned: success
  type: list
  elements: str
  sample: ["The token of the login has more scopes than it needs: user:admin."]
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.login_info import get_login_info
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.scopes import SCOPES


def main() -> None:
    run_module(
        get_login_info,
        {
            "credentials": {"type": "raw", "no_log": True},
            "scopes": {"type": "list", "elements": "str", "default": [], "choices": list(SCOPES)},
            "organization": {"type": "str"},
            "application": {"type": "str"},
            "client_id": {"type": "str"},
        },
    )


if __name__ == "__main__":
    main()
