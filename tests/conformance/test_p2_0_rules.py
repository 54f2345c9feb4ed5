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
from conformance.resources import Resources
from standin import Standin

READ_ONLY = {
    "is_readonly": True,
    "message": "System is currently read-only. Pulls will succeed but all write operations are currently suspended.",
}


def test_p2_0_a_500_does_not_mean_not_done(resources: Resources, standin: Standin) -> None:
    shortname, old = resources.robot()
    standin.faults.add("status", path="/regenerate$", status=500, after=True)
    assert resources.superuser.post(f"{resources.base}/robots/{shortname}/regenerate").status_code == 500
    assert resources.superuser.get(f"{resources.base}/robots/{shortname}").json()["token"] != old


def test_p2_0_read_only_registry(resources: Resources, standin: Standin, anonymous: Client) -> None:
    shortname, secret = resources.robot()
    standin.config["REGISTRY_STATE"] = "readonly"
    robot = f"{resources.base}/robots/{shortname}"
    writes = [
        resources.superuser.post(f"{robot}/regenerate"),
        resources.superuser.delete(robot),
        resources.superuser.put(f"{resources.base}/robots/{unique('r')}"),
        resources.superuser.post(f"{resources.base}/applications", {"name": "a"}),
    ]
    for response in writes:
        assert (response.status_code, response.json()) == (503, READ_ONLY)
    assert resources.superuser.get(robot).json()["token"] == secret
    assert registry_token(resources.target, (f"{resources.org}+{shortname}", secret))
    assert anonymous.sign_in(resources.username, resources.password).status_code == 200
    assert anonymous.get("/config").json()["registry_state"] == "readonly"


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [("GET", None, 404), ("POST", {}, 405), ("PUT", {}, 400), ("DELETE", None, 204)],
)
def test_p2_0_below_a_repository_every_path_is_a_name(
    resources: Resources, method: str, body: dict[str, Any] | None, status: int
) -> None:
    path = f"/api/v1/repository/{resources.org}/{resources.repository()}"
    response = resources.superuser.request(method, f"{path}/no-such-thing", json=body)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    if method == "PUT":
        assert_problem(response, 400, "invalid_request", "'description' is a required property")
    assert resources.superuser.get(path).status_code == 200


def test_p2_0_features_off_below_a_repository(resources: Resources, standin: Standin) -> None:
    path = f"/api/v1/repository/{resources.org}/{resources.repository()}/aggregatelogs"
    standin.config["FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL"] = False
    assert_problem(resources.superuser.get(path), 404, "not_found")
    assert_message(resources.superuser.post(path, {}), 405)
    assert_no_content(resources.superuser.delete(path))


def test_p2_0_super_user_alone_suffices_for_organizations(
    resources: Resources, bearer: Callable[[str], Client]
) -> None:
    client, repository = bearer("super:user"), resources.repository()
    address = f"/api/v1/repository/{resources.org}/{repository}"
    paths = ["", "/applications", "/robots", "/logs", "/prototypes", "/team/owners/members"]
    statuses = [client.get(resources.base + path).status_code for path in paths]
    statuses += [client.get(path).status_code for path in (address, f"{address}/permissions/user/", f"{address}/logs")]
    assert set(statuses) == {200}
    assert_unauthorized(client.get("/api/v1/user/robots"))


def test_p2_0_without_full_access_it_does_not(
    resources: Resources, standin: Standin, bearer: Callable[[str], Client]
) -> None:
    standin.config["FEATURE_SUPERUSERS_FULL_ACCESS"] = False
    assert_unauthorized(bearer("super:user").get(f"{resources.base}/applications"))
    assert bearer("super:user").get("/api/v1/superuser/logs").status_code == 200


def test_p2_0_org_admin_gives_no_access_to_a_repository(resources: Resources, bearer: Callable[[str], Client]) -> None:
    path, client = f"/api/v1/repository/{resources.org}/{resources.repository()}", bearer("org:admin")
    assert_unauthorized(client.get(path))
    assert_unauthorized(client.get(f"{path}/permissions/user/"))


def test_p2_0_org_admin_creates_repositories(resources: Resources, bearer: Callable[[str], Client]) -> None:
    body = {"namespace": resources.org, "repository": unique("repo"), "visibility": "private", "description": ""}
    assert bearer("org:admin").post("/api/v1/repository", body).status_code == 201


def test_p2_0_bearer_tokens_of_a_disabled_user_are_suspended(
    resources: Resources, new_client: Callable[..., Client], temporary_user: tuple[str, str]
) -> None:
    username, password = temporary_user
    org = unique()
    with Client(resources.target) as session:
        session.sign_in(username, password)
        session.post("/api/v1/organization/", {"name": org})
        application = session.post(f"/api/v1/organization/{org}/applications", {"name": "a"}).json()
        form = resources.form(client_id=application["client_id"], scope="user:read org:admin")
        location = session.post("/oauth/authorizeapp", data=form).headers["Location"]
        robot = session.put(f"/api/v1/organization/{org}/robots/robot").json()
    client = new_client(bearer=location.split("access_token=")[1][:40])
    management = f"/api/v1/superuser/users/{username}"
    statuses = []
    for enabled in (True, False, True):
        resources.superuser.put(management, {"enabled": enabled})
        read, write = (
            client.get("/api/v1/user/"),
            client.post(f"/api/v1/organization/{org}/applications", {"name": "b"}),
        )
        statuses.append((read.status_code, write.status_code))
        assert registry_token(resources.target, (robot["name"], robot["token"]))
    resources.superuser.delete(f"/api/v1/superuser/organizations/{org}")
    assert statuses == [(200, 200), (401, 403), (200, 200)]
