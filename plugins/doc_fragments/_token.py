# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This doc fragment is PRIVATE to the collection: it can change at any time.
# Do not use it from other collections or from playbooks' own modules.

from __future__ import annotations


class ModuleDocFragment:
    """The options that all token modules share."""

    DOCUMENTATION = r"""
options:
  current_token:
    description:
      - The secret that you hold now, for example out of a vault. The module judges it and replaces it only when it is
        due.
      - It is never returned.
    type: str
  token_path:
    description:
      - Absolute path of a file on the target that holds the secret and nothing else. The module reads it as the
        current token, writes a new one whole or not at all, with mode V(0600), and does not return it.
      - What is known of the secret (its fingerprint, dates and uuid, never the secret) is kept beside it in a file of
        the same name with C(.record.json) appended.
      - The directory must exist. Symbolic links are refused.
    type: path
  deliver:
    description:
      - The stores on the target that consumers read. The module reads them, judges what they hold, writes a new
        secret into all of them, each whole or not at all, reads each back, and does not return it.
      - A store that has lost the present secret gets it again without a new one, where Quay can tell it or another
        store has it.
      - Only one of O(deliver), O(token_path) and O(current_token) may be given.
    type: list
    elements: dict
    suboptions:
      kind:
        description:
          - V(file) is a file of its own, as M(tokensmith.quay.quay_token_file) writes it. V(container_auth) is one
            entry of a container engine's auth file, as M(tokensmith.quay.quay_container_auth) writes it.
        type: str
        choices: [file, container_auth]
        required: true
      path:
        description:
          - Absolute path of the file on the target. Its directory must exist. Symbolic links are refused.
        type: path
        required: true
      format:
        description:
          - How a V(file) is written. V(token) is the secret alone.
        type: str
        choices: [token, json, yaml, env]
        default: token
      prefix:
        description:
          - What the variables of V(env) begin with.
        type: str
        default: QUAY_
      owner:
        description:
          - User, by name or number, who shall own a V(file).
        type: str
      group:
        description:
          - Group, by name or number, that shall own a V(file).
        type: str
      mode:
        description:
          - Permissions of a V(file), in octal.
        type: str
        default: "0600"
      registry:
        description:
          - Host that consumers name in C(podman login). Defaults to the host of O(quay_host).
        type: str
  rotate:
    description:
      - V(when_due) replaces the secret only when there is a reason; RV(reason) says which.
      - V(always) replaces it in each run, so the task is then not idempotent.
      - V(never) creates what is missing but keeps what exists. RV(reason) still says what would be due.
    type: str
    choices: [when_due, always, never]
    default: when_due
"""

    EXPIRY = r"""
options:
  renew_before:
    description:
      - Replace the secret when less than this is left of its life, for example V(14d), V(12h) or V(30m).
    type: str
"""

    MAX_AGE = r"""
options:
  max_age:
    description:
      - Replace the secret when it is older than this, for example V(90d), V(12h) or V(30m).
    type: str
"""
