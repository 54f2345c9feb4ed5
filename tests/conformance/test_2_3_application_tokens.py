# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 1, section 2.3: application tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from conformance.client import (
    Client,
    assert_html,
    assert_message,
    assert_no_content,
    assert_problem,
    assert_unauthorized,
)
from conformance.world import World
from standin import Standin

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
KEYS = {"uuid", "name", "scope", "expires_at", "created", "created_by", "last_accessed"}

new_family = pytest.mark.family("3.18")
old_family = pytest.mark.family("3.17")


def _create(world: World, **body: Any) -> dict[str, Any]:
    response = world.superuser.post(f"{world.application}/tokens", {"name": "t", "scope": "repo:read"} | body)
    assert response.status_code == 200, response.text
    created: dict[str, Any] = response.json()
    return created


def _assert_lifetime(token: dict[str, Any], seconds: int) -> None:
    """The expiry is reckoned before the token is hashed, the creation is noted after it."""
    expires_at, created = (datetime.fromisoformat(token[key]) for key in ("expires_at", "created"))
    assert seconds - 60 < (expires_at - created).total_seconds() <= seconds


def _application(world: World) -> str:
    """An application of its own: its address."""
    created = world.superuser.post(f"{world.base}/applications", {"name": "own"}).json()
    return f"{world.base}/applications/{created['client_id']}"


@old_family
def test_2_3_absent_on_3_17(world: World) -> None:
    path = f"{world.application}/tokens"
    assert_html(world.superuser.get(path), 308)
    assert_html(world.superuser.get(f"{path}/"), 404)
    assert_html(world.superuser.post(path, {"name": "t", "scope": "repo:read"}), 405)
    assert_html(world.superuser.delete(f"{path}/some-uuid"), 405)


@new_family
def test_2_3_create_answers_200_with_the_token(world: World) -> None:
    created = _create(world, name="  trimmed ", expiration=90)
    assert created.keys() == KEYS | {"token"}
    assert len(created["token"]) == 40
    assert created["name"] == "trimmed"
    assert created["created_by"] == world.target.username
    assert created["last_accessed"] is None
    assert TIME.match(created["expires_at"])
    assert TIME.match(created["created"])
    _assert_lifetime(created, 90)


@new_family
@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        pytest.param("repo:read,repo:write", "repo:read repo:write", id="commas become blanks"),
        pytest.param("repo:write repo:read repo:write", "repo:write repo:read", id="duplicates go, order stays"),
    ],
)
def test_2_3_scope_is_normalised(world: World, asked: str, stored: str) -> None:
    assert _create(world, scope=asked)["scope"] == stored


@new_family
@pytest.mark.parametrize(
    ("expiration", "lifetime"),
    [
        pytest.param(None, 315576000, id="default ten years"),
        pytest.param(999999999, 315576000, id="capped at ten years"),
        pytest.param(90.7, 90, id="fractions"),
    ],
)
def test_2_3_expiration(world: World, expiration: float | None, lifetime: int) -> None:
    body = {} if expiration is None else {"expiration": expiration}
    _assert_lifetime(_create(world, **body), lifetime)


@new_family
@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"expiration": None}, id="expiration null"),
        pytest.param({"expiration": "90"}, id="expiration text"),
        pytest.param({"expiration": 0}, id="expiration zero"),
        pytest.param({"name": ""}, id="name empty"),
        pytest.param({"name": "x" * 256}, id="name too long"),
        pytest.param({"scope": None}, id="scope null"),
    ],
)
def test_2_3_schema_errors(world: World, body: dict[str, Any]) -> None:
    response = world.superuser.post(f"{world.application}/tokens", {"name": "t", "scope": "repo:read"} | body)
    assert_problem(response, 400, "invalid_request")


@new_family
def test_2_3_message_errors(world: World) -> None:
    path = f"{world.application}/tokens"
    response = world.superuser.post(path, {"name": " ", "scope": "repo:read"})
    assert_message(response, 400, "'name' must not be empty")
    response = world.superuser.post(path, {"name": "t", "scope": "repo:read,nonsense"})
    assert_message(response, 400, "Invalid scope: repo:read,nonsense")
    assert_message(world.superuser.post(path, {"name": "t", "scope": ""}), 400, "Invalid scope: ")


@new_family
def test_2_3_unknown_application_or_organization_404(world: World) -> None:
    body = {"name": "t", "scope": "repo:read"}
    assert_problem(world.superuser.post(f"{world.base}/applications/NOPE/tokens", body), 404, "not_found")
    assert_problem(world.superuser.get("/api/v1/organization/nope-nope/applications/X/tokens"), 404, "not_found")


@new_family
def test_2_3_nobody_mints_more_than_he_has(world: World, caller: Callable[..., Client]) -> None:
    held = _create(world, scope="org:admin repo:write")["token"]
    client, path = caller(bearer=held), f"{world.application}/tokens"
    assert client.post(path, {"name": "t", "scope": "repo:read"}).status_code == 200
    assert_unauthorized(client.post(path, {"name": "t", "scope": "repo:admin"}))
    assert_unauthorized(client.post(path, {"name": "t", "scope": "repo:create"}))


@new_family
def test_2_3_list_is_newest_first_and_without_secrets(world: World) -> None:
    path = f"{_application(world)}/tokens"
    uuids = [world.superuser.post(path, {"name": "t", "scope": "repo:read"}).json()["uuid"] for _time in range(3)]
    listed = world.superuser.get(path).json()
    assert listed.keys() == {"tokens"}
    assert [token["uuid"] for token in listed["tokens"]] == uuids[::-1]
    assert all(token.keys() == KEYS for token in listed["tokens"])


@new_family
def test_2_3_fifty_a_page(world: World) -> None:
    path = f"{_application(world)}/tokens"
    with ThreadPoolExecutor(2) as pool:
        bodies = [{"name": f"t{number}", "scope": "repo:read"} for number in range(51)]
        uuids = {answer.json()["uuid"] for answer in pool.map(lambda body: world.superuser.post(path, body), bodies)}
    first = world.superuser.get(path).json()
    assert len(first["tokens"]) == 50
    second = world.superuser.get(path, params={"next_page": first["next_page"]}).json()
    assert second.keys() == {"tokens"}
    assert {token["uuid"] for token in first["tokens"] + second["tokens"]} == uuids


@new_family
def test_2_3_tokens_of_the_browser_flow_are_listed_without_a_name(world: World) -> None:
    world.mint("repo:read")
    newest = world.superuser.get(f"{world.application}/tokens").json()["tokens"][0]
    assert (newest["name"], newest["scope"]) == (None, "repo:read")
    assert newest["created_by"] == world.target.username


@new_family
def test_2_3_expired_tokens_are_not_listed_but_can_be_deleted(world: World) -> None:
    created = _create(world, expiration=1)
    world.target.let_pass(1.5)
    listed = world.superuser.get(f"{world.application}/tokens").json()["tokens"]
    assert created["uuid"] not in [token["uuid"] for token in listed]
    assert_no_content(world.superuser.delete(f"{world.application}/tokens/{created['uuid']}"))


@new_family
def test_2_3_delete_ends_the_token_at_once(world: World, caller: Callable[..., Client]) -> None:
    created = _create(world, scope="user:read")
    client, path = caller(bearer=created["token"]), f"{world.application}/tokens/{created['uuid']}"
    assert client.get("/api/v1/user/").status_code == 200
    assert_no_content(world.superuser.delete(path))
    assert_problem(world.superuser.delete(path), 404, "not_found")
    assert client.get("/api/v1/user/").status_code == 401


@new_family
def test_2_3_a_token_may_delete_itself(world: World, caller: Callable[..., Client]) -> None:
    created = _create(world, scope="org:admin")
    path = f"{world.application}/tokens/{created['uuid']}"
    assert_no_content(caller(bearer=created["token"]).delete(path))


@new_family
def test_2_3_no_get_of_one_token(world: World) -> None:
    created = _create(world)
    assert_html(world.superuser.get(f"{world.application}/tokens/{created['uuid']}"), 308)


@new_family
def test_2_3_last_accessed_is_noted(world: World, caller: Callable[..., Client]) -> None:
    created = _create(world, scope="user:read")
    caller(bearer=created["token"]).get("/api/v1/user/")
    listed = world.superuser.get(f"{world.application}/tokens").json()["tokens"]
    (found,) = (token for token in listed if token["uuid"] == created["uuid"])
    assert TIME.match(found["last_accessed"])


@new_family
def test_2_3_last_accessed_is_noted_once_a_minute(
    world: World, standin: Standin, caller: Callable[..., Client]
) -> None:
    standin.clock.stop()
    created = _create(world, scope="user:read")
    client, noted = caller(bearer=created["token"]), []
    for seconds in (0, 59, 1):
        standin.clock.advance(seconds)
        client.get("/api/v1/user/")
        listed = world.superuser.get(f"{world.application}/tokens").json()["tokens"]
        noted.append(next(token["last_accessed"] for token in listed if token["uuid"] == created["uuid"]))
    assert noted[0] == noted[1] != noted[2]


@new_family
def test_2_3_token_limit(world: World, standin: Standin) -> None:
    path = f"{_application(world)}/tokens"
    standin.clock.stop()
    standin.config["OAUTH_APPLICATION_MAXIMUM_TOKEN_COUNT"] = 1
    body = {"name": "t", "scope": "repo:read", "expiration": 60}
    assert world.superuser.post(path, body).status_code == 200
    message = "Token limit reached: maximum 1 non-expired tokens per application"
    assert_message(world.superuser.post(path, body), 400, message)
    standin.clock.advance(60)
    assert world.superuser.post(path, body).status_code == 200


@new_family
def test_2_3_create_by_bearer(world: World, bearer: Callable[[str], Client]) -> None:
    body = {"name": "t", "scope": "org:admin"}
    assert bearer("org:admin").post(f"{world.application}/tokens", body).status_code == 200
    assert_unauthorized(bearer("repo:admin").post(f"{world.application}/tokens", body))
