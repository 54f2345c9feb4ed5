# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_referrers_token: registry tokens, which change nothing in Quay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from functional.documents import reasons_of
from functional.world import World
from standin.tokens import fingerprint

MODULE = "quay_referrers_token"
CONFIG = "GET /config"
AUTH = "GET /v2/auth"
APP = {"repositories": ["acme/app"]}


def referrers(world: World, token: str, repository: str = "acme/app") -> int:
    """How the registry answers a question for referrers; 400 is for a digest that it does not know."""
    url = f"{world.quay.url}/v2/{repository}/referrers/sha256:{'0' * 64}"
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code


def in_file(world: World, **options: Any) -> dict[str, Any]:
    return {**APP, "token_path": str(world.token_path), **options}


def logins(world: World) -> dict[str, dict[str, Any]]:
    """Every kind of login that the token service takes."""
    people = world.people
    title = people.alice.browser().call("POST", "/api/v1/user/apptoken", {"title": "scanner"}).json()
    secret = title["token"]["token_code"]
    return {
        "bearer": {"quay_token": people.alice_token},
        "user": people.alice.by_password,
        "robot": {"quay_username": "acme+ci", "quay_password": people.robot_token},
        "app": {"quay_username": "$app", "quay_password": secret},
    }


@pytest.mark.parametrize("login", ["bearer", "user", "robot", "app"])
def test_token_costs_two_requests_and_opens_the_registry(world: World, login: str) -> None:
    world.login = logins(world)[login]
    runs = world.four_runs(MODULE, APP, idempotent=False)
    assert runs.requests == [[CONFIG, AUTH]] * 4
    assert not runs.first.changed
    assert runs.first.diff is None
    assert runs.first.content | {"token": None, "created_at": None, "expires_at": None} == {
        "token": None,
        "name": "acme/app",
        "username": None,
        "registry": f"127.0.0.1:{world.quay.port}",
        "api_url": f"{world.quay.url}/api/v1",
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
    }
    assert world.is_now(runs.first["created_at"])
    assert runs.first["expires_at"] > runs.first["created_at"]
    assert referrers(world, runs.first["token"]) == 400
    assert referrers(world, runs.first["token"], "acme/base") == 401


def test_token_is_kept_in_a_file_and_costs_nothing_while_it_is_good(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, in_file(world))
    assert runs.requests == [[CONFIG, AUTH], [CONFIG, AUTH], [], []]
    assert runs.first.changed
    assert runs.first["fingerprint"] == world.kept()
    assert runs.first.diff == {
        "before": {"name": "acme/app", "token": "absent", "access": None, **world.in_file("absent")},
        "after": {"name": "acme/app", "token": "new", "access": {"acme/app": ["pull"]}, **world.in_file("new")},
    }
    assert (runs.second["reason"], runs.second["age_source"]) == ("not_due", "quay")
    assert runs.second["expires_at"] == runs.first["expires_at"]
    assert referrers(world, world.token_path.read_text().strip()) == 400


def test_held_token_costs_nothing_while_it_is_good(either_login: World) -> None:
    world = either_login
    held = world.run(MODULE, APP)["token"]
    runs = world.four_runs(MODULE, {**APP, "current_token": held})
    assert runs.requests == [[]] * 4
    assert runs.first["token"] is None
    assert runs.first["fingerprint"] == fingerprint(held)


def test_several_repositories_and_actions(either_login: World) -> None:
    arguments = {"repositories": ["acme/base", "acme/app", "acme/app"], "actions": ["push", "pull"]}
    runs = either_login.four_runs(MODULE, {**arguments, "token_path": str(either_login.token_path)})
    assert runs.first["access"] == {"acme/app": ["pull", "push"], "acme/base": ["pull", "push"]}
    assert runs.first["name"] == "acme/app acme/base"


def test_wider_token_is_kept(either_login: World) -> None:
    world = either_login
    world.run(MODULE, in_file(world, repositories=["acme/app", "acme/base"], actions=["pull", "push"]))
    result = world.run(MODULE, in_file(world))
    assert (result["reason"], result["access"]) == (
        "not_due",
        {"acme/app": ["pull", "push"], "acme/base": ["pull", "push"]},
    )


def test_nothing_is_logged(either_login: World) -> None:
    state = either_login.state()
    either_login.run(MODULE, in_file(either_login))
    assert either_login.state() == state


# --- rights that are missing


@pytest.mark.parametrize(
    ("repositories", "actions", "missing"),
    [
        (["acme/none"], ["pull"], "acme/none:pull"),
        (["rival/secret"], ["pull"], "rival/secret:pull"),
        (["acme/app", "rival/secret"], ["pull", "push"], "rival/secret:pull, rival/secret:push"),
    ],
    ids=["no such repository", "foreign", "some"],
)
def test_missing_right_is_an_error_that_names_it(
    world: World, repositories: list[str], actions: list[str], missing: str
) -> None:
    world.people.bob.browser().call(
        "POST",
        "/api/v1/repository",
        {"namespace": "rival", "repository": "secret", "visibility": "private", "description": ""},
    )
    world.login = logins(world)["robot"] if repositories == ["acme/none"] else world.login
    arguments = in_file(world, repositories=repositories, actions=actions)
    result = world.run(MODULE, arguments)
    assert result.failed
    assert f"Quay granted a token without {missing}:" in result.message
    assert not world.token_path.exists()
    predicted = world.check(MODULE, arguments)
    assert predicted.failed
    assert f"{repositories[-1]}:pull" in predicted.message


def test_robot_that_may_only_pull_gets_no_push(world: World) -> None:
    world.login = logins(world)["robot"]
    result = world.run(MODULE, {**APP, "actions": ["pull", "push"]})
    assert "Quay granted a token without acme/app:push" in result.message


def test_check_mode_never_asks_for_push(either_login: World) -> None:
    """For that would create a repository that does not exist."""
    world = either_login
    arguments = in_file(world, repositories=["acme/fresh"], actions=["pull", "push"])
    world.check(MODULE, arguments)
    assert ("acme", "fresh") not in world.quay.state.repositories
    assert not [entry for entry in world.quay.journal if "push" in entry.query]
    world.check(MODULE, in_file(world, repositories=["acme/fresh"], actions=["push"]))
    assert ("acme", "fresh") not in world.quay.state.repositories
    result = world.run(MODULE, arguments)
    assert result["access"] == {"acme/fresh": ["pull", "push"]}
    assert ("acme", "fresh") in world.quay.state.repositories


def test_server_that_is_reached_by_another_name(world: World) -> None:
    """The token must be for the name that the registry calls itself by."""
    world.quay.config["SERVER_HOSTNAME"] = "registry.example.com"
    result = world.run(MODULE, APP)
    assert referrers(world, result["token"]) == 400
    assert result["registry"] == f"127.0.0.1:{world.quay.port}"


def test_server_without_a_page_for_its_configuration(world: World) -> None:
    world.quay.config["SERVER_HOSTNAME"] = "registry.example.com"
    world.quay.faults.add("status", path="^/config$", status=404)
    result = world.run(MODULE, APP)
    assert world.requests == [CONFIG, "GET /v2/", AUTH]
    assert referrers(world, result["token"]) == 400


# --- every reason


def _aged(world: World, minutes: float, **options: Any) -> dict[str, Any]:
    """A token that was made so long ago: its dates are judged by the target's own clock, which no test can move."""
    world.advance(minutes=-minutes)
    world.run(MODULE, in_file(world))
    world.advance(minutes=minutes)
    return in_file(world, **options)


def _narrower(world: World) -> dict[str, Any]:
    world.run(MODULE, in_file(world))
    return in_file(world, repositories=["acme/app", "acme/base"])


def _garbage(world: World) -> dict[str, Any]:
    world.keep("no.registry.token")
    return in_file(world)


def _forced(world: World) -> dict[str, Any]:
    world.run(MODULE, in_file(world))
    return in_file(world, rotate="always")


REASONS: dict[str, Callable[[World], dict[str, Any]]] = {
    "missing": in_file,
    "forced": _forced,
    "invalid": _garbage,
    "expired": lambda world: _aged(world, 61),
    "expiring": lambda world: _aged(world, 40, renew_before="30m"),
    "scopes_changed": _narrower,
    "not_due": lambda world: _aged(world, 20, renew_before="30m"),
}


def test_every_documented_reason_has_a_case() -> None:
    assert reasons_of(MODULE) == REASONS.keys()


@pytest.mark.parametrize("reason", REASONS)
def test_reason_is_told_alike_in_check_mode_and_for_real(either_login: World, reason: str) -> None:
    runs = either_login.four_runs(MODULE, REASONS[reason](either_login), idempotent=reason != "forced")
    assert runs.predicted["reason"] == runs.first["reason"] == reason
    assert runs.second["reason"] == ("forced" if reason == "forced" else "not_due")
    assert either_login.kept() == runs.second["fingerprint"]


def test_rotate_never_keeps_what_is_due(either_login: World) -> None:
    world = either_login
    result = world.run(MODULE, {**_aged(world, 61), "rotate": "never"})
    assert (result["reason"], result["minted"], result.changed) == ("expired", False, False)
