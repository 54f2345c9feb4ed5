# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP server of the stand-in, with faults and a journal."""

from __future__ import annotations

import json
import socket
import struct
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from .api import Api, Request, Rule
from .errors import status_body
from .faults import Fault, Faults

_LINGER_RESET = struct.pack("ii", 1, 0)
_PAGE = b"<!doctype html>\n<title>Sign in to the proxy</title>\n"


@dataclass(frozen=True)
class Entry:
    """A request in the journal."""

    method: str
    path: str
    query: dict[str, str]
    status: int
    body: bytes
    dry_run: bool

    def __str__(self) -> str:
        return f"{self.method}{' dry' if self.dry_run else ''} {self.path.partition('/namespaces/')[2] or self.path}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def _handle(self) -> None:
        standin = cast("_Server", self.server).standin
        parts = urlsplit(self.path)
        scheme, _blank, token = self.headers.get("Authorization", "").partition(" ")
        request = Request(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            self.headers.get("Content-Type", ""),
            token if scheme.lower() == "bearer" else None,
            self.headers.get("User-Agent", ""),
        )
        answer = standin.answer(request)
        if answer is None:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            return
        status, content_type, body = answer
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: the journal has all requests."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    standin: StandinKubernetes

    def shutdown_request(self, request: Any) -> None:
        # No shutdown before the close: it would be sent before the reset.
        request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect."""


class StandinKubernetes:
    """A stand-in in this process, on its own port. It runs until the block ends."""

    ADMIN = "admin-token-of-the-stand-in-0123456789"

    def __init__(self) -> None:
        self.api = Api()
        self.api.users[self.ADMIN] = ("admin", None)
        self.faults = Faults()
        self.journal: list[Entry] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.standin = self
        self._lock = threading.Lock()
        self._late: list[Request] = []
        self._ended = threading.Event()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def reset(self) -> None:
        """Forget everything but the administrator."""
        self.api = Api()
        self.api.users[self.ADMIN] = ("admin", None)
        self.faults.rules.clear()
        self._late.clear()
        self.journal.clear()

    def add_user(self, token: str, *rules: Rule) -> None:
        self.api.users[token] = ("ci", list(rules))

    def write_kubeconfig(self, path: Path, token: str = ADMIN) -> Path:
        """Write a kubeconfig file with the contexts ``standin`` and ``nowhere``."""
        user = {"name": "user", "user": {"token": token}}
        clusters = [
            {"name": "here", "cluster": {"server": self.url}},
            {"name": "down", "cluster": {"server": "http://127.0.0.1:9"}},
        ]
        contexts = [
            {"name": "standin", "context": {"cluster": "here", "user": "user"}},
            {"name": "nowhere", "context": {"cluster": "down", "user": "user"}},
        ]
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": clusters,
            "contexts": contexts,
            "users": [user],
            "current-context": "standin",
        }
        path.write_text(json.dumps(document))
        return path

    @property
    def requests(self) -> list[str]:
        """The requests in the journal, as method and path below the namespaces."""
        return [str(entry) for entry in self.journal]

    @property
    def writes(self) -> list[str]:
        """The requests that were to change something."""
        return [
            str(entry)
            for entry in self.journal
            if entry.method != "GET" and not entry.dry_run and "/namespaces/" in entry.path
        ]

    def answer(self, request: Request) -> tuple[int, str, bytes] | None:
        """The status, the type and the body of the response; none to reset the connection."""
        fault = self.faults.find(request.method, dry_run=request.dry_run)
        with self._lock:
            if self._late and request.method != "GET" and not request.dry_run:
                for late in self._late:
                    self.api.handle(late)
                self._late.clear()
            executed = fault is None or fault.kind in ("reset_after", "hang") or fault.after
            status, body = self.api.handle(request) if executed else (0, {})
            if fault and fault.kind == "late":
                self._late.append(request)
            self.journal.append(
                Entry(request.method, request.path, request.query, status, request.body, request.dry_run)
            )
        return self._faulty(fault) if fault else (status, "application/json", json.dumps(body).encode())

    def _faulty(self, fault: Fault) -> tuple[int, str, bytes] | None:
        if fault.kind in ("reset_before", "reset_after"):
            return None
        if fault.kind == "hang":
            self._ended.wait()
            return None
        if fault.kind == "page":
            return 200, "text/html", _PAGE
        status, reason = (504, "Timeout") if fault.kind == "late" else (fault.status, fault.reason)
        return status, "application/json", json.dumps(status_body(status, fault.message, reason)).encode()

    def __enter__(self) -> StandinKubernetes:
        threading.Thread(target=self._server.serve_forever, name="standin-kubernetes", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
