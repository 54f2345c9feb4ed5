# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Teams: present, absent, role, description and members; and the directory group behind a team."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import BadInput, QuayError, Unconfirmed
from ansible_collections.tokensmith.quay.plugins.module_utils._names import check_account
from ansible_collections.tokensmith.quay.plugins.module_utils._organizations import (
    Membership,
    Organization,
    Organizations,
    Teams,
    user_exists,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome
from ansible_collections.tokensmith.quay.plugins.module_utils._times import iso
from ansible_collections.tokensmith.quay.plugins.module_utils._upkeep import ABSENT, Kept, Looking, keep
from ansible_collections.tokensmith.quay.plugins.module_utils._users import administers_own_account

_DEFAULTS = {"description": "", "role": "member"}
OWNERS = "owners"
ADMIN = "admin"

# How each directory names a group, and how the options do.
GROUPS = {"ldap": "group_dn", "oidc": "group_name", "keystone": "group_id"}


def ensure_team(call: Call) -> Outcome:
    """The module quay_team."""
    params = call.params
    check_account(params["name"], "name")
    members = params["members"]
    if any(not member.strip() for member in members or ()):
        raise BadInput("members must not hold an empty name")
    keeper = _TeamKeeper(call)
    keeper.look()
    declared = keeper.declared()
    keeper.refuse_impossible(declared)
    defaults = _DEFAULTS if members is None else {**_DEFAULTS, "members": []}
    kept = keep(call, keeper, params["state"], declared, defaults)
    if keeper.asked:
        call.warn(f"Quay invited {', '.join(sorted(keeper.asked))}, who must accept before the team has them.")
    fields = {**_DEFAULTS, "members": None, **(kept.after or kept.before or {})}
    return kept.outcome({"organization": params["organization"], "name": params["name"], **fields})


def _organization_of(call: Call, name: str) -> Organization:
    found = Organizations(call.client).get(name)
    if found is None or found.teams is None:
        # An organization's page is for everybody: so far nothing has told a wrong token from a right one.
        administers_own_account(call.client)
    if found is None:
        raise BadInput(f"organization: this Quay has no organization '{name}'; create it with quay_organization")
    if found.teams is None:
        raise BadInput(f"organization: the login is no member of {name}, and may not see its teams")
    return found


def _refuse_stranger(what: str, organization: Organization) -> None:
    if not organization.administered:
        raise BadInput(
            f"{what} cannot be changed: the login does not administer the organization {organization.name} (a token "
            "needs org:admin)"
        )


class _TeamKeeper(Looking):
    """One team, for C(_upkeep.keep). Its members count only where the play names some."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.team: str = call.params["name"]
        self.what = f"the team {call.params['organization']}/{self.team}"
        self.asked: set[str] = set()  # who was only invited by this run
        self._call = call
        self._organization: str = call.params["organization"]
        self._teams = Teams(call.client, self._organization)
        self.path = self._teams.path(self.team)
        self._counts_members = call.params["members"] is not None and call.params["state"] != ABSENT
        self._seen: Organization | None = None
        self._membership = Membership()

    def _read(self) -> Mapping[str, Any] | None:
        self._seen = _organization_of(self._call, self._organization)
        team = (self._seen.teams or {}).get(self.team)
        if team is None:
            return None
        fields: dict[str, Any] = {"description": team.description, "role": team.role}
        if self._counts_members:
            self._membership = self._teams.membership(self.team) or Membership()
            fields["members"] = sorted(self._membership.members | self._membership.invited | self.asked)
        return fields

    def declared(self) -> dict[str, Any]:
        """What the play says of the team; its members completed by those who may stay."""
        params = self._call.params
        fields = {key: params[key] for key in _DEFAULTS if params[key] is not None}
        if self._counts_members:
            fields["members"] = sorted(set(params["members"]) | self._staying())
        return fields

    def _staying(self) -> set[str]:
        present = set(self._membership.members | self._membership.invited)
        if not self._call.params["exclusive"]:
            return present
        # The users of a synced team are the directory's business; its robots are not.
        return present - self._membership.robots if self._is_synced else set()

    @property
    def _is_synced(self) -> bool:
        team = (self._seen.teams or {}).get(self.team) if self._seen is not None else None
        return team is not None and team.synced

    def refuse_impossible(self, declared: Mapping[str, Any]) -> None:
        """Say what Quay would say no to, so that check mode says it, too, and before half of it is done."""
        fields, deletes = self.present, self._call.params["state"] == ABSENT
        if fields is None or deletes:
            changes = (fields is None) != deletes
        else:
            changes = any(fields[key] != value for key, value in declared.items())
        if changes and self._seen is not None:
            _refuse_stranger(self.what, self._seen)
        if fields is not None and fields["role"] == ADMIN and (deletes or declared.get("role", ADMIN) != ADMIN):
            self._refuse_last_admins()
        if self._counts_members:
            self._refuse_strange_members(set(declared["members"]) - set((fields or {}).get("members", ())))

    def _refuse_last_admins(self) -> None:
        teams = (self._seen.teams or {}) if self._seen is not None else {}
        if [team.name for team in teams.values() if team.role == ADMIN] == [self.team]:
            raise BadInput(f"{self.what} is the only one that administers the organization; nobody could any more")

    def _refuse_strange_members(self, new: set[str]) -> None:
        users = sorted(name for name in new if "+" not in name)
        if users and self._is_synced:
            raise BadInput(
                f"{self.what} takes its members from a directory, so {', '.join(users)} cannot be added here; add them "
                "to the group there. Only robots can be members beside"
            )
        robots = {name for name in new if name.startswith(f"{self._organization}+")}
        unknown = [name for name in users if not user_exists(self._call.client, name)]
        unknown += sorted(robots - self._teams.robots()) if robots else []
        if unknown:
            raise BadInput(f"members: this Quay has no user or robot {', '.join(unknown)}")

    def create(self, wanted: Mapping[str, Any]) -> None:
        self._teams.write(self.team, {key: wanted[key] for key in _DEFAULTS})
        self._bring_members(set(), set(wanted.get("members", ())))

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        fields = {key: changes[key] for key in _DEFAULTS if key in changes}
        if fields:
            self._teams.write(self.team, {"role": present["role"], **fields})
        if "members" in changes:
            self._bring_members(set(present["members"]), set(changes["members"]))

    def _bring_members(self, present: set[str], wanted: set[str]) -> None:
        # First in, then out: somebody is always there.
        for member in sorted(wanted - present):
            if not self._teams.add(self.team, member):
                self.asked.add(member)
        for member in sorted(present - wanted):
            self._teams.remove(self.team, member)

    def delete(self) -> None:
        try:
            self._teams.delete(self.team)
        except QuayError as error:
            # Of a team that administers, Quay wants to know whether the login needs it, and stumbles over a superuser
            # who is in no such team. It does not mind a team that administers nothing any more.
            if not error.unclear or (self._read() or {}).get("role") != ADMIN:
                raise
            self._teams.write(self.team, {"role": "member"})
            self._teams.delete(self.team)


def ensure_team_sync(call: Call) -> Outcome:
    """The module quay_team_sync."""
    params = call.params
    group = {key: params[key] for key in GROUPS.values() if params[key] is not None}
    if any(not value.strip() for value in group.values()):
        raise BadInput(f"{', '.join(group)} must not be empty")
    if params["state"] != ABSENT:
        _refuse_without_directory(call, group)
        if params["team"] == OWNERS:
            call.warn(
                f"The team {OWNERS} of {params['organization']} shall take its members from a directory: who is not in "
                "the group loses the administration of the organization, and an empty group leaves it to nobody."
            )
    keeper = _SyncKeeper(call)
    keeper.look()
    declared = {"group": group} if group else {}
    keeper.refuse_impossible(declared)
    kept = keep(call, keeper, params["state"], declared, {})
    return kept.outcome(_sync_answer(call, keeper, kept))


def _refuse_without_directory(call: Call, group: Mapping[str, str]) -> None:
    """Say which directory this Quay has, where it says so itself; else its refusal will tell."""
    service = call.server.authentication()
    if service in ("Database", "AppToken", "JWT"):
        raise BadInput(
            f"This Quay has no directory to take members from (AUTHENTICATION_TYPE is {service}); only LDAP, OIDC and "
            "Keystone have groups"
        )
    if call.server.feature("TEAM_SYNCING") is False:
        raise BadInput("This Quay does not sync teams: FEATURE_TEAM_SYNCING is off in its configuration")
    option = GROUPS.get(service.lower())
    if option is not None and option not in group:
        raise BadInput(f"{', '.join(group)} does not fit: this Quay's directory is {service}, so give {option}")


class _SyncKeeper(Looking):
    """The sync of one team, for C(_upkeep.keep)."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.team: str = call.params["team"]
        self.what = f"the sync of the team {call.params['organization']}/{self.team}"
        self._call = call
        self._teams = Teams(call.client, call.params["organization"])
        self.path = self._teams.path(self.team, "syncing")
        self.seen = Membership()

    def _read(self) -> Mapping[str, Any] | None:
        found = self._teams.membership(self.team)
        if found is None:
            organization = self._call.params["organization"]
            raise BadInput(f"There is no team {self.team} in an organization {organization}; create it with quay_team")
        self.seen = found
        return None if found.sync is None else {"group": dict(found.sync.group or {})}

    def refuse_impossible(self, declared: Mapping[str, Any]) -> None:
        """Who may not set up a sync is not told the group either, so there is nothing to compare."""
        deletes, sync = self._call.params["state"] == ABSENT, self.seen.sync
        needed = sync is not None if deletes else True
        if needed and self.seen.syncs_with is None:
            raise BadInput(
                f"{self.what} cannot be read or changed by this login: it needs a superuser who administers the "
                "organization (a token: super:user), or FEATURE_NONSUPERUSER_TEAM_SYNCING_SETUP"
            )

    def create(self, wanted: Mapping[str, Any]) -> None:
        self._teams.sync(self.team, wanted["group"])

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        # Quay stumbles over a second sync of one team, so the first one has to go.
        self._teams.unsync(self.team)
        try:
            self._teams.sync(self.team, changes["group"])
        except QuayError as error:
            if not error.unclear:
                self._restore(present["group"], error)
            raise

    def _restore(self, group: Mapping[str, str], why: QuayError) -> None:
        """Quay refused the new group, so the old one shall go on as if nothing had been."""
        try:
            self._teams.sync(self.team, group)
        except QuayError as error:
            words = ", ".join(f"{key}={value}" for key, value in group.items())
            raise Unconfirmed(
                f"{self.what} is off now: Quay refused the new group ({why}), and did not take the old one, {words}, "
                f"again ({error})"
            ) from None

    def delete(self) -> None:
        self._teams.unsync(self.team)


def _sync_answer(call: Call, keeper: _SyncKeeper, kept: Kept) -> dict[str, Any]:
    group = dict((kept.after or {}).get("group") or {})
    sync, directory = keeper.seen.sync, keeper.seen.syncs_with or {}
    service = sync.service if sync is not None else directory.get("service")
    return {
        "organization": call.params["organization"],
        "team": call.params["team"],
        "service": service,
        **{key: group.get(key) for key in GROUPS.values()},
        "last_updated": iso(sync.last_updated) if sync is not None and not kept.changed else None,
    }
