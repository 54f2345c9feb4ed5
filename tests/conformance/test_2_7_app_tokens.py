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
    claims,
    registry_token,
)
from conformance.resources import Resources
from standin import Standin

PATH = "/api/v1/user/apptoken"
KEYS = {"uuid", "title", "last_accessed", "created", "expiration"}
RFC2822 = re.compile(r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d -0000$")


def _create(resources: Resources, **body: Any) -> dict[str, Any]:
    response = resources.user.post(PATH, {"title": "t"} | body)
    assert response.status_code == 200, response.text
    created: dict[str, Any] = response.json()["token"]
    return created


def test_2_7_create_returns_200_with_the_code(resources: Resources) -> None:
    created = _create(resources)
    assert created.keys() == KEYS | {"token_code"}
    assert len(created["token_code"]) == 120
    assert RFC2822.match(created["created"])
    assert (created["title"], created["expiration"], created["last_accessed"]) == ("t", None, None)


def test_2_7_titles_are_not_unique_may_be_empty_and_no_expiration_is_taken(resources: Resources) -> None:
    first, second = _create(resources, title="", expiration=60), _create(resources, title="")
    assert first["uuid"] != second["uuid"]
    assert first["expiration"] is None


def test_2_7_title_has_255_characters_at_most(resources: Resources) -> None:
    assert _create(resources, title="x" * 255)["title"] == "x" * 255
    assert_html(resources.user.post(PATH, {"title": "x" * 256}), 500)


def test_2_7_list_is_without_codes(resources: Resources) -> None:
    uuid = _create(resources)["uuid"]
    body = resources.user.get(PATH).json()
    assert body.keys() == {"tokens", "only_expiring"}
    assert body["only_expiring"] is None
    assert all(token.keys() == KEYS for token in body["tokens"])
    assert uuid in [token["uuid"] for token in body["tokens"]]
    assert resources.user.get(PATH, params={"expiring": "true"}).json() == {"tokens": [], "only_expiring": True}


def test_2_7_the_code_can_be_read_again(resources: Resources) -> None:
    created = _create(resources)
    assert resources.user.get(f"{PATH}/{created['uuid']}").json() == {"token": created}


def test_2_7_other_users_cannot_read_it(resources: Resources) -> None:
    assert_problem(resources.superuser.get(f"{PATH}/{_create(resources)['uuid']}"), 404, "not_found")


def test_2_7_delete(resources: Resources) -> None:
    path = f"{PATH}/{_create(resources)['uuid']}"
    assert_no_content(resources.user.delete(path))
    assert_problem(resources.user.delete(path), 404, "not_found")
    assert_problem(resources.user.get(path), 404, "not_found")


def test_2_7_is_accepted_by_the_registry_only(resources: Resources, new_client: Callable[..., Client]) -> None:
    code = _create(resources)["token_code"]
    assert registry_token(resources.target, ("$app", code))
    assert_problem(new_client(bearer=code).get("/api/v1/user/"), 401, "invalid_token")
    response = new_client(basic=("$app", "wrong")).get("/v2/auth", params={"service": resources.target.host})
    assert_registry_error(response, 401, "UNAUTHORIZED", "Invalid token")


def test_2_7_registry_token_names_the_app_token(resources: Resources) -> None:
    created = _create(resources)
    issued = claims(registry_token(resources.target, ("$app", created["token_code"])))
    assert issued["sub"] == resources.username
    assert (issued["context"]["entity_kind"], issued["context"]["entity_reference"]) == (
        "appspecifictoken",
        created["uuid"],
    )


def test_2_7_use_sets_last_accessed(resources: Resources) -> None:
    created = _create(resources)
    registry_token(resources.target, ("$app", created["token_code"]))
    (listed,) = (item for item in resources.user.get(PATH).json()["tokens"] if item["uuid"] == created["uuid"])
    assert RFC2822.match(listed["last_accessed"])


def test_2_7_registry_tokens_outlive_the_app_token(resources: Resources, new_client: Callable[..., Client]) -> None:
    created = _create(resources)
    issued = registry_token(resources.target, ("$app", created["token_code"]))
    assert_no_content(resources.user.delete(f"{PATH}/{created['uuid']}"))
    assert new_client(bearer=issued).get("/v2/").status_code == 200
    response = new_client(basic=("$app", str(issued))).get("/v2/auth", params={"service": resources.target.host})
    assert_registry_error(response, 401, "UNAUTHORIZED", "Invalid token")


def test_2_7_superusers_list_all(resources: Resources, bearer: Callable[[str], Client]) -> None:
    uuid = _create(resources)["uuid"]
    listed = bearer("super:user").get("/api/v1/superuser/apptokens").json()["tokens"]
    assert uuid in [token["uuid"] for token in listed]
    assert_unauthorized(resources.user.get("/api/v1/superuser/apptokens"))


def test_2_7_needs_user_admin(bearer: Callable[[str], Client]) -> None:
    assert bearer("user:admin").get(PATH).status_code == 200
    assert_unauthorized(bearer("user:read").get(PATH))


def test_2_7_the_servers_expiration(resources: Resources, standin: Standin) -> None:
    standin.clock.stop()
    standin.config["APP_SPECIFIC_TOKEN_EXPIRATION"] = "1h"
    created = _create(resources)
    assert RFC2822.match(created["expiration"])
    standin.clock.advance(57 * 60)
    resources.user.post("/api/v1/signin/verify", {"password": resources.password})
    expiring = resources.user.get(PATH, params={"expiring": "true"}).json()["tokens"]
    assert [token["uuid"] for token in expiring] == [created["uuid"]]
    standin.clock.advance(4 * 60)
    assert_problem(resources.user.get(f"{PATH}/{created['uuid']}"), 404, "not_found")
    assert created["uuid"] in [token["uuid"] for token in resources.user.get(PATH).json()["tokens"]]
    assert_no_content(resources.user.delete(f"{PATH}/{created['uuid']}"))


def test_2_7_sessions_must_be_fresh(resources: Resources, standin: Standin) -> None:
    with Client(resources.target) as client:
        client.sign_in(resources.username, resources.password)
        standin.clock.advance(11 * 60)
        response = client.post(PATH, {"title": "t"})
        assert_problem(response, 401, "fresh_login_required", "Requires fresh login")
        assert client.get(PATH).status_code == 200
        verified = client.post("/api/v1/signin/verify", {"password": resources.password})
        assert verified.json() == {"success": True}
        assert client.post(PATH, {"title": "t"}).status_code == 200


def test_2_7_a_bearer_is_always_fresh(standin: Standin, bearer: Callable[[str], Client]) -> None:
    client = bearer("user:admin")
    standin.clock.advance(11 * 60)
    assert client.post(PATH, {"title": "t"}).status_code == 200


def test_2_7_feature_off(resources: Resources, standin: Standin) -> None:
    standin.config["FEATURE_APP_SPECIFIC_TOKENS"] = False
    assert_html(resources.user.get(PATH), 308)
    assert_html(resources.user.post(PATH, {"title": "t"}), 405)
