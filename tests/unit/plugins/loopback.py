# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers on loopback for what only a real connection shows: one that is cut, never answered, wrongly certified."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
from typing import Callable

JSON = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"a": 1}'

# What a server does with a connection and the request that came on it.
Behaviour = Callable[[socket.socket], None]


def says(*parts: bytes) -> Behaviour:
    """Send this, and close the connection."""

    def act(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return act


def resets(connection: socket.socket) -> None:
    """Cut the connection so that the other side notices an error."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Loopback:
    """A server that treats its connections one after the other as told, and notes what was sent to it."""

    def __init__(
        self, *behaviours: Behaviour, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, patience: float = 5
    ) -> None:
        self.received: list[bytes] = []
        self._behaviours = behaviours
        self._tls = tls
        self._patience = patience
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
        # Wakes the thread where it still waits for a connection.
        with socket.socket(self._listener.family) as knock:
            knock.connect_ex(self._listener.getsockname())
        self._thread.join()
        self._listener.close()

    def stays_silent(self, _connection: socket.socket) -> None:
        """Never answer; the connection ends with the server."""
        self._closing.wait()

    def _serve(self) -> None:
        for behaviour in self._behaviours:
            connection, _address = self._listener.accept()
            with connection:
                if self._closing.is_set():
                    return
                connection.settimeout(self._patience)
                try:
                    self._treat(connection, behaviour)
                except (OSError, EOFError):
                    # The client went away first, or does not trust the certificate.
                    continue

    def _treat(self, connection: socket.socket, behaviour: Behaviour) -> None:
        if self._tls is None:
            self._answer(connection, behaviour)
            return
        with self._tls.wrap_socket(connection, server_side=True) as secured:
            self._answer(secured, behaviour)

    def _answer(self, connection: socket.socket, behaviour: Behaviour) -> None:
        self.received.append(request_on(connection))
        behaviour(connection)


def request_on(connection: socket.socket) -> bytes:
    """Read one request, whole; raise EOFError where it is not."""
    received = b""
    while not is_whole(received):
        more = connection.recv(65536)
        if not more:
            raise EOFError
        received += more
    return received


def is_whole(request: bytes) -> bool:
    if request and not request[:1].isalpha():
        return True  # TLS, not HTTP
    head, end, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", head)
    return bool(end) and len(body) >= (int(length.group(1)) if length else 0)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
