# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_robot_token: robots and their tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from functional.documents import reasons_of
from functional.world import World
from standin import tokens
from standin.tokens import fingerprint

MODULE = "quay_robot_token"
ROBOTS = "/api/v1/organization/acme/robots"
READ = f"GET {ROBOTS}/ci"
REGENERATE = f"POST {ROBOTS}/ci/regenerate"
PROOF = "GET /v2/auth"
COUNTS = "GET /api/v1/organization/acme/aggregatelogs"
LOGS = "GET /api/v1/organization/acme/logs"

DAY = 86400.0


def regenerate(world: World, name: str = "acme+ci") -> None:
    """What another writer does, directly."""
    world.robot(name).token = tokens.robot_token()


def regenerate_by_api(world: World) -> None:
    """The same with its entry in the usage log."""
    world.people.alice.browser().call("POST", f"{ROBOTS}/ci/regenerate")


def is_alive(world: World, secret: str) -> bool:
    return world.robot().token == secret


# --- what the module makes of a robot


def test_missing_robot_is_created(either_login: World) -> None:
    world, new = either_login, f"{ROBOTS}/new"
    runs = world.four_runs(MODULE, {"name": "acme+new", "description": "pulls", "metadata": {"team": "blue"}})
    assert runs.requests == [
        [*world.sign_in, f"GET {new}", "GET /config"],
        [*world.sign_in, f"GET {new}", "GET /config", f"PUT {new}", PROOF],
        [*world.sign_in, f"GET {new}"],
        [*world.sign_in, f"GET {new}"],
    ]
    assert runs.first.changed
    assert runs.first.content | {"token": None, "created_at": None, "last_accessed": None} == {
        "name": "acme+new",
        "username": "acme+new",
        "registry": f"127.0.0.1:{world.quay.port}",
        "api_url": f"{world.quay.url}/api/v1",
        "description": "pulls",
        "reason": "missing",
        "minted": True,
        "token": None,
        "fingerprint": world.robot_token("acme+new"),
        "age_source": "mint",
        "created_at": None,
        "expires_at": None,
        "last_accessed": None,
        "uuid": None,
        "superseded": [],
        "delivered": [],
        "retired": [],
    }
    assert runs.first.token == world.robot_token("acme+new")
    assert world.is_now(runs.first["created_at"])
    assert runs.first.diff == {
        "before": {"name": "acme+new", "token": "absent"},
        "after": {"name": "acme+new", "token": "new"},
    }
    assert world.robot("acme+new").description == "pulls"
    assert world.robot("acme+new").metadata == {"team": "blue"}
    assert runs.second["reason"] == "not_due"
    assert not runs.second["minted"]
    assert runs.second.token == runs.first.token
    assert runs.second["created_at"] is None
    assert runs.second["age_source"] is None
    assert runs.second["last_accessed"] is not None


def test_missing_robot_is_created_and_its_token_kept_in_a_file(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {"name": "acme+new", "token_path": str(world.token_path), "max_age": "30d"})
    assert runs.first["token"] is None
    assert runs.first["fingerprint"] == world.kept() == world.robot_token("acme+new")
    assert runs.predicted["delivered"] == runs.first["delivered"] == [str(world.token_path)]
    assert world.record_of_token() == {
        "fingerprint": world.kept(),
        "created_at": runs.first["created_at"],
        "expires_at": None,
        "uuid": None,
        "superseded": None,
        "username": "acme+new",
    }
    assert runs.first.diff == {
        "before": {"name": "acme+new", "token": "absent", **world.in_file("absent")},
        "after": {"name": "acme+new", "token": "new", **world.in_file("new")},
    }
    assert runs.second["token"] is None
    assert runs.second["age_source"] == "record"
    assert runs.requests[3] == [*world.sign_in, f"GET {ROBOTS}/new"]


def test_robot_with_nothing_due_costs_one_request(world: World) -> None:
    runs = world.four_runs(MODULE, {"name": "acme+ci"})
    assert runs.requests == [[READ]] * 4
    assert not runs.first.changed
    assert runs.first.token == world.robot_token()
    assert runs.first["description"] == "builds"


def test_present_token_is_not_told_to_whoever_holds_it(either_login: World) -> None:
    runs = either_login.four_runs(MODULE, {"name": "acme+ci", "current_token": either_login.people.robot_token})
    assert runs.first["token"] is None
    assert runs.first["fingerprint"] == either_login.robot_token()
    assert runs.first["reason"] == "not_due"
    assert runs.requests[1] == [*either_login.sign_in, READ]


def test_present_token_is_told_to_whoever_holds_another(either_login: World) -> None:
    world = either_login
    result = world.run(MODULE, {"name": "acme+ci", "current_token": "S" * 64})
    assert (result["reason"], result["minted"], result.changed) == ("undelivered", False, False)
    assert result.token == world.robot_token() == fingerprint(world.people.robot_token)
    assert world.writes == []


@pytest.mark.parametrize("present", [None, "S" * 64 + "\n", ""], ids=["absent", "foreign", "empty"])
def test_file_with_something_else_is_repaired_without_minting(either_login: World, present: str | None) -> None:
    world = either_login
    if present is not None:
        world.token_path.write_text(present)
    runs = world.four_runs(MODULE, {"name": "acme+ci", "token_path": str(world.token_path)})
    assert (runs.first["reason"], runs.first["minted"], runs.first.changed) == ("undelivered", False, True)
    assert world.kept() == world.robot_token() == fingerprint(world.people.robot_token)
    assert runs.first.diff == {
        "before": {"name": "acme+ci", "token": "present", **world.in_file("other" if present else "absent")},
        "after": {"name": "acme+ci", "token": "present", **world.in_file("current")},
    }
    assert runs.requests == [[*world.sign_in, READ]] * 4


def test_rotate_always_costs_three_requests(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {"name": "acme+ci", "rotate": "always"}, idempotent=False)
    assert runs.requests[0] == [*world.sign_in, READ, "GET /config"]
    if world.sign_in:
        assert runs.requests[1] == ["GET /config", *world.sign_in, REGENERATE, PROOF]
    else:
        assert runs.requests[1] == ["GET /config", REGENERATE, PROOF]
    assert (runs.first["reason"], runs.first["minted"], runs.first.changed) == ("forced", True, True)
    assert runs.first.token != fingerprint(world.people.robot_token)
    assert runs.second.token != runs.first.token
    assert runs.second.token == world.robot_token()
    assert not is_alive(world, world.people.robot_token)
    assert runs.first.diff["after"]["token"] == "new"


def test_rotate_always_replaces_the_file(either_login: World) -> None:
    world = either_login
    arguments = {"name": "acme+ci", "rotate": "always", "token_path": str(world.token_path)}
    runs = world.four_runs(MODULE, arguments, idempotent=False)
    assert runs.second["fingerprint"] == world.kept() == world.robot_token() != runs.first["fingerprint"]
    assert runs.first["token"] is None
    assert runs.first.diff["before"] == {"name": "acme+ci", "token": "present", **world.in_file("absent")}
    assert runs.second.diff["before"] == {"name": "acme+ci", "token": "present", **world.in_file("other")}
    assert runs.second.diff["after"] == {"name": "acme+ci", "token": "new", **world.in_file("new")}


def test_rotate_always_creates_what_is_missing(either_login: World) -> None:
    runs = either_login.four_runs(MODULE, {"name": "acme+new", "rotate": "always"}, idempotent=False)
    assert runs.first["reason"] == "missing"
    assert runs.second["reason"] == "forced"


def test_rotate_never_keeps_what_is_due(either_login: World) -> None:
    world = either_login
    world.advance(days=100)
    runs = world.four_runs(MODULE, {"name": "acme+ci", "rotate": "never", "max_age": "90d"})
    assert (runs.first["reason"], runs.first["minted"], runs.first.changed) == ("too_old", False, False)
    assert is_alive(world, world.people.robot_token)


def test_rotate_never_creates_what_is_missing(either_login: World) -> None:
    runs = either_login.four_runs(MODULE, {"name": "acme+new", "rotate": "never"})
    assert (runs.first["reason"], runs.first["minted"]) == ("missing", True)


def test_robot_of_ones_own_namespace(either_login: World) -> None:
    world, own = either_login, "/api/v1/user/robots/helper"
    runs = world.four_runs(MODULE, {"name": "helper", "max_age": "90d"})
    assert runs.first["name"] == "helper"
    assert runs.first["username"] == "alice+helper"
    assert runs.first.token == world.robot_token("alice+helper")
    assert runs.requests[1] == [*world.sign_in, f"GET {own}", "GET /config", f"PUT {own}", PROOF]
    world.advance(days=100)
    old = world.run(MODULE, {"name": "helper", "max_age": "90d"})
    assert (old["reason"], old["age_source"]) == ("too_old", "mint")
    assert world.requests[-2:] == [f"POST {own}/regenerate", PROOF]
    assert any(request.startswith("GET /api/v1/user/aggregatelogs") for request in world.requests)


@pytest.mark.parametrize("option", ["description", "metadata"])
def test_what_quay_cannot_change_is_a_warning(either_login: World, option: str) -> None:
    wanted: Any = {"description": "other", "metadata": {"team": "red"}}[option]
    runs = either_login.four_runs(MODULE, {"name": "acme+ci", option: wanted})
    assert not runs.first.changed
    assert runs.first.warned(option)
    assert runs.first["description"] == "builds"


# --- how old a token is


def test_age_from_creation_where_that_is_young_enough(either_login: World) -> None:
    world = either_login
    world.advance(days=10)
    result = world.run(MODULE, {"name": "acme+ci", "max_age": "30d"})
    assert world.requests == [*world.sign_in, READ]
    assert (result["reason"], result["age_source"]) == ("not_due", "creation")
    assert result["created_at"] == world.iso(world.robot().created)


def test_age_from_the_log_of_the_last_regeneration(either_login: World) -> None:
    world = either_login
    world.advance(days=100)
    regenerate_by_api(world)
    changed = world.iso(world.quay.state.logs[-1].at)
    world.advance(days=10)
    runs = world.four_runs(MODULE, {"name": "acme+ci", "max_age": "30d"})
    assert (runs.first["reason"], runs.first["age_source"]) == ("not_due", "log")
    assert runs.first["created_at"] == changed
    assert runs.requests == [[*world.sign_in, READ, COUNTS, LOGS]] * 4


def test_age_from_the_log_says_too_old(either_login: World) -> None:
    world = either_login
    world.advance(days=100)
    regenerate_by_api(world)
    world.advance(days=30)
    runs = world.four_runs(MODULE, {"name": "acme+ci", "max_age": "30d"})
    assert (runs.first["reason"], runs.first["minted"]) == ("too_old", True)
    assert runs.predicted["reason"] == "too_old"
    assert runs.first["age_source"] == "mint"
    assert (runs.second["reason"], runs.second["age_source"]) == ("not_due", "log")
    assert world.is_now(runs.first["created_at"])
    assert world.is_now(runs.second["created_at"])


def test_log_of_a_robot_that_had_this_name_before_does_not_count(either_login: World) -> None:
    world = either_login
    world.advance(days=50)
    regenerate_by_api(world)
    office = world.people.alice.browser()
    office.call("DELETE", f"{ROBOTS}/ci")
    world.advance(days=1)
    office.call("PUT", f"{ROBOTS}/ci", {})
    made = world.iso(world.robot().created)
    world.advance(days=20)
    result = world.run(MODULE, {"name": "acme+ci", "max_age": "30d"})
    assert (result["reason"], result["created_at"]) == ("not_due", made)


def test_age_from_the_record_spares_the_log(either_login: World) -> None:
    world = either_login
    arguments = {"name": "acme+ci", "max_age": "30d", "token_path": str(world.token_path)}
    world.advance(days=100)
    first = world.run(MODULE, arguments)
    world.advance(days=29)
    second = world.run(MODULE, arguments)
    assert world.requests == [*world.sign_in, READ]
    assert (second["reason"], second["age_source"]) == ("not_due", "record")
    assert second["created_at"] == first["created_at"]
    world.advance(days=1)
    third = world.run(MODULE, arguments)
    assert (third["reason"], third["minted"]) == ("too_old", True)
    assert world.kept() == world.robot_token() == third["fingerprint"]


def test_record_of_another_token_does_not_count(world: World) -> None:
    arguments = {"name": "acme+ci", "max_age": "30d", "token_path": str(world.token_path)}
    world.advance(days=100)
    world.run(MODULE, arguments)
    world.advance(days=29)
    regenerate_by_api(world)
    world.advance(days=20)
    result = world.run(MODULE, arguments)
    assert (result["reason"], result["age_source"], result["minted"]) == ("undelivered", "log", False)
    assert world.kept() == world.robot_token()


SILENT: dict[str, dict[str, Any]] = {
    "not searchable": {"LOGS_MODEL": "splunk"},
    "not counted": {"FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL": False},
    "not kept": {"DISABLED_FOR_AUDIT_LOGS": ["acme"]},
}


@pytest.mark.parametrize("silence", SILENT)
def test_token_counts_as_old_as_its_robot_where_logs_are_silent(either_login: World, silence: str) -> None:
    world = either_login
    world.quay.config.update(SILENT[silence])
    world.advance(days=100)
    regenerate_by_api(world)
    if silence == "not kept":
        assert not [entry for entry in world.quay.state.logs if entry.kind == "regenerate_robot_token"]
    arguments = {"name": "acme+ci", "max_age": "30d"}
    predicted = world.check(MODULE, arguments)
    assert (predicted["reason"], predicted["minted"]) == ("too_old", True)
    result = world.run(MODULE, arguments)
    assert (result["reason"], result["minted"]) == ("too_old", True)
    kept = world.run(MODULE, {**arguments, "rotate": "never"})
    assert (kept["age_source"], kept["created_at"]) == ("creation", world.iso(world.robot().created))
    assert kept.warned("usage logs cannot tell the age") == (silence != "not kept")


def test_record_makes_the_age_known_where_logs_are_silent(either_login: World) -> None:
    world = either_login
    world.quay.config.update(SILENT["not searchable"])
    world.advance(days=100)
    arguments = {"name": "acme+ci", "max_age": "30d", "token_path": str(world.token_path)}
    runs = world.four_runs(MODULE, arguments)
    assert runs.first["reason"] == "too_old"
    assert (runs.second["reason"], runs.second["age_source"]) == ("not_due", "record")


def test_proof_leaves_no_login_in_the_log(world: World) -> None:
    world.run(MODULE, {"name": "acme+ci", "rotate": "always"})
    assert [entry.kind for entry in world.quay.state.logs if entry.namespace == "acme"][-1] == "regenerate_robot_token"
    assert not [entry for entry in world.quay.state.logs if entry.performer == "acme+ci"]


# --- absent


def test_robot_is_deleted(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {"name": "acme+ci", "state": "absent"})
    assert runs.first.changed
    assert "acme+ci" not in world.quay.state.robots
    assert runs.first.diff == {
        "before": {"name": "acme+ci", "token": "present"},
        "after": {"name": "acme+ci", "token": "absent"},
    }
    assert runs.first["token"] is None
    assert f"DELETE {ROBOTS}/ci" in runs.requests[1]
    assert runs.requests[3] == [*world.sign_in, READ]


def test_robot_is_deleted_with_its_file(either_login: World) -> None:
    world = either_login
    world.run(MODULE, {"name": "acme+ci", "token_path": str(world.token_path)})
    runs = world.four_runs(MODULE, {"name": "acme+ci", "token_path": str(world.token_path), "state": "absent"})
    assert runs.first.diff == {
        "before": {"name": "acme+ci", "token": "present", **world.in_file("present")},
        "after": {"name": "acme+ci", "token": "absent", **world.in_file("absent")},
    }
    assert list(world.folder.iterdir()) == []
    assert "acme+ci" not in world.quay.state.robots


def test_file_of_a_robot_that_is_gone_is_removed(either_login: World) -> None:
    world = either_login
    world.run(MODULE, {"name": "acme+ci", "token_path": str(world.token_path)})
    del world.quay.state.robots["acme+ci"]
    runs = world.four_runs(MODULE, {"name": "acme+ci", "token_path": str(world.token_path), "state": "absent"})
    assert runs.first.changed
    assert list(world.folder.iterdir()) == []


def test_other_robots_are_left_alone(either_login: World) -> None:
    world = either_login
    office = world.people.alice.browser()
    office.call("PUT", f"{ROBOTS}/cid", {})
    bystander = world.robot_token("acme+cid")
    world.run(MODULE, {"name": "acme+ci", "rotate": "always"})
    world.run(MODULE, {"name": "acme+ci", "state": "absent"})
    assert world.robot_token("acme+cid") == bystander


# --- federation

ISSUER = {"issuer": "https://token.ci.example.com", "subject": "project/acme"}
OTHER = {"issuer": "https://login.example.com", "subject": "repo:acme/app"}


def test_federation_is_set_replaced_and_emptied(either_login: World) -> None:
    world = either_login
    federation = f"{ROBOTS}/ci/federation"
    runs = world.four_runs(MODULE, {"name": "acme+ci", "federation": [ISSUER]})
    assert runs.first.changed
    assert runs.first["federation"] == world.robot().federation == [ISSUER]
    assert runs.first.diff == {"before": {"federation": []}, "after": {"federation": [ISSUER]}}
    assert runs.requests[3] == [*world.sign_in, READ, f"GET {federation}"]
    assert f"POST {federation}" in runs.requests[1]
    assert is_alive(world, world.people.robot_token)
    both = world.four_runs(MODULE, {"name": "acme+ci", "federation": [ISSUER, OTHER]})
    assert both.first.diff["before"]["federation"] == [ISSUER]
    assert both.first.diff["after"]["federation"] == [OTHER, ISSUER]
    assert not world.run(MODULE, {"name": "acme+ci", "federation": [OTHER, ISSUER]}).changed
    emptied = world.four_runs(MODULE, {"name": "acme+ci", "federation": []})
    assert emptied.first.changed
    assert world.robot().federation == []


def test_federation_of_a_new_robot(either_login: World) -> None:
    world = either_login
    runs = world.four_runs(MODULE, {"name": "acme+new", "federation": [ISSUER]})
    assert runs.first["reason"] == "missing"
    assert world.robot("acme+new").federation == [ISSUER]


def test_federation_survives_a_rotation_and_is_not_looked_at_unasked(world: World) -> None:
    world.run(MODULE, {"name": "acme+ci", "federation": [ISSUER]})
    result = world.run(MODULE, {"name": "acme+ci", "rotate": "always"})
    assert "federation" not in result.content
    assert not [request for request in world.requests if "federation" in request]
    assert world.robot().federation == [ISSUER]


@pytest.mark.parametrize(
    ("federation", "words"),
    [
        ([ISSUER, ISSUER], "federation names the same issuer and subject twice"),
        ([{"issuer": "token.example.com", "subject": "x"}], "issuer 'token.example.com' must be an http or https URL"),
    ],
    ids=["twice", "no URL"],
)
def test_bad_federation_is_refused_before_anything_is_sent(world: World, federation: Any, words: str) -> None:
    for check in (True, False):
        result = world.run(MODULE, {"name": "acme+ci", "rotate": "always", "federation": federation}, check=check)
        assert result.failed
        assert words in result.message
        assert world.requests == []


# --- two writers at once


def test_writer_who_was_overtaken_returns_the_living_token(either_login: World) -> None:
    world = either_login
    world.before("GET /v2/auth", lambda: regenerate(world))
    result = world.run(MODULE, {"name": "acme+ci", "rotate": "always", "token_path": str(world.token_path)})
    assert not result.failed
    assert result["fingerprint"] == world.robot_token() == world.kept()
    assert len(world.quay.journal.mints) == 1
    assert world.requests[-3:] == [PROOF, READ, PROOF]


def test_writer_who_is_overtaken_again_and_again_gives_up_and_says_so(world: World) -> None:
    for _round in range(3):
        world.before("GET /v2/auth", lambda: regenerate(world))
    result = world.run(MODULE, {"name": "acme+ci", "rotate": "always", "token_path": str(world.token_path)})
    assert result.failed
    assert "does not accept the new token of acme+ci" in result.message
    assert "something else regenerates this robot" in result.message
    assert not world.token_path.exists()
    assert len(world.quay.journal.mints) == 1
    repaired = world.run(MODULE, {"name": "acme+ci", "token_path": str(world.token_path)})
    assert (repaired["reason"], repaired["minted"]) == ("undelivered", False)
    assert world.kept() == world.robot_token()


def test_robot_that_vanishes_meanwhile_is_made_again(world: World) -> None:
    world.before("POST .*/regenerate", lambda: world.quay.state.robots.pop("acme+ci"))
    result = world.run(MODULE, {"name": "acme+ci", "rotate": "always"})
    assert (result["reason"], result["minted"]) == ("missing", True)
    assert result.token == world.robot_token()
    assert result.diff["before"]["token"] == "absent"


def test_robot_that_another_creates_meanwhile_is_an_error_that_the_next_run_repairs(world: World) -> None:
    world.before(f"PUT {ROBOTS}/new", lambda: world.people.alice.browser().call("PUT", f"{ROBOTS}/new", {}))
    result = world.run(MODULE, {"name": "acme+new"})
    assert result.failed
    assert "Existing robot with name: acme+new" in result.message
    again = world.run(MODULE, {"name": "acme+new"})
    assert again.token == world.robot_token("acme+new")
    assert not again.changed


# --- every reason


def _too_old(world: World) -> dict[str, Any]:
    world.advance(days=31)
    return {"name": "acme+ci", "max_age": "30d"}


REASONS: dict[str, Callable[[World], dict[str, Any]]] = {
    "missing": lambda world: {"name": "acme+new"},
    "forced": lambda world: {"name": "acme+ci", "rotate": "always"},
    "too_old": _too_old,
    "undelivered": lambda world: {"name": "acme+ci", "token_path": str(world.token_path)},
    "not_due": lambda world: {"name": "acme+ci"},
}


def test_every_documented_reason_has_a_case() -> None:
    assert reasons_of(MODULE) == REASONS.keys()


@pytest.mark.parametrize("reason", REASONS)
def test_reason_is_told_alike_in_check_mode_and_for_real(either_login: World, reason: str) -> None:
    arguments = REASONS[reason](either_login)
    predicted = either_login.check(MODULE, arguments)
    result = either_login.run(MODULE, arguments)
    assert predicted["reason"] == result["reason"] == reason
