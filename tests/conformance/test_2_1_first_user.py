# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 1, section 2.1: the first user."""

from __future__ import annotations

from conformance.client import Client, Target, assert_error, assert_html, assert_message, assert_problem

ALL_SCOPES = {
    *("org:admin", "super:user", "user:admin", "user:read"),
    *("repo:admin", "repo:create", "repo:read", "repo:write"),
}
PATH = "/api/v1/user/initialize"


def _body(**changes: object) -> dict[str, object]:
    return {"username": "first", "password": "long-enough", "email": "first@example.com"} | changes


def test_2_1_second_time_400(anonymous: Client) -> None:
    message = "Cannot initialize user in a non-empty database"
    assert_message(anonymous.post(PATH, _body()), 400, message)
    assert_message(anonymous.post(PATH), 400, message)


def test_2_1_initialize_returns_user_token_session_and_csrf(fresh: Target) -> None:
    with Client(fresh) as client:
        response = client.post(PATH, _body(access_token=True))
        assert response.status_code == 200
        body = response.json()
        assert body.keys() == {"access_token", "email", "encrypted_password", "username"}
        assert (body["username"], body["email"]) == ("first", "first@example.com")
        assert len(body["access_token"]) == 40
        assert response.headers["X-Next-CSRF-Token"]
        assert client.get("/api/v1/user/").json()["super_user"] is True


def test_2_1_without_access_token_there_is_none(fresh: Target) -> None:
    with Client(fresh) as client:
        assert client.post(PATH, _body()).json().keys() == {"email", "encrypted_password", "username"}


def test_2_1_token_is_valid_for_9000_seconds(fresh: Target) -> None:
    assert fresh.standin
    fresh.standin.clock.stop()
    with Client(fresh) as client:
        secret = client.post(PATH, _body(access_token=True)).json()["access_token"]
    with Client(fresh, bearer=secret) as client:
        fresh.wait(8999)
        assert client.get("/api/v1/user/").status_code == 200
        fresh.wait(1)
        assert client.get("/api/v1/user/").status_code == 401


def test_2_1_token_has_all_scopes_of_the_application_automation(fresh: Target) -> None:
    with Client(fresh) as client:
        client.post(PATH, _body(access_token=True))
        (authorization,) = client.get("/api/v1/user/authorizations").json()["authorizations"]
        assert authorization["application"]["name"] == "automation"
        scopes = {scope["scope"] for scope in authorization["scopes"]}
        assert scopes == ALL_SCOPES
        assert "expir" not in str(authorization)
        assert_problem(client.get("/api/v1/organization/first/applications/first"), 404, "not_found")
        assert client.delete(f"/api/v1/user/authorizations/{authorization['uuid']}").status_code == 204


def test_2_1_bad_input(fresh: Target) -> None:
    with Client(fresh) as client:
        assert_html(client.post(PATH), 415)
        assert_html(client.post(PATH, {}), 500)
        response = client.post(PATH, _body(password="short"))
        assert response.status_code == 400
        assert response.json()["message"].startswith("Failed to initialize user: Invalid password")
        assert_message(client.post(PATH, _body(username="Bad Name")), 400)


def test_2_1_feature_off_404(fresh: Target) -> None:
    assert fresh.standin
    fresh.standin.config["FEATURE_USER_INITIALIZE"] = False
    with Client(fresh) as client:
        assert_error(client.post(PATH, _body()), 404, "Not Found")
