# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The modules that deliver to local stores, and the one that reads them: they never speak to Quay."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.credential import Record, fingerprint
from .._core.errors import BadInput
from .._core.times import parse_time_option
from .._module.context import LocalContext, Result
from .contract import Delivery, Store, StoredSecret
from .records import RECORD_SUFFIX
from .secret_file import locked

# What a delivery may say of the credential, beside the secret.
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


def _ensure(context: LocalContext, store: Store, where: Mapping[str, Any]) -> Result:
    store.check()
    with locked([] if context.check_mode else [store.place, store.place + RECORD_SUFFIX]):
        return _deliver(context, store, where)


def _deliver(context: LocalContext, store: Store, where: Mapping[str, Any]) -> Result:
    held = store.read()
    if context.params["state"] == "absent":
        return _remove(context, store, held, where)
    delivery = _delivery(context.params)
    if delivery is None and not context.check_mode:
        raise BadInput("token is missing: there is nothing to deliver")
    matches = delivery is not None and store.matches(delivery)
    if not matches and not context.check_mode and delivery is not None:
        with store.prepare():
            store.write(delivery)
    return Result(
        changed=not matches,
        values={**where, "fingerprint": fingerprint(delivery.secret) if delivery else None},
        before={**where, "token": _delivery_state(held, delivery)},
        after={**where, "token": "delivered"} if not matches else {**where, "token": _delivery_state(held, delivery)},
    )


def _remove(context: LocalContext, store: Store, held: StoredSecret, where: Mapping[str, Any]) -> Result:
    there = held.secret is not None
    if there and not context.check_mode:
        store.remove()
    return Result(
        changed=there,
        values={**where, "fingerprint": None},
        before={**where, "token": "present" if there else "absent"},
        after={**where, "token": "absent"},
    )


def _delivery_state(held: StoredSecret, delivery: Delivery | None) -> str:
    if held.secret is None:
        return "absent"
    return "same" if delivery is not None and held.secret == delivery.secret else "other"


def _delivery(params: Mapping[str, Any]) -> Delivery | None:
    secret = params["token"]
    if not secret:
        return None
    if secret != secret.strip() or "\n" in secret:
        raise BadInput("token must not begin or end with blanks, nor hold a line break")
    return Delivery(
        secret,
        username=params["username"],
        name=params["name"],
        record=Record(
            fingerprint(secret),
            parse_time_option(params["created_at"], "created_at"),
            parse_time_option(params["expires_at"], "expires_at"),
            params["uuid"],
        ),
    )
