# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Who holds the secret between two runs: the caller, or a file on the target (C(token_path))."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

from ansible_collections.tokensmith.quay.plugins.module_utils._credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import Record
from ansible_collections.tokensmith.quay.plugins.module_utils._store import Delivery
from ansible_collections.tokensmith.quay.plugins.module_utils._store_file import FileStore


class Caller:
    """The caller holds the secret: it comes in by an option and goes out by the return key C(token)."""

    keeps = False

    def __init__(self, secret: str | None, record: Record | None = None) -> None:
        self.secret = secret
        self.record = record

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Nothing has to be made ready."""
        yield

    def deliver(self, credential: Credential) -> None:
        """The caller takes it from the result."""

    def remove(self) -> None:
        """What the caller holds is his to forget."""


class TokenFile:
    """A file on the target holds the secret, alone, mode 0600; its record lies beside it."""

    keeps = True

    def __init__(self, path: str) -> None:
        self._store = FileStore(path, option="token_path")
        self._store.check()
        held = self._store.read()
        self.secret = held.secret
        self.record = held.record

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Claim the room for the new secret before it is minted."""
        with self._store.ready():
            yield

    def deliver(self, credential: Credential) -> None:
        """Write the secret whole, read it back, and write down what is known of it."""
        if credential.secret is not None:
            self._store.write(Delivery(credential.secret, record=credential.record()))

    def remove(self) -> None:
        """Remove the secret and its record."""
        self._store.remove()
