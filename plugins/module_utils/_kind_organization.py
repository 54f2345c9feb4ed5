# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Organizations: present, absent, and their e-mail address."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import ApiError, BadInput, Forbidden
from ansible_collections.tokensmith.quay.plugins.module_utils._names import check_account, check_email
from ansible_collections.tokensmith.quay.plugins.module_utils._organizations import (
    Organization,
    Organizations,
    user_exists,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome
from ansible_collections.tokensmith.quay.plugins.module_utils._upkeep import ABSENT, Looking, keep
from ansible_collections.tokensmith.quay.plugins.module_utils._users import administers_own_account

_DEFAULTS = {"email": ""}


def ensure_organization(call: Call) -> Outcome:
    """The module quay_organization."""
    params = call.params
    check_account(params["name"], "name")
    check_email(params["email"], "email")
    declared = {"email": params["email"]} if params["email"] is not None else {}
    keeper = _Keeper(call)
    keeper.look()
    keeper.refuse_impossible(declared)
    kept = keep(call, keeper, params["state"], declared, _DEFAULTS)
    fields = kept.after or kept.before or _DEFAULTS
    return kept.outcome({"name": params["name"], **fields})


class _Keeper(Looking):
    """One organization, for C(_upkeep.keep)."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.name: str = call.params["name"]
        self.what = f"the organization {self.name}"
        self.path = Organizations.path + self.name
        self._call = call
        self._organizations = Organizations(call.client)
        self._seen: Organization | None = None

    def _read(self) -> Mapping[str, Any] | None:
        self._seen = self._organizations.get(self.name)
        return None if self._seen is None else {"email": self._seen.email}

    def create(self, wanted: Mapping[str, Any]) -> None:
        try:
            self._organizations.create(self.name, wanted["email"])
        except Forbidden as error:
            hint = "This Quay lets not every user create organizations"
            raise Forbidden(error.status, error.method, error.path, error.message, hint=hint) from None
        except ApiError as error:
            if "not available" not in error.message:
                raise
            hint = (
                "An organization or user of this name was deleted a moment ago; Quay keeps the name until it has "
                "cleaned up, mostly for a minute. Run the task again then (until, retries and delay do it)"
            )
            raise ApiError(error.status, error.method, error.path, error.message, hint=hint) from None

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        self._organizations.update(self.name, changes)

    def delete(self) -> None:
        self._organizations.delete(self.name)

    def refuse_impossible(self, declared: Mapping[str, Any]) -> None:
        """Say what Quay would say no to, so that check mode says it, too."""
        found, deletes = self._seen, self._call.params["state"] == ABSENT
        if found is None or not found.administered:
            # So far nothing has told a wrong token from a right one.
            acts = administers_own_account(self._call.client)
            if found is None and not deletes:
                if not acts:
                    raise BadInput(f"{self.what} cannot be created by this login: its token lacks the scope user:admin")
                self._refuse_impossible_name(declared)
        if found is None:
            return
        # Who does not administer it is not told its e-mail address either, so there is nothing to compare.
        if (deletes or declared) and not found.administered:
            raise BadInput(f"{self.what} is there, but the login does not administer it (a token needs org:admin)")

    def _refuse_impossible_name(self, declared: Mapping[str, Any]) -> None:
        if user_exists(self._call.client, self.name):
            raise BadInput(f"name: '{self.name}' is the name of a user; users and organizations share one list")
        if not declared.get("email") and self._call.server.feature("MAILING"):
            raise BadInput("email is missing: this Quay sends mail, and takes no new organization without an address")
