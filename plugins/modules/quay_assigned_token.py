#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_assigned_token
short_description: Assign an OAuth access token of Quay to another user, accept or decline it
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - An administrator of an organization assigns a token of an application to another user with O(state=assigned). This
    issues no token. The user accepts it with O(state=accepted), which issues the token, or declines it with
    O(state=declined). The token acts on behalf of the user who accepted it, so the usage logs name that user.
  - A token authenticates its user and grants no permissions. The user must have the permissions in the organization
    that the calls need. The scopes only limit them.
  - Each assigned token can be accepted once. With O(token_path) or O(deliver), a token that is stored there and valid
    is kept, and no assigned token is used up.
  - An accepted token is verified before it is returned or stored. The user's token that it replaces is revoked only
    after that. See O(revoke_superseded). It always expires after ten years, and Quay returns it only once.
  - Quay issues a token with whatever scopes the user requests, whichever were assigned. The module requests those that
    were assigned, and fails if they differ from O(scopes).
  - Quay shows assigned tokens only to the user that they are assigned to, see
    M(tokensmith.quay.quay_assigned_token_info). The administrator cannot list or withdraw them. The user can decline
    them, and deleting the application removes them. An administrator revokes a token that was accepted with
    M(tokensmith.quay.quay_api_token), O(tokensmith.quay.quay_api_token#module:state=absent) and
    O(tokensmith.quay.quay_api_token#module:uuid), on Quay 3.18 and later.
  - Requires C(FEATURE_ASSIGN_OAUTH_TOKEN) in Quay.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
  - tokensmith.quay._token
  - tokensmith.quay._token.max_age
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(state=assigned), nothing is assigned while the user has a token with these scopes (on Quay 3.18 and
        later), or while the usage logs show that the login assigned one that was not accepted since. See
        O(pending_for).
      - With O(state=accepted), the module is idempotent with O(token_path), O(deliver) or O(current_token). Without
        them, every run accepts another token.
      - With O(rotate=always), every run assigns or accepts another token.
options:
  organization:
    description:
      - Organization that owns the application.
      - Required with O(application). With O(client_id), it is optional, and the module fails if the application belongs
        to another one.
    type: str
  application:
    description:
      - Name of the application in O(organization). Specify either this option or O(client_id).
      - Can be used with O(state=assigned) only, because Quay lets only administrators look it up.
    type: str
  client_id:
    description:
      - Client ID of the application.
      - Required with O(state=accepted) and O(state=absent), and with O(state=declined) unless O(uuid) is specified.
        M(tokensmith.quay.quay_assigned_token_info) returns it.
    type: str
  scopes:
    description:
      - Scopes of the token. V(all) stands for every scope. Required with O(state=assigned).
      - With O(state=accepted), the scopes that the assigned token must have. If not specified, a token with any scopes
        is accepted, and a valid token is kept whichever scopes it has.
      - With O(state=declined), only tokens with exactly these scopes are declined. If not specified, the scopes do not
        matter.
    type: list
    elements: str
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
  for_user:
    description:
      - User to whom the token is assigned. Required with O(state=assigned).
      - With another O(state), it is optional, and the module fails if the login is not that of this user.
    type: str
  uuid:
    description:
      - With O(state=accepted) and O(state=declined), UUID of the assignment, as
        M(tokensmith.quay.quay_assigned_token_info) returns it.
      - With O(state=absent), UUID of the token to revoke.
    type: str
  pending_for:
    description:
      - With O(state=assigned), how long a token that was assigned counts as pending if Quay does not show that it was
        accepted. During this time, it is not assigned again, and the module warns. V(0) assigns one in every run until
        it is accepted.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
      - The module takes the time from the usage logs of the organization, which show only that the login assigned a
        token of the application to the user. They show neither its scopes, nor whether it was declined. If you change
        O(scopes) meanwhile, use O(rotate=always) once.
      - Quay 3.17 and older do not list accepted tokens either, so a token is assigned once in this time.
      - If the usage logs cannot be searched, the token is assigned again, and the module warns.
    type: str
    default: 3w
  assignment_required:
    description:
      - With O(state=accepted), whether to fail if a token is due and none is assigned.
      - With V(false), the module warns instead and changes nothing. RV(due) is then V(true) and RV(assignment) is null.
    type: bool
    default: true
  renew_before:
    description:
      - Accept another token when the remaining lifetime is this duration or shorter, for example V(14d) or V(12h).
      - The unit is V(s), V(m), V(h), V(d) or V(w).
      - Defaults to V(14d).
    type: str
  revoke_superseded:
    description:
      - Whether to revoke the user's token that the accepted one replaces.
      - Defaults to V(true) with O(token_path), O(deliver) or O(retire_after), and to V(false) otherwise.
      - The token of another user, or of another application, is never revoked. The module warns that it is still valid.
    type: bool
  retire_after:
    description:
      - How long the replaced token stays valid after the new one was issued, for example V(2d). Specify it if consumers
        do not read their secret often. The first run after this time revokes the token.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
      - If not specified or V(0), the replaced token is revoked as soon as the new one is delivered.
      - Cannot be used with O(revoke_superseded=false).
    type: str
  state:
    description:
      - V(assigned) assigns a token to O(for_user). Requires O(quay_username) and O(quay_password) of an administrator
        of the organization, that is a member of a team with the role admin. A superuser is not enough.
      - V(accepted) ensures that the user of the login has a valid token, and accepts an assigned one if it is due.
        Requires O(quay_username) and O(quay_password).
      - V(declined) declines all assigned tokens that the options select. With O(quay_token), the token needs the scope
        C(user:admin).
      - V(absent) revokes the token O(uuid) of the user, or the one that is held. The file O(token_path), or the
        credential in the stores of O(deliver), is removed. With O(quay_token), the token needs the scope C(user:admin).
      - V(absent) fails, and removes nothing, if a store holds a valid token of another user or application, or another
        valid token than O(uuid).
    type: str
    choices: [assigned, accepted, declined, absent]
    required: true
seealso:
  - module: tokensmith.quay.quay_assigned_token_info
  - module: tokensmith.quay.quay_api_token
  - module: tokensmith.quay.quay_log_info
"""

EXAMPLES = r"""
- name: Assign a token to another user
  tokensmith.quay.quay_assigned_token:
    quay_host: https://quay.example.com
    quay_username: admin
    quay_password: "{{ lookup('ansible.builtin.env', 'QUAY_PASSWORD') }}"
    organization: acme
    application: automation
    scopes: [repo:read]
    for_user: dwilde
    state: assigned

- name: Accept the token as that user and keep it in a file
  tokensmith.quay.quay_assigned_token:
    quay_host: https://quay.example.com
    quay_username: dwilde
    quay_password: "{{ lookup('ansible.builtin.env', 'DWILDE_PASSWORD') }}"
    client_id: 6XWAWHKUVWXDPX3WSRJT
    scopes: [repo:read]
    token_path: /etc/ci/quay-api-token
    state: accepted

- name: Report whether the user needs another token
  tokensmith.quay.quay_assigned_token:
    quay_host: https://quay.example.com
    quay_username: dwilde
    quay_password: "{{ lookup('ansible.builtin.env', 'DWILDE_PASSWORD') }}"
    client_id: 6XWAWHKUVWXDPX3WSRJT
    max_age: 90d
    token_path: /etc/ci/quay-api-token
    assignment_required: false
    state: accepted
  check_mode: true
  register: needed

- name: Decline what is assigned for an application
  tokensmith.quay.quay_assigned_token:
    quay_host: https://quay.example.com
    quay_username: dwilde
    quay_password: "{{ lookup('ansible.builtin.env', 'DWILDE_PASSWORD') }}"
    client_id: 6XWAWHKUVWXDPX3WSRJT
    state: declined

- name: Revoke the token and remove the file
  tokensmith.quay.quay_assigned_token:
    quay_host: https://quay.example.com
    quay_username: dwilde
    quay_password: "{{ lookup('ansible.builtin.env', 'DWILDE_PASSWORD') }}"
    client_id: 6XWAWHKUVWXDPX3WSRJT
    token_path: /etc/ci/quay-api-token
    state: absent
"""

RETURN = r"""
token:
  description:
    - The accepted token. Null if none was accepted, in check mode, and with O(token_path) or O(deliver).
  returned: success
  type: str
  sample: null
username:
  description: User name to use together with the token at the registry.
  returned: success
  type: str
  sample: $oauthtoken
registry:
  description: Host name, and port if any, for C(podman login). It is taken from O(quay_host).
  returned: success
  type: str
  sample: quay.example.com
api_url:
  description: URL of the API, which accepts the token as a bearer token.
  returned: success
  type: str
  sample: https://quay.example.com/api/v1
name:
  description: Name of the application, because an assigned token has no name.
  returned: success
  type: str
  sample: automation
uuid:
  description:
    - UUID by which Quay lists and revokes the token. Null if no valid token is held, and in check mode for a token that
      would be accepted.
    - With O(state=assigned), the UUID of the user's token with these scopes, on Quay 3.18 and later.
  returned: success
  type: str
  sample: 5f0c1a52-5f3c-4f0d-8a56-0d6c5d1b2f11
organization:
  description: Organization that owns the application. Null with O(state=declined) if O(uuid) does not exist.
  returned: success
  type: str
  sample: acme
client_id:
  description: Client ID of the application. Null with O(state=declined) if O(uuid) does not exist.
  returned: success
  type: str
  sample: 6XWAWHKUVWXDPX3WSRJT
scopes:
  description: Scopes of the token. Empty with O(state=absent), and if there is none.
  returned: success
  type: list
  elements: str
  sample: ["repo:read"]
due:
  description:
    - With O(state=accepted), whether a token was accepted, would be accepted in check mode, or could not be accepted
      because none is assigned. V(false) for any other O(state).
  returned: success
  type: bool
  sample: false
assignment:
  description:
    - UUID of the assignment that was accepted, or would be accepted in check mode. Null if none was accepted.
  returned: success
  type: str
  sample: null
assigned_at:
  description:
    - With O(state=assigned), time at which the login assigned the token that counts as pending (ISO 8601, UTC). Null if
      none does, or if one was assigned in this run.
  returned: success
  type: str
  sample: null
declined:
  description: UUIDs of the assignments that were declined, or would be declined in check mode.
  returned: success
  type: list
  elements: str
  sample: []
created_at:
  description:
    - Time at which the token was created (ISO 8601, UTC), from the record of the store. Null if unknown, if no token is
      held, and in check mode for a token that would be accepted.
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
expires_at:
  description:
    - Time at which the token expires (ISO 8601, UTC), from the record of the store. Null if unknown, if no token is
      held, and in check mode for a token that would be accepted.
  returned: success
  type: str
  sample: "2036-01-31T00:00:00Z"
last_accessed:
  description:
    - Time at which the token was last used (ISO 8601, UTC). Quay reports it only with O(state=assigned), on Quay 3.18
      and later. Null otherwise.
  returned: success
  type: str
  sample: null
age_source:
  description:
    - Source of RV(created_at) and RV(expires_at). V(mint) for a token accepted in this run, V(quay) for the token list
      of Quay, V(record) for the record of the store. Null if the dates are unknown.
  returned: success
  type: str
  sample: record
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the token, safe to log. Null if no valid token is held, and in
      check mode for a token that would be accepted.
  returned: success
  type: str
  sample: 9f86d081884c
reason:
  description:
    - Why a token was assigned, accepted or delivered. One of V(missing), V(forced), V(invalid), V(expired),
      V(scopes_changed), V(expiring), V(too_old), V(undelivered), V(absent) or V(not_due).
    - V(absent) means that O(state=absent) or O(state=declined) removed something, or would remove it in check mode.
    - V(undelivered) means that a store did not hold the present token and received it again.
  returned: success
  type: str
  sample: not_due
minted:
  description: Whether Quay issued a token, or would issue one in check mode. Assigning issues none.
  returned: success
  type: bool
  sample: false
window_seconds:
  description:
    - Number of seconds from just before the token was requested until its last delivery. The replaced token was valid
      during this time. Null if no token was issued, and in check mode.
  returned: success
  type: float
  sample: null
delivered:
  description:
    - Paths of the stores of O(deliver), or of O(token_path), that were written, or would be written in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/containers/auth.json]
retired:
  description: UUIDs of the tokens that were revoked, or would be revoked in check mode.
  returned: success
  type: list
  elements: str
  sample: []
deleted:
  description: Always empty. A token is revoked, see RV(retired).
  returned: success
  type: list
  elements: str
  sample: []
removed:
  description:
    - With O(state=absent), the paths of the stores from which the credential was removed, or would be removed in check
      mode.
  returned: success
  type: list
  elements: str
  sample: []
superseded:
  description: UUIDs of replaced tokens of the user that are still valid.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.assigned_token import (
    ASSIGNED_TOKEN_OPTIONS,
    ensure_assigned_token,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import HOLDER_CHOICES


def main() -> None:
    run_module(
        ensure_assigned_token,
        ASSIGNED_TOKEN_OPTIONS,
        required_by={"application": ("organization",)},
        mutually_exclusive=[*HOLDER_CHOICES, ("client_id", "application")],
    )


if __name__ == "__main__":
    main()
