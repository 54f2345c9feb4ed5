#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_application
short_description: Manage OAuth applications of a Quay organization
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Creates, changes and deletes OAuth applications, and resets their client secrets. Every OAuth access token belongs
    to an application.
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
    support: partial
    details:
      - With O(reset_client_secret=true), every run resets the client secret.
options:
  organization:
    description:
      - Organization that owns the application. It must exist.
    type: str
    required: true
  name:
    description:
      - Name of the application. Required unless O(client_id) is specified.
      - Quay allows several applications with the same name. The module then fails and asks for O(client_id).
      - Together with O(client_id), this is the new name of that application.
    type: str
    aliases: [application]
  client_id:
    description:
      - Client ID of an existing application. Specify it to identify the application by ID instead of by name.
    type: str
  description:
    description:
      - Description of the application.
    type: str
  application_uri:
    description:
      - URL of the application's web page.
    type: str
  redirect_uri:
    description:
      - Prefix of the URLs to which Quay may redirect a browser after it has authorized the application.
    type: str
  avatar_email:
    description:
      - Email address from which the avatar of the application is derived.
    type: str
  reset_client_secret:
    description:
      - Whether to issue a new client secret for an existing application. The old client secret is invalid immediately.
        Access tokens stay valid. See M(tokensmith.quay.quay_client_secret) for what this breaks.
    type: bool
    default: false
  token_path:
    description:
      - Absolute path of a file on the target that contains only the client secret. The module writes the present client
        secret to it, and does not return it.
      - The file is written atomically. An existing file keeps its permissions, and a new one has V(0600).
      - The directory must exist. Symbolic links are refused. A file that holds anything else than a secret is refused.
      - With O(state=absent), the file is removed.
      - See M(tokensmith.quay.quay_client_secret) for other stores, and to reset the client secret when it is due.
    type: path
  state:
    description:
      - V(present) creates or changes the application.
      - V(absent) deletes the application. B(All its access tokens are revoked).
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_api_token
  - module: tokensmith.quay.quay_client_secret
"""

EXAMPLES = r"""
- name: Ensure that the automation application exists
  tokensmith.quay.quay_application:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    name: automation
    description: Credentials of the platform team
    token_path: /etc/automation/client-secret
  register: automation

- name: Replace the client secret
  tokensmith.quay.quay_application:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    client_id: "{{ automation.client_id }}"
    reset_client_secret: true
    token_path: /etc/automation/client-secret

- name: Delete an application and all its tokens
  tokensmith.quay.quay_application:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    name: retired
    state: absent
"""

RETURN = r"""
organization:
  description: Organization that owns the application.
  returned: success
  type: str
  sample: acme
name:
  description: Name of the application.
  returned: success
  type: str
  sample: automation
description:
  description: Description of the application. Empty if it has none.
  returned: success
  type: str
  sample: Credentials of the platform team
application_uri:
  description: URL of the application's web page. Empty if it has none.
  returned: success
  type: str
  sample: https://wiki.example.com/automation
redirect_uri:
  description: Prefix of the allowed redirect URLs. Empty if there is none.
  returned: success
  type: str
  sample: ""
avatar_email:
  description: Email address from which the avatar is derived. Empty if there is none.
  returned: success
  type: str
  sample: ""
client_id:
  description:
    - Client ID of the application. Null if the application does not exist, and in check mode for an application that
      would be created.
  returned: success
  type: str
  sample: 6XWAWHKUVWXDPX3WSRJT
token:
  description:
    - The client secret, if this run issued it, that is if it created the application or reset its client secret. Null
      otherwise, in check mode, and with O(token_path). M(tokensmith.quay.quay_client_secret) returns a present one.
  returned: success
  type: str
  sample: null
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the client secret, safe to log. Null with O(state=absent), and
      in check mode for a client secret that would be issued.
  returned: success
  type: str
  sample: 9f86d081884c
delivered:
  description: The path O(token_path) if the file was written, or would be written in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/automation/client-secret]
removed:
  description:
    - With O(state=absent), the path O(token_path) if the file was removed, or would be removed in check mode.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.application import ensure_application


def main() -> None:
    run_module(
        ensure_application,
        {
            "organization": {"type": "str", "required": True},
            "name": {"type": "str", "aliases": ["application"]},
            "client_id": {"type": "str"},
            "description": {"type": "str"},
            "application_uri": {"type": "str"},
            "redirect_uri": {"type": "str"},
            "avatar_email": {"type": "str"},
            "reset_client_secret": {"type": "bool", "default": False, "no_log": False},
            "token_path": {"type": "path", "no_log": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_one_of=[("name", "client_id")],
        replaced={"new_name": "To rename an application, identify it by client_id and give its new name in name"},
    )


if __name__ == "__main__":
    main()
