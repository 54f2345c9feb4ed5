#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_declaration_info
short_description: Validate declared credentials before anything is sent to Quay
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Validates the credentials that a play declares, as in the variable C(rotation_credentials) of the role
    P(tokensmith.quay.rotation#role). Each problem names the credential, its position and the option. All problems are
    reported at once.
  - Sends nothing to Quay and writes nothing. It never returns a secret.
  - Refuses unknown options, options without effect on a kind of credential, names that are declared twice, and stores
    that two credentials would write.
  - Optionally reports what earlier runs delivered to some directories, and no credential declares any more.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._attributes.info
  - tokensmith.quay._connection
options:
  credentials:
    description:
      - The declared credentials, as in the variable C(rotation_credentials) of the role
        P(tokensmith.quay.rotation#role). A text is read as JSON.
      - An empty value counts as not specified, in every option of a credential.
    type: raw
  force:
    description:
      - Names of declared credentials, as in the variable C(rotation_force) of the role. A text is split at commas and
        line breaks.
    type: raw
  compromised:
    description:
      - Names of declared credentials whose secret leaked, as in the variable C(rotation_compromised) of the role. A
        text is split at commas and line breaks.
    type: raw
  undeclared:
    description:
      - Absolute paths of directories or files on the target. The module looks there for credentials that earlier runs
        delivered. It does not look into subdirectories. A text is split at commas and line breaks.
    type: raw
  ephemeral:
    description:
      - Whether the files of the target are lost after the run, as in the container of an AWX job. If V(true), stores in
        files are refused.
    type: bool
    default: false
seealso:
  - module: tokensmith.quay.quay_token_info
"""

EXAMPLES = r"""
- name: Validate the declared credentials
  tokensmith.quay.quay_declaration_info:
    quay_host: https://quay.example.com
    credentials: "{{ rotation_credentials }}"

- name: Find out what earlier runs delivered and is no longer declared
  tokensmith.quay.quay_declaration_info:
    quay_host: https://quay.example.com
    credentials: "{{ rotation_credentials }}"
    undeclared:
      - /etc/containers
      - /etc/nightly
  register: declarations

- name: Show the files
  ansible.builtin.debug:
    msg: "{{ declarations.undeclared | map(attribute='path') }}"
"""

RETURN = r"""
credentials:
  description:
    - The declared credentials in the same order. Values are converted. Options that are empty are left out, and so is
      C(quay_password).
  returned: success
  type: list
  elements: dict
  sample:
    - name: acme+ci
      kind: robot
      max_age: 90d
      deliver:
        - kind: container_auth
          path: /etc/containers/auth.json
      position: 0
      identity: robot acme+ci of quay.example.com
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
  description:
    - What was delivered to the places in O(undeclared) and is declared by no credential in O(credentials). Empty
      without O(undeclared).
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Path of the file that was delivered to.
      returned: success
      type: str
    registry:
      description: Registry of the entry in an auth file. Null for other files.
      returned: success
      type: str
    name:
      description: Name of the credential. Null if the file does not contain it.
      returned: success
      type: str
    username:
      description: User name that was delivered together with the secret, for example V(acme+ci). Null if unknown.
      returned: success
      type: str
    fingerprint:
      description: First 12 hexadecimal digits of the SHA-256 hash of the secret, safe to log.
      returned: success
      type: str
    created_at:
      description: Time at which the secret was created (ISO 8601, UTC). Null if unknown.
      returned: success
      type: str
  sample:
    - path: /etc/nightly/quay.json
      registry: null
      name: nightly
      username: $oauthtoken
      fingerprint: 9f86d081884c
      created_at: "2026-01-31T12:00:00Z"
login_scopes:
  description:
    - Scopes that a token needs as the login of a rotation of O(credentials), without those that others include. A
      password needs none. To rotate a robot account whose secret leaked, a token needs C(org:admin), C(user:admin) and
      C(repo:admin).
  returned: success
  type: list
  elements: str
  sample: ["org:admin", "repo:admin", "user:admin"]
declared_by:
  description:
    - Inventory name of the host that declares the credentials. If a play runs this task once for several hosts, they
      all have the result of the same host.
  returned: in a play
  type: str
  sample: localhost
strategy:
  description: Strategy of the play.
  returned: in a play
  type: str
  sample: linear
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.declaration_info import get_declaration_info
from ansible_collections.tokensmith.quay.plugins.module_utils._module.local_runner import run_local_module


def main() -> None:
    run_local_module(
        get_declaration_info,
        {
            "credentials": {"type": "raw", "no_log": True},
            "force": {"type": "raw"},
            "compromised": {"type": "raw"},
            "undeclared": {"type": "raw"},
            "ephemeral": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
