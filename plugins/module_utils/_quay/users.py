# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Users, which a superuser manages (/api/v1/superuser/users/): typed records in, typed records out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping

from .._core.names import real_email
from .._http.address import api_path
from .._http.client import QuayClient
from .._http.errors import Forbidden, NotFound
from .._http.paging import read_list

# The maximum. Quay refuses 101, and for 0 it returns empty pages without end.
_PAGE_SIZE = 100
_NEEDS_SUPERUSER = "Use the login of a superuser, or a superuser's token with the scope super:user"


@dataclass(frozen=True)
class User:
    """One user. ``superuser``: Quay's configuration lists the user in SUPER_USERS, and the API cannot change them."""

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
    """The users of a server (/api/v1/superuser/users/, scope super:user; with a password: a fresh login)."""

    path = "/api/v1/superuser/users/"

    def __init__(self, client: QuayClient) -> None:
        self._client = client

    def list(self, *, disabled: bool = True) -> Iterator[User]:
        """Yield all users, read page by page. ``disabled``: whether to include disabled users.

        Raises Forbidden, with a hint, if the login is not a superuser.
        """
        query = {"limit": _PAGE_SIZE} if disabled else {"limit": _PAGE_SIZE, "disabled": "false"}
        try:
            for item in read_list(self._client, self.path, "users", query):
                yield User.of(item)
        except Forbidden as error:
            raise error.with_hint(_NEEDS_SUPERUSER) from None

    def get(self, name: str) -> User | None:
        """Return one user, or None if they do not exist. Raises Forbidden as ``list``."""
        try:
            return User.of(self._client.get(_path_of(name)).object_with("username"))
        except Forbidden as error:
            raise error.with_hint(_NEEDS_SUPERUSER) from None
        except NotFound:
            return None

    def create(self, name: str, email: str | None) -> str:
        """Create a user and return the password that Quay generated. Only this response has it."""
        body = {"username": name, "email": email} if email else {"username": name}
        response = self._client.post(self.path, body)
        password = response.json_object().get("password")
        if not isinstance(password, str) or not password:
            raise response.unexpected("the response holds no password")
        return password

    def update(self, name: str, changes: Mapping[str, Any]) -> None:
        """Change email, password or enabled. The response has the previous value of enabled, so it is ignored."""
        self._client.put(_path_of(name), dict(changes))

    def delete(self, name: str) -> None:
        """Delete a user. For a disabled user Quay answers 204 without deleting them: enable them first."""
        self._client.delete(_path_of(name))


def administers_own_account(client: QuayClient) -> bool:
    """Return whether the login may administer its own user (GET /user/robots; a token needs the scope user:admin).

    Raises NotAuthenticated if Quay does not accept the token. Public endpoints do not check it, and GET /user/ gives
    the same response to an invalid token as to one without the scope.
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
