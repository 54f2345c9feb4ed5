# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Team synchronisation with the groups of a directory (LDAP, OIDC, Keystone)."""

from __future__ import annotations

from typing import Any

from . import rights
from .quay import quay
from .state import Team, TeamSync

_GROUP_KEYS = {"ldap": "group_dn", "keystone": "group_id"}
_NO_GROUP = {"ldap": "Group does not exist or is empty", "keystone": "Group not found"}


def service() -> str | None:
    """The kind of directory, or none if Quay manages its users itself."""
    name = str(quay().config["AUTHENTICATION_TYPE"]).lower()
    return name if name in ("ldap", "oidc", "keystone") else None


def metadata() -> dict[str, Any]:
    if service() == "ldap":
        return {"base_dn": quay().config["LDAP_BASE_DN"]}
    return {}


def may_set_up_sync(orgname: str) -> bool:
    allowed = quay().feature("NONSUPERUSER_TEAM_SYNCING_SETUP") or rights.is_superuser()
    return allowed and rights.can_administer_organization(orgname)


def sync_of(team: Team) -> TeamSync | None:
    """The synchronisation of a team. Without a directory or the feature, Quay does not return the record."""
    return team.sync if service() and quay().feature("TEAM_SYNCING") else None


def group_problem(config: dict[str, Any]) -> str | None:
    """Return why the group is refused, or none. OIDC groups cannot be looked up, so every name is accepted."""
    kind = service()
    if kind is None:
        return "Not supported"
    if kind not in _GROUP_KEYS:
        return None
    name = config.get(_GROUP_KEYS[kind])
    if not name:
        return f"Missing {_GROUP_KEYS[kind]}"
    return None if quay().config["STANDIN_GROUPS"].get(name) else _NO_GROUP[kind]
