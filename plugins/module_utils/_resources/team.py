# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Teams: present, absent, role, description and members; and the directory group behind a team."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.errors import BadInput, QuayError
from .._core.names import check_account
from .._module.context import ModuleContext, Result
from .._quay.organizations import Membership, Organization, Organizations, Teams, user_exists
from .._quay.users import administers_own_account
from .reconcile import ABSENT, CachedRead, reconcile

_DEFAULTS = {"description": "", "role": "member"}
ADMIN = "admin"


def ensure_team(context: ModuleContext) -> Result:
    """The module quay_team."""
    params = context.params
    check_account(params["name"], "name")
    members = params["members"]
    if any(not member.strip() for member in members or ()):
        raise BadInput("members must not hold an empty name")
    resource = _TeamResource(context)
    resource.prefetch()
    declared = resource.declared()
    resource.check_feasible(declared)
    defaults = _DEFAULTS if members is None else {**_DEFAULTS, "members": []}
    comparison = reconcile(context, resource, params["state"], declared, defaults)
    if resource.params:
        context.warn(f"Quay invited {', '.join(sorted(resource.params))}, who must accept before the team has them.")
    fields = {**_DEFAULTS, "members": None, **(comparison.after or comparison.before or {})}
    return comparison.result({"organization": params["organization"], "name": params["name"], **fields})


def _organization_of(context: ModuleContext, name: str) -> Organization:
    found = Organizations(context.client).get(name)
    if found is None or found.teams is None:
        # An organization's page is for everybody: so far nothing has told a wrong token from a right one.
        administers_own_account(context.client)
    if found is None:
        raise BadInput(f"organization: this Quay has no organization '{name}'; create it with quay_organization")
    if found.teams is None:
        raise BadInput(f"organization: the login is no member of {name}, and may not see its teams")
    return found


def _require_organization_admin(what: str, organization: Organization) -> None:
    if not organization.administered:
        raise BadInput(
            f"{what} cannot be changed: the login does not administer the organization {organization.name} (a token "
            "needs org:admin)"
        )


class _TeamResource(CachedRead):
    """One team, for C(_upkeep.keep). Its members count only where the play names some."""

    def __init__(self, context: ModuleContext) -> None:
        super().__init__()
        self.team: str = context.params["name"]
        self.what = f"the team {context.params['organization']}/{self.team}"
        self.params: set[str] = set()  # who was only invited by this run
        self._context = context
        self._organization: str = context.params["organization"]
        self._teams = Teams(context.client, self._organization)
        self.path = self._teams.path(self.team)
        self._counts_members = context.params["members"] is not None and context.params["state"] != ABSENT
        self._seen: Organization | None = None
        self._membership = Membership()

    def _fetch(self) -> Mapping[str, Any] | None:
        self._seen = _organization_of(self._context, self._organization)
        team = (self._seen.teams or {}).get(self.team)
        if team is None:
            return None
        fields: dict[str, Any] = {"description": team.description, "role": team.role}
        if self._counts_members:
            self._membership = self._teams.membership(self.team) or Membership()
            fields["members"] = sorted(self._membership.members | self._membership.invited | self.params)
        return fields

    def declared(self) -> dict[str, Any]:
        """What the play says of the team; its members completed by those who may stay."""
        params = self._context.params
        fields = {key: params[key] for key in _DEFAULTS if params[key] is not None}
        if self._counts_members:
            fields["members"] = sorted(set(params["members"]) | self._kept_members())
        return fields

    def _kept_members(self) -> set[str]:
        present = set(self._membership.members | self._membership.invited)
        if not self._context.params["exclusive"]:
            return present
        # The users of a synced team are the directory's business; its robots are not.
        return present - self._membership.robots if self._is_synced else set()

    @property
    def _is_synced(self) -> bool:
        team = (self._seen.teams or {}).get(self.team) if self._seen is not None else None
        return team is not None and team.synced

    def check_feasible(self, declared: Mapping[str, Any]) -> None:
        """Say what Quay would say no to, so that check mode says it, too, and before half of it is done."""
        fields, deletes = self.present, self._context.params["state"] == ABSENT
        if fields is None or deletes:
            changes = (fields is None) != deletes
        else:
            changes = any(fields[key] != value for key, value in declared.items())
        if changes and self._seen is not None:
            _require_organization_admin(self.what, self._seen)
        if fields is not None and fields["role"] == ADMIN and (deletes or declared.get("role", ADMIN) != ADMIN):
            self._refuse_last_admins()
        if self._counts_members:
            self._check_new_members(set(declared["members"]) - set((fields or {}).get("members", ())))

    def _refuse_last_admins(self) -> None:
        teams = (self._seen.teams or {}) if self._seen is not None else {}
        if [team.name for team in teams.values() if team.role == ADMIN] == [self.team]:
            raise BadInput(f"{self.what} is the only one that administers the organization; nobody could any more")

    def _check_new_members(self, new: set[str]) -> None:
        users = sorted(name for name in new if "+" not in name)
        if users and self._is_synced:
            raise BadInput(
                f"{self.what} takes its members from a directory, so {', '.join(users)} cannot be added here; add them "
                "to the group there. Only robots can be members beside"
            )
        robots = {name for name in new if name.startswith(f"{self._organization}+")}
        unknown = [name for name in users if not user_exists(self._context.client, name)]
        unknown += sorted(robots - self._teams.robots()) if robots else []
        if unknown:
            raise BadInput(f"members: this Quay has no user or robot {', '.join(unknown)}")

    def create(self, desired: Mapping[str, Any]) -> None:
        self._teams.write(self.team, {key: desired[key] for key in _DEFAULTS})
        self._set_members(set(), set(desired.get("members", ())))

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        fields = {key: changes[key] for key in _DEFAULTS if key in changes}
        if fields:
            self._teams.write(self.team, {"role": present["role"], **fields})
        if "members" in changes:
            self._set_members(set(present["members"]), set(changes["members"]))

    def _set_members(self, present: set[str], desired: set[str]) -> None:
        # First in, then out: somebody is always there.
        for member in sorted(desired - present):
            if not self._teams.add(self.team, member):
                self.params.add(member)
        for member in sorted(present - desired):
            self._teams.remove(self.team, member)

    def delete(self) -> None:
        try:
            self._teams.delete(self.team)
        except QuayError as error:
            # Of a team that administers, Quay wants to know whether the login needs it, and stumbles over a superuser
            # who is in no such team. It does not mind a team that administers nothing any more.
            if not error.outcome_unknown or (self._fetch() or {}).get("role") != ADMIN:
                raise
            self._teams.write(self.team, {"role": "member"})
            self._teams.delete(self.team)
