#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_token_info
short_description: See which Quay credentials exist, how old they are, and which are due
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Tells for each credential what exists, its age, expiry, last use and scopes, and whether it is due and why, judged
    by the same rules as the token modules. It never returns a secret.
  - Asks Quay as little as its lists and logs allow. One robot list serves all robots of a namespace, one token list
    all tokens of an application. The usage logs are read only where an age limit makes it necessary, once for all
    robots of a namespace.
  - Without O(credentials) it lists what an organization (O(organization)) or the signed-in user has.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._attributes.info
  - tokensmith.quay._connection
options:
  credentials:
    description:
      - The credentials to judge, each with its policy. The answer keeps their order.
      - What is wrong with one of them is told in RV(credentials[].error) and does not hide the others.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name as the module of its kind takes it, for example V(acme+ci) for a robot.
        type: str
        required: true
      kind:
        description:
          - What kind of credential it is.
        type: str
        choices: [api, robot, referrers]
        required: true
      organization:
        description:
          - Organization that owns the application of an V(api) token.
        type: str
      application:
        description:
          - Name of the application of an V(api) token.
        type: str
      client_id:
        description:
          - Client id of the application of an V(api) token, instead of its name.
        type: str
      scopes:
        description:
          - What an V(api) token shall be able to do.
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
        default: ["repo:read"]
      lifetime:
        description:
          - How long a new V(api) token would live.
        type: str
      repositories:
        description:
          - Repositories of a V(referrers) token.
        type: list
        elements: str
        default: []
      actions:
        description:
          - What a V(referrers) token shall allow.
        type: list
        elements: str
        choices: [pull, push]
        default: [pull]
      max_age:
        description:
          - The credential is due when it is older than this, for example V(90d).
        type: str
      renew_before:
        description:
          - The credential is due when less than this is left of its life, for example V(14d).
          - Left out, it is V(14d) for an V(api) token and V(5m) for a V(referrers) token.
        type: str
      rotate:
        description:
          - V(always) makes it due in any case, V(never) only when it is missing.
        type: str
        choices: [when_due, always, never]
        default: when_due
      retire_after:
        description:
          - How long what an V(api) token replaced goes on living, or the former secret of paired robots. Once that is
            over, RV(credentials[].action) is V(retire).
        type: str
      strategy:
        description:
          - How a V(robot) credential is rotated, as M(tokensmith.quay.quay_robot_token) has it.
        type: str
        choices: [in_place, paired]
        default: in_place
      pair:
        description:
          - The two robots of V(paired). Left out, they are called like the credential, with C(_a) and C(_b) appended.
        type: list
        elements: str
      owns_application:
        description:
          - Whether the application serves this V(api) token alone, as M(tokensmith.quay.quay_api_token) has it.
        type: bool
        default: false
      state:
        description:
          - V(absent) asks whether there is anything to take away; RV(credentials[].action) is then V(remove).
        type: str
        choices: [present, absent]
        default: present
      deliver:
        description:
          - The stores on the target that shall hold it, as M(tokensmith.quay.quay_store_info) takes them. The module
            reads them itself, so no secret travels.
        type: list
        elements: dict
        default: []
        suboptions:
          kind:
            description:
              - V(file) is what M(tokensmith.quay.quay_token_file) writes, V(container_auth) what
                M(tokensmith.quay.quay_container_auth) writes.
            type: str
            choices: [file, container_auth]
            required: true
          path:
            description:
              - Absolute path of the file on the target.
            type: path
            required: true
          format:
            description:
              - How a V(file) is written.
            type: str
            choices: [token, json, yaml, env]
            default: token
          prefix:
            description:
              - What the variables of V(env) begin with.
            type: str
            default: QUAY_
          owner:
            description:
              - Accepted as M(tokensmith.quay.quay_token_file) takes it, and not looked at.
            type: str
          group:
            description:
              - Accepted as M(tokensmith.quay.quay_token_file) takes it, and not looked at.
            type: str
          mode:
            description:
              - Accepted as M(tokensmith.quay.quay_token_file) takes it, and not looked at.
            type: str
            default: "0600"
          registry:
            description:
              - The entry of a V(container_auth) file. Defaults to the host of O(quay_host).
            type: str
      held:
        description:
          - What other stores hold, which the module cannot read itself, one entry per store.
        type: list
        elements: dict
        default: []
        suboptions:
          token:
            description:
              - The secret that the store holds.
            type: str
          created_at:
            description:
              - When it was made, as written down at its delivery.
            type: str
          expires_at:
            description:
              - When it ends, as written down at its delivery.
            type: str
          uuid:
            description:
              - Its uuid in Quay, as written down at its delivery.
            type: str
  force:
    description:
      - Names out of O(credentials) that are due now, whatever their policy says.
    type: list
    elements: str
    default: []
  organization:
    description:
      - Instead of O(credentials), list the robots and application tokens of this organization.
    type: str
  kinds:
    description:
      - Without O(credentials), which kinds to list. Leaving one out spares its requests.
    type: list
    elements: str
    choices: [api, robot]
    default: [api, robot]
  max_age:
    description:
      - Without O(credentials), the age from which a credential counts as due, for example V(90d).
    type: str
  renew_before:
    description:
      - Without O(credentials), the rest of life below which a credential counts as due, for example V(14d).
    type: str
seealso:
  - module: tokensmith.quay.quay_store_info
"""

EXAMPLES = r"""
- name: Which robot tokens of the organization are older than 90 days?
  tokensmith.quay.quay_token_info:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    organization: acme
    kinds: [robot]
    max_age: 90d
  register: robots

- name: Show them
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.why }}"
  loop: "{{ robots.credentials | selectattr('due') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Judge declared credentials by their policies
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
  description: What was found, in the order of O(credentials) where that is given.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the credential; empty for an OAuth token that was made without one.
      returned: success
      type: str
    kind:
      description: V(api), V(robot) or V(referrers).
      returned: success
      type: str
    exists:
      description: Whether Quay has a robot of that name, or a store holds a token.
      returned: success
      type: bool
    due:
      description: Whether it must be replaced or delivered again.
      returned: success
      type: bool
    reason:
      description:
        - Why it is due. One of V(missing), V(invalid), V(expired), V(forced), V(scopes_changed), V(expiring),
          V(too_old), V(undelivered) or V(not_due); null where RV(credentials[].error) is set.
      returned: success
      type: str
    why:
      description: The same for a person.
      returned: success
      type: str
    action:
      description:
        - What a rotation would do. V(mint) a new secret, V(deliver) the present one, V(retire) what earlier runs left
          behind, V(remove) what shall be absent, or V(nothing).
      returned: success
      type: str
    holds:
      description:
        - For each entry of O(credentials[].deliver) and O(credentials[].held), whether it holds the present secret.
          V(current), V(other), V(absent), V(unguarded) (the present secret, but the file's owner or permissions are
          not the wanted ones), V(unrecorded) (the present secret of paired robots, but the record beside it is lost)
          or V(unknown).
      returned: success
      type: list
      elements: str
    error:
      description: Why this credential could not be looked at; null where it could.
      returned: success
      type: str
    username:
      description: What to type beside the secret.
      returned: success
      type: str
    uuid:
      description: By which Quay lists and revokes an OAuth token.
      returned: success
      type: str
    created_at:
      description: When the secret was made (ISO 8601, UTC), as far as it had to be known and somebody knows.
      returned: success
      type: str
    expires_at:
      description: When the secret ends (ISO 8601, UTC).
      returned: success
      type: str
    last_accessed:
      description: When it was last used (ISO 8601, UTC), as Quay tells it.
      returned: success
      type: str
    age_source:
      description: Where RV(credentials[].created_at) comes from. One of V(record), V(quay), V(log) or V(creation).
      returned: success
      type: str
    fingerprint:
      description: First 12 hexadecimal digits of the secret's SHA-256, safe to log.
      returned: success
      type: str
    superseded:
      description: Uuids of replaced tokens that are still alive.
      returned: success
      type: list
      elements: str
    description:
      description: What a robot is for.
      returned: for robots
      type: str
    organization:
      description: Organization that owns the application.
      returned: for API tokens
      type: str
    client_id:
      description: Client id of the application; null for the signed-in user's own list, where Quay does not tell it.
      returned: for API tokens
      type: str
    scopes:
      description: What the token may do.
      returned: for API tokens
      type: list
      elements: str
    access:
      description: What the token allows, as actions by repository.
      returned: for referrers tokens
      type: dict
  sample:
    - name: acme+ci
      kind: robot
      exists: true
      due: true
      reason: too_old
      why: 93d 4h old, limit 90d (log)
      action: mint
      holds: [current]
      error: null
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

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.token_info import get_token_info
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.oauth import ALL_SCOPES, SCOPES
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import STORE_OPTIONS

HELD = {
    "token": {"type": "str", "no_log": True},
    "created_at": {"type": "str"},
    "expires_at": {"type": "str"},
    "uuid": {"type": "str"},
}

CREDENTIAL = {
    "name": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": ["api", "robot", "referrers"], "required": True},
    "organization": {"type": "str"},
    "application": {"type": "str"},
    "client_id": {"type": "str"},
    "scopes": {"type": "list", "elements": "str", "choices": [*SCOPES, ALL_SCOPES], "default": ["repo:read"]},
    "lifetime": {"type": "str"},
    "repositories": {"type": "list", "elements": "str", "default": []},
    "actions": {"type": "list", "elements": "str", "choices": ["pull", "push"], "default": ["pull"]},
    "max_age": {"type": "str"},
    "renew_before": {"type": "str"},
    "rotate": {"type": "str", "choices": ["when_due", "always", "never"], "default": "when_due"},
    "retire_after": {"type": "str"},
    "owns_application": {"type": "bool", "default": False},
    "strategy": {"type": "str", "choices": ["in_place", "paired"], "default": "in_place"},
    "pair": {"type": "list", "elements": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "deliver": {"type": "list", "elements": "dict", "default": [], "options": STORE_OPTIONS},
    "held": {"type": "list", "elements": "dict", "default": [], "options": HELD},
}


def main() -> None:
    run_module(
        get_token_info,
        {
            "credentials": {"type": "list", "elements": "dict", "options": CREDENTIAL},
            "force": {"type": "list", "elements": "str", "default": []},
            "organization": {"type": "str"},
            "kinds": {"type": "list", "elements": "str", "choices": ["api", "robot"], "default": ["api", "robot"]},
            "max_age": {"type": "str"},
            "renew_before": {"type": "str"},
        },
        mutually_exclusive=[("credentials", "organization")],
    )


if __name__ == "__main__":
    main()
