# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_team: teams and their members."""

from __future__ import annotations

from typing import Any

import pytest

from functional.refusals import assert_refused
from functional.world import World
from standin.state import Team, TeamSync

MODULE = "quay_team"
ACME = "/api/v1/organization/acme"
TEAM = f"{ACME}/team/dev"
LOOK = f"GET {ACME}"
MEMBERS = f"GET {TEAM}/members"
CONFIG = "GET /config"
ROBOTS = f"GET {ACME}/robots"
DEV = {"organization": "acme", "name": "dev"}
READERS = {"organization": "acme", "name": "readers"}


def team(world: World, name: str = "dev") -> Team:
    return world.quay.state.organizations["acme"].teams[name]


def test_team_is_made(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {**DEV, "role": "creator", "description": "builds"})
    look = [*world.sign_in, LOOK]
    assert runs.requests == [[*look, CONFIG], [*look, CONFIG, f"PUT {TEAM}", LOOK], look, look]
    fields = {"role": "creator", "description": "builds"}
    assert runs.first.content == {**DEV, **fields, "members": None}
    assert runs.first.diff == {"before": {}, "after": fields}
    assert (team(world).role, team(world).description) == ("creator", "builds")


def test_team_is_made_with_its_members(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {**DEV, "members": ["carol", "acme+ci", "bob"]})
    asks = [*world.sign_in, LOOK, "GET /api/v1/users/bob", "GET /api/v1/users/carol", ROBOTS, CONFIG]
    writes = [f"PUT {TEAM}", *(f"PUT {TEAM}/members/{name}" for name in ("acme+ci", "bob", "carol"))]
    assert [request.replace("%2B", "+") for request in runs.requests[1]] == [*asks, *writes, LOOK, MEMBERS]
    assert runs.requests[0] == asks
    assert runs.requests[3] == [*world.sign_in, LOOK, MEMBERS]
    assert sorted(team(world).members) == runs.first["members"] == ["acme+ci", "bob", "carol"]
    assert runs.first.diff["after"]["members"] == ["acme+ci", "bob", "carol"]


@pytest.mark.parametrize("field", ["role", "description"])
def test_one_field_is_changed_and_no_other(either_login: World, field: str) -> None:
    world = either_login
    world.run(MODULE, {**DEV, "role": "member", "description": "old", "members": ["bob"]})
    before = {"role": "member", "description": "old"}
    runs = world.four_runs(MODULE, {**DEV, field: "admin"})
    assert runs.first.diff == {"before": before, "after": {**before, field: "admin"}}
    assert {key: getattr(team(world), key) for key in before} == {**before, field: "admin"}
    assert team(world).members == ["bob"]


def test_members_are_added_and_nobody_removed(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {**READERS, "members": ["bob"]})
    assert team(world, "readers").members == ["carol", "bob"]
    assert runs.first["members"] == ["bob", "carol"]
    assert runs.first.diff["before"]["members"] == ["carol"]
    puts = [request for request in runs.requests[1] if request.startswith(("PUT", "DELETE"))]
    assert puts == [f"PUT {ACME}/team/readers/members/bob"]


def test_nobody_else_stays(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {**READERS, "members": ["bob"], "exclusive": True})
    assert team(world, "readers").members == ["bob"]
    puts = [request for request in runs.requests[1] if request.startswith(("PUT", "DELETE"))]
    assert puts == [f"PUT {ACME}/team/readers/members/bob", f"DELETE {ACME}/team/readers/members/carol"]


def test_nobody_stays(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {**READERS, "members": [], "exclusive": True})
    assert (team(world, "readers").members, runs.first["members"]) == ([], [])


@pytest.mark.parametrize("members", [None, []])
def test_members_that_are_not_named_are_left_alone(either_login: World, members: list[str] | None) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {**READERS, "members": members, "exclusive": members is None})
    assert not runs.first.changed
    assert team(world, "readers").members == ["carol"]


def test_team_is_deleted(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {**READERS, "state": "absent"})
    look = [*world.sign_in, LOOK]
    assert runs.requests == [[*look, CONFIG], [*look, CONFIG, f"DELETE {ACME}/team/readers", LOOK], look, look]
    assert "readers" not in world.quay.state.organizations["acme"].teams
    assert runs.first.diff == {"before": {"role": "member", "description": ""}, "after": {}}


def test_superuser_keeps_foreign_teams(superuser: World) -> None:
    world = superuser
    world.four_runs(MODULE, {**DEV, "role": "admin", "members": ["bob", "acme+ci"]})
    assert sorted(team(world).members) == ["acme+ci", "bob"]
    # He administers the organization by no team at all, over which Quay stumbles.
    world.four_runs(MODULE, {**DEV, "state": "absent"})
    assert "dev" not in world.quay.state.organizations["acme"].teams


@pytest.mark.parametrize("arguments", [{"state": "absent"}, {"role": "member"}])
def test_last_administrators_stay(superuser: World, arguments: dict[str, Any]) -> None:
    words = "the team acme/owners is the only team that administers the organization"
    assert_refused(superuser, MODULE, {**DEV, "name": "owners", **arguments}, words)


def test_own_way_in_is_kept_by_quay(either_login: World) -> None:
    world = either_login
    result = world.run(MODULE, {**DEV, "name": "owners", "members": [], "exclusive": True})
    assert "User cannot remove themselves from their only admin team" in result.message
    assert team(world, "owners").members == ["alice"]


def test_unknown_members_are_all_named_and_nothing_is_done(either_login: World) -> None:
    arguments = {**DEV, "members": ["nobody", "acme+none", "acme", "bob"]}
    assert_refused(either_login, MODULE, arguments, "this Quay has no user or robot acme, nobody, acme+none")


def test_robot_of_another_organization(either_login: World) -> None:
    """Quay decides whether it may be a member."""
    world = either_login
    world.people.bob.browser().call("PUT", "/api/v1/organization/rival/robots/spy")
    world.four_runs(MODULE, {**DEV, "members": ["rival+spy"]})
    assert team(world).members == ["rival+spy"]


def test_invited_users_count_as_members(either_login: World) -> None:
    world = either_login
    world.quay.config["FEATURE_MAILING"] = True
    runs = world.four_runs(MODULE, {**DEV, "members": ["bob", "carol"]})
    assert (team(world).members, team(world).invited) == (["carol"], ["bob"])
    assert runs.first["members"] == ["bob", "carol"]
    assert runs.first.warned("Quay invited bob. They join when they accept")
    assert not runs.second.warned("invited")
    world.four_runs(MODULE, {**DEV, "members": [], "exclusive": True})
    assert (team(world).members, team(world).invited) == ([], [])


@pytest.fixture
def synced(superuser: World) -> World:
    """Acme's readers come from a directory."""
    superuser.quay.config.update(AUTHENTICATION_TYPE="LDAP", FEATURE_TEAM_SYNCING=True)
    superuser.quay.config["STANDIN_GROUPS"] = {"cn=devs": ["carol"]}
    if "quay_token" not in superuser.login:
        # A directory's user has no password here; the session is of before.
        superuser.quay.config["AUTHENTICATION_TYPE"] = "Keystone"
    team(superuser, "readers").sync = TeamSync("ldap", {"group_dn": "cn=devs"})
    return superuser


def test_synced_team_takes_robots_and_no_users(synced: World) -> None:
    world = synced
    runs = world.four_runs(MODULE, {**READERS, "members": ["acme+ci"], "role": "creator", "exclusive": True})
    assert team(world, "readers").members == ["carol", "acme+ci"]
    assert runs.first["members"] == ["acme+ci", "carol"]
    world.four_runs(MODULE, {**READERS, "members": [], "exclusive": True})
    assert team(world, "readers").members == ["carol"]
    words = "takes its members from a directory, so bob cannot be added here"
    assert_refused(world, MODULE, {**READERS, "members": ["bob"]}, words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "Dev"}, "'Dev' is no name that Quay takes"),
        ({"name": "a/b"}, "is no name that Quay takes"),
        ({"role": "owner"}, "value of role must be one of"),
        ({"members": ["bob", " "]}, "members must not contain an empty name"),
        ({"organization": ""}, "cannot be the name of anything in Quay"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(world: World, arguments: dict[str, Any], words: str) -> None:
    assert_refused(world, MODULE, {**DEV, **arguments}, words)
    assert [request for request in world.requests if request != "GET /csrf_token"] == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_unknown_organization(either_login: World, state: str) -> None:
    arguments = {**DEV, "organization": "nope", "state": state}
    assert_refused(either_login, MODULE, arguments, "this Quay has no organization 'nope'")


@pytest.mark.parametrize(
    ("who", "words"), [("bob", "the login is not a member of acme"), ("carol", "the login does not administer")]
)
def test_who_may_not(world: World, who: str, words: str) -> None:
    world.login = getattr(world.people, who).by_password
    assert_refused(world, MODULE, {**DEV, "members": ["bob"]}, words)


def test_member_may_look(world: World) -> None:
    world.login = world.people.carol.by_password
    assert not world.run(MODULE, READERS).changed


def test_token_without_the_scope(world: World) -> None:
    world.login = world.people.alice.by_token(world.people.console, "repo:admin")
    assert_refused(world, MODULE, DEV, "the login")


@pytest.mark.parametrize("organization", ["acme", "nope"])
def test_token_that_quay_does_not_accept(world: World, organization: str) -> None:
    """An organization's page is for everybody; a wrong token is told apart all the same."""
    world.login = {"quay_token": "X" * 40}
    assert_refused(world, MODULE, {**DEV, "organization": organization}, "Quay does not accept the token")


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
def test_lost_answer_is_looked_up(
    either_login: World, method: str, path: str, arguments: dict[str, Any], kind: str
) -> None:
    world = either_login
    world.quay.faults.add(kind, method=method, path=path, after=True)
    assert world.run(MODULE, arguments).changed
    assert not world.run(MODULE, arguments).changed


def test_one_of_two_writers_is_told_that_it_is_done_already(either_login: World) -> None:
    world = either_login
    world.before("PUT .*/members/bob$", lambda: team(world, "readers").members.append("bob"))
    assert world.run(MODULE, {**READERS, "members": ["bob"]}).changed
    world.before("DELETE .*/members/bob$", lambda: team(world, "readers").members.remove("bob"))
    assert world.run(MODULE, {**READERS, "members": ["carol"], "exclusive": True}).changed


def test_claim_that_is_not_true(either_login: World) -> None:
    world = either_login
    headers = {"Content-Type": "application/json"}
    world.quay.faults.add("status", status=200, body="{}", headers=headers, method="PUT", path="/members/bob$")
    result = world.run(MODULE, {**READERS, "members": ["bob"]})
    assert "Quay reported success, but the team acme/readers is not as written (members)" in result.message


def test_read_only_registry(either_login: World) -> None:
    either_login.quay.config["REGISTRY_STATE"] = "readonly"
    for arguments in (DEV, {**READERS, "role": "creator"}, {**READERS, "state": "absent"}):
        assert_refused(either_login, MODULE, arguments, "the registry is read-only")
