# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Durations and times: read from options and from Quay, written for results and for people."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from .errors import BadInput

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"\s*([0-9]{1,12})\s*([smhdw]?)\s*")
# A date minus a duration must still be a date.
_MAX_DURATION = timedelta(days=36525)

_UNIT_NAMES = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
# A number without a unit from this one on is hardly meant as days or hours.
_CERTAINLY_SECONDS = 1000
# From this many days on, hours do not matter to people.
_ONLY_DAYS = 10


def parse_duration(text: str | None, option: str) -> timedelta | None:
    """Read ``90d``, ``12h``, ``30m``, ``45s``, ``2w`` or ``0``; None and an empty text stay None.

    Raises BadInput, naming ``option``, for anything else. A number without a unit is refused: 90 may be meant as days.
    """
    if text is None or not str(text).strip():
        return None
    match = _DURATION.fullmatch(str(text))
    if match is None:
        raise BadInput(f"{option} must be a duration such as 90d, 12h or 30m, not '{text}'")
    number, unit = int(match.group(1)), match.group(2)
    if number and not unit:
        raise BadInput(f"{option} needs a unit{_unit_hint(number)}")
    seconds = number * _UNITS[unit or "s"]
    if seconds > _MAX_DURATION.total_seconds():
        raise BadInput(f"{option} is too long: '{text}' is more than a hundred years")
    return timedelta(seconds=seconds)


def _unit_hint(number: int) -> str:
    """How to write a number with a unit, as the end of a sentence."""
    if number < _CERTAINLY_SECONDS:
        return f", for example {number}d for days, {number}h for hours, {number}m for minutes or {number}s for seconds"
    larger = next((f" or {number // _UNITS[unit]}{unit}" for unit in "dhm" if number % _UNITS[unit] == 0), "")
    return f". Write {number}s{larger} if the number is in seconds"


def parse_time(text: Any) -> datetime | None:
    """Read a time as Quay writes it: ISO 8601 (application tokens) or RFC 2822 (everything else).

    Returns an aware UTC datetime, or None if there is no time or none that can be read.
    """
    if not isinstance(text, str):
        return None
    for pattern in ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z"):
        try:
            return datetime.strptime(text, pattern).astimezone(timezone.utc)
        except ValueError:
            continue
    try:
        # Slow to import, and needed only for the times that HTTP and some of Quay's fields have.
        from email.utils import parsedate_to_datetime

        parsed = parsedate_to_datetime(text)
        # RFC 2822's "-0000" means "UTC, origin unknown" and is read as a naive time.
        return parsed.replace(tzinfo=timezone.utc) if parsed.tzinfo is None else parsed.astimezone(timezone.utc)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def parse_time_option(text: str | None, option: str) -> datetime | None:
    """Read a time from an option; None stays None. Raises BadInput, naming ``option``, if it cannot be read."""
    if not text:
        return None
    time = parse_time(text)
    if time is None:
        raise BadInput(f"{option} must be a time such as 2026-01-31T12:00:00Z, not '{text}'")
    return time


def parse_moment_option(text: str, option: str, now: datetime, *, ends: bool = False) -> datetime:
    """Read a time (``2026-01-31T12:00:00Z``), a date (``2026-01-31``) or a duration before ``now`` (``7d``).

    A date is its first moment, or its last one with ``ends``. Raises BadInput, naming ``option``, for anything else.
    """
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=timezone.utc)
    except ValueError:
        pass
    else:
        return day + timedelta(days=1, microseconds=-1) if ends else day
    time = parse_time(text)
    if time is not None:
        return time
    try:
        age = parse_duration(text, option)
    except BadInput:
        age = None
    if age is None:
        raise BadInput(
            f"{option} must be a date such as 2026-01-31, a time such as 2026-01-31T12:00:00Z, or an age such as 7d or "
            f"12h, not '{text}'"
        )
    return now - age


def from_timestamp(seconds: float) -> datetime:
    """A Unix time as an aware UTC datetime."""
    return datetime.fromtimestamp(seconds, timezone.utc)


def format_time(time: datetime | None) -> str | None:
    """Write an aware datetime as ``2026-01-31T12:00:00Z``; None stays None."""
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if time else None


def format_duration(duration: timedelta) -> str:
    """A duration for people: its two largest units (``8 days 23 hours``), from ten days on the days only."""
    seconds = max(0, int(duration.total_seconds()))
    if seconds >= _ONLY_DAYS * 86400:
        return f"{seconds // 86400} days"
    parts = []
    for unit, size in _UNIT_NAMES:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " ".join(parts[:2]) or "0 seconds"
