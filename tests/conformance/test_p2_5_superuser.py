# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 2, section 5: users and organizations, managed by a superuser."""

from __future__ import annotations

import re
from collections.abc import Callable

from conformance.client import (
    Client,
    assert_html,
    assert_message,
    assert_no_content,
    assert_problem,
    assert_registry_error,
    assert_unauthorized,
    unique,
)
from conformance.resources import Resources
from standin import Standin

USERS = "/api/v1/superuser/users/"
ORGANIZATIONS = "/api/v1/superuser/organizations/"


def test_p2_5_list_of_users(resources: Resources) -> None:
    body = resources.superuser.get(USERS).json()
    assert body.keys() == {"users"}
    users = {user["username"]: user for user in body["users"]}
    keys = {"kind", "name", "username", "email", "verified", "avatar", "super_user", "enabled"}
    assert keys <= users[resources.username].keys()
    assert users[resources.target.username]["super_user"] is True
    assert users[resources.username]["super_user"] is False
    assert resources.org not in users


def test_p2_5_pages_of_users(resources: Resources) -> None:
    usernames, parameters = [], {"limit": "1"}
    for _time in range(1000):
        page = resources.superuser.get(USERS, params=parameters).json()
        usernames += [user["username"] for user in page["users"]]
        if "next_page" not in page:
            break
        parameters["next_page"] = page["next_page"]
    assert {resources.username, resources.target.username} <= set(usernames)
    assert len(usernames) == len(set(usernames))


def test_p2_5_limits(resources: Resources) -> None:
    assert_problem(resources.superuser.get(USERS, params={"limit": "101"}), 400, "invalid_request")
    body = resources.superuser.get(USERS, params={"limit": "0"}).json()
    assert body["users"] == []
    assert body["next_page"]


def test_p2_5_create_ignores_a_password(resources: Resources) -> None:
    username = unique("confuser")
    body = {"username": username, "email": f"{username}@example.com", "password": "given-password"}
    response = resources.superuser.post(USERS, body)
    resources.superuser.delete(USERS + username)
    assert response.status_code == 200
    created = response.json()
    assert created.keys() == {"username", "email", "password", "encrypted_password"}
    assert created["password"] != "given-password"
    assert len(created["password"]) == 32


def test_p2_5_create_errors(resources: Resources) -> None:
    taken = f"Username has already been taken by user cannot be reused: {resources.username}"
    assert_message(resources.superuser.post(USERS, {"username": resources.username}), 400, taken)
    taken = f"Username has already been taken by an organization and cannot be reused: {resources.org}"
    assert_message(resources.superuser.post(USERS, {"username": resources.org}), 400, taken)
    assert_message(resources.superuser.post(USERS, {"username": "Bad Name"}), 400)
    assert_problem(resources.superuser.post(USERS, {}), 400, "invalid_request", "'username' is a required property")
    email = f"{resources.username}@example.com"
    assert_message(resources.superuser.post(USERS, {"username": unique("confuser"), "email": email}), 400)


def test_p2_5_get_one(resources: Resources) -> None:
    assert resources.superuser.get(USERS + resources.username).json()["username"] == resources.username
    for name in (unique(), resources.org):
        assert_problem(resources.superuser.get(USERS + name), 404, "not_found")


def test_p2_5_put_returns_the_old_enabled(resources: Resources, temporary_user: tuple[str, str]) -> None:
    path, email = USERS + temporary_user[0], f"{unique('new')}@example.com"
    response = resources.superuser.put(path, {"enabled": False, "email": email})
    assert response.status_code == 200
    assert (response.json()["enabled"], response.json()["email"]) == (True, email)
    assert resources.superuser.get(path).json()["enabled"] is False
    assert resources.superuser.put(path, {"unknown": 1}).status_code == 200


def test_p2_5_an_email_address_in_use_400(resources: Resources, temporary_user: tuple[str, str]) -> None:
    response = resources.superuser.put(USERS + temporary_user[0], {"email": f"{resources.username}@example.com"})
    assert_message(response, 400, "E-mail address already used")


def test_p2_5_put_a_password(resources: Resources, anonymous: Client, temporary_user: tuple[str, str]) -> None:
    path = USERS + temporary_user[0]
    assert_message(resources.superuser.put(path, {"password": "short"}), 400)
    response = resources.superuser.put(path, {"password": "long-enough"})
    assert response.json()["encrypted_password"]
    assert anonymous.sign_in(temporary_user[0], "long-enough").status_code == 200


def test_p2_5_superusers_cannot_be_changed(resources: Resources) -> None:
    path = USERS + resources.target.username
    assert_problem(
        resources.superuser.put(path, {"enabled": True}), 400, "invalid_request", "Cannot update a superuser"
    )
    assert_problem(resources.superuser.delete(path), 400, "invalid_request", "Cannot delete a superuser")


def test_p2_5_a_disabled_user_is_not_deleted(resources: Resources, temporary_user: tuple[str, str]) -> None:
    path = USERS + temporary_user[0]
    resources.superuser.put(path, {"enabled": False})
    assert_no_content(resources.superuser.delete(path))
    assert resources.superuser.get(path).json()["username"] == temporary_user[0]


def test_p2_5_delete_blocks_the_name_for_a_while(resources: Resources, temporary_user: tuple[str, str]) -> None:
    path = USERS + temporary_user[0]
    assert_no_content(resources.superuser.delete(path))
    assert_problem(resources.superuser.delete(path), 404, "not_found")
    again = resources.superuser.post(USERS, {"username": temporary_user[0]})
    if resources.target.family == "3.17":
        assert again.status_code == 200
    else:
        assert_message(again, 400, "Username is not available")


def test_p2_5_names_are_free_after_garbage_collection(
    resources: Resources, standin: Standin, temporary_user: tuple[str, str]
) -> None:
    resources.superuser.delete(USERS + temporary_user[0])
    standin.clock.advance(61)
    assert resources.superuser.post(USERS, {"username": temporary_user[0]}).status_code == 200


def test_p2_5_organizations(resources: Resources) -> None:
    organizations = {item["name"]: item for item in resources.superuser.get(ORGANIZATIONS).json()["organizations"]}
    assert {"name", "email", "avatar"} <= organizations[resources.org].keys()
    assert resources.superuser.get(ORGANIZATIONS + resources.org).status_code == 308


def test_p2_5_renaming_an_organization_renames_its_robots(resources: Resources, temporary_org: str) -> None:
    base, new = "/api/v1/organization", unique("passing")
    resources.superuser.put(f"{base}/{temporary_org}/robots/robot")
    assert resources.superuser.put(ORGANIZATIONS + temporary_org, {"name": new}).json()["name"] == new
    robots = resources.superuser.get(f"{base}/{new}/robots").json()["robots"]
    taken = resources.superuser.put(ORGANIZATIONS + new, {"name": resources.username})
    resources.superuser.delete(ORGANIZATIONS + new)
    assert [robot["name"] for robot in robots] == [f"{new}+robot"]
    assert taken.status_code == 500


def test_p2_5_deleting_an_organization(resources: Resources, temporary_org: str) -> None:
    assert_no_content(resources.superuser.delete(ORGANIZATIONS + temporary_org))
    again = resources.superuser.delete(ORGANIZATIONS + temporary_org)
    if resources.target.family == "3.17":
        assert_message(again, 400, f"Organization does not exist: {temporary_org}")
    else:
        assert_problem(again, 404, "not_found")


def test_p2_5_takeownership_turns_a_user_into_an_organization(
    resources: Resources, temporary_user: tuple[str, str]
) -> None:
    username = temporary_user[0]
    response = resources.superuser.post(f"/api/v1/superuser/takeownership/{username}")
    assert (response.status_code, response.json()) == (200, {"namespace": username})
    organization = resources.superuser.get(f"/api/v1/organization/{username}").json()
    resources.superuser.delete(ORGANIZATIONS + username)
    assert organization["is_admin"] is True


def test_p2_5_needs_super_user(resources: Resources, bearer: Callable[[str], Client]) -> None:
    assert bearer("super:user").get(USERS).status_code == 200
    assert_unauthorized(bearer("org:admin").get(USERS))
    assert_unauthorized(resources.user.get(USERS))


def test_p2_5_sessions_must_be_fresh(resources: Resources, standin: Standin) -> None:
    standin.clock.stop()
    with Client(resources.target) as client:
        client.sign_in(resources.target.username, resources.target.password)
        standin.clock.advance(590)
        assert client.get(USERS).status_code == 200
        standin.clock.advance(11)
        assert_problem(client.get(USERS), 401, "fresh_login_required")


def test_p2_5_a_missing_email_address_is_a_uuid(resources: Resources) -> None:
    """The database requires one. For organizations only older versions return it."""
    pattern = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    username, org = unique("confuser"), unique()
    resources.superuser.post(USERS, {"username": username})
    resources.superuser.post("/api/v1/organization/", {"name": org})
    user = resources.superuser.get(USERS + username).json()["email"]
    organization = resources.superuser.get(f"/api/v1/organization/{org}").json()["email"]
    resources.superuser.delete(USERS + username)
    resources.superuser.delete(ORGANIZATIONS + org)
    assert pattern.fullmatch(user)
    assert pattern.fullmatch(organization) if resources.target.family == "3.17" else organization == ""


def test_p2_5_only_the_correct_password_shows_that_a_user_is_disabled(
    resources: Resources, new_client: Callable[..., Client], temporary_user: tuple[str, str]
) -> None:
    resources.superuser.put(USERS + temporary_user[0], {"enabled": False})
    for password, message in (
        (temporary_user[1], "This user has been disabled. Please contact your administrator."),
        ("something-else", "Invalid Username or Password"),
    ):
        response = new_client(basic=(temporary_user[0], password)).get("/v2/auth?scope=repository:conf/conf:pull")
        assert_registry_error(response, 401, "UNAUTHORIZED", message)


def test_p2_5_a_new_password_ends_the_backoff(
    resources: Resources, new_client: Callable[..., Client], temporary_user: tuple[str, str]
) -> None:
    path = "/v2/auth?scope=repository:conf/conf:pull"
    for _time in range(4):
        new_client(basic=(temporary_user[0], "something-else")).get(path)
    assert new_client(basic=temporary_user).get(path).status_code == 429
    resources.superuser.put(USERS + temporary_user[0], {"password": "long-enough"})
    assert new_client(basic=(temporary_user[0], "long-enough")).get(path).status_code == 200


def test_p2_5_no_superuser_deletes_a_foreign_team_that_administers(
    resources: Resources, temporary_user: tuple[str, str], new_client: Callable[..., Client]
) -> None:
    """Quay looks for such a team of the caller, and fails if there is none."""
    owner, org = new_client(), unique()
    owner.sign_in(*temporary_user)
    owner.post("/api/v1/organization/", {"name": org})
    team = f"/api/v1/organization/{org}/team/admins"
    owner.put(team, {"role": "admin"})
    first = resources.superuser.delete(team)
    resources.superuser.put(team, {"role": "member"})
    second = resources.superuser.delete(team)
    resources.superuser.delete(ORGANIZATIONS + org)
    assert_html(first, 500)
    assert_no_content(second)
