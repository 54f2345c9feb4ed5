# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Delivery of one credential to one store, without Quay: what quay_token_file and quay_container_auth do."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.credential import Record, fingerprint
from .._core.errors import BadInput
from .._core.secret_input import clean_secret
from .._core.times import parse_time_option
from .._module.context import LocalContext, Result
from .contract import ABSENT, OTHER, Delivery, Store, StoredSecret
from .locks import locked

# The secret and what is known of its credential.
CREDENTIAL_OPTIONS: dict[str, Any] = {
    "token": {"type": "str", "no_log": True},
    "name": {"type": "str", "default": ""},
    "username": {"type": "str", "default": ""},
    "registry": {"type": "str"},
    "uuid": {"type": "str"},
    "created_at": {"type": "str"},
    "expires_at": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def ensure_delivered(context: LocalContext, store: Store, location: Mapping[str, Any]) -> Result:
    """Deliver the secret of CREDENTIAL_OPTIONS to the store, or remove it. ``location``: the store in return keys."""
    removing = context.params["state"] == "absent"
    delivery = None if removing else _delivery(context.params)
    if delivery is None and not removing and not context.check_mode:
        raise BadInput("token is missing: there is nothing to deliver")
    store.check(removing=removing)
    with locked([] if context.check_mode else store.files):
        for warning in store.warnings():
            context.warn(warning)
        stored = store.read()
        if removing:
            return _remove(context, store, stored, location)
        return _deliver(context, store, stored, delivery, location)


def kept_content(store: Store) -> str:
    """The warning for a store that is to be cleared and holds something else."""
    return f"{store.place} holds something else than this credential. It was not changed."


def _deliver(
    context: LocalContext, store: Store, stored: StoredSecret, delivery: Delivery | None, location: Mapping[str, Any]
) -> Result:
    matches = delivery is not None and store.matches(delivery)
    if not matches and not context.check_mode and delivery is not None:
        with store.prepare():
            store.write(delivery)
    before = _compare(stored, delivery)
    return Result(
        changed=not matches,
        values={**location, "fingerprint": fingerprint(delivery.secret) if delivery else None},
        before={**location, "token": before},
        after={**location, "token": before if matches else "delivered"},
    )


def _remove(context: LocalContext, store: Store, stored: StoredSecret, location: Mapping[str, Any]) -> Result:
    present = stored.fingerprint is not None or (stored.foreign and bool(context.params.get("force")))
    if stored.foreign and not present:
        context.warn(kept_content(store))
    if present and not context.check_mode:
        store.remove()
    return Result(
        changed=present,
        values={**location, "fingerprint": None},
        before={**location, "token": "present" if present else "absent"},
        after={**location, "token": "absent"},
    )


def _compare(stored: StoredSecret, delivery: Delivery | None) -> str:
    if stored.foreign:
        return OTHER
    if stored.secret is None:
        return ABSENT
    return "same" if delivery is not None and stored.secret == delivery.secret else OTHER


def _delivery(params: Mapping[str, Any]) -> Delivery | None:
    secret = clean_secret(params["token"], "token")
    if secret is None:
        return None
    record = Record(
        fingerprint(secret),
        parse_time_option(params["created_at"], "created_at"),
        parse_time_option(params["expires_at"], "expires_at"),
        params["uuid"],
    )
    return Delivery(secret, params["username"], params["name"], record)
