# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Handles a request: the control plane directly, all others with faults and an entry in the journal."""

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

from .cost import Cost
from .faults import Fault, Faults
from .journal import SAFE_METHODS, Journal, describe
from .quay import Quay
from .routing import TRACE

CONTROL_PREFIX = "/__standin__/"
MAX_BODY = 1024 * 1024

Environ = dict[str, Any]

_LOGIN_PAGE = "<!doctype html>\n<title>Sign in to the proxy</title>\n<form>User name, password</form>\n"


@dataclass
class Response:
    """A response, and what happens to the connection afterwards."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    cut: bool = False
    truncated: bool = False
    refuse_seconds: float = 0.0


class RequestHandler:
    def __init__(self, quay: Quay, app: Flask, journal: Journal, faults: Faults) -> None:
        self.quay, self.app, self.journal, self.faults = quay, app, journal, faults
        self.control: Flask | None = None
        self.cost = Cost()
        # One request at a time changes the state, as with database transactions.
        self._lock = threading.RLock()

    def handle(self, environ: Environ, body: bytes) -> Response:
        if self.control and str(environ["PATH_INFO"]).startswith(CONTROL_PREFIX):
            return _run(self.control, environ)
        fault = self.faults.find(str(environ["REQUEST_METHOD"]), str(environ["PATH_INFO"]))
        moment = self.quay.clock.now().isoformat()
        if fault and not fault.after:
            time.sleep(fault.delay)
        done = self._call_application(environ, body) if fault is None or fault.takes_effect else Response()
        self.cost.spend(str(environ["PATH_INFO"]), int(environ.get(TRACE, {}).get("hashes", 0)))
        if fault and fault.after:
            time.sleep(fault.delay)
        response = _apply_fault(fault, done) if fault else done
        self._journal(environ, body, response, moment, fault)
        return response

    def _call_application(self, environ: Environ, body: bytes) -> Response:
        if len(body) > MAX_BODY and not str(environ["PATH_INFO"]).startswith("/v2/"):
            return _html(413)
        with self._lock:
            before = self.quay.state.last_id
            response = _run(self.app, environ)
            trace = environ[TRACE]
            done = trace.get("writes") and environ["REQUEST_METHOD"] not in SAFE_METHODS and response.status < 300
            trace["effect"] = bool(done) or self.quay.state.last_id != before
        return response

    def _journal(self, environ: Environ, body: bytes, response: Response, moment: str, fault: Fault | None) -> None:
        request = Request(environ)
        trace = environ.get(TRACE, {})
        effect = bool(trace.get("effect"))
        self.journal.add(
            at=moment,
            auth=trace.get("auth", "anonymous"),
            user=trace.get("user"),
            status=None if response.cut else response.status,
            write=request.method not in SAFE_METHODS and bool(trace.get("writes")),
            mint=effect and bool(trace.get("mints")),
            effect=effect,
            fault=fault.kind if fault else None,
            **describe(request, body),
        )

    def run_exclusively(self, action: Callable[[], None]) -> None:
        """Change the state while no request is being handled."""
        with self._lock:
            action()


def _apply_fault(fault: Fault, done: Response) -> Response:
    """Return the response that a fault leaves."""
    if fault.kind == "delay":
        return done
    if fault.kind == "truncate":
        done.truncated = True
        return done
    if fault.kind == "html_200":
        return _html(200, _LOGIN_PAGE)
    if fault.kind == "status":
        return _html(fault.status, fault.body, fault.headers)
    return Response(cut=True, refuse_seconds=fault.seconds if fault.kind == "refuse" else 0.0)


def _html(status: int, text: str | None = None, headers: dict[str, str] | None = None) -> Response:
    if text is None:
        text = f"<!doctype html>\n<h1>{status} {HTTPStatus(status).phrase}</h1>\n"
    merged = {"Content-Type": "text/html; charset=utf-8"} | (headers or {})
    return Response(status, list(merged.items()), text.encode())


def _run(app: Flask, environ: Environ) -> Response:
    environ.setdefault(TRACE, {})
    chunks: Iterable[bytes]
    chunks, status, headers = run_wsgi_app(app, environ, buffered=True)
    return Response(int(status.split(" ", 1)[0]), list(headers.items()), b"".join(chunks))
