# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_referrers_token: registry tokens, which change nothing in Quay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from functional.documentation import documented_reasons
from functional.harness import Harness
from standin.tokens import fingerprint

MODULE = "quay_referrers_token"
CONFIG = "GET /config"
AUTH = "GET /v2/auth"
APP = {"repositories": ["acme/app"]}


def referrers(harness: Harness, token: str, repository: str = "acme/app") -> int:
    """Return the status of a request for referrers. 400 means an unknown digest, so the token was accepted."""
    url = f"{harness.quay.url}/v2/{repository}/referrers/sha256:{'0' * 64}"
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code


def file_arguments(harness: Harness, **options: Any) -> dict[str, Any]:
    return {**APP, "token_path": str(harness.token_path), **options}


def logins(harness: Harness) -> dict[str, dict[str, Any]]:
    """Every kind of login that the token service accepts."""
    accounts = harness.accounts
    title = accounts.alice.browser().call("POST", "/api/v1/user/apptoken", {"title": "scanner"}).json()
    secret = title["token"]["token_code"]
    return {
        "bearer": {"quay_token": accounts.alice_token},
        "user": accounts.alice.by_password,
        "robot": {"quay_username": "acme+ci", "quay_password": accounts.robot_token},
        "app": {"quay_username": "$app", "quay_password": secret},
    }


@pytest.mark.parametrize("login", ["bearer", "user", "robot", "app"])
def test_token_costs_two_requests_and_is_accepted_by_the_registry(harness: Harness, login: str) -> None:
    harness.login = logins(harness)[login]
    runs = harness.four_runs(MODULE, APP, idempotent=False)
    # The rights of a robot are compared with what the token allows.
    compared = ["GET /v2/_catalog", AUTH] if login == "robot" else []
    assert runs.requests == [[CONFIG, AUTH, *compared]] * 4
    assert not any("robot" in warning for warning in runs.first.warnings)
    assert not runs.first.changed
    assert runs.first.diff is None
    assert runs.first.content | {"token": None, "created_at": None, "expires_at": None} == {
        "token": None,
        "name": "acme/app",
        "username": None,
        "registry": f"127.0.0.1:{harness.quay.port}",
        "api_url": f"{harness.quay.url}/api/v1",
        "access": {"acme/app": ["pull"]},
        "uuid": None,
        "created_at": None,
        "expires_at": None,
        "last_accessed": None,
        "age_source": "mint",
        "fingerprint": runs.first.token,
        "reason": "missing",
        "minted": True,
        "superseded": [],
        "delivered": [],
        "retired": [],
        "deleted": [],
        "removed": [],
    }
    assert harness.is_now(runs.first["created_at"])
    assert runs.first["expires_at"] > runs.first["created_at"]
    assert referrers(harness, runs.first["token"]) == 400
    assert referrers(harness, runs.first["token"], "acme/base") == 401


def test_token_in_a_file_costs_no_request_while_it_is_valid(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, file_arguments(harness))
    assert runs.requests == [[CONFIG, AUTH], [CONFIG, AUTH], [], []]
    assert runs.first.changed
    assert runs.first["fingerprint"] == harness.stored_fingerprint()
    assert runs.first.diff == {
        "before": {"name": "acme/app", "token": "absent", "access": None, **harness.deliver_diff("absent")},
        "after": {"name": "acme/app", "token": "new", "access": {"acme/app": ["pull"]}, **harness.deliver_diff("new")},
    }
    assert (runs.second["reason"], runs.second["age_source"]) == ("not_due", "quay")
    assert runs.second["expires_at"] == runs.first["expires_at"]
    assert referrers(harness, harness.token_path.read_text().strip()) == 400


def test_held_token_costs_no_request_while_it_is_valid(either_login: Harness) -> None:
    harness = either_login
    held = harness.run(MODULE, APP)["token"]
    runs = harness.four_runs(MODULE, {**APP, "current_token": held})
    assert runs.requests == [[]] * 4
    assert runs.first["token"] is None
    assert runs.first["fingerprint"] == fingerprint(held)


def test_several_repositories_and_actions(either_login: Harness) -> None:
    arguments = {"repositories": ["acme/base", "acme/app", "acme/app"], "actions": ["push", "pull"]}
    runs = either_login.four_runs(MODULE, {**arguments, "token_path": str(either_login.token_path)})
    assert runs.first["access"] == {"acme/app": ["pull", "push"], "acme/base": ["pull", "push"]}
    assert runs.first["name"] == "acme/app acme/base"


def test_token_with_more_rights_is_kept(either_login: Harness) -> None:
    harness = either_login
    harness.run(MODULE, file_arguments(harness, repositories=["acme/app", "acme/base"], actions=["pull", "push"]))
    result = harness.run(MODULE, file_arguments(harness))
    assert (result["reason"], result["access"]) == (
        "not_due",
        {"acme/app": ["pull", "push"], "acme/base": ["pull", "push"]},
    )


def test_nothing_is_logged(either_login: Harness) -> None:
    state = either_login.state()
    either_login.run(MODULE, file_arguments(either_login))
    assert either_login.state() == state


# --- missing rights


@pytest.mark.parametrize(
    ("repositories", "actions", "missing"),
    [
        (["acme/none"], ["pull"], "acme/none:pull"),
        (["rival/secret"], ["pull"], "rival/secret:pull"),
        (["acme/app", "rival/secret"], ["pull", "push"], "rival/secret:pull, rival/secret:push"),
    ],
    ids=["no such repository", "foreign", "some"],
)
def test_missing_right_is_reported(harness: Harness, repositories: list[str], actions: list[str], missing: str) -> None:
    harness.accounts.bob.browser().call(
        "POST",
        "/api/v1/repository",
        {"namespace": "rival", "repository": "secret", "visibility": "private", "description": ""},
    )
    harness.login = logins(harness)["robot"] if repositories == ["acme/none"] else harness.login
    arguments = file_arguments(harness, repositories=repositories, actions=actions)
    result = harness.run(MODULE, arguments)
    assert result.failed
    assert f"Quay issued a token without {missing}:" in result.message
    assert not harness.token_path.exists()
    predicted = harness.check(MODULE, arguments)
    assert predicted.failed
    assert f"{repositories[-1]}:pull" in predicted.message


def test_token_of_a_robot_with_further_rights_gives_a_warning(harness: Harness) -> None:
    """Quay accepts the token as the robot's password, so it is worth all that the robot may do."""
    harness.login = logins(harness)["robot"]
    state = harness.quay.state
    state.repositories["acme", "app"].user_roles["acme+ci"] = "admin"
    state.repositories["acme", "base"].user_roles["acme+ci"] = "read"
    predicted, result = harness.check(MODULE, APP), harness.run(MODULE, APP)
    for run in (predicted, result):
        assert run.warned(
            "issued to the robot acme+ci, which has more rights than were asked for: a role on acme/base, push on "
            "acme/app, administration on acme/app. Quay accepts the token as the robot's password"
        )
    both = {"repositories": ["acme/app", "acme/base"], "actions": ["pull", "push"]}
    state.repositories["acme", "app"].user_roles["acme+ci"] = "write"
    state.repositories["acme", "base"].user_roles["acme+ci"] = "write"
    assert not any("robot" in warning for warning in harness.run(MODULE, both).warnings)
    harness.quay.faults.add("status", path="/v2/_catalog", status=500)
    assert harness.run(MODULE, both).warned("an unknown number of rights, because Quay does not list them")
    assert len(state.repositories) == 2


def test_robot_that_may_only_pull_gets_no_push(harness: Harness) -> None:
    harness.login = logins(harness)["robot"]
    result = harness.run(MODULE, {**APP, "actions": ["pull", "push"]})
    assert "Quay issued a token without acme/app:push" in result.message


def test_check_mode_never_requests_push(either_login: Harness) -> None:
    """A request for push would create a missing repository."""
    harness = either_login
    arguments = file_arguments(harness, repositories=["acme/fresh"], actions=["pull", "push"])
    harness.check(MODULE, arguments)
    assert ("acme", "fresh") not in harness.quay.state.repositories
    assert not [entry for entry in harness.quay.journal if "push" in entry.query]
    harness.check(MODULE, file_arguments(harness, repositories=["acme/fresh"], actions=["push"]))
    assert ("acme", "fresh") not in harness.quay.state.repositories
    result = harness.run(MODULE, arguments)
    assert result["access"] == {"acme/fresh": ["pull", "push"]}
    assert ("acme", "fresh") in harness.quay.state.repositories


def test_server_reached_under_another_name(harness: Harness) -> None:
    """The token must be for the configured host name of the registry."""
    harness.quay.config["SERVER_HOSTNAME"] = "registry.example.com"
    result = harness.run(MODULE, APP)
    assert referrers(harness, result["token"]) == 400
    assert result["registry"] == f"127.0.0.1:{harness.quay.port}"


def test_server_without_config(harness: Harness) -> None:
    harness.quay.config["SERVER_HOSTNAME"] = "registry.example.com"
    harness.quay.faults.add("status", path="^/config$", status=404)
    result = harness.run(MODULE, APP)
    assert harness.requests == [CONFIG, "GET /v2/", AUTH]
    assert referrers(harness, result["token"]) == 400


# --- every reason


def _aged(harness: Harness, minutes: float, **options: Any) -> dict[str, Any]:
    """Store a token of this age. Its dates are compared with the clock of the target, which tests cannot move."""
    harness.advance(minutes=-minutes)
    harness.run(MODULE, file_arguments(harness))
    harness.advance(minutes=minutes)
    return file_arguments(harness, **options)


def _fewer_repositories(harness: Harness) -> dict[str, Any]:
    harness.run(MODULE, file_arguments(harness))
    return file_arguments(harness, repositories=["acme/app", "acme/base"])


def _garbage(harness: Harness) -> dict[str, Any]:
    harness.store_secret("eyJub3Q.eyJmcm9t.this-registry")
    return file_arguments(harness)


def _forced(harness: Harness) -> dict[str, Any]:
    harness.run(MODULE, file_arguments(harness))
    return file_arguments(harness, rotate="always")


REASONS: dict[str, Callable[[Harness], dict[str, Any]]] = {
    "missing": file_arguments,
    "forced": _forced,
    "invalid": _garbage,
    "expired": lambda harness: _aged(harness, 61),
    "expiring": lambda harness: _aged(harness, 40, renew_before="30m"),
    "scopes_changed": _fewer_repositories,
    "not_due": lambda harness: _aged(harness, 20, renew_before="30m"),
}


def test_every_documented_reason_has_a_case() -> None:
    # Other tests are about a credential in several stores, and about its removal.
    assert documented_reasons(MODULE) - {"undelivered", "absent"} == REASONS.keys()


@pytest.mark.parametrize("reason", REASONS)
def test_reason_is_the_same_in_check_mode_and_in_a_real_run(either_login: Harness, reason: str) -> None:
    runs = either_login.four_runs(MODULE, REASONS[reason](either_login), idempotent=reason != "forced")
    assert runs.predicted["reason"] == runs.first["reason"] == reason
    assert runs.second["reason"] == ("forced" if reason == "forced" else "not_due")
    assert either_login.stored_fingerprint() == runs.second["fingerprint"]


def test_rotate_never_keeps_what_is_due(either_login: Harness) -> None:
    harness = either_login
    result = harness.run(MODULE, {**_aged(harness, 61), "rotate": "never"})
    assert (result["reason"], result["minted"], result.changed) == ("expired", False, False)


def test_absent_clears_the_store_without_a_request(either_login: Harness) -> None:
    harness = either_login
    harness.run(MODULE, file_arguments(harness))
    runs = harness.four_runs(MODULE, file_arguments(harness, state="absent"))
    assert runs.requests == [[]] * 4
    assert runs.first["removed"] == [str(harness.token_path)]
    assert not harness.token_path.exists()


def test_absent_keeps_a_valid_token_for_something_else(harness: Harness) -> None:
    harness.run(MODULE, file_arguments(harness))
    held = harness.stored_fingerprint()
    runs = harness.four_runs(MODULE, file_arguments(harness, repositories=["acme/base"], state="absent"))
    assert not runs.first.changed
    assert runs.first.warned("holds a valid registry token without acme/base:pull. It was not changed")
    assert harness.stored_fingerprint() == held


def test_absent_keeps_what_is_no_registry_token(harness: Harness) -> None:
    harness.store_secret(harness.accounts.robot_token)
    runs = harness.four_runs(MODULE, file_arguments(harness, state="absent"))
    assert not runs.first.changed
    assert runs.first.warned("holds something else than a registry token. It was not changed")
    assert harness.stored_fingerprint() == fingerprint(harness.accounts.robot_token)
