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
from conformance.resources import Resources
from standin import Standin

LIST = "/api/v1/repository"


def _path(resources: Resources, name: str = "") -> str:
    return f"{LIST}/{resources.org}/{name or resources.repository()}"


def _body(resources: Resources, **changes: Any) -> dict[str, Any]:
    body = {"namespace": resources.org, "repository": unique("repo"), "visibility": "private", "description": ""}
    return body | changes


def test_p2_3_create_returns_201(resources: Resources) -> None:
    body = _body(resources)
    response = resources.superuser.post(LIST, body | {"unknown": 1})
    assert response.status_code == 201
    assert response.json() == {"namespace": resources.org, "name": body["repository"], "kind": "image"}


@pytest.mark.parametrize("scope", ["repo:create", "org:admin", "super:user"])
def test_p2_3_scopes_that_create(resources: Resources, bearer: Callable[[str], Client], scope: str) -> None:
    assert bearer(scope).post(LIST, _body(resources)).status_code == 201


def test_p2_3_scope_that_does_not_create(resources: Resources, bearer: Callable[[str], Client]) -> None:
    assert_unauthorized(bearer("repo:write").post(LIST, _body(resources)))


def test_p2_3_create_errors(resources: Resources, anonymous: Client) -> None:
    existing = _body(resources, repository=resources.repository())
    assert_problem(resources.superuser.post(LIST, existing), 400, "invalid_request", "Repository already exists")
    for name in ("Upper", ""):
        response = resources.superuser.post(LIST, _body(resources, repository=name))
        assert_problem(response, 400, "invalid_request", "Invalid repository name")
    assert_problem(resources.superuser.post(LIST, {"repository": "a"}), 400, "invalid_request")
    assert_problem(resources.superuser.post(LIST, _body(resources, namespace=None)), 400, "invalid_request")
    assert_unauthorized(resources.user.post(LIST, _body(resources)))
    assert_unauthorized(resources.user.post(LIST, _body(resources, namespace=unique())))
    assert_csrf(anonymous.post(LIST, _body(resources)))
    assert_html(resources.superuser.post(f"{LIST}/", _body(resources)), 405)


def test_p2_3_nested_names(resources: Resources) -> None:
    name = f"{unique('repo')}/b/c"
    assert resources.superuser.post(LIST, _body(resources, repository=name)).status_code == 201
    assert resources.superuser.get(_path(resources, name)).json()["name"] == name


def test_p2_3_members_need_creator_or_admin(resources: Resources) -> None:
    team = resources.team("member")
    resources.superuser.put(f"{resources.base}/team/{team}/members/{resources.username}")
    assert_unauthorized(resources.user.post(LIST, _body(resources)))
    resources.superuser.put(f"{resources.base}/team/{team}", {"role": "creator"})
    body = _body(resources)
    assert resources.user.post(LIST, body).status_code == 201
    permissions = resources.superuser.get(f"{_path(resources, body['repository'])}/permissions/user/").json()[
        "permissions"
    ]
    resources.superuser.delete(f"{resources.base}/team/{team}")
    assert {name: entry["role"] for name, entry in permissions.items()} == {resources.username: "admin"}


def test_p2_3_get(resources: Resources) -> None:
    body = resources.superuser.get(_path(resources), params={"includeTags": "false"}).json()
    keys = {"namespace", "name", "kind", "description", "is_public", "is_organization", "is_starred", "status_token"}
    keys |= {"trust_enabled", "tag_expiration_s", "is_free_account", "state", "can_write", "can_admin"}
    assert body.keys() == keys
    assert (body["state"], body["is_public"], body["is_organization"]) == ("NORMAL", False, True)
    assert (body["can_write"], body["can_admin"]) == (True, True)
    assert resources.superuser.get(_path(resources)).json()["tags"] == {}


def test_p2_3_unknown(resources: Resources, anonymous: Client) -> None:
    path = _path(resources, unique())
    assert_problem(resources.superuser.get(path), 404, "not_found")
    assert_unauthorized(resources.user.get(path))
    assert_problem(resources.user.get(f"{LIST}/{resources.username}/nope"), 404, "not_found")
    assert_problem(anonymous.get(path), 401, "invalid_token")


def test_p2_3_a_wrong_bearer_reads_public_repositories(resources: Resources, new_client: Callable[..., Client]) -> None:
    path = _path(resources, resources.repository("public"))
    assert new_client(bearer="wrong").get(path).status_code == 200
    assert new_client().get(path).status_code == 200


def test_p2_3_update_and_visibility(resources: Resources) -> None:
    path = _path(resources)
    assert resources.superuser.put(path, {"description": "new"}).json() == {"success": True}
    for _time in range(2):
        response = resources.superuser.post(f"{path}/changevisibility", {"visibility": "public"})
        assert (response.status_code, response.json()) == (200, {"success": True})
    body = resources.superuser.get(path).json()
    assert (body["description"], body["is_public"]) == ("new", True)
    unknown = resources.superuser.post(f"{_path(resources, unique())}/changevisibility", {"visibility": "public"})
    assert (unknown.status_code, unknown.json()) == (200, None)


def test_p2_3_change_state(resources: Resources, standin: Standin) -> None:
    path = _path(resources)
    assert_problem(resources.superuser.put(f"{path}/changestate", {"state": "MIRROR"}), 400, "invalid_request")
    standin.config["FEATURE_REPO_MIRROR"] = True
    assert resources.superuser.put(f"{path}/changestate", {"state": "READ_ONLY"}).json() == {"success": True}
    body = resources.superuser.get(path).json()
    assert (body["state"], body["can_write"]) == ("READ_ONLY", False)


def test_p2_3_delete_always_returns_204(resources: Resources) -> None:
    path = _path(resources)
    for _time in range(2):
        assert_no_content(resources.superuser.delete(path))
    assert_problem(resources.superuser.get(path), 404, "not_found")
    assert_no_content(resources.superuser.delete(_path(resources, unique())))
    assert_unauthorized(resources.user.delete(path))


def test_p2_3_list(
    resources: Resources, temporary_org: str, bearer: Callable[[str], Client], anonymous: Client
) -> None:
    for name, visibility in (("first", "private"), ("second", "public")):
        body = _body(resources, namespace=temporary_org, repository=name, visibility=visibility)
        assert resources.superuser.post(LIST, body).status_code == 201
    listed = resources.superuser.get(LIST, params={"namespace": temporary_org}).json()
    assert listed.keys() == {"repositories"}
    assert [repository["name"] for repository in listed["repositories"]] == ["first", "second"]
    keys = {"namespace", "name", "description", "is_public", "kind", "state", "is_starred"}
    assert listed["repositories"][0].keys() == keys
    # The scopes of a token do not narrow this list.
    assert bearer("user:read").get(LIST, params={"namespace": temporary_org}).json() == listed
    assert resources.user.get(LIST, params={"namespace": temporary_org}).json() == {"repositories": []}
    public = anonymous.get(LIST, params={"namespace": temporary_org, "public": "true"}).json()["repositories"]
    assert [repository["name"] for repository in public] == ["second"]


def test_p2_3_list_needs_a_filter(resources: Resources) -> None:
    assert_problem(resources.superuser.get(LIST), 400, "invalid_request")
    assert resources.superuser.get(LIST, params={"namespace": unique()}).json() == {"repositories": []}


def test_p2_3_hundred_a_page(resources: Resources, standin: Standin, temporary_org: str) -> None:
    for number in range(101):
        body = _body(resources, namespace=temporary_org, repository=f"r{number}")
        assert resources.superuser.post(LIST, body).status_code == 201
    first = resources.superuser.get(LIST, params={"namespace": temporary_org, "limit": "5"}).json()
    assert len(first["repositories"]) == 100
    second = resources.superuser.get(LIST, params={"namespace": temporary_org, "next_page": first["next_page"]}).json()
    assert [repository["name"] for repository in second["repositories"]] == ["r100"]
    assert "next_page" not in second
