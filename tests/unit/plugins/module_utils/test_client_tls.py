# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client over TLS: whom it trusts, and what it says of whom it does not."""

from __future__ import annotations

import ssl
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from ansible_collections.tokensmith.quay.plugins.module_utils._client import QuayClient
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import TransportFailure
from ansible_collections.tokensmith.quay.plugins.module_utils._login import BearerLogin
from ansible_collections.tokensmith.quay.tests.unit.plugins.loopback import JSON, Loopback, resets, says

ADVICE = "Give the issuing CA by ca_path; validate_certs=false switches the check off and exposes the credentials"


# Up to its version 1.26, urllib3 compares names itself.
ELDER_MISMATCH = "hostname '127.0.0.1' doesn't match 'quay.example.com'"


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> str:
    return written(ca, tmp_path / "ca.pem")


def written(ca: trustme.CA, path: Path) -> str:
    ca.cert_pem.write_to_path(path)
    return str(path)


def certified(ca: trustme.CA, *names: str, **options: Any) -> ssl.SSLContext:
    """What a server of these names needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names, **options).configure_cert(context)
    return context


def get(server: Loopback, verify: bool | str, pauses: list[float] | None = None) -> Any:
    noted = [] if pauses is None else pauses
    with requests.Session() as session:
        client = QuayClient(
            f"https://{server.netloc}", BearerLogin("s3cret"), session, verify=verify, timeout=5, sleep=noted.append
        )
        return client.get("/api/v1/x").data


def failure_at(server: Loopback, verify: bool | str, pauses: list[float] | None = None) -> TransportFailure:
    with server, pytest.raises(TransportFailure) as caught:
        get(server, verify, pauses)
    return caught.value


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_ca_file(ca: trustme.CA, ca_file: str, host: str) -> None:
    with Loopback(says(JSON), host=host, tls=certified(ca, host)) as server:
        assert get(server, ca_file) == {"a": 1}
    assert b"Authorization: Bearer s3cret" in server.received[0]


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_ca_file_of_the_environment(
    ca: trustme.CA, ca_file: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, ca_file)
    with Loopback(says(JSON), tls=certified(ca, "127.0.0.1")) as server:
        assert get(server, verify=True) == {"a": 1}


def test_ca_file_is_stronger_than_the_environment(
    ca: trustme.CA, ca_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = written(trustme.CA(), tmp_path / "other.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", other)
    with Loopback(says(JSON), tls=certified(ca, "127.0.0.1")) as server:
        assert get(server, ca_file) == {"a": 1}
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
    server = Loopback(says(JSON), tls=certified(ca, "127.0.0.1"))
    failure_at(server, other)
    assert server.received == []


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_no_check_whatever_the_environment_says(
    ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", written(trustme.CA(), tmp_path / "other.pem"))
    with Loopback(says(JSON), tls=certified(ca, "quay.example.com")) as server:
        assert get(server, verify=False) == {"a": 1}


def test_unknown_ca(ca: trustme.CA) -> None:
    pauses: list[float] = []
    server = Loopback(says(JSON), says(JSON), tls=certified(ca, "127.0.0.1"))
    failure = failure_at(server, verify=True, pauses=pauses)
    assert str(failure) == (
        "GET /api/v1/x: the server's TLS certificate is not trusted (unable to get local issuer certificate). " + ADVICE
    )
    assert failure.lasting
    assert pauses == []
    assert server.received == []


@pytest.mark.parametrize(
    ("names", "options", "reasons"),
    [
        (["quay.example.com"], {}, ["IP address mismatch, certificate is not valid for '127.0.0.1'", ELDER_MISMATCH]),
        (["127.0.0.1"], {"not_after": datetime(2020, 1, 1, tzinfo=timezone.utc)}, ["certificate has expired"]),
    ],
)
def test_certificate_that_is_not_for_this_server(
    ca: trustme.CA, ca_file: str, names: list[str], options: dict[str, Any], reasons: list[str]
) -> None:
    server = Loopback(says(JSON), tls=certified(ca, *names, **options))
    failure = failure_at(server, ca_file)
    said = [f"GET /api/v1/x: the server's TLS certificate is not trusted ({reason}). {ADVICE}" for reason in reasons]
    assert str(failure) in said
    assert failure.lasting
    assert server.received == []


def test_write_to_an_untrusted_server_is_clear(ca: trustme.CA) -> None:
    with Loopback(says(JSON), tls=certified(ca, "127.0.0.1")) as server, requests.Session() as session:
        client = QuayClient(f"https://{server.netloc}", BearerLogin("s3cret"), session, timeout=5)
        with pytest.raises(TransportFailure, match="is not trusted") as caught:
            client.post("/api/v1/x")
    assert not caught.value.unclear


def test_write_that_is_cut_after_the_handshake_is_unclear(ca: trustme.CA, ca_file: str) -> None:
    with Loopback(resets, tls=certified(ca, "127.0.0.1")) as server, requests.Session() as session:
        client = QuayClient(f"https://{server.netloc}", BearerLogin("s3cret"), session, timeout=5, verify=ca_file)
        with pytest.raises(TransportFailure) as caught:
            client.post("/api/v1/x")
    assert caught.value.unclear
    assert len(server.received) == 1
