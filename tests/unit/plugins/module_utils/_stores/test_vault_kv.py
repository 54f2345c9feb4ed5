# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets of KV engines."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import StoreError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.vault_client import VaultClient
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.vault_kv import (
    PATCH,
    POST,
    Conflict,
    Document,
    KvSecret,
    Rights,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.vault_options import VaultLogin, VaultServer
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_vault import TOKEN, FakeVault


@pytest.fixture
def vault() -> Iterator[FakeVault]:
    with FakeVault() as server:
        yield server


def secret(vault: FakeVault, mount: str = "secret", version: str | None = None) -> KvSecret:
    return KvSecret(VaultClient(VaultServer(vault.url), VaultLogin("token", token=TOKEN)), mount, "ci/quay", version)


def test_read(vault: FakeVault) -> None:
    assert secret(vault).read() == Document()
    vault.put("ci/quay", {"a": "b"})
    vault.custom["ci/quay"] = {"team": "build"}
    assert secret(vault).read() == Document({"a": "b"}, True, 1, {"team": "build"})
    vault.put("ci/quay", None)
    assert secret(vault).read() == Document({}, True, 2, {"team": "build"})


def test_write(vault: FakeVault) -> None:
    secret(vault).write({"a": "1"}, Document())
    with pytest.raises(Conflict, match="^secret/data/ci/quay was changed by another writer$"):
        secret(vault).write({"a": "2"}, Document())
    secret(vault).write({"a": "2"}, Document(version=1))
    assert vault.versions == {"ci/quay": [{"a": "1"}, {"a": "2"}]}


def test_delete(vault: FakeVault) -> None:
    vault.put("ci/quay", {"a": "1"})
    vault.put("ci/quay", {"a": "2"})
    secret(vault).delete(Document(version=1))
    assert vault.versions == {"ci/quay": [None, {"a": "2"}]}


def test_change_metadata(vault: FakeVault) -> None:
    vault.put("ci/quay", {})
    vault.custom["ci/quay"] = {"team": "build", "old": "x"}
    secret(vault).change_metadata({"new": "y", "old": None}, {}, PATCH)
    assert vault.custom["ci/quay"] == {"team": "build", "new": "y"}
    secret(vault).change_metadata({"new": None, "more": "z"}, vault.custom["ci/quay"], POST)
    assert vault.custom["ci/quay"] == {"team": "build", "more": "z"}


def test_change_metadata_of_a_missing_path(vault: FakeVault) -> None:
    with pytest.raises(StoreError, match="^secret/metadata/ci/quay does not exist$"):
        secret(vault).change_metadata({"a": "b"}, {}, PATCH)


@pytest.mark.parametrize(
    ("data", "metadata", "delete", "expected"),
    [
        (["read", "update"], ["patch", "update"], ["update"], Rights(True, frozenset({"read", "update"}), True, PATCH)),
        (["root"], ["root"], ["root"], Rights(True, frozenset({"root"}), True, PATCH)),
        (["read"], ["update"], ["deny"], Rights(True, frozenset({"read"}), False, POST)),
        (["read"], ["read"], [], Rights(True, frozenset({"read"}), False, None)),
    ],
)
def test_rights(vault: FakeVault, data: Any, metadata: Any, delete: Any, expected: Rights) -> None:
    vault.rights = {
        "secret/data/ci/quay": data,
        "secret/metadata/ci/quay": metadata,
        "secret/delete/ci/quay": delete,
    }
    assert secret(vault).rights() == expected
    assert vault.requests[1:] == ["POST sys/capabilities-self"]


def test_version_is_asked_for_once(vault: FakeVault) -> None:
    client = VaultClient(VaultServer(vault.url), VaultLogin("token", token=TOKEN))
    for path in ("ci/quay", "other"):
        assert KvSecret(client, "old", path, None).data_path == f"old/{path}"
    assert vault.requests == ["GET sys/internal/ui/mounts/old/ci/quay"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"type": "pki", "path": "secret/"}, "The mount secret is of the type pki, not a KV engine. Check mount"),
        ({"type": "kv", "path": "secret/ci/"}, "secret/ci/quay belongs to the mount secret/ci. Set mount to secret/ci"),
    ],
)
def test_mount_that_does_not_fit(vault: FakeVault, data: Any, message: str) -> None:
    vault.fail("GET sys/internal/ui/mounts/secret/ci/quay", (200, {"data": data}))
    with pytest.raises(StoreError) as caught:
        secret(vault).read()
    assert str(caught.value) == message


def test_server_without_versions(vault: FakeVault) -> None:
    """Before there was version 2, there was no such endpoint."""
    vault.fail("GET sys/internal/ui/mounts/old/ci/quay", (404, {"errors": []}))
    assert not secret(vault, "old").is_versioned
