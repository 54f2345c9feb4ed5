# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Who holds a credential's secret between two runs: stores, or the caller of the module. Both have one interface."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Protocol, Sequence

from .._core.credential import Credential
from .._core.errors import BadInput, QuayError, StoreError
from .._core.secret_input import clean_secret
from .contract import UP_TO_DATE, Delivery, Store, StoredSecret
from .host_store import HostStore
from .kinds import STORE_OPTIONS, store_from_options
from .locks import locked
from .places import places_of, real_path, shared_places, shown
from .task_file import TaskFileStore
from .token_file import FileStore

# The options that name the holder; at most one of them may be given.
HOLDER_OPTIONS: dict[str, Any] = {
    "current_token": {"type": "str", "no_log": True},
    "token_path": {"type": "path", "no_log": False},
    "deliver": {"type": "list", "elements": "dict", "options": STORE_OPTIONS},
}
HOLDER_CHOICES = [tuple(HOLDER_OPTIONS)]


@dataclass(frozen=True)
class Fleet:
    """The other machines that hold the secret.

    ``missing``: declared ones that were not seen in this run, so that they may hold any former secret.
    ``out_of_reach``: those that were seen in an earlier batch, and get no other secret in this run.
    ``proceeds``: do not wait for them. ``confirming``: the second look, after the delivery to the others.
    ``last``: the look after that, which delivers no more.
    ``unchanged``: that delivery wrote nothing new, so what was replaced was replaced by an earlier run.
    """

    missing: tuple[str, ...] = ()
    out_of_reach: tuple[str, ...] = ()
    proceeds: bool = False
    confirming: bool = False
    last: bool = False
    unchanged: bool = False


class SecretHolder(Protocol):
    """Holds the secret between two runs. Used as a context manager; ``stored`` is read when it is entered."""

    stores: list[Store]
    stored: list[StoredSecret]  # in the order of the stores, then of stores that are no longer used
    fleet: Fleet

    def __enter__(self) -> SecretHolder:
        """Read what is held, and keep other runs out."""

    def __exit__(self, *_exception: Any) -> None:
        """Let other runs in."""

    @property
    def in_use(self) -> list[StoredSecret]:
        """What is stored, without the stores that are no longer used."""

    @property
    def returns_secret(self) -> bool:
        """Whether the secret goes out by the return key ``token``."""

    def prepare(self, stores: Sequence[Store]) -> Any:
        """A context manager that claims what writing these stores needs, before a secret is minted."""

    def deliver(self, credential: Credential, stores: Sequence[Store]) -> None:
        """Write the secret to these stores, each completely or not at all, and read each back."""


class CallerHolder:
    """The caller holds the secret: it comes in by ``current_token`` and goes out by the return key ``token``."""

    returns_secret = True
    fleet = Fleet()

    def __init__(self, secret: str | None) -> None:
        self.stores: list[Store] = []
        self.stored = [StoredSecret(secret)] if secret else []

    @property
    def in_use(self) -> list[StoredSecret]:
        return self.stored

    def __enter__(self) -> CallerHolder:
        return self

    def __exit__(self, *_exception: Any) -> None:
        """Nothing is locked."""

    @contextmanager
    def prepare(self, stores: Sequence[Store]) -> Iterator[None]:
        yield

    def deliver(self, credential: Credential, stores: Sequence[Store]) -> None:
        """The caller takes it from the result."""


class StoreHolder:
    """Stores on the target hold the secret. It is written to all of them, and not returned."""

    returns_secret = False

    def __init__(
        self,
        stores: Sequence[Store],
        *,
        exclusive: bool = True,
        removing: bool = False,
        fleet: Fleet = Fleet(),
        former: Sequence[Store] = (),
    ) -> None:
        """``exclusive``: keep other runs away from these stores meanwhile, so that two at once mint one secret only.

        ``removing``: the stores are to be cleared. ``former``: stores that are no longer used, and may hold the secret.
        """
        _refuse_conflicts([*stores, *former])
        self.stores = list(stores)
        self.fleet = fleet
        self._former = list(former)
        self._removing = removing
        self.stored: list[StoredSecret] = []
        files = [file for store in [*stores, *former] for file in store.files]
        self._lock = locked(files if exclusive else [])
        self._held = ExitStack()

    def __enter__(self) -> StoreHolder:
        """Read all stores. Raises, before anything is sent, for a store that cannot be written."""
        for store in self.stores:
            with named_errors(store):
                store.check(removing=self._removing)
        with ExitStack() as stack:
            stack.enter_context(self._lock)
            self.stored = [_read(store) for store in [*self.stores, *self._former]]
            self._held = stack.pop_all()
        return self

    @property
    def in_use(self) -> list[StoredSecret]:
        return self.stored[: len(self.stores)]

    def __exit__(self, *exception: Any) -> None:
        self._held.__exit__(*exception)

    @contextmanager
    def prepare(self, stores: Sequence[Store]) -> Iterator[None]:
        with ExitStack() as stack:
            for store in stores:
                with named_errors(store):
                    stack.enter_context(store.prepare())
            yield

    def deliver(self, credential: Credential, stores: Sequence[Store]) -> None:
        if credential.secret is None:
            return
        delivery = Delivery(credential.secret, credential.username or "", credential.name, credential.record())
        failures: list[QuayError] = []
        for store in stores:
            try:
                with named_errors(store):
                    store.write(delivery)
            except QuayError as error:
                # The others must get the secret nevertheless: the former one may be invalid already.
                failures.append(error)
        messages = dict.fromkeys(map(str, failures))
        if len(messages) > 1:
            raise StoreError("; ".join(messages))
        if failures:
            raise failures[0]


@contextmanager
def named_errors(store: Store) -> Iterator[None]:
    """Name the store in errors of its server, which may name only a URL that several stores share."""
    try:
        yield
    except StoreError as error:
        kind = store.place.partition(" ")[0]
        if kind not in str(error):
            error.args = (f"{store.place}: {error}",)
        raise


def _read(store: Store) -> StoredSecret:
    with named_errors(store):
        return store.read()


def options_of_stores(params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The options of all stores: of ``deliver``, and of those that later tasks of the play write."""
    return [*(params.get("deliver") or ()), *(store.options for store in _elsewhere(params))]


def is_written_later(store: Store) -> bool:
    """Whether a later task of the play writes the store: on another machine, or by the user's own tasks."""
    return isinstance(store, (HostStore, TaskFileStore))


def _elsewhere(params: Mapping[str, Any]) -> Sequence[HostStore | TaskFileStore]:
    """The stores that later tasks write. Only the rotation of a fleet has them; no option of a module does."""
    return params.get("consumers") or ()


def outdated_stores(holder: SecretHolder, secret: str | None, *, record_required: bool) -> list[Store]:
    """The stores that do not hold this secret as declared."""
    return [
        store
        for store, stored in zip(holder.stores, holder.stored)
        if stored.compared_with(secret, record_required=record_required) not in UP_TO_DATE
    ]


def filled_stores(holder: SecretHolder) -> list[tuple[Store, StoredSecret]]:
    """The stores that hold a secret that can be removed, with what they hold."""
    held = zip(holder.stores, holder.stored)
    return [(store, stored) for store, stored in held if stored.fingerprint and stored.removable]


def holder_from_options(params: Mapping[str, Any], *, check_mode: bool = False) -> SecretHolder:
    """The stores of ``deliver``, the file of ``token_path``, or the caller with its ``current_token``."""
    stores: list[Store] = []
    if params.get("deliver"):
        stores = [store_from_options(options, params["quay_host"]) for options in params["deliver"]]
    elif params.get("token_path"):
        stores = [FileStore(params["token_path"], option="token_path")]
    stores += _elsewhere(params)
    if stores:
        fleet = params.get("fleet") or Fleet()
        removing, former = params.get("state") == "absent", params.get("former") or ()
        return StoreHolder(stores, exclusive=not check_mode, removing=removing, fleet=fleet, former=former)
    return CallerHolder(clean_secret(params.get("current_token"), "current_token"))


def _refuse_conflicts(stores: Sequence[Store]) -> None:
    """Raise BadInput if two stores write the same place: each run would replace what the other one wrote."""
    for first, second, place in shared_places([(store.place, places_of(store)) for store in stores]):
        if real_path(first) != real_path(second):
            raise BadInput(f"deliver: {first} and {second} both write {shown(place)}. Use another path for one of them")
        what = f" for {place.part}" if place.part else ""
        raise BadInput(f"deliver names {second}{what} twice. One place holds one credential: remove one")
