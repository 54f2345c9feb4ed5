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
from conformance.resources import Resources
from standin import Standin

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
KEYS = {"uuid", "name", "scope", "expires_at", "created", "created_by", "last_accessed"}

new_family = pytest.mark.family("3.18")
old_family = pytest.mark.family("3.17")


def _create(resources: Resources, **body: Any) -> dict[str, Any]:
    response = resources.superuser.post(f"{resources.application}/tokens", {"name": "t", "scope": "repo:read"} | body)
    assert response.status_code == 200, response.text
    created: dict[str, Any] = response.json()
    return created


def _assert_lifetime(token: dict[str, Any], seconds: int) -> None:
    """Quay computes the expiry before it hashes the token, and the creation time afterwards."""
    expires_at, created = (datetime.fromisoformat(token[key]) for key in ("expires_at", "created"))
    assert seconds - 60 < (expires_at - created).total_seconds() <= seconds


def _application(resources: Resources) -> str:
    """Create an application. Returns its path."""
    created = resources.superuser.post(f"{resources.base}/applications", {"name": "own"}).json()
    return f"{resources.base}/applications/{created['client_id']}"


@old_family
def test_2_3_absent_on_3_17(resources: Resources) -> None:
    path = f"{resources.application}/tokens"
    assert_html(resources.superuser.get(path), 308)
    assert_html(resources.superuser.get(f"{path}/"), 404)
    assert_html(resources.superuser.post(path, {"name": "t", "scope": "repo:read"}), 405)
    assert_html(resources.superuser.delete(f"{path}/some-uuid"), 405)


@new_family
def test_2_3_create_returns_200_with_the_token(resources: Resources) -> None:
    created = _create(resources, name="  trimmed ", expiration=90)
    assert created.keys() == KEYS | {"token"}
    assert len(created["token"]) == 40
    assert created["name"] == "trimmed"
    assert created["created_by"] == resources.target.username
    assert created["last_accessed"] is None
    assert TIME.match(created["expires_at"])
    assert TIME.match(created["created"])
    _assert_lifetime(created, 90)


@new_family
@pytest.mark.parametrize(
    ("requested", "stored"),
    [
        pytest.param("repo:read,repo:write", "repo:read repo:write", id="commas become blanks"),
        pytest.param("repo:write repo:read repo:write", "repo:write repo:read", id="duplicates go, order stays"),
    ],
)
def test_2_3_scope_is_normalised(resources: Resources, requested: str, stored: str) -> None:
    assert _create(resources, scope=requested)["scope"] == stored


@new_family
@pytest.mark.parametrize(
    ("expiration", "lifetime"),
    [
        pytest.param(None, 315576000, id="default ten years"),
        pytest.param(999999999, 315576000, id="capped at ten years"),
        pytest.param(90.7, 90, id="fractions"),
    ],
)
def test_2_3_expiration(resources: Resources, expiration: float | None, lifetime: int) -> None:
    body = {} if expiration is None else {"expiration": expiration}
    _assert_lifetime(_create(resources, **body), lifetime)


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
def test_2_3_schema_errors(resources: Resources, body: dict[str, Any]) -> None:
    response = resources.superuser.post(f"{resources.application}/tokens", {"name": "t", "scope": "repo:read"} | body)
    assert_problem(response, 400, "invalid_request")


@new_family
def test_2_3_message_errors(resources: Resources) -> None:
    path = f"{resources.application}/tokens"
    response = resources.superuser.post(path, {"name": " ", "scope": "repo:read"})
    assert_message(response, 400, "'name' must not be empty")
    response = resources.superuser.post(path, {"name": "t", "scope": "repo:read,nonsense"})
    assert_message(response, 400, "Invalid scope: repo:read,nonsense")
    assert_message(resources.superuser.post(path, {"name": "t", "scope": ""}), 400, "Invalid scope: ")


@new_family
def test_2_3_unknown_application_or_organization_404(resources: Resources) -> None:
    body = {"name": "t", "scope": "repo:read"}
    assert_problem(resources.superuser.post(f"{resources.base}/applications/NOPE/tokens", body), 404, "not_found")
    assert_problem(resources.superuser.get("/api/v1/organization/nope-nope/applications/X/tokens"), 404, "not_found")


@new_family
def test_2_3_nobody_mints_more_than_their_own_scopes(resources: Resources, new_client: Callable[..., Client]) -> None:
    secret = _create(resources, scope="org:admin repo:write")["token"]
    client, path = new_client(bearer=secret), f"{resources.application}/tokens"
    assert client.post(path, {"name": "t", "scope": "repo:read"}).status_code == 200
    assert_unauthorized(client.post(path, {"name": "t", "scope": "repo:admin"}))
    assert_unauthorized(client.post(path, {"name": "t", "scope": "repo:create"}))


@new_family
def test_2_3_list_is_newest_first_and_without_secrets(resources: Resources) -> None:
    path = f"{_application(resources)}/tokens"
    uuids = [resources.superuser.post(path, {"name": "t", "scope": "repo:read"}).json()["uuid"] for _time in range(3)]
    listed = resources.superuser.get(path).json()
    assert listed.keys() == {"tokens"}
    assert [token["uuid"] for token in listed["tokens"]] == uuids[::-1]
    assert all(token.keys() == KEYS for token in listed["tokens"])


@new_family
def test_2_3_fifty_a_page(resources: Resources) -> None:
    path = f"{_application(resources)}/tokens"
    with ThreadPoolExecutor(2) as pool:
        bodies = [{"name": f"t{number}", "scope": "repo:read"} for number in range(51)]
        uuids = {
            response.json()["uuid"] for response in pool.map(lambda body: resources.superuser.post(path, body), bodies)
        }
    first = resources.superuser.get(path).json()
    assert len(first["tokens"]) == 50
    second = resources.superuser.get(path, params={"next_page": first["next_page"]}).json()
    assert second.keys() == {"tokens"}
    assert {token["uuid"] for token in first["tokens"] + second["tokens"]} == uuids


@new_family
def test_2_3_tokens_of_the_browser_flow_are_listed_without_a_name(resources: Resources) -> None:
    resources.mint("repo:read")
    newest = resources.superuser.get(f"{resources.application}/tokens").json()["tokens"][0]
    assert (newest["name"], newest["scope"]) == (None, "repo:read")
    assert newest["created_by"] == resources.target.username


@new_family
def test_2_3_expired_tokens_are_not_listed_but_can_be_deleted(resources: Resources) -> None:
    created = _create(resources, expiration=1)
    resources.target.wait(1.5)
    listed = resources.superuser.get(f"{resources.application}/tokens").json()["tokens"]
    assert created["uuid"] not in [token["uuid"] for token in listed]
    assert_no_content(resources.superuser.delete(f"{resources.application}/tokens/{created['uuid']}"))


@new_family
def test_2_3_delete_revokes_the_token_at_once(resources: Resources, new_client: Callable[..., Client]) -> None:
    created = _create(resources, scope="user:read")
    client, path = new_client(bearer=created["token"]), f"{resources.application}/tokens/{created['uuid']}"
    assert client.get("/api/v1/user/").status_code == 200
    assert_no_content(resources.superuser.delete(path))
    assert_problem(resources.superuser.delete(path), 404, "not_found")
    assert client.get("/api/v1/user/").status_code == 401


@new_family
def test_2_3_a_token_may_delete_itself(resources: Resources, new_client: Callable[..., Client]) -> None:
    created = _create(resources, scope="org:admin")
    path = f"{resources.application}/tokens/{created['uuid']}"
    assert_no_content(new_client(bearer=created["token"]).delete(path))


@new_family
def test_2_3_no_get_of_one_token(resources: Resources) -> None:
    created = _create(resources)
    assert_html(resources.superuser.get(f"{resources.application}/tokens/{created['uuid']}"), 308)


@new_family
def test_2_3_last_accessed_is_recorded(resources: Resources, new_client: Callable[..., Client]) -> None:
    created = _create(resources, scope="user:read")
    new_client(bearer=created["token"]).get("/api/v1/user/")
    listed = resources.superuser.get(f"{resources.application}/tokens").json()["tokens"]
    (found,) = (token for token in listed if token["uuid"] == created["uuid"])
    assert TIME.match(found["last_accessed"])


@new_family
def test_2_3_last_accessed_is_recorded_once_a_minute(
    resources: Resources, standin: Standin, new_client: Callable[..., Client]
) -> None:
    standin.clock.stop()
    created = _create(resources, scope="user:read")
    client, times = new_client(bearer=created["token"]), []
    for seconds in (0, 59, 1):
        standin.clock.advance(seconds)
        client.get("/api/v1/user/")
        listed = resources.superuser.get(f"{resources.application}/tokens").json()["tokens"]
        times.append(next(token["last_accessed"] for token in listed if token["uuid"] == created["uuid"]))
    assert times[0] == times[1] != times[2]


@new_family
def test_2_3_token_limit(resources: Resources, standin: Standin) -> None:
    path = f"{_application(resources)}/tokens"
    standin.clock.stop()
    standin.config["OAUTH_APPLICATION_MAXIMUM_TOKEN_COUNT"] = 1
    body = {"name": "t", "scope": "repo:read", "expiration": 60}
    assert resources.superuser.post(path, body).status_code == 200
    message = "Token limit reached: maximum 1 non-expired tokens per application"
    assert_message(resources.superuser.post(path, body), 400, message)
    standin.clock.advance(60)
    assert resources.superuser.post(path, body).status_code == 200


@new_family
def test_2_3_create_by_bearer(resources: Resources, bearer: Callable[[str], Client]) -> None:
    body = {"name": "t", "scope": "org:admin"}
    assert bearer("org:admin").post(f"{resources.application}/tokens", body).status_code == 200
    assert_unauthorized(bearer("repo:admin").post(f"{resources.application}/tokens", body))
