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
  - Exchanges a login for a registry token (a JWT from C(/v2/auth)). The token allows the specified actions on the
    specified repositories only. The OCI referrers API and other registry calls require such a token.
  - The token expires one hour after it was issued. It cannot be revoked.
  - "B(A token that was issued to a robot is worth all that the robot may do.) Quay accepts it as the robot's password
    for an hour, whatever it allows itself, and each login with it gives another token. This ends only when the robot is
    deleted. The module warns if the robot of the login has more rights than the token needs. Tokens of users are not
    affected."
  - If the login lacks a permission, Quay returns a token without this permission instead of an error. The module then
    fails and names the missing permissions.
  - The login can be a user, a robot (O(quay_username=acme+ci)), an app token (O(quay_username=$app)), or O(quay_token).
  - A container engine cannot use the token from its auth file. O(deliver) therefore supports stores with
    O(deliver[].kind=file) only.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
  - tokensmith.quay._token
  - tokensmith.quay._credentials.referrers_token
attributes:
  check_mode:
    support: full
    details:
      - In check mode, the module asks Quay whether it would grant the pull action. It never asks for the push action,
        because this would create a missing repository.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Nothing changes on the server, so the module reports a change only when it writes O(token_path) or a store of
        O(deliver).
      - With O(rotate=always), every run replaces the token.
options:
  repositories:
    description:
      - Repositories for which the token is valid, each specified as V(organization/repository).
      - Required if O(credentials) is not specified.
    type: list
    elements: str
  actions:
    description:
      - Actions that the token allows. V(pull) is sufficient to list referrers.
      - "B(V(push) creates a repository that does not exist), if the login may create it."
    type: list
    elements: str
    choices: [pull, push]
    default: [pull]
  renew_before:
    description:
      - Replace the token when its remaining lifetime is this duration or shorter, for example V(30m).
      - The unit is V(s), V(m), V(h), V(d) or V(w).
      - Defaults to V(5m). It must be shorter than V(1h), the lifetime of every registry token, because otherwise every
        run would issue a token.
    type: str
  state:
    description:
      - V(present) ensures that a valid token exists.
      - V(absent) removes the token from O(token_path) or from the stores of O(deliver). Quay cannot revoke the token.
        It expires within the hour. A store with anything else, such as a valid token without this access, is kept, with
        a warning.
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

- name: Get a token for each of two repositories, with one login
  tokensmith.quay.quay_referrers_token:
    quay_host: https://quay.example.com
    quay_username: automation
    quay_password: "{{ lookup('ansible.builtin.env', 'QUAY_PASSWORD') }}"
    credentials:
      - repositories:
          - acme/app
        token_path: /run/scanner/app-token
      - repositories:
          - acme/base
        token_path: /run/scanner/base-token

- name: List the referrers of an image
  ansible.builtin.uri:
    url: "https://quay.example.com/v2/acme/app/referrers/{{ image_digest }}"
    headers:
      Authorization: "Bearer {{ scanner.token }}"
  no_log: true

- name: Keep a token in a file that is valid for at least half an hour
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
results:
  description:
    - With O(credentials), the result for each entry, in their order. It has the return values of this module for one
      credential, and C(changed).
    - For an entry that failed, it has C(name), C(changed), C(failed), which is V(true), and C(msg). The task then fails
      after all others were done, and returns this list nevertheless.
  returned: with O(credentials), also if the task fails because of some of them
  type: list
  elements: dict
  sample: []
token:
  description:
    - The registry token. Null in check mode, with O(token_path) or O(deliver), and if O(current_token) is still valid.
  returned: success, without O(credentials)
  type: str
  sample: null
username:
  description: Always null, because a registry token is used as a bearer token without a user name.
  returned: success, without O(credentials)
  type: str
  sample: null
registry:
  description: Host name, and port if any, of the registry. It is taken from O(quay_host).
  returned: success, without O(credentials)
  type: str
  sample: quay.example.com
api_url:
  description: URL of the API of the server.
  returned: success, without O(credentials)
  type: str
  sample: https://quay.example.com/api/v1
name:
  description: Names of the repositories, separated by spaces.
  returned: success, without O(credentials)
  type: str
  sample: acme/app
uuid:
  description: Always null, because Quay does not list registry tokens.
  returned: success, without O(credentials)
  type: str
  sample: null
access:
  description: Actions that the token allows, by repository.
  returned: success, without O(credentials)
  type: dict
  sample:
    acme/app: [pull]
created_at:
  description:
    - Time at which the token was issued (ISO 8601, UTC). Null if no token is held, and in check mode for a token that
      would be issued.
  returned: success, without O(credentials)
  type: str
  sample: "2026-01-31T12:00:00Z"
expires_at:
  description:
    - Time at which the token expires (ISO 8601, UTC), one hour after it was issued. Null if no token is held, and in
      check mode for a token that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: "2026-01-31T13:00:00Z"
last_accessed:
  description: Always null, because Quay does not record the use of registry tokens.
  returned: success, without O(credentials)
  type: str
  sample: null
age_source:
  description:
    - Source of RV(created_at) and RV(expires_at). V(mint) for a token issued in this run, V(quay) for the dates that
      Quay wrote into the held token. Null if the dates are null.
  returned: success, without O(credentials)
  type: str
  sample: mint
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the token, safe to log. Null if no token is held, and in check
      mode for a token that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: 9f86d081884c
reason:
  description:
    - Why a token was issued or delivered. One of V(missing), V(forced), V(invalid), V(expired), V(expiring),
      V(scopes_changed), V(undelivered), V(absent) or V(not_due).
    - V(absent) means that O(state=absent) removed something, or would remove it in check mode.
    - V(scopes_changed) means that the held token allows less than requested. V(undelivered) means that a store did not
      hold the present token and received it again.
  returned: success, without O(credentials)
  type: str
  sample: missing
minted:
  description: Whether Quay issued a new token, or would issue one in check mode.
  returned: success, without O(credentials)
  type: bool
  sample: true
window_seconds:
  description:
    - Number of seconds from just before the new token was requested until its last delivery. Null if no token was
      issued, and in check mode.
  returned: success, without O(credentials)
  type: float
  sample: null
delivered:
  description:
    - Paths of the stores of O(deliver), or of O(token_path), that were written, or would be written in check mode.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: [/etc/containers/auth.json]
retired:
  description: Always empty, because registry tokens cannot be revoked.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
deleted:
  description: Always empty, because registry tokens cannot be deleted.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
removed:
  description:
    - With O(state=absent), the paths of the stores from which the credential was removed, or would be removed in check
      mode.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
superseded:
  description: Always empty, because registry tokens cannot be revoked.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.referrers_token import (
    REFERRERS_TOKEN_OPTIONS,
    ensure_referrers_tokens,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import HOLDER_CHOICES


def main() -> None:
    run_module(
        ensure_referrers_tokens,
        REFERRERS_TOKEN_OPTIONS,
        or_many=True,
        mutually_exclusive=HOLDER_CHOICES,
    )


if __name__ == "__main__":
    main()
