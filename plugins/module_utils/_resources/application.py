# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""OAuth applications: present, absent, and the reset of the client secret."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .._core.credential import fingerprint
from .._core.errors import BadInput, QuayError
from .._module.context import ModuleContext, Result
from .._quay.oauth import Application, Applications

FIELDS = ("name", "description", "application_uri", "redirect_uri", "avatar_email")
_RESERVED = "__quay_bootstrap_app"


def ensure_application(context: ModuleContext) -> Result:
    """The module quay_application."""
    params = context.params
    if not params["name"] and not params["client_id"]:
        raise BadInput("Name the application by name, or by client_id")
    if params["name"] is not None and (not params["name"].strip() or params["name"] == _RESERVED):
        raise BadInput(f"name must not be blank, nor {_RESERVED}, which Quay keeps for itself")
    applications = Applications(context.client, params["organization"])
    present = applications.get(params["client_id"]) if params["client_id"] else applications.find(params["name"])
    if params["state"] == "absent":
        return _absent(context, applications, present)
    if present is None and params["client_id"]:
        raise BadInput(f"client_id: the organization {params['organization']} has no application {params['client_id']}")
    return _present(context, applications, present)


def _present(context: ModuleContext, applications: Applications, present: Application | None) -> Result:
    given = {key: context.params[key] for key in FIELDS if context.params[key] is not None}
    before = _public(present)
    # Quay wipes every field that an update leaves out, so what is not given is sent as it is.
    desired = {**dict.fromkeys(FIELDS, ""), **before, **given}
    resets = bool(context.params["reset_client_secret"]) and present is not None
    changed = before != desired or resets
    if changed:
        context.server.refuse_if_read_only("POST" if present is None else "PUT", "applications")
    after = present
    if changed and not context.check_mode:
        after = _write(applications, present, before, desired, resets)
    secret = after.client_secret if after is not None and not context.check_mode else None
    old: dict[str, Any] = before
    new: dict[str, Any] = desired
    if resets:
        old, new = {**old, "client_secret": "present"}, {**new, "client_secret": "new"}
    return Result(changed, _return_values(context, desired, after, secret), old, new)


def _write(
    applications: Applications,
    present: Application | None,
    before: dict[str, str],
    desired: dict[str, str],
    resets: bool,
) -> Application:
    if present is None:
        return _create(applications, desired)
    after = applications.update(present.client_id, desired) if before != desired else present
    return applications.reset_secret(present.client_id) if resets else after


def _create(applications: Applications, desired: dict[str, str]) -> Application:
    """Create it once. Names are not unique in Quay, so after a lost answer the list tells whether it is there."""
    try:
        return applications.create(desired)
    except QuayError as error:
        found = applications.find(desired["name"]) if error.outcome_unknown else None
        if found is None:
            raise
        return found


def _absent(context: ModuleContext, applications: Applications, present: Application | None) -> Result:
    if present is not None:
        context.server.refuse_if_read_only("DELETE", "applications")
        if not context.check_mode:
            applications.delete(present.client_id)
    fields = _public(present) or {"name": context.params["name"] or ""}
    return Result(present is not None, _return_values(context, fields, present, None), _public(present), {})


def _public(application: Application | None) -> dict[str, str]:
    if application is None:
        return {}
    return {key: value for key, value in asdict(application).items() if key in FIELDS}


def _return_values(
    context: ModuleContext, fields: dict[str, str], application: Application | None, secret: str | None
) -> dict[str, Any]:
    return {
        **{key: fields.get(key, "") for key in FIELDS},
        "organization": context.params["organization"],
        "client_id": application.client_id if application is not None else None,
        "token": secret,
        "fingerprint": fingerprint(secret),
    }
