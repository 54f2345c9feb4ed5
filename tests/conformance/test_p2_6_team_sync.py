# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 2, section 6: teams synchronised with a directory, and wrong tokens on public pages."""

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
from conformance.resources import Resources
from standin import Standin

DEVS = {"group_dn": "cn=devs"}


@pytest.fixture
def directory(standin: Standin) -> Standin:
    """The stand-in with an LDAP directory. The real servers of the measurements had none."""
    standin.config.update(AUTHENTICATION_TYPE="LDAP", FEATURE_TEAM_SYNCING=True)
    standin.config["STANDIN_GROUPS"] = {"cn=devs": ["somebody"], "cn=ops": ["somebody"]}
    return standin


def _members(resources: Resources, team: str) -> str:
    return f"{resources.base}/team/{team}/members"


def test_p2_6_without_a_directory_the_endpoint_does_not_exist(resources: Resources) -> None:
    team = resources.team()
    for method in ("POST", "DELETE"):
        assert_html(resources.superuser.request(method, f"{resources.base}/team/{team}/syncing", json=DEVS), 405)
    assert resources.superuser.get(_members(resources, team)).json().keys() == {"name", "members", "can_edit"}


@pytest.mark.standin
def test_p2_6_on_and_off(resources: Resources, directory: Standin) -> None:
    team = resources.team()
    path = f"{resources.base}/team/{team}/syncing"
    assert directory.config["AUTHENTICATION_TYPE"] == "LDAP"
    assert "synced" not in resources.superuser.get(_members(resources, team)).json()
    body = resources.superuser.post(path, DEVS).json()
    assert body.keys() == {"name", "description", "can_view", "role", "avatar", "new_team"}
    assert resources.superuser.get(resources.base).json()["teams"][team]["is_synced"] is True
    members = resources.superuser.get(_members(resources, team)).json()
    assert members["can_sync"] == {"service": "ldap", "base_dn": ["dc=example", "dc=com"]}
    assert members["synced"] == {"service": "ldap", "last_updated": None, "config": DEVS}
    for group in ("cn=devs", "cn=ops"):
        assert_html(resources.superuser.post(path, {"group_dn": group}), 500)
    for _time in range(2):
        assert resources.superuser.delete(path).status_code == 200
    assert "synced" not in resources.superuser.get(_members(resources, team)).json()


@pytest.mark.standin
def test_p2_6_refused_groups(resources: Resources, directory: Standin) -> None:
    path = f"{resources.base}/team/{resources.team()}/syncing"
    for body, words in (({}, "Missing group_dn"), ({"group_dn": "cn=none"}, "Group does not exist or is empty")):
        assert_problem(
            resources.superuser.post(path, body), 400, "invalid_request", f"Could not sync to group: {words}"
        )
    assert_problem(resources.superuser.post(f"{resources.base}/team/nope/syncing", DEVS), 404, "not_found")
    directory.config["AUTHENTICATION_TYPE"] = "Database"
    refused = "Could not sync to group: Not supported"
    assert_problem(resources.superuser.post(path, DEVS), 400, "invalid_request", refused)


@pytest.mark.standin
def test_p2_6_members_of_a_synced_team(resources: Resources, directory: Standin) -> None:
    team, robot = resources.team(), f"{resources.org}+{resources.robot()[0]}"
    resources.superuser.post(f"{resources.base}/team/{team}/syncing", DEVS)
    path = _members(resources, team)
    refused = "Cannot call this method on an auth-synced team"
    for method in ("PUT", "DELETE"):
        response = resources.superuser.request(method, f"{path}/{resources.username}")
        assert_problem(response, 400, "invalid_request", refused)
    assert resources.superuser.put(f"{path}/{robot}").status_code == 200
    assert_no_content(resources.superuser.delete(f"{path}/{robot}"))
    assert directory.config["FEATURE_TEAM_SYNCING"]


@pytest.mark.standin
def test_p2_6_invited_users_are_listed_on_request(resources: Resources, standin: Standin) -> None:
    standin.config["FEATURE_MAILING"] = True
    team = resources.team()
    path = _members(resources, team)
    assert resources.superuser.put(f"{path}/{resources.username}").json()["invited"] is True
    assert resources.superuser.get(path).json()["members"] == []
    (listed,) = resources.superuser.get(path, params={"includePending": "true"}).json()["members"]
    assert (listed["name"], listed["invited"]) == (resources.username, True)
    assert_no_content(resources.superuser.delete(f"{path}/{resources.username}"))
    assert_message(resources.superuser.delete(f"{path}/{resources.username}"), 400)


def test_p2_6_public_pages_do_not_reject_a_wrong_token(resources: Resources, new_client: Callable[..., Client]) -> None:
    wrong = new_client(bearer="x" * 40)
    body = wrong.get(resources.base).json()
    assert (body["is_admin"], body["is_member"], "teams" in body) == (False, False, False)
    assert_problem(wrong.get(f"/api/v1/organization/{unique()}"), 404, "not_found")
    assert wrong.get(f"/api/v1/users/{resources.username}").json()["username"] == resources.username
    assert wrong.get(f"/api/v1/users/{resources.org}").status_code == 404


def test_p2_6_own_robots_reject_a_wrong_token(
    resources: Resources, new_client: Callable[..., Client], bearer: Callable[[str], Client]
) -> None:
    path = "/api/v1/user/robots?token=false&limit=1"
    assert_problem(new_client(bearer="x" * 40).get(path), 401, "invalid_token")
    assert_unauthorized(bearer("repo:read").get(path))
    assert bearer("user:admin").get(path).status_code == 200
