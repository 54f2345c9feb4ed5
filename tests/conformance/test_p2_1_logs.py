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
from conformance.resources import Resources
from standin import Standin
from standin.state import LogEntry

RFC2822 = re.compile(r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d -0000$")
BAD_REQUEST = "The browser (or proxy) sent a request that this server could not understand."


def _day(offset: int) -> str:
    return (datetime.now(UTC) + timedelta(days=offset)).strftime("%m/%d/%Y")


def _range(first: int, last: int) -> dict[str, str]:
    return {"starttime": _day(first), "endtime": _day(last)}


def _all(client: Client, path: str, **parameters: str) -> list[dict[str, Any]]:
    """Return all entries of all pages."""
    entries: list[dict[str, Any]] = []
    while True:
        page = client.get(path, params=parameters).json()
        entries += page["logs"]
        if "next_page" not in page:
            return entries
        parameters["next_page"] = page["next_page"]


def _fill(standin: Standin, org: str, count: int, at: datetime, step: timedelta = timedelta(microseconds=1)) -> None:
    """Create log entries of an organization, one per step."""
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
def test_p2_1_scopes(resources: Resources, bearer: Callable[[str], Client], path: str, scope: str, kind: str) -> None:
    address = path.format(org=resources.org, kind=kind, repository=resources.repository())
    assert bearer(scope).get(address).status_code == 200
    assert_unauthorized(bearer("repo:read").get(address))


def test_p2_1_no_bearer_401(resources: Resources, anonymous: Client) -> None:
    assert_problem(anonymous.get(f"{resources.base}/logs"), 401, "invalid_token")


@pytest.mark.parametrize("kind", ["logs", "aggregatelogs"])
def test_p2_1_unknown_organization_400(resources: Resources, kind: str) -> None:
    name = unique()
    response = resources.superuser.get(f"/api/v1/organization/{name}/{kind}")
    assert_message(response, 400, f"Invalid namespace requested: {name}")
    assert_unauthorized(resources.user.get(f"/api/v1/organization/{name}/{kind}"))


def test_p2_1_unknown_repository_404(resources: Resources) -> None:
    assert_problem(resources.superuser.get(f"/api/v1/repository/{resources.org}/{unique()}/logs"), 404, "not_found")


def test_p2_1_an_entry(resources: Resources) -> None:
    shortname, _rest = resources.robot()
    (entry, *_rest) = resources.superuser.get(f"{resources.base}/logs").json()["logs"]
    assert entry.keys() == {"kind", "metadata", "ip", "datetime", "performer"}
    assert entry["kind"] == "create_robot"
    assert entry["metadata"] == {"robot": shortname, "description": None, "unstructured_metadata": None}
    assert RFC2822.match(entry["datetime"])
    performer = entry["performer"]
    assert performer.keys() == {"kind", "name", "is_robot", "avatar"}
    assert performer["kind"] == "user"
    assert performer["name"] == resources.target.username
    assert not performer["is_robot"]


def test_p2_1_by_bearer_the_metadata_name_token_and_application(
    resources: Resources, bearer: Callable[[str], Client]
) -> None:
    shortname, _rest = resources.robot()
    bearer("org:admin").post(f"{resources.base}/robots/{shortname}/regenerate")
    entry = resources.superuser.get(f"{resources.base}/logs").json()["logs"][0]
    keys = {"robot", "oauth_token_id", "oauth_token_application_id", "oauth_token_application"}
    assert (entry["kind"], entry["metadata"].keys()) == ("regenerate_robot_token", keys)
    assert entry["metadata"]["robot"] == shortname
    assert entry["metadata"]["oauth_token_application_id"] == resources.client_id
    assert entry["metadata"]["oauth_token_application"] == "conformance"
    assert isinstance(entry["metadata"]["oauth_token_id"], int)


def test_p2_1_kinds_of_robots(resources: Resources, temporary_org: str) -> None:
    base = f"/api/v1/organization/{temporary_org}/robots/robot"
    config = [{"issuer": "https://issuer.example", "subject": "s"}]
    resources.superuser.put(base, {"description": "d"})
    resources.superuser.post(f"{base}/regenerate")
    resources.superuser.post(f"{base}/federation", config)
    resources.superuser.delete(f"{base}/federation")
    resources.superuser.delete(base)
    entries = resources.superuser.get(f"/api/v1/organization/{temporary_org}/logs").json()["logs"]
    assert [(entry["kind"], entry["metadata"]) for entry in entries[:5]] == [
        ("delete_robot", {"robot": "robot"}),
        ("delete_robot_federation", {"robot": "robot"}),
        ("create_robot_federation", {"robot": "robot", "config": config}),
        ("regenerate_robot_token", {"robot": "robot"}),
        ("create_robot", {"robot": "robot", "description": "d", "unstructured_metadata": None}),
    ]


def test_p2_1_kinds_of_applications(resources: Resources, temporary_org: str) -> None:
    base = f"/api/v1/organization/{temporary_org}/applications"
    client_id = resources.superuser.post(base, {"name": "a"}).json()["client_id"]
    update = {"name": "b", "redirect_uri": "", "application_uri": ""}
    resources.superuser.put(f"{base}/{client_id}", update)
    resources.superuser.post(f"{base}/{client_id}/resetclientsecret")
    resources.superuser.delete(f"{base}/{client_id}")
    entries = resources.superuser.get(f"/api/v1/organization/{temporary_org}/logs").json()["logs"]
    assert [(entry["kind"], entry["metadata"]) for entry in entries[:4]] == [
        ("delete_application", {"application_name": "b", "client_id": client_id}),
        ("reset_application_client_secret", {"application_name": "b", "client_id": client_id}),
        ("update_application", update | {"application_name": "b", "client_id": client_id}),
        ("create_application", {"name": "a", "application_name": "a", "client_id": client_id}),
    ]


@pytest.mark.family("3.18")
def test_p2_1_kinds_of_application_tokens(resources: Resources) -> None:
    body = {"name": "logged", "scope": "repo:read", "expiration": 60}
    uuid = resources.superuser.post(f"{resources.application}/tokens", body).json()["uuid"]
    resources.superuser.delete(f"{resources.application}/tokens/{uuid}")
    revoked, created = resources.superuser.get(f"{resources.base}/logs").json()["logs"][:2]
    application = {"oauth_token_uuid": uuid, "application_name": "conformance", "client_id": resources.client_id}
    more = {"scope": "repo:read", "token_display_name": "logged", "auth_method": "OAuth"}
    assert (created["kind"], created["metadata"]) == ("create_oauth_api_token", application | more)
    assert (revoked["kind"], revoked["metadata"]) == ("revoke_oauth_api_token", application)


def test_p2_1_kinds_of_app_tokens(resources: Resources) -> None:
    uuid = resources.user.post("/api/v1/user/apptoken", {"title": "logged"}).json()["token"]["uuid"]
    resources.user.delete(f"/api/v1/user/apptoken/{uuid}")
    revoked, created = resources.user.get("/api/v1/user/logs").json()["logs"][:2]
    metadata = {"app_specific_token_title": "logged", "app_specific_token": uuid}
    assert (created["kind"], created["metadata"]) == ("create_app_specific_token", metadata)
    assert (revoked["kind"], revoked["metadata"]) == ("revoke_app_specific_token", metadata)


def test_p2_1_assigning_is_logged(resources: Resources) -> None:
    query = resources.form(username=resources.username, format="json")
    resources.superuser.post("/oauth/authorize/assignuser", params=query)
    entry = resources.superuser.get(f"{resources.base}/logs").json()["logs"][0]
    names = {"assigning_user": resources.target.username, "assigned_user": resources.username}
    assert entry["kind"] == "oauth_token_assigned"
    assert entry["metadata"] == names | {"application": "conformance", "client_id": resources.client_id}


def test_p2_1_permissions_and_members_are_logged(resources: Resources) -> None:
    (shortname, _secret), name, team = resources.robot(), resources.repository(), resources.team()
    robot = f"{resources.org}+{shortname}"
    permission = f"/api/v1/repository/{resources.org}/{name}/permissions/user/{robot}"
    resources.superuser.put(permission, {"role": "read"})
    resources.superuser.delete(permission)
    resources.superuser.put(f"{resources.base}/team/{team}/members/{robot}")
    resources.superuser.delete(f"{resources.base}/team/{team}/members/{robot}")
    entries = resources.superuser.get(f"{resources.base}/logs").json()["logs"]
    subject = {"username": robot, "repo": name, "namespace": resources.org}
    assert [(entry["kind"], entry["metadata"]) for entry in entries[:4]] == [
        ("org_remove_team_member", {"member": robot, "team": team}),
        ("org_add_team_member", {"member": robot, "team": team}),
        ("delete_repo_permission", subject),
        ("change_repo_permission", subject | {"role": "read"}),
    ]
    kinds = [entry["kind"] for entry in _all(resources.superuser, f"/api/v1/repository/{resources.org}/{name}/logs")]
    assert kinds == ["delete_repo_permission", "change_repo_permission", "create_repo"]


def test_p2_1_registry_logins_are_logged_only_without_a_scope(resources: Resources) -> None:
    shortname, secret = resources.robot()
    robot, name = f"{resources.org}+{shortname}", resources.repository()
    registry_token(resources.target, (robot, secret), f"repository:{resources.org}/{name}:pull")
    assert resources.superuser.get(f"{resources.base}/logs").json()["logs"][0]["kind"] == "create_repo"
    registry_token(resources.target, (robot, secret))
    entry = resources.superuser.get(f"{resources.base}/logs").json()["logs"][0]
    assert entry["kind"] == "login_success"
    assert entry["metadata"].keys() == {"type", "kind", "robot", "useragent"}
    assert (entry["metadata"]["type"], entry["metadata"]["robot"]) == ("v2auth", robot)
    assert entry["performer"]["is_robot"] is True


def test_p2_1_signing_in_is_logged_without_a_performer(resources: Resources, anonymous: Client) -> None:
    anonymous.sign_in(resources.username, resources.password)
    entry = resources.user.get("/api/v1/user/logs").json()["logs"][0]
    assert entry.keys() == {"kind", "metadata", "ip", "datetime"}
    assert (entry["kind"], entry["metadata"]["type"]) == ("login_success", "quayauth")


def test_p2_1_not_logged(resources: Resources) -> None:
    shortname, _rest = resources.robot()
    before = _all(resources.superuser, f"{resources.base}/logs")
    resources.mint("repo:read")
    listed = resources.superuser.get("/api/v1/user/authorizations").json()["authorizations"]
    resources.superuser.delete(f"/api/v1/user/authorizations/{listed[-1]['uuid']}")
    resources.superuser.get(f"{resources.base}/robots/{shortname}")
    assert _all(resources.superuser, f"{resources.base}/logs") == before


def test_p2_1_default_is_the_last_24_hours(resources: Resources) -> None:
    body = resources.superuser.get(f"{resources.base}/logs").json()
    start, end = (parsedate_to_datetime(body[key]) for key in ("start_time", "end_time"))
    assert end - start == timedelta(days=2)
    assert abs((start.replace(tzinfo=UTC) + timedelta(days=1) - _now(resources)).total_seconds()) < 60


def _now(resources: Resources) -> datetime:
    return resources.target.standin.clock.now() if resources.target.standin else datetime.now(UTC)


def test_p2_1_days_are_inclusive_and_the_response_repeats_them(resources: Resources) -> None:
    parameters = {"starttime": "1/2/2026", "endtime": "01/03/2026"}
    body = resources.superuser.get(f"{resources.base}/logs", params=parameters).json()
    expected = {"start_time": "Fri, 02 Jan 2026 00:00:00 -0000", "end_time": "Sun, 04 Jan 2026 00:00:00 -0000"}
    assert body == expected | {"logs": []}


@pytest.mark.parametrize(
    "start", ["2026-01-02", "01/02/26", "01/02/2026 10:00", "13/45/2026", "yesterday", "01/02/2026 UTC"]
)
def test_p2_1_unreadable_dates_are_ignored(resources: Resources, start: str) -> None:
    body = resources.superuser.get(f"{resources.base}/logs", params={"starttime": start}).json()
    assert (
        abs((parsedate_to_datetime(body["start_time"]).replace(tzinfo=UTC) - _now(resources)).total_seconds()) < 90000
    )
    assert body["logs"]


@pytest.mark.parametrize("kind", ["logs", "aggregatelogs"])
def test_p2_1_end_before_start(resources: Resources, kind: str) -> None:
    path = f"{resources.base}/{kind}"
    assert_message(resources.superuser.get(path, params=_range(0, -2)), 400, BAD_REQUEST)
    assert resources.superuser.get(path, params=_range(0, -1)).status_code == 200
    assert_message(resources.superuser.get(path, params={"endtime": _day(-5)}), 400, BAD_REQUEST)


def test_p2_1_logs_of_any_range_aggregates_of_31_days(resources: Resources) -> None:
    assert resources.superuser.get(f"{resources.base}/logs", params=_range(-1000, 0)).status_code == 200
    path = f"{resources.base}/aggregatelogs"
    assert resources.superuser.get(path, params=_range(-30, 0)).status_code == 200
    assert_message(resources.superuser.get(path, params=_range(-31, 0)), 400, "Invalid date range for logs")
    assert resources.superuser.get("/api/v1/superuser/aggregatelogs", params=_range(-31, 0)).status_code == 500


def test_p2_1_performer(resources: Resources, temporary_org: str, bearer: Callable[[str], Client]) -> None:
    base = f"/api/v1/organization/{temporary_org}"
    resources.superuser.put(f"{base}/team/owners/members/{resources.username}")
    resources.user.put(f"{base}/robots/robot")
    entries = resources.superuser.get(f"{base}/logs", params={"performer": resources.username}).json()["logs"]
    assert [entry["kind"] for entry in entries] == ["create_robot"]
    counted = resources.superuser.get(f"{base}/aggregatelogs", params={"performer": resources.username}).json()
    assert [(item["kind"], item["count"]) for item in counted["aggregated"]] == [("create_robot", 1)]


def test_p2_1_unknown_performer(resources: Resources) -> None:
    parameters = {"performer": "nobody-at-all"}
    assert resources.superuser.get(f"{resources.base}/logs", params=parameters).status_code == 500
    unfiltered = resources.superuser.get(f"{resources.base}/aggregatelogs", params=parameters)
    assert unfiltered.status_code == 200
    assert unfiltered.json()["aggregated"]


def test_p2_1_aggregates(resources: Resources, temporary_org: str) -> None:
    for shortname in ("one", "two"):
        resources.superuser.put(f"/api/v1/organization/{temporary_org}/robots/{shortname}")
    counted = resources.superuser.get(f"/api/v1/organization/{temporary_org}/aggregatelogs").json()
    assert counted.keys() == {"aggregated"}
    found = {item["kind"]: item for item in counted["aggregated"]}
    assert found["create_robot"].keys() == {"kind", "count", "datetime"}
    assert found["create_robot"]["count"] == 2
    assert " 00:00:00 " in found["create_robot"]["datetime"]


def test_p2_1_superuser_logs_name_the_namespace(resources: Resources) -> None:
    resources.robot()
    entries = resources.superuser.get("/api/v1/superuser/logs").json()["logs"]
    (found, *_rest) = (entry for entry in entries if entry.get("namespace", {}).get("name") == resources.org)
    assert found["namespace"].keys() == {"kind", "name", "avatar"}
    assert found["namespace"]["kind"] == "org"


def test_p2_1_a_users_own_namespace_by_the_organizations_path(resources: Resources) -> None:
    resources.user.put(f"/api/v1/user/robots/{unique('r')}")
    entry = resources.superuser.get(f"/api/v1/organization/{resources.username}/logs").json()["logs"][0]
    assert entry["kind"] == "create_robot"


@pytest.mark.parametrize(("entries", "requests"), [(0, 1), (1, 2), (20, 2), (21, 3), (351, 19)])
def test_p2_1_twenty_a_page_and_an_empty_last_page(
    resources: Resources, standin: Standin, entries: int, requests: int
) -> None:
    at = datetime(2026, 3, 4, 12, tzinfo=UTC)
    _fill(standin, resources.org, entries, at)
    day = {"starttime": "03/04/2026", "endtime": "03/04/2026"}
    assert len(_all_requests(resources, day)) == requests
    found = _all(resources.superuser, f"{resources.base}/logs", **day)
    assert [entry["metadata"]["robot"] for entry in found] == [f"r{number}" for number in reversed(range(entries))]


def _all_requests(resources: Resources, parameters: dict[str, str]) -> list[int]:
    """Return the number of entries of each page."""
    pages, parameters = [], dict(parameters)
    while True:
        page = resources.superuser.get(f"{resources.base}/logs", params=parameters).json()
        pages.append(len(page["logs"]))
        if "next_page" not in page:
            return pages
        parameters["next_page"] = page["next_page"]


def test_p2_1_action_log_max_page(resources: Resources, standin: Standin) -> None:
    _fill(standin, resources.org, 120, datetime(2026, 3, 4, 12, tzinfo=UTC))
    standin.config["ACTION_LOG_MAX_PAGE"] = 3
    day = {"starttime": "03/04/2026", "endtime": "03/04/2026"}
    assert _all_requests(resources, day) == [20, 20, 20, 20, 0]


def test_p2_1_equal_times_at_the_end_of_a_page_lose_entries(resources: Resources, standin: Standin) -> None:
    _fill(standin, resources.org, 60, datetime(2026, 3, 4, 12, tzinfo=UTC), step=timedelta(0))
    day = {"starttime": "03/04/2026", "endtime": "03/04/2026"}
    assert sum(_all_requests(resources, day)) == 60
    _fill(standin, resources.org, 60, datetime(2026, 3, 5, 12, tzinfo=UTC), step=timedelta(seconds=1))
    # The 20th and the 21st entry have the same time: every later page starts twenty rows too late.
    edge = [entry for entry in standin.state.logs if entry.at.day == 5]
    edge[39].at = edge[40].at
    day = {"starttime": "03/05/2026", "endtime": "03/05/2026"}
    assert sum(_all_requests(resources, day)) == 40


def test_p2_1_aggregates_add_up_equal_days_of_two_months(resources: Resources, standin: Standin) -> None:
    for month in (11, 12):
        _fill(standin, resources.org, 1, datetime(2025, month, 30, 12, tzinfo=UTC))
    parameters = {"starttime": "11/30/2025", "endtime": "12/30/2025"}
    counted = resources.superuser.get(f"{resources.base}/aggregatelogs", params=parameters).json()["aggregated"]
    expected = {"kind": "create_robot", "count": 2, "datetime": "Sun, 30 Nov 2025 00:00:00 -0000"}
    assert counted == [expected]


def test_p2_1_aggregates_fail_at_the_end_of_february(resources: Resources, standin: Standin) -> None:
    _fill(standin, resources.org, 1, datetime(2026, 3, 29, 12, tzinfo=UTC))
    parameters = {"starttime": "02/28/2026", "endtime": "03/29/2026"}
    assert_html(resources.superuser.get(f"{resources.base}/aggregatelogs", params=parameters), 500)


def test_p2_1_search_unavailable(resources: Resources, standin: Standin) -> None:
    standin.config["LOGS_MODEL"] = "splunk"
    logs = resources.superuser.get(f"{resources.base}/logs").json()
    assert logs.keys() == {"start_time", "end_time", "logs", "search_unavailable", "message"}
    assert (logs["logs"], logs["search_unavailable"]) == ([], True)
    assert logs["message"].startswith("Audit log viewing requires a search_token")
    counted = resources.superuser.get(f"{resources.base}/aggregatelogs").json()
    assert counted == {"aggregated": [], "search_unavailable": True, "message": logs["message"]}


def test_p2_1_disabled_for_audit_logs(resources: Resources, standin: Standin) -> None:
    before = _all(resources.superuser, f"{resources.base}/logs")
    standin.config["DISABLED_FOR_AUDIT_LOGS"] = [resources.org]
    resources.robot()
    assert _all(resources.superuser, f"{resources.base}/logs") == before


def test_p2_1_aggregates_off(resources: Resources, standin: Standin) -> None:
    standin.config["FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL"] = False
    assert_html(resources.superuser.get(f"{resources.base}/aggregatelogs"), 308)
    assert resources.superuser.get("/api/v1/superuser/aggregatelogs").status_code == 200
