# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Users as a superuser manages them: typed records in, typed records out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping

from ansible_collections.tokensmith.quay.plugins.module_utils._client import QuayClient, path_of
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import Forbidden, NotFound, UnexpectedAnswer
from ansible_collections.tokensmith.quay.plugins.module_utils._names import shown_email

# The longest page that Quay gives; 101 is refused, and 0 is an empty page for ever.
_PAGE = 100


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
            email=shown_email(data.get("email")),
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
        asked = {"limit": _PAGE} if disabled else {"limit": _PAGE, "disabled": "false"}
        try:
            for item in self._client.pages(self.path, "users", asked):
                yield User.of(item)
        except Forbidden as error:
            raise _needs_superuser(error) from None

    def get(self, name: str) -> User | None:
        """One user; None where there is none of that name."""
        try:
            return User.of(self._client.get(_path_of(name)).record("username"))
        except Forbidden as error:
            raise _needs_superuser(error) from None
        except NotFound:
            return None

    def create(self, name: str, email: str | None) -> str:
        """Create a user and return the password that Quay chose: it is in this answer and never again."""
        body = {"username": name, "email": email} if email else {"username": name}
        password = self._client.post(self.path, body).mapping().get("password")
        if not isinstance(password, str) or not password:
            raise UnexpectedAnswer("POST", self.path, "the answer holds no password")
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
    if client.login.kind != "bearer":
        return True
    try:
        client.get(path_of("user", "robots"), {"token": "false", "limit": 1})
    except Forbidden:
        return False
    return True


def _path_of(name: str) -> str:
    return path_of("superuser", "users", name)


def _needs_superuser(error: Forbidden) -> Forbidden:
    hint = "Managing users needs a superuser, and with a token its scope super:user"
    return Forbidden(error.status, error.method, error.path, error.message, error_type=error.error_type, hint=hint)
