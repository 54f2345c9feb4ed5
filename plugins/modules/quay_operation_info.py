#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_operation_info
short_description: List and search the operations of the Quay API
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Lists the operations in the server's own API description. Use them with M(tokensmith.quay.quay_api).
  - An operation that the server does not support is not in the list, because the version is older or a feature is
    disabled.
  - The module sends one request, without a login. The login options are therefore optional.
  - If several conditions are specified, an operation must match all of them.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._attributes.info
  - tokensmith.quay._connection
options:
  operation:
    description:
      - ID of the only operation to return. If the server does not have it, the module fails and lists similar IDs.
      - Mutually exclusive with O(search), O(tag), O(path) and O(scope).
    type: str
  search:
    description:
      - Words to search for. Every word must occur in the ID, method, path, summary or tags of the operation. The search
        is not case-sensitive.
    type: str
  tag:
    description:
      - Return only operations with this tag, such as V(robot), V(logs) or V(mirror).
    type: str
  path:
    description:
      - Return only operations whose path contains this string, such as V(/team/).
    type: str
  scope:
    description:
      - Return only operations for which the description lists this OAuth scope, such as V(org:admin). Some operations
        require additional or other scopes than those listed.
    type: str
  internal:
    description:
      - Whether to include the operations that only the web UI of Quay uses.
    type: bool
    default: false
seealso:
  - module: tokensmith.quay.quay_api
"""

EXAMPLES = r"""
- name: Search for operations on usage logs
  tokensmith.quay.quay_operation_info:
    quay_host: https://quay.example.com
    search: usage logs
  register: found

- name: Show the IDs and paths
  ansible.builtin.debug:
    msg: "{{ found.operations | map(attribute='operation') | zip(found.operations | map(attribute='path')) }}"

- name: Look up one operation
  tokensmith.quay.quay_operation_info:
    quay_host: https://quay.example.com
    operation: createRepoMirrorConfig
"""

RETURN = r"""
operations:
  description: The operations, sorted by path and method.
  returned: success
  type: list
  elements: dict
  contains:
    operation:
      description: ID of the operation.
      returned: success
      type: str
    method:
      description: HTTP method of the operation.
      returned: success
      type: str
    path:
      description: Path of the operation, with placeholders.
      returned: success
      type: str
    summary:
      description: Summary of what the operation does. Empty if the server's API description has none.
      returned: success
      type: str
    tags:
      description: Tags of the operation.
      returned: success
      type: list
      elements: str
    scopes:
      description: OAuth scopes that the operation requires according to the server's API description.
      returned: success
      type: list
      elements: str
    parameters:
      description: Path and query parameters of the operation.
      returned: success
      type: list
      elements: dict
      contains:
        name:
          description: Name of the parameter.
          returned: success
          type: str
        in:
          description: Location of the parameter, C(path) or C(query).
          returned: success
          type: str
        type:
          description: Type of the value.
          returned: success
          type: str
        required:
          description: Whether the parameter is required.
          returned: success
          type: bool
        description:
          description: Description of the parameter.
          returned: success
          type: str
    body:
      description:
        - JSON schema of the request body. Null if the operation takes no body. Empty if the server's API description
          does not describe the body.
      returned: success
      type: dict
  sample:
    - operation: getOrgRobot
      method: GET
      path: /api/v1/organization/{orgname}/robots/{robot_shortname}
      summary: Returns the organization's robot with the specified name.
      tags: [robot]
      scopes: ["org:admin"]
      parameters:
        - name: orgname
          in: path
          type: string
          required: true
          description: The name of the organization
      body: null
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.operation_info import list_operations


def main() -> None:
    run_module(
        list_operations,
        {
            "operation": {"type": "str"},
            "search": {"type": "str"},
            "tag": {"type": "str"},
            "path": {"type": "str"},
            "scope": {"type": "str"},
            "internal": {"type": "bool", "default": False},
        },
        auth_optional=True,
        mutually_exclusive=[("operation", other) for other in ("search", "tag", "path", "scope")],
    )


if __name__ == "__main__":
    main()
