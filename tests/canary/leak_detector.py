# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records every secret of a run, and finds them in traces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from werkzeug import Request
from werkzeug.http import parse_cookie

from functional.known_secrets import KnownSecrets
from standin.request_handler import Environ, RequestHandler, Response

from .search import Fragments, Leak, Trace

_CSRF_HEADER = "X-CSRF-Token"
# The cookie that chooses a user interface is a setting.
_INTERFACE_COOKIE = "defaultui"


class LeakDetector(KnownSecrets):
    """Records secrets that the stand-in creates and secrets in requests and responses."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__(patch)
        self._fragments = Fragments()
        self._searched_for: set[str] = set()
        handle = RequestHandler.handle

        def recorded(handler: RequestHandler, environ: Environ, body: bytes) -> Response:
            self.add(_request_secrets(Request(environ)))
            response = handle(handler, environ, body)
            self.add(_set_cookies(response))
            return response

        patch.setattr(RequestHandler, "handle", recorded)

    def leaks(self, traces: Iterable[Trace]) -> list[str]:
        """Return where secrets are in the traces, as descriptions without the secrets."""
        for secret in self._known - self._searched_for:
            self._fragments.add(secret)
            self._searched_for.add(secret)
        return [str(leak) for leak in self._search(traces)]

    def knows(self, secret: str) -> bool:
        return secret in self._known

    def _search(self, traces: Iterable[Trace]) -> Iterator[Leak]:
        for trace in traces:
            yield from self._fragments.leaks(trace)


def _request_secrets(request: Request) -> Iterator[str]:
    """Yield the secrets in the headers of a request. Secrets in bodies are recorded elsewhere."""
    if request.authorization:
        yield request.authorization.token or request.authorization.password or ""
    yield request.headers.get(_CSRF_HEADER, "")
    yield from (value for name, value in request.cookies.items() if name != _INTERFACE_COOKIE)


def _set_cookies(response: Response) -> Iterator[str]:
    for name, value in response.headers:
        if name.lower() == "set-cookie":
            yield from parse_cookie(value.split(";", 1)[0]).values()
