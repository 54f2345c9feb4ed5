# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 2, section 5: users and organizations, as a superuser manages them."""

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
from conformance.world import World
from standin import Standin

USERS = "/api/v1/superuser/users/"
ORGANIZATIONS = "/api/v1/superuser/organizations/"


def test_p2_5_list_of_users(world: World) -> None:
    body = world.superuser.get(USERS).json()
    assert body.keys() == {"users"}
    users = {user["username"]: user for user in body["users"]}
    keys = {"kind", "name", "username", "email", "verified", "avatar", "super_user", "enabled"}
    assert keys <= users[world.username].keys()
    assert users[world.target.username]["super_user"] is True
    assert users[world.username]["super_user"] is False
    assert world.org not in users


def test_p2_5_pages_of_users(world: World) -> None:
    usernames, parameters = [], {"limit": "1"}
    for _time in range(1000):
        page = world.superuser.get(USERS, params=parameters).json()
        usernames += [user["username"] for user in page["users"]]
        if "next_page" not in page:
            break
        parameters["next_page"] = page["next_page"]
    assert {world.username, world.target.username} <= set(usernames)
    assert len(usernames) == len(set(usernames))


def test_p2_5_limits(world: World) -> None:
    assert_problem(world.superuser.get(USERS, params={"limit": "101"}), 400, "invalid_request")
    body = world.superuser.get(USERS, params={"limit": "0"}).json()
    assert body["users"] == []
    assert body["next_page"]


def test_p2_5_create_ignores_a_password(world: World) -> None:
    username = unique("confuser")
    body = {"username": username, "email": f"{username}@example.com", "password": "given-password"}
    response = world.superuser.post(USERS, body)
    world.superuser.delete(USERS + username)
    assert response.status_code == 200
    created = response.json()
    assert created.keys() == {"username", "email", "password", "encrypted_password"}
    assert created["password"] != "given-password"
    assert len(created["password"]) == 32


def test_p2_5_create_errors(world: World) -> None:
    taken = f"Username has already been taken by user cannot be reused: {world.username}"
    assert_message(world.superuser.post(USERS, {"username": world.username}), 400, taken)
    taken = f"Username has already been taken by an organization and cannot be reused: {world.org}"
    assert_message(world.superuser.post(USERS, {"username": world.org}), 400, taken)
    assert_message(world.superuser.post(USERS, {"username": "Bad Name"}), 400)
    assert_problem(world.superuser.post(USERS, {}), 400, "invalid_request", "'username' is a required property")
    email = f"{world.username}@example.com"
    assert_message(world.superuser.post(USERS, {"username": unique("confuser"), "email": email}), 400)


def test_p2_5_get_one(world: World) -> None:
    assert world.superuser.get(USERS + world.username).json()["username"] == world.username
    for name in (unique(), world.org):
        assert_problem(world.superuser.get(USERS + name), 404, "not_found")


def test_p2_5_put_answers_with_the_old_enabled(world: World, passing_user: tuple[str, str]) -> None:
    path, email = USERS + passing_user[0], f"{unique('new')}@example.com"
    response = world.superuser.put(path, {"enabled": False, "email": email})
    assert response.status_code == 200
    assert (response.json()["enabled"], response.json()["email"]) == (True, email)
    assert world.superuser.get(path).json()["enabled"] is False
    assert world.superuser.put(path, {"unknown": 1}).status_code == 200


def test_p2_5_an_email_address_in_use_400(world: World, passing_user: tuple[str, str]) -> None:
    response = world.superuser.put(USERS + passing_user[0], {"email": f"{world.username}@example.com"})
    assert_message(response, 400, "E-mail address already used")


def test_p2_5_put_a_password(world: World, anonymous: Client, passing_user: tuple[str, str]) -> None:
    path = USERS + passing_user[0]
    assert_message(world.superuser.put(path, {"password": "short"}), 400)
    response = world.superuser.put(path, {"password": "long-enough"})
    assert response.json()["encrypted_password"]
    assert anonymous.sign_in(passing_user[0], "long-enough").status_code == 200


def test_p2_5_superusers_are_left_alone(world: World) -> None:
    path = USERS + world.target.username
    assert_problem(world.superuser.put(path, {"enabled": True}), 400, "invalid_request", "Cannot update a superuser")
    assert_problem(world.superuser.delete(path), 400, "invalid_request", "Cannot delete a superuser")


def test_p2_5_a_disabled_user_is_not_deleted(world: World, passing_user: tuple[str, str]) -> None:
    path = USERS + passing_user[0]
    world.superuser.put(path, {"enabled": False})
    assert_no_content(world.superuser.delete(path))
    assert world.superuser.get(path).json()["username"] == passing_user[0]


def test_p2_5_delete_blocks_the_name_for_a_while(world: World, passing_user: tuple[str, str]) -> None:
    path = USERS + passing_user[0]
    assert_no_content(world.superuser.delete(path))
    assert_problem(world.superuser.delete(path), 404, "not_found")
    again = world.superuser.post(USERS, {"username": passing_user[0]})
    if world.target.family == "3.17":
        assert again.status_code == 200
    else:
        assert_message(again, 400, "Username is not available")


def test_p2_5_names_are_free_after_garbage_collection(
    world: World, standin: Standin, passing_user: tuple[str, str]
) -> None:
    world.superuser.delete(USERS + passing_user[0])
    standin.clock.advance(61)
    assert world.superuser.post(USERS, {"username": passing_user[0]}).status_code == 200


def test_p2_5_organizations(world: World) -> None:
    organizations = {item["name"]: item for item in world.superuser.get(ORGANIZATIONS).json()["organizations"]}
    assert {"name", "email", "avatar"} <= organizations[world.org].keys()
    assert world.superuser.get(ORGANIZATIONS + world.org).status_code == 308


def test_p2_5_renaming_an_organization_renames_its_robots(world: World, passing_org: str) -> None:
    base, new = "/api/v1/organization", unique("passing")
    world.superuser.put(f"{base}/{passing_org}/robots/robot")
    assert world.superuser.put(ORGANIZATIONS + passing_org, {"name": new}).json()["name"] == new
    robots = world.superuser.get(f"{base}/{new}/robots").json()["robots"]
    taken = world.superuser.put(ORGANIZATIONS + new, {"name": world.username})
    world.superuser.delete(ORGANIZATIONS + new)
    assert [robot["name"] for robot in robots] == [f"{new}+robot"]
    assert taken.status_code == 500


def test_p2_5_deleting_an_organization(world: World, passing_org: str) -> None:
    assert_no_content(world.superuser.delete(ORGANIZATIONS + passing_org))
    again = world.superuser.delete(ORGANIZATIONS + passing_org)
    if world.target.family == "3.17":
        assert_message(again, 400, f"Organization does not exist: {passing_org}")
    else:
        assert_problem(again, 404, "not_found")


def test_p2_5_takeownership_turns_a_user_into_an_organization(world: World, passing_user: tuple[str, str]) -> None:
    username = passing_user[0]
    response = world.superuser.post(f"/api/v1/superuser/takeownership/{username}")
    assert (response.status_code, response.json()) == (200, {"namespace": username})
    organization = world.superuser.get(f"/api/v1/organization/{username}").json()
    world.superuser.delete(ORGANIZATIONS + username)
    assert organization["is_admin"] is True


def test_p2_5_needs_super_user(world: World, bearer: Callable[[str], Client]) -> None:
    assert bearer("super:user").get(USERS).status_code == 200
    assert_unauthorized(bearer("org:admin").get(USERS))
    assert_unauthorized(world.user.get(USERS))


def test_p2_5_sessions_must_be_fresh(world: World, standin: Standin) -> None:
    standin.clock.stop()
    with Client(world.target) as client:
        client.sign_in(world.target.username, world.target.password)
        standin.clock.advance(590)
        assert client.get(USERS).status_code == 200
        standin.clock.advance(11)
        assert_problem(client.get(USERS), 401, "fresh_login_required")


def test_p2_5_a_missing_email_address_is_a_uuid(world: World) -> None:
    """Quay's database wants one; an organization's is told by older versions only."""
    pattern = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    username, org = unique("confuser"), unique()
    world.superuser.post(USERS, {"username": username})
    world.superuser.post("/api/v1/organization/", {"name": org})
    user = world.superuser.get(USERS + username).json()["email"]
    organization = world.superuser.get(f"/api/v1/organization/{org}").json()["email"]
    world.superuser.delete(USERS + username)
    world.superuser.delete(ORGANIZATIONS + org)
    assert pattern.fullmatch(user)
    assert pattern.fullmatch(organization) if world.target.family == "3.17" else organization == ""


def test_p2_5_only_the_right_password_tells_that_a_user_is_disabled(
    world: World, caller: Callable[..., Client], passing_user: tuple[str, str]
) -> None:
    world.superuser.put(USERS + passing_user[0], {"enabled": False})
    for password, message in (
        (passing_user[1], "This user has been disabled. Please contact your administrator."),
        ("something-else", "Invalid Username or Password"),
    ):
        response = caller(basic=(passing_user[0], password)).get("/v2/auth?scope=repository:conf/conf:pull")
        assert_registry_error(response, 401, "UNAUTHORIZED", message)


def test_p2_5_a_new_password_ends_the_backoff(
    world: World, caller: Callable[..., Client], passing_user: tuple[str, str]
) -> None:
    path = "/v2/auth?scope=repository:conf/conf:pull"
    for _time in range(4):
        caller(basic=(passing_user[0], "something-else")).get(path)
    assert caller(basic=passing_user).get(path).status_code == 429
    world.superuser.put(USERS + passing_user[0], {"password": "long-enough"})
    assert caller(basic=(passing_user[0], "long-enough")).get(path).status_code == 200


def test_p2_5_no_superuser_deletes_a_foreign_team_that_administers(
    world: World, passing_user: tuple[str, str], caller: Callable[..., Client]
) -> None:
    """Quay looks for the caller's own such team, and stumbles where he has none."""
    owner, org = caller(), unique()
    owner.sign_in(*passing_user)
    owner.post("/api/v1/organization/", {"name": org})
    team = f"/api/v1/organization/{org}/team/admins"
    owner.put(team, {"role": "admin"})
    first = world.superuser.delete(team)
    world.superuser.put(team, {"role": "member"})
    second = world.superuser.delete(team)
    world.superuser.delete(ORGANIZATIONS + org)
    assert_html(first, 500)
    assert_no_content(second)
