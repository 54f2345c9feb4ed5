# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Who holds the secret between two runs: the caller, or stores on the target."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import Any, Iterator, Mapping, Sequence, Union

from .._core.credential import Credential
from .contract import Delivery, Store, StoredSecret
from .kinds import STORE_OPTIONS, store_of
from .records import RECORD_SUFFIX
from .secret_file import locked
from .token_file import FileStore

# The options that say who holds the secret; only one of them may be given.
HOLDER_OPTIONS: dict[str, Any] = {
    "current_token": {"type": "str", "no_log": True},
    "token_path": {"type": "path", "no_log": False},
    "deliver": {"type": "list", "elements": "dict", "options": STORE_OPTIONS},
}
HOLDER_CHOICES = [tuple(HOLDER_OPTIONS)]


def delivery_state(held: StoredSecret, secret: str | None, *, recorded: bool = False) -> str:
    """What a store holds beside the present secret: C(absent), C(current), C(other), C(unguarded) or C(unrecorded).

    C(unguarded) is the present secret in a file whose owner or permissions are not the wanted ones; C(unrecorded) lacks
    the record beside it, told only where ``recorded`` says that it matters.
    """
    if not held.secret:
        return "absent"
    if held.secret != secret:
        return "other"
    if not held.permissions_match:
        return "unguarded"
    return "current" if held.recorded or not recorded else "unrecorded"


class CallerHolder:
    """The caller holds the secret: it comes in by an option and goes out by the return key C(token)."""

    stores_secret = False

    def __init__(self, secret: str | None) -> None:
        self.held = [StoredSecret(secret)] if secret else []
        self.stores: list[Store] = []

    def __enter__(self) -> CallerHolder:
        return self

    def __exit__(self, *_exception: Any) -> None:
        """Nothing is held on to."""

    def needs_delivery(self, secret: str | None, *, recorded: bool = False) -> bool:
        """Whether the caller holds something else."""
        return any(held.secret != secret for held in self.held)

    @contextmanager
    def prepare(self, stores: Sequence[Store]) -> Iterator[None]:
        """Nothing has to be made ready."""
        yield

    def deliver(self, credential: Credential, stores: Sequence[Store]) -> None:
        """The caller takes it from the result."""

    def non_empty(self) -> list[tuple[Store, StoredSecret]]:
        """Return no store: the caller has none."""
        return []


class StoreHolder:
    """Stores on the target hold the secret. It goes into all of them, and is not returned."""

    stores_secret = True

    def __init__(self, stores: Sequence[Store], *, alone: bool = True) -> None:
        """``alone``: while in use, no other run handles these stores, so that two at once mint one secret only."""
        self.stores = list(stores)
        self.held: list[StoredSecret] = []
        places = [path for store in stores for path in (store.place, store.place + RECORD_SUFFIX)]
        self._lock = locked(places if alone else [])

    def __enter__(self) -> StoreHolder:
        """Read all stores; refuses, before anything is tried, a place that cannot be written."""
        for store in self.stores:
            store.check()
        self._lock.__enter__()
        self.held = [store.read() for store in self.stores]
        return self

    def __exit__(self, *exception: Any) -> None:
        self._lock.__exit__(*exception)

    def needs_delivery(self, secret: str | None, *, recorded: bool = False) -> bool:
        """Whether a store holds something else, or nothing, or lets others read it, or lost its record."""
        return not all(held.serves(secret, recorded=recorded) for held in self.held)

    def outdated(self, secret: str | None, *, recorded: bool = False) -> list[Store]:
        """The stores that do not hold this secret as they should."""
        return [s for s, held in zip(self.stores, self.held) if not held.serves(secret, recorded=recorded)]

    def describe(self, secret: str | None, *, recorded: bool = False) -> dict[str, str]:
        """For each place, how it holds this secret, in the words of ``delivery_state``."""
        words = (delivery_state(held, secret, recorded=recorded) for held in self.held)
        return dict(zip((store.place for store in self.stores), words))

    @contextmanager
    def prepare(self, stores: Sequence[Store]) -> Iterator[None]:
        """Claim what writing them needs, before a secret is minted."""
        with ExitStack() as stack:
            for store in stores:
                stack.enter_context(store.prepare())
            yield

    def deliver(self, credential: Credential, stores: Sequence[Store]) -> None:
        """Write the secret to them, each whole or not at all, and read each back."""
        if credential.secret is not None:
            delivery = Delivery(credential.secret, credential.username or "", credential.name, credential.record())
            for store in stores:
                store.write(delivery)

    def non_empty(self) -> list[tuple[Store, StoredSecret]]:
        """The stores that hold a secret, and what they hold."""
        return [(store, held) for store, held in zip(self.stores, self.held) if held.secret]


SecretHolder = Union[CallerHolder, StoreHolder]


def holder_from_options(params: Mapping[str, Any], *, check_mode: bool = False) -> SecretHolder:
    """The stores of C(deliver), the file of C(token_path), or the caller with his C(current_token)."""
    if params.get("deliver"):
        stores: list[Store] = [store_of(options, params["quay_host"]) for options in params["deliver"]]
        return StoreHolder(stores, alone=not check_mode)
    if params.get("token_path"):
        return StoreHolder([FileStore(params["token_path"], option="token_path")], alone=not check_mode)
    return CallerHolder(params.get("current_token") or None)
