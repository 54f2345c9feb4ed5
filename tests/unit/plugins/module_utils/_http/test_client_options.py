# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client's options, and which settings of the environment change its requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import (
    BearerAuth,
    SessionAuth,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import COMMON, FakeQuay, Request, ok

BEARER = {"Authorization": "Bearer s3cret"}

# The replies to a sign-in.
CSRF_TOKEN = ok({"csrf_token": "csrf-1"}, Set_Cookie="_csrf_token=cookie-1; HttpOnly; Path=/; SameSite=Lax")

SIGNED_IN = ok({"success": True}, Set_Cookie="_csrf_token=cookie-2; HttpOnly; Path=/", X_Next_CSRF_Token="csrf-2")


def test_constructing_a_client_sends_nothing(quay: FakeQuay) -> None:
    quay.client(SessionAuth("ann", "pässword"))
    assert quay.requests == []


def test_origin_and_netloc(quay: FakeQuay) -> None:
    quay.origin = "HTTPS://[::1]:8443/"
    client = quay.client()
    assert (client.origin, client.netloc) == ("https://[::1]:8443", "[::1]:8443")


def test_missing_ca_file(quay: FakeQuay, tmp_path: Path) -> None:
    missing = tmp_path / "ca.pem"
    with pytest.raises(BadInput, match=f"^ca_path: there is no file {missing} on the target$"):
        quay.client(verify=str(missing))


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n", "\0\1\2"])
def test_ca_file_without_a_certificate(quay: FakeQuay, tmp_path: Path, content: str) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(content)
    with pytest.raises(BadInput, match=f"^ca_path: {file} holds no certificate in PEM form$"):
        quay.client(verify=str(file))


def test_unreadable_ca_file(quay: FakeQuay, tmp_path: Path) -> None:
    loop = tmp_path / "loop.pem"
    loop.symlink_to(loop)
    with pytest.raises(BadInput, match=f"^ca_path: {loop} cannot be read: Too many levels of symbolic links$"):
        quay.client(verify=str(loop))


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize(
    ("verify", "used"), [(True, "from the environment"), (False, False), ("from the option", "from the option")]
)
def test_ca_file_of_the_environment(
    quay: FakeQuay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, verify: Any, used: Any
) -> None:
    """REQUESTS_CA_BUNDLE counts only if the option names no file and the check is on."""
    monkeypatch.setenv(variable, "from the environment")
    if isinstance(verify, str):
        verify = used = str(tmp_path)  # a directory of certificates
    quay.answers(ok({}))
    quay.client(verify=verify).get("/api/v1/x")
    assert quay.options[0]["verify"] == used


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128"}, "http://proxy:3128"),
        ({"ALL_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ({"HTTP_PROXY": "http://proxy:3128"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "quay.example.com"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "no_proxy": ".example.com"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "other.example.com"}, "http://proxy:3128"),
    ],
)
def test_proxies_of_the_environment(
    quay: FakeQuay, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], proxy: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    quay.answers(ok({}))
    quay.client(BearerAuth("s3cret")).get("/api/v1/x")
    proxies = quay.options[0]["proxies"]
    assert proxies.get("https", proxies.get("all")) == proxy
    assert quay.requests == [Request("GET", "/api/v1/x", {**COMMON, **BEARER})]


@pytest.mark.parametrize("host", ["machine quay.example.com", "default"])
@pytest.mark.parametrize("by_variable", [False, True])
def test_netrc_is_ignored(
    quay: FakeQuay, home: Path, monkeypatch: pytest.MonkeyPatch, host: str, by_variable: bool
) -> None:
    netrc = home / ".netrc"
    if by_variable:
        netrc = home / "credentials"
        monkeypatch.setenv("NETRC", str(netrc))
    netrc.write_text(f"{host}\nlogin eve\npassword stolen\n")
    netrc.chmod(0o600)
    quay.answers(ok({}), ok({}), CSRF_TOKEN, SIGNED_IN, ok({}))
    client = quay.client()
    client.get("/api/v1/x")
    client.get("/api/v1/x", auth=BearerAuth("s3cret"))
    client.get("/api/v1/x", auth=SessionAuth("ann", "pässword"))
    assert [request.headers.get("Authorization") for request in quay.requests] == [None, "Bearer s3cret"] + [None] * 3


def test_timeout(quay: FakeQuay) -> None:
    quay.answers(ok({}), ok({}))
    quay.client(timeout=2.5).get("/api/v1/x")
    quay.client().get("/api/v1/x")
    assert [options["timeout"] for options in quay.options] == [2.5, 10.0]
