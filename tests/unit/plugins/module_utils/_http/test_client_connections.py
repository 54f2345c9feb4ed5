# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client on real connections: servers that cannot be reached or close the connection, timeouts, proxies."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any, Iterator

import pytest
import requests

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import QuayError
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.client import QuayClient
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    ApiError,
    NotFound,
    TransportError,
    UnexpectedResponse,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.loopback import (
    JSON,
    Behaviour,
    Loopback,
    free_port,
    read_request,
    resets,
    says,
)

SECRET = "s3cret"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n"


class Clients:
    """A factory of clients that have one list of pauses."""

    def __init__(self) -> None:
        self.sessions: list[requests.Session] = []
        self.pauses: list[float] = []

    def __call__(self, host: str, **options: Any) -> QuayClient:
        self.sessions.append(requests.Session())
        options.setdefault("retries", 0)
        options.setdefault("timeout", 5.0)
        return QuayClient(host, BearerAuth(SECRET), self.sessions[-1], sleep=self.pauses.append, **options)


@pytest.fixture
def make_client() -> Iterator[Clients]:
    clients = Clients()
    yield clients
    for session in clients.sessions:
        session.close()


HINT = ". Check quay_host (QUAY_HOST) and that the server is up"


def failure_of(client: QuayClient, method: str = "POST") -> TransportError:
    with pytest.raises(TransportError) as caught:
        client.get("/api/v1/x") if method == "GET" else client.post("/api/v1/x")
    failure = caught.value
    # The exception of requests is neither shown nor chained: its text may hold a proxy's password.
    assert failure.__cause__ is None
    assert failure.__context__ is None
    assert SECRET not in str(failure)
    return failure


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_response(make_client: Clients, host: str) -> None:
    with Loopback(says(JSON), host=host) as server:
        assert make_client(f"http://{server.netloc}/").get("/api/v1/x").data == {"a": 1}
    lines = server.received[0].decode().split("\r\n")
    assert lines[0] == "GET /api/v1/x HTTP/1.1"
    assert f"Host: {server.netloc}" in lines
    assert f"Authorization: Bearer {SECRET}" in lines


def test_refused_connection(make_client: Clients) -> None:
    """Nothing was sent, so the outcome of a write is known."""
    client = make_client(f"http://127.0.0.1:{free_port()}")
    failure = failure_of(client)
    assert str(failure) == f"POST {client.origin}/api/v1/x: Connection refused{HINT}"
    assert not failure.outcome_unknown
    assert not failure.permanent


def test_refused_connection_while_another_failure_is_handled(make_client: Clients) -> None:
    """The read that follows a failed write reports its own reason, not that of the write."""
    client = make_client(f"http://127.0.0.1:{free_port()}")
    try:
        raise ApiError(500, "POST", "/api/v1/x", "")
    except QuayError:
        with pytest.raises(TransportError, match=re.escape(f"GET {client.origin}/api/v1/x: Connection refused{HINT}")):
            client.get("/api/v1/x")


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        (says(), "the connection was closed"),
        (resets, "Connection reset by peer"),
        (says(b"gibberish\r\n\r\n"), "the connection was closed"),
    ],
    ids=["closed", "reset", "no HTTP"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_closed_connection(make_client: Clients, method: str, behaviour: Behaviour, message: str) -> None:
    with Loopback(behaviour) as server:
        failure = failure_of(make_client(f"http://{server.netloc}"), method)
    assert str(failure) == f"{method} http://{server.netloc}/api/v1/x: {message}"
    assert failure.outcome_unknown is (method == "POST")
    assert len(server.received) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Le",
        HEAD + b'{"a',
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n9\r\n: ',
    ],
    ids=["headers", "length", "chunks"],
)
def test_response_that_is_cut_off(make_client: Clients, method: str, response: bytes) -> None:
    """Depending on its version and on where the response ends, requests raises or returns the part that arrived."""
    with Loopback(says(response)) as server:
        client = make_client(f"http://{server.netloc}")
        with pytest.raises((TransportError, UnexpectedResponse)) as caught:
            (client.get("/api/v1/x") if method == "GET" else client.post("/api/v1/x")).json_object()
    assert str(caught.value) in (
        f"{method} {client.origin}/api/v1/x: the response was cut off",
        f"{method} {client.origin}/api/v1/x: the JSON of the response is broken or cut off",
        f"{method} {client.origin}/api/v1/x: the response is not a JSON object as Quay sends it",
    )
    assert caught.value.outcome_unknown is (method == "POST")


def test_read_is_repeated_after_a_closed_connection(make_client: Clients) -> None:
    with Loopback(resets, says(), says(JSON)) as server:
        assert make_client(f"http://{server.netloc}", retries=2).get("/api/v1/x").data == {"a": 1}
    assert len(server.received) == 3
    assert make_client.pauses == [0.5, 1.0]


@pytest.mark.parametrize("behaviour", [says(), resets], ids=["closed", "reset"])
def test_write_is_not_repeated_after_a_closed_connection(make_client: Clients, behaviour: Behaviour) -> None:
    """The libraries below do not repeat it either."""
    with Loopback(behaviour, says(JSON)) as server:
        failure = failure_of(make_client(f"http://{server.netloc}", retries=5))
    assert failure.outcome_unknown
    assert len(server.received) == 1
    assert make_client.pauses == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("start", [b"", HEAD, HEAD + b'{"a'], ids=["nothing", "headers", "half"])
def test_timeout_of_the_response(make_client: Clients, method: str, start: bytes) -> None:
    def stall(connection: socket.socket) -> None:
        connection.sendall(start)
        server.stays_silent(connection)

    with Loopback(stall) as server:
        failure = failure_of(make_client(f"http://{server.netloc}", timeout=0.25), method)
    assert str(failure) == f"{method} http://{server.netloc}/api/v1/x: no response within 0.25 s (timeout)"
    assert failure.outcome_unknown is (method == "POST")


def test_timeout_of_the_connection(make_client: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(_socket: socket.socket, _address: Any) -> None:
        raise socket.timeout("timed out")

    monkeypatch.setattr(socket.socket, "connect", wait)
    failure = failure_of(make_client("http://192.0.2.1", timeout=1.5))
    assert str(failure) == f"POST http://192.0.2.1/api/v1/x: no connection within 1.5 s{HINT}"
    assert not failure.outcome_unknown


def test_network_that_is_down(make_client: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_socket: socket.socket, _address: Any) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", fail)
    failure = failure_of(make_client("http://192.0.2.1"))
    assert str(failure) == f"POST http://192.0.2.1/api/v1/x: Network is unreachable{HINT}"
    assert not failure.outcome_unknown


@pytest.mark.parametrize("reason", ["Name or service not known", "Temporary failure in name resolution"])
def test_unknown_host_name(make_client: Clients, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise socket.gaierror(-2, reason)

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    failure = failure_of(make_client("https://quay.invalid"))
    assert (
        str(failure)
        == "POST https://quay.invalid/api/v1/x: the host name cannot be resolved. Check quay_host (QUAY_HOST)"
    )
    assert not failure.outcome_unknown


def test_target_of_a_redirect_receives_nothing(make_client: Clients) -> None:
    """Neither credentials nor anything else is sent there."""
    with Loopback(says(JSON)) as other:
        target = f"http://{other.netloc}/api/v1/x".encode()
        redirect = says(b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\nLocation: " + target + b"\r\n\r\n")
        with Loopback(redirect, redirect) as server:
            for act in (make_client(f"http://{server.netloc}").get, make_client(f"http://{server.netloc}").post):
                with pytest.raises(UnexpectedResponse, match="the server redirects to http://127.0.0.1"):
                    act("/api/v1/x")
    assert other.received == []


def test_netrc_is_ignored(make_client: Clients, home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1\nlogin eve\npassword stolen\n")
    (home / ".netrc").chmod(0o600)
    with Loopback(says(JSON)) as server:
        make_client(f"http://{server.netloc}").get("/api/v1/x")
    assert server.received[0].decode().count("Authorization:") == 1
    assert f"Authorization: Bearer {SECRET}\r\n" in server.received[0].decode()


# The user name and password of a proxy, in its URL.
LOGIN = f"ann:{SECRET}"


def test_proxy(make_client: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(says(JSON)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{LOGIN}@{proxy.netloc}")
        assert make_client("http://quay.invalid").get("/api/v1/x").data == {"a": 1}
    sent = proxy.received[0].decode()
    assert sent.startswith("GET http://quay.invalid/api/v1/x HTTP/1.1\r\n")
    assert f"Authorization: Bearer {SECRET}\r\n" in sent


def test_no_proxy(make_client: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(says(JSON)) as proxy, Loopback(says(JSON)) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.netloc}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        make_client(f"http://{server.netloc}").get("/api/v1/x")
    assert (len(proxy.received), len(server.received)) == (0, 1)


def test_unreachable_proxy(make_client: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{LOGIN}@127.0.0.1:{free_port()}")
    failure = failure_of(make_client("https://quay.invalid"))
    assert str(failure) == "POST https://quay.invalid/api/v1/x: the proxy did not let the request through"
    assert not failure.outcome_unknown


@pytest.mark.parametrize(
    ("response", "status", "permanent"),
    [
        (b"407 Proxy Authentication Required", "407", True),
        (b"403 Forbidden", "403", False),
        (b"502 Bad Gateway", "502", False),
    ],
)
def test_proxy_that_refuses_the_tunnel(
    make_client: Clients, monkeypatch: pytest.MonkeyPatch, response: bytes, status: str, permanent: bool
) -> None:
    with Loopback(says(b"HTTP/1.1 " + response + b"\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{LOGIN}@{proxy.netloc}")
        failure = failure_of(make_client("https://quay.invalid"))
    assert proxy.received[0].startswith(b"CONNECT quay.invalid:443 ")
    assert SECRET.encode() not in proxy.received[0]  # the proxy's password is encoded, and the token is not sent
    assert str(failure) == f"POST https://quay.invalid/api/v1/x: the proxy did not let the request through ({status})"
    assert (failure.outcome_unknown, failure.permanent) == (False, permanent)


def test_refused_proxy_login_is_not_sent_again(make_client: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = says(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    with Loopback(refusal, refusal) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{LOGIN}@{proxy.netloc}")
        failure_of(make_client("https://quay.invalid", retries=3), "GET")
    assert len(proxy.received) == 1


@pytest.mark.parametrize("proxy", ["http://", f"http://{LOGIN}@proxy:port", f"http://{LOGIN}@[proxy"])
def test_malformed_proxy_address(make_client: Clients, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    failure = failure_of(make_client("https://quay.invalid", retries=3), "GET")
    message = "an address is malformed: that of quay_host, of a proxy, or of a redirect"
    assert str(failure) == f"GET https://quay.invalid/api/v1/x: {message}"
    assert make_client.pauses == []


def test_missing_ca_bundle_of_the_environment(
    make_client: Clients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    client = make_client(f"https://127.0.0.1:{free_port()}", retries=3)
    failure = failure_of(client)
    message = "the file of CA certificates cannot be read; check REQUESTS_CA_BUNDLE"
    assert str(failure) == f"POST {client.origin}/api/v1/x: {message}"
    assert (failure.outcome_unknown, failure.permanent) == (False, True)


def test_https_to_an_http_port(make_client: Clients) -> None:
    with Loopback(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        failure = failure_of(make_client(f"https://{server.netloc}"))
    assert str(failure).startswith(f"POST https://{server.netloc}/api/v1/x: TLS failed (")
    assert str(failure).endswith("). Check that the port in quay_host serves https")


def test_one_connection_serves_many_requests(make_client: Clients) -> None:
    def twice(connection: socket.socket) -> None:
        connection.sendall(JSON)
        server.received.append(read_request(connection))
        connection.sendall(JSON.replace(b"200 OK", b"404 Not Found"))

    with Loopback(twice) as server:
        client = make_client(f"http://{server.netloc}")
        client.get("/api/v1/x")
        with pytest.raises(NotFound):
            client.get("/api/v1/y")
    assert [received.split(b" ")[1] for received in server.received] == [b"/api/v1/x", b"/api/v1/y"]
