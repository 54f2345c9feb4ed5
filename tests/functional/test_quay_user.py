# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_user: users, and the password that Quay returns once."""

from __future__ import annotations

from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from standin.quay import hash_password
from standin.state import User

MODULE = "quay_user"
USERS = "/api/v1/superuser/users/"
CONFIG = "GET /config"
VERIFY = "GET /v2/auth"
NEW = {"name": "dora", "email": "dora@example.com"}
PASSWORD = "given-by-the-play"


def find_user(harness: Harness, name: str = "dora") -> User:
    return harness.quay.state.users[name]


def has_password(harness: Harness, password: str, name: str = "dora") -> bool:
    return find_user(harness, name).password_digest == hash_password(password, name)


def read_requests(harness: Harness, name: str = "dora") -> list[str]:
    return [*harness.sign_in, f"GET {USERS}{name}"]


def test_user_is_created(superuser: Harness) -> None:
    harness = superuser
    runs = harness.four_runs(MODULE, NEW)
    reads = [*read_requests(harness), CONFIG, "GET /api/v1/organization/dora"]
    assert runs.requests == [
        reads,
        [*reads, f"POST {USERS}", f"GET {USERS}dora"],
        read_requests(harness),
        read_requests(harness),
    ]
    assert runs.first.diff == {"before": {}, "after": {"email": "dora@example.com", "enabled": True}}
    assert has_password(harness, runs.first["token"])
    assert runs.first.content | {"token": None} == {
        "name": "dora",
        "email": "dora@example.com",
        "enabled": True,
        "superuser": False,
        "token": None,
        "fingerprint": runs.first.token,
    }
    assert (runs.second["token"], runs.second["fingerprint"]) == (None, None)


@pytest.mark.parametrize("family", ["3.18"])
def test_login_is_renewed_if_quay_asks_for_a_fresh_one(harness: Harness) -> None:
    """Creating a user issues a password. The refused request had no effect, so that one user is created."""
    harness.login = harness.accounts.root.by_password
    harness.before_request(f"^POST {USERS}", lambda: harness.advance(minutes=11))
    result = harness.run(MODULE, NEW)
    assert not result.failed, result.message
    assert has_password(harness, result["token"])
    refused, verify, created, read = [(entry.method, entry.path, entry.status) for entry in harness.quay.journal][-4:]
    assert refused == ("POST", USERS, 401)
    assert verify == ("POST", "/api/v1/signin/verify", 200)
    assert created == ("POST", USERS, 200)
    assert read[:2] == ("GET", f"{USERS}dora")


def test_user_without_an_address(superuser: Harness) -> None:
    """Quay stores a UUID instead of an address, which is not returned."""
    runs = superuser.four_runs(MODULE, {"name": "dora"})
    assert (runs.first["email"], runs.second["email"]) == ("", "")


def test_password_is_stored_in_a_file(superuser: Harness) -> None:
    harness = superuser
    runs = harness.four_runs(MODULE, {**NEW, "token_path": str(harness.token_path)})
    assert runs.first["token"] is None
    assert harness.stored_fingerprint() == runs.first["fingerprint"]
    assert has_password(harness, harness.token_path.read_text().strip())
    assert harness.is_now(harness.token_record()["created_at"])
    assert not runs.second.warned("holds no password")


def test_password_of_an_existing_user_is_not_available(superuser: Harness) -> None:
    harness = superuser
    runs = harness.four_runs(MODULE, {"name": "carol", "token_path": str(harness.token_path)})
    assert not runs.first.changed
    assert runs.first.warned("Quay shows a password only when it creates the user, and the user carol already existed")
    assert not harness.token_path.exists()


def test_unwritable_file_creates_no_user(superuser: Harness) -> None:
    harness = superuser
    arguments = {**NEW, "token_path": str(harness.folder / "nowhere" / "token")}
    assert_refused(harness, MODULE, arguments, "the directory", "does not exist")
    assert harness.requests == []


@pytest.mark.parametrize("enabled", [True, False])
def test_new_user_gets_the_given_password(superuser: Harness, enabled: bool) -> None:
    harness = superuser
    runs = harness.four_runs(MODULE, {**NEW, "password": PASSWORD, "enabled": enabled})
    assert runs.requests[1][-4:] == [f"POST {USERS}", f"PUT {USERS}dora", f"GET {USERS}dora", VERIFY]
    assert has_password(harness, PASSWORD)
    assert (runs.first["token"], find_user(harness).enabled) == (None, enabled)
    assert runs.first.diff["after"]["password"] == "as declared"
    assert runs.requests[3] == read_requests(harness)


def test_existing_user_keeps_the_password(superuser: Harness) -> None:
    harness = superuser
    before = find_user(harness, "carol").password_digest
    runs = harness.four_runs(MODULE, {"name": "carol", "password": PASSWORD})
    assert not runs.first.changed
    assert find_user(harness, "carol").password_digest == before


@pytest.mark.parametrize("enabled", [True, False])
def test_existing_user_gets_the_password_with_update_password_always(superuser: Harness, enabled: bool) -> None:
    harness = superuser
    find_user(harness, "carol").enabled = enabled
    # After a wrong password Quay refuses logins for half a second, so the request is retried.
    arguments = {"name": "carol", "password": PASSWORD, "update_password": "always", "retries": 3}
    runs = harness.four_runs(MODULE, arguments)
    assert has_password(harness, PASSWORD, "carol")
    assert runs.first.diff["before"]["password"] == "other"
    assert runs.first.diff["after"]["password"] == "as declared"
    assert runs.requests[1][-4:] == [CONFIG, f"PUT {USERS}carol", f"GET {USERS}carol", VERIFY]
    assert runs.requests[3] == [*read_requests(harness, "carol"), VERIFY]
    assert find_user(harness, "carol").enabled is enabled


def test_user_is_disabled_and_enabled(superuser: Harness) -> None:
    """Quay returns the former value, so the current one is read."""
    harness = superuser
    for enabled in (False, True):
        runs = harness.four_runs(MODULE, {"name": "carol", "enabled": enabled})
        assert runs.requests[1] == [*read_requests(harness, "carol"), CONFIG, f"PUT {USERS}carol", f"GET {USERS}carol"]
        assert (runs.first.changed, runs.first["enabled"], find_user(harness, "carol").enabled) == (
            True,
            enabled,
            enabled,
        )


def test_address_is_changed_and_nothing_else(superuser: Harness) -> None:
    harness = superuser
    find_user(harness, "carol").enabled = False
    runs = harness.four_runs(MODULE, {"name": "carol", "email": "c@example.com"})
    assert (find_user(harness, "carol").email, find_user(harness, "carol").enabled) == ("c@example.com", False)
    assert runs.first.diff["before"] == {"email": "carol@example.com", "enabled": False}


@pytest.mark.parametrize("name", ["carol", "dora"])
def test_address_of_another_user(superuser: Harness, name: str) -> None:
    """For a new user, Quay's own message is that of the database."""
    result = superuser.run(MODULE, {"name": name, "email": "bob@example.com"})
    assert result.failed
    assert result.message == "email: another user of this Quay has the address 'bob@example.com'. Use another one"
    assert find_user(superuser, "carol").email == "carol@example.com"
    assert "dora" not in superuser.quay.state.users


@pytest.mark.parametrize("enabled", [True, False])
def test_user_is_deleted(superuser: Harness, enabled: bool) -> None:
    """For a disabled user Quay reports success of a deletion but does not delete them."""
    harness = superuser
    find_user(harness, "carol").enabled = enabled
    runs = harness.four_runs(MODULE, {"name": "carol", "state": "absent"})
    writes = [request for request in runs.requests[1] if request.startswith(("PUT", "DELETE"))]
    assert writes == [*([] if enabled else [f"PUT {USERS}carol"]), f"DELETE {USERS}carol"]
    assert "carol" not in harness.quay.state.users
    assert runs.first.diff == {"before": {"email": "carol@example.com", "enabled": enabled}, "after": {}}


def test_file_of_a_deleted_user_is_removed(superuser: Harness) -> None:
    harness = superuser
    harness.run(MODULE, {**NEW, "token_path": str(harness.token_path)})
    runs = harness.four_runs(MODULE, {"name": "dora", "state": "absent", "token_path": str(harness.token_path)})
    assert runs.first.diff["before"]["deliver"] == {str(harness.token_path): "present"}
    assert list(harness.folder.iterdir()) == []


def test_name_is_blocked_for_a_while(superuser: Harness) -> None:
    harness = superuser
    harness.run(MODULE, {"name": "carol", "state": "absent"})
    again = harness.run(MODULE, {"name": "carol"})
    if harness.quay.quay.family == "3.18":
        assert "deleted a moment ago. Quay keeps the name until it has cleaned up" in again.message
        harness.advance(seconds=61)
        again = harness.run(MODULE, {"name": "carol"})
    assert again.changed


@pytest.mark.parametrize("arguments", [{"state": "absent"}, {"enabled": False}, {"email": "r@example.com"}])
def test_superusers_cannot_be_changed(superuser: Harness, arguments: dict[str, Any]) -> None:
    words = "is a superuser, and Quay does not allow anyone to change or delete a superuser"
    assert_refused(superuser, MODULE, {"name": "root", **arguments}, words)


def test_unchanged_superuser_is_accepted(superuser: Harness) -> None:
    runs = superuser.four_runs(MODULE, {"name": "root", "enabled": True})
    assert (runs.first.changed, runs.first["superuser"]) == (False, True)


def test_name_of_an_organization(superuser: Harness) -> None:
    assert_refused(superuser, MODULE, {"name": "acme"}, "'acme' is the name of an organization")


def test_users_of_a_directory(superuser: Harness) -> None:
    harness = superuser
    # From here on only bearer tokens are accepted.
    if "quay_token" not in harness.login:
        return
    harness.quay.config["AUTHENTICATION_TYPE"] = "LDAP"
    assert_refused(
        harness, MODULE, NEW, "takes its users from LDAP (AUTHENTICATION_TYPE), so the user must be created there"
    )
    assert_refused(harness, MODULE, {"name": "carol", "email": "c@example.com"}, "only enabled can be changed here")
    assert harness.run(MODULE, {"name": "carol", "enabled": False}).changed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "Bad Name"}, "'Bad Name' is not a valid name"),
        ({"name": "x"}, "'x' is not a valid name"),
        ({"name": "a/b"}, "is not a valid name"),
        ({"name": "dora", "email": "nowhere"}, "'nowhere' is not an e-mail address"),
        ({"name": "dora", "password": "short"}, "at least 8 characters"),
        ({"name": "dora", "password": "with a blank in it"}, "no white space"),
        ({"name": "dora", "password": PASSWORD, "token_path": "/tmp/x"}, "mutually exclusive"),
        ({"name": "dora", "update_password": "always"}, "update_password: always needs password"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    superuser: Harness, arguments: dict[str, Any], words: str
) -> None:
    assert_refused(superuser, MODULE, arguments, words)
    assert superuser.requests == []


@pytest.mark.parametrize("login", ["scope", "user", "wrong"])
def test_user_who_is_no_superuser(harness: Harness, login: str) -> None:
    accounts = harness.accounts
    if login == "wrong":
        harness.login = {"quay_token": "X" * 40}
    else:
        harness.login = accounts.alice.by_password if login == "user" else accounts.alice.by_token(accounts.console)
    words = "does not accept the token" if login == "wrong" else "Use the login of a superuser"
    assert_refused(harness, MODULE, NEW, words)
    assert_refused(harness, "quay_user_info", {}, words)


@pytest.mark.parametrize("kind", ["cut_after", "status"])
def test_lost_response_does_not_lose_the_password(superuser: Harness, kind: str) -> None:
    """The user exists but the password is lost with the response, so the user gets another one."""
    harness = superuser
    harness.quay.faults.add(kind, method="POST", path=f"^{USERS}$", after=True)
    result = harness.run(MODULE, {**NEW, "token_path": str(harness.token_path)})
    assert not result.failed, result.message
    assert harness.stored_fingerprint() == result["fingerprint"]
    assert has_password(harness, harness.token_path.read_text().strip())
    assert sum(request == f"POST {USERS}" for request in harness.requests) == 1


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_password_is_returned_although_a_later_request_fails(superuser: Harness, method: str) -> None:
    """Quay returns the password only once, so the task must not fail. The next run completes the rest."""
    harness = superuser
    harness.quay.faults.add("status", method=method, path=f"^{USERS}dora$", nth=2 if method == "GET" else 1)
    result = harness.run(MODULE, {**NEW, "enabled": False})
    assert not result.failed, result.message
    assert any("a secret that Quay shows only once" in warning for warning in result.warnings)
    assert has_password(harness, result["token"])
    harness.run(MODULE, {**NEW, "enabled": False})
    assert not find_user(harness).enabled


def test_error_without_a_change_creates_no_user(superuser: Harness) -> None:
    harness = superuser
    harness.quay.faults.add("status", method="POST", path=f"^{USERS}$")
    result = harness.run(MODULE, NEW)
    assert f"POST {harness.quay.url}{USERS}: Quay answered 500" in result.message
    assert "dora" not in harness.quay.state.users


def test_password_that_could_not_be_set_is_reported(superuser: Harness) -> None:
    harness = superuser
    harness.quay.faults.add("status", method="PUT", path=f"^{USERS}dora$")
    result = harness.run(MODULE, {**NEW, "password": PASSWORD})
    assert "was created, but the password could not be set" in result.message
    assert "update_password=always" in result.message
    harness.advance(seconds=5)
    repaired = harness.run(MODULE, {**NEW, "password": PASSWORD, "update_password": "always"})
    assert repaired.changed
    assert has_password(harness, PASSWORD)


@pytest.mark.parametrize("kind", ["cut_after", "status"])
def test_lost_response_to_a_change_is_resolved_by_reading_back(superuser: Harness, kind: str) -> None:
    harness = superuser
    harness.quay.faults.add(kind, method="PUT", path=f"^{USERS}carol$", after=True)
    assert harness.run(MODULE, {"name": "carol", "enabled": False}).changed


def test_false_success_is_detected(superuser: Harness) -> None:
    harness = superuser
    harness.quay.faults.add("status", status=200, body="{}", method="PUT", path=f"^{USERS}carol$")
    result = harness.run(MODULE, {"name": "carol", "enabled": False})
    assert "Quay reported success, but the user carol is not as written (enabled)" in result.message


def test_read_only_registry(superuser: Harness) -> None:
    harness = superuser
    harness.quay.config["REGISTRY_STATE"] = "readonly"
    for arguments in (NEW, {"name": "carol", "enabled": False}, {"name": "carol", "state": "absent"}):
        assert_refused(harness, MODULE, arguments, "the registry is read-only")


def test_listing(superuser: Harness) -> None:
    harness = superuser
    find_user(harness, "carol").enabled = False
    others = ["root", "alice", "bob"]
    for enabled, names in ((None, [*others, "carol"]), (True, others), (False, ["carol"])):
        result = harness.run("quay_user_info", {"enabled": enabled})
        assert [user["name"] for user in result["users"]] == names
        assert harness.requests == [*harness.sign_in, f"GET {USERS}"]
        assert not result.changed
    assert result["users"] == [
        {"name": "carol", "email": "carol@example.com", "enabled": False, "superuser": False, "verified": True}
    ]


def test_listing_of_one(superuser: Harness) -> None:
    harness = superuser
    for name, found in (("carol", ["carol"]), ("nobody", []), ("acme", []), ("acme+ci", [])):
        result = harness.run("quay_user_info", {"name": name})
        assert [user["name"] for user in result["users"]] == found
        assert harness.requests == [*harness.sign_in, f"GET {USERS}{name}"]
    assert harness.run("quay_user_info", {"name": "carol", "enabled": False})["users"] == []


def test_listing_of_many_users(superuser: Harness) -> None:
    """A page has a hundred users. All users are listed once."""
    harness = superuser
    state, first = harness.quay.state, find_user(harness, "carol")
    for number in range(250):
        name = f"user{number:03}"
        state.users[name] = User(name, f"{name}@example.com", first.created, state.next_id())
    names = [user["name"] for user in harness.run("quay_user_info", {})["users"]]
    assert names == [*["root", "alice", "bob", "carol"], *(f"user{number:03}" for number in range(250))]
    assert harness.requests == [*harness.sign_in, *[f"GET {USERS}"] * 3]
