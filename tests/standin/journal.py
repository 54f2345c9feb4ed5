# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal: all requests in order, without secrets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from werkzeug import Request

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

_SECRET_HEADERS = {"authorization", "cookie", "x-csrf-token"}
_SECRET_PARAMETERS = {"_csrf_token", "access_token", "client_secret", "code", "password"}
_HIDDEN = "***"


@dataclass(frozen=True)
class Entry:
    n: int
    at: str
    method: str
    path: str
    query: str
    auth: str
    user: str | None
    status: int | None
    write: bool
    mint: bool
    effect: bool
    fault: str | None
    headers: dict[str, str]
    body_keys: list[str]


class Journal:
    """All requests except those to the control plane. A status of none: the connection was cut."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries)

    @property
    def writes(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.write]

    @property
    def mints(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.mint]

    def add(self, **fields: Any) -> None:
        with self._lock:
            self._entries.append(Entry(n=len(self._entries) + 1, **fields))

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    def as_dicts(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self.entries]


def describe(request: Request, body: bytes) -> dict[str, Any]:
    """Return the parts of a request that contain no secret."""
    return {
        "method": request.method,
        "path": request.path,
        "query": _query(request),
        "headers": {name: _header(name, value) for name, value in request.headers.items()},
        "body_keys": _body_keys(request, body),
    }


def _header(name: str, value: str) -> str:
    if name.lower() == "authorization":
        return f"{value.split(' ', 1)[0]} {_HIDDEN}"
    return _HIDDEN if name.lower() in _SECRET_HEADERS else value


def _query(request: Request) -> str:
    pairs = parse_qsl(request.query_string.decode(), keep_blank_values=True)
    return urlencode([(name, _HIDDEN if name in _SECRET_PARAMETERS else value) for name, value in pairs], safe="*:/,")


def _body_keys(request: Request, body: bytes) -> list[str]:
    if request.mimetype == "application/x-www-form-urlencoded":
        return sorted({name for name, _value in parse_qsl(body.decode(errors="replace"), keep_blank_values=True)})
    try:
        parsed = json.loads(body)
    except ValueError:
        return []
    return sorted(parsed) if isinstance(parsed, dict) else []
