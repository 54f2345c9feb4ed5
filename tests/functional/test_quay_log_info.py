# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_log_info: entries of usage logs, and counts by day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from functional.module_runner import Result
from standin.state import LogEntry

MODULE = "quay_log_info"
ACME = {"organization": "acme"}
CONFIG = "GET /config"
LOGS = "GET /api/v1/organization/acme/logs"
COUNTS = "GET /api/v1/organization/acme/aggregatelogs"
NOON = datetime(2026, 5, 20, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def empty_log(either_login: Harness) -> Harness:
    """The clock is stopped at noon, and the log is empty, except for sign-ins in the log of the user."""
    harness = either_login
    harness.quay.clock.set(NOON)
    harness.quay.clock.stop()
    harness.quay.state.logs.clear()
    # Tokens that exist are now created in the future, which Quay accepts.
    return harness


def write_entries(harness: Harness, moments: Iterable[datetime], kind: str = "pull_repo", **fields: Any) -> None:
    given = {"namespace": "acme", "repository": "app", "performer": "alice", "ip": "192.0.2.1", "metadata": {}} | fields
    for moment in moments:
        harness.quay.state.logs.append(LogEntry(id=harness.quay.state.next_id(), kind=kind, at=moment, **given))


def times_before_noon(count: int, *, days: float = 0, seconds: float = 0) -> list[datetime]:
    """Return a number of times before noon, in descending order."""
    return [NOON - timedelta(days=days, seconds=seconds) * number for number in range(count)]


def entry_times(result: Result) -> list[str]:
    return [entry["time"] for entry in result["logs"]]


def iso_times(moments: Iterable[datetime]) -> list[str]:
    return [Harness.iso(moment) for moment in moments]


def test_entries_of_the_last_day(empty_log: Harness) -> None:
    harness = empty_log
    write_entries(harness, times_before_noon(30, seconds=3600), metadata={"tag": "latest"})
    result = harness.check(MODULE, ACME)
    assert entry_times(result) == iso_times(times_before_noon(25, seconds=3600))
    assert result["logs"][0] == {
        "kind": "pull_repo",
        "time": "2026-05-20T12:00:00Z",
        "performer": "alice",
        "namespace": None,
        "ip": "192.0.2.1",
        "metadata": {"tag": "latest"},
    }
    assert (result["from"], result["to"]) == ("2026-05-19T12:00:00Z", "2026-05-20T12:00:00Z")
    assert (result["searchable"], result["limit_reached"], result.changed) == (True, False, False)
    assert harness.run(MODULE, ACME).content == result.content


def test_pages_are_read_only_as_far_as_needed(empty_log: Harness) -> None:
    harness = empty_log
    write_entries(harness, times_before_noon(100, seconds=60))
    for limit, pages in ((1, 1), (20, 1), (21, 2), (60, 3)):
        result = harness.run(MODULE, {**ACME, "limit": limit})
        assert entry_times(result) == iso_times(times_before_noon(limit, seconds=60))
        assert result["limit_reached"]
        assert harness.requests == [CONFIG, *harness.sign_in, *[LOGS] * pages]


def test_all_entries(empty_log: Harness) -> None:
    """All pages are read, with the empty last one, and compared with the counts of Quay."""
    harness = empty_log
    write_entries(harness, times_before_noon(150, seconds=60))
    result = harness.run(MODULE, {**ACME, "limit": 0})
    assert entry_times(result) == iso_times(times_before_noon(150, seconds=60))
    assert harness.requests == [CONFIG, *harness.sign_in, *[LOGS] * 9, COUNTS]
    assert not result.warned("Quay counts")
    assert not result["limit_reached"]


def test_entries_of_one_page_are_not_compared_with_the_counts(empty_log: Harness) -> None:
    write_entries(empty_log, times_before_noon(5, seconds=60))
    empty_log.run(MODULE, ACME)
    assert empty_log.requests == [CONFIG, *empty_log.sign_in, LOGS, LOGS]


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ({"from": "3d"}, "2026-05-17T12:00:00Z", "2026-05-20T12:00:00Z"),
        ({"from": "2026-05-18"}, "2026-05-18T00:00:00Z", "2026-05-20T12:00:00Z"),
        ({"from": "2026-05-18", "to": "2026-05-18"}, "2026-05-18T00:00:00Z", "2026-05-18T23:59:59Z"),
        (
            {"from": "2026-05-18T06:00:00Z", "to": "2026-05-19T06:00:00Z"},
            "2026-05-18T06:00:00Z",
            "2026-05-19T06:00:00Z",
        ),
        ({"from": "48h", "to": "24h"}, "2026-05-18T12:00:00Z", "2026-05-19T12:00:00Z"),
        ({"from": "2026-05-18T08:00:00+02:00"}, "2026-05-18T06:00:00Z", "2026-05-20T12:00:00Z"),
    ],
)
def test_period(empty_log: Harness, period: dict[str, str], first: str, last: str) -> None:
    """Quay filters by whole days only. The module applies the exact period."""
    moments = times_before_noon(200, seconds=3600)
    write_entries(empty_log, moments)
    result = empty_log.run(MODULE, {**ACME, **period, "limit": 0})
    assert (result["from"], result["to"]) == (first, last)
    assert entry_times(result) == [moment for moment in iso_times(moments) if first <= moment <= last]
    assert not result.warned("Quay counts")


def test_kinds_are_searched_on_days_with_counts(empty_log: Harness) -> None:
    """Quay cannot filter by kind. The counts show which days to read, and when to stop."""
    harness = empty_log
    write_entries(harness, times_before_noon(400, seconds=3600))
    write_entries(
        harness, [NOON - timedelta(days=3), NOON - timedelta(days=10)], "create_robot", metadata={"robot": "ci"}
    )
    result = harness.run(MODULE, {**ACME, "from": "14d", "kinds": ["create_robot", "delete_robot"]})
    assert entry_times(result) == ["2026-05-17T12:00:00Z", "2026-05-10T12:00:00Z"]
    assert {entry["kind"] for entry in result["logs"]} == {"create_robot"}
    assert harness.requests == [CONFIG, *harness.sign_in, COUNTS, LOGS, LOGS]


def test_kinds_without_entries_read_only_the_counts(empty_log: Harness) -> None:
    write_entries(empty_log, times_before_noon(100, seconds=3600))
    assert empty_log.run(MODULE, {**ACME, "from": "60d", "kinds": ["create_robot"]})["logs"] == []
    assert empty_log.requests == [CONFIG, *empty_log.sign_in, COUNTS, COUNTS, COUNTS]


def test_kinds_where_quay_does_not_count(empty_log: Harness) -> None:
    empty_log.quay.config["FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL"] = False
    write_entries(empty_log, times_before_noon(50, seconds=3600))
    write_entries(empty_log, [NOON - timedelta(hours=40)], "create_robot")
    result = empty_log.run(MODULE, {**ACME, "from": "3d", "kinds": ["create_robot"]})
    assert entry_times(result) == ["2026-05-18T20:00:00Z"]


@pytest.mark.parametrize("kinds", [None, ["pull_repo"]])
def test_performer(empty_log: Harness, kinds: list[str] | None) -> None:
    harness = empty_log
    write_entries(harness, times_before_noon(3, seconds=60))
    write_entries(harness, times_before_noon(3, seconds=7), performer="acme+ci")
    result = harness.run(MODULE, {**ACME, "performer": "acme+ci", "kinds": kinds})
    assert {entry["performer"] for entry in result["logs"]} == {"acme+ci"}
    assert len(result["logs"]) == 3


@pytest.mark.parametrize("more", [{}, {"counts": True}, {"kinds": ["create_robot"]}])
def test_unknown_performer(empty_log: Harness, more: dict[str, Any]) -> None:
    """For an unknown performer Quay fails, or returns the counts of everybody."""
    write_entries(empty_log, times_before_noon(3, seconds=60))
    words = "Check that the user or robot nobody exists"
    assert_refused(empty_log, MODULE, {**ACME, "performer": "nobody", **more}, words)


@pytest.mark.parametrize(
    "place", [{"repository": "acme/app"}, {}, {"organization": "acme"}, {"user": "alice"}], ids=str
)
def test_places(empty_log: Harness, place: dict[str, str]) -> None:
    harness = empty_log
    write_entries(harness, times_before_noon(2, seconds=60), performer="bob")
    write_entries(harness, times_before_noon(2, seconds=60), repository="base")
    write_entries(
        harness, times_before_noon(2, seconds=60), "create_app_specific_token", namespace="alice", repository=None
    )
    if not place:
        harness.login = harness.accounts.root.by_password
    result = harness.run(MODULE, {**place, "performer": "alice", "limit": 10})
    found = {(entry["kind"], entry["performer"], entry["namespace"]) for entry in result["logs"]}
    expected: dict[str, set[Any]] = {
        "repository": set(),
        "organization": {("pull_repo", "alice", None)},
        "user": {("create_app_specific_token", "alice", None)},
        "": {("pull_repo", "alice", "acme"), ("create_app_specific_token", "alice", "alice")},
    }
    assert found == expected["".join(place)]


def test_counts(empty_log: Harness) -> None:
    harness = empty_log
    write_entries(harness, times_before_noon(40, days=1))
    write_entries(harness, times_before_noon(2, days=31), "create_robot")
    result = harness.check(MODULE, {**ACME, "from": "45d", "counts": True})
    days = [(NOON - timedelta(days=number)).date().isoformat() for number in range(40)]
    expected = [{"kind": "pull_repo", "date": day, "count": 1} for day in days]
    robots = [{"kind": "create_robot", "date": day, "count": 1} for day in (days[0], days[31])]
    assert sorted(map(str, result["counts"])) == sorted(map(str, expected + robots))
    assert [count["date"] for count in result["counts"]] == sorted((c["date"] for c in result["counts"]), reverse=True)
    assert result["logs"] == []
    assert harness.requests == [CONFIG, *harness.sign_in, COUNTS, COUNTS]
    only = harness.run(MODULE, {**ACME, "from": "45d", "counts": True, "kinds": ["create_robot"]})
    assert only["counts"] == robots


def test_counts_by_performer(empty_log: Harness) -> None:
    write_entries(empty_log, times_before_noon(3, seconds=60))
    write_entries(empty_log, times_before_noon(2, seconds=7), performer="acme+ci")
    result = empty_log.run(MODULE, {**ACME, "counts": True, "performer": "acme+ci"})
    assert result["counts"] == [{"kind": "pull_repo", "date": "2026-05-20", "count": 2}]
    arguments = {"repository": "acme/app", "counts": True, "performer": "acme+ci"}
    assert_refused(empty_log, MODULE, arguments, "Quay counts by performer only for an organization or a user")


@pytest.mark.parametrize("more", [{}, {"counts": True}, {"kinds": ["create_robot"]}])
def test_logs_that_quay_cannot_search(empty_log: Harness, more: dict[str, Any]) -> None:
    write_entries(empty_log, times_before_noon(3, seconds=60))
    empty_log.quay.config["LOGS_MODEL"] = "splunk"
    result = empty_log.run(MODULE, {**ACME, **more})
    assert (result["logs"], result["counts"], result["searchable"]) == ([], [], False)
    assert result.warned("The list is empty for that reason")


@pytest.mark.parametrize("kinds", [None, ["pull_repo"]])
def test_entries_that_paging_loses_are_reported(empty_log: Harness, kinds: list[str] | None) -> None:
    """Quay omits entries with the same time at the end of a page."""
    seconds = [*range(20), 19, *range(20, 59)]
    write_entries(empty_log, (NOON - timedelta(days=2, seconds=second) for second in seconds))
    result = empty_log.run(MODULE, {**ACME, "from": "7d", "kinds": kinds, "limit": 0})
    assert len(result["logs"]) == 40
    assert result.warned("Quay counts 20 more log entries than it lists")


def test_incomplete_listing_is_reported(empty_log: Harness) -> None:
    empty_log.quay.config["ACTION_LOG_MAX_PAGE"] = 3
    write_entries(empty_log, (NOON - timedelta(days=1, seconds=number) for number in range(100)))
    result = empty_log.run(MODULE, {**ACME, "from": "7d", "limit": 0})
    assert len(result["logs"]) == 80
    assert result.warned("Quay counts 20 more log entries than it lists")


def test_entries_added_meanwhile_give_no_warning(empty_log: Harness) -> None:
    write_entries(empty_log, times_before_noon(30, seconds=60))
    empty_log.before_request("GET .*/aggregatelogs", lambda: write_entries(empty_log, [NOON] * 5))
    result = empty_log.run(MODULE, {**ACME, "to": "2026-05-20", "limit": 0})
    assert len(result["logs"]) == 30
    assert not result.warned("Quay counts")


def test_dates_that_quay_ignores(empty_log: Harness) -> None:
    body = '{"logs": [], "start_time": "Wed, 20 May 2026 00:00:00 -0000"}'
    headers = {"Content-Type": "application/json"}
    empty_log.quay.faults.add("status", status=200, body=body, headers=headers, path="/logs$", times=None)
    words = "Quay searched from 2026-05-20 on, but"
    assert_refused(empty_log, MODULE, {**ACME, "from": "7d"}, words)


def test_counts_where_quay_does_not_count(empty_log: Harness) -> None:
    empty_log.quay.config["FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL"] = False
    assert_refused(empty_log, MODULE, {**ACME, "counts": True}, "counts: this Quay does not count entries")
    write_entries(empty_log, times_before_noon(40, seconds=60))
    assert len(empty_log.run(MODULE, ACME)["logs"]) == 40


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"from": "yesterday"}, "from must be a date such as 2026-01-31"),
        ({"to": "2026-13-45"}, "to must be a date such as 2026-01-31"),
        ({"limit": -1}, "limit must be 0 (all) or more"),
        ({"user": "alice"}, "mutually exclusive"),
        ({"organization": None, "repository": "app"}, "repository: 'app' is no"),
        ({"organization": None, "repository": "a/../b"}, "repository: 'a/../b' is no"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    empty_log: Harness, arguments: dict[str, Any], words: str
) -> None:
    assert_refused(empty_log, MODULE, {**ACME, **arguments}, words)
    assert empty_log.requests == []


@pytest.mark.parametrize("period", [{"from": "1d", "to": "2d"}, {"from": "2026-05-21"}, {"to": "2026-05-18"}])
def test_end_before_the_beginning(empty_log: Harness, period: dict[str, str]) -> None:
    """The clock of Quay is used, which needs one anonymous request."""
    assert_refused(empty_log, MODULE, {**ACME, **period}, "must not be after to")
    assert empty_log.requests == [CONFIG]


@pytest.mark.parametrize(
    "place", [{"organization": "rival"}, {"organization": "nope"}, {"repository": "rival/app"}, {"user": "bob"}, {}]
)
def test_logs_of_others(empty_log: Harness, place: dict[str, str]) -> None:
    assert_refused(empty_log, MODULE, place, "Logs can be read by administrators")


@pytest.mark.parametrize("place", [{"organization": "nope"}, {"user": "nope"}, {"repository": "acme/nope"}])
def test_logs_of_an_unknown_namespace(empty_log: Harness, place: dict[str, str]) -> None:
    if "repository" not in place:
        empty_log.login = empty_log.accounts.root.by_password
    assert_refused(empty_log, MODULE, place, "This Quay has no organization, user or repository of that name")


def test_wrong_token(harness: Harness) -> None:
    harness.login = {"quay_token": "X" * 40}
    assert_refused(harness, MODULE, ACME, "Quay does not accept the token")
