# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The login of a run compared with what it is needed for: missing scopes, needless ones, the end of its life. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Collection, Iterable, Iterator, Mapping, Sequence

from .._core.times import format_time
from .._quay.scopes import covered_scopes, least_scopes
from .login_needs import Users
from .policy import MAX_RENEW_BEFORE, RENEWED_PART

TOKEN, PASSWORD = "token", "password"

# Scopes that change nothing. A token that has them in addition does not have far more than it needs.
_READING = ("repo:read", "user:read")
# What a superuser's token may do without the scope, if Quay gives superusers full access.
OF_SUPERUSERS = ("org:admin", "repo:admin", "repo:create")


@dataclass(frozen=True)
class Login:
    """What is known of the login. ``scopes``: None if Quay does not show them. A password has no scopes, and no end."""

    kind: str
    user: str | None = None
    uuid: str | None = None
    scopes: Sequence[str] | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None

    def missing(self, needed: Iterable[str]) -> list[str] | None:
        """The needed scopes that the token lacks; None if its scopes are not known.

        Quay can be configured so that a superuser's token needs fewer, so those are not missing then.
        """
        if self.kind == PASSWORD:
            return []
        if self.scopes is None:
            return None
        spared = OF_SUPERUSERS if "super:user" in self.scopes else ()
        return sorted(set(needed) - covered_scopes(self.scopes) - set(spared))

    def surplus(self, needed: Iterable[str]) -> list[str] | None:
        """The scopes of the token that are not needed; None if its scopes are not known."""
        if self.kind == PASSWORD or self.scopes is None:
            return None
        return sorted(set(self.scopes) - covered_scopes(needed))

    def ends_soon(self, now: datetime) -> bool:
        """Whether a third of its lifetime remains at most, or two weeks if that is shorter."""
        if self.expires_at is None:
            return False
        window = MAX_RENEW_BEFORE
        if self.created_at is not None:
            window = min(window, (self.expires_at - self.created_at) / RENEWED_PART)
        return self.expires_at - now <= window


def scope_warnings(
    login: Login, users: Mapping[str, Users], further: Collection[str] = (), *, complete: bool = True
) -> Iterator[str]:
    """Sentences about scopes. ``users``: the credentials that need a scope. ``further``: scopes for other tasks.

    ``complete``: whether these are all credentials for which the login is used.
    """
    for scope in login.missing([*users, *further]) or ():
        needed_by = f"these credentials need: {users[scope]}" if scope in users else "other tasks need"
        yield f"The token of the login lacks the scope {scope}, which {needed_by}."
    surplus = [scope for scope in login.surplus([*users, *further]) or () if scope not in _READING]
    if surplus and complete:
        needed = least_scopes([*users, *further])
        yield (
            f"The token of the login has more scopes than it needs: {', '.join(surplus)}. "
            + (f"It needs {', '.join(needed)}" if needed else "It needs none")
            + ". Issue a token with these alone, or name those that other tasks use."
        )


def expiry_warning(login: Login, now: datetime, renewal: str) -> Iterator[str]:
    """A sentence if the token expires soon. ``renewal``: a sentence on what renews it."""
    if login.ends_soon(now):
        yield f"The token of the login expires at {format_time(login.expires_at)}. {renewal}."
