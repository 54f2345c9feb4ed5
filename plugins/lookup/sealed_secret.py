# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup sealed_secret: what the role rotation hands over to a task file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: sealed_secret
short_description: Open what the role rotation sealed for a task file
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - The role P(tokensmith.quay.rotation#role) uses this lookup for the variable C(quay_credential) of a task file. The
    secret is encrypted with a key that exists only in the processes of this run of Ansible, so that no variable of a
    host holds it.
  - There is no reason to use it in a play.
options:
  _terms:
    description: What the role sealed.
    required: true
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Open what the role sealed
  ansible.builtin.set_fact:
    is_empty: "{{ lookup('tokensmith.quay.sealed_secret') | length == 0 }}"
"""

RETURN = r"""
_raw:
  description: The secret, or nothing for a credential that is declared absent.
  type: list
  elements: str
"""

from typing import Any

from ansible.plugins.lookup import LookupBase

from ansible_collections.tokensmith.quay.plugins.plugin_utils.sealing import unseal


class LookupModule(LookupBase):
    """The lookup sealed_secret."""

    def run(self, terms: list[str], variables: Any = None, **_kwargs: Any) -> list[Any]:
        """Return the secrets."""
        return [unseal(term) or "" for term in terms]
