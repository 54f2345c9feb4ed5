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
  - Keeps one OAuth access token of an application sound. It is there, accepted, has the wanted scopes and enough life
    left.
  - On Quay 3.18 and later the application-token endpoints are used, with a bearer token or a password. Tokens there
    have a name and a chosen lifetime.
  - On every older Quay the browser's own flow is used, which needs O(quay_username) and O(quay_password). Tokens
    there have no name and live ten years. Which way serves is learned from the server, not from its version.
  - Quay tells an OAuth token only once, so hand the present one in by O(current_token) or keep it at O(token_path).
    The module proves it at C(/v2/auth), where Quay also says which of the listed tokens it is, and leaves it alone
    while it is sound.
  - A new token is proved before it is returned or stored. The one it replaces is revoked only afterwards; see
    O(revoke_superseded).
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
  - tokensmith.quay._token
  - tokensmith.quay._token.expiry
  - tokensmith.quay._token.max_age
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(token_path) or O(current_token). Without them each run issues another token, because Quay does not tell
        one again.
      - Not with O(rotate=always), which replaces the token in each run.
      - With O(for_user), an assignment is repeated until the user has taken it, because Quay does not list
        assignments to whoever made them. Older Quay servers do not list taken ones either, so there it is repeated in
        each run.
options:
  organization:
    description:
      - Organization that owns the application. Together with O(client_id) it saves one request.
    type: str
  application:
    description:
      - Name of the application in O(organization). Naming it costs one request more than O(client_id) does.
    type: str
  client_id:
    description:
      - Client id of the application, instead of its name.
    type: str
  name:
    description:
      - Name of the token, by which a later run finds what an earlier one left behind. Tokens that share it with this
        one, of the same user and application, count as left behind, so give each credential a name of its own.
      - Left out, the token is called C(ansible), and nothing is found by that name. Older Quay servers keep no names
        at all.
    type: str
  scopes:
    description:
      - What the token may do. V(all) stands for every scope.
      - The login must hold each of these scopes itself.
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
    default: ["repo:read"]
  lifetime:
    description:
      - How long a new token lives, for example V(90d). Left out, it is Quay's ten years. Ignored by older Quay
        servers, where it is always ten years.
    type: str
  renew_before:
    default: 14d
  revoke_superseded:
    description:
      - Whether the replaced token, and tokens of the same name, user and application that earlier runs left behind,
        are revoked.
      - The default is V(true) with O(token_path), where the new token is delivered by then, and V(false) otherwise.
        RV(superseded) then lists what you should revoke, by O(state=absent) and O(uuid), once you have delivered the
        new one.
    type: bool
  retire_after:
    description:
      - How long the replaced token goes on living beside the new one, for example V(2d), so that consumers which read
        their secret seldom have time to change. The first run after that time revokes it.
      - Left out, or V(0), it is revoked as soon as the new one is delivered. Tokens that a run which was cut off left
        behind never wait.
      - Ignored with O(revoke_superseded=false). With O(current_token), giving it means that the module revokes.
    type: str
  owns_application:
    description:
      - Says that the application serves this credential alone. On older Quay servers, where tokens have no names, all
        other tokens of the signed-in user in that application then count as left behind, those made in the web pages
        included, and are revoked once the present one is delivered.
      - Without it, a token whose answer was lost on such a server is not touched, and the error says so. Ignored where
        tokens have names.
    type: bool
    default: false
  for_user:
    description:
      - Assign a token to this user instead. He takes it in Quay's web pages, or by the same task when
        O(quay_username) is that user; the token then acts on his behalf. Needs C(FEATURE_ASSIGN_OAUTH_TOKEN) and a
        password login.
    type: str
  uuid:
    description:
      - With O(state=absent), the token to revoke.
    type: str
  state:
    description:
      - V(present) keeps a sound token.
      - V(absent) revokes the token of O(uuid); without it, the held token and those named O(name). O(token_path) is
        removed.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_application
  - module: tokensmith.quay.quay_token_info
"""

EXAMPLES = r"""
- name: Keep a token in a file, renewed two weeks before it ends
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

- name: Judge a token out of a vault, and replace it only when it is due
  tokensmith.quay.quay_api_token:
    quay_host: https://quay.example.com
    quay_username: automation
    quay_password: "{{ lookup('ansible.builtin.env', 'QUAY_PASSWORD') }}"
    client_id: 6XWAWHKUVWXDPX3WSRJT
    scopes: all
    current_token: "{{ vaulted_quay_token }}"
  register: api
  no_log: true

- name: Revoke what was replaced, after the new token has been delivered
  tokensmith.quay.quay_api_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    client_id: 6XWAWHKUVWXDPX3WSRJT
    uuid: "{{ item }}"
    state: absent
  loop: "{{ api.superseded }}"

- name: Assign a token to a colleague
  tokensmith.quay.quay_api_token:
    quay_host: https://quay.example.com
    quay_username: automation
    quay_password: "{{ lookup('ansible.builtin.env', 'QUAY_PASSWORD') }}"
    client_id: 6XWAWHKUVWXDPX3WSRJT
    scopes: repo:read
    for_user: dwilde
"""

RETURN = r"""
token:
  description: The new token; null when none was issued, in check mode, and with O(token_path).
  returned: success
  type: str
  sample: null
username:
  description: What to type beside the token at the registry.
  returned: success
  type: str
  sample: $oauthtoken
registry:
  description: Host for C(podman login), taken from O(quay_host).
  returned: success
  type: str
  sample: quay.example.com
api_url:
  description: Address of the server's API, for which the token is a bearer token.
  returned: success
  type: str
  sample: https://quay.example.com/api/v1
name:
  description: Name of the token as the task gives it.
  returned: success
  type: str
  sample: nightly
uuid:
  description: By which Quay lists and revokes the token; null where none is held.
  returned: success
  type: str
  sample: 5f0c1a52-5f3c-4f0d-8a56-0d6c5d1b2f11
organization:
  description: Organization that owns the application.
  returned: success
  type: str
  sample: acme
client_id:
  description: Client id of the application.
  returned: success
  type: str
  sample: 6XWAWHKUVWXDPX3WSRJT
scopes:
  description: What the token may do.
  returned: success
  type: list
  elements: str
  sample: ["repo:read", "repo:write"]
created_at:
  description: When the token was made (ISO 8601, UTC); null where nobody knows, which only older Quay servers bring
    about.
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
expires_at:
  description: When the token ends (ISO 8601, UTC); null where nobody knows, which only older Quay servers bring
    about.
  returned: success
  type: str
  sample: "2026-05-01T12:00:00Z"
last_accessed:
  description: When the token was last used (ISO 8601, UTC), as Quay tells it. A proof counts as use.
  returned: success
  type: str
  sample: "2026-03-01T08:30:00Z"
age_source:
  description: Where the dates come from. V(mint) for a token made now, V(quay) for its list, V(record) for the file's
    record.
  returned: success
  type: str
  sample: quay
fingerprint:
  description: First 12 hexadecimal digits of the token's SHA-256, safe to log.
  returned: success
  type: str
  sample: 9f86d081884c
reason:
  description:
    - Why a token was issued. One of V(missing), V(forced), V(invalid), V(expired), V(scopes_changed), V(expiring),
      V(too_old) or V(not_due).
  returned: success
  type: str
  sample: not_due
minted:
  description: Whether Quay issued a new token (in check mode, whether it would).
  returned: success
  type: bool
  sample: false
window_seconds:
  description:
    - Seconds from the moment before the new token was asked for to its last delivery. The old one was alive all the
      time. Null where none was issued, and in check mode.
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
  description: Uuids of the tokens that were revoked (in check mode, that would be).
  returned: success
  type: list
  elements: str
  sample: []
superseded:
  description: Uuids of replaced tokens that are still alive.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.api_token import ensure_api_token
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.rotation import TOKEN_OPTIONS
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.oauth import ALL_SCOPES, SCOPES
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import HOLDER_CHOICES


def main() -> None:
    run_module(
        ensure_api_token,
        {
            **TOKEN_OPTIONS,
            "organization": {"type": "str"},
            "application": {"type": "str"},
            "client_id": {"type": "str"},
            "name": {"type": "str"},
            "scopes": {
                "type": "list",
                "elements": "str",
                "aliases": ["rights"],
                "choices": [*SCOPES, ALL_SCOPES],
                "default": ["repo:read"],
            },
            "lifetime": {"type": "str"},
            "max_age": {"type": "str"},
            "renew_before": {"type": "str", "default": "14d"},
            "revoke_superseded": {"type": "bool"},
            "retire_after": {"type": "str"},
            "owns_application": {"type": "bool", "default": False},
            "for_user": {"type": "str"},
            "uuid": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_one_of=[("client_id", "application")],
        required_by={"application": ("organization",)},
        mutually_exclusive=[*HOLDER_CHOICES, ("client_id", "application")],
    )


if __name__ == "__main__":
    main()
