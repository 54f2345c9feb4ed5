# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_team: teams, their roles, descriptions and members (/api/v1/organization/{organization}/team/{team})."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.errors import BadInput, QuayError
from .._core.names import check_account
from .._module.context import ModuleContext, Result
from .._quay.organizations import Membership, Organization, Organizations, Team, Teams, user_exists
from .._quay.users import administers_own_account
from .organization import require_organization_admin
from .reconcile import CachedRead, is_exclusive, reconcile

_DEFAULTS = {"description": "", "role": "member"}
_ADMIN = "admin"


def ensure_team(context: ModuleContext) -> Result:
    """Run quay_team: create, change or delete one team."""
    params = context.params
    check_account(params["name"], "name")
    members = params["members"]
    if any(not member.strip() for member in members or ()):
        raise BadInput("members must not contain an empty name")
    resource = TeamResource(context, exclusive=is_exclusive(params, "exclusive", "members"))
    resource.prefetch()
    declared = resource.declared()
    resource.check_feasible(declared)
    defaults = _DEFAULTS if members is None else {**_DEFAULTS, "members": []}
    comparison = reconcile(context, resource, params["state"], declared, defaults)
    if resource.invited:
        context.warn(f"Quay invited {', '.join(sorted(resource.invited))}. They join when they accept the invitation.")
    fields = {**_DEFAULTS, "members": None, **(comparison.after or comparison.before or {})}
    return comparison.result({"organization": params["organization"], "name": params["name"], **fields})


class TeamResource(CachedRead):
    """One team. Its fields are ``description``, ``role`` and, if the play names any, ``members``."""

    def __init__(self, context: ModuleContext, *, exclusive: bool) -> None:
        super().__init__(context)
        self._exclusive = exclusive
        self._team: str = context.params["name"]
        self._organization: str = context.params["organization"]
        self._teams = Teams(context.client, self._organization)
        self.what = f"the team {self._organization}/{self._team}"
        self.path = self._teams.path(self._team)
        self.invited: set[str] = set()  # by this run
        self._manages_members = context.params["members"] is not None and not self._deletes
        self._latest: Organization | None = None  # as last read
        self._membership = Membership()  # as last read

    def _fetch(self) -> Mapping[str, Any] | None:
        self._latest = _read_organization(self._context, self._organization)
        team = self._all_teams.get(self._team)
        if team is None:
            return None
        fields: dict[str, Any] = {"description": team.description, "role": team.role}
        if self._manages_members:
            self._membership = self._teams.membership(self._team) or Membership()
            fields["members"] = sorted(self._membership.members | self._membership.invited | self.invited)
        return fields

    @property
    def _all_teams(self) -> Mapping[str, Team]:
        return (self._latest.teams or {}) if self._latest is not None else {}

    @property
    def _is_synced(self) -> bool:
        team = self._all_teams.get(self._team)
        return team is not None and team.synced

    def declared(self) -> dict[str, Any]:
        """Return the fields that the play declares; ``members`` includes the present members that stay."""
        params = self._context.params
        fields = {key: params[key] for key in _DEFAULTS if params[key] is not None}
        if self._manages_members:
            fields["members"] = sorted(set(params["members"]) | self._staying_members())
        return fields

    def _staying_members(self) -> set[str]:
        present = set(self._membership.members | self._membership.invited)
        if not self._exclusive:
            return present
        # The users of a synced team come from the directory; its robots do not.
        return present - self._membership.robots if self._is_synced else set()

    def check_feasible(self, declared: Mapping[str, Any]) -> None:
        """Raise BadInput for a change that Quay would refuse, so that check mode fails and no change is half done."""
        fields = self.present
        if fields is None or self._deletes:
            changes = (fields is None) != self._deletes
        else:
            changes = any(fields[key] != value for key, value in declared.items())
        if changes and self._latest is not None:
            require_organization_admin(self.what, self._latest)
        loses_admin_role = self._deletes or declared.get("role", _ADMIN) != _ADMIN
        if fields is not None and fields["role"] == _ADMIN and loses_admin_role:
            self._refuse_for_only_admin_team()
        if self._manages_members:
            self._check_new_members(set(declared["members"]) - set((fields or {}).get("members", ())))

    def _refuse_for_only_admin_team(self) -> None:
        if [team.name for team in self._all_teams.values() if team.role == _ADMIN] == [self._team]:
            raise BadInput(
                f"{self.what} is the only team that administers the organization. Give another team the role admin "
                "first"
            )

    def _check_new_members(self, new: set[str]) -> None:
        users = sorted(name for name in new if "+" not in name)
        if users and self._is_synced:
            raise BadInput(
                f"{self.what} takes its members from a directory, so {', '.join(users)} cannot be added here. Add "
                "users to the group in the directory. Only robots can be added directly"
            )
        robots = {name for name in new if name.startswith(f"{self._organization}+")}
        unknown = [name for name in users if not user_exists(self._context.client, name)]
        unknown += sorted(robots - self._teams.robots()) if robots else []
        if unknown:
            raise BadInput(f"members: this Quay has no user or robot {', '.join(unknown)}. Create them first")

    def create(self, desired: Mapping[str, Any]) -> None:
        self._teams.write(self._team, {key: desired[key] for key in _DEFAULTS})
        self._set_members(set(), set(desired.get("members", ())))

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        fields = {key: changes[key] for key in _DEFAULTS if key in changes}
        if fields:
            self._teams.write(self._team, {"role": present["role"], **fields})
        if "members" in changes:
            self._set_members(set(present["members"]), set(changes["members"]))

    def _set_members(self, present: set[str], desired: set[str]) -> None:
        # Add before removing, so that the team is never empty in between.
        for member in sorted(desired - present):
            if not self._teams.add(self._team, member):
                self.invited.add(member)
        for member in sorted(present - desired):
            self._teams.remove(self._team, member)

    def delete(self) -> None:
        try:
            self._teams.delete(self._team)
        except QuayError as error:
            # Before Quay deletes an admin team, it checks whether this is the login's only one. It answers 500 to a
            # superuser who is in none. Teams of other roles are not checked.
            if not error.outcome_unknown or (self._fetch() or {}).get("role") != _ADMIN:
                raise
            self._teams.write(self._team, {"role": "member"})
            self._teams.delete(self._team)


def _read_organization(context: ModuleContext, name: str) -> Organization:
    """Return the organization. Raises BadInput if it does not exist, or if the login cannot see its teams."""
    found = Organizations(context.client).get(name)
    if found is None or found.teams is None:
        # GET /organization/{name} is public. This request raises NotAuthenticated if Quay does not accept the token.
        administers_own_account(context.client)
    if found is None:
        raise BadInput(f"organization: this Quay has no organization '{name}'. Create it with quay_organization")
    if found.teams is None:
        raise BadInput(
            f"organization: the login is not a member of {name}, so it cannot see the teams. Use a login that "
            "administers the organization"
        )
    return found
