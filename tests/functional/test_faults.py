# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong on the way: answers that are lost, late or broken, and a registry that takes no writes.

Whatever happens to a minting request, it is sent once. Either the run finds out what became of it, or it fails with a
sentence; and the next run leaves one living token, delivered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from functional.world import World
from standin.tokens import fingerprint

ROBOTS = "/api/v1/organization/acme/robots"
APPLICATIONS = "/api/v1/organization/acme/applications"

# How an answer gets lost, and whether Quay had done the deed by then.
FAULTS: dict[str, tuple[dict[str, Any], bool]] = {
    "500 after the effect": ({"kind": "status", "status": 500, "after": True}, True),
    "502 before the effect": ({"kind": "status", "status": 502}, False),
    "cut before the effect": ({"kind": "cut_before"}, False),
    "cut after the effect": ({"kind": "cut_after"}, True),
    "answer breaks off": ({"kind": "truncate"}, True),
    "a proxy's page": ({"kind": "html_200"}, False),
}

every_fault = pytest.mark.parametrize("fault", FAULTS)


def break_down(world: World, fault: str, method: str, path: str) -> bool:
    """Let one request go wrong; says whether Quay does it nevertheless."""
    options, has_effect = FAULTS[fault]
    world.quay.faults.add(method=method, path=path, **options)
    return has_effect


def in_file(world: World, **arguments: Any) -> dict[str, Any]:
    # With retries, so that a replayed mint would show.
    return {"token_path": str(world.token_path), "retries": 1, **arguments}


def sent(world: World, method: str, path: str) -> int:
    return sum(request == f"{method} {path}" for request in world.requests)


# --- robots


@dataclass(frozen=True)
class RobotCase:
    """A run that makes Quay issue a robot's token."""

    arguments: dict[str, Any]
    method: str
    path: str
    days: float = 0
    # Whether the run knows the token of before, and so finds out what became of a lost request.
    finds_out: bool = True


ROBOT_CASES = {
    "create": RobotCase({"name": "acme+new"}, "PUT", f"{ROBOTS}/new"),
    "regenerate": RobotCase({"name": "acme+ci", "max_age": "30d"}, "POST", f"{ROBOTS}/ci/regenerate", days=31),
    "forced": RobotCase({"name": "acme+ci", "rotate": "always"}, "POST", f"{ROBOTS}/ci/regenerate", finds_out=False),
}


@every_fault
@pytest.mark.parametrize("case", ROBOT_CASES)
def test_lost_answer_about_a_robots_token(world: World, case: str, fault: str) -> None:
    tried = ROBOT_CASES[case]
    world.advance(days=tried.days)
    has_effect = break_down(world, fault, tried.method, tried.path)
    held = world.robot().token
    result = world.run("quay_robot_token", in_file(world, **tried.arguments))
    name = tried.arguments["name"]
    assert sent(world, tried.method, tried.path) == 1
    if has_effect and tried.finds_out:
        assert not result.failed, result.message
        assert (result["minted"], result["fingerprint"]) == (True, world.robot_token(name))
        assert world.kept() == world.robot_token(name)
        assert world.robot_token(name) != fingerprint(held)
    else:
        assert result.failed
        assert f"{tried.method} {tried.path}" in result.message
        assert not world.token_path.exists()
    arguments = {**tried.arguments, "rotate": "when_due"}
    repaired = world.run("quay_robot_token", in_file(world, **arguments))
    assert not repaired.failed, repaired.message
    assert world.kept() == world.robot_token(name)
    again = world.run("quay_robot_token", in_file(world, **arguments))
    assert (again.changed, again["reason"]) == (False, "not_due")


@pytest.mark.parametrize("fault", ["500 after the effect", "cut before the effect", "cut after the effect"])
def test_forced_rotation_never_calls_the_old_token_new(world: World, fault: str) -> None:
    break_down(world, fault, "POST", "/regenerate$")
    result = world.run("quay_robot_token", {"name": "acme+ci", "rotate": "always"})
    assert result.failed
    assert "Whether the token was replaced cannot be told" in result.message


@every_fault
def test_lost_answer_about_the_deletion_of_a_robot(world: World, fault: str) -> None:
    has_effect = break_down(world, fault, "DELETE", f"{ROBOTS}/ci$")
    world.keep(world.people.robot_token)
    arguments = in_file(world, name="acme+ci", state="absent")
    result = world.run("quay_robot_token", arguments)
    assert sent(world, "DELETE", f"{ROBOTS}/ci") == 1
    # A 204 has no body that could break off.
    assert result.failed == (not has_effect)
    assert world.token_path.exists() == (not has_effect)
    world.run("quay_robot_token", arguments)
    assert "acme+ci" not in world.quay.state.robots
    assert not world.token_path.exists()
    assert not world.run("quay_robot_token", arguments).changed


@every_fault
def test_lost_answer_about_federation(world: World, fault: str) -> None:
    federation = [{"issuer": "https://token.ci.example.com", "subject": "project/acme"}]
    has_effect = break_down(world, fault, "POST", "/federation$")
    arguments = {"name": "acme+ci", "federation": federation, "retries": 1}
    result = world.run("quay_robot_token", arguments)
    assert result.failed
    assert "/federation" in result.message
    assert sent(world, "POST", f"{ROBOTS}/ci/federation") == 1
    repaired = world.run("quay_robot_token", arguments)
    assert repaired.changed == (not has_effect)
    assert world.robot().federation == federation


@pytest.mark.parametrize("fault", ["500 after the effect", "cut before the effect", "a proxy's page"])
def test_robots_new_token_that_cannot_be_proved_is_delivered_all_the_same(world: World, fault: str) -> None:
    """For the old one is dead, and consumers are better off with this one than with none."""
    options, _has_effect = FAULTS[fault]
    world.quay.faults.add(method="GET", path="^/v2/auth$", times=None, **options)
    arguments = {"name": "acme+ci", "rotate": "always", "token_path": str(world.token_path)}
    result = world.run("quay_robot_token", arguments)
    assert result.failed
    assert "The new secret of acme+ci could not be proved: GET /v2/auth" in result.message
    assert "It was delivered all the same, because the old one is dead" in result.message
    assert len(world.quay.journal.mints) == 1
    assert world.kept() == world.robot_token() != fingerprint(world.people.robot_token)
    world.quay.faults.clear()
    again = world.run("quay_robot_token", {**arguments, "rotate": "when_due"})
    assert (again["reason"], again.changed) == ("not_due", False)


def test_robots_new_token_that_cannot_be_proved_can_be_told_again(world: World) -> None:
    world.quay.faults.add("status", method="GET", path="^/v2/auth$", status=500)
    result = world.run("quay_robot_token", {"name": "acme+ci", "rotate": "always"})
    assert result.failed
    assert "Quay can tell it again; run the task again" in result.message
    again = world.run("quay_robot_token", {"name": "acme+ci"})
    assert again.token == world.robot_token() != fingerprint(world.people.robot_token)


def test_safe_requests_are_repeated_and_the_mint_is_not(world: World) -> None:
    for path in (f"{ROBOTS}/new$", "^/config$", "^/v2/auth$"):
        world.quay.faults.add("cut_before", method="GET", path=path)
    result = world.run("quay_robot_token", {"name": "acme+new", "retries": 1})
    assert result.token == world.robot_token("acme+new")
    read = f"GET {ROBOTS}/new"
    put = f"PUT {ROBOTS}/new"
    assert world.requests == [read, read, "GET /config", "GET /config", put, "GET /v2/auth", "GET /v2/auth"]


# --- OAuth tokens


class Desk:
    """The tokens of acme's application "automation", on either family."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client_id = world.people.automation
        self.has_names = world.quay.quay.family == "3.18"
        if not self.has_names:
            world.login = world.people.alice.by_password
        self.tokens = f"{APPLICATIONS}/{self.client_id}/tokens"
        self.mint = self.tokens if self.has_names else "/oauth/authorizeapp"
        self.revoke = f"{self.tokens}/" if self.has_names else "/api/v1/user/authorizations/"

    def in_file(self, **options: Any) -> dict[str, Any]:
        where = {"organization": "acme", "client_id": self.client_id, "name": "nightly"}
        return in_file(self.world, **where, **options)

    def living(self) -> set[str]:
        return set(self.world.tokens_of(self.client_id))


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


@every_fault
@pytest.mark.parametrize("existing", [False, True], ids=["first", "successor"])
def test_lost_answer_about_an_oauth_token(desk: Desk, fault: str, existing: bool) -> None:
    world = desk.world
    old = {world.run("quay_api_token", desk.in_file())["uuid"]} if existing else set()
    held = world.kept() if existing else None
    has_effect = break_down(world, fault, "POST", f"^{desk.mint}$")
    if fault == "answer breaks off" and not desk.has_names:
        # A redirect tells the token in its header, so that a body which breaks off does no harm.
        return
    result = world.run("quay_api_token", desk.in_file(rotate="always"))
    assert sent(world, "POST", desk.mint) == 1
    assert result.failed
    assert f"POST {desk.mint}" in result.message
    assert "unclear" in result.message
    assert not [request for request in world.requests if request.startswith("DELETE")]
    lost = desk.living() - old
    assert len(lost) == int(has_effect)
    assert old <= desk.living()
    assert (world.kept() if existing else None) == held
    repaired = world.run("quay_api_token", desk.in_file())
    assert not repaired.failed, repaired.message
    if desk.has_names:
        assert desk.living() == {repaired["uuid"]}
    else:
        assert desk.living() == lost | {repaired["uuid"]}
    assert world.is_oauth_token(repaired["uuid"], world.kept())
    assert not world.run("quay_api_token", desk.in_file()).changed


@every_fault
def test_lost_answer_about_the_end_of_the_old_token(desk: Desk, fault: str) -> None:
    world = desk.world
    old = world.run("quay_api_token", desk.in_file())["uuid"]
    held = world.kept()
    has_effect = break_down(world, fault, "DELETE", f"^{desk.revoke}{old}$")
    result = world.run("quay_api_token", desk.in_file(rotate="always"))
    assert sent(world, "DELETE", f"{desk.revoke}{old}") == 1
    # A 204 has no body that could break off.
    assert result.failed == (fault != "answer breaks off")
    if result.failed:
        assert old in result.message
    new = desk.living() - {old}
    assert len(new) == 1
    assert (old in desk.living()) == (not has_effect)
    assert world.kept() != held
    again = world.run("quay_api_token", desk.in_file())
    assert again["reason"] == "not_due"
    assert {again["uuid"]} == new == desk.living()
    assert not world.run("quay_api_token", desk.in_file()).changed


@every_fault
def test_new_token_is_told_although_the_old_one_could_not_be_revoked(desk: Desk, fault: str) -> None:
    """Nobody but the caller knows the new token, and the old one may be dead."""
    world = desk.world
    where = {"organization": "acme", "client_id": desk.client_id}
    made = world.run("quay_api_token", where)
    break_down(world, fault, "DELETE", f"^{desk.revoke}{made['uuid']}$")
    arguments = {**where, "current_token": made["token"], "rotate": "always", "revoke_superseded": True}
    result = world.run("quay_api_token", arguments)
    assert not result.failed, result.message
    assert world.is_oauth_token(result["uuid"], result.token)
    if fault != "answer breaks off":
        assert result["superseded"] == [made["uuid"]]
        assert result.warned(f"token {made['uuid']} could not be revoked")


def test_oauth_token_that_cannot_be_proved_is_not_delivered_and_the_old_one_lives(desk: Desk) -> None:
    world = desk.world
    old = world.run("quay_api_token", desk.in_file())["uuid"]
    held = world.kept()
    # The proofs of a held token come before; on older servers there is one.
    nth = 1 if desk.has_names else 2
    world.quay.faults.add("status", method="GET", path="^/v2/auth$", nth=nth, times=None, status=500)
    result = world.run("quay_api_token", {**desk.in_file(rotate="always"), "retries": 0})
    assert result.failed
    assert "GET /v2/auth" in result.message
    assert world.kept() == held
    assert old in desk.living()
    world.quay.faults.clear()
    repaired = world.run("quay_api_token", desk.in_file())
    assert repaired["reason"] == "not_due"
    if desk.has_names:
        assert desk.living() == {old}


def test_application_that_is_deleted_meanwhile(desk: Desk) -> None:
    """Quay says 200 to the mint, and the token is dead at once."""
    world = desk.world
    world.before("GET /v2/auth", lambda: world.quay.state.delete_application(desk.client_id))
    result = world.run("quay_api_token", desk.in_file())
    assert result.failed
    assert "Quay does not accept the new token at /v2/auth" in result.message
    assert "Was the application deleted meanwhile?" in result.message
    assert not world.token_path.exists()


# --- applications


@every_fault
def test_lost_answer_about_a_new_application(world: World, fault: str) -> None:
    has_effect = break_down(world, fault, "POST", f"^{APPLICATIONS}$")
    arguments = {"organization": "acme", "name": "new", "retries": 1}
    result = world.run("quay_application", arguments)
    assert sent(world, "POST", APPLICATIONS) == 1
    assert result.failed == (not has_effect)
    repaired = world.run("quay_application", arguments)
    named = [app for app in world.quay.state.applications.values() if app.name == "new"]
    assert [app.client_id for app in named] == [repaired["client_id"]]
    assert repaired.changed == (not has_effect)
    assert repaired.token == fingerprint(named[0].client_secret)


@every_fault
def test_lost_answer_about_the_reset_of_a_secret(world: World, fault: str) -> None:
    path = f"{APPLICATIONS}/{world.people.automation}/resetclientsecret"
    has_effect = break_down(world, fault, "POST", f"^{path}$")
    arguments = {"organization": "acme", "name": "automation", "retries": 1}
    before = world.quay.state.applications[world.people.automation].client_secret
    result = world.run("quay_application", {**arguments, "reset_client_secret": True})
    assert sent(world, "POST", path) == 1
    present = world.quay.state.applications[world.people.automation].client_secret
    assert (present != before) == has_effect
    if not result.failed:
        assert result.token == fingerprint(present)
        assert has_effect
    assert world.run("quay_application", arguments).token == fingerprint(present)


@every_fault
@pytest.mark.parametrize("state", ["present", "absent"])
def test_lost_answer_about_a_change_of_an_application(world: World, fault: str, state: str) -> None:
    path = f"{APPLICATIONS}/{world.people.automation}"
    method = "PUT" if state == "present" else "DELETE"
    break_down(world, fault, method, f"^{path}$")
    arguments = {"organization": "acme", "name": "automation", "description": "x", "state": state}
    result = world.run("quay_application", {**arguments, "retries": 1})
    assert sent(world, method, path) == 1
    if result.failed:
        assert f"{method} {path}" in result.message
    world.run("quay_application", arguments)
    assert not world.run("quay_application", arguments).changed
    present = world.quay.state.applications.get(world.people.automation)
    assert (present.description if present else None) == ("x" if state == "present" else None)


# --- registry tokens


@every_fault
def test_lost_answer_about_a_registry_token(world: World, fault: str) -> None:
    break_down(world, fault, "GET", "^/v2/auth$")
    arguments = {"repositories": ["acme/app"], "token_path": str(world.token_path)}
    result = world.run("quay_referrers_token", arguments)
    assert result.failed
    assert "GET /v2/auth" in result.message
    assert not world.token_path.exists()
    assert world.run("quay_referrers_token", arguments)["fingerprint"] == world.kept()


# --- delivery


def obstruct(world: World) -> None:
    """Something else takes the file's place between the claim and the delivery."""
    world.token_path.mkdir()


DELIVERIES: dict[str, tuple[str, Callable[[World], dict[str, Any]], str]] = {
    "robot": ("quay_robot_token", lambda world: {"name": "acme+new"}, f"PUT {ROBOTS}/new"),
    "api": ("quay_api_token", lambda world: Desk(world).in_file(), "POST .*(tokens|authorizeapp)$"),
    "referrers": ("quay_referrers_token", lambda world: {"repositories": ["acme/app"]}, "GET /v2/auth"),
}


@pytest.mark.parametrize("kind", DELIVERIES)
def test_secret_that_cannot_be_delivered(world: World, kind: str) -> None:
    module, arguments_of, request = DELIVERIES[kind]
    arguments = {**arguments_of(world), "token_path": str(world.token_path)}
    world.before(request, lambda: obstruct(world))
    result = world.run(module, arguments)
    assert result.failed
    assert result.message.startswith(f"token_path: {world.token_path} cannot be written")
    assert not [request for request in world.requests if request.startswith("DELETE")]
    world.token_path.rmdir()
    assert world.files().keys() == {str(world.folder)}
    repaired = world.run(module, arguments)
    assert repaired["fingerprint"] == world.kept()
    if kind == "api" and world.quay.quay.family == "3.18":
        assert set(world.tokens_of(world.people.automation)) == {repaired["uuid"]}


# --- a registry that takes no writes


READ_ONLY: dict[str, tuple[str, Callable[[World], dict[str, Any]]]] = {
    "robot is missing": ("quay_robot_token", lambda world: {"name": "acme+new"}),
    "robot is forced": ("quay_robot_token", lambda world: {"name": "acme+ci", "rotate": "always"}),
    "robot is absent": ("quay_robot_token", lambda world: {"name": "acme+ci", "state": "absent"}),
    "robot's federation": (
        "quay_robot_token",
        lambda world: {"name": "acme+ci", "federation": [{"issuer": "https://x.example.com", "subject": "y"}]},
    ),
    "token is missing": ("quay_api_token", lambda world: Desk(world).in_file()),
    "token is absent": ("quay_api_token", lambda world: held_token(world, state="absent")),
    "token is forced": ("quay_api_token", lambda world: held_token(world, rotate="always")),
    "application is missing": ("quay_application", lambda world: {"organization": "acme", "name": "new"}),
    "application is changed": (
        "quay_application",
        lambda world: {"organization": "acme", "name": "automation", "description": "x"},
    ),
    "application is absent": (
        "quay_application",
        lambda world: {"organization": "acme", "name": "automation", "state": "absent"},
    ),
    "secret is reset": (
        "quay_application",
        lambda world: {"organization": "acme", "name": "automation", "reset_client_secret": True},
    ),
}


def held_token(world: World, **options: Any) -> dict[str, Any]:
    world.keep(world.people.alice.token(world.people.automation))
    return Desk(world).in_file(scopes=["repo:read"], **options)


@pytest.mark.parametrize("case", READ_ONLY)
def test_read_only_registry_is_recognised_before_anything_is_tried(world: World, case: str) -> None:
    module, arguments_of = READ_ONLY[case]
    arguments = arguments_of(world)
    world.quay.config["REGISTRY_STATE"] = "readonly"
    predicted = world.check(module, arguments)
    state, files = world.state(), world.files()
    result = world.run(module, arguments)
    assert result.failed
    assert result.message == predicted.message
    assert "the registry is read-only; nothing was changed" in result.message
    assert world.writes == []
    assert (world.state(), world.files()) == (state, files)


def test_read_only_registry_does_not_matter_where_nothing_is_due(world: World) -> None:
    world.quay.config["REGISTRY_STATE"] = "readonly"
    told = world.four_runs("quay_robot_token", {"name": "acme+ci"})
    assert told.first.token == world.robot_token()
    world.four_runs("quay_robot_token", {"name": "acme+ci", "token_path": str(world.token_path)})
    assert world.kept() == world.robot_token()
    world.run("quay_application", {"organization": "acme", "name": "automation"})
    opened = world.run("quay_referrers_token", {"repositories": ["acme/app"]})
    assert opened["access"] == {"acme/app": ["pull"]}


def test_registry_that_becomes_read_only_meanwhile(world: World) -> None:
    def close() -> None:
        world.quay.config["REGISTRY_STATE"] = "readonly"

    world.before("POST .*/regenerate", close)
    result = world.run("quay_robot_token", {"name": "acme+ci", "rotate": "always"})
    assert result.failed
    assert "System is currently read-only" in result.message
    assert world.robot_token() == fingerprint(world.people.robot_token)
