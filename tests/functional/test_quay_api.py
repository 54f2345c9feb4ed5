# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_api: calls of any API operation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functional.accounts import ALL_SCOPES
from functional.harness import Harness, assert_refused

MODULE = "quay_api"
DISCOVERY = "GET /api/v1/discovery"
CONFIG = "GET /config"
HIDDEN = "********"

VISIBILITY: dict[str, Any] = {
    "operation": "changeRepoVisibility",
    "parameters": {"repository": "acme/app"},
    "body": {"visibility": "public"},
}
IS_PUBLIC: dict[str, Any] = {
    "state_path": "/api/v1/repository/{repository}",
    "state": "present",
    "fields": {"is_public": True},
}
PAGES = [(1, "a"), (2, "b")]
ROBOT = {"orgname": "acme", "robot_shortname": "ci"}


# --- reading


def test_operation_is_read_in_check_mode_too(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"operation": "getOrgRobot", "parameters": ROBOT})
    path = "/api/v1/organization/acme/robots/ci"
    assert runs.requests == [[DISCOVERY, *harness.sign_in, f"GET {path}"]] * 4
    assert runs.predicted.content == runs.first.content
    assert not runs.first.changed
    assert (runs.first["operation"], runs.first["method"], runs.first["path"]) == ("getOrgRobot", "GET", path)
    assert (runs.first["status"], runs.first["sent"], runs.first["token"]) == (200, True, None)
    assert (runs.first["json"]["name"], runs.first["json"]["token"]) == ("acme+ci", HIDDEN)


def test_path_is_the_same_as_its_operation(harness: Harness) -> None:
    by_name = harness.run(MODULE, {"operation": "getOrgRobot", "parameters": ROBOT})
    for path, parameters in (
        ("/api/v1/organization/{orgname}/robots/{robot_shortname}", ROBOT),
        ("/api/v1/organization/{org}/robots/ci", {"org": "acme"}),
        ("/api/v1/organization/acme/robots/ci", {}),
    ):
        assert harness.run(MODULE, {"path": path, "parameters": parameters}).content == by_name.content


def test_no_validation_costs_no_request(harness: Harness) -> None:
    result = harness.run(MODULE, {"path": "/api/v1/organization/acme/robots/ci", "validate": "none"})
    assert harness.requests == ["GET /api/v1/organization/acme/robots/ci"]
    assert result["operation"] is None


def test_query_is_typed_and_encoded(harness: Harness) -> None:
    parameters = {"orgname": "acme", "permissions": "yes", "token": False, "limit": "5"}
    result = harness.run(MODULE, {"operation": "getOrgRobots", "parameters": parameters})
    assert harness.quay.journal.entries[-1].query == "permissions=true&token=false&limit=5"
    assert [robot["name"] for robot in result["json"]["robots"]] == ["acme+ci"]


def test_list_is_a_parameter_sent_several_times(harness: Harness) -> None:
    scopes = ["repository:acme/app:pull", "repository:acme/base:pull"]
    parameters = {"service": harness.quay.config["SERVER_HOSTNAME"], "scope": scopes}
    arguments = {"path": "/v2/auth", "parameters": parameters, "validate": "none", "token_key": "token"}
    result = harness.run(MODULE, arguments)
    assert harness.quay.journal.entries[-1].query.count("scope=") == 2
    assert result.token is not None


def test_names_are_encoded(harness: Harness) -> None:
    result = harness.run(MODULE, {"operation": "getOrgRobot", "parameters": {**ROBOT, "robot_shortname": "ä %2F+"}})
    assert result.failed
    assert "robots/%C3%A4%20%252F%2B" in result.message


@pytest.mark.parametrize("name", ["", "a/b", "..", ["a"], None, {}])
def test_name_that_would_change_the_path(harness: Harness, name: Any) -> None:
    arguments = {"operation": "getOrgRobot", "parameters": {**ROBOT, "robot_shortname": name}}
    message = assert_refused(harness, MODULE, arguments, "parameters.robot_shortname")
    assert message
    assert harness.requests == [DISCOVERY]


@pytest.mark.parametrize(
    "path", ["api/v1/user/", "https://quay.example.com/api/v1/user/", "//example.com/x", "/a/../b", "/a?b=c", "/a#b"]
)
def test_invalid_path(harness: Harness, path: str) -> None:
    assert_refused(harness, MODULE, {"path": path}, "is not a valid path")
    assert harness.requests == []


# --- pages


@pytest.fixture
def long_log(harness: Harness) -> Harness:
    """Three pages of usage logs, by many regenerations of a robot."""
    acme = harness.accounts.alice.browser()
    for _time in range(41):
        acme.call("POST", "/api/v1/organization/acme/robots/ci/regenerate")
    return harness


LOGS = {"operation": "listOrgLogs", "parameters": {"orgname": "acme"}}


def test_one_page(long_log: Harness) -> None:
    result = long_log.run(MODULE, LOGS)
    assert len(result["json"]["logs"]) == 20
    assert result["json"]["next_page"]


def test_all_pages(long_log: Harness) -> None:
    result = long_log.run(MODULE, {**LOGS, "all_pages": True})
    kinds = [entry["kind"] for entry in result["json"]["logs"]]
    assert kinds.count("regenerate_robot_token") == 41
    assert "next_page" not in result["json"]
    assert {"start_time", "end_time"} < result["json"].keys()
    pages = len(kinds) // 20 + 2
    assert long_log.requests == [DISCOVERY, *["GET /api/v1/organization/acme/logs"] * pages]


def test_all_pages_of_one_page(harness: Harness) -> None:
    result = harness.run(MODULE, {"operation": "getOrgRobots", "parameters": {"orgname": "acme"}, "all_pages": True})
    assert [robot["name"] for robot in result["json"]["robots"]] == ["acme+ci"]


def test_all_pages_of_a_response_without_a_list(harness: Harness) -> None:
    arguments = {"operation": "getLoggedInUser", "all_pages": True}
    message = assert_refused(
        harness, MODULE, arguments, "all_pages: the response to GET /api/v1/user/ (getLoggedInUser)"
    )
    assert "it needs one, to join the pages" in message


def test_all_pages_of_a_call_that_writes(harness: Harness) -> None:
    words = "all_pages needs a GET request, and this is POST /api/v1/repository/acme/app/changevisibility"
    assert_refused(harness, MODULE, {**VISIBILITY, "all_pages": True}, words)


def test_pages_that_never_end(harness: Harness) -> None:
    """With limit=0 Quay always returns a next page."""
    harness.login = harness.accounts.root.by_password
    result = harness.run(MODULE, {"operation": "listAllUsers", "parameters": {"limit": 0}, "all_pages": True})
    assert result["json"]["users"] == []
    assert len(harness.requests) < 10


TAGS = {"path": "/api/v1/repository/acme/app/tag/", "validate": "none", "all_pages": True}


def respond_with(harness: Harness, pages: list[Any]) -> None:
    for page in pages:
        headers = {"Content-Type": "application/json"}
        harness.quay.faults.add(path="/tag/$", kind="status", status=200, body=json.dumps(page), headers=headers)


@pytest.mark.parametrize(
    ("pages", "names"),
    [
        (["a", "", "b", "", "", "c"], ["a", "b"]),
        (["", "a", "", "", "b"], ["a"]),
        (["", "", "", "a"], []),
    ],
)
def test_two_empty_pages_are_the_end(harness: Harness, pages: list[str], names: list[str]) -> None:
    items = [[{"name": name}] if name else [] for name in pages]
    respond_with(harness, [{"tags": tags, "next_page": f"cursor{number}"} for number, tags in enumerate(items)])
    assert [tag["name"] for tag in harness.run(MODULE, TAGS)["json"]["tags"]] == names


def test_pages_by_number(harness: Harness) -> None:
    """Tags and searches of Quay use page numbers instead of cursors."""
    pages = [{"tags": [{"name": name}], "page": number, "has_additional": number < 2} for number, name in PAGES]
    respond_with(harness, pages)
    result = harness.run(MODULE, TAGS)
    assert result["json"] == {"tags": [{"name": "a"}, {"name": "b"}]}
    assert [entry.query for entry in harness.quay.journal.entries] == ["", "page=2"]


# --- writing


def test_write_is_sent_once_and_not_in_check_mode(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, VISIBILITY, idempotent=False)
    post = "POST /api/v1/repository/acme/app/changevisibility"
    assert runs.requests[0] == [DISCOVERY, CONFIG]
    assert runs.requests[1] == [DISCOVERY, CONFIG, *harness.sign_in, post]
    assert (runs.first.changed, runs.second.changed) == (True, True)
    assert (runs.first["status"], runs.first["json"], runs.first["sent"]) == (200, {"success": True}, True)
    assert (runs.predicted["status"], runs.predicted["json"], runs.predicted["sent"]) == (None, None, True)
    assert runs.predicted.warned(f"Check mode: {post} (changeRepoVisibility) was not sent.")
    assert not runs.first.warned("Check mode")


def test_write_that_changes_nothing(harness: Harness) -> None:
    runs = harness.four_runs(MODULE, {**VISIBILITY, "changes": False}, idempotent=False)
    assert not runs.first.changed
    assert harness.writes == ["POST /api/v1/repository/acme/app/changevisibility"]


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_write_is_never_repeated(harness: Harness, status: int) -> None:
    path = "^/api/v1/repository/acme/app/changevisibility"
    harness.quay.faults.add(path=path, kind="status", status=status, times=None)
    result = harness.run(MODULE, {**VISIBILITY, "retries": 3})
    assert result.failed
    assert len(harness.requests) == 3
    assert ("The request may have taken effect" in result.message) == (status >= 500)


def test_read_only_registry(harness: Harness) -> None:
    harness.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(harness, MODULE, VISIBILITY, "the registry is read-only; nothing was changed")
    assert_refused(harness, MODULE, {**VISIBILITY, **IS_PUBLIC}, "the registry is read-only; nothing was changed")
    assert not harness.run(MODULE, {"operation": "getOrgRobot", "parameters": ROBOT}).failed


# --- desired state


def test_write_is_sent_until_the_state_matches(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {**VISIBILITY, **IS_PUBLIC})
    get, post = "GET /api/v1/repository/acme/app", "POST /api/v1/repository/acme/app/changevisibility"
    assert runs.requests == [
        [DISCOVERY, *harness.sign_in, get, CONFIG],
        [DISCOVERY, *harness.sign_in, get, CONFIG, post, get],
        [DISCOVERY, *harness.sign_in, get],
        [DISCOVERY, *harness.sign_in, get],
    ]
    assert (runs.first.changed, runs.second.changed) == (True, False)
    assert (runs.first["sent"], runs.second["sent"], runs.second["json"]) == (True, False, None)
    assert runs.first.diff == {
        "before": {"exists": True, "is_public": False},
        "after": {"exists": True, "is_public": True},
    }


NEW_ROBOT = {
    "operation": "createOrgRobot",
    "parameters": {**ROBOT, "robot_shortname": "new"},
    "state_path": "/api/v1/organization/{orgname}/robots/{robot_shortname}",
    "state": "present",
    "token_key": "token",
}


def test_existing_object_is_not_created_again(harness: Harness) -> None:
    runs = harness.four_runs(MODULE, NEW_ROBOT)
    assert runs.first.token == harness.robot_fingerprint("acme+new")
    assert runs.first.diff == {"before": {}, "after": {"exists": True}}
    assert runs.second.token is None


def test_secret_is_returned_although_reading_back_fails(harness: Harness) -> None:
    harness.quay.faults.add("status", method="GET", path="/robots/new$", nth=2)
    result = harness.run(MODULE, NEW_ROBOT)
    assert not result.failed, result.message
    assert any("a secret that Quay shows only once" in warning for warning in result.warnings)
    assert result.token == harness.robot_fingerprint("acme+new")


@pytest.mark.parametrize(
    ("operation", "path", "parameters"),
    [
        ("deleteOrgRobot", "/api/v1/organization/{orgname}/robots/{robot_shortname}", ROBOT),
        ("deleteRepository", "/api/v1/repository/{repository}", {"repository": "acme/base"}),
        (
            "deleteUserPermissions",
            "/api/v1/repository/{repository}/permissions/user/{username}",
            {"repository": "acme/app", "username": "acme+ci"},
        ),
    ],
)
def test_missing_object_is_not_deleted_again(
    harness: Harness, operation: str, path: str, parameters: dict[str, Any]
) -> None:
    arguments = {"operation": operation, "parameters": parameters, "state_path": path, "state": "absent"}
    runs = harness.four_runs(MODULE, arguments)
    assert runs.first["status"] == 204
    assert runs.first.diff == {"before": {"exists": True}, "after": {}}
    assert (runs.second["sent"], runs.second["status"]) == (False, None)


def test_item_of_a_list_as_state(harness: Harness) -> None:
    """Quay has no GET for one team member, so the list is compared."""
    arguments = {
        "operation": "updateOrganizationTeamMember",
        "parameters": {"orgname": "acme", "teamname": "readers", "membername": "acme+ci"},
        "state_path": "/api/v1/organization/{orgname}/team/{teamname}/members",
        "state": "present",
        "fields": {"members": [{"name": "acme+ci"}]},
    }
    runs = harness.four_runs(MODULE, arguments)
    assert runs.first.changed
    assert runs.second["sent"] is False
    gone = {**arguments, "operation": "deleteOrganizationTeamMember", "state": "absent"}
    runs = harness.four_runs(MODULE, gone)
    assert runs.first["status"] == 204


def test_state_that_is_a_list(harness: Harness) -> None:
    trust = {"issuer": "https://idp.example.com", "subject": "ci"}
    arguments = {
        "operation": "createOrgRobotFederation",
        "parameters": ROBOT,
        "body": [trust],
        "state_path": "/api/v1/organization/{orgname}/robots/{robot_shortname}/federation",
        "state": "present",
        "fields": trust,
    }
    runs = harness.four_runs(MODULE, arguments)
    assert runs.first["json"] == [trust]
    assert runs.second["sent"] is False


def test_success_response_without_a_change_is_an_error(harness: Harness) -> None:
    """Below a repository Quay responds with 204 to a DELETE of an unknown path."""
    arguments = {
        "method": "DELETE",
        "path": "/api/v1/repository/acme/app/mirror",
        "validate": "none",
        "state_path": "/api/v1/repository/acme/app",
        "state": "absent",
    }
    result = harness.run(MODULE, arguments)
    assert result.failed
    assert "Quay reported success, but the state at /api/v1/repository/acme/app is not as written (present)" in (
        result.message
    )


def test_error_response_after_the_change_is_a_success(harness: Harness) -> None:
    path = "^/api/v1/repository/acme/app/changevisibility"
    harness.quay.faults.add(path=path, kind="status", status=500, after=True)
    result = harness.run(MODULE, {**VISIBILITY, **IS_PUBLIC})
    assert (result.changed, result["status"], result["json"]) == (True, None, None)


def test_state_of_another_login(harness: Harness) -> None:
    harness.login = harness.accounts.bob.by_password
    assert_refused(harness, MODULE, {**VISIBILITY, **IS_PUBLIC}, "403")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"operation": "getUserRobots", "state": "present", "state_path": "/x"}, "a request that writes"),
        ({**VISIBILITY, "state": "present"}, "state_path"),
        ({**VISIBILITY, "fields": {"x": 1}}, "missing parameter(s) required by 'fields': state"),
        ({**VISIBILITY, **IS_PUBLIC, "state_path": "/a/{b}"}, "'b' is missing. The path /a/{b} requires it"),
    ],
)
def test_invalid_state_options(harness: Harness, arguments: dict[str, Any], words: str) -> None:
    assert_refused(harness, MODULE, arguments, words)


# --- validation with the API description


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"operation": "listOrgLog"}, "no operation 'listOrgLog' (did you mean listOrgLogs"),
        ({"operation": "listorglogs"}, "(did you mean listOrgLogs"),
        ({"operation": "qqqq"}, "Use quay_operation_info to list all operations"),
        (
            {"operation": "listOrgLogs"},
            "'orgname' is missing. The path /api/v1/organization/{orgname}/logs requires it",
        ),
        (
            {"operation": "listOrgLogs", "parameters": {"orgname": "acme", "startime": "11/21/2026"}},
            "parameters has 'startime', which listOrgLogs does not accept (did you mean starttime?)",
        ),
        ({"operation": "getUserRobots", "parameters": {"limit": "x"}}, "parameters.limit must be integer"),
        ({**VISIBILITY, "body": None}, "body lacks 'visibility', which is required"),
        ({**VISIBILITY, "body": {"visibility": "secret"}}, "body.visibility must be one of public, private"),
        ({**VISIBILITY, "body": {"visibility": 1}}, "body.visibility must be string"),
        ({**VISIBILITY, "body": ["public"]}, "body must be object"),
        (
            {**VISIBILITY, "body": {"visibility": "public", "visibilty": "public"}},
            "body has 'visibilty', which Quay does not know here (did you mean visibility?)",
        ),
        (
            {
                "operation": "createOrgRobotFederation",
                "parameters": ROBOT,
                "body": [{"issuer": "https://x.example.com"}],
            },
            "body[0] lacks 'subject', which is required",
        ),
        (
            {"operation": "regenerateOrgRobotToken", "parameters": ROBOT, "body": {"a": 1}},
            "body: regenerateOrgRobotToken accepts no body",
        ),
        ({"path": "/api/v1/organisation/acme"}, "description of its API does not list /api/v1/organisation/acme"),
        ({"path": "/api/v1/superuser/users"}, "did you mean /api/v1/superuser/users/"),
        ({"path": "/config"}, "does not list /config"),
        (
            {"path": "/api/v1/repository/acme/app/changevisibility", "method": "DELETE"},
            "no DELETE at /api/v1/repository/{repository}/changevisibility (available: POST)",
        ),
    ],
)
def test_call_that_the_server_does_not_describe(harness: Harness, arguments: dict[str, Any], words: str) -> None:
    assert_refused(harness, MODULE, arguments, words)
    assert harness.requests == [DISCOVERY]


def test_undescribed_call_is_sent_with_a_warning(harness: Harness) -> None:
    arguments: dict[str, Any] = {"path": "/config", "validate": "warn"}
    assert harness.run(MODULE, arguments).warned("this server's description of its API does not list /config")
    arguments = {**VISIBILITY, "body": {"visibility": "public", "extra": 1}, "validate": "warn"}
    result = harness.run(MODULE, arguments)
    assert result.warned("body has 'extra', which Quay does not know here")
    assert result["json"] == {"success": True}
    assert harness.run(MODULE, {**arguments, "validate": "none"}).warnings == []


def test_body_that_quay_confuses_with_another_is_not_checked(harness: Harness) -> None:
    """The API description has the body of createToken instead of that of createAppToken."""
    arguments = {"operation": "createAppToken", "body": {"title": "nightly"}}
    result = harness.run(MODULE, {**arguments, "token_key": "token.token_code"})
    assert result.changed
    assert (result["json"]["token"]["title"], result["json"]["token"]["token_code"]) == ("nightly", HIDDEN)


def test_body_as_text(harness: Harness) -> None:
    result = harness.run(MODULE, {**VISIBILITY, "body": json.dumps({"visibility": "public"})})
    assert result["json"] == {"success": True}
    harness.known_secrets.add(["password=not-JSON-at-all"])
    refused = {**VISIBILITY, "body": "password=not-JSON-at-all"}
    assert_refused(harness, MODULE, refused, "body must be a mapping or a list")
    get: dict[str, Any] = {"path": "/api/v1/user/", "body": {"a": 1}, "validate": "none"}
    assert_refused(harness, MODULE, get, "body: a GET request takes no body")


# --- secrets


def test_requested_secret(harness: Harness) -> None:
    result = harness.run(MODULE, {"operation": "getOrgRobot", "parameters": ROBOT, "token_key": "token"})
    assert result.token == result["fingerprint"] == harness.robot_fingerprint()
    assert result["json"]["token"] == HIDDEN


def test_secret_of_a_new_user(harness: Harness) -> None:
    harness.login = harness.accounts.root.by_password
    body = {"username": "dave", "email": "dave@example.com"}
    result = harness.run(MODULE, {"operation": "createInstallUser", "body": body, "token_key": "password"})
    assert result.token
    assert (result["json"]["password"], result["json"]["encrypted_password"]) == (HIDDEN, HIDDEN)


def test_client_key_is_a_secret(harness: Harness) -> None:
    harness.login = harness.accounts.alice.by_password
    arguments = {"operation": "generateUserClientKey", "body_secrets": {"password": harness.accounts.alice.password}}
    assert harness.run(MODULE, arguments)["json"] == {"key": HIDDEN}


@pytest.mark.parametrize("key", ["nope", "name.token", "token.x"])
def test_missing_secret(harness: Harness, key: str) -> None:
    result = harness.run(MODULE, {"operation": "getOrgRobot", "parameters": ROBOT, "token_key": key})
    assert result.token is None
    assert result.warned(f"robots/ci (getOrgRobot) has no text at {key}")


def test_read_secret_is_stored_in_a_file(either_login: Harness) -> None:
    harness = either_login
    arguments = {"operation": "getOrgRobot", "parameters": ROBOT, "token_key": "token"}
    runs = harness.four_runs(MODULE, {**arguments, "token_path": str(harness.token_path)})
    assert (runs.first.changed, runs.first.token) == (True, None)
    assert harness.stored_fingerprint() == harness.robot_fingerprint() == runs.first["fingerprint"]
    place = str(harness.token_path)
    assert runs.first.diff == {"before": {place: "absent"}, "after": {place: "delivered"}}


def test_created_secret_is_stored_in_a_file(harness: Harness) -> None:
    arguments = {"operation": "regenerateOrgRobotToken", "parameters": ROBOT, "token_key": "token"}
    runs = harness.four_runs(MODULE, {**arguments, "token_path": str(harness.token_path)}, idempotent=False)
    assert runs.first.token is None
    assert harness.stored_fingerprint() == harness.robot_fingerprint() == runs.second["fingerprint"]
    assert harness.token_record()["fingerprint"] == runs.second["fingerprint"]


def test_nothing_is_sent_if_the_secret_cannot_be_stored(harness: Harness) -> None:
    arguments = {"operation": "regenerateOrgRobotToken", "parameters": ROBOT, "token_key": "token"}
    message = assert_refused(harness, MODULE, {**arguments, "token_path": "/nonexistent/token"}, "does not exist")
    assert "token_path" in message
    assert_refused(harness, MODULE, {**arguments, "token_path": "relative"}, "token_path")
    arguments = {**arguments, "state": "present", "state_path": "/x", "token_path": str(harness.token_path)}
    assert_refused(harness, MODULE, arguments, "token_path cannot be combined with state")


@pytest.mark.parametrize("place", ["body", "fields"])
def test_secret_outside_body_secrets_is_refused_and_not_repeated(harness: Harness, place: str) -> None:
    secret = "hidden-in-the-open"
    harness.known_secrets.add([secret])
    arguments: dict[str, Any] = {**VISIBILITY, **IS_PUBLIC, place: {"user": {"password": secret}}}
    assert_refused(harness, MODULE, arguments, f"{place}.user.password looks like a secret: give it in body_secrets")
    if place == "body":
        assert_refused(harness, MODULE, {**arguments, "body": json.dumps(arguments["body"])}, "looks like a secret")
    assert harness.requests == []


def test_body_secrets_are_merged_into_the_body(harness: Harness) -> None:
    harness.login = harness.accounts.root.by_password
    password = "correct-horse-battery"
    harness.known_secrets.add([password])
    arguments = {
        "operation": "changeInstallUser",
        "parameters": {"username": "carol"},
        "body": {"email": "c@example.com"},
        "body_secrets": {"password": password},
    }
    assert harness.run(MODULE, arguments).changed
    carol = type(harness.accounts.carol)(harness.quay, "carol", password)
    carol.browser()
    assert harness.quay.state.users["carol"].email == "c@example.com"


# --- without a login, and outside the API description


def test_public_call_without_a_login(harness: Harness) -> None:
    harness.login = {}
    result = harness.run(MODULE, {"operation": "discovery", "parameters": {"internal": True}})
    assert result["json"]["swagger"] == "2.0"


@pytest.mark.parametrize("arguments", [VISIBILITY, {**VISIBILITY, **IS_PUBLIC}, {"operation": "getUserRobots"}])
def test_call_that_needs_a_login(harness: Harness, arguments: dict[str, Any]) -> None:
    harness.login = {}
    result = harness.run(MODULE, arguments)
    assert result.failed
    assert "needs a login: give quay_token, or quay_username and quay_password" in result.message


def test_registry_gets_basic_and_bearer_logins(each_login: Harness) -> None:
    harness = each_login
    parameters = {"service": harness.quay.config["SERVER_HOSTNAME"], "scope": "repository:acme/app:pull"}
    arguments = {"path": "/v2/auth", "parameters": parameters, "validate": "none", "token_key": "token"}
    result = harness.run(MODULE, arguments)
    assert harness.quay.journal.entries[-1].auth == "basic"
    assert result.changed
    harness.login = {"quay_token": result["token"]}
    listed = harness.run(MODULE, {"path": "/v2/acme/app/tags/list", "validate": "none"})
    assert listed["json"]["name"] == "acme/app"


def test_registry_token_is_not_requested_in_check_mode(harness: Harness) -> None:
    """Requesting push would create the repository."""
    parameters = {"service": harness.quay.config["SERVER_HOSTNAME"], "scope": "repository:acme/unborn:push"}
    result = harness.check(MODULE, {"path": "/v2/auth", "parameters": parameters, "validate": "none"})
    assert result.warned("Check mode: GET /v2/auth was not sent.")
    assert ("acme", "unborn") not in harness.quay.state.repositories


def test_scopes_are_checked_by_the_server(harness: Harness) -> None:
    harness.login = harness.accounts.alice.by_token(harness.accounts.console, ALL_SCOPES.replace("org:admin ", ""))
    result = harness.run(MODULE, {"operation": "getOrgRobot", "parameters": ROBOT})
    assert result.failed
    assert "lacks the permission or the scope" in result.message


@pytest.mark.parametrize(
    ("operation", "parameters", "field"),
    [
        ("createAppToken", {}, "title"),
        ("createOrganizationApplication", {"orgname": "acme"}, "name"),
        ("createOrganizationApplication", {"orgname": "acme"}, "redirect_uri"),
    ],
)
def test_text_that_quay_cannot_store(harness: Harness, operation: str, parameters: dict[str, str], field: str) -> None:
    """Quay's description has no limit, and Quay answers 500."""
    body = {"name": "x", field: "x" * 256} if field != "title" else {field: "x" * 256}
    arguments = {"operation": operation, "parameters": parameters, "body": body}
    assert_refused(harness, MODULE, arguments, f"body.{field} has 256 characters, and Quay stores 255 at most")
    assert not harness.writes
    result = harness.run(MODULE, {**arguments, "validate": "warn"})
    assert "Quay answered 500" in result.message
    assert harness.run(MODULE, {**arguments, "body": {**body, field: "x" * 255}}).changed
