# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The kinds of stores, and how a play names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

from .._core.errors import BadInput
from .container_auth import AUTH_FILE_OPTIONS, container_auth_store
from .contract import Store
from .remote_options import AWX_OPTIONS, KUBERNETES_OPTIONS, VAULT_OPTIONS, VAULT_VARS_OPTIONS
from .task_file import KIND as TASKS
from .task_file import TASK_FILE_OPTIONS, task_file_store
from .token_file import FILE_OPTIONS, file_store

_REGISTRY: dict[str, Any] = {"registry": {"type": "str"}}


@dataclass(frozen=True)
class StoreKind:
    """One kind of store."""

    build: Callable[[Mapping[str, Any], str], Store]  # from the options and the address of Quay. Raises BadInput
    options: Mapping[str, Any]  # an argument spec
    required: Sequence[str] = ("path",)
    # Whether it is reached from where Quay is asked. Otherwise it is on the machine of the consumer.
    on_rotator: bool = False
    # Whether it is a file nevertheless, which is lost with the container of a job.
    is_file: bool = False
    # Whether the secret can be read back; otherwise only its fingerprint is known.
    tells_secret: bool = True

    @property
    def secrets(self) -> list[str]:
        """The options that hold a secret."""
        return [name for name, option in self.options.items() if option.get("no_log")]


# A module loads the code of such a store when a play names the kind. On a target all code is compiled anew in each run,
# and consumers need not have the requests library. Ansible bundles what functions import, too.


def _kubernetes_secret_store(options: Mapping[str, Any], quay_host: str) -> Store:
    from .kubernetes_secret import kubernetes_secret_store

    return kubernetes_secret_store(options, quay_host)


def _awx_credential_store(options: Mapping[str, Any], quay_host: str) -> Store:
    from .awx_credential import awx_credential_store

    return awx_credential_store(options, quay_host)


def _vault_vars_store(options: Mapping[str, Any], quay_host: str) -> Store:
    from .vault_vars import vault_vars_store

    return vault_vars_store(options, quay_host)


def _hashi_vault_store(options: Mapping[str, Any], quay_host: str) -> Store:
    from .hashi_vault import hashi_vault_store

    return hashi_vault_store(options, quay_host)


# Each kind by its name in a play. A new kind is a new file in this folder and a line here, and, if it is
# reached from where Quay is asked, its options in remote_options.py and a function above.
KINDS: dict[str, StoreKind] = {
    "file": StoreKind(file_store, {**FILE_OPTIONS, **_REGISTRY}),
    "container_auth": StoreKind(container_auth_store, {**AUTH_FILE_OPTIONS, **_REGISTRY}),
    "kubernetes_secret": StoreKind(
        _kubernetes_secret_store,
        {**KUBERNETES_OPTIONS, **_REGISTRY},
        required=("namespaces", "secret_name"),
        on_rotator=True,
    ),
    "awx_credential": StoreKind(
        _awx_credential_store, {**AWX_OPTIONS, **_REGISTRY}, required=(), on_rotator=True, tells_secret=False
    ),
    "vault_vars": StoreKind(
        _vault_vars_store,
        {**VAULT_VARS_OPTIONS, **_REGISTRY},
        required=("path", "variables"),
        on_rotator=True,
        is_file=True,
    ),
    "hashi_vault": StoreKind(_hashi_vault_store, {**VAULT_OPTIONS, **_REGISTRY}, on_rotator=True),
}

# The kinds that a declaration of the role may name. Only a play can include a task file.
ROLE_KINDS: dict[str, StoreKind] = {
    **KINDS,
    TASKS: StoreKind(task_file_store, TASK_FILE_OPTIONS, required=("tasks_file",), on_rotator=True, tells_secret=False),
}

# What a play's default cannot decide: which of these options were given.
_UNDECIDED = ("default", "required")


def _all_options(kinds: Mapping[str, StoreKind]) -> dict[str, Any]:
    merged: dict[str, Any] = {"kind": {"type": "str", "choices": list(kinds), "required": True}}
    for kind in kinds.values():
        for name, option in kind.options.items():
            merged.setdefault(name, {key: value for key, value in option.items() if key not in _UNDECIDED})
    return merged


# The options of one entry in a list of stores. Without defaults, so that a kind can refuse what has no effect on it.
STORE_OPTIONS: dict[str, Any] = _all_options(KINDS)
ROLE_STORE_OPTIONS: dict[str, Any] = _all_options(ROLE_KINDS)


def store_from_options(options: Mapping[str, Any], quay_host: str) -> Store:
    """The store that one entry of such a list names. Raises BadInput for invalid options."""
    name = options["kind"]
    kind = ROLE_KINDS[name]
    given = {option for option, value in options.items() if value not in (None, False)}
    without_effect = [option for option in ROLE_STORE_OPTIONS if option in given - {"kind"} - kind.options.keys()]
    if without_effect:
        raise BadInput(f"{', '.join(without_effect)} has no effect on a store of the kind {name}. Leave it out")
    missing = [option for option in kind.required if options.get(option) in (None, "")]
    if missing:
        raise BadInput(f"{', '.join(missing)} is missing: a store of the kind {name} needs it")
    return kind.build({**dict.fromkeys(ROLE_STORE_OPTIONS), **options}, quay_host)
