# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_repository: repositories, and who may do what with them."""

from __future__ import annotations

from typing import Any

import pytest

from functional.refusals import assert_refused
from functional.world import World
from standin.state import Prototype, Repository

MODULE = "quay_repository"
LIST = "/api/v1/repository"
PATH = f"{LIST}/acme/new"
APP = f"{LIST}/acme/app"
CONFIG = "GET /config"

ROBOT = {"kind": "robot", "name": "acme+ci", "role": "write"}
TEAM = {"kind": "team", "name": "readers", "role": "read"}
CAROL = {"kind": "user", "name": "carol", "role": "admin"}


def repository(world: World, name: str = "new") -> Repository:
    return world.quay.state.repositories["acme", name]


def listed(*permissions: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"repository": "acme/app", "permissions": list(permissions), **more}


def test_repository_is_made(either_login: World) -> None:
    world = either_login
    fields = {"visibility": "public", "description": "The application"}
    runs = world.four_runs(MODULE, {"repository": "acme/new", **fields})
    assert runs.requests == [
        [*world.sign_in, f"GET {PATH}", CONFIG],
        [*world.sign_in, f"GET {PATH}", CONFIG, f"POST {LIST}", f"GET {PATH}"],
        [*world.sign_in, f"GET {PATH}"],
        [*world.sign_in, f"GET {PATH}"],
    ]
    made = repository(world)
    assert (made.visibility, made.description, made.state) == ("public", "The application", "NORMAL")
    assert runs.first.content == {"repository": "acme/new", **fields, "mode": "normal", "permissions": None}
    assert runs.first.diff == {"before": {}, "after": {**fields, "mode": "normal"}}


def test_new_repository_is_private(world: World) -> None:
    world.four_runs(MODULE, {"repository": "acme/new"})
    assert (repository(world).visibility, repository(world).description) == ("private", "")


def test_new_repository_with_permissions_and_mode(either_login: World) -> None:
    """All that makes a robot useful, in one task."""
    world = either_login
    world.quay.config["FEATURE_REPO_MIRROR"] = True
    arguments = {"repository": "acme/new", "mode": "read_only", "permissions": [ROBOT, TEAM]}
    runs = world.four_runs(MODULE, arguments)
    assert runs.requests[1] == [
        *world.sign_in,
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
    made = repository(world)
    assert (made.state, made.user_roles, made.team_roles) == (
        "READ_ONLY",
        {"alice": "admin", "acme+ci": "write"},
        {"readers": "read"},
    )
    assert runs.first["permissions"] == [ROBOT, TEAM]
    assert runs.first.diff["after"]["permissions"] == {"robot acme+ci": "write", "team readers": "read"}


def test_unchanged_repository_costs_one_request(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {"repository": "acme/app"})
    assert runs.requests == [[*world.sign_in, f"GET {APP}"]] * 4
    assert not runs.first.changed


def test_unchanged_permission_costs_two_requests(world: World) -> None:
    runs = world.four_runs(MODULE, listed({**ROBOT, "role": "read"}))
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
def test_one_field_is_changed_and_no_other(either_login: World, field: str, value: str, request_: str) -> None:
    world = either_login
    world.quay.config["FEATURE_REPO_MIRROR"] = True
    before = world.run(MODULE, {"repository": "acme/app"}).content
    runs = world.four_runs(MODULE, {"repository": "acme/app", field: value})
    assert runs.first.content == {**before, field: value}
    assert runs.first.diff["after"] == {**runs.first.diff["before"], field: value}
    assert [request for request in runs.requests[1] if request[:3] != "GET" and "signin" not in request] == [request_]


def test_description_is_emptied(world: World) -> None:
    world.run(MODULE, {"repository": "acme/app", "description": "x"})
    world.four_runs(MODULE, {"repository": "acme/app", "description": ""})
    assert repository(world, "app").description == ""


def test_mode_comes_back_to_normal(world: World) -> None:
    world.quay.config["FEATURE_REPO_MIRROR"] = True
    repository(world, "app").state = "READ_ONLY"
    runs = world.four_runs(MODULE, {"repository": "acme/app", "mode": "normal", "description": "x"})
    assert (runs.first["mode"], repository(world, "app").state) == ("normal", "NORMAL")


def test_roles_are_given_changed_and_others_kept(either_login: World) -> None:
    world = either_login
    repository(world, "app").team_roles["owners"] = "write"
    runs = world.four_runs(MODULE, listed(ROBOT, TEAM, CAROL))
    app = repository(world, "app")
    assert app.user_roles == {"alice": "admin", "acme+ci": "write", "carol": "admin"}
    assert app.team_roles == {"owners": "write", "readers": "read"}
    assert runs.first["permissions"] == [ROBOT, TEAM, CAROL]
    assert runs.first.diff["before"]["permissions"] == {"robot acme+ci": "read"}
    assert [request for request in runs.requests[1] if request.startswith(("PUT", "DELETE"))] == [
        f"PUT {APP}/permissions/user/acme+ci",
        f"PUT {APP}/permissions/team/readers",
        f"PUT {APP}/permissions/user/carol",
    ]


def test_role_is_taken_away(world: World) -> None:
    runs = world.four_runs(MODULE, listed({**ROBOT, "role": "none"}, {**CAROL, "role": "none"}))
    assert repository(world, "app").user_roles == {"alice": "admin"}
    assert runs.first["permissions"] == []
    assert runs.first.diff["after"]["permissions"] == {}
    assert f"DELETE {APP}/permissions/user/acme+ci" in runs.requests[1]


def test_exclusive_takes_away_what_is_not_listed(either_login: World) -> None:
    world = either_login
    repository(world, "app").team_roles["owners"] = "write"
    runs = world.four_runs(MODULE, listed(TEAM, permissions_exclusive=True))
    app = repository(world, "app")
    assert (app.user_roles, app.team_roles) == ({}, {"readers": "read"})
    before = {"robot acme+ci": "read", "team owners": "write", "user alice": "admin"}
    assert runs.first.diff["before"]["permissions"] == before
    assert runs.first["permissions"] == [TEAM]


def test_nobody_at_all(world: World) -> None:
    world.four_runs(MODULE, listed(permissions_exclusive=True))
    assert repository(world, "app").user_roles == {}


@pytest.mark.parametrize("exclusive", [True, False])
def test_default_permissions_and_the_creator(world: World, exclusive: bool) -> None:
    """What Quay gives of itself when a repository is made does not stay where the play says otherwise."""
    world.quay.state.prototypes["p"] = Prototype("acme", "admin", "user", "acme+ci", None)
    taken = [] if exclusive else [{**ROBOT, "role": "none"}]
    arguments = {"repository": "acme/new", "permissions": [TEAM, *taken], "permissions_exclusive": exclusive}
    runs = world.four_runs(MODULE, arguments)
    assert runs.first["permissions"] == [TEAM]
    assert repository(world).user_roles == ({} if exclusive else {"alice": "admin"})


def test_owner_of_a_namespace_stays(world: World) -> None:
    robots = world.people.alice.browser()
    robots.call("PUT", "/api/v1/user/robots/ci")
    robot = {**ROBOT, "name": "alice+ci"}
    runs = world.four_runs(MODULE, {"repository": "alice/own", "permissions": [robot], "permissions_exclusive": True})
    assert runs.first["permissions"] == [robot]
    assert world.quay.state.repositories["alice", "own"].user_roles == {"alice": "admin", "alice+ci": "write"}


def test_repository_is_deleted(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {"repository": "acme/app", "state": "absent"})
    assert runs.requests == [
        [*world.sign_in, f"GET {APP}", CONFIG],
        [*world.sign_in, f"GET {APP}", CONFIG, f"DELETE {APP}", f"GET {APP}"],
        [*world.sign_in, f"GET {APP}"],
        [*world.sign_in, f"GET {APP}"],
    ]
    assert ("acme", "app") not in world.quay.state.repositories
    assert ("acme", "base") in world.quay.state.repositories
    assert runs.first.diff == {
        "before": {"visibility": "private", "description": "", "mode": "normal"},
        "after": {},
    }
    nothing = dict.fromkeys(("visibility", "description", "mode", "permissions"))
    assert runs.first.content == {"repository": "acme/app", **nothing}


def test_name_with_more_slashes(world: World) -> None:
    world.four_runs(MODULE, {"repository": "acme/team/app", "description": "x"})
    assert repository(world, "team/app").description == "x"
    world.four_runs(MODULE, {"repository": "acme/team/app", "state": "absent"})
    assert ("acme", "team/app") not in world.quay.state.repositories


# --- what Quay says and what it does


def test_deletion_that_is_only_reported(world: World) -> None:
    world.quay.faults.add("status", method="DELETE", status=204)
    result = world.run(MODULE, {"repository": "acme/app", "state": "absent"})
    assert result.failed
    assert "Quay reported success, but the repository acme/app is not as written (present)" in result.message


def test_change_that_is_only_reported(world: World) -> None:
    body = {"status": 200, "body": "null", "headers": {"Content-Type": "application/json"}}
    world.quay.faults.add("status", method="POST", path="changevisibility", **body)
    result = world.run(MODULE, {"repository": "acme/app", "visibility": "public"})
    assert result.failed
    assert "is not as written (visibility)" in result.message


def test_failure_that_was_none(world: World) -> None:
    """Quay answers 500 where its log cannot be written, and has done what it was asked for."""
    world.quay.faults.add("status", method="POST", status=500, after=True)
    world.quay.faults.add("status", method="DELETE", status=500, after=True)
    arguments = {"repository": "acme/new", "permissions": [ROBOT]}
    assert world.run(MODULE, arguments).changed
    assert repository(world).user_roles["acme+ci"] == "write"
    assert world.run(MODULE, {"repository": "acme/new", "state": "absent"}).changed
    assert ("acme", "new") not in world.quay.state.repositories


@pytest.mark.parametrize("kind", ["cut_before", "status"])
def test_failure_that_was_one(world: World, kind: str) -> None:
    world.quay.faults.add(kind, method="POST")
    result = world.run(MODULE, {"repository": "acme/new"})
    assert result.failed
    assert f"POST {world.quay.url}{LIST}" in result.message
    assert len([request for request in world.requests if request.startswith("POST")]) == 1


def test_read_only_registry(world: World) -> None:
    world.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(world, MODULE, {"repository": "acme/new"}, "the registry is read-only")
    assert_refused(world, MODULE, {"repository": "acme/app", "state": "absent"}, "the registry is read-only")
    assert not world.run(MODULE, {"repository": "acme/app"}).failed


# --- what is refused


@pytest.mark.parametrize(
    "name", ["app", "acme/", "/app", "acme/App", "acme//app", "acme/app/", "acme/a b", "acme/../x", "acme/" + "a" * 256]
)
def test_name_that_is_none(world: World, name: str) -> None:
    assert_refused(world, MODULE, {"repository": name}, "is not a valid repository name")
    assert world.requests == []


@pytest.mark.parametrize("part", ["mirror", "tag/v1", "permissions/user/carol", "build/x", "logs"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_name_that_the_api_takes_for_something_else(world: World, part: str, state: str) -> None:
    """DELETE of such a name would delete a tag, a permission, a build."""
    name = f"acme/app/{part}"
    assert_refused(world, MODULE, {"repository": name, "state": state}, f"cannot address '{name}'")
    assert world.requests == []


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({**ROBOT, "name": "ci"}, "write acme+robot"),
        ({**ROBOT, "name": "rival+ci"}, "is not a robot of the namespace acme"),
        ({**CAROL, "name": "acme+ci"}, "use kind=robot"),
        ({**CAROL, "name": "acme"}, "owns the namespace"),
        ({**TEAM, "name": "a/b"}, "cannot be the name of a team"),
        ({**TEAM, "name": " "}, "cannot be the name of a team"),
    ],
)
def test_permission_that_quay_would_refuse(world: World, entry: dict[str, str], words: str) -> None:
    assert_refused(world, MODULE, listed(entry), words)
    assert world.requests == []


def test_contradictory_permissions(world: World) -> None:
    assert_refused(world, MODULE, listed(ROBOT, {**ROBOT, "role": "read"}), "names the robot acme+ci twice")


def test_exclusive_of_nothing(world: World) -> None:
    arguments = {"repository": "acme/app", "permissions_exclusive": True}
    assert_refused(world, MODULE, arguments, "permissions_exclusive needs permissions")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({**ROBOT, "name": "acme+nope"}, "Invalid username: acme+nope"),
        ({**CAROL, "name": "nobody"}, "Invalid username: nobody"),
        ({**TEAM, "name": "nope"}, "No team nope"),
    ],
)
def test_permission_of_whom_quay_does_not_know(world: World, entry: dict[str, str], words: str) -> None:
    result = world.run(MODULE, listed(entry))
    assert result.failed
    assert words in result.message


@pytest.mark.parametrize("name", ["app", "new"])
def test_mode_without_the_feature(world: World, name: str) -> None:
    arguments = {"repository": f"acme/{name}", "mode": "mirror"}
    assert_refused(world, MODULE, arguments, "FEATURE_REPO_MIRROR is off")


def test_mode_that_is_as_wanted_needs_no_feature(world: World) -> None:
    assert not world.run(MODULE, {"repository": "acme/app", "mode": "normal"}).changed
    assert world.run(MODULE, {"repository": "acme/new", "mode": "normal"}).changed


def test_unknown_namespace_as_superuser(world: World) -> None:
    world.login = world.people.root.by_password
    result = world.run(MODULE, {"repository": "nope/app"})
    assert result.failed
    assert "Check that the namespace 'nope'" in result.message


@pytest.mark.parametrize("name", ["rival/app", "nope/app"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_foreign_namespace(world: World, name: str, state: str) -> None:
    assert_refused(world, MODULE, {"repository": name, "state": state}, "the login administers its repositories")


@pytest.mark.parametrize("token", ["wrong", "narrow"])
@pytest.mark.parametrize("visibility", ["private", "public"])
def test_token_that_may_not(world: World, token: str, visibility: str) -> None:
    repository(world, "app").visibility = visibility
    people = world.people
    secret = "X" * 40 if token == "wrong" else people.alice.token(people.console, "repo:read")
    world.login = {"quay_token": secret}
    words = "this login may not change it" if visibility == "public" or token == "narrow" else "does not accept"
    assert_refused(world, MODULE, {"repository": "acme/app"}, words)
