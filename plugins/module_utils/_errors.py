# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The one exception tree of the collection.

Every message is a sentence for the person who runs the play: what failed, what Quay said, what to do. No message ever
holds a secret: errors are built from a status, a method, a path and the words that Quay itself sent as an error.
"""

from __future__ import annotations


class QuayError(Exception):
    """Anything the collection reports as a failed task.

    ``unclear`` is true when a write may have taken effect although no proper answer arrived. Whoever catches such an
    error looks at the server's state before doing anything else.
    """

    unclear = False


class BadInput(QuayError):
    """An option is wrong; nothing has been sent yet."""


class LocalFileError(QuayError):
    """A file on the target cannot be read or written."""


class RefusedCredential(QuayError):
    """A new secret did not pass its proof, or Quay granted less than was asked for."""


class Unconfirmed(QuayError):
    """Quay reported success, and what it has now is something else than what was written."""


class TransportFailure(QuayError):
    """No complete answer arrived. ``sent``: the server may have got the request; ``lasting``: no use to try again."""

    def __init__(self, method: str, path: str, cause: str, *, sent: bool, lasting: bool = False) -> None:
        super().__init__(f"{method} {path}: {cause}")
        self.method = method
        self.path = path
        self.lasting = lasting
        self.unclear = sent and method not in ("GET", "HEAD")


class UnexpectedAnswer(QuayError):
    """Something answered, but not as a Quay server does (a proxy's page, a redirect elsewhere, broken JSON)."""

    def __init__(self, method: str, path: str, what: str) -> None:
        super().__init__(f"{method} {path}: {what}")
        self.method = method
        self.path = path
        self.unclear = method not in ("GET", "HEAD")


class ApiError(QuayError):
    """Quay answered with an error status."""

    def __init__(
        self, status: int, method: str, path: str, message: str, *, error_type: str | None = None, hint: str = ""
    ) -> None:
        words = f": {message.rstrip('.')}" if message else ""
        super().__init__(f"{method} {path}: Quay answered {status}{words}{'. ' + hint if hint else ''}")
        self.status = status
        self.method = method
        self.path = path
        self.message = message
        self.error_type = error_type
        self.retry_after: float | None = None  # seconds that a Retry-After header asks for
        self.challenge = ""  # the WWW-Authenticate header
        # Quay does the change first and writes its audit log afterwards: a 5xx may hide a change that was made.
        self.unclear = status >= 500 and method not in ("GET", "HEAD")


class NotAuthenticated(ApiError):
    """The login (bearer token, session or Basic pair) is not accepted."""


class Forbidden(ApiError):
    """The login is accepted, the right or the scope is missing."""


class NotFound(ApiError):
    """The object does not exist (a JSON 404)."""


class EndpointMissing(ApiError):
    """This server does not offer the endpoint: an older Quay, or a feature that is off."""


class RateLimited(ApiError):
    """Quay or a proxy asks for patience, and went on asking after all retries."""


class ReadOnlyRegistry(ApiError):
    """The registry is in read-only mode: no write can succeed, and none has been made."""

    def __init__(self, status: int, method: str, path: str, message: str) -> None:
        super().__init__(status, method, path, message)
        # Not "Quay answered": it is also raised before anything is sent.
        words = f" (Quay says: {message.rstrip('.')})" if message else ""
        self.args = (f"{method} {path}: the registry is read-only; nothing was changed{words}",)
        self.unclear = False
