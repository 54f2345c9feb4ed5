#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_client_secret
short_description: Deliver and reset the client secret of an OAuth application of Quay
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Returns or delivers the client secret of an OAuth application, and resets it when it is due. A program needs the
    client secret to exchange an authorization code for an access token (C(POST /oauth/access_token)).
  - B(The former client secret is invalid as soon as Quay has reset it.) There is no overlap. A program that has it from
    elsewhere than the stores of O(deliver), for example from its own configuration, can no longer exchange
    authorization codes until it gets the new one, and neither can a user who is signing in at that moment. The module
    warns of this when it resets a client secret, in check mode too, and its diff shows it.
  - Access tokens that the application has issued stay valid, with a client secret or without. To revoke them, see
    M(tokensmith.quay.quay_api_token).
  - Quay returns a client secret again at any time, so no store needs to hold it. Without O(token_path) or O(deliver),
    the module returns it, unless O(current_token) is the present one.
  - A new client secret is verified before it is stored, by the attempt to exchange an authorization code that does not
    exist. Quay then says whether it accepts the client secret, and issues nothing. If the server does not say, the
    answer of Quay to the reset counts.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
  - tokensmith.quay._token
  - tokensmith.quay._credentials.client_secret
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(rotate=always), every run resets the client secret.
options:
  organization:
    description:
      - Organization that owns the application.
      - Required with O(application). With O(client_id), it is optional and saves one request.
    type: str
  application:
    description:
      - Name of the application in O(organization). Specify either this option or O(client_id).
    type: str
  client_id:
    description:
      - Client ID of the application. Specify either this option or O(application).
    type: str
  max_age:
    description:
      - Reset the client secret when it has reached this age, for example V(180d).
      - The unit is V(s), V(m), V(h), V(d) or V(w). V(0d) is refused.
      - If not specified, the client secret is delivered and never reset because of its age.
      - Quay keeps no date for a client secret. The module takes it from the record of the store. Without one, it reads
        the usage logs of the organization. If they do not show it either, the age is unknown. The client secret then
        does not count as too old, and the module warns.
    type: str
  state:
    description:
      - V(present) ensures that the client secret is delivered, and reset when it is due.
      - V(absent) removes it from O(token_path) or the stores of O(deliver). It stays valid, because an application
        always has a client secret, and the module warns. M(tokensmith.quay.quay_application) deletes the application.
        A store with the client secret of another application is kept, with a warning.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_application
"""

EXAMPLES = r"""
- name: Keep the client secret of an application in a file, and reset it every 90 days
  tokensmith.quay.quay_client_secret:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    application: portal
    max_age: 90d
    deliver:
      - kind: file
        path: /etc/portal/quay.json
        format: json
  notify: Restart the portal

- name: Show what a reset would change and break
  tokensmith.quay.quay_client_secret:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    application: portal
    rotate: always
    token_path: /etc/portal/client-secret
  check_mode: true
  diff: true

- name: Read the present client secret
  tokensmith.quay.quay_client_secret:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    client_id: 6XWAWHKUVWXDPX3WSRJT
  register: portal
  no_log: true
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
    - The client secret, if it is new or if O(current_token) is not the present one. Null otherwise, in check mode, and
      with O(token_path) or O(deliver).
  returned: success, without O(credentials)
  type: str
  sample: null
username:
  description: Client ID of the application, which belongs to the client secret as a user name to a password.
  returned: success, without O(credentials)
  type: str
  sample: 6XWAWHKUVWXDPX3WSRJT
registry:
  description: Host name, and port if any, of the Quay server. It is taken from O(quay_host).
  returned: success, without O(credentials)
  type: str
  sample: quay.example.com
api_url:
  description: URL of the API. It does not accept a client secret.
  returned: success, without O(credentials)
  type: str
  sample: https://quay.example.com/api/v1
name:
  description: Name of the application.
  returned: success, without O(credentials)
  type: str
  sample: portal
uuid:
  description: Always null. A client secret has no UUID.
  returned: success, without O(credentials)
  type: str
  sample: null
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
created_at:
  description:
    - Time at which the client secret was issued (ISO 8601, UTC), if it was needed and could be determined. Otherwise
      null.
  returned: success, without O(credentials)
  type: str
  sample: "2026-01-31T12:00:00Z"
expires_at:
  description: Always null. A client secret does not expire.
  returned: success, without O(credentials)
  type: str
  sample: null
last_accessed:
  description: Always null. Quay does not record when a client secret is used.
  returned: success, without O(credentials)
  type: str
  sample: null
age_source:
  description:
    - Source of RV(created_at). V(mint) for a client secret that this run reset, V(record) for the record of the store,
      V(log) for the usage logs. Null if RV(created_at) is null.
  returned: success, without O(credentials)
  type: str
  sample: record
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the client secret, safe to log. Null in check mode for a client
      secret that would be reset, and with O(state=absent).
  returned: success, without O(credentials)
  type: str
  sample: 9f86d081884c
reason:
  description:
    - Why the client secret was reset or delivered. One of V(forced), V(too_old), V(undelivered), V(absent) or
      V(not_due).
    - V(absent) means that O(state=absent) removed something, or would remove it in check mode.
    - V(undelivered) means that a store did not hold the present client secret and received it.
  returned: success, without O(credentials)
  type: str
  sample: not_due
minted:
  description: Whether Quay reset the client secret, or would reset it in check mode.
  returned: success, without O(credentials)
  type: bool
  sample: false
window_seconds:
  description:
    - Number of seconds from just before the reset until the last delivery. Stores held an invalid client secret during
      this time. Null if nothing was reset, and in check mode.
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
  description: Always empty. The former client secret is invalid as soon as it is reset.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
deleted:
  description: Always empty. The former client secret is invalid as soon as it is reset.
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
  description: Always empty. The former client secret is invalid as soon as it is reset.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.client_secret import (
    CLIENT_SECRET_OPTIONS,
    ensure_client_secrets,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import HOLDER_CHOICES


def main() -> None:
    run_module(
        ensure_client_secrets,
        CLIENT_SECRET_OPTIONS,
        or_many=True,
        required_one_of=[("client_id", "application")],
        required_by={"application": ("organization",)},
        mutually_exclusive=[*HOLDER_CHOICES, ("client_id", "application")],
    )


if __name__ == "__main__":
    main()
