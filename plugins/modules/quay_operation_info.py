#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_operation_info
short_description: List and search what Quay's API can do
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Lists the operations of the server's own description of its API, for M(tokensmith.quay.quay_api) to call. What the
    server lacks, because it is older or has a feature off, is not in the list.
  - Costs one request, which is made without a login; whoever is given none can use it, too.
  - With several conditions, an operation has to meet all of them.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._attributes.info
  - tokensmith.quay._connection
options:
  operation:
    description:
      - Id of the one operation to tell about. An unknown one is an error that names similar ones.
    type: str
  search:
    description:
      - Words that all have to stand somewhere in an operation's id, method, path, summary or tags, in any case.
    type: str
  tag:
    description:
      - Tag of the operations, such as V(robot), V(logs) or V(mirror).
    type: str
  path:
    description:
      - A part of the operations' path, such as V(/team/).
    type: str
  scope:
    description:
      - Scope of OAuth access tokens that the operations are described to need, such as V(org:admin). Quay wants more
        or other ones in places.
    type: str
  internal:
    description:
      - Whether to list the operations of Quay's own user interface, too.
    type: bool
    default: false
seealso:
  - module: tokensmith.quay.quay_api
"""

EXAMPLES = r"""
- name: See what the API can do with usage logs
  tokensmith.quay.quay_operation_info:
    quay_host: https://quay.example.com
    search: usage logs
  register: found

- name: Show the ids and paths
  ansible.builtin.debug:
    msg: "{{ found.operations | map(attribute='operation') | zip(found.operations | map(attribute='path')) }}"

- name: Look up one operation
  tokensmith.quay.quay_operation_info:
    quay_host: https://quay.example.com
    operation: createRepoMirrorConfig
"""

RETURN = r"""
operations:
  description: The operations, by path and method.
  returned: success
  type: list
  elements: dict
  contains:
    operation:
      description: Id of the operation.
      returned: success
      type: str
    method:
      description: Its method.
      returned: success
      type: str
    path:
      description: Its path, with placeholders.
      returned: success
      type: str
    summary:
      description: What it does.
      returned: success
      type: str
    tags:
      description: What it belongs to.
      returned: success
      type: list
      elements: str
    scopes:
      description: The scopes that an OAuth access token is described to need.
      returned: success
      type: list
      elements: str
    parameters:
      description: The parameters of its path and its query.
      returned: success
      type: list
      elements: dict
      contains:
        name:
          description: Name of the parameter.
          returned: success
          type: str
        in:
          description: Where it stands, C(path) or C(query).
          returned: success
          type: str
        type:
          description: Type of its value.
          returned: success
          type: str
        required:
          description: Whether it must be given.
          returned: success
          type: bool
        description:
          description: What it is for.
          returned: success
          type: str
    body:
      description: JSON schema of its body; null where it takes none, and empty where the description tells nothing.
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
