# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 1, section 2.7: app-specific tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from conformance.client import (
    Client,
    assert_html,
    assert_no_content,
    assert_problem,
    assert_registry_error,
    assert_unauthorized,
    registry_token,
)
from conformance.world import World
from standin import Standin

PATH = "/api/v1/user/apptoken"
KEYS = {"uuid", "title", "last_accessed", "created", "expiration"}
RFC2822 = re.compile(r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d -0000$")


def _create(world: World, **body: Any) -> dict[str, Any]:
    response = world.user.post(PATH, {"title": "t"} | body)
    assert response.status_code == 200, response.text
    created: dict[str, Any] = response.json()["token"]
    return created


def test_2_7_create_answers_200_with_the_code(world: World) -> None:
    created = _create(world)
    assert created.keys() == KEYS | {"token_code"}
    assert len(created["token_code"]) == 120
    assert RFC2822.match(created["created"])
    assert (created["title"], created["expiration"], created["last_accessed"]) == ("t", None, None)


def test_2_7_titles_are_not_unique_may_be_empty_and_no_expiration_is_taken(world: World) -> None:
    first, second = _create(world, title="", expiration=60), _create(world, title="")
    assert first["uuid"] != second["uuid"]
    assert first["expiration"] is None


def test_2_7_list_is_without_codes(world: World) -> None:
    uuid = _create(world)["uuid"]
    body = world.user.get(PATH).json()
    assert body.keys() == {"tokens", "only_expiring"}
    assert body["only_expiring"] is None
    assert all(token.keys() == KEYS for token in body["tokens"])
    assert uuid in [token["uuid"] for token in body["tokens"]]
    assert world.user.get(PATH, params={"expiring": "true"}).json() == {"tokens": [], "only_expiring": True}


def test_2_7_the_code_can_be_read_again(world: World) -> None:
    created = _create(world)
    assert world.user.get(f"{PATH}/{created['uuid']}").json() == {"token": created}


def test_2_7_nobody_else_sees_it(world: World) -> None:
    assert_problem(world.superuser.get(f"{PATH}/{_create(world)['uuid']}"), 404, "not_found")


def test_2_7_delete(world: World) -> None:
    path = f"{PATH}/{_create(world)['uuid']}"
    assert_no_content(world.user.delete(path))
    assert_problem(world.user.delete(path), 404, "not_found")
    assert_problem(world.user.get(path), 404, "not_found")


def test_2_7_serves_at_the_registry_alone(world: World, caller: Callable[..., Client]) -> None:
    code = _create(world)["token_code"]
    assert registry_token(world.target, ("$app", code))
    assert_problem(caller(bearer=code).get("/api/v1/user/"), 401, "invalid_token")
    response = caller(basic=("$app", "wrong")).get("/v2/auth", params={"service": world.target.host})
    assert_registry_error(response, 401, "UNAUTHORIZED", "Invalid token")


def test_2_7_superusers_list_all(world: World, bearer: Callable[[str], Client]) -> None:
    uuid = _create(world)["uuid"]
    listed = bearer("super:user").get("/api/v1/superuser/apptokens").json()["tokens"]
    assert uuid in [token["uuid"] for token in listed]
    assert_unauthorized(world.user.get("/api/v1/superuser/apptokens"))


def test_2_7_needs_user_admin(bearer: Callable[[str], Client]) -> None:
    assert bearer("user:admin").get(PATH).status_code == 200
    assert_unauthorized(bearer("user:read").get(PATH))


def test_2_7_the_servers_expiration(world: World, standin: Standin) -> None:
    standin.clock.stop()
    standin.config["APP_SPECIFIC_TOKEN_EXPIRATION"] = "1h"
    created = _create(world)
    assert RFC2822.match(created["expiration"])
    standin.clock.advance(57 * 60)
    world.user.post("/api/v1/signin/verify", {"password": world.password})
    expiring = world.user.get(PATH, params={"expiring": "true"}).json()["tokens"]
    assert [token["uuid"] for token in expiring] == [created["uuid"]]
    standin.clock.advance(4 * 60)
    assert_problem(world.user.get(f"{PATH}/{created['uuid']}"), 404, "not_found")
    assert created["uuid"] in [token["uuid"] for token in world.user.get(PATH).json()["tokens"]]
    assert_no_content(world.user.delete(f"{PATH}/{created['uuid']}"))


def test_2_7_sessions_must_be_fresh(world: World, standin: Standin) -> None:
    with Client(world.target) as client:
        client.sign_in(world.username, world.password)
        standin.clock.advance(11 * 60)
        response = client.post(PATH, {"title": "t"})
        assert_problem(response, 401, "fresh_login_required", "Requires fresh login")
        assert client.get(PATH).status_code == 200
        verified = client.post("/api/v1/signin/verify", {"password": world.password})
        assert verified.json() == {"success": True}
        assert client.post(PATH, {"title": "t"}).status_code == 200


def test_2_7_a_bearer_is_always_fresh(standin: Standin, bearer: Callable[[str], Client]) -> None:
    client = bearer("user:admin")
    standin.clock.advance(11 * 60)
    assert client.post(PATH, {"title": "t"}).status_code == 200


def test_2_7_feature_off(world: World, standin: Standin) -> None:
    standin.config["FEATURE_APP_SPECIFIC_TOKENS"] = False
    assert_html(world.user.get(PATH), 308)
    assert_html(world.user.post(PATH, {"title": "t"}), 405)
