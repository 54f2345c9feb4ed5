# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container auth files: one entry is written, and everything else in the file is kept."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import LocalContext
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.container_auth import (
    ContainerAuthStore,
    container_auth_store,
    ensure_container_auth,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import Delivery, StoredSecret
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import store_from_options
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import (
    DELIVERY,
    FINGERPRINT,
    OPTIONS,
    OTHER_SECRET,
    RECORD,
    SECRET,
    STORE_OPTIONS,
    delivery_of,
    local_context,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import files_in, mode_of

REGISTRY = "quay.example.com:8443"
# What engines and people keep in such a file in addition.
OTHERS: dict[str, Any] = {
    "credHelpers": {"gcr.io": "gcloud"},
    "auths": {"docker.io": {"auth": "ZG9ja2VyOng="}, "quay.example.com": {}},
    "detachKeys": "ctrl-q",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "auth.json"


@pytest.fixture
def store(file: Path) -> ContainerAuthStore:
    return ContainerAuthStore(str(file), REGISTRY)


def encoded(username: str, secret: str) -> str:
    return base64.b64encode(f"{username}:{secret}".encode()).decode()


def write(store: ContainerAuthStore, delivery: Delivery) -> None:
    with store.prepare():
        store.write(delivery)


def test_write_a_new_file(file: Path, store: ContainerAuthStore) -> None:
    write(store, DELIVERY)
    auth = encoded("$oauthtoken", SECRET)
    assert file.read_text() == f'{{\n\t"auths": {{\n\t\t"{REGISTRY}": {{\n\t\t\t"auth": "{auth}"\n\t\t}}\n\t}}\n}}\n'
    assert mode_of(file) == 0o600


def test_read_what_was_written(store: ContainerAuthStore) -> None:
    assert store.read() == StoredSecret()
    write(store, DELIVERY)
    held = store.read()
    assert (held.secret, held.username, held.permissions_match) == (SECRET, "$oauthtoken", True)
    assert held.record == RECORD
    assert held.recorded


def test_record_is_beside_the_file(file: Path, store: ContainerAuthStore) -> None:
    """The format has no place for a record. Each registry has its own."""
    write(store, DELIVERY)
    other = ContainerAuthStore(str(file), "docker.io")
    write(other, delivery_of(OTHER_SECRET))
    records = json.loads(file.with_name("auth.json.record.json").read_text())
    assert list(records) == ["docker.io", REGISTRY]
    assert records[REGISTRY]["fingerprint"] == FINGERPRINT
    assert (store.read().secret, other.read().secret) == (SECRET, OTHER_SECRET)
    assert SECRET not in json.dumps(records)


def test_facts_of_the_same_secret_are_kept(store: ContainerAuthStore) -> None:
    write(store, DELIVERY)
    write(store, delivery_of(SECRET))
    assert store.read().record == RECORD
    write(store, delivery_of(OTHER_SECRET))
    held = store.read()
    assert held.record is not None
    assert (held.recorded, held.record.uuid) == (True, None)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_everything_else_is_kept(file: Path, store: ContainerAuthStore, mode: int) -> None:
    file.write_text(json.dumps(OTHERS))
    file.chmod(mode)
    write(store, DELIVERY)
    entry = {"auth": encoded("$oauthtoken", SECRET)}
    written = json.loads(file.read_text())
    assert written == {**OTHERS, "auths": {**OTHERS["auths"], REGISTRY: entry}}
    assert list(written) == list(OTHERS)
    assert mode_of(file) == mode
    store.remove()
    assert json.loads(file.read_text()) == OTHERS
    assert mode_of(file) == mode


def test_entry_is_replaced_completely(file: Path, store: ContainerAuthStore) -> None:
    file.write_text(json.dumps({"auths": {REGISTRY: {"auth": encoded("old", "old"), "identitytoken": "x"}}}))
    write(store, DELIVERY)
    assert json.loads(file.read_text()) == {"auths": {REGISTRY: {"auth": encoded("$oauthtoken", SECRET)}}}


def test_remove(file: Path, store: ContainerAuthStore) -> None:
    store.remove()
    assert not file.exists()
    write(store, DELIVERY)
    store.remove()
    assert json.loads(file.read_text()) == {"auths": {}}
    assert not file.with_name("auth.json.record.json").exists()


def test_remove_from_a_file_without_the_entry(file: Path, store: ContainerAuthStore) -> None:
    """The file is not written: not even its layout changes."""
    text = '{"auths": {"docker.io": {}}}'
    file.write_text(text)
    store.remove()
    assert file.read_text() == text


def test_matches(file: Path, store: ContainerAuthStore) -> None:
    assert not store.matches(DELIVERY)
    write(store, DELIVERY)
    assert store.matches(DELIVERY)
    assert not store.matches(Delivery(SECRET, "acme+ci"))
    assert not store.matches(Delivery(OTHER_SECRET, "$oauthtoken"))
    assert not ContainerAuthStore(str(file), "quay.example.com").matches(DELIVERY)


@pytest.mark.parametrize(
    ("entry", "login"),
    [
        ({"auth": encoded("acme+ci", SECRET)}, ("acme+ci", SECRET)),
        ({"auth": encoded("a", "b:c")}, ("a", "b:c")),
        ({"auth": encoded("", "x")}, ("", "x")),
        ({"auth": encoded("acme+ci", "")}, (None, None)),
        ({"auth": base64.b64encode(b"acme+ci").decode()}, (None, None)),
        ({"auth": base64.b64encode(b"\xff:\xfe").decode()}, (None, None)),
        ({"auth": "not base64"}, (None, None)),
        ({"auth": "ü"}, (None, None)),
        ({"auth": ""}, (None, None)),
        ({"auth": None}, (None, None)),
        ({"auth": 5}, (None, None)),
        ({}, (None, None)),
        ("text", (None, None)),
        (None, (None, None)),
    ],
)
def test_read_an_entry_of_others(
    file: Path, store: ContainerAuthStore, entry: Any, login: tuple[str | None, str | None]
) -> None:
    file.write_text(json.dumps({"auths": {REGISTRY: entry}}))
    held = store.read()
    assert (held.username, held.secret, held.record) == (*login, None)
    assert held.foreign is (bool(entry) and login == (None, None))


@pytest.mark.parametrize("text", ["", " \n", "{}", '{"auths": {}}'])
def test_file_without_entries(file: Path, store: ContainerAuthStore, text: str) -> None:
    file.write_text(text)
    store.check()
    assert store.read() == StoredSecret()
    write(store, DELIVERY)
    assert store.read().secret == SECRET


@pytest.mark.parametrize("text", ["text", "[]", '"auths"', "{", '{"auths": []}', '{"auths": "x"}', '{"auths": null}'])
def test_file_of_another_format(file: Path, store: ContainerAuthStore, text: str) -> None:
    file.write_text(text)
    message = f"path: {file} is not a container auth file (JSON with an object 'auths'). It was not changed"
    for act in (store.check, store.read, store.remove, lambda: write(store, DELIVERY), store.warnings):
        with pytest.raises(LocalFileError) as caught:
            act()
        assert str(caught.value) == message
    assert file.read_text() == text
    assert list(files_in(file.parent)) == ["auth.json"]


def test_check_of_a_missing_directory(file: Path) -> None:
    with pytest.raises(LocalFileError, match=r"^path: the directory .*/none does not exist\. Create it first$"):
        ContainerAuthStore(str(file.parent / "none" / "auth.json"), REGISTRY).check()


def test_entry_of_another_form(file: Path, store: ContainerAuthStore) -> None:
    """It is somebody's login, which the delivery replaces; it is not removed."""
    text = json.dumps({"auths": {REGISTRY: {"identitytoken": "x"}}})
    file.write_text(text)
    store.check()
    assert store.read() == StoredSecret(foreign=True)
    file.write_text(json.dumps({"auths": {REGISTRY: {}}}))
    assert store.read() == StoredSecret()


@pytest.mark.parametrize(
    ("document", "helper"),
    [
        ({"credHelpers": {REGISTRY: "secretservice"}}, "secretservice"),
        ({"credHelpers": {"gcr.io": "gcloud"}, "credsStore": "pass"}, "pass"),
        ({"credHelpers": {REGISTRY: "secretservice"}, "credsStore": "pass"}, "secretservice"),
        ({"credHelpers": {"gcr.io": "gcloud"}}, None),
        ({"credHelpers": {REGISTRY: ""}}, None),
        ({"credHelpers": "x", "credsStore": ""}, None),
        ({}, None),
    ],
)
def test_credential_helper(file: Path, store: ContainerAuthStore, document: Any, helper: str | None) -> None:
    file.write_text(json.dumps(document))
    file.chmod(0o600)
    assert store.warnings() == (
        []
        if helper is None
        else [
            f"{file} names the credential helper '{helper}'. Container engines that use it never read the entry for "
            f"{REGISTRY}. Remove the helper from the file, or deliver to another file."
        ]
    )


def test_credential_helper_of_a_repository(file: Path) -> None:
    """Engines look up helpers by host."""
    file.write_text(json.dumps({"credHelpers": {"quay.example.com": "pass"}}))
    (warning,) = ContainerAuthStore(str(file), "quay.example.com/acme/app").warnings()[-1:]
    assert "names the credential helper 'pass'" in warning


def store_of(file: Path, **options: Any) -> ContainerAuthStore:
    return container_auth_store({**STORE_OPTIONS, "path": str(file), **options}, OPTIONS["quay_host"])


@pytest.mark.parametrize(
    ("registry", "used"), [(None, REGISTRY), ("", REGISTRY), ("reg.example.com", "reg.example.com")]
)
def test_registry(file: Path, registry: str | None, used: str) -> None:
    found = store_of(file, registry=registry)
    assert (found.registry, found.part, found.place) == (used, used, str(file))


@pytest.mark.parametrize("registry", ["https://quay.example.com", "quay.example.com/"])
def test_registry_that_is_no_host(file: Path, registry: str) -> None:
    with pytest.raises(BadInput) as caught:
        store_of(file, registry=registry)
    assert str(caught.value) == (
        "registry must be a host, as in podman login: quay.example.com or quay.example.com:8443"
    )


@pytest.mark.parametrize(("mode", "expected"), [(None, 0o600), ("", 0o600), (0o640, 0o640), ("u=rw,g=r", 0o640)])
def test_declared_mode(file: Path, mode: Any, expected: int) -> None:
    """It is that of the file and of its record."""
    store = store_of(file, mode=mode)
    write(store, DELIVERY)
    assert [mode_of(path) for path in (file, file.with_name("auth.json.record.json"))] == [expected] * 2
    assert store.matches(DELIVERY)


def test_drifted_mode(file: Path) -> None:
    """A declared mode is restored; without one, the record follows the file."""
    for store in (store_of(file, mode="0640"), store_of(file)):
        write(store, DELIVERY)
        file.chmod(0o644)
        assert not store.read().permissions_match
        assert not store.matches(DELIVERY)
        write(store, DELIVERY)
        assert store.matches(DELIVERY)
    assert mode_of(file) == 0o644


@pytest.mark.parametrize("mode", [0, "0000", 416 + 0o002, "0602", 440])
def test_invalid_mode(file: Path, mode: Any) -> None:
    with pytest.raises(BadInput, match="^mode"):
        store_of(file, mode=mode)


def test_mode_that_lets_everybody_write_is_not_kept(file: Path) -> None:
    file.write_text("{}")
    file.chmod(0o666)
    message = f"^path: {file} can be overwritten by everybody. Change its mode, for example to 0600$"
    with pytest.raises(LocalFileError, match=message):
        store_of(file).check()
    store = store_of(file, mode="0600")
    write(store, DELIVERY)
    assert mode_of(file) == 0o600


@pytest.mark.parametrize(("declared", "warned"), [(None, True), ("0644", False)])
def test_mode_that_lets_everybody_read(file: Path, declared: str | None, warned: bool) -> None:
    """A warning, unless the play wants that mode."""
    file.write_text("{}")
    file.chmod(0o644)
    warning = f"{file} can be read by every user of the target. Change its mode if that is not intended."
    assert store_of(file, mode=declared).warnings() == ([warning] if warned else [])


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"format": "json"}, "format"),
        ({"prefix": "CI_", "backup": True}, "prefix, backup"),
        ({"force": True}, "force"),
        ({"merge": True}, "merge"),
    ],
)
def test_option_of_another_kind_of_store(file: Path, options: dict[str, Any], named: str) -> None:
    with pytest.raises(BadInput) as caught:
        store_from_options({"kind": "container_auth", "path": str(file), **options}, OPTIONS["quay_host"])
    assert str(caught.value) == f"{named} has no effect on a store of the kind container_auth. Leave it out"


def auth_context(warnings: list[str] | None = None, *, check_mode: bool = False, **options: Any) -> LocalContext:
    """One run of quay_container_auth, which has no options of other kinds of stores."""
    context = local_context(warnings, check_mode=check_mode, **{"mode": None, **options})
    for name in ("format", "prefix", "merge", "force", "backup"):
        del context.params[name]
    return context


def test_module(file: Path) -> None:
    result = ensure_container_auth(auth_context(path=str(file)))
    assert result.changed
    assert result.values == {"place": str(file), "registry": REGISTRY, "fingerprint": FINGERPRINT}
    assert result.before == {"place": str(file), "registry": REGISTRY, "token": "absent"}
    assert result.after == {"place": str(file), "registry": REGISTRY, "token": "delivered"}
    assert json.loads(file.read_text()) == {"auths": {REGISTRY: {"auth": encoded("acme+ci", SECRET)}}}
    assert not ensure_container_auth(auth_context(path=str(file))).changed


def test_module_without_a_username(file: Path) -> None:
    with pytest.raises(BadInput) as caught:
        ensure_container_auth(auth_context(path=str(file), username=""))
    assert str(caught.value) == "username is missing: an entry of an auth file has a user name and a secret"
    assert not file.exists()
    assert not ensure_container_auth(auth_context(path=str(file), username="", state="absent")).changed


@pytest.mark.parametrize("check_mode", [False, True])
def test_module_warns_of_a_credential_helper(file: Path, check_mode: bool) -> None:
    file.write_text(json.dumps({"credsStore": "pass"}))
    file.chmod(0o600)
    warnings: list[str] = []
    assert ensure_container_auth(auth_context(warnings, check_mode=check_mode, path=str(file))).changed
    assert warnings == [
        f"{file} names the credential helper 'pass'. Container engines that use it never read the entry for "
        f"{REGISTRY}. Remove the helper from the file, or deliver to another file."
    ]


@pytest.mark.parametrize("username", ["acme ci", "acme\tci", "acme\nci"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_module_with_white_space_in_the_username(file: Path, username: str, state: str) -> None:
    with pytest.raises(BadInput) as caught:
        ensure_container_auth(auth_context(path=str(file), username=username, state=state))
    assert str(caught.value) == "username holds white space, so it is not a user name of Quay"
    assert not file.exists()


def test_module_with_white_space_around_the_username(file: Path) -> None:
    """It is dropped, as that around a token is."""
    ensure_container_auth(auth_context(path=str(file), username=" acme+ci\n"))
    assert json.loads(file.read_text()) == {"auths": {REGISTRY: {"auth": encoded("acme+ci", SECRET)}}}
    with pytest.raises(BadInput, match="^username is missing"):
        ensure_container_auth(auth_context(path=str(file), username=" "))


def test_module_with_a_colon_in_the_username(file: Path) -> None:
    with pytest.raises(BadInput) as caught:
        ensure_container_auth(auth_context(path=str(file), username="acme:ci"))
    assert str(caught.value) == (
        "username must not hold a colon: an auth file separates the user name and the secret by one"
    )
    assert not file.exists()
