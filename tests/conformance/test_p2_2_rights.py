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
from conformance.resources import Resources

NO_PERMISSION = "User does not have permission for repo."


def _robot(resources: Resources) -> str:
    return f"{resources.org}+{resources.robot()[0]}"


def _permissions(resources: Resources, repository: str | None = None) -> str:
    return f"/api/v1/repository/{resources.org}/{repository or resources.repository()}/permissions"


@pytest.mark.parametrize("plus", ["+", "%2B"])
def test_p2_2_put_permission_is_idempotent(resources: Resources, plus: str) -> None:
    robot = _robot(resources)
    path = f"{_permissions(resources)}/user/{robot.replace('+', plus)}"
    for _time in range(2):
        response = resources.superuser.put(path, {"role": "read"})
        assert response.status_code == 200
        body = response.json()
        assert body.keys() == {"role", "name", "is_robot", "avatar", "is_org_member"}
        assert (body["role"], body["name"], body["is_robot"], body["is_org_member"]) == ("read", robot, True, True)
    assert resources.superuser.get(path).json() == body


def test_p2_2_put_permission_errors(resources: Resources) -> None:
    path = f"{_permissions(resources)}/user"
    assert_problem(resources.superuser.put(f"{path}/{_robot(resources)}", {"role": "owner"}), 400, "invalid_request")
    assert_message(resources.superuser.put(f"{path}/{_robot(resources)}"), 415)
    nobody = f"{resources.org}+nobody"
    response = resources.superuser.put(f"{path}/{nobody}", {"role": "read"})
    assert_problem(response, 400, "invalid_request", f"Invalid username: {nobody}")


def test_p2_2_robot_of_another_namespace_400(resources: Resources) -> None:
    shortname = unique("r")
    resources.user.put(f"/api/v1/user/robots/{shortname}")
    foreign = f"{resources.username}+{shortname}"
    response = resources.superuser.put(f"{_permissions(resources)}/user/{foreign}", {"role": "read"})
    assert_problem(response, 400, "invalid_request", f"Cannot add robot {foreign} under namespace {resources.org}")


def test_p2_2_permission_on_an_unknown_repository_500(resources: Resources) -> None:
    path = f"{_permissions(resources, unique())}/user/{_robot(resources)}"
    assert resources.superuser.put(path, {"role": "read"}).status_code == 500


def test_p2_2_no_permission_400(resources: Resources) -> None:
    for repository in (resources.repository(), unique()):
        path = f"{_permissions(resources, repository)}/user"
        assert_message(resources.superuser.get(f"{path}/{_robot(resources)}"), 400, NO_PERMISSION)
        assert_message(resources.superuser.get(f"{path}/{resources.org}+nobody"), 400, NO_PERMISSION)
        assert_problem(resources.superuser.delete(f"{path}/{_robot(resources)}"), 400, "invalid_request", NO_PERMISSION)


def test_p2_2_lists_of_permissions_have_a_slash(resources: Resources) -> None:
    robot, path, team = _robot(resources), _permissions(resources), resources.team()
    resources.superuser.put(f"{path}/user/{robot}", {"role": "write"})
    resources.superuser.put(f"{path}/team/{team}", {"role": "read"})
    users = resources.superuser.get(f"{path}/user/").json()["permissions"]
    assert {name: entry["role"] for name, entry in users.items()} == {
        robot: "write",
        resources.target.username: "admin",
    }
    teams = resources.superuser.get(f"{path}/team/").json()["permissions"]
    assert {name: entry["role"] for name, entry in teams.items()} == {team: "read"}
    assert resources.superuser.get(f"{path}/user").status_code == 308
    assert resources.superuser.get(f"{_permissions(resources, unique())}/user/").json() == {"permissions": {}}


def test_p2_2_transitive(resources: Resources) -> None:
    robot, path, team = _robot(resources), _permissions(resources), resources.team()
    assert_problem(resources.superuser.get(f"{path}/user/{robot}/transitive"), 404, "not_found")
    resources.superuser.put(f"{path}/user/{robot}", {"role": "read"})
    resources.superuser.put(f"{path}/team/{team}", {"role": "write"})
    resources.superuser.put(f"{resources.base}/team/{team}/members/{robot}")
    roles = resources.superuser.get(f"{path}/user/{robot}/transitive").json()["permissions"]
    assert sorted(entry["role"] for entry in roles) == ["read", "write"]


def test_p2_2_delete_permission(resources: Resources) -> None:
    path = f"{_permissions(resources)}/user/{_robot(resources)}"
    resources.superuser.put(path, {"role": "read"})
    assert_no_content(resources.superuser.delete(path))
    assert_message(resources.superuser.get(path), 400, NO_PERMISSION)


def test_p2_2_put_member_is_not_idempotent(resources: Resources) -> None:
    robot, team = _robot(resources), resources.team()
    path = f"{resources.base}/team/{team}/members/{robot}"
    body = resources.superuser.put(path).json()
    assert body.keys() == {"name", "kind", "is_robot", "avatar", "invited"}
    assert (body["name"], body["kind"], body["is_robot"], body["invited"]) == (robot, "user", True, False)
    assert_message(resources.superuser.put(path), 400, f"User {robot} is already a member of team {team}")


def test_p2_2_member_errors(resources: Resources) -> None:
    robot, team = _robot(resources), resources.team()
    path = f"{resources.base}/team/{team}/members"
    response = resources.superuser.put(f"{path}/{resources.org}+nobody")
    assert_problem(response, 400, "invalid_request", "Unknown user")
    assert_problem(resources.superuser.put(f"{resources.base}/team/nope/members/{robot}"), 404, "not_found")
    missing = f"/api/v1/organization/{unique()}/team/owners/members/{robot}"
    assert_problem(resources.superuser.put(missing), 404, "not_found")
    assert_message(resources.superuser.delete(f"{path}/{robot}"), 400, f"User {robot} does not belong to team {team}")
    assert_problem(resources.superuser.delete(f"{path}/{resources.org}+nobody"), 404, "not_found")


def test_p2_2_members(resources: Resources) -> None:
    robot, team = _robot(resources), resources.team()
    path = f"{resources.base}/team/{team}/members"
    resources.superuser.put(f"{path}/{robot}")
    body = resources.superuser.get(path).json()
    assert body.keys() == {"name", "members", "can_edit"}
    assert (body["name"], body["can_edit"], [member["name"] for member in body["members"]]) == (team, True, [robot])
    assert_html(resources.superuser.get(f"{path}/{robot}"), 308)
    assert_no_content(resources.superuser.delete(f"{path}/{robot}"))
    assert resources.superuser.get(path).json()["members"] == []


def test_p2_2_a_foreign_robot_may_join_without_mailing(resources: Resources) -> None:
    shortname, team = unique("r"), resources.team()
    resources.user.put(f"/api/v1/user/robots/{shortname}")
    response = resources.superuser.put(f"{resources.base}/team/{team}/members/{resources.username}+{shortname}")
    assert response.status_code == 200


def test_p2_2_the_teams_role_counts_for_a_robot(resources: Resources) -> None:
    shortname, secret = resources.robot()
    robot, repository, team = f"{resources.org}+{shortname}", resources.repository(), resources.team()
    scope = f"repository:{resources.org}/{repository}:pull,push"
    assert granted(registry_token(resources.target, (robot, secret), scope)) == [[]]
    resources.superuser.put(f"{_permissions(resources, repository)}/team/{team}", {"role": "write"})
    resources.superuser.put(f"{resources.base}/team/{team}/members/{robot}")
    assert granted(registry_token(resources.target, (robot, secret), scope)) == [["push", "pull"]]
    assert_no_content(resources.superuser.delete(f"{resources.base}/team/{team}"))
    assert granted(registry_token(resources.target, (robot, secret), scope)) == [[]]


def test_p2_2_teams(resources: Resources) -> None:
    name = unique("team")
    path, repository = f"{resources.base}/team/{name}", resources.repository()
    body = resources.superuser.put(path, {"role": "creator", "description": "d"}).json()
    assert body.keys() == {"name", "description", "can_view", "role", "avatar", "new_team"}
    assert (body["role"], body["description"], body["new_team"]) == ("creator", "d", True)
    assert resources.superuser.put(path, {"role": "member"}).json()["new_team"] is False
    resources.superuser.put(f"{_permissions(resources, repository)}/team/{name}", {"role": "read"})
    shown = resources.superuser.get(resources.base).json()["teams"][name]
    assert (shown["role"], shown["is_synced"], shown["repo_count"]) == ("member", False, 1)
    expected = {"repository": {"name": repository, "is_public": False}, "role": "read"}
    assert resources.superuser.get(f"{path}/permissions").json() == {"permissions": [expected]}


def _prototypes(resources: Resources) -> str:
    return f"{resources.base}/prototypes"


def _new_prototype(resources: Resources, robot: str, role: str = "read", **more: Any) -> dict[str, Any]:
    body = {"role": role, "delegate": {"name": robot, "kind": "user"}} | more
    response = resources.superuser.post(_prototypes(resources), body)
    assert response.status_code == 200, response.text
    created: dict[str, Any] = response.json()
    return created


def test_p2_2_prototypes(resources: Resources) -> None:
    robot = _robot(resources)
    created = _new_prototype(resources, robot)
    assert created.keys() == {"activating_user", "delegate", "role", "id"}
    assert (created["activating_user"], created["role"]) == (None, "read")
    delegate = created["delegate"]
    assert (delegate["name"], delegate["kind"], delegate["is_robot"]) == (robot, "user", True)
    assert created in resources.superuser.get(_prototypes(resources)).json()["prototypes"]
    path = f"{_prototypes(resources)}/{created['id']}"
    assert resources.superuser.put(path, {"role": "write"}).json() == created | {"role": "write"}
    assert_html(resources.superuser.get(path), 308)
    assert_no_content(resources.superuser.delete(path))
    assert_problem(resources.superuser.delete(path), 404, "not_found")
    assert_problem(resources.superuser.put(path, {"role": "read"}), 404, "not_found")


def test_p2_2_prototypes_may_be_doubled_and_contradict(resources: Resources) -> None:
    robot = _robot(resources)
    uuids = [_new_prototype(resources, robot, role)["id"] for role in ("read", "read", "write")]
    assert len(set(uuids)) == 3
    for uuid in uuids:
        resources.superuser.delete(f"{_prototypes(resources)}/{uuid}")


def test_p2_2_prototype_errors(resources: Resources) -> None:
    path = _prototypes(resources)
    body = {"role": "read", "delegate": {"name": _robot(resources), "kind": "robot"}}
    assert_problem(resources.superuser.post(path, body), 400, "invalid_request")
    body["delegate"] = {"name": "nobody-at-all", "kind": "user"}
    assert_problem(resources.superuser.post(path, body), 400, "invalid_request", "Missing delegate user or team")
    body["delegate"] = {"name": "nope", "kind": "team"}
    assert_message(
        resources.superuser.post(path, body), 400, f"('Team does not exist: %s/%s', '{resources.org}', 'nope')"
    )


def test_p2_2_prototypes_apply_to_new_repositories(resources: Resources) -> None:
    robot = _robot(resources)
    uuid = _new_prototype(resources, robot, "write")["id"]
    repository = resources.repository()
    resources.superuser.delete(f"{_prototypes(resources)}/{uuid}")
    found = resources.superuser.get(f"{_permissions(resources, repository)}/user/").json()["permissions"]
    assert {name: entry["role"] for name, entry in found.items()} == {
        robot: "write",
        resources.target.username: "admin",
    }


def test_p2_2_a_deleted_robot_loses_its_rights(resources: Resources) -> None:
    shortname, _rest = resources.robot()
    robot, repository, team = f"{resources.org}+{shortname}", resources.repository(), resources.team()
    path = f"{resources.base}/robots/{shortname}"
    resources.superuser.put(f"{_permissions(resources, repository)}/user/{robot}", {"role": "read"})
    resources.superuser.put(f"{resources.base}/team/{team}/members/{robot}")
    _new_prototype(resources, robot)
    resources.superuser.delete(path)
    assert resources.superuser.put(path).status_code == 201
    assert resources.superuser.get(f"{path}/permissions").json() == {"permissions": []}
    assert resources.superuser.get(f"{resources.base}/team/{team}/members").json()["members"] == []
    delegates = [
        item["delegate"]["name"] for item in resources.superuser.get(_prototypes(resources)).json()["prototypes"]
    ]
    assert robot not in delegates


def test_p2_2_limit_counts_joined_rows(resources: Resources, temporary_org: str) -> None:
    base = f"/api/v1/organization/{temporary_org}"
    resources.superuser.put(f"{base}/robots/robot")
    robot = f"{temporary_org}+robot"
    for name in ("one", "two", "three"):
        body = {"namespace": temporary_org, "repository": name, "visibility": "private", "description": ""}
        resources.superuser.post("/api/v1/repository", body)
        path = f"/api/v1/repository/{temporary_org}/{name}/permissions/user/{robot}"
        resources.superuser.put(path, {"role": "read"})
    parameters = {"permissions": "true", "limit": "2"}
    (found,) = resources.superuser.get(f"{base}/robots", params=parameters).json()["robots"]
    assert len(found["repositories"]) == 2
