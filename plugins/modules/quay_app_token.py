#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_app_token
short_description: Create, rotate and revoke app tokens of a Quay user
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Ensures that a valid app token of the user of the login exists. Quay calls them app-specific tokens, and its web UI
    lists them under "Docker CLI and other Application Tokens". With the user name C($app), such a token is a password
    for the registry, for example for C(podman login), with all permissions of its user. It is no login for the API.
  - Quay finds an app token by its UUID only. The module finds it by O(title). The newest valid token with this title is
    the present one. Use a title for one credential only.
  - Quay returns an app token again at any time, so no store needs to hold it. Without O(token_path) or O(deliver), the
    module returns the token, unless O(current_token) is the present one.
  - A new token is verified at C(/v2/auth) before it is returned or stored. The token that it replaces stays valid until
    the new one is delivered. See O(revoke_superseded) and O(retire_after).
  - Nobody but its user can read or revoke an app token, not even a superuser. The login is therefore a password of that
    user, or an OAuth access token of that user with the scope C(user:admin).
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
  - tokensmith.quay._token
  - tokensmith.quay._credentials.app_token
  - tokensmith.quay._token.max_age
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(rotate=always), every run replaces the token.
options:
  title:
    description:
      - Title of the app token, with 255 characters at most. Quay allows several tokens with the same title, and never
        changes a title.
      - The newest valid token with this title is used, also if it was created in the web UI. RV(duplicates) lists
        the others, and the module warns of them. It revokes those that it replaced itself. See O(owns_title).
      - Required if O(credentials) is not specified.
    type: str
  renew_before:
    description:
      - Replace the token when its remaining lifetime is this duration or shorter, for example V(14d) or V(12h).
      - The unit is V(s), V(m), V(h), V(d) or V(w).
      - Only the server decides how long an app token is valid (C(APP_SPECIFIC_TOKEN_EXPIRATION)). If it sets no limit,
        app tokens do not expire, and this option has no effect. Use O(max_age) then.
      - Defaults to a third of the lifetime that the server sets, and to at most V(14d). A third is also used, with a
        warning, if the given duration is not shorter than that lifetime.
    type: str
  revoke_superseded:
    description:
      - Whether to revoke the replaced token, and those that it replaced before.
      - Defaults to V(true) with O(token_path), O(deliver) or O(retire_after), and to V(false) otherwise.
      - With V(false), RV(superseded) lists the tokens to revoke. Revoke them with O(state=absent) and O(uuid) after you
        have delivered the new token.
    type: bool
  retire_after:
    description:
      - How long the replaced token stays valid after the new one was issued, for example V(2d). Specify it if consumers
        do not read their secret often. The first run after this time revokes the token.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
      - If not specified or V(0), the replaced token is revoked as soon as the new one is delivered.
      - Needs O(token_path), O(deliver) or O(owns_title), which show a later run what was replaced.
      - Cannot be used with O(revoke_superseded=false).
    type: str
  owns_title:
    description:
      - Whether the title is used for this credential only.
      - V(true) treats all other tokens with this title as left behind by earlier runs. This includes tokens created in
        the web UI. They are revoked as replaced tokens are.
      - With V(false), only tokens are revoked that the record of a store names as replaced, or that a store held.
    type: bool
    default: false
  uuid:
    description:
      - UUID of the token to revoke with O(state=absent). It must have the title O(title).
    type: str
  state:
    description:
      - V(present) ensures that a valid token exists.
      - V(absent) revokes the token O(uuid). If O(uuid) is not specified, it revokes B(all) tokens with this title. The
        file O(token_path), or the credential in the stores of O(deliver), is removed. If a store holds another valid
        app token, nothing is revoked or removed, and the module fails.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_robot_token
  - module: tokensmith.quay.quay_token_info
"""

EXAMPLES = r"""
- name: Keep an app token in the auth file of Podman, and replace it every 90 days
  tokensmith.quay.quay_app_token:
    quay_host: https://quay.example.com
    quay_username: ci-bot
    quay_password: "{{ lookup('ansible.builtin.env', 'QUAY_PASSWORD') }}"
    title: build farm
    max_age: 90d
    retire_after: 1d
    deliver:
      - kind: container_auth
        path: /etc/containers/auth.json

- name: Read an app token, and create it if it does not exist
  tokensmith.quay.quay_app_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    title: laptop
  register: app
  no_log: true

- name: Keep two app tokens in files, with one login and one list of tokens
  tokensmith.quay.quay_app_token:
    quay_host: https://quay.example.com
    quay_username: ci-bot
    quay_password: "{{ lookup('ansible.builtin.env', 'QUAY_PASSWORD') }}"
    credentials:
      - title: build farm
        token_path: /etc/ci/quay-build
      - title: release
        max_age: 30d
        token_path: /etc/ci/quay-release

- name: Revoke all app tokens with a title
  tokensmith.quay.quay_app_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    title: laptop
    state: absent
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
    - The token, if it is new or if O(current_token) is not the present one. Null otherwise, in check mode, and with
      O(token_path) or O(deliver).
  returned: success, without O(credentials)
  type: str
  sample: null
username:
  description: User name to use together with the token at the registry.
  returned: success, without O(credentials)
  type: str
  sample: $app
registry:
  description: Host name, and port if any, for C(podman login). It is taken from O(quay_host).
  returned: success, without O(credentials)
  type: str
  sample: quay.example.com
api_url:
  description: URL of the API. It does not accept app tokens.
  returned: success, without O(credentials)
  type: str
  sample: https://quay.example.com/api/v1
name:
  description: Title of the token.
  returned: success, without O(credentials)
  type: str
  sample: laptop
uuid:
  description:
    - UUID by which Quay lists and revokes the token. Null if there is no valid token, and in check mode for a token
      that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: 5f0c1a52-5f3c-4f0d-8a56-0d6c5d1b2f11
created_at:
  description:
    - Time at which the token was created (ISO 8601, UTC). Null if there is no valid token, and in check mode for a
      token that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: "2026-01-31T12:00:00Z"
expires_at:
  description:
    - Time at which the token expires (ISO 8601, UTC). Null if the server sets no limit, if there is no valid token, and
      in check mode for a token that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: null
last_accessed:
  description:
    - Time at which the token was last used (ISO 8601, UTC). The verification of a new token counts as use.
  returned: success, without O(credentials)
  type: str
  sample: "2026-03-01T08:30:00Z"
age_source:
  description:
    - Source of RV(created_at). V(mint) for a token issued in this run, V(quay) for one that Quay lists. Null if there
      is none.
  returned: success, without O(credentials)
  type: str
  sample: quay
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the token, safe to log. Null if there is no valid token, in
      check mode for a token that would be issued, and if no store holds the token and it was not read.
  returned: success, without O(credentials)
  type: str
  sample: 9f86d081884c
reason:
  description:
    - Why a token was issued or delivered. One of V(missing), V(forced), V(expired), V(expiring), V(too_old),
      V(undelivered), V(absent) or V(not_due).
    - V(absent) means that O(state=absent) removed something, or would remove it in check mode.
    - V(undelivered) means that a store did not hold the present token and received it again.
  returned: success, without O(credentials)
  type: str
  sample: not_due
minted:
  description: Whether Quay issued a new token, or would issue one in check mode.
  returned: success, without O(credentials)
  type: bool
  sample: false
window_seconds:
  description:
    - Number of seconds from just before the new token was requested until its last delivery. The replaced token was
      valid during this time. Null if no token was issued, and in check mode.
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
  description: UUIDs of the tokens that were revoked, or would be revoked in check mode.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
deleted:
  description: Always empty. A token is revoked, see RV(retired).
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
  description: UUIDs of replaced tokens that are still valid.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
duplicates:
  description: UUIDs of other valid tokens with this title, which are kept. See O(owns_title).
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.app_token import (
    APP_TOKEN_OPTIONS,
    ensure_app_tokens,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import HOLDER_CHOICES


def main() -> None:
    run_module(
        ensure_app_tokens,
        APP_TOKEN_OPTIONS,
        or_many=True,
        mutually_exclusive=HOLDER_CHOICES,
    )


if __name__ == "__main__":
    main()
