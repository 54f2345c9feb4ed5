# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_team_sync: teams that take their members from a directory."""

from __future__ import annotations

from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from standin.state import Team, TeamSync

MODULE = "quay_team_sync"
TEAM = "/api/v1/organization/acme/team/readers"
READ = f"GET {TEAM}/members"
SYNC = f"{TEAM}/syncing"
CONFIG = "GET /config"
READERS = {"organization": "acme", "team": "readers"}
DEVS = "cn=devs,ou=groups"
OPS = "cn=ops,ou=groups"
DIRECTORIES = {"LDAP": "group_dn", "OIDC": "group_name", "Keystone": "group_id"}


def readers(harness: Harness) -> Team:
    return harness.quay.state.organizations["acme"].teams["readers"]


def configure_directory(harness: Harness, kind: str = "LDAP") -> None:
    harness.quay.config.update(AUTHENTICATION_TYPE=kind, FEATURE_TEAM_SYNCING=True)
    harness.quay.config["STANDIN_GROUPS"] = {DEVS: ["carol"], OPS: ["bob"]}


def set_sync(harness: Harness, group: str) -> None:
    readers(harness).sync = TeamSync("ldap", {"group_dn": group}, harness.quay.clock.now())


@pytest.fixture
def ldap(superuser: Harness) -> Harness:
    configure_directory(superuser)
    return superuser


@pytest.mark.parametrize("kind", DIRECTORIES)
def test_sync_is_switched_on(superuser: Harness, kind: str) -> None:
    harness = superuser
    configure_directory(harness, kind)
    option = DIRECTORIES[kind]
    runs = harness.four_runs(MODULE, {**READERS, option: DEVS})
    reads = [*harness.sign_in[:1], CONFIG, *harness.sign_in[1:], READ]
    assert sorted(runs.requests[0]) == sorted(reads)
    assert runs.requests[1] == [*runs.requests[0], f"POST {SYNC}", READ]
    assert runs.requests[2] == runs.requests[3] == runs.requests[0]
    assert readers(harness).sync == TeamSync(kind.lower(), {option: DEVS})
    groups = {**dict.fromkeys(DIRECTORIES.values()), option: DEVS}
    assert runs.first.content == {**READERS, **groups, "service": kind.lower(), "last_updated": None}
    assert runs.first.diff == {"before": {}, "after": {"group": {option: DEVS}}}


def test_sync_changes_to_another_group(ldap: Harness) -> None:
    harness = ldap
    set_sync(harness, DEVS)
    runs = harness.four_runs(MODULE, {**READERS, "group_dn": OPS})
    assert runs.requests[1][-3:] == [f"DELETE {SYNC}", f"POST {SYNC}", READ]
    assert readers(harness).sync == TeamSync("ldap", {"group_dn": OPS})
    assert runs.first.diff == {"before": {"group": {"group_dn": DEVS}}, "after": {"group": {"group_dn": OPS}}}


def test_refused_group_keeps_the_old_one(ldap: Harness) -> None:
    harness = ldap
    set_sync(harness, DEVS)
    result = harness.run(MODULE, {**READERS, "group_dn": "cn=none"})
    assert "Could not sync to group: Group does not exist or is empty" in result.message
    sync = readers(harness).sync
    assert sync is not None
    assert sync.config == {"group_dn": DEVS}


def test_lost_old_group_is_reported(ldap: Harness) -> None:
    harness = ldap
    set_sync(harness, "cn=gone")
    result = harness.run(MODULE, {**READERS, "group_dn": "cn=none"})
    assert "the sync of the team acme/readers is off now" in result.message
    assert "the former group group_dn=cn=gone" in result.message
    assert readers(harness).sync is None


def test_sync_is_switched_off(ldap: Harness) -> None:
    harness = ldap
    set_sync(harness, DEVS)
    runs = harness.four_runs(MODULE, {**READERS, "state": "absent"})
    assert runs.requests[1][-2:] == [f"DELETE {SYNC}", READ]
    assert readers(harness).sync is None
    assert runs.first.diff == {"before": {"group": {"group_dn": DEVS}}, "after": {}}
    assert (runs.first["group_dn"], runs.first["service"]) == (None, "ldap")


def test_last_update_is_reported(ldap: Harness) -> None:
    harness = ldap
    set_sync(harness, DEVS)
    result = harness.run(MODULE, {**READERS, "group_dn": DEVS})
    assert not result.changed
    assert harness.is_now(result["last_updated"])


def test_owners_team_gives_a_warning(ldap: Harness) -> None:
    arguments = {**READERS, "team": "owners", "group_dn": DEVS}
    runs = ldap.four_runs(MODULE, arguments)
    assert runs.predicted.warned("lose the administration of the organization")
    assert runs.first.warned("lose the administration of the organization")
    off = ldap.run(MODULE, {**READERS, "team": "owners", "state": "absent"})
    assert not off.warned("lose")


def test_quay_without_a_directory(superuser: Harness) -> None:
    words = "This Quay has no directory to take members from (AUTHENTICATION_TYPE is Database)"
    assert_refused(superuser, MODULE, {**READERS, "group_dn": DEVS}, words)
    assert not superuser.run(MODULE, {**READERS, "state": "absent"}).changed


def test_disabled_feature(ldap: Harness) -> None:
    ldap.quay.config["FEATURE_TEAM_SYNCING"] = False
    assert_refused(ldap, MODULE, {**READERS, "group_dn": DEVS}, "FEATURE_TEAM_SYNCING is off")
    assert not ldap.run(MODULE, {**READERS, "state": "absent"}).changed


def test_group_option_of_another_directory(ldap: Harness) -> None:
    words = "group_name does not apply: this Quay's directory is LDAP. Use group_dn instead"
    assert_refused(ldap, MODULE, {**READERS, "group_name": "devs"}, words)


def test_unknown_group_is_refused_by_quay(ldap: Harness) -> None:
    result = ldap.run(MODULE, {**READERS, "group_dn": "cn=none"})
    assert "Group does not exist or is empty" in result.message
    assert readers(ldap).sync is None


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("where", [{"organization": "nope"}, {"team": "nope"}])
def test_unknown_team(ldap: Harness, where: dict[str, str], state: str) -> None:
    group = {"group_dn": DEVS} if state == "present" else {}
    assert_refused(ldap, MODULE, {**READERS, **group, **where, "state": state}, "There is no team")


def test_administrator_who_is_no_superuser(harness: Harness) -> None:
    configure_directory(harness)
    words = "That needs a superuser who administers the organization"
    assert_refused(harness, MODULE, {**READERS, "group_dn": DEVS}, words)
    assert not harness.run(MODULE, {**READERS, "state": "absent"}).changed
    set_sync(harness, DEVS)
    assert_refused(harness, MODULE, {**READERS, "state": "absent"}, words)
    harness.quay.config["FEATURE_NONSUPERUSER_TEAM_SYNCING_SETUP"] = True
    assert not harness.run(MODULE, {**READERS, "group_dn": DEVS}).changed
    assert harness.run(MODULE, {**READERS, "state": "absent"}).changed


@pytest.mark.parametrize("kind", ["list", "text"])
@pytest.mark.parametrize(
    ("group", "advice"),
    [
        ("cn=devs,ou=groups,dc=example,dc=com", "Write 'cn=devs,ou=groups'"),
        ("CN=devs, OU=groups, DC=Example, DC=com", "Write 'CN=devs,OU=groups'"),
        (r"cn=a\,b,dc=example,dc=com", r"Write 'cn=a\,b'"),
        ("dc=example,dc=com", "Write the DN of a group below it, without the base DN"),
    ],
)
def test_full_dn_is_refused(ldap: Harness, group: str, advice: str, kind: str) -> None:
    """Quay adds the base DN, and answers that such a group does not exist or is empty."""
    harness = ldap
    if kind == "text":
        harness.quay.config["LDAP_BASE_DN"] = "dc=example,dc=com"
    words = (
        f"group_dn: '{group}' includes the base DN dc=example,dc=com (LDAP_BASE_DN), which Quay adds itself. {advice}"
    )
    assert assert_refused(harness, MODULE, {**READERS, "group_dn": group}, words) == words
    set_sync(harness, DEVS)
    assert_refused(harness, MODULE, {**READERS, "group_dn": group}, words)
    assert readers(harness).sync is not None


def test_full_dn_that_works_already_is_unchanged(ldap: Harness) -> None:
    set_sync(ldap, "cn=devs,dc=example,dc=com")
    assert not ldap.run(MODULE, {**READERS, "group_dn": "cn=devs,dc=example,dc=com"}).changed


@pytest.mark.parametrize(("kind", "words"), [("LDAP", "does not exist or is empty"), ("Keystone", "Group not found")])
@pytest.mark.parametrize("present", [True, False])
def test_group_that_quay_cannot_use(superuser: Harness, kind: str, words: str, present: bool) -> None:
    harness = superuser
    configure_directory(harness, kind)
    option = DIRECTORIES[kind]
    before = TeamSync(kind.lower(), {option: DEVS}) if present else None
    readers(harness).sync = before
    result = harness.run(MODULE, {**READERS, option: "cn=nobody,dc=example"})
    assert result.failed
    assert f"{words}. Check that the directory has this group and that the group has members" in result.message
    assert ("relative to dc=example,dc=com" in result.message) == (kind == "LDAP")
    assert result.message.endswith("Quay gives the same answer if it cannot reach the directory")
    assert readers(harness).sync == before


def test_user_without_the_right(harness: Harness) -> None:
    configure_directory(harness)
    harness.login = {"quay_token": harness.accounts.bob_token}
    assert_refused(harness, MODULE, {**READERS, "group_dn": DEVS}, "Quay answered 403")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "missing"),
        ({"group_dn": ""}, "missing"),
        ({"group_dn": "a", "group_id": "b"}, "mutually exclusive"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(harness: Harness, arguments: dict[str, Any], words: str) -> None:
    assert_refused(harness, MODULE, {**READERS, **arguments}, words)
    assert harness.requests == []


@pytest.mark.parametrize("kind", ["cut_after", "status"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("group", [DEVS, OPS, None])
def test_lost_response_is_resolved_by_reading_back(ldap: Harness, method: str, group: str | None, kind: str) -> None:
    """The task reports correctly whether the change was made, and the next run completes it."""
    harness = ldap
    set_sync(harness, OPS if group != OPS else DEVS)
    arguments = {**READERS, "group_dn": group} if group else {**READERS, "state": "absent"}
    harness.quay.faults.add(kind, method=method, path="/syncing$", after=True)
    result = harness.run(MODULE, arguments)
    sync = readers(harness).sync
    done = (sync.config if sync else None) == ({"group_dn": group} if group else None)
    assert result.failed is not done
    harness.quay.faults.clear()
    repaired = harness.run(MODULE, arguments)
    assert repaired.changed is not done
    assert not harness.run(MODULE, arguments).changed


def test_false_success_is_detected(ldap: Harness) -> None:
    harness = ldap
    set_sync(harness, DEVS)
    harness.quay.faults.add("status", status=204, method="DELETE", path="/syncing$")
    result = harness.run(MODULE, {**READERS, "state": "absent"})
    assert "Quay reported success, but the sync of the team acme/readers is not as written" in result.message


def test_read_only_registry(ldap: Harness) -> None:
    ldap.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(ldap, MODULE, {**READERS, "group_dn": DEVS}, "the registry is read-only")
