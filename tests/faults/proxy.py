# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy in front of any Quay, which lets one request of a run go wrong, and overhears every secret on its way."""

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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

# What can become of a request, besides what happens in the client's own process.
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

# With these the request never gets to Quay.
_WITHOUT_EFFECT = ("reset-before", "500-before", "502-page", "429", "429-retry-after", "login-page")

_SHORTEST_SECRET = 20
_SECRET_KEYS = ("token", "access_token", "csrf_token", "client_secret", "password")
_SECRET_HEADERS = ("X-Next-CSRF-Token",)
_OWN_HEADERS = ("connection", "content-length", "transfer-encoding", "keep-alive")
_LINGER_RESET = struct.pack("ii", 1, 0)
# Seconds; for a client that never goes away.
_PATIENCE = 60

LOGIN_PAGE = b"<!doctype html>\n<title>Sign in to the proxy</title>\n<form>User name, password</form>\n"


@dataclass
class Answer:
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Seen:
    """One request, without its query."""

    method: str
    path: str

    @property
    def writes(self) -> bool:
        """Whether it may change anything; to sign in changes nothing that anybody owns."""
        return self.method not in ("GET", "HEAD") and self.path != "/api/v1/signin"


@dataclass
class Plan:
    """Which request goes wrong, and how."""

    number: int
    fault: str
    struck: bool = False
    # What somebody else does just then.
    meanwhile: Callable[[], None] | None = None


@dataclass
class Wiretap:
    """Every secret that went through."""

    secrets: set[str] = field(default_factory=set)

    def answer(self, answer: Answer) -> None:
        for name, value in answer.headers:
            if name in _SECRET_HEADERS:
                self.add(value)
            if name.lower() == "set-cookie":
                self.add(value.split(";", 1)[0].partition("=")[2])
            if name.lower() == "location":
                self.add(*parse_qs(urlsplit(value).fragment).get("access_token", ()))
        with contextlib.suppress(ValueError):
            self.add(*_secrets_in(json.loads(answer.body)))

    def add(self, *secrets: str) -> None:
        self.secrets.update(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)

    def heard_in(self, text: str) -> list[str]:
        """What of them stands in a text, told without telling it again."""
        return [f"a secret of {len(secret)} characters" for secret in self.secrets if secret in text]


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for key, text in value.items() if key in _SECRET_KEYS and isinstance(text, str))
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _secrets_in(part)


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
            # The client died while it was sending.
            self.close_connection = True
            return
        with self._proxy.at_work():
            self._handle(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _relay  # noqa: N815

    def _handle(self, body: bytes) -> None:
        fault = self._proxy.note(self.command, self.path)
        if fault == "hang-then-act":
            self._wait_for_the_end()
        answer = _made_up(fault) if fault in _WITHOUT_EFFECT else self._ask(body)
        if fault == "500-after":
            answer = _made_up(fault)
        if fault == "restarted-after":
            self._proxy.forget_sessions()
        if fault in ("hang-then-act", "act-then-hang"):
            self._wait_for_the_end()
        elif fault in ("reset-before", "reset-after", "gone-after", "restarted-after"):
            self._reset()
        else:
            self._send(answer, truncated=fault == "truncated")

    def _ask(self, body: bytes) -> Answer:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", *_OWN_HEADERS)}
        if self._proxy.is_forgotten(headers.get("Cookie", "")):
            del headers["Cookie"]
        if body or self.command in ("POST", "PUT"):
            headers["Content-Length"] = str(len(body))
        self._upstream.request(self.command, self.path, body or None, headers)
        got = self._upstream.getresponse()
        kept = [(name, value) for name, value in got.getheaders() if name.lower() not in _OWN_HEADERS]
        answer = Answer(got.status, got.reason, kept, got.read())
        self._proxy.hear(answer)
        return answer

    def _send(self, answer: Answer, *, truncated: bool) -> None:
        if truncated or self._proxy.next_comes_by_a_new_connection():
            self.close_connection = True
        bodiless = answer.status == 204 or self.command == "HEAD"
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{name}: {value}" for name, value in answer.headers)]
        if answer.status != 204:
            lines.append(f"Content-Length: {len(answer.body)}")
        if self.close_connection:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        body = b"" if bodiless else answer.body
        if truncated:
            head, body = (head, body[: len(body) // 2]) if body else (head[:6], b"")
        with contextlib.suppress(OSError):
            self.wfile.write(head + body)
            self.wfile.flush()

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)

    def _wait_for_the_end(self) -> None:
        """Until the client gives up and closes the connection."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.settimeout(_PATIENCE)
            self.connection.recv(1)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


def _made_up(fault: str) -> Answer:
    page = [("Content-Type", "text/html; charset=utf-8")]
    if fault == "login-page":
        return Answer(200, "OK", page, LOGIN_PAGE)
    if fault in ("500-before", "500-after"):
        return Answer(500, "Internal Server Error", page, b"<h1>Internal Server Error</h1>\n")
    if fault == "502-page":
        return Answer(502, "Bad Gateway", page, b"<html><title>502 Bad Gateway</title></html>\n")
    waiting = [("Retry-After", "1")] if fault == "429-retry-after" else []
    return Answer(429, "Too Many Requests", [*page, *waiting], b"Too many requests")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 32
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed: that is what this is for."""

    def shutdown_request(self, request: Any) -> None:
        # No orderly shutdown before the close: it would come before a reset.
        request.close()


class Proxy:
    """Serves until the block is left."""

    def __init__(self, upstream: str, verify: str | bool = True) -> None:
        self._to = urlsplit(upstream)
        self._verify = verify
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.host = urlsplit(self.url).netloc
        self.tap = Wiretap()
        self._plan: Plan | None = None
        self._seen: list[Seen] = []
        self._cookies: set[str] = set()
        self._forgotten: set[str] = set()
        self._working = 0
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="proxy", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    # --- for who lets things go wrong

    def begin(self, plan: Plan | None = None) -> None:
        """A new run: count from one, and let this go wrong."""
        with self._changed:
            self._plan, self._seen = plan, []

    def settle(self, at_least: int = 0) -> list[Seen]:
        """Wait until so many requests came and none is under way any more; returns what the run asked."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._seen) >= at_least and not self._working, timeout=_PATIENCE)
            self._plan = None
            return list(self._seen)

    # --- for the connections

    def connect(self) -> http.client.HTTPConnection:
        netloc = self._to.netloc
        if self._to.scheme != "https":
            return http.client.HTTPConnection(netloc, timeout=_PATIENCE)
        trusted = ssl.create_default_context(cafile=self._verify if isinstance(self._verify, str) else None)
        return http.client.HTTPSConnection(netloc, timeout=_PATIENCE, context=trusted)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        with self._changed:
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def note(self, method: str, path: str) -> str:
        """Write down a request; returns the fault that befalls it."""
        with self._changed:
            self._seen.append(Seen(method, urlsplit(path).path))
            plan, number = self._plan, len(self._seen)
            if plan is None:
                return ""
            if number == plan.number:
                plan.struck = True
                if plan.meanwhile:
                    plan.meanwhile()
                if plan.fault == "restarted-before":
                    self._forgotten |= self._cookies
                return plan.fault
            return "reset-before" if plan.fault == "gone-after" and number > plan.number else ""

    def next_comes_by_a_new_connection(self) -> bool:
        """Whether the server is about to be restarted, so that connections of before are lost."""
        plan = self._plan
        return plan is not None and plan.fault == "restarted-before" and len(self._seen) == plan.number - 1

    def hear(self, answer: Answer) -> None:
        with self._changed:
            self.tap.answer(answer)
            for name, value in answer.headers:
                if name.lower() == "set-cookie":
                    self._cookies.add(value.split(";", 1)[0])

    def forget_sessions(self) -> None:
        """As a restarted server does whose key for signing sessions is a new one."""
        with self._changed:
            self._forgotten |= self._cookies

    def is_forgotten(self, cookies: str) -> bool:
        with self._changed:
            return any(cookie in self._forgotten for cookie in re.split(r";\s*", cookies) if cookie)
