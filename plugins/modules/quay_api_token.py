#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_api_token
short_description: Create, rotate and revoke OAuth access tokens of Quay
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Ensures that a valid OAuth access token of an application exists. A token is valid if Quay accepts it, if it has the
    requested scopes, and if it does not expire within O(renew_before).
  - On Quay 3.18 and later, the module uses the application-token endpoints, with a bearer token or a password. Tokens
    there have a name and a configurable lifetime.
  - On older versions, the module uses the authorization flow of the browser, which requires O(quay_username) and
    O(quay_password). Tokens there have no name and expire after ten years. The module detects which method the server
    supports. It does not rely on the version number.
  - Quay returns an OAuth token only once, when it is issued. Provide the present token with O(current_token), or keep
    it at O(token_path) or in the stores of O(deliver). The module checks it at C(/v2/auth), which also identifies it
    among the listed tokens, and keeps it while it is valid.
  - A new token is verified before it is returned or stored. The token that it replaces is revoked only after that. See
    O(revoke_superseded).
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
  - tokensmith.quay._token
  - tokensmith.quay._credentials.api_token
  - tokensmith.quay._token.max_age
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - The module is idempotent with O(token_path), O(deliver) or O(current_token). Without them, every run issues
        another token, because Quay does not return an existing one.
      - With O(rotate=always), every run replaces the token.
      - With O(for_user), the assignment is repeated until the user has accepted it, because Quay does not list
        assignments to the user who made them. Quay 3.17 and older do not list accepted assignments either, so every run
        repeats the assignment.
options:
  organization:
    description:
      - Organization that owns the application.
      - Required with O(application). With O(client_id), it is optional and saves one request.
    type: str
  application:
    description:
      - Name of the application in O(organization). Specify either this option or O(client_id).
      - Looking up the name costs one request more than O(client_id).
    type: str
  client_id:
    description:
      - Client ID of the application. Specify either this option or O(application).
    type: str
  name:
    description:
      - Name of the token. A later run uses it to find tokens that an earlier run left behind.
      - All other tokens with this name, of the same user and application, are treated as left behind. Use a different
        name for each credential.
      - If not specified, the token is named C(ansible), and no tokens are found by this name. Quay 3.17 and older do
        not store names.
    type: str
  scopes:
    description:
      - Scopes of the token. V(all) stands for every scope.
      - If not specified, a new token has V(repo:read), and a token that replaces another one has the scopes of that
        one. If Quay does not show them, because it does not accept the present token any more, the new one has
        V(repo:read), and the module warns. The scopes of a token that another user created are not taken over.
      - The login must have each of these scopes itself. Only C(repo:admin) includes C(repo:write), which includes
        C(repo:read); C(org:admin) includes no other scope. The module refuses what the token of the login lacks before
        it issues one, in check mode too, if it can read the scopes of that token. This is possible if the token belongs
        to the same application or has the scope C(user:admin).
    type: list
    elements: str
    aliases: [rights]
    choices:
      - org:admin
      - repo:admin
      - repo:create
      - repo:read
      - repo:write
      - super:user
      - user:admin
      - user:read
      - all
  lifetime:
    description:
      - Lifetime of a new token, for example V(90d). If not specified, the token expires after ten years, which is the
        maximum.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
      - Has no effect on Quay 3.17 and older, where tokens always expire after ten years. The module then warns. Use
        O(max_age) there.
      - Cannot be used with O(for_user), because such a token always expires after ten years.
    type: str
  renew_before:
    description:
      - Replace the token when its remaining lifetime is this duration or shorter, for example V(14d) or V(12h).
      - The unit is V(s), V(m), V(h), V(d) or V(w).
      - Defaults to a third of O(lifetime), and to at most V(14d). It must be shorter than O(lifetime). Otherwise every
        run would issue a token.
    type: str
  revoke_superseded:
    description:
      - Whether to revoke the replaced token, and tokens of the same name, user and application that earlier runs left
        behind.
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
      - Tokens that an interrupted run left behind are revoked without this delay.
      - Cannot be used with O(revoke_superseded=false). With O(current_token), specifying this option makes the module
        revoke the replaced token.
    type: str
  owns_application:
    description:
      - Whether the application is used for this credential only.
      - On Quay 3.17 and older, where tokens have no names, V(true) treats all other tokens of the signed-in user in
        this application as left behind. This includes tokens created in the web UI. They are revoked after the present
        token is delivered.
      - With V(false), a token that was issued but whose response was lost is not revoked on these servers. The error
        message reports it.
      - Ignored on servers where tokens have names.
    type: bool
    default: false
  for_user:
    description:
      - Assign a token to this user instead of issuing one. The user accepts it in the web UI of Quay, or runs the same
        task with O(quay_username) set to this user. The token then acts on behalf of that user.
      - Requires C(FEATURE_ASSIGN_OAUTH_TOKEN) in Quay, and a login with O(quay_username) and O(quay_password).
      - M(tokensmith.quay.quay_assigned_token) does not repeat an assignment that the usage logs show, and declines
        tokens, too.
    type: str
  uuid:
    description:
      - UUID of the token to revoke with O(state=absent).
    type: str
  state:
    description:
      - V(present) ensures that a valid token exists.
      - V(absent) revokes the token O(uuid). If O(uuid) is not specified, it revokes the held token and the tokens named
        O(name). The file O(token_path), or the credential in the stores of O(deliver), is removed.
      - V(absent) fails, and removes nothing, if a store holds a valid token of another application, or another valid
        token than O(uuid).
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_application
  - module: tokensmith.quay.quay_assigned_token
  - module: tokensmith.quay.quay_token_info
"""

EXAMPLES = r"""
- name: Keep a token in a file and renew it two weeks before it expires
  tokensmith.quay.quay_api_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    application: automation
    name: nightly
    scopes:
      - repo:read
      - repo:write
    lifetime: 90d
    renew_before: 14d
    token_path: /etc/ci/quay-api-token

- name: Check a token from a vault and replace it only when it is due
  tokensmith.quay.quay_api_token:
    quay_host: https://quay.example.com
    quay_username: automation
    quay_password: "{{ lookup('ansible.builtin.env', 'QUAY_PASSWORD') }}"
    client_id: 6XWAWHKUVWXDPX3WSRJT
    scopes: all
    current_token: "{{ vaulted_quay_token }}"
  register: api
  no_log: true

- name: Revoke the replaced tokens after the new token has been delivered
  tokensmith.quay.quay_api_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    client_id: 6XWAWHKUVWXDPX3WSRJT
    uuid: "{{ item }}"
    state: absent
  loop: "{{ api.superseded }}"

- name: Keep two tokens in files, with one login
  tokensmith.quay.quay_api_token:
    quay_host: https://quay.example.com
    quay_username: automation
    quay_password: "{{ lookup('ansible.builtin.env', 'QUAY_PASSWORD') }}"
    credentials:
      - client_id: 6XWAWHKUVWXDPX3WSRJT
        name: nightly
        scopes:
          - repo:read
        lifetime: 90d
        token_path: /etc/ci/quay-nightly-token
      - client_id: 6XWAWHKUVWXDPX3WSRJT
        name: release
        scopes:
          - repo:read
          - repo:write
        lifetime: 30d
        token_path: /etc/ci/quay-release-token

- name: Assign a token to another user
  tokensmith.quay.quay_api_token:
    quay_host: https://quay.example.com
    quay_username: automation
    quay_password: "{{ lookup('ansible.builtin.env', 'QUAY_PASSWORD') }}"
    client_id: 6XWAWHKUVWXDPX3WSRJT
    scopes: repo:read
    for_user: dwilde
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
    - The new token. Null if no token was issued, in check mode, and with O(token_path) or O(deliver).
  returned: success, without O(credentials)
  type: str
  sample: null
username:
  description: User name to use together with the token at the registry.
  returned: success, without O(credentials)
  type: str
  sample: $oauthtoken
registry:
  description: Host name, and port if any, for C(podman login). It is taken from O(quay_host).
  returned: success, without O(credentials)
  type: str
  sample: quay.example.com
api_url:
  description: URL of the API, which accepts the token as a bearer token.
  returned: success, without O(credentials)
  type: str
  sample: https://quay.example.com/api/v1
name:
  description: Name of the token, as specified in the task.
  returned: success, without O(credentials)
  type: str
  sample: nightly
uuid:
  description:
    - UUID by which Quay lists and revokes the token. Null if no valid token is held, and in check mode for a token that
      would be issued.
  returned: success, without O(credentials)
  type: str
  sample: 5f0c1a52-5f3c-4f0d-8a56-0d6c5d1b2f11
organization:
  description: Organization that owns the application.
  returned: success, without O(credentials)
  type: str
  sample: acme
client_id:
  description: Client ID of the application.
  returned: success, without O(credentials)
  type: str
  sample: 6XWAWHKUVWXDPX3WSRJT
scopes:
  description: Scopes of the token. Empty with O(state=absent).
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: ["repo:read", "repo:write"]
created_at:
  description:
    - Time at which the token was created (ISO 8601, UTC). Null if unknown (Quay 3.17 and older), if no token is held,
      and in check mode for a token that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: "2026-01-31T12:00:00Z"
expires_at:
  description:
    - Time at which the token expires (ISO 8601, UTC). Null if unknown (Quay 3.17 and older), if no token is held, and
      in check mode for a token that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: "2026-05-01T12:00:00Z"
last_accessed:
  description:
    - Time at which the token was last used (ISO 8601, UTC). A check by this module counts as use. Null if Quay does not
      report it. Quay 3.17 and older never report it.
  returned: success, without O(credentials)
  type: str
  sample: "2026-03-01T08:30:00Z"
age_source:
  description:
    - Source of RV(created_at) and RV(expires_at). V(mint) for a token issued in this run, V(quay) for the token list of
      Quay, V(record) for the record of the store. Null if the dates are unknown.
  returned: success, without O(credentials)
  type: str
  sample: quay
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the token, safe to log. Null if no valid token is held, and in
      check mode for a token that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: 9f86d081884c
reason:
  description:
    - Why a token was issued or delivered. One of V(missing), V(forced), V(invalid), V(expired), V(scopes_changed),
      V(expiring), V(too_old), V(undelivered), V(absent) or V(not_due).
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
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.api_token import (
    API_TOKEN_OPTIONS,
    ensure_api_tokens,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import HOLDER_CHOICES


def main() -> None:
    run_module(
        ensure_api_tokens,
        API_TOKEN_OPTIONS,
        or_many=True,
        required_one_of=[("client_id", "application")],
        required_by={"application": ("organization",)},
        mutually_exclusive=[*HOLDER_CHOICES, ("client_id", "application")],
    )


if __name__ == "__main__":
    main()
