# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The robots of a namespace, and the age of their tokens: from records, from the usage logs, or from the robots."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Record, fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_lookup import (
    Age,
    AgeQuery,
    RobotLookup,
    token_ages,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import ApiError, Forbidden
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot, RobotName
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import StoredSecret, records_of
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import ORIGIN, FakeQuay, Reply, ok, page
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import (
    FORBIDDEN,
    UNKNOWN_ROBOT,
    change_days,
    changes,
    quay_time,
    robot_list,
    robot_reply,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

NOW = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
LIMIT = 90 * DAY

CI = RobotName("acme", "ci")
ROBOTS = "/api/v1/organization/acme/robots"
COUNTS = "/api/v1/organization/acme/aggregatelogs"
LOGS = "/api/v1/organization/acme/logs"


def robot(short: str = "ci", age: timedelta | None = 400 * DAY, token: str | None = "s3cret") -> Robot:
    return Robot(f"acme+{short}", None if age is None else NOW - age, None, "", token)


def record(token: str = "s3cret", age: timedelta | None = 30 * DAY) -> Record:
    return Record(fingerprint(token), None if age is None else NOW - age)


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def context(quay: FakeQuay, clock: datetime, warnings: list[str]) -> ModuleContext:
    assert clock == NOW
    return module_context(quay, warnings)


@pytest.fixture
def lookup(context: ModuleContext) -> RobotLookup:
    return RobotLookup(context, "acme")


def targets(quay: FakeQuay) -> list[str]:
    """The paths of all requests, each of which only reads."""
    assert {method for method, _target in quay.calls} <= {"GET"}
    return [target.partition("?")[0] for _method, target in quay.calls]


# --- ages that are known without the logs


@pytest.mark.parametrize(
    ("query", "age"),
    [
        (AgeQuery(robot(), LIMIT, [record()]), (NOW - 30 * DAY, "record")),
        (AgeQuery(robot(), None, [record()]), (NOW - 30 * DAY, "record")),
        (AgeQuery(robot(), LIMIT, [record(age=500 * DAY)]), (NOW - 500 * DAY, "record")),
        (AgeQuery(robot(), LIMIT, [record("former"), record()]), (NOW - 30 * DAY, "record")),
        (AgeQuery(robot(), LIMIT, [record(age=None), record(age=DAY)]), (NOW - DAY, "record")),
        (AgeQuery(robot(), LIMIT, [record(age=DAY), record(age=2 * DAY)]), (NOW - DAY, "record")),
        (AgeQuery(robot(age=DAY), LIMIT, [record()]), (NOW - 30 * DAY, "record")),
        (AgeQuery(robot(), None, []), (None, None)),
        (AgeQuery(robot(), None, [record("former")]), (None, None)),
        (AgeQuery(robot(age=DAY), None, []), (None, None)),
        (AgeQuery(robot(age=DAY), LIMIT, []), (NOW - DAY, "creation")),
        (
            AgeQuery(robot(age=LIMIT - timedelta(seconds=1)), LIMIT, [record("former")]),
            (NOW - LIMIT + timedelta(seconds=1), "creation"),
        ),
        (AgeQuery(robot(age=LIMIT), LIMIT, []), None),
        (AgeQuery(robot(), LIMIT, []), None),
        (AgeQuery(robot(), LIMIT, [record("former"), record(age=None)]), None),
        (AgeQuery(robot(age=None), LIMIT, []), None),
    ],
)
def test_known_age(query: AgeQuery, age: Age | None) -> None:
    """A record counts if it fits the present token. A robot that is younger than the limit has a token that is, too."""
    assert query.known_age(NOW) == age


def test_records_of_stored_secrets() -> None:
    assert records_of([StoredSecret("a", record()), StoredSecret("b"), StoredSecret()]) == [record()]


@pytest.mark.parametrize(("name", "short"), [("acme+ci", "ci"), ("ci@example.com+bot", "bot")])
def test_short_name(name: str, short: str) -> None:
    assert AgeQuery(Robot(name, None, None, "", None), None, []).short_name == short


def test_key_of_a_query() -> None:
    """Queries with other limits or records may have other answers."""
    query = AgeQuery(robot(), LIMIT, [record()])
    assert query.key == AgeQuery(replace(robot(), description="x"), LIMIT, (record(),)).key
    others = [
        AgeQuery(robot("other"), LIMIT, [record()]),
        AgeQuery(robot(), None, [record()]),
        AgeQuery(robot(), LIMIT, []),
        AgeQuery(robot(), LIMIT, [record(age=DAY)]),
    ]
    assert len({query.key, *(other.key for other in others)}) == 5


# --- ages from the logs


def test_no_request_if_all_ages_are_known(quay: FakeQuay, context: ModuleContext) -> None:
    queries = [
        AgeQuery(robot("a1"), LIMIT, [record()]),
        AgeQuery(robot("b1"), None, []),
        AgeQuery(robot("c1", DAY), LIMIT, []),
    ]
    assert token_ages(context, "acme", queries) == [
        (NOW - 30 * DAY, "record"),
        (None, None),
        (NOW - DAY, "creation"),
    ]
    assert token_ages(context, "acme", []) == []
    assert quay.requests == []


def test_one_pass_through_the_logs_for_many_robots(quay: FakeQuay, context: ModuleContext) -> None:
    """It goes back as far as the longest limit of those whose age is unknown. The order is that of the queries."""
    first, second = NOW - DAY, NOW - 3 * DAY
    quay.answers(
        change_days(first, second),
        changes({"c1": first, "x1": first}),
        changes({"a1": second, "c1": second - timedelta(hours=1)}),
    )
    queries = [
        AgeQuery(robot("a1"), 10 * DAY, [record("former")]),
        AgeQuery(robot("b1"), 400 * DAY, [record()]),
        AgeQuery(robot("c1"), 20 * DAY, []),
    ]
    assert token_ages(context, "acme", queries) == [(second, "log"), (NOW - 30 * DAY, "record"), (first, "log")]
    assert targets(quay) == [COUNTS, LOGS, LOGS]
    assert "starttime=11%2F02%2F2026&endtime=11%2F22%2F2026" in quay.calls[0][1]


def test_logs_of_the_own_namespace(quay: FakeQuay, context: ModuleContext) -> None:
    quay.answers(change_days(NOW - DAY), changes({"ci": NOW - DAY}))
    own = Robot("ann+ci", NOW - 400 * DAY, None, "", "s3cret")
    assert token_ages(context, None, [AgeQuery(own, 20 * DAY, [])]) == [(NOW - DAY, "log")]
    assert targets(quay) == ["/api/v1/user/aggregatelogs", "/api/v1/user/logs"]


@pytest.mark.parametrize(
    ("created", "age"),
    [
        (400 * DAY, (NOW - 5 * DAY, "log")),
        (5 * DAY, (NOW - 5 * DAY, "log")),
        (4 * DAY, (NOW - 4 * DAY, "creation")),
        (None, (NOW - 5 * DAY, "log")),
    ],
)
def test_robot_that_was_created_again(
    quay: FakeQuay, context: ModuleContext, created: timedelta | None, age: Age
) -> None:
    """An entry from before its creation belongs to a former robot of the same name."""
    quay.answers(change_days(NOW - 5 * DAY), changes({"ci": NOW - 5 * DAY}))
    assert token_ages(context, "acme", [AgeQuery(robot(age=created), 2 * DAY, [])]) == [age]


def test_robot_without_an_entry_counts_as_old_as_itself(
    quay: FakeQuay, context: ModuleContext, warnings: list[str]
) -> None:
    quay.answers(change_days(), change_days(), change_days(), change_days())
    queries = [AgeQuery(robot(), LIMIT, []), AgeQuery(robot("b1", None), LIMIT, [])]
    assert token_ages(context, "acme", queries) == [(NOW - 400 * DAY, "creation"), (None, "creation")]
    assert targets(quay) == [COUNTS] * 4
    assert warnings == []


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (
            FORBIDDEN,
            f"GET {ORIGIN}{COUNTS}: Quay answered 403: Unauthorized. The login lacks the permission, or the "
            "object does not exist (Quay does not say which)",
        ),
        (page(500), f"GET {ORIGIN}{COUNTS}: Quay answered 500: Some page"),
        (
            ok({"aggregated": [], "search_unavailable": True}),
            f"GET {ORIGIN}{COUNTS}: Quay cannot search its usage logs",
        ),
    ],
)
def test_logs_that_cannot_be_read(
    quay: FakeQuay, context: ModuleContext, warnings: list[str], reply: Reply, problem: str
) -> None:
    quay.answers(reply)
    assert token_ages(context, "acme", [AgeQuery(robot(), LIMIT, [])]) == [(NOW - 400 * DAY, "creation")]
    assert warnings == [
        f"The usage logs do not show the age of robot tokens ({problem}). A token without a record of its delivery "
        "counts as old as its robot."
    ]


# --- robots


def test_one_robot(quay: FakeQuay, lookup: RobotLookup) -> None:
    present = replace(robot(), metadata={"team": "a"})
    quay.answers(robot_reply(present), UNKNOWN_ROBOT)
    assert lookup.get(CI) == present
    assert lookup.get(RobotName("acme", "other")) is None
    assert targets(quay) == [f"{ROBOTS}/ci", f"{ROBOTS}/other"]


@pytest.mark.parametrize("prefetched", [False, True])
def test_token_that_the_login_may_not_see(quay: FakeQuay, lookup: RobotLookup, prefetched: bool) -> None:
    hidden = robot(token=None)
    quay.answers(robot_list(hidden) if prefetched else robot_reply(hidden))
    if prefetched:
        assert lookup.prefetch() == [hidden]
    with pytest.raises(BadInput) as caught:
        lookup.get(CI)
    assert str(caught.value) == (
        "This login may see the robot acme+ci but not its token, which Quay shows to administrators of the "
        "organization only. Use the login of a member of its team owners, or of another team with the role admin; a "
        "token needs the scope org:admin"
    )


def test_all_robots_in_one_request(quay: FakeQuay, lookup: RobotLookup) -> None:
    listed = [robot("ci"), robot("other"), robot("hidden", token=None)]
    quay.answers(robot_list(*listed))
    assert lookup.prefetch() == listed
    assert [lookup.get(RobotName("acme", short)) for short in ("other", "ci", "none", "ci")] == [
        listed[1],
        listed[0],
        None,
        listed[0],
    ]
    assert targets(quay) == [ROBOTS]


def test_existing_robots(quay: FakeQuay, lookup: RobotLookup) -> None:
    """One request for all. Later ones use the list."""
    listed = [robot("ci_b"), robot("ci"), robot("other")]
    quay.answers(robot_list(*listed))
    names = [RobotName("acme", short) for short in ("ci", "ci_a", "ci_b")]
    assert lookup.existing(names) == {names[0]: listed[1], names[2]: listed[0]}
    assert list(lookup.existing(names[::-1])) == [names[2], names[0]]
    assert lookup.get(names[1]) is None
    assert targets(quay) == [ROBOTS]


def test_existing_robot_whose_token_is_hidden(quay: FakeQuay, lookup: RobotLookup) -> None:
    quay.answers(robot_list(robot(token=None)))
    with pytest.raises(BadInput, match="^This login may see the robot acme\\+ci but not its token"):
        lookup.existing([CI])


def test_robot_as_it_is_now(quay: FakeQuay, lookup: RobotLookup) -> None:
    """Lists do not have the metadata."""
    listed, alone = robot(), replace(robot(), metadata={"team": "a"})
    quay.answers(robot_list(listed), robot_reply(alone), UNKNOWN_ROBOT)
    lookup.prefetch()
    assert (lookup.read(CI), lookup.get(CI), lookup.read(CI)) == (alone, listed, None)
    assert targets(quay) == [ROBOTS, f"{ROBOTS}/ci", f"{ROBOTS}/ci"]


def test_robots_of_the_own_namespace(quay: FakeQuay, context: ModuleContext) -> None:
    """Quay puts the name of the user before the robot's."""
    own = Robot("ann+ci", NOW, None, "", "s3cret")
    quay.answers(robot_list(own), robot_reply(own))
    lookup = RobotLookup(context, None)
    assert lookup.prefetch() == [own]
    assert lookup.get(RobotName(None, "ci")) == own
    assert RobotLookup(context, None).get(RobotName(None, "ci")) == own
    assert targets(quay) == ["/api/v1/user/robots", "/api/v1/user/robots/ci"]


def test_robots_that_cannot_be_read(quay: FakeQuay, lookup: RobotLookup) -> None:
    quay.answers(FORBIDDEN, page(500))
    with pytest.raises(Forbidden):
        lookup.prefetch()
    with pytest.raises(ApiError):
        lookup.get(CI)


# --- deletions of robots


def deletion_days(*moments: datetime) -> Reply:
    """The days on which a robot was deleted. Another entry shows that Quay logs the namespace."""
    days = [{"kind": "delete_robot", "count": 1, "datetime": quay_time(moment)} for moment in moments]
    return ok({"aggregated": [{"kind": "pull_repo", "count": 1, "datetime": quay_time(NOW)}, *days]})


def deletions(times: dict[str, datetime]) -> Reply:
    entries = [
        {"kind": "delete_robot", "metadata": {"robot": short}, "datetime": quay_time(moment)}
        for short, moment in times.items()
    ]
    return ok({"logs": entries})


def test_deletions(quay: FakeQuay, lookup: RobotLookup) -> None:
    """The logs are read once."""
    hour = timedelta(hours=1)
    quay.answers(deletion_days(NOW), deletions({"ci": NOW - hour, "ci_a": NOW - 2 * hour, "old": NOW - 4 * hour}))
    expected = {"ci": NOW - hour, "ci_a": NOW - 2 * hour}
    assert lookup.deletions(NOW - 3 * hour) == expected
    assert lookup.deletions(NOW - 3 * hour) == expected
    assert targets(quay) == [COUNTS, LOGS]


def test_no_deletions(quay: FakeQuay, lookup: RobotLookup) -> None:
    quay.answers(deletion_days())
    assert lookup.deletions(NOW - DAY) == {}


@pytest.mark.parametrize("reply", [FORBIDDEN, page(500), ok({"aggregated": [], "search_unavailable": True})])
def test_deletions_that_quay_does_not_show(
    quay: FakeQuay, lookup: RobotLookup, warnings: list[str], reply: Reply
) -> None:
    """They are unknown then. That is asked once."""
    quay.answers(reply)
    assert lookup.deletions(NOW - DAY) is None
    assert lookup.deletions(NOW - DAY) is None
    assert warnings == []
    assert targets(quay) == [COUNTS]


def test_deletions_without_any_entry(quay: FakeQuay, lookup: RobotLookup) -> None:
    """Quay can be configured not to log a namespace, so that empty logs show nothing."""
    quay.answers(*[ok({"aggregated": []})] * 3)
    assert lookup.deletions(NOW - DAY, NOW - 40 * DAY) is None
    assert targets(quay) == [COUNTS] * 3


# --- ages of robots


def test_age_is_found_once(quay: FakeQuay, lookup: RobotLookup) -> None:
    quay.answers(change_days(NOW - DAY), changes({"ci": NOW - DAY}), change_days(NOW - DAY), changes({"ci": NOW - DAY}))
    query = AgeQuery(robot(), 20 * DAY, [])
    assert [lookup.age_of(query), lookup.age_of(query)] == [(NOW - DAY, "log")] * 2
    assert targets(quay) == [COUNTS, LOGS]
    assert lookup.age_of(AgeQuery(robot(), 10 * DAY, [])) == (NOW - DAY, "log")
    assert targets(quay) == [COUNTS, LOGS] * 2


def test_ages_in_advance(quay: FakeQuay, lookup: RobotLookup) -> None:
    quay.answers(change_days(NOW - DAY), changes({"a1": NOW - DAY, "b1": NOW - 2 * DAY}))
    queries = [AgeQuery(robot(short), 20 * DAY, []) for short in ("a1", "b1")]
    lookup.prefetch_ages(queries)
    assert [lookup.age_of(query) for query in queries] == [(NOW - DAY, "log"), (NOW - 2 * DAY, "log")]
    assert targets(quay) == [COUNTS, LOGS]
