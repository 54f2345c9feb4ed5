# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter rotation_report: the report of the role rotation."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.report import make_report

DOCUMENTATION = r"""
name: rotation_report
short_description: Make a report of the results of many credentials
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Makes rows, a table and a summary of declared credentials and the results of their rotation. The role
    P(tokensmith.quay.rotation#role) uses it for C(rotation_report).
  - The result contains no secret.
positional: results
options:
  _input:
    description: The declared credentials, as M(tokensmith.quay.quay_rotation) returns them in C(declared).
    type: list
    elements: dict
    required: true
  results:
    description:
      - The result of each, as M(tokensmith.quay.quay_rotation) returns it. Null if nothing is known.
    type: list
    elements: dict
  check_mode:
    description: Whether the results are predictions.
    type: bool
    default: false
  interruption:
    description: Why the run stopped before all credentials were rotated.
    type: str
  earlier:
    description:
      - The C(rows) of a former report on other credentials, to include in C(rows) and C(summary). The table does not
        repeat them.
    type: list
    elements: dict
"""

EXAMPLES = r"""
- name: Show a report
  ansible.builtin.debug:
    msg: "{{ (rotation.declared | tokensmith.quay.rotation_report(rotation.results)).lines }}"
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
