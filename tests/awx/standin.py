# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for AWX on the loopback interface: the fake AWX of the unit tests behind an HTTP server."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, cast

from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_awx import (
    OTHER,
    QUAY_TYPE,
    READ_TOKEN,
    REGISTRY_TYPE,
    TYPES,
    USER_TOKEN,
    WRITE_TOKEN,
    FakeAwx,
    Fault,
)

from .credentials import Awx, Login

# Close at once and send a reset.
_LINGER_RESET = struct.pack("ii", 1, 0)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    awx: FakeAwx
    lock: threading.Lock
    is_stopped = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def do_OPTIONS(self) -> None:
        self._answer()

    def log_message(self, *_arguments: Any) -> None:
        """Nothing: a request may hold a secret."""

    def _answer(self) -> None:
        server = cast(_Server, self.server)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        try:
            with server.lock:
                if server.is_stopped:
                    raise Fault(after=False)
                answer = server.awx.handle(self.command, self.path, dict(self.headers), body)
        except Fault:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            self.connection.close()
            self.close_connection = True
            return
        data = b"" if answer.status_code == 204 else json.dumps(answer.data).encode()
        if answer.data is None and data:
            data = b"<html>a page</html>"
        self.send_response_only(answer.status_code)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(data)


class StandinAwx(Awx):
    """A stand-in that serves while the context lasts. ``fake``: its state, journal and faults."""

    is_real = False
    organization = "Default"
    other_organization = "Other"
    registry_type = TYPES[REGISTRY_TYPE]["name"]
    custom_type = TYPES[QUAY_TYPE]["name"]

    def __init__(self) -> None:
        self.fake = FakeAwx()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.awx, self._server.lock = self.fake, threading.Lock()
        # Requests that stop the server find it within this time.
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> StandinAwx:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Refuse all further connections, and reset those that are open."""
        self._server.is_stopped = True
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def login(self) -> Login:
        return {"awx_host": self.host, "awx_token": WRITE_TOKEN}

    @property
    def read_only_login(self) -> Login:
        return {"awx_host": self.host, "awx_token": READ_TOKEN}

    @property
    def user_login(self) -> Login:
        return {"awx_host": self.host, "awx_token": USER_TOKEN}

    @property
    def secrets(self) -> list[str]:
        return [WRITE_TOKEN, READ_TOKEN, USER_TOKEN]

    def add(self, name: str, *, custom: bool = False, other: bool = False, **fields: Any) -> int:
        kind = QUAY_TYPE if custom else REGISTRY_TYPE
        return self.fake.add(name, kind, **({"organization": OTHER} if other else {}), **fields)

    def credential(self, number: int) -> dict[str, Any]:
        return dict(self.fake.credentials[number])

    def numbers(self, name: str) -> list[int]:
        return [number for number, item in self.fake.credentials.items() if item["name"] == name]

    def change(self, number: int, **fields: Any) -> None:
        self.fake.change(number, **fields)

    def stored(self, number: int, name: str) -> str | None:
        return cast("str | None", self.fake.credentials[number]["inputs"].get(name))
