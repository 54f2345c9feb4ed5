# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 1, section 2.9: registry tokens."""

from __future__ import annotations

import re
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
from conformance.resources import Resources
from standin import Standin

WRONG_ROBOT_TOKEN = "Could not find robot with username: {org}+{robot} and supplied password."


def _scope(resources: Resources, name: str, actions: str = "pull,push") -> str:
    return f"repository:{resources.org}/{name}:{actions}"


def _superuser(resources: Resources) -> tuple[str, str]:
    return resources.target.username, resources.target.password


def test_2_9_response_contains_only_a_token(resources: Resources, new_client: Callable[..., Client]) -> None:
    response = new_client(basic=_superuser(resources)).get("/v2/auth", params={"service": resources.target.host})
    assert response.status_code == 200
    assert response.json().keys() == {"token"}
    assert response.headers["Cache-Control"] == "no-cache, no-store, must-revalidate"


def test_2_9_claims(resources: Resources) -> None:
    name = resources.repository()
    token = registry_token(resources.target, _superuser(resources), _scope(resources, name, "pull"))
    found = claims(token)
    assert jwt_header(token)["alg"] == "RS256"
    assert found.keys() == {"iss", "aud", "sub", "nbf", "iat", "exp", "access", "context"}
    assert (found["iss"], found["aud"], found["sub"]) == ("quay", resources.target.host, resources.target.username)
    assert found["nbf"] == found["iat"]
    assert found["exp"] - found["iat"] == 3600
    assert found["access"] == [{"type": "repository", "name": f"{resources.org}/{name}", "actions": ["pull"]}]


def test_2_9_context_of_each_kind_of_login(resources: Resources) -> None:
    shortname, robot = resources.robot()
    app = resources.user.post("/api/v1/user/apptoken", {"title": "context"}).json()["token"]
    logins: list[tuple[tuple[str, str], dict[str, Any]]] = [
        ((f"{resources.org}+{shortname}", robot), {"entity_kind": "robot", "kind": "user"}),
        (_superuser(resources), {"entity_kind": "user", "kind": "user"}),
        (("$app", app["token_code"]), {"entity_kind": "appspecifictoken", "entity_reference": app["uuid"]}),
        (("$oauthtoken", resources.token("repo:read")), {"entity_kind": "oauthtoken", "kind": "oauth"}),
    ]
    for login, expected in logins:
        context = claims(registry_token(resources.target, login))["context"]
        assert expected.items() <= context.items()
        assert context["version"] == 2
        assert context["entity_reference"]


def test_2_9_post_405(resources: Resources, new_client: Callable[..., Client]) -> None:
    assert_html(new_client(basic=_superuser(resources)).post("/v2/auth"), 405)


def test_2_9_missing_rights_are_an_empty_list(resources: Resources, new_client: Callable[..., Client]) -> None:
    shortname, secret = resources.robot()
    robot, name = (f"{resources.org}+{shortname}", secret), resources.repository()
    scopes = [_scope(resources, name), _scope(resources, unique()), f"repository:{unique()}/app:pull"]
    assert granted(registry_token(resources.target, robot, *scopes)) == [[], [], []]
    assert granted(registry_token(resources.target, None, _scope(resources, name))) == [[]]


def test_2_9_order_of_actions(resources: Resources) -> None:
    scope = _scope(resources, resources.repository(), "*,pull,push")
    assert granted(registry_token(resources.target, _superuser(resources), scope)) == [["push", "pull", "*"]]


def test_2_9_public_repositories_are_for_everybody(resources: Resources) -> None:
    name = resources.repository("public")
    assert granted(registry_token(resources.target, None, _scope(resources, name))) == [["pull"]]


def test_2_9_requesting_push_creates_a_repository(resources: Resources) -> None:
    name = unique("repo")
    path = f"/api/v1/repository/{resources.org}/{name}"
    assert granted(registry_token(resources.target, _superuser(resources), _scope(resources, name, "pull"))) == [
        ["pull"]
    ]
    assert resources.superuser.get(path).status_code == 404
    assert granted(registry_token(resources.target, _superuser(resources), _scope(resources, name))) == [
        ["push", "pull"]
    ]
    assert resources.superuser.get(path).json()["is_public"] is False


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
def test_2_9_oauth_tokens_by_scope(resources: Resources, scope: str, actions: list[str]) -> None:
    login = ("$oauthtoken", resources.token(scope))
    scope_string = _scope(resources, resources.repository(), "pull,push,*")
    assert granted(registry_token(resources.target, login, scope_string)) == [actions]


def test_2_9_oauth_token_with_repo_create_pushes_new_repositories(resources: Resources) -> None:
    login = ("$oauthtoken", resources.token("repo:create"))
    assert granted(registry_token(resources.target, login, _scope(resources, unique("repo"), "push"))) == [["push"]]


def test_2_9_robot_roles(resources: Resources) -> None:
    shortname, secret = resources.robot()
    robot, name = f"{resources.org}+{shortname}", resources.repository()
    path = f"/api/v1/repository/{resources.org}/{name}/permissions/user/{robot}"
    for role, actions in {"read": ["pull"], "write": ["push", "pull"], "admin": ["push", "pull", "*"]}.items():
        assert resources.superuser.put(path, {"role": role}).status_code == 200
        token = registry_token(resources.target, (robot, secret), _scope(resources, name, "pull,push,*"))
        assert granted(token) == [actions]


def test_2_9_missing_service_is_refused_only_later(resources: Resources, new_client: Callable[..., Client]) -> None:
    for parameters in ({}, {"service": "elsewhere.example"}):
        response = new_client(basic=_superuser(resources)).get("/v2/auth", params=parameters)
        assert response.status_code == 200
        assert_error(new_client(bearer=response.json()["token"]).get("/v2/"), 401)


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
def test_2_9_wrong_secrets(
    resources: Resources, new_client: Callable[..., Client], username: str, message: str
) -> None:
    names = {"org": resources.org, "robot": resources.robot()[0]}
    client = new_client(basic=(username.format(**names), "wrong"))
    response = client.get("/v2/auth", params={"service": resources.target.host})
    assert_registry_error(response, 401, "UNAUTHORIZED", message.format(**names))


@pytest.mark.family("3.18")
def test_2_9_expired_oauth_token_is_reported(resources: Resources, new_client: Callable[..., Client]) -> None:
    body = {"name": "t", "scope": "repo:read", "expiration": 1}
    secret = resources.superuser.post(f"{resources.application}/tokens", body).json()["token"]
    resources.target.wait(1.5)
    response = new_client(basic=("$oauthtoken", secret)).get("/v2/auth", params={"service": resources.target.host})
    assert_registry_error(response, 401, "UNAUTHORIZED", "OAuth access token has expired")


def test_2_9_anonymous_without_a_scope_401(resources: Resources, anonymous: Client) -> None:
    assert_registry_error(anonymous.get("/v2/auth", params={"service": resources.target.host}), 401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ("repository:{org}/app:nonsense", "INVALID_REQUEST"),
        ("registry:catalog:*", "INVALID_REQUEST"),
        ("repository:{org}/Upper:pull", "NAME_INVALID"),
    ],
)
def test_2_9_bad_scopes_400(resources: Resources, new_client: Callable[..., Client], scope: str, code: str) -> None:
    parameters = {"service": resources.target.host, "scope": scope.format(org=resources.org)}
    response = new_client(basic=_superuser(resources)).get("/v2/auth", params=parameters)
    assert_registry_error(response, 400, code)


def test_2_9_is_valid_for_an_hour_and_thirty_seconds_of_leeway(
    resources: Resources, standin: Standin, new_client: Callable[..., Client]
) -> None:
    standin.clock.stop()
    client = new_client(bearer=registry_token(resources.target, _superuser(resources)))
    standin.clock.advance(3629)
    assert client.get("/v2/").status_code == 200
    standin.clock.advance(2)
    assert_error(client.get("/v2/"), 401, "Signature has expired")


def test_2_9_encrypted_password_is_accepted_as_password(resources: Resources) -> None:
    key = resources.user.post("/api/v1/user/clientkey", {"password": resources.password}).json()["key"]
    token = registry_token(resources.target, (resources.username, key))
    assert claims(token)["sub"] == resources.username


def test_2_9_disabled_owner(
    resources: Resources, new_client: Callable[..., Client], temporary_user: tuple[str, str]
) -> None:
    username, password = temporary_user
    with Client(resources.target) as client:
        client.sign_in(username, password)
        secret = client.put("/api/v1/user/robots/robot").json()["token"]
    resources.superuser.put(f"/api/v1/superuser/users/{username}", {"enabled": False})
    for login in ((f"{username}+robot", secret), (username, password)):
        response = new_client(basic=login).get("/v2/auth", params={"service": resources.target.host})
        assert_registry_error(response, 401, "UNAUTHORIZED")


CATALOG = "/v2/_catalog"


def test_2_9_catalog_without_a_token_is_empty(anonymous: Client) -> None:
    for query in ({}, {"n": "1"}, {"n": "x"}):
        response = anonymous.get(CATALOG, params=query)
        assert (response.status_code, response.json()) == (200, {"repositories": []})
        assert "Link" not in response.headers


def test_2_9_catalog_lists_what_the_subject_has_a_role_on(
    resources: Resources, new_client: Callable[..., Client]
) -> None:
    """The token needs no access to any repository. Public repositories of others are not listed."""
    shortname, secret = resources.robot()
    name, by_team = resources.repository(), resources.repository()
    resources.repository("public")
    team = resources.team()
    robot = f"{resources.org}+{shortname}"
    repository = f"/api/v1/repository/{resources.org}"
    resources.superuser.put(f"{repository}/{name}/permissions/user/{robot}", {"role": "read"})
    resources.superuser.put(f"{repository}/{by_team}/permissions/team/{team}", {"role": "write"})
    resources.superuser.put(f"{resources.base}/team/{team}/members/{robot}")
    client = new_client(bearer=registry_token(resources.target, (robot, secret)))
    expected = [f"{resources.org}/{name}", f"{resources.org}/{by_team}"]
    assert client.get(CATALOG).json() == {"repositories": expected}


def test_2_9_catalog_comes_in_pages(resources: Resources, new_client: Callable[..., Client]) -> None:
    shortname, secret = resources.robot()
    robot = f"{resources.org}+{shortname}"
    names = [resources.repository() for _number in range(3)]
    for name in names:
        path = f"/api/v1/repository/{resources.org}/{name}/permissions/user/{robot}"
        resources.superuser.put(path, {"role": "read"})
    client = new_client(bearer=registry_token(resources.target, (robot, secret)))
    seen, path = [], f"{CATALOG}?n=2"
    for _page in range(2):
        response = client.get(path)
        seen.append(response.json()["repositories"])
        link = response.headers.get("Link", "")
        assert link == "" or re.fullmatch(r'<(/v2/_catalog\?n=2&next_page=[^>]+)>; rel="next"', link)
        path = link.partition(">")[0].lstrip("<")
    assert (seen, path) == ([[f"{resources.org}/{name}" for name in names[:2]], [f"{resources.org}/{names[2]}"]], "")


def test_2_9_catalog_takes_registry_tokens_only(resources: Resources, new_client: Callable[..., Client]) -> None:
    for client in (new_client(basic=_superuser(resources)), new_client(bearer=resources.token("repo:read"))):
        assert_error(client.get(CATALOG), 401, "Invalid bearer token format")


def test_2_9_catalog_without_anonymous_access(anonymous: Client, standin: Standin) -> None:
    standin.config["FEATURE_ANONYMOUS_ACCESS"] = False
    assert_error(anonymous.get(CATALOG), 401, "Anonymous access is not allowed")
