# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The scopes of OAuth tokens. Apart from the requests, because options are checked where Quay is not asked."""

from __future__ import annotations

from typing import Iterable

SCOPES = (
    "org:admin",
    "repo:admin",
    "repo:create",
    "repo:read",
    "repo:write",
    "super:user",
    "user:admin",
    "user:read",
)
ALL_SCOPES = "all"

# The only scopes that include others.
_INCLUDED = {"repo:admin": ("repo:write", "repo:read"), "repo:write": ("repo:read",)}


def covered_scopes(scopes: Iterable[str]) -> set[str]:
    """The scopes with those that they include: repo:admin includes repo:write, which includes repo:read."""
    given = set(scopes)
    return given.union(*(_INCLUDED.get(scope, ()) for scope in given))


def least_scopes(scopes: Iterable[str]) -> list[str]:
    """The scopes without duplicates and without those that others of them include, sorted."""
    given = set(scopes)
    return sorted(given.difference(*(_INCLUDED.get(scope, ()) for scope in given)))
