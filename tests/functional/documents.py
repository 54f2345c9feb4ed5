# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation promises, for tests that hold the modules to it."""

from __future__ import annotations

import re

from contract import collection


def reasons_of(module: str) -> set[str]:
    """The values that RETURN names for `reason`."""
    return reasons_in(module, "reason")


def reasons_in(module: str, *path: str) -> set[str]:
    """The values that RETURN names for the return value at the end of this path."""
    returns = collection.documented(module).returns
    for name in path[:-1]:
        returns = returns[name]["contains"]
    description = returns[path[-1]]["description"]
    sentences = [description] if isinstance(description, str) else description
    return set(re.findall(r"(?<!R)V\((\w+)\)", " ".join(sentences)))
