# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter container_auth: a registry login as a container auth document."""

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.auth_document import helper_in, merge_login

DOCUMENTATION = r"""
name: container_auth
short_description: Add a registry login to a container auth document
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Returns the contents of C(containers-auth.json) or of Docker's C(config.json) with a login for one registry, for
    example for a Kubernetes pull secret, a build argument or an API. To write such a file on a host, use
    M(tokensmith.quay.quay_container_auth), which takes care of its permissions and of other writers.
  - An entry of the same registry is replaced. All other entries and keys, such as C(credHelpers), are kept.
  - If the document names a credential helper for the registry, container engines ignore the login. The filter then
    prints a warning.
  - B(The result contains the secret). Use C(no_log) for the task.
positional: registry, username, token
options:
  _input:
    description:
      - The document to add the login to, as a dictionary or as JSON text. An empty dictionary, an empty text or null
        makes a new document.
    type: raw
    required: true
  registry:
    description:
      - Host name, and port if any, that consumers use in C(podman login), for example V(quay.example.com:8443). A path
        limits the login to a namespace or repository, for example V(quay.example.com/acme). Upper case in the host is
        written in lower case.
      - The address of Quay, for example V(https://quay.example.com), stands for its host, without a default port.
    type: str
    required: true
  username:
    description:
      - User name, for example V(acme+ci). For an OAuth access token, it is V($oauthtoken).
    type: str
    required: true
  token:
    description:
      - The secret. White space around it is ignored.
    type: str
    required: true
seealso:
  - module: tokensmith.quay.quay_container_auth
"""

EXAMPLES = r"""
- name: Issue the token of a robot
  tokensmith.quay.quay_robot_token:
    name: acme+ci
    quay_host: https://quay.example.com
  register: robot
  no_log: true

- name: Send the login to a build service
  ansible.builtin.uri:
    url: https://builds.example.com/api/registry-auth
    method: PUT
    body_format: json
    body: "{{ {} | tokensmith.quay.container_auth('quay.example.com', robot.username, robot.token) }}"
  no_log: true

- name: Add the login to a document that has others
  ansible.builtin.set_fact:
    pull_secret: >-
      {{ lookup('ansible.builtin.file', 'pull-secret.json')
         | tokensmith.quay.container_auth(robot.registry, robot.username, robot.token) }}
  no_log: true
"""

RETURN = r"""
_value:
  description: The document. Use the filter P(ansible.builtin.to_json#filter) for its text.
  type: dict
"""


def container_auth(document: Any, registry: Any, username: Any, token: Any) -> dict[str, Any]:
    """The document with the login of a registry."""
    try:
        merged, entry = merge_login(document, registry, username, token)
    except BadInput as error:
        message = str(error)
    else:
        helper = helper_in(merged, entry)
        if helper:
            Display().warning(
                f"container_auth: the document names the credential helper '{helper}'. Container engines that use it "
                f"never read the entry for {entry}."
            )
        return merged
    # Outside of the except block, so that the former exception is not shown.
    raise AnsibleFilterError(f"container_auth: {message}")


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """Return the filters by name."""
        return {"container_auth": container_auth}
