# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The record of a delivery in the description of a credential in AWX: ``[tokensmith.quay fingerprint=… …]``. Pure.

It is one line, because the pages of AWX edit a description in one line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, unquote

from .._core.credential import Record
from .._core.times import format_time, parse_time
from .records import record_from_data, record_to_data

_RECORD = re.compile(r"\s*\[tokensmith\.quay((?: [a-z_]+=[^\s\]]*)+)\]")


@dataclass(frozen=True)
class AwxRecord:
    """A record, and the time of the delivery by the clock of AWX, to the second."""

    record: Record
    delivered: datetime


def read_description(description: str) -> tuple[str, AwxRecord | None]:
    """The user's own text, and the record; None if there is none that can be read."""
    own = _RECORD.sub("", description).strip()
    found = _RECORD.search(description)
    if found is None:
        return own, None
    data = {name: unquote(value) for name, _equals, value in (item.partition("=") for item in found.group(1).split())}
    record, delivered = record_from_data(data), parse_time(data.get("delivered"))
    return own, AwxRecord(record, delivered) if record and delivered else None


def write_description(description: str, record: AwxRecord | None) -> str:
    """The same text of the user, with this record; without any for None."""
    own = read_description(description)[0]
    if record is None:
        return own
    data = {
        **record_to_data(record.record),
        "username": record.record.username,
        "delivered": format_time(record.delivered),
    }
    items = " ".join(f"{name}={quote(value, safe=':,+$@')}" for name, value in data.items() if value)
    return f"{own} [tokensmith.quay {items}]".strip()
