# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers on the loopback interface, for tests that need real connections: closed, reset, silent, or with TLS."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
from typing import Callable

JSON = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"a": 1}'

# What a server does with a connection after it has read the request.
Behaviour = Callable[[socket.socket], None]


def says(*parts: bytes) -> Behaviour:
    """Send these bytes, and close the connection."""

    def act(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return act


def resets(connection: socket.socket) -> None:
    """Close the connection with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Loopback:
    """A server that runs one behaviour per connection, in order, and records the requests that it receives."""

    def __init__(
        self, *behaviours: Behaviour, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, timeout: float = 5
    ) -> None:
        self.received: list[bytes] = []
        self._behaviours = behaviours
        self._tls = tls
        self._timeout = timeout
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._closing = threading.Event()
        self.port: int = self._listener.getsockname()[1]
        self.netloc = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._closing.set()
        # Wakes the thread if it is waiting for a connection.
        with socket.socket(self._listener.family) as waker:
            waker.connect_ex(self._listener.getsockname())
        self._thread.join()
        self._listener.close()

    def stays_silent(self, _connection: socket.socket) -> None:
        """Send nothing. The connection closes when the server does."""
        self._closing.wait()

    def _serve(self) -> None:
        for behaviour in self._behaviours:
            connection, _address = self._listener.accept()
            with connection:
                if self._closing.is_set():
                    return
                connection.settimeout(self._timeout)
                try:
                    self._handle(connection, behaviour)
                except (OSError, EOFError):
                    # The client closed the connection first, or does not trust the certificate.
                    continue

    def _handle(self, connection: socket.socket, behaviour: Behaviour) -> None:
        if self._tls is None:
            self._respond(connection, behaviour)
            return
        with self._tls.wrap_socket(connection, server_side=True) as encrypted:
            self._respond(encrypted, behaviour)

    def _respond(self, connection: socket.socket, behaviour: Behaviour) -> None:
        self.received.append(read_request(connection))
        behaviour(connection)


def read_request(connection: socket.socket) -> bytes:
    """Read one complete request; raise EOFError if the connection ends before it is complete."""
    received = b""
    while not is_complete(received):
        more = connection.recv(65536)
        if not more:
            raise EOFError
        received += more
    return received


def is_complete(request: bytes) -> bool:
    if request and not request[:1].isalpha():
        return True  # TLS, not HTTP
    head, end, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", head)
    return bool(end) and len(body) >= (int(length.group(1)) if length else 0)


def free_port() -> int:
    """A port on which no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
