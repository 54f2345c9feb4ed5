# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Parts of sentences for people. Pure."""

from __future__ import annotations

from typing import Sequence


def listed(items: Sequence[str], named: int = 3) -> str:
    """The first items, and how many more there are. A single one more is named, too."""
    more = len(items) - named
    return f"{', '.join(items[:named])} and {more} more" if more > 1 else ", ".join(items)
