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


class Shelf:
    """Three stores: a file of JSON, one of variables, and an entry in an auth file that others use as well."""

    def __init__(self, world: World, *, fresh: bool = True) -> None:
        self.world = world
        self.json, self.env, self.auth = (world.folder / name for name in ("token.json", "token.env", "auth.json"))
        if fresh:
            self.auth.write_text(json.dumps(OTHERS))
            self.auth.chmod(0o640)
        self.registry = f"127.0.0.1:{world.quay.port}"

    @property
    def paths(self) -> list[str]:
        return [str(path) for path in (self.json, self.env, self.auth)]

    @property
    def option(self) -> dict[str, list[dict[str, str]]]:
        return {
            "deliver": [
                {"kind": "file", "path": str(self.json), "format": "json"},
                {"kind": "file", "path": str(self.env), "format": "env", "prefix": "CI_"},
                {"kind": "container_auth", "path": str(self.auth)},
            ]
        }

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

    def held(self) -> list[str]:
        """The fingerprints of what the three hold."""
        return [fingerprint(text) for text in (self.in_json()["token"], self.in_env()["CI_TOKEN"], self.in_auth()[1])]

    def assert_kept_well(self) -> None:
        """Whatever else the auth file holds is there, and no file has been opened to others."""
        document = json.loads(self.auth.read_text())
        assert document["auths"]["docker.io"] == OTHERS["auths"]["docker.io"]
        assert document["credHelpers"] == OTHERS["credHelpers"]
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (self.json, self.env, self.auth)]
        assert modes == [0o600, 0o600, 0o640]


@pytest.fixture
def shelf(either_login: World) -> Shelf:
    return Shelf(either_login)


Kind = tuple[str, Callable[[World], dict[str, Any]]]


def api(world: World) -> dict[str, Any]:
    if world.quay.quay.family == "3.17":
        world.login = world.people.alice.by_password
    return {"organization": "acme", "client_id": world.people.automation, "name": "nightly"}


KINDS: dict[str, Kind] = {
    "robot": ("quay_robot_token", lambda world: {"name": "acme+ci"}),
    "api": ("quay_api_token", api),
    "referrers": ("quay_referrers_token", lambda world: {"repositories": ["acme/app"]}),
}

every_kind = pytest.mark.parametrize("kind", KINDS)


def living(world: World) -> set[str]:
    return set(world.tokens_of(world.people.automation))


@every_kind
def test_secret_goes_into_every_store(shelf: Shelf, kind: str) -> None:
    module, arguments_of = KINDS[kind]
    world = shelf.world
    runs = world.four_runs(module, {**arguments_of(world), **shelf.option})
    result = runs.first
    assert result.changed
    assert result["token"] is None
    assert runs.predicted["delivered"] == result["delivered"] == shelf.paths
    assert runs.second["delivered"] == []
    assert shelf.held() == [result["fingerprint"]] * 3
    shelf.assert_kept_well()
    name = {"robot": "acme+ci", "api": "$oauthtoken", "referrers": ""}[kind]
    assert shelf.in_json() | {"token": None} == {
        "token": None,
        "username": name,
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
        "CI_USERNAME": name,
        "CI_REGISTRY": shelf.registry,
        "CI_API_URL": f"{world.quay.url}/api/v1",
    }
    assert shelf.in_auth()[0] == name
    assert set(result.diff["before"]["deliver"]) == set(shelf.paths)
    assert set(result.diff["before"]["deliver"].values()) == {"absent"}


@every_kind
@pytest.mark.parametrize("lost", ["json", "env", "auth"])
def test_store_that_lost_it_gets_it_again_without_a_new_one(world: World, kind: str, lost: str) -> None:
    module, arguments_of = KINDS[kind]
    shelf = Shelf(world)
    arguments = {**arguments_of(world), **shelf.option}
    made = world.run(module, arguments)
    path: Path = getattr(shelf, lost)
    path.write_text("{}" if lost == "auth" else "")
    shelf.auth.write_text(json.dumps(OTHERS) if lost == "auth" else shelf.auth.read_text())
    runs = world.four_runs(module, arguments)
    assert (runs.first["reason"], runs.first["minted"]) == ("undelivered", False)
    assert runs.first["delivered"] == [str(path)]
    assert shelf.held() == [made["fingerprint"]] * 3
    before = runs.first.diff["before"]["deliver"]
    assert {place for place, word in before.items() if word != "current"} == {str(path)}
    assert set(runs.first.diff["after"]["deliver"].values()) == {"current"}


@every_kind
def test_store_that_somebody_edited_is_repaired(world: World, kind: str) -> None:
    module, arguments_of = KINDS[kind]
    shelf = Shelf(world)
    arguments = {**arguments_of(world), **shelf.option}
    made = world.run(module, arguments)
    shelf.env.write_text(f"CI_TOKEN={'S' * 40}\n")
    result = world.run(module, arguments)
    assert (result["reason"], result["minted"], result["delivered"]) == ("undelivered", False, [str(shelf.env)])
    assert shelf.held() == [made["fingerprint"]] * 3


@every_kind
@pytest.mark.parametrize("mode", [0o644, 0o400])
def test_file_whose_permissions_drifted_is_repaired(world: World, kind: str, mode: int) -> None:
    module, arguments_of = KINDS[kind]
    shelf = Shelf(world)
    arguments = {**arguments_of(world), **shelf.option}
    made = world.run(module, arguments)
    shelf.json.chmod(mode)
    runs = world.four_runs(module, arguments)
    assert (runs.first["minted"], runs.first["delivered"]) == (False, [str(shelf.json)])
    assert runs.first.diff["before"]["deliver"][str(shelf.json)] == "unguarded"
    assert shelf.held() == [made["fingerprint"]] * 3
    shelf.assert_kept_well()


@every_kind
def test_rotation_replaces_it_in_every_store(shelf: Shelf, kind: str) -> None:
    module, arguments_of = KINDS[kind]
    world = shelf.world
    arguments = {**arguments_of(world), **shelf.option}
    old = world.run(module, arguments)["fingerprint"]
    world.advance(seconds=5)
    runs = world.four_runs(module, {**arguments, "rotate": "always"}, idempotent=False)
    assert runs.first["delivered"] == shelf.paths
    assert shelf.held() == [runs.second["fingerprint"]] * 3
    assert old not in shelf.held()
    shelf.assert_kept_well()
    if kind == "api":
        assert living(world) == {runs.second["uuid"]}


@every_kind
def test_place_that_cannot_be_written_is_found_before_anything_is_tried(world: World, kind: str) -> None:
    module, arguments_of = KINDS[kind]
    shelf = Shelf(world)
    stores = [*shelf.option["deliver"], {"kind": "file", "path": str(world.folder / "none" / "token")}]
    arguments = {**arguments_of(world), "deliver": stores}
    files = world.files()
    predicted, result = world.check(module, arguments), world.run(module, arguments)
    assert predicted.message == result.message
    assert f"the directory {world.folder / 'none'} does not exist" in result.message
    assert world.writes == []
    assert world.files() == files


@every_kind
def test_delivery_that_is_interrupted_is_taken_up_by_the_next_run(world: World, kind: str) -> None:
    """The first store has the new secret, the others have not: nothing is made a second time."""
    module, arguments_of = KINDS[kind]
    shelf = Shelf(world)
    arguments = {**arguments_of(world), **shelf.option}
    made = world.run(module, arguments)
    world.advance(seconds=5)
    present = shelf.env.read_text()

    def obstruct() -> None:
        shelf.env.unlink()
        shelf.env.mkdir()

    proofs = 2 if kind == "api" and world.quay.quay.family == "3.17" else 1
    for number in range(proofs):
        world.before("GET /v2/auth", obstruct if number == proofs - 1 else lambda: None)
    interrupted = world.run(module, {**arguments, "rotate": "always"})
    assert interrupted.failed
    assert str(shelf.env) in interrupted.message
    shelf.env.rmdir()
    shelf.env.write_text(present)
    shelf.env.chmod(0o600)
    new = fingerprint(shelf.in_json()["token"])
    assert new != made["fingerprint"]
    repaired = world.run(module, arguments)
    assert (repaired["reason"], repaired["minted"]) == ("undelivered", False)
    assert shelf.held() == [new] * 3
    shelf.assert_kept_well()
    if kind == "api":
        assert living(world) == {repaired["uuid"]}


def test_nobody_is_left_with_a_dead_token_when_a_name_was_not_chosen(world: World) -> None:
    """What another store held is retired as well: it was ours, whatever its name."""
    shelf = Shelf(world)
    arguments = {key: value for key, value in {**api(world), **shelf.option}.items() if key != "name"}
    first = world.run("quay_api_token", arguments)
    present = shelf.env.read_text()
    world.advance(seconds=5)
    second = world.run("quay_api_token", {**arguments, "rotate": "always", "revoke_superseded": False})
    assert second["superseded"] == [first["uuid"]]
    shelf.env.write_text(present)
    result = world.run("quay_api_token", arguments)
    assert (result["reason"], result["uuid"]) == ("undelivered", second["uuid"])
    assert shelf.held() == [second["fingerprint"]] * 3
    assert living(world) == {second["uuid"]}


def test_robot_whose_stores_hold_another_token_is_not_regenerated(world: World) -> None:
    shelf = Shelf(world)
    world.run("quay_robot_token", {"name": "acme+ci", **shelf.option})
    world.robot().token = tokens.robot_token()
    result = world.run("quay_robot_token", {"name": "acme+ci", **shelf.option})
    assert (result["reason"], result["minted"], result["delivered"]) == ("undelivered", False, shelf.paths)
    assert shelf.held() == [world.robot_token()] * 3


@pytest.mark.parametrize("kind", ["robot", "api"])
def test_absent_clears_every_store_and_nothing_else(shelf: Shelf, kind: str) -> None:
    module, arguments_of = KINDS[kind]
    world = shelf.world
    arguments = {**arguments_of(world), **shelf.option}
    world.run(module, arguments)
    runs = world.four_runs(module, {**arguments, "state": "absent"})
    assert runs.first.diff["before"]["deliver"] == dict.fromkeys(shelf.paths, "present")
    assert runs.first.diff["after"]["deliver"] == dict.fromkeys(shelf.paths, "absent")
    assert [path.name for path in world.folder.iterdir()] == [shelf.auth.name]
    assert json.loads(shelf.auth.read_text()) == OTHERS
    assert stat.S_IMODE(shelf.auth.stat().st_mode) == 0o640


def test_absent_leaves_a_login_that_is_not_ours(world: World) -> None:
    shelf = Shelf(world)
    world.run("quay_robot_token", {"name": "acme+other", **shelf.option})
    result = world.run("quay_robot_token", {"name": "acme+ci", **shelf.option, "state": "absent"})
    assert "acme+ci" not in world.quay.state.robots
    assert shelf.held() == [world.robot_token("acme+other")] * 3
    for path in shelf.paths:
        assert result.warned(f"{path} holds the login of acme+other and was left as it is")


@pytest.mark.parametrize("form", ["token", "json", "yaml", "env"])
def test_every_form_can_be_read_again(either_login: World, form: str) -> None:
    world = either_login
    path = world.folder / "secret"
    arguments = {"name": "acme+ci", "deliver": [{"kind": "file", "path": str(path), "format": form}], "max_age": "30d"}
    runs = world.four_runs("quay_robot_token", arguments)
    assert runs.second["reason"] == "not_due"
    text = path.read_text()
    if form == "json":
        secret = json.loads(text)["token"]
    elif form == "yaml":
        secret = yaml.safe_load(text)["token"]
    elif form == "env":
        secret = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)["QUAY_TOKEN"]
    else:
        secret = text.strip()
    assert fingerprint(secret) == world.robot_token()
    world.advance(days=29)
    assert world.run("quay_robot_token", arguments)["age_source"] in ("record", "creation")


def test_entry_is_written_for_the_registry_that_consumers_name(world: World) -> None:
    shelf = Shelf(world)
    store = {"kind": "container_auth", "path": str(shelf.auth), "registry": "quay.example.com"}
    world.run("quay_robot_token", {"name": "acme+ci", "deliver": [store]})
    assert set(json.loads(shelf.auth.read_text())["auths"]) == {"docker.io", "quay.example.com"}


@pytest.mark.parametrize("content", ["not json", "[]", '{"auths": []}'], ids=["text", "list", "no object"])
def test_file_that_is_no_auth_file_is_left_as_it_is(world: World, content: str) -> None:
    shelf = Shelf(world)
    shelf.auth.write_text(content)
    result = world.run("quay_robot_token", {"name": "acme+ci", "rotate": "always", **shelf.option})
    assert "is no container auth file" in result.message
    assert shelf.auth.read_text() == content
    assert world.writes == []


@every_kind
def test_two_runs_at_once_make_one_secret(world: World, kind: str) -> None:
    """The second waits for the first, and finds the stores filled."""
    module, arguments_of = KINDS[kind]
    arguments = {**arguments_of(world), **Shelf(world).option}
    mint = {"robot": "GET /api/v1/organization/acme/robots/ci", "api": "POST", "referrers": "GET /v2/auth"}[kind]
    with ThreadPoolExecutor() as pool:
        others: list[Future[Result]] = []
        second = {"quay_host": world.quay.url, **world.login, **arguments}
        world.before(mint, lambda: others.append(pool.submit(run_alone, module, second)))
        first = world.run(module, arguments)
        other = others[0].result()
    assert not other.failed, other.message
    assert {first.changed, other.changed} == {True, False}
    assert first["fingerprint"] == other["fingerprint"]
    assert set(Shelf(world, fresh=False).held()) == {first["fingerprint"]}
    if kind == "api":
        assert living(world) == {first["uuid"]}
