# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Which places stores write, and whether two stores would overwrite each other."""

from __future__ import annotations

import os
from typing import Iterator, NamedTuple, Sequence, Tuple

from .contract import Store


class Place(NamedTuple):
    """A file by its real path, or a store elsewhere by its name; and the part that is written, empty for all of it."""

    path: str
    part: str = ""


# A store by its name in messages, and its places: its file and the file of its record.
NamedPlaces = Tuple[str, Sequence[Place]]


def real_path(path: str) -> str:
    """The path with the links of its directory resolved. The file itself must not be a link."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def places_of(store: Store) -> list[Place]:
    """The places that a store writes."""
    if store.files:
        return [Place(real_path(file.path), store.part) for file in store.files]
    # A store may write several objects, each of which another store may write, too.
    return [Place(name, store.part) for name in getattr(store, "places", [store.place])]


def collide(place: Place, other: Place) -> bool:
    """Whether what is written to one place replaces what is in the other. Parts of one file are independent."""
    return place.path == other.path and (place.part == other.part or not place.part or not other.part)


def shared_places(stores: Sequence[NamedPlaces]) -> Iterator[tuple[str, str, Place]]:
    """Each pair of stores that would replace each other's secret or record: both names, and the place."""
    known: dict[str, list[tuple[str, Place]]] = {}
    for second, places in stores:
        reported: set[str] = set()
        for place in places:
            for first, other in known.get(place.path, ()):
                if first not in reported and collide(place, other):
                    reported.add(first)
                    yield first, second, place
        for place in places:
            known.setdefault(place.path, []).append((second, place))


def shown(place: Place) -> str:
    """A place in messages."""
    return f"{place.part} in {place.path}" if place.part else place.path
