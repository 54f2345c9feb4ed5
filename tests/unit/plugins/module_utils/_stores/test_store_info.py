# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module quay_store_info: what stores hold."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.store_info import read_stores
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.token_file import file_store
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import (
    DELIVERY,
    FINGERPRINT,
    OPTIONS,
    OTHER_SECRET,
    SECRET,
    STORE_OPTIONS,
    local_context,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import files_in

NOTHING = {"token": None, "fingerprint": None, "created_at": None, "expires_at": None, "uuid": None}


def options(path: Path, kind: str = "file", **more: Any) -> dict[str, Any]:
    return {**STORE_OPTIONS, "path": str(path), "kind": kind, **more}


def read(*stores: dict[str, Any]) -> list[dict[str, Any]]:
    result = read_stores(local_context(stores=list(stores)))
    assert (result.changed, list(result.values)) == (False, ["stores"])
    return list(result.values["stores"])


def deliver(path: Path, **more: Any) -> None:
    store = file_store(options(path, **more), OPTIONS["quay_host"])
    with store.prepare():
        store.write(DELIVERY)


def test_each_store_in_order(tmp_path: Path) -> None:
    deliver(tmp_path / "json", format="json")
    auth = base64.b64encode(f"acme+ci:{OTHER_SECRET}".encode()).decode()
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {"quay.example.com:8443": {"auth": auth}}}))
    assert read(
        options(tmp_path / "missing"),
        options(tmp_path / "json", format="json"),
        options(tmp_path / "auth.json", "container_auth"),
    ) == [
        {"kind": "file", "place": str(tmp_path / "missing"), **NOTHING},
        {
            "kind": "file",
            "place": str(tmp_path / "json"),
            "token": SECRET,
            "fingerprint": FINGERPRINT,
            "created_at": "2026-01-31T12:00:00Z",
            "expires_at": "2026-04-30T12:00:00Z",
            "uuid": "6e3a1d0c",
        },
        {
            **NOTHING,
            "kind": "container_auth",
            "place": str(tmp_path / "auth.json"),
            "token": OTHER_SECRET,
            "fingerprint": fingerprint(OTHER_SECRET),
        },
    ]


def test_record_of_another_secret_is_not_shown(tmp_path: Path) -> None:
    deliver(tmp_path / "token")
    (tmp_path / "token").write_text(OTHER_SECRET)
    (held,) = read(options(tmp_path / "token"))
    assert (held["token"], held["fingerprint"]) == (OTHER_SECRET, fingerprint(OTHER_SECRET))
    assert (held["created_at"], held["expires_at"], held["uuid"]) == (None, None, None)


@pytest.mark.parametrize(("text", "token"), [("x" * 19, None), ("x" * 20, "x" * 20), ("changed", None)])
def test_short_text_is_no_secret(tmp_path: Path, text: str, token: str | None) -> None:
    """As a return value with no_log, Ansible would mask that word in every result."""
    (tmp_path / "token").write_text(text)
    (held,) = read(options(tmp_path / "token"))
    assert (held["token"], held["fingerprint"]) == (token, fingerprint(token))


@pytest.mark.parametrize("text", ["FOO=bar\n", '{"invoice": 1}', "a: b\n", "somebody's note, longer than a secret"])
def test_content_of_others_is_not_shown(tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text)
    (stored,) = read(options(tmp_path / "token"))
    assert stored == {"kind": "file", "place": str(tmp_path / "token"), **NOTHING}


def test_store_that_only_others_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading needs no permission to write."""
    deliver(tmp_path / "token")
    monkeypatch.setattr(os, "access", lambda *_arguments, **_options: False)
    (stored,) = read(options(tmp_path / "token"))
    assert stored["token"] == SECRET


def test_unreadable_store(tmp_path: Path) -> None:
    (tmp_path / "token").mkdir()
    with pytest.raises(LocalFileError, match=r"^path: .*/token is not a regular file$"):
        read(options(tmp_path / "token"))


def test_reading_changes_nothing(tmp_path: Path) -> None:
    deliver(tmp_path / "token")
    before = files_in(tmp_path)
    read(options(tmp_path / "token"), options(tmp_path / "missing"))
    assert files_in(tmp_path) == before
