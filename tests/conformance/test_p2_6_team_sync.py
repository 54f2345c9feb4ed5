# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 2, section 6: teams that take their members from a directory; and whom a public page tells apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.client import (
    Client,
    assert_html,
    assert_message,
    assert_no_content,
    assert_problem,
    assert_unauthorized,
    unique,
)
from conformance.world import World
from standin import Standin

DEVS = {"group_dn": "cn=devs"}


@pytest.fixture
def directory(standin: Standin) -> Standin:
    """The stand-in with an LDAP directory: real ones of those at hand have none."""
    standin.config.update(AUTHENTICATION_TYPE="LDAP", FEATURE_TEAM_SYNCING=True)
    standin.config["STANDIN_GROUPS"] = {"cn=devs": ["somebody"], "cn=ops": ["somebody"]}
    return standin


def _members(world: World, team: str) -> str:
    return f"{world.base}/team/{team}/members"


def test_p2_6_without_a_directory_the_endpoint_is_not_there(world: World) -> None:
    team = world.team()
    for method in ("POST", "DELETE"):
        assert_html(world.superuser.request(method, f"{world.base}/team/{team}/syncing", json=DEVS), 405)
    assert world.superuser.get(_members(world, team)).json().keys() == {"name", "members", "can_edit"}


@pytest.mark.standin
def test_p2_6_on_and_off(world: World, directory: Standin) -> None:
    team = world.team()
    path = f"{world.base}/team/{team}/syncing"
    assert directory.config["AUTHENTICATION_TYPE"] == "LDAP"
    assert "synced" not in world.superuser.get(_members(world, team)).json()
    body = world.superuser.post(path, DEVS).json()
    assert body.keys() == {"name", "description", "can_view", "role", "avatar", "new_team"}
    assert world.superuser.get(world.base).json()["teams"][team]["is_synced"] is True
    members = world.superuser.get(_members(world, team)).json()
    assert members["can_sync"] == {"service": "ldap", "base_dn": ["dc=example", "dc=com"]}
    assert members["synced"] == {"service": "ldap", "last_updated": None, "config": DEVS}
    for group in ("cn=devs", "cn=ops"):
        assert_html(world.superuser.post(path, {"group_dn": group}), 500)
    for _time in range(2):
        assert world.superuser.delete(path).status_code == 200
    assert "synced" not in world.superuser.get(_members(world, team)).json()


@pytest.mark.standin
def test_p2_6_groups_that_cannot_be_taken(world: World, directory: Standin) -> None:
    path = f"{world.base}/team/{world.team()}/syncing"
    for body, words in (({}, "Missing group_dn"), ({"group_dn": "cn=none"}, "Group does not exist or is empty")):
        assert_problem(world.superuser.post(path, body), 400, "invalid_request", f"Could not sync to group: {words}")
    assert_problem(world.superuser.post(f"{world.base}/team/nope/syncing", DEVS), 404, "not_found")
    directory.config["AUTHENTICATION_TYPE"] = "Database"
    refused = "Could not sync to group: Not supported"
    assert_problem(world.superuser.post(path, DEVS), 400, "invalid_request", refused)


@pytest.mark.standin
def test_p2_6_members_of_a_synced_team(world: World, directory: Standin) -> None:
    team, robot = world.team(), f"{world.org}+{world.robot()[0]}"
    world.superuser.post(f"{world.base}/team/{team}/syncing", DEVS)
    path = _members(world, team)
    refused = "Cannot call this method on an auth-synced team"
    for method in ("PUT", "DELETE"):
        response = world.superuser.request(method, f"{path}/{world.username}")
        assert_problem(response, 400, "invalid_request", refused)
    assert world.superuser.put(f"{path}/{robot}").status_code == 200
    assert_no_content(world.superuser.delete(f"{path}/{robot}"))
    assert directory.config["FEATURE_TEAM_SYNCING"]


@pytest.mark.standin
def test_p2_6_invited_users_are_listed_when_asked_for(world: World, standin: Standin) -> None:
    standin.config["FEATURE_MAILING"] = True
    team = world.team()
    path = _members(world, team)
    assert world.superuser.put(f"{path}/{world.username}").json()["invited"] is True
    assert world.superuser.get(path).json()["members"] == []
    (listed,) = world.superuser.get(path, params={"includePending": "true"}).json()["members"]
    assert (listed["name"], listed["invited"]) == (world.username, True)
    assert_no_content(world.superuser.delete(f"{path}/{world.username}"))
    assert_message(world.superuser.delete(f"{path}/{world.username}"), 400)


def test_p2_6_pages_for_everybody_do_not_tell_a_wrong_token(world: World, caller: Callable[..., Client]) -> None:
    wrong = caller(bearer="x" * 40)
    body = wrong.get(world.base).json()
    assert (body["is_admin"], body["is_member"], "teams" in body) == (False, False, False)
    assert_problem(wrong.get(f"/api/v1/organization/{unique()}"), 404, "not_found")
    assert wrong.get(f"/api/v1/users/{world.username}").json()["username"] == world.username
    assert wrong.get(f"/api/v1/users/{world.org}").status_code == 404


def test_p2_6_own_robots_tell_a_wrong_token(
    world: World, caller: Callable[..., Client], bearer: Callable[[str], Client]
) -> None:
    path = "/api/v1/user/robots?token=false&limit=1"
    assert_problem(caller(bearer="x" * 40).get(path), 401, "invalid_token")
    assert_unauthorized(bearer("repo:read").get(path))
    assert bearer("user:admin").get(path).status_code == 200
