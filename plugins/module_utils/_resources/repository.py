# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Repositories: present, absent, seen by whom, in which mode, with whose roles."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .._core.errors import BadInput, QuayError
from .._module.context import ModuleContext, Result
from .._quay.repositories import NORMAL, ROBOT, TEAM, USER, Repositories, Repository, RepositoryName
from .reconcile import ABSENT, reconcile

_FIELDS = ("visibility", "description", "mode")
_DEFAULTS: Mapping[str, Any] = {"visibility": "private", "description": "", "mode": NORMAL}
_NO_ROLE = "none"
Roles = Mapping["tuple[str, str]", str]


def ensure_repository(context: ModuleContext) -> Result:
    """The module quay_repository."""
    params = context.params
    name = RepositoryName.parse(params["repository"])
    listed = _listed(params["permissions"], name)
    if params["permissions_exclusive"] and listed is None:
        raise BadInput("permissions_exclusive needs permissions: an empty list takes every permission away")
    declared = {field: params[field] for field in _FIELDS if params[field] is not None}
    defaults = dict(_DEFAULTS)
    if listed is not None:
        declared["permissions"] = _shown({who: role for who, role in listed.items() if role != _NO_ROLE})
        defaults["permissions"] = {}
    resource = RepositoryResource(context, name, listed)
    comparison = reconcile(context, resource, params["state"], declared, defaults)
    after = comparison.after or {}
    values = {
        "repository": str(name),
        **{field: after.get(field) for field in _FIELDS},
        "permissions": _told(after["permissions"]) if "permissions" in after else None,
    }
    return comparison.result(values)


class RepositoryResource:
    """One repository, and of its permissions those that the play speaks of."""

    def __init__(self, context: ModuleContext, name: RepositoryName, listed: Roles | None) -> None:
        self._context = context
        self._name = name
        self._listed = listed
        self._exclusive = bool(context.params["permissions_exclusive"])
        self._repositories = Repositories(context.client, name)
        self.what = f"the repository {name}"
        self.path = name.path

    def read(self) -> Mapping[str, Any] | None:
        found = self._repositories.get()
        self._refuse_mode(found)
        if found is None:
            return None
        fields: dict[str, Any] = {field: getattr(found, field) for field in _FIELDS}
        if self._listed is not None and self._context.params["state"] != ABSENT:
            fields["permissions"] = _shown(self._managed())
        return fields

    def create(self, desired: Mapping[str, Any]) -> None:
        try:
            self._repositories.create(desired["visibility"], desired["description"])
        except QuayError as error:
            # Done in spite of a failure, it shall get its permissions all the same.
            if not error.outcome_unknown or self._repositories.get() is None:
                raise
        if "permissions" in desired:
            # Quay makes the creator an administrator, and default permissions may have been applied.
            surely_none = not self._exclusive and _NO_ROLE not in (self._listed or {}).values()
            self._set_roles({} if surely_none else _shown(self._managed()), desired["permissions"])
        if desired["mode"] != NORMAL:
            self._repositories.set_mode(desired["mode"])

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        if "description" in changes:
            self._repositories.set_description(changes["description"])
        if "visibility" in changes:
            self._repositories.set_visibility(changes["visibility"])
        if "permissions" in changes:
            self._set_roles(present["permissions"], changes["permissions"])
        if "mode" in changes:
            self._repositories.set_mode(changes["mode"])

    def delete(self) -> None:
        self._repositories.delete()

    def _managed(self) -> Roles:
        """The roles in Quay that the play speaks of: all but the owner's, or only those of whom it lists."""
        listed = self._listed or {}
        kinds = {TEAM if kind == TEAM else USER for kind, _name in listed}
        if self._exclusive:
            # A user's namespace has no teams, but Quay answers all the same.
            kinds = {USER, TEAM}
        found = {who: role for kind in sorted(kinds) for who, role in self._repositories.roles(kind).items()}
        owner = (USER, self._name.namespace)
        return {who: role for who, role in found.items() if (self._exclusive or who in listed) and who != owner}

    def _set_roles(self, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        for who in before.keys() - after.keys():
            self._repositories.revoke_role(*_who(who))
        for who, role in after.items():
            if before.get(who) != role:
                self._repositories.grant_role(*_who(who), role)

    def _refuse_mode(self, found: Repository | None) -> None:
        desired = self._context.params["mode"]
        differs = desired is not None and desired != (found.mode if found else NORMAL)
        if differs and self._context.params["state"] != ABSENT and self._context.server.feature("REPO_MIRROR") is False:
            raise BadInput(
                f"mode: this Quay cannot put {self._name} into the mode {desired}, because FEATURE_REPO_MIRROR is off"
            )


def _listed(permissions: Sequence[Mapping[str, str]] | None, name: RepositoryName) -> Roles | None:
    """The play's permissions by kind and name. Raises BadInput for what Quay would refuse, or what is ambiguous."""
    if permissions is None:
        return None
    listed: dict[tuple[str, str], str] = {}
    for entry in permissions:
        kind, who = entry["kind"], entry["name"]
        _check(kind, who, name)
        if (kind, who) in listed:
            raise BadInput(f"permissions names the {kind} {who} twice")
        listed[kind, who] = entry["role"]
    return listed


def _check(kind: str, who: str, name: RepositoryName) -> None:
    if not who.strip() or "/" in who:
        raise BadInput(f"permissions: '{who}' cannot be the name of a {kind}")
    if kind == ROBOT and not who.startswith(f"{name.namespace}+"):
        raise BadInput(
            f"permissions: '{who}' is no robot of the namespace {name.namespace}; write {name.namespace}+robot. "
            "Quay gives robots of other namespaces no permission"
        )
    if kind != ROBOT and "+" in who:
        raise BadInput(f"permissions: '{who}' is a robot's name; give kind robot")
    if kind == USER and who == name.namespace:
        raise BadInput(f"permissions: {who} owns the namespace and always is an administrator; leave this user out")


def _shown(roles: Roles) -> dict[str, str]:
    """Roles as a diff shows them."""
    return {f"{kind} {name}": role for (kind, name), role in sorted(roles.items())}


def _who(shown: str) -> tuple[str, str]:
    kind, _blank, name = shown.partition(" ")
    return kind, name


def _told(shown: Mapping[str, str]) -> list[dict[str, str]]:
    """Roles as the module returns them."""
    return [{"kind": _who(who)[0], "name": _who(who)[1], "role": role} for who, role in sorted(shown.items())]
