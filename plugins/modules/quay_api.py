#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_api
short_description: Call any endpoint of the Quay API
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Makes one call to the Quay API. Use it for endpoints that no other module of the collection supports. Specify the
    call either by its operation ID, as listed by M(tokensmith.quay.quay_operation_info), or by method and path.
  - Parameters and body are validated against the server's own API description before the call is sent. The validation
    costs one request without a login. See O(validate).
  - A write call is sent once and never repeated. With O(state), it is sent only if it is needed, and the module
    verifies the resulting state afterwards.
  - B(Secrets in the response are masked) in RV(json). They are identified by their keys, such as C(token),
    C(token_code), C(password) and C(client_secret). To get one of them, name it in O(token_key).
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
attributes:
  check_mode:
    support: full
    details:
      - Read calls (GET and HEAD) are sent in check mode as well, except those that issue tokens.
      - Any other call is not sent, and the module warns about it. RV(json) and RV(status) are then null.
  diff_mode:
    support: partial
    details:
      - With O(state), and with O(token_path) for a read call. The changes made by any other call are unknown.
  idempotent:
    support: partial
    details:
      - Read calls and write calls with O(state) are idempotent. Any other call is sent in every run.
options:
  operation:
    description:
      - ID of the operation, such as V(listOrgLogs) or V(changeRepoVisibility). It determines method and path.
      - Either this option or O(path) is required.
    type: str
  path:
    description:
      - Path of the endpoint, with the leading slash and without a query. Placeholders such as V({orgname}) are replaced
        with values from O(parameters).
      - Endpoints that the server's API description does not list, such as V(/api/v1/user/initialize), V(/v2/_catalog)
        or V(/config), require O(validate=none).
    type: str
  method:
    description:
      - HTTP method to use with O(path). If not specified, V(GET) is used.
    type: str
    choices: [GET, HEAD, POST, PUT, DELETE, PATCH]
  parameters:
    description:
      - Path and query parameters, by name. The module encodes the values.
      - Specify a repository as V(namespace/name). Specify a list to send a parameter several times.
    type: dict
    default: {}
  body:
    description:
      - Request body, a mapping or a list. It is sent as JSON.
      - Strings such as V("300") are converted to numbers or booleans where the server's API description requires these
        types.
      - A key that looks like the key of a secret is refused. Use O(body_secrets) for it.
    type: raw
  body_secrets:
    description:
      - Mapping with the secret values of the request body. It is merged into O(body), and kept out of logs and results.
    type: dict
  validate:
    description:
      - How to validate the call against the server's API description.
      - V(strict) fails before anything is sent if the description does not allow the call. The error lists similar
        names for an unknown path, parameter or property.
      - V(warn) reports the same problems as warnings and sends the call. Use it where the description is wrong. For
        example, the description does not list the robot of a mirror as required.
      - V(none) does not read the description, unless O(operation) is specified.
      - Response codes in the description are always ignored. Bodies are not validated if their definition name
        (C(NewToken), C(UpdateOrg) or C(UpdateUser)) stands for two different definitions in Quay.
    type: str
    choices: [strict, warn, none]
    default: strict
  all_pages:
    description:
      - Whether to read all pages of a list and return their items as one list. Supported for GET only.
      - The module follows C(next_page), or C(page) while C(has_additional) is true.
      - Usage logs can have many pages. Limit them with the parameters C(starttime) and C(endtime).
    type: bool
    default: false
  changes:
    description:
      - Whether a write call is reported as a change. Set to V(false) for a call that changes nothing, such as a test of
        a notification. Check mode does not send such a call either.
      - Ignored with O(state), because the module then compares the state itself.
    type: bool
    default: true
  state_path:
    description:
      - Path from which the state is read with GET, before and after the call. Required with O(state).
      - Placeholders are replaced with values from O(parameters). A parameter that is used here is not sent as a query
        parameter.
    type: str
  state:
    description:
      - V(present) sends the call only if nothing exists at O(state_path), or if it does not have the values of
        O(fields).
      - V(absent) sends the call only if something exists at O(state_path) that has the values of O(fields).
      - Cannot be used together with O(token_path).
    type: str
    choices: [present, absent]
  fields:
    description:
      - Values to compare with the state at O(state_path). After the call, the state must have them (O(state=present))
        or must no longer have them (O(state=absent)).
      - A mapping matches if the state has the same keys with the same values. A list matches if the state has an item
        for each of its items, in any order. Additional keys and items in the state are ignored.
      - If the state itself is a list, one of its items must match.
    type: dict
  token_key:
    description:
      - Key of the secret to take from the response. Separate nested keys with dots, for example V(token) or
        V(token.token_code).
    type: str
  token_path:
    description:
      - Absolute path of a file on the target in which to store the secret of O(token_key). The file contains only the
        secret. It is written atomically. An existing file keeps its permissions, and a new one has V(0600). The secret
        is then not returned.
      - The fingerprint and date of the secret are stored in a file of the same name with C(.record.json) appended. That
        file never contains the secret.
      - The directory must exist. Symbolic links are refused.
    type: path
notes:
  - Without a login, the call is made anonymously. A few endpoints support this.
  - For the registry's token service, V(/v2/auth), the login is sent with HTTP Basic authentication. Other paths below
    V(/v2/) require a token from M(tokensmith.quay.quay_referrers_token) as O(quay_token).
  - Below a repository, Quay treats every unknown path as a longer repository name. A DELETE request to such a path
    returns 204 although nothing is deleted. The validation detects such paths.
seealso:
  - module: tokensmith.quay.quay_operation_info
"""

EXAMPLES = r"""
- name: List the usage logs of an organization for one day
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

- name: Make a repository private if it is public
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

- name: Delete a robot if it exists
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

- name: Create an app token and store it in a file
  tokensmith.quay.quay_api:
    quay_host: https://quay.example.com
    quay_username: builder
    quay_password: "{{ lookup('ansible.builtin.env', 'BUILDER_PASSWORD') }}"
    operation: createAppToken
    body:
      title: nightly
    token_key: token.token_code
    token_path: /etc/builder/quay-app-token

- name: Create the first user of a new installation
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
  description:
    - ID of the operation. Null if the server's API description was not read, or does not list the path.
  returned: success
  type: str
  sample: changeRepoVisibility
method:
  description: HTTP method of the call.
  returned: success
  type: str
  sample: POST
path:
  description: Path of the call, with all placeholders replaced.
  returned: success
  type: str
  sample: /api/v1/repository/acme/app/changevisibility
sent:
  description:
    - Whether the call was sent, or would be sent in check mode. False if the state was already as requested.
  returned: success
  type: bool
  sample: true
status:
  description: HTTP status of the response. Null if the call was not sent.
  returned: success
  type: int
  sample: 200
json:
  description:
    - Body of the response, with secrets masked. Null if the response has no body, or if the call was not sent.
    - With O(all_pages), the items of all pages are in one list.
  returned: success
  type: raw
  sample:
    success: true
token:
  description:
    - The secret that O(token_key) names. Null in check mode, with O(token_path), and if O(token_key) is not specified
      or the response does not contain that key.
  returned: success
  type: str
  sample: null
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the secret, safe to log. Null if there is no secret.
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
