#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_token_info
short_description: Report which Quay credentials exist, how old they are and which are due
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Reports for each credential what exists, its age, expiry, last use and scopes, and whether it is due and why. It
    uses the same rules as the token modules. It never returns a secret.
  - The module sends as few requests as possible. It reads one robot list for all robots of a namespace, one token list
    for all tokens of an application, and one for all app tokens of the user. It reads the usage logs only if an age
    limit requires it, and only once for all robots of a namespace.
  - Without O(credentials), the module lists the credentials of an organization (O(organization)) or of the signed-in
    user.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._attributes.info
  - tokensmith.quay._connection
  - tokensmith.quay._stores.declared
options:
  force:
    description:
      - Names of entries in O(credentials) that are due in this run, regardless of their policy. For these entries,
        O(credentials[].retire_after) is treated as V(0).
    type: list
    elements: str
    default: []
  organization:
    description:
      - List the robots and application tokens of this organization. Mutually exclusive with O(credentials).
    type: str
  kinds:
    description:
      - Kinds of credentials to list without O(credentials). Omitting a kind saves its requests. App tokens belong to a
        user, so V(app) has no effect with O(organization).
    type: list
    elements: str
    choices: [api, app, robot]
    default: [api, app, robot]
  max_age:
    description:
      - Maximum age of a credential without O(credentials), for example V(90d). A credential that has reached this age
        is due.
      - The unit is V(s), V(m), V(h), V(d) or V(w). V(0d) is refused.
    type: str
  renew_before:
    description:
      - Minimum remaining lifetime of a credential without O(credentials), for example V(14d). A credential is due when
        its remaining lifetime is this duration or shorter.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
    type: str
seealso:
  - module: tokensmith.quay.quay_store_info
"""

EXAMPLES = r"""
- name: Find robot tokens of an organization that are older than 90 days
  tokensmith.quay.quay_token_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    kinds: [robot]
    max_age: 90d
  register: robots

- name: Show the tokens that are due
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.message }}"
  loop: "{{ robots.credentials | selectattr('due') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Check declared credentials against their policies
  tokensmith.quay.quay_token_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    credentials:
      - name: acme+ci
        kind: robot
        max_age: 90d
      - name: nightly
        kind: api
        organization: acme
        application: automation
        scopes: ["repo:read"]
        renew_before: 14d
        held:
          - token: "{{ lookup('ansible.builtin.env', 'NIGHTLY_TOKEN') }}"
"""

RETURN = r"""
credentials:
  description: Status of each credential. If O(credentials) is specified, the list has the same order.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the credential. Empty for an OAuth token that was created without a name.
      returned: success
      type: str
    kind:
      description: V(api), V(app), V(client_secret), V(robot), V(robot_lease), V(referrers) or V(federated).
      returned: success
      type: str
    exists:
      description: Whether Quay has a robot of that name or an app token with that title, or a store holds a token.
      returned: success
      type: bool
    due:
      description:
        - Whether the credential is due to be replaced or delivered again. True if RV(credentials[].reason) is any value
          except V(not_due) and V(absent). False if RV(credentials[].error) is set.
      returned: success
      type: bool
    reason:
      description:
        - Why the credential is due. One of V(missing), V(invalid), V(expired), V(forced), V(scopes_changed),
          V(expiring), V(too_old), V(undelivered), V(absent) or V(not_due). Null if RV(credentials[].error) is set.
        - V(absent) means that O(credentials[].state=absent) and that there is something to remove.
      returned: success
      type: str
    message:
      description:
        - Human-readable explanation of RV(credentials[].reason) and RV(credentials[].action). The same as
          RV(credentials[].error) if that is set.
      returned: success
      type: str
    action:
      description:
        - What a rotation would do. V(mint) issues a new secret. V(deliver) delivers the present secret again. V(retire)
          revokes secrets that earlier runs left behind. V(remove) removes a credential with
          O(credentials[].state=absent). V(nothing) does nothing.
      returned: success
      type: str
    holds:
      description:
        - State of each store in O(credentials[].deliver) and O(credentials[].held), in this order.
        - V(current) means that the store holds the present secret, V(other) that it holds another secret or something
          else than a credential, and V(absent) that it holds none. A V(hashi_vault) store is also V(other) if the user
          name or the registry is not that of the secret.
        - V(wrong_permissions) means that the store holds the present secret, but the owner, group or permissions of the
          file differ from the requested ones. Of a Secret, it means that labels, annotations or other keys differ, or
          that not all of its namespaces hold the present secret.
        - V(unrecorded) means that the store holds the present secret of paired robots, but the record next to it is
          missing.
        - V(unknown) means that the credential could not be checked. See RV(credentials[].error).
      returned: success
      type: list
      elements: str
    error:
      description: Why the credential could not be checked. Null if there was no error.
      returned: success
      type: str
    is_login:
      description:
        - Whether a store holds the token with which this task signs in. Renew this credential last, because its
          predecessor may be revoked.
      returned: success
      type: bool
    username:
      description:
        - User name to use together with the secret, or the client ID of a V(client_secret). Null for a V(referrers)
          token. Empty if RV(credentials[].error) is set.
      returned: success
      type: str
    uuid:
      description:
        - UUID by which Quay lists and revokes an OAuth token or an app token. Null for other kinds, and if no valid
          token is held.
      returned: success
      type: str
    created_at:
      description:
        - Time at which the secret was created (ISO 8601, UTC), if it was needed and could be determined. Otherwise
          null.
      returned: success
      type: str
    expires_at:
      description:
        - Time at which the secret expires (ISO 8601, UTC). Null if unknown, and for robot tokens and client secrets,
          which do not expire.
      returned: success
      type: str
    last_accessed:
      description: Time at which the secret was last used (ISO 8601, UTC). Null if Quay does not report it.
      returned: success
      type: str
    age_source:
      description:
        - Source of RV(credentials[].created_at). V(record) for the record of the store, V(quay) for Quay, V(log) for
          the usage logs, V(creation) for the creation date of the robot. Null if RV(credentials[].created_at) was not
          determined.
      returned: success
      type: str
    fingerprint:
      description:
        - First 12 hexadecimal digits of the SHA-256 hash of the secret, safe to log. Null if the secret is not known.
      returned: success
      type: str
    superseded:
      description:
        - UUIDs of replaced tokens that are still valid. For paired robots, the former secrets that are still valid,
          each as the name of a robot and a fingerprint.
      returned: success
      type: list
      elements: str
    description:
      description: Description of the robot.
      returned: for robots
      type: str
    organization:
      description: Organization that owns the application.
      returned: for API tokens and client secrets
      type: str
    client_id:
      description:
        - Client ID of the application. Null in the list of the signed-in user's own tokens, where Quay does not return
          it.
      returned: for API tokens and client secrets
      type: str
    scopes:
      description: Scopes of the token.
      returned: for API tokens
      type: list
      elements: str
    duplicates:
      description: UUIDs of other valid tokens with the same title, which a rotation keeps.
      returned: for app tokens
      type: list
      elements: str
    owner:
      description: Who the lease is for. Empty if this was not asked, because Quay does not list it.
      returned: for leases of robots
      type: str
    access:
      description: Actions that the token allows, by repository.
      returned: for referrers tokens
      type: dict
  sample:
    - name: acme+ci
      kind: robot
      exists: true
      due: true
      reason: too_old
      message: age 93 days, limit 90 days
      action: mint
      holds: [current]
      error: null
      is_login: false
      username: acme+ci
      uuid: null
      created_at: "2026-01-31T12:00:00Z"
      expires_at: null
      last_accessed: "2026-05-04T08:30:00Z"
      age_source: log
      fingerprint: 9f86d081884c
      superseded: []
      description: Pulls for the build farm
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.token_info import (
    TOKEN_INFO_OPTIONS,
    get_token_info,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module


def main() -> None:
    run_module(get_token_info, TOKEN_INFO_OPTIONS, mutually_exclusive=[("credentials", "organization")])


if __name__ == "__main__":
    main()
