# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 2, section 2: a robot's rights, teams and default permissions."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.client import (
    assert_html,
    assert_message,
    assert_no_content,
    assert_problem,
    granted,
    registry_token,
    unique,
)
from conformance.world import World

NO_PERMISSION = "User does not have permission for repo."


def _robot(world: World) -> str:
    return f"{world.org}+{world.robot()[0]}"


def _permissions(world: World, repository: str | None = None) -> str:
    return f"/api/v1/repository/{world.org}/{repository or world.repository()}/permissions"


@pytest.mark.parametrize("plus", ["+", "%2B"])
def test_p2_2_put_permission_is_idempotent(world: World, plus: str) -> None:
    robot = _robot(world)
    path = f"{_permissions(world)}/user/{robot.replace('+', plus)}"
    for _time in range(2):
        response = world.superuser.put(path, {"role": "read"})
        assert response.status_code == 200
        body = response.json()
        assert body.keys() == {"role", "name", "is_robot", "avatar", "is_org_member"}
        assert (body["role"], body["name"], body["is_robot"], body["is_org_member"]) == ("read", robot, True, True)
    assert world.superuser.get(path).json() == body


def test_p2_2_put_permission_errors(world: World) -> None:
    path = f"{_permissions(world)}/user"
    assert_problem(world.superuser.put(f"{path}/{_robot(world)}", {"role": "owner"}), 400, "invalid_request")
    assert_message(world.superuser.put(f"{path}/{_robot(world)}"), 415)
    nobody = f"{world.org}+nobody"
    response = world.superuser.put(f"{path}/{nobody}", {"role": "read"})
    assert_problem(response, 400, "invalid_request", f"Invalid username: {nobody}")


def test_p2_2_robot_of_another_namespace_400(world: World) -> None:
    shortname = unique("r")
    world.user.put(f"/api/v1/user/robots/{shortname}")
    foreign = f"{world.username}+{shortname}"
    response = world.superuser.put(f"{_permissions(world)}/user/{foreign}", {"role": "read"})
    assert_problem(response, 400, "invalid_request", f"Cannot add robot {foreign} under namespace {world.org}")


def test_p2_2_permission_on_an_unknown_repository_500(world: World) -> None:
    path = f"{_permissions(world, unique())}/user/{_robot(world)}"
    assert world.superuser.put(path, {"role": "read"}).status_code == 500


def test_p2_2_no_permission_400(world: World) -> None:
    for repository in (world.repository(), unique()):
        path = f"{_permissions(world, repository)}/user"
        assert_message(world.superuser.get(f"{path}/{_robot(world)}"), 400, NO_PERMISSION)
        assert_message(world.superuser.get(f"{path}/{world.org}+nobody"), 400, NO_PERMISSION)
        assert_problem(world.superuser.delete(f"{path}/{_robot(world)}"), 400, "invalid_request", NO_PERMISSION)


def test_p2_2_lists_of_permissions_have_a_slash(world: World) -> None:
    robot, path, team = _robot(world), _permissions(world), world.team()
    world.superuser.put(f"{path}/user/{robot}", {"role": "write"})
    world.superuser.put(f"{path}/team/{team}", {"role": "read"})
    users = world.superuser.get(f"{path}/user/").json()["permissions"]
    assert {name: entry["role"] for name, entry in users.items()} == {robot: "write", world.target.username: "admin"}
    teams = world.superuser.get(f"{path}/team/").json()["permissions"]
    assert {name: entry["role"] for name, entry in teams.items()} == {team: "read"}
    assert world.superuser.get(f"{path}/user").status_code == 308
    assert world.superuser.get(f"{_permissions(world, unique())}/user/").json() == {"permissions": {}}


def test_p2_2_transitive(world: World) -> None:
    robot, path, team = _robot(world), _permissions(world), world.team()
    assert_problem(world.superuser.get(f"{path}/user/{robot}/transitive"), 404, "not_found")
    world.superuser.put(f"{path}/user/{robot}", {"role": "read"})
    world.superuser.put(f"{path}/team/{team}", {"role": "write"})
    world.superuser.put(f"{world.base}/team/{team}/members/{robot}")
    roles = world.superuser.get(f"{path}/user/{robot}/transitive").json()["permissions"]
    assert sorted(entry["role"] for entry in roles) == ["read", "write"]


def test_p2_2_delete_permission(world: World) -> None:
    path = f"{_permissions(world)}/user/{_robot(world)}"
    world.superuser.put(path, {"role": "read"})
    assert_no_content(world.superuser.delete(path))
    assert_message(world.superuser.get(path), 400, NO_PERMISSION)


def test_p2_2_put_member_is_not_idempotent(world: World) -> None:
    robot, team = _robot(world), world.team()
    path = f"{world.base}/team/{team}/members/{robot}"
    body = world.superuser.put(path).json()
    assert body.keys() == {"name", "kind", "is_robot", "avatar", "invited"}
    assert (body["name"], body["kind"], body["is_robot"], body["invited"]) == (robot, "user", True, False)
    assert_message(world.superuser.put(path), 400, f"User {robot} is already a member of team {team}")


def test_p2_2_member_errors(world: World) -> None:
    robot, team = _robot(world), world.team()
    path = f"{world.base}/team/{team}/members"
    response = world.superuser.put(f"{path}/{world.org}+nobody")
    assert_problem(response, 400, "invalid_request", "Unknown user")
    assert_problem(world.superuser.put(f"{world.base}/team/nope/members/{robot}"), 404, "not_found")
    missing = f"/api/v1/organization/{unique()}/team/owners/members/{robot}"
    assert_problem(world.superuser.put(missing), 404, "not_found")
    assert_message(world.superuser.delete(f"{path}/{robot}"), 400, f"User {robot} does not belong to team {team}")
    assert_problem(world.superuser.delete(f"{path}/{world.org}+nobody"), 404, "not_found")


def test_p2_2_members(world: World) -> None:
    robot, team = _robot(world), world.team()
    path = f"{world.base}/team/{team}/members"
    world.superuser.put(f"{path}/{robot}")
    body = world.superuser.get(path).json()
    assert body.keys() == {"name", "members", "can_edit"}
    assert (body["name"], body["can_edit"], [member["name"] for member in body["members"]]) == (team, True, [robot])
    assert_html(world.superuser.get(f"{path}/{robot}"), 308)
    assert_no_content(world.superuser.delete(f"{path}/{robot}"))
    assert world.superuser.get(path).json()["members"] == []


def test_p2_2_a_foreign_robot_may_join_without_mailing(world: World) -> None:
    shortname, team = unique("r"), world.team()
    world.user.put(f"/api/v1/user/robots/{shortname}")
    response = world.superuser.put(f"{world.base}/team/{team}/members/{world.username}+{shortname}")
    assert response.status_code == 200


def test_p2_2_the_teams_role_counts_for_a_robot(world: World) -> None:
    shortname, secret = world.robot()
    robot, repository, team = f"{world.org}+{shortname}", world.repository(), world.team()
    scope = f"repository:{world.org}/{repository}:pull,push"
    assert granted(registry_token(world.target, (robot, secret), scope)) == [[]]
    world.superuser.put(f"{_permissions(world, repository)}/team/{team}", {"role": "write"})
    world.superuser.put(f"{world.base}/team/{team}/members/{robot}")
    assert granted(registry_token(world.target, (robot, secret), scope)) == [["push", "pull"]]
    assert_no_content(world.superuser.delete(f"{world.base}/team/{team}"))
    assert granted(registry_token(world.target, (robot, secret), scope)) == [[]]


def test_p2_2_teams(world: World) -> None:
    name = unique("team")
    path, repository = f"{world.base}/team/{name}", world.repository()
    body = world.superuser.put(path, {"role": "creator", "description": "d"}).json()
    assert body.keys() == {"name", "description", "can_view", "role", "avatar", "new_team"}
    assert (body["role"], body["description"], body["new_team"]) == ("creator", "d", True)
    assert world.superuser.put(path, {"role": "member"}).json()["new_team"] is False
    world.superuser.put(f"{_permissions(world, repository)}/team/{name}", {"role": "read"})
    shown = world.superuser.get(world.base).json()["teams"][name]
    assert (shown["role"], shown["is_synced"], shown["repo_count"]) == ("member", False, 1)
    expected = {"repository": {"name": repository, "is_public": False}, "role": "read"}
    assert world.superuser.get(f"{path}/permissions").json() == {"permissions": [expected]}


def _prototypes(world: World) -> str:
    return f"{world.base}/prototypes"


def _new_prototype(world: World, robot: str, role: str = "read", **more: Any) -> dict[str, Any]:
    body = {"role": role, "delegate": {"name": robot, "kind": "user"}} | more
    response = world.superuser.post(_prototypes(world), body)
    assert response.status_code == 200, response.text
    created: dict[str, Any] = response.json()
    return created


def test_p2_2_prototypes(world: World) -> None:
    robot = _robot(world)
    created = _new_prototype(world, robot)
    assert created.keys() == {"activating_user", "delegate", "role", "id"}
    assert (created["activating_user"], created["role"]) == (None, "read")
    delegate = created["delegate"]
    assert (delegate["name"], delegate["kind"], delegate["is_robot"]) == (robot, "user", True)
    assert created in world.superuser.get(_prototypes(world)).json()["prototypes"]
    path = f"{_prototypes(world)}/{created['id']}"
    assert world.superuser.put(path, {"role": "write"}).json() == created | {"role": "write"}
    assert_html(world.superuser.get(path), 308)
    assert_no_content(world.superuser.delete(path))
    assert_problem(world.superuser.delete(path), 404, "not_found")
    assert_problem(world.superuser.put(path, {"role": "read"}), 404, "not_found")


def test_p2_2_prototypes_may_be_doubled_and_contradict(world: World) -> None:
    robot = _robot(world)
    made = [_new_prototype(world, robot, role)["id"] for role in ("read", "read", "write")]
    assert len(set(made)) == 3
    for uuid in made:
        world.superuser.delete(f"{_prototypes(world)}/{uuid}")


def test_p2_2_prototype_errors(world: World) -> None:
    path = _prototypes(world)
    body = {"role": "read", "delegate": {"name": _robot(world), "kind": "robot"}}
    assert_problem(world.superuser.post(path, body), 400, "invalid_request")
    body["delegate"] = {"name": "nobody-at-all", "kind": "user"}
    assert_problem(world.superuser.post(path, body), 400, "invalid_request", "Missing delegate user or team")
    body["delegate"] = {"name": "nope", "kind": "team"}
    assert_message(world.superuser.post(path, body), 400, f"('Team does not exist: %s/%s', '{world.org}', 'nope')")


def test_p2_2_prototypes_apply_to_new_repositories(world: World) -> None:
    robot = _robot(world)
    uuid = _new_prototype(world, robot, "write")["id"]
    repository = world.repository()
    world.superuser.delete(f"{_prototypes(world)}/{uuid}")
    found = world.superuser.get(f"{_permissions(world, repository)}/user/").json()["permissions"]
    assert {name: entry["role"] for name, entry in found.items()} == {robot: "write", world.target.username: "admin"}


def test_p2_2_a_deleted_robot_takes_its_rights_along(world: World) -> None:
    shortname, _rest = world.robot()
    robot, repository, team = f"{world.org}+{shortname}", world.repository(), world.team()
    path = f"{world.base}/robots/{shortname}"
    world.superuser.put(f"{_permissions(world, repository)}/user/{robot}", {"role": "read"})
    world.superuser.put(f"{world.base}/team/{team}/members/{robot}")
    _new_prototype(world, robot)
    world.superuser.delete(path)
    assert world.superuser.put(path).status_code == 201
    assert world.superuser.get(f"{path}/permissions").json() == {"permissions": []}
    assert world.superuser.get(f"{world.base}/team/{team}/members").json()["members"] == []
    delegates = [item["delegate"]["name"] for item in world.superuser.get(_prototypes(world)).json()["prototypes"]]
    assert robot not in delegates


def test_p2_2_limit_counts_joined_rows(world: World, passing_org: str) -> None:
    base = f"/api/v1/organization/{passing_org}"
    world.superuser.put(f"{base}/robots/robot")
    robot = f"{passing_org}+robot"
    for name in ("one", "two", "three"):
        body = {"namespace": passing_org, "repository": name, "visibility": "private", "description": ""}
        world.superuser.post("/api/v1/repository", body)
        path = f"/api/v1/repository/{passing_org}/{name}/permissions/user/{robot}"
        world.superuser.put(path, {"role": "read"})
    parameters = {"permissions": "true", "limit": "2"}
    (found,) = world.superuser.get(f"{base}/robots", params=parameters).json()["robots"]
    assert len(found["repositories"]) == 2
