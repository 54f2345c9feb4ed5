# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every secret there was: made by the stand-in, given to it, or given to Ansible alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from werkzeug import Request
from werkzeug.http import parse_cookie

from functional.known_secrets import KnownSecrets
from standin.request_handler import Environ, RequestHandler, Response

from .search import Fragments, Leak, Trace

_CSRF_HEADER = "X-CSRF-Token"


class Ledger(KnownSecrets):
    """Listens to the makers of secrets, and on the wire."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__(patch)
        self._fragments = Fragments()
        self._searched_for: set[str] = set()
        answer = RequestHandler.handle

        def overheard(exchange: RequestHandler, environ: Environ, body: bytes) -> Response:
            self.add(_given(Request(environ)))
            answered = answer(exchange, environ, body)
            self.add(_set_cookies(answered))
            return answered

        patch.setattr(RequestHandler, "handle", overheard)

    def leaks(self, traces: Iterable[Trace]) -> list[str]:
        """Where one of the secrets stands, as sentences that do not tell it."""
        for secret in self._known - self._searched_for:
            self._fragments.add(secret)
            self._searched_for.add(secret)
        return [str(leak) for leak in self._all(traces)]

    def knows(self, secret: str) -> bool:
        return secret in self._known

    def _all(self, traces: Iterable[Trace]) -> Iterator[Leak]:
        for trace in traces:
            yield from self._fragments.leaks(trace)


def _given(request: Request) -> Iterator[str]:
    """The secrets of a request's headers; those in bodies are passwords, which a test gives, or were made here."""
    if request.authorization:
        yield request.authorization.token or request.authorization.password or ""
    yield request.headers.get(_CSRF_HEADER, "")
    yield from request.cookies.values()


def _set_cookies(answer: Response) -> Iterator[str]:
    for name, value in answer.headers:
        if name.lower() == "set-cookie":
            yield from parse_cookie(value.split(";", 1)[0]).values()
