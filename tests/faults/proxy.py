# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy in front of a Quay or of the server of a store. It applies a fault to one request of a run.

It records every secret in the responses of Quay.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

# Faults of a request in the proxy.
FAULTS = (
    "reset-before",
    "reset-after",
    "gone-after",
    "500-before",
    "500-after",
    "502-page",
    "429",
    "429-retry-after",
    "hang-then-act",
    "act-then-hang",
    "truncated",
    "login-page",
    "restarted-before",
    "restarted-after",
)

# Faults of a request to the server of a store that reads, and those of one that writes.
STORE_READ_FAULTS = ("reset-before", "500-before", "hang-then-act", "truncated", "login-page", "forbidden")
STORE_WRITE_FAULTS = (
    *STORE_READ_FAULTS,
    *("reset-after", "gone-after", "500-after", "502-page", "429", "act-then-hang"),
    *("unavailable", "504-after", "504-late", "conflict"),
)
# With these faults the request is not sent to the server, or only later.
_WITHOUT_EFFECT = (
    *("reset-before", "500-before", "502-page", "429", "429-retry-after", "login-page"),
    *("unavailable", "forbidden", "conflict", "504-late"),
)
# These stay for the rest of the run: all later requests get the same.
LASTING = ("gone-after", "forbidden", "unavailable")

# The responses of these faults in the form of the server.
_RESPONSES = {"504-after": "gateway-timeout", "504-late": "gateway-timeout"}

_SHORTEST_SECRET = 20
_SECRET_KEYS = ("token", "access_token", "token_code", "csrf_token", "client_secret", "password")
_SECRET_HEADERS = ("X-Next-CSRF-Token",)
_OWN_HEADERS = ("connection", "content-length", "transfer-encoding", "keep-alive")
_LINGER_RESET = struct.pack("ii", 1, 0)
# Seconds, for a client that does not disconnect.
_TIMEOUT_S = 60

LOGIN_PAGE = b"<!doctype html>\n<title>Sign in to the proxy</title>\n<form>User name, password</form>\n"


@dataclass
class Response:
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class RecordedRequest:
    """One request, without its query."""

    method: str
    path: str
    dry_run: bool = False

    @property
    def writes(self) -> bool:
        """Whether it may change anything. A sign-in does not count, nor a question for rights."""
        asks = self.path == "/api/v1/signin" or self.path.endswith("/capabilities-self") or self.dry_run
        return self.method not in ("GET", "HEAD", "OPTIONS") and not asks

    @property
    def mints(self) -> bool:
        """Whether it lets Quay issue a secret."""
        return any(self.method == method and re.search(path, self.path) for method, path in _MINTING)


_MINTING = (
    ("PUT", r"/robots/[^/]+$"),
    ("POST", r"/regenerate$"),
    ("POST", r"/applications/[^/]+/tokens$"),
    ("POST", r"^/oauth/authorizeapp$"),
    ("POST", r"^/api/v1/user/apptoken$"),
    ("POST", r"/resetclientsecret$"),
    ("GET", r"^/oauth2/federation/robot/token$"),
)


@dataclass
class PlannedFault:
    """A fault for the request with this number."""

    number: int
    fault: str
    fired: bool = False
    # Whose request it is: one of Quay (request), or one of the server of the store (store).
    server: str = "request"
    # An action just before the request is handled.
    action: Callable[[], None] | None = None


@dataclass
class SecretRecorder:
    """All secrets in the responses."""

    secrets: set[str] = field(default_factory=set)

    def add_from(self, response: Response) -> None:
        for name, value in response.headers:
            if name in _SECRET_HEADERS:
                self.add(value)
            if name.lower() == "set-cookie":
                self.add(value.split(";", 1)[0].partition("=")[2])
            if name.lower() == "location":
                self.add(*parse_qs(urlsplit(value).fragment).get("access_token", ()))
        with contextlib.suppress(ValueError):
            self.add(*_secrets_in(json.loads(response.body)))

    def add(self, *secrets: str) -> None:
        self.secrets.update(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)

    def in_text(self, text: str) -> list[str]:
        """Return a description of each secret in a text, without the secret itself."""
        return [f"a secret of {len(secret)} characters" for secret in self.secrets if secret in text]


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for key, text in value.items() if key in _SECRET_KEYS and isinstance(text, str))
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _secrets_in(part)


@dataclass(frozen=True)
class LateRequest:
    """A request that was answered and is still to be sent to the server."""

    method: str
    path: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self._upstream = self._proxy.connect()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        self._upstream.close()

    @property
    def _proxy(self) -> Proxy:
        proxy: Proxy = self.server.proxy  # type: ignore[attr-defined]
        return proxy

    def _relay(self) -> None:
        wanted = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(wanted)
        if len(body) < wanted:
            # The client was killed while sending.
            self.close_connection = True
            return
        with self._proxy.handling():
            self._handle(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _relay  # noqa: N815

    def _handle(self, body: bytes) -> None:
        request = self._proxy.request_of(self.command, self.path)
        fault = self._proxy.record_request(request)
        if request.writes:
            self._proxy.send_late()
        if fault == "hang-then-act":
            self._wait_for_disconnect()
        if fault == "504-late":
            self._proxy.keep_late(LateRequest(self.command, self.path, body, self._headers(body)))
        response = self._proxy.fake_response(fault) if fault in _WITHOUT_EFFECT else self._forward(body)
        if fault in ("500-after", "504-after"):
            response = self._proxy.fake_response(fault)
        if fault == "restarted-after":
            self._proxy.forget_sessions()
        if fault in ("hang-then-act", "act-then-hang"):
            self._wait_for_disconnect()
        elif fault in ("reset-before", "reset-after", "gone-after", "restarted-after"):
            self._reset()
        else:
            self._send(response, truncated=fault == "truncated")

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", *_OWN_HEADERS)}
        if self._proxy.is_forgotten(headers.get("Cookie", "")):
            del headers["Cookie"]
        if body or self.command in ("POST", "PUT"):
            headers["Content-Length"] = str(len(body))
        return headers

    def _forward(self, body: bytes) -> Response:
        self._upstream.request(self.command, self.path, body or None, self._headers(body))
        upstream = self._upstream.getresponse()
        received = [(name, value) for name, value in upstream.getheaders() if name.lower() not in _OWN_HEADERS]
        response = Response(upstream.status, upstream.reason, received, upstream.read())
        self._proxy.record_response(response)
        return response

    def _send(self, response: Response, *, truncated: bool) -> None:
        if truncated or self._proxy.closes_before_restart():
            self.close_connection = True
        without_body = response.status == 204 or self.command == "HEAD"
        lines = [
            f"HTTP/1.1 {response.status} {response.reason}",
            *(f"{name}: {value}" for name, value in response.headers),
        ]
        if response.status != 204:
            lines.append(f"Content-Length: {len(response.body)}")
        if self.close_connection:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        body = b"" if without_body else response.body
        if truncated:
            head, body = (head, body[: len(body) // 2]) if body else (head[:6], b"")
        with contextlib.suppress(OSError):
            self.wfile.write(head + body)
            self.wfile.flush()

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)

    def _wait_for_disconnect(self) -> None:
        """Wait until the client closes the connection."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.settimeout(_TIMEOUT_S)
            self.connection.recv(1)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""


def _page_of(fault: str) -> Response:
    """The page of a server or a proxy."""
    page = [("Content-Type", "text/html; charset=utf-8")]
    if fault == "login-page":
        return Response(200, "OK", page, LOGIN_PAGE)
    if fault in ("500-before", "500-after"):
        return Response(500, "Internal Server Error", page, b"<h1>Internal Server Error</h1>\n")
    if fault == "502-page":
        return Response(502, "Bad Gateway", page, b"<html><title>502 Bad Gateway</title></html>\n")
    waiting = [("Retry-After", "1")] if fault == "429-retry-after" else []
    return Response(429, "Too Many Requests", [*page, *waiting], b"Too many requests")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 32
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors of connections to killed clients."""

    def shutdown_request(self, request: Any) -> None:
        # No shutdown before the close: it would be sent before a reset.
        request.close()


class Proxy:
    """The proxy. It runs until the block ends."""

    def __init__(
        self, upstream: str, verify: str | bool = True, responses: Mapping[str, tuple[int, Any]] | None = None
    ) -> None:
        """``responses``: status and JSON in the form of the server, by the name of a fault."""
        self._responses = responses or {}
        self._upstream_url = urlsplit(upstream)
        self._verify = verify
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.host = urlsplit(self.url).netloc
        self.port = int(self._server.server_address[1])
        self.secret_recorder = SecretRecorder()
        self._planned: PlannedFault | None = None
        self._requests: list[RecordedRequest] = []
        self._late: list[LateRequest] = []
        self._cookies: set[str] = set()
        self._forgotten: set[str] = set()
        self._active = 0
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="proxy", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    # --- for the tests

    def start_run(self, planned: PlannedFault | None = None) -> None:
        """Start a new run: reset the count of requests and set the fault."""
        with self._changed:
            self._planned, self._requests = planned, []

    def wait_until_idle(self, at_least: int = 0) -> list[RecordedRequest]:
        """Wait until a number of requests has arrived and none is being handled. Returns the requests of the run."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._requests) >= at_least and not self._active, timeout=_TIMEOUT_S)
            self._planned = None
            requests = list(self._requests)
        self.send_late()
        return requests

    # --- for the connections

    @staticmethod
    def request_of(method: str, path: str) -> RecordedRequest:
        parts = urlsplit(path)
        return RecordedRequest(method, parts.path, dry_run="dryRun" in parse_qs(parts.query))

    def fake_response(self, fault: str) -> Response:
        """The response of a fault: in the form of the server, if it is known."""
        status, body = self._responses.get(_RESPONSES.get(fault, fault), (0, None))
        if not status:
            return _page_of(fault)
        return Response(status, "Error", [("Content-Type", "application/json")], json.dumps(body).encode())

    def keep_late(self, request: LateRequest) -> None:
        """Keep a request that was answered, but is executed only before the next write, or after the run."""
        with self._changed:
            self._late.append(request)

    def send_late(self) -> None:
        with self._changed:
            late, self._late = self._late, []
        for request in late:
            with contextlib.closing(self.connect()) as connection:
                connection.request(request.method, request.path, request.body or None, dict(request.headers))
                connection.getresponse().read()

    def connect(self) -> http.client.HTTPConnection:
        netloc = self._upstream_url.netloc
        if self._upstream_url.scheme != "https":
            return http.client.HTTPConnection(netloc, timeout=_TIMEOUT_S)
        trusted = ssl.create_default_context(cafile=self._verify if isinstance(self._verify, str) else None)
        return http.client.HTTPSConnection(netloc, timeout=_TIMEOUT_S, context=trusted)

    @contextlib.contextmanager
    def handling(self) -> Iterator[None]:
        with self._changed:
            self._active += 1
        try:
            yield
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    def record_request(self, request: RecordedRequest) -> str:
        """Record a request. Returns its fault."""
        with self._changed:
            self._requests.append(request)
            planned, number = self._planned, len(self._requests)
            if planned is None:
                return ""
            if number == planned.number:
                planned.fired = True
                if planned.action:
                    planned.action()
                if planned.fault == "restarted-before":
                    self._forgotten |= self._cookies
                return planned.fault
            if planned.fault not in LASTING or number < planned.number:
                return ""
            return "reset-before" if planned.fault == "gone-after" else planned.fault

    def closes_before_restart(self) -> bool:
        """Whether the next request comes after a restart, so that the connection must be closed."""
        planned = self._planned
        return planned is not None and planned.fault == "restarted-before" and len(self._requests) == planned.number - 1

    def record_response(self, response: Response) -> None:
        with self._changed:
            self.secret_recorder.add_from(response)
            for name, value in response.headers:
                if name.lower() == "set-cookie":
                    self._cookies.add(value.split(";", 1)[0])

    def forget_sessions(self) -> None:
        """Forget all sessions, like a restarted server with a new session key."""
        with self._changed:
            self._forgotten |= self._cookies

    def is_forgotten(self, cookies: str) -> bool:
        with self._changed:
            return any(cookie in self._forgotten for cookie in re.split(r";\s*", cookies) if cookie)
