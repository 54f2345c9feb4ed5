# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""App tokens: passwords of a user for the registry, with the user name $app. Typed records in, typed records out.

Quay's API calls them app-specific tokens. They belong to the signed-in user: nobody else can read or revoke them.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Iterator, Mapping

from .._core.errors import BadInput
from .._core.times import parse_time
from .._http.address import api_path
from .._http.client import QuayClient
from .._http.errors import EndpointMissing, NotAuthenticated, NotFound
from .._http.response import Response

_FRESH_LOGIN_REQUIRED = "fresh_login_required"
_STALE_LOGIN = (
    "Quay asks for the password again before it shows, issues or revokes app tokens, and did not accept it in this "
    "session. Use the password of a user who signs in to Quay by it, or a token with the scope user:admin"
)


class NotOffered(BadInput):
    """The server does not offer app tokens (FEATURE_APP_SPECIFIC_TOKENS is off)."""


@dataclass(frozen=True)
class AppToken:
    """One app token. ``secret`` is None in the list. ``expires_at`` is None if the server sets no expiry."""

    uuid: str
    title: str
    created_at: datetime | None
    expires_at: datetime | None
    last_accessed: datetime | None
    secret: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> AppToken:
        return cls(
            uuid=str(data.get("uuid", "")),
            title=str(data.get("title") or ""),
            created_at=parse_time(data.get("created")),
            expires_at=parse_time(data.get("expiration")),
            last_accessed=parse_time(data.get("last_accessed")),
            secret=data.get("token_code") or None,
        )

    def valid_at(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


class AppTokens:
    """The app tokens of the signed-in user (/api/v1/user/apptoken, scope user:admin).

    All methods raise NotOffered if the server does not offer them. All but ``list`` need a
    password that was entered within the last minutes, which a session enters again. A bearer token needs none.
    """

    path = api_path("user", "apptoken")

    def __init__(self, client: QuayClient) -> None:
        self._client = client

    def list(self) -> list[AppToken]:
        """Return all tokens without their secrets, in no particular order. Expired ones are among them for a day."""
        with self._explained():
            return [AppToken.of(item) for item in self._client.get(self.path).list_of("tokens")]

    def list_all(self) -> Iterator[AppToken]:
        """Yield the tokens of all users of the server, as ``list`` (GET /superuser/apptokens, scope super:user).

        Quay does not show whose they are.
        """
        with self._explained():
            for item in self._client.get(api_path("superuser", "apptokens")).list_of("tokens"):
                yield AppToken.of(item)

    def get(self, uuid: str) -> AppToken | None:
        """Return one valid token with its secret, or None if there is none of this uuid, or if it has expired."""
        try:
            with self._explained():
                return _parse(self._client.get(_path_of(uuid)))
        except NotFound:
            return None

    def create(self, title: str) -> AppToken:
        """Create a token and return it with its secret. The server alone decides when it expires.

        Titles are not unique: each request creates another token.
        """
        with self._explained():
            return _parse(self._client.post(self.path, {"title": title}))

    def revoke(self, uuid: str) -> bool:
        """Revoke one token. Returns False if it did not exist."""
        try:
            with self._explained():
                self._client.delete(_path_of(uuid))
        except NotFound:
            return False
        return True

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except EndpointMissing:
            raise NotOffered(
                f"{self._client.origin} does not offer app tokens (FEATURE_APP_SPECIFIC_TOKENS is off). Use a robot "
                "account, or an OAuth access token"
            ) from None
        except NotAuthenticated as error:
            raise error.with_hint(_STALE_LOGIN) if error.error_type == _FRESH_LOGIN_REQUIRED else error from None


def _path_of(uuid: str) -> str:
    return api_path("user", "apptoken", uuid)


def _parse(response: Response) -> AppToken:
    data = response.json_object().get("token")
    if not isinstance(data, dict) or not data.get("uuid") or not data.get("token_code"):
        raise response.unexpected("the response holds no app token")
    return AppToken.of(data)
