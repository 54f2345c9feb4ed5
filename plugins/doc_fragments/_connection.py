# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time.
# Do not use it from other collections or from playbooks' own modules.

from __future__ import annotations


class ModuleDocFragment:
    """The options with which every module reaches Quay."""

    DOCUMENTATION = r"""
options:
  quay_host:
    description:
      - URL of the Quay server, without a path, for example V(https://quay.example.com) or
        V(https://[2001:db8::1]:8443).
      - Falls back to the environment variable E(QUAY_HOST) of the target.
    type: str
    default: http://127.0.0.1
  quay_token:
    description:
      - OAuth access token to call the API with. Each request made with a token costs the server one password hash.
      - Give either this or O(quay_username) and O(quay_password). What the play sets wins over the environment.
      - Falls back to the environment variable E(QUAY_TOKEN) of the target.
    type: str
  quay_username:
    description:
      - User to sign in as. The module never signs the user out, because Quay would end all sessions of that user.
      - Falls back to the environment variable E(QUAY_USERNAME) of the target.
    type: str
  quay_password:
    description:
      - Password of O(quay_username).
      - Falls back to the environment variable E(QUAY_PASSWORD) of the target.
    type: str
  validate_certs:
    description:
      - Whether the server's TLS certificate must be valid. Set to V(false) only for a trial, as it exposes the
        credentials.
      - Falls back to the environment variable E(QUAY_VERIFY_SSL) of the target.
    type: bool
    default: true
    aliases: [verify_ssl]
  ca_path:
    description:
      - File on the target with the CA certificates to trust, in PEM format, where the server's CA is not a public
        one.
      - Falls back to the environment variable E(QUAY_CA_PATH) of the target.
    type: path
  timeout:
    description:
      - Seconds to wait for a connection, and then for an answer, before giving up on a request.
      - Falls back to the environment variable E(QUAY_TIMEOUT) of the target.
    type: float
    default: 10.0
  retries:
    description:
      - How often a reading request is repeated, with growing pauses, after a connection error or the status 429, 502,
        503 or 504.
      - A request that issues a secret is never repeated.
    type: int
    default: 3
requirements:
  - requests (Python library on the target)
notes:
  - Proxies are taken from the usual environment variables of the target. The file C(.netrc) is never read, and no
    redirect is followed with credentials.
"""
