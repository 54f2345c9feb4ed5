# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores of the kind hashi_vault, in a real OpenBao server."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from contract import collection
from functional.harness import FourRuns, Harness, assert_predicted, assert_refused
from functional.module_runner import Result
from functional.openbao import OpenBao
from standin.tokens import fingerprint

PATH = "ci/quay"
MODULE = "quay_robot_token"
DATA, METADATA, DELETE = f"secret/data/{PATH}", f"secret/metadata/{PATH}", f"secret/delete/{PATH}"
LEAST = {DATA: ["create", "read", "update"], METADATA: ["patch"], DELETE: ["update"]}
GUIDE = collection.ROOT / "docs" / "docsite" / "rst" / "guide_vault.rst"
OTHERS = {"team": "build", "nested": {"a": [1, 2]}}


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
        login = {} if "vault_auth_method" in options else {"vault_token": self.bao.root_token}
        entry = {"kind": "hashi_vault", "vault_url": self.bao.url, "path": PATH, **login, **options}
        return {name: value for name, value in entry.items() if value is not None}

    def arguments(self, store: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        return {"name": "acme+ci", "deliver": [store or self.entry()], **options}

    def run(self, store: dict[str, Any] | None = None, **options: Any) -> Result:
        return self.harness.run(MODULE, self.arguments(store, **options))

    def four_runs(self, store: dict[str, Any] | None = None, *, idempotent: bool = True, **options: Any) -> FourRuns:
        """Run the module in check mode, really, and again. Asserts that check mode changes nothing in the store."""
        before = self.snapshot()
        arguments = self.arguments(store, **options)
        self.harness.check(MODULE, arguments)
        assert self.snapshot() == before
        runs = self.harness.four_runs(MODULE, arguments, idempotent=idempotent)
        after = self.snapshot()
        self.harness.check(MODULE, arguments)
        assert self.snapshot() == after
        return runs

    def snapshot(self) -> Any:
        """Everything that the server keeps at the path."""
        return self.bao.get(PATH), self.bao.find_metadata(PATH)

    def refused(self, *words: str, store: dict[str, Any] | None = None, **options: Any) -> str:
        """Assert that a run is refused, in check mode and really, and that it changes nothing."""
        before = self.snapshot()
        message = assert_refused(self.harness, MODULE, self.arguments(store, **options), *words)
        assert self.snapshot() == before
        return message

    def fields(self) -> dict[str, str]:
        """What is to be in the secret."""
        registry = f"127.0.0.1:{self.harness.quay.port}"
        return {"token": self.robot_token(), "username": "acme+ci", "registry": registry}

    def token(self, rules: dict[str, list[str]], **options: Any) -> str:
        """Create a token of the server with a policy of these rules."""
        created = self.bao.token_for("ci", rules, **options)
        self.harness.known_secrets.add([created])
        return created

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
    assert runs.first.diff["after"]["deliver"] == {vault.place: "current"}
    assert runs.first.warnings == []
    assert vault.bao.get(PATH) == vault.fields()
    assert vault.bao.version(PATH) == 1
    shown = fingerprint(vault.robot_token())
    records = vault.bao.records(PATH)
    assert records.keys() == {f"quay_token_{shown}"}
    record = records[f"quay_token_{shown}"]
    assert record == {
        "name": "acme+ci",
        "username": "acme+ci",
        "fingerprint": shown,
        **{key: record[key] for key in ("created_at", "uuid") if key in record},
    }


def test_other_keys_are_kept(vault: VaultStore) -> None:
    vault.bao.put(PATH, OTHERS)
    vault.bao.call("POST", METADATA, {"custom_metadata": {"owner": "build"}, "max_versions": 7})
    assert vault.four_runs().first.changed
    assert vault.bao.get(PATH) == {**OTHERS, **vault.fields()}
    metadata = vault.bao.metadata(PATH)
    assert metadata["custom_metadata"]["owner"] == "build"
    assert (metadata["max_versions"], metadata["current_version"]) == (7, 2)


def test_rotation(vault: VaultStore) -> None:
    """The record of the present secret is there before and after, and that of the one before is removed later."""
    vault.run()
    former = vault.robot_token()
    runs = vault.four_runs(rotate="always", idempotent=False)
    assert runs.first.changed
    assert vault.bao.get(PATH) == vault.fields()
    assert vault.robot_token() != former
    assert f"quay_token_{fingerprint(former)}" not in vault.bao.records(PATH)
    assert len(vault.bao.records(PATH)) == 2
    assert vault.bao.version(PATH) == 3


@pytest.mark.parametrize("edited", ["a note", "", {"nested": 1}, "OTHERSECRET" * 6])
def test_edit_by_hand_is_repaired(vault: VaultStore, edited: Any) -> None:
    vault.run()
    vault.bao.put(PATH, {**OTHERS, **vault.fields(), "token": edited})
    runs = vault.four_runs()
    assert runs.first.changed
    assert not runs.first["minted"]
    assert vault.bao.get(PATH) == {**OTHERS, **vault.fields()}


@pytest.mark.parametrize("edited", [{"username": "somebody"}, {"registry": "other.example.com"}, {"username": None}])
def test_edit_of_what_belongs_to_the_secret_is_repaired(vault: VaultStore, edited: dict[str, Any]) -> None:
    vault.run()
    vault.bao.put(PATH, {**vault.fields(), **edited})
    runs = vault.four_runs()
    assert (runs.first.changed, runs.first["minted"]) == (True, False)
    assert runs.first.diff["before"]["deliver"] == {vault.place: "other"}
    assert vault.bao.get(PATH) == vault.fields()


def test_deleted_secret_comes_back(vault: VaultStore) -> None:
    vault.run()
    vault.bao.call("DELETE", DATA)
    runs = vault.four_runs()
    assert (runs.first.changed, runs.first["minted"]) == (True, False)
    assert vault.bao.get(PATH) == vault.fields()
    vault.bao.call("PUT", f"secret/destroy/{PATH}", {"versions": [2]})
    assert vault.four_runs().first.changed
    assert vault.bao.get(PATH) == vault.fields()


def test_foreign_content_is_refused(vault: VaultStore) -> None:
    vault.bao.put(PATH, {"token": "a note", "username": "somebody"})
    vault.refused(f"{vault.place} holds something else than this credential in token, username, which would be lost")
    runs = vault.four_runs(vault.entry(force=True))
    assert runs.first.diff["before"]["deliver"] == {vault.place: "other"}
    assert vault.bao.get(PATH) == vault.fields()


def test_own_names_of_keys(vault: VaultStore) -> None:
    vault.bao.put(PATH, {"token": "a note", "username": "somebody"})
    store = vault.entry(keys={"token": "quay_pat", "registry": "quay_host"})
    assert vault.four_runs(store).first.changed
    fields = vault.fields()
    expected = {"token": "a note", "username": "somebody", "quay_pat": fields["token"], "quay_host": fields["registry"]}
    assert vault.bao.get(PATH) == expected


# --- removal


def test_removal(vault: VaultStore) -> None:
    vault.bao.put(PATH, OTHERS)
    vault.run()
    runs = vault.four_runs(state="absent")
    assert runs.first["removed"] == [vault.place]
    assert vault.bao.get(PATH) == OTHERS
    assert vault.bao.records(PATH) == {}


def test_removal_of_the_last_key(vault: VaultStore) -> None:
    vault.run()
    assert vault.four_runs(state="absent").first["removed"] == [vault.place]
    assert vault.bao.get(PATH) is None
    assert vault.bao.metadata(PATH)["versions"]["1"]["deletion_time"] != ""


def test_foreign_content_is_not_removed(vault: VaultStore) -> None:
    vault.bao.put(PATH, {"token": "a note"})
    result = vault.run(state="absent")
    assert result["removed"] == []
    assert result.warned(f"{vault.place} holds something else than this credential. It was not changed.")
    assert vault.bao.get(PATH) == {"token": "a note"}


# --- two writers


def test_another_writer_changes_other_keys(vault: VaultStore) -> None:
    """It writes while Quay issues the new secret."""
    vault.run()
    vault.harness.before_request("POST .*/regenerate", lambda: vault.bao.put(PATH, {**vault.fields(), **OTHERS}))
    assert vault.run(rotate="always")["minted"]
    assert vault.bao.get(PATH) == {**OTHERS, **vault.fields()}
    assert vault.bao.version(PATH) == 3


def test_another_writer_changes_the_secret(vault: VaultStore) -> None:
    vault.run()
    vault.harness.before_request("POST .*/regenerate", lambda: vault.bao.put(PATH, {**OTHERS, "token": "a note"}))
    result = vault.run(rotate="always")
    assert result.failed
    assert result.message == f"{vault.place} was changed by somebody else while it was written. Run the task again"
    assert vault.bao.get(PATH) == {**OTHERS, "token": "a note"}
    # The next run repairs it.
    assert not vault.run()["minted"]
    assert vault.bao.get(PATH) == {**OTHERS, **vault.fields()}


def test_check_and_set_is_required(vault: VaultStore) -> None:
    vault.bao.call("POST", METADATA, {"cas_required": True, "metadata_cas_required": True})
    assert vault.four_runs().first.changed
    assert vault.bao.get(PATH) == vault.fields()
    assert len(vault.bao.records(PATH)) == 1


# --- what cannot work


def test_server_is_down(vault: VaultStore) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    vault.refused(
        f"Cannot reach {url}: connection refused. Check vault_url (VAULT_ADDR)", store=vault.entry(vault_url=url)
    )


def test_sealed_server(vault: VaultStore, tmp_path: Path) -> None:
    with OpenBao(tmp_path) as sealed:
        vault.harness.known_secrets.add([sealed.root_token])
        sealed.call("PUT", "sys/seal")
        store = vault.entry(vault_url=sealed.url, vault_token=sealed.root_token)
        vault.refused(f"{sealed.url} is sealed. Unseal it", store=store)


def test_missing_mount(vault: VaultStore) -> None:
    vault.refused("there is no mount nowhere, or the policies", store=vault.entry(mount="nowhere"))
    vault.refused("There is no mount nowhere. Check mount", store=vault.entry(mount="nowhere", kv_version="2"))


def test_mount_of_another_engine(vault: VaultStore) -> None:
    vault.refused("The mount sys is of the type system, not a KV engine", store=vault.entry(mount="sys"))


@pytest.mark.parametrize("version", ["1", "2", None])
def test_token_that_is_wrong_or_revoked(vault: VaultStore, version: str | None) -> None:
    revoked = vault.token(LEAST)
    vault.bao.call("POST", "auth/token/revoke", {"token": revoked})
    for token in ("s.unknown0", revoked):
        vault.refused("probably wrong, revoked or expired", store=vault.entry(vault_token=token, kv_version=version))


def test_no_login(vault: VaultStore) -> None:
    vault.refused("No login for a store of the kind hashi_vault", store=vault.entry(vault_token=None))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"sys/other": ["read"]}, "there is no mount secret, or the policies of the token allow nothing at ci/quay"),
        ({"secret/data/other": ["read"]}, f"lack the capability read on {DATA} (they grant: deny)"),
        ({DATA: ["create", "update"]}, f"lack the capability read on {DATA} (they grant: create, update)"),
        ({DATA: ["read"]}, f"lack the capability create and update on {DATA} (they grant: read)"),
        ({DATA: ["create", "read"]}, f"lack the capability update on {DATA} (they grant: create, read)"),
    ],
)
def test_policy_that_denies(vault: VaultStore, rules: dict[str, list[str]], words: str) -> None:
    """It is found before a secret is issued."""
    vault.refused(words, store=vault.entry(vault_token=vault.token(rules)))


def test_least_privilege(vault: VaultStore) -> None:
    store = vault.entry(vault_token=vault.token(LEAST))
    runs = vault.four_runs(store)
    assert runs.first.changed
    assert runs.first.warnings == []
    assert len(vault.bao.records(PATH)) == 1
    assert vault.run(store, rotate="always").changed
    assert vault.bao.get(PATH) == vault.fields()
    assert vault.four_runs(store, state="absent").first.changed
    assert vault.bao.get(PATH) is None


@pytest.mark.parametrize(("number", "mount"), [(0, "secret"), (1, "kv")])
def test_policies_of_the_guide(vault: VaultStore, number: int, mount: str) -> None:
    blocks = re.findall(r"^\.\. code-block:: text\n\n((?:    .*\n|\n)+)", GUIDE.read_text(), re.MULTILINE)
    assert len(blocks) == 2
    vault.bao.call("PUT", "sys/policies/acl/guide", {"policy": textwrap.dedent(blocks[number])})
    vault.bao.call("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "1"}})
    try:
        created = vault.bao.call("POST", "auth/token/create", {"policies": ["guide"]})["auth"]["client_token"]
        vault.harness.known_secrets.add([created])
        store = vault.entry(vault_token=created, mount=mount)
        for state in ("present", "absent"):
            runs = vault.four_runs(store, state=state)
            assert runs.first.changed
            assert runs.first.warnings == []
    finally:
        vault.bao.call("DELETE", "sys/mounts/kv")


def test_policy_without_metadata(vault: VaultStore) -> None:
    store = vault.entry(vault_token=vault.token({DATA: ["create", "read", "update"]}))
    runs = vault.four_runs(store)
    for run in (runs.predicted, runs.first, runs.second):
        assert run.warned("the record is kept in the key token_record of the secret")
    content = vault.bao.get(PATH)
    assert content is not None
    record = json.loads(content.pop("token_record"))
    assert content == vault.fields()
    assert record["fingerprint"] == fingerprint(vault.robot_token())
    assert vault.four_runs(store, state="absent").first.changed
    assert vault.bao.get(PATH) == {}


# --- KV version 1


def test_version_1(vault: VaultStore) -> None:
    vault.bao.call("POST", "sys/mounts/kv1", {"type": "kv", "options": {"version": "1"}})
    try:
        vault.bao.call("POST", f"kv1/{PATH}", OTHERS)
        store = vault.entry(mount="kv1")
        runs = vault.four_runs(store)
        assert runs.first["delivered"] == [f"hashi_vault {vault.bao.url} kv1/{PATH}"]
        content = vault.bao.call("GET", f"kv1/{PATH}")["data"]
        assert json.loads(content.pop("token_record"))["fingerprint"] == fingerprint(vault.robot_token())
        assert content == {**OTHERS, **vault.fields()}
        vault.refused(
            "The mount kv1 is KV version 1. Set kv_version to 1, or leave it out",
            store=vault.entry(mount="kv1", kv_version="2", path="ci/x"),
        )
        assert vault.four_runs(store, state="absent").first.changed
        assert vault.bao.call("GET", f"kv1/{PATH}")["data"] == OTHERS
    finally:
        vault.bao.call("DELETE", "sys/mounts/kv1")


# --- logins


def test_environment_of_the_cli(vault: VaultStore, tmp_path: Path) -> None:
    store = {"kind": "hashi_vault", "path": PATH}
    (tmp_path / ".vault-token").write_text(vault.bao.root_token)
    for environ in (
        {"VAULT_ADDR": vault.bao.url, "VAULT_TOKEN": vault.bao.root_token},
        {"BAO_ADDR": vault.bao.url, "BAO_TOKEN": vault.bao.root_token},
        {"VAULT_ADDR": vault.bao.url, "HOME": str(tmp_path)},
    ):
        result = vault.harness.run(MODULE, vault.arguments(store, rotate="always"), environ=environ)
        assert result["delivered"] == [vault.place]
        assert vault.bao.get(PATH) == vault.fields()


@dataclass
class Methods:
    """Auth methods of the server, each with a role of the least privileges."""

    vault: VaultStore
    folder: Path

    def token(self) -> dict[str, Any]:
        return {"vault_token": self.vault.token(LEAST)}

    def token_file(self) -> dict[str, Any]:
        path = self.folder / "vault-token"
        path.write_text(self.vault.token(LEAST) + "\n")
        return {"vault_token_path": str(path)}

    def approle(self) -> dict[str, Any]:
        bao, role = self.vault.bao, "auth/approle/role/ci"
        bao.call("POST", role, {"token_policies": "ci"})
        secret_id = bao.call("POST", f"{role}/secret-id")["data"]["secret_id"]
        role_id = bao.call("GET", f"{role}/role-id")["data"]["role_id"]
        return {"vault_role_id": role_id, "vault_secret_id": secret_id}

    def userpass(self) -> dict[str, Any]:
        password = "correct horse battery staple"
        self.vault.bao.call("POST", "auth/userpass/users/ci", {"password": password, "token_policies": "ci"})
        return {"vault_username": "ci", "vault_password": password}

    def jwt(self) -> dict[str, Any]:
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"], "token_policies": "ci"}
        self.vault.bao.call("POST", "auth/jwt/config", {"jwt_validation_pubkeys": [public.decode()]})
        self.vault.bao.call("POST", "auth/jwt/role/ci", role)
        now = datetime.now(UTC)
        claims = {"sub": "ci", "aud": "vault", "iat": now, "exp": now + timedelta(minutes=5)}
        return {"vault_role": "ci", "vault_jwt": jwt.encode(claims, key, "ES256")}


@pytest.mark.parametrize("method", ["token", "token_file", "approle", "userpass", "jwt"])
def test_login(vault: VaultStore, tmp_path: Path, method: str) -> None:
    vault.bao.policy("ci", LEAST)
    if not method.startswith("token"):
        vault.bao.call("POST", f"sys/auth/{method}", {"type": method})
    try:
        options = getattr(Methods(vault, tmp_path), method)()
        secrets = [options.get(name) for name in ("vault_token", "vault_secret_id", "vault_password", "vault_jwt")]
        vault.harness.known_secrets.add(secret for secret in secrets if secret)
        store = {**vault.entry(vault_auth_method=method), **options}
        assert vault.four_runs(store).first.changed
        assert vault.bao.get(PATH) == vault.fields()
        for name in ("vault_token", "vault_secret_id", "vault_password", "vault_jwt"):
            if name in options:
                wrong = "probably wrong, revoked" if method == "token" else f"does not accept the login by {method}"
                vault.refused(wrong, store={**store, name: "unknown0"})
    finally:
        if not method.startswith("token"):
            vault.bao.call("DELETE", f"sys/auth/{method}")


class TokenReviews(BaseHTTPRequestHandler):
    """The part of a Kubernetes API that recognises the token of one service account."""

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        user = {"username": "system:serviceaccount:build:ci", "uid": "1", "groups": []}
        content = json.dumps({**review, "status": {"authenticated": True, "user": user}}).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: Any) -> None:
        """Nothing is logged."""


def test_login_of_a_service_account(vault: VaultStore, tmp_path: Path) -> None:
    vault.bao.policy("ci", LEAST)
    vault.bao.call("POST", "sys/auth/cluster", {"type": "kubernetes"})
    claims = {
        "sub": "system:serviceaccount:build:ci",
        "kubernetes.io": {"namespace": "build", "serviceaccount": {"name": "ci", "uid": "1"}},
    }
    token = jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256")
    certificate = trustme.CA().cert_pem.bytes().decode()
    path = tmp_path / "service-account"
    with HTTPServer(("127.0.0.1", 0), TokenReviews) as api:
        thread = threading.Thread(target=api.serve_forever)
        thread.start()
        try:
            host = f"http://127.0.0.1:{api.server_address[1]}"
            config = {"kubernetes_host": host, "token_reviewer_jwt": token, "kubernetes_ca_cert": certificate}
            vault.bao.call("POST", "auth/cluster/config", config)
            role = {"bound_service_account_names": "ci", "bound_service_account_namespaces": "build"}
            vault.bao.call("POST", "auth/cluster/role/ci", {**role, "token_policies": "ci"})
            path.write_text(token)
            vault.harness.known_secrets.add([token])
            store = vault.entry(
                vault_auth_method="kubernetes",
                vault_auth_mount="cluster",
                vault_role="ci",
                vault_service_account_token_path=str(path),
            )
            assert vault.four_runs(store).first.changed
            assert vault.bao.get(PATH) == vault.fields()
        finally:
            api.shutdown()
            thread.join()
            vault.bao.call("DELETE", "sys/auth/cluster")


def test_namespace(vault: VaultStore) -> None:
    vault.bao.call("POST", "sys/namespaces/team")
    try:
        vault.bao.call("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}, namespace="team")
        runs = vault.four_runs(vault.entry(vault_namespace="team"))
        assert runs.first["delivered"] == [f"hashi_vault {vault.bao.url} team/secret/{PATH}"]
        assert vault.bao.call("GET", DATA, namespace="team")["data"]["data"] == vault.fields()
        assert vault.bao.get(PATH) is None
    finally:
        vault.bao.call("DELETE", "sys/mounts/secret", namespace="team")
        vault.bao.call("DELETE", "sys/namespaces/team")


# --- other credentials and modules


def test_primary_store_of_an_api_token(vault: VaultStore) -> None:
    """Quay does not return an API token again, so it is known from the store alone."""
    harness = vault.harness
    client_id = harness.accounts.automation
    arguments = {
        "organization": "acme",
        "client_id": client_id,
        "name": "nightly",
        "max_age": "30d",
        "deliver": [vault.entry(vault_token=vault.token(LEAST))],
    }
    runs = harness.four_runs("quay_api_token", arguments)
    first = runs.first["uuid"]
    assert harness.valid_tokens(client_id).keys() == {first}
    content = vault.bao.get(PATH)
    assert content is not None
    assert harness.is_oauth_token(first, fingerprint(content["token"]))
    assert content["username"] == "$oauthtoken"
    record = vault.bao.records(PATH)[f"quay_token_{fingerprint(content['token'])}"]
    assert (record["uuid"], record["name"]) == (first, "nightly")
    harness.advance(days=31)
    renewed = harness.four_runs("quay_api_token", arguments).first
    assert (renewed["reason"], renewed["minted"], renewed["retired"]) == ("too_old", True, [first])
    assert harness.valid_tokens(client_id).keys() == {renewed["uuid"]}
    # The former version of the secret holds a revoked token.
    assert vault.bao.version(PATH) == 2


def test_superseded_token_is_revoked_later(vault: VaultStore) -> None:
    """The metadata names it."""
    harness = vault.harness
    client_id = harness.accounts.automation
    arguments = {
        "organization": "acme",
        "client_id": client_id,
        "name": "nightly",
        "max_age": "30d",
        "retire_after": "2d",
        "deliver": [vault.entry()],
    }
    first = harness.run("quay_api_token", arguments)["uuid"]
    harness.advance(days=31)
    second = harness.run("quay_api_token", arguments)
    assert second["superseded"] == [first]
    record = vault.bao.records(PATH)[f"quay_token_{second['fingerprint']}"]
    assert record["superseded"] == first
    harness.advance(days=3)
    assert harness.run("quay_api_token", arguments)["retired"] == [first]
    assert harness.valid_tokens(client_id).keys() == {second["uuid"]}


def test_paired_robots(vault: VaultStore) -> None:
    arguments = {"name": "acme+pull", "strategy": "paired", "max_age": "30d", "deliver": [vault.entry()]}
    assert vault.harness.four_runs(MODULE, arguments).first["username"] == "acme+pull_a"
    vault.harness.advance(days=31)
    predicted = vault.harness.check(MODULE, arguments)
    second = vault.harness.run(MODULE, arguments)
    assert_predicted(predicted, second)
    assert second["username"] == "acme+pull_b"
    content = vault.bao.get(PATH)
    assert content is not None
    assert (content["token"], content["username"]) == (vault.harness.robot("acme+pull_b").token, "acme+pull_b")


def test_status(vault: VaultStore) -> None:
    info = {"credentials": [{"name": "acme+ci", "kind": "robot", "deliver": [vault.entry()]}]}
    found = vault.harness.check("quay_token_info", info)["credentials"][0]
    assert (found["action"], found["holds"]) == ("deliver", ["absent"])
    vault.run()
    found = vault.harness.check("quay_token_info", info)["credentials"][0]
    assert (found["action"], found["holds"], found["error"]) == ("nothing", ["current"], None)
    info["credentials"][0]["deliver"] = [vault.entry(vault_token="s.unknown0")]
    found = vault.harness.check("quay_token_info", info)["credentials"][0]
    assert "probably wrong, revoked or expired" in found["error"]


def test_store_info(vault: VaultStore) -> None:
    vault.run()
    vault.bao.put("ci/foreign", {"token": "a note"})
    stores = [vault.entry(), vault.entry(path="ci/foreign"), vault.entry(path="ci/none")]
    reader = vault.token({"secret/data/ci/*": ["read"]})
    stores = [{**store, "vault_token": reader} for store in stores]
    found = vault.harness.run("quay_store_info", {"stores": stores})["stores"]
    assert [store["token"] for store in found] == [vault.robot_token(), None, None]
    assert found[0]["place"] == vault.place
    assert found[0]["fingerprint"] == fingerprint(vault.robot_token())


def test_one_place_for_one_credential(vault: VaultStore) -> None:
    arguments = {"name": "acme+ci", "deliver": [vault.entry(), vault.entry(vault_url=vault.bao.url + "/")]}
    words = f"deliver names {vault.place} for token twice"
    assert_refused(vault.harness, MODULE, arguments, words)


# --- in playbooks

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Keep an API token in the store
      tokensmith.quay.quay_api_token:
        organization: acme
        client_id: "{{ client_id }}"
        name: nightly
        rotate: always
        deliver: "{{ [store] }}"
      register: kept
    - name: Show the result
      ansible.builtin.debug:
        var: kept
    - name: Rotate a robot token
      ansible.builtin.import_role:
        name: tokensmith.quay.rotation
      vars:
        rotation_credentials:
          - name: acme+ci
            kind: robot
            max_age: 90d
            deliver:
              - kind: hashi_vault
                path: ci/robot
    - name: Read a store with a login that is wrong
      tokensmith.quay.quay_store_info:
        stores:
          - kind: hashi_vault
            path: ci/robot
            vault_auth_method: userpass
            vault_username: ci
            vault_password: "{{ wrong }}"
      ignore_errors: true
"""


def test_no_output_of_a_playbook_holds_a_secret(vault: VaultStore, tmp_path: Path) -> None:
    """With -vvv and --diff, in check mode and really, and with a login in the task and in the environment."""
    harness = vault.harness
    wrong = "a-password-that-nobody-has"
    harness.known_secrets.add([wrong])
    (tmp_path / "play.yml").write_text(PLAY)
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "client_id": harness.accounts.automation,
        "store": vault.entry(),
        "wrong": wrong,
    }
    (tmp_path / "variables.json").write_text(json.dumps(variables))
    environ = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": str(tmp_path),
        "ANSIBLE_COLLECTIONS_PATH": str(collection.COLLECTIONS),
        "ANSIBLE_NOCOLOR": "1",
        "QUAY_HOST": harness.quay.url,
        "QUAY_TOKEN": harness.login["quay_token"],
        "VAULT_ADDR": vault.bao.url,
        "VAULT_TOKEN": vault.bao.root_token,
    }
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-e", "@variables.json", "play.yml"]
    for more in (["--check"], []):
        process = subprocess.run(
            [*command, "-vvv", "--diff", *more], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        output = process.stdout + process.stderr
        assert harness.known_secrets.in_text(output) == []
        assert process.returncode == 0, output
        assert vault.place in output
        assert "does not accept the login by userpass" in output
    content, robot = vault.bao.get(PATH), vault.bao.get("ci/robot")
    assert content is not None
    assert robot is not None
    assert robot["token"] == harness.robot().token
    assert len(harness.valid_tokens(harness.accounts.automation)) == 1
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "variables.json"]
    assert [path for path in left if harness.known_secrets.in_text(path.read_text(errors="replace"))] == []
    vault.bao.call("DELETE", "secret/metadata/ci/robot")
