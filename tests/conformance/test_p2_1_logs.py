# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 2, section 1: usage logs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from conformance.client import (
    Client,
    assert_html,
    assert_message,
    assert_problem,
    assert_unauthorized,
    registry_token,
    unique,
)
from conformance.world import World
from standin import Standin
from standin.state import LogEntry

RFC2822 = re.compile(r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d -0000$")
BAD_REQUEST = "The browser (or proxy) sent a request that this server could not understand."


def _day(offset: int) -> str:
    return (datetime.now(UTC) + timedelta(days=offset)).strftime("%m/%d/%Y")


def _range(first: int, last: int) -> dict[str, str]:
    return {"starttime": _day(first), "endtime": _day(last)}


def _all(client: Client, path: str, **parameters: str) -> list[dict[str, Any]]:
    """Every entry, page by page."""
    entries: list[dict[str, Any]] = []
    while True:
        page = client.get(path, params=parameters).json()
        entries += page["logs"]
        if "next_page" not in page:
            return entries
        parameters["next_page"] = page["next_page"]


def _fill(standin: Standin, org: str, count: int, at: datetime, step: timedelta = timedelta(microseconds=1)) -> None:
    """Entries of an organization, one a step."""
    state = standin.state
    for number in range(count):
        moment = at + number * step
        entry = LogEntry(state.next_id(), "create_robot", org, None, None, None, {"robot": f"r{number}"}, moment)
        state.logs.append(entry)


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/api/v1/organization/{org}/{kind}", "org:admin"),
        ("/api/v1/organization/{org}/{kind}", "super:user"),
        ("/api/v1/user/{kind}", "user:admin"),
        ("/api/v1/repository/{org}/{repository}/{kind}", "repo:admin"),
        ("/api/v1/superuser/{kind}", "super:user"),
    ],
)
@pytest.mark.parametrize("kind", ["logs", "aggregatelogs"])
def test_p2_1_scopes(world: World, bearer: Callable[[str], Client], path: str, scope: str, kind: str) -> None:
    address = path.format(org=world.org, kind=kind, repository=world.repository())
    assert bearer(scope).get(address).status_code == 200
    assert_unauthorized(bearer("repo:read").get(address))


def test_p2_1_no_bearer_401(world: World, anonymous: Client) -> None:
    assert_problem(anonymous.get(f"{world.base}/logs"), 401, "invalid_token")


@pytest.mark.parametrize("kind", ["logs", "aggregatelogs"])
def test_p2_1_unknown_organization_400(world: World, kind: str) -> None:
    name = unique()
    response = world.superuser.get(f"/api/v1/organization/{name}/{kind}")
    assert_message(response, 400, f"Invalid namespace requested: {name}")
    assert_unauthorized(world.user.get(f"/api/v1/organization/{name}/{kind}"))


def test_p2_1_unknown_repository_404(world: World) -> None:
    assert_problem(world.superuser.get(f"/api/v1/repository/{world.org}/{unique()}/logs"), 404, "not_found")


def test_p2_1_an_entry(world: World) -> None:
    shortname, _rest = world.robot()
    (entry, *_rest) = world.superuser.get(f"{world.base}/logs").json()["logs"]
    assert entry.keys() == {"kind", "metadata", "ip", "datetime", "performer"}
    assert entry["kind"] == "create_robot"
    assert entry["metadata"] == {"robot": shortname, "description": None, "unstructured_metadata": None}
    assert RFC2822.match(entry["datetime"])
    performer = entry["performer"]
    assert performer.keys() == {"kind", "name", "is_robot", "avatar"}
    assert performer["kind"] == "user"
    assert performer["name"] == world.target.username
    assert not performer["is_robot"]


def test_p2_1_by_bearer_the_metadata_name_token_and_application(world: World, bearer: Callable[[str], Client]) -> None:
    shortname, _rest = world.robot()
    bearer("org:admin").post(f"{world.base}/robots/{shortname}/regenerate")
    entry = world.superuser.get(f"{world.base}/logs").json()["logs"][0]
    keys = {"robot", "oauth_token_id", "oauth_token_application_id", "oauth_token_application"}
    assert (entry["kind"], entry["metadata"].keys()) == ("regenerate_robot_token", keys)
    assert entry["metadata"]["robot"] == shortname
    assert entry["metadata"]["oauth_token_application_id"] == world.client_id
    assert entry["metadata"]["oauth_token_application"] == "conformance"
    assert isinstance(entry["metadata"]["oauth_token_id"], int)


def test_p2_1_kinds_of_robots(world: World, passing_org: str) -> None:
    base = f"/api/v1/organization/{passing_org}/robots/robot"
    config = [{"issuer": "https://issuer.example", "subject": "s"}]
    world.superuser.put(base, {"description": "d"})
    world.superuser.post(f"{base}/regenerate")
    world.superuser.post(f"{base}/federation", config)
    world.superuser.delete(f"{base}/federation")
    world.superuser.delete(base)
    entries = world.superuser.get(f"/api/v1/organization/{passing_org}/logs").json()["logs"]
    assert [(entry["kind"], entry["metadata"]) for entry in entries[:5]] == [
        ("delete_robot", {"robot": "robot"}),
        ("delete_robot_federation", {"robot": "robot"}),
        ("create_robot_federation", {"robot": "robot", "config": config}),
        ("regenerate_robot_token", {"robot": "robot"}),
        ("create_robot", {"robot": "robot", "description": "d", "unstructured_metadata": None}),
    ]


def test_p2_1_kinds_of_applications(world: World, passing_org: str) -> None:
    base = f"/api/v1/organization/{passing_org}/applications"
    client_id = world.superuser.post(base, {"name": "a"}).json()["client_id"]
    update = {"name": "b", "redirect_uri": "", "application_uri": ""}
    world.superuser.put(f"{base}/{client_id}", update)
    world.superuser.post(f"{base}/{client_id}/resetclientsecret")
    world.superuser.delete(f"{base}/{client_id}")
    entries = world.superuser.get(f"/api/v1/organization/{passing_org}/logs").json()["logs"]
    assert [(entry["kind"], entry["metadata"]) for entry in entries[:4]] == [
        ("delete_application", {"application_name": "b", "client_id": client_id}),
        ("reset_application_client_secret", {"application_name": "b", "client_id": client_id}),
        ("update_application", update | {"application_name": "b", "client_id": client_id}),
        ("create_application", {"name": "a", "application_name": "a", "client_id": client_id}),
    ]


@pytest.mark.family("3.18")
def test_p2_1_kinds_of_application_tokens(world: World) -> None:
    body = {"name": "logged", "scope": "repo:read", "expiration": 60}
    uuid = world.superuser.post(f"{world.application}/tokens", body).json()["uuid"]
    world.superuser.delete(f"{world.application}/tokens/{uuid}")
    revoked, created = world.superuser.get(f"{world.base}/logs").json()["logs"][:2]
    application = {"oauth_token_uuid": uuid, "application_name": "conformance", "client_id": world.client_id}
    more = {"scope": "repo:read", "token_display_name": "logged", "auth_method": "OAuth"}
    assert (created["kind"], created["metadata"]) == ("create_oauth_api_token", application | more)
    assert (revoked["kind"], revoked["metadata"]) == ("revoke_oauth_api_token", application)


def test_p2_1_kinds_of_app_tokens(world: World) -> None:
    uuid = world.user.post("/api/v1/user/apptoken", {"title": "logged"}).json()["token"]["uuid"]
    world.user.delete(f"/api/v1/user/apptoken/{uuid}")
    revoked, created = world.user.get("/api/v1/user/logs").json()["logs"][:2]
    metadata = {"app_specific_token_title": "logged", "app_specific_token": uuid}
    assert (created["kind"], created["metadata"]) == ("create_app_specific_token", metadata)
    assert (revoked["kind"], revoked["metadata"]) == ("revoke_app_specific_token", metadata)


def test_p2_1_assigning_is_logged(world: World) -> None:
    query = world.form(username=world.username, format="json")
    world.superuser.post("/oauth/authorize/assignuser", params=query)
    entry = world.superuser.get(f"{world.base}/logs").json()["logs"][0]
    names = {"assigning_user": world.target.username, "assigned_user": world.username}
    assert entry["kind"] == "oauth_token_assigned"
    assert entry["metadata"] == names | {"application": "conformance", "client_id": world.client_id}


def test_p2_1_permissions_and_members_are_logged(world: World) -> None:
    (shortname, _secret), name, team = world.robot(), world.repository(), world.team()
    robot = f"{world.org}+{shortname}"
    permission = f"/api/v1/repository/{world.org}/{name}/permissions/user/{robot}"
    world.superuser.put(permission, {"role": "read"})
    world.superuser.delete(permission)
    world.superuser.put(f"{world.base}/team/{team}/members/{robot}")
    world.superuser.delete(f"{world.base}/team/{team}/members/{robot}")
    entries = world.superuser.get(f"{world.base}/logs").json()["logs"]
    subject = {"username": robot, "repo": name, "namespace": world.org}
    assert [(entry["kind"], entry["metadata"]) for entry in entries[:4]] == [
        ("org_remove_team_member", {"member": robot, "team": team}),
        ("org_add_team_member", {"member": robot, "team": team}),
        ("delete_repo_permission", subject),
        ("change_repo_permission", subject | {"role": "read"}),
    ]
    kinds = [entry["kind"] for entry in _all(world.superuser, f"/api/v1/repository/{world.org}/{name}/logs")]
    assert kinds == ["delete_repo_permission", "change_repo_permission", "create_repo"]


def test_p2_1_registry_logins_are_logged_only_without_a_scope(world: World) -> None:
    shortname, secret = world.robot()
    robot, name = f"{world.org}+{shortname}", world.repository()
    registry_token(world.target, (robot, secret), f"repository:{world.org}/{name}:pull")
    assert world.superuser.get(f"{world.base}/logs").json()["logs"][0]["kind"] == "create_repo"
    registry_token(world.target, (robot, secret))
    entry = world.superuser.get(f"{world.base}/logs").json()["logs"][0]
    assert entry["kind"] == "login_success"
    assert entry["metadata"].keys() == {"type", "kind", "robot", "useragent"}
    assert (entry["metadata"]["type"], entry["metadata"]["robot"]) == ("v2auth", robot)
    assert entry["performer"]["is_robot"] is True


def test_p2_1_signing_in_is_logged_without_a_performer(world: World, anonymous: Client) -> None:
    anonymous.sign_in(world.username, world.password)
    entry = world.user.get("/api/v1/user/logs").json()["logs"][0]
    assert entry.keys() == {"kind", "metadata", "ip", "datetime"}
    assert (entry["kind"], entry["metadata"]["type"]) == ("login_success", "quayauth")


def test_p2_1_not_logged(world: World) -> None:
    shortname, _rest = world.robot()
    before = _all(world.superuser, f"{world.base}/logs")
    world.mint("repo:read")
    listed = world.superuser.get("/api/v1/user/authorizations").json()["authorizations"]
    world.superuser.delete(f"/api/v1/user/authorizations/{listed[-1]['uuid']}")
    world.superuser.get(f"{world.base}/robots/{shortname}")
    assert _all(world.superuser, f"{world.base}/logs") == before


def test_p2_1_default_is_the_last_24_hours(world: World) -> None:
    body = world.superuser.get(f"{world.base}/logs").json()
    start, end = (parsedate_to_datetime(body[key]) for key in ("start_time", "end_time"))
    assert end - start == timedelta(days=2)
    assert abs((start.replace(tzinfo=UTC) + timedelta(days=1) - _now(world)).total_seconds()) < 60


def _now(world: World) -> datetime:
    return world.target.standin.clock.now() if world.target.standin else datetime.now(UTC)


def test_p2_1_days_are_inclusive_and_the_answer_echoes_them(world: World) -> None:
    parameters = {"starttime": "1/2/2026", "endtime": "01/03/2026"}
    body = world.superuser.get(f"{world.base}/logs", params=parameters).json()
    expected = {"start_time": "Fri, 02 Jan 2026 00:00:00 -0000", "end_time": "Sun, 04 Jan 2026 00:00:00 -0000"}
    assert body == expected | {"logs": []}


@pytest.mark.parametrize(
    "start", ["2026-01-02", "01/02/26", "01/02/2026 10:00", "13/45/2026", "yesterday", "01/02/2026 UTC"]
)
def test_p2_1_unreadable_dates_are_ignored(world: World, start: str) -> None:
    body = world.superuser.get(f"{world.base}/logs", params={"starttime": start}).json()
    assert abs((parsedate_to_datetime(body["start_time"]).replace(tzinfo=UTC) - _now(world)).total_seconds()) < 90000
    assert body["logs"]


@pytest.mark.parametrize("kind", ["logs", "aggregatelogs"])
def test_p2_1_end_before_start(world: World, kind: str) -> None:
    path = f"{world.base}/{kind}"
    assert_message(world.superuser.get(path, params=_range(0, -2)), 400, BAD_REQUEST)
    assert world.superuser.get(path, params=_range(0, -1)).status_code == 200
    assert_message(world.superuser.get(path, params={"endtime": _day(-5)}), 400, BAD_REQUEST)


def test_p2_1_logs_of_any_range_aggregates_of_31_days(world: World) -> None:
    assert world.superuser.get(f"{world.base}/logs", params=_range(-1000, 0)).status_code == 200
    path = f"{world.base}/aggregatelogs"
    assert world.superuser.get(path, params=_range(-30, 0)).status_code == 200
    assert_message(world.superuser.get(path, params=_range(-31, 0)), 400, "Invalid date range for logs")
    assert world.superuser.get("/api/v1/superuser/aggregatelogs", params=_range(-31, 0)).status_code == 500


def test_p2_1_performer(world: World, passing_org: str, bearer: Callable[[str], Client]) -> None:
    base = f"/api/v1/organization/{passing_org}"
    world.superuser.put(f"{base}/team/owners/members/{world.username}")
    world.user.put(f"{base}/robots/robot")
    entries = world.superuser.get(f"{base}/logs", params={"performer": world.username}).json()["logs"]
    assert [entry["kind"] for entry in entries] == ["create_robot"]
    counted = world.superuser.get(f"{base}/aggregatelogs", params={"performer": world.username}).json()
    assert [(item["kind"], item["count"]) for item in counted["aggregated"]] == [("create_robot", 1)]


def test_p2_1_unknown_performer(world: World) -> None:
    parameters = {"performer": "nobody-at-all"}
    assert world.superuser.get(f"{world.base}/logs", params=parameters).status_code == 500
    unfiltered = world.superuser.get(f"{world.base}/aggregatelogs", params=parameters)
    assert unfiltered.status_code == 200
    assert unfiltered.json()["aggregated"]


def test_p2_1_aggregates(world: World, passing_org: str) -> None:
    for shortname in ("one", "two"):
        world.superuser.put(f"/api/v1/organization/{passing_org}/robots/{shortname}")
    counted = world.superuser.get(f"/api/v1/organization/{passing_org}/aggregatelogs").json()
    assert counted.keys() == {"aggregated"}
    found = {item["kind"]: item for item in counted["aggregated"]}
    assert found["create_robot"].keys() == {"kind", "count", "datetime"}
    assert found["create_robot"]["count"] == 2
    assert " 00:00:00 " in found["create_robot"]["datetime"]


def test_p2_1_superuser_logs_name_the_namespace(world: World) -> None:
    world.robot()
    entries = world.superuser.get("/api/v1/superuser/logs").json()["logs"]
    (found, *_rest) = (entry for entry in entries if entry.get("namespace", {}).get("name") == world.org)
    assert found["namespace"].keys() == {"kind", "name", "avatar"}
    assert found["namespace"]["kind"] == "org"


def test_p2_1_a_users_own_namespace_by_the_organizations_address(world: World) -> None:
    world.user.put(f"/api/v1/user/robots/{unique('r')}")
    entry = world.superuser.get(f"/api/v1/organization/{world.username}/logs").json()["logs"][0]
    assert entry["kind"] == "create_robot"


@pytest.mark.parametrize(("entries", "requests"), [(0, 1), (1, 2), (20, 2), (21, 3), (351, 19)])
def test_p2_1_twenty_a_page_and_an_empty_last_page(world: World, standin: Standin, entries: int, requests: int) -> None:
    at = datetime(2026, 3, 4, 12, tzinfo=UTC)
    _fill(standin, world.org, entries, at)
    day = {"starttime": "03/04/2026", "endtime": "03/04/2026"}
    assert len(_all_requests(world, day)) == requests
    found = _all(world.superuser, f"{world.base}/logs", **day)
    assert [entry["metadata"]["robot"] for entry in found] == [f"r{number}" for number in reversed(range(entries))]


def _all_requests(world: World, parameters: dict[str, str]) -> list[int]:
    """How many entries each page has."""
    pages, parameters = [], dict(parameters)
    while True:
        page = world.superuser.get(f"{world.base}/logs", params=parameters).json()
        pages.append(len(page["logs"]))
        if "next_page" not in page:
            return pages
        parameters["next_page"] = page["next_page"]


def test_p2_1_action_log_max_page(world: World, standin: Standin) -> None:
    _fill(standin, world.org, 120, datetime(2026, 3, 4, 12, tzinfo=UTC))
    standin.config["ACTION_LOG_MAX_PAGE"] = 3
    day = {"starttime": "03/04/2026", "endtime": "03/04/2026"}
    assert _all_requests(world, day) == [20, 20, 20, 20, 0]


def test_p2_1_equal_times_at_the_edge_of_a_page_lose_entries(world: World, standin: Standin) -> None:
    _fill(standin, world.org, 60, datetime(2026, 3, 4, 12, tzinfo=UTC), step=timedelta(0))
    day = {"starttime": "03/04/2026", "endtime": "03/04/2026"}
    assert sum(_all_requests(world, day)) == 60
    _fill(standin, world.org, 60, datetime(2026, 3, 5, 12, tzinfo=UTC), step=timedelta(seconds=1))
    # The 20th and the 21st of these at one time: every later page starts twenty rows too late.
    edge = [entry for entry in standin.state.logs if entry.at.day == 5]
    edge[39].at = edge[40].at
    day = {"starttime": "03/05/2026", "endtime": "03/05/2026"}
    assert sum(_all_requests(world, day)) == 40


def test_p2_1_aggregates_add_up_equal_days_of_two_months(world: World, standin: Standin) -> None:
    for month in (11, 12):
        _fill(standin, world.org, 1, datetime(2025, month, 30, 12, tzinfo=UTC))
    parameters = {"starttime": "11/30/2025", "endtime": "12/30/2025"}
    counted = world.superuser.get(f"{world.base}/aggregatelogs", params=parameters).json()["aggregated"]
    expected = {"kind": "create_robot", "count": 2, "datetime": "Sun, 30 Nov 2025 00:00:00 -0000"}
    assert counted == [expected]


def test_p2_1_aggregates_stumble_over_the_end_of_february(world: World, standin: Standin) -> None:
    _fill(standin, world.org, 1, datetime(2026, 3, 29, 12, tzinfo=UTC))
    parameters = {"starttime": "02/28/2026", "endtime": "03/29/2026"}
    assert_html(world.superuser.get(f"{world.base}/aggregatelogs", params=parameters), 500)


def test_p2_1_search_unavailable(world: World, standin: Standin) -> None:
    standin.config["LOGS_MODEL"] = "splunk"
    logs = world.superuser.get(f"{world.base}/logs").json()
    assert logs.keys() == {"start_time", "end_time", "logs", "search_unavailable", "message"}
    assert (logs["logs"], logs["search_unavailable"]) == ([], True)
    assert logs["message"].startswith("Audit log viewing requires a search_token")
    counted = world.superuser.get(f"{world.base}/aggregatelogs").json()
    assert counted == {"aggregated": [], "search_unavailable": True, "message": logs["message"]}


def test_p2_1_disabled_for_audit_logs(world: World, standin: Standin) -> None:
    before = _all(world.superuser, f"{world.base}/logs")
    standin.config["DISABLED_FOR_AUDIT_LOGS"] = [world.org]
    world.robot()
    assert _all(world.superuser, f"{world.base}/logs") == before


def test_p2_1_aggregates_off(world: World, standin: Standin) -> None:
    standin.config["FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL"] = False
    assert_html(world.superuser.get(f"{world.base}/aggregatelogs"), 308)
    assert world.superuser.get("/api/v1/superuser/aggregatelogs").status_code == 200
