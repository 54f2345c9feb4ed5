# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The modules that deliver to local stores, and the one that reads them: they never speak to Quay."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._files import exclusive
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import LocalCall, Outcome
from ansible_collections.tokensmith.quay.plugins.module_utils._store import (
    RECORD_SUFFIX,
    Delivery,
    Held,
    Store,
    record_data,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import (
    container_auth_store,
    file_store,
    store_of,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._times import given_time

# Quay's secrets have 40 characters and more. What is much shorter is a person's note; treated as a secret, Ansible
# would blank that word wherever it stands in a result.
_SHORTEST_SECRET = 20

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


def ensure_token_file(call: LocalCall) -> Outcome:
    """The module quay_token_file."""
    store = file_store(call.params, call.params["quay_host"])
    return _ensure(call, store, {"place": call.params["path"], "format": call.params["format"]})


def ensure_container_auth(call: LocalCall) -> Outcome:
    """The module quay_container_auth."""
    store = container_auth_store(call.params, call.params["quay_host"])
    if call.params["state"] == "present" and not call.params["username"]:
        raise BadInput("username is missing: an auth file holds a name beside each secret")
    outcome = _ensure(call, store, {"place": call.params["path"], "registry": store.registry})
    helper = store.helper()
    if helper:
        call.warn(
            f"{call.params['path']} names the credential helper '{helper}', which engines ask instead of the entry for "
            f"{store.registry}."
        )
    return outcome


def read_stores(call: LocalCall) -> Outcome:
    """The module quay_store_info."""
    host = call.params["quay_host"]
    return Outcome(changed=False, values={"stores": [_reading(options, host) for options in call.params["stores"]]})


def _reading(options: Mapping[str, Any], quay_host: str) -> dict[str, Any]:
    store = store_of(options, quay_host)
    held = store.read()
    if held.secret is not None and len(held.secret) < _SHORTEST_SECRET:
        held = Held()
    fitting = held.record if held.record is not None and held.record.fits(held.secret) else Record()
    return {
        "kind": options["kind"],
        "place": store.place,
        "token": held.secret,
        **{key: record_data(fitting)[key] for key in ("created_at", "expires_at", "uuid")},
        "fingerprint": fingerprint(held.secret),
    }


def _ensure(call: LocalCall, store: Store, where: Mapping[str, Any]) -> Outcome:
    store.check()
    with exclusive([] if call.check_mode else [store.place, store.place + RECORD_SUFFIX]):
        return _bring(call, store, where)


def _bring(call: LocalCall, store: Store, where: Mapping[str, Any]) -> Outcome:
    held = store.read()
    if call.params["state"] == "absent":
        return _remove(call, store, held, where)
    delivery = _delivery(call.params)
    if delivery is None and not call.check_mode:
        raise BadInput("token is missing: there is nothing to deliver")
    matches = delivery is not None and store.matches(delivery)
    if not matches and not call.check_mode and delivery is not None:
        with store.ready():
            store.write(delivery)
    return Outcome(
        changed=not matches,
        values={**where, "fingerprint": fingerprint(delivery.secret) if delivery else None},
        before={**where, "token": _presence(held, delivery)},
        after={**where, "token": "delivered"} if not matches else {**where, "token": _presence(held, delivery)},
    )


def _remove(call: LocalCall, store: Store, held: Held, where: Mapping[str, Any]) -> Outcome:
    there = held.secret is not None
    if there and not call.check_mode:
        store.remove()
    return Outcome(
        changed=there,
        values={**where, "fingerprint": None},
        before={**where, "token": "present" if there else "absent"},
        after={**where, "token": "absent"},
    )


def _presence(held: Held, delivery: Delivery | None) -> str:
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
            given_time(params["created_at"], "created_at"),
            given_time(params["expires_at"], "expires_at"),
            params["uuid"],
        ),
    )
