# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The record of a delivered secret in the custom metadata of a KV secret, or in a key of the secret itself. Pure.

Each secret has a record of its own, named by its fingerprint. So the record of a new secret can be written before the
secret, while that of the present one stays.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, Mapping

from .._core.credential import Record
from .records import record_from_data, record_to_data

# What Vault and OpenBao accept as custom metadata: bytes of a value, and number of keys.
_MAX_VALUE = 512
MAX_METADATA_KEYS = 64
# Keys that are needed for the record of the present secret and for that of a new one.
RESERVED_METADATA_KEYS = 6

_RECORD_SUFFIX = "_record"


def record_key(token_key: str) -> str:
    """The key of the secret that holds the record where there is no custom metadata."""
    return token_key + _RECORD_SUFFIX


def record_text(record: Record, name: str) -> str:
    """A record as JSON without line breaks, in ASCII. ``name``: that of the credential, for people."""
    data = {"name": name or None, **record_to_data(record), "username": record.username}
    return json.dumps({key: value for key, value in data.items() if value})


def record_from_text(text: Any) -> Record | None:
    """The record in such a text; None for anything else."""
    try:
        data = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        data = None
    record = record_from_data(data) if isinstance(data, dict) else None
    return replace(record, username=data.get("username")) if record and data else None


def metadata_of(token_key: str, record: Record, name: str) -> dict[str, str]:
    """The record as custom metadata: as many keys as its length needs."""
    text = record_text(record, name)
    parts = [text[start : start + _MAX_VALUE] for start in range(0, len(text), _MAX_VALUE)]
    first = _metadata_key(token_key, str(record.fingerprint))
    return {first + (f"_{number}" if number > 1 else ""): part for number, part in enumerate(parts, 1)}


def records_in(token_key: str, metadata: Mapping[str, Any]) -> dict[str, Record]:
    """The records of this key in custom metadata, by the fingerprint of their secret."""
    found: dict[str, Record] = {}
    for key in metadata:
        match = _pattern(token_key).fullmatch(key)
        if match and not match.group(2):
            record = record_from_text(_joined(key, metadata))
            if record is not None and record.fingerprint == match.group(1):
                found[match.group(1)] = record
    return found


def outdated_metadata(
    token_key: str, metadata: Mapping[str, Any], kept: Mapping[str, str], *fingerprints: str | None
) -> list[str]:
    """The keys of records in custom metadata, except those in ``kept`` and those of these secrets."""
    matches = ((key, _pattern(token_key).fullmatch(key)) for key in metadata)
    return [key for key, match in matches if match and key not in kept and match.group(1) not in fingerprints]


def _joined(first: str, metadata: Mapping[str, Any]) -> str:
    text, number = str(metadata[first]), 2
    while f"{first}_{number}" in metadata:
        text += str(metadata[f"{first}_{number}"])
        number += 1
    return text


def _metadata_key(token_key: str, fingerprint: str) -> str:
    return f"quay_{token_key}_{fingerprint}"


def _pattern(token_key: str) -> re.Pattern[str]:
    return re.compile(_metadata_key(re.escape(token_key), "([0-9a-f]{12})") + r"(_[0-9]+)?")
