# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The kinds of stores, and how a play names them."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from .container_auth import container_auth_store
from .contract import Store
from .token_file import FILE_OPTIONS, file_store

# Each kind by its name in a play. A new kind is a new file in this folder and a line here.
KINDS: dict[str, Callable[[Mapping[str, Any], str], Store]] = {
    "file": file_store,
    "container_auth": container_auth_store,
}

# The options of one entry in a list of stores. Without defaults, so that a kind can refuse what has no effect on it.
STORE_OPTIONS: dict[str, Any] = {
    **{
        name: {key: value for key, value in option.items() if key != "default"} for name, option in FILE_OPTIONS.items()
    },
    "kind": {"type": "str", "choices": list(KINDS), "required": True},
    "registry": {"type": "str"},
}


def store_from_options(options: Mapping[str, Any], quay_host: str) -> Store:
    """The store that one entry of such a list names. Raises BadInput for invalid options."""
    return KINDS[options["kind"]](options, quay_host)
