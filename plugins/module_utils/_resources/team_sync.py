# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_team_sync: the directory group from which a team takes its members (.../team/{team}/syncing)."""

from __future__ import annotations

import re
from typing import Any, Mapping

from .._core.errors import BadInput, QuayError, Unconfirmed
from .._core.times import format_time
from .._http.errors import ApiError
from .._module.context import ModuleContext, Result
from .._quay.organizations import Membership, Teams
from .reconcile import ABSENT, CachedRead, Comparison, reconcile

_OWNERS = "owners"
# By directory, the option that names a group. Quay uses the same key in its API.
_RELATIVE = "group_dn"
_GROUP_OPTIONS = {"ldap": "group_dn", "oidc": "group_name", "keystone": "group_id"}


# Quay's messages for a group that it cannot use. It gives them for an unreachable directory, too.
_UNUSABLE_GROUP = ("does not exist or is empty", "Group not found")
_SEPARATOR = re.compile(r"(?<!\\),")


def ensure_team_sync(context: ModuleContext) -> Result:
    """Run quay_team_sync: set, change or remove the group of one team."""
    params = context.params
    group = {key: params[key] for key in _GROUP_OPTIONS.values() if params[key] is not None}
    if any(not value.strip() for value in group.values()):
        raise BadInput(f"{', '.join(group)} must not be empty")
    if params["state"] != ABSENT:
        _check_directory(context, group)
        if params["team"] == _OWNERS:
            context.warn(
                f"The team {_OWNERS} of {params['organization']} will take its members from a directory. Owners who "
                "are not in the group lose the administration of the organization. With an empty group, nobody "
                "administers it."
            )
    resource = TeamSyncResource(context)
    resource.prefetch()
    declared = {"group": group} if group else {}
    resource.check_feasible(group)
    comparison = reconcile(context, resource, params["state"], declared, {})
    return comparison.result(_return_values(context, resource, comparison))


def _check_directory(context: ModuleContext, group: Mapping[str, str]) -> None:
    """Raise BadInput if the server reports that it has no directory, or another one than the options assume.

    A server that reports nothing refuses the request itself.
    """
    service = context.server.authentication()
    if service in ("Database", "AppToken", "JWT"):
        raise BadInput(
            f"This Quay has no directory to take members from (AUTHENTICATION_TYPE is {service}). Team sync needs "
            "LDAP, OIDC or Keystone"
        )
    if context.server.feature("TEAM_SYNCING") is False:
        raise BadInput("This Quay does not sync teams: FEATURE_TEAM_SYNCING is off in its configuration")
    option = _GROUP_OPTIONS.get(service.lower())
    if option is not None and option not in group:
        raise BadInput(f"{', '.join(group)} does not apply: this Quay's directory is {service}. Use {option} instead")


class TeamSyncResource(CachedRead):
    """The sync of one team. Its only field is ``group``."""

    def __init__(self, context: ModuleContext) -> None:
        super().__init__(context)
        self._team: str = context.params["team"]
        self._organization: str = context.params["organization"]
        self._teams = Teams(context.client, self._organization)
        self.what = f"the sync of the team {self._organization}/{self._team}"
        self.path = self._teams.path(self._team, "syncing")
        self.membership = Membership()  # as last read

    def _fetch(self) -> Mapping[str, Any] | None:
        found = self._teams.membership(self._team)
        if found is None:
            raise BadInput(
                f"There is no team {self._team} in the organization {self._organization}, or no such organization. "
                "Create the team with quay_team"
            )
        self.membership = found
        return None if found.sync is None else {"group": dict(found.sync.group or {})}

    def check_feasible(self, group: Mapping[str, str]) -> None:
        """Raise BadInput if the login may not set up a sync, or if the group is one that Quay cannot find.

        Quay does not show the present group to a login that may not set up a sync.
        """
        needs_permission = not self._deletes or self.membership.sync is not None
        if needs_permission and self.membership.syncs_with is None:
            raise BadInput(
                f"{self.what} cannot be read or changed by this login. That needs a superuser who administers the "
                "organization (a token needs the scope super:user), or FEATURE_NONSUPERUSER_TEAM_SYNCING_SETUP in "
                "Quay's configuration"
            )
        if not self._deletes and (self.present or {}).get("group") != group:
            self._refuse_full_dn(group.get(_RELATIVE, ""))

    def _refuse_full_dn(self, dn: str) -> None:
        """Raise BadInput for a DN that includes the base DN: Quay adds the base DN to what it is given."""
        parts, base = _parts(dn), _parts(self._base_dn)
        if base and [part.lower() for part in parts[-len(base) :]] == [part.lower() for part in base]:
            relative = ",".join(parts[: -len(base)])
            advice = f"'{relative}'" if relative else "the DN of a group below it, without the base DN"
            raise BadInput(
                f"{_RELATIVE}: '{dn}' includes the base DN {self._base_dn} (LDAP_BASE_DN), which Quay adds itself. "
                f"Write {advice}"
            )

    @property
    def _base_dn(self) -> str:
        """The base DN of Quay's LDAP directory; empty for other directories."""
        base = (self.membership.syncs_with or {}).get("base_dn") or ""
        return base if isinstance(base, str) else ",".join(map(str, base))

    def create(self, desired: Mapping[str, Any]) -> None:
        self._sync(desired["group"])

    def _sync(self, group: Mapping[str, str]) -> None:
        try:
            self._teams.sync(self._team, group)
        except ApiError as error:
            if not any(words in error.message for words in _UNUSABLE_GROUP):
                raise
            base = f", and that {_RELATIVE} is relative to {self._base_dn}" if self._base_dn else ""
            raise error.with_hint(
                f"Check that the directory has this group and that the group has members{base}. Quay gives the same "
                "answer if it cannot reach the directory"
            ) from None

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        # Quay answers 500 for a second sync of the same team, so the first one is removed.
        self._teams.unsync(self._team)
        try:
            self._sync(changes["group"])
        except QuayError as error:
            if not error.outcome_unknown:
                self._restore(present["group"], error)
            raise

    def _restore(self, group: Mapping[str, str], refusal: QuayError) -> None:
        """Sync with the former group again. Raises Unconfirmed if Quay refuses it."""
        try:
            self._teams.sync(self._team, group)
        except QuayError as error:
            former = ", ".join(f"{key}={value}" for key, value in group.items())
            raise Unconfirmed(
                f"{self.what} is off now: Quay refused the new group ({refusal}) and then the former group {former} "
                f"({error}). Correct the group and run the task again"
            ) from None

    def delete(self) -> None:
        self._teams.unsync(self._team)


def _parts(dn: str) -> list[str]:
    """Split a DN at its commas, without the blanks around them."""
    return [part.strip() for part in _SEPARATOR.split(dn) if part.strip()]


def _return_values(context: ModuleContext, resource: TeamSyncResource, comparison: Comparison) -> dict[str, Any]:
    group = dict((comparison.after or {}).get("group") or {})
    sync, directory = resource.membership.sync, resource.membership.syncs_with or {}
    service = sync.service if sync is not None else directory.get("service")
    return {
        "organization": context.params["organization"],
        "team": context.params["team"],
        "service": service,
        **{key: group.get(key) for key in _GROUP_OPTIONS.values()},
        "last_updated": format_time(sync.last_updated) if sync is not None and not comparison.changed else None,
    }
