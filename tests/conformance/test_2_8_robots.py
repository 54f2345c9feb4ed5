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
    registry_token,
    unique,
)
from conformance.resources import Resources
from standin import Standin

UNKNOWN = "Could not find robot with specified username"
KEYS = {"name", "created", "last_accessed", "description", "token"}


def _path(resources: Resources, shortname: str = "") -> str:
    return f"{resources.base}/robots/{shortname or unique('r')}"


def _log_in(resources: Resources, shortname: str, secret: str) -> requests.Response:
    with Client(resources.target, basic=(f"{resources.org}+{shortname}", secret)) as client:
        return client.get("/v2/auth", params={"service": resources.target.host})


def test_2_8_create_returns_201_with_the_token(resources: Resources) -> None:
    path = _path(resources)
    created = resources.superuser.put(path).json()
    assert created.keys() == KEYS | {"unstructured_metadata"}
    assert created["name"] == f"{resources.org}+{path.rsplit('/', 1)[1]}"
    assert len(created["token"]) == 64
    assert created["token"] == created["token"].upper()
    assert (created["description"], created["last_accessed"], created["unstructured_metadata"]) == ("", None, None)
    assert resources.superuser.get(path).json() == created | {"unstructured_metadata": {}}


def test_2_8_description_and_metadata_at_creation(resources: Resources) -> None:
    path, body = _path(resources), {"description": "d", "unstructured_metadata": {"a": 1}}
    assert resources.superuser.put(path, body).status_code == 201
    found = resources.superuser.get(path).json()
    assert {key: found[key] for key in body} == body


def test_2_8_description_cannot_be_changed(resources: Resources) -> None:
    path = _path(resources, resources.robot()[0])
    assert_problem(resources.superuser.put(path, {"description": "new"}), 400, "invalid_request", "Existing robot")
    assert_message(resources.superuser.post(path, {"description": "new"}), 405)
    assert resources.superuser.get(path).json()["description"] == ""


def test_2_8_broken_json_counts_as_no_body(resources: Resources) -> None:
    response = resources.superuser.put(_path(resources), data="{", headers={"Content-Type": "application/json"})
    assert response.status_code == 201


def test_2_8_description_too_long_400(resources: Resources) -> None:
    assert_problem(resources.superuser.put(_path(resources), {"description": "x" * 256}), 400, "invalid_request")


def test_2_8_full_name_has_255_characters_at_most(resources: Resources) -> None:
    """The error is that of the database, without the name."""
    prefix = unique("r")
    longest = prefix + "x" * (255 - len(f"{resources.org}+{prefix}"))
    response = resources.superuser.put(_path(resources, longest))
    assert (response.status_code, response.json()["name"]) == (201, f"{resources.org}+{longest}")
    for shortname in (f"{longest}x", prefix + "x" * (255 - len(prefix))):
        refused = resources.superuser.put(_path(resources, shortname))
        assert_message(refused, 400)
        assert "too long" in refused.json()["message"]
        assert_message(resources.superuser.get(_path(resources, shortname)), 400, UNKNOWN)
    assert_problem(
        resources.superuser.put(_path(resources, "x" * 256)), 400, "invalid_request", "The name for the robot"
    )


def test_2_8_exists_400(resources: Resources) -> None:
    shortname, _rest = resources.robot()
    detail = f"Existing robot with name: {resources.org}+{shortname}"
    assert_problem(resources.superuser.put(_path(resources, shortname)), 400, "invalid_request", detail)


@pytest.mark.parametrize("shortname", ["Upper", "x", "two..dots", "-dash", "under__score", "pl+us"])
def test_2_8_bad_names_400(resources: Resources, shortname: str) -> None:
    detail = f"The name for the robot '{shortname}' is invalid: "
    assert_problem(resources.superuser.put(_path(resources, shortname)), 400, "invalid_request", detail)


def test_2_8_robots_disallow(resources: Resources, standin: Standin) -> None:
    shortname, secret = resources.robot()
    standin.config["ROBOTS_DISALLOW"] = True
    detail = "Robot accounts have been disabled. Please contact your administrator."
    assert_problem(resources.superuser.put(_path(resources)), 400, "invalid_request", detail)
    assert _log_in(resources, shortname, secret).status_code == 401
    standin.config["ROBOTS_WHITELIST"] = [f"{resources.org}+{shortname}"]
    assert _log_in(resources, shortname, secret).status_code == 200


def test_2_8_list_has_tokens_and_no_metadata(resources: Resources) -> None:
    shortname, secret = resources.robot()
    listed = resources.superuser.get(f"{resources.base}/robots").json()
    assert listed.keys() == {"robots"}
    assert all(robot.keys() == KEYS for robot in listed["robots"])
    (found,) = (robot for robot in listed["robots"] if robot["name"].endswith(f"+{shortname}"))
    assert found["token"] == secret


def test_2_8_list_without_tokens(resources: Resources) -> None:
    resources.robot()
    listed = resources.superuser.get(f"{resources.base}/robots", params={"token": "false"}).json()["robots"]
    assert all(robot.keys() == KEYS - {"token"} for robot in listed)


def test_2_8_list_with_permissions(resources: Resources) -> None:
    shortname, _rest = resources.robot()
    repository, team = resources.repository(), resources.team()
    robot = f"{resources.org}+{shortname}"
    resources.superuser.put(
        f"/api/v1/repository/{resources.org}/{repository}/permissions/user/{robot}", {"role": "read"}
    )
    resources.superuser.put(f"{resources.base}/team/{team}/members/{robot}")
    parameters = {"permissions": "true", "token": "false"}
    listed = resources.superuser.get(f"{resources.base}/robots", params=parameters).json()["robots"]
    (found,) = (entry for entry in listed if entry["name"] == robot)
    assert found.keys() == (KEYS - {"token"}) | {"teams", "repositories"}
    assert found["repositories"] == [repository]
    assert [entry["name"] for entry in found["teams"]] == [team]


def test_2_8_plain_members_see_no_tokens_and_no_single_robot(resources: Resources) -> None:
    shortname, _rest = resources.robot()
    team = resources.team()
    resources.superuser.put(f"{resources.base}/team/{team}/members/{resources.username}")
    listed = resources.user.get(f"{resources.base}/robots", params={"permissions": "true"}).json()["robots"]
    single = resources.user.get(_path(resources, shortname))
    resources.superuser.delete(f"{resources.base}/team/{team}/members/{resources.username}")
    assert all(robot.keys() == KEYS - {"token"} for robot in listed)
    assert_unauthorized(single)


def test_2_8_regenerate_returns_200_and_revokes_the_old_token(resources: Resources) -> None:
    shortname, old = resources.robot()
    response = resources.superuser.post(f"{_path(resources, shortname)}/regenerate")
    assert response.status_code == 200
    assert response.json().keys() == KEYS
    new = response.json()["token"]
    assert new != old
    assert resources.superuser.get(_path(resources, shortname)).json()["token"] == new
    assert _log_in(resources, shortname, old).status_code == 401
    assert _log_in(resources, shortname, new).status_code == 200


def test_2_8_federation_survives_regenerate(resources: Resources) -> None:
    path = _path(resources, resources.robot()[0])
    config = [{"issuer": "https://issuer.example", "subject": "s"}]
    resources.superuser.post(f"{path}/federation", config)
    resources.superuser.post(f"{path}/regenerate")
    assert resources.superuser.get(f"{path}/federation").json() == config


def test_2_8_delete(resources: Resources) -> None:
    shortname, secret = resources.robot()
    assert_no_content(resources.superuser.delete(_path(resources, shortname)))
    assert_message(resources.superuser.delete(_path(resources, shortname)), 400)
    message = "Could not find robot with specified username"
    assert_registry_error(_log_in(resources, shortname, secret), 401, "UNAUTHORIZED", message)


def test_2_8_permissions(resources: Resources, bearer: Callable[[str], Client]) -> None:
    shortname, _rest = resources.robot()
    repository = resources.repository()
    address = f"/api/v1/repository/{resources.org}/{repository}/permissions/user/{resources.org}+{shortname}"
    resources.superuser.put(address, {"role": "write"})
    path = f"{_path(resources, shortname)}/permissions"
    expected = {"repository": {"name": repository, "is_public": False}, "role": "write"}
    assert resources.superuser.get(path).json() == {"permissions": [expected]}
    assert bearer("user:admin org:admin").get(path).status_code == 200
    for scope in ("org:admin", "user:admin", "super:user"):
        assert bearer(scope).get(path).status_code == 403


def test_2_8_federation_post_replaces_the_list(resources: Resources) -> None:
    path = f"{_path(resources, resources.robot()[0])}/federation"
    assert resources.superuser.get(path).json() == []
    first, second = ({"issuer": f"https://{name}.example", "subject": "s"} for name in ("one", "two"))
    response = resources.superuser.post(path, [first | {"audiences": ["a"]}])
    assert (response.status_code, response.json()) == (200, [first])
    assert resources.superuser.post(path, [second]).json() == [second]
    assert resources.superuser.get(path).json() == [second]
    assert resources.superuser.post(path, []).json() == []
    for _time in range(2):
        assert_no_content(resources.superuser.delete(path))


@pytest.mark.parametrize(
    "config",
    [
        pytest.param([{"issuer": "https://a.example", "subject": "s"}] * 2, id="duplicates"),
        pytest.param([{"issuer": "ftp://a.example", "subject": "s"}], id="issuer no URL"),
        pytest.param([{"issuer": "https://a.example"}], id="no subject"),
        pytest.param({}, id="no list"),
    ],
)
def test_2_8_federation_errors(resources: Resources, config: Any) -> None:
    path = f"{_path(resources, resources.robot()[0])}/federation"
    assert_problem(resources.superuser.post(path, config), 400, "invalid_request")


def test_2_8_federation_needs_org_admin(resources: Resources, bearer: Callable[[str], Client]) -> None:
    path = f"{_path(resources, resources.robot()[0])}/federation"
    assert bearer("org:admin").get(path).json() == []
    assert_unauthorized(bearer("user:admin").get(path))


def test_2_8_exchange_errors(resources: Resources, anonymous: Client, new_client: Callable[..., Client]) -> None:
    path = "/oauth2/federation/robot/token"
    response = anonymous.get(path)
    assert response.status_code == 401
    assert response.json().keys() == {"error"}
    assert_message(new_client(basic=(f"{resources.org}+nobody", "x")).get(path), 400)
    jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2kuZXhhbXBsZSJ9.AAAA"
    message = "Robot does not have federated login configured"
    shortname, _rest = resources.robot()
    assert_message(new_client(basic=(f"{resources.org}+{shortname}", jwt)).get(path), 400, message)


def test_2_8_user_robots(resources: Resources, bearer: Callable[[str], Client]) -> None:
    shortname = unique("r")
    path = f"/api/v1/user/robots/{shortname}"
    created = resources.user.put(path)
    assert created.status_code == 201
    assert created.json()["name"] == f"{resources.username}+{shortname}"
    old = created.json()["token"]
    assert resources.user.get(path).json()["token"] == old
    assert resources.user.post(f"{path}/regenerate").json()["token"] != old
    assert resources.user.get(f"{path}/permissions").json() == {"permissions": []}
    assert resources.user.get(f"{path}/federation").json() == []
    listed = resources.user.get("/api/v1/user/robots").json()["robots"]
    assert f"{resources.username}+{shortname}" in [robot["name"] for robot in listed]
    assert_no_content(resources.user.delete(path))
    assert_unauthorized(bearer("org:admin").get("/api/v1/user/robots"))


def test_2_8_last_accessed_is_set_by_the_registry_only(resources: Resources) -> None:
    shortname, secret = resources.robot()
    assert _log_in(resources, shortname, "wrong").status_code == 401
    assert resources.superuser.get(_path(resources, shortname)).json()["last_accessed"] is None
    registry_token(resources.target, (f"{resources.org}+{shortname}", secret))
    assert resources.superuser.get(_path(resources, shortname)).json()["last_accessed"] is not None


def test_2_8_one_of_six_parallel_creations_succeeds(resources: Resources) -> None:
    path = _path(resources)
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda _: resources.superuser.put(path).status_code, range(6)))
    assert sorted(statuses) == [201] + [400] * 5
