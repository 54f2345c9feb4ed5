# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option `deliver` of the token modules: several stores hold one secret."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from functional.modules import Result, run_alone
from functional.world import World
from standin import tokens
from standin.tokens import fingerprint

OTHERS: dict[str, Any] = {"auths": {"docker.io": {"auth": "c29tZWJvZHk6ZWxzZQ=="}}, "credHelpers": {"gcr.io": "gcloud"}}


def api(world: World) -> dict[str, Any]:
    if world.quay.quay.family == "3.17":
        world.login = world.people.alice.by_password
    return {"organization": "acme", "client_id": world.people.automation, "name": "nightly"}


KINDS: dict[str, tuple[str, Callable[[World], dict[str, Any]]]] = {
    "robot": ("quay_robot_token", lambda world: {"name": "acme+ci"}),
    "api": ("quay_api_token", api),
    "referrers": ("quay_referrers_token", lambda world: {"repositories": ["acme/app"]}),
}


class Shelf:
    """The stores of one credential: a file of JSON, one of variables, and an entry in an auth file of others.

    A registry token is no password, so it goes into the two files only.
    """

    def __init__(self, world: World, kind: str = "robot") -> None:
        self.world, self.kind = world, kind
        self.module, arguments_of = KINDS[kind]
        self.json, self.env, self.auth = (world.folder / name for name in ("token.json", "token.env", "auth.json"))
        self.auth.write_text(json.dumps(OTHERS))
        self.auth.chmod(0o640)
        self.registry = f"127.0.0.1:{world.quay.port}"
        self.stores: list[dict[str, Any]] = [
            {"kind": "file", "path": str(self.json), "format": "json"},
            {"kind": "file", "path": str(self.env), "format": "env", "prefix": "CI_"},
        ]
        if kind != "referrers":
            self.stores.append({"kind": "container_auth", "path": str(self.auth)})
        self.arguments = {**arguments_of(world), "deliver": self.stores}

    @property
    def paths(self) -> list[str]:
        return [store["path"] for store in self.stores]

    @property
    def username(self) -> str:
        return {"robot": "acme+ci", "api": "$oauthtoken", "referrers": ""}[self.kind]

    def run(self, **more: Any) -> Result:
        return self.world.run(self.module, {**self.arguments, **more})

    def in_json(self) -> dict[str, Any]:
        held: dict[str, Any] = json.loads(self.json.read_text())
        return held

    def in_env(self) -> dict[str, str]:
        lines = [line for line in self.env.read_text().splitlines() if not line.startswith("#")]
        return {name: value.strip("'") for name, value in (line.split("=", 1) for line in lines)}

    def in_auth(self) -> tuple[str, str]:
        pair = json.loads(self.auth.read_text())["auths"][self.registry]["auth"]
        username, _colon, secret = base64.b64decode(pair).decode().partition(":")
        return username, secret

    def held(self) -> set[str]:
        """The fingerprints of what the stores hold."""
        held = [self.in_json()["token"], self.in_env()["CI_TOKEN"]]
        held += [self.in_auth()[1]] if len(self.stores) > len(held) else []
        return {fingerprint(secret) for secret in held}

    def assert_kept_well(self) -> None:
        """Whatever else the auth file holds is there, and no file has been opened to others."""
        document = json.loads(self.auth.read_text())
        assert document["auths"]["docker.io"] == OTHERS["auths"]["docker.io"]
        assert document["credHelpers"] == OTHERS["credHelpers"]
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (self.json, self.env, self.auth)]
        assert modes == [0o600, 0o600, 0o640]


@pytest.fixture(params=KINDS)
def shelf(request: pytest.FixtureRequest, either_login: World) -> Shelf:
    """The stores of a credential of each kind."""
    return Shelf(either_login, request.param)


@pytest.fixture
def robot_shelf(world: World) -> Shelf:
    return Shelf(world)


def living(world: World) -> set[str]:
    return set(world.tokens_of(world.people.automation))


def test_time_without_a_sound_token_is_reported(shelf: Shelf) -> None:
    assert shelf.world.check(shelf.module, shelf.arguments)["window_seconds"] is None
    made = shelf.run(rotate="always")["window_seconds"]
    assert isinstance(made, float)
    assert made > 0
    assert shelf.run(rotate="never")["window_seconds"] is None


def test_registry_token_does_not_go_into_an_auth_file(world: World) -> None:
    store = {"kind": "container_auth", "path": str(world.folder / "auth.json")}
    result = world.check("quay_referrers_token", {"repositories": ["acme/app"], "deliver": [store]})
    assert result.failed
    assert "a registry token is no password" in result.message
    assert world.requests == []


def test_secret_goes_into_every_store(shelf: Shelf) -> None:
    world = shelf.world
    runs = world.four_runs(shelf.module, shelf.arguments)
    result = runs.first
    assert result.changed
    assert result["token"] is None
    assert runs.predicted["delivered"] == result["delivered"] == shelf.paths
    assert runs.second["delivered"] == []
    assert shelf.held() == {result["fingerprint"]}
    shelf.assert_kept_well()
    assert shelf.in_json() | {"token": None} == {
        "token": None,
        "username": shelf.username,
        "registry": shelf.registry,
        "api_url": f"{world.quay.url}/api/v1",
        "name": result["name"],
        "fingerprint": result["fingerprint"],
        "created_at": result["created_at"],
        "expires_at": result["expires_at"],
        "uuid": result["uuid"],
        "superseded": None,
    }
    assert shelf.in_env() | {"CI_TOKEN": ""} == {
        "CI_TOKEN": "",
        "CI_USERNAME": shelf.username,
        "CI_REGISTRY": shelf.registry,
        "CI_API_URL": f"{world.quay.url}/api/v1",
    }
    assert shelf.kind == "referrers" or shelf.in_auth()[0] == shelf.username
    assert result.diff["before"]["deliver"] == dict.fromkeys(shelf.paths, "absent")
    assert result.diff["after"]["deliver"] == dict.fromkeys(shelf.paths, "current" if shelf.kind == "robot" else "new")


@pytest.mark.parametrize("position", [0, -1], ids=["first", "last"])
def test_store_that_lost_it_gets_it_again_without_a_new_one(shelf: Shelf, position: int) -> None:
    made = shelf.run()
    path = Path(shelf.paths[position])
    path.write_text(json.dumps(OTHERS) if path == shelf.auth else "")
    runs = shelf.world.four_runs(shelf.module, shelf.arguments)
    assert (runs.first["reason"], runs.first["minted"]) == ("undelivered", False)
    assert runs.first["delivered"] == [str(path)]
    assert shelf.held() == {made["fingerprint"]}
    before = runs.first.diff["before"]["deliver"]
    assert {place for place, word in before.items() if word != "current"} == {str(path)}
    assert runs.first.diff["after"]["deliver"] == dict.fromkeys(shelf.paths, "current")


def test_store_that_somebody_edited_is_repaired(shelf: Shelf) -> None:
    made = shelf.run()
    shelf.env.write_text(f"CI_TOKEN={'S' * 40}\n")
    result = shelf.run()
    assert (result["reason"], result["minted"], result["delivered"]) == ("undelivered", False, [str(shelf.env)])
    assert shelf.held() == {made["fingerprint"]}


@pytest.mark.parametrize("mode", [0o644, 0o400])
def test_file_whose_permissions_drifted_is_repaired(shelf: Shelf, mode: int) -> None:
    made = shelf.run()
    shelf.json.chmod(mode)
    runs = shelf.world.four_runs(shelf.module, shelf.arguments)
    assert (runs.first["minted"], runs.first["delivered"]) == (False, [str(shelf.json)])
    assert runs.first.diff["before"]["deliver"][str(shelf.json)] == "unguarded"
    assert shelf.held() == {made["fingerprint"]}
    shelf.assert_kept_well()


def test_rotation_replaces_it_in_every_store(shelf: Shelf) -> None:
    world = shelf.world
    old = shelf.run()["fingerprint"]
    # A registry token of the same second would be the same.
    world.advance(seconds=5)
    runs = world.four_runs(shelf.module, {**shelf.arguments, "rotate": "always"}, idempotent=False)
    assert runs.first["delivered"] == shelf.paths
    assert shelf.held() == {runs.second["fingerprint"]}
    assert old not in shelf.held()
    shelf.assert_kept_well()
    if shelf.kind == "api":
        assert living(world) == {runs.second["uuid"]}


def test_place_that_cannot_be_written_is_found_before_anything_is_tried(shelf: Shelf) -> None:
    world = shelf.world
    stores = [*shelf.stores, {"kind": "file", "path": str(world.folder / "none" / "token")}]
    arguments = {**shelf.arguments, "deliver": stores}
    files = world.files()
    predicted, result = world.check(shelf.module, arguments), world.run(shelf.module, arguments)
    assert predicted.message == result.message
    assert f"the directory {world.folder / 'none'} does not exist" in result.message
    assert world.writes == []
    assert world.files() == files


def test_delivery_that_is_interrupted_is_taken_up_by_the_next_run(shelf: Shelf) -> None:
    """The first store has the new secret, the others have not: nothing is made a second time."""
    world = shelf.world
    made = shelf.run()
    world.advance(seconds=5)
    present = shelf.env.read_text()

    def obstruct() -> None:
        shelf.env.unlink()
        shelf.env.mkdir()

    # On older servers the held token is proved first.
    proofs = 2 if shelf.kind == "api" and world.quay.quay.family == "3.17" else 1
    for number in range(proofs):
        world.before("GET /v2/auth", obstruct if number == proofs - 1 else lambda: None)
    interrupted = shelf.run(rotate="always")
    assert interrupted.failed
    assert str(shelf.env) in interrupted.message
    shelf.env.rmdir()
    shelf.env.write_text(present)
    shelf.env.chmod(0o600)
    new = fingerprint(shelf.in_json()["token"])
    assert new != made["fingerprint"]
    repaired = shelf.run()
    assert (repaired["reason"], repaired["minted"]) == ("undelivered", False)
    assert shelf.held() == {new}
    shelf.assert_kept_well()
    if shelf.kind == "api":
        assert living(world) == {repaired["uuid"]}


def test_two_runs_at_once_make_one_secret(shelf: Shelf) -> None:
    """The second waits for the first, and finds the stores filled."""
    world = shelf.world
    request = {"robot": "GET /api/v1/organization/acme/robots/ci", "api": "POST", "referrers": "GET /v2/auth"}
    with ThreadPoolExecutor() as pool:
        others: list[Future[Result]] = []
        second = {"quay_host": world.quay.url, **world.login, **shelf.arguments}
        world.before(request[shelf.kind], lambda: others.append(pool.submit(run_alone, shelf.module, second)))
        first = shelf.run()
        other = others[0].result()
    assert not other.failed, other.message
    assert {first.changed, other.changed} == {True, False}
    assert first["fingerprint"] == other["fingerprint"]
    assert shelf.held() == {first["fingerprint"]}
    if shelf.kind == "api":
        assert living(world) == {first["uuid"]}


def test_leftover_of_another_store_is_retired_though_nobody_chose_its_name(world: World) -> None:
    """It was ours, whatever it is called; nobody else would ever revoke it."""
    shelf = Shelf(world, "api")
    del shelf.arguments["name"]
    first = shelf.run()
    present = shelf.env.read_text()
    world.advance(seconds=5)
    second = shelf.run(rotate="always", revoke_superseded=False)
    assert second["superseded"] == [first["uuid"]]
    shelf.env.write_text(present)
    result = shelf.run()
    assert (result["reason"], result["uuid"]) == ("undelivered", second["uuid"])
    assert shelf.held() == {second["fingerprint"]}
    assert living(world) == {second["uuid"]}


def test_robot_whose_stores_hold_another_token_is_not_regenerated(robot_shelf: Shelf) -> None:
    shelf, world = robot_shelf, robot_shelf.world
    shelf.run()
    world.robot().token = tokens.robot_token()
    result = shelf.run()
    assert (result["reason"], result["minted"], result["delivered"]) == ("undelivered", False, shelf.paths)
    assert shelf.held() == {world.robot_token()}


@pytest.mark.parametrize("kind", ["robot", "api"])
def test_absent_clears_every_store_and_nothing_else(either_login: World, kind: str) -> None:
    world, shelf = either_login, Shelf(either_login, kind)
    shelf.run()
    runs = world.four_runs(shelf.module, {**shelf.arguments, "state": "absent"})
    assert runs.first.diff["before"]["deliver"] == dict.fromkeys(shelf.paths, "present")
    assert runs.first.diff["after"]["deliver"] == dict.fromkeys(shelf.paths, "absent")
    assert [path.name for path in world.folder.iterdir()] == [shelf.auth.name]
    assert json.loads(shelf.auth.read_text()) == OTHERS
    assert stat.S_IMODE(shelf.auth.stat().st_mode) == 0o640


def test_absent_leaves_a_login_that_is_not_ours(robot_shelf: Shelf) -> None:
    shelf, world = robot_shelf, robot_shelf.world
    shelf.run(name="acme+other")
    result = shelf.run(state="absent")
    assert "acme+ci" not in world.quay.state.robots
    assert shelf.held() == {world.robot_token("acme+other")}
    for path in shelf.paths:
        assert result.warned(f"{path} holds the login of acme+other and was left as it is")


@pytest.mark.parametrize("form", ["token", "json", "yaml", "env"])
def test_every_form_can_be_read_again(either_login: World, form: str) -> None:
    world, path = either_login, either_login.folder / "secret"
    world.advance(days=100)
    store = {"kind": "file", "path": str(path), "format": form}
    arguments = {"name": "acme+ci", "deliver": [store], "max_age": "30d"}
    runs = world.four_runs("quay_robot_token", arguments)
    assert (runs.first["reason"], runs.second["reason"]) == ("too_old", "not_due")
    assert fingerprint(read_again(path, form)) == world.robot_token()
    world.advance(days=29)
    again = world.run("quay_robot_token", arguments)
    assert (again["age_source"], again["created_at"]) == ("record", runs.first["created_at"])


def read_again(path: Path, form: str) -> str:
    """The secret as a consumer finds it."""
    text = path.read_text()
    if form == "token":
        return text.strip()
    if form == "env":
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)["QUAY_TOKEN"]
    return str((json.loads(text) if form == "json" else yaml.safe_load(text))["token"])


def test_entry_is_written_for_the_registry_that_consumers_name(robot_shelf: Shelf) -> None:
    store = {"kind": "container_auth", "path": str(robot_shelf.auth), "registry": "quay.example.com"}
    robot_shelf.run(deliver=[store])
    assert set(json.loads(robot_shelf.auth.read_text())["auths"]) == {"docker.io", "quay.example.com"}


@pytest.mark.parametrize("content", ["not json", "[]", '{"auths": []}'], ids=["text", "list", "no object"])
def test_file_that_is_no_auth_file_is_left_as_it_is(robot_shelf: Shelf, content: str) -> None:
    robot_shelf.auth.write_text(content)
    result = robot_shelf.run(rotate="always")
    assert "is no container auth file" in result.message
    assert robot_shelf.auth.read_text() == content
    assert robot_shelf.world.writes == []
