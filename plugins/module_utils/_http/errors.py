# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What can go wrong between the collection and the server: no response, a strange response, an error response."""

from __future__ import annotations

from typing import TypeVar

from .._core.errors import QuayError

_ApiErrorT = TypeVar("_ApiErrorT", bound="ApiError")

_SAFE_METHODS = ("GET", "HEAD")


class HttpError(QuayError):
    """A request that did not succeed. ``origin`` is the server (scheme, host, port); the client fills it in."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(method, path)
        self.method = method
        self.path = path
        self.origin = ""

    @property
    def where(self) -> str:
        """The request, as messages name it: the method and the URL without a query."""
        return f"{self.method} {self.origin}{self.path}"

    @property
    def _writes(self) -> bool:
        return self.method not in _SAFE_METHODS


class TransportError(HttpError):
    """No complete response arrived.

    ``sent``: the server may have received the request. ``permanent``: trying again cannot help.
    """

    def __init__(self, method: str, path: str, cause: str, *, sent: bool, permanent: bool = False) -> None:
        super().__init__(method, path)
        self.cause = cause
        self.sent = sent
        self.permanent = permanent
        self.outcome_unknown = sent and self._writes

    def __str__(self) -> str:
        return f"{self.where}: {self.cause}"


class UnexpectedResponse(HttpError):
    """Something answered, but not as a Quay server does: a proxy's page, a redirect elsewhere, broken JSON."""

    def __init__(self, method: str, path: str, problem: str) -> None:
        super().__init__(method, path)
        self.problem = problem
        self.outcome_unknown = self._writes

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


class ApiError(HttpError):
    """Quay responded with an error status.

    ``error_type`` is Quay's own name of the error, where it gives one. ``hint`` says what the user can do.
    """

    def __init__(
        self, status: int, method: str, path: str, message: str, *, error_type: str | None = None, hint: str = ""
    ) -> None:
        super().__init__(method, path)
        self.status = status
        self.message = message
        self.error_type = error_type
        self.hint = hint
        self.retry_after: float | None = None  # seconds that a Retry-After header asks for
        self.challenge = ""  # the WWW-Authenticate header
        # Quay does the change first and writes its audit log afterwards: a 5xx may hide a change that was made.
        self.outcome_unknown = status >= 500 and self._writes

    def __str__(self) -> str:
        message = f": {self.message.rstrip('.')}" if self.message else ""
        hint = f". {self.hint}" if self.hint else ""
        return f"{self.where}: Quay answered {self.status}{message}{hint}"

    def with_hint(self: _ApiErrorT, hint: str) -> _ApiErrorT:
        """The same error with this hint instead of its own."""
        self.hint = hint
        return self


class NotAuthenticated(ApiError):
    """The credentials of the request (bearer token, session or Basic pair) are not accepted."""


class Forbidden(ApiError):
    """The credentials are accepted, but the permission or the scope is missing."""


class NotFound(ApiError):
    """The object does not exist (a JSON 404)."""


class EndpointMissing(ApiError):
    """This server does not offer the endpoint: an older Quay, or a feature that is off."""


class RateLimited(ApiError):
    """Quay or a proxy asked to slow down, and kept asking after all retries."""


class ReadOnlyRegistry(ApiError):
    """The registry is in read-only mode: no write can succeed, and none has been made."""

    def __init__(self, status: int, method: str, path: str, message: str) -> None:
        super().__init__(status, method, path, message)
        self.outcome_unknown = False

    def __str__(self) -> str:
        # Not "Quay answered": it is also raised before anything is sent.
        message = f" (Quay says: {self.message.rstrip('.')})" if self.message else ""
        return f"{self.where}: the registry is read-only; nothing was changed{message}"
