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
  - Creates, changes and deletes the OAuth applications to which OAuth access tokens belong, and resets their client
    secret.
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
    support: partial
    details:
      - Not with O(reset_client_secret=true), which resets the secret in each run.
options:
  organization:
    description:
      - Organization that owns the application. It must exist.
    type: str
    required: true
  name:
    description:
      - Name of the application. Quay allows several of one name; the module then refuses to guess and asks for
        O(client_id).
      - Together with O(client_id), the new name of that application.
      - Required unless O(client_id) is given.
    type: str
    aliases: [application]
  client_id:
    description:
      - Client id of an existing application, instead of its name.
    type: str
  description:
    description:
      - What the application is for.
    type: str
  application_uri:
    description:
      - Web page of the application.
    type: str
  redirect_uri:
    description:
      - Prefix of the addresses to which Quay may send a browser after it has authorized the application.
    type: str
  avatar_email:
    description:
      - E-mail address from which the application's picture is derived.
    type: str
  reset_client_secret:
    description:
      - Give an existing application a new client secret. The old one stops working at once; tokens go on working.
    type: bool
    default: false
  state:
    description:
      - V(present) creates or changes the application.
      - V(absent) deletes it. B(All its access tokens die with it).
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_api_token
"""

EXAMPLES = r"""
- name: Make sure that the automation application exists
  tokensmith.quay.quay_application:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    name: automation
    description: Credentials of the platform team
  register: automation
  no_log: true

- name: Replace the client secret
  tokensmith.quay.quay_application:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    client_id: "{{ automation.client_id }}"
    reset_client_secret: true
  register: automation
  no_log: true

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
  description: What the application is for.
  returned: success
  type: str
  sample: Credentials of the platform team
application_uri:
  description: Web page of the application.
  returned: success
  type: str
  sample: https://wiki.example.com/automation
redirect_uri:
  description: Prefix of the allowed redirect addresses.
  returned: success
  type: str
  sample: ""
avatar_email:
  description: E-mail address from which the picture is derived.
  returned: success
  type: str
  sample: ""
client_id:
  description: Client id; null for an application that check mode would create, or that does not exist.
  returned: success
  type: str
  sample: 6XWAWHKUVWXDPX3WSRJT
token:
  description: The client secret; null in check mode and with O(state=absent).
  returned: success
  type: str
  sample: null
fingerprint:
  description: First 12 hexadecimal digits of the client secret's SHA-256, safe to log; null where RV(token) is null.
  returned: success
  type: str
  sample: 9f86d081884c
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
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_one_of=[("name", "client_id")],
    )


if __name__ == "__main__":
    main()
