# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option `deliver` of the token modules: one secret in several stores."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from functional.harness import Harness, assert_refused
from functional.module_runner import Result, run_standalone
from standin import tokens
from standin.tokens import fingerprint

FOREIGN_CONTENT: dict[str, Any] = {
    "auths": {"docker.io": {"auth": "c29tZWJvZHk6ZWxzZQ=="}},
    "credHelpers": {"gcr.io": "gcloud"},
}


def api(harness: Harness) -> dict[str, Any]:
    if harness.quay.quay.family == "3.17":
        harness.login = harness.accounts.alice.by_password
    return {"organization": "acme", "client_id": harness.accounts.automation, "name": "nightly"}


KINDS: dict[str, tuple[str, Callable[[Harness], dict[str, Any]]]] = {
    "robot": ("quay_robot_token", lambda harness: {"name": "acme+ci"}),
    "api": ("quay_api_token", api),
    "referrers": ("quay_referrers_token", lambda harness: {"repositories": ["acme/app"]}),
}


class Stores:
    """The stores of one credential: a JSON file, an env file, and an entry in an auth file with other logins.

    A registry token is no password, so it is delivered to the two files only.
    """

    def __init__(self, harness: Harness, kind: str = "robot") -> None:
        self.harness, self.kind = harness, kind
        self.module, arguments_of = KINDS[kind]
        self.json, self.env, self.auth = (harness.folder / name for name in ("token.json", "token.env", "auth.json"))
        self.auth.write_text(json.dumps(FOREIGN_CONTENT))
        self.auth.chmod(0o640)
        self.registry = f"127.0.0.1:{harness.quay.port}"
        self.deliver: list[dict[str, Any]] = [
            {"kind": "file", "path": str(self.json), "format": "json"},
            {"kind": "file", "path": str(self.env), "format": "env", "prefix": "CI_"},
        ]
        if kind != "referrers":
            self.deliver.append({"kind": "container_auth", "path": str(self.auth)})
        self.arguments = {**arguments_of(harness), "deliver": self.deliver}

    @property
    def paths(self) -> list[str]:
        return [store["path"] for store in self.deliver]

    @property
    def username(self) -> str:
        return {"robot": "acme+ci", "api": "$oauthtoken", "referrers": ""}[self.kind]

    def run(self, **more: Any) -> Result:
        return self.harness.run(self.module, {**self.arguments, **more})

    def read_json(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.json.read_text())
        return content

    def read_env(self) -> dict[str, str]:
        lines = [line for line in self.env.read_text().splitlines() if not line.startswith("#")]
        return {name: value.strip("'") for name, value in (line.split("=", 1) for line in lines)}

    def read_auth(self) -> tuple[str, str]:
        pair = json.loads(self.auth.read_text())["auths"][self.registry]["auth"]
        username, _colon, secret = base64.b64decode(pair).decode().partition(":")
        return username, secret

    def fingerprints(self) -> set[str]:
        """The fingerprints of the secrets in the stores."""
        secrets = [self.read_json()["token"], self.read_env()["CI_TOKEN"]]
        secrets += [self.read_auth()[1]] if len(self.deliver) > len(secrets) else []
        return {fingerprint(secret) for secret in secrets}

    def assert_rest_unchanged(self) -> None:
        """Assert that the other content of the auth file and the modes of all files are unchanged."""
        document = json.loads(self.auth.read_text())
        assert document["auths"]["docker.io"] == FOREIGN_CONTENT["auths"]["docker.io"]
        assert document["credHelpers"] == FOREIGN_CONTENT["credHelpers"]
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (self.json, self.env, self.auth)]
        assert modes == [0o600, 0o600, 0o640]


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest, either_login: Harness) -> Stores:
    """The stores of a credential of each kind."""
    return Stores(either_login, request.param)


@pytest.fixture
def robot_stores(harness: Harness) -> Stores:
    return Stores(harness)


def valid_uuids(harness: Harness) -> set[str]:
    return set(harness.valid_tokens(harness.accounts.automation))


def test_time_without_a_valid_token_is_reported(stores: Stores) -> None:
    assert stores.harness.check(stores.module, stores.arguments)["window_seconds"] is None
    made = stores.run(rotate="always")["window_seconds"]
    assert isinstance(made, float)
    assert made > 0
    assert stores.run(rotate="never")["window_seconds"] is None


def test_registry_token_is_refused_for_an_auth_file(harness: Harness) -> None:
    store = {"kind": "container_auth", "path": str(harness.folder / "auth.json")}
    result = harness.check("quay_referrers_token", {"repositories": ["acme/app"], "deliver": [store]})
    assert result.failed
    assert "a registry token is not a password" in result.message
    assert harness.requests == []


def test_secret_is_written_to_every_store(stores: Stores) -> None:
    harness = stores.harness
    runs = harness.four_runs(stores.module, stores.arguments)
    result = runs.first
    assert result.changed
    assert result["token"] is None
    assert runs.predicted["delivered"] == result["delivered"] == stores.paths
    assert runs.second["delivered"] == []
    assert stores.fingerprints() == {result["fingerprint"]}
    stores.assert_rest_unchanged()
    assert stores.read_json() | {"token": None} == {
        "token": None,
        "username": stores.username,
        "registry": stores.registry,
        "api_url": f"{harness.quay.url}/api/v1",
        "name": result["name"],
        "fingerprint": result["fingerprint"],
        "created_at": result["created_at"],
        "expires_at": result["expires_at"],
        "uuid": result["uuid"],
        "superseded": None,
    }
    assert stores.read_env() | {"CI_TOKEN": ""} == {
        "CI_TOKEN": "",
        "CI_USERNAME": stores.username,
        "CI_REGISTRY": stores.registry,
        "CI_API_URL": f"{harness.quay.url}/api/v1",
    }
    assert stores.kind == "referrers" or stores.read_auth()[0] == stores.username
    assert result.diff["before"]["deliver"] == dict.fromkeys(stores.paths, "absent")
    assert result.diff["after"]["deliver"] == dict.fromkeys(
        stores.paths, "current" if stores.kind == "robot" else "new"
    )


@pytest.mark.parametrize("position", [0, -1], ids=["first", "last"])
def test_emptied_store_gets_the_same_secret_again(stores: Stores, position: int) -> None:
    made = stores.run()
    path = Path(stores.paths[position])
    path.write_text(json.dumps(FOREIGN_CONTENT) if path == stores.auth else "")
    runs = stores.harness.four_runs(stores.module, stores.arguments)
    assert (runs.first["reason"], runs.first["minted"]) == ("undelivered", False)
    assert runs.first["delivered"] == [str(path)]
    assert stores.fingerprints() == {made["fingerprint"]}
    before = runs.first.diff["before"]["deliver"]
    assert {place for place, word in before.items() if word != "current"} == {str(path)}
    assert runs.first.diff["after"]["deliver"] == dict.fromkeys(stores.paths, "current")


def test_edited_store_is_repaired(stores: Stores) -> None:
    made = stores.run()
    stores.env.write_text(f"CI_TOKEN={'S' * 40}\n")
    result = stores.run()
    assert (result["reason"], result["minted"], result["delivered"]) == ("undelivered", False, [str(stores.env)])
    assert stores.fingerprints() == {made["fingerprint"]}


@pytest.mark.parametrize("mode", [0o644, 0o400])
def test_file_whose_permissions_drifted_is_repaired(stores: Stores, mode: int) -> None:
    """If the mode is declared. Otherwise it is kept."""
    made = stores.run()
    stores.json.chmod(mode)
    assert not stores.run().changed
    assert stat.S_IMODE(stores.json.stat().st_mode) == mode
    deliver = [{**store, "mode": "0600"} if store["path"] == str(stores.json) else store for store in stores.deliver]
    runs = stores.harness.four_runs(stores.module, {**stores.arguments, "deliver": deliver})
    assert (runs.first["minted"], runs.first["delivered"]) == (False, [str(stores.json)])
    assert runs.first.diff["before"]["deliver"][str(stores.json)] == "wrong_permissions"
    assert stores.fingerprints() == {made["fingerprint"]}
    stores.assert_rest_unchanged()


def test_rotation_replaces_the_secret_in_every_store(stores: Stores) -> None:
    harness = stores.harness
    old = stores.run()["fingerprint"]
    # Two registry tokens of the same second are equal.
    harness.advance(seconds=5)
    runs = harness.four_runs(stores.module, {**stores.arguments, "rotate": "always"}, idempotent=False)
    assert runs.first["delivered"] == stores.paths
    assert stores.fingerprints() == {runs.second["fingerprint"]}
    assert old not in stores.fingerprints()
    stores.assert_rest_unchanged()
    if stores.kind == "api":
        assert valid_uuids(harness) == {runs.second["uuid"]}


def test_unwritable_store_is_detected_before_any_change(stores: Stores) -> None:
    harness = stores.harness
    deliver = [*stores.deliver, {"kind": "file", "path": str(harness.folder / "none" / "token")}]
    arguments = {**stores.arguments, "deliver": deliver}
    files = harness.files()
    predicted, result = harness.check(stores.module, arguments), harness.run(stores.module, arguments)
    assert predicted.message == result.message
    assert f"the directory {harness.folder / 'none'} does not exist" in result.message
    assert harness.writes == []
    assert harness.files() == files


def test_interrupted_delivery_is_completed_by_the_next_run(stores: Stores) -> None:
    """Only the first store has the new secret: no second one is created."""
    harness = stores.harness
    made = stores.run()
    harness.advance(seconds=5)
    present = stores.env.read_text()

    def obstruct() -> None:
        stores.env.unlink()
        stores.env.mkdir()

    # While the new secret is verified. A registry token is issued by the same request.
    if stores.kind == "referrers":
        harness.before_request("GET /v2/auth", obstruct)
    else:
        issued = "POST .*/(regenerate|tokens|authorizeapp)$"
        harness.before_request(issued, lambda: harness.before_request("GET /v2/auth", obstruct))
    interrupted = stores.run(rotate="always")
    assert interrupted.failed
    assert str(stores.env) in interrupted.message
    stores.env.rmdir()
    stores.env.write_text(present)
    stores.env.chmod(0o600)
    new = fingerprint(stores.read_json()["token"])
    assert new != made["fingerprint"]
    repaired = stores.run()
    assert (repaired["reason"], repaired["minted"]) == ("undelivered", False)
    assert stores.fingerprints() == {new}
    stores.assert_rest_unchanged()
    if stores.kind == "api":
        assert valid_uuids(harness) == {repaired["uuid"]}


def test_two_concurrent_runs_create_one_secret(stores: Stores) -> None:
    """The second run waits for the first and finds the secret in the stores."""
    harness = stores.harness
    request = {"robot": "GET /api/v1/organization/acme/robots/ci", "api": "POST", "referrers": "GET /v2/auth"}
    with ThreadPoolExecutor() as pool:
        others: list[Future[Result]] = []
        second = {"quay_host": harness.quay.url, **harness.login, **stores.arguments}
        harness.before_request(
            request[stores.kind], lambda: others.append(pool.submit(run_standalone, stores.module, second))
        )
        first = stores.run()
        other = others[0].result()
    assert not other.failed, other.message
    assert {first.changed, other.changed} == {True, False}
    assert first["fingerprint"] == other["fingerprint"]
    assert stores.fingerprints() == {first["fingerprint"]}
    if stores.kind == "api":
        assert valid_uuids(harness) == {first["uuid"]}


def test_superseded_token_in_a_store_is_retired_despite_the_default_name(harness: Harness) -> None:
    """The store shows that the token belongs to the credential, so its default name does not matter."""
    stores = Stores(harness, "api")
    del stores.arguments["name"]
    first = stores.run()
    present = stores.env.read_text()
    harness.advance(seconds=5)
    second = stores.run(rotate="always", revoke_superseded=False)
    assert second["superseded"] == [first["uuid"]]
    stores.env.write_text(present)
    result = stores.run()
    assert (result["reason"], result["uuid"]) == ("undelivered", second["uuid"])
    assert stores.fingerprints() == {second["fingerprint"]}
    assert valid_uuids(harness) == {second["uuid"]}


def test_robot_whose_stores_hold_another_token_is_not_regenerated(robot_stores: Stores) -> None:
    stores, harness = robot_stores, robot_stores.harness
    stores.run()
    harness.robot().token = tokens.robot_token()
    result = stores.run()
    assert (result["reason"], result["minted"], result["delivered"]) == ("undelivered", False, stores.paths)
    assert stores.fingerprints() == {harness.robot_fingerprint()}


@pytest.mark.parametrize("kind", ["robot", "api"])
def test_absent_clears_every_store_and_nothing_else(either_login: Harness, kind: str) -> None:
    harness, stores = either_login, Stores(either_login, kind)
    stores.run()
    runs = harness.four_runs(stores.module, {**stores.arguments, "state": "absent"})
    assert runs.first.diff["before"]["deliver"] == dict.fromkeys(stores.paths, "present")
    assert runs.first.diff["after"]["deliver"] == dict.fromkeys(stores.paths, "absent")
    assert (runs.first["reason"], runs.first["removed"]) == ("absent", stores.paths)
    assert (runs.second["reason"], runs.second["removed"]) == ("not_due", [])
    assert [path.name for path in harness.folder.iterdir()] == [stores.auth.name]
    assert json.loads(stores.auth.read_text()) == FOREIGN_CONTENT
    assert stat.S_IMODE(stores.auth.stat().st_mode) == 0o640


def test_absent_leaves_a_login_that_is_not_ours(robot_stores: Stores) -> None:
    stores, harness = robot_stores, robot_stores.harness
    stores.run(name="acme+other")
    result = stores.run(state="absent")
    assert "acme+ci" not in harness.quay.state.robots
    assert stores.fingerprints() == {harness.robot_fingerprint("acme+other")}
    for path in stores.paths:
        assert result.warned(f"{path} holds a secret of acme+other. It was not changed.")


@pytest.mark.parametrize("form", ["token", "json", "yaml", "env"])
def test_every_format_can_be_read_back(either_login: Harness, form: str) -> None:
    harness, path = either_login, either_login.folder / "secret"
    harness.advance(days=100)
    store = {"kind": "file", "path": str(path), "format": form}
    arguments = {"name": "acme+ci", "deliver": [store], "max_age": "30d"}
    runs = harness.four_runs("quay_robot_token", arguments)
    assert (runs.first["reason"], runs.second["reason"]) == ("too_old", "not_due")
    assert fingerprint(read_secret(path, form)) == harness.robot_fingerprint()
    harness.advance(days=29)
    again = harness.run("quay_robot_token", arguments)
    assert (again["age_source"], again["created_at"]) == ("record", runs.first["created_at"])


def read_secret(path: Path, form: str) -> str:
    """Read the secret as a consumer does."""
    text = path.read_text()
    if form == "token":
        return text.strip()
    if form == "env":
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)["QUAY_TOKEN"]
    return str((json.loads(text) if form == "json" else yaml.safe_load(text))["token"])


def test_content_of_others_is_refused_before_a_secret_is_minted(stores: Stores) -> None:
    harness = stores.harness
    stores.env.write_text("FOO=bar\nDB_PASSWORD=1\n")
    arguments = {**stores.arguments, "rotate": "always"}
    assert_refused(harness, stores.module, arguments, f"path: {stores.env} holds something else than this credential")
    assert harness.requests == []


def test_variables_are_merged(stores: Stores) -> None:
    stores.env.write_text("FOO=bar\n")
    stores.env.chmod(0o600)
    stores.deliver[1]["merge"] = True
    runs = stores.harness.four_runs(stores.module, stores.arguments)
    assert runs.first.diff["before"]["deliver"][str(stores.env)] == "absent"
    assert stores.read_env()["FOO"] == "bar"
    assert stores.fingerprints() == {runs.first["fingerprint"]}


def test_content_of_others_is_replaced_by_force(stores: Stores) -> None:
    """The diff shows it."""
    stores.env.write_text("FOO=bar\n")
    stores.deliver[1]["force"] = True
    runs = stores.harness.four_runs(stores.module, stores.arguments)
    assert runs.first.diff["before"]["deliver"][str(stores.env)] == "other"
    assert "FOO" not in stores.read_env()
    assert stores.fingerprints() == {runs.first["fingerprint"]}


def test_content_of_others_stays_when_the_credential_is_removed(robot_stores: Stores) -> None:
    stores, harness = robot_stores, robot_stores.harness
    stores.run()
    stores.json.write_text('{"invoice": 1}')
    runs = harness.four_runs(stores.module, {**stores.arguments, "state": "absent"})
    assert runs.first.warned(f"{stores.json} holds something else than this credential. It was not changed.")
    assert stores.json.read_text() == '{"invoice": 1}'
    assert not stores.env.exists()


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("kind", ["robot", "api"])
@pytest.mark.parametrize("helpers", [{"credsStore": "pass"}, {"credHelpers": {"quay.example.com": "pass"}}])
def test_credential_helper_that_hides_the_login_gives_a_warning(
    either_login: Harness, kind: str, helpers: dict[str, Any], check: bool
) -> None:
    """Wherever an auth file is delivered."""
    harness, stores = either_login, Stores(either_login, kind)
    stores.auth.write_text(json.dumps(helpers))
    stores.deliver[2]["registry"] = "quay.example.com"
    words = f"{stores.auth} names the credential helper 'pass'"
    assert harness.run(stores.module, stores.arguments, check=check).warned(words)
    declared = {"name": "acme+ci", "kind": "robot", "deliver": [stores.deliver[2]]}
    assert harness.run("quay_token_info", {"credentials": [declared]}, check=check).warned(words)


@pytest.mark.parametrize(
    ("option", "value"), [("format", "json"), ("prefix", "CI_"), ("merge", True), ("force", True), ("backup", True)]
)
def test_option_without_effect_on_an_auth_file(robot_stores: Stores, option: str, value: object) -> None:
    harness, deliver = robot_stores.harness, [{**robot_stores.deliver[2], option: value}]
    expected = f"{option} has no effect on a store of the kind container_auth. Leave it out"
    assert_refused(harness, robot_stores.module, {**robot_stores.arguments, "deliver": deliver}, expected)
    assert harness.requests == []
    assert expected in harness.run("quay_store_info", {"stores": deliver}).message
    declared = {"name": "acme+ci", "kind": "robot", "deliver": deliver}
    (status,) = harness.run("quay_token_info", {"credentials": [declared]})["credentials"]
    assert status["error"] == expected


def test_owner_and_mode_of_an_auth_file(robot_stores: Stores) -> None:
    """They are those of its record, too. A file whose mode drifted is repaired."""
    harness, owner = robot_stores.harness, str(os.getuid())
    store = {**robot_stores.deliver[2], "owner": owner, "group": str(os.getgid()), "mode": "0600"}
    arguments = {**robot_stores.arguments, "deliver": [store]}
    runs = harness.four_runs(robot_stores.module, arguments)
    assert runs.first.changed
    record = robot_stores.auth.with_name("auth.json.record.json")
    for path in (robot_stores.auth, record):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
        repaired = harness.four_runs(robot_stores.module, arguments)
        assert repaired.first.diff["before"]["deliver"] == {str(robot_stores.auth): "wrong_permissions"}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_stores_for_one_place(robot_stores: Stores) -> None:
    """Each run would replace what the other one wrote."""
    harness = robot_stores.harness
    for deliver, place in (
        ([*robot_stores.deliver, robot_stores.deliver[0]], str(robot_stores.json)),
        ([robot_stores.deliver[2]] * 2, f"{robot_stores.auth} for {robot_stores.registry}"),
    ):
        arguments = {**robot_stores.arguments, "deliver": deliver}
        assert_refused(harness, robot_stores.module, arguments, f"deliver names {place} twice")
        assert harness.requests == []


def test_entry_is_written_for_the_given_registry(robot_stores: Stores) -> None:
    store = {"kind": "container_auth", "path": str(robot_stores.auth), "registry": "quay.example.com"}
    robot_stores.run(deliver=[store])
    assert set(json.loads(robot_stores.auth.read_text())["auths"]) == {"docker.io", "quay.example.com"}


@pytest.mark.parametrize("content", ["not json", "[]", '{"auths": []}'], ids=["text", "list", "no object"])
def test_file_that_is_no_auth_file_is_left_unchanged(robot_stores: Stores, content: str) -> None:
    robot_stores.auth.write_text(content)
    result = robot_stores.run(rotate="always")
    assert "is not a container auth file" in result.message
    assert robot_stores.auth.read_text() == content
    assert robot_stores.harness.writes == []
