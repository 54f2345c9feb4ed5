# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A store on another machine: its state was inspected there, and what is written is handed over to be delivered there.

The play inspects the stores of its hosts, then asks Quay in one place, then delivers to its hosts. So the state of such
a store has no secret, only its fingerprint.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Sequence

from .._core.errors import LocalFileError
from .contract import Delivery, Store, StoredSecret
from .records import record_from_data, record_to_data
from .secret_file import SecretFile


@dataclass
class HandedOver:
    """What one machine has to write to, or remove from, one of its stores."""

    host: str
    options: Mapping[str, Any]  # of the store
    delivery: Delivery | None = field(repr=False)  # None: remove what is there
    present: str | None = None  # the fingerprint of what is to be removed

    def to_data(self) -> dict[str, Any]:
        """The options of one delivery of the module quay_host_delivery."""
        data: dict[str, Any] = {**self.options, "state": "present" if self.delivery else "absent"}
        if self.delivery is None:
            return {**data, "fingerprint": self.present}
        return {
            **data,
            "token": self.delivery.secret,
            "name": self.delivery.name,
            "username": self.delivery.username,
            **record_to_data(self.delivery.record),
        }


class HostStore:
    """One store of one other machine."""

    files: Sequence[SecretFile] = ()
    tells_secret = False

    def __init__(self, inspected: Mapping[str, Any]) -> None:
        """``inspected``: what ``inspection_of`` returned on that machine, with its name and the store's options."""
        self.host: str = inspected["host"]
        self.place = f"{self.host}:{inspected['place']}"
        self.part: str = inspected["part"] or ""
        self.entry: int = inspected["entry"]
        self.options: Mapping[str, Any] = inspected["options"]
        self.handed_over: HandedOver | None = None
        self._inspected = inspected

    def check(self, *, removing: bool = False) -> None:
        problem = self._inspected["error"]
        if problem and not (removing and self._inspected["foreign"]):
            raise LocalFileError(f"{self.host}: {problem}")

    def warnings(self) -> list[str]:
        return [f"{self.host}: {warning}" for warning in self._inspected["warnings"]]

    def read(self) -> StoredSecret:
        found = self._inspected
        return StoredSecret(
            record=record_from_data(found["record"]),
            username=found["username"],
            permissions_match=found["permissions_match"],
            foreign=found["foreign"],
            removable=found["removable"],
            untold=found["fingerprint"],
        )

    def matches(self, delivery: Delivery) -> bool:
        return self.read().compared_with(delivery.secret, record_required=True) == "current"

    @contextlib.contextmanager
    def prepare(self) -> Iterator[None]:
        """Nothing can be claimed on another machine. It was inspected, and it is checked again there."""
        yield

    def write(self, delivery: Delivery) -> None:
        self.handed_over = HandedOver(self.host, self.options, delivery)

    def remove(self) -> None:
        self.handed_over = HandedOver(self.host, self.options, None, self._inspected["fingerprint"])


def inspection_of(store: Store, *, removing: bool = False) -> dict[str, Any]:
    """The state of a store of this machine, without its secret: what HostStore takes.

    ``removing``: the store is to be cleared. A store that cannot be written has an ``error``.
    """
    stored, problem, warnings = StoredSecret(), None, []
    try:
        store.check(removing=removing)
    except LocalFileError as error:
        problem = str(error)
    # The state of a store that cannot be written may be readable: the play's other hosts depend on what it holds.
    with contextlib.suppress(LocalFileError):
        stored = store.read()
        warnings = store.warnings()
    record = stored.record
    return {
        "place": store.place,
        "part": store.part,
        "error": problem,
        "warnings": warnings,
        "fingerprint": stored.fingerprint,
        "username": stored.username,
        "record": {**record_to_data(record), "username": record.username} if record else None,
        "permissions_match": stored.permissions_match,
        "foreign": stored.foreign,
        "removable": stored.removable,
    }
