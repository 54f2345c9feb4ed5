# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""One Secret in one namespace of a Kubernetes cluster: what is there, what prevents a write, and the write."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import Any, Iterator, Mapping

from .._core.errors import StoreError
from .contract import Delivery, StoredSecret
from .kubernetes_client import Unanswered
from .kubernetes_forms import PLACEHOLDER, DockerConfig, Form
from .kubernetes_objects import (
    CREATED,
    MAX_DATA_BYTES,
    RECORDS,
    Content,
    Snapshot,
    apply_body,
    other_owners,
    size_of,
    written_record,
)
from .kubernetes_requests import SecretRequests
from .records import merge_records

# How often a write is tried while others change the Secret at the same moment.
_ATTEMPTS = 10
# Seconds to wait after an answer that is missing or does not tell whether the write was carried out.
_PAUSES = (1.0, 2.0, 4.0)


class NamespacedSecret:
    """The Secret in one namespace. What others keep in it stays."""

    def __init__(
        self,
        requests: SecretRequests,
        form: Form,
        secret_type: str,
        *,
        labels: Mapping[str, str],
        annotations: Mapping[str, str],
        force: bool,
    ) -> None:
        self.namespace = requests.namespace
        self._requests = requests
        self._form = form
        self._type = secret_type
        self._labels = labels
        self._annotations = annotations
        self._force = force
        self._known: Snapshot | None = None  # what check() read, until it is used

    def check(self, *, removing: bool) -> None:
        """Raise for what would refuse a write. The server validates it without carrying it out."""
        for _attempt in range(_ATTEMPTS):
            snapshot = self._known = self._requests.read()
            with self._naming():
                if self._clear(snapshot, dry_run=True) if removing else self._rehearse(snapshot):
                    return
        raise self._changing()

    def warnings(self) -> list[str]:
        snapshot = self._snapshot()
        if not isinstance(self._form, DockerConfig):
            return []
        with self._naming():
            aliases = self._form.aliases(snapshot.data)
        return [
            f"{self._requests.place} has another entry for the same registry, {alias}. Nodes may use its login. Remove "
            "it if it is out of use."
            for alias in aliases
        ]

    def read(self) -> StoredSecret:
        snapshot = self._snapshot()
        with self._naming():
            if not self._form.present(snapshot.data):
                return StoredSecret()
            if self._is_foreign(snapshot):
                return StoredSecret(foreign=True)
            username, secret = self._form.login(snapshot.data)
        record = snapshot.record(self._form.part)
        if username is None and record is not None and record.fits(secret):
            username = record.username
        return StoredSecret(secret, record, username, self._as_declared(snapshot))

    def holds(self, delivery: Delivery) -> bool:
        return self._holds(self._snapshot(), delivery)

    def prepare(self) -> None:
        """Read the version that the write is guarded by."""
        with self._naming():
            self._require_writable(self._snapshot())

    def write(self, delivery: Delivery) -> None:
        """Write and read back. An apply is repeated only for the version that it was made for."""
        first = snapshot = self._snapshot()
        self._known = None
        pauses, immutable = iter(_PAUSES), False
        for _attempt in range(_ATTEMPTS):
            with self._naming():
                self._require_same(first, snapshot)
                self._require_writable(snapshot)
                self._require_no_owner(snapshot, self._body(snapshot, delivery))
                if self._must_recreate(snapshot):
                    immutable = snapshot.immutable
                    snapshot = first = self._delete(snapshot, pauses)
                body = self._body(snapshot, delivery, immutable=immutable)
            applied = self._apply(body, snapshot, pauses)
            snapshot = self._look(pauses)
            if self._holds(snapshot, delivery):
                self._known = snapshot
                return
            if applied:
                raise StoreError(
                    f"{self._requests.place} does not hold what was written. Something else writes it: compare "
                    "managedFields of the Secret"
                )
        raise self._changing()

    def remove(self) -> None:
        """Remove the credential. What is unclear is looked at again."""
        pauses = iter(_PAUSES)
        snapshot = self._snapshot()
        self._known = None
        for _attempt in range(_ATTEMPTS):
            with self._naming():
                try:
                    if self._clear(snapshot, dry_run=False):
                        return
                except Unanswered as error:
                    _wait(pauses, error)
            snapshot = self._look(pauses)
        raise self._changing()

    def _rehearse(self, snapshot: Snapshot) -> bool:
        """Let the server validate a write; false if the Secret changed meanwhile."""
        self._require_writable(snapshot)
        body = self._body(snapshot, PLACEHOLDER)
        self._require_no_owner(snapshot, body)
        if self._must_recreate(snapshot):
            return self._requests.delete(snapshot, dry_run=True)
        return self._requests.apply(body, force=snapshot.exists, dry_run=True)

    def _apply(self, body: Mapping[str, Any], snapshot: Snapshot, pauses: Iterator[float]) -> bool:
        """Apply once; false if the Secret changed, or if only a look shows whether the apply was carried out."""
        try:
            # The version that was read guards what is taken over from other managers.
            return self._requests.apply(body, force=snapshot.exists)
        except Unanswered as error:
            _wait(pauses, error)
            return False

    def _look(self, pauses: Iterator[float]) -> Snapshot:
        while True:
            try:
                return self._requests.read()
            except Unanswered as error:
                _wait(pauses, error)

    def _delete(self, snapshot: Snapshot, pauses: Iterator[float]) -> Snapshot:
        """Delete the Secret so that it can be created again."""
        try:
            self._requests.delete(snapshot)
        except Unanswered as error:
            _wait(pauses, error)
            found = self._look(pauses)
            if found.exists:
                raise
        return Snapshot()

    # --- what is there

    def _snapshot(self) -> Snapshot:
        self._known = self._known or self._requests.read()
        return self._known

    def _is_foreign(self, snapshot: Snapshot) -> bool:
        """Whether somebody else wrote what is in the place of the credential."""
        return self._form.present(snapshot.data) and snapshot.record(self._form.part) is None and not self._force

    def _as_declared(self, snapshot: Snapshot) -> bool:
        return (
            snapshot.secret_type == self._type
            and self._form.as_declared(snapshot.data)
            and self._labels.items() <= snapshot.labels.items()
            and self._annotations.items() <= snapshot.annotations.items()
        )

    def _holds(self, snapshot: Snapshot, delivery: Delivery) -> bool:
        if not snapshot.exists:
            return False
        with self._naming():
            desired = self._form.write(snapshot.data, delivery)
        record = snapshot.record(self._form.part)
        return (
            self._as_declared(snapshot)
            and all(snapshot.data.get(key) == value for key, value in desired.items())
            and record is not None
            and record.fits(delivery.secret)
        )

    # --- what prevents a write

    def _require_writable(self, snapshot: Snapshot) -> None:
        if not snapshot.exists:
            return
        if snapshot.deleting:
            raise StoreError("it is being deleted, and something holds it back (finalizers). Wait, or remove them")
        other = snapshot.other_keys(self._form.part)
        shared = [key for key in getattr(self._form, "keys", ()) if key in other]
        if shared:
            raise StoreError(f"{shared[0]} belongs to another credential of this collection. Choose other keys")
        if self._is_foreign(snapshot):
            raise StoreError(
                f"it already holds {self._form.part}, which this collection did not write. Set force: true to replace "
                "it, or use another Secret"
            )
        fixed = self._fixed(snapshot)
        if fixed and not self._force:
            raise StoreError(
                f"{fixed}, which cannot be changed. Delete the Secret, or use another one. With force: true, it is "
                "deleted and created again if it holds nothing else"
            )
        if fixed:
            others = self._others(snapshot)
            if others:
                raise StoreError(
                    f"{fixed}, and it also holds {', '.join(others[:5])}, which would be lost if it were created "
                    "again. Use another Secret"
                )

    def _fixed(self, snapshot: Snapshot) -> str:
        """Why the Secret cannot be changed; empty if it can."""
        if snapshot.immutable:
            return "it is immutable"
        if snapshot.exists and snapshot.secret_type != self._type:
            return f"its type is {snapshot.secret_type} instead of {self._type}"
        return ""

    def _must_recreate(self, snapshot: Snapshot) -> bool:
        return bool(self._fixed(snapshot)) and self._force

    def _others(self, snapshot: Snapshot) -> list[str]:
        """What the Secret holds in addition to the credential."""
        part = self._form.part
        own = {*snapshot.keys_of(part), *self._form.write({}, PLACEHOLDER)}
        own_annotations = {RECORDS, CREATED, *self._annotations}
        return [
            *(self._form.others(snapshot.data) if snapshot.secret_type == self._type else []),
            *(f"the credential {other}" for other in snapshot.records if other != part),
            *(f"the key {key}" for key in snapshot.data if key not in own),
            *(f"the label {key}" for key in snapshot.labels if key not in self._labels),
            *(f"the annotation {key}" for key in snapshot.annotations if key not in own_annotations),
        ]

    def _require_same(self, first: Snapshot, snapshot: Snapshot) -> None:
        """Raise if somebody else wrote the credential's own place since it was read."""
        if snapshot is first or not self._form.present(snapshot.data):
            return
        places = [(self._form.login(each.data), each.records.get(self._form.part)) for each in (first, snapshot)]
        if places[0] != places[1]:
            raise StoreError(
                f"somebody else wrote {self._form.part} at the same moment. It was not replaced. Run the task again, "
                "and let only one job deliver to it"
            )

    def _require_no_owner(self, snapshot: Snapshot, body: Mapping[str, Any]) -> None:
        """Raise if somebody else applies the same fields, and would restore them."""
        owners = [(manager, label) for manager, label, restores in other_owners(snapshot, body) if restores]
        if owners and not self._force:
            manager, label = owners[0]
            raise StoreError(
                f"its {label} is applied by the field manager {manager}, which would replace what is written, or fail. "
                "Deliver to another Secret, remove the field from what that manager applies, or set force: true to "
                "take it over"
            )

    # --- what is written

    def _body(self, snapshot: Snapshot, delivery: Delivery, *, immutable: bool = False) -> dict[str, Any]:
        base = Snapshot() if self._must_recreate(snapshot) else snapshot
        data = self._form.write(base.data, delivery)
        record = merge_records(
            replace(delivery.record, username=delivery.username or None), snapshot.record(self._form.part)
        )
        content = Content(
            self._form.part,
            self._type,
            data,
            written_record(record, delivery.name, list(data)),
            self._labels,
            self._annotations,
            immutable=immutable,
        )
        body = apply_body(base, self._requests.name, self.namespace, content)
        present = {key: value for key, value in base.data.items() if key not in body["data"]}
        if size_of(body) + sum(map(len, present.values())) > MAX_DATA_BYTES:
            raise StoreError("with the credential, its data would be larger than 1 MiB, the limit of Kubernetes")
        return body

    def _clear(self, snapshot: Snapshot, *, dry_run: bool) -> bool:
        """Remove the credential, and the Secret with the last one if the collection created it.

        Returns false if the Secret changed meanwhile.
        """
        if not self._form.present(snapshot.data) or self._is_foreign(snapshot) or snapshot.deleting:
            return True
        kept = self._form.remove(snapshot.data)
        unused = snapshot.annotations.get(CREATED) and not self._others_but_metadata(snapshot)
        if unused and self._requests.delete(snapshot, dry_run=dry_run, may_be_denied=True):
            return True
        if snapshot.immutable:
            raise StoreError("it is immutable, so the credential cannot be removed from it. Delete the Secret")
        content = Content(self._form.part, snapshot.secret_type, kept, None)
        body = apply_body(snapshot, self._requests.name, self.namespace, content)
        self._require_no_owner(snapshot, body)
        return self._requests.apply(body, force=True, dry_run=dry_run)

    def _changing(self) -> StoreError:
        return StoreError(
            f"{self._requests.place} was changed by others during each of {_ATTEMPTS} attempts to write it"
        )

    def _others_but_metadata(self, snapshot: Snapshot) -> list[str]:
        return [each for each in self._others(snapshot) if not each.startswith(("the label ", "the annotation "))]

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        """Name the Secret in errors that describe it."""
        try:
            yield
        except StoreError as error:
            words = str(error)
            if words.startswith(self._requests.place) or isinstance(error, Unanswered):
                raise
            raise StoreError(f"{self._requests.place}: {words}") from None


def _wait(pauses: Iterator[float], error: Unanswered) -> None:
    """Wait for the next look. Raises the error if it was the last one."""
    pause = next(pauses, None)
    if pause is None:
        raise Unanswered(f"{error}. It is unknown whether it was carried out. Run the task again")
    time.sleep(pause)
