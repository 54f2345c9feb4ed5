# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 2, section 3: repositories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.client import (
    Client,
    assert_csrf,
    assert_html,
    assert_no_content,
    assert_problem,
    assert_unauthorized,
    unique,
)
from conformance.world import World
from standin import Standin

LIST = "/api/v1/repository"


def _path(world: World, name: str = "") -> str:
    return f"{LIST}/{world.org}/{name or world.repository()}"


def _body(world: World, **changes: Any) -> dict[str, Any]:
    body = {"namespace": world.org, "repository": unique("repo"), "visibility": "private", "description": ""}
    return body | changes


def test_p2_3_create_answers_201(world: World) -> None:
    body = _body(world)
    response = world.superuser.post(LIST, body | {"unknown": 1})
    assert response.status_code == 201
    assert response.json() == {"namespace": world.org, "name": body["repository"], "kind": "image"}


@pytest.mark.parametrize("scope", ["repo:create", "org:admin", "super:user"])
def test_p2_3_scopes_that_create(world: World, bearer: Callable[[str], Client], scope: str) -> None:
    assert bearer(scope).post(LIST, _body(world)).status_code == 201


def test_p2_3_scope_that_does_not_create(world: World, bearer: Callable[[str], Client]) -> None:
    assert_unauthorized(bearer("repo:write").post(LIST, _body(world)))


def test_p2_3_create_errors(world: World, anonymous: Client) -> None:
    existing = _body(world, repository=world.repository())
    assert_problem(world.superuser.post(LIST, existing), 400, "invalid_request", "Repository already exists")
    for name in ("Upper", ""):
        response = world.superuser.post(LIST, _body(world, repository=name))
        assert_problem(response, 400, "invalid_request", "Invalid repository name")
    assert_problem(world.superuser.post(LIST, {"repository": "a"}), 400, "invalid_request")
    assert_problem(world.superuser.post(LIST, _body(world, namespace=None)), 400, "invalid_request")
    assert_unauthorized(world.user.post(LIST, _body(world)))
    assert_unauthorized(world.user.post(LIST, _body(world, namespace=unique())))
    assert_csrf(anonymous.post(LIST, _body(world)))
    assert_html(world.superuser.post(f"{LIST}/", _body(world)), 405)


def test_p2_3_nested_names(world: World) -> None:
    name = f"{unique('repo')}/b/c"
    assert world.superuser.post(LIST, _body(world, repository=name)).status_code == 201
    assert world.superuser.get(_path(world, name)).json()["name"] == name


def test_p2_3_members_need_creator_or_admin(world: World) -> None:
    team = world.team("member")
    world.superuser.put(f"{world.base}/team/{team}/members/{world.username}")
    assert_unauthorized(world.user.post(LIST, _body(world)))
    world.superuser.put(f"{world.base}/team/{team}", {"role": "creator"})
    body = _body(world)
    assert world.user.post(LIST, body).status_code == 201
    permissions = world.superuser.get(f"{_path(world, body['repository'])}/permissions/user/").json()["permissions"]
    world.superuser.delete(f"{world.base}/team/{team}")
    assert {name: entry["role"] for name, entry in permissions.items()} == {world.username: "admin"}


def test_p2_3_get(world: World) -> None:
    body = world.superuser.get(_path(world), params={"includeTags": "false"}).json()
    keys = {"namespace", "name", "kind", "description", "is_public", "is_organization", "is_starred", "status_token"}
    keys |= {"trust_enabled", "tag_expiration_s", "is_free_account", "state", "can_write", "can_admin"}
    assert body.keys() == keys
    assert (body["state"], body["is_public"], body["is_organization"]) == ("NORMAL", False, True)
    assert (body["can_write"], body["can_admin"]) == (True, True)
    assert world.superuser.get(_path(world)).json()["tags"] == {}


def test_p2_3_unknown(world: World, anonymous: Client) -> None:
    path = _path(world, unique())
    assert_problem(world.superuser.get(path), 404, "not_found")
    assert_unauthorized(world.user.get(path))
    assert_problem(world.user.get(f"{LIST}/{world.username}/nope"), 404, "not_found")
    assert_problem(anonymous.get(path), 401, "invalid_token")


def test_p2_3_a_wrong_bearer_reads_public_repositories(world: World, caller: Callable[..., Client]) -> None:
    path = _path(world, world.repository("public"))
    assert caller(bearer="wrong").get(path).status_code == 200
    assert caller().get(path).status_code == 200


def test_p2_3_update_and_visibility(world: World) -> None:
    path = _path(world)
    assert world.superuser.put(path, {"description": "new"}).json() == {"success": True}
    for _time in range(2):
        response = world.superuser.post(f"{path}/changevisibility", {"visibility": "public"})
        assert (response.status_code, response.json()) == (200, {"success": True})
    body = world.superuser.get(path).json()
    assert (body["description"], body["is_public"]) == ("new", True)
    unknown = world.superuser.post(f"{_path(world, unique())}/changevisibility", {"visibility": "public"})
    assert (unknown.status_code, unknown.json()) == (200, None)


def test_p2_3_change_state(world: World, standin: Standin) -> None:
    path = _path(world)
    assert_problem(world.superuser.put(f"{path}/changestate", {"state": "MIRROR"}), 400, "invalid_request")
    standin.config["FEATURE_REPO_MIRROR"] = True
    assert world.superuser.put(f"{path}/changestate", {"state": "READ_ONLY"}).json() == {"success": True}
    body = world.superuser.get(path).json()
    assert (body["state"], body["can_write"]) == ("READ_ONLY", False)


def test_p2_3_delete_always_answers_204(world: World) -> None:
    path = _path(world)
    for _time in range(2):
        assert_no_content(world.superuser.delete(path))
    assert_problem(world.superuser.get(path), 404, "not_found")
    assert_no_content(world.superuser.delete(_path(world, unique())))
    assert_unauthorized(world.user.delete(path))


def test_p2_3_list(world: World, passing_org: str, bearer: Callable[[str], Client], anonymous: Client) -> None:
    for name, visibility in (("first", "private"), ("second", "public")):
        body = _body(world, namespace=passing_org, repository=name, visibility=visibility)
        assert world.superuser.post(LIST, body).status_code == 201
    mine = world.superuser.get(LIST, params={"namespace": passing_org}).json()
    assert mine.keys() == {"repositories"}
    assert [repository["name"] for repository in mine["repositories"]] == ["first", "second"]
    keys = {"namespace", "name", "description", "is_public", "kind", "state", "is_starred"}
    assert mine["repositories"][0].keys() == keys
    # The scopes of a token do not narrow this list.
    assert bearer("user:read").get(LIST, params={"namespace": passing_org}).json() == mine
    assert world.user.get(LIST, params={"namespace": passing_org}).json() == {"repositories": []}
    public = anonymous.get(LIST, params={"namespace": passing_org, "public": "true"}).json()["repositories"]
    assert [repository["name"] for repository in public] == ["second"]


def test_p2_3_list_needs_a_filter(world: World) -> None:
    assert_problem(world.superuser.get(LIST), 400, "invalid_request")
    assert world.superuser.get(LIST, params={"namespace": unique()}).json() == {"repositories": []}


def test_p2_3_hundred_a_page(world: World, standin: Standin, passing_org: str) -> None:
    for number in range(101):
        body = _body(world, namespace=passing_org, repository=f"r{number}")
        assert world.superuser.post(LIST, body).status_code == 201
    first = world.superuser.get(LIST, params={"namespace": passing_org, "limit": "5"}).json()
    assert len(first["repositories"]) == 100
    second = world.superuser.get(LIST, params={"namespace": passing_org, "next_page": first["next_page"]}).json()
    assert [repository["name"] for repository in second["repositories"]] == ["r100"]
    assert "next_page" not in second
