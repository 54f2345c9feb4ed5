# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time.
# Do not use it from other collections or from playbooks' own modules.

from __future__ import annotations


class ModuleDocFragment:
    """Options that describe the credential that a module delivers to a store."""

    DOCUMENTATION = r"""
options:
  token:
    description:
      - The secret to deliver.
      - Required with O(state=present), except in check mode, and except if the store already holds the secret with this
        O(fingerprint).
    type: str
  fingerprint:
    description:
      - Fingerprint of the secret to deliver, as the token modules return it in the key C(fingerprint).
      - The token modules return a null C(token) in check mode, and for a secret that you hold already. The stored
        secret is then compared by this fingerprint. If it is the same one, the module does what it would do with the
        secret itself, so check mode predicts a change only if the real run makes one.
      - If neither O(token) nor the stored secret has this fingerprint, check mode predicts a change, and a real run
        fails. This includes a null fingerprint, which check mode of a token module returns if it would issue a secret.
      - A fingerprint that does not belong to O(token) is refused before anything is written.
    type: str
  username:
    description:
      - User name that consumers use together with the secret, for example V(acme+ci) or V($oauthtoken).
    type: str
    default: ""
  registry:
    description:
      - Host name, and port if any, that consumers use in C(podman login). Specify it without a scheme.
      - Defaults to the host of O(quay_host).
    type: str
  name:
    description:
      - Name of the credential.
    type: str
    default: ""
  uuid:
    description:
      - UUID of the credential in Quay. It is stored in the record of the secret.
    type: str
  created_at:
    description:
      - Time at which the secret was created (ISO 8601, UTC). It is stored in the record of the secret, so that a later
        run knows the age of the secret without a request to Quay.
    type: str
  expires_at:
    description:
      - Time at which the secret expires (ISO 8601, UTC). It is stored in the record of the secret.
    type: str
  state:
    description:
      - V(present) delivers the credential.
      - V(absent) removes it.
    type: str
    choices: [present, absent]
    default: present
"""
