# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup registry_token: a registry token for some repositories."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_token
short_description: Get a registry token of Quay
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Exchanges a login for a registry token (a JWT from C(/v2/auth)). It allows the specified actions on the specified
    repositories, for an hour. The OCI referrers API and other registry calls require such a token.
  - The lookup runs on the controller. To get a token on another host, or to keep one in a file, use
    M(tokensmith.quay.quay_referrers_token).
  - If the login lacks a permission, Quay returns a token without this permission instead of an error. The lookup then
    fails and names the missing permissions.
  - A token is requested once per task and host. Further evaluations with the same options in that task return the same
    token without a request.
  - Nothing has to be revoked afterwards. Quay keeps no registry tokens, and cannot revoke them either.
  - In check mode, the lookup also requests a token, which changes nothing in Quay. This token never allows V(push),
    because a request for it would create a missing repository.
  - "B(A token that was issued to a robot is worth all that the robot may do), as described for
    M(tokensmith.quay.quay_referrers_token). The lookup warns if the robot has more rights than the token needs."
  - B(The result is a secret). Use C(no_log) for the task.
options:
  _terms:
    description:
      - Repositories for which the token is valid, each specified as V(organization/repository). All of them are in the
        same token.
    type: list
    elements: str
    required: true
  actions:
    description:
      - Actions that the token allows, V(pull), V(push) or both.
      - "B(V(push) creates a repository that does not exist), if the login may create it."
    type: list
    elements: str
    default: [pull]
  quay_host:
    description:
      - URL of the Quay server, with scheme and optional port, but without a path. Required.
    type: str
    env:
      - name: QUAY_HOST
    vars:
      - name: quay_host
  quay_token:
    description:
      - OAuth access token. Specify either this option, or O(quay_username) and O(quay_password).
    type: str
    env:
      - name: QUAY_TOKEN
    vars:
      - name: quay_token
  quay_username:
    description:
      - Name of a user, of a robot (V(acme+ci)) or V($app), together with O(quay_password).
    type: str
    env:
      - name: QUAY_USERNAME
    vars:
      - name: quay_username
  quay_password:
    description:
      - Password of the user, token of the robot, or app token.
    type: str
    env:
      - name: QUAY_PASSWORD
    vars:
      - name: quay_password
  validate_certs:
    description:
      - Whether to verify the TLS certificate of the server. If not specified, it is verified.
    type: raw
    env:
      - name: QUAY_VERIFY_SSL
    vars:
      - name: quay_validate_certs
  ca_path:
    description:
      - Path of a file on the controller that contains the CA certificates to trust, in PEM format.
    type: str
    env:
      - name: QUAY_CA_PATH
    vars:
      - name: quay_ca_path
  timeout:
    description:
      - Number of seconds to wait for a connection, and then for a response, before a request fails. If not specified,
        V(10).
    type: raw
    env:
      - name: QUAY_TIMEOUT
    vars:
      - name: quay_timeout
  retries:
    description:
      - Maximum number of times to repeat a request after a connection error or the status 429, 502, 503 or 504. If not
        specified, V(3).
    type: raw
    vars:
      - name: quay_retries
requirements:
  - requests (Python library on the controller)
notes:
  - An empty value of an option, a variable or an environment variable counts as not specified.
  - An option in the call takes precedence over a variable, and a variable over the environment.
  - The file C(.netrc) is never read. Redirects are not followed, so that credentials never reach another server.
seealso:
  - module: tokensmith.quay.quay_referrers_token
"""

EXAMPLES = r"""
- name: List the referrers of an image
  ansible.builtin.uri:
    url: "https://quay.example.com/v2/acme/app/referrers/{{ image_digest }}"
    headers:
      Authorization: "Bearer {{ lookup('tokensmith.quay.registry_token', 'acme/app') }}"
  no_log: true

- name: Read the tags of some repositories, with one token
  ansible.builtin.uri:
    url: "https://quay.example.com/v2/{{ item }}/tags/list"
    headers:
      Authorization: "Bearer {{ lookup('tokensmith.quay.registry_token', *repositories) }}"
  loop: "{{ repositories }}"
  vars:
    repositories: [acme/app, acme/base]
  no_log: true

- name: Delete a manifest with the login of a robot
  ansible.builtin.uri:
    url: "https://quay.example.com/v2/acme/app/manifests/{{ image_digest }}"
    method: DELETE
    status_code: 202
    headers:
      Authorization: "Bearer {{ token }}"
  vars:
    token: >-
      {{ lookup('tokensmith.quay.registry_token', 'acme/app', actions=['pull', 'push'], quay_username='acme+cleanup',
                quay_password=cleanup_token) }}
  no_log: true
"""

RETURN = r"""
_raw:
  description: The token, as a list with one element. C(lookup) returns the element itself.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.registry_token import RegistryTokens
from ansible_collections.tokensmith.quay.plugins.module_utils._http.session import REQUESTS_IMPORT_ERROR
from ansible_collections.tokensmith.quay.plugins.module_utils._module.failures import failure_message

# The variable for each option.
_VARIABLES = {
    "quay_host": "quay_host",
    "quay_token": "quay_token",
    "quay_username": "quay_username",
    "quay_password": "quay_password",
    "validate_certs": "quay_validate_certs",
    "ca_path": "quay_ca_path",
    "timeout": "quay_timeout",
    "retries": "quay_retries",
}

_TOKENS = RegistryTokens()


class LookupModule(LookupBase):
    """The lookup of this file."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return the token."""
        variables = variables or {}
        given = {name: value for name, value in kwargs.items() if not _is_empty(value)}
        plugin: Any = self  # these methods of Ansible have no types
        plugin.set_options(var_options=_known(variables, plugin), direct=given)
        if REQUESTS_IMPORT_ERROR is not None:
            raise AnsibleLookupError("registry_token: the Python library requests is missing on the controller")
        try:
            token = _TOKENS.get(
                {name: plugin.get_option(name) for name in _VARIABLES},
                plugin._flatten(terms),
                plugin.get_option("actions"),
                Display().warning,
                check_mode=bool(variables.get("ansible_check_mode")),
            )
        except Exception as error:
            message = failure_message(error)
        else:
            return [token]
        # Outside of the except block: Ansible shows the exceptions that led to this one.
        raise AnsibleLookupError(f"registry_token: {message}")


def _known(variables: dict[str, Any], plugin: Any) -> dict[str, Any]:
    """The variables of the options, evaluated, without the empty ones."""
    found = {name: plugin._templar.template(variables[name]) for name in _VARIABLES.values() if name in variables}
    return {name: value for name, value in found.items() if not _is_empty(value)}


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
