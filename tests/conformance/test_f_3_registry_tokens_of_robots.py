# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Federation, section 3: a registry token that was issued to a robot is accepted as the robot's password."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import requests

from conformance.client import (
    Client,
    Secret,
    assert_html,
    assert_message,
    assert_no_content,
    assert_registry_error,
    claims,
    digest_of,
    granted,
    registry_token,
    unique,
)
from conformance.images import CONFIG, get_manifest, manifest, push_blob, push_manifest
from conformance.resources import Resources
from standin import Standin

AUTHORIZATIONS = "/api/v1/user/authorizations"
GONE = "Could not find robot with specified username"


@dataclass
class TokenOfRobot:
    """A robot with a role on a repository, and a registry token for a part of it."""

    resources: Resources
    shortname: str
    static: Secret
    repository: str
    token: Secret

    @property
    def robot(self) -> str:
        return f"{self.resources.org}+{self.shortname}"

    @property
    def path(self) -> str:
        return f"{self.resources.base}/robots/{self.shortname}"

    def scope(self, actions: str) -> str:
        return f"repository:{self.resources.org}/{self.repository}:{actions}"

    def grant(self, role: str) -> None:
        path = f"/api/v1/repository/{self.resources.org}/{self.repository}/permissions/user/{self.robot}"
        assert self.resources.superuser.put(path, {"role": role}).status_code == 200

    def log_in(self, secret: str, username: str | None = None, actions: str = "pull,push") -> requests.Response:
        target = self.resources.target
        with Client(target, basic=(username or self.robot, secret)) as client:
            return client.get("/v2/auth", params={"service": target.host, "scope": self.scope(actions)})

    def access(self) -> list[list[str]]:
        """What the registry token gives as a password."""
        response = self.log_in(self.token)
        assert response.status_code == 200, response.text
        return granted(response.json()["token"])


@pytest.fixture
def issued(resources: Resources) -> TokenOfRobot:
    shortname, static = resources.robot()
    found = TokenOfRobot(resources, shortname, static, resources.repository(), Secret(""))
    found.grant("write")
    found.token = registry_token(resources.target, (found.robot, static), found.scope("pull"))
    assert granted(found.token) == [["pull"]]
    return found


def test_f_3_is_a_password_with_all_rights_of_the_robot(issued: TokenOfRobot) -> None:
    assert issued.access() == [["push", "pull"]]
    issued.grant("read")
    assert issued.access() == [["pull"]]


def test_f_3_gives_a_new_token_for_a_full_hour(issued: TokenOfRobot) -> None:
    issued.resources.target.wait(1.1)
    renewed = claims(issued.log_in(issued.token).json()["token"])
    assert renewed["sub"] == issued.robot
    assert renewed["exp"] - renewed["iat"] == 3600
    assert renewed["exp"] > claims(issued.token)["exp"]


def test_f_3_survives_regenerate(issued: TokenOfRobot) -> None:
    assert issued.resources.superuser.post(f"{issued.path}/regenerate").status_code == 200
    assert_registry_error(issued.log_in(issued.static), 401, "UNAUTHORIZED")
    assert issued.access() == [["push", "pull"]]


def test_f_3_is_refused_after_deletion_and_accepted_after_creation_under_the_same_name(issued: TokenOfRobot) -> None:
    superuser = issued.resources.superuser
    assert_no_content(superuser.delete(issued.path))
    assert_registry_error(issued.log_in(issued.token), 401, "UNAUTHORIZED", GONE)
    assert superuser.put(issued.path).status_code == 201
    assert issued.access() == [[]]
    issued.grant("read")
    assert issued.access() == [["pull"]]


def test_f_3_is_refused_for_another_robot(issued: TokenOfRobot) -> None:
    other = f"{issued.resources.org}+{issued.resources.robot()[0]}"
    response = issued.log_in(issued.token, other)
    assert_registry_error(response, 401, "UNAUTHORIZED", "Token does not match robot")


@pytest.mark.parametrize(
    ("username", "message"),
    [
        ("{user}", "Invalid Username or Password"),
        ("$oauthtoken", "Issuer quay not configured"),
        ("$app", "Invalid token"),
        ("$token", "Invalid access token"),
    ],
)
def test_f_3_is_refused_for_other_kinds_of_logins(
    issued: TokenOfRobot, temporary_user: tuple[str, Secret], username: str, message: str
) -> None:
    response = issued.log_in(issued.token, username.format(user=temporary_user[0]))
    assert_registry_error(response, 401, "UNAUTHORIZED", message)


def test_f_3_token_of_a_user_is_no_password(issued: TokenOfRobot, temporary_user: tuple[str, Secret]) -> None:
    token = registry_token(issued.resources.target, temporary_user)
    assert_registry_error(issued.log_in(token, temporary_user[0]), 401, "UNAUTHORIZED", "Invalid Username or Password")
    assert_registry_error(issued.log_in(token), 401, "UNAUTHORIZED", "Token does not match robot")


def test_f_3_anonymous_token_is_no_password(issued: TokenOfRobot) -> None:
    token = registry_token(issued.resources.target, None, issued.scope("pull"))
    assert_registry_error(issued.log_in(token), 401, "UNAUTHORIZED", "Token does not match robot")


def test_f_3_tampered_500(issued: TokenOfRobot) -> None:
    header, _payload, signature = issued.token.split(".")
    changed = json.dumps({**claims(issued.token), "exp": claims(issued.token)["exp"] + 1}).encode()
    payload = base64.urlsafe_b64encode(changed).decode().rstrip("=")
    assert_html(issued.log_in(f"{header}.{payload}.{signature}"), 500)


@pytest.mark.parametrize("service", ["elsewhere.example", None])
def test_f_3_for_another_service_500(issued: TokenOfRobot, service: str | None) -> None:
    with Client(issued.resources.target, basic=(issued.robot, issued.static)) as client:
        token = client.get("/v2/auth", params={"service": service}).json()["token"]
    assert_html(issued.log_in(token), 500)


def test_f_3_is_accepted_for_an_hour_and_thirty_seconds_of_leeway(issued: TokenOfRobot, standin: Standin) -> None:
    standin.clock.stop()
    issued.token = registry_token(issued.resources.target, (issued.robot, issued.static))
    standin.clock.advance(3629)
    assert issued.access() == [["push", "pull"]]
    standin.clock.advance(2)
    assert_html(issued.log_in(issued.token), 500)


def test_f_3_is_refused_while_the_owner_is_disabled(
    resources: Resources, temporary_user: tuple[str, Secret], new_client: Callable[..., Client]
) -> None:
    username, password = temporary_user
    with Client(resources.target) as client:
        client.sign_in(username, password)
        secret = client.put("/api/v1/user/robots/robot").json()["token"]
    robot = f"{username}+robot"
    token = registry_token(resources.target, (robot, secret))
    resources.superuser.put(f"/api/v1/superuser/users/{username}", {"enabled": False})
    response = new_client(basic=(robot, token)).get("/v2/auth", params={"service": resources.target.host})
    assert_registry_error(response, 401, "UNAUTHORIZED", f"Robot {robot} owner {username} is disabled")


def test_f_3_deletion_is_in_the_log_of_the_namespace(issued: TokenOfRobot) -> None:
    assert_no_content(issued.resources.superuser.delete(issued.path))
    logs = issued.resources.superuser.get(f"{issued.resources.base}/logs").json()["logs"]
    deletions = [entry["metadata"] for entry in logs if entry["kind"] == "delete_robot"]
    assert {"robot": issued.shortname} in [{"robot": metadata["robot"]} for metadata in deletions]


# --- access that a registry token was granted to a repository is not looked up again: it lasts for its hour


def authorizations(resources: Resources) -> set[str]:
    return {found["uuid"] for found in resources.superuser.get(AUTHORIZATIONS).json()["authorizations"]}


def test_f_3_granted_push_outlives_the_robot(issued: TokenOfRobot) -> None:
    """Tags can be listed and pushed. Where Quay looks for the robot it answers 400, after a push was done."""
    resources = issued.resources
    name, image = f"{resources.org}/{issued.repository}", manifest()
    login = (issued.robot, issued.static)
    with Client(resources.target, bearer=registry_token(resources.target, login, issued.scope("pull,push"))) as client:
        push_blob(client, name)
        assert push_manifest(client, name, "before", image).status_code == 201
        assert_no_content(resources.superuser.delete(issued.path))
        push_blob(client, name, unique().encode())
        assert_message(push_manifest(client, name, "after", image), 400, GONE)
        assert set(client.get(f"/v2/{name}/tags/list").json()["tags"]) == {"before", "after"}
        assert_message(get_manifest(client, name, "before"), 400, GONE)
        for path in (f"/v2/{name}/blobs/{digest_of(CONFIG)}", "/v2/_catalog"):
            assert_message(client.get(path), 400, GONE)


def test_f_3_granted_access_outlives_a_revoked_api_token(resources: Resources) -> None:
    name, image = f"{resources.org}/{resources.repository()}", manifest()
    known = authorizations(resources)
    login = ("$oauthtoken", resources.mint("repo:read repo:write"))
    (own,) = authorizations(resources) - known
    scope = f"repository:{name}:pull,push"
    with Client(resources.target, bearer=registry_token(resources.target, login, scope)) as client:
        push_blob(client, name)
        assert_no_content(resources.superuser.delete(f"{AUTHORIZATIONS}/{own}"))
        with Client(resources.target, basic=login) as revoked:
            response = revoked.get("/v2/auth", params={"service": resources.target.host, "scope": scope})
        assert_registry_error(response, 401, "UNAUTHORIZED")
        assert push_manifest(client, name, "after", image).status_code == 201
        assert get_manifest(client, name, "after").content == image


# --- the catalog, which shows how much a robot may see


def _catalog(resources: Resources, token: str | None, query: str = "") -> requests.Response:
    with Client(resources.target) as client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.get(f"/v2/_catalog{query}", headers=headers)


def test_f_3_catalog_lists_repositories_of_the_subject_whatever_the_access(issued: TokenOfRobot) -> None:
    resources = issued.resources
    by_team, team = resources.repository(), resources.team()
    resources.repository("public")
    assert resources.superuser.put(f"{resources.base}/team/{team}/members/{issued.robot}").status_code == 200
    path = f"/api/v1/repository/{resources.org}/{by_team}/permissions/team/{team}"
    assert resources.superuser.put(path, {"role": "read"}).status_code == 200
    own, other = (f"{resources.org}/{name}" for name in (issued.repository, by_team))
    assert _catalog(resources, issued.token).json() == {"repositories": [own, other]}
    first = _catalog(resources, issued.token, "?n=1")
    assert first.json() == {"repositories": [own]}
    assert first.headers["Link"].startswith("</v2/_catalog?n=1&next_page=")
    assert first.headers["Link"].endswith('>; rel="next"')
    second = _catalog(resources, issued.token, first.headers["Link"].partition("_catalog")[2].partition(">")[0])
    assert second.json() == {"repositories": [other]}
    assert "Link" not in second.headers


def test_f_3_catalog_is_empty_for_anonymous_callers(resources: Resources) -> None:
    resources.repository("public")
    assert _catalog(resources, None).json() == {"repositories": []}
    response = _catalog(resources, unique())
    assert (response.status_code, response.json()) == (401, {"error": "Invalid bearer token format"})
