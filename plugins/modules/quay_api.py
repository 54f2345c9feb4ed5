#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_api
short_description: Call any endpoint of Quay's API
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Makes one call of Quay's API, for what no other module of the collection does. The call is named by its operation
    id, as M(tokensmith.quay.quay_operation_info) lists them, or by method and path.
  - Parameters and body are compared with the server's own description of its API before anything is sent. That costs
    one request without a login.
  - A writing call is sent once, and never repeated. With O(state) it is sent only where it is needed, and believed only
    when the state is as wanted afterwards.
  - B(Secrets in the answer are masked) in RV(json), by their keys (C(token), C(token_code), C(password),
    C(client_secret) and the like). O(token_key) says which one of them is wanted.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
    details:
      - Reading calls (GET and HEAD, but for those that issue tokens) are sent in check mode, too.
      - Any other call is not sent, and a warning says so. RV(json) and RV(status) are then null.
  diff_mode:
    support: partial
    details:
      - With O(state), and with O(token_path) for a reading call. What any other call changes cannot be known.
  idempotent:
    support: partial
    details:
      - Reading calls, and writing calls with O(state). Any other call is sent in each run.
options:
  operation:
    description:
      - Id of the operation, such as V(listOrgLogs) or V(changeRepoVisibility), which gives method and path.
      - Either this or O(path) is required.
    type: str
  path:
    description:
      - Path of the endpoint, with its leading slash and without a query. Placeholders such as V({orgname}) are taken
        from O(parameters).
      - Endpoints that the server's description does not list, such as V(/api/v1/user/initialize), V(/v2/_catalog) or
        V(/config), need O(validate=none).
    type: str
  method:
    description:
      - Method, together with O(path). Left out, it is V(GET).
    type: str
    choices: [GET, HEAD, POST, PUT, DELETE, PATCH]
  parameters:
    description:
      - Parameters of the path and of the query, by name. They are encoded as needed; a repository is given as
        V(namespace/name), and a list stands for a parameter that is sent several times.
    type: dict
    default: {}
  body:
    description:
      - What is sent as JSON, a mapping or a list. Texts such as V("300") are sent as numbers and booleans where the
        server's description wants these.
      - A key that looks like a secret's is refused here; it belongs into O(body_secrets).
    type: raw
  body_secrets:
    description:
      - The part of the body that is secret, a mapping that is put into O(body). It is kept out of logs and results.
    type: dict
  validate:
    description:
      - V(strict) sends nothing that the server's description does not allow. A path, a parameter or a property which it
        does not list is an error that names similar ones.
      - V(warn) tells the same by warnings, and sends the call. The description is wrong in places, for example it does
        not say that a mirror needs a robot.
      - V(none) does not ask for the description, unless O(operation) needs it to be found.
      - Its response codes are never believed. Bodies of which it confuses two definitions of one name (C(NewToken),
        C(UpdateOrg) and C(UpdateUser)) are not checked.
    type: str
    choices: [strict, warn, none]
    default: strict
  all_pages:
    description:
      - Follow the pages of a list (by C(next_page), or by C(page) where C(has_additional) is true), and return the
        items of all of them as one list.
      - Quay's lists of usage logs can be long. Limit them with the parameters C(starttime) and C(endtime).
    type: bool
    default: false
  changes:
    description:
      - Whether a writing call counts as a change. V(false) is for calls that change nothing, such as a test of a
        notification. It is skipped in check mode all the same.
      - With O(state) this is found out instead.
    type: bool
    default: true
  state_path:
    description:
      - Path of which a GET tells the state that the call is to bring about, before and after. Placeholders are taken
        from O(parameters); those that stand here are not sent along as a query.
    type: str
  state:
    description:
      - V(present) sends the call only where O(state_path) tells nothing, or something that lacks O(fields).
      - V(absent) sends the call only where O(state_path) tells something that has O(fields).
    type: str
    choices: [present, absent]
  fields:
    description:
      - What the state at O(state_path) shall have (or, with O(state=absent), shall no longer have). A mapping has to
        have these keys with these values; a list an item for each of these items, in any order and among others.
      - Where the state itself is a list, one of its items has to have these fields.
    type: dict
  token_key:
    description:
      - The secret of the answer that is wanted, by its key, with dots between nested keys, such as V(token) or
        V(token.token_code).
    type: str
  token_path:
    description:
      - Absolute path of a file on the target that is to hold the secret that O(token_key) names, and nothing else. It
        is written whole or not at all, with mode V(0600), and the secret is not returned.
      - What is known of the secret (never the secret) is kept beside it in a file of the same name with
        C(.record.json) appended.
      - The directory must exist. Symbolic links are refused.
    type: path
notes:
  - Without any login the call is made as the public, which a few endpoints are for.
  - The registry's token service, V(/v2/auth), is given the login by HTTP Basic. Other paths below V(/v2/) take a token
    of M(tokensmith.quay.quay_referrers_token) as O(quay_token).
  - Below a repository Quay takes any unknown path for a longer repository name, and answers 204 to a DELETE that
    deletes nothing. The check against the server's description finds that.
seealso:
  - module: tokensmith.quay.quay_operation_info
"""

EXAMPLES = r"""
- name: List an organization's usage logs of one day
  tokensmith.quay.quay_api:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    operation: listOrgLogs
    parameters:
      orgname: acme
      starttime: 11/21/2026
      endtime: 11/21/2026
    all_pages: true
  register: logs

- name: Make a repository private, if it is public
  tokensmith.quay.quay_api:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    operation: changeRepoVisibility
    parameters:
      repository: acme/app
    body:
      visibility: private
    state_path: /api/v1/repository/{repository}
    state: present
    fields:
      is_public: false

- name: Delete a robot, if there is one
  tokensmith.quay.quay_api:
    quay_host: https://quay.example.com
    quay_token: "{{ lookup('ansible.builtin.env', 'QUAY_TOKEN') }}"
    method: DELETE
    path: /api/v1/organization/{orgname}/robots/{robot_shortname}
    parameters:
      orgname: acme
      robot_shortname: retired
    state_path: /api/v1/organization/{orgname}/robots/{robot_shortname}
    state: absent

- name: Make an app token and keep it in a file
  tokensmith.quay.quay_api:
    quay_host: https://quay.example.com
    quay_username: builder
    quay_password: "{{ lookup('ansible.builtin.env', 'BUILDER_PASSWORD') }}"
    operation: createAppToken
    body:
      title: nightly
    token_key: token.token_code
    token_path: /etc/builder/quay-app-token

- name: Make the first user of a fresh installation
  tokensmith.quay.quay_api:
    quay_host: https://quay.example.com
    method: POST
    path: /api/v1/user/initialize
    validate: none
    body:
      username: admin
      email: admin@example.com
    body_secrets:
      password: "{{ lookup('ansible.builtin.env', 'QUAY_PASSWORD') }}"
"""

RETURN = r"""
operation:
  description: Id of the operation; null where the server's description was not asked, or does not know the path.
  returned: success
  type: str
  sample: changeRepoVisibility
method:
  description: Method of the call.
  returned: success
  type: str
  sample: POST
path:
  description: Path of the call, with its placeholders filled in.
  returned: success
  type: str
  sample: /api/v1/repository/acme/app/changevisibility
sent:
  description: Whether the call was sent, or in check mode would be; false where the state was as wanted already.
  returned: success
  type: bool
  sample: true
status:
  description: Status of the answer; null where the call was not sent.
  returned: success
  type: int
  sample: 200
json:
  description:
    - The answer, with its secrets masked; null where there was none or the call was not sent. With O(all_pages) the
      items of all pages stand in one list.
  returned: success
  type: raw
  sample:
    success: true
token:
  description: The secret that O(token_key) names; null in check mode and with O(token_path).
  returned: success
  type: str
  sample: null
fingerprint:
  description: First 12 hexadecimal digits of that secret's SHA-256, safe to log; null where there is none.
  returned: success
  type: str
  sample: null
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.api import METHODS, VALIDATIONS, call_api


def main() -> None:
    run_module(
        call_api,
        {
            "operation": {"type": "str"},
            "path": {"type": "str"},
            "method": {"type": "str", "choices": list(METHODS)},
            "parameters": {"type": "dict", "default": {}},
            "body": {"type": "raw"},
            "body_secrets": {"type": "dict", "no_log": True},
            "validate": {"type": "str", "choices": list(VALIDATIONS), "default": "strict"},
            "all_pages": {"type": "bool", "default": False},
            "changes": {"type": "bool", "default": True},
            "state_path": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"]},
            "fields": {"type": "dict"},
            "token_key": {"type": "str", "no_log": False},
            "token_path": {"type": "path", "no_log": False},
        },
        auth_optional=True,
        required_one_of=[("operation", "path")],
        mutually_exclusive=[("operation", "path"), ("operation", "method")],
        required_together=[("state", "state_path")],
        required_by={"fields": ["state"], "token_path": ["token_key"]},
    )


if __name__ == "__main__":
    main()
