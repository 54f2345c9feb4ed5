# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a rotation as the text of a file."""

from __future__ import annotations

import json
from typing import Any, Callable, Mapping, Sequence

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: rotation_report_file
short_description: Make the text of a file of a rotation's report
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Makes a page, or JSON, of C(rotation_report) of the role P(tokensmith.quay.rotation#role), which uses it for
    O(tokensmith.quay.rotation#role:main:rotation_report_path).
  - The text contains no secret.
positional: format
options:
  _input:
    description: The rows, as C(rotation_report) of the role has them.
    type: list
    elements: dict
    required: true
  format:
    description:
      - V(html) is one page with charts and tables to search, filter and sort. It needs no other file and no network.
      - V(json) has C(rows) and C(summary) with what the other options say.
    type: str
    choices: [html, json]
    required: true
  summary:
    description: C(rotation_summary) of the role.
    type: dict
    required: true
  server:
    description: URL of the server.
    type: str
    default: ""
  rotator:
    description: Name of the host that talks to Quay.
    type: str
    default: localhost
  time:
    description: Time of the report, for example V(2026-01-31T12:00:00Z).
    type: str
    default: ""
  interruption:
    description: Why the run stopped before all credentials were rotated.
    type: str
"""

EXAMPLES = r"""
- name: Write the report
  ansible.builtin.copy:
    content: "{{ rotation_report | tokensmith.quay.rotation_report_file('html', summary=rotation_summary) }}"
    dest: /var/reports/rotation.html
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""


def rotation_report_file(
    rows: Sequence[Mapping[str, Any]],
    format: str,  # noqa: A002
    summary: Mapping[str, Any],
    server: str = "",
    rotator: str = "localhost",
    time: str = "",
    interruption: str | None = None,
) -> str:
    """The report in a format."""
    # To find a filter, Ansible loads the files of all filters, in each task. What is large is loaded when used.
    from ansible_collections.tokensmith.quay.plugins.plugin_utils.rotation_page import Facts, rotation_page

    scheme, separator, rest = server.rpartition("://")
    facts = Facts(
        # A user name and password in the address are left out.
        server=f"{scheme}{separator}{rest.rpartition('@')[2]}".rstrip("/"),
        rotator=rotator,
        time=time,
        check_mode=bool(summary.get("check_mode")),
        interruption=interruption or "",
        undeclared=summary.get("undeclared") or (),
        login_warnings=summary.get("login_warnings") or (),
    )
    if format == "html":
        return rotation_page(rows, facts)
    if format == "json":
        document = {
            "reported_at": facts.time,
            "server": facts.server,
            "interruption": facts.interruption or None,
            "summary": summary,
            "rows": rows,
        }
        return json.dumps(document, indent=2) + "\n"
    raise AnsibleFilterError(f"rotation_report_file: format must be html or json, not '{format}'")


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filters by name."""
        return {"rotation_report_file": rotation_report_file}
