# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 1, section 2.9: registry tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.client import (
    Client,
    assert_error,
    assert_html,
    assert_registry_error,
    claims,
    granted,
    jwt_header,
    registry_token,
    unique,
)
from conformance.world import World
from standin import Standin

WRONG_ROBOT_TOKEN = "Could not find robot with username: {org}+{robot} and supplied password."


def _scope(world: World, name: str, actions: str = "pull,push") -> str:
    return f"repository:{world.org}/{name}:{actions}"


def _superuser(world: World) -> tuple[str, str]:
    return world.target.username, world.target.password


def test_2_9_answer_is_a_token_and_nothing_else(world: World, caller: Callable[..., Client]) -> None:
    response = caller(basic=_superuser(world)).get("/v2/auth", params={"service": world.target.host})
    assert response.status_code == 200
    assert response.json().keys() == {"token"}
    assert response.headers["Cache-Control"] == "no-cache, no-store, must-revalidate"


def test_2_9_claims(world: World) -> None:
    name = world.repository()
    token = registry_token(world.target, _superuser(world), _scope(world, name, "pull"))
    found = claims(token)
    assert jwt_header(token)["alg"] == "RS256"
    assert found.keys() == {"iss", "aud", "sub", "nbf", "iat", "exp", "access", "context"}
    assert (found["iss"], found["aud"], found["sub"]) == ("quay", world.target.host, world.target.username)
    assert found["nbf"] == found["iat"]
    assert found["exp"] - found["iat"] == 3600
    assert found["access"] == [{"type": "repository", "name": f"{world.org}/{name}", "actions": ["pull"]}]


def test_2_9_context_of_each_kind_of_login(world: World) -> None:
    shortname, robot = world.robot()
    app = world.user.post("/api/v1/user/apptoken", {"title": "context"}).json()["token"]
    logins: list[tuple[tuple[str, str], dict[str, Any]]] = [
        ((f"{world.org}+{shortname}", robot), {"entity_kind": "robot", "kind": "user"}),
        (_superuser(world), {"entity_kind": "user", "kind": "user"}),
        (("$app", app["token_code"]), {"entity_kind": "appspecifictoken", "entity_reference": app["uuid"]}),
        (("$oauthtoken", world.token("repo:read")), {"entity_kind": "oauthtoken", "kind": "oauth"}),
    ]
    for login, expected in logins:
        context = claims(registry_token(world.target, login))["context"]
        assert expected.items() <= context.items()
        assert context["version"] == 2
        assert context["entity_reference"]


def test_2_9_post_405(world: World, caller: Callable[..., Client]) -> None:
    assert_html(caller(basic=_superuser(world)).post("/v2/auth"), 405)


def test_2_9_missing_rights_are_an_empty_list(world: World, caller: Callable[..., Client]) -> None:
    shortname, secret = world.robot()
    robot, name = (f"{world.org}+{shortname}", secret), world.repository()
    scopes = [_scope(world, name), _scope(world, unique()), f"repository:{unique()}/app:pull"]
    assert granted(registry_token(world.target, robot, *scopes)) == [[], [], []]
    assert granted(registry_token(world.target, None, _scope(world, name))) == [[]]


def test_2_9_order_of_actions(world: World) -> None:
    scope = _scope(world, world.repository(), "*,pull,push")
    assert granted(registry_token(world.target, _superuser(world), scope)) == [["push", "pull", "*"]]


def test_2_9_public_repositories_are_for_everybody(world: World) -> None:
    name = world.repository("public")
    assert granted(registry_token(world.target, None, _scope(world, name))) == [["pull"]]


def test_2_9_asking_for_push_creates_a_repository(world: World) -> None:
    name = unique("repo")
    path = f"/api/v1/repository/{world.org}/{name}"
    assert granted(registry_token(world.target, _superuser(world), _scope(world, name, "pull"))) == [["pull"]]
    assert world.superuser.get(path).status_code == 404
    assert granted(registry_token(world.target, _superuser(world), _scope(world, name))) == [["push", "pull"]]
    assert world.superuser.get(path).json()["is_public"] is False


@pytest.mark.parametrize(
    ("scope", "actions"),
    [
        ("repo:read", ["pull"]),
        ("repo:write", ["push", "pull"]),
        ("repo:admin", ["push", "pull", "*"]),
        ("org:admin", []),
        ("user:admin", []),
    ],
)
def test_2_9_oauth_tokens_by_scope(world: World, scope: str, actions: list[str]) -> None:
    login = ("$oauthtoken", world.token(scope))
    asked = _scope(world, world.repository(), "pull,push,*")
    assert granted(registry_token(world.target, login, asked)) == [actions]


def test_2_9_oauth_token_with_repo_create_pushes_new_ones(world: World) -> None:
    login = ("$oauthtoken", world.token("repo:create"))
    assert granted(registry_token(world.target, login, _scope(world, unique("repo"), "push"))) == [["push"]]


def test_2_9_robot_roles(world: World) -> None:
    shortname, secret = world.robot()
    robot, name = f"{world.org}+{shortname}", world.repository()
    path = f"/api/v1/repository/{world.org}/{name}/permissions/user/{robot}"
    for role, actions in {"read": ["pull"], "write": ["push", "pull"], "admin": ["push", "pull", "*"]}.items():
        assert world.superuser.put(path, {"role": role}).status_code == 200
        token = registry_token(world.target, (robot, secret), _scope(world, name, "pull,push,*"))
        assert granted(token) == [actions]


def test_2_9_missing_service_is_refused_only_later(world: World, caller: Callable[..., Client]) -> None:
    for parameters in ({}, {"service": "elsewhere.example"}):
        response = caller(basic=_superuser(world)).get("/v2/auth", params=parameters)
        assert response.status_code == 200
        assert_error(caller(bearer=response.json()["token"]).get("/v2/"), 401)


@pytest.mark.parametrize(
    ("username", "message"),
    [
        pytest.param("nobody-at-all", "Invalid Username or Password", id="user"),
        pytest.param("{org}+{robot}", WRONG_ROBOT_TOKEN, id="robot"),
        pytest.param("{org}+nobody", "Could not find robot with specified username", id="unknown robot"),
        pytest.param("$app", "Invalid token", id="app token"),
        pytest.param("$oauthtoken", "OAuth access token could not be validated", id="OAuth token"),
    ],
)
def test_2_9_wrong_secrets(world: World, caller: Callable[..., Client], username: str, message: str) -> None:
    names = {"org": world.org, "robot": world.robot()[0]}
    client = caller(basic=(username.format(**names), "wrong"))
    response = client.get("/v2/auth", params={"service": world.target.host})
    assert_registry_error(response, 401, "UNAUTHORIZED", message.format(**names))


@pytest.mark.family("3.18")
def test_2_9_expired_oauth_token_is_told(world: World, caller: Callable[..., Client]) -> None:
    body = {"name": "t", "scope": "repo:read", "expiration": 1}
    secret = world.superuser.post(f"{world.application}/tokens", body).json()["token"]
    world.target.let_pass(1.5)
    response = caller(basic=("$oauthtoken", secret)).get("/v2/auth", params={"service": world.target.host})
    assert_registry_error(response, 401, "UNAUTHORIZED", "OAuth access token has expired")


def test_2_9_anonymous_without_a_scope_401(world: World, anonymous: Client) -> None:
    assert_registry_error(anonymous.get("/v2/auth", params={"service": world.target.host}), 401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ("repository:{org}/app:nonsense", "INVALID_REQUEST"),
        ("registry:catalog:*", "INVALID_REQUEST"),
        ("repository:{org}/Upper:pull", "NAME_INVALID"),
    ],
)
def test_2_9_bad_scopes_400(world: World, caller: Callable[..., Client], scope: str, code: str) -> None:
    parameters = {"service": world.target.host, "scope": scope.format(org=world.org)}
    response = caller(basic=_superuser(world)).get("/v2/auth", params=parameters)
    assert_registry_error(response, 400, code)


def test_2_9_lives_an_hour_and_thirty_seconds_of_leeway(
    world: World, standin: Standin, caller: Callable[..., Client]
) -> None:
    standin.clock.stop()
    client = caller(bearer=registry_token(world.target, _superuser(world)))
    standin.clock.advance(3629)
    assert client.get("/v2/").status_code == 200
    standin.clock.advance(2)
    assert_error(client.get("/v2/"), 401, "Signature has expired")


def test_2_9_encrypted_password_serves_as_password(world: World) -> None:
    key = world.user.post("/api/v1/user/clientkey", {"password": world.password}).json()["key"]
    token = registry_token(world.target, (world.username, key))
    assert claims(token)["sub"] == world.username


def test_2_9_disabled_owner(world: World, caller: Callable[..., Client], passing_user: tuple[str, str]) -> None:
    username, password = passing_user
    with Client(world.target) as client:
        client.sign_in(username, password)
        secret = client.put("/api/v1/user/robots/robot").json()["token"]
    world.superuser.put(f"/api/v1/superuser/users/{username}", {"enabled": False})
    for login in ((f"{username}+robot", secret), (username, password)):
        response = caller(basic=login).get("/v2/auth", params={"service": world.target.host})
        assert_registry_error(response, 401, "UNAUTHORIZED")
