# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From request to answer: the control plane apart, faults around the application, everything else journalled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from flask import Flask
from werkzeug import Request
from werkzeug.test import run_wsgi_app

from .faults import Fault, Faults
from .journal import SAFE_METHODS, Journal, describe
from .quay import Quay
from .routing import TRACE

CONTROL_PREFIX = "/__standin__/"
MAX_BODY = 1024 * 1024

Environ = dict[str, Any]

_LOGIN_PAGE = "<!doctype html>\n<title>Sign in to the proxy</title>\n<form>User name, password</form>\n"


@dataclass
class Answer:
    """What goes back over the connection, and what becomes of the connection then."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    cut: bool = False
    truncated: bool = False
    refuse_seconds: float = 0.0


class Exchange:
    def __init__(self, quay: Quay, app: Flask, journal: Journal, faults: Faults) -> None:
        self.quay, self.app, self.journal, self.faults = quay, app, journal, faults
        self.control: Flask | None = None
        # One request at a time changes the state, as a database would see to it.
        self._lock = threading.RLock()

    def answer(self, environ: Environ, body: bytes) -> Answer:
        if self.control and str(environ["PATH_INFO"]).startswith(CONTROL_PREFIX):
            return _run(self.control, environ)
        fault = self.faults.strike(str(environ["REQUEST_METHOD"]), str(environ["PATH_INFO"]))
        moment = self.quay.clock.now().isoformat()
        if fault and not fault.after:
            time.sleep(fault.delay)
        done = self._perform(environ, body) if fault is None or fault.takes_effect else Answer()
        if fault and fault.after:
            time.sleep(fault.delay)
        answer = _spoil(fault, done) if fault else done
        self._record(environ, body, answer, moment, fault)
        return answer

    def _perform(self, environ: Environ, body: bytes) -> Answer:
        if len(body) > MAX_BODY and not str(environ["PATH_INFO"]).startswith("/v2/"):
            return _html(413)
        with self._lock:
            before = self.quay.state.last_id
            answer = _run(self.app, environ)
            trace = environ[TRACE]
            done = trace.get("writes") and environ["REQUEST_METHOD"] not in SAFE_METHODS and answer.status < 300
            trace["effect"] = bool(done) or self.quay.state.last_id != before
        return answer

    def _record(self, environ: Environ, body: bytes, answer: Answer, moment: str, fault: Fault | None) -> None:
        request = Request(environ)
        trace = environ.get(TRACE, {})
        effect = bool(trace.get("effect"))
        self.journal.add(
            at=moment,
            auth=trace.get("auth", "anonymous"),
            user=trace.get("user"),
            status=None if answer.cut else answer.status,
            write=request.method not in SAFE_METHODS and bool(trace.get("writes")),
            mint=effect and bool(trace.get("mints")),
            effect=effect,
            fault=fault.kind if fault else None,
            **describe(request, body),
        )

    def exclusively(self, action: Callable[[], None]) -> None:
        """Change the state from outside while no request is at work."""
        with self._lock:
            action()


def _spoil(fault: Fault, done: Answer) -> Answer:
    """What a fault leaves of an answer."""
    if fault.kind == "delay":
        return done
    if fault.kind == "truncate":
        done.truncated = True
        return done
    if fault.kind == "html_200":
        return _html(200, _LOGIN_PAGE)
    if fault.kind == "status":
        return _html(fault.status, fault.body, fault.headers)
    return Answer(cut=True, refuse_seconds=fault.seconds if fault.kind == "refuse" else 0.0)


def _html(status: int, text: str | None = None, headers: dict[str, str] | None = None) -> Answer:
    if text is None:
        text = f"<!doctype html>\n<h1>{status} {HTTPStatus(status).phrase}</h1>\n"
    merged = {"Content-Type": "text/html; charset=utf-8"} | (headers or {})
    return Answer(status, list(merged.items()), text.encode())


def _run(app: Flask, environ: Environ) -> Answer:
    environ.setdefault(TRACE, {})
    chunks: Iterable[bytes]
    chunks, status, headers = run_wsgi_app(app, environ, buffered=True)
    return Answer(int(status.split(" ", 1)[0]), list(headers.items()), b"".join(chunks))
