# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Users as a superuser manages them: typed records in, typed records out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping

from .._core.names import real_email
from .._http.address import api_path
from .._http.client import QuayClient
from .._http.errors import Forbidden, NotFound
from .._http.paging import read_list

# The longest page that Quay gives; 101 is refused, and 0 is an empty page for ever.
_PAGE = 100


_NEEDS_SUPERUSER = "Managing users needs a superuser; a token needs the scope super:user"


@dataclass(frozen=True)
class User:
    """One user. ``superuser``: Quay's configuration names him in SUPER_USERS, and nobody can change him."""

    name: str
    email: str
    enabled: bool
    superuser: bool
    verified: bool

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> User:
        return cls(
            name=str(data.get("username", "")),
            email=real_email(data.get("email")),
            enabled=bool(data.get("enabled")),
            superuser=bool(data.get("super_user")),
            verified=bool(data.get("verified")),
        )


class Users:
    """The calls of a superuser (/api/v1/superuser/users, scope super:user; by password: a fresh login)."""

    path = "/api/v1/superuser/users/"

    def __init__(self, client: QuayClient) -> None:
        self._client = client

    def list(self, *, disabled: bool = True) -> Iterator[User]:
        """All users, by the page; without those that are disabled where ``disabled`` is false."""
        params = {"limit": _PAGE} if disabled else {"limit": _PAGE, "disabled": "false"}
        try:
            for item in read_list(self._client, self.path, "users", params):
                yield User.of(item)
        except Forbidden as error:
            raise error.with_hint(_NEEDS_SUPERUSER) from None

    def get(self, name: str) -> User | None:
        """One user; None where there is none of that name."""
        try:
            return User.of(self._client.get(_path_of(name)).object_with("username"))
        except Forbidden as error:
            raise error.with_hint(_NEEDS_SUPERUSER) from None
        except NotFound:
            return None

    def create(self, name: str, email: str | None) -> str:
        """Create a user and return the password that Quay chose: it is in this answer and never again."""
        body = {"username": name, "email": email} if email else {"username": name}
        response = self._client.post(self.path, body)
        password = response.json_object().get("password")
        if not isinstance(password, str) or not password:
            raise response.unexpected("the response holds no password")
        return password

    def update(self, name: str, changes: Mapping[str, Any]) -> None:
        """Change e-mail address, password or C(enabled). The answer has the old C(enabled), so it is not read."""
        self._client.put(_path_of(name), dict(changes))

    def delete(self, name: str) -> None:
        """Delete a user. Of a disabled one Quay thinks that he is being deleted: 204, and he stays."""
        self._client.delete(_path_of(name))


def administers_own_account(client: QuayClient) -> bool:
    """Whether the login may act for its user (GET /user/robots; a token: scope user:admin).

    Raises NotAuthenticated for a token that Quay does not accept. Pages which are for everybody do not tell it, and nor
    does GET /user/, which says the same to a wrong token as to one without the scope.
    """
    if client.auth.kind != "bearer":
        return True
    try:
        client.get(api_path("user", "robots"), {"token": "false", "limit": 1})
    except Forbidden:
        return False
    return True


def _path_of(name: str) -> str:
    return api_path("superuser", "users", name)
