# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of stores, as a list of stores names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.container_auth import ContainerAuthStore
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import (
    KINDS,
    STORE_OPTIONS,
    store_from_options,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.token_file import FileStore
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import OPTIONS

HOST = OPTIONS["quay_host"]


def options(path: Path, kind: str) -> dict[str, Any]:
    return {**OPTIONS, "path": str(path), "kind": kind}


def test_every_kind_can_be_chosen() -> None:
    assert STORE_OPTIONS["kind"]["choices"] == list(KINDS) == ["file", "container_auth"]


@pytest.mark.parametrize(("kind", "store"), [("file", FileStore), ("container_auth", ContainerAuthStore)])
def test_store_from_options_each_kind(tmp_path: Path, kind: str, store: type) -> None:
    found = store_from_options(options(tmp_path / "x", kind), HOST)
    assert isinstance(found, store)
    assert found.place == str(tmp_path / "x")


@pytest.mark.parametrize("kind", list(KINDS))
def test_path_that_cannot_be_written(tmp_path: Path, kind: str) -> None:
    """It is refused at once, before anything is read from Quay."""
    with pytest.raises(LocalFileError, match=r"^path: the directory .* does not exist; create it first$"):
        store_from_options(options(tmp_path / "none" / "x", kind), HOST)
