# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records of delivered secrets: their written form, their merging, and the file that holds them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.permissions import Mode, Permissions
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.records import (
    RecordFile,
    merge_records,
    record_from_data,
    record_to_data,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import FINGERPRINT, RECORD
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import mode_of

RECORD_JSON = {
    "fingerprint": FINGERPRINT,
    "created_at": "2026-01-31T12:00:00Z",
    "expires_at": "2026-04-30T12:00:00Z",
    "uuid": "6e3a1d0c",
    "superseded": "a1,b2",
}
EMPTY_JSON = {"fingerprint": "f", "created_at": None, "expires_at": None, "uuid": None, "superseded": None}
LATER = datetime(2026, 2, 1, tzinfo=timezone.utc)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of the secret; its records are in the file beside it."""
    return tmp_path / "token"


@pytest.fixture
def records(path: Path) -> RecordFile:
    return RecordFile(str(path), "path", Permissions())


def write(records: RecordFile, key: str, record: Record) -> None:
    with records.file.prepare():
        records.write(key, record)


def file_of_records(path: Path) -> Path:
    return path.with_name("token.record.json")


def test_written_form() -> None:
    assert record_to_data(RECORD) == RECORD_JSON
    assert record_to_data(Record("f")) == EMPTY_JSON


@pytest.mark.parametrize(
    ("data", "record"),
    [
        (RECORD_JSON, RECORD),
        ({**RECORD_JSON, "more": 1}, RECORD),
        (EMPTY_JSON, Record("f")),
        ({"fingerprint": "f", "username": "acme+ci"}, Record("f", username="acme+ci")),
        ({"fingerprint": "f", "uuid": "", "superseded": "", "created_at": "soon", "username": ""}, Record("f")),
        ({**RECORD_JSON, "fingerprint": None}, None),
        ({**RECORD_JSON, "fingerprint": ""}, None),
        ({}, None),
        (None, None),
    ],
)
def test_record_of_its_written_form(data: Any, record: Record | None) -> None:
    assert record_from_data(data) == record


@pytest.mark.parametrize(
    ("new", "old", "result"),
    [
        (Record(FINGERPRINT), RECORD, RECORD),
        (Record(FINGERPRINT, uuid="new"), RECORD, replace(RECORD, uuid="new")),
        (Record("other"), RECORD, Record("other")),
        (Record("other"), None, Record("other")),
        (RECORD, Record(FINGERPRINT, LATER, LATER, "old", ("c3",)), RECORD),
        (Record("f"), Record("f", username="acme+ci"), Record("f", username="acme+ci")),
    ],
)
def test_merged_records(new: Record, old: Record | None, result: Record) -> None:
    """What is known from earlier counts for the same secret only, and does not replace what is known now."""
    assert merge_records(new, old) == result


def test_strategy_is_written_if_there_is_one() -> None:
    with_strategy = replace(RECORD, strategy="paired")
    assert record_to_data(with_strategy) == {**record_to_data(RECORD), "strategy": "paired"}
    assert record_from_data(record_to_data(with_strategy)) == with_strategy
    assert "strategy" not in record_to_data(RECORD)
    assert merge_records(RECORD, with_strategy).strategy == "paired"


def test_write_and_read(path: Path, records: RecordFile) -> None:
    write(records, "token", RECORD)
    assert records.read("token") == RECORD
    assert records.read("other") is None
    file = file_of_records(path)
    assert json.loads(file.read_text()) == {"token": {**RECORD_JSON, "username": None}}
    assert mode_of(file) == 0o600
    assert not path.exists()


def test_records_of_several_secrets(path: Path, records: RecordFile) -> None:
    write(records, "b.example.com", RECORD)
    write(records, "a.example.com", Record("f", username="acme+ci"))
    write(records, "b.example.com", Record("g"))
    assert records.read("a.example.com") == Record("f", username="acme+ci")
    assert records.read("b.example.com") == Record("g")
    assert list(json.loads(file_of_records(path).read_text())) == ["a.example.com", "b.example.com"]


def test_record_that_is_written_before_its_secret(path: Path, records: RecordFile) -> None:
    """Until then, the present secret has its record, too."""
    present, new = Record(fingerprint("present"), username="acme+a"), Record(fingerprint("new"), username="acme+b")
    with records.file.prepare():
        records.write("token", new, former=present)
    assert records.read("token") == new
    assert [records.read_for("token", secret) for secret in ("present", "new")] == [present, new]
    assert [records.read_for("token", secret) for secret in ("other", None)] == [new, new]
    with records.file.prepare():
        records.write("token", new, former=new)
    assert "former" not in json.loads(file_of_records(path).read_text())["token"]


@pytest.mark.parametrize("former", [None, "text", [], {}, {"uuid": "1"}])
def test_former_record_that_is_none(path: Path, records: RecordFile, former: Any) -> None:
    file_of_records(path).write_text(json.dumps({"token": {"fingerprint": "f", "former": former}}))
    assert records.read_for("token", "secret") == Record("f")


def test_remove(path: Path, records: RecordFile) -> None:
    write(records, "a", RECORD)
    write(records, "b", RECORD)
    records.remove("a")
    assert (records.read("a"), records.read("b")) == (None, RECORD)
    records.remove("b")
    assert not file_of_records(path).exists()
    records.remove("b")


@pytest.mark.parametrize("text", ["", "text", "[]", "3", "null", '{"token": 3}', '{"token": []}', '{"token": {'])
def test_file_that_holds_no_records(path: Path, records: RecordFile, text: str) -> None:
    """Without a record, the age of a secret is unknown. That is no error, and the next record replaces the file."""
    file_of_records(path).write_text(text)
    assert records.read("token") is None
    write(records, "token", RECORD)
    assert records.read("token") == RECORD


def test_symbolic_link_is_refused(path: Path, records: RecordFile) -> None:
    file_of_records(path).symlink_to(path)
    with pytest.raises(LocalFileError, match=r"^path: .*/token\.record\.json is a symbolic link"):
        write(records, "token", RECORD)


@pytest.mark.parametrize(("declared", "present"), [(None, 0o600), (Mode("0640", 0o640), 0o640)])
def test_new_record_has_the_mode_of_the_store(path: Path, declared: Mode | None, present: int) -> None:
    """As declared; else as the store has it, whatever an earlier record had."""
    records = RecordFile(str(path), "path", Permissions(declared))
    write(records, "token", RECORD)
    assert mode_of(file_of_records(path)) == present
    path.touch()
    path.chmod(0o644)
    write(records, "token", RECORD)
    assert mode_of(file_of_records(path)) == (0o640 if declared else 0o644)


def test_record_with_another_mode_than_the_store(path: Path, records: RecordFile) -> None:
    """It is reported like that of the store, so the next run repairs it."""
    path.touch()
    path.chmod(0o640)
    assert records.file.permissions_match()
    file_of_records(path).touch()
    file_of_records(path).chmod(0o600)
    assert not records.file.permissions_match()
    file_of_records(path).chmod(0o640)
    assert records.file.permissions_match()


def test_record_of_deeply_nested_json(path: Path, records: RecordFile) -> None:
    file_of_records(path).write_text("[" * 100000)
    assert records.read("token") is None
