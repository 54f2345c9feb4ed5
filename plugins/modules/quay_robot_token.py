#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_robot_token
short_description: Create a Quay robot account and rotate its token
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Creates a robot account, keeps its token younger than O(max_age), and returns or stores the token.
  - Quay can tell a robot's token again, so the module is idempotent without any store. When nothing is due it returns
    the present token, unchanged.
  - A regenerated token replaces the old one at once. The new one is proved at C(/v2/auth) before it is returned or
    stored; the proof leaves no login entry in the organization's usage log.
  - Quay keeps no date for a robot's token. Its age comes from the record beside O(token_path) where that fits Quay's
    present token, else from the robot's own creation date where that is young enough, else from the usage logs
    (creation or last regeneration, whichever is later). Where none of them knows, the token counts as old as its
    robot, so a robot older than O(max_age) is rotated. RV(age_source) says which one it was.
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
      - Not with O(rotate=always), which replaces the token in each run.
      - With O(max_age), where Quay's usage logs cannot be read, only with O(token_path), whose record then tells the
        age.
options:
  name:
    description:
      - The robot as V(organization+robot), or V(robot) alone for one in the signed-in user's own namespace.
    type: str
    required: true
  description:
    description:
      - What the robot is for. Quay can set it at creation only, so a difference later is a warning and not a change.
    type: str
  metadata:
    description:
      - Free key-value data of the robot. Quay can set it at creation only, so a difference later is a warning and not
        a change.
    type: dict
  strategy:
    description:
      - V(in_place) replaces the robot's own token. The old one is dead at once, so a consumer fails between then and
        the moment it reads the new one.
      - V(paired) lets two robots carry the credential in turn, and fails no consumer. The idle one gets the rights of
        the active one and a new token, is proved on those rights and delivered; the former one's secret lives on until
        the next run, or for O(retire_after). Consumers must take the user name from the store, because it changes.
      - Changing this one word moves the credential from one way to the other, without an interruption either.
    type: str
    choices: [in_place, paired]
    default: in_place
  pair:
    description:
      - The two robots of O(strategy=paired), in the namespace of O(name). Left out, they are called like O(name), with
        C(_a) and C(_b) appended. They are created when they are needed.
      - They must serve this credential alone. Their tokens are replaced in turn, and their rights made equal.
      - To rename them, run the task once with O(strategy=in_place) and the former names, then with the new ones.
    type: list
    elements: str
  copy_rights:
    description:
      - Whether the next robot of a pair gets the rights of the active one (its repository permissions, teams and
        default permissions), and loses those that the active one has not. The diff shows them.
      - It takes a login that may see them (the scopes C(user:admin), C(org:admin) and C(repo:admin), or a password).
        With V(false) both robots have what you give them.
    type: bool
    default: true
  retire_after:
    description:
      - How long the former secret of O(strategy=paired) lives on, for example V(2d). The first run after that time ends
        it. Left out, the next run does; with V(0) it ends as soon as the new one is delivered.
    type: str
  federation:
    description:
      - Who may exchange an OIDC token for a short-lived token of this robot. The list replaces the one in Quay; an
        empty list removes all. Left out, federation is not looked at.
    type: list
    elements: dict
    suboptions:
      issuer:
        description: URL of the OIDC issuer.
        type: str
        required: true
      subject:
        description: Subject (C(sub)) of the issuer's tokens.
        type: str
        required: true
  state:
    description:
      - V(present) creates the robot where it is missing and rotates its token when due.
      - V(absent) deletes the robot and, with O(token_path), the file. Quay refuses while a mirror uses the robot.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tokensmith.quay.quay_token_info
"""

EXAMPLES = r"""
- name: Keep a robot's token in a file, not older than 90 days
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+ci
    description: Pulls for the build farm
    max_age: 90d
    token_path: /etc/ci/quay-token

- name: Replace the token now and use it in the next tasks
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+ci
    rotate: always
  register: robot
  no_log: true

- name: Let a pipeline exchange its own OIDC tokens for the robot's
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+deploy
    federation:
      - issuer: https://token.ci.example.com
        subject: project/acme/deploy
  no_log: true

- name: Rotate without an outage, by two robots that take turns
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+pull
    strategy: paired
    max_age: 90d
    retire_after: 2d
    deliver:
      - kind: container_auth
        path: /etc/containers/auth.json

- name: Remove a robot
  tokensmith.quay.quay_robot_token:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    name: acme+retired
    state: absent
"""

RETURN = r"""
token:
  description:
    - The robot's token. It is null in check mode, with O(token_path), with O(state=absent), and when O(current_token)
      is Quay's present token already.
  returned: success
  type: str
  sample: null
username:
  description: What to type beside the token, for example in C(podman login).
  returned: success
  type: str
  sample: acme+ci
registry:
  description: Host for C(podman login), taken from O(quay_host).
  returned: success
  type: str
  sample: quay.example.com
api_url:
  description: Address of the server's API.
  returned: success
  type: str
  sample: https://quay.example.com/api/v1
name:
  description: The robot as the task names it.
  returned: success
  type: str
  sample: acme+ci
uuid:
  description: Always null, because Quay identifies robots by name.
  returned: success
  type: str
  sample: null
description:
  description: What the robot is for, as Quay tells it.
  returned: success
  type: str
  sample: Pulls for the build farm
federation:
  description: The federation list, where O(federation) is given.
  returned: when O(federation) is given
  type: list
  elements: dict
  sample:
    - issuer: https://token.ci.example.com
      subject: project/acme/deploy
created_at:
  description:
    - When the token was made (ISO 8601, UTC), as far as it had to be known and somebody knows; see RV(age_source).
  returned: success
  type: str
  sample: "2026-01-31T12:00:00Z"
age_source:
  description:
    - Where RV(created_at) comes from. V(mint) for a token made now; V(record) for the record beside O(token_path);
      V(log) for the usage logs; V(creation) for the robot's own creation, which is the earliest the token can be;
      null where the age was not asked for.
  returned: success
  type: str
  sample: log
expires_at:
  description: Always null, because robot tokens do not expire.
  returned: success
  type: str
  sample: null
last_accessed:
  description: When the robot was last used (ISO 8601, UTC), as Quay tells it.
  returned: success
  type: str
  sample: "2026-03-01T08:30:00Z"
fingerprint:
  description: First 12 hexadecimal digits of the token's SHA-256, safe to log.
  returned: success
  type: str
  sample: 9f86d081884c
reason:
  description:
    - Why the token was replaced or must be delivered. One of V(missing), V(forced), V(too_old), V(undelivered) or
      V(not_due).
    - V(undelivered) means that you hold something else than Quay's present token, which is told without making a new
      one.
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
    - Seconds from the moment before the new token was asked for to its last delivery. With O(strategy=in_place) no
      consumer can have been without a token for longer, as far as the stores go. Null where none was issued, and
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
  description:
    - With O(strategy=paired), the former secrets that were ended (in check mode, that would be), each as a robot's name
      and a fingerprint. Otherwise empty.
  returned: success
  type: list
  elements: str
  sample: []
superseded:
  description:
    - With O(strategy=paired), the former secrets that are still alive, each as a robot's name and a fingerprint.
      Otherwise empty, because a robot's old token is dead as soon as it is replaced.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_token import ensure_robot_token
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.rotation import TOKEN_OPTIONS
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import HOLDER_CHOICES


def main() -> None:
    run_module(
        ensure_robot_token,
        {
            **TOKEN_OPTIONS,
            "name": {"type": "str", "required": True},
            "description": {"type": "str"},
            "metadata": {"type": "dict"},
            "max_age": {"type": "str"},
            "strategy": {"type": "str", "choices": ["in_place", "paired"], "default": "in_place"},
            "pair": {"type": "list", "elements": "str"},
            "copy_rights": {"type": "bool", "default": True},
            "retire_after": {"type": "str"},
            "federation": {
                "type": "list",
                "elements": "dict",
                "options": {"issuer": {"type": "str", "required": True}, "subject": {"type": "str", "required": True}},
            },
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        mutually_exclusive=HOLDER_CHOICES,
    )


if __name__ == "__main__":
    main()
