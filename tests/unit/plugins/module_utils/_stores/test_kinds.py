# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of stores, as a list of stores names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.container_auth import ContainerAuthStore
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import (
    KINDS,
    STORE_OPTIONS,
    store_from_options,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.token_file import FileStore
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import OPTIONS as MODULE_OPTIONS
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import STORE_OPTIONS as NO_OPTIONS

HOST = MODULE_OPTIONS["quay_host"]


# The kinds with a file on the target.
FILES = [name for name, kind in KINDS.items() if not kind.on_rotator]


def options(path: Path, kind: str) -> dict[str, Any]:
    return {**NO_OPTIONS, "path": str(path), "kind": kind}


def test_every_kind_can_be_chosen() -> None:
    assert STORE_OPTIONS["kind"]["choices"] == list(KINDS)
    assert {"kubernetes_secret", "awx_credential", "vault_vars", "hashi_vault"} <= KINDS.keys()


@pytest.mark.parametrize(("kind", "store"), [("file", FileStore), ("container_auth", ContainerAuthStore)])
def test_store_from_options_each_kind(tmp_path: Path, kind: str, store: type) -> None:
    found = store_from_options(options(tmp_path / "x", kind), HOST)
    assert isinstance(found, store)
    assert found.place == str(tmp_path / "x")


@pytest.mark.parametrize("kind", FILES)
def test_path_that_cannot_be_written(tmp_path: Path, kind: str) -> None:
    """The check refuses it, before anything is read from Quay."""
    store = store_from_options(options(tmp_path / "none" / "x", kind), HOST)
    with pytest.raises(LocalFileError, match=r"^path: the directory .* does not exist\. Create it first$"):
        store.check()


def test_options_of_stores_have_no_defaults() -> None:
    """A kind can tell what was given, and refuse what has no effect on it."""
    assert {*NO_OPTIONS, "kind", "path"} <= STORE_OPTIONS.keys()
    assert [name for name, option in STORE_OPTIONS.items() if "default" in option] == []


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        ("container_auth", "format", "json"),
        ("container_auth", "format", "token"),
        ("container_auth", "prefix", "CI_"),
        ("container_auth", "prefix", ""),
        ("container_auth", "merge", True),
        ("container_auth", "force", True),
        ("container_auth", "backup", True),
        ("file", "prefix", "CI_"),
        ("file", "merge", True),
        ("file", "vault_token", "x"),
        ("hashi_vault", "mode", "0600"),
    ],
)
def test_option_without_effect(tmp_path: Path, kind: str, option: str, value: object) -> None:
    with pytest.raises(BadInput, match=f"^{option} has no effect "):
        store_from_options({**options(tmp_path / "x", kind), option: value}, HOST)
    assert list(tmp_path.iterdir()) == [tmp_path / "home"]


@pytest.mark.parametrize("option", ["merge", "force", "backup", "unsafe_writes"])
@pytest.mark.parametrize("kind", FILES)
def test_option_that_is_off(tmp_path: Path, kind: str, option: str) -> None:
    """A play may say no to what is not possible."""
    store_from_options({**options(tmp_path / "x", kind), option: False}, HOST).check()


@pytest.mark.parametrize("kind", FILES)
def test_option_that_is_missing(kind: str) -> None:
    with pytest.raises(BadInput, match=f"^path is missing: a store of the kind {kind} needs it$"):
        store_from_options({**NO_OPTIONS, "kind": kind}, HOST)
