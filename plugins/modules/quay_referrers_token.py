#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_referrers_token
short_description: Get a registry token for the OCI referrers API of Quay
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Exchanges a login for a registry token (a JWT of C(/v2/auth)) that is good for exactly the repositories and
    actions asked for, as the OCI referrers API and other registry calls want it.
  - Such a token lives one hour. It cannot be revoked and does not outlive the hour.
  - Quay answers a request without the right with a token that can do nothing; the module fails instead and names what
    is missing.
  - The login may be a user's, a robot's (O(quay_username=acme+ci)), an app token's (O(quay_username=$app)), or
    O(quay_token).
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
  - tokensmith.quay._token
  - tokensmith.quay._token.expiry
attributes:
  check_mode:
    support: full
    details:
      - Check mode asks Quay whether it would grant the pull. It never asks for push, which creates a repository that
        is missing.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - Nothing changes on the server, so the module reports a change only when it writes O(token_path).
options:
  repositories:
    description:
      - Repositories that the token shall be good for, each as V(organization/repository).
    type: list
    elements: str
    required: true
  actions:
    description:
      - What the token shall allow. V(pull) is enough to list referrers.
      - "B(V(push) creates a repository that does not exist), where the login may create one."
    type: list
    elements: str
    choices: [pull, push]
    default: [pull]
  renew_before:
    default: 5m
  state:
    description:
      - V(present) keeps a sound token.
      - V(absent) takes it out of O(token_path) or O(deliver). Quay cannot revoke it; it ends by itself within the hour.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_robot_token
"""

EXAMPLES = r"""
- name: Get a token to list the referrers of images in one repository
  tokensmith.quay.quay_referrers_token:
    quay_host: https://quay.example.com
    quay_username: acme+scanner
    quay_password: "{{ lookup('ansible.builtin.env', 'SCANNER_TOKEN') }}"
    repositories:
      - acme/app
  register: scanner
  no_log: true

- name: List the referrers of an image
  ansible.builtin.uri:
    url: "https://quay.example.com/v2/acme/app/referrers/{{ image_digest }}"
    headers:
      Authorization: "Bearer {{ scanner.token }}"
  no_log: true

- name: Keep such a token in a file, fresh for at least half an hour
  tokensmith.quay.quay_referrers_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    repositories:
      - acme/app
      - acme/base
    renew_before: 30m
    token_path: /run/scanner/registry-token
"""

RETURN = r"""
token:
  description: The registry token; null in check mode, with O(token_path), and when O(current_token) is still good.
  returned: success
  type: str
  sample: null
username:
  description: Always null, because a registry token goes into a bearer header with no name beside it.
  returned: success
  type: str
  sample: null
registry:
  description: Host of the registry, taken from O(quay_host).
  returned: success
  type: str
  sample: quay.example.com
api_url:
  description: Address of the server's API.
  returned: success
  type: str
  sample: https://quay.example.com/api/v1
name:
  description: The repositories, separated by blanks.
  returned: success
  type: str
  sample: acme/app
uuid:
  description: Always null, because registry tokens are not listed anywhere.
  returned: success
  type: str
  sample: null
access:
  description: What the token allows, as actions by repository.
  returned: success
  type: dict
  sample:
    acme/app: [pull]
created_at:
  description: When the token was issued (ISO 8601, UTC); null in check mode for one that would be issued.
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
expires_at:
  description: When the token ends (ISO 8601, UTC), one hour after its issue; null in check mode for one that would be
    issued.
  returned: success
  type: str
  sample: "2026-01-31T13:00:00Z"
last_accessed:
  description: Always null, because Quay does not record the use of registry tokens.
  returned: success
  type: str
  sample: null
age_source:
  description: V(mint) for a token issued now, V(quay) for the dates that Quay wrote into the held token.
  returned: success
  type: str
  sample: mint
fingerprint:
  description: First 12 hexadecimal digits of the token's SHA-256, safe to log.
  returned: success
  type: str
  sample: 9f86d081884c
reason:
  description:
    - Why a token was issued. One of V(missing), V(forced), V(invalid), V(expired), V(expiring), V(scopes_changed)
      (the held token allows less than is wanted) or V(not_due).
  returned: success
  type: str
  sample: missing
minted:
  description: Whether Quay issued a new token (in check mode, whether it would).
  returned: success
  type: bool
  sample: true
window_seconds:
  description:
    - Seconds from the moment before the new token was asked for to its last delivery. Null where none was issued, and
      in check mode.
  returned: success
  type: float
  sample: null
delivered:
  description: The stores of O(deliver), or O(token_path), that were written (in check mode, that would be).
  returned: success
  type: list
  elements: str
  sample: [/etc/containers/auth.json]
retired:
  description: Always empty, because nothing is left to revoke.
  returned: success
  type: list
  elements: str
  sample: []
superseded:
  description: Always empty, because registry tokens cannot be revoked.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.referrers_token import ensure_referrers_token
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.rotation import TOKEN_OPTIONS
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import HOLDER_CHOICES


def main() -> None:
    run_module(
        ensure_referrers_token,
        {
            **TOKEN_OPTIONS,
            "repositories": {"type": "list", "elements": "str", "required": True},
            "actions": {"type": "list", "elements": "str", "choices": ["pull", "push"], "default": ["pull"]},
            "renew_before": {"type": "str", "default": "5m"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        mutually_exclusive=HOLDER_CHOICES,
    )


if __name__ == "__main__":
    main()
