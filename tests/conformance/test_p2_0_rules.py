# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 2, section 0: rules that hold everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.client import (
    Client,
    assert_message,
    assert_no_content,
    assert_problem,
    assert_unauthorized,
    registry_token,
    unique,
)
from conformance.world import World
from standin import Standin

READ_ONLY = {
    "is_readonly": True,
    "message": "System is currently read-only. Pulls will succeed but all write operations are currently suspended.",
}


def test_p2_0_a_500_does_not_mean_not_done(world: World, standin: Standin) -> None:
    shortname, old = world.robot()
    standin.faults.add("status", path="/regenerate$", status=500, after=True)
    assert world.superuser.post(f"{world.base}/robots/{shortname}/regenerate").status_code == 500
    assert world.superuser.get(f"{world.base}/robots/{shortname}").json()["token"] != old


def test_p2_0_read_only_registry(world: World, standin: Standin, anonymous: Client) -> None:
    shortname, secret = world.robot()
    standin.config["REGISTRY_STATE"] = "readonly"
    robot = f"{world.base}/robots/{shortname}"
    writes = [
        world.superuser.post(f"{robot}/regenerate"),
        world.superuser.delete(robot),
        world.superuser.put(f"{world.base}/robots/{unique('r')}"),
        world.superuser.post(f"{world.base}/applications", {"name": "a"}),
    ]
    for response in writes:
        assert (response.status_code, response.json()) == (503, READ_ONLY)
    assert world.superuser.get(robot).json()["token"] == secret
    assert registry_token(world.target, (f"{world.org}+{shortname}", secret))
    assert anonymous.sign_in(world.username, world.password).status_code == 200
    assert anonymous.get("/config").json()["registry_state"] == "readonly"


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [("GET", None, 404), ("POST", {}, 405), ("PUT", {}, 400), ("DELETE", None, 204)],
)
def test_p2_0_below_a_repository_every_address_is_a_name(
    world: World, method: str, body: dict[str, Any] | None, status: int
) -> None:
    path = f"/api/v1/repository/{world.org}/{world.repository()}"
    response = world.superuser.request(method, f"{path}/no-such-thing", json=body)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    if method == "PUT":
        assert_problem(response, 400, "invalid_request", "'description' is a required property")
    assert world.superuser.get(path).status_code == 200


def test_p2_0_features_off_below_a_repository(world: World, standin: Standin) -> None:
    path = f"/api/v1/repository/{world.org}/{world.repository()}/aggregatelogs"
    standin.config["FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL"] = False
    assert_problem(world.superuser.get(path), 404, "not_found")
    assert_message(world.superuser.post(path, {}), 405)
    assert_no_content(world.superuser.delete(path))


def test_p2_0_super_user_alone_suffices_for_organizations(world: World, bearer: Callable[[str], Client]) -> None:
    client, repository = bearer("super:user"), world.repository()
    address = f"/api/v1/repository/{world.org}/{repository}"
    paths = ["", "/applications", "/robots", "/logs", "/prototypes", "/team/owners/members"]
    answers = [client.get(world.base + path).status_code for path in paths]
    answers += [client.get(path).status_code for path in (address, f"{address}/permissions/user/", f"{address}/logs")]
    assert set(answers) == {200}
    assert_unauthorized(client.get("/api/v1/user/robots"))


def test_p2_0_without_full_access_it_does_not(world: World, standin: Standin, bearer: Callable[[str], Client]) -> None:
    standin.config["FEATURE_SUPERUSERS_FULL_ACCESS"] = False
    assert_unauthorized(bearer("super:user").get(f"{world.base}/applications"))
    assert bearer("super:user").get("/api/v1/superuser/logs").status_code == 200


def test_p2_0_org_admin_never_opens_a_repository(world: World, bearer: Callable[[str], Client]) -> None:
    path, client = f"/api/v1/repository/{world.org}/{world.repository()}", bearer("org:admin")
    assert_unauthorized(client.get(path))
    assert_unauthorized(client.get(f"{path}/permissions/user/"))


def test_p2_0_org_admin_creates_repositories(world: World, bearer: Callable[[str], Client]) -> None:
    body = {"namespace": world.org, "repository": unique("repo"), "visibility": "private", "description": ""}
    assert bearer("org:admin").post("/api/v1/repository", body).status_code == 201


def test_p2_0_bearers_of_a_disabled_user_sleep(
    world: World, caller: Callable[..., Client], passing_user: tuple[str, str]
) -> None:
    username, password = passing_user
    org = unique()
    with Client(world.target) as session:
        session.sign_in(username, password)
        session.post("/api/v1/organization/", {"name": org})
        application = session.post(f"/api/v1/organization/{org}/applications", {"name": "a"}).json()
        form = world.form(client_id=application["client_id"], scope="user:read org:admin")
        location = session.post("/oauth/authorizeapp", data=form).headers["Location"]
        robot = session.put(f"/api/v1/organization/{org}/robots/robot").json()
    client = caller(bearer=location.split("access_token=")[1][:40])
    management = f"/api/v1/superuser/users/{username}"
    answers = []
    for enabled in (True, False, True):
        world.superuser.put(management, {"enabled": enabled})
        read, write = (
            client.get("/api/v1/user/"),
            client.post(f"/api/v1/organization/{org}/applications", {"name": "b"}),
        )
        answers.append((read.status_code, write.status_code))
        assert registry_token(world.target, (robot["name"], robot["token"]))
    world.superuser.delete(f"/api/v1/superuser/organizations/{org}")
    assert answers == [(200, 200), (401, 403), (200, 200)]
