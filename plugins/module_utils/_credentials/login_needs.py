# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What the login of a run needs for the declared credentials: scopes of a token, and roles of its user. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from .kinds import KINDS

# So many of the credentials that need a scope are named in a sentence.
_NAMED = 3


@dataclass(frozen=True)
class Need:
    """What one declared credential needs of the login.

    ``role``: the role of the login's user in the organization (admin), or on each repository (read, write); None for
    what belongs to the user.
    """

    name: str
    kind: str
    scopes: Sequence[str]
    organization: str | None
    role: str | None


def need_of(options: Mapping[str, Any]) -> Need:
    """``options``: those of a declared credential."""
    kind = KINDS[options["kind"]]
    scopes = tuple(dict.fromkeys(kind.login_scopes(options)))
    return Need(str(options["name"]), kind.name, scopes, kind.organization(options), kind.login_role(options))


@dataclass(frozen=True)
class Users:
    """The credentials that need a scope: the first of them, and how many there are."""

    names: Sequence[str]
    count: int

    def __str__(self) -> str:
        more = self.count - len(self.names)
        return f"{', '.join(self.names)} and {more} more" if more else ", ".join(self.names)


def users_of_scopes(needs: Iterable[Need]) -> dict[str, Users]:
    """For each scope the credentials that need it."""
    names: dict[str, list[str]] = {}
    for need in needs:
        for scope in need.scopes:
            names.setdefault(scope, []).append(need.name)
    return {scope: Users(users[:_NAMED], len(users)) for scope, users in names.items()}
