#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_host_inspection
short_description: Validate what a host declares, and inspect its stores
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - The role P(tokensmith.quay.rotation#role) runs this module once on each host of the play, before anything is sent to
    Quay.
  - Validates the declared credentials as M(tokensmith.quay.quay_declaration_info) does. Returns for each store on this
    host whether it can be written, and the fingerprint of what it holds. Never returns a secret.
  - Has no options for a login, and is not a member of the action group, because the login of Quay must not reach the
    hosts that only use credentials.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.info
options:
  quay_host:
    description: URL of the Quay server. It gives the default registry of an auth file.
    type: str
  credentials:
    description: The declared credentials, as in the variable C(rotation_credentials) of the role.
    type: raw
  force:
    description: Names of declared credentials to rotate now.
    type: raw
  compromised:
    description: Names of declared credentials whose secret leaked.
    type: raw
  undeclared:
    description: Absolute paths of directories or files in which to look for earlier deliveries that are not declared.
    type: raw
  ephemeral:
    description: Whether the files of this host are lost after the run. If V(true), stores in files are refused.
    type: bool
    default: false
  ephemeral_rotator:
    description: The same for the files of O(rotator).
    type: bool
    default: false
  rotator:
    description: The host that talks to Quay. Its own stores are not inspected here.
    type: str
  compact:
    description:
      - Return RV(credentials) as one text, which M(tokensmith.quay.quay_rotation) opens again. Ansible handles each
        value of a result several times, which takes long for many credentials.
    type: bool
    default: false
  inventory:
    description: What the inventory says of this host. The module sets it itself.
    type: dict
seealso:
  - module: tokensmith.quay.quay_declaration_info
"""

EXAMPLES = r"""
- name: Validate what each host declares, and inspect its stores
  tokensmith.quay.quay_host_inspection:
    quay_host: https://quay.example.com
    credentials: "{{ rotation_credentials }}"
    rotator: localhost
  register: plan

- name: Show what each store holds
  ansible.builtin.debug:
    msg: "{{ plan.credentials | map(attribute='stores') }}"
"""

RETURN = r"""
credentials:
  description:
    - The declared credentials, as M(tokensmith.quay.quay_declaration_info) returns them, each with its C(stores). They
      say for each entry of C(deliver) on which hosts the store is, and in C(inspected) what it holds on this host.
  returned: success
  type: list
  elements: dict
  sample: []
compact:
  description: RV(credentials) as one text. P(tokensmith.quay.rotation_outcome#filter) opens it.
  returned: with O(compact), which returns it instead of RV(credentials)
  type: str
  sample: eJyrVkpJLElUslKIjq0FABeHA68=
force:
  description: The names in O(force) and O(compromised), as a list.
  returned: success
  type: list
  elements: str
  sample: []
compromised:
  description: The names in O(compromised), as a list.
  returned: success
  type: list
  elements: str
  sample: []
undeclared:
  description: What was delivered to the places in O(undeclared) and is declared by no credential.
  returned: success
  type: list
  elements: dict
  sample: []
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.host_inspection import inspect_host
from ansible_collections.tokensmith.quay.plugins.module_utils._module.local_runner import run_consumer_module


def main() -> None:
    run_consumer_module(
        inspect_host,
        {
            "quay_host": {"type": "str"},
            "credentials": {"type": "raw", "no_log": True},
            "force": {"type": "raw"},
            "compromised": {"type": "raw"},
            "undeclared": {"type": "raw"},
            "ephemeral": {"type": "bool", "default": False},
            "ephemeral_rotator": {"type": "bool", "default": False},
            "rotator": {"type": "str"},
            "compact": {"type": "bool", "default": False},
            "inventory": {"type": "dict"},
        },
        packed=["credentials"],
    )


if __name__ == "__main__":
    main()
