# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 1, section 2.8: robots."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from conformance.client import (
    Client,
    assert_message,
    assert_no_content,
    assert_problem,
    assert_registry_error,
    assert_unauthorized,
    claims,
    registry_token,
    unique,
)
from conformance.world import World
from standin import Standin

KEYS = {"name", "created", "last_accessed", "description", "token"}


def _path(world: World, shortname: str = "") -> str:
    return f"{world.base}/robots/{shortname or unique('r')}"


def _try(world: World, shortname: str, secret: str) -> requests.Response:
    with Client(world.target, basic=(f"{world.org}+{shortname}", secret)) as client:
        return client.get("/v2/auth", params={"service": world.target.host})


def test_2_8_create_answers_201_with_the_token(world: World) -> None:
    path = _path(world)
    created = world.superuser.put(path).json()
    assert created.keys() == KEYS | {"unstructured_metadata"}
    assert created["name"] == f"{world.org}+{path.rsplit('/', 1)[1]}"
    assert len(created["token"]) == 64
    assert created["token"] == created["token"].upper()
    assert (created["description"], created["last_accessed"], created["unstructured_metadata"]) == ("", None, None)
    assert world.superuser.get(path).json() == created | {"unstructured_metadata": {}}


def test_2_8_description_and_metadata_at_creation(world: World) -> None:
    path, body = _path(world), {"description": "d", "unstructured_metadata": {"a": 1}}
    assert world.superuser.put(path, body).status_code == 201
    found = world.superuser.get(path).json()
    assert {key: found[key] for key in body} == body


def test_2_8_description_cannot_be_changed(world: World) -> None:
    path = _path(world, world.robot()[0])
    assert_problem(world.superuser.put(path, {"description": "new"}), 400, "invalid_request", "Existing robot")
    assert_message(world.superuser.post(path, {"description": "new"}), 405)
    assert world.superuser.get(path).json()["description"] == ""


def test_2_8_broken_json_counts_as_no_body(world: World) -> None:
    response = world.superuser.put(_path(world), data="{", headers={"Content-Type": "application/json"})
    assert response.status_code == 201


def test_2_8_description_too_long_400(world: World) -> None:
    assert_problem(world.superuser.put(_path(world), {"description": "x" * 256}), 400, "invalid_request")


def test_2_8_exists_400(world: World) -> None:
    shortname, _rest = world.robot()
    detail = f"Existing robot with name: {world.org}+{shortname}"
    assert_problem(world.superuser.put(_path(world, shortname)), 400, "invalid_request", detail)


@pytest.mark.parametrize("shortname", ["Upper", "x", "two..dots", "-dash", "under__score", "pl+us"])
def test_2_8_bad_names_400(world: World, shortname: str) -> None:
    detail = f"The name for the robot '{shortname}' is invalid: "
    assert_problem(world.superuser.put(_path(world, shortname)), 400, "invalid_request", detail)


def test_2_8_robots_disallow(world: World, standin: Standin) -> None:
    shortname, secret = world.robot()
    standin.config["ROBOTS_DISALLOW"] = True
    detail = "Robot accounts have been disabled. Please contact your administrator."
    assert_problem(world.superuser.put(_path(world)), 400, "invalid_request", detail)
    assert _try(world, shortname, secret).status_code == 401
    standin.config["ROBOTS_WHITELIST"] = [f"{world.org}+{shortname}"]
    assert _try(world, shortname, secret).status_code == 200


def test_2_8_list_has_tokens_and_no_metadata(world: World) -> None:
    shortname, secret = world.robot()
    listed = world.superuser.get(f"{world.base}/robots").json()
    assert listed.keys() == {"robots"}
    assert all(robot.keys() == KEYS for robot in listed["robots"])
    (found,) = (robot for robot in listed["robots"] if robot["name"].endswith(f"+{shortname}"))
    assert found["token"] == secret


def test_2_8_list_without_tokens(world: World) -> None:
    world.robot()
    listed = world.superuser.get(f"{world.base}/robots", params={"token": "false"}).json()["robots"]
    assert all(robot.keys() == KEYS - {"token"} for robot in listed)


def test_2_8_list_with_permissions(world: World) -> None:
    shortname, _rest = world.robot()
    repository, team = world.repository(), world.team()
    robot = f"{world.org}+{shortname}"
    world.superuser.put(f"/api/v1/repository/{world.org}/{repository}/permissions/user/{robot}", {"role": "read"})
    world.superuser.put(f"{world.base}/team/{team}/members/{robot}")
    parameters = {"permissions": "true", "token": "false"}
    listed = world.superuser.get(f"{world.base}/robots", params=parameters).json()["robots"]
    (found,) = (entry for entry in listed if entry["name"] == robot)
    assert found.keys() == (KEYS - {"token"}) | {"teams", "repositories"}
    assert found["repositories"] == [repository]
    assert [entry["name"] for entry in found["teams"]] == [team]


def test_2_8_plain_members_see_no_tokens_and_no_single_robot(world: World) -> None:
    shortname, _rest = world.robot()
    team = world.team()
    world.superuser.put(f"{world.base}/team/{team}/members/{world.username}")
    listed = world.user.get(f"{world.base}/robots", params={"permissions": "true"}).json()["robots"]
    single = world.user.get(_path(world, shortname))
    world.superuser.delete(f"{world.base}/team/{team}/members/{world.username}")
    assert all(robot.keys() == KEYS - {"token"} for robot in listed)
    assert_unauthorized(single)


def test_2_8_regenerate_answers_200_and_kills_the_old_token(world: World) -> None:
    shortname, old = world.robot()
    response = world.superuser.post(f"{_path(world, shortname)}/regenerate")
    assert response.status_code == 200
    assert response.json().keys() == KEYS
    new = response.json()["token"]
    assert new != old
    assert world.superuser.get(_path(world, shortname)).json()["token"] == new
    assert _try(world, shortname, old).status_code == 401
    assert _try(world, shortname, new).status_code == 200


def test_2_8_federation_survives_regenerate(world: World) -> None:
    path = _path(world, world.robot()[0])
    config = [{"issuer": "https://issuer.example", "subject": "s"}]
    world.superuser.post(f"{path}/federation", config)
    world.superuser.post(f"{path}/regenerate")
    assert world.superuser.get(f"{path}/federation").json() == config


def test_2_8_delete(world: World) -> None:
    shortname, secret = world.robot()
    assert_no_content(world.superuser.delete(_path(world, shortname)))
    assert_message(world.superuser.delete(_path(world, shortname)), 400)
    message = "Could not find robot with specified username"
    assert_registry_error(_try(world, shortname, secret), 401, "UNAUTHORIZED", message)


def test_2_8_permissions(world: World, bearer: Callable[[str], Client]) -> None:
    shortname, _rest = world.robot()
    repository = world.repository()
    address = f"/api/v1/repository/{world.org}/{repository}/permissions/user/{world.org}+{shortname}"
    world.superuser.put(address, {"role": "write"})
    path = f"{_path(world, shortname)}/permissions"
    expected = {"repository": {"name": repository, "is_public": False}, "role": "write"}
    assert world.superuser.get(path).json() == {"permissions": [expected]}
    assert bearer("user:admin org:admin").get(path).status_code == 200
    for scope in ("org:admin", "user:admin", "super:user"):
        assert bearer(scope).get(path).status_code == 403


def test_2_8_federation_post_replaces_the_list(world: World) -> None:
    path = f"{_path(world, world.robot()[0])}/federation"
    assert world.superuser.get(path).json() == []
    first, second = ({"issuer": f"https://{name}.example", "subject": "s"} for name in ("one", "two"))
    response = world.superuser.post(path, [first | {"audiences": ["a"]}])
    assert (response.status_code, response.json()) == (200, [first])
    assert world.superuser.post(path, [second]).json() == [second]
    assert world.superuser.get(path).json() == [second]
    assert world.superuser.post(path, []).json() == []
    for _time in range(2):
        assert_no_content(world.superuser.delete(path))


@pytest.mark.parametrize(
    "config",
    [
        pytest.param([{"issuer": "https://a.example", "subject": "s"}] * 2, id="duplicates"),
        pytest.param([{"issuer": "ftp://a.example", "subject": "s"}], id="issuer no URL"),
        pytest.param([{"issuer": "https://a.example"}], id="no subject"),
        pytest.param({}, id="no list"),
    ],
)
def test_2_8_federation_errors(world: World, config: Any) -> None:
    path = f"{_path(world, world.robot()[0])}/federation"
    assert_problem(world.superuser.post(path, config), 400, "invalid_request")


def test_2_8_federation_needs_org_admin(world: World, bearer: Callable[[str], Client]) -> None:
    path = f"{_path(world, world.robot()[0])}/federation"
    assert bearer("org:admin").get(path).json() == []
    assert_unauthorized(bearer("user:admin").get(path))


def test_2_8_exchange_errors(world: World, anonymous: Client, caller: Callable[..., Client]) -> None:
    path = "/oauth2/federation/robot/token"
    response = anonymous.get(path)
    assert response.status_code == 401
    assert response.json().keys() == {"error"}
    assert_message(caller(basic=(f"{world.org}+nobody", "x")).get(path), 400)
    jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2kuZXhhbXBsZSJ9.AAAA"
    message = "Robot does not have federated login configured"
    shortname, _rest = world.robot()
    assert_message(caller(basic=(f"{world.org}+{shortname}", jwt)).get(path), 400, message)


def test_2_8_exchange_gives_a_password_for_an_hour(
    world: World, standin: Standin, anonymous: Client, caller: Callable[..., Client]
) -> None:
    shortname, static = world.robot()
    robot, issuer = f"{world.org}+{shortname}", f"{world.target.url}/__standin__/issuer"
    config = [{"issuer": issuer, "subject": "job"}]
    assert world.superuser.post(f"{_path(world, shortname)}/federation", config).json() == config
    identity = anonymous.post("/__standin__/issuer/token", {"subject": "job"}).json()["token"]
    exchanged = caller(basic=(robot, identity)).get("/oauth2/federation/robot/token").json()["token"]
    assert claims(exchanged)["exp"] - claims(exchanged)["iat"] == 3600
    assert _try(world, shortname, exchanged).status_code == 200
    assert _try(world, shortname, static).status_code == 200
    assert caller(bearer=exchanged).get("/api/v1/user/robots").status_code == 401
    standin.clock.advance(3640)
    assert _try(world, shortname, exchanged).status_code == 401
    other = anonymous.post("/__standin__/issuer/token", {"subject": "other"}).json()["token"]
    assert_message(caller(basic=(robot, other)).get("/oauth2/federation/robot/token"), 400)


def test_2_8_user_robots(world: World, bearer: Callable[[str], Client]) -> None:
    shortname = unique("r")
    path = f"/api/v1/user/robots/{shortname}"
    created = world.user.put(path)
    assert created.status_code == 201
    assert created.json()["name"] == f"{world.username}+{shortname}"
    old = created.json()["token"]
    assert world.user.get(path).json()["token"] == old
    assert world.user.post(f"{path}/regenerate").json()["token"] != old
    assert world.user.get(f"{path}/permissions").json() == {"permissions": []}
    assert world.user.get(f"{path}/federation").json() == []
    listed = world.user.get("/api/v1/user/robots").json()["robots"]
    assert f"{world.username}+{shortname}" in [robot["name"] for robot in listed]
    assert_no_content(world.user.delete(path))
    assert_unauthorized(bearer("org:admin").get("/api/v1/user/robots"))


def test_2_8_last_accessed_is_set_by_the_registry_alone(world: World) -> None:
    shortname, secret = world.robot()
    assert _try(world, shortname, "wrong").status_code == 401
    assert world.superuser.get(_path(world, shortname)).json()["last_accessed"] is None
    registry_token(world.target, (f"{world.org}+{shortname}", secret))
    assert world.superuser.get(_path(world, shortname)).json()["last_accessed"] is not None


def test_2_8_six_parallel_creations_one_wins(world: World) -> None:
    path = _path(world)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: world.superuser.put(path).status_code, range(6)))
    assert sorted(answers) == [201] + [400] * 5
