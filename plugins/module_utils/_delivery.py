# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The modules that deliver to local stores, and the one that reads them: they never speak to Quay."""

from __future__ import annotations

import grp
import pwd
from typing import Any, Callable, Mapping
from urllib.parse import urlsplit

from ansible_collections.tokensmith.quay.plugins.module_utils._client import normalise_host
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import LocalCall, Outcome
from ansible_collections.tokensmith.quay.plugins.module_utils._store import Delivery, Held, Store, record_data
from ansible_collections.tokensmith.quay.plugins.module_utils._store_container_auth import ContainerAuthStore
from ansible_collections.tokensmith.quay.plugins.module_utils._store_file import FORMATS, FileStore
from ansible_collections.tokensmith.quay.plugins.module_utils._times import parse_time

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

FILE_OPTIONS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "format": {"type": "str", "choices": list(FORMATS), "default": "token"},
    "prefix": {"type": "str", "default": "QUAY_"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str", "default": "0600"},
}


def file_store(params: Mapping[str, Any]) -> FileStore:
    """The file that the options name."""
    return FileStore(
        params["path"],
        params["format"],
        prefix=params["prefix"],
        mode=_mode(params["mode"]),
        owner=_owner(params["owner"], params["group"]),
    )


def container_auth_store(params: Mapping[str, Any]) -> ContainerAuthStore:
    """The entry of an auth file that the options name."""
    registry = registry_of(params)
    if not registry or "://" in registry or registry.endswith("/"):
        raise BadInput("registry must be a host, as in podman login: quay.example.com or quay.example.com:8443")
    return ContainerAuthStore(params["path"], registry)


def registry_of(params: Mapping[str, Any]) -> str:
    """The host that consumers name in C(podman login): the option, else the host of C(quay_host)."""
    return str(params.get("registry") or urlsplit(normalise_host(params["quay_host"])).netloc)


# Each kind of local store, by its name in a play.
KINDS: dict[str, Callable[[Mapping[str, Any]], Store]] = {"file": file_store, "container_auth": container_auth_store}


# A local store as a list of stores names it.
STORE_OPTIONS: dict[str, Any] = {
    **FILE_OPTIONS,
    "kind": {"type": "str", "choices": list(KINDS), "required": True},
    "registry": {"type": "str"},
}


def store_of(options: Mapping[str, Any]) -> Store:
    """The store that one entry of such a list names; refuses a place that cannot be one."""
    store = KINDS[options["kind"]](options)
    store.check()
    return store


def ensure_token_file(call: LocalCall) -> Outcome:
    """The module quay_token_file."""
    return _ensure(call, file_store(call.params), {"place": call.params["path"], "format": call.params["format"]})


def ensure_container_auth(call: LocalCall) -> Outcome:
    """The module quay_container_auth."""
    store = container_auth_store(call.params)
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
    host = {"quay_host": call.params["quay_host"]}
    return Outcome(changed=False, values={"stores": [_reading({**host, **store}) for store in call.params["stores"]]})


def _reading(options: Mapping[str, Any]) -> dict[str, Any]:
    store = store_of(options)
    held = store.read()
    if held.secret is not None and len(held.secret) < _SHORTEST_SECRET:
        held = Held()
    fitting = held.record if held.record is not None and held.record.fits(held.secret) else Record()
    return {
        "kind": options["kind"],
        "place": store.place,
        "token": held.secret,
        **{key: value for key, value in record_data(fitting).items() if key != "fingerprint"},
        "fingerprint": fingerprint(held.secret),
    }


def _ensure(call: LocalCall, store: Store, where: Mapping[str, Any]) -> Outcome:
    store.check()
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
        registry=registry_of(params),
        api_url=normalise_host(params["quay_host"]) + "/api/v1",
        name=params.get("name") or "",
        record=Record(
            fingerprint(secret), parse_time(params["created_at"]), parse_time(params["expires_at"]), params["uuid"]
        ),
    )


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        raise BadInput(f"mode must be octal, such as 0600, not '{text}'") from None
    if not 0 <= mode <= 0o777 or mode & 0o400 == 0:
        raise BadInput(f"mode must let the owner read the file, such as 0600, not '{text}'")
    return mode


def _owner(user: str | None, group: str | None) -> tuple[int, int] | None:
    if user is None and group is None:
        return None
    try:
        uid = -1 if user is None else int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
        gid = -1 if group is None else int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise BadInput(f"there is no such owner or group on the target: {user or ''} {group or ''}".rstrip()) from None
    return uid, gid
