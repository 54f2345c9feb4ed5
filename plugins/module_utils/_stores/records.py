# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Records: what is kept beside a delivered secret, without the secret itself."""

from __future__ import annotations

import json
from typing import Any, Mapping

from .._core.credential import Record
from .._core.times import format_time, parse_time
from .secret_file import read_text, remove, write_text

RECORD_SUFFIX = ".record.json"


def record_from_data(data: Mapping[str, Any] | None) -> Record | None:
    """A record from its written form; None for anything else."""
    if not data or not data.get("fingerprint"):
        return None
    return Record(
        fingerprint=str(data["fingerprint"]),
        created_at=parse_time(data.get("created_at")),
        expires_at=parse_time(data.get("expires_at")),
        uuid=data.get("uuid") or None,
        superseded=tuple(str(data.get("superseded") or "").split(",")) if data.get("superseded") else (),
        username=data.get("username") or None,
    )


def record_to_data(record: Record) -> dict[str, str | None]:
    """A record's written form, which holds no secret. The user name is not in it: most formats have their own place."""
    return {
        "fingerprint": record.fingerprint,
        "created_at": format_time(record.created_at),
        "expires_at": format_time(record.expires_at),
        "uuid": record.uuid,
        "superseded": ",".join(record.superseded) or None,
    }


def merge_records(new: Record, old: Record | None) -> Record:
    """The new record, completed from an older one of the same secret."""
    if old is None or old.fingerprint != new.fingerprint:
        return new
    return Record(
        new.fingerprint,
        new.created_at or old.created_at,
        new.expires_at or old.expires_at,
        new.uuid or old.uuid,
        new.superseded or old.superseded,
        new.username or old.username,
    )


class RecordFile:
    """The records of a store whose own format has no place for them: a file beside it, one record per key."""

    def __init__(self, path: str, option: str) -> None:
        self._path = path + RECORD_SUFFIX
        self._option = option

    def read(self, key: str) -> Record | None:
        return record_from_data(self._read_all().get(key))

    def write(self, key: str, record: Record) -> None:
        self._save({**self._read_all(), key: {**record_to_data(record), "username": record.username}})

    def remove(self, key: str) -> None:
        others = {other: data for other, data in self._read_all().items() if other != key}
        if others:
            self._save(others)
        else:
            remove(self._path, self._option)

    def _read_all(self) -> dict[str, Any]:
        try:
            data = json.loads(read_text(self._path, self._option) or "{}")
        except ValueError:
            return {}
        return {key: value for key, value in data.items() if isinstance(value, dict)} if isinstance(data, dict) else {}

    def _save(self, data: Mapping[str, Any]) -> None:
        write_text(self._path, json.dumps(data, indent=2, sort_keys=True) + "\n", self._option)
