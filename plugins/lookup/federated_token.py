# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup federated_token: a token of a robot in exchange for an OIDC token."""

from __future__ import annotations

DOCUMENTATION = r"""
name: federated_token
short_description: Exchange an OIDC token for a token of a Quay robot
version_added: "0.1.0"
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
  quay_host:
    description:
      - URL of the Quay server, with scheme and optional port, but without a path. Required.
    type: str
    env:
      - name: QUAY_HOST
    vars:
      - name: quay_host
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
requirements:
  - requests (Python library on the controller)
notes:
  - An empty value of an option, a variable or an environment variable counts as not specified.
  - An option in the call takes precedence over a variable, and a variable over the environment.
  - The file C(.netrc) is never read. Redirects are not followed, so that credentials never reach another server.
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

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.federated_lookup import FederatedTokens
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.identity_source import IDENTITY_OPTIONS
from ansible_collections.tokensmith.quay.plugins.module_utils._http.session import REQUESTS_IMPORT_ERROR
from ansible_collections.tokensmith.quay.plugins.module_utils._module.failures import failure_message

# The options, each with its variable.
_VARIABLES = {
    "quay_host": "quay_host",
    "validate_certs": "quay_validate_certs",
    "ca_path": "quay_ca_path",
    "timeout": "quay_timeout",
    "retries": "quay_retries",
    **{name: f"quay_{name}" for name in IDENTITY_OPTIONS},
}

_TOKENS = FederatedTokens()


class LookupModule(LookupBase):
    """The lookup of this file."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return the token."""
        variables = variables or {}
        given = {name: value for name, value in kwargs.items() if not _is_empty(value)}
        plugin: Any = self  # these methods of Ansible have no types
        plugin.set_options(var_options=_known(variables, plugin), direct=given)
        if REQUESTS_IMPORT_ERROR is not None:
            raise AnsibleLookupError("federated_token: the Python library requests is missing on the controller")
        try:
            robots = plugin._flatten(terms)
            if len(robots) != 1:
                raise BadInput("name one robot")
            token = _TOKENS.get(
                {name: plugin.get_option(name) for name in _VARIABLES}, str(robots[0]), Display().warning
            )
        except Exception as error:
            message = failure_message(error)
        else:
            return [token]
        # Outside of the except block: Ansible shows the exceptions that led to this one.
        raise AnsibleLookupError(f"federated_token: {message}")


def _known(variables: dict[str, Any], plugin: Any) -> dict[str, Any]:
    """The variables of the options, evaluated, without the empty ones."""
    found = {name: plugin._templar.template(variables[name]) for name in _VARIABLES.values() if name in variables}
    return {name: value for name, value in found.items() if not _is_empty(value)}


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
