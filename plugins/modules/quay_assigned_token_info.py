#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_assigned_token_info
short_description: List the OAuth access tokens that are assigned to a user of Quay
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Lists the OAuth access tokens that administrators assigned to the user of the login, and that this user has neither
    accepted nor declined. M(tokensmith.quay.quay_assigned_token) does both.
  - Quay shows assignments only to the user that they are assigned to, so run the module with the login of that user. A
    token needs the scope C(user:admin).
  - Requires C(FEATURE_ASSIGN_OAUTH_TOKEN) in Quay.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.info
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
options:
  client_id:
    description:
      - Return only what is assigned for the application with this client ID. If not specified, everything is returned.
    type: str
notes:
  - Quay regards the assignments as seen. It removes the notifications of them in the web UI.
seealso:
  - module: tokensmith.quay.quay_assigned_token
"""

EXAMPLES = r"""
- name: List the tokens that are assigned to a user
  tokensmith.quay.quay_assigned_token_info:
    quay_host: https://quay.example.com
    quay_username: dwilde
    quay_password: "{{ lookup('ansible.builtin.env', 'QUAY_PASSWORD') }}"
  register: assigned

- name: Show who may accept what
  ansible.builtin.debug:
    msg: "{{ item.organization }}/{{ item.application }} ({{ item.client_id }}): {{ item.scopes | join(' ') }}"
  loop: "{{ assigned.assignments }}"
  loop_control:
    label: "{{ item.uuid }}"
"""

RETURN = r"""
assignments:
  description: The assigned tokens, sorted by organization and application. Empty if none is assigned.
  returned: success
  type: list
  elements: dict
  sample:
    - uuid: 0b0c7a52-5f3c-4f0d-8a56-0d6c5d1b2f11
      organization: acme
      application: automation
      client_id: 6XWAWHKUVWXDPX3WSRJT
      scopes: ["repo:read"]
      redirect_uri: https://quay.example.com/oauth/localapp
  contains:
    uuid:
      description: UUID of the assignment. It is not the UUID of the token, which does not exist yet.
      returned: success
      type: str
    organization:
      description: Organization that owns the application.
      returned: success
      type: str
    application:
      description: Name of the application.
      returned: success
      type: str
    client_id:
      description: Client ID of the application.
      returned: success
      type: str
    scopes:
      description: Scopes that were assigned. A token that is accepted in the web UI has these.
      returned: success
      type: list
      elements: str
    redirect_uri:
      description: Page to which Quay sends a browser that accepts the token.
      returned: success
      type: str
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.assigned_token_info import (
    read_assigned_tokens,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module


def main() -> None:
    run_module(read_assigned_tokens, {"client_id": {"type": "str"}})


if __name__ == "__main__":
    main()
