# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores of the kind hashi_vault, in a real OpenBao server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from functional.harness import FourRuns, Harness
from functional.module_runner import Result
from functional.openbao import OpenBao
from standin.tokens import fingerprint

PATH = "ci/quay"
MODULE = "quay_robot_token"


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("openbao")) as bao:
        yield bao


@pytest.fixture
def bao(server: OpenBao, harness: Harness) -> OpenBao:
    """The server without the secret of an earlier test."""
    server.call("DELETE", f"secret/metadata/{PATH}")
    harness.known_secrets.add([server.root_token])
    return server


@dataclass
class VaultStore:
    """One store, and a robot token that is delivered to it."""

    harness: Harness
    bao: OpenBao

    @property
    def place(self) -> str:
        return f"hashi_vault {self.bao.url} secret/{PATH}"

    def entry(self, **options: Any) -> dict[str, Any]:
        login = {} if "auth_method" in options else {"vault_token": self.bao.root_token}
        return {"kind": "hashi_vault", "url": self.bao.url, "path": PATH, **login, **options}

    def arguments(self, store: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        return {"name": "acme+ci", "deliver": [store or self.entry()], **options}

    def run(self, store: dict[str, Any] | None = None, **options: Any) -> Result:
        return self.harness.run(MODULE, self.arguments(store, **options))

    def four_runs(self, store: dict[str, Any] | None = None, **options: Any) -> FourRuns:
        return self.harness.four_runs(MODULE, self.arguments(store, **options))

    def robot_token(self) -> str:
        return self.harness.robot().token


@pytest.fixture
def vault(harness: Harness, bao: OpenBao) -> VaultStore:
    return VaultStore(harness, bao)


def test_secret_is_written(vault: VaultStore) -> None:
    runs = vault.four_runs()
    assert runs.first.changed
    assert runs.first["delivered"] == [vault.place]
    assert runs.first.diff["before"]["deliver"] == {vault.place: "absent"}
    assert vault.bao.get(PATH) == {
        "token": vault.robot_token(),
        "username": "acme+ci",
        "registry": f"127.0.0.1:{vault.harness.quay.port}",
    }
    assert vault.bao.version(PATH) == 1
    shown = fingerprint(vault.robot_token())
    record = vault.bao.records(PATH)
    assert record.keys() == {f"quay_token_{shown}"}
    assert (
        record[f"quay_token_{shown}"] | {"name": "acme+ci", "username": "acme+ci", "fingerprint": shown}
        == record[f"quay_token_{shown}"]
    )
