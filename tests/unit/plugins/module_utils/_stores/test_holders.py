# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The holders of a secret between two runs: the caller, or stores."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, LocalFileError, StoreError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.container_auth import ContainerAuthStore
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import (
    HOLDER_CHOICES,
    CallerHolder,
    SecretHolder,
    StoreHolder,
    filled_stores,
    holder_from_options,
    named_errors,
    outdated_stores,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.token_file import FileStore
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import (
    OTHER_SECRET,
    RECORD,
    SECRET,
    STORE_OPTIONS,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import drafts_in, files_in, is_locked

CREDENTIAL = Credential(
    "nightly", "acme+ci", SECRET, RECORD.uuid, RECORD.created_at, RECORD.expires_at, superseded=RECORD.superseded
)


def states(holder: SecretHolder, *, record_required: bool = False) -> list[str]:
    """What each store holds, compared with SECRET."""
    return [stored.compared_with(SECRET, record_required=record_required) for stored in holder.stored]


@pytest.mark.parametrize(
    ("current_token", "expected"), [(SECRET, ["current"]), (OTHER_SECRET, ["other"]), (None, []), ("", [])]
)
def test_caller(current_token: str | None, expected: list[str]) -> None:
    """A caller that names no token holds none. It has no stores, so nothing is written."""
    with CallerHolder(current_token) as holder:
        assert holder.stored == ([StoredSecret(current_token)] if current_token else [])
        assert states(holder) == expected
        with holder.prepare([]):
            holder.deliver(CREDENTIAL, [])
        assert holder.stores == []
        assert outdated_stores(holder, SECRET, record_required=False) == []
        assert filled_stores(holder) == []
    assert holder.returns_secret


@pytest.fixture
def bare(tmp_path: Path) -> FileStore:
    return FileStore(str(tmp_path / "token"))


@pytest.fixture
def auth(tmp_path: Path) -> ContainerAuthStore:
    (tmp_path / "deeper").mkdir()
    return ContainerAuthStore(str(tmp_path / "deeper" / "auth.json"), "quay.example.com")


def test_stores_that_hold_nothing(bare: FileStore, auth: ContainerAuthStore) -> None:
    with StoreHolder([bare, auth]) as holder:
        assert not holder.returns_secret
        assert holder.stores == [bare, auth]
        assert holder.stored == [StoredSecret(), StoredSecret()]
        assert states(holder) == ["absent", "absent"]
        assert outdated_stores(holder, SECRET, record_required=False) == [bare, auth]
        assert outdated_stores(holder, None, record_required=False) == [bare, auth]
        assert filled_stores(holder) == []


def test_delivery_to_all_stores(bare: FileStore, auth: ContainerAuthStore) -> None:
    with StoreHolder([bare, auth]) as holder, holder.prepare([bare, auth]):
        holder.deliver(CREDENTIAL, [bare, auth])
    for store in (bare, auth):
        stored = store.read()
        assert (stored.secret, stored.username, stored.recorded) == (SECRET, "acme+ci", True)
        assert stored.record is not None
        assert (stored.record.uuid, stored.record.created_at) == (RECORD.uuid, RECORD.created_at)
        assert (stored.record.expires_at, stored.record.superseded) == (RECORD.expires_at, RECORD.superseded)
    with StoreHolder([bare, auth]) as holder:
        assert states(holder, record_required=True) == ["current", "current"]
        assert outdated_stores(holder, SECRET, record_required=True) == []
        assert filled_stores(holder) == [(bare, holder.stored[0]), (auth, holder.stored[1])]


def test_delivery_to_the_outdated_store(bare: FileStore, auth: ContainerAuthStore) -> None:
    with StoreHolder([bare]) as holder, holder.prepare([bare]):
        holder.deliver(CREDENTIAL, [bare])
    with StoreHolder([bare, auth]) as holder:
        assert outdated_stores(holder, SECRET, record_required=False) == [auth]
        assert states(holder) == ["current", "absent"]
        assert [(store, stored.secret) for store, stored in filled_stores(holder)] == [(bare, SECRET)]
        with holder.prepare([auth]):
            holder.deliver(CREDENTIAL, [auth])
    assert auth.read().secret == SECRET


def test_lost_record(bare: FileStore, tmp_path: Path) -> None:
    with StoreHolder([bare]) as holder, holder.prepare([bare]):
        holder.deliver(CREDENTIAL, [bare])
    (tmp_path / "token.record.json").unlink()
    with StoreHolder([bare]) as holder:
        assert states(holder) == ["current"]
        assert states(holder, record_required=True) == ["unrecorded"]
        assert outdated_stores(holder, SECRET, record_required=False) == []
        assert outdated_stores(holder, SECRET, record_required=True) == [bare]


def test_credential_without_a_secret_is_not_delivered(bare: FileStore, tmp_path: Path) -> None:
    with StoreHolder([bare]) as holder, holder.prepare([bare]):
        holder.deliver(Credential("nightly", "acme+ci"), [bare])
    assert files_in(tmp_path) == {}


def test_space_is_reserved_in_all_stores(bare: FileStore, auth: ContainerAuthStore, tmp_path: Path) -> None:
    with StoreHolder([bare, auth]) as holder:
        with holder.prepare([bare, auth]):
            drafts = [*drafts_in(tmp_path), *drafts_in(tmp_path / "deeper")]
            assert sorted(name[1:-15] for name in drafts) == [
                "auth.json",
                "auth.json.record.json",
                "token",
                "token.record.json",
            ]
        assert [*drafts_in(tmp_path), *drafts_in(tmp_path / "deeper")] == []
    assert {**files_in(tmp_path), **files_in(tmp_path / "deeper")} == {}


def test_store_that_cannot_be_prepared(bare: FileStore, tmp_path: Path) -> None:
    """Nothing stays reserved in the others."""
    missing = FileStore(str(tmp_path / "none" / "token"))
    with StoreHolder([bare]) as holder:
        with pytest.raises(LocalFileError, match="does not exist. Create it first$"), holder.prepare([bare, missing]):
            raise AssertionError
        assert drafts_in(tmp_path) == []


def test_store_that_cannot_be_written_is_refused_before_the_lock(bare: FileStore, tmp_path: Path) -> None:
    holder = StoreHolder([bare, FileStore(str(tmp_path / "none" / "token"))])
    with pytest.raises(LocalFileError, match="does not exist. Create it first$"):
        holder.__enter__()
    assert not is_locked(Path(bare.place))


def test_stores_are_locked_while_they_are_in_use(bare: FileStore, auth: ContainerAuthStore) -> None:
    places = [Path(path) for store in (bare, auth) for path in (store.place, f"{store.place}.record.json")]
    with StoreHolder([bare, auth]):
        assert [is_locked(place) for place in places] == [True] * 4
    assert [is_locked(place) for place in places] == [False] * 4


def test_lock_is_released_after_a_failure(bare: FileStore) -> None:
    with pytest.raises(KeyboardInterrupt), StoreHolder([bare]):
        raise KeyboardInterrupt
    assert not is_locked(Path(bare.place))


def test_lock_is_released_if_a_store_cannot_be_read(
    bare: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_store: FileStore) -> StoredSecret:
        assert is_locked(Path(bare.place))
        raise LocalFileError("unreadable")

    monkeypatch.setattr(FileStore, "read", fail)
    with pytest.raises(LocalFileError, match="^unreadable$"):
        StoreHolder([bare]).__enter__()
    assert files_in(tmp_path) == {}


FOREIGN = "somebody's note\n"


def test_content_of_others_is_refused(bare: FileStore, auth: ContainerAuthStore) -> None:
    """Before the lock, and so before anything is sent; not when the stores are to be cleared."""
    Path(bare.place).write_text(FOREIGN)
    with pytest.raises(LocalFileError, match="holds something else than this credential, which would be lost"):
        StoreHolder([auth, bare]).__enter__()
    assert not is_locked(Path(auth.place))
    with StoreHolder([auth, bare], removing=True) as holder:
        assert holder.stored == [StoredSecret(), StoredSecret(foreign=True)]
        assert filled_stores(holder) == []
    assert Path(bare.place).read_text() == FOREIGN


def stores_of(*entries: tuple[str, str, dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """The option deliver, from kind, name and further options of each entry."""
    return [{**STORE_OPTIONS, "kind": kind, "path": str(folder / name), **more} for kind, name, more in entries]


@pytest.mark.parametrize(
    ("entries", "twice"),
    [
        ([("file", "a", {}), ("file", "a", {})], "a"),
        ([("file", "a", {}), ("file", "b", {}), ("file", "a", {"format": "json"})], "a"),
        ([("file", "a", {}), ("container_auth", "a", {})], "a"),
        ([("file", "a", {}), ("file", "b/../a", {})], "b/../a"),
        ([("file", "a", {}), ("file", "./a", {})], "a"),
        ([("container_auth", "a", {}), ("container_auth", "a", {})], "a for quay.example.com"),
        ([("container_auth", "a", {}), ("container_auth", "a", {"registry": "QUAY.example.com"})], "a for quay.exam"),
        ([("file", "a", {"format": "env", "merge": True})] * 2, "a for QUAY_TOKEN"),
        ([("file", "a", {"format": "env", "merge": True}), ("file", "a", {"format": "env", "prefix": "B_"})], "a"),
    ],
)
def test_two_stores_for_one_place(tmp_path: Path, entries: list[tuple[str, str, dict[str, Any]]], twice: str) -> None:
    with pytest.raises(BadInput, match=f"^deliver names {tmp_path}/{twice}.* twice\\."):
        holder_from_options({**OPTION_NAMES, "deliver": stores_of(*entries, folder=tmp_path)})
    assert files_in(tmp_path) == {}


def test_store_in_the_place_of_a_record(tmp_path: Path) -> None:
    entries = stores_of(("file", "a", {}), ("file", "./a.record.json", {"format": "json"}), folder=tmp_path)
    with pytest.raises(BadInput) as caught:
        holder_from_options({**OPTION_NAMES, "deliver": entries})
    assert str(caught.value) == (
        f"deliver: {tmp_path}/a and {tmp_path}/a.record.json both write {tmp_path}/a.record.json. Use another path for "
        "one of them"
    )
    assert files_in(tmp_path) == {}


def test_linked_directory_is_one_place(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    entries = stores_of(("file", "real/two", {}), ("file", "link/two", {}), folder=tmp_path)
    with pytest.raises(BadInput, match=f"^deliver names {tmp_path}/link/two twice\\."):
        holder_from_options({**OPTION_NAMES, "deliver": entries})


def test_two_parts_of_one_file(tmp_path: Path) -> None:
    """Entries of two registries, and variables with two prefixes, do not replace each other."""
    env = {"format": "env", "merge": True}
    deliver = stores_of(
        ("container_auth", "auth.json", {}),
        ("container_auth", "auth.json", {"registry": "quay.example.com:8443"}),
        ("file", "env", env),
        ("file", "env", {**env, "prefix": "CI_"}),
        folder=tmp_path,
    )
    holder = holder_from_options({**OPTION_NAMES, "deliver": deliver})
    with holder, holder.prepare(holder.stores):
        holder.deliver(CREDENTIAL, holder.stores)
    auths = json.loads((tmp_path / "auth.json").read_text())["auths"]
    assert list(auths) == ["quay.example.com", "quay.example.com:8443"]
    with holder_from_options({**OPTION_NAMES, "deliver": deliver}) as again:
        assert states(again, record_required=True) == ["current"] * 4


OPTION_NAMES = {"quay_host": "https://quay.example.com"}


def test_only_one_holder_can_be_chosen() -> None:
    assert HOLDER_CHOICES == [("current_token", "token_path", "deliver")]


@pytest.mark.parametrize("token", [None, "", SECRET])
def test_caller_of_the_options(token: str | None) -> None:
    holder = holder_from_options({**OPTION_NAMES, "current_token": token, "token_path": None, "deliver": None})
    assert isinstance(holder, CallerHolder)
    assert holder.stored == ([StoredSecret(token)] if token else [])


@pytest.mark.parametrize("check_mode", [False, True])
def test_token_path_of_the_options(tmp_path: Path, check_mode: bool) -> None:
    """Check mode changes nothing, so it does not lock the stores."""
    path = tmp_path / "token"
    path.write_text(SECRET)
    holder = holder_from_options({**OPTION_NAMES, "token_path": str(path)}, check_mode=check_mode)
    assert isinstance(holder, StoreHolder)
    with holder:
        assert [(store.place, stored.secret) for store, stored in filled_stores(holder)] == [(str(path), SECRET)]
        assert is_locked(path) is not check_mode


def test_deliver_of_the_options(tmp_path: Path) -> None:
    def options(kind: str, name: str, **more: Any) -> dict[str, Any]:
        return {**STORE_OPTIONS, "kind": kind, "path": str(tmp_path / name), **more}

    deliver = [options("file", "token.json", format="json"), options("container_auth", "auth.json")]
    holder = holder_from_options({**OPTION_NAMES, "deliver": deliver})
    assert isinstance(holder, StoreHolder)
    with holder, holder.prepare(holder.stores):
        holder.deliver(CREDENTIAL, holder.stores)
    assert json.loads((tmp_path / "token.json").read_text())["registry"] == "quay.example.com"
    assert list(json.loads((tmp_path / "auth.json").read_text())["auths"]) == ["quay.example.com"]


@pytest.mark.parametrize(("option", "path"), [("token_path", "token"), ("deliver", "token")])
def test_relative_path_of_the_options(option: str, path: str) -> None:
    value = path if option == "token_path" else [{**STORE_OPTIONS, "kind": "file", "path": path}]
    name = "token_path" if option == "token_path" else "path"
    with pytest.raises(LocalFileError, match=f"^{name} must be the absolute path of a file, not 'token'$"):
        holder_from_options({**OPTION_NAMES, option: value}).__enter__()


class FailingStore(FileStore):
    """A store on a server, one of whose operations fails."""

    def __init__(self, path: str, operation: str, message: str) -> None:
        super().__init__(path)
        self.place = "hashi_vault https://vault.example.com secret/ci/quay"

        def fail(*_arguments: Any, **_options: Any) -> None:
            raise StoreError(message)

        setattr(self, operation, fail)


UNREACHABLE = "Cannot reach https://vault.example.com: connection refused"


@pytest.mark.parametrize("operation", ["check", "read", "prepare", "write"])
@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (UNREACHABLE, f"hashi_vault https://vault.example.com secret/ci/quay: {UNREACHABLE}"),
        (f"hashi_vault secret/ci/quay: {UNREACHABLE}", f"hashi_vault secret/ci/quay: {UNREACHABLE}"),
    ],
)
def test_error_names_the_store(tmp_path: Path, operation: str, message: str, shown: str) -> None:
    """Several stores can be on one server."""
    holder = StoreHolder([FailingStore(str(tmp_path / "token"), operation, message)])
    with pytest.raises(StoreError, match=f"^{re.escape(shown)}$"), holder, holder.prepare(holder.stores):
        holder.deliver(CREDENTIAL, holder.stores)


def test_error_names_the_store_that_is_removed(tmp_path: Path) -> None:
    store = FailingStore(str(tmp_path / "token"), "remove", UNREACHABLE)
    with pytest.raises(StoreError, match=f"^{store.place}: {UNREACHABLE}$"), named_errors(store):
        store.remove()
