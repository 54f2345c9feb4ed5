# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_repository: repositories and their permissions."""

from __future__ import annotations

from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from standin.state import Prototype, Repository

MODULE = "quay_repository"
LIST = "/api/v1/repository"
PATH = f"{LIST}/acme/new"
APP = f"{LIST}/acme/app"
CONFIG = "GET /config"

ROBOT = {"kind": "robot", "name": "acme+ci", "role": "write"}
TEAM = {"kind": "team", "name": "readers", "role": "read"}
CAROL = {"kind": "user", "name": "carol", "role": "admin"}


def repository(harness: Harness, name: str = "new") -> Repository:
    return harness.quay.state.repositories["acme", name]


def listed(*permissions: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"repository": "acme/app", "permissions": list(permissions), **more}


def test_repository_is_created(either_login: Harness) -> None:
    harness = either_login
    fields = {"visibility": "public", "description": "The application"}
    runs = harness.four_runs(MODULE, {"repository": "acme/new", **fields})
    assert runs.requests == [
        [*harness.sign_in, f"GET {PATH}", CONFIG],
        [*harness.sign_in, f"GET {PATH}", CONFIG, f"POST {LIST}", f"GET {PATH}"],
        [*harness.sign_in, f"GET {PATH}"],
        [*harness.sign_in, f"GET {PATH}"],
    ]
    made = repository(harness)
    assert (made.visibility, made.description, made.state) == ("public", "The application", "NORMAL")
    assert runs.first.content == {"repository": "acme/new", **fields, "mode": "normal", "permissions": None}
    assert runs.first.diff == {"before": {}, "after": {**fields, "mode": "normal"}}


def test_new_repository_is_private(harness: Harness) -> None:
    harness.four_runs(MODULE, {"repository": "acme/new"})
    assert (repository(harness).visibility, repository(harness).description) == ("private", "")


def test_new_repository_with_permissions_and_mode(either_login: Harness) -> None:
    """A repository with permissions and mode in one task."""
    harness = either_login
    harness.quay.config["FEATURE_REPO_MIRROR"] = True
    arguments = {"repository": "acme/new", "mode": "read_only", "permissions": [ROBOT, TEAM]}
    runs = harness.four_runs(MODULE, arguments)
    assert runs.requests[1] == [
        *harness.sign_in,
        f"GET {PATH}",
        CONFIG,
        f"POST {LIST}",
        f"PUT {PATH}/permissions/user/acme+ci",
        f"PUT {PATH}/permissions/team/readers",
        f"PUT {PATH}/changestate",
        f"GET {PATH}",
        f"GET {PATH}/permissions/team/",
        f"GET {PATH}/permissions/user/",
    ]
    made = repository(harness)
    assert (made.state, made.user_roles, made.team_roles) == (
        "READ_ONLY",
        {"alice": "admin", "acme+ci": "write"},
        {"readers": "read"},
    )
    assert runs.first["permissions"] == [ROBOT, TEAM]
    assert runs.first.diff["after"]["permissions"] == {"robot acme+ci": "write", "team readers": "read"}


def test_unchanged_repository_costs_one_request(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"repository": "acme/app"})
    assert runs.requests == [[*harness.sign_in, f"GET {APP}"]] * 4
    assert not runs.first.changed


def test_unchanged_permission_costs_two_requests(harness: Harness) -> None:
    runs = harness.four_runs(MODULE, listed({**ROBOT, "role": "read"}))
    assert runs.requests == [[f"GET {APP}", f"GET {APP}/permissions/user/"]] * 4
    assert not runs.first.changed


@pytest.mark.parametrize(
    ("field", "value", "request_"),
    [
        ("description", "new", f"PUT {APP}"),
        ("visibility", "public", f"POST {APP}/changevisibility"),
        ("mode", "mirror", f"PUT {APP}/changestate"),
    ],
)
def test_one_field_is_changed_and_no_other(either_login: Harness, field: str, value: str, request_: str) -> None:
    harness = either_login
    harness.quay.config["FEATURE_REPO_MIRROR"] = True
    before = harness.run(MODULE, {"repository": "acme/app"}).content
    runs = harness.four_runs(MODULE, {"repository": "acme/app", field: value})
    assert runs.first.content == {**before, field: value}
    assert runs.first.diff["after"] == {**runs.first.diff["before"], field: value}
    assert [request for request in runs.requests[1] if request[:3] != "GET" and "signin" not in request] == [request_]


def test_description_is_emptied(harness: Harness) -> None:
    harness.run(MODULE, {"repository": "acme/app", "description": "x"})
    harness.four_runs(MODULE, {"repository": "acme/app", "description": ""})
    assert repository(harness, "app").description == ""


def test_mode_returns_to_normal(harness: Harness) -> None:
    harness.quay.config["FEATURE_REPO_MIRROR"] = True
    repository(harness, "app").state = "READ_ONLY"
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "mode": "normal", "description": "x"})
    assert (runs.first["mode"], repository(harness, "app").state) == ("normal", "NORMAL")


def test_roles_are_granted_and_changed_and_others_kept(either_login: Harness) -> None:
    harness = either_login
    repository(harness, "app").team_roles["owners"] = "write"
    runs = harness.four_runs(MODULE, listed(ROBOT, TEAM, CAROL))
    app = repository(harness, "app")
    assert app.user_roles == {"alice": "admin", "acme+ci": "write", "carol": "admin"}
    assert app.team_roles == {"owners": "write", "readers": "read"}
    assert runs.first["permissions"] == [ROBOT, TEAM, CAROL]
    assert runs.first.diff["before"]["permissions"] == {"robot acme+ci": "read"}
    assert [request for request in runs.requests[1] if request.startswith(("PUT", "DELETE"))] == [
        f"PUT {APP}/permissions/user/acme+ci",
        f"PUT {APP}/permissions/team/readers",
        f"PUT {APP}/permissions/user/carol",
    ]


def test_role_is_removed(harness: Harness) -> None:
    runs = harness.four_runs(MODULE, listed({**ROBOT, "role": "none"}, {**CAROL, "role": "none"}))
    assert repository(harness, "app").user_roles == {"alice": "admin"}
    assert runs.first["permissions"] == []
    assert runs.first.diff["after"]["permissions"] == {}
    assert f"DELETE {APP}/permissions/user/acme+ci" in runs.requests[1]


def test_exclusive_removes_what_is_not_listed(either_login: Harness) -> None:
    harness = either_login
    repository(harness, "app").team_roles["owners"] = "write"
    runs = harness.four_runs(MODULE, listed(TEAM, permissions_exclusive=True))
    app = repository(harness, "app")
    assert (app.user_roles, app.team_roles) == ({}, {"readers": "read"})
    before = {"robot acme+ci": "read", "team owners": "write", "user alice": "admin"}
    assert runs.first.diff["before"]["permissions"] == before
    assert runs.first["permissions"] == [TEAM]


def test_exclusive_empty_list_removes_all_permissions(harness: Harness) -> None:
    harness.four_runs(MODULE, listed(permissions_exclusive=True))
    assert repository(harness, "app").user_roles == {}


@pytest.mark.parametrize("exclusive", [True, False])
def test_default_permissions_and_the_creator(harness: Harness, exclusive: bool) -> None:
    """Permissions that Quay adds to a new repository are removed if the task says so."""
    harness.quay.state.prototypes["p"] = Prototype("acme", "admin", "user", "acme+ci", None)
    taken = [] if exclusive else [{**ROBOT, "role": "none"}]
    arguments = {"repository": "acme/new", "permissions": [TEAM, *taken], "permissions_exclusive": exclusive}
    runs = harness.four_runs(MODULE, arguments)
    assert runs.first["permissions"] == [TEAM]
    assert repository(harness).user_roles == ({} if exclusive else {"alice": "admin"})


def test_owner_of_a_namespace_keeps_the_permission(harness: Harness) -> None:
    robots = harness.accounts.alice.browser()
    robots.call("PUT", "/api/v1/user/robots/ci")
    robot = {**ROBOT, "name": "alice+ci"}
    runs = harness.four_runs(MODULE, {"repository": "alice/own", "permissions": [robot], "permissions_exclusive": True})
    assert runs.first["permissions"] == [robot]
    assert harness.quay.state.repositories["alice", "own"].user_roles == {"alice": "admin", "alice+ci": "write"}


def test_repository_is_deleted(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "state": "absent"})
    assert runs.requests == [
        [*harness.sign_in, f"GET {APP}", CONFIG],
        [*harness.sign_in, f"GET {APP}", CONFIG, f"DELETE {APP}", f"GET {APP}"],
        [*harness.sign_in, f"GET {APP}"],
        [*harness.sign_in, f"GET {APP}"],
    ]
    assert ("acme", "app") not in harness.quay.state.repositories
    assert ("acme", "base") in harness.quay.state.repositories
    assert runs.first.diff == {
        "before": {"visibility": "private", "description": "", "mode": "normal"},
        "after": {},
    }
    nothing = dict.fromkeys(("visibility", "description", "mode", "permissions"))
    assert runs.first.content == {"repository": "acme/app", **nothing}


def test_name_with_more_slashes(harness: Harness) -> None:
    harness.four_runs(MODULE, {"repository": "acme/team/app", "description": "x"})
    assert repository(harness, "team/app").description == "x"
    harness.four_runs(MODULE, {"repository": "acme/team/app", "state": "absent"})
    assert ("acme", "team/app") not in harness.quay.state.repositories


# --- wrong responses of Quay


def test_false_success_of_a_deletion_is_detected(harness: Harness) -> None:
    harness.quay.faults.add("status", method="DELETE", status=204)
    result = harness.run(MODULE, {"repository": "acme/app", "state": "absent"})
    assert result.failed
    assert "Quay reported success, but the repository acme/app is not as written (present)" in result.message


def test_false_success_of_a_change_is_detected(harness: Harness) -> None:
    body = {"status": 200, "body": "null", "headers": {"Content-Type": "application/json"}}
    harness.quay.faults.add("status", method="POST", path="changevisibility", **body)
    result = harness.run(MODULE, {"repository": "acme/app", "visibility": "public"})
    assert result.failed
    assert "is not as written (visibility)" in result.message


def test_error_response_after_the_change_is_a_success(harness: Harness) -> None:
    """Quay responds with 500 if it cannot write its log, although it executed the request."""
    harness.quay.faults.add("status", method="POST", status=500, after=True)
    harness.quay.faults.add("status", method="DELETE", status=500, after=True)
    arguments = {"repository": "acme/new", "permissions": [ROBOT]}
    assert harness.run(MODULE, arguments).changed
    assert repository(harness).user_roles["acme+ci"] == "write"
    assert harness.run(MODULE, {"repository": "acme/new", "state": "absent"}).changed
    assert ("acme", "new") not in harness.quay.state.repositories


@pytest.mark.parametrize("kind", ["cut_before", "status"])
def test_error_without_a_change(harness: Harness, kind: str) -> None:
    harness.quay.faults.add(kind, method="POST")
    result = harness.run(MODULE, {"repository": "acme/new"})
    assert result.failed
    assert f"POST {harness.quay.url}{LIST}" in result.message
    assert len([request for request in harness.requests if request.startswith("POST")]) == 1


def test_read_only_registry(harness: Harness) -> None:
    harness.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(harness, MODULE, {"repository": "acme/new"}, "the registry is read-only")
    assert_refused(harness, MODULE, {"repository": "acme/app", "state": "absent"}, "the registry is read-only")
    assert not harness.run(MODULE, {"repository": "acme/app"}).failed


# --- errors


@pytest.mark.parametrize(
    "name", ["app", "acme/", "/app", "acme/App", "acme//app", "acme/app/", "acme/a b", "acme/../x", "acme/" + "a" * 256]
)
def test_invalid_name(harness: Harness, name: str) -> None:
    assert_refused(harness, MODULE, {"repository": name}, "is not a valid repository name")
    assert harness.requests == []


@pytest.mark.parametrize("part", ["mirror", "tag/v1", "permissions/user/carol", "build/x", "logs"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_name_that_the_api_interprets_differently(harness: Harness, part: str, state: str) -> None:
    """DELETE with such a name would delete a tag, a permission or a build."""
    name = f"acme/app/{part}"
    assert_refused(harness, MODULE, {"repository": name, "state": state}, f"cannot address '{name}'")
    assert harness.requests == []


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({**ROBOT, "name": "ci"}, "write acme+robot"),
        ({**ROBOT, "name": "rival+ci"}, "is not a robot of the namespace acme"),
        ({**TEAM, "name": "acme+ci"}, "use kind=robot"),
        ({"kind": "robot", "name": "ci", "role": "read"}, "write acme+robot"),
        ({**CAROL, "name": "acme"}, "owns the namespace"),
        ({**TEAM, "name": "a/b"}, "cannot be the name of a team"),
        ({**TEAM, "name": " "}, "missing required arguments: name found in permissions"),
    ],
)
def test_permission_that_quay_would_refuse(harness: Harness, entry: dict[str, str], words: str) -> None:
    assert_refused(harness, MODULE, listed(entry), words)
    assert harness.requests == []


def test_contradictory_permissions(harness: Harness) -> None:
    for kind in ({"kind": "robot"}, {"kind": "user"}, {}):
        entries = listed(ROBOT, {"name": "acme+ci", "role": "read", **kind})
        assert_refused(harness, MODULE, entries, "names the robot acme+ci twice")


@pytest.mark.parametrize("kind", [{"kind": "user"}, {}])
def test_kind_follows_from_the_name(harness: Harness, kind: dict[str, str]) -> None:
    """Only robots have a plus sign in their names. Quay itself counts them among the users."""
    entries = [{"name": name, "role": "write", **kind} for name in ("acme+ci", "carol")]
    runs = harness.four_runs(MODULE, listed(*entries))
    assert runs.first["permissions"] == [
        {"kind": "robot", "name": "acme+ci", "role": "write"},
        {"kind": "user", "name": "carol", "role": "write"},
    ]


def test_exclusive_without_permissions(harness: Harness) -> None:
    arguments = {"repository": "acme/app", "permissions_exclusive": True}
    assert_refused(harness, MODULE, arguments, "permissions_exclusive needs permissions")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({**ROBOT, "name": "acme+nope"}, "Invalid username: acme+nope"),
        ({**CAROL, "name": "nobody"}, "Invalid username: nobody"),
        ({**TEAM, "name": "nope"}, "No team nope"),
    ],
)
def test_permission_of_an_unknown_account(harness: Harness, entry: dict[str, str], words: str) -> None:
    result = harness.run(MODULE, listed(entry))
    assert result.failed
    assert words in result.message


@pytest.mark.parametrize("name", ["app", "new"])
def test_mode_without_the_feature(harness: Harness, name: str) -> None:
    arguments = {"repository": f"acme/{name}", "mode": "mirror"}
    assert_refused(harness, MODULE, arguments, "FEATURE_REPO_MIRROR is off")


def test_unchanged_mode_needs_no_feature(harness: Harness) -> None:
    assert not harness.run(MODULE, {"repository": "acme/app", "mode": "normal"}).changed
    assert harness.run(MODULE, {"repository": "acme/new", "mode": "normal"}).changed


def test_unknown_namespace_as_superuser(harness: Harness) -> None:
    harness.login = harness.accounts.root.by_password
    result = harness.run(MODULE, {"repository": "nope/app"})
    assert result.failed
    assert "Check that the namespace 'nope'" in result.message


@pytest.mark.parametrize("name", ["rival/app", "nope/app"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_foreign_namespace(harness: Harness, name: str, state: str) -> None:
    assert_refused(harness, MODULE, {"repository": name, "state": state}, "the login administers its repositories")


@pytest.mark.parametrize("token", ["wrong", "narrow"])
@pytest.mark.parametrize("visibility", ["private", "public"])
def test_token_without_the_right(harness: Harness, token: str, visibility: str) -> None:
    repository(harness, "app").visibility = visibility
    accounts = harness.accounts
    secret = "X" * 40 if token == "wrong" else accounts.alice.token(accounts.console, "repo:read")
    harness.login = {"quay_token": secret}
    words = "this login may not change it" if visibility == "public" or token == "narrow" else "does not accept"
    assert_refused(harness, MODULE, {"repository": "acme/app"}, words)
