# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Delivery of one credential to one store, without Quay: what quay_token_file and quay_container_auth do."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Mapping

from .._core.credential import Record, fingerprint
from .._core.errors import BadInput
from .._core.secret_input import clean_delivered_username, clean_secret
from .._core.times import parse_time_option
from .._module.context import LocalContext, Result
from .contract import ABSENT, OTHER, Delivery, Store, StoredSecret
from .locks import locked

# The secret and what is known of its credential.
CREDENTIAL_OPTIONS: dict[str, Any] = {
    "token": {"type": "str", "no_log": True},
    "fingerprint": {"type": "str"},
    "name": {"type": "str", "default": ""},
    "username": {"type": "str", "default": ""},
    "registry": {"type": "str"},
    "uuid": {"type": "str"},
    "created_at": {"type": "str"},
    "expires_at": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

_MISSING = "token is missing: there is nothing to deliver"
_FINGERPRINT = re.compile(r"[0-9a-f]{12}")


def ensure_delivered(context: LocalContext, store: Store, location: Mapping[str, Any]) -> Result:
    """Deliver the secret of CREDENTIAL_OPTIONS to the store, or remove it. ``location``: the store in return keys."""
    if context.params["state"] == "absent":
        store.check(removing=True)
        with locked([] if context.check_mode else store.files):
            return _remove(context, store, _read(context, store), location)
    delivery = _delivery(context.params)
    if delivery.record.fingerprint is None and not context.check_mode:
        raise BadInput(_MISSING)
    store.check()
    with locked([] if context.check_mode else store.files):
        return _deliver(context, store, delivery, location)


def kept_content(store: Store) -> str:
    """The warning for a store that is to be cleared and holds something else."""
    return f"{store.place} holds something else than this credential. It was not changed."


def _read(context: LocalContext, store: Store) -> StoredSecret:
    for warning in store.warnings():
        context.warn(warning)
    return store.read()


def _deliver(context: LocalContext, store: Store, delivery: Delivery, location: Mapping[str, Any]) -> Result:
    """Write the secret unless the store holds it as declared.

    Without a secret, the stored one is used if it has the record's fingerprint. Otherwise check mode predicts a change.
    """
    stored = _read(context, store)
    if not delivery.secret and delivery.record.fits(stored.secret):
        delivery = replace(delivery, secret=stored.secret or "")
    if not delivery.secret and not context.check_mode:
        raise BadInput(f"{_MISSING}. {store.place} does not hold the secret with this fingerprint")
    matches = bool(delivery.secret) and store.matches(delivery)
    if not matches and not context.check_mode:
        with store.prepare():
            store.write(delivery)
    before = _compare(stored, delivery.secret)
    return Result(
        changed=not matches,
        values={**location, "fingerprint": delivery.record.fingerprint},
        before={**location, "token": before},
        after={**location, "token": before if matches else "delivered"},
    )


def _remove(context: LocalContext, store: Store, stored: StoredSecret, location: Mapping[str, Any]) -> Result:
    ours = stored.fingerprint is not None and stored.removable
    present = ours or (stored.foreign and bool(context.params.get("force")))
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


def _compare(stored: StoredSecret, secret: str) -> str:
    if stored.foreign:
        return OTHER
    if stored.secret is None:
        return ABSENT
    return "same" if stored.secret == secret else OTHER


def _delivery(params: Mapping[str, Any]) -> Delivery:
    """What is to be delivered. Without a token its secret is empty, but the record may have its fingerprint."""
    secret = clean_secret(params["token"], "token")
    username = clean_delivered_username(params["username"], "username")
    record = Record(
        _fingerprint_of(params, secret),
        parse_time_option(params["created_at"], "created_at"),
        parse_time_option(params["expires_at"], "expires_at"),
        params["uuid"],
    )
    return Delivery(secret or "", username, params["name"], record)


def _fingerprint_of(params: Mapping[str, Any], secret: str | None) -> str | None:
    """The fingerprint of the secret to deliver. Raises BadInput if the given one is that of another secret."""
    given = (params["fingerprint"] or "").strip().lower()
    if not given:
        return fingerprint(secret)
    if not _FINGERPRINT.fullmatch(given):
        raise BadInput("fingerprint must be 12 hexadecimal digits, as the token modules return it")
    if secret is not None and fingerprint(secret) != given:
        raise BadInput(
            "fingerprint does not belong to token: they are of different secrets. Take both from the same result, or "
            "leave fingerprint out. Nothing was changed"
        )
    return given
