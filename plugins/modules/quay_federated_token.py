#!/usr/bin/python
# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quay_federated_token
short_description: Exchange an OIDC token for a token of a Quay robot
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Exchanges the OIDC token of a CI job, of a Kubernetes service account or of another workload for a token of a robot.
    No secret of Quay has to be stored anywhere.
  - The robot needs the issuer and the subject of the OIDC token in its federation. See the option C(federation) of
    M(tokensmith.quay.quay_robot_token). This requires Quay 3.13 or newer.
  - The token is a password of the robot for an hour, for C(podman login) or an auth file. The module keeps one that is
    held, and gets a new one when its remaining lifetime is O(renew_before) or shorter.
  - "B(The hour is no limit for a program that has the token.) Quay accepts it as the robot's password, each
    login with it gives another token for an hour, and Quay accepts that one as a password, too. This ends only when the
    robot is deleted, and not created again under the same name within the hour, or when its owner is disabled. It does
    not end when the federation is removed or the robot's own token is replaced."
  - The exchange needs no login of Quay. If one is specified that may read the federation of the robot, the module
    compares the OIDC token with it, in check mode, and when Quay refuses the exchange.
  - Specify at most one of O(oidc_token), O(oidc_token_path), O(oidc_token_variable) and O(oidc_issuer). Without them,
    the OIDC token is requested from GitHub Actions, Forgejo Actions or Gitea Actions, with the environment variables
    E(ACTIONS_ID_TOKEN_REQUEST_URL) and E(ACTIONS_ID_TOKEN_REQUEST_TOKEN) of the job.
extends_documentation_fragment:
  - tokensmith.quay._attributes
  - tokensmith.quay._attributes.action_group
  - tokensmith.quay._connection
  - tokensmith.quay._token
  - tokensmith.quay._credentials.federated_token
attributes:
  check_mode:
    support: full
    details:
      - In check mode, the module gets the OIDC token and checks it, but does not exchange it, because Quay logs each
        exchange.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Nothing changes on the server, so the module reports a change only when it writes O(token_path) or a store of
        O(deliver).
      - With O(rotate=always), every run replaces the token.
options:
  name:
    description:
      - Full name of the robot, as V(organization+robot), or V(user+robot) for a robot of a user. With O(robot), any
        name for the credential.
      - Required if O(credentials) is not specified.
    type: str
  robot:
    description:
      - Full name of the robot, if O(name) is another one. The role P(tokensmith.quay.rotation#role) needs this for a
        robot that it declares, too, because each name is declared once.
    type: str
  oidc_token:
    description:
      - The OIDC token itself. It must be signed by RS256 or RS384.
    type: str
  oidc_token_path:
    description:
      - Path of a file on the target that holds the OIDC token, for example a projected token of a Kubernetes service
        account. It is read in each run, because such a token is renewed in the file.
    type: path
  oidc_token_variable:
    description:
      - Name of the environment variable on the target that holds the OIDC token, for example V(QUAY_ID_TOKEN) if
        C(id_tokens) of a job of GitLab CI has this name.
    type: str
  oidc_issuer:
    description:
      - URL of the OIDC issuer from which to request a token for a client (grant C(client_credentials)). It is the
        C(iss) of its tokens.
      - The issuer's C(access_token) must be a JWT, with the claim C(sub), as Keycloak issues it.
      - Needs O(oidc_client_id) and O(oidc_client_secret).
    type: str
  oidc_client_id:
    description:
      - ID of the client at O(oidc_issuer).
    type: str
  oidc_client_secret:
    description:
      - Secret of the client at O(oidc_issuer). It is sent only to the issuer's own token endpoint.
    type: str
  oidc_audience:
    description:
      - Audience to request the OIDC token for, from GitHub Actions or O(oidc_issuer). If not specified, the issuer
        chooses one.
      - Quay does not check the audience. Use one of your own, so that other services refuse the token.
    type: str
  oidc_scopes:
    description:
      - Scopes to request the token of O(oidc_issuer) with. If not specified, the issuer chooses them.
    type: list
    elements: str
  oidc_ca_path:
    description:
      - Path of a file on the target with the CA certificates to trust when the OIDC token is requested, in PEM format.
        If not specified, those of the Python library requests are used.
      - Quay requests the issuer's keys itself, and must trust its certificate, too.
    type: path
  renew_before:
    description:
      - Replace the token when its remaining lifetime is this duration or shorter, for example V(30m). Use more than
        your longest job takes.
      - The unit is V(s), V(m), V(h), V(d) or V(w).
      - Defaults to V(5m). It must be shorter than V(1h), the lifetime of every such token, because otherwise every run
        would issue a token.
    type: str
  state:
    description:
      - V(present) ensures that a valid token exists.
      - V(absent) removes the token from O(token_path) or from the stores of O(deliver). Quay cannot revoke the token. A
        store with a valid token of another robot, or with the robot's token that does not expire, is kept, with a
        warning.
    type: str
    choices: [present, absent]
    default: present
notes:
  - O(timeout) does not apply to the exchange if it is shorter than 65 seconds, because Quay waits for the issuer.
seealso:
  - module: tokensmith.quay.quay_robot_token
  - plugin: tokensmith.quay.federated_token
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Log in to the registry in a job of GitHub Actions with the permission id-token
  tokensmith.quay.quay_federated_token:
    quay_host: https://quay.example.com
    name: acme+deploy
    oidc_audience: quay.example.com
    deliver:
      - kind: container_auth
        path: "{{ lookup('ansible.builtin.env', 'HOME') }}/.docker/config.json"

- name: Get a token in a job of GitLab CI whose id_tokens has QUAY_ID_TOKEN
  tokensmith.quay.quay_federated_token:
    quay_host: https://quay.example.com
    name: acme+deploy
    oidc_token_variable: QUAY_ID_TOKEN
  register: robot
  no_log: true

- name: Keep a token in a file, in a pod with a projected service account token
  tokensmith.quay.quay_federated_token:
    quay_host: https://quay.example.com
    name: acme+pull
    oidc_token_path: /var/run/secrets/quay/token
    renew_before: 30m
    token_path: /run/quay/token

- name: Get a token for a client of an OIDC issuer
  tokensmith.quay.quay_federated_token:
    quay_host: https://quay.example.com
    name: acme+build
    oidc_issuer: https://login.example.com/realms/acme
    oidc_client_id: build-farm
    oidc_client_secret: "{{ lookup('ansible.builtin.env', 'OIDC_CLIENT_SECRET') }}"
    token_path: /run/quay/build-token
"""

RETURN = r"""
results:
  description:
    - With O(credentials), the result for each entry, in their order. It has the return values of this module for one
      credential, and C(changed).
    - For an entry that failed, it has C(name), C(changed), C(failed), which is V(true), and C(msg). The task then fails
      after all others were done, and returns this list nevertheless.
  returned: with O(credentials), also if the task fails because of some of them
  type: list
  elements: dict
  sample: []
token:
  description:
    - The token. Null in check mode, with O(token_path) or O(deliver), and if O(current_token) is still valid.
  returned: success, without O(credentials)
  type: str
  sample: null
username:
  description: User name to use together with the token, for example in C(podman login). It is the name of the robot.
  returned: success, without O(credentials)
  type: str
  sample: acme+deploy
registry:
  description: Host name, and port if any, of the registry. It is taken from O(quay_host).
  returned: success, without O(credentials)
  type: str
  sample: quay.example.com
api_url:
  description: URL of the API of the server.
  returned: success, without O(credentials)
  type: str
  sample: https://quay.example.com/api/v1
name:
  description: Name of the credential, as specified in the task.
  returned: success, without O(credentials)
  type: str
  sample: acme+deploy
uuid:
  description: Always null, because Quay does not list such tokens.
  returned: success, without O(credentials)
  type: str
  sample: null
created_at:
  description:
    - Time at which the token was issued (ISO 8601, UTC). Null if no token is held, and in check mode for a token that
      would be issued.
  returned: success, without O(credentials)
  type: str
  sample: "2026-01-31T12:00:00Z"
expires_at:
  description:
    - Time at which the token expires (ISO 8601, UTC), one hour after it was issued. Null if no token is held, and in
      check mode for a token that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: "2026-01-31T13:00:00Z"
last_accessed:
  description: Always null, because Quay does not record the use of such a token.
  returned: success, without O(credentials)
  type: str
  sample: null
age_source:
  description:
    - Source of RV(created_at) and RV(expires_at). V(mint) for a token issued in this run, V(quay) for the dates that
      Quay wrote into the held token. Null if the dates are null.
  returned: success, without O(credentials)
  type: str
  sample: mint
fingerprint:
  description:
    - First 12 hexadecimal digits of the SHA-256 hash of the token, safe to log. Null if no token is held, and in check
      mode for a token that would be issued.
  returned: success, without O(credentials)
  type: str
  sample: 9f86d081884c
reason:
  description:
    - Why a token was issued or delivered. One of V(missing), V(forced), V(invalid), V(expired), V(expiring),
      V(undelivered), V(absent) or V(not_due).
    - V(absent) means that O(state=absent) removed something, or would remove it in check mode.
    - V(undelivered) means that a store did not hold the present token and received it again.
  returned: success, without O(credentials)
  type: str
  sample: missing
minted:
  description: Whether Quay issued a new token, or would issue one in check mode.
  returned: success, without O(credentials)
  type: bool
  sample: true
window_seconds:
  description:
    - Number of seconds from just before the new token was requested until its last delivery. Null if no token was
      issued, and in check mode.
  returned: success, without O(credentials)
  type: float
  sample: null
delivered:
  description:
    - Paths of the stores of O(deliver), or of O(token_path), that were written, or would be written in check mode.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: [/etc/containers/auth.json]
retired:
  description: Always empty, because such tokens cannot be revoked.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
deleted:
  description: Always empty, because such tokens cannot be deleted.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
removed:
  description:
    - With O(state=absent), the paths of the stores from which the credential was removed, or would be removed in check
      mode.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
superseded:
  description: Always empty, because such tokens cannot be revoked.
  returned: success, without O(credentials)
  type: list
  elements: str
  sample: []
"""

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.federated_token import (
    FEDERATED_TOKEN_OPTIONS,
    ensure_federated_tokens,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.identity_source import (
    IDENTITY_REQUIREMENTS,
    SOURCES,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module.runner import run_module
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import HOLDER_CHOICES


def main() -> None:
    run_module(
        ensure_federated_tokens,
        FEDERATED_TOKEN_OPTIONS,
        auth_optional=True,
        or_many=True,
        mutually_exclusive=[*HOLDER_CHOICES, SOURCES],
        required_by=IDENTITY_REQUIREMENTS,
    )


if __name__ == "__main__":
    main()
