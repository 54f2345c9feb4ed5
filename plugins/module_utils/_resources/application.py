# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_application: OAuth applications and their client secrets (/api/v1/organization/{organization}/applications)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Mapping

from .._core.credential import Credential, fingerprint
from .._core.errors import BadInput, QuayError
from .._core.names import check_length
from .._http.address import api_path
from .._module.context import ModuleContext, Result
from .._quay.oauth import Application, Applications
from .._stores.contract import CURRENT, Store
from .._stores.delivery import kept_content
from .._stores.holders import SecretHolder, filled_stores, holder_from_options, named_errors, outdated_stores
from .reconcile import ABSENT

_FIELDS = ("name", "description", "application_uri", "redirect_uri", "avatar_email")
_RESERVED = "__quay_bootstrap_app"
# How the diff names a client secret that did not exist before.
_NEW = "new"


def ensure_application(context: ModuleContext) -> Result:
    """Run quay_application: create, change or delete one application, or reset its client secret."""
    params = context.params
    if not params["name"] and not params["client_id"]:
        raise BadInput("name or client_id is required, to identify the application")
    if params["name"] is not None and (not params["name"].strip() or params["name"] == _RESERVED):
        raise BadInput(f"name must not be blank, and not {_RESERVED}, which Quay reserves")
    for option in ("name", "application_uri", "redirect_uri", "avatar_email"):
        check_length(params[option], option)
    with holder_from_options(params, check_mode=context.check_mode) as holder:
        applications = Applications(context.client, params["organization"])
        present = applications.get(params["client_id"]) if params["client_id"] else applications.find(params["name"])
        if params["state"] == ABSENT:
            return _ensure_absent(context, applications, present, holder)
        if present is None and params["client_id"]:
            raise BadInput(
                f"client_id: the organization {params['organization']} has no application {params['client_id']}. To "
                "create one, give name without client_id"
            )
        return _ensure_present(context, applications, present, holder)


def _ensure_present(
    context: ModuleContext, applications: Applications, present: Application | None, holder: SecretHolder
) -> Result:
    declared = {key: context.params[key] for key in _FIELDS if context.params[key] is not None}
    before = _public_fields(present)
    # Quay clears every field that an update omits, so the update sends all of them.
    desired = {**dict.fromkeys(_FIELDS, ""), **before, **declared}
    resets = bool(context.params["reset_client_secret"]) and present is not None
    writes = before != desired or resets
    if writes:
        context.server.refuse_if_read_only("POST" if present is None else "PUT", _path(context))
    issues = present is None or resets
    secret = None if present is None or resets else present.client_secret
    stores = list(holder.stores) if issues else outdated_stores(holder, secret, record_required=False)
    after = present
    if not context.check_mode:
        with holder.prepare(stores):
            if writes:
                after = _write(applications, present, desired, resets=resets)
            if after is not None:
                holder.deliver(_credential(context, after, issues=issues), stores)
            secret = after.client_secret if after is not None else None
    old: dict[str, Any] = before
    new: dict[str, Any] = desired
    if resets:
        old, new = {**old, "client_secret": "present"}, {**new, "client_secret": _NEW}
    if stores:
        held = [stored.compared_with(present.client_secret if present else None) for stored in holder.in_use]
        places = [store.place for store in holder.stores]
        old = {**old, "deliver": dict(zip(places, held))}
        new = {**new, "deliver": dict.fromkeys(places, _NEW if issues else CURRENT)}
    values = _return_values(context, desired, after, secret)
    if issues and holder.returns_secret and not context.check_mode:
        values["token"] = secret
    values["delivered"] = [store.place for store in stores]
    return Result(writes or bool(stores), values, old, new)


def _credential(context: ModuleContext, application: Application, *, issues: bool) -> Credential:
    """The client secret as it is delivered. ``issues``: whether this run issued it, so that its age is known."""
    now = context.client.now() if issues else None
    return Credential(application.name, application.client_id, application.client_secret, created_at=now)


def _write(
    applications: Applications, present: Application | None, desired: Mapping[str, str], *, resets: bool
) -> Application:
    if present is None:
        return _create(applications, desired)
    differs = _public_fields(present) != desired
    after = applications.update(present.client_id, desired) if differs else present
    return applications.reset_secret(present.client_id) if resets else after


def _create(applications: Applications, desired: Mapping[str, str]) -> Application:
    """Create the application once. If the response is lost, look it up: Quay would accept a second one of that name."""
    try:
        return applications.create(desired)
    except QuayError as error:
        found = applications.find(desired["name"]) if error.outcome_unknown else None
        if found is None:
            raise
        return found


def _ensure_absent(
    context: ModuleContext, applications: Applications, present: Application | None, holder: SecretHolder
) -> Result:
    if present is not None:
        context.server.refuse_if_read_only("DELETE", _path(context))
        if not context.check_mode:
            applications.delete(present.client_id)
    before: dict[str, Any] = _public_fields(present)
    fields = before or {"name": context.params["name"] or ""}
    removed = _clear(context, holder)
    values = {**_return_values(context, fields, present, None), "removed": removed}
    old, new = before, {}
    if removed:
        old, new = {**old, "deliver": dict.fromkeys(removed, "present")}, {"deliver": dict.fromkeys(removed, ABSENT)}
    return Result(present is not None or bool(removed), values, old, new)


def _clear(context: ModuleContext, holder: SecretHolder) -> list[str]:
    """Remove the client secret from its file. Returns the paths."""
    for store, stored in zip(holder.stores, holder.stored):
        if stored.foreign and not (stored.fingerprint and stored.removable):
            context.warn(kept_content(store))
    stores: list[Store] = [store for store, _stored in filled_stores(holder)]
    if not context.check_mode:
        for store in stores:
            with named_errors(store):
                store.remove()
    return [store.place for store in stores]


def _path(context: ModuleContext) -> str:
    return api_path("organization", context.params["organization"], "applications")


def _public_fields(application: Application | None) -> dict[str, str]:
    """Return the fields without the client secret; an empty mapping if there is no application."""
    if application is None:
        return {}
    return {key: value for key, value in asdict(application).items() if key in _FIELDS}


def _return_values(
    context: ModuleContext, fields: Mapping[str, str], application: Application | None, secret: str | None
) -> dict[str, Any]:
    return {
        **{key: fields.get(key, "") for key in _FIELDS},
        "organization": context.params["organization"],
        "client_id": application.client_id if application is not None else None,
        "token": None,
        "fingerprint": fingerprint(secret),
        "delivered": [],
        "removed": [],
    }
