# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter rotation_report: the report of the role rotation."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.report import make_report

DOCUMENTATION = r"""
name: rotation_report
short_description: Combine the status and the results of many credentials into a report
version_added: "0.1.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Combines declared credentials, their status and the results of the token modules into rows, a table and a summary.
    The role P(tokensmith.quay.rotation#role) uses it for C(rotation_report).
  - The result contains no secret.
positional: statuses, results
options:
  _input:
    description: The declared credentials, as M(tokensmith.quay.quay_declaration_info) returns them.
    type: list
    elements: dict
    required: true
  statuses:
    description: The status of each, as M(tokensmith.quay.quay_token_info) returns it. Null if it is unknown.
    type: list
    elements: dict
  results:
    description: Results of the token modules by the name of the credential, or a dictionary with the key C(error).
    type: dict
    required: true
  check_mode:
    description: Whether the results are predictions.
    type: bool
    default: false
  interruption:
    description: Why the run stopped before all credentials were rotated.
    type: str
"""

EXAMPLES = r"""
- name: Show a report
  ansible.builtin.debug:
    msg: "{{ (declarations.credentials | tokensmith.quay.rotation_report(status.credentials, results)).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(rows) has one dictionary per credential. C(lines) is a table for people, failures first. C(summary) has the
      number of credentials for each outcome, and the errors by name.
  type: dict
"""


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """Return the filters by name."""
        return {"rotation_report": make_report}
