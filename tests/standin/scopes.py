# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OAuth scopes: the list, the implications between them, and parsing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scope:
    scope: str
    icon: str
    dangerous: bool
    title: str
    description: str

    def view(self) -> dict[str, object]:
        return {
            "title": self.title,
            "scope": self.scope,
            "description": self.description,
            "icon": self.icon,
            "dangerous": self.dangerous,
        }


_ALL = (
    Scope("repo:read", "fa-hdd-o", False, "View all visible repositories", "View and pull visible repositories"),
    Scope("repo:write", "fa-hdd-o", False, "Read/Write to any accessible repositories", "View, push and pull"),
    Scope("repo:admin", "fa-hdd-o", False, "Administer Repositories", "Administer accessible repositories"),
    Scope("repo:create", "fa-plus", False, "Create Repositories", "Create repositories"),
    Scope("user:read", "fa-user", False, "Read User Information", "Read user name and e-mail address"),
    Scope("org:admin", "fa-gear", True, "Administer Organization", "Administer organizations, robots and teams"),
    Scope("super:user", "fa-street-view", True, "Super User Access", "Administer the installation"),
    Scope("user:admin", "fa-gear", True, "Administer User", "Administer the account"),
)

ALL_SCOPES = {scope.scope: scope for scope in _ALL}

# Only repository scopes imply others.
_IMPLIED = {
    "repo:admin": {"repo:admin", "repo:write", "repo:read"},
    "repo:write": {"repo:write", "repo:read"},
}

# The scope of a password, a session, a robot or an app token: no limit.
DIRECT_LOGIN = "direct_user_login"


def parse(scope_string: str | None) -> frozenset[str]:
    """Return the scopes in a string. Empty if one of them is unknown."""
    found = frozenset(re.split(r" |,", scope_string or ""))
    return found if found <= ALL_SCOPES.keys() else frozenset()


def is_valid(scope_string: str | None) -> bool:
    return bool(parse(scope_string))


def normalize(scope_string: str) -> str:
    """Replace commas with blanks and remove duplicates. The order is kept."""
    return " ".join(dict.fromkeys(scope_string.replace(",", " ").split()))


def implied(scopes: Iterable[str]) -> set[str]:
    return set().union(*(_IMPLIED.get(scope, {scope}) for scope in scopes))


def covers(held: str | None, wanted: str | None) -> bool:
    """Whether the granted scopes include all of the wanted ones."""
    held_scopes = parse(held)
    return bool(held_scopes) and parse(wanted) <= implied(held_scopes)


def views(scope_string: str | None) -> list[dict[str, object]]:
    return [scope.view() for scope in _ALL if scope.scope in parse(scope_string)]
