# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to Vault over TLS: which certificates are trusted."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import StoreError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.vault_client import VaultClient
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.vault_options import VaultLogin, VaultServer
from ansible_collections.tokensmith.quay.tests.unit.plugins.loopback import Loopback, says

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BY_TOKEN = VaultLogin("token", token="hvs.TESTTOKEN")
PATH = ("secret", "data", "ci", "quay")


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_certificate_is_verified(ca: trustme.CA, tls: ssl.SSLContext, tmp_path: Path) -> None:
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with Loopback(says(OK), says(OK), says(OK), tls=tls) as server:
        url = f"https://{server.netloc}"
        with pytest.raises(StoreError, match=r"TLS certificate is not trusted\. Set vault_ca_path \(VAULT_CACERT\)"):
            VaultClient(VaultServer(url), BY_TOKEN).write(*PATH, body={})
        assert VaultClient(VaultServer(url, verify=str(tmp_path / "ca.pem")), BY_TOKEN).write(*PATH, body={}).found
        assert VaultClient(VaultServer(url, verify=False), BY_TOKEN).write(*PATH, body={}).found
