# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that a report is written to."""

from __future__ import annotations

from typing import Any, Callable, Sequence

from ansible.errors import AnsibleFilterError

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.plugin_utils.report_files import FORMATS, files_of

DOCUMENTATION = r"""
name: report_files
short_description: Get the files that a report is written to
version_added: "1.0.0"
author:
  - The tokensmith.quay authors (@tokensmith)
description:
  - Makes a list of files of the variable that names a report. The roles P(tokensmith.quay.audit#role) and
    P(tokensmith.quay.rotation#role) use it.
positional: name
options:
  _input:
    description:
      - A path, or a list of paths. A path that ends in C(.html), C(.json), C(.csv) or C(.md) is a file of this format.
        Any other path is a folder, in which there is a file of each format.
      - Empty if there is no report.
    type: raw
    required: true
  name:
    description: Name of the files in a folder, without the ending.
    type: str
    required: true
  option:
    description: Name of the variable, for messages.
    type: str
    default: path
  formats:
    description: The formats of the report.
    type: list
    elements: str
    choices: [html, json, csv, markdown]
    default: [html, json, csv, markdown]
"""

EXAMPLES = r"""
- name: Show the files
  ansible.builtin.debug:
    msg: "{{ '/var/reports' | tokensmith.quay.report_files('audit') | map(attribute='path') }}"
"""

RETURN = r"""
_value:
  description: For each file C(path), its C(folder), and C(format).
  type: list
  elements: dict
"""


def report_files(
    given: Any, name: str, option: str = "path", formats: Sequence[str] = tuple(FORMATS.values())
) -> list[dict[str, str]]:
    """The files."""
    try:
        return files_of(given, option, name, formats)
    except BadInput as error:
        message = str(error)
    # Outside of the except block, so that the former exception is not shown.
    raise AnsibleFilterError(message)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., list[dict[str, str]]]]:
        """Return the filters by name."""
        return {"report_files": report_files}
