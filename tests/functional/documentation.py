# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values from the documentation of the modules, for tests that compare them with results."""

from __future__ import annotations

import re

from contract import collection


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
