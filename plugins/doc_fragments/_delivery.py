# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time.
# Do not use it from other collections or from playbooks' own modules.

from __future__ import annotations


class ModuleDocFragment:
    """What the modules that deliver to a store are told of the credential."""

    DOCUMENTATION = r"""
options:
  token:
    description:
      - The secret to deliver. Required with O(state=present), but in check mode.
    type: str
  username:
    description:
      - What consumers type beside the secret, for example V(acme+ci) or V($oauthtoken).
    type: str
    default: ""
  registry:
    description:
      - Host that consumers name in C(podman login). Defaults to the host of O(quay_host).
    type: str
  name:
    description:
      - What the credential is called.
    type: str
    default: ""
  uuid:
    description:
      - The credential's uuid in Quay, to be written down beside it.
    type: str
  created_at:
    description:
      - When the secret was made (ISO 8601, UTC), to be written down beside it, so that a later run knows its age
        without asking.
    type: str
  expires_at:
    description:
      - When the secret ends (ISO 8601, UTC), to be written down beside it.
    type: str
  state:
    description:
      - V(present) delivers the credential, V(absent) takes it away.
    type: str
    choices: [present, absent]
    default: present
"""
