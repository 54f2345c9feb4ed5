# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""OAuth applications: present, absent, and the reset of the client secret."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import BadInput, QuayError
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._oauth import Application, Applications
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome

FIELDS = ("name", "description", "application_uri", "redirect_uri", "avatar_email")
_RESERVED = "__quay_bootstrap_app"


def ensure_application(call: Call) -> Outcome:
    """The module quay_application."""
    params = call.params
    if not params["name"] and not params["client_id"]:
        raise BadInput("Name the application by name, or by client_id")
    if params["name"] is not None and (not params["name"].strip() or params["name"] == _RESERVED):
        raise BadInput(f"name must not be blank, nor {_RESERVED}, which Quay keeps for itself")
    applications = Applications(call.client, params["organization"])
    present = applications.get(params["client_id"]) if params["client_id"] else applications.find(params["name"])
    if params["state"] == "absent":
        return _absent(call, applications, present)
    if present is None and params["client_id"]:
        raise BadInput(f"client_id: the organization {params['organization']} has no application {params['client_id']}")
    return _present(call, applications, present)


def _present(call: Call, applications: Applications, present: Application | None) -> Outcome:
    given = {key: call.params[key] for key in FIELDS if call.params[key] is not None}
    before = _public(present)
    # Quay wipes every field that an update leaves out, so what is not given is sent as it is.
    wanted = {**dict.fromkeys(FIELDS, ""), **before, **given}
    resets = bool(call.params["reset_client_secret"]) and present is not None
    changed = before != wanted or resets
    if changed:
        call.server.refuse_if_read_only("POST" if present is None else "PUT", "applications")
    after = present
    if changed and not call.check_mode:
        after = _write(applications, present, before, wanted, resets)
    secret = after.client_secret if after is not None and not call.check_mode else None
    old: dict[str, Any] = before
    new: dict[str, Any] = wanted
    if resets:
        old, new = {**old, "client_secret": "present"}, {**new, "client_secret": "new"}
    return Outcome(changed, _answer(call, wanted, after, secret), old, new)


def _write(
    applications: Applications,
    present: Application | None,
    before: dict[str, str],
    wanted: dict[str, str],
    resets: bool,
) -> Application:
    if present is None:
        return _create(applications, wanted)
    after = applications.update(present.client_id, wanted) if before != wanted else present
    return applications.reset_secret(present.client_id) if resets else after


def _create(applications: Applications, wanted: dict[str, str]) -> Application:
    """Create it once. Names are not unique in Quay, so after a lost answer the list tells whether it is there."""
    try:
        return applications.create(wanted)
    except QuayError as error:
        found = applications.find(wanted["name"]) if error.unclear else None
        if found is None:
            raise
        return found


def _absent(call: Call, applications: Applications, present: Application | None) -> Outcome:
    if present is not None:
        call.server.refuse_if_read_only("DELETE", "applications")
        if not call.check_mode:
            applications.delete(present.client_id)
    fields = _public(present) or {"name": call.params["name"] or ""}
    return Outcome(present is not None, _answer(call, fields, present, None), _public(present), {})


def _public(application: Application | None) -> dict[str, str]:
    if application is None:
        return {}
    return {key: value for key, value in asdict(application).items() if key in FIELDS}


def _answer(call: Call, fields: dict[str, str], application: Application | None, secret: str | None) -> dict[str, Any]:
    return {
        **{key: fields.get(key, "") for key in FIELDS},
        "organization": call.params["organization"],
        "client_id": application.client_id if application is not None else None,
        "token": secret,
        "fingerprint": fingerprint(secret),
    }
