# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Secret as it is read, and what is applied to it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kubernetes_objects import (
    CREATED,
    RECORDS,
    Content,
    Snapshot,
    apply_body,
    other_owners,
    snapshot_of,
    written_record,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import RECORD, SECRET


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def owner(manager: str, operation: str, **fields: Any) -> dict[str, Any]:
    tree: dict[str, Any] = {f"f:{name}": {f"f:{key}": {} for key in keys} for name, keys in fields.items()}
    return {"manager": manager, "operation": operation, "fieldsV1": tree}


BODY: dict[str, Any] = {
    "type": "Opaque",
    "data": {"a": encoded("1"), "b": encoded("2"), "c": encoded("3")},
    "metadata": {
        "uid": "u1",
        "resourceVersion": "77",
        "labels": {"team": "x"},
        "annotations": {RECORDS: json.dumps({"b": {"keys": ["b"], "fingerprint": "0"}}), CREATED: "true"},
        "managedFields": [
            {
                "manager": "tokensmith.quay",
                "operation": "Apply",
                "fieldsV1": {"f:data": {"f:b": {}}, "f:metadata": {"f:labels": {"f:team": {}}}},
            },
            owner("kubectl-edit", "Update", data=["a"]),
        ],
    },
}
CONTENT = Content("a", "Opaque", {"a": b"new"}, {"keys": ["a"]}, {"own": "1"}, {"note": "n"})


def test_snapshot() -> None:
    snapshot = snapshot_of(BODY)
    assert (snapshot.exists, snapshot.uid, snapshot.version, snapshot.secret_type) == (True, "u1", "77", "Opaque")
    assert (snapshot.immutable, snapshot.deleting) == (False, False)
    assert snapshot.data == {"a": b"1", "b": b"2", "c": b"3"}
    assert snapshot.other_keys("a") == {"b": "b"}
    assert snapshot.keys_of("b") == ["b"]
    assert "1" not in repr(snapshot.data.keys())
    assert "b'2'" not in repr(snapshot)


def test_empty_secret_has_no_data() -> None:
    assert snapshot_of({"metadata": {}}) == Snapshot(exists=True, secret_type="Opaque")


@pytest.mark.parametrize("text", ["", "[1]", "{", "null", '{"a": 1}'])
def test_records_that_are_none(text: str) -> None:
    assert Snapshot(annotations={RECORDS: text}).records == {}


def test_apply_repeats_what_belongs_to_others_and_is_guarded() -> None:
    """The keys and labels of the other credential would be removed if they were left out. Foreign keys stay anyway."""
    body = apply_body(snapshot_of(BODY), "pull", "ci", CONTENT)
    assert body["data"] == {"a": encoded("new"), "b": encoded("2")}
    assert body["metadata"] == {
        "name": "pull",
        "namespace": "ci",
        "uid": "u1",
        "resourceVersion": "77",
        "labels": {"team": "x", "own": "1"},
        "annotations": {
            "note": "n",
            CREATED: "true",
            RECORDS: json.dumps({"a": {"keys": ["a"]}, "b": {"fingerprint": "0", "keys": ["b"]}}, sort_keys=True),
        },
    }
    assert "immutable" not in body


def test_apply_to_a_missing_secret_cannot_hit_one_that_was_created_meanwhile() -> None:
    metadata = apply_body(Snapshot(), "pull", "ci", CONTENT)["metadata"]
    assert metadata["resourceVersion"] == "1"
    assert "uid" not in metadata
    assert metadata["annotations"][CREATED] == "true"


def test_last_credential_leaves_no_annotation() -> None:
    only = snapshot_of({"metadata": {"uid": "u", "annotations": {RECORDS: '{"a": {"keys": ["a"]}}'}}})
    body = apply_body(only, "pull", "ci", Content("a", "Opaque", {}, None))
    assert (body["data"], body["metadata"]["annotations"], body["metadata"]["labels"]) == ({}, {}, {})


def test_owners_of_what_would_change() -> None:
    managers = [
        owner("argocd", "Apply", data=["a"]),
        owner("kubectl-edit", "Update", data=["a"]),
        owner("kubectl-client-side-apply", "Update", data=["a"]),
        owner("same-value", "Apply", data=["b"]),
        owner("tokensmith.quay", "Apply", data=["a"]),
    ]
    snapshot = snapshot_of({**BODY, "metadata": {**BODY["metadata"], "managedFields": managers}})
    assert other_owners(snapshot, apply_body(snapshot, "pull", "ci", CONTENT)) == [
        ("argocd", "data a", True),
        ("kubectl-edit", "data a", False),
        ("kubectl-client-side-apply", "data a", True),
    ]


def test_owner_of_a_label() -> None:
    entry = {"manager": "helm", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {"f:own": {}}}}}
    snapshot = snapshot_of({"metadata": {"labels": {"own": "2"}, "managedFields": [entry]}})
    assert other_owners(snapshot, apply_body(snapshot, "pull", "ci", CONTENT)) == [("helm", "label own", True)]


def test_record_holds_no_secret() -> None:
    record = written_record(RECORD, "nightly", ["b", "a"])
    assert record == {
        "name": "nightly",
        "fingerprint": "bfc7212b0943",
        "created_at": "2026-01-31T12:00:00Z",
        "expires_at": "2026-04-30T12:00:00Z",
        "uuid": "6e3a1d0c",
        "superseded": "a1,b2",
        "keys": ["a", "b"],
    }
    assert SECRET not in json.dumps(record)
    snapshot = Snapshot(annotations={RECORDS: json.dumps({"p": record})})
    assert snapshot.record("p") == RECORD
