# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 1, section 1: the shapes of errors and what they mean."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.client import (
    Client,
    Target,
    assert_csrf,
    assert_html,
    assert_message,
    assert_problem,
    assert_unauthorized,
    registry_token,
    unique,
)
from conformance.resources import Resources
from standin import Standin

NEW_APPLICATION = "/api/v1/organization/{org}/applications"


def test_1_invalid_bearer_reads_401(new_client: Callable[..., Client]) -> None:
    response = new_client(bearer="invalid").get("/api/v1/user/robots")
    assert_problem(response, 401, "invalid_token", "Requires authentication")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_1_invalid_bearer_writes_403_csrf(new_client: Callable[..., Client], method: str) -> None:
    path = "/api/v1/organization/" if method == "POST" else "/api/v1/organization/zz/robots/zz"
    assert_csrf(new_client(bearer="invalid").request(method, path, json={}))


def test_1_invalid_bearer_sees_public_repositories(resources: Resources, new_client: Callable[..., Client]) -> None:
    response = new_client(bearer="invalid").get("/api/v1/repository", params={"namespace": resources.org})
    assert response.status_code == 200
    assert response.json() == {"repositories": []}


@pytest.mark.family("3.18")
def test_1_expired_and_wrong_bearer_get_the_same_response(
    resources: Resources, new_client: Callable[..., Client]
) -> None:
    body = {"name": "short", "scope": "user:read org:admin", "expiration": 1}
    secret = resources.superuser.post(f"{resources.application}/tokens", body).json()["token"]
    resources.target.wait(1.5)
    assert_problem(
        new_client(bearer=secret).get("/api/v1/user/robots"), 401, "invalid_token", "Requires authentication"
    )
    assert_csrf(new_client(bearer=secret).post("/api/v1/organization/", {}))


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        pytest.param("repo:read", "/applications", id="applications need org:admin"),
        pytest.param("user:admin", "/robots/zz", id="robots need org:admin"),
        pytest.param("repo:admin", "/logs", id="logs need org:admin"),
    ],
)
def test_1_missing_scope_403(resources: Resources, bearer: Callable[[str], Client], scope: str, path: str) -> None:
    assert_unauthorized(bearer(scope).get(resources.base + path))


def test_1_user_without_user_read_401_session_required(bearer: Callable[[str], Client]) -> None:
    response = bearer("repo:read").get("/api/v1/user/")
    assert_problem(response, 401, "invalid_token", "Requires authentication")
    assert response.json()["session_required"] is False


def test_1_basic_is_never_accepted_by_the_api(target: Target, new_client: Callable[..., Client]) -> None:
    client = new_client(basic=(target.username, target.password))
    assert_problem(client.get("/api/v1/user/"), 401, "invalid_token")


def test_1_robot_and_app_tokens_are_no_bearer_tokens(resources: Resources, new_client: Callable[..., Client]) -> None:
    _rest, robot = resources.robot()
    app = resources.user.post("/api/v1/user/apptoken", {"title": "bearer"}).json()["token"]["token_code"]
    for secret in (robot, app):
        assert_problem(new_client(bearer=secret).get("/api/v1/user/robots"), 401, "invalid_token")


@pytest.mark.parametrize("org", ["known", "unknown"])
def test_1_existence_is_hidden_from_non_members(resources: Resources, org: str) -> None:
    name = resources.org if org == "known" else unique()
    assert_unauthorized(resources.user.get(f"/api/v1/organization/{name}/applications"))
    assert_unauthorized(resources.user.get(f"/api/v1/organization/{name}/robots"))


def test_1_superuser_and_unknown_organization(resources: Resources) -> None:
    base = f"/api/v1/organization/{(name := unique())}"
    assert_problem(resources.superuser.get(f"{base}/applications"), 404, "not_found", "Not Found")
    assert_message(resources.superuser.get(f"{base}/robots/zz"), 400, f"Organization does not exist: {name}")
    assert resources.superuser.get(f"{base}/robots").json() == {"robots": []}


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        pytest.param("GET", "", None, id="GET"),
        pytest.param("DELETE", "", None, id="DELETE"),
        pytest.param("POST", "/regenerate", None, id="regenerate"),
        pytest.param("GET", "/permissions", None, id="permissions"),
        pytest.param("GET", "/federation", None, id="federation GET"),
        pytest.param("POST", "/federation", [], id="federation POST"),
        pytest.param("DELETE", "/federation", None, id="federation DELETE"),
    ],
)
def test_1_unknown_robot_is_400(resources: Resources, method: str, suffix: str, body: list[str] | None) -> None:
    response = resources.superuser.request(method, f"{resources.base}/robots/nobody{suffix}", json=body)
    assert_message(response, 400, "Could not find robot with specified username")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_1_missing_address_405_html_for_writes(anonymous: Client, method: str) -> None:
    assert_html(anonymous.request(method, "/api/v1/no/such/address"), 405)


def test_1_missing_address_308_then_404_html_for_get(anonymous: Client) -> None:
    response = anonymous.get("/api/v1/no/such/address")
    assert_html(response, 308)
    assert response.headers["Location"].endswith("/api/v1/no/such/address/")
    assert_html(anonymous.get(response.headers["Location"]), 404)


def test_1_known_address_wrong_method_405_json(anonymous: Client) -> None:
    response = anonymous.post("/api/v1/organization/zz/robots/zz")
    assert_message(response, 405, "The method is not allowed for the requested URL.")


@pytest.mark.parametrize(
    "path", ["/api/v1/user", "/api/v1/organization", "/api/v1/superuser/users", "/api/v1/superuser/organizations"]
)
def test_1_addresses_with_a_slash_redirect_308_without(anonymous: Client, path: str) -> None:
    method = "POST" if path == "/api/v1/organization" else "GET"
    response = anonymous.request(method, path)
    assert response.status_code == 308
    assert response.headers["Location"].endswith(f"{path}/")


def test_1_robot_addresses_have_no_slash(anonymous: Client) -> None:
    assert_html(anonymous.get("/api/v1/organization/zz/robots/zz/"), 404)
    assert_html(anonymous.delete("/api/v1/organization/zz/robots/zz/"), 405)


def test_1_no_content_type_415(resources: Resources) -> None:
    path = NEW_APPLICATION.format(org=resources.org)
    assert_message(resources.superuser.post(path, data="name"), 415)


def test_1_broken_json_400_message(resources: Resources) -> None:
    path = NEW_APPLICATION.format(org=resources.org)
    response = resources.superuser.post(path, data="{", headers={"Content-Type": "application/json"})
    assert_message(response, 400, "The browser (or proxy) sent a request that this server could not understand.")


def test_1_schema_failure_400_with_the_text_of_jsonschema(resources: Resources) -> None:
    response = resources.superuser.post(NEW_APPLICATION.format(org=resources.org), {"description": "nameless"})
    assert_problem(response, 400, "invalid_request", "'name' is a required property\n\nFailed validating 'required'")


def test_1_500_for_a_star_on_an_unknown_repository(resources: Resources, new_client: Callable[..., Client]) -> None:
    client = new_client(basic=(resources.target.username, resources.target.password))
    scope = f"repository:{resources.org}/{unique()}:*"
    assert client.get("/v2/auth", params={"service": resources.target.host, "scope": scope}).status_code == 500


def test_1_500_for_a_repository_in_an_unknown_namespace(resources: Resources) -> None:
    body = {"namespace": unique(), "repository": "app", "visibility": "private", "description": ""}
    assert_html(resources.superuser.post("/api/v1/repository", body), 500)


def test_1_500_for_a_federation_exchange_without_a_jwt(resources: Resources, new_client: Callable[..., Client]) -> None:
    shortname, _rest = resources.robot()
    client = new_client(basic=(f"{resources.org}+{shortname}", "no-jwt"))
    assert_html(client.get("/oauth2/federation/robot/token"), 500)


def test_1_failed_logins_lead_to_429_for_the_correct_password_too(
    resources: Resources, anonymous: Client, new_client: Callable[..., Client], temporary_user: tuple[str, str]
) -> None:
    username, password = temporary_user
    anonymous.fetch_csrf()
    wrong, right = ({"username": username, "password": secret} for secret in ("wrong", password))
    failed = 0
    # Attempts during the back-off do not count. After the fourth failure it lasts 7.5 seconds.
    while failed < 4:
        failed += anonymous.post("/api/v1/signin", wrong).status_code == 403
        resources.target.wait(0.2)
    last = anonymous.post("/api/v1/signin", right)
    assert last.status_code == 429
    assert last.text == "Too many login attempts. \nPlease reset your Quay password and try again."
    assert last.headers["Retry-After"].isdigit()
    service = {"service": resources.target.host}
    assert new_client(basic=(username, password)).get("/v2/auth", params=service).status_code == 429


def test_1_backoff_is_half_a_second_times_2_to_the_n_minus_1(
    resources: Resources, standin: Standin, anonymous: Client, temporary_user: tuple[str, str]
) -> None:
    standin.clock.stop()
    username, password = temporary_user
    anonymous.fetch_csrf()
    wrong, right = ({"username": username, "password": secret} for secret in ("wrong", password))
    for seconds in (0.5, 1.5):
        assert anonymous.post("/api/v1/signin", wrong).status_code == 403
        standin.clock.advance(seconds - 0.001)
        assert anonymous.post("/api/v1/signin", right).status_code == 429
        standin.clock.advance(0.001)
    assert anonymous.post("/api/v1/signin", right).status_code == 200


def test_1_client_ids_are_case_sensitive(resources: Resources) -> None:
    path = f"{resources.base}/applications/{resources.client_id.lower()}"
    assert_problem(resources.superuser.get(path), 404, "not_found")


def test_1_bad_next_page_is_page_one(resources: Resources) -> None:
    response = resources.superuser.get(f"{resources.base}/logs", params={"next_page": "garbage"})
    assert response.status_code == 200
    assert response.json()["logs"]


BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"


@pytest.mark.parametrize("agent", ["ansible-httpget", "python-requests/2.32"])
def test_1_tools_need_no_x_requested_with(bearer: Callable[[str], Client], agent: str) -> None:
    assert bearer("user:read").get("/api/v1/user/", headers={"User-Agent": agent}).status_code == 200


def test_1_browsers_need_x_requested_with(bearer: Callable[[str], Client]) -> None:
    """BROWSER_API_CALLS_XHR_ONLY: false in the configuration switches this off. No response reveals the setting."""
    client, headers = bearer("user:read"), {"User-Agent": BROWSER}
    response = client.get("/api/v1/user/", headers=headers)
    if client.target.standin or response.status_code != 200:
        assert response.status_code == 400
        assert response.json()["error"].startswith("API calls must be invoked with an X-Requested-With header")
    assert client.get("/api/v1/user/", headers=headers | {"X-Requested-With": "XMLHttpRequest"}).status_code == 200


def test_1_body_over_one_mebibyte_413(resources: Resources) -> None:
    path = NEW_APPLICATION.format(org=resources.org)
    assert_html(resources.superuser.post(path, {"name": "x" * (1024 * 1024 + 1)}), 413)


def test_1_a_registry_token_is_no_bearer_token_of_the_api(
    resources: Resources, new_client: Callable[..., Client]
) -> None:
    shortname, robot = resources.robot()
    token = registry_token(resources.target, (f"{resources.org}+{shortname}", robot))
    assert new_client(bearer=token).get("/api/v1/user/robots").status_code == 401
