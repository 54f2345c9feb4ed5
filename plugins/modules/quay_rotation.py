#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_rotation
short_description: Rotate many credentials for all hosts of a play at once
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - The role P(tokensmith.quay.rotation#role) runs this module once for each batch of hosts, on the host that talks to
    Quay. It takes what M(tokensmith.quay.quay_host_inspection) returned on all hosts.
  - A single process judges all credentials, and rotates those that are due. It issues a credential at most once,
    whatever the number of hosts that use it, and writes the stores that it reaches itself.
  - Run again with O(run) after M(tokensmith.quay.quay_host_delivery), it looks at Quay again and retires what the hosts
    have left behind. Nothing is retired that a host which was not seen may still use.
  - It reads what the other two modules returned from the variables C(__rotation_plan) and C(__rotation_delivery) of
    each host.
  - A credential that fails does not stop the others, and does not fail the task. See RV(results).
  - If one of the credentials is the API token with which the run itself logs in, it is rotated last, and the next tasks
    of the run log in with the new one.
  - The secrets for other hosts are encrypted with a key that exists only in the processes of this run of Ansible.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  rotator:
    description: The host that talks to Quay, which is the one that the task is delegated to. Required.
    type: str
  run:
    description:
      - What this module returned before the delivery. With it, the delivery is confirmed.
      - Also the name of the variable in which that was registered, which is quicker if there are many credentials.
    type: raw
  round:
    description:
      - The number of the batch of credentials, counted from 0. A later batch takes what the former ones left from the
        variables C(__rotation_run) and C(__rotation_run_final).
    type: int
    default: 0
  missing_hosts:
    description:
      - What to do with a credential of which a host was not seen, if its rotation would end what that host uses.
        V(wait) leaves it as it is. V(proceed) rotates it.
    type: str
    choices: [wait, proceed]
    default: wait
  ignore_hosts:
    description: Hosts that no longer count. Nothing waits for them.
    type: list
    elements: str
  expected_hosts:
    description: How many hosts the play must have seen before anything is retired. If not specified, any number.
    type: int
  logins:
    description: The logins and other secrets of credentials that have their own, by the name of the credential.
    type: dict
  login_scopes:
    description:
      - Scopes that the token of the login has for other tasks than the rotation. The module does not warn of them.
    type: list
    elements: str
  login_needs:
    description: The scopes that the credentials of all hosts need. The module sets it itself.
    type: dict
  login_successors:
    description: What replaced the token of the login earlier in the run. The module sets it itself.
    type: list
    elements: dict
  store_logins:
    description: Options for the login to stores, by the kind of store. An entry of C(deliver) takes precedence.
    type: dict
  credentials:
    description: The credentials of all hosts. The module sets it itself.
    type: raw
  force:
    description: Names of credentials to rotate now. The module sets it itself.
    type: list
    elements: str
  forced_before:
    description: Whether an earlier batch has rotated them already. The module sets it itself.
    type: bool
    default: false
  minted_before:
    description: Names of credentials that an earlier batch has issued. The module sets it itself.
    type: list
    elements: str
    default: []
  parallel:
    description: How many credentials to work on at the same time, each with its own connection to Quay.
    type: int
    default: 4
  batch:
    description: How many credentials to work on in this run of the module at most. V(0) means all of them.
    type: int
    default: 0
  compromised:
    description: Names of credentials whose secret leaked. The module sets it itself.
    type: list
    elements: str
  compact:
    description:
      - Return what is long as one text, which the modules of the rotation open again. Ansible handles each value of a
        result several times, which takes long for many credentials.
    type: bool
    default: false
  phase:
    description:
      - Whether to rotate, to confirm, or to confirm what had to be delivered again. The module sets it itself.
    type: str
    choices: [rotate, confirm, last]
    default: rotate
seealso:
  - module: tokensmith.quay.quay_host_inspection
  - module: tokensmith.quay.quay_host_delivery
  - module: tokensmith.quay.quay_token_info
"""

EXAMPLES = r"""
- name: Validate what each host declares, and inspect its stores
  tokensmith.quay.quay_host_inspection:
    quay_host: https://quay.example.com
    credentials: "{{ rotation_credentials }}"
    rotator: localhost
  register: __rotation_plan # this module reads the variable of each host

- name: Rotate what is due, once for all hosts
  tokensmith.quay.quay_rotation:
    quay_host: https://quay.example.com
    quay_token: "{{ vault_quay_token }}"
    rotator: localhost
  delegate_to: localhost
  run_once: true
  register: rotation

- name: Deliver to each host what was issued for it
  tokensmith.quay.quay_host_delivery:
    quay_host: https://quay.example.com
    run: "{{ rotation }}"
    rotator: localhost
  register: __rotation_delivery # this module reads the variable of each host

- name: Confirm the delivery, and retire what was replaced
  tokensmith.quay.quay_rotation:
    quay_host: https://quay.example.com
    quay_token: "{{ vault_quay_token }}"
    rotator: localhost
    run: "{{ rotation }}"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
results:
  description:
    - For each credential its status, as M(tokensmith.quay.quay_token_info) returns it, and what was done. With O(run),
      only for those for which there was something to do.
  returned: success
  type: list
  elements: dict
  sample: []
credentials:
  description:
    - The credentials of all hosts for which there was something to do. C(missing) names the hosts that were not seen,
      and why.
  returned: success
  type: list
  elements: dict
  sample: []
declared:
  description: The name and the kind of each credential of all hosts.
  returned: success
  type: list
  elements: dict
  sample: [{"name": "acme+ci", "kind": "robot"}]
rows:
  description: The rows of the report on all credentials, as P(tokensmith.quay.rotation_report#filter) makes them.
  returned: success, with O(run), after the last batch
  type: list
  elements: dict
  sample: []
lines:
  description: The report as a table for people, failures first.
  returned: success, with O(run), after the last batch
  type: list
  elements: str
  sample: ["2 not due"]
summary:
  description: The number of credentials for each outcome, and the errors by name.
  returned: success, with O(run), after the last batch
  type: dict
  sample: {}
compact:
  description:
    - RV(results), RV(credentials), RV(declared), RV(remaining) and RV(rows) as one text.
      P(tokensmith.quay.rotation_outcome#filter) opens it.
  returned: with O(compact), which returns it instead of those
  type: str
  sample: eJyrVkpJLElUslKIjq0FABeHA68=
login_warnings:
  description:
    - What to know of the token that the run logs in with, also as warnings. It lacks scopes, it has more than the
      credentials need, or it expires soon and no credential renews it. Only what is known without a request.
  returned: success
  type: list
  elements: str
  sample: []
sealed_login:
  description:
    - What replaced the token of the login during the run, encrypted. The next tasks of the run log in with it, if they
      are still given the former one.
  returned: success
  type: list
  elements: str
  sample: []
remaining:
  description: The names of the credentials that are left for the next batch. RV(results) does not have them yet.
  returned: success
  type: list
  elements: str
  sample: []
rounds:
  description: How many batches there are, this one included.
  returned: success, without O(run)
  type: int
  sample: 1
planned:
  description: For each host the number of its stores that have to be written.
  returned: success
  type: dict
  sample: {}
sealed:
  description: For each host what it has to deliver, encrypted.
  returned: success
  type: dict
  sample: {}
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.rotation import run_rotation
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module


def main() -> None:
    run_module(
        run_rotation,
        {
            "phase": {"type": "str", "choices": ["rotate", "confirm", "last"], "default": "rotate"},
            "credentials": {"type": "raw"},
            "force": {"type": "list", "elements": "str"},
            "compromised": {"type": "list", "elements": "str"},
            "minted_before": {"type": "list", "elements": "str", "default": []},
            "forced_before": {"type": "bool", "default": False},
            "parallel": {"type": "int", "default": 4},
            "batch": {"type": "int", "default": 0},
            "missing_hosts": {"type": "str", "choices": ["wait", "proceed"], "default": "wait"},
            "logins": {"type": "dict", "no_log": True},
            "store_logins": {"type": "dict", "no_log": True},
            "login_scopes": {"type": "list", "elements": "str"},
            "login_needs": {"type": "dict"},
            "login_successors": {"type": "list", "elements": "dict", "no_log": True},
            "rotator": {"type": "str"},
            "ignore_hosts": {"type": "list", "elements": "str"},
            "expected_hosts": {"type": "int"},
            "run": {"type": "raw"},
            "round": {"type": "int", "default": 0},
            "compact": {"type": "bool", "default": False},
        },
        packed=["credentials"],
        auth_optional=True,
    )


if __name__ == "__main__":
    main()
