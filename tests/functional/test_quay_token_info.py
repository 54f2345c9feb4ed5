# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_token_info: what exists of many credentials, and what is due."""

from __future__ import annotations

from typing import Any

import pytest

from functional.documents import reasons_in
from functional.world import World
from standin import tokens
from standin.tokens import fingerprint

MODULE = "quay_token_info"
ROBOTS = "GET /api/v1/organization/acme/robots"
COUNTS = "GET /api/v1/organization/acme/aggregatelogs"
LOGS = "GET /api/v1/organization/acme/logs"
PROOF = "GET /v2/auth"


def ask(world: World, *credentials: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """What check mode and a real run tell, which is the same."""
    arguments = {"credentials": list(credentials), **options}
    state, files = world.state(), world.files()
    result = world.run(MODULE, arguments)
    assert not result.failed, result.message
    assert not result.changed
    assert result.diff is None
    assert world.writes == []
    assert (world.state(), world.files()) == (state, files)
    requests = world.requests
    predicted = world.run(MODULE, arguments, check=True)
    # The sentences count seconds.
    assert without_sentences(predicted["credentials"]) == without_sentences(result["credentials"])
    assert world.requests == requests
    told: list[dict[str, Any]] = result["credentials"]
    return told


def without_sentences(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in item.items() if key != "why"} for item in told]


def robot(name: str = "acme+ci", **options: Any) -> dict[str, Any]:
    return {"kind": "robot", "name": name, **options}


def hire(world: World, count: int) -> list[str]:
    """Make robots, and return their names."""
    office = world.people.alice.browser()
    names = [f"r{number:02}" for number in range(count)]
    for name in names:
        office.call("PUT", f"/api/v1/organization/acme/robots/{name}", {})
    return [f"acme+{name}" for name in names]


# --- robots


def test_one_robot(either_login: World) -> None:
    world = either_login
    (told,) = ask(world, robot())
    assert told == {
        "kind": "robot",
        "name": "acme+ci",
        "exists": True,
        "due": False,
        "reason": "not_due",
        "why": "sound",
        "action": "nothing",
        "holds": [],
        "error": None,
        "username": "acme+ci",
        "uuid": None,
        "created_at": None,
        "expires_at": None,
        "last_accessed": None,
        "age_source": None,
        "fingerprint": world.robot_token(),
        "superseded": [],
        "description": "builds",
    }


def test_twenty_robots_cost_one_request(either_login: World) -> None:
    world = either_login
    names = hire(world, 20)
    told = ask(world, *(robot(name) for name in reversed(names)))
    assert world.requests == [*world.sign_in, ROBOTS]
    assert [item["name"] for item in told] == list(reversed(names))
    assert [item["fingerprint"] for item in told] == [world.robot_token(name) for name in reversed(names)]


def test_twenty_young_robots_with_an_age_limit_cost_one_request(world: World) -> None:
    told = ask(world, *(robot(name, max_age="30d") for name in hire(world, 20)))
    assert world.requests == [ROBOTS]
    assert {item["age_source"] for item in told} == {"creation"}


def test_twenty_old_robots_cost_the_log_once(world: World) -> None:
    names = hire(world, 20)
    world.advance(days=100)
    office = world.people.alice.browser()
    for name in names[:10]:
        office.call("POST", f"/api/v1/organization/acme/robots/{name.removeprefix('acme+')}/regenerate")
    world.advance(days=10)
    told = ask(world, *(robot(name, max_age="30d") for name in names))
    assert world.requests.count(ROBOTS) == 1
    assert world.requests.count(COUNTS) == 2
    # Ten changes on one day: a page, and the one behind it that proves empty.
    assert world.requests.count(LOGS) <= 2
    assert [item["reason"] for item in told] == ["not_due"] * 10 + ["too_old"] * 10
    assert [item["age_source"] for item in told] == ["log"] * 10 + ["creation"] * 10
    assert told[10]["action"] == "mint"
    assert told[10]["why"].startswith("110d")
    assert "limit 30d (creation)" in told[10]["why"]


def test_robots_of_two_namespaces(world: World) -> None:
    world.people.alice.browser().call("PUT", "/api/v1/user/robots/own", {})
    told = ask(world, robot("own"), robot(), robot("rival+ci"), robot("acme+none"))
    assert [item["exists"] for item in told] == [True, True, False, False]
    assert told[0]["username"] == "alice+own"
    assert "403" in told[2]["error"]
    assert (told[2]["reason"], told[2]["due"], told[2]["action"]) == (None, False, "nothing")
    assert (told[3]["reason"], told[3]["due"], told[3]["action"]) == ("missing", True, "mint")


def test_what_is_wrong_with_one_does_not_hide_the_others(world: World) -> None:
    nowhere = {"kind": "file", "path": str(world.folder / "none" / "token")}
    told = ask(
        world,
        robot("acme+NO"),
        robot("acme+lost", deliver=[nowhere]),
        {"kind": "api", "name": "nightly", "organization": "acme", "application": "none"},
        {"kind": "referrers", "name": "scan", "repositories": []},
        robot(max_age="30d"),
    )
    assert ["no robot name" in str(item["error"]) for item in told] == [True, False, False, False, False]
    assert [bool(item["error"]) for item in told] == [True, True, True, True, False]
    assert [item["name"] for item in told] == ["acme+NO", "acme+lost", "nightly", "scan", "acme+ci"]
    assert "has no application named 'none'" in told[2]["error"]


def test_stores_that_hold_something_else(world: World) -> None:
    path = world.folder / "token"
    world.run("quay_robot_token", {"name": "acme+ci", "token_path": str(path)})
    store = {"kind": "file", "path": str(path)}
    (sound,) = ask(world, robot(deliver=[store]))
    assert (sound["reason"], sound["holds"]) == ("not_due", ["current"])
    empty = {"kind": "container_auth", "path": str(world.folder / "auth.json")}
    (behind,) = ask(world, robot(deliver=[store, empty]))
    assert (behind["reason"], behind["action"], behind["holds"]) == ("undelivered", "deliver", ["current", "absent"])
    assert behind["why"] == "1 of 2 stores do not hold the present token"
    world.robot().token = tokens.robot_token()
    (other,) = ask(world, robot(deliver=[store]))
    assert (other["reason"], other["holds"]) == ("undelivered", ["other"])
    path.chmod(0o644)
    world.run("quay_robot_token", {"name": "acme+ci", "token_path": str(path)})
    path.chmod(0o644)
    (open_to_all,) = ask(world, robot(deliver=[store]))
    assert (open_to_all["reason"], open_to_all["holds"]) == ("undelivered", ["unguarded"])


def test_record_of_a_store_tells_the_age(world: World) -> None:
    world.advance(days=100)
    path = world.folder / "token"
    made = world.run("quay_robot_token", {"name": "acme+ci", "token_path": str(path), "rotate": "always"})
    world.advance(days=10)
    (told,) = ask(world, robot(max_age="30d", deliver=[{"kind": "file", "path": str(path)}]))
    assert world.requests == [ROBOTS]
    assert (told["age_source"], told["created_at"]) == ("record", made["created_at"])


def test_what_another_module_read_is_judged(world: World) -> None:
    held = {"token": world.people.robot_token, "created_at": "2020-01-01T00:00:00Z"}
    (told,) = ask(world, robot(max_age="30d", held=[held]))
    assert (told["reason"], told["age_source"], told["holds"]) == ("too_old", "record", ["current"])


# --- OAuth tokens


def api(world: World, **options: Any) -> dict[str, Any]:
    where = {"organization": "acme", "client_id": world.people.automation}
    return {"kind": "api", "name": "nightly", **where, **options}


def as_task(asked: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The same credential as its own module takes it."""
    return {key: value for key, value in asked.items() if key != "kind"} | options


def test_oauth_token_in_a_store(world: World) -> None:
    if world.quay.quay.family == "3.17":
        world.login = world.people.alice.by_password
    path = world.folder / "token"
    store = {"kind": "file", "path": str(path), "format": "json"}
    asked = api(world, deliver=[store])
    (missing,) = ask(world, asked)
    assert (missing["reason"], missing["exists"], missing["action"]) == ("missing", False, "mint")
    made = world.run("quay_api_token", as_task(asked))
    (sound,) = ask(world, asked)
    assert (sound["reason"], sound["uuid"], sound["holds"]) == ("not_due", made["uuid"], ["current"])
    assert (sound["scopes"], sound["client_id"]) == (["repo:read"], world.people.automation)
    (changed,) = ask(world, {**asked, "scopes": ["repo:write"]})
    assert (changed["reason"], changed["action"]) == ("scopes_changed", "mint")
    world.advance(days=91)
    (old,) = ask(world, {**asked, "max_age": "90d"})
    assert (old["reason"], old["action"]) == ("too_old", "mint")
    world.quay.state.oauth_tokens = {
        key: token for key, token in world.quay.state.oauth_tokens.items() if token.uuid != made["uuid"]
    }
    (dead,) = ask(world, asked)
    assert (dead["reason"], dead["action"], dead["holds"]) == ("invalid", "mint", ["other"])


def test_ten_tokens_of_an_application_cost_one_list(world: World) -> None:
    if world.quay.quay.family == "3.17":
        return
    listing = f"GET /api/v1/organization/acme/applications/{world.people.automation}/tokens"
    asked = []
    for number in range(10):
        store = {"kind": "file", "path": str(world.folder / str(number))}
        asked.append(api(world, name=f"token-{number}", deliver=[store]))
        world.run("quay_api_token", as_task(asked[-1]))
    told = ask(world, *asked)
    assert world.requests == [listing]
    assert {item["reason"] for item in told} == {"not_due"}


def test_leftover_of_an_earlier_run_is_to_be_retired(world: World) -> None:
    if world.quay.quay.family == "3.17":
        return
    asked = api(world, deliver=[{"kind": "file", "path": str(world.folder / "token")}])
    world.run("quay_api_token", as_task(asked))
    path = f"/api/v1/organization/acme/applications/{world.people.automation}/tokens"
    orphan = world.people.alice.browser().call("POST", path, {"name": "nightly", "scope": "repo:read"}).json()["uuid"]
    (told,) = ask(world, asked)
    assert (told["reason"], told["action"], told["superseded"]) == ("not_due", "retire", [orphan])


# --- registry tokens


def test_registry_token_is_judged_without_asking(either_login: World) -> None:
    world = either_login
    store = {"kind": "file", "path": str(world.folder / "token")}
    asked = {"kind": "referrers", "name": "scan", "repositories": ["acme/app"], "deliver": [store]}
    (missing,) = ask(world, asked)
    assert (missing["reason"], missing["name"], missing["action"]) == ("missing", "scan", "mint")
    world.run("quay_referrers_token", {"repositories": ["acme/app"], "token_path": store["path"]})
    (sound,) = ask(world, asked)
    assert world.requests == []
    assert (sound["reason"], sound["access"]) == ("not_due", {"acme/app": ["pull"]})
    (ending,) = ask(world, {**asked, "renew_before": "2h"})
    assert ending["reason"] == "expiring"
    assert ending["why"].startswith("ends in ")


# --- what there is


def test_everything_of_an_organization(either_login: World) -> None:
    world = either_login
    world.advance(days=100)
    told = world.run(MODULE, {"organization": "acme", "max_age": "90d", "renew_before": "14d"})["credentials"]
    robots = [item for item in told if item["kind"] == "robot"]
    assert [(item["name"], item["reason"]) for item in robots] == [("acme+ci", "too_old")]
    listed = [item for item in told if item["kind"] == "api"]
    if world.quay.quay.family == "3.17":
        assert listed == []
    else:
        assert len(listed) == len(world.tokens_of(world.people.console)) > 0
        assert {item["client_id"] for item in listed} == {world.people.console}
        assert {item["reason"] for item in listed} == {"too_old"}


def test_robots_of_an_organization_alone(either_login: World) -> None:
    world = either_login
    hire(world, 20)
    told = world.run(MODULE, {"organization": "acme", "kinds": ["robot"]})["credentials"]
    assert world.requests == [*world.sign_in, ROBOTS]
    assert len(told) == 21


def test_everything_of_a_user(either_login: World) -> None:
    world = either_login
    world.people.alice.browser().call("PUT", "/api/v1/user/robots/own", {})
    told = world.run(MODULE, {})["credentials"]
    assert [item["name"] for item in told if item["kind"] == "robot"] == ["alice+own"]
    own = [item for item in told if item["kind"] == "api"]
    assert {item["uuid"] for item in own} == {token.uuid for token in world.quay.state.tokens_of_user("alice")}
    assert {item["name"] for item in own} == {"console"}


def test_nothing_that_is_told_holds_a_secret(world: World) -> None:
    """The world looks at each result; here it is looked whether there was something to find."""
    result = world.run(MODULE, {"organization": "acme"})
    assert fingerprint(world.people.robot_token) in result.output
    assert "token" not in result["credentials"][0]


def test_every_documented_reason_is_one_of_the_judgement() -> None:
    described = reasons_in(MODULE, "credentials", "reason")
    assert described == {
        "missing",
        "invalid",
        "expired",
        "forced",
        "scopes_changed",
        "expiring",
        "too_old",
        "undelivered",
        "not_due",
    }


@pytest.mark.parametrize("rotate", ["always", "never"])
def test_rotation_on_demand_and_never(world: World, rotate: str) -> None:
    world.advance(days=100)
    (told,) = ask(world, robot(rotate=rotate, max_age="30d"))
    expected = {"always": ("forced", "mint"), "never": ("too_old", "nothing")}
    assert (told["reason"], told["action"]) == expected[rotate]
    assert told["due"]


def test_login_that_fails_fails_them_all(world: World) -> None:
    world.login = {"quay_token": "X" * 40}
    result = world.run(MODULE, {"credentials": [robot(), api(world)]})
    assert result.failed
    assert "Quay does not accept the token" in result.message


def test_server_that_fails_fails_them_all(world: World) -> None:
    world.quay.faults.add("status", path="/robots$", status=502)
    result = world.run(MODULE, {"credentials": [robot()]})
    assert result.failed
    assert "502" in result.message
