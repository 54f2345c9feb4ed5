# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What users and organizations have in common: both are accounts, and Quay keeps their names in one namespace."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.errors import BadInput, QuayError
from .._core.names import NAME_BLOCKED, check_account, check_email
from .._http.errors import ApiError


def check_account_options(params: Mapping[str, Any]) -> None:
    """Raise BadInput if ``name`` or ``email`` is one that Quay does not accept."""
    check_account(params["name"], "name")
    check_email(params["email"], "email")


def raise_if_name_blocked(error: QuayError) -> None:
    """Raise the error with a hint if Quay refused the name of an account that was deleted a moment ago."""
    if isinstance(error, ApiError) and "not available" in error.message:
        raise error.with_hint(NAME_BLOCKED) from None


def name_taken(name: str, owner: str) -> BadInput:
    """Return the error for a new account whose name is taken. ``owner``: "a user" or "an organization"."""
    return BadInput(
        f"name: '{name}' is the name of {owner}. Users and organizations share one namespace; choose another name"
    )
