# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_organization: organizations and their e-mail addresses (/api/v1/organization/{name})."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.errors import BadInput
from .._http.errors import ApiError, Forbidden
from .._module.context import ModuleContext, Result
from .._quay.organizations import Organization, Organizations, user_exists
from .._quay.users import administers_own_account
from .accounts import check_account_options, name_taken, raise_if_name_blocked
from .reconcile import CachedRead, reconcile

_DEFAULTS = {"email": ""}


def ensure_organization(context: ModuleContext) -> Result:
    """Run quay_organization: create, change or delete one organization."""
    params = context.params
    check_account_options(params)
    declared = {"email": params["email"]} if params["email"] is not None else {}
    resource = OrganizationResource(context)
    resource.prefetch()
    resource.check_feasible(declared)
    comparison = reconcile(context, resource, params["state"], declared, _DEFAULTS)
    fields = comparison.after or comparison.before or _DEFAULTS
    return comparison.result({"name": params["name"], **fields})


def require_organization_admin(what: str, organization: Organization) -> None:
    """Raise BadInput if the login does not administer the organization. ``what``: the object that is to be changed."""
    if not organization.administered:
        raise BadInput(
            f"{what} cannot be changed: the login does not administer the organization {organization.name}. Use a "
            "login that does; a token needs the scope org:admin"
        )


class OrganizationResource(CachedRead):
    """One organization. Its only field is ``email``."""

    def __init__(self, context: ModuleContext) -> None:
        super().__init__(context)
        self.name: str = context.params["name"]
        self.what = f"the organization {self.name}"
        self.path = Organizations.path + self.name
        self._organizations = Organizations(context.client)
        self._latest: Organization | None = None  # as last read

    def _fetch(self) -> Mapping[str, Any] | None:
        self._latest = self._organizations.get(self.name)
        return None if self._latest is None else {"email": self._latest.email}

    def create(self, desired: Mapping[str, Any]) -> None:
        try:
            self._organizations.create(self.name, desired["email"])
        except Forbidden as error:
            raise error.with_hint(
                "Not every user may create organizations on this server. Ask a superuser to create it"
            ) from None
        except ApiError as error:
            raise_if_name_blocked(error)
            raise

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        self._organizations.update(self.name, changes)

    def delete(self) -> None:
        self._organizations.delete(self.name)

    def check_feasible(self, declared: Mapping[str, Any]) -> None:
        """Raise BadInput for a change that Quay would refuse, so that check mode fails as well."""
        found = self._latest
        if found is not None and found.administered:
            return
        # GET /organization/{name} is public. Only this request shows whether Quay accepts the token.
        may_create = administers_own_account(self._context.client)
        if found is None and not self._deletes:
            if not may_create:
                raise BadInput(
                    f"{self.what} cannot be created by this login: its token lacks the scope user:admin. Use a token "
                    "with that scope, or quay_username and quay_password"
                )
            self._check_new_name(declared)
        # Quay shows the e-mail address to administrators only, so there is nothing to compare for others.
        if found is not None and (self._deletes or declared):
            require_organization_admin(self.what, found)

    def _check_new_name(self, declared: Mapping[str, Any]) -> None:
        if user_exists(self._context.client, self.name):
            raise name_taken(self.name, "a user")
        if not declared.get("email") and self._context.server.feature("MAILING"):
            raise BadInput(
                "email is required for a new organization, because this Quay sends mail (FEATURE_MAILING is on)"
            )
