# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_user: users, and the password that Quay tells once."""

from __future__ import annotations

from typing import Any

import pytest

from functional.refusals import assert_refused
from functional.world import World
from standin.quay import hash_password
from standin.state import User

MODULE = "quay_user"
USERS = "/api/v1/superuser/users/"
CONFIG = "GET /config"
PROOF = "GET /v2/auth"
NEW = {"name": "dora", "email": "dora@example.com"}
PASSWORD = "given-by-the-play"


def one(world: World, name: str = "dora") -> User:
    return world.quay.state.users[name]


def has_password(world: World, password: str, name: str = "dora") -> bool:
    return one(world, name).password_digest == hash_password(password, name)


def looks(world: World, name: str = "dora") -> list[str]:
    return [*world.sign_in, f"GET {USERS}{name}"]


def test_user_is_made(superuser: World) -> None:
    world = superuser
    runs = world.four_runs(MODULE, NEW)
    asks = [*looks(world), CONFIG, "GET /api/v1/organization/dora"]
    assert runs.requests == [asks, [*asks, f"POST {USERS}", f"GET {USERS}dora"], looks(world), looks(world)]
    assert runs.first.diff == {"before": {}, "after": {"email": "dora@example.com", "enabled": True}}
    assert has_password(world, runs.first["token"])
    assert runs.first.content | {"token": None} == {
        "name": "dora",
        "email": "dora@example.com",
        "enabled": True,
        "superuser": False,
        "token": None,
        "fingerprint": runs.first.token,
    }
    assert (runs.second["token"], runs.second["fingerprint"]) == (None, None)


def test_user_without_an_address(superuser: World) -> None:
    """Quay fills the gap with a UUID, which is nobody's address."""
    runs = superuser.four_runs(MODULE, {"name": "dora"})
    assert (runs.first["email"], runs.second["email"]) == ("", "")


def test_password_is_kept_in_a_file(superuser: World) -> None:
    world = superuser
    runs = world.four_runs(MODULE, {**NEW, "token_path": str(world.token_path)})
    assert runs.first["token"] is None
    assert world.kept() == runs.first["fingerprint"]
    assert has_password(world, world.token_path.read_text().strip())
    assert world.is_now(world.record_of_token()["created_at"])
    assert not runs.second.warned("holds no password")


def test_password_of_who_was_there_already_cannot_be_had(superuser: World) -> None:
    world = superuser
    runs = world.four_runs(MODULE, {"name": "carol", "token_path": str(world.token_path)})
    assert not runs.first.changed
    assert runs.first.warned("Quay shows a password only when it creates the user, and the user carol already existed")
    assert not world.token_path.exists()


def test_file_that_cannot_be_written_makes_no_user(superuser: World) -> None:
    world = superuser
    arguments = {**NEW, "token_path": str(world.folder / "nowhere" / "token")}
    assert_refused(world, MODULE, arguments, "the directory", "does not exist")
    assert world.requests == []


@pytest.mark.parametrize("enabled", [True, False])
def test_new_user_gets_the_given_password(superuser: World, enabled: bool) -> None:
    world = superuser
    runs = world.four_runs(MODULE, {**NEW, "password": PASSWORD, "enabled": enabled})
    assert runs.requests[1][-4:] == [f"POST {USERS}", f"PUT {USERS}dora", f"GET {USERS}dora", PROOF]
    assert has_password(world, PASSWORD)
    assert (runs.first["token"], one(world).enabled) == (None, enabled)
    assert runs.first.diff["after"]["password"] == "as declared"
    assert runs.requests[3] == looks(world)


def test_present_user_keeps_his_password(superuser: World) -> None:
    world = superuser
    before = one(world, "carol").password_digest
    runs = world.four_runs(MODULE, {"name": "carol", "password": PASSWORD})
    assert not runs.first.changed
    assert one(world, "carol").password_digest == before


@pytest.mark.parametrize("enabled", [True, False])
def test_present_user_gets_the_password_always(superuser: World, enabled: bool) -> None:
    world = superuser
    one(world, "carol").enabled = enabled
    # After a wrong try Quay wants half a second of patience, which a repeated request has.
    arguments = {"name": "carol", "password": PASSWORD, "update_password": "always", "retries": 3}
    runs = world.four_runs(MODULE, arguments)
    assert has_password(world, PASSWORD, "carol")
    assert runs.first.diff["before"]["password"] == "other"
    assert runs.first.diff["after"]["password"] == "as declared"
    assert runs.requests[1][-4:] == [CONFIG, f"PUT {USERS}carol", f"GET {USERS}carol", PROOF]
    assert runs.requests[3] == [*looks(world, "carol"), PROOF]
    assert one(world, "carol").enabled is enabled


def test_user_is_disabled_and_enabled(superuser: World) -> None:
    """Quay answers with the value of before, so what it has is read."""
    world = superuser
    for enabled in (False, True):
        runs = world.four_runs(MODULE, {"name": "carol", "enabled": enabled})
        assert runs.requests[1] == [*looks(world, "carol"), CONFIG, f"PUT {USERS}carol", f"GET {USERS}carol"]
        assert (runs.first.changed, runs.first["enabled"], one(world, "carol").enabled) == (True, enabled, enabled)


def test_address_is_changed_and_nothing_else(superuser: World) -> None:
    world = superuser
    one(world, "carol").enabled = False
    runs = world.four_runs(MODULE, {"name": "carol", "email": "c@example.com"})
    assert (one(world, "carol").email, one(world, "carol").enabled) == ("c@example.com", False)
    assert runs.first.diff["before"] == {"email": "carol@example.com", "enabled": False}


def test_address_of_somebody_else(superuser: World) -> None:
    result = superuser.run(MODULE, {"name": "carol", "email": "bob@example.com"})
    assert result.failed
    assert "E-mail address already used" in result.message


@pytest.mark.parametrize("enabled", [True, False])
def test_user_is_deleted(superuser: World, enabled: bool) -> None:
    """Of a disabled user, Quay claims to delete him and does not."""
    world = superuser
    one(world, "carol").enabled = enabled
    runs = world.four_runs(MODULE, {"name": "carol", "state": "absent"})
    writes = [request for request in runs.requests[1] if request.startswith(("PUT", "DELETE"))]
    assert writes == [*([] if enabled else [f"PUT {USERS}carol"]), f"DELETE {USERS}carol"]
    assert "carol" not in world.quay.state.users
    assert runs.first.diff == {"before": {"email": "carol@example.com", "enabled": enabled}, "after": {}}


def test_file_of_a_deleted_user_is_removed(superuser: World) -> None:
    world = superuser
    world.run(MODULE, {**NEW, "token_path": str(world.token_path)})
    runs = world.four_runs(MODULE, {"name": "dora", "state": "absent", "token_path": str(world.token_path)})
    assert runs.first.diff["before"]["deliver"] == {str(world.token_path): "present"}
    assert list(world.folder.iterdir()) == []


def test_name_is_blocked_for_a_while(superuser: World) -> None:
    world = superuser
    world.run(MODULE, {"name": "carol", "state": "absent"})
    again = world.run(MODULE, {"name": "carol"})
    if world.quay.quay.family == "3.18":
        assert "deleted a moment ago. Quay keeps the name until it has cleaned up" in again.message
        world.advance(seconds=61)
        again = world.run(MODULE, {"name": "carol"})
    assert again.changed


@pytest.mark.parametrize("arguments", [{"state": "absent"}, {"enabled": False}, {"email": "r@example.com"}])
def test_superusers_cannot_be_changed(superuser: World, arguments: dict[str, Any]) -> None:
    words = "is a superuser, and Quay does not allow anyone to change or delete a superuser"
    assert_refused(superuser, MODULE, {"name": "root", **arguments}, words)


def test_unchanged_superuser_is_fine(superuser: World) -> None:
    runs = superuser.four_runs(MODULE, {"name": "root", "enabled": True})
    assert (runs.first.changed, runs.first["superuser"]) == (False, True)


def test_name_of_an_organization(superuser: World) -> None:
    assert_refused(superuser, MODULE, {"name": "acme"}, "'acme' is the name of an organization")


def test_users_of_a_directory(superuser: World) -> None:
    world = superuser
    # From here on only tokens get in.
    if "quay_token" not in world.login:
        return
    world.quay.config["AUTHENTICATION_TYPE"] = "LDAP"
    assert_refused(
        world, MODULE, NEW, "takes its users from LDAP (AUTHENTICATION_TYPE), so the user must be created there"
    )
    assert_refused(world, MODULE, {"name": "carol", "email": "c@example.com"}, "only enabled can be changed here")
    assert world.run(MODULE, {"name": "carol", "enabled": False}).changed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "Bad Name"}, "'Bad Name' is no name that Quay takes"),
        ({"name": "x"}, "'x' is no name that Quay takes"),
        ({"name": "a/b"}, "is no name that Quay takes"),
        ({"name": "dora", "email": "nowhere"}, "'nowhere' is no e-mail address"),
        ({"name": "dora", "email": ""}, "is no e-mail address"),
        ({"name": "dora", "password": "short"}, "at least 8 characters"),
        ({"name": "dora", "password": "with a blank in it"}, "no white space"),
        ({"name": "dora", "password": PASSWORD, "token_path": "/tmp/x"}, "mutually exclusive"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(superuser: World, arguments: dict[str, Any], words: str) -> None:
    assert_refused(superuser, MODULE, arguments, words)
    assert superuser.requests == []


@pytest.mark.parametrize("login", ["scope", "user", "wrong"])
def test_who_is_no_superuser(world: World, login: str) -> None:
    people = world.people
    if login == "wrong":
        world.login = {"quay_token": "X" * 40}
    else:
        world.login = people.alice.by_password if login == "user" else people.alice.by_token(people.console)
    words = "does not accept the token" if login == "wrong" else "Use the login of a superuser"
    assert_refused(world, MODULE, NEW, words)
    assert_refused(world, "quay_user_info", {}, words)


@pytest.mark.parametrize("kind", ["cut_after", "status"])
def test_lost_answer_does_not_lose_the_password(superuser: World, kind: str) -> None:
    """The user is there, and what was in the answer is not: he gets another password."""
    world = superuser
    world.quay.faults.add(kind, method="POST", path=f"^{USERS}$", after=True)
    result = world.run(MODULE, {**NEW, "token_path": str(world.token_path)})
    assert not result.failed, result.message
    assert world.kept() == result["fingerprint"]
    assert has_password(world, world.token_path.read_text().strip())
    assert sum(request == f"POST {USERS}" for request in world.requests) == 1


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_password_is_told_although_what_follows_fails(superuser: World, method: str) -> None:
    """Quay told it once. A task that fails would swallow it; the next run repairs the rest."""
    world = superuser
    world.quay.faults.add("status", method=method, path=f"^{USERS}dora$", nth=2 if method == "GET" else 1)
    result = world.run(MODULE, {**NEW, "enabled": False})
    assert not result.failed, result.message
    assert any("a secret that Quay shows only once" in warning for warning in result.warnings)
    assert has_password(world, result["token"])
    world.run(MODULE, {**NEW, "enabled": False})
    assert not one(world).enabled


def test_failure_without_effect_makes_no_user(superuser: World) -> None:
    world = superuser
    world.quay.faults.add("status", method="POST", path=f"^{USERS}$")
    result = world.run(MODULE, NEW)
    assert f"POST {world.quay.url}{USERS}: Quay answered 500" in result.message
    assert "dora" not in world.quay.state.users


def test_password_that_could_not_be_set_is_told(superuser: World) -> None:
    world = superuser
    world.quay.faults.add("status", method="PUT", path=f"^{USERS}dora$")
    result = world.run(MODULE, {**NEW, "password": PASSWORD})
    assert "was created, but the password could not be set" in result.message
    assert "update_password=always" in result.message
    world.advance(seconds=5)
    repaired = world.run(MODULE, {**NEW, "password": PASSWORD, "update_password": "always"})
    assert repaired.changed
    assert has_password(world, PASSWORD)


@pytest.mark.parametrize("kind", ["cut_after", "status"])
def test_lost_answer_about_a_change_is_looked_up(superuser: World, kind: str) -> None:
    world = superuser
    world.quay.faults.add(kind, method="PUT", path=f"^{USERS}carol$", after=True)
    assert world.run(MODULE, {"name": "carol", "enabled": False}).changed


def test_claim_that_is_not_true(superuser: World) -> None:
    world = superuser
    world.quay.faults.add("status", status=200, body="{}", method="PUT", path=f"^{USERS}carol$")
    result = world.run(MODULE, {"name": "carol", "enabled": False})
    assert "Quay reported success, but the user carol is not as written (enabled)" in result.message


def test_read_only_registry(superuser: World) -> None:
    world = superuser
    world.quay.config["REGISTRY_STATE"] = "readonly"
    for arguments in (NEW, {"name": "carol", "enabled": False}, {"name": "carol", "state": "absent"}):
        assert_refused(world, MODULE, arguments, "the registry is read-only")


def test_listing(superuser: World) -> None:
    world = superuser
    one(world, "carol").enabled = False
    others = ["root", "alice", "bob"]
    for enabled, names in ((None, [*others, "carol"]), (True, others), (False, ["carol"])):
        result = world.run("quay_user_info", {"enabled": enabled})
        assert [user["name"] for user in result["users"]] == names
        assert world.requests == [*world.sign_in, f"GET {USERS}"]
        assert not result.changed
    assert result["users"] == [
        {"name": "carol", "email": "carol@example.com", "enabled": False, "superuser": False, "verified": True}
    ]


def test_listing_of_one(superuser: World) -> None:
    world = superuser
    for name, found in (("carol", ["carol"]), ("nobody", []), ("acme", []), ("acme+ci", [])):
        result = world.run("quay_user_info", {"name": name})
        assert [user["name"] for user in result["users"]] == found
        assert world.requests == [*world.sign_in, f"GET {USERS}{name}"]
    assert world.run("quay_user_info", {"name": "carol", "enabled": False})["users"] == []


def test_listing_of_very_many(superuser: World) -> None:
    """A page has a hundred users; no matter how many there are, all are listed, and none twice."""
    world = superuser
    state, first = world.quay.state, one(world, "carol")
    for number in range(250):
        name = f"user{number:03}"
        state.users[name] = User(name, f"{name}@example.com", first.created, state.next_id())
    names = [user["name"] for user in world.run("quay_user_info", {})["users"]]
    assert names == [*["root", "alice", "bob", "carol"], *(f"user{number:03}" for number in range(250))]
    assert world.requests == [*world.sign_in, *[f"GET {USERS}"] * 3]
