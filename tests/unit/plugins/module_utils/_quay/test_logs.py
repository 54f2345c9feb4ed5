# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The usage logs: entries, counts, and the last change of each robot's token."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import QuayError
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    Forbidden,
    TransportError,
    UnexpectedResponse,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.logs import Logs, LogsUnavailable
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    COMMON,
    ORIGIN,
    FakeQuay,
    Reply,
    Request,
    error,
    ok,
    page,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import FORBIDDEN

UTC = timezone.utc
TODAY = datetime(2026, 11, 22, 9, 30, 0, tzinfo=UTC)
COUNTS_PATH = "/api/v1/organization/acme/aggregatelogs"
LOGS_PATH = "/api/v1/organization/acme/logs"
READ = {**COMMON, "Authorization": "Bearer s3cret"}


@pytest.fixture
def logs(quay: FakeQuay, clock: datetime) -> Logs:
    assert clock == TODAY
    return Logs(quay.client(BearerAuth("s3cret"), retries=0), "acme")


def window_query(first: str, last: str) -> str:
    return f"?starttime={first.replace('/', '%2F')}&endtime={last.replace('/', '%2F')}"


def days(*moments: str, kind: str = "regenerate_robot_token") -> Reply:
    """A reply of aggregatelogs: one count for each kind and day, unsorted."""
    other = {"kind": "pull_repo", "count": 7, "datetime": "Sun, 01 Nov 2026 00:00:00 -0000"}
    return ok({"aggregated": [other, *({"kind": kind, "count": 1, "datetime": moment} for moment in moments)]})


def entry(robot: Any, moment: str, kind: str = "regenerate_robot_token") -> dict[str, Any]:
    return {"kind": kind, "metadata": {"robot": robot}, "datetime": moment, "ip": "192.0.2.1"}


def entries(*listed: dict[str, Any], next_page: str | None = None) -> Reply:
    start = {"start_time": "x", "end_time": "y", "logs": list(listed)}
    return ok({**start, "next_page": next_page} if next_page else start)


def requested_windows(quay: FakeQuay) -> list[tuple[date, date]]:
    """The first and last day of each request."""
    found = []
    for request in quay.requests:
        query = parse_qs(urlsplit(request.target).query)
        bounds = [datetime.strptime(query[name][0], "%m/%d/%Y").date() for name in ("starttime", "endtime")]
        found.append((bounds[0], bounds[1]))
    return found


def test_last_change_of_a_robot(quay: FakeQuay, logs: Logs) -> None:
    """Two requests: for the days with changes, and for the entries of the last of these days."""
    quay.answers(
        days("Thu, 19 Nov 2026 00:00:00 -0000", "Mon, 02 Nov 2026 00:00:00 -0000"),
        entries(entry("ci", "Thu, 19 Nov 2026 08:15:42 -0000"), next_page="n"),
    )
    assert logs.token_changes(["ci"], TODAY - timedelta(days=90)) == {
        "ci": datetime(2026, 11, 19, 8, 15, 42, tzinfo=UTC)
    }
    assert quay.requests == [
        Request("GET", COUNTS_PATH + window_query("10/26/2026", "11/22/2026"), READ),
        Request("GET", LOGS_PATH + window_query("11/19/2026", "11/19/2026"), READ),
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


def test_last_issue_of_a_client_secret(quay: FakeQuay, logs: Logs) -> None:
    """Its entries name the client id. Those of another application, and of other changes, do not count."""
    kinds = ["update_application", "reset_application_client_secret", "reset_application_client_secret"]
    ids = ["ONE", "TWO", "ONE"]
    found = [
        {"kind": kind, "datetime": f"Thu, 19 Nov 2026 0{hour}:00:00 -0000", "metadata": {"client_id": client_id}}
        for hour, kind, client_id in zip((9, 8, 7), kinds, ids)
    ]
    quay.answers(days("Thu, 19 Nov 2026 00:00:00 -0000", kind="create_application"), ok({"logs": found}))
    changes = logs.client_secret_changes(["ONE"], TODAY - timedelta(days=5))
    assert changes == {"ONE": datetime(2026, 11, 19, 7, 0, 0, tzinfo=UTC)}


def assignment(day: int, client_id: str, username: str, kind: str = "oauth_token_assigned") -> dict[str, Any]:
    metadata = {"assigning_user": "ann", "assigned_user": username, "application": "ci", "client_id": client_id}
    return {"kind": kind, "datetime": f"Thu, {day} Nov 2026 09:00:00 -0000", "metadata": metadata}


def test_last_assignment_of_a_token(quay: FakeQuay, logs: Logs) -> None:
    """Those of other applications, to other users and of other kinds do not count, nor those that are too old."""
    found = [
        assignment(20, "TWO", "bob"),
        assignment(20, "ONE", "cid"),
        assignment(20, "ONE", "bob", "reset_application_client_secret"),
        assignment(20, "ONE", "bob"),
    ]
    dates = ["Fri, 20 Nov 2026 00:00:00 -0000"]
    quay.answers(days(*dates, kind="oauth_token_assigned"), ok({"logs": found}))
    at = datetime(2026, 11, 20, 9, 0, 0, tzinfo=UTC)
    assert logs.last_assignment("ONE", "bob", TODAY - timedelta(days=5), "ann") == at
    assert all("performer=ann" in request.target for request in quay.requests)
    quay.answers(days(*dates, kind="oauth_token_assigned"), ok({"logs": found}))
    assert logs.last_assignment("ONE", "bob", at + timedelta(seconds=1), "ann") is None
    quay.answers(days(*dates, kind="create_application"))
    assert logs.last_assignment("ONE", "bob", TODAY - timedelta(days=5), "ann") is None


@pytest.mark.parametrize(("reply", "kind"), [(FORBIDDEN, Forbidden), (page(500), LogsUnavailable)])
def test_assignments_that_cannot_be_read(quay: FakeQuay, logs: Logs, reply: Reply, kind: type[QuayError]) -> None:
    quay.answers(reply)
    with pytest.raises(kind):
        logs.last_assignment("ONE", "bob", TODAY - timedelta(days=5), "ann")


def test_times_in_iso_8601(quay: FakeQuay, logs: Logs) -> None:
    quay.answers(days("2026-11-19T00:00:00Z"), entries(entry("ci", "2026-11-19T08:15:42.250000Z")))
    found = logs.token_changes(["ci"], TODAY - timedelta(days=5))
    assert found == {"ci": datetime(2026, 11, 19, 8, 15, 42, 250000, UTC)}


def test_newest_entry_counts(quay: FakeQuay, logs: Logs) -> None:
    """The robot was deleted and created again: the creation is its newest entry."""
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


def test_entries_that_do_not_count(quay: FakeQuay, logs: Logs) -> None:
    """Entries of other kinds, of other robots, and malformed ones."""
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


def test_pages_are_read_until_all_robots_are_found(quay: FakeQuay, logs: Logs) -> None:
    moment = "Thu, 19 Nov 2026 08:00:00 -0000"
    quay.answers(
        days("Thu, 19 Nov 2026 00:00:00 -0000"),
        entries(entry("x", moment), entry("one", moment), next_page="2"),
        entries(entry("y", moment), next_page="3"),
        entries(entry("two", moment), entry("z", moment), next_page="4"),
    )
    found = logs.token_changes(["one", "two"], TODAY - timedelta(days=5))
    assert found == dict.fromkeys(["one", "two"], datetime(2026, 11, 19, 8, tzinfo=UTC))


def test_days_are_read_backwards_until_all_robots_are_found(quay: FakeQuay, logs: Logs) -> None:
    """One pass serves all robots. Of each robot, the newest change counts."""
    quay.answers(
        days("Tue, 10 Nov 2026 00:00:00 -0000", "Sat, 21 Nov 2026 00:00:00 -0000", "Sun, 01 Nov 2026 00:00:00 -0000"),
        entries(entry("one", "Sat, 21 Nov 2026 08:00:00 -0000")),
        entries(entry("two", "Tue, 10 Nov 2026 08:00:00 -0000"), entry("one", "Tue, 10 Nov 2026 07:00:00 -0000")),
    )
    found = logs.token_changes(["two", "one"], TODAY - timedelta(days=400))
    assert found == {"one": datetime(2026, 11, 21, 8, tzinfo=UTC), "two": datetime(2026, 11, 10, 8, tzinfo=UTC)}
    assert quay.calls == [
        ("GET", COUNTS_PATH + window_query("10/26/2026", "11/22/2026")),
        ("GET", LOGS_PATH + window_query("11/21/2026", "11/21/2026")),
        ("GET", LOGS_PATH + window_query("11/10/2026", "11/10/2026")),
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
    """The entry may have been archived between the two requests."""
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
    assert [(str(first), str(last)) for first, last in requested_windows(quay)] == windows


def test_windows_of_two_years(quay: FakeQuay, logs: Logs) -> None:
    """No window is longer than 28 days. In a longer one, Quay mixes up the days of two months, or fails."""
    quay.answers(*[days()] * 27)
    assert logs.token_changes(["ci"], TODAY - timedelta(days=730)) == {}
    windows = requested_windows(quay)
    assert all((last - first).days <= 27 for first, last in windows)
    assert all(later[0] - earlier[1] == timedelta(days=1) for later, earlier in zip(windows, windows[1:]))
    assert (windows[0][1], windows[-1][0]) == (TODAY.date(), date(2024, 11, 22))


def test_windows_start_with_the_day_in_utc(quay: FakeQuay, logs: Logs) -> None:
    east = timezone(timedelta(hours=14))
    quay.answers(days())
    logs.token_changes(["ci"], datetime(2026, 11, 22, 1, 0, tzinfo=east))
    assert requested_windows(quay) == [(date(2026, 11, 21), date(2026, 11, 22))]


def test_windows_end_with_the_day_of_the_server(quay: FakeQuay, logs: Logs) -> None:
    """By the Date header of an earlier response, the local clock is a day behind."""
    client = quay.client()
    quay.answers(ok({}, Date="Mon, 23 Nov 2026 09:30:00 GMT"), days())
    client.get("/api/v1/x")
    Logs(client, "acme").token_changes(["ci"], TODAY)
    assert quay.requests[-1].target == COUNTS_PATH + window_query("11/22/2026", "11/23/2026")


def test_start_in_the_future(quay: FakeQuay, logs: Logs) -> None:
    assert logs.token_changes(["ci"], TODAY + timedelta(days=2)) == {}
    assert quay.requests == []


def test_no_robots(quay: FakeQuay, logs: Logs) -> None:
    assert logs.token_changes([], TODAY - timedelta(days=5)) == {}
    assert quay.requests == []


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (
            ok({"aggregated": [], "search_unavailable": True, "message": "requires a search_token"}),
            "Quay cannot search its usage logs",
        ),
        (error(403, "Unauthorized", "insufficient_scope"), "Quay answered 403: Unauthorized"),
        (ok({"message": "Invalid namespace requested: acme"}, 400), "Quay answered 400: Invalid namespace requested"),
        (ok({"message": "Invalid date range for logs"}, 400), "Quay answered 400: Invalid date range for logs"),
        (page(308, Location=COUNTS_PATH + "/"), "This server does not offer that endpoint"),
        (page(500), "Quay answered 500"),
        (page(429), "Quay answered 429"),
    ],
)
def test_unavailable_logs(quay: FakeQuay, logs: Logs, reply: Reply, message: str) -> None:
    quay.answers(reply)
    with pytest.raises(LogsUnavailable) as caught:
        logs.token_changes(["ci"], TODAY - timedelta(days=5))
    assert message in str(caught.value)
    assert not caught.value.outcome_unknown


def test_logs_that_become_unavailable(quay: FakeQuay, logs: Logs) -> None:
    quay.answers(days("Sat, 21 Nov 2026 00:00:00 -0000"), page(500))
    with pytest.raises(LogsUnavailable, match=f"^GET {ORIGIN}{LOGS_PATH}: Quay answered 500"):
        logs.token_changes(["ci"], TODAY - timedelta(days=5))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (requests.exceptions.ConnectionError(), TransportError),
        (page(200), UnexpectedResponse),
        (ok({"logs": []}), UnexpectedResponse),
    ],
)
def test_other_failures(quay: FakeQuay, logs: Logs, reply: Any, kind: type[Exception]) -> None:
    quay.answers(reply)
    with pytest.raises(kind):
        logs.token_changes(["ci"], TODAY - timedelta(days=5))


def test_counts_are_read_in_windows(quay: FakeQuay, logs: Logs) -> None:
    """A window has at most 28 days, the newest first. A malformed count is skipped."""
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
        # The fake sends it in each reply. Quay sends only the requested days.
        ("pull_repo", "2026-11-01", 7),
        ("regenerate_robot_token", "2026-10-10", 1),
    ]
    assert requested_windows(quay) == [
        (date(2026, 10, 26), date(2026, 11, 22)),
        (date(2026, 10, 1), date(2026, 10, 25)),
    ]


def test_logs_of_each_owner(quay: FakeQuay) -> None:
    client = quay.client(BearerAuth("s3cret"), retries=0)
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
        assert quay.requests[-1].target == path + window_query("11/22/2026", "11/22/2026") + "&performer=alice"


@pytest.mark.parametrize(
    ("start_time", "used"), [("Thu, 22 Oct 2026 00:00:00 -0000", False), ("Sun, 22 Nov 2026 03:00:00 -0000", True)]
)
def test_dates_that_quay_used(quay: FakeQuay, logs: Logs, start_time: str, used: bool) -> None:
    quay.answers(ok({"logs": [], "start_time": start_time}))
    if used:
        assert list(logs.entries(TODAY.date(), TODAY.date())) == []
    else:
        with pytest.raises(
            UnexpectedResponse, match="Quay searched from 2026-10-22 on, but the request was from 2026-11-22 on"
        ):
            list(logs.entries(TODAY.date(), TODAY.date()))


# --- deletions of robots

HOUR_AGO = TODAY - timedelta(minutes=65)
MONTH_AGO = TODAY - timedelta(days=40)


def deletion(robot: str, moment: str) -> dict[str, Any]:
    return entry(robot, moment, "delete_robot")


def test_deletions_of_the_last_hour(quay: FakeQuay, logs: Logs) -> None:
    """Entries come newest first. The first one that is too old ends the search."""
    quay.answers(
        days("Sun, 22 Nov 2026 00:00:00 -0000", kind="delete_robot"),
        entries(
            deletion("ci_b", "Sun, 22 Nov 2026 09:20:00 -0000"),
            entry("ci_c", "Sun, 22 Nov 2026 09:10:00 -0000", "create_robot"),
            deletion("ci_a", "Sun, 22 Nov 2026 09:00:00 -0000"),
            deletion("ci_b", "Sun, 22 Nov 2026 08:50:00 -0000"),
            deletion("ci_d", "Sun, 22 Nov 2026 08:20:00 -0000"),
            next_page="n",
        ),
    )
    assert logs.robot_deletions(HOUR_AGO, MONTH_AGO) == {
        "ci_b": datetime(2026, 11, 22, 9, 20, tzinfo=UTC),
        "ci_a": datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
    }
    assert quay.requests == [
        Request("GET", COUNTS_PATH + window_query("11/21/2026", "11/22/2026"), READ),
        Request("GET", LOGS_PATH + window_query("11/22/2026", "11/22/2026"), READ),
    ]


def test_deletions_around_midnight(quay: FakeQuay, logs: Logs) -> None:
    """Quay's days may be those of another time zone, so the day before is read, too."""
    quay.answers(
        days("Sun, 22 Nov 2026 00:00:00 -0000", "Sat, 21 Nov 2026 00:00:00 -0000", kind="delete_robot"),
        entries(deletion("ci_b", "Sun, 22 Nov 2026 09:20:00 -0000")),
        entries(deletion("ci_a", "Sun, 22 Nov 2026 08:59:00 -0000"), deletion("ci", "Sat, 21 Nov 2026 01:00:00 -0000")),
    )
    assert list(logs.robot_deletions(HOUR_AGO, MONTH_AGO)) == ["ci_b", "ci_a"]


def test_no_deletions(quay: FakeQuay, logs: Logs) -> None:
    """Other entries show that Quay logs the namespace."""
    quay.answers(days())
    assert logs.robot_deletions(HOUR_AGO, MONTH_AGO) == {}


def test_earlier_entries_show_that_quay_logs_the_namespace(quay: FakeQuay, logs: Logs) -> None:
    quay.answers(ok({"aggregated": []}), ok({"aggregated": []}), days())
    assert logs.robot_deletions(HOUR_AGO, MONTH_AGO) == {}
    assert requested_windows(quay) == [
        (date(2026, 11, 21), date(2026, 11, 22)),
        (date(2026, 10, 24), date(2026, 11, 20)),
        (date(2026, 10, 12), date(2026, 10, 23)),
    ]


@pytest.mark.parametrize("logged", [HOUR_AGO, TODAY])
def test_nothing_is_known_of_an_empty_log(quay: FakeQuay, logs: Logs, logged: datetime) -> None:
    quay.answers(ok({"aggregated": []}))
    with pytest.raises(LogsUnavailable, match="the usage logs are empty since 2026-11-21"):
        logs.robot_deletions(HOUR_AGO, logged)


@pytest.mark.parametrize(
    "reply", [error(403, "Unauthorized", "insufficient_scope"), page(500), ok({"search_unavailable": True})]
)
def test_deletions_are_unknown(quay: FakeQuay, logs: Logs, reply: Reply) -> None:
    quay.answers(reply)
    with pytest.raises(LogsUnavailable):
        logs.robot_deletions(HOUR_AGO, MONTH_AGO)
