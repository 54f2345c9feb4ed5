# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client over TLS: which certificates it trusts, and the errors for the others."""

from __future__ import annotations

import ssl
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.client import QuayClient
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import TransportError
from ansible_collections.tokensmith.quay.tests.unit.plugins.loopback import JSON, Loopback, resets, says

ADVICE = "Set ca_path to the issuing CA; validate_certs=false switches the check off and exposes the credentials"

# The text of urllib3 1.26 and older, which compares names itself.
OLD_MISMATCH = "hostname '127.0.0.1' doesn't match 'quay.example.com'"


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> str:
    return write_ca(ca, tmp_path / "ca.pem")


def write_ca(ca: trustme.CA, path: Path) -> str:
    ca.cert_pem.write_to_path(path)
    return str(path)


def server_context(ca: trustme.CA, *names: str, **options: Any) -> ssl.SSLContext:
    """The TLS context of a server with these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names, **options).configure_cert(context)
    return context


def get(server: Loopback, verify: bool | str, pauses: list[float] | None = None) -> Any:
    recorded = [] if pauses is None else pauses
    with requests.Session() as session:
        client = QuayClient(
            f"https://{server.netloc}", BearerAuth("s3cret"), session, verify=verify, timeout=5, sleep=recorded.append
        )
        return client.get("/api/v1/x").data


def failure_at(server: Loopback, verify: bool | str, pauses: list[float] | None = None) -> TransportError:
    with server, pytest.raises(TransportError) as caught:
        get(server, verify, pauses)
    return caught.value


def untrusted(server: Loopback, reason: str) -> str:
    """The message for a certificate that is not trusted for this reason."""
    return f"GET https://{server.netloc}/api/v1/x: the server's TLS certificate is not trusted ({reason}). {ADVICE}"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_ca_file(ca: trustme.CA, ca_file: str, host: str) -> None:
    with Loopback(says(JSON), host=host, tls=server_context(ca, host)) as server:
        assert get(server, ca_file) == {"a": 1}
    assert b"Authorization: Bearer s3cret" in server.received[0]


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_ca_file_of_the_environment(
    ca: trustme.CA, ca_file: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, ca_file)
    with Loopback(says(JSON), tls=server_context(ca, "127.0.0.1")) as server:
        assert get(server, verify=True) == {"a": 1}


def test_ca_file_wins_over_the_environment(
    ca: trustme.CA, ca_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_ca(trustme.CA(), tmp_path / "other.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", other)
    with Loopback(says(JSON), tls=server_context(ca, "127.0.0.1")) as server:
        assert get(server, ca_file) == {"a": 1}
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
    server = Loopback(says(JSON), tls=server_context(ca, "127.0.0.1"))
    failure_at(server, other)
    assert server.received == []


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_disabled_check_wins_over_the_environment(
    ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", write_ca(trustme.CA(), tmp_path / "other.pem"))
    with Loopback(says(JSON), tls=server_context(ca, "quay.example.com")) as server:
        assert get(server, verify=False) == {"a": 1}


def test_unknown_ca(ca: trustme.CA) -> None:
    pauses: list[float] = []
    server = Loopback(says(JSON), says(JSON), tls=server_context(ca, "127.0.0.1"))
    failure = failure_at(server, verify=True, pauses=pauses)
    assert str(failure) == untrusted(server, "unable to get local issuer certificate")
    assert failure.permanent
    assert pauses == []
    assert server.received == []


@pytest.mark.parametrize(
    ("names", "options", "reasons"),
    [
        (["quay.example.com"], {}, ["IP address mismatch, certificate is not valid for '127.0.0.1'", OLD_MISMATCH]),
        (["127.0.0.1"], {"not_after": datetime(2020, 1, 1, tzinfo=timezone.utc)}, ["certificate has expired"]),
    ],
)
def test_invalid_certificate(
    ca: trustme.CA, ca_file: str, names: list[str], options: dict[str, Any], reasons: list[str]
) -> None:
    server = Loopback(says(JSON), tls=server_context(ca, *names, **options))
    failure = failure_at(server, ca_file)
    assert str(failure) in [untrusted(server, reason) for reason in reasons]
    assert failure.permanent
    assert server.received == []


def test_outcome_of_a_write_to_an_untrusted_server_is_known(ca: trustme.CA) -> None:
    with Loopback(says(JSON), tls=server_context(ca, "127.0.0.1")) as server, requests.Session() as session:
        client = QuayClient(f"https://{server.netloc}", BearerAuth("s3cret"), session, timeout=5)
        with pytest.raises(TransportError, match="is not trusted") as caught:
            client.post("/api/v1/x")
    assert not caught.value.outcome_unknown


def test_outcome_of_a_write_is_unknown_after_the_handshake(ca: trustme.CA, ca_file: str) -> None:
    with Loopback(resets, tls=server_context(ca, "127.0.0.1")) as server, requests.Session() as session:
        client = QuayClient(f"https://{server.netloc}", BearerAuth("s3cret"), session, timeout=5, verify=ca_file)
        with pytest.raises(TransportError) as caught:
            client.post("/api/v1/x")
    assert caught.value.outcome_unknown
    assert len(server.received) == 1
