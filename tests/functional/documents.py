# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation promises, for tests that hold the modules to it."""

from __future__ import annotations

import re

from contract import collection


def reasons_of(module: str) -> set[str]:
    """The values that RETURN names for `reason`."""
    description = collection.documented(module).returns["reason"]["description"]
    sentences = [description] if isinstance(description, str) else description
    return set(re.findall(r"(?<!R)V\((\w+)\)", " ".join(sentences)))
