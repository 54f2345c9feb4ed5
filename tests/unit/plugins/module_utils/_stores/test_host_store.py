# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store of another machine: what was inspected there, and what is handed over to be delivered there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Record
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import Delivery, StoredSecret
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.host_store import HostStore, inspection_of
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import store_from_options
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import (
    DELIVERY,
    FINGERPRINT,
    OTHER_SECRET,
    RECORD,
    SECRET,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import FakeStore

HOST = "https://quay.example.com"


def inspected(options: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A store of this machine as another machine gets to know it: by JSON, with its host and its entry."""
    found = json.loads(json.dumps(inspection_of(store_from_options(options, HOST))))
    return {**found, "host": "node1", "entry": 3, "options": options, **changes}


def delivered(options: dict[str, Any], delivery: Delivery = DELIVERY) -> HostStore:
    """A store of another machine to which this was delivered."""
    store = store_from_options(options, HOST)
    with store.prepare():
        store.write(delivery)
    return HostStore(inspected(options))


def file(tmp_path: Path, **options: Any) -> dict[str, Any]:
    return {"kind": "file", "path": str(tmp_path / "ci"), "format": "json", **options}


@pytest.mark.parametrize("file_format", ["json", "yaml", "env", "token"])
def test_store_holds_what_was_inspected(file_format: str, tmp_path: Path) -> None:
    options = file(tmp_path, format=file_format)
    local = store_from_options(options, HOST)
    store = delivered(options)
    assert (store.host, store.entry, store.part, store.tells_secret, store.files) == ("node1", 3, "", False, ())
    assert store.place == f"node1:{options['path']}"
    found, here = store.read(), local.read()
    assert found == StoredSecret(None, here.record, here.username, untold=FINGERPRINT)
    assert (found.secret, found.fingerprint, found.recorded) == (None, FINGERPRINT, True)
    assert found.record is not None
    assert (found.record.superseded, found.record.created_at) == (("a1", "b2"), RECORD.created_at)
    assert SECRET not in repr(store.read())


def test_entry_of_an_auth_file_is_a_part(tmp_path: Path) -> None:
    options = {"kind": "container_auth", "path": str(tmp_path / "auth.json")}
    store = delivered(options, Delivery(SECRET, "acme+ci", "acme+ci", RECORD))
    assert (store.part, store.read().username) == ("quay.example.com", "acme+ci")


def test_store_that_holds_nothing(tmp_path: Path) -> None:
    store = HostStore(inspected(file(tmp_path)))
    assert store.read() == StoredSecret()
    assert store.read().compared_with(SECRET) == "absent"
    store.check()


def test_secret_is_compared_by_its_fingerprint(tmp_path: Path) -> None:
    store = delivered(file(tmp_path))
    assert store.matches(DELIVERY)
    assert not store.matches(Delivery(OTHER_SECRET, "$oauthtoken", "nightly", RECORD))
    assert not HostStore({**inspected(file(tmp_path)), "permissions_match": False}).matches(DELIVERY)
    assert not HostStore({**inspected(file(tmp_path)), "record": None}).matches(DELIVERY)


def test_problem_names_the_host(tmp_path: Path) -> None:
    options = file(tmp_path / "missing")
    store = HostStore(inspected(options))
    with pytest.raises(LocalFileError) as error:
        store.check()
    assert str(error.value).startswith("node1: ")
    assert str(tmp_path / "missing") in str(error.value)
    with pytest.raises(LocalFileError):
        store.check(removing=True)


def test_what_others_keep_is_no_problem_for_a_removal(tmp_path: Path) -> None:
    (tmp_path / "ci").write_text("to do")
    store = HostStore(inspected(file(tmp_path)))
    with pytest.raises(LocalFileError, match="^node1: "):
        store.check()
    store.check(removing=True)
    assert store.read().foreign is True


def test_warnings_name_the_host() -> None:
    found = inspection_of(FakeStore("/srv/ci", [], warnings=["a hard link keeps the secret"]))
    store = HostStore({**found, "host": "node1", "entry": 0, "options": {}})
    assert store.warnings() == ["node1: a hard link keeps the secret"]


def test_what_is_written_is_handed_over(tmp_path: Path) -> None:
    options = file(tmp_path, mode="0640")
    store = HostStore(inspected(options))
    with store.prepare():
        store.write(DELIVERY)
    assert not (tmp_path / "ci").exists()
    assert store.handed_over is not None
    assert store.handed_over.host == "node1"
    assert SECRET not in repr(store.handed_over)
    assert json.loads(json.dumps(store.handed_over.to_data())) == {
        **options,
        "state": "present",
        "token": SECRET,
        "name": "nightly",
        "username": "$oauthtoken",
        "fingerprint": FINGERPRINT,
        "created_at": "2026-01-31T12:00:00Z",
        "expires_at": "2026-04-30T12:00:00Z",
        "uuid": "6e3a1d0c",
        "superseded": "a1,b2",
    }


def test_what_is_removed_is_handed_over(tmp_path: Path) -> None:
    store = delivered(file(tmp_path))
    store.remove()
    assert store.handed_over is not None
    assert store.handed_over.to_data() == {**file(tmp_path), "state": "absent", "fingerprint": FINGERPRINT}
    assert (tmp_path / "ci").exists()


def test_nothing_is_handed_over_without_a_write(tmp_path: Path) -> None:
    store = delivered(file(tmp_path))
    store.check()
    store.matches(DELIVERY)
    with store.prepare():
        assert store.handed_over is None


def test_inspection_has_no_secret(tmp_path: Path) -> None:
    options = file(tmp_path)
    delivered(options)
    found = inspection_of(store_from_options(options, HOST))
    assert SECRET not in repr(found)
    assert found == {
        "place": options["path"],
        "part": "",
        "error": None,
        "warnings": found["warnings"],
        "fingerprint": FINGERPRINT,
        "username": "$oauthtoken",
        "record": {
            "fingerprint": FINGERPRINT,
            "created_at": "2026-01-31T12:00:00Z",
            "expires_at": "2026-04-30T12:00:00Z",
            "uuid": "6e3a1d0c",
            "superseded": "a1,b2",
            "username": found["record"]["username"],
        },
        "permissions_match": True,
        "foreign": False,
        "removable": True,
    }


def test_store_that_cannot_be_written_may_be_readable() -> None:
    """The decision of the other hosts depends on what it holds."""
    held = StoredSecret(SECRET, Record(FINGERPRINT), "acme+ci")
    store = FakeStore("/srv/ci", [], held, fails={"check": LocalFileError("the file is immutable")})
    found = inspection_of(store)
    assert (found["error"], found["fingerprint"], found["username"]) == (
        "the file is immutable",
        FINGERPRINT,
        "acme+ci",
    )


def test_store_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeStore("/srv/ci", [], fails={"check": LocalFileError("permission denied")})

    def read() -> StoredSecret:
        raise LocalFileError("permission denied")

    monkeypatch.setattr(store, "read", read)
    found = inspection_of(store)
    assert (found["error"], found["fingerprint"], found["record"]) == ("permission denied", None, None)
