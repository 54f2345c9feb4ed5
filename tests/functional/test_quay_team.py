# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_team: teams and their members."""

from __future__ import annotations

from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from standin.state import Team, TeamSync

MODULE = "quay_team"
ACME = "/api/v1/organization/acme"
TEAM = f"{ACME}/team/dev"
READ = f"GET {ACME}"
MEMBERS = f"GET {TEAM}/members"
CONFIG = "GET /config"
ROBOTS = f"GET {ACME}/robots"
DEV = {"organization": "acme", "name": "dev"}
READERS = {"organization": "acme", "name": "readers"}


def team(harness: Harness, name: str = "dev") -> Team:
    return harness.quay.state.organizations["acme"].teams[name]


def test_team_is_created(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {**DEV, "role": "creator", "description": "builds"})
    read = [*harness.sign_in, READ]
    assert runs.requests == [[*read, CONFIG], [*read, CONFIG, f"PUT {TEAM}", READ], read, read]
    fields = {"role": "creator", "description": "builds"}
    assert runs.first.content == {**DEV, **fields, "members": None}
    assert runs.first.diff == {"before": {}, "after": fields}
    assert (team(harness).role, team(harness).description) == ("creator", "builds")


def test_team_is_created_with_members(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {**DEV, "members": ["carol", "acme+ci", "bob"]})
    reads = [*harness.sign_in, READ, "GET /api/v1/users/bob", "GET /api/v1/users/carol", ROBOTS, CONFIG]
    writes = [f"PUT {TEAM}", *(f"PUT {TEAM}/members/{name}" for name in ("acme+ci", "bob", "carol"))]
    assert [request.replace("%2B", "+") for request in runs.requests[1]] == [*reads, *writes, READ, MEMBERS]
    assert runs.requests[0] == reads
    assert runs.requests[3] == [*harness.sign_in, READ, MEMBERS]
    assert sorted(team(harness).members) == runs.first["members"] == ["acme+ci", "bob", "carol"]
    assert runs.first.diff["after"]["members"] == ["acme+ci", "bob", "carol"]


@pytest.mark.parametrize("field", ["role", "description"])
def test_one_field_is_changed_and_no_other(either_login: Harness, field: str) -> None:
    harness = either_login
    harness.run(MODULE, {**DEV, "role": "member", "description": "old", "members": ["bob"]})
    before = {"role": "member", "description": "old"}
    runs = harness.four_runs(MODULE, {**DEV, field: "admin"})
    assert runs.first.diff == {"before": before, "after": {**before, field: "admin"}}
    assert {key: getattr(team(harness), key) for key in before} == {**before, field: "admin"}
    assert team(harness).members == ["bob"]


def test_members_are_added_and_none_removed(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {**READERS, "members": ["bob"]})
    assert team(harness, "readers").members == ["carol", "bob"]
    assert runs.first["members"] == ["bob", "carol"]
    assert runs.first.diff["before"]["members"] == ["carol"]
    puts = [request for request in runs.requests[1] if request.startswith(("PUT", "DELETE"))]
    assert puts == [f"PUT {ACME}/team/readers/members/bob"]


def test_exclusive_removes_other_members(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {**READERS, "members": ["bob"], "exclusive": True})
    assert team(harness, "readers").members == ["bob"]
    puts = [request for request in runs.requests[1] if request.startswith(("PUT", "DELETE"))]
    assert puts == [f"PUT {ACME}/team/readers/members/bob", f"DELETE {ACME}/team/readers/members/carol"]


def test_exclusive_empty_list_removes_all_members(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {**READERS, "members": [], "exclusive": True})
    assert (team(harness, "readers").members, runs.first["members"]) == ([], [])


@pytest.mark.parametrize("members", [None, []])
def test_members_that_are_not_listed_are_unchanged(either_login: Harness, members: list[str] | None) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {**READERS, "members": members})
    assert not runs.first.changed
    assert team(harness, "readers").members == ["carol"]


def test_team_is_deleted(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {**READERS, "state": "absent"})
    read = [*harness.sign_in, READ]
    assert runs.requests == [[*read, CONFIG], [*read, CONFIG, f"DELETE {ACME}/team/readers", READ], read, read]
    assert "readers" not in harness.quay.state.organizations["acme"].teams
    assert runs.first.diff == {"before": {"role": "member", "description": ""}, "after": {}}


def test_superuser_manages_foreign_teams(superuser: Harness) -> None:
    harness = superuser
    harness.four_runs(MODULE, {**DEV, "role": "admin", "members": ["bob", "acme+ci"]})
    assert sorted(team(harness).members) == ["acme+ci", "bob"]
    # The superuser is in no admin team, so Quay fails to delete the team.
    harness.four_runs(MODULE, {**DEV, "state": "absent"})
    assert "dev" not in harness.quay.state.organizations["acme"].teams


@pytest.mark.parametrize("arguments", [{"state": "absent"}, {"role": "member"}])
def test_last_administrators_are_protected(superuser: Harness, arguments: dict[str, Any]) -> None:
    words = "the team acme/owners is the only team that administers the organization"
    assert_refused(superuser, MODULE, {**DEV, "name": "owners", **arguments}, words)


def test_quay_protects_the_access_of_the_caller(either_login: Harness) -> None:
    harness = either_login
    result = harness.run(MODULE, {**DEV, "name": "owners", "members": [], "exclusive": True})
    assert "User cannot remove themselves from their only admin team" in result.message
    assert team(harness, "owners").members == ["alice"]


def test_all_unknown_members_are_reported_and_nothing_is_changed(either_login: Harness) -> None:
    arguments = {**DEV, "members": ["nobody", "acme+none", "acme", "bob"]}
    assert_refused(either_login, MODULE, arguments, "this Quay has no user or robot acme, nobody, acme+none")


def test_robot_of_another_organization(either_login: Harness) -> None:
    """The module leaves it to Quay whether the robot may be a member."""
    harness = either_login
    harness.accounts.bob.browser().call("PUT", "/api/v1/organization/rival/robots/spy")
    harness.four_runs(MODULE, {**DEV, "members": ["rival+spy"]})
    assert team(harness).members == ["rival+spy"]


def test_invited_users_count_as_members(either_login: Harness) -> None:
    harness = either_login
    harness.quay.config["FEATURE_MAILING"] = True
    runs = harness.four_runs(MODULE, {**DEV, "members": ["bob", "carol"]})
    assert (team(harness).members, team(harness).invited) == (["carol"], ["bob"])
    assert runs.first["members"] == ["bob", "carol"]
    assert runs.first.warned("Quay invited bob. They join when they accept")
    assert not runs.second.warned("invited")
    harness.four_runs(MODULE, {**DEV, "members": [], "exclusive": True})
    assert (team(harness).members, team(harness).invited) == ([], [])


@pytest.fixture
def synced(superuser: Harness) -> Harness:
    """The team acme/readers is synchronised with a directory."""
    superuser.quay.config.update(AUTHENTICATION_TYPE="LDAP", FEATURE_TEAM_SYNCING=True)
    superuser.quay.config["STANDIN_GROUPS"] = {"cn=devs": ["carol"]}
    if "quay_token" not in superuser.login:
        # A user of a directory has no password in the stand-in; the session exists already.
        superuser.quay.config["AUTHENTICATION_TYPE"] = "Keystone"
    team(superuser, "readers").sync = TeamSync("ldap", {"group_dn": "cn=devs"})
    return superuser


def test_synced_team_accepts_robots_and_no_users(synced: Harness) -> None:
    harness = synced
    runs = harness.four_runs(MODULE, {**READERS, "members": ["acme+ci"], "role": "creator", "exclusive": True})
    assert team(harness, "readers").members == ["carol", "acme+ci"]
    assert runs.first["members"] == ["acme+ci", "carol"]
    harness.four_runs(MODULE, {**READERS, "members": [], "exclusive": True})
    assert team(harness, "readers").members == ["carol"]
    words = "takes its members from a directory, so bob cannot be added here"
    assert_refused(harness, MODULE, {**READERS, "members": ["bob"]}, words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "Dev"}, "'Dev' is not a valid name"),
        ({"name": "a/b"}, "is not a valid name"),
        ({"role": "owner"}, "value of role must be one of"),
        ({"members": ["bob", " "]}, "members must not contain an empty name"),
        ({"exclusive": True}, "exclusive needs members"),
        ({"organization": ""}, "missing required arguments: organization"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(harness: Harness, arguments: dict[str, Any], words: str) -> None:
    assert_refused(harness, MODULE, {**DEV, **arguments}, words)
    assert [request for request in harness.requests if request != "GET /csrf_token"] == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_unknown_organization(either_login: Harness, state: str) -> None:
    arguments = {**DEV, "organization": "nope", "state": state}
    assert_refused(either_login, MODULE, arguments, "this Quay has no organization 'nope'")


@pytest.mark.parametrize(
    ("who", "words"), [("bob", "the login is not a member of acme"), ("carol", "the login does not administer")]
)
def test_user_without_the_right(harness: Harness, who: str, words: str) -> None:
    harness.login = getattr(harness.accounts, who).by_password
    assert_refused(harness, MODULE, {**DEV, "members": ["bob"]}, words)


def test_member_can_read(harness: Harness) -> None:
    harness.login = harness.accounts.carol.by_password
    assert not harness.run(MODULE, READERS).changed


def test_token_without_the_scope(harness: Harness) -> None:
    harness.login = harness.accounts.alice.by_token(harness.accounts.console, "repo:admin")
    assert_refused(harness, MODULE, DEV, "the login")


@pytest.mark.parametrize("organization", ["acme", "nope"])
def test_token_that_quay_does_not_accept(harness: Harness, organization: str) -> None:
    """The page of an organization is public, but a wrong token is detected."""
    harness.login = {"quay_token": "X" * 40}
    assert_refused(harness, MODULE, {**DEV, "organization": organization}, "Quay does not accept the token")


@pytest.mark.parametrize("kind", ["cut_after", "status"])
@pytest.mark.parametrize(
    ("method", "path", "arguments"),
    [
        ("PUT", f"^{TEAM}$", DEV),
        ("PUT", f"^{TEAM}/members/bob$", {**DEV, "members": ["bob"]}),
        ("DELETE", "/members/carol$", {**READERS, "members": [], "exclusive": True}),
        ("DELETE", "/readers$", {**READERS, "state": "absent"}),
    ],
)
def test_lost_response_is_resolved_by_reading_back(
    either_login: Harness, method: str, path: str, arguments: dict[str, Any], kind: str
) -> None:
    harness = either_login
    harness.quay.faults.add(kind, method=method, path=path, after=True)
    assert harness.run(MODULE, arguments).changed
    assert not harness.run(MODULE, arguments).changed


def test_same_change_by_another_writer_counts_as_done(either_login: Harness) -> None:
    harness = either_login
    harness.before_request("PUT .*/members/bob$", lambda: team(harness, "readers").members.append("bob"))
    assert harness.run(MODULE, {**READERS, "members": ["bob"]}).changed
    harness.before_request("DELETE .*/members/bob$", lambda: team(harness, "readers").members.remove("bob"))
    assert harness.run(MODULE, {**READERS, "members": ["carol"], "exclusive": True}).changed


def test_false_success_is_detected(either_login: Harness) -> None:
    harness = either_login
    headers = {"Content-Type": "application/json"}
    harness.quay.faults.add("status", status=200, body="{}", headers=headers, method="PUT", path="/members/bob$")
    result = harness.run(MODULE, {**READERS, "members": ["bob"]})
    assert "Quay reported success, but the team acme/readers is not as written (members)" in result.message


def test_read_only_registry(either_login: Harness) -> None:
    either_login.quay.config["REGISTRY_STATE"] = "readonly"
    for arguments in (DEV, {**READERS, "role": "creator"}, {**READERS, "state": "absent"}):
        assert_refused(either_login, MODULE, arguments, "the registry is read-only")
