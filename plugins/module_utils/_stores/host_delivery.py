# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Delivery to the stores of one machine, of what was issued elsewhere (quay_host_delivery)."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.credential import Record, fingerprint
from .._core.errors import BadInput
from .._core.secret_input import clean_secret
from .._core.times import parse_time_option
from .._module.context import LocalContext, Result
from .._module.failures import failure_message
from .contract import Delivery, Store
from .delivery import kept_content
from .host_store import inspection_of
from .kinds import STORE_OPTIONS, store_from_options
from .locks import locked

# One delivery: a store, and what is written to it.
DELIVERY_OPTIONS: dict[str, Any] = {
    **STORE_OPTIONS,
    "declared": {"type": "str", "required": True},
    "entry": {"type": "int", "required": True},
    "name": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "token": {"type": "str", "no_log": True},
    "username": {"type": "str", "default": ""},
    "uuid": {"type": "str"},
    "created_at": {"type": "str"},
    "expires_at": {"type": "str"},
    "superseded": {"type": "str"},
    "strategy": {"type": "str"},
    "fingerprint": {"type": "str"},
}

_DEFAULTS = {name: option.get("default") for name, option in DELIVERY_OPTIONS.items()}
_NOT_STORE = DELIVERY_OPTIONS.keys() - STORE_OPTIONS.keys()


def deliver_to_host(context: LocalContext) -> Result:
    """The module quay_host_delivery. One store that fails does not stop the others."""
    given = context.params["deliveries"] or []
    # The option is hidden as a whole. Paths and names may be shown, and would be masked in the result otherwise.
    secrets = {options["token"] for options in given if options.get("token")}
    context.hidden.clear()
    context.hidden.update(secrets)
    context.hide_login_in(context.params["quay_host"] or "")
    deliveries = [_deliver(context, {**_DEFAULTS, **options}) for options in given]
    return Result(changed=any(item["changed"] for item in deliveries), values={"deliveries": deliveries})


def _deliver(context: LocalContext, options: Mapping[str, Any]) -> dict[str, Any]:
    """The result of one delivery: whether the store changed, an error, and what it holds now."""
    removing = options["state"] == "absent"
    place = {"credential": options["declared"], "entry": options["entry"]}
    try:
        entry = {name: value for name, value in options.items() if name not in _NOT_STORE}
        store = store_from_options(entry, context.params["quay_host"])
        store.check(removing=removing)
        with locked([] if context.check_mode else store.files):
            changed = _remove(context, store, options) if removing else _write(context, store, options)
            return {**place, "changed": changed, **inspection_of(store, removing=removing)}
    except Exception as error:
        # One store must not keep the others from a secret whose predecessor may be invalid already.
        return {**place, "changed": False, "place": options.get("path"), "error": failure_message(error)}


def _write(context: LocalContext, store: Store, options: Mapping[str, Any]) -> bool:
    secret = clean_secret(options["token"], "token")
    if secret is None:
        raise BadInput("token is missing: there is nothing to deliver")
    superseded = tuple((options["superseded"] or "").split(",")) if options["superseded"] else ()
    record = Record(
        fingerprint(secret),
        parse_time_option(options["created_at"], "created_at"),
        parse_time_option(options["expires_at"], "expires_at"),
        options["uuid"],
        superseded,
        options["username"] or None,
        options["strategy"],
    )
    delivery = Delivery(secret, options["username"], options["name"], record)
    stored = store.read()
    if stored.recorded and stored.record == record and store.matches(delivery):
        return False
    if not context.check_mode:
        with store.prepare():
            store.write(delivery)
    return True


def _remove(context: LocalContext, store: Store, options: Mapping[str, Any]) -> bool:
    """Remove what was there when the play decided to remove it, and nothing that came since."""
    present = store.read().fingerprint
    if present is None or present != options["fingerprint"]:
        if present is not None:
            context.warn(kept_content(store))
        return False
    if not context.check_mode:
        store.remove()
    return True
