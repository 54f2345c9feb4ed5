# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores in Vault, on a server that fails at any request."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, StoreError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import vault_client
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import CURRENT, OTHER
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.hashi_vault import (
    HashiVaultStore,
    Keys,
    hashi_vault_store,
    keys_from_options,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.remote_options import VAULT_OPTIONS
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import (
    DELIVERY,
    FINGERPRINT,
    OTHER_SECRET,
    RECORD,
    SECRET,
    delivery_of,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_vault import (
    ERROR_AFTER,
    HANG,
    RESET_AFTER,
    RESET_BEFORE,
    TOKEN,
    FakeVault,
)

QUAY = "https://quay.example.com:8443"
REGISTRY = "quay.example.com:8443"
DATA = {"token": SECRET, "username": "$oauthtoken", "registry": REGISTRY}
READ, WRITE, DELETE = "GET secret/data/ci/quay", "POST secret/data/ci/quay", "POST secret/delete/ci/quay"
PATCH, RIGHTS = "PATCH secret/metadata/ci/quay", "POST sys/capabilities-self"
MOUNT = "GET sys/internal/ui/mounts/secret/ci/quay"
AMBIGUOUS: list[Any] = [RESET_BEFORE, RESET_AFTER, ERROR_AFTER, (500, {}), (502, "<html>"), (504, "")]
SEALED = (503, {"errors": ["Vault is sealed"]})
READ_ATTEMPTS = 3


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A new client for each test, which does not pause."""
    monkeypatch.setattr(vault_client, "_PAUSE", 0)
    for name in ("ADDR", "TOKEN", "CACERT", "CAPATH", "SKIP_VERIFY", "NAMESPACE", "CLIENT_TIMEOUT"):
        monkeypatch.delenv(f"VAULT_{name}", raising=False)
        monkeypatch.delenv(f"BAO_{name}", raising=False)
    vault_client.cached_client.cache_clear()
    yield
    vault_client.cached_client.cache_clear()


@pytest.fixture
def vault() -> Iterator[FakeVault]:
    with FakeVault() as server:
        yield server


def options(vault: FakeVault, **more: Any) -> dict[str, Any]:
    given = {"path": "ci/quay", "vault_url": vault.url, "vault_token": TOKEN, "registry": None, **more}
    return {**dict.fromkeys(VAULT_OPTIONS), **given}


def store_of(vault: FakeVault, **more: Any) -> HashiVaultStore:
    return hashi_vault_store(options(vault, **more), QUAY)


def ready(vault: FakeVault, **more: Any) -> HashiVaultStore:
    """A store that was checked and read, as before each write. Its requests are forgotten."""
    store = store_of(vault, **more)
    store.check()
    store.read()
    vault.requests.clear()
    return store


def deliver(store: HashiVaultStore, delivery: Any = DELIVERY) -> None:
    with store.prepare():
        store.write(delivery)


def held(vault: FakeVault, **more: Any) -> Any:
    return store_of(vault, **more).read()


# --- version 2


def test_construction_sends_nothing(vault: FakeVault) -> None:
    store = store_of(vault)
    assert (store.place, store.part, list(store.files)) == (f"hashi_vault {vault.url} secret/ci/quay", "token", [])
    assert vault.requests == []


def test_new_path(vault: FakeVault) -> None:
    store = store_of(vault)
    store.check()
    assert vault.requests == [MOUNT, READ, RIGHTS]
    assert store.read().fingerprint is None
    vault.requests.clear()
    deliver(store)
    assert vault.requests == [READ, WRITE, READ, PATCH]
    assert vault.versions == {"ci/quay": [DATA]}
    assert {key: json.loads(text) for key, text in vault.custom["ci/quay"].items()} == {
        f"quay_token_{FINGERPRINT}": {
            "name": "nightly",
            "fingerprint": FINGERPRINT,
            "created_at": "2026-01-31T12:00:00Z",
            "expires_at": "2026-04-30T12:00:00Z",
            "uuid": "6e3a1d0c",
            "superseded": "a1,b2",
            "username": "$oauthtoken",
        }
    }
    found = held(vault)
    assert (found.secret, found.username, found.recorded, found.foreign) == (SECRET, "$oauthtoken", True, False)
    assert found.record.superseded == RECORD.superseded
    assert store.warnings() == []


def test_second_delivery_writes_nothing(vault: FakeVault) -> None:
    deliver(ready(vault))
    store = ready(vault)
    assert store.matches(DELIVERY)
    deliver(store)
    assert vault.requests == [READ]
    assert len(vault.versions["ci/quay"]) == 1


def test_replaced_secret(vault: FakeVault) -> None:
    """The record of the new secret is there before the secret, and that of the old one stays until then."""
    vault.put("ci/quay", {"foreign": "kept"})
    deliver(ready(vault), delivery_of(OTHER_SECRET))
    vault.custom["ci/quay"]["team"] = "build"
    store = ready(vault)
    seen = []
    vault.before[WRITE] = [lambda: seen.append(held(vault))]
    deliver(store)
    assert vault.requests[:3] == [READ, PATCH, WRITE]
    assert (seen[0].secret, seen[0].recorded) == (OTHER_SECRET, True)
    assert vault.current() == {"foreign": "kept", **DATA}
    assert held(vault).recorded
    # The next delivery removes the record of the first secret.
    deliver(ready(vault), delivery_of("N3XT" * 10))
    assert sorted(vault.custom["ci/quay"]) == sorted(
        [f"quay_token_{FINGERPRINT}", f"quay_token_{held(vault).fingerprint}", "team"]
    )


def test_record_that_becomes_shorter(vault: FakeVault) -> None:
    """What is left of the longer one is removed."""
    handles = tuple(f"00000000-0000-0000-0000-{number:012}" for number in range(20))
    deliver(ready(vault), replace(DELIVERY, record=replace(RECORD, superseded=handles)))
    assert held(vault).record.superseded == handles
    deliver(ready(vault))
    assert vault.custom["ci/quay"].keys() == {f"quay_token_{FINGERPRINT}"}
    assert held(vault).record == replace(RECORD, username="$oauthtoken")


def test_secret_never_reaches_the_metadata(vault: FakeVault) -> None:
    deliver(ready(vault))
    assert SECRET not in json.dumps(vault.custom)


@pytest.mark.parametrize("fault", AMBIGUOUS, ids=str)
@pytest.mark.parametrize("present", [None, {"foreign": "kept"}])
def test_write_with_an_unclear_answer(vault: FakeVault, fault: Any, present: Any) -> None:
    """It is repeated only if it took no effect."""
    if present:
        vault.put("ci/quay", present)
    store = ready(vault)
    vault.fail(WRITE, fault)
    deliver(store)
    assert vault.current() == {**(present or {}), **DATA}
    assert len(vault.versions["ci/quay"]) == (2 if present else 1)
    assert vault.requests.count(WRITE) == (1 if fault in (RESET_AFTER, ERROR_AFTER) else 2)
    assert held(vault).recorded


def test_write_without_an_answer(vault: FakeVault) -> None:
    store = ready(vault, vault_timeout="1s")
    vault.fail(WRITE, HANG)
    deliver(store)
    assert vault.versions == {"ci/quay": [DATA]}


@pytest.mark.parametrize("fault", AMBIGUOUS, ids=str)
def test_metadata_with_an_unclear_answer(vault: FakeVault, fault: Any) -> None:
    """The record is then written with the secret."""
    vault.put("ci/quay", {})
    store = ready(vault)
    vault.fail(PATCH, fault)
    deliver(store)
    assert vault.current().keys() == {*DATA, "token_record"}
    found = held(vault)
    assert (found.secret, found.recorded, found.record.uuid) == (SECRET, True, "6e3a1d0c")
    # The next delivery moves it.
    deliver(ready(vault))
    assert vault.current() == DATA
    assert held(vault).recorded


def test_metadata_of_a_new_path_fails(vault: FakeVault) -> None:
    store = ready(vault)
    vault.fail(PATCH, (400, {"errors": [SECRET]}))
    deliver(store)
    assert held(vault).recorded
    assert json.loads(vault.current()["token_record"])["uuid"] == "6e3a1d0c"


def test_server_goes_down_while_it_is_written(vault: FakeVault) -> None:
    store = ready(vault)
    vault.fail(WRITE, RESET_AFTER)
    vault.fail(READ, None, *[RESET_BEFORE] * READ_ATTEMPTS)
    with pytest.raises(StoreError) as caught:
        deliver(store)
    assert str(caught.value) == (
        f"{store.place}: it is not known whether the write took effect (Cannot reach {vault.url}: the connection was "
        f"closed), because the content could not be read back: Cannot reach {vault.url}: the connection was closed. "
        "Run the task again"
    )


@pytest.mark.parametrize("fault", AMBIGUOUS, ids=str)
def test_reading_is_repeated(vault: FakeVault, fault: Any) -> None:
    deliver(ready(vault))
    vault.requests.clear()
    vault.fail(READ, fault, fault)
    assert held(vault).secret == SECRET
    assert vault.requests == [READ] * READ_ATTEMPTS


@pytest.mark.parametrize("status", [412, 429])
def test_refused_for_now(vault: FakeVault, status: int) -> None:
    """It took no effect, so a write is repeated, too."""
    store = ready(vault)
    vault.fail(WRITE, (status, {}), (status, {}))
    deliver(store)
    assert vault.versions == {"ci/quay": [DATA]}


# --- two writers


def test_other_keys_change_meanwhile(vault: FakeVault) -> None:
    vault.put("ci/quay", {"other": "1"})
    store = ready(vault)
    vault.before[WRITE] = [lambda: vault.put("ci/quay", {"other": "2", "more": "3"})]
    deliver(store)
    assert vault.current() == {"other": "2", "more": "3", **DATA}
    assert vault.requests == [READ, PATCH, WRITE, READ, WRITE, READ]


def test_own_keys_change_meanwhile(vault: FakeVault) -> None:
    deliver(ready(vault), delivery_of(OTHER_SECRET))
    store = ready(vault)
    vault.before[WRITE] = [lambda: vault.put("ci/quay", {**DATA, "token": "ANOTHERRUN" * 4})]
    with pytest.raises(StoreError, match=r"was changed by somebody else while it was written\. Run the task again$"):
        deliver(store)
    assert vault.current()["token"] == "ANOTHERRUN" * 4
    assert vault.requests.count(WRITE) == 1


def test_other_writer_delivers_the_same_secret(vault: FakeVault) -> None:
    store = ready(vault)
    vault.before[WRITE] = [lambda: vault.put("ci/quay", dict(DATA))]
    deliver(store)
    assert vault.versions == {"ci/quay": [DATA]}


def test_own_keys_change_before_a_secret_is_issued(vault: FakeVault) -> None:
    store = ready(vault)
    vault.put("ci/quay", DATA)
    with pytest.raises(StoreError, match="was changed by somebody else during this run"):
        store.prepare().__enter__()
    assert vault.requests == [READ]


def test_writer_that_never_stops(vault: FakeVault) -> None:
    store = ready(vault)
    conflict = (400, {"errors": ["check-and-set parameter did not match the current version"]})
    vault.fail(WRITE, *[conflict] * 9)
    with pytest.raises(StoreError, match=r"could not be written: secret/data/ci/quay was changed by another writer$"):
        deliver(store)
    assert vault.requests.count(WRITE) == 5


# --- what is there


def test_deleted_version(vault: FakeVault) -> None:
    deliver(ready(vault))
    vault.put("ci/quay", None)
    store = ready(vault)
    assert held(vault).fingerprint is None
    deliver(store)
    assert vault.versions["ci/quay"] == [DATA, None, DATA]
    assert held(vault).recorded


@pytest.mark.parametrize(
    "present", [{"token": "a note"}, {"token": {"nested": 1}}, {"username": "db"}, {"registry": "other.example.com"}]
)
def test_foreign_content(vault: FakeVault, present: Any) -> None:
    vault.put("ci/quay", {**present, "other": 1})
    store = store_of(vault)
    with pytest.raises(StoreError, match="holds something else than this credential in (token|username|registry), wh"):
        store.check()
    assert store.read().foreign
    store.check(removing=True)
    deliver(ready(vault, force=True))
    assert vault.current() == {"other": 1, **DATA}


@pytest.mark.parametrize("present", [{"token": SECRET}, {"token": SECRET + "\n"}, {"token": "", "registry": REGISTRY}])
def test_content_that_is_taken_over(vault: FakeVault, present: Any) -> None:
    """What looks like a secret of Quay is one that somebody wrote by hand."""
    vault.put("ci/quay", present)
    store = ready(vault)
    assert store.read().secret == (present["token"].strip() or None)
    assert not store.read().recorded
    deliver(store)
    assert vault.current() == DATA
    assert held(vault).recorded


@pytest.mark.parametrize("edited", ["a note", "", ["list"], OTHER_SECRET])
def test_edit_by_hand(vault: FakeVault, edited: Any) -> None:
    """The metadata shows that the key is ours, whatever it holds now."""
    deliver(ready(vault))
    vault.put("ci/quay", {**DATA, "token": edited})
    store = ready(vault)
    found = store.read()
    assert (found.foreign, found.recorded) == (False, False)
    deliver(store)
    assert vault.current() == DATA


@pytest.mark.parametrize(
    ("edited", "complete"),
    [
        ({}, True),
        ({"other": 1}, True),
        ({"token": SECRET + "\n"}, False),
        ({"username": "somebody"}, False),
        ({"username": None}, False),
        ({"registry": "other.example.com"}, False),
    ],
)
def test_edit_of_what_belongs_to_the_secret(vault: FakeVault, edited: Any, complete: bool) -> None:
    deliver(ready(vault))
    vault.put("ci/quay", {**DATA, **edited})
    store = ready(vault)
    found = store.read()
    assert found.complete is complete
    assert found.compared_with(SECRET) == (CURRENT if complete else OTHER)
    deliver(store)
    assert vault.current() == {**edited, **DATA}


def test_secret_by_hand_without_the_rest(vault: FakeVault) -> None:
    vault.put("ci/quay", {"token": SECRET})
    assert held(vault).compared_with(SECRET) == OTHER
    assert held(vault, keys={"token": "token"}).compared_with(SECRET) == CURRENT
    vault.put("ci/quay", {"token": SECRET, "username": "acme+ci", "registry": REGISTRY})
    assert held(vault).compared_with(SECRET) == CURRENT


def test_secret_without_a_user_name(vault: FakeVault) -> None:
    """A registry token has none."""
    deliver(ready(vault), replace(DELIVERY, username=""))
    assert vault.current() == {"token": SECRET, "registry": REGISTRY}
    assert held(vault).compared_with(SECRET) == CURRENT


def test_own_names_of_keys(vault: FakeVault) -> None:
    vault.put("ci/quay", {"token": "other", "username": "other"})
    store = ready(vault, keys={"token": "quay"})
    assert store.part == "quay"
    deliver(store)
    assert vault.current() == {"token": "other", "username": "other", "quay": SECRET}
    assert held(vault, keys={"token": "quay"}).username == "$oauthtoken"
    # A second credential at the same path has records of its own.
    second = ready(vault, keys={"token": "second", "username": "second_user"})
    deliver(second, delivery_of(OTHER_SECRET))
    assert held(vault, keys={"token": "quay"}).recorded
    assert held(vault, keys={"token": "second", "username": "second_user"}).username == "acme+ci"


@pytest.mark.parametrize("keys", [{"tokn": "x"}, {"token": "x", "username": "x"}, {"token": "x" * 101}])
def test_keys_that_cannot_be_written(keys: Any) -> None:
    with pytest.raises(BadInput, match=r"^keys: "):
        keys_from_options({"keys": keys})


def test_keys_of_templates() -> None:
    assert keys_from_options({"keys": {"token": " pat ", "username": "", "registry": None}}) == Keys("pat", None, None)


# --- removal


def test_removal(vault: FakeVault) -> None:
    vault.put("ci/quay", {"other": 1})
    deliver(ready(vault))
    vault.custom["ci/quay"]["team"] = "build"
    store = ready(vault)
    store.remove()
    assert vault.current() == {"other": 1}
    assert vault.custom["ci/quay"] == {"team": "build"}
    assert vault.requests == [PATCH, WRITE, READ]


def test_removal_of_the_last_key(vault: FakeVault) -> None:
    deliver(ready(vault))
    store = ready(vault)
    store.remove()
    assert vault.current() is None
    assert vault.requests == [PATCH, DELETE, READ]


def test_removal_without_the_right_to_delete(vault: FakeVault) -> None:
    deliver(ready(vault))
    vault.rights["secret/delete/ci/quay"] = ["deny"]
    ready(vault).remove()
    assert vault.current() == {}


def test_version_of_somebody_else_is_not_deleted(vault: FakeVault) -> None:
    deliver(ready(vault))
    store = ready(vault)
    vault.before[DELETE] = [lambda: vault.put("ci/quay", {**DATA, "other": 1})]
    store.remove()
    assert vault.current() == {"other": 1}


@pytest.mark.parametrize("fault", AMBIGUOUS, ids=str)
def test_removal_with_an_unclear_answer(vault: FakeVault, fault: Any) -> None:
    deliver(ready(vault))
    store = ready(vault)
    vault.fail(DELETE, fault)
    store.remove()
    assert vault.current() is None


# --- rights


@pytest.mark.parametrize(
    ("present", "allowed", "missing"),
    [
        (None, ["read", "update"], "create"),
        (None, ["read"], "create and update"),
        ({"other": 1}, ["create", "read"], "update"),
        ({"other": 1}, ["create", "update"], "read"),
    ],
)
def test_lacking_rights(vault: FakeVault, present: Any, allowed: list[str], missing: str) -> None:
    if present:
        vault.put("ci/quay", present)
    vault.rights["secret/data/ci/quay"] = allowed
    with pytest.raises(StoreError) as caught:
        store_of(vault).check()
    assert str(caught.value) == (
        f"The policies of the token lack the capability {missing} on secret/data/ci/quay (they grant: "
        f"{', '.join(allowed)}). Add it to a policy"
    )
    assert WRITE not in vault.requests


def test_removal_needs_no_rights_if_nothing_is_there(vault: FakeVault) -> None:
    vault.rights["secret/data/ci/quay"] = ["read"]
    store_of(vault).check(removing=True)


@pytest.mark.parametrize("allowed", [["read"], ["deny"], []])
def test_no_right_to_metadata(vault: FakeVault, allowed: list[str]) -> None:
    vault.rights["secret/metadata/ci/quay"] = allowed
    vault.put("ci/quay", {"other": 1})
    store = ready(vault)
    assert store.warnings() == [
        f"{store.place}: the record is kept in the key token_record of the secret, because the custom metadata is full "
        "or the token may not write it. Grant patch on secret/metadata/ci/quay."
    ]
    deliver(store)
    assert vault.requests == [READ, WRITE, READ]
    assert vault.current().keys() == {"other", "token_record", *DATA}
    found = held(vault)
    assert (found.recorded, found.record.superseded) == (True, ("a1", "b2"))
    store.remove()
    assert vault.current() == {"other": 1}


def test_metadata_without_patch(vault: FakeVault) -> None:
    """All custom metadata is written then, so what others keep there is written again."""
    vault.rights["secret/metadata/ci/quay"] = ["update"]
    vault.put("ci/quay", {"other": 1})
    vault.custom["ci/quay"] = {"team": "build"}
    deliver(ready(vault))
    assert vault.custom["ci/quay"].keys() == {"team", f"quay_token_{FINGERPRINT}"}
    assert held(vault).recorded


def test_metadata_with_check_and_set(vault: FakeVault) -> None:
    vault.metadata_cas = True
    vault.put("ci/quay", {"other": 1})
    deliver(ready(vault))
    assert vault.custom["ci/quay"].keys() == {f"quay_token_{FINGERPRINT}"}


def test_metadata_that_is_full(vault: FakeVault) -> None:
    vault.put("ci/quay", {"other": 1})
    vault.custom["ci/quay"] = {f"key{number}": "x" for number in range(60)}
    store = ready(vault)
    assert len(store.warnings()) == 1
    deliver(store)
    assert held(vault).recorded
    assert len(vault.custom["ci/quay"]) == 60


def test_rights_that_cannot_be_asked_for(vault: FakeVault) -> None:
    vault.rights["sys/capabilities-self"] = ["deny"]
    store = ready(vault)
    assert store.warnings() == [
        f"{store.place}: the policies of the token do not let it ask for its rights (sys/capabilities-self), so they "
        "could not be checked."
    ]
    deliver(store)
    assert held(vault).recorded


# --- version 1


def test_version_1(vault: FakeVault) -> None:
    vault.plain["old/ci/quay"] = {"other": 1}
    store = ready(vault, mount="old")
    assert store.warnings() == []
    deliver(store)
    assert vault.requests == ["GET old/ci/quay", "POST old/ci/quay", "GET old/ci/quay"]
    assert vault.plain["old/ci/quay"].keys() == {"other", "token_record", *DATA}
    found = held(vault, mount="old")
    assert (found.secret, found.recorded) == (SECRET, True)
    ready(vault, mount="old").remove()
    assert vault.plain == {"old/ci/quay": {"other": 1}}


def test_version_1_of_which_nothing_is_left(vault: FakeVault) -> None:
    deliver(ready(vault, mount="old"))
    ready(vault, mount="old").remove()
    assert vault.plain == {}


def test_version_1_without_check_and_set(vault: FakeVault) -> None:
    """A write that was overwritten by another writer is seen when it is read back, and is done again."""
    store = ready(vault, mount="old")
    stale: list[Any] = [{"other": 1}]
    vault.before["GET old/ci/quay"] = []
    vault.before["POST old/ci/quay"] = [
        lambda: vault.before.update({"GET old/ci/quay": [lambda: vault.plain.update({"old/ci/quay": stale[0]})]})
    ]
    deliver(store)
    assert vault.plain["old/ci/quay"].keys() == {"other", "token_record", *DATA}


@pytest.mark.parametrize(("mount", "given", "found"), [("secret", "1", "2"), ("old", "2", "1")])
def test_wrong_version(vault: FakeVault, mount: str, given: str, found: str) -> None:
    with pytest.raises(StoreError, match=f"^The mount {mount} is KV version {found}. Set kv_version to"):
        store_of(vault, mount=mount, kv_version=given).check()


def test_wrong_version_that_cannot_be_asked_for(vault: FakeVault) -> None:
    """The server says it in its response, too."""
    vault.fail(MOUNT, (403, {"errors": ["permission denied"]}))
    with pytest.raises(StoreError, match=r"^The mount secret is KV version 2\. Set kv_version to 2, or leave it out$"):
        store_of(vault, kv_version="1").check()


def test_wrong_version_with_content(vault: FakeVault) -> None:
    vault.plain["old/data/ci/quay"] = {"other": 1}
    with pytest.raises(StoreError, match="^The mount old is KV version 1. Set kv_version to 1, or leave it out$"):
        store_of(vault, mount="old", kv_version="2").check()


def test_given_version_is_not_asked_for(vault: FakeVault) -> None:
    vault.put("ci/quay", {"other": 1})
    store_of(vault, kv_version="2").check()
    assert vault.requests == [READ, RIGHTS]


# --- refusals


def test_token_that_is_not_accepted(vault: FakeVault) -> None:
    for version in (None, "2"):
        with pytest.raises(StoreError) as caught:
            store_of(vault, vault_token="hvs.WRONG", kv_version=version).check()
        assert str(caught.value).endswith(
            "permission denied (403). The token is wrong or expired, or its policies do not allow the request. The "
            "token cannot even ask for its rights, so it is probably wrong, revoked or expired. Check the login "
            "(vault_token, VAULT_TOKEN or vault_auth_method)"
        )
        assert "hvs.WRONG" not in str(caught.value)


def test_token_that_expires_during_the_run(vault: FakeVault) -> None:
    store = ready(vault)
    vault.tokens.clear()
    with pytest.raises(StoreError, match="probably wrong, revoked or expired"):
        store.prepare().__enter__()


@pytest.mark.parametrize("version", [None, "2"])
def test_missing_mount(vault: FakeVault, version: str | None) -> None:
    with pytest.raises(StoreError, match=r"here is no mount nowhere[,.]"):
        store_of(vault, mount="nowhere", kv_version=version).check()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (SEALED, "{url} is sealed. Unseal it, and run the task again"),
        ((501, {}), "{url} at secret/data/ci/quay: the server answered 501: it is not initialized"),
        (
            (500, {}),
            "{url} at secret/data/ci/quay: the server answered 500. Check that the server works, and run the task "
            "again",
        ),
        (
            (307, None, [("Location", "https://active.example.com:8200/v1/secret/data/ci/quay")]),
            "{url} redirects to https://active.example.com:8200, as a standby server does. Credentials do not follow a "
            "redirect. Set vault_url (VAULT_ADDR) to the active server, or to a load balancer in front of it",
        ),
        (
            (200, "<html>sign in</html>"),
            "{url} at secret/data/ci/quay: the response is not JSON. Check that vault_url (VAULT_ADDR) is Vault or "
            "OpenBao itself",
        ),
        ((400, {"errors": [SECRET]}), "{url} at secret/data/ci/quay: the server does not accept the request (400)"),
    ],
)
def test_server_that_refuses(vault: FakeVault, answer: Any, message: str) -> None:
    vault.fail(READ, *[answer] * READ_ATTEMPTS)
    with pytest.raises(StoreError) as caught:
        store_of(vault, kv_version="2").check()
    assert str(caught.value) == message.format(url=vault.url)


def test_sealed_server_is_asked_once(vault: FakeVault) -> None:
    vault.fail(READ, SEALED)
    with pytest.raises(StoreError, match="is sealed"):
        store_of(vault, kv_version="2").check()
    assert vault.requests == [READ]


def test_server_is_down() -> None:
    with FakeVault() as gone:
        pass
    with pytest.raises(StoreError) as caught:
        store_of(gone).check()
    assert str(caught.value) == (
        f"Cannot reach {gone.url}: connection refused. Check vault_url (VAULT_ADDR) and that the server is up"
    )


def test_plain_http() -> None:
    vault = FakeVault()
    vault._server.server_close()
    given = options(vault, vault_url="http://vault.example.com:8200")
    warnings = hashi_vault_store(given, QUAY).warnings()
    assert warnings[0] == (
        "hashi_vault http://vault.example.com:8200 secret/ci/quay: the secret is sent over plain http and can be read "
        "by others. Use https."
    )
