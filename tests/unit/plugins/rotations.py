# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake issuer and fake stores for the tests of rotation. All of them write what they do into one list of events."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.evaluation import Observation
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.rotation_order import Minted
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import Delivery, StoredSecret
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.secret_file import SecretFile
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay


def module_context(
    quay: FakeQuay,
    warnings: list[str] | None = None,
    *,
    auth: Any = None,
    check_mode: bool = False,
    params: Mapping[str, Any] | None = None,
) -> ModuleContext:
    """One run of a module that talks to this Quay, without retries. Its warnings are added to ``warnings``."""
    client = quay.client(auth, retries=0)
    return ModuleContext(dict(params or {}), check_mode, [] if warnings is None else warnings, client)


def stored_secret(secret: str, username: str | None = None, **record: Any) -> StoredSecret:
    """A secret that a store holds together with the record of its delivery."""
    return StoredSecret(secret, Record(fingerprint(secret), username=username, **record), username)


class FakeStore:
    """A store that holds ``stored``. It can fail in any of its steps."""

    part = ""
    files: Sequence[SecretFile] = ()
    tells_secret = True

    def __init__(
        self,
        place: str,
        events: list[str],
        stored: StoredSecret | None = None,
        *,
        fails: Mapping[str, Exception] | None = None,
        warnings: Sequence[str] = (),
        tells_secret: bool = True,
    ) -> None:
        """``fails``: the exception of a step: check, prepare, write or remove."""
        self.tells_secret = tells_secret
        self.place = place
        self.deliveries: list[Delivery] = []
        self._events = events
        self._stored = stored or StoredSecret()
        self._fails = fails or {}
        self._warnings = warnings

    def check(self, *, removing: bool = False) -> None:
        self._fail("check")

    def warnings(self) -> list[str]:
        return list(self._warnings)

    def read(self) -> StoredSecret:
        return self._stored

    def matches(self, delivery: Delivery) -> bool:
        raise AssertionError("a rotation compares what it has read")

    @contextmanager
    def prepare(self) -> Iterator[None]:
        self._events.append(f"prepare {self.place}")
        self._fail("prepare")
        yield
        self._events.append(f"release {self.place}")

    def write(self, delivery: Delivery) -> None:
        self._events.append(f"write {self.place}")
        self._fail("write")
        self.deliveries.append(delivery)

    def remove(self) -> None:
        self._events.append(f"remove {self.place}")
        self._fail("remove")

    def _fail(self, step: str) -> None:
        if step in self._fails:
            raise self._fails[step]


class FakeIssuer:
    """An issuer that observes, prepares and mints what a test says."""

    def __init__(
        self,
        events: list[str],
        observation: Observation,
        *,
        proven: Observation | None = None,
        prepared: Observation | Exception | None = None,
        minted: Minted | Exception | None = None,
        fails_to_retire: Mapping[str, Exception] | None = None,
        changes_quay: bool = True,
        secret_is_readable: bool = False,
        record_required: bool = False,
    ) -> None:
        self.changes_quay = changes_quay
        self.secret_is_readable = secret_is_readable
        self.record_required = record_required
        self.invalidates = record_required
        self.stored: Sequence[StoredSecret] | None = None  # as observe got it
        self.prepared_from: Observation | None = None
        self.minted_from: Observation | None = None
        self._events = events
        self._observation = observation
        self._proven = proven
        self._prepared = prepared
        self._minted = minted
        self._fails_to_retire = fails_to_retire or {}

    def observe(self, stored: Sequence[StoredSecret], *, proven: bool = False) -> Observation:
        self._events.append("prove" if proven else "observe")
        self.stored = list(stored)
        return self._proven if proven and self._proven is not None else self._observation

    def prepare(self, observation: Observation) -> Observation:
        self._events.append("prepare")
        self.prepared_from = observation
        if isinstance(self._prepared, Exception):
            raise self._prepared
        return self._prepared or observation

    def mint(self, observation: Observation) -> Minted:
        self._events.append("mint")
        self.minted_from = observation
        if isinstance(self._minted, Exception):
            raise self._minted
        assert self._minted is not None, "nothing should be minted"
        return self._minted

    def retire(self, handle: str) -> None:
        self._events.append(f"retire {handle}")
        if handle in self._fails_to_retire:
            raise self._fails_to_retire[handle]
