# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The kinds of local stores, and how a play names them."""

from __future__ import annotations

import grp
import pwd
import re
from typing import Any, Callable, Mapping
from urllib.parse import urlsplit

from ansible_collections.tokensmith.quay.plugins.module_utils._client import normalise_host
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._store import Store
from ansible_collections.tokensmith.quay.plugins.module_utils._store_container_auth import ContainerAuthStore
from ansible_collections.tokensmith.quay.plugins.module_utils._store_file import FORMATS, FileStore

_PREFIX = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)?")

FILE_OPTIONS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "format": {"type": "str", "choices": list(FORMATS), "default": "token"},
    "prefix": {"type": "str", "default": "QUAY_"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str", "default": "0600"},
}


def file_store(options: Mapping[str, Any], quay_host: str) -> FileStore:
    """The file that the options name."""
    if not _PREFIX.fullmatch(options["prefix"]):
        raise BadInput(f"prefix: '{options['prefix']}' cannot begin the name of a variable; write it as QUAY_")
    return FileStore(
        options["path"],
        options["format"],
        prefix=options["prefix"],
        mode=_mode(options["mode"]),
        owner=_owner(options["owner"], options["group"]),
        registry=_registry(options, quay_host),
        api_url=normalise_host(quay_host) + "/api/v1",
    )


def container_auth_store(options: Mapping[str, Any], quay_host: str) -> ContainerAuthStore:
    """The entry of an auth file that the options name."""
    registry = _registry(options, quay_host)
    if "://" in registry or registry.endswith("/"):
        raise BadInput("registry must be a host, as in podman login: quay.example.com or quay.example.com:8443")
    return ContainerAuthStore(options["path"], registry)


# Each kind by its name in a play. Another kind is another file _store_*.py and a line here.
KINDS: dict[str, Callable[[Mapping[str, Any], str], Store]] = {
    "file": file_store,
    "container_auth": container_auth_store,
}

# A store as a list of stores names it.
STORE_OPTIONS: dict[str, Any] = {
    **FILE_OPTIONS,
    "kind": {"type": "str", "choices": list(KINDS), "required": True},
    "registry": {"type": "str"},
}


def store_of(options: Mapping[str, Any], quay_host: str) -> Store:
    """The store that one entry of such a list names; refuses a place that cannot be one."""
    store = KINDS[options["kind"]](options, quay_host)
    store.check()
    return store


def _registry(options: Mapping[str, Any], quay_host: str) -> str:
    """The host that consumers name in C(podman login): the option, else the host of C(quay_host)."""
    return str(options.get("registry") or urlsplit(normalise_host(quay_host)).netloc)


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
