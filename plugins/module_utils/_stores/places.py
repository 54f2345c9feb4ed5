# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Places: what a store writes, so that two stores that would overwrite each other are recognised."""

from __future__ import annotations

import os
from typing import Tuple

from .contract import Store

# A file by its real path, or a store elsewhere by its name; and the part that is written, None for all of it.
Place = Tuple[str, "str | None"]


def real_path(path: str) -> str:
    """The path with the links of its directory resolved. The file itself must not be a link."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def places_of(store: Store) -> list[Place]:
    """The places that a store writes."""
    part = store.part or None
    return [(real_path(file.path), part) for file in store.files] or [(store.place, part)]


def collide(place: Place, other: Place) -> bool:
    """Whether two stores would overwrite each other. Entries of several registries share an auth file."""
    return place[0] == other[0] and (place[1] is None or other[1] is None or place[1] == other[1])
