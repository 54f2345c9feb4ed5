# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of an audit as the text of a file."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ansible.errors import AnsibleFilterError

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput

DOCUMENTATION = r"""
name: audit_report
short_description: Make the report of an audit
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Makes the text of a file of what M(tokensmith.quay.quay_audit_info) returned. The role
    P(tokensmith.quay.audit#role) uses it.
  - The text contains no secret.
positional: format
options:
  _input:
    description: What M(tokensmith.quay.quay_audit_info) returned.
    type: dict
    required: true
  format:
    description:
      - V(html) is one page with charts and a table to search, filter and sort. It needs no other file and no network.
      - V(json) is described by C(roles/audit/files/audit.schema.json) of the collection.
      - V(csv) has a line for each credential. A cell that a spreadsheet would take for a formula begins with an
        apostrophe.
      - V(markdown) has the numbers, and the credentials with findings.
    type: str
    choices: [html, json, csv, markdown]
    required: true
"""

EXAMPLES = r"""
- name: Audit an organization
  tokensmith.quay.quay_audit_info:
    quay_host: https://quay.example.com
    organizations: [acme]
  register: audit

- name: Write the report
  ansible.builtin.copy:
    content: "{{ audit | tokensmith.quay.audit_report('html') }}"
    dest: /var/reports/quay.html
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""


def audit_report(audit: Mapping[str, Any], format: str) -> str:  # noqa: A002
    """The report in a format."""
    makers = _makers()
    try:
        if format not in makers:
            raise BadInput(f"format must be one of {', '.join(makers)}, not '{format}'")
        return makers[format](audit)
    except BadInput as error:
        message = str(error)
    # Outside of the except block, so that the former exception is not shown.
    raise AnsibleFilterError(f"audit_report: {message}")


def _makers() -> Mapping[str, Callable[[Mapping[str, Any]], str]]:
    """For each format, what makes the text."""
    # To find a filter, Ansible loads the files of all filters, in each task. What is large is loaded when used.
    from ansible_collections.tokensmith.quay.plugins.plugin_utils.audit_page import audit_page
    from ansible_collections.tokensmith.quay.plugins.plugin_utils.audit_report import (
        as_csv_text,
        as_json_text,
        as_markdown_text,
    )

    return {"html": audit_page, "json": as_json_text, "csv": as_csv_text, "markdown": as_markdown_text}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filters by name."""
        return {"audit_report": audit_report}
