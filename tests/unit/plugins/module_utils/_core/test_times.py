# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times and durations."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._core.times import (
    format_duration,
    format_time,
    from_timestamp,
    parse_duration,
    parse_moment_option,
    parse_time,
)

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45),
        ("30m", 1800),
        ("12h", 43200),
        ("90d", 7776000),
        ("2w", 1209600),
        ("3600s", 3600),
        ("0", 0),
        (0, 0),
        ("00", 0),
        ("0d", 0),
        (" 7 d ", 604800),
        ("36525d", 36525 * 86400),
    ],
)
def test_duration(text: Any, seconds: int) -> None:
    assert parse_duration(text, "max_age") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", [None, "", " "])
def test_duration_that_is_not_set(text: str | None) -> None:
    assert parse_duration(text, "max_age") is None


@pytest.mark.parametrize("text", ["90", 90, " 90 ", "090"])
def test_number_without_a_unit(text: Any) -> None:
    """Whoever writes 90 may mean days. As seconds, a credential would be replaced in every run."""
    with pytest.raises(BadInput) as caught:
        parse_duration(text, "max_age")
    assert str(caught.value) == (
        "max_age needs a unit, for example 90d for days, 90h for hours, 90m for minutes or 90s for seconds"
    )


@pytest.mark.parametrize(
    ("text", "offer"),
    [
        ("86400", "86400s or 1d"),
        (3600, "3600s or 1h"),
        ("5400", "5400s or 90m"),
        ("1000", "1000s"),
        ("172800", "172800s or 2d"),
    ],
)
def test_large_number_without_a_unit(text: Any, offer: str) -> None:
    """It was given in seconds, as Quay and other tools take it."""
    with pytest.raises(BadInput) as caught:
        parse_duration(text, "sync_interval")
    assert str(caught.value) == f"sync_interval needs a unit. Write {offer} if the number is in seconds"


@pytest.mark.parametrize(
    "text", ["d", "-1d", "1.5h", "90 days", "90D", "1y", "1d2h", "never", "٣d", "90d\nx", "1e3", "9" * 5000]
)
def test_invalid_duration(text: str) -> None:
    with pytest.raises(BadInput, match="^renew_before must be a duration such as 90d, 12h or 30m, not "):
        parse_duration(text, "renew_before")


@pytest.mark.parametrize("text", ["36526d", "999999999d", "3155760001s", "999999999999w"])
def test_duration_of_more_than_a_hundred_years(text: str) -> None:
    with pytest.raises(BadInput, match=f"^lifetime is too long: '{text}' is more than a hundred years$"):
        parse_duration(text, "lifetime")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31T12:00:00.101340Z", NOON.replace(microsecond=101340)),
        ("2026-01-31T12:00:00.5Z", NOON.replace(microsecond=500000)),
        ("Sat, 31 Jan 2026 12:00:00 -0000", NOON),
        ("Sat, 31 Jan 2026 12:00:00 GMT", NOON),
        ("Sat, 31 Jan 2026 13:30:00 +0130", NOON),
    ],
)
def test_time_of_quay(text: str, moment: datetime) -> None:
    parsed = parse_time(text)
    assert parsed == moment
    assert parsed is not None
    assert parsed.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "soon",
        "31/01/2026",
        "2026-01-31",
        "2026-13-31T12:00:00Z",
        "Sat, 31 Foo 2026 12:00:00 -0000",
        "Fri, 31 Dec 9999 23:59:59 -0100",
        "Fri, 31 Dec 2026 23:59:59 +9999999",
        1769860800,
        {"at": "2026-01-31T12:00:00Z"},
    ],
)
def test_invalid_time(text: Any) -> None:
    assert parse_time(text) is None


def test_timestamp() -> None:
    assert from_timestamp(1769860800) == NOON


def test_formatted_time() -> None:
    east = timezone(timedelta(hours=2))
    assert format_time(NOON.replace(microsecond=999999)) == "2026-01-31T12:00:00Z"
    assert format_time(NOON.astimezone(east)) == "2026-01-31T12:00:00Z"
    assert format_time(None) is None


def test_formatted_time_can_be_parsed() -> None:
    assert parse_time(format_time(NOON)) == NOON


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(seconds=-5), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=59), "59 seconds"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(days=12, hours=3, minutes=4, seconds=5), "12 days"),
        (timedelta(days=10), "10 days"),
        (timedelta(days=10, seconds=-1), "9 days 23 hours"),
        (timedelta(days=3, hours=3, minutes=4, seconds=5), "3 days 3 hours"),
        (timedelta(days=1, seconds=1), "1 day 1 second"),
        (timedelta(minutes=90), "1 hour 30 minutes"),
        (timedelta(seconds=3599), "59 minutes 59 seconds"),
    ],
)
def test_formatted_duration(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-01-30", "2026-01-30T00:00:00Z", "2026-01-30T23:59:59Z"),
        (" 2026-01-30 ", "2026-01-30T00:00:00Z", "2026-01-30T23:59:59Z"),
        ("2026-01-30T06:00:00Z", "2026-01-30T06:00:00Z", "2026-01-30T06:00:00Z"),
        ("2026-01-30T06:00:00+02:00", "2026-01-30T04:00:00Z", "2026-01-30T04:00:00Z"),
        ("7d", "2026-01-24T12:00:00Z", "2026-01-24T12:00:00Z"),
        ("12h", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z"),
        ("0", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
    ],
)
def test_moment_option(text: str, first: str, last: str) -> None:
    """A date means its first moment, or its last one if the option ends a period."""
    assert format_time(parse_moment_option(text, "from", NOON)) == first
    assert format_time(parse_moment_option(text, "to", NOON, ends=True)) == last


@pytest.mark.parametrize("text", ["7", "yesterday", "01/30/2026", "2026-13-45", "-1d", "2026-01"])
def test_invalid_moment_option(text: str) -> None:
    with pytest.raises(BadInput, match="^from must be a date such as 2026-01-31"):
        parse_moment_option(text, "from", NOON)
