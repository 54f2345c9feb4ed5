# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of an audit for the output of a job, and why the job fails."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from ansible.errors import AnsibleFilterError

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput

DOCUMENTATION = r"""
name: audit_outcome
short_description: Get the lines of an audit's report, and why the job fails
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Makes lines for people of what M(tokensmith.quay.quay_audit_info) returned, and the message with which a job fails.
    The role P(tokensmith.quay.audit#role) uses it.
positional: fail_on
options:
  _input:
    description: What M(tokensmith.quay.quay_audit_info) returned.
    type: dict
    required: true
  fail_on:
    description: The rules that no credential may break, as O(tokensmith.quay.audit#role:main:audit_fail_on).
    type: raw
  allow_incomplete:
    description: Whether an audit is accepted of which the login could not read a part.
    type: bool
    default: false
  paths:
    description: The files of the report, to name them in the lines.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show the report
  ansible.builtin.debug:
    msg: "{{ (audit | tokensmith.quay.audit_outcome).lines }}"
"""

RETURN = r"""
_value:
  description: C(lines) is the report for people. C(failure) is why the job fails; empty if it does not.
  type: dict
"""


def audit_outcome(
    audit: Mapping[str, Any], fail_on: Any = None, *, allow_incomplete: bool = False, paths: Sequence[str] = ()
) -> dict[str, Any]:
    """The lines, and the message of the failure."""
    # To find a filter, Ansible loads the files of all filters, in each task. What is large is loaded when used.
    from ansible_collections.tokensmith.quay.plugins.plugin_utils.audit_report import outcome_of

    try:
        return outcome_of(audit, fail_on, allow_incomplete=allow_incomplete, paths=paths)
    except BadInput as error:
        message = str(error)
    # Outside of the except block, so that the former exception is not shown.
    raise AnsibleFilterError(message)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """Return the filters by name."""
        return {"audit_outcome": audit_outcome}
