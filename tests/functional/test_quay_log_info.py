# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_log_info: usage logs by the entry and by the day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functional.modules import Result
from functional.refusals import assert_refused
from functional.world import World
from standin.state import LogEntry

MODULE = "quay_log_info"
ACME = {"organization": "acme"}
CONFIG = "GET /config"
LOGS = "GET /api/v1/organization/acme/logs"
COUNTS = "GET /api/v1/organization/acme/aggregatelogs"
NOON = datetime(2026, 5, 20, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def quiet(either_login: World) -> World:
    """It is noon of a day in May, and nothing is in the log, but for what a sign-in writes into the user's own."""
    world = either_login
    world.quay.clock.set(NOON)
    world.quay.clock.stop()
    world.quay.state.logs.clear()
    # A token of before would be of the future, which is fine for Quay.
    return world


def write(world: World, moments: Iterable[datetime], kind: str = "pull_repo", **fields: Any) -> None:
    given = {"namespace": "acme", "repository": "app", "performer": "alice", "ip": "192.0.2.1", "metadata": {}} | fields
    for moment in moments:
        world.quay.state.logs.append(LogEntry(id=world.quay.state.next_id(), kind=kind, at=moment, **given))


def back(count: int, *, days: float = 0, seconds: float = 0) -> list[datetime]:
    """So many moments, one after the other, back from noon."""
    return [NOON - timedelta(days=days, seconds=seconds) * number for number in range(count)]


def times(result: Result) -> list[str]:
    return [entry["time"] for entry in result["logs"]]


def told(moments: Iterable[datetime]) -> list[str]:
    return [World.iso(moment) for moment in moments]


def test_entries_of_the_last_day(quiet: World) -> None:
    world = quiet
    write(world, back(30, seconds=3600), metadata={"tag": "latest"})
    result = world.check(MODULE, ACME)
    assert times(result) == told(back(25, seconds=3600))
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
    assert world.run(MODULE, ACME).content == result.content


def test_pages_are_read_only_as_far_as_needed(quiet: World) -> None:
    world = quiet
    write(world, back(100, seconds=60))
    for limit, pages in ((1, 1), (20, 1), (21, 2), (60, 3)):
        result = world.run(MODULE, {**ACME, "limit": limit})
        assert times(result) == told(back(limit, seconds=60))
        assert result["limit_reached"]
        assert world.requests == [CONFIG, *world.sign_in, *[LOGS] * pages]


def test_everything(quiet: World) -> None:
    """All pages, the empty one at the end, and the comparison with what Quay counts."""
    world = quiet
    write(world, back(150, seconds=60))
    result = world.run(MODULE, {**ACME, "limit": 0})
    assert times(result) == told(back(150, seconds=60))
    assert world.requests == [CONFIG, *world.sign_in, *[LOGS] * 9, COUNTS]
    assert not result.warned("Quay counts")
    assert not result["limit_reached"]


def test_what_fits_on_a_page_is_not_compared(quiet: World) -> None:
    write(quiet, back(5, seconds=60))
    quiet.run(MODULE, ACME)
    assert quiet.requests == [CONFIG, *quiet.sign_in, LOGS, LOGS]


@pytest.mark.parametrize(
    ("span", "first", "last"),
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
def test_span(quiet: World, span: dict[str, str], first: str, last: str) -> None:
    """Quay knows whole days only; the ends are kept to the second."""
    moments = back(200, seconds=3600)
    write(quiet, moments)
    result = quiet.run(MODULE, {**ACME, **span, "limit": 0})
    assert (result["from"], result["to"]) == (first, last)
    assert times(result) == [moment for moment in told(moments) if first <= moment <= last]
    assert not result.warned("Quay counts")


def test_kinds_are_looked_for_where_they_are(quiet: World) -> None:
    """Quay cannot look for a kind: the counts say on which days to read, and when to stop."""
    world = quiet
    write(world, back(400, seconds=3600))
    write(world, [NOON - timedelta(days=3), NOON - timedelta(days=10)], "create_robot", metadata={"robot": "ci"})
    result = world.run(MODULE, {**ACME, "from": "14d", "kinds": ["create_robot", "delete_robot"]})
    assert times(result) == ["2026-05-17T12:00:00Z", "2026-05-10T12:00:00Z"]
    assert {entry["kind"] for entry in result["logs"]} == {"create_robot"}
    assert world.requests == [CONFIG, *world.sign_in, COUNTS, LOGS, LOGS]


def test_kinds_that_did_not_happen_cost_the_counts_alone(quiet: World) -> None:
    write(quiet, back(100, seconds=3600))
    assert quiet.run(MODULE, {**ACME, "from": "60d", "kinds": ["create_robot"]})["logs"] == []
    assert quiet.requests == [CONFIG, *quiet.sign_in, COUNTS, COUNTS, COUNTS]


def test_kinds_where_quay_does_not_count(quiet: World) -> None:
    quiet.quay.config["FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL"] = False
    write(quiet, back(50, seconds=3600))
    write(quiet, [NOON - timedelta(hours=40)], "create_robot")
    result = quiet.run(MODULE, {**ACME, "from": "3d", "kinds": ["create_robot"]})
    assert times(result) == ["2026-05-18T20:00:00Z"]


@pytest.mark.parametrize("kinds", [None, ["pull_repo"]])
def test_performer(quiet: World, kinds: list[str] | None) -> None:
    world = quiet
    write(world, back(3, seconds=60))
    write(world, back(3, seconds=7), performer="acme+ci")
    result = world.run(MODULE, {**ACME, "performer": "acme+ci", "kinds": kinds})
    assert {entry["performer"] for entry in result["logs"]} == {"acme+ci"}
    assert len(result["logs"]) == 3


@pytest.mark.parametrize("more", [{}, {"counts": True}, {"kinds": ["create_robot"]}])
def test_unknown_performer(quiet: World, more: dict[str, Any]) -> None:
    """Quay stumbles over him, or counts everybody's."""
    write(quiet, back(3, seconds=60))
    words = "Check that the user or robot nobody exists"
    assert_refused(quiet, MODULE, {**ACME, "performer": "nobody", **more}, words)


@pytest.mark.parametrize(
    "place", [{"repository": "acme/app"}, {}, {"organization": "acme"}, {"user": "alice"}], ids=str
)
def test_places(quiet: World, place: dict[str, str]) -> None:
    world = quiet
    write(world, back(2, seconds=60), performer="bob")
    write(world, back(2, seconds=60), repository="base")
    write(world, back(2, seconds=60), "create_app_specific_token", namespace="alice", repository=None)
    if not place:
        world.login = world.people.root.by_password
    result = world.run(MODULE, {**place, "performer": "alice", "limit": 10})
    found = {(entry["kind"], entry["performer"], entry["namespace"]) for entry in result["logs"]}
    expected: dict[str, set[Any]] = {
        "repository": set(),
        "organization": {("pull_repo", "alice", None)},
        "user": {("create_app_specific_token", "alice", None)},
        "": {("pull_repo", "alice", "acme"), ("create_app_specific_token", "alice", "alice")},
    }
    assert found == expected["".join(place)]


def test_counts(quiet: World) -> None:
    world = quiet
    write(world, back(40, days=1))
    write(world, back(2, days=31), "create_robot")
    result = world.check(MODULE, {**ACME, "from": "45d", "counts": True})
    days = [(NOON - timedelta(days=number)).date().isoformat() for number in range(40)]
    expected = [{"kind": "pull_repo", "date": day, "count": 1} for day in days]
    robots = [{"kind": "create_robot", "date": day, "count": 1} for day in (days[0], days[31])]
    assert sorted(map(str, result["counts"])) == sorted(map(str, expected + robots))
    assert [count["date"] for count in result["counts"]] == sorted((c["date"] for c in result["counts"]), reverse=True)
    assert result["logs"] == []
    assert world.requests == [CONFIG, *world.sign_in, COUNTS, COUNTS]
    only = world.run(MODULE, {**ACME, "from": "45d", "counts": True, "kinds": ["create_robot"]})
    assert only["counts"] == robots


def test_counts_by_performer(quiet: World) -> None:
    write(quiet, back(3, seconds=60))
    write(quiet, back(2, seconds=7), performer="acme+ci")
    result = quiet.run(MODULE, {**ACME, "counts": True, "performer": "acme+ci"})
    assert result["counts"] == [{"kind": "pull_repo", "date": "2026-05-20", "count": 2}]
    arguments = {"repository": "acme/app", "counts": True, "performer": "acme+ci"}
    assert_refused(quiet, MODULE, arguments, "Quay counts by performer only for an organization or a user")


@pytest.mark.parametrize("more", [{}, {"counts": True}, {"kinds": ["create_robot"]}])
def test_logs_that_quay_cannot_search(quiet: World, more: dict[str, Any]) -> None:
    write(quiet, back(3, seconds=60))
    quiet.quay.config["LOGS_MODEL"] = "splunk"
    result = quiet.run(MODULE, {**ACME, **more})
    assert (result["logs"], result["counts"], result["searchable"]) == ([], [], False)
    assert result.warned("The list is empty for that reason")


@pytest.mark.parametrize("kinds", [None, ["pull_repo"]])
def test_entries_that_paging_loses_are_told(quiet: World, kinds: list[str] | None) -> None:
    """Entries of one time at the edge of a page are left out by Quay."""
    seconds = [*range(20), 19, *range(20, 59)]
    write(quiet, (NOON - timedelta(days=2, seconds=second) for second in seconds))
    result = quiet.run(MODULE, {**ACME, "from": "7d", "kinds": kinds, "limit": 0})
    assert len(result["logs"]) == 40
    assert result.warned("Quay counts 20 more log entries than it lists")


def test_listing_that_quay_ends_early_is_told(quiet: World) -> None:
    quiet.quay.config["ACTION_LOG_MAX_PAGE"] = 3
    write(quiet, (NOON - timedelta(days=1, seconds=number) for number in range(100)))
    result = quiet.run(MODULE, {**ACME, "from": "7d", "limit": 0})
    assert len(result["logs"]) == 80
    assert result.warned("Quay counts 20 more log entries than it lists")


def test_entries_that_come_meanwhile_are_no_loss(quiet: World) -> None:
    write(quiet, back(30, seconds=60))
    quiet.before("GET .*/aggregatelogs", lambda: write(quiet, [NOON] * 5))
    result = quiet.run(MODULE, {**ACME, "to": "2026-05-20", "limit": 0})
    assert len(result["logs"]) == 30
    assert not result.warned("Quay counts")


def test_dates_that_quay_does_not_take(quiet: World) -> None:
    body = '{"logs": [], "start_time": "Wed, 20 May 2026 00:00:00 -0000"}'
    headers = {"Content-Type": "application/json"}
    quiet.quay.faults.add("status", status=200, body=body, headers=headers, path="/logs$", times=None)
    words = "Quay searched from 2026-05-20 on, but the request was from 2026-05-13 on"
    assert_refused(quiet, MODULE, {**ACME, "from": "7d"}, words)


def test_counts_where_quay_does_not_count(quiet: World) -> None:
    quiet.quay.config["FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL"] = False
    assert_refused(quiet, MODULE, {**ACME, "counts": True}, "counts: this Quay does not count entries")
    write(quiet, back(40, seconds=60))
    assert len(quiet.run(MODULE, ACME)["logs"]) == 40


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
def test_bad_input_is_refused_before_anything_is_sent(quiet: World, arguments: dict[str, Any], words: str) -> None:
    assert_refused(quiet, MODULE, {**ACME, **arguments}, words)
    assert quiet.requests == []


@pytest.mark.parametrize("span", [{"from": "1d", "to": "2d"}, {"from": "2026-05-21"}, {"to": "2026-05-18"}])
def test_end_before_the_beginning(quiet: World, span: dict[str, str]) -> None:
    """By Quay's clock, for which one anonymous request is made."""
    assert_refused(quiet, MODULE, {**ACME, **span}, "must not be after to")
    assert quiet.requests == [CONFIG]


@pytest.mark.parametrize(
    "place", [{"organization": "rival"}, {"organization": "nope"}, {"repository": "rival/app"}, {"user": "bob"}, {}]
)
def test_logs_of_others(quiet: World, place: dict[str, str]) -> None:
    assert_refused(quiet, MODULE, place, "Logs can be read by administrators")


@pytest.mark.parametrize("place", [{"organization": "nope"}, {"user": "nope"}, {"repository": "acme/nope"}])
def test_logs_of_nothing(quiet: World, place: dict[str, str]) -> None:
    if "repository" not in place:
        quiet.login = quiet.people.root.by_password
    assert_refused(quiet, MODULE, place, "This Quay has no organization, user or repository of that name")


def test_wrong_token(world: World) -> None:
    world.login = {"quay_token": "X" * 40}
    assert_refused(world, MODULE, ACME, "Quay does not accept the token")
