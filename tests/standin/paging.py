# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paginated lists with an opaque cursor in `next_page`."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from flask import request


class Identified(Protocol):
    @property
    def id(self) -> int:
        raise NotImplementedError


T = TypeVar("T", bound=Identified)


def page(key: str, records: Sequence[T], view: Callable[[T], Any], size: int) -> dict[str, Any]:
    """Return one page of records that are sorted by id, in either direction. `next_page` is set if there are more."""
    start = decode_cursor().get("start")
    if start is not None and records:
        descending = records[0].id > records[-1].id
        records = [record for record in records if (record.id <= start if descending else record.id >= start)]
    body: dict[str, Any] = {key: [view(record) for record in records[:size]]}
    if len(records) > size:
        body["next_page"] = encode_cursor({"start": records[size].id})
    return body


def encode_cursor(position: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def decode_cursor() -> dict[str, Any]:
    """Return the position of the requested page. An invalid cursor means the first page."""
    try:
        position = json.loads(base64.urlsafe_b64decode(request.args.get("next_page", "")))
    except (binascii.Error, ValueError):
        return {}
    return position if isinstance(position, dict) else {}
