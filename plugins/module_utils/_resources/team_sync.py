# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The directory group that gives a team its members (quay_team_sync)."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.errors import BadInput, QuayError, Unconfirmed
from .._core.times import format_time
from .._module.context import ModuleContext, Result
from .._quay.organizations import Membership, Teams
from .reconcile import ABSENT, CachedRead, Comparison, reconcile

OWNERS = "owners"
# How each directory names a group, and how the options do.
GROUPS = {"ldap": "group_dn", "oidc": "group_name", "keystone": "group_id"}


def ensure_team_sync(context: ModuleContext) -> Result:
    """The module quay_team_sync."""
    params = context.params
    group = {key: params[key] for key in GROUPS.values() if params[key] is not None}
    if any(not value.strip() for value in group.values()):
        raise BadInput(f"{', '.join(group)} must not be empty")
    if params["state"] != ABSENT:
        _refuse_without_directory(context, group)
        if params["team"] == OWNERS:
            context.warn(
                f"The team {OWNERS} of {params['organization']} shall take its members from a directory: who is not in "
                "the group loses the administration of the organization, and an empty group leaves it to nobody."
            )
    resource = _TeamSyncResource(context)
    resource.prefetch()
    declared = {"group": group} if group else {}
    resource.check_feasible(declared)
    comparison = reconcile(context, resource, params["state"], declared, {})
    return comparison.result(_sync_values(context, resource, comparison))


def _refuse_without_directory(context: ModuleContext, group: Mapping[str, str]) -> None:
    """Say which directory this Quay has, where it says so itself; else its refusal will tell."""
    service = context.server.authentication()
    if service in ("Database", "AppToken", "JWT"):
        raise BadInput(
            f"This Quay has no directory to take members from (AUTHENTICATION_TYPE is {service}); only LDAP, OIDC and "
            "Keystone have groups"
        )
    if context.server.feature("TEAM_SYNCING") is False:
        raise BadInput("This Quay does not sync teams: FEATURE_TEAM_SYNCING is off in its configuration")
    option = GROUPS.get(service.lower())
    if option is not None and option not in group:
        raise BadInput(f"{', '.join(group)} does not fit: this Quay's directory is {service}, so give {option}")


class _TeamSyncResource(CachedRead):
    """The sync of one team, for C(_upkeep.keep)."""

    def __init__(self, context: ModuleContext) -> None:
        super().__init__()
        self.team: str = context.params["team"]
        self.what = f"the sync of the team {context.params['organization']}/{self.team}"
        self._context = context
        self._teams = Teams(context.client, context.params["organization"])
        self.path = self._teams.path(self.team, "syncing")
        self.seen = Membership()

    def _fetch(self) -> Mapping[str, Any] | None:
        found = self._teams.membership(self.team)
        if found is None:
            organization = self._context.params["organization"]
            raise BadInput(f"There is no team {self.team} in an organization {organization}; create it with quay_team")
        self.seen = found
        return None if found.sync is None else {"group": dict(found.sync.group or {})}

    def check_feasible(self, declared: Mapping[str, Any]) -> None:
        """Who may not set up a sync is not told the group either, so there is nothing to compare."""
        deletes, sync = self._context.params["state"] == ABSENT, self.seen.sync
        needed = sync is not None if deletes else True
        if needed and self.seen.syncs_with is None:
            raise BadInput(
                f"{self.what} cannot be read or changed by this login: it needs a superuser who administers the "
                "organization (a token: super:user), or FEATURE_NONSUPERUSER_TEAM_SYNCING_SETUP"
            )

    def create(self, desired: Mapping[str, Any]) -> None:
        self._teams.sync(self.team, desired["group"])

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        # Quay stumbles over a second sync of one team, so the first one has to go.
        self._teams.unsync(self.team)
        try:
            self._teams.sync(self.team, changes["group"])
        except QuayError as error:
            if not error.outcome_unknown:
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


def _sync_values(context: ModuleContext, resource: _TeamSyncResource, comparison: Comparison) -> dict[str, Any]:
    group = dict((comparison.after or {}).get("group") or {})
    sync, directory = resource.seen.sync, resource.seen.syncs_with or {}
    service = sync.service if sync is not None else directory.get("service")
    return {
        "organization": context.params["organization"],
        "team": context.params["team"],
        "service": service,
        **{key: group.get(key) for key in GROUPS.values()},
        "last_updated": format_time(sync.last_updated) if sync is not None and not comparison.changed else None,
    }
