# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake Quay inside of requests: it records each request and sends the replies that a test sets, without a network.

It replaces the adapter, the part of requests that opens connections. Everything above the adapter (session, cookies,
environment, authentication) is the real code.
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

# The headers of every request of the client, without those that requests adds.
COMMON = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}


@dataclass(frozen=True)
class Request:
    """One request as it would be sent. ``headers`` leaves out those that requests adds."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=lambda: COMMON)
    body: Any = None


@dataclass(frozen=True)
class Reply:
    """One reply: the bytes of its body, and its headers in order."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()

    def wire(self) -> bytes:
        """The reply as it would arrive."""
        length = [("Content-Length", str(len(self.body)))] if self.body or self.status != 204 else []
        lines = [f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in [*self.headers, *length]]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


Step = Union[Reply, Exception, Callable[[Request], Reply]]


def ok(data: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON reply. Underscores in the names of headers stand for dashes."""
    return Reply(status, json.dumps(data).encode(), [("Content-Type", "application/json"), *_header_list(headers)])


def page(status: int, text: str = "<!doctype html><title>Some page</title>", **headers: str) -> Reply:
    """An HTML reply."""
    return Reply(status, text.encode(), [("Content-Type", "text/html; charset=utf-8"), *_header_list(headers)])


def empty(status: int = 204, **headers: str) -> Reply:
    """A reply without a body."""
    return Reply(status, b"", _header_list(headers))


def error(status: int, message: str, error_type: str) -> Reply:
    """A JSON error in the shape of Quay's API."""
    body = {"detail": message, "error_message": message, "error_type": error_type, "title": error_type}
    return ok({**body, "type": f"{ORIGIN}/api/v1/error/{error_type}", "status": status}, status)


def refused(message: str = "Invalid Username or Password") -> Reply:
    """A 401 of the registry."""
    return ok({"errors": [{"code": "UNAUTHORIZED", "detail": {}, "message": message}]}, 401)


def registry_token(**claims: Any) -> str:
    """A token as the registry's token service signs it. The signature is invalid: only the registry checks it."""
    context = {"version": 2, "entity_kind": "user", "entity_reference": "ann"}
    times = {"iat": 1769860800, "nbf": 1769860800, "exp": 1769864400}
    defaults = {"iss": "quay", "aud": "quay.example.com", "sub": "ann", "access": [], "context": context}
    parts = [{"alg": "RS256", "kid": "x", "typ": "JWT"}, {**times, **defaults, **claims}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


class FakeQuay(BaseAdapter):
    """Sends its replies in order, and fails the test on a request without a reply."""

    def __init__(self, origin: str = ORIGIN) -> None:
        super().__init__()
        self.origin = origin
        self.requests: list[Request] = []
        self.options: list[dict[str, Any]] = []  # the connection options of each request: proxies, timeout, verify
        self.pauses: list[float] = []
        self.session = requests.Session()
        self.session.mount("https://", self)
        self.session.mount("http://", self)
        self._steps: deque[Step] = deque()

    @property
    def pending(self) -> int:
        """The number of replies that have not been requested."""
        return len(self._steps)

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Method and target of each request."""
        return [(request.method, request.target) for request in self.requests]

    def answers(self, *steps: Step) -> None:
        """Set the next replies. An exception is raised instead of a reply."""
        self._steps.extend(steps)

    def client(self, auth: Auth | None = None, **options: Any) -> QuayClient:
        """A client of this Quay. It records its pauses in ``pauses`` instead of sleeping."""
        options.setdefault("sleep", self.pauses.append)
        return QuayClient(self.origin, auth or Auth(), self.session, **options)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        recorded = self._record(request)
        self.requests.append(recorded)
        self.options.append(options)
        assert self._steps, f"a request without a reply: {recorded.method} {recorded.target}"
        step = self._steps.popleft()
        if isinstance(step, Exception):
            raise step
        return _response(request, step if isinstance(step, Reply) else step(recorded))

    def close(self) -> None:
        """Do nothing: no connection is open."""

    def _record(self, request: requests.PreparedRequest) -> Request:
        url = str(request.url)
        assert url.startswith(f"{self.origin}/"), f"a request to another server: {url}"
        parts = urlsplit(url)
        headers = {name: _text(value) for name, value in request.headers.items()}
        raw = _text(request.body or b"")
        assert headers.pop("Content-Length", "0") == str(len(raw.encode()))
        for name, value in requests.utils.default_headers().items():
            if name not in COMMON:
                assert headers.pop(name) == value
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        return Request(str(request.method), target, headers, _parse(raw, headers.get("Content-Type", "")))


class _Wire:
    """The part of a socket that http.client reads from."""

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


def _parse(raw: str, content_type: str) -> Any:
    if not raw:
        return None
    if content_type == "application/json":
        return json.loads(raw)
    assert content_type == "application/x-www-form-urlencoded"
    return dict(parse_qsl(raw, strict_parsing=True))


def _header_list(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name.replace("_", "-"), value) for name, value in headers.items()]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
