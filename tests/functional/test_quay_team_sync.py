# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_team_sync: teams that take their members from a directory."""

from __future__ import annotations

from typing import Any

import pytest

from functional.refusals import assert_refused
from functional.world import World
from standin.state import Team, TeamSync

MODULE = "quay_team_sync"
TEAM = "/api/v1/organization/acme/team/readers"
LOOK = f"GET {TEAM}/members"
SYNC = f"{TEAM}/syncing"
CONFIG = "GET /config"
READERS = {"organization": "acme", "team": "readers"}
DEVS = "cn=devs,ou=groups"
OPS = "cn=ops,ou=groups"
DIRECTORIES = {"LDAP": "group_dn", "OIDC": "group_name", "Keystone": "group_id"}


def readers(world: World) -> Team:
    return world.quay.state.organizations["acme"].teams["readers"]


def give_directory(world: World, kind: str = "LDAP") -> None:
    world.quay.config.update(AUTHENTICATION_TYPE=kind, FEATURE_TEAM_SYNCING=True)
    world.quay.config["STANDIN_GROUPS"] = {DEVS: ["carol"], OPS: ["bob"]}


def synced_with(world: World, group: str) -> None:
    readers(world).sync = TeamSync("ldap", {"group_dn": group}, world.quay.clock.now())


@pytest.fixture
def ldap(superuser: World) -> World:
    give_directory(superuser)
    return superuser


@pytest.mark.parametrize("kind", DIRECTORIES)
def test_sync_is_switched_on(superuser: World, kind: str) -> None:
    world = superuser
    give_directory(world, kind)
    option = DIRECTORIES[kind]
    runs = world.four_runs(MODULE, {**READERS, option: DEVS})
    asks = [*world.sign_in[:1], CONFIG, *world.sign_in[1:], LOOK]
    assert sorted(runs.requests[0]) == sorted(asks)
    assert runs.requests[1] == [*runs.requests[0], f"POST {SYNC}", LOOK]
    assert runs.requests[2] == runs.requests[3] == runs.requests[0]
    assert readers(world).sync == TeamSync(kind.lower(), {option: DEVS})
    groups = {**dict.fromkeys(DIRECTORIES.values()), option: DEVS}
    assert runs.first.content == {**READERS, **groups, "service": kind.lower(), "last_updated": None}
    assert runs.first.diff == {"before": {}, "after": {"group": {option: DEVS}}}


def test_sync_moves_to_another_group(ldap: World) -> None:
    world = ldap
    synced_with(world, DEVS)
    runs = world.four_runs(MODULE, {**READERS, "group_dn": OPS})
    assert runs.requests[1][-3:] == [f"DELETE {SYNC}", f"POST {SYNC}", LOOK]
    assert readers(world).sync == TeamSync("ldap", {"group_dn": OPS})
    assert runs.first.diff == {"before": {"group": {"group_dn": DEVS}}, "after": {"group": {"group_dn": OPS}}}


def test_refused_group_leaves_the_old_one(ldap: World) -> None:
    world = ldap
    synced_with(world, DEVS)
    result = world.run(MODULE, {**READERS, "group_dn": "cn=none"})
    assert "Could not sync to group: Group does not exist or is empty" in result.message
    sync = readers(world).sync
    assert sync is not None
    assert sync.config == {"group_dn": DEVS}


def test_old_group_that_is_lost_is_told(ldap: World) -> None:
    world = ldap
    synced_with(world, "cn=gone")
    result = world.run(MODULE, {**READERS, "group_dn": "cn=none"})
    assert "the sync of the team acme/readers is off now" in result.message
    assert "the former group group_dn=cn=gone" in result.message
    assert readers(world).sync is None


def test_sync_is_switched_off(ldap: World) -> None:
    world = ldap
    synced_with(world, DEVS)
    runs = world.four_runs(MODULE, {**READERS, "state": "absent"})
    assert runs.requests[1][-2:] == [f"DELETE {SYNC}", LOOK]
    assert readers(world).sync is None
    assert runs.first.diff == {"before": {"group": {"group_dn": DEVS}}, "after": {}}
    assert (runs.first["group_dn"], runs.first["service"]) == (None, "ldap")


def test_last_update_is_told(ldap: World) -> None:
    world = ldap
    synced_with(world, DEVS)
    result = world.run(MODULE, {**READERS, "group_dn": DEVS})
    assert not result.changed
    assert world.is_now(result["last_updated"])


def test_owners_are_worth_a_warning(ldap: World) -> None:
    arguments = {**READERS, "team": "owners", "group_dn": DEVS}
    runs = ldap.four_runs(MODULE, arguments)
    assert runs.predicted.warned("lose the administration of the organization")
    assert runs.first.warned("lose the administration of the organization")
    off = ldap.run(MODULE, {**READERS, "team": "owners", "state": "absent"})
    assert not off.warned("lose")


def test_quay_without_a_directory(superuser: World) -> None:
    words = "This Quay has no directory to take members from (AUTHENTICATION_TYPE is Database)"
    assert_refused(superuser, MODULE, {**READERS, "group_dn": DEVS}, words)
    assert not superuser.run(MODULE, {**READERS, "state": "absent"}).changed


def test_feature_that_is_off(ldap: World) -> None:
    ldap.quay.config["FEATURE_TEAM_SYNCING"] = False
    assert_refused(ldap, MODULE, {**READERS, "group_dn": DEVS}, "FEATURE_TEAM_SYNCING is off")
    assert not ldap.run(MODULE, {**READERS, "state": "absent"}).changed


def test_word_for_a_group_of_another_directory(ldap: World) -> None:
    words = "group_name does not apply: this Quay's directory is LDAP. Use group_dn instead"
    assert_refused(ldap, MODULE, {**READERS, "group_name": "devs"}, words)


def test_unknown_group_is_refused_by_quay(ldap: World) -> None:
    result = ldap.run(MODULE, {**READERS, "group_dn": "cn=none"})
    assert "Group does not exist or is empty" in result.message
    assert readers(ldap).sync is None


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("where", [{"organization": "nope"}, {"team": "nope"}])
def test_unknown_team(ldap: World, where: dict[str, str], state: str) -> None:
    group = {"group_dn": DEVS} if state == "present" else {}
    assert_refused(ldap, MODULE, {**READERS, **group, **where, "state": state}, "There is no team")


def test_administrator_who_is_no_superuser(world: World) -> None:
    give_directory(world)
    words = "That needs a superuser who administers the organization"
    assert_refused(world, MODULE, {**READERS, "group_dn": DEVS}, words)
    assert not world.run(MODULE, {**READERS, "state": "absent"}).changed
    synced_with(world, DEVS)
    assert_refused(world, MODULE, {**READERS, "state": "absent"}, words)
    world.quay.config["FEATURE_NONSUPERUSER_TEAM_SYNCING_SETUP"] = True
    assert not world.run(MODULE, {**READERS, "group_dn": DEVS}).changed
    assert world.run(MODULE, {**READERS, "state": "absent"}).changed


def test_stranger(world: World) -> None:
    give_directory(world)
    world.login = {"quay_token": world.people.bob_token}
    assert_refused(world, MODULE, {**READERS, "group_dn": DEVS}, "Quay answered 403")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "missing"),
        ({"group_dn": ""}, "group_dn must not be empty"),
        ({"group_dn": "a", "group_id": "b"}, "mutually exclusive"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(world: World, arguments: dict[str, Any], words: str) -> None:
    assert_refused(world, MODULE, {**READERS, **arguments}, words)
    assert world.requests == []


@pytest.mark.parametrize("kind", ["cut_after", "status"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("group", [DEVS, OPS, None])
def test_lost_answer_is_looked_up(ldap: World, method: str, group: str | None, kind: str) -> None:
    """Whatever got lost, the task says truly whether it is done, and the next run has it done."""
    world = ldap
    synced_with(world, OPS if group != OPS else DEVS)
    arguments = {**READERS, "group_dn": group} if group else {**READERS, "state": "absent"}
    world.quay.faults.add(kind, method=method, path="/syncing$", after=True)
    result = world.run(MODULE, arguments)
    sync = readers(world).sync
    done = (sync.config if sync else None) == ({"group_dn": group} if group else None)
    assert result.failed is not done
    world.quay.faults.clear()
    repaired = world.run(MODULE, arguments)
    assert repaired.changed is not done
    assert not world.run(MODULE, arguments).changed


def test_claim_that_is_not_true(ldap: World) -> None:
    world = ldap
    synced_with(world, DEVS)
    world.quay.faults.add("status", status=204, method="DELETE", path="/syncing$")
    result = world.run(MODULE, {**READERS, "state": "absent"})
    assert "Quay reported success, but the sync of the team acme/readers is not as written" in result.message


def test_read_only_registry(ldap: World) -> None:
    ldap.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(ldap, MODULE, {**READERS, "group_dn": DEVS}, "the registry is read-only")
