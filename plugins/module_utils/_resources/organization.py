# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Organizations: present, absent, and their e-mail address."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.errors import BadInput
from .._core.names import NAME_BLOCKED, check_account, check_email
from .._http.errors import ApiError, Forbidden
from .._module.context import ModuleContext, Result
from .._quay.organizations import Organization, Organizations, user_exists
from .._quay.users import administers_own_account
from .reconcile import ABSENT, CachedRead, reconcile

_DEFAULTS = {"email": ""}


def ensure_organization(context: ModuleContext) -> Result:
    """The module quay_organization."""
    params = context.params
    check_account(params["name"], "name")
    check_email(params["email"], "email")
    declared = {"email": params["email"]} if params["email"] is not None else {}
    resource = _Resource(context)
    resource.prefetch()
    resource.check_feasible(declared)
    comparison = reconcile(context, resource, params["state"], declared, _DEFAULTS)
    fields = comparison.after or comparison.before or _DEFAULTS
    return comparison.result({"name": params["name"], **fields})


class _Resource(CachedRead):
    """One organization, for C(_upkeep.keep)."""

    def __init__(self, context: ModuleContext) -> None:
        super().__init__()
        self.name: str = context.params["name"]
        self.what = f"the organization {self.name}"
        self.path = Organizations.path + self.name
        self._context = context
        self._organizations = Organizations(context.client)
        self._seen: Organization | None = None

    def _fetch(self) -> Mapping[str, Any] | None:
        self._seen = self._organizations.get(self.name)
        return None if self._seen is None else {"email": self._seen.email}

    def create(self, desired: Mapping[str, Any]) -> None:
        try:
            self._organizations.create(self.name, desired["email"])
        except Forbidden as error:
            raise error.with_hint("Not every user may create organizations on this server") from None
        except ApiError as error:
            if "not available" not in error.message:
                raise
            raise error.with_hint(NAME_BLOCKED) from None

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        self._organizations.update(self.name, changes)

    def delete(self) -> None:
        self._organizations.delete(self.name)

    def check_feasible(self, declared: Mapping[str, Any]) -> None:
        """Say what Quay would say no to, so that check mode says it, too."""
        found, deletes = self._seen, self._context.params["state"] == ABSENT
        if found is None or not found.administered:
            # So far nothing has told a wrong token from a right one.
            acts = administers_own_account(self._context.client)
            if found is None and not deletes:
                if not acts:
                    raise BadInput(f"{self.what} cannot be created by this login: its token lacks the scope user:admin")
                self._check_new_name(declared)
        if found is None:
            return
        # Who does not administer it is not told its e-mail address either, so there is nothing to compare.
        if (deletes or declared) and not found.administered:
            raise BadInput(f"{self.what} is there, but the login does not administer it (a token needs org:admin)")

    def _check_new_name(self, declared: Mapping[str, Any]) -> None:
        if user_exists(self._context.client, self.name):
            raise BadInput(f"name: '{self.name}' is the name of a user; users and organizations share one list")
        if not declared.get("email") and self._context.server.feature("MAILING"):
            raise BadInput("email is missing: this Quay sends mail, and takes no new organization without an address")
