# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a robot's token was last changed, out of the usage logs."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import TransportFailure, UnexpectedAnswer
from ansible_collections.tokensmith.quay.plugins.module_utils._login import BearerLogin
from ansible_collections.tokensmith.quay.plugins.module_utils._logs import Logs, LogsSilent
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    COMMON,
    FakeQuay,
    Reply,
    Request,
    error,
    ok,
    page,
)

UTC = timezone.utc
TODAY = datetime(2026, 11, 22, 9, 30, 0, tzinfo=UTC)
DAYS_OF = "/api/v1/organization/acme/aggregatelogs"
ENTRIES_OF = "/api/v1/organization/acme/logs"
READ = {**COMMON, "Authorization": "Bearer s3cret"}


@pytest.fixture
def logs(quay: FakeQuay, clock: datetime) -> Logs:
    assert clock == TODAY
    return Logs(quay.client(BearerLogin("s3cret"), retries=0), "acme")


def window(first: str, last: str) -> str:
    return f"?starttime={first.replace('/', '%2F')}&endtime={last.replace('/', '%2F')}"


def days(*moments: str, kind: str = "regenerate_robot_token") -> Reply:
    """An answer of aggregatelogs: one count for each kind and day, in no order."""
    other = {"kind": "pull_repo", "count": 7, "datetime": "Sun, 01 Nov 2026 00:00:00 -0000"}
    return ok({"aggregated": [other, *({"kind": kind, "count": 1, "datetime": moment} for moment in moments)]})


def entry(robot: Any, moment: str, kind: str = "regenerate_robot_token") -> dict[str, Any]:
    return {"kind": kind, "metadata": {"robot": robot}, "datetime": moment, "ip": "192.0.2.1"}


def entries(*listed: dict[str, Any], following: str | None = None) -> Reply:
    start = {"start_time": "x", "end_time": "y", "logs": list(listed)}
    return ok({**start, "next_page": following} if following else start)


def spans(quay: FakeQuay) -> list[tuple[date, date]]:
    """The windows that were asked for."""
    found = []
    for request in quay.requests:
        query = parse_qs(urlsplit(request.target).query)
        bounds = [datetime.strptime(query[name][0], "%m/%d/%Y").date() for name in ("starttime", "endtime")]
        found.append((bounds[0], bounds[1]))
    return found


def test_change_of_some_days_ago(quay: FakeQuay, logs: Logs) -> None:
    """Two requests: on which days anything changed, and what on the last of them."""
    quay.answers(
        days("Thu, 19 Nov 2026 00:00:00 -0000", "Mon, 02 Nov 2026 00:00:00 -0000"),
        entries(entry("ci", "Thu, 19 Nov 2026 08:15:42 -0000"), following="n"),
    )
    assert logs.token_changes(["ci"], TODAY - timedelta(days=90)) == {
        "ci": datetime(2026, 11, 19, 8, 15, 42, tzinfo=UTC)
    }
    assert quay.requests == [
        Request("GET", DAYS_OF + window("10/26/2026", "11/22/2026"), READ),
        Request("GET", ENTRIES_OF + window("11/19/2026", "11/19/2026"), READ),
    ]


def test_logs_of_a_user(quay: FakeQuay, clock: datetime) -> None:
    quay.answers(days("Thu, 19 Nov 2026 00:00:00 -0000"), entries(entry("ci", "Thu, 19 Nov 2026 08:15:42 -0000")))
    Logs(quay.client(), None).token_changes(["ci"], clock - timedelta(days=5))
    assert [request.target.split("?")[0] for request in quay.requests] == [
        "/api/v1/user/aggregatelogs",
        "/api/v1/user/logs",
    ]


def test_creation_counts_as_a_change(quay: FakeQuay, logs: Logs) -> None:
    quay.answers(
        days("Thu, 19 Nov 2026 00:00:00 -0000", kind="create_robot"),
        entries(entry("ci", "Thu, 19 Nov 2026 08:15:42 -0000", "create_robot")),
    )
    found = logs.token_changes(["ci"], TODAY - timedelta(days=5))
    assert found == {"ci": datetime(2026, 11, 19, 8, 15, 42, tzinfo=UTC)}


def test_times_as_newer_endpoints_write_them(quay: FakeQuay, logs: Logs) -> None:
    quay.answers(days("2026-11-19T00:00:00Z"), entries(entry("ci", "2026-11-19T08:15:42.250000Z")))
    found = logs.token_changes(["ci"], TODAY - timedelta(days=5))
    assert found == {"ci": datetime(2026, 11, 19, 8, 15, 42, 250000, UTC)}


def test_newest_entry_counts(quay: FakeQuay, logs: Logs) -> None:
    """A robot deleted and made again under its name: its creation is the newest entry."""
    quay.answers(
        days("Thu, 19 Nov 2026 00:00:00 -0000"),
        entries(
            entry("ci", "Thu, 19 Nov 2026 20:00:00 -0000", "create_robot"),
            entry("ci", "Thu, 19 Nov 2026 19:00:00 -0000", "delete_robot"),
            entry("ci", "Thu, 19 Nov 2026 08:00:00 -0000"),
        ),
    )
    found = logs.token_changes(["ci"], TODAY - timedelta(days=5))
    assert found == {"ci": datetime(2026, 11, 19, 20, tzinfo=UTC)}


def test_entries_of_others(quay: FakeQuay, logs: Logs) -> None:
    """Other kinds, other robots, and entries that cannot be read tell nothing of ours."""
    moment = "Thu, 19 Nov 2026 08:00:00 -0000"
    quay.answers(
        days("Thu, 19 Nov 2026 00:00:00 -0000"),
        entries(
            entry("ci", moment, "delete_robot"),
            entry("acme+ci", moment),
            entry("CI", moment),
            entry(None, moment),
            entry(["ci"], moment),
            entry("ci", "at some time"),
            {"kind": "regenerate_robot_token", "metadata": None, "datetime": moment},
            {"kind": "regenerate_robot_token", "metadata": ["robot", "ci"], "datetime": moment},
            {},
        ),
    )
    assert logs.token_changes(["ci"], TODAY - timedelta(days=5)) == {}


def test_pages_of_a_day_end_where_all_are_found(quay: FakeQuay, logs: Logs) -> None:
    moment = "Thu, 19 Nov 2026 08:00:00 -0000"
    quay.answers(
        days("Thu, 19 Nov 2026 00:00:00 -0000"),
        entries(entry("x", moment), entry("one", moment), following="2"),
        entries(entry("y", moment), following="3"),
        entries(entry("two", moment), entry("z", moment), following="4"),
    )
    found = logs.token_changes(["one", "two"], TODAY - timedelta(days=5))
    assert found == dict.fromkeys(["one", "two"], datetime(2026, 11, 19, 8, tzinfo=UTC))


def test_days_are_gone_back_until_all_are_found(quay: FakeQuay, logs: Logs) -> None:
    """One pass for all robots; a robot found on a later day is not looked for on an earlier one."""
    quay.answers(
        days("Tue, 10 Nov 2026 00:00:00 -0000", "Sat, 21 Nov 2026 00:00:00 -0000", "Sun, 01 Nov 2026 00:00:00 -0000"),
        entries(entry("one", "Sat, 21 Nov 2026 08:00:00 -0000")),
        entries(entry("two", "Tue, 10 Nov 2026 08:00:00 -0000"), entry("one", "Tue, 10 Nov 2026 07:00:00 -0000")),
    )
    found = logs.token_changes(["two", "one"], TODAY - timedelta(days=400))
    assert found == {"one": datetime(2026, 11, 21, 8, tzinfo=UTC), "two": datetime(2026, 11, 10, 8, tzinfo=UTC)}
    assert quay.calls == [
        ("GET", DAYS_OF + window("10/26/2026", "11/22/2026")),
        ("GET", ENTRIES_OF + window("11/21/2026", "11/21/2026")),
        ("GET", ENTRIES_OF + window("11/10/2026", "11/10/2026")),
    ]


def test_robot_without_an_entry_is_absent(quay: FakeQuay, logs: Logs) -> None:
    quay.answers(
        days("Sat, 21 Nov 2026 00:00:00 -0000"),
        entries(entry("one", "Sat, 21 Nov 2026 08:00:00 -0000")),
        days(),
    )
    found = logs.token_changes(["one", "never"], TODAY - timedelta(days=40))
    assert found == {"one": datetime(2026, 11, 21, 8, tzinfo=UTC)}


def test_day_with_a_count_but_no_entry(quay: FakeQuay, logs: Logs) -> None:
    """Quay keeps no entry twice: the day's page may have moved away meanwhile."""
    quay.answers(days("Sat, 21 Nov 2026 00:00:00 -0000"), entries())
    assert logs.token_changes(["ci"], TODAY - timedelta(days=5)) == {}


@pytest.mark.parametrize(
    ("back", "windows"),
    [
        (0, [("2026-11-22", "2026-11-22")]),
        (1, [("2026-11-21", "2026-11-22")]),
        (27, [("2026-10-26", "2026-11-22")]),
        (28, [("2026-10-26", "2026-11-22"), ("2026-10-25", "2026-10-25")]),
        (55, [("2026-10-26", "2026-11-22"), ("2026-09-28", "2026-10-25")]),
        (56, [("2026-10-26", "2026-11-22"), ("2026-09-28", "2026-10-25"), ("2026-09-27", "2026-09-27")]),
    ],
)
def test_windows(quay: FakeQuay, logs: Logs, back: int, windows: list[tuple[str, str]]) -> None:
    quay.answers(*[days()] * len(windows))
    assert logs.token_changes(["ci"], TODAY - timedelta(days=back)) == {}
    assert [(str(first), str(last)) for first, last in spans(quay)] == windows


def test_windows_of_two_years(quay: FakeQuay, logs: Logs) -> None:
    """None is longer than 28 days: longer ones add up days of two months, or fail around the end of February."""
    quay.answers(*[days()] * 27)
    assert logs.token_changes(["ci"], TODAY - timedelta(days=730)) == {}
    asked = spans(quay)
    assert all((last - first).days <= 27 for first, last in asked)
    assert all(later[0] - earlier[1] == timedelta(days=1) for later, earlier in zip(asked, asked[1:]))
    assert (asked[0][1], asked[-1][0]) == (TODAY.date(), date(2024, 11, 22))


def test_windows_start_from_the_day_in_utc(quay: FakeQuay, logs: Logs) -> None:
    east = timezone(timedelta(hours=14))
    quay.answers(days())
    logs.token_changes(["ci"], datetime(2026, 11, 22, 1, 0, tzinfo=east))
    assert spans(quay) == [(date(2026, 11, 21), date(2026, 11, 22))]


def test_windows_end_on_the_day_of_the_server(quay: FakeQuay, logs: Logs) -> None:
    """The target's clock is a day behind, as an earlier answer told."""
    client = quay.client()
    quay.answers(ok({}, Date="Mon, 23 Nov 2026 09:30:00 GMT"), days())
    client.get("/api/v1/x")
    Logs(client, "acme").token_changes(["ci"], TODAY)
    assert quay.requests[-1].target == DAYS_OF + window("11/22/2026", "11/23/2026")


def test_future(quay: FakeQuay, logs: Logs) -> None:
    assert logs.token_changes(["ci"], TODAY + timedelta(days=2)) == {}
    assert quay.requests == []


def test_no_robots(quay: FakeQuay, logs: Logs) -> None:
    assert logs.token_changes([], TODAY - timedelta(days=5)) == {}
    assert quay.requests == []


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            ok({"aggregated": [], "search_unavailable": True, "message": "requires a search_token"}),
            "Quay cannot search its usage logs",
        ),
        (error(403, "Unauthorized", "insufficient_scope"), "Quay answered 403: Unauthorized"),
        (ok({"message": "Invalid namespace requested: acme"}, 400), "Quay answered 400: Invalid namespace requested"),
        (ok({"message": "Invalid date range for logs"}, 400), "Quay answered 400: Invalid date range for logs"),
        (page(308, Location=DAYS_OF + "/"), "This server does not offer that endpoint"),
        (page(500), "Quay answered 500"),
        (page(429), "Quay answered 429"),
    ],
)
def test_silent_logs(quay: FakeQuay, logs: Logs, reply: Reply, words: str) -> None:
    quay.answers(reply)
    with pytest.raises(LogsSilent) as caught:
        logs.token_changes(["ci"], TODAY - timedelta(days=5))
    assert words in str(caught.value)
    assert not caught.value.unclear


def test_logs_that_fall_silent(quay: FakeQuay, logs: Logs) -> None:
    quay.answers(days("Sat, 21 Nov 2026 00:00:00 -0000"), page(500))
    with pytest.raises(LogsSilent, match=f"^GET {ENTRIES_OF}: Quay answered 500"):
        logs.token_changes(["ci"], TODAY - timedelta(days=5))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (requests.exceptions.ConnectionError(), TransportFailure),
        (page(200), UnexpectedAnswer),
        (ok({"logs": []}), UnexpectedAnswer),
    ],
)
def test_failures_that_are_no_silence(quay: FakeQuay, logs: Logs, reply: Any, kind: type[Exception]) -> None:
    quay.answers(reply)
    with pytest.raises(kind):
        logs.token_changes(["ci"], TODAY - timedelta(days=5))


def test_counts_are_read_by_the_window(quay: FakeQuay, logs: Logs) -> None:
    """At most 28 days at once, the newest first; an entry that cannot be read is none."""
    moments = ("Tue, 03 Nov 2026 00:00:00 -0000", "Thu, 19 Nov 2026 00:00:00 -0000", "some day")
    quay.answers(days(*moments), days("Sat, 10 Oct 2026 00:00:00 -0000"))
    found = logs.counts(date(2026, 10, 1), date(2026, 11, 22))
    first = next(found)
    assert (first.kind, first.day, first.count) == ("regenerate_robot_token", date(2026, 11, 19), 1)
    assert len(quay.requests) == 1
    rest = [(count.kind, count.day.isoformat(), count.count) for count in found]
    assert rest == [
        ("regenerate_robot_token", "2026-11-03", 1),
        ("pull_repo", "2026-11-01", 7),
        # As the fake tells it, in each answer; Quay tells of the days that were asked for.
        ("pull_repo", "2026-11-01", 7),
        ("regenerate_robot_token", "2026-10-10", 1),
    ]
    assert spans(quay) == [
        (date(2026, 10, 26), date(2026, 11, 22)),
        (date(2026, 10, 1), date(2026, 10, 25)),
    ]


def test_entry_of_each_place(quay: FakeQuay) -> None:
    client = quay.client(BearerLogin("s3cret"), retries=0)
    listed = {
        **entry("ci", "Thu, 19 Nov 2026 08:15:42 -0000"),
        "performer": {"kind": "user", "name": "alice"},
        "namespace": {"kind": "org", "name": "acme"},
    }
    for logs, path in (
        (Logs(client, "acme"), "/api/v1/organization/acme/logs"),
        (Logs(client, None), "/api/v1/user/logs"),
        (Logs.of_repository(client, "acme/nested/app"), "/api/v1/repository/acme/nested/app/logs"),
        (Logs.of_server(client), "/api/v1/superuser/logs"),
    ):
        quay.answers(entries(listed))
        (found,) = logs.entries(TODAY.date(), TODAY.date(), "alice")
        assert (found.performer, found.namespace, found.ip) == ("alice", "acme", "192.0.2.1")
        assert quay.requests[-1].target == path + window("11/22/2026", "11/22/2026") + "&performer=alice"


@pytest.mark.parametrize(
    ("told", "taken"), [("Thu, 22 Oct 2026 00:00:00 -0000", False), ("Sun, 22 Nov 2026 03:00:00 -0000", True)]
)
def test_dates_that_quay_took(quay: FakeQuay, logs: Logs, told: str, taken: bool) -> None:
    quay.answers(ok({"logs": [], "start_time": told}))
    if taken:
        assert list(logs.entries(TODAY.date(), TODAY.date())) == []
    else:
        with pytest.raises(UnexpectedAnswer, match="Quay looked from 2026-10-22 on"):
            list(logs.entries(TODAY.date(), TODAY.date()))
