# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which places stores write, and which of them are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._stores.container_auth import ContainerAuthStore
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.places import (
    Place,
    collide,
    places_of,
    real_path,
    shared_places,
    shown,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.token_file import FileStore

REGISTRY = "quay.example.com"


@pytest.mark.parametrize("spelling", ["/d/two", "/d/./two", "//d/two", "/d//two", "/d/x/../two"])
def test_real_path(spelling: str) -> None:
    assert real_path(spelling) == "/d/two"


def test_real_path_through_links(tmp_path: Path) -> None:
    """The links of the directory are resolved, and the file is not: a link there is refused when it is used."""
    folder = tmp_path.resolve()
    (folder / "real").mkdir()
    (folder / "link").symlink_to("real")
    (folder / "chain").symlink_to(folder / "link")
    (folder / "real" / "file").symlink_to("elsewhere")
    for name in ("real", "link", "chain", "link/../real"):
        assert real_path(f"{folder}/{name}/file") == f"{folder}/real/file"


def test_places_of_a_store() -> None:
    assert places_of(FileStore("/d/./a", "json")) == [Place("/d/a")]
    assert places_of(FileStore("/d/a")) == [Place("/d/a"), Place("/d/a.record.json")]
    assert places_of(FileStore("/d/a", "env", prefix="CI_", merge=True)) == [Place("/d/a", "CI_TOKEN")]
    parts = [Place("/d/auth.json", REGISTRY), Place("/d/auth.json.record.json", REGISTRY)]
    assert places_of(ContainerAuthStore("/d/auth.json", REGISTRY)) == parts


@pytest.mark.parametrize(
    ("place", "other", "expected"),
    [
        (Place("/d/a"), Place("/d/a"), True),
        (Place("/d/a"), Place("/d/b"), False),
        (Place("/d/a", "x"), Place("/d/a", "x"), True),
        (Place("/d/a", "x"), Place("/d/a", "y"), False),
        (Place("/d/a", "x"), Place("/d/a"), True),
        (Place("/d/a", "x"), Place("/d/b", "x"), False),
    ],
)
def test_collide(place: Place, other: Place, expected: bool) -> None:
    pairs = [(place, other), (other, place)]
    assert [collide(*pair) for pair in pairs] == [expected, expected]


def test_shared_places() -> None:
    """Each pair once, although a record is shared, too. A store does not collide with itself."""
    stores = [
        ("one", [Place("/d/a"), Place("/d/a.record.json")]),
        ("two", [Place("/d/b"), Place("/d/b")]),
        ("three", [Place("/d/a", "x"), Place("/d/a.record.json", "x")]),
        ("four", [Place("/d/a.record.json")]),
    ]
    assert list(shared_places(stores)) == [
        ("one", "three", Place("/d/a", "x")),
        ("one", "four", Place("/d/a.record.json")),
        ("three", "four", Place("/d/a.record.json")),
    ]


def test_place_in_messages() -> None:
    assert (shown(Place("/d/a")), shown(Place("/d/a", REGISTRY))) == ("/d/a", "quay.example.com in /d/a")
