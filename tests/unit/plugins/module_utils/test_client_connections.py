# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client on real connections: what cannot be reached, is cut, or goes through a proxy; and what it says of it."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, Iterator

import pytest
import requests

from ansible_collections.tokensmith.quay.plugins.module_utils._client import QuayClient
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import (
    ApiError,
    NotFound,
    QuayError,
    TransportFailure,
    UnexpectedAnswer,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._login import BearerLogin
from ansible_collections.tokensmith.quay.tests.unit.plugins.loopback import (
    JSON,
    Behaviour,
    Loopback,
    free_port,
    request_on,
    resets,
    says,
)

SECRET = "s3cret"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n"


class Clients:
    """Makes clients, and closes their connections at the end."""

    def __init__(self) -> None:
        self.sessions: list[requests.Session] = []
        self.pauses: list[float] = []

    def __call__(self, host: str, **options: Any) -> QuayClient:
        self.sessions.append(requests.Session())
        options.setdefault("retries", 0)
        options.setdefault("timeout", 5.0)
        return QuayClient(host, BearerLogin(SECRET), self.sessions[-1], sleep=self.pauses.append, **options)


@pytest.fixture
def client_of() -> Iterator[Clients]:
    clients = Clients()
    yield clients
    for session in clients.sessions:
        session.close()


def failure_of(client: QuayClient, method: str = "POST") -> TransportFailure:
    with pytest.raises(TransportFailure) as caught:
        client.get("/api/v1/x") if method == "GET" else client.post("/api/v1/x")
    failure = caught.value
    # Neither shown nor chained is what requests says: it may quote a proxy's password.
    assert failure.__cause__ is None
    assert failure.__context__ is None
    assert SECRET not in str(failure)
    return failure


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_answer(client_of: Clients, host: str) -> None:
    with Loopback(says(JSON), host=host) as server:
        assert client_of(f"http://{server.netloc}/").get("/api/v1/x").data == {"a": 1}
    lines = server.received[0].decode().split("\r\n")
    assert lines[0] == "GET /api/v1/x HTTP/1.1"
    assert f"Host: {server.netloc}" in lines
    assert f"Authorization: Bearer {SECRET}" in lines


def test_refused_connection(client_of: Clients) -> None:
    """Nothing was sent, so even a write is clear."""
    failure = failure_of(client_of(f"http://127.0.0.1:{free_port()}"))
    assert str(failure) == "POST /api/v1/x: Connection refused"
    assert not failure.unclear
    assert not failure.lasting


def test_refused_connection_while_another_failure_is_handled(client_of: Clients) -> None:
    """Who looks after an unclear write reads why the look failed, not why the write did."""
    client = client_of(f"http://127.0.0.1:{free_port()}")
    try:
        raise ApiError(500, "POST", "/api/v1/x", "")
    except QuayError:
        with pytest.raises(TransportFailure, match="^GET /api/v1/x: Connection refused$"):
            client.get("/api/v1/x")


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (says(), "the connection was cut"),
        (resets, "Connection reset by peer"),
        (says(b"gibberish\r\n\r\n"), "the connection was cut"),
    ],
    ids=["closed", "reset", "no HTTP"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_cut_connection(client_of: Clients, method: str, behaviour: Behaviour, words: str) -> None:
    with Loopback(behaviour) as server:
        failure = failure_of(client_of(f"http://{server.netloc}"), method)
    assert str(failure) == f"{method} /api/v1/x: {words}"
    assert failure.unclear is (method == "POST")
    assert len(server.received) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Le",
        HEAD + b'{"a',
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n9\r\n: ',
    ],
    ids=["headers", "length", "chunks"],
)
def test_answer_that_breaks_off(client_of: Clients, method: str, answer: bytes) -> None:
    """Depending on its version and on the place, requests notices, or hands over what there is."""
    with Loopback(says(answer)) as server:
        client = client_of(f"http://{server.netloc}")
        with pytest.raises((TransportFailure, UnexpectedAnswer)) as caught:
            (client.get("/api/v1/x") if method == "GET" else client.post("/api/v1/x")).mapping()
    assert str(caught.value) in (
        f"{method} /api/v1/x: the answer broke off",
        f"{method} /api/v1/x: the JSON of the answer is broken or cut off",
        f"{method} /api/v1/x: the answer is not a JSON object as Quay sends it",
    )
    assert caught.value.unclear is (method == "POST")


def test_read_is_repeated_over_a_cut_connection(client_of: Clients) -> None:
    with Loopback(resets, says(), says(JSON)) as server:
        assert client_of(f"http://{server.netloc}", retries=2).get("/api/v1/x").data == {"a": 1}
    assert len(server.received) == 3
    assert client_of.pauses == [0.5, 1.0]


@pytest.mark.parametrize("behaviour", [says(), resets], ids=["closed", "reset"])
def test_write_is_not_repeated_over_a_cut_connection(client_of: Clients, behaviour: Behaviour) -> None:
    """Nor by the libraries below."""
    with Loopback(behaviour, says(JSON)) as server:
        failure = failure_of(client_of(f"http://{server.netloc}", retries=5))
    assert failure.unclear
    assert len(server.received) == 1
    assert client_of.pauses == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("begun", [b"", HEAD, HEAD + b'{"a'], ids=["nothing", "headers", "half"])
def test_no_answer_in_time(client_of: Clients, method: str, begun: bytes) -> None:
    def hesitate(connection: socket.socket) -> None:
        connection.sendall(begun)
        server.stays_silent(connection)

    with Loopback(hesitate) as server:
        failure = failure_of(client_of(f"http://{server.netloc}", timeout=0.25), method)
    assert str(failure) == f"{method} /api/v1/x: no answer within 0.25 s"
    assert failure.unclear is (method == "POST")


def test_no_connection_in_time(client_of: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(_socket: socket.socket, _address: Any) -> None:
        raise socket.timeout("timed out")

    monkeypatch.setattr(socket.socket, "connect", wait)
    failure = failure_of(client_of("http://192.0.2.1", timeout=1.5))
    assert str(failure) == "POST /api/v1/x: no connection within 1.5 s"
    assert not failure.unclear


def test_network_that_is_down(client_of: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_socket: socket.socket, _address: Any) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", fail)
    failure = failure_of(client_of("http://192.0.2.1"))
    assert str(failure) == "POST /api/v1/x: Network is unreachable"
    assert not failure.unclear


@pytest.mark.parametrize("reason", ["Name or service not known", "Temporary failure in name resolution"])
def test_name_that_cannot_be_resolved(client_of: Clients, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise socket.gaierror(-2, reason)

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    failure = failure_of(client_of("https://quay.invalid"))
    assert str(failure) == "POST /api/v1/x: the host name cannot be resolved"
    assert not failure.unclear


def test_redirect_gets_nothing(client_of: Clients) -> None:
    """Neither credentials nor anything else is sent to where a redirect points."""
    with Loopback(says(JSON)) as other:
        target = f"http://{other.netloc}/api/v1/x".encode()
        redirect = says(b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\nLocation: " + target + b"\r\n\r\n")
        with Loopback(redirect, redirect) as server:
            for act in (client_of(f"http://{server.netloc}").get, client_of(f"http://{server.netloc}").post):
                with pytest.raises(UnexpectedAnswer, match="the server redirects to http://127.0.0.1"):
                    act("/api/v1/x")
    assert other.received == []


def test_netrc_of_a_real_home(client_of: Clients, home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1\nlogin eve\npassword stolen\n")
    (home / ".netrc").chmod(0o600)
    with Loopback(says(JSON)) as server:
        client_of(f"http://{server.netloc}").get("/api/v1/x")
    assert server.received[0].decode().count("Authorization:") == 1
    assert f"Authorization: Bearer {SECRET}\r\n" in server.received[0].decode()


# A proxy with a password, as it stands in the environment.
LOGIN = f"ann:{SECRET}"


def test_proxy(client_of: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(says(JSON)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{LOGIN}@{proxy.netloc}")
        assert client_of("http://quay.invalid").get("/api/v1/x").data == {"a": 1}
    sent = proxy.received[0].decode()
    assert sent.startswith("GET http://quay.invalid/api/v1/x HTTP/1.1\r\n")
    assert f"Authorization: Bearer {SECRET}\r\n" in sent


def test_proxy_that_is_not_for_this_host(client_of: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(says(JSON)) as proxy, Loopback(says(JSON)) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.netloc}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        client_of(f"http://{server.netloc}").get("/api/v1/x")
    assert (len(proxy.received), len(server.received)) == (0, 1)


def test_proxy_that_is_not_there(client_of: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{LOGIN}@127.0.0.1:{free_port()}")
    failure = failure_of(client_of("https://quay.invalid"))
    assert str(failure) == "POST /api/v1/x: the proxy did not let the request through"
    assert not failure.unclear


@pytest.mark.parametrize(
    ("answer", "status", "lasting"),
    [
        (b"407 Proxy Authentication Required", "407", True),
        (b"403 Forbidden", "403", False),
        (b"502 Bad Gateway", "502", False),
    ],
)
def test_proxy_that_refuses_the_tunnel(
    client_of: Clients, monkeypatch: pytest.MonkeyPatch, answer: bytes, status: str, lasting: bool
) -> None:
    with Loopback(says(b"HTTP/1.1 " + answer + b"\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{LOGIN}@{proxy.netloc}")
        failure = failure_of(client_of("https://quay.invalid"))
    assert proxy.received[0].startswith(b"CONNECT quay.invalid:443 ")
    assert SECRET.encode() not in proxy.received[0]  # encoded, the proxy's own; the token not at all
    assert str(failure) == f"POST /api/v1/x: the proxy did not let the request through ({status})"
    assert (failure.unclear, failure.lasting) == (False, lasting)


def test_refused_proxy_login_is_offered_once(client_of: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = says(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    with Loopback(refusal, refusal) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{LOGIN}@{proxy.netloc}")
        failure_of(client_of("https://quay.invalid", retries=3), "GET")
    assert len(proxy.received) == 1


@pytest.mark.parametrize("proxy", ["http://", f"http://{LOGIN}@proxy:port", f"http://{LOGIN}@[proxy"])
def test_proxy_that_is_no_address(client_of: Clients, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    failure = failure_of(client_of("https://quay.invalid", retries=3), "GET")
    words = "an address is malformed: that of quay_host, of a proxy, or of a redirect"
    assert str(failure) == f"GET /api/v1/x: {words}"
    assert client_of.pauses == []


def test_ca_bundle_of_the_environment_that_is_not_there(
    client_of: Clients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    failure = failure_of(client_of(f"https://127.0.0.1:{free_port()}", retries=3))
    words = "the file of CA certificates cannot be read; check REQUESTS_CA_BUNDLE"
    assert str(failure) == f"POST /api/v1/x: {words}"
    assert (failure.unclear, failure.lasting) == (False, True)


def test_http_where_https_was_due(client_of: Clients) -> None:
    with Loopback(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        failure = failure_of(client_of(f"https://{server.netloc}"))
    assert str(failure).startswith("POST /api/v1/x: TLS failed (")
    assert str(failure).endswith("); does quay_host name a port that serves https?")


def test_one_connection_serves_many_requests(client_of: Clients) -> None:
    def twice(connection: socket.socket) -> None:
        connection.sendall(JSON)
        server.received.append(request_on(connection))
        connection.sendall(JSON.replace(b"200 OK", b"404 Not Found"))

    with Loopback(twice) as server:
        client = client_of(f"http://{server.netloc}")
        client.get("/api/v1/x")
        with pytest.raises(NotFound):
            client.get("/api/v1/y")
    assert [received.split(b" ")[1] for received in server.received] == [b"/api/v1/x", b"/api/v1/y"]
