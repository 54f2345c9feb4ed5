# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The login of a rotation that is one of its credentials: what to check before, and what to use afterwards.

A run rotates it last. What runs afterwards with the former token, such as the confirmation of deliveries, logs in with
the new one instead.
"""

from __future__ import annotations

import os
from typing import Any, Iterator, Mapping

from .._core.credential import Credential, Record
from .._core.errors import BadInput, QuayError
from .._http.auth import BearerAuth
from .._module.context import ModuleContext
from .._quay.oauth import expand_scopes
from .._quay.scopes import covered_scopes
from .._stores.kinds import ROLE_KINDS as STORE_KINDS
from .._stores.places import real_path
from .._stores.token_file import FileStore
from .login_needs import Users
from .login_review import OF_SUPERUSERS, TOKEN, Login, expiry_warning, scope_warnings
from .policy import AGE_FROM_QUAY, MINT, RETIRE

_NOT_RENEWED = "No declared credential renews it. Declare it with kind: api, delivered to where the login is read from"
_KEPT = "It is not renewed, because its credential has rotate: never"
_FAILED = "It was not renewed, because its credential failed"


def use_successor(context: ModuleContext) -> None:
    """Log in with the token that replaced the given one earlier in the run."""
    auth = context.client.auth
    for successor in context.params.get("login_successors") or ():
        context.hidden.add(successor["token"])
        if isinstance(auth, BearerAuth) and auth.fingerprint == successor["fingerprint"]:
            auth = BearerAuth(successor["token"])
    context.client.auth = auth


def successor_of_login(context: ModuleContext, secret: str | None) -> dict[str, Any] | None:
    """What replaces the login for the rest of the run. ``secret``: that of its credential, after the rotation."""
    auth = context.client.auth
    if not isinstance(auth, BearerAuth) or not secret or auth.holds(secret):
        return None
    return {"fingerprint": auth.fingerprint, "token": secret}


def check_rotation_of_login(
    context: ModuleContext, entry: Mapping[str, Any], action: str, present: Credential | None
) -> None:
    """Raise BadInput for a login that the next run could not use. Nothing is sent.

    ``entry``: its declaration. ``present``: its token as it is now.
    """
    if entry["state"] == "absent":
        return
    if action == MINT and present is not None:
        _refuse_lost_scopes(context, entry, present)
    if action in (MINT, RETIRE):
        _refuse_lost_file(context, entry)


def _refuse_lost_scopes(context: ModuleContext, entry: Mapping[str, Any], present: Credential) -> None:
    """Raise if the new token lacks scopes that the present one has and the declared credentials need."""
    auth, declared = context.client.auth, entry.get("scopes")
    if not declared or not isinstance(auth, BearerAuth) or not auth.holds(present.secret):
        return
    scopes, users = expand_scopes(declared), _users(context)
    kept = covered_scopes(scopes) | set(OF_SUPERUSERS if "super:user" in scopes else ())
    lost = sorted(users.keys() & covered_scopes(present.details.get("scopes") or ()) - kept)
    if lost:
        raise BadInput(
            "Its token is the login of this run, and its scopes lack what the present token has and these credentials "
            f"need: {'; '.join(f'{scope} for {users[scope]}' for scope in lost)}. The next run could not rotate them. "
            "Add the scopes to its declaration"
        )


def _refuse_lost_file(context: ModuleContext, entry: Mapping[str, Any]) -> None:
    """Raise if the login is read from a file that is not delivered to. Other stores may update the file."""
    path = context.params.get("quay_token_path")
    consumers = [getattr(store, "options", {}) for store in entry["consumers"]]
    stores = [*entry["deliver"], *consumers]
    if not path or any(STORE_KINDS[store["kind"]].on_rotator for store in stores if "kind" in store):
        return
    delivered = {real_path(store["path"]) for store in stores if store.get("path")}
    if not delivered & {real_path(path), os.path.realpath(path)}:
        raise BadInput(
            f"Its token is the login of this run, which is read from {path}, and deliver does not name that file. It "
            "would keep a revoked token. Add the file to deliver"
        )


def login_warnings(
    context: ModuleContext,
    entry: Mapping[str, Any] | None,
    present: Credential | None,
    row: Mapping[str, Any],
) -> Iterator[str]:
    """What people should know of the login, as far as it is known without a request.

    ``entry``, ``present`` and ``row``: the credential that is the login, its token as it was before the run, and what
    became of it; no entry if none is declared.
    """
    needs, auth = context.params.get("login_needs"), context.client.auth
    if not needs or not isinstance(auth, BearerAuth):
        return
    login = _known_login(auth, present, context.params.get("quay_token_path"))
    yield from scope_warnings(login, _users(context), needs.get("further") or (), complete=needs["complete"])
    if entry is None:
        yield from expiry_warning(login, context.client.now(), _NOT_RENEWED)
    elif entry["rotate"] == "never" or row.get("error"):
        renewal = _FAILED if row.get("error") else _KEPT
        yield from expiry_warning(login, context.client.now(), renewal)


def _known_login(auth: BearerAuth, present: Credential | None, path: str | None) -> Login:
    if present is not None and auth.holds(present.secret):
        # Older servers do not list the token, so that its scopes are those that are declared.
        scopes = present.details.get("scopes") if present.age_source == AGE_FROM_QUAY else None
        return Login(TOKEN, None, present.uuid, scopes, present.created_at, present.expires_at)
    record = record_of_file(path, auth) if path else None
    if record is None:
        return Login(TOKEN)
    return Login(TOKEN, None, record.uuid, None, record.created_at, record.expires_at)


def record_of_file(path: str, auth: BearerAuth) -> Record | None:
    """The record of the login's token, if it was delivered to this file."""
    try:
        record = FileStore(path, None).read().record
    except QuayError:
        return None
    return record if record is not None and record.fits(auth.token) else None


def _users(context: ModuleContext) -> dict[str, Users]:
    given = (context.params.get("login_needs") or {}).get("scopes") or {}
    return {scope: Users(tuple(users["names"]), users["count"]) for scope, users in given.items()}
