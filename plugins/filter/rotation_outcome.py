# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a rotation from what its tasks returned."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.report import make_report
from ansible_collections.tokensmith.quay.plugins.plugin_utils.compact import expanded

DOCUMENTATION = r"""
name: rotation_outcome
short_description: Get the report of a rotation from what its tasks returned
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Returns the report that M(tokensmith.quay.quay_rotation) made at the end of a rotation. If the rotation did not get
    there, makes one of what is known. The role P(tokensmith.quay.rotation#role) uses it for C(rotation_report).
  - Opens results with O(tokensmith.quay.quay_rotation#module:compact).
  - The result contains no secret.
positional: interruption
options:
  _input:
    description:
      - What M(tokensmith.quay.quay_host_inspection) returned, what M(tokensmith.quay.quay_rotation) returned, and what
        it returned with O(tokensmith.quay.quay_rotation#module:run), in this order. A dictionary without values stands
        for a task that did not run.
    type: list
    elements: dict
    required: true
  interruption:
    description: Why the run stopped before all credentials were rotated.
    type: str
  check_mode:
    description: Whether the results are predictions.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show the report
  ansible.builtin.debug:
    msg: "{{ ([plan, rotation, confirmation] | tokensmith.quay.rotation_outcome).lines }}"
"""

RETURN = r"""
_value:
  description: C(rows), C(lines) and C(summary), as P(tokensmith.quay.rotation_report#filter) returns them.
  type: dict
"""


def rotation_outcome(
    registered: Sequence[Mapping[str, Any]], interruption: str | None = None, *, check_mode: bool = False
) -> dict[str, Any]:
    """The report of a complete run, or that of what is known."""
    plan, run, final = map(expanded, registered)
    if interruption is None and "summary" in final:
        return {key: final[key] for key in ("rows", "lines", "summary")}
    declared = next((found["declared"] for found in (final, run) if "declared" in found), plan.get("credentials"))
    # Of a credential that is in both, the final result counts.
    results = [*(run.get("results") or ()), *(final.get("results") or ())]
    return make_report(
        declared or [],
        results,
        check_mode=check_mode,
        interruption=interruption,
        earlier=plan.get("earlier_report") or [],
    )


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """Return the filters by name."""
        return {"rotation_outcome": rotation_outcome}
