# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_first_user: the first user of an empty server, and the check of a login to any other."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from functional.accounts import User
from functional.harness import Harness, assert_refused
from functional.module_runner import Result
from standin.tokens import fingerprint

MODULE = "quay_first_user"
PASSWORD = "a-long-first-password"
FIRST = {"name": "quayadmin", "password": PASSWORD, "email": "quayadmin@example.com"}
INITIALIZE = "POST /api/v1/user/initialize"
SIGN_IN = ["GET /csrf_token", "POST /api/v1/signin", "GET /api/v1/user/"]
VERIFY = "GET /v2/auth"
CREATION = [INITIALIZE, "GET /config", INITIALIZE]
ALL_SCOPES = "org:admin repo:admin repo:create repo:read repo:write super:user user:admin user:read"


@pytest.fixture(autouse=True)
def no_login(harness: Harness) -> None:
    """The first user logs in with options of their own."""
    harness.login = {}


@pytest.fixture
def empty(harness: Harness) -> Harness:
    """A harness of a stand-in without users."""
    harness.quay.quay.reset()
    harness.quay.journal.clear()
    return harness


def issued(harness: Harness) -> tuple[str, str, timedelta]:
    """The fingerprint, the scopes and the lifetime of the only token in Quay."""
    (token,) = harness.quay.state.oauth_tokens.values()
    return token.digest[:12], token.scope, token.expires_at - token.created


def users(harness: Harness) -> list[str]:
    return sorted(harness.quay.state.users)


def create(harness: Harness, **options: Any) -> Result:
    """Create the first user for a test of what follows."""
    result = harness.run(MODULE, {**FIRST, **options})
    assert result.changed, result.message
    return result


def test_user_and_token_are_created(empty: Harness) -> None:
    harness = empty
    runs = harness.four_runs(MODULE, FIRST)
    assert runs.requests == [
        [INITIALIZE, "GET /config"],
        [*CREATION, "GET /api/v1/user/"],
        [INITIALIZE, *SIGN_IN],
        [INITIALIZE, *SIGN_IN],
    ]
    assert fingerprint(runs.first["token"]) == runs.first["fingerprint"]
    assert issued(harness) == (runs.first["fingerprint"], ALL_SCOPES, timedelta(hours=2.5))
    assert harness.is_now(runs.first["created_at"])
    created_at = datetime.fromisoformat(runs.first["created_at"])
    assert runs.first["expires_at"] == harness.iso(created_at + timedelta(hours=2.5))
    assert runs.first.diff == {
        "before": {"exists": False},
        "after": {"exists": True, "name": "quayadmin", "email": "quayadmin@example.com"},
    }
    assert runs.second.content == {
        "name": "quayadmin",
        "email": "quayadmin@example.com",
        "superuser": True,
        "verified_with": "password",
        "token": None,
        "fingerprint": None,
        "created_at": None,
        "expires_at": None,
    }
    User(harness.quay, "quayadmin", PASSWORD).browser()


def test_token_is_stored_in_a_file(empty: Harness) -> None:
    harness = empty
    runs = harness.four_runs(MODULE, {**FIRST, "token_path": str(harness.token_path)})
    assert runs.first["token"] is None
    assert harness.stored_fingerprint() == runs.first["fingerprint"] == issued(harness)[0]
    assert runs.first.diff["after"]["deliver"] == {str(harness.token_path): "current"}
    assert runs.requests[3] == [INITIALIZE, VERIFY]
    kept = ("verified_with", "token", "fingerprint", "expires_at")
    assert [runs.second[key] for key in kept] == ["token", None, *(runs.first[key] for key in kept[2:])]
    assert not runs.second.warned("Quay issues the first token only")


def test_returned_token_is_verified(empty: Harness) -> None:
    token = create(empty)["token"]
    result = empty.run(MODULE, {**FIRST, "current_token": token})
    assert (result.changed, result["verified_with"], result["token"]) == (False, "token", None)
    assert result["fingerprint"] == fingerprint(token)
    assert empty.requests == [INITIALIZE, VERIFY]


def test_expired_token_leaves_the_password(empty: Harness) -> None:
    harness = empty
    create(harness, token_path=str(harness.token_path))
    harness.advance(hours=3)
    result = harness.run(MODULE, {**FIRST, "token_path": str(harness.token_path)})
    assert (result.changed, result["verified_with"], result["fingerprint"]) == (False, "password", None)
    assert result.warned("The token of token_path has expired. Quay issues the first token only when")
    assert result.warned("Create an API token with quay_api_token")
    assert harness.requests == [INITIALIZE, VERIFY, *SIGN_IN]


def test_user_without_a_token(empty: Harness) -> None:
    harness = empty
    runs = harness.four_runs(MODULE, {**FIRST, "issue_token": False})
    assert runs.requests[1] == CREATION
    assert harness.quay.state.oauth_tokens == {}
    assert [runs.first[key] for key in ("token", "fingerprint", "verified_with")] == [None, None, None]
    assert runs.second["verified_with"] == "password"


def test_login_of_the_connection_is_that_of_the_user(empty: Harness) -> None:
    harness = empty
    login = {"quay_username": "quayadmin", "quay_password": PASSWORD, "quay_token": "of-somebody-else"}
    assert harness.run(MODULE, login).changed
    assert users(harness) == ["quayadmin"]
    result = harness.run(MODULE, {}, environ={"QUAY_USERNAME": "quayadmin", "QUAY_PASSWORD": PASSWORD})
    assert (result.changed, result["verified_with"], result["email"]) == (False, "password", "")


def test_user_who_is_no_superuser_is_warned(empty: Harness) -> None:
    empty.before_request("^GET /api/v1/user/$", lambda: empty.quay.config.update(SUPER_USERS=[]))
    result = create(empty)
    assert result["superuser"] is False
    assert result.warned("The user quayadmin is not a superuser. Add the name to SUPER_USERS")


# --- refusals


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": ""}, "Set name (or quay_username)"),
    "no password": ({"password": ""}, "Set password (or quay_password)"),
    "bad address": ({"email": "nobody"}, "email: 'nobody' is not an e-mail address"),
    "bad name": ({"name": "Quay Admin"}, "name: 'Quay Admin' is not a valid name"),
    "short password": ({"password": "short"}, "password must have at least 8 characters"),
    "blank in password": ({"password": "with blank in it"}, "no white space"),
    "nothing to store": ({"issue_token": False, "token_path": "/nowhere"}, "issue_token: false issues none"),
    "no directory": ({"token_path": "/nowhere/token"}, "does not exist"),
    "two holders": ({"token_path": "/nowhere/token", "current_token": "a-token"}, "token_path|current_token"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_options_create_nothing(empty: Harness, case: str) -> None:
    options, words = REFUSED[case]
    assert_refused(empty, MODULE, {**FIRST, **options}, words)
    assert users(empty) == []


def test_read_only_registry(empty: Harness) -> None:
    empty.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(empty, MODULE, FIRST, "the registry is read-only; nothing was changed")


def test_mailing_quay_requires_an_address(empty: Harness) -> None:
    empty.quay.config["FEATURE_MAILING"] = True
    assert_refused(empty, MODULE, {**FIRST, "email": ""}, "Set email", "FEATURE_MAILING")
    assert empty.run(MODULE, FIRST).changed


def test_feature_is_off(empty: Harness) -> None:
    empty.quay.config["FEATURE_USER_INITIALIZE"] = False
    message = assert_refused(
        empty, MODULE, FIRST, "creates no first user, because FEATURE_USER_INITIALIZE is off", "of the user 'quayadmin'"
    )
    assert "The token" not in message


def test_feature_is_off_and_the_login_works(harness: Harness) -> None:
    root = harness.accounts.root
    harness.quay.config["FEATURE_USER_INITIALIZE"] = False
    result = harness.run(MODULE, {"name": root.username, "password": root.password})
    assert (result.changed, result["verified_with"], result["email"]) == (False, "password", "root@example.com")


def test_server_with_users_and_a_wrong_login(harness: Harness) -> None:
    assert_refused(harness, MODULE, FIRST, "Quay has users already", "does not accept the password of the user")
    # Quay answers 429 for a while after each failed sign-in of a user.
    other = {**FIRST, "name": "somebody", "current_token": "no-token-of-quay"}
    assert_refused(harness, MODULE, other, "users already", "The token of current_token is wrong or was revoked")


def test_directory(empty: Harness) -> None:
    empty.quay.config["AUTHENTICATION_TYPE"] = "LDAP"
    assert_refused(empty, MODULE, FIRST, "This Quay takes its users from LDAP", "a user of LDAP")


def test_token_of_another_user(harness: Harness) -> None:
    root = harness.accounts.root
    mine = {"name": root.username, "password": root.password, "current_token": harness.accounts.alice_token}
    assert_refused(harness, MODULE, mine, "current_token holds a token of the user 'alice', and not of 'root'")


def test_no_sign_in_with_a_password(harness: Harness) -> None:
    harness.quay.config["FEATURE_DIRECT_LOGIN"] = False
    assert_refused(harness, MODULE, FIRST, "FEATURE_DIRECT_LOGIN is off", "set current_token or token_path")


def test_proxy_instead_of_quay(empty: Harness) -> None:
    empty.quay.faults.add("html_200", path="initialize", times=None)
    assert_refused(empty, MODULE, FIRST, "Check that quay_host is Quay itself")


# --- lost responses


@pytest.mark.parametrize("kind", ["status", "cut_after", "truncate"])
def test_lost_response_is_looked_at_by_signing_in(empty: Harness, kind: str) -> None:
    harness = empty
    harness.quay.faults.add(kind, path="initialize", nth=2, after=True)
    result = harness.run(MODULE, {**FIRST, "token_path": str(harness.token_path)})
    assert (result.changed, result["verified_with"], result["fingerprint"]) == (True, "password", None)
    assert result.warned("the response with the first token was lost")
    assert harness.requests == [*CREATION, *SIGN_IN]
    assert not harness.token_path.exists()
    assert "deliver" not in result.diff["after"]
    again = harness.run(MODULE, {**FIRST, "token_path": str(harness.token_path)})
    assert (again.changed, again["verified_with"]) == (False, "password")
    assert again.warned("holds no token")


@pytest.mark.parametrize("kind", ["status", "cut_before"])
def test_lost_request_created_nothing(empty: Harness, kind: str) -> None:
    harness = empty
    fault = harness.quay.faults.add(kind, path="initialize", nth=2)
    result = harness.run(MODULE, FIRST)
    assert result.failed
    assert INITIALIZE in result.message.replace(harness.quay.url, "")
    assert fault.fired == 1
    assert users(harness) == []
    assert harness.requests.count(INITIALIZE) == 3  # asked, sent once, and asked again
    assert harness.run(MODULE, FIRST).changed


def test_user_of_somebody_else_after_a_lost_request(empty: Harness) -> None:
    harness = empty
    harness.quay.faults.add("cut_before", path="initialize", nth=2)
    harness.before_request("^GET /csrf_token", lambda: _create_other(harness))
    result = harness.run(MODULE, FIRST)
    assert result.failed
    assert "quayadmin cannot sign in with the password: another program created a user" in result.message
    assert users(harness) == ["other"]


def test_user_of_somebody_else_between_two_requests(empty: Harness) -> None:
    empty.before_request("^GET /config", lambda: _create_other(empty))
    result = empty.run(MODULE, FIRST)
    assert result.failed
    assert "Quay has users already, so no first user can be created" in result.message


def test_unknown_outcome(empty: Harness) -> None:
    empty.quay.faults.add("cut_after", path="initialize", nth=2)
    empty.quay.faults.add("status", path="csrf_token")
    result = empty.run(MODULE, FIRST)
    assert result.failed
    assert "Whether the user quayadmin was created could not be found out" in result.message
    assert not empty.run(MODULE, FIRST).changed


def test_token_is_returned_although_it_could_not_be_verified(empty: Harness) -> None:
    empty.quay.faults.add("status", path="^/api/v1/user/$")
    result = create(empty)
    assert fingerprint(result["token"]) == issued(empty)[0]
    assert result.warned("The first token could not be verified")
    assert result["verified_with"] is None


def test_store_that_fails_after_the_user_was_created(empty: Harness) -> None:
    harness = empty
    path = harness.folder / "gone" / "token"
    path.parent.mkdir()
    harness.before_request("^GET /api/v1/user/$", lambda: _remove(path))
    result = harness.run(MODULE, {**FIRST, "token_path": str(path)})
    assert result.failed
    assert "The user quayadmin was created, but the first token could not be stored" in result.message
    assert users(harness) == ["quayadmin"]


def _remove(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()


def _create_other(harness: Harness) -> None:
    body = {"username": "other", "password": "another-password", "email": "other@example.com"}
    assert requests.post(f"{harness.quay.url}/api/v1/user/initialize", json=body, timeout=10).status_code == 200
