# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values from the documentation of the modules, which tests compare with results, and the examples of guides."""

from __future__ import annotations

import re
import textwrap

from contract import collection

# Examples that are not tasks.
_EXAMPLE = re.compile(r"^\.\. code-block:: yaml\+jinja\n\n((?:    .*\n|\n)+)", re.MULTILINE)


def examples_of_guide(name: str) -> list[str]:
    """Return the playbooks and files with variables that a guide shows."""
    text = (collection.ROOT / "docs" / "docsite" / "rst" / f"{name}.rst").read_text()
    return [textwrap.dedent(example) for example in _EXAMPLE.findall(text)]


def documented_reasons(module: str) -> set[str]:
    """Return the values that RETURN documents for `reason`."""
    return documented_values(module, "reason")


def documented_values(module: str, *path: str) -> set[str]:
    """Return the values that RETURN documents for the return value at this path."""
    returns = collection.documented(module).returns
    for name in path[:-1]:
        returns = returns[name]["contains"]
    description = returns[path[-1]]["description"]
    sentences = [description] if isinstance(description, str) else description
    return set(re.findall(r"(?<!R)V\((\w+)\)", " ".join(sentences)))
