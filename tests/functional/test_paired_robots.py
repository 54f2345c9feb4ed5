# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Robots that carry one credential in turn."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from functional.modules import Result
from functional.world import World
from standin.state import Prototype
from standin.tokens import fingerprint

MODULE = "quay_robot_token"
ROBOTS = "/api/v1/organization/acme/robots"
MEMBERS = "/api/v1/organization/acme/team/readers/members"
PROTOTYPES = "/api/v1/organization/acme/prototypes"
PAIR = ("acme+pull_a", "acme+pull_b")


class Turns:
    """A credential that acme+pull_a and acme+pull_b carry, in a file and in an auth file."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.auth_file = world.folder / "auth.json"
        self.deliver = [
            {"kind": "container_auth", "path": str(self.auth_file)},
            {"kind": "file", "path": str(world.token_path)},
        ]

    def arguments(self, **options: Any) -> dict[str, Any]:
        return {"name": "acme+pull", "strategy": "paired", "max_age": "30d", "deliver": self.deliver, **options}

    def run(self, **options: Any) -> Result:
        return self.world.run(MODULE, self.arguments(**options))

    def begin(self) -> str:
        """Let the first robot carry it, with rights of every sort; returns its secret."""
        assert self.run()["username"] == PAIR[0]
        self.give_rights(PAIR[0])
        self.world.advance(days=31)
        return self.secret_of(PAIR[0])

    def give_rights(self, name: str) -> None:
        state = self.world.quay.state
        state.repositories["acme", "app"].user_roles[name] = "write"
        state.repositories["acme", "base"].user_roles[name] = "read"
        state.organizations["acme"].teams["readers"].members.append(name)
        right = Prototype("acme", "read", "user", name, None)
        state.prototypes[right.uuid] = right

    def rights_of(self, name: str) -> dict[str, Any]:
        state = self.world.quay.state
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
        return self.world.robot(name).token

    def held(self) -> tuple[str, str]:
        """The user and the secret in the auth file; the file beside it has the same secret."""
        entry = json.loads(self.auth_file.read_text())["auths"][f"127.0.0.1:{self.world.quay.port}"]["auth"]
        username, _colon, secret = base64.b64decode(entry).decode().partition(":")
        assert self.world.kept() == fingerprint(secret)
        return username, secret

    def holds(self, name: str) -> bool:
        return self.held() == (name, self.secret_of(name))


@pytest.fixture
def turns(world: World) -> Turns:
    return Turns(world)


def handle(name: str, secret: str) -> str:
    return f"{name}@{fingerprint(secret)}"


def test_first_robot_is_created_and_delivered(turns: Turns) -> None:
    world = turns.world
    runs = world.four_runs(MODULE, turns.arguments())
    looks = [f"GET {ROBOTS}/pull_a", f"GET {ROBOTS}/pull_b"]
    assert runs.requests[2] == runs.requests[3] == looks
    assert runs.first.content | {"created_at": "", "fingerprint": "", "last_accessed": ""} == {
        "token": None,
        "registry": f"127.0.0.1:{world.quay.port}",
        "api_url": f"{world.quay.url}/api/v1",
        "reason": "missing",
        "minted": True,
        "delivered": [str(turns.auth_file), str(world.token_path)],
        "retired": [],
        "name": "acme+pull",
        "username": "acme+pull_a",
        "uuid": None,
        "created_at": "",
        "expires_at": None,
        "last_accessed": "",
        "age_source": "mint",
        "fingerprint": "",
        "superseded": [],
        "description": "",
    }
    assert turns.holds(PAIR[0])
    assert PAIR[1] not in world.quay.state.robots


def test_next_robot_gets_the_rights_and_the_old_secret_outlives_the_run(turns: Turns) -> None:
    world = turns.world
    old = turns.begin()
    predicted = world.check(MODULE, turns.arguments())
    result = turns.run()
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
    assert turns.rights_of(PAIR[1]) == turns.rights_of(PAIR[0])
    assert turns.holds(PAIR[1])
    assert turns.secret_of(PAIR[0]) == old
    assert result["superseded"] == [handle(PAIR[0], old)]
    assert result["retired"] == []


def test_later_run_ends_the_former_secret_and_then_nothing_is_left_to_do(turns: Turns) -> None:
    old = turns.begin()
    turns.run()
    runs = turns.world.four_runs(MODULE, turns.arguments())
    assert runs.first["retired"] == [handle(PAIR[0], old)]
    assert runs.first["superseded"] == []
    assert not runs.first["minted"]
    assert turns.secret_of(PAIR[0]) != old
    assert turns.holds(PAIR[1])


def test_turns_go_on_with_few_requests(turns: Turns) -> None:
    world = turns.world
    turns.begin()
    turns.run()
    turns.run()
    world.advance(days=31)
    result = turns.run()
    assert result["username"] == PAIR[0]
    assert turns.holds(PAIR[0])
    assert world.requests == [
        f"GET {ROBOTS}/pull_a",
        f"GET {ROBOTS}/pull_b",
        "GET /config",
        f"GET {ROBOTS}",
        f"GET {PROTOTYPES}",
        f"GET {MEMBERS}",
        f"GET {ROBOTS}/pull_b/permissions",
        f"GET {ROBOTS}/pull_a/permissions",
        f"POST {ROBOTS}/pull_a/regenerate",
        f"GET {MEMBERS.removesuffix('members')}permissions",
        "GET /v2/auth",
        "GET /v2/auth",
    ]
    assert result.diff is not None
    assert result.diff["before"]["rights"] == result.diff["after"]["rights"]


def test_surplus_rights_are_taken_away(turns: Turns) -> None:
    world = turns.world
    turns.begin()
    turns.run()
    turns.run()
    state = world.quay.state
    state.repositories["acme", "app"].user_roles[PAIR[1]] = "read"
    del state.repositories["acme", "base"].user_roles[PAIR[1]]
    state.organizations["acme"].teams["readers"].members.remove(PAIR[1])
    for uuid in [p.uuid for p in state.prototypes.values() if p.delegate_name == PAIR[1]]:
        del state.prototypes[uuid]
    world.advance(days=31)
    result = turns.run()
    assert result.diff is not None
    assert result.diff["before"]["rights"] == [
        "write on acme/app",
        "read on acme/base",
        "member of readers",
        "read on new repositories of any user",
    ]
    assert result.diff["after"]["rights"] == ["read on acme/app"]
    assert turns.rights_of(PAIR[0]) == {"repositories": {"app": "read"}, "teams": [], "defaults": []}
    assert turns.holds(PAIR[0])


def test_grace_is_waited_for(turns: Turns) -> None:
    world = turns.world
    old = turns.begin()
    turns.run(retire_after="2d")
    world.advance(days=1)
    waiting = world.four_runs(MODULE, turns.arguments(retire_after="2d"))
    assert waiting.first["superseded"] == [handle(PAIR[0], old)]
    world.advance(days=1, seconds=1)
    ended = world.four_runs(MODULE, turns.arguments(retire_after="2d"))
    assert ended.first["retired"] == [handle(PAIR[0], old)]
    assert turns.secret_of(PAIR[0]) != old


def test_break_glass_ends_the_old_secret_at_once(turns: Turns) -> None:
    old = turns.begin()
    result = turns.run(rotate="always", retire_after="0")
    assert (result["reason"], result["retired"], result["superseded"]) == ("forced", [handle(PAIR[0], old)], [])
    assert turns.secret_of(PAIR[0]) != old
    assert turns.holds(PAIR[1])


def test_each_turn_leaves_the_secret_before_it_alive(turns: Turns) -> None:
    turns.begin()
    for _turn in range(6):
        before = turns.held()
        result = turns.run(rotate="always")
        assert turns.held()[0] != before[0]
        assert turns.holds(str(result["username"]))
        assert turns.secret_of(before[0]) == before[1]


# --- from one way to the other


def test_credential_moves_to_a_pair_and_back(turns: Turns) -> None:
    world = turns.world
    in_place = {"name": "acme+ci", "max_age": "30d", "deliver": turns.deliver}
    world.run(MODULE, in_place)
    first = world.people.robot_token
    assert turns.held() == ("acme+ci", first)
    pair = {**in_place, "strategy": "paired", "pair": ["acme+ci_blue", "acme+ci_green"]}
    moved = world.run(MODULE, pair)
    assert (moved["username"], moved["superseded"]) == ("acme+ci_blue", [handle("acme+ci", first)])
    assert turns.rights_of("acme+ci_blue") == turns.rights_of("acme+ci")
    assert world.robot("acme+ci").token == first
    assert world.run(MODULE, pair)["retired"] == [handle("acme+ci", first)]
    assert world.robot("acme+ci").token != first
    world.four_runs(MODULE, pair)
    second = turns.held()
    back = {**in_place, "pair": pair["pair"]}
    returned = world.run(MODULE, back)
    assert (returned["username"], returned["superseded"]) == ("acme+ci", [handle("acme+ci_blue", second[1])])
    assert turns.holds("acme+ci")
    assert world.robot("acme+ci_blue").token == second[1]
    assert world.run(MODULE, back)["retired"] == [handle("acme+ci_blue", second[1])]
    assert world.robot("acme+ci_blue").token != second[1]
    world.four_runs(MODULE, back)


@pytest.mark.parametrize("look_first", [False, True])
def test_login_that_somebody_put_into_a_store_makes_no_pair(turns: Turns, look_first: bool) -> None:
    """acme+ci_a is called like a twin, but nobody ever said that it takes turns: it is left as it is."""
    world = turns.world
    world.people.alice.browser().call("PUT", f"{ROBOTS}/ci_a")
    stranger, ci = turns.secret_of("acme+ci_a"), turns.secret_of("acme+ci")
    pair = base64.b64encode(f"acme+ci_a:{stranger}".encode()).decode()
    turns.auth_file.write_text(json.dumps({"auths": {f"127.0.0.1:{world.quay.port}": {"auth": pair}}}))
    in_place = {"name": "acme+ci", "deliver": turns.deliver}
    if look_first:
        (told,) = world.run("quay_token_info", {"credentials": [{"kind": "robot", **in_place}]})["credentials"]
        assert (told["action"], told["reason"]) == ("deliver", "undelivered")
    for _run in range(2):
        assert not world.run(MODULE, in_place)["minted"]
    assert turns.held() == ("acme+ci", ci)
    assert (turns.secret_of("acme+ci_a"), turns.secret_of("acme+ci")) == (stranger, ci)
    assert turns.rights_of("acme+ci")["repositories"] == {"app": "read"}


@pytest.mark.parametrize("look_first", [False, True])
def test_robots_that_were_renamed_are_refused_until_their_rights_have_moved(turns: Turns, look_first: bool) -> None:
    """New names say nothing of whose rights they need; by way of the credential's own robot, none is lost."""
    world = turns.world
    turns.begin()
    rights = turns.rights_of(PAIR[0])
    before = turns.held()
    renamed = turns.arguments(pair=["acme+new_a", "acme+new_b"])
    if look_first:
        (told,) = world.run("quay_token_info", {"credentials": [{"kind": "robot", **renamed}]})["credentials"]
        assert "holds the login of acme+pull_a, which was delivered there" in told["error"]
        return
    for check in (True, False):
        refused = world.run(MODULE, renamed, check=check)
        assert "run the task once with strategy: in_place and the former pair" in refused.message
        assert not world.writes
    assert turns.held() == before
    for options in ({"strategy": "in_place", "pair": list(PAIR)}, {"pair": ["acme+new_a", "acme+new_b"]}):
        turns.run(**options)
        assert turns.rights_of(turns.held()[0]) == rights
    assert turns.holds("acme+new_a")


def test_longest_name_of_a_robot_needs_no_pair(world: World) -> None:
    name = f"acme+{'a' * 255}"
    assert world.run(MODULE, {"name": name})["username"] == name


# --- what goes wrong


def test_rights_that_quay_does_not_show_are_named_and_nothing_is_tried(turns: Turns) -> None:
    world = turns.world
    old = turns.begin()
    world.login = world.people.alice.by_token(world.people.console, "org:admin repo:admin")
    predicted = world.check(MODULE, turns.arguments())
    result = turns.run()
    assert result.failed
    assert result.message == predicted.message
    assert "the repository permissions of robots" in result.message
    assert "copy_rights: false" in result.message
    assert world.writes == []
    assert turns.held() == (PAIR[0], old)
    assert turns.run(copy_rights=False)["username"] == PAIR[1]
    assert turns.rights_of(PAIR[1]) == {"repositories": {}, "teams": [], "defaults": []}


def test_secret_that_opens_less_is_not_delivered(turns: Turns) -> None:
    world = turns.world
    old = turns.begin()
    repository = world.quay.state.repositories["acme", "app"]
    world.before("GET /v2/auth", lambda: repository.user_roles.pop(PAIR[1]))
    result = turns.run()
    assert result.failed
    assert f"The new secret of {PAIR[1]} does not open what that of the active robot does: acme/app:p" in result.message
    assert turns.held() == (PAIR[0], old)
    assert turns.secret_of(PAIR[0]) == old
    assert turns.run()["username"] == PAIR[1]
    assert turns.holds(PAIR[1])


def test_write_on_a_repository_that_takes_no_pushes_is_no_lack(turns: Turns) -> None:
    turns.begin()
    turns.world.quay.state.repositories["acme", "app"].state = "READ_ONLY"
    assert turns.run()["username"] == PAIR[1]


def test_team_of_another_organization_is_named_and_not_guessed(turns: Turns) -> None:
    turns.begin()
    turns.world.quay.state.organizations["rival"].teams["owners"].members.append(PAIR[0])
    result = turns.run()
    assert result.warned("without telling their organization (owners)")
    assert turns.rights_of(PAIR[1])["teams"] == ["readers"]


@pytest.mark.parametrize("behind", [0, 1])
def test_delivery_that_was_cut_off_is_completed(turns: Turns, behind: int) -> None:
    """Of two secrets that are alive, the stores get the newer one; the older one ends a run later."""
    world = turns.world
    old = turns.begin()
    paths = [turns.auth_file, world.token_path]
    files = {path: path.read_bytes() for path in [*paths, *(Path(f"{path}.record.json") for path in paths)]}
    turns.run()
    for path in (paths[behind], Path(f"{paths[behind]}.record.json")):
        path.write_bytes(files[path])
    repaired = world.run(MODULE, turns.arguments())
    assert (repaired["reason"], repaired["minted"], repaired["delivered"]) == (
        "undelivered",
        False,
        [str(paths[behind])],
    )
    assert turns.holds(PAIR[1])
    assert turns.secret_of(PAIR[0]) == old
    assert turns.run()["retired"] == [handle(PAIR[0], old)]
    world.four_runs(MODULE, turns.arguments())


def test_store_left_behind_gets_the_present_secret_before_the_one_it_holds_dies(turns: Turns) -> None:
    """Two runs cut off in a row: the second one must not begin by ending what a store still holds."""
    world = turns.world
    turns.begin()
    kept = {path: path.read_bytes() for path in world.folder.iterdir() if "auth" in path.name}
    turns.run()
    for path, content in kept.items():
        path.write_bytes(content)
    present = turns.secret_of(PAIR[1])
    world.quay.faults.add("status", method="POST", path="/pull_a/regenerate$", status=502)
    assert turns.run(rotate="always").failed
    assert turns.held() == (PAIR[1], present)


def test_lost_record_is_written_again_and_the_idle_robot_is_not_trusted(turns: Turns) -> None:
    world = turns.world
    turns.begin()
    turns.run()
    turns.run()
    idle = turns.secret_of(PAIR[0])
    for record in world.folder.glob("*.record.json"):
        record.unlink()
    assert turns.run()["reason"] == "undelivered"
    assert turns.holds(PAIR[1])
    assert turns.run()["retired"] == [handle(PAIR[0], idle)]
    world.four_runs(MODULE, turns.arguments())


def test_lost_stores_get_the_secret_that_was_used_last(turns: Turns) -> None:
    world = turns.world
    turns.begin()
    turns.run()
    turns.run()
    world.robot(PAIR[1]).last_accessed = world.quay.clock.now()
    for path in world.folder.iterdir():
        path.unlink()
    result = turns.run()
    assert (result["reason"], result["minted"], result["username"]) == ("undelivered", False, PAIR[1])
    assert turns.holds(PAIR[1])


def test_robot_regenerated_by_hand_is_delivered_again(turns: Turns) -> None:
    world = turns.world
    turns.begin()
    world.people.alice.browser().call("POST", f"{ROBOTS}/pull_a/regenerate")
    result = turns.run(max_age="60d")
    assert (result["reason"], result["username"], result["minted"]) == ("undelivered", PAIR[0], False)
    assert turns.holds(PAIR[0])


def test_absent_pair_is_deleted_and_its_stores_are_cleared(turns: Turns) -> None:
    world = turns.world
    turns.begin()
    turns.run()
    runs = world.four_runs(MODULE, turns.arguments(state="absent"))
    assert runs.first.changed
    assert not set(PAIR) & world.quay.state.robots.keys()
    assert not world.token_path.exists()
    assert json.loads(turns.auth_file.read_text())["auths"] == {}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "nothing to hold it": ({"deliver": None}, "strategy: paired needs deliver or token_path"),
    "one robot twice": ({"pair": ["acme+x1", "acme+x1"]}, "pair must name two different robots"),
    "the robot itself": ({"pair": ["acme+x1", "acme+pull"]}, "pair must name two different robots"),
    "elsewhere": ({"pair": ["acme+x1", "rival+x1"]}, "both robots must be in the namespace of acme+pull"),
    "three robots": ({"pair": ["acme+x1", "acme+y1", "acme+z1"]}, "pair must name two different robots"),
    "no robot": ({"pair": ["acme+x1", "acme+../y"]}, "is not a valid robot name"),
    "grace": ({"retire_after": "30d"}, "retire_after must be shorter than max_age"),
    "federation": ({"federation": []}, "federation belongs to one robot"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(turns: Turns, case: str) -> None:
    options, words = BAD[case]
    result = turns.world.check(MODULE, turns.arguments(**options))
    assert result.failed
    assert words in result.message
    assert turns.world.requests == []


def test_eyes_of_the_role_see_what_the_module_would_do(turns: Turns) -> None:
    world = turns.world
    asked = {"kind": "robot", **turns.arguments()}
    info = {"credentials": [asked]}

    def look() -> tuple[str, str, list[str]]:
        (told,) = world.run("quay_token_info", info)["credentials"]
        assert world.requests == [f"GET {ROBOTS}"]
        return told["action"], told["reason"], told["holds"]

    assert look() == ("mint", "missing", ["absent", "absent"])
    turns.begin()
    assert look() == ("mint", "too_old", ["current", "current"])
    turns.run()
    assert look() == ("retire", "not_due", ["current", "current"])
    turns.run()
    assert look() == ("nothing", "not_due", ["current", "current"])
    Path(f"{world.token_path}.record.json").unlink()
    assert look() == ("deliver", "undelivered", ["current", "unrecorded"])
    asked["state"] = "absent"
    assert look()[:2] == ("remove", "not_due")
