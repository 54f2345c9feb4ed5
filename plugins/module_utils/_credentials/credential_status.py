# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What Quay knows of the credentials of an inventory: the status of declared ones, and those that it lists."""

from __future__ import annotations

import os
from typing import Any, Callable, Mapping, Sequence

from .._http.auth import SessionAuth
from .._module.connection import auth_from_options, client_from_options
from .._module.context import ModuleContext
from .credential_hosts import public_listing, public_status
from .kinds import KINDS, LISTED
from .token_info import get_token_info
from .validation import Declared

# The stores are not read: their logins and machines are those of the play.
_NO_STORES: Mapping[str, Any] = {"deliver": [], "held": []}
# The options of quay_token_info.
_QUESTION: Mapping[str, Any] = {
    "credentials": None,
    "force": [],
    "organization": None,
    "kinds": LISTED,
    "max_age": None,
    "renew_before": None,
}


class QuayInventory:
    """One login at Quay. It sends nothing until it is asked, and reads only."""

    def __init__(self, params: dict[str, Any], warn: Callable[[str], None]) -> None:
        """``params``: the connection options, converted. ``warn``: takes each warning. Raises BadInput."""
        auth = auth_from_options(params, os.environ)
        self._params, self._warn = params, warn
        self._context = ModuleContext(params, True, [], client_from_options(params, auth))
        if self._context.client.origin.startswith("http://") and isinstance(auth, SessionAuth):
            warn("The password is sent over plain http and can be read by others. Use an https:// quay_host.")

    def statuses(self, declared: Sequence[Declared]) -> dict[str, dict[str, Any]]:
        """The public status of each declared credential, by name, from what Quay shows. Raises QuayError."""
        if not declared:
            return {}
        found = self._ask(credentials=[_entry(item) for item in declared])
        return {str(values["name"]): public_status(values) for values in found}

    def listed(self, organization: str, kinds: Sequence[str]) -> list[dict[str, Any]]:
        """The credentials of an organization, of these kinds. Raises QuayError."""
        return [public_listing(values) for values in self._ask(organization=organization, kinds=list(kinds))]

    def _ask(self, **question: Any) -> list[Mapping[str, Any]]:
        context = self._context.with_params({**self._params, **_QUESTION, **question})
        found: list[Mapping[str, Any]] = get_token_info(context).values["credentials"]
        while context.warnings:
            self._warn(context.warnings.pop(0))
        return found


def _entry(declared: Declared) -> dict[str, Any]:
    """A declared credential as quay_token_info takes it."""
    return {**KINDS[declared.options["kind"]].module().defaults, **declared.public, **_NO_STORES}
