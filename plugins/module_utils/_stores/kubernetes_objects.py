# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A Kubernetes Secret as it was read, and what is applied to it. Pure.

The collection applies with a field manager of its own. An annotation keeps the record of each credential in the
Secret, with the keys of ``data`` that belong to it. An apply removes what the manager applied before and leaves out
now, so each body repeats what belongs to the other credentials.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Sequence

from .._core.credential import Record
from .records import record_from_data, record_to_data

MANAGER = "tokensmith.quay"
ANNOTATION_PREFIX = "tokensmith.quay/"
RECORDS = f"{ANNOTATION_PREFIX}records"
# Marks a Secret that the collection created, and may delete with the last credential in it.
CREATED = f"{ANNOTATION_PREFIX}created"

MAX_DATA_BYTES = 1024 * 1024

# No object ever has this version: an apply with it creates a Secret, and is refused if there is one by now.
_NO_VERSION = "1"
# It updates, and writes the content back that it applied before.
_CLIENT_SIDE_APPLY = "kubectl-client-side-apply"


@dataclass(frozen=True)
class Snapshot:
    """A Secret as it was read. ``data`` is decoded."""

    exists: bool = False
    uid: str = ""
    version: str = ""
    secret_type: str = ""
    immutable: bool = False
    deleting: bool = False
    data: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    managers: Sequence[Mapping[str, Any]] = ()

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """The written records of the credentials in the Secret, by the part that each writes."""
        try:
            found = json.loads(self.annotations.get(RECORDS) or "{}")
        except (ValueError, RecursionError):
            return {}
        return {key: item for key, item in found.items() if isinstance(item, dict)} if isinstance(found, dict) else {}

    def record(self, part: str) -> Record | None:
        return record_from_data(self.records.get(part))

    def keys_of(self, part: str) -> list[str]:
        """The keys of ``data`` that were written for this part."""
        keys = self.records.get(part, {}).get("keys")
        return [str(key) for key in keys] if isinstance(keys, list) else []

    def other_keys(self, part: str) -> dict[str, str]:
        """The keys of ``data`` that belong to other credentials, each with the part that it belongs to."""
        return {key: other for other in self.records if other != part for key in self.keys_of(other)}


@dataclass(frozen=True)
class Content:
    """What one credential puts into a Secret."""

    part: str
    secret_type: str
    data: Mapping[str, bytes] = field(repr=False)
    record: Mapping[str, Any] | None  # None to remove it
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    immutable: bool = False


def snapshot_of(body: Mapping[str, Any]) -> Snapshot:
    """The Secret in a response of the API server."""
    metadata = body.get("metadata") or {}
    return Snapshot(
        exists=True,
        uid=str(metadata.get("uid") or ""),
        version=str(metadata.get("resourceVersion") or ""),
        secret_type=str(body.get("type") or "Opaque"),
        immutable=bool(body.get("immutable")),
        deleting=bool(metadata.get("deletionTimestamp")),
        data={key: _decoded(value) for key, value in (body.get("data") or {}).items()},
        labels=dict(metadata.get("labels") or {}),
        annotations=dict(metadata.get("annotations") or {}),
        managers=tuple(entry for entry in metadata.get("managedFields") or () if isinstance(entry, dict)),
    )


def written_record(record: Record, name: str, keys: Sequence[str]) -> dict[str, Any]:
    """The record as it is kept in the annotation. It holds no secret."""
    data = {"name": name or None, **record_to_data(record), "username": record.username, "keys": sorted(keys)}
    return {key: value for key, value in data.items() if value is not None}


def apply_body(snapshot: Snapshot, name: str, namespace: str, content: Content) -> dict[str, Any]:
    """The object to apply, guarded by the version that was read."""
    records = {part: item for part, item in snapshot.records.items() if part != content.part}
    data = {key: snapshot.data[key] for key in snapshot.other_keys(content.part) if key in snapshot.data}
    # Labels of other credentials in the Secret cannot be told apart from former ones of this credential.
    labels = {**(_owned(snapshot, "f:labels", snapshot.labels) if records else {}), **content.labels}
    annotations = {**(_owned(snapshot, "f:annotations", snapshot.annotations) if records else {})}
    annotations.pop(RECORDS, None)
    annotations.update(content.annotations)
    if content.record is not None:
        records[content.part] = dict(content.record)
    if records:
        annotations[RECORDS] = json.dumps(records, sort_keys=True)
    if not snapshot.exists or snapshot.annotations.get(CREATED):
        annotations[CREATED] = "true"
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "labels": labels,
        "annotations": annotations,
        "resourceVersion": snapshot.version if snapshot.exists else _NO_VERSION,
    }
    if snapshot.exists:
        metadata["uid"] = snapshot.uid
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": content.secret_type,
        "data": {key: _encoded(value) for key, value in {**data, **content.data}.items()},
    }
    return {**body, "immutable": True} if content.immutable else body


def size_of(body: Mapping[str, Any]) -> int:
    """The bytes of ``data``, as the server counts them."""
    return sum(len(_decoded(value)) for value in body["data"].values())


def other_owners(snapshot: Snapshot, body: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """The managers of fields that an apply would change: manager, field, and whether it would restore its own value."""
    metadata = body["metadata"]
    changes = [
        *_changes(("f:data",), "data", body["data"], {key: _encoded(item) for key, item in snapshot.data.items()}),
        *_changes(("f:metadata", "f:labels"), "label", metadata["labels"], snapshot.labels),
        *_changes(("f:metadata", "f:annotations"), "annotation", metadata["annotations"], snapshot.annotations),
    ]
    return [
        (str(entry.get("manager")), label, _restores(entry))
        for entry in snapshot.managers
        if not _is_ours(entry)
        for path, label in changes
        if _has_field(entry, path)
    ]


def _changes(
    path: tuple[str, ...], label: str, desired: Mapping[str, str], present: Mapping[str, str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, value in desired.items():
        if key in present and present[key] != value:
            yield (*path, f"f:{key}"), f"{label} {key}"


def _restores(entry: Mapping[str, Any]) -> bool:
    return entry.get("operation") == "Apply" or entry.get("manager") == _CLIENT_SIDE_APPLY


def _is_ours(entry: Mapping[str, Any]) -> bool:
    return entry.get("manager") == MANAGER and entry.get("operation") == "Apply"


def _has_field(entry: Mapping[str, Any], path: Sequence[str]) -> bool:
    node: Any = entry.get("fieldsV1")
    for step in path:
        if not isinstance(node, dict) or step not in node:
            return False
        node = node[step]
    return True


def _owned(snapshot: Snapshot, kind: str, present: Mapping[str, str]) -> dict[str, str]:
    """The labels or annotations that the collection applied."""
    ours = [entry for entry in snapshot.managers if _is_ours(entry)]
    return {
        key: value
        for key, value in present.items()
        if any(_has_field(entry, ("f:metadata", kind, f"f:{key}")) for entry in ours)
    }


def _decoded(value: Any) -> bytes:
    try:
        return base64.b64decode(value or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        return b""


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
