# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Records: what is kept beside a delivered secret, without the secret itself."""

from __future__ import annotations

import json
import os
from typing import Any, Mapping

from .._core.credential import Record
from .._core.times import format_time, parse_time
from .permissions import Permissions
from .secret_file import SecretFile

RECORD_SUFFIX = ".record.json"
_FORMER = "former"


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
        strategy=data.get("strategy") or None,
    )


def record_to_data(record: Record) -> dict[str, str | None]:
    """A record's written form, which holds no secret. The user name is not in it: most formats have their own place."""
    return {
        "fingerprint": record.fingerprint,
        "created_at": format_time(record.created_at),
        "expires_at": format_time(record.expires_at),
        "uuid": record.uuid,
        "superseded": ",".join(record.superseded) or None,
        **({"strategy": record.strategy} if record.strategy else {}),
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
        new.strategy or old.strategy,
    )


class RecordFile:
    """The records of a store whose own format has no place for them: a file beside it, one record per key.

    It gets the owner and mode of the store, so that whoever may deliver to the store may also write the record.
    """

    def __init__(self, store_path: str, option: str, permissions: Permissions, *, unsafe_writes: bool = False) -> None:
        self.file = SecretFile(
            store_path + RECORD_SUFFIX,
            option,
            permissions,
            unsafe_writes=unsafe_writes,
            follows=os.path.basename(store_path),
        )

    def read(self, key: str) -> Record | None:
        return record_from_data(self._read_all().get(key))

    def read_for(self, key: str, secret: str | None) -> Record | None:
        """The record of this secret, as far as there is one; else that of the delivery that was begun last."""
        data = self._read_all().get(key) or {}
        former = record_from_data(data.get(_FORMER)) if isinstance(data.get(_FORMER), dict) else None
        return former if former and former.fits(secret) else record_from_data(data)

    def write(self, key: str, record: Record, former: Record | None = None) -> None:
        """Add or replace one record. Only while the file is prepared.

        ``former``: the record of the present secret, if this one is written before its secret.
        """
        data: dict[str, Any] = _data_of(record)
        if former is not None and former.fingerprint != record.fingerprint:
            data[_FORMER] = _data_of(former)
        self.file.replace(_text({**self._read_all(), key: data}))

    def remove(self, key: str) -> None:
        """Remove one record, and the file with the last one."""
        others = {other: data for other, data in self._read_all().items() if other != key}
        if others:
            self.file.write(_text(others))
        else:
            self.file.remove()

    def _read_all(self) -> dict[str, Any]:
        try:
            data = json.loads(self.file.read() or "{}")
        except (ValueError, RecursionError):
            return {}
        return {key: value for key, value in data.items() if isinstance(value, dict)} if isinstance(data, dict) else {}


def _data_of(record: Record) -> dict[str, str | None]:
    return {**record_to_data(record), "username": record.username}


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2, sort_keys=True) + "\n"
