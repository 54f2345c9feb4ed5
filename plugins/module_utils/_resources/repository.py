# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_repository: repositories, their visibility, description, mode and permissions (/api/v1/repository/{name})."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .._core.errors import BadInput, QuayError
from .._module.context import ModuleContext, Result
from .._quay.repositories import NORMAL, ROBOT, TEAM, USER, Repositories, Repository, RepositoryName
from .reconcile import ABSENT, is_exclusive, reconcile
from .repository_checks import check_robot_namespace

_FIELDS = ("visibility", "description", "mode")
_DEFAULTS: Mapping[str, Any] = {"visibility": "private", "description": "", "mode": NORMAL}
_NO_ROLE = "none"
# Roles by grantee: (kind, name).
Roles = Mapping["tuple[str, str]", str]


def ensure_repository(context: ModuleContext) -> Result:
    """Run quay_repository: create, change or delete one repository."""
    params = context.params
    name = RepositoryName.parse(params["repository"])
    roles = _roles_from_option(params["permissions"], name)
    exclusive = is_exclusive(params, "permissions_exclusive", "permissions")
    declared = {field: params[field] for field in _FIELDS if params[field] is not None}
    defaults = dict(_DEFAULTS)
    if roles is not None:
        declared["permissions"] = _as_field({grantee: role for grantee, role in roles.items() if role != _NO_ROLE})
        defaults["permissions"] = {}
    resource = RepositoryResource(context, name, roles, exclusive=exclusive)
    comparison = reconcile(context, resource, params["state"], declared, defaults)
    after = comparison.after or {}
    values = {
        "repository": str(name),
        **{field: after.get(field) for field in _FIELDS},
        "permissions": _as_list(after["permissions"]) if "permissions" in after else None,
    }
    return comparison.result(values)


class RepositoryResource:
    """One repository, with the permissions that the play manages. ``permissions`` maps "kind name" to a role."""

    def __init__(self, context: ModuleContext, name: RepositoryName, roles: Roles | None, *, exclusive: bool) -> None:
        self._context = context
        self._name = name
        self._declared_roles = roles
        self._exclusive = exclusive
        self._repositories = Repositories(context.client, name)
        self.what = f"the repository {name}"
        self.path = name.path

    def read(self) -> Mapping[str, Any] | None:
        found = self._repositories.get()
        self._check_mode_possible(found)
        if found is None:
            return None
        fields: dict[str, Any] = {field: getattr(found, field) for field in _FIELDS}
        if self._declared_roles is not None and self._context.params["state"] != ABSENT:
            fields["permissions"] = _as_field(self._managed_roles())
        return fields

    def create(self, desired: Mapping[str, Any]) -> None:
        try:
            self._repositories.create(desired["visibility"], desired["description"])
        except QuayError as error:
            # If the repository exists after an error, its permissions are still to be set.
            if not error.outcome_unknown or self._repositories.get() is None:
                raise
        if "permissions" in desired:
            # Quay gives the creator the role admin and applies default permissions. They matter only if a role may
            # have to be withdrawn; granting a role replaces the present one.
            only_grants = not self._exclusive and _NO_ROLE not in (self._declared_roles or {}).values()
            self._set_roles({} if only_grants else _as_field(self._managed_roles()), desired["permissions"])
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

    def _managed_roles(self) -> Roles:
        """Return the roles in Quay that the play manages: those of the listed grantees, or all but the owner's."""
        declared = self._declared_roles or {}
        kinds = {TEAM if kind == TEAM else USER for kind, _name in declared}
        if self._exclusive:
            # The namespace of a user has no teams, but Quay answers the request for them all the same.
            kinds = {USER, TEAM}
        found = {grantee: role for kind in sorted(kinds) for grantee, role in self._repositories.roles(kind).items()}
        owner = (USER, self._name.namespace)
        return {
            grantee: role
            for grantee, role in found.items()
            if (self._exclusive or grantee in declared) and grantee != owner
        }

    def _set_roles(self, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        for grantee in before.keys() - after.keys():
            self._repositories.revoke_role(*_parse_grantee(grantee))
        for grantee, role in after.items():
            if before.get(grantee) != role:
                self._repositories.grant_role(*_parse_grantee(grantee), role)

    def _check_mode_possible(self, found: Repository | None) -> None:
        mode = self._context.params["mode"]
        differs = mode is not None and mode != (found.mode if found else NORMAL)
        if differs and self._context.params["state"] != ABSENT and self._context.server.feature("REPO_MIRROR") is False:
            raise BadInput(
                f"mode: this Quay cannot put {self._name} into the mode {mode}, because FEATURE_REPO_MIRROR is off"
            )


def _roles_from_option(permissions: Sequence[Mapping[str, Any]] | None, name: RepositoryName) -> Roles | None:
    """Return the roles that the play declares. Raises BadInput for what Quay would refuse, and for duplicates."""
    if permissions is None:
        return None
    roles: dict[tuple[str, str], str] = {}
    for entry in permissions:
        grantee = entry["name"]
        kind = _kind_of(entry["kind"], grantee)
        _check_grantee(kind, grantee, name)
        if (kind, grantee) in roles:
            raise BadInput(f"permissions names the {kind} {grantee} twice")
        roles[kind, grantee] = entry["role"]
    return roles


def _kind_of(kind: str | None, grantee: str) -> str:
    """Return the kind of a grantee. Only robots have a plus sign in their names; Quay counts them among the users."""
    if kind in (None, USER):
        return ROBOT if "+" in grantee else USER
    return str(kind)


def _check_grantee(kind: str, grantee: str, name: RepositoryName) -> None:
    if not grantee.strip() or "/" in grantee:
        raise BadInput(f"permissions: '{grantee}' cannot be the name of a {kind}")
    if kind == ROBOT:
        check_robot_namespace("permissions", grantee, name, "Quay gives robots of other namespaces no permission")
    if kind == TEAM and "+" in grantee:
        raise BadInput(f"permissions: '{grantee}' is the name of a robot; use kind=robot")
    if kind == USER and grantee == name.namespace:
        raise BadInput(
            f"permissions: {grantee} owns the namespace and always has the role admin; remove this user from the list"
        )


def _as_field(roles: Roles) -> dict[str, str]:
    """Return roles as comparisons and diffs hold them, by "kind name"."""
    return {f"{kind} {name}": role for (kind, name), role in sorted(roles.items())}


def _parse_grantee(text: str) -> tuple[str, str]:
    """Split "kind name"."""
    kind, _blank, name = text.partition(" ")
    return kind, name


def _as_list(permissions: Mapping[str, str]) -> list[dict[str, str]]:
    """Return permissions as the module returns them."""
    grantees = ((*_parse_grantee(grantee), role) for grantee, role in sorted(permissions.items()))
    return [{"kind": kind, "name": name, "role": role} for kind, name, role in grantees]
