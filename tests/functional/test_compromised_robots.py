# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_robot_token with rotate: compromised: a robot whose secret leaked is replaced by another one, and deleted."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functional.harness import Harness, assert_predicted
from functional.module_runner import Result
from functional.registry_tokens import Thief
from functional.test_retired_robots import assert_refused, browse, set_mirror
from standin.tokens import fingerprint

MODULE = "quay_robot_token"
ROBOTS = "/api/v1/organization/acme/robots"
COUNTS = "/api/v1/organization/acme/aggregatelogs"
CI, A, B = "acme+ci", "acme+ci_a", "acme+ci_b"
STAYS = "registry tokens that were issued to it are still accepted as its password for an hour"


class Leaked:
    """The credential of acme+ci, in place, whose secret somebody else has."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.auth_file = harness.folder / "auth.json"
        self.env_file = harness.folder / "quay.env"
        self.deliver: list[dict[str, Any]] = [
            {"kind": "container_auth", "path": str(self.auth_file)},
            {"kind": "file", "path": str(self.env_file), "format": "env"},
        ]
        assert not self.run().failed
        self.thief = Thief(harness, CI, harness.accounts.robot_token)

    def arguments(self, **options: Any) -> dict[str, Any]:
        return {"name": CI, "max_age": "30d", "deliver": self.deliver, **options}

    def run(self, **options: Any) -> Result:
        return self.harness.run(MODULE, self.arguments(**options))

    def end(self, **options: Any) -> Result:
        """Run with rotate: compromised, after check mode predicted it."""
        predicted = self.harness.check(MODULE, self.arguments(rotate="compromised", **options))
        result = self.run(rotate="compromised", **options)
        assert_predicted(predicted, result)
        return result

    def stored_login(self) -> tuple[str, str]:
        entry = json.loads(self.auth_file.read_text())["auths"][f"127.0.0.1:{self.harness.quay.port}"]["auth"]
        username, _colon, secret = base64.b64decode(entry).decode().partition(":")
        lines = self.env_file.read_text().splitlines()
        assert f"QUAY_USERNAME={username}" in lines
        assert f"QUAY_TOKEN={secret}" in lines
        return username, secret

    def is_stored(self, name: str) -> bool:
        return self.stored_login() == (name, self.harness.robot(name).token)

    def robots(self) -> set[str]:
        return {name for name in self.harness.quay.state.robots if name.startswith(CI)}


@pytest.fixture
def leaked(harness: Harness) -> Leaked:
    return Leaked(harness)


def assert_warns_of_granted_access(result: Result, robot: str) -> None:
    (warning,) = result.warnings
    until = re.search(r"valid until (\S+Z):", warning)
    assert until
    left = datetime.fromisoformat(until[1]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left < timedelta(minutes=62)
    assert warning == (
        f"{robot} was deleted, so Quay accepts no further login of it. Registry tokens that it requested for "
        f"repositories before are valid until {until[1]}: they list tags, and push and delete them where {robot} could "
        "write. Quay cannot revoke them. Check the tags that change until then."
    )


def test_robot_in_place_is_replaced_and_deleted(leaked: Leaked) -> None:
    harness = leaked.harness
    old = harness.robot(CI)
    result = leaked.end()
    assert result.content | {"created_at": "", "last_accessed": "", "fingerprint": ""} == {
        "token": None,
        "registry": f"127.0.0.1:{harness.quay.port}",
        "api_url": f"{harness.quay.url}/api/v1",
        "name": CI,
        "username": A,
        "uuid": None,
        "description": "builds",
        "reason": "forced",
        "minted": True,
        "delivered": [str(leaked.auth_file), str(leaked.env_file)],
        "retired": [f"{CI}@{fingerprint(old.token)}"],
        "superseded": [],
        "ended": True,
        "deleted": [],
        "removed": [],
        "created_at": "",
        "expires_at": None,
        "last_accessed": "",
        "age_source": "mint",
        "fingerprint": "",
    }
    assert result.diff is not None
    assert (result.diff["before"]["username"], result.diff["after"]["username"]) == (CI, A)
    assert result.diff["after"]["rights"] == ["read on acme/app"]
    assert_warns_of_granted_access(result, CI)
    assert leaked.robots() == {A}
    assert leaked.is_stored(A)
    assert harness.robot(A).description == old.description
    roles = harness.quay.state.repositories["acme", "app"].user_roles
    assert {name: role for name, role in roles.items() if "+" in name} == {A: "read"}
    assert not leaked.thief.has_access()


def test_requests(leaked: Leaked) -> None:
    harness = leaked.harness
    leaked.run(rotate="compromised")
    assert harness.requests == [
        f"GET {ROBOTS}/ci",
        "GET /config",
        f"GET {ROBOTS}",
        f"GET {COUNTS}",
        "GET /api/v1/organization/acme/prototypes",
        f"GET {ROBOTS}/ci/permissions",
        f"GET {ROBOTS}/ci/federation",
        "GET /api/v1/repository",
        f"PUT {ROBOTS}/ci_a",
        f"PUT /api/v1/repository/acme/app/permissions/user/{A}",
        f"GET {ROBOTS}",
        "GET /api/v1/organization/acme/prototypes",
        f"GET {ROBOTS}/ci_a/permissions",
        "GET /v2/auth",
        f"GET {ROBOTS}/ci",
        f"GET {ROBOTS}/ci/federation",
        "GET /v2/auth",
        f"DELETE {ROBOTS}/ci",
        "GET /v2/auth",
    ]


def test_credential_returns_to_its_own_robot_after_an_hour(leaked: Leaked) -> None:
    harness = leaked.harness
    leaked.end()
    stays = harness.four_runs(MODULE, leaked.arguments())
    assert (stays.first["username"], stays.first["reason"], stays.first.changed) == (A, "not_due", False)
    assert not leaked.thief.has_access()
    # A forced rotation within the hour uses a third robot.
    assert leaked.run(rotate="always")["username"] == B
    assert leaked.run()["ended"] is True
    assert leaked.robots() == {B}
    harness.advance(minutes=66)
    predicted = harness.check(MODULE, leaked.arguments())
    back = leaked.run()
    assert_predicted(predicted, back)
    assert (back["username"], back["minted"], back["retired"]) == (CI, True, [])
    assert harness.quay.state.repositories["acme", "app"].user_roles[CI] == "read"
    assert harness.robot(CI).metadata == {}
    assert leaked.is_stored(CI)
    assert leaked.run()["ended"] is True
    assert leaked.robots() == {CI}
    harness.four_runs(MODULE, leaked.arguments())


def test_each_run_replaces_the_robot_again(leaked: Leaked) -> None:
    for expected in (A, B, "acme+ci_c"):
        result = leaked.end()
        assert (result["username"], result["ended"]) == (expected, True)
        assert leaked.robots() == {expected}
        assert leaked.is_stored(expected)


def test_missing_robot_is_created(leaked: Leaked) -> None:
    harness = leaked.harness
    browse(harness, "DELETE", f"{ROBOTS}/ci")
    harness.advance(minutes=66)
    result = leaked.end()
    assert (result["username"], result["reason"], result["retired"], result["ended"]) == (CI, "missing", [], None)
    assert leaked.is_stored(CI)


@pytest.mark.parametrize("pair", [None, ["acme+blue", "acme+green"]])
def test_pair(leaked: Leaked, pair: list[str] | None) -> None:
    harness = leaked.harness
    options = {"strategy": "paired", "pair": pair, "retire_after": "2d"}
    leaked.run(**options)
    carrier = leaked.stored_login()[0]
    thief = Thief(harness, carrier, leaked.stored_login()[1])
    result = leaked.end(**options)
    # The first robot, which was still in its grace period, ends with the one that leaked.
    assert (len(result["retired"]), result["superseded"], result["ended"]) == (2, [], True)
    assert leaked.is_stored(result["username"])
    assert result["username"] != carrier
    assert not thief.has_access()
    assert not leaked.thief.has_access()
    assert set(harness.quay.state.robots) & {CI, A, B, "acme+blue", "acme+green"} == {result["username"]}
    harness.four_runs(MODULE, leaked.arguments(**options))


def test_robot_whose_token_was_replaced_meanwhile_is_deleted_nevertheless(leaked: Leaked) -> None:
    """Somebody else regenerates it at the same time, which does not end the leak."""
    harness = leaked.harness

    def regenerate() -> None:
        browse(harness, "POST", f"{ROBOTS}/ci/regenerate")

    harness.before_request(f"PUT {ROBOTS}/ci_a", regenerate)
    result = leaked.run(rotate="compromised")
    assert (result["ended"], leaked.robots()) == (True, {A})
    assert not leaked.thief.has_access()


# --- refusals, before anything is changed


NOT_REPLACEABLE: dict[str, tuple[dict[str, Any], str]] = {
    "nothing holds it": ({"deliver": None}, "deliver is missing. Name the stores that consumers read"),
    "the caller holds it": ({"deliver": None, "current_token": "S" * 64}, "deliver is missing"),
    "a file without user name": ({"deliver": None, "token_path": "/token"}, "/token holds the secret without its user"),
    "a store without user name": (
        {"deliver": [{"kind": "file", "path": "/secret"}, {"kind": "container_auth", "path": "/auth.json"}]},
        "/secret holds the secret without its user name. Use another format",
    ),
    "federation": ({"federation": []}, "federation belongs to one robot"),
    "permissions": ({"copy_rights": False}, "with copy_rights: false, the next robot would have no permissions"),
}


@pytest.mark.parametrize("case", NOT_REPLACEABLE)
def test_options_that_forbid_another_robot(leaked: Leaked, case: str) -> None:
    options, reason = NOT_REPLACEABLE[case]
    arguments = leaked.arguments(rotate="compromised", **options)
    for check in (True, False):
        result = leaked.harness.run(MODULE, arguments, check=check)
        assert result.failed
        assert reason in result.message
        assert STAYS in result.message
        assert "Nothing was changed: the secret is still valid" in result.message
        assert "until the robot is deleted" in result.message
        assert leaked.harness.requests == []


def test_robot_with_federation(leaked: Leaked) -> None:
    entry = {"issuer": "https://token.ci.example.com", "subject": "project/acme"}
    browse(leaked.harness, "POST", f"{ROBOTS}/ci/federation", [entry])
    words = ("acme+ci has federation", "cannot be deleted. Nothing was changed", STAYS, "Remove its federation")
    assert_refused(leaked.harness, leaked.arguments(rotate="compromised"), *words)


def test_robot_of_a_mirror(leaked: Leaked) -> None:
    set_mirror(leaked.harness, CI)
    words = ("acme+ci is the user of the mirror of acme/base", STAYS, "Give the mirror another robot")
    assert_refused(leaked.harness, leaked.arguments(rotate="compromised"), *words)


def test_robot_in_a_team_of_another_organization(leaked: Leaked) -> None:
    leaked.harness.quay.state.organizations["rival"].teams["owners"].members.append(CI)
    words = ("acme+ci is a member of teams that the next robot is not in (owners)", STAYS, "Take it out of them")
    assert_refused(leaked.harness, leaked.arguments(rotate="compromised"), *words)


def test_robot_that_quay_does_not_delete(leaked: Leaked) -> None:
    """A mirror starts to use it meanwhile. Its secret is replaced, and the run fails."""
    harness = leaked.harness
    old = harness.robot(CI).token
    harness.before_request(f"PUT {ROBOTS}/ci_a", lambda: set_mirror(harness, CI))
    result = leaked.run(rotate="compromised")
    assert result.failed
    assert "acme+ci was replaced, and the next robot's secret was delivered" in result.message
    assert "acme+ci is the user of a mirror and was not deleted" in result.message
    assert STAYS in result.message
    assert harness.robot(CI).token != old
    assert leaked.is_stored(A)
    assert leaked.thief.has_access()


# --- interruptions


@pytest.mark.parametrize("family", ["3.18", pytest.param("3.17", marks=pytest.mark.slow)])
def test_run_that_fails_at_any_request_is_completed_by_the_same_run(leaked: Leaked) -> None:
    harness = leaked.harness
    snapshot = harness.quay.quay.snapshot()
    files = {path: path.read_bytes() for path in harness.folder.iterdir()}
    leaked.run(rotate="compromised")
    for number in range(1, len(harness.requests) + 1):
        for kind in ("cut_before", "cut_after"):
            harness.quay.quay.restore(snapshot)
            for path, content in files.items():
                path.write_bytes(content)
            harness.quay.faults.add(kind, nth=number)
            leaked.run(rotate="compromised")
            harness.quay.faults.clear()
            username, secret = leaked.stored_login()
            assert harness.robot(username).token == secret, (number, kind)
            result = leaked.run(rotate="compromised")
            assert not result.failed, (number, kind, result.message)
            username = leaked.stored_login()[0]
            assert username != CI
            assert leaked.is_stored(username), (number, kind)
            assert leaked.robots() == {username}, (number, kind)
            assert not leaked.thief.has_access(), (number, kind)


@pytest.mark.parametrize(("method", "nth"), [("GET", 2), ("DELETE", 1)])
def test_deletion_is_completed_by_a_usual_run(leaked: Leaked, method: str, nth: int) -> None:
    """The credential does not return to the robot that leaked, which the record names as replaced."""
    harness = leaked.harness
    harness.quay.faults.add("cut_before", method=method, path="/robots/ci$", nth=nth)
    assert leaked.run(rotate="compromised").failed
    assert leaked.robots() == {CI, A}
    assert leaked.is_stored(A)
    predicted = harness.check(MODULE, leaked.arguments())
    result = leaked.run()
    assert_predicted(predicted, result)
    assert (result["username"], result["minted"], result["ended"]) == (A, False, True)
    assert leaked.robots() == {A}
    assert not leaked.thief.has_access()


def test_absent_credential_is_deleted_under_whatever_name(leaked: Leaked) -> None:
    leaked.run(rotate="compromised")
    leaked.run(rotate="always")
    assert leaked.robots() == {A, B}
    leaked.harness.four_runs(MODULE, leaked.arguments(state="absent"))
    assert leaked.robots() == set()
    assert not leaked.env_file.exists()


# --- in place, without replacement


def test_forced_rotation_in_place_says_what_stays_valid(leaked: Leaked) -> None:
    predicted = leaked.harness.check(MODULE, leaked.arguments(rotate="always"))
    result = leaked.run(rotate="always")
    for run in (predicted, result):
        assert run.warned(
            "A new token makes the former secret of acme+ci invalid, but registry tokens that were issued to it"
        )
        assert run.warned("run the task with rotate: compromised")
    assert (predicted["ended"], result["ended"]) == (None, False)
    assert leaked.thief.has_access()
    leaked.harness.advance(days=31)
    scheduled = leaked.run()
    assert (scheduled["reason"], scheduled["ended"]) == ("too_old", False)
    assert not any("acme+ci" in warning for warning in scheduled.warnings)


def test_robot_that_is_created_again_within_the_hour_gives_a_warning(leaked: Leaked) -> None:
    harness = leaked.harness
    browse(harness, "DELETE", f"{ROBOTS}/ci")
    assert not leaked.thief.has_access()
    predicted = harness.check(MODULE, leaked.arguments())
    result = leaked.run()
    for run in (predicted, result):
        assert run.warned("A robot of the name acme+ci was deleted at")
    assert leaked.thief.has_access()
    browse(harness, "DELETE", f"{ROBOTS}/ci")
    harness.advance(minutes=66)
    assert not any("acme+ci" in warning for warning in leaked.run().warnings)
