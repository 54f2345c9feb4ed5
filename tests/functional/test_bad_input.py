# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad logins, and servers that are none: each is refused by a sentence that helps, and nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from functional.refusals import (
    ALL,
    EVERY,
    REFERRERS,
    assert_refused,
    every_feature,
    every_module,
    every_module_of_all,
)
from functional.world import World

# They take their login straight to the registry's token service, whose words are others.
AT_THE_REGISTRY = ("quay_referrers_token", "quay_referrers_info")


@every_module_of_all
@pytest.mark.parametrize("kind", ["wrong", "revoked", "expired", "not a token"])
def test_token_that_quay_does_not_accept(world: World, module: str, kind: str) -> None:
    people = world.people
    token = people.alice.token(people.console)
    if kind == "expired":
        world.advance(days=3653)
    if kind == "revoked":
        world.quay.state.oauth_tokens.clear()
    secret = {"wrong": "X" * 40, "not a token": "not-a-token-of-quay"}.get(kind, token)
    world.login = {"quay_token": secret}
    every_feature(world)
    words = "Quay does not accept the token"
    if module in AT_THE_REGISTRY:
        words = "has expired" if kind == "expired" else "could not be validated"
    message = assert_refused(world, module, EVERY[module], words)
    assert "CSRF" not in message


@every_module_of_all
def test_wrong_password(world: World, module: str) -> None:
    world.login = {"quay_username": "alice", "quay_password": "not-her-password"}
    every_feature(world)
    result = world.run(module, EVERY[module])
    assert result.failed
    assert "Invalid Username or Password" in result.message
    if module not in AT_THE_REGISTRY:
        assert "Check quay_username and quay_password" in result.message


@every_module
def test_token_without_the_scope(world: World, module: str) -> None:
    world.login = world.people.alice.by_token(world.people.console, "user:read")
    words = {
        "quay_referrers_token": "Quay granted a token without acme/app:pull",
        "quay_robot_token": "lacks the right or the scope",
    }
    assert_refused(world, module, ALL[module], words.get(module, "that the login administers it (a token needs"))


@pytest.mark.parametrize("module", [module for module in ALL if module != "quay_referrers_token"])
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_user_without_the_right(world: World, module: str, who: str) -> None:
    world.login = getattr(world.people, who).by_password
    assert_refused(world, module, ALL[module], "Quay answered 403")


@dataclass(frozen=True)
class Answer:
    """What comes instead of Quay's answer, and how it is called."""

    fault: dict[str, Any]
    words: str


ANSWERS = {
    "a proxy's login page": Answer({"kind": "html_200"}, "is quay_host Quay itself, or a proxy's login page?"),
    "truncated": Answer({"kind": "truncate"}, "GET /"),
    "half JSON": Answer(
        {"kind": "status", "status": 200, "body": '{"token": "x', "headers": {"Content-Type": "application/json"}},
        "the JSON of the answer is broken or cut off",
    ),
    "a list": Answer(
        {"kind": "status", "status": 200, "body": "[]", "headers": {"Content-Type": "application/json"}},
        "as Quay sends it",
    ),
    "another object": Answer(
        {"kind": "status", "status": 200, "body": "{}", "headers": {"Content-Type": "application/json"}},
        "GET /",
    ),
    "a proxy's refusal": Answer({"kind": "status", "status": 407, "body": "<title>Log in first</title>"}, "407"),
    "a gateway's": Answer({"kind": "status", "status": 502, "body": "<title>Bad Gateway</title>"}, "502"),
    "a redirect": Answer(
        {"kind": "status", "status": 302, "headers": {"Location": "https://login.example.com/sso?to=quay"}},
        "redirects to https://login.example.com",
    ),
}


def answered_all_the_same(module: str, case: str) -> bool:
    """Any JSON is good for the module that calls anything, and a refusal is told beside the credential it is about."""
    return (module, case) in (
        ("quay_api", "a list"),
        ("quay_api", "another object"),
        ("quay_token_info", "a proxy's refusal"),
    )


@pytest.mark.parametrize(
    ("module", "case"), [(m, case) for m in EVERY for case in ANSWERS if not answered_all_the_same(m, case)]
)
def test_something_else_answers(world: World, module: str, case: str) -> None:
    every_feature(world)
    answer = ANSWERS[case]
    world.quay.faults.add(path="^/(api|v2|config)", times=None, **answer.fault)
    arguments = {name: value for name, value in EVERY[module].items() if name != "rotate"}
    message = assert_refused(world, module, arguments, answer.words)
    assert "\n" not in message
    assert len(message) < 500


def test_clock_that_is_wrong(either_login: World) -> None:
    """Quay's times are judged by Quay's clock, whatever the target's says."""
    world = either_login
    for days in (400, -800):
        world.advance(days=days)
        made = world.run("quay_robot_token", {"name": "acme+new", "token_path": str(world.token_path)})
        assert world.is_now(made["created_at"])
        assert made.warned("clock and Quay's differ by")
        again = world.run(
            "quay_robot_token", {"name": "acme+new", "token_path": str(world.token_path), "max_age": "1h"}
        )
        assert (again["reason"], again["age_source"]) == ("not_due", "record")
        world.run("quay_robot_token", {"name": "acme+new", "token_path": str(world.token_path), "state": "absent"})


def test_clock_that_is_a_little_off_is_no_word_worth(world: World) -> None:
    world.advance(seconds=200)
    assert world.run("quay_robot_token", {"name": "acme+ci"}).warnings == []


@pytest.mark.parametrize("hours", [26, -26])
def test_registry_token_and_a_wrong_clock(world: World, hours: int) -> None:
    """Whether the file's token is good is judged without asking Quay, so a wrong clock costs a new token each run."""
    world.advance(hours=hours)
    arguments = {**REFERRERS, "token_path": str(world.token_path)}
    first = world.run("quay_referrers_token", arguments)
    second = world.run("quay_referrers_token", arguments)
    assert first["minted"]
    assert second["minted"]
    assert second["reason"] == ("invalid" if hours > 0 else "expired")
    assert world.kept() == second["fingerprint"]
    assert second.warned("clock and Quay's differ by")


@pytest.mark.parametrize("who", ["alice", "root"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_robot_of_an_unknown_organization(world: World, who: str, state: str) -> None:
    world.login = getattr(world.people, who).by_password
    words = "Organization does not exist: nope" if who == "root" else "403"
    assert_refused(world, "quay_robot_token", {"name": "nope+ci", "state": state}, words)


@pytest.mark.parametrize("who", ["alice", "root"])
@pytest.mark.parametrize("module", ["quay_application", "quay_api_token"])
def test_application_of_an_unknown_organization(world: World, who: str, module: str) -> None:
    world.login = getattr(world.people, who).by_password
    assert_refused(world, module, {**ALL[module], "organization": "nope"}, "Check that the organization 'nope'")


def test_unknown_application(world: World) -> None:
    arguments = {"organization": "acme", "application": "nope"}
    words = "has no application named 'nope'; create it with quay_application"
    assert_refused(world, "quay_api_token", arguments, words)


def test_unknown_client_id(world: World) -> None:
    words = f"client_id: {world.quay.url} has no application with the client id 'NOPE'. Check client_id and quay_host"
    assert_refused(world, "quay_api_token", {"client_id": "NOPE"}, words)


def test_scope_that_the_login_does_not_hold(world: World) -> None:
    """Quay lets nobody hand out more than he has."""
    if world.quay.quay.family == "3.18":
        result = world.run("quay_api_token", {**ALL["quay_api_token"], "scopes": ["super:user"]})
        assert result.failed
        assert "Quay answered 403" in result.message
        assert world.tokens_of(world.people.automation) == {}
