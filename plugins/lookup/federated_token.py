# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup federated_token: a token of a robot in exchange for an OIDC token."""

from __future__ import annotations

DOCUMENTATION = r"""
name: federated_token
short_description: Exchange an OIDC token for a token of a Quay robot
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Exchanges an OIDC token for a token of a robot, which is a password of the robot for an hour. The robot needs the
    issuer and the subject of the OIDC token in its federation. See M(tokensmith.quay.quay_federated_token).
  - The lookup runs on the controller, and reads files and environment variables there. To get a token on another host,
    or to keep one in a file, use M(tokensmith.quay.quay_federated_token).
  - A token is requested once per task and host, so it is always valid, also in a play that runs for hours. Further
    evaluations with the same options in that task return the same token without a request.
  - In check mode, the lookup also requests a token. This changes nothing in Quay, except that Quay logs the exchange.
  - "B(The hour is no limit for a program that has the token), as described for
    M(tokensmith.quay.quay_federated_token)."
  - B(The result is a secret). Use C(no_log) for the task.
extends_documentation_fragment:
  - tokensmith.quay._lookup
options:
  _terms:
    description:
      - Full name of the robot, as V(organization+robot). Only one can be specified.
    type: list
    elements: str
    required: true
  oidc_token:
    description:
      - The OIDC token itself. It must be signed by RS256 or RS384.
      - Specify at most one of this option, O(oidc_token_path), O(oidc_token_variable) and O(oidc_issuer). Without them,
        the OIDC token is requested from GitHub Actions, Forgejo Actions or Gitea Actions, with the environment
        variables E(ACTIONS_ID_TOKEN_REQUEST_URL) and E(ACTIONS_ID_TOKEN_REQUEST_TOKEN) of the job.
    type: str
    vars:
      - name: quay_oidc_token
  oidc_token_path:
    description:
      - Path of a file on the controller that holds the OIDC token. It is read for each exchange.
    type: str
    vars:
      - name: quay_oidc_token_path
  oidc_token_variable:
    description:
      - Name of the environment variable on the controller that holds the OIDC token, as C(id_tokens) of GitLab CI sets
        it.
    type: str
    vars:
      - name: quay_oidc_token_variable
  oidc_issuer:
    description:
      - URL of the OIDC issuer from which to request a token for a client (grant C(client_credentials)). Needs
        O(oidc_client_id) and O(oidc_client_secret).
    type: str
    vars:
      - name: quay_oidc_issuer
  oidc_client_id:
    description:
      - ID of the client at O(oidc_issuer).
    type: str
    vars:
      - name: quay_oidc_client_id
  oidc_client_secret:
    description:
      - Secret of the client at O(oidc_issuer).
    type: str
    vars:
      - name: quay_oidc_client_secret
  oidc_audience:
    description:
      - Audience to request the OIDC token for, from GitHub Actions or O(oidc_issuer).
    type: str
    vars:
      - name: quay_oidc_audience
  oidc_scopes:
    description:
      - Scopes to request the token of O(oidc_issuer) with.
    type: list
    elements: str
    vars:
      - name: quay_oidc_scopes
  oidc_ca_path:
    description:
      - Path of a file on the controller with the CA certificates to trust when the OIDC token is requested, in PEM
        format.
    type: str
    vars:
      - name: quay_oidc_ca_path
  timeout:
    description:
      - Number of seconds to wait for a connection, and then for a response, before a request fails. If not specified,
        V(10). The exchange may take 65 seconds in any case.
    type: raw
    env:
      - name: QUAY_TIMEOUT
    vars:
      - name: quay_timeout
  retries:
    description:
      - Maximum number of times to repeat a request after a connection error or the status 429, 502, 503 or 504. The
        exchange itself is repeated only after 429. If not specified, V(3).
    type: raw
    vars:
      - name: quay_retries
seealso:
  - module: tokensmith.quay.quay_federated_token
  - module: tokensmith.quay.quay_robot_token
"""

EXAMPLES = r"""
- name: Log in to the registry in a job of GitLab CI whose id_tokens has QUAY_ID_TOKEN
  ansible.builtin.command:
    cmd: skopeo login --username acme+deploy --password-stdin quay.example.com
    stdin: "{{ lookup('tokensmith.quay.federated_token', 'acme+deploy', oidc_token_variable='QUAY_ID_TOKEN') }}"
  changed_when: true
  no_log: true

- name: Read the tags of a repository in a pod with a projected service account token
  ansible.builtin.uri:
    url: https://quay.example.com/v2/auth?service=quay.example.com&scope=repository:acme/app:pull
    url_username: acme+pull
    url_password: "{{ lookup('tokensmith.quay.federated_token', 'acme+pull', oidc_token_path=path) }}"
    force_basic_auth: true
  vars:
    path: /var/run/secrets/quay/token
  register: registry_token
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

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.federated_lookup import FederatedTokens
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.identity_source import IDENTITY_OPTIONS
from ansible_collections.tokensmith.quay.plugins.plugin_utils.token_lookup import TokenLookup

_TOKENS = FederatedTokens()


class LookupModule(TokenLookup):
    """The lookup of this file."""

    name = "federated_token"
    variables: ClassVar[Mapping[str, str]] = {
        "quay_host": "quay_host",
        "validate_certs": "quay_validate_certs",
        "ca_path": "quay_ca_path",
        "timeout": "quay_timeout",
        "retries": "quay_retries",
        **{name: f"quay_{name}" for name in IDENTITY_OPTIONS},
    }

    def token(self, terms: Sequence[Any], options: Mapping[str, Any], *, check_mode: bool) -> str:
        if len(terms) != 1:
            raise BadInput("name one robot")
        return _TOKENS.get(options, str(terms[0]), Display().warning)
