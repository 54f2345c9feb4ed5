# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Quay below requests: it notes down every request and answers what a test tells it to, without any network.

It takes the place of the part of requests that opens connections, so that all above it (the session, cookies,
environment, authentication) is the real thing.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence, Union, cast
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter

from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import Auth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.client import QuayClient

ORIGIN = "https://quay.example.com"

# What every request of the client has, besides what requests itself adds.
COMMON = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}


@dataclass(frozen=True)
class Request:
    """One request as it would have gone out. The headers leave out those that requests adds by itself."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=lambda: COMMON)
    body: Any = None


@dataclass(frozen=True)
class Reply:
    """One answer: the bytes of its body, and its headers in order."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()

    def wire(self) -> bytes:
        """The answer as it would come in."""
        length = [("Content-Length", str(len(self.body)))] if self.body or self.status != 204 else []
        lines = [f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in [*self.headers, *length]]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


Step = Union[Reply, Exception, Callable[[Request], Reply]]


def ok(data: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON answer; underscores in the names of headers stand for dashes."""
    return Reply(status, json.dumps(data).encode(), [("Content-Type", "application/json"), *_named(headers)])


def page(status: int, text: str = "<!doctype html><title>Some page</title>", **headers: str) -> Reply:
    """An HTML answer."""
    return Reply(status, text.encode(), [("Content-Type", "text/html; charset=utf-8"), *_named(headers)])


def empty(status: int = 204, **headers: str) -> Reply:
    """An answer without a body."""
    return Reply(status, b"", _named(headers))


def error(status: int, message: str, error_type: str) -> Reply:
    """A JSON error in the shape of Quay's API."""
    words = {"detail": message, "error_message": message, "error_type": error_type, "title": error_type}
    return ok({**words, "type": f"{ORIGIN}/api/v1/error/{error_type}", "status": status}, status)


def refused(message: str = "Invalid Username or Password") -> Reply:
    """A 401 of the registry's."""
    return ok({"errors": [{"code": "UNAUTHORIZED", "detail": {}, "message": message}]}, 401)


def registry_token(**claims: Any) -> str:
    """A token as the registry's token service signs it; nobody but the registry checks the signature."""
    context = {"version": 2, "entity_kind": "user", "entity_reference": "ann"}
    times = {"iat": 1769860800, "nbf": 1769860800, "exp": 1769864400}
    usual = {"iss": "quay", "aud": "quay.example.com", "sub": "ann", "access": [], "context": context}
    parts = [{"alg": "RS256", "kid": "x", "typ": "JWT"}, {**times, **usual, **claims}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


class FakeQuay(BaseAdapter):
    """Answers in the order told; fails the test on a request too many."""

    def __init__(self, origin: str = ORIGIN) -> None:
        super().__init__()
        self.origin = origin
        self.requests: list[Request] = []
        self.options: list[dict[str, Any]] = []  # how requests would have connected: proxies, timeout, verify
        self.pauses: list[float] = []
        self.session = requests.Session()
        self.session.mount("https://", self)
        self.session.mount("http://", self)
        self._steps: deque[Step] = deque()

    @property
    def left(self) -> int:
        """How many answers nobody has asked for."""
        return len(self._steps)

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Method and target of all requests."""
        return [(request.method, request.target) for request in self.requests]

    def answers(self, *steps: Step) -> None:
        """Tell the next answers."""
        self._steps.extend(steps)

    def client(self, auth: Auth | None = None, **options: Any) -> QuayClient:
        """A client that speaks to this Quay and notes its pauses instead of making them."""
        options.setdefault("sleep", self.pauses.append)
        return QuayClient(self.origin, auth or Auth(), self.session, **options)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        recorded = self._note(request)
        self.requests.append(recorded)
        self.options.append(options)
        assert self._steps, f"a request too many: {recorded.method} {recorded.target}"
        step = self._steps.popleft()
        if isinstance(step, Exception):
            raise step
        return _response(request, step if isinstance(step, Reply) else step(recorded))

    def close(self) -> None:
        """Nothing is open."""

    def _note(self, request: requests.PreparedRequest) -> Request:
        url = str(request.url)
        assert url.startswith(f"{self.origin}/"), f"a request elsewhere: {url}"
        parts = urlsplit(url)
        headers = {name: _text(value) for name, value in request.headers.items()}
        raw = _text(request.body or b"")
        assert headers.pop("Content-Length", "0") == str(len(raw.encode()))
        for name, value in requests.utils.default_headers().items():
            if name not in COMMON:
                assert headers.pop(name) == value
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        return Request(str(request.method), target, headers, _parsed(raw, headers.get("Content-Type", "")))


class _Wire:
    """As much of a socket as an answer is read from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_mode: Any, **_options: Any) -> io.BytesIO:
        return io.BytesIO(self._data)


def _response(request: requests.PreparedRequest, reply: Reply) -> requests.Response:
    parsed = http.client.HTTPResponse(cast(Any, _Wire(reply.wire())), method=request.method)
    parsed.begin()
    raw = urllib3.HTTPResponse(
        body=parsed,
        headers=urllib3._collections.HTTPHeaderDict(parsed.msg.items()),
        status=parsed.status,
        reason=parsed.reason,
        preload_content=False,
        decode_content=False,
        original_response=parsed,
    )
    return HTTPAdapter().build_response(request, raw)


def _parsed(raw: str, kind: str) -> Any:
    if not raw:
        return None
    if kind == "application/json":
        return json.loads(raw)
    assert kind == "application/x-www-form-urlencoded"
    return dict(parse_qsl(raw, strict_parsing=True))


def _named(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name.replace("_", "-"), value) for name, value in headers.items()]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
