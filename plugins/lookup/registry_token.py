# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup registry_token: a registry token for some repositories."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_token
short_description: Get a registry token of Quay
version_added: "1.0.0"
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
extends_documentation_fragment:
  - tokensmith.quay._lookup
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
  retries:
    description:
      - Maximum number of times to repeat a request after a connection error or the status 429, 502, 503 or 504. If not
        specified, V(3).
    type: raw
    vars:
      - name: quay_retries
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

from typing import Any, ClassVar, Mapping, Sequence

from ansible.utils.display import Display

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.registry_token import RegistryTokens
from ansible_collections.tokensmith.quay.plugins.plugin_utils.token_lookup import TokenLookup

_TOKENS = RegistryTokens()


class LookupModule(TokenLookup):
    """The lookup of this file."""

    name = "registry_token"
    variables: ClassVar[Mapping[str, str]] = {
        "quay_host": "quay_host",
        "quay_token": "quay_token",
        "quay_username": "quay_username",
        "quay_password": "quay_password",
        "validate_certs": "quay_validate_certs",
        "ca_path": "quay_ca_path",
        "timeout": "quay_timeout",
        "retries": "quay_retries",
    }

    def token(self, terms: Sequence[Any], options: Mapping[str, Any], *, check_mode: bool) -> str:
        plugin: Any = self
        actions = plugin.get_option("actions")
        return _TOKENS.get(options, terms, actions, Display().warning, check_mode=check_mode)
