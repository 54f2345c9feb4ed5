# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of stores in Vault, and the environment variables of the CLI."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.remote_options import VAULT_OPTIONS
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.vault_options import (
    VaultLogin,
    VaultServer,
    login_from_options,
    mount_from_options,
    path_from_options,
    server_from_options,
)

URL = "https://vault.example.com:8200"


@pytest.fixture(autouse=True)
def without_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADDR", "TOKEN", "CACERT", "CAPATH", "SKIP_VERIFY", "NAMESPACE", "CLIENT_TIMEOUT"):
        for prefix in ("VAULT", "BAO"):
            monkeypatch.delenv(f"{prefix}_{name}", raising=False)


def given(**options: Any) -> dict[str, Any]:
    return {**dict.fromkeys(VAULT_OPTIONS), **options}


def test_secrets_are_marked() -> None:
    assert [name for name, option in VAULT_OPTIONS.items() if option.get("no_log")] == [
        "vault_token",
        "vault_secret_id",
        "vault_jwt",
        "vault_password",
    ]


# --- the server


def test_server_of_the_options() -> None:
    options = given(
        vault_url=URL + "/",
        vault_namespace="/admin/ci/",
        vault_ca_path="/ca.pem",
        vault_timeout="5s",
        vault_validate_certs=True,
    )
    assert server_from_options(options) == VaultServer(URL, "admin/ci", "/ca.pem", 5.0)


@pytest.mark.parametrize("prefix", ["VAULT", "BAO"])
def test_server_of_the_environment(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    for name, value in {"ADDR": URL, "NAMESPACE": "ci", "CACERT": "/ca.pem", "CLIENT_TIMEOUT": "20"}.items():
        monkeypatch.setenv(f"{prefix}_{name}", value)
    assert server_from_options(given()) == VaultServer(URL, "ci", "/ca.pem", 20.0)
    assert server_from_options(given(vault_url="http://127.0.0.1:8200")).url == "http://127.0.0.1:8200"


def test_variables_of_vault_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAO_ADDR", "https://bao.example.com")
    monkeypatch.setenv("VAULT_ADDR", " ")
    assert server_from_options(given()).url == "https://bao.example.com"
    monkeypatch.setenv("VAULT_ADDR", URL)
    assert server_from_options(given()).url == URL


@pytest.mark.parametrize(
    ("variable", "option", "verified"),
    [
        ("true", None, False),
        ("1", None, False),
        ("T", None, False),
        ("0", None, True),
        ("", None, True),
        ("true", True, True),
        ("", False, False),
    ],
)
def test_certificates(monkeypatch: pytest.MonkeyPatch, variable: str, option: bool | None, verified: bool) -> None:
    monkeypatch.setenv("VAULT_SKIP_VERIFY", variable)
    assert server_from_options(given(vault_validate_certs=option)).verify is verified


@pytest.mark.parametrize(
    "url",
    [
        "vault.example.com",
        "unix:///run/vault.sock",
        "https://",
        "https://h:port",
        "https://u:S3CRET@h",
        f"{URL}?x=S3CRET",
    ],
)
def test_address_that_is_none(url: str) -> None:
    with pytest.raises(BadInput, match=r"^vault_url \(VAULT_ADDR\) ") as caught:
        server_from_options(given(vault_url=url))
    assert "S3CRET" not in str(caught.value)


def test_directory_of_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_CAPATH", "/ca")
    assert server_from_options(given(vault_url=URL)) == VaultServer(URL, verify="/ca")
    monkeypatch.setenv("VAULT_CLIENT_TIMEOUT", "1m")
    monkeypatch.setenv("BAO_CACERT", "/ca.pem")
    assert server_from_options(given(vault_url=URL)) == VaultServer(URL, verify="/ca.pem", timeout=60.0)


def test_address_of_ipv6() -> None:
    assert server_from_options(given(vault_url="http://[::1]:8200/base/")).url == "http://[::1]:8200/base"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vault_timeout": "0s"}, r"vault_timeout \(VAULT_CLIENT_TIMEOUT\) must be longer than 0s"),
        ({"vault_timeout": "10"}, r"vault_timeout \(VAULT_CLIENT_TIMEOUT\) needs a unit"),
        ({"vault_namespace": "a b"}, "vault_namespace must be the path of a namespace"),
    ],
)
def test_invalid_option(options: Any, message: str) -> None:
    with pytest.raises(BadInput, match=f"^{message}"):
        server_from_options(given(**options))


# --- mount and path


def test_mount_and_path() -> None:
    assert mount_from_options(given()) == "secret"
    assert mount_from_options(given(mount="/kv/team/")) == "kv/team"
    assert path_from_options(given(path="ci/quay/")) == "ci/quay"


@pytest.mark.parametrize("path", ["/ci/quay", "ci//quay", "ci/../quay", ".", "ci/ /x", "ci/\n"])
def test_path_that_is_none(path: str) -> None:
    """A leading ~ becomes the home directory, before the option is read."""
    with pytest.raises(BadInput, match="^path must be "):
        path_from_options(given(path=path))


# --- the login


def test_token(monkeypatch: pytest.MonkeyPatch) -> None:
    assert login_from_options(given(vault_token="hvs.A\n")) == VaultLogin("token", token="hvs.A")
    monkeypatch.setenv("BAO_TOKEN", "hvs.B")
    assert login_from_options(given()) == VaultLogin("token", token="hvs.B")
    monkeypatch.setenv("VAULT_TOKEN", "hvs.V")
    assert login_from_options(given()) == VaultLogin("token", token="hvs.V")


def test_token_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/srv")
    expected = VaultLogin("token_file", token_file="/srv/.vault-token")
    assert login_from_options(given()) == expected
    monkeypatch.setenv("VAULT_TOKEN", "hvs.V")
    assert login_from_options(given(vault_auth_method="token_file")) == expected
    assert login_from_options(given(vault_token_path="/run/token")).token_file == "/run/token"


def test_other_methods() -> None:
    assert login_from_options(given(vault_auth_method="approle", vault_role_id="r", vault_secret_id="s")) == VaultLogin(
        "approle", "approle", credentials=(("role_id", "r"), ("secret_id", "s"))
    )
    assert login_from_options(
        given(vault_auth_method="approle", vault_role_id="r", vault_auth_mount="/team/approle/")
    ) == VaultLogin("approle", "team/approle", credentials=(("role_id", "r"),))
    assert login_from_options(given(vault_auth_method="kubernetes", vault_role="ci")) == VaultLogin(
        "kubernetes",
        "kubernetes",
        token_file="/var/run/secrets/kubernetes.io/serviceaccount/token",
        credentials=(("role", "ci"),),
    )
    assert login_from_options(given(vault_auth_method="jwt", vault_role="ci", vault_jwt="a.b.c")) == VaultLogin(
        "jwt", "jwt", credentials=(("role", "ci"), ("jwt", "a.b.c"))
    )
    assert login_from_options(
        given(vault_auth_method="userpass", vault_username="u", vault_password="p w\n")
    ) == VaultLogin("userpass", "userpass", credentials=(("password", "p w"),), username="u")


def test_login_is_not_shown() -> None:
    login = login_from_options(given(vault_auth_method="userpass", vault_username="u", vault_password="S3CRET"))
    assert "S3CRET" not in repr(login)
    assert "S3CRET" not in repr(login_from_options(given(vault_token="S3CRET")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vault_role_id": "r"}, "vault_role_id has no effect without vault_auth_method: approle"),
        (
            {"vault_auth_method": "token", "vault_password": "p"},
            "vault_password has no effect without vault_auth_method: userpass",
        ),
        (
            {"vault_auth_method": "jwt", "vault_token": "t"},
            "vault_token has no effect without vault_auth_method: token",
        ),
        (
            {"vault_role": "r"},
            "vault_role has no effect without vault_auth_method: kubernetes or vault_auth_method: jwt",
        ),
        (
            {"vault_auth_method": "jwt", "vault_jwt": "x", "vault_service_account_token_path": "/t"},
            "vault_service_account_token_path has no effect without vault_auth_method: kubernetes",
        ),
        ({"vault_auth_method": "approle"}, "vault_role_id missing: vault_auth_method: approle needs it"),
        (
            {"vault_auth_method": "userpass"},
            "vault_username and vault_password missing: vault_auth_method: userpass needs it",
        ),
        ({"vault_token": "a b"}, "vault_token holds white space"),
        ({"vault_token": "tök"}, "vault_token holds characters that no token has"),
        ({"vault_auth_method": "jwt", "vault_jwt": "x", "vault_auth_mount": "a//b"}, "vault_auth_mount must be a path"),
    ],
)
def test_login_that_cannot_work(options: Any, message: str) -> None:
    with pytest.raises(BadInput, match=f"^{message}"):
        login_from_options(given(**options))
