# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to Vault: logins, TLS, headers, and connections that fail."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, StoreError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import vault_client
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.vault_client import (
    VaultClient,
    cached_client,
    client_for,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.vault_options import VaultLogin, VaultServer
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_vault import HANG, RESET_AFTER, TOKEN, FakeVault

BY_TOKEN = VaultLogin("token", token=TOKEN)
PATH = ("secret", "data", "ci", "quay")


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_client, "_PAUSE", 0)


@pytest.fixture
def vault() -> Iterator[FakeVault]:
    with FakeVault() as server:
        server.put("ci/quay", {"token": "x"})
        yield server


def client(vault: FakeVault, login: VaultLogin = BY_TOKEN, **server: Any) -> VaultClient:
    return VaultClient(VaultServer(vault.url, **server), login)


# --- logins


@pytest.mark.parametrize(
    ("login", "path", "body"),
    [
        (
            VaultLogin("approle", "approle", credentials=(("role_id", "r"), ("secret_id", "s"))),
            "auth/approle/login",
            None,
        ),
        (VaultLogin("jwt", "team/jwt", credentials=(("role", "ci"), ("jwt", "a.b.c"))), "auth/team/jwt/login", None),
        (
            VaultLogin("userpass", "userpass", credentials=(("password", "p"),), username="a/b"),
            "auth/userpass/login/a%2Fb",
            None,
        ),
        (
            VaultLogin("kubernetes", "kubernetes", token_file="{file}", credentials=(("role", "ci"),)),
            "auth/kubernetes/login",
            {"role": "ci", "jwt": "s.a.t"},
        ),
    ],
)
def test_login(vault: FakeVault, tmp_path: Path, login: VaultLogin, path: str, body: Any) -> None:
    (tmp_path / "token").write_text("s.a.t\n")
    login = VaultLogin(
        login.method,
        login.mount,
        None,
        login.token_file.format(file=tmp_path / "token"),
        login.credentials,
        login.username,
    )
    vault.logins[path] = body or dict(login.credentials)
    found = client(vault, login)
    assert vault.requests == []
    for _number in range(2):
        assert found.read(*PATH).data["data"] == {"token": "x"}
    assert vault.requests == [f"POST {path}", "GET secret/data/ci/quay", "GET secret/data/ci/quay"]
    assert "X-Vault-Token" not in vault.headers[0]
    assert vault.headers[1]["X-Vault-Token"] == TOKEN


@pytest.mark.parametrize("expected", [{}, None])
def test_login_that_is_refused(vault: FakeVault, expected: Any) -> None:
    """The secret ID is wrong, or the method is not enabled."""
    if expected is not None:
        vault.logins["auth/approle/login"] = expected
    login = VaultLogin("approle", "approle", credentials=(("role_id", "r"), ("secret_id", "S3CRET")))
    with pytest.raises(StoreError) as caught:
        client(vault, login, namespace="ci").read(*PATH)
    assert str(caught.value) == (
        f"{vault.url} does not accept the login by approle at auth/approle. Check its credentials, that the role or "
        "user exists, and that the method is enabled there (vault_auth_mount) in the namespace ci"
    )
    assert vault.requests == ["POST auth/approle/login"]


def test_login_is_not_repeated(vault: FakeVault) -> None:
    """A secret ID may be valid once."""
    vault.logins["auth/approle/login"] = {"role_id": "r"}
    vault.fail("POST auth/approle/login", *[RESET_AFTER] * 9)
    with pytest.raises(StoreError, match="the connection was closed$"):
        client(vault, VaultLogin("approle", "approle", credentials=(("role_id", "r"),))).write(*PATH, body={})
    assert vault.requests == ["POST auth/approle/login"]


def test_token_file(vault: FakeVault, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert client(vault, VaultLogin("token_file", token_file=str(tmp_path / "token"))).read(*PATH).found


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff"])
def test_token_file_without_a_token(vault: FakeVault, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=f"token file {path} ") as caught:
        client(vault, VaultLogin("token_file", token_file=str(path))).read(*PATH)
    assert "two" not in str(caught.value)
    assert vault.requests == []


def test_no_login(vault: FakeVault) -> None:
    with pytest.raises(
        BadInput, match=r"^No login for a store of the kind hashi_vault: give vault_token \(or VAULT_TO"
    ):
        client(vault, VaultLogin("token")).read(*PATH)


def test_no_address() -> None:
    with pytest.raises(BadInput, match=r"^vault_url is missing: set it, or VAULT_ADDR"):
        VaultClient(VaultServer(""), BY_TOKEN).read(*PATH)


def test_stores_share_a_client() -> None:
    cached_client.cache_clear()
    server = VaultServer("https://vault.example.com")
    assert client_for(server, BY_TOKEN) is client_for(VaultServer("https://vault.example.com"), BY_TOKEN)
    assert client_for(server, BY_TOKEN) is not client_for(server, VaultLogin("token", token="other"))
    cached_client.cache_clear()


# --- requests


def test_headers(vault: FakeVault, home: Path) -> None:
    """Nothing comes from the files and variables that hvac and requests read by themselves."""
    (home / ".netrc").write_text("machine 127.0.0.1 login netrc password S3CRET\n")
    (home / ".netrc").chmod(0o600)
    (home / ".vault-token").write_text("hvs.OTHER")
    client(vault, namespace="admin/ci").read(*PATH)
    headers = vault.headers[0]
    assert headers["X-Vault-Token"] == TOKEN
    assert headers["X-Vault-Namespace"] == "admin/ci"
    assert headers["X-Vault-Request"] == "true"
    assert "Authorization" not in headers


def test_path_is_encoded(vault: FakeVault) -> None:
    client(vault).read("secret", "data", "ci", "a b?c#%/ü")
    assert vault.requests == ["GET secret/data/ci/a%20b%3Fc%23%25%2F%C3%BC"]


def test_redirect_is_not_followed(vault: FakeVault) -> None:
    with FakeVault() as other:
        vault.fail("GET secret/data/ci/quay", (307, None, [("Location", f"{other.url}/v1/secret/data/ci/quay")]))
        with pytest.raises(StoreError, match=f"redirects to {other.url}, as a standby server does"):
            client(vault).read(*PATH)
        assert other.requests == []


@pytest.mark.parametrize("location", ["/elsewhere", "https://h:port", ""])
def test_redirect_to_nowhere(vault: FakeVault, location: str) -> None:
    vault.fail("GET secret/data/ci/quay", (301, None, [("Location", location)]))
    with pytest.raises(StoreError, match="redirects to another page, as"):
        client(vault).read(*PATH)


def test_redirect_that_is_malformed(vault: FakeVault) -> None:
    vault.fail("POST secret/data/ci/quay", (301, None, [("Location", "https://[broken")]))
    with pytest.raises(StoreError, match="an address is malformed: vault_url"):
        client(vault).write(*PATH, body={})


def test_no_response(vault: FakeVault) -> None:
    vault.fail("POST secret/data/ci/quay", HANG)
    with pytest.raises(StoreError, match=f"^Cannot reach {vault.url}: no response within 0.2 s$") as caught:
        client(vault, timeout=0.2).write(*PATH, body={})
    assert caught.value.outcome_unknown
    assert vault.requests == ["POST secret/data/ci/quay"]


def test_secret_is_in_no_log(vault: FakeVault, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        client(vault).write(*PATH, body={"options": {"cas": 1}, "data": {"token": "S3CRET"}})
    assert "S3CRET" not in caplog.text
    assert TOKEN not in caplog.text


def test_exception_has_no_cause(vault: FakeVault) -> None:
    """The exceptions of requests hold the request with its headers."""
    vault.fail("POST secret/data/ci/quay", RESET_AFTER)
    with pytest.raises(StoreError) as caught:
        client(vault).write(*PATH, body={})
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_capabilities(vault: FakeVault) -> None:
    vault.rights["secret/data/ci/quay"] = ["read"]
    assert client(vault).capabilities("secret/data/ci/quay", "x") == {"secret/data/ci/quay": ["read"], "x": ["root"]}


# --- TLS


def test_plain_server(vault: FakeVault) -> None:
    with pytest.raises(StoreError, match="TLS failed. Check that vault_url"):
        VaultClient(VaultServer(vault.url.replace("http:", "https:")), BY_TOKEN).write(*PATH, body={})


def test_ca_that_is_missing(tmp_path: Path) -> None:
    server = VaultServer("https://vault.example.com", verify=str(tmp_path / "none.pem"))
    with pytest.raises(
        BadInput, match=r"^vault_ca_path \(VAULT_CACERT\): .*none.pem does not exist or cannot be read$"
    ):
        VaultClient(server, BY_TOKEN).read(*PATH)
