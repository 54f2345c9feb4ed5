# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paired robots: robots that hold one credential in turn. The former one is deleted."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from functional.harness import Harness, assert_predicted
from functional.module_runner import Result
from standin.state import Prototype
from standin.tokens import fingerprint

MODULE = "quay_robot_token"
ROBOTS = "/api/v1/organization/acme/robots"
MEMBERS = "/api/v1/organization/acme/team/readers/members"
PROTOTYPES = "/api/v1/organization/acme/prototypes"
COUNTS = "/api/v1/organization/acme/aggregatelogs"
PAIR = ("acme+pull_a", "acme+pull_b")


class PairedRobots:
    """A credential of the robots acme+pull_a and acme+pull_b, in a file and an auth file."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.auth_file = harness.folder / "auth.json"
        self.deliver = [
            {"kind": "container_auth", "path": str(self.auth_file)},
            {"kind": "file", "path": str(harness.token_path), "format": "json"},
        ]

    def arguments(self, **options: Any) -> dict[str, Any]:
        return {"name": "acme+pull", "strategy": "paired", "max_age": "30d", "deliver": self.deliver, **options}

    def run(self, **options: Any) -> Result:
        return self.harness.run(MODULE, self.arguments(**options))

    def start(self) -> str:
        """Mint with the first robot, grant it rights of every kind, and make it due. Returns its secret."""
        assert self.run()["username"] == PAIR[0]
        self.grant_rights(PAIR[0])
        self.harness.advance(days=31)
        return self.secret_of(PAIR[0])

    def grant_rights(self, name: str) -> None:
        state = self.harness.quay.state
        state.repositories["acme", "app"].user_roles[name] = "write"
        state.repositories["acme", "base"].user_roles[name] = "read"
        state.organizations["acme"].teams["readers"].members.append(name)
        right = Prototype("acme", "read", "user", name, None)
        state.prototypes[right.uuid] = right

    def rights_of(self, name: str) -> dict[str, Any]:
        state = self.harness.quay.state
        defaults = [(p.role, p.activating_user) for p in state.prototypes.values() if p.delegate_name == name]
        return {
            "repositories": {
                repository.name: repository.user_roles[name]
                for repository in state.repositories.values()
                if name in repository.user_roles
            },
            "teams": [team.name for _org, team in state.teams_of(name)],
            "defaults": defaults,
        }

    def secret_of(self, name: str) -> str:
        return self.harness.robot(name).token

    def stored_login(self) -> tuple[str, str]:
        """Return the user and the secret in the auth file. Asserts that the other file has the same secret."""
        entry = json.loads(self.auth_file.read_text())["auths"][f"127.0.0.1:{self.harness.quay.port}"]["auth"]
        username, _colon, secret = base64.b64decode(entry).decode().partition(":")
        of_file = json.loads(self.harness.token_path.read_text())
        assert (of_file["username"], of_file["token"]) == (username, secret)
        return username, secret

    def exists(self, name: str) -> bool:
        return name in self.harness.quay.state.robots

    def is_stored(self, name: str) -> bool:
        return self.stored_login() == (name, self.secret_of(name))


@pytest.fixture
def paired(harness: Harness) -> PairedRobots:
    return PairedRobots(harness)


def superseded_entry(name: str, secret: str) -> str:
    return f"{name}@{fingerprint(secret)}"


def test_first_robot_is_created_and_delivered(paired: PairedRobots) -> None:
    harness = paired.harness
    runs = harness.four_runs(MODULE, paired.arguments())
    assert runs.requests[0] == [f"GET {ROBOTS}", "GET /config", f"GET {COUNTS}"]
    assert runs.requests[1] == [*runs.requests[0], f"PUT {ROBOTS}/pull_a", "GET /v2/auth"]
    assert runs.requests[2] == runs.requests[3] == [f"GET {ROBOTS}/pull_a"]
    assert runs.first.content | {"created_at": "", "fingerprint": "", "last_accessed": ""} == {
        "token": None,
        "registry": f"127.0.0.1:{harness.quay.port}",
        "api_url": f"{harness.quay.url}/api/v1",
        "reason": "missing",
        "minted": True,
        "delivered": [str(paired.auth_file), str(harness.token_path)],
        "retired": [],
        "deleted": [],
        "removed": [],
        "name": "acme+pull",
        "username": "acme+pull_a",
        "uuid": None,
        "created_at": "",
        "expires_at": None,
        "last_accessed": "",
        "age_source": "mint",
        "fingerprint": "",
        "superseded": [],
        "ended": None,
        "description": "",
    }
    assert paired.is_stored(PAIR[0])
    assert not paired.exists(PAIR[1])


def test_next_robot_gets_the_rights_and_the_old_secret_stays_valid(paired: PairedRobots) -> None:
    harness = paired.harness
    old = paired.start()
    predicted = harness.check(MODULE, paired.arguments())
    result = paired.run()
    assert (predicted.changed, predicted.diff) == (result.changed, result.diff)
    assert predicted["username"] == result["username"] == PAIR[1]
    assert result["reason"] == "too_old"
    assert result.diff is not None
    assert (result.diff["before"]["username"], result.diff["after"]["username"]) == PAIR
    assert result.diff["before"]["rights"] == []
    assert result.diff["after"]["rights"] == [
        "write on acme/app",
        "read on acme/base",
        "member of readers",
        "read on new repositories of any user",
    ]
    assert paired.rights_of(PAIR[1]) == paired.rights_of(PAIR[0])
    assert paired.is_stored(PAIR[1])
    assert paired.secret_of(PAIR[0]) == old
    assert result["superseded"] == [superseded_entry(PAIR[0], old)]
    assert result["retired"] == []


def test_later_run_retires_the_former_secret(paired: PairedRobots) -> None:
    old = paired.start()
    paired.run()
    runs = paired.harness.four_runs(MODULE, paired.arguments())
    assert runs.first["retired"] == [superseded_entry(PAIR[0], old)]
    assert runs.first["superseded"] == []
    assert not runs.first["minted"]
    assert (runs.predicted["ended"], runs.first["ended"]) == (None, True)
    assert not paired.exists(PAIR[0])
    assert paired.rights_of(PAIR[0]) == {"repositories": {}, "teams": [], "defaults": []}
    assert paired.is_stored(PAIR[1])
    reads = [f"GET {ROBOTS}/pull_a", f"GET {ROBOTS}/pull_b"]
    assert sorted(runs.requests[0]) == sorted(runs.requests[2]) == sorted(runs.requests[3]) == reads
    assert sorted(runs.requests[1][:2]) == reads
    assert runs.requests[1][2:] == [
        f"GET {ROBOTS}/pull_a",
        f"GET {ROBOTS}",
        f"GET {ROBOTS}/pull_a/federation",
        "GET /config",
        "GET /v2/auth",
        f"DELETE {ROBOTS}/pull_a",
        "GET /v2/auth",
    ]


def test_further_rotation_needs_few_requests(paired: PairedRobots) -> None:
    harness = paired.harness
    paired.start()
    paired.run()
    paired.run()
    harness.advance(days=31)
    result = paired.run()
    assert result["username"] == PAIR[0]
    assert paired.is_stored(PAIR[0])
    assert sorted(harness.requests[:2]) == [f"GET {ROBOTS}/pull_a", f"GET {ROBOTS}/pull_b"]
    read = [f"GET {ROBOTS}", f"GET {PROTOTYPES}", f"GET {MEMBERS}"]
    permissions = "/api/v1/repository/acme/{}/permissions/user/acme+pull_a"
    assert harness.requests[2:] == [
        "GET /config",
        f"GET {ROBOTS}",
        # Nothing was logged in the last days, so earlier entries must show that Quay logs this namespace.
        *[f"GET {COUNTS}"] * 3,
        *read[1:],
        f"GET {ROBOTS}/pull_b/permissions",
        f"PUT {ROBOTS}/pull_a",
        f"PUT {permissions.format('app')}",
        f"PUT {permissions.format('base')}",
        f"PUT {MEMBERS}/acme+pull_a",
        f"POST {PROTOTYPES}",
        f"GET {PROTOTYPES}",
        *read,
        f"GET {ROBOTS}/pull_a/permissions",
        f"GET {MEMBERS.removesuffix('members')}permissions",
        "GET /v2/auth",
        "GET /v2/auth",
    ]
    assert result.diff is not None
    assert result.diff["before"]["rights"] == []
    assert paired.rights_of(PAIR[0]) == paired.rights_of(PAIR[1])


def test_surplus_rights_of_an_existing_robot_are_removed(paired: PairedRobots) -> None:
    harness = paired.harness
    harness.accounts.alice.browser().call("PUT", f"{ROBOTS}/green")
    paired.run(pair=["acme+blue", "acme+green"])
    rights = ["write on acme/app", "read on acme/base", "member of readers", "read on new repositories of any user"]
    before = paired.stored_login()[0]
    other = "acme+blue" if before == "acme+green" else "acme+green"
    if not paired.exists(other):
        harness.accounts.alice.browser().call("PUT", f"{ROBOTS}/{other.removeprefix('acme+')}")
    paired.grant_rights(other)
    harness.quay.state.repositories["acme", "app"].user_roles[before] = "read"
    harness.advance(days=31)
    result = paired.run(pair=["acme+blue", "acme+green"])
    assert result["username"] == other
    assert result.diff is not None
    assert result.diff["before"]["rights"] == rights
    assert result.diff["after"]["rights"] == ["read on acme/app"]
    assert paired.rights_of(other) == {"repositories": {"app": "read"}, "teams": [], "defaults": []}
    assert paired.is_stored(other)


def test_retirement_waits_for_the_grace_period(paired: PairedRobots) -> None:
    harness = paired.harness
    old = paired.start()
    paired.run(retire_after="2d")
    harness.advance(days=1)
    waiting = harness.four_runs(MODULE, paired.arguments(retire_after="2d"))
    assert waiting.first["superseded"] == [superseded_entry(PAIR[0], old)]
    harness.advance(days=1, seconds=1)
    ended = harness.four_runs(MODULE, paired.arguments(retire_after="2d"))
    assert ended.first["retired"] == [superseded_entry(PAIR[0], old)]
    assert not paired.exists(PAIR[0])


def test_emergency_rotation_retires_the_old_secret_at_once(paired: PairedRobots) -> None:
    old = paired.start()
    result = paired.run(rotate="always", retire_after="0")
    assert (result["reason"], result["retired"], result["superseded"]) == (
        "forced",
        [superseded_entry(PAIR[0], old)],
        [],
    )
    assert result["ended"] is True
    assert not paired.exists(PAIR[0])
    assert paired.is_stored(PAIR[1])


def test_each_rotation_keeps_the_previous_secret_valid(paired: PairedRobots) -> None:
    """No name is used twice within an hour, and at most two robots exist between two runs."""
    paired.start()
    rights = paired.rights_of(PAIR[0])
    for letter in "bcdefgh":
        before = paired.stored_login()
        result = paired.run(rotate="always")
        assert result["username"] == f"acme+pull_{letter}"
        assert paired.is_stored(f"acme+pull_{letter}")
        assert paired.rights_of(f"acme+pull_{letter}") == rights
        assert paired.secret_of(before[0]) == before[1]
        assert sum(name.startswith("acme+pull") for name in paired.harness.quay.state.robots) == 2


# --- changes of the strategy


def test_credential_moves_to_a_pair_and_back(paired: PairedRobots) -> None:
    harness = paired.harness
    in_place = {"name": "acme+ci", "max_age": "30d", "deliver": paired.deliver}
    harness.run(MODULE, in_place)
    first = harness.accounts.robot_token
    assert paired.stored_login() == ("acme+ci", first)
    pair = {**in_place, "strategy": "paired", "pair": ["acme+ci_blue", "acme+ci_green"]}
    moved = harness.run(MODULE, pair)
    assert (moved["username"], moved["superseded"]) == ("acme+ci_blue", [superseded_entry("acme+ci", first)])
    assert paired.rights_of("acme+ci_blue") == paired.rights_of("acme+ci")
    assert harness.robot("acme+ci").token == first
    rights = paired.rights_of("acme+ci_blue")
    retired = harness.run(MODULE, pair)
    assert (retired["retired"], retired["ended"]) == ([superseded_entry("acme+ci", first)], True)
    assert not paired.exists("acme+ci")
    harness.four_runs(MODULE, pair)
    second = paired.stored_login()
    back = {**in_place, "strategy": "in_place", "pair": pair["pair"]}
    # The name of the deleted robot rests for an hour. Until then nothing changes.
    waiting = harness.four_runs(MODULE, back)
    assert (waiting.first.changed, waiting.first["username"]) == (False, "acme+ci_blue")
    harness.advance(minutes=66)
    predicted = harness.check(MODULE, back)
    returned = harness.run(MODULE, back)
    assert_predicted(predicted, returned)
    assert (returned["username"], returned["superseded"]) == ("acme+ci", [superseded_entry("acme+ci_blue", second[1])])
    assert paired.is_stored("acme+ci")
    assert paired.rights_of("acme+ci") == rights
    assert paired.secret_of("acme+ci_blue") == second[1]
    assert harness.run(MODULE, back)["retired"] == [superseded_entry("acme+ci_blue", second[1])]
    assert not paired.exists("acme+ci_blue")
    harness.four_runs(MODULE, back)


@pytest.mark.parametrize("check_info_first", [False, True])
def test_foreign_login_in_a_store_makes_no_pair(paired: PairedRobots, check_info_first: bool) -> None:
    """acme+ci_a has the name of a paired robot, but no pair was declared, so it is left unchanged."""
    harness = paired.harness
    harness.accounts.alice.browser().call("PUT", f"{ROBOTS}/ci_a")
    other, ci = paired.secret_of("acme+ci_a"), paired.secret_of("acme+ci")
    pair = base64.b64encode(f"acme+ci_a:{other}".encode()).decode()
    paired.auth_file.write_text(json.dumps({"auths": {f"127.0.0.1:{harness.quay.port}": {"auth": pair}}}))
    in_place = {"name": "acme+ci", "deliver": paired.deliver}
    if check_info_first:
        (found,) = harness.run("quay_token_info", {"credentials": [{"kind": "robot", **in_place}]})["credentials"]
        assert (found["action"], found["reason"]) == ("deliver", "undelivered")
    for _run in range(2):
        assert not harness.run(MODULE, in_place)["minted"]
    assert paired.stored_login() == ("acme+ci", ci)
    assert (paired.secret_of("acme+ci_a"), paired.secret_of("acme+ci")) == (other, ci)
    assert paired.rights_of("acme+ci")["repositories"] == {"app": "read"}


@pytest.mark.parametrize("check_info_first", [False, True])
def test_renamed_robots_are_refused_until_their_rights_were_copied(
    paired: PairedRobots, check_info_first: bool
) -> None:
    """New names do not show whose rights to copy. Via strategy in_place no rights are lost."""
    harness = paired.harness
    paired.start()
    rights = paired.rights_of(PAIR[0])
    before = paired.stored_login()
    renamed = paired.arguments(pair=["acme+new_a", "acme+new_b"])
    if check_info_first:
        (found,) = harness.run("quay_token_info", {"credentials": [{"kind": "robot", **renamed}]})["credentials"]
        assert "holds a secret of acme+pull_a from an earlier delivery" in found["error"]
        return
    for check in (True, False):
        refused = harness.run(MODULE, renamed, check=check)
        assert "run the task once with strategy: in_place and the former pair" in refused.message
        assert not harness.writes
    assert paired.stored_login() == before
    for options in ({"strategy": "in_place", "pair": list(PAIR)}, {"pair": ["acme+new_a", "acme+new_b"]}):
        paired.run(**options)
        assert paired.rights_of(paired.stored_login()[0]) == rights
    assert paired.is_stored("acme+new_a")


def test_longest_name_of_a_robot_needs_no_pair(harness: Harness) -> None:
    name = f"acme+{'a' * 250}"
    assert harness.run(MODULE, {"name": name})["username"] == name


# --- errors


def test_unreadable_rights_are_reported_and_nothing_is_changed(paired: PairedRobots) -> None:
    harness = paired.harness
    old = paired.start()
    harness.login = harness.accounts.alice.by_token(harness.accounts.console, "org:admin repo:admin")
    predicted = harness.check(MODULE, paired.arguments())
    result = paired.run()
    assert result.failed
    assert result.message == predicted.message
    assert "the repository permissions of robots" in result.message
    assert "copy_rights: false" in result.message
    assert harness.writes == []
    assert paired.stored_login() == (PAIR[0], old)
    assert paired.run(copy_rights=False)["username"] == PAIR[1]
    assert paired.rights_of(PAIR[1]) == {"repositories": {}, "teams": [], "defaults": []}


def test_secret_with_fewer_rights_is_not_delivered(paired: PairedRobots) -> None:
    harness = paired.harness
    old = paired.start()
    repository = harness.quay.state.repositories["acme", "app"]
    harness.before_request("GET /v2/auth", lambda: repository.user_roles.pop(PAIR[1]))
    result = paired.run()
    assert result.failed
    assert (
        f"The new secret of {PAIR[1]} does not open what that of the active robot opens: acme/app:p" in result.message
    )
    assert paired.stored_login() == (PAIR[0], old)
    assert paired.secret_of(PAIR[0]) == old
    assert paired.run()["username"] == PAIR[1]
    assert paired.is_stored(PAIR[1])


def test_write_role_on_a_read_only_repository_is_not_reported_as_missing(paired: PairedRobots) -> None:
    paired.start()
    paired.harness.quay.state.repositories["acme", "app"].state = "READ_ONLY"
    assert paired.run()["username"] == PAIR[1]


def test_team_of_another_organization_gives_a_warning(paired: PairedRobots) -> None:
    paired.start()
    paired.harness.quay.state.organizations["rival"].teams["owners"].members.append(PAIR[0])
    result = paired.run()
    assert result.warned("without their organization (owners)")
    assert paired.rights_of(PAIR[1])["teams"] == ["readers"]


@pytest.mark.parametrize("behind", [0, 1])
def test_interrupted_delivery_is_completed(paired: PairedRobots, behind: int) -> None:
    """Of two valid secrets the stores get the newer one. The older one is retired by the next run."""
    harness = paired.harness
    old = paired.start()
    paths = [paired.auth_file, harness.token_path]
    files = {path: path.read_bytes() for path in harness.folder.iterdir()}
    paired.run()
    for path, content in files.items():
        if path.name.startswith(paths[behind].name):
            path.write_bytes(content)
    repaired = harness.run(MODULE, paired.arguments())
    assert (repaired["reason"], repaired["minted"], repaired["delivered"]) == (
        "undelivered",
        False,
        [str(paths[behind])],
    )
    assert paired.is_stored(PAIR[1])
    assert paired.secret_of(PAIR[0]) == old
    assert paired.run()["retired"] == [superseded_entry(PAIR[0], old)]
    harness.four_runs(MODULE, paired.arguments())


def test_outdated_store_gets_the_current_secret_before_its_own_is_retired(paired: PairedRobots) -> None:
    """After two interrupted runs, the second one must not retire the secret that a store still has."""
    harness = paired.harness
    paired.start()
    old_files = {path: path.read_bytes() for path in harness.folder.iterdir() if "auth" in path.name}
    paired.run()
    for path, content in old_files.items():
        path.write_bytes(content)
    present = paired.secret_of(PAIR[1])
    harness.quay.faults.add("status", method="PUT", path="/robots/pull_c$", status=502)
    assert paired.run(rotate="always").failed
    assert paired.stored_login() == (PAIR[1], present)


def test_lost_record_is_written_again_and_the_idle_robot_is_not_trusted(paired: PairedRobots) -> None:
    harness = paired.harness
    paired.start()
    paired.run()
    former = paired.secret_of(PAIR[0])
    Path(f"{paired.auth_file}.record.json").unlink()
    of_file = json.loads(harness.token_path.read_text())
    harness.token_path.write_text(json.dumps({key: of_file[key] for key in ("token", "username")}))
    assert paired.run()["reason"] == "undelivered"
    assert paired.is_stored(PAIR[1])
    assert paired.run()["retired"] == [superseded_entry(PAIR[0], former)]
    assert not paired.exists(PAIR[0])
    harness.four_runs(MODULE, paired.arguments())


def test_lost_stores_get_the_secret_that_was_used_last(paired: PairedRobots) -> None:
    harness = paired.harness
    paired.start()
    paired.run()
    paired.run()
    harness.robot(PAIR[1]).last_accessed = harness.quay.clock.now()
    for path in harness.folder.iterdir():
        path.unlink()
    result = paired.run()
    assert (result["reason"], result["minted"], result["username"]) == ("undelivered", False, PAIR[1])
    assert paired.is_stored(PAIR[1])


def test_robot_regenerated_by_hand_is_delivered_again(paired: PairedRobots) -> None:
    harness = paired.harness
    paired.start()
    harness.accounts.alice.browser().call("POST", f"{ROBOTS}/pull_a/regenerate")
    result = paired.run(max_age="60d")
    assert (result["reason"], result["username"], result["minted"]) == ("undelivered", PAIR[0], False)
    assert paired.is_stored(PAIR[0])


def test_absent_pair_is_deleted_and_its_stores_are_cleared(paired: PairedRobots) -> None:
    harness = paired.harness
    paired.start()
    paired.run()
    runs = harness.four_runs(MODULE, paired.arguments(state="absent"))
    assert runs.first.changed
    assert not set(PAIR) & harness.quay.state.robots.keys()
    assert not harness.token_path.exists()
    assert json.loads(paired.auth_file.read_text())["auths"] == {}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "nothing to hold it": ({"deliver": None}, "strategy: paired needs deliver, because the stores show"),
    "token alone": ({"deliver": [{"kind": "file", "path": "/x"}]}, "a file with the token alone has no place for it"),
    "token_path": ({"deliver": None, "token_path": "/x"}, "a file with the token alone has no place for it"),
    "one robot twice": ({"pair": ["acme+x1", "acme+x1"]}, "pair must name at least two different robots"),
    "the robot itself": ({"pair": ["acme+x1", "acme+pull"]}, "pair must name at least two different robots"),
    "one robot": ({"pair": ["acme+x1"]}, "pair must name at least two different robots"),
    "elsewhere": ({"pair": ["acme+x1", "rival+x1"]}, "all robots must be in the namespace of acme+pull"),
    "no robot": ({"pair": ["acme+x1", "acme+../y"]}, "is not a valid robot name"),
    "grace": ({"retire_after": "30d"}, "retire_after must be shorter than max_age"),
    "federation": ({"federation": []}, "federation belongs to one robot"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(paired: PairedRobots, case: str) -> None:
    options, words = BAD[case]
    result = paired.harness.check(MODULE, paired.arguments(**options))
    assert result.failed
    assert words in result.message
    assert paired.harness.requests == []


def test_quay_token_info_reports_what_the_module_would_do(paired: PairedRobots) -> None:
    harness = paired.harness
    credential = {"kind": "robot", **paired.arguments()}
    info = {"credentials": [credential]}

    def overview() -> tuple[str, str, list[str]]:
        (found,) = harness.run("quay_token_info", info)["credentials"]
        assert harness.requests == [f"GET {ROBOTS}"]
        return found["action"], found["reason"], found["holds"]

    assert overview() == ("mint", "missing", ["absent", "absent"])
    paired.start()
    assert overview() == ("mint", "too_old", ["current", "current"])
    paired.run()
    assert overview() == ("retire", "not_due", ["current", "current"])
    paired.run()
    assert overview() == ("nothing", "not_due", ["current", "current"])
    Path(f"{paired.auth_file}.record.json").unlink()
    assert overview() == ("deliver", "undelivered", ["unrecorded", "current"])
    credential["state"] = "absent"
    assert overview()[:2] == ("remove", "absent")
