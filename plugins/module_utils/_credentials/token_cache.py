# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Tokens that lookups have requested: requested once in a process, and used again while they are valid."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Callable, Hashable

from .._module.context import ModuleContext
from .._quay.registry_auth import RegistryToken

# A token is not used again for less than this time.
_MIN_LIFETIME = timedelta(minutes=5)


class TokenCache:
    """The tokens of one process. Ansible runs each task of a host in a process of its own."""

    def __init__(self) -> None:
        self._process = 0
        self._tokens: dict[Hashable, tuple[RegistryToken, ModuleContext]] = {}

    def get(self, key: Hashable, request: Callable[[], tuple[RegistryToken, ModuleContext]]) -> str:
        """The token of this key, which ``request`` returns with the run that knows the time of its server."""
        if self._process != os.getpid():
            # What the parent process requested is that of other tasks.
            self._process, self._tokens = os.getpid(), {}
        kept = self._tokens.get(key)
        if kept is None or kept[0].expires_at - kept[1].client.now() < _MIN_LIFETIME:
            kept = self._tokens[key] = request()
        return kept[0].token
