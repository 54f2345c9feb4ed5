# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time.
# Do not use it from other collections or from playbooks' own modules.

from __future__ import annotations


class ModuleDocFragment:
    """Options for the connection to the Quay server."""

    DOCUMENTATION = r"""
options:
  quay_host:
    description:
      - URL of the Quay server, with scheme and optional port, but without a path. For example
        V(https://quay.example.com) or V(https://[2001:db8::1]:8443). The default port of the scheme is dropped, and the
        host is converted to lower case, as container engines look it up.
      - If not specified, the environment variable E(QUAY_HOST) on the target is used. One of the two is required by
        every module that talks to Quay.
    type: str
  quay_token:
    description:
      - OAuth access token for the API. Every request with a token costs the server one password hash.
      - Tokens of robots and app tokens are for the registry only. The API does not accept them.
      - Specify either this option, O(quay_token_path), or O(quay_username) and O(quay_password). Values from the task
        take precedence over environment variables.
      - If not specified, the environment variable E(QUAY_TOKEN) on the target is used.
    type: str
  quay_token_path:
    description:
      - Path of a file on the target from which to read the OAuth access token, instead of O(quay_token). It holds the
        token alone, or is a JSON file with the key C(token), as M(tokensmith.quay.quay_token_file) writes them.
      - Each task reads the file anew, so that a task after the rotation of this token uses the new one.
      - It takes precedence over environment variables.
    type: path
  quay_username:
    description:
      - Name of the user to sign in as, together with O(quay_password). Robots (V(acme+ci)), V($app) and V($oauthtoken)
        cannot sign in to the API. They are refused, except by modules that use only the registry.
      - The module never signs the user out, because Quay would then end all sessions of this user.
      - If not specified, the environment variable E(QUAY_USERNAME) on the target is used.
    type: str
  quay_password:
    description:
      - Password of O(quay_username). Line breaks around it are ignored.
      - If not specified, the environment variable E(QUAY_PASSWORD) on the target is used.
    type: str
  validate_certs:
    description:
      - Whether to verify the TLS certificate of the server.
      - Set to V(false) only for tests, because it exposes the credentials to anyone who can intercept the connection.
        For a private CA, use O(ca_path) instead.
      - If not specified, the environment variable E(QUAY_VERIFY_SSL) on the target is used.
    type: bool
    default: true
    aliases: [verify_ssl]
  ca_path:
    description:
      - Path of a file on the target that contains the CA certificates to trust, in PEM format.
      - Specify this if the certificate of the server was not issued by a public CA.
      - If not specified, the environment variable E(QUAY_CA_PATH) on the target is used.
    type: path
  timeout:
    description:
      - Number of seconds to wait for a connection, and then for a response, before a request fails.
      - If not specified, the environment variable E(QUAY_TIMEOUT) on the target is used.
    type: float
    default: 10.0
  retries:
    description:
      - Maximum number of times to repeat a read request (GET or HEAD) after a connection error or the status 429, 502,
        503 or 504. The pause before each repetition increases. V(0) disables repetition.
      - A request that issues a secret is never repeated.
    type: int
    default: 3
requirements:
  - requests (Python library on the target)
notes:
  - An empty value of an option counts as not specified, and an empty environment variable as not set, as templates and
    AWX pass them. The exceptions are texts that can be empty in Quay, such as a description.
  - A value that Ansible masked in the result of another task (C(VALUE_SPECIFIED_IN_NO_LOG_PARAMETER), C(********)) is
    refused, because it is not the real one.
  - Proxies are taken from the usual environment variables on the target, such as E(HTTPS_PROXY).
  - The file C(.netrc) is never read. Redirects are not followed, so that credentials never reach another server.
"""
