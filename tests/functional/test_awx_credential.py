# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials in AWX as stores: on a stand-in, or on the AWX of AWX_TEST_URL.

What only a stand-in can do (faults, its journal, secrets in clear) is tested there alone: see `standin_awx`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from awx.credentials import Awx
from awx.real import RealAwx
from awx.standin import StandinAwx
from functional.harness import Harness, assert_refused
from standin.tokens import fingerprint

ROBOT = "quay_robot_token"
ENCRYPTED = "$encrypted$"
LIST, TYPE, SOURCES, DETAIL, PATCH = (
    "GET /api/v2/credentials/",
    "GET /api/v2/credential_types/18/",
    "GET /api/v2/credentials/100/input_sources/",
    "GET /api/v2/credentials/100/",
    "PATCH /api/v2/credentials/100/",
)
CHECK = [LIST, TYPE, SOURCES]


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture(scope="module")
def shared_awx() -> Iterator[RealAwx | None]:
    """The real AWX, if there is one."""
    if not os.environ.get("AWX_TEST_URL"):
        yield None
        return
    with RealAwx() as real:
        yield real


@pytest.fixture
def awx(shared_awx: RealAwx | None, harness: Harness) -> Iterator[Awx]:
    if shared_awx is not None:
        harness.known_secrets.add(shared_awx.secrets)
        yield shared_awx
        return
    with StandinAwx() as standin:
        harness.known_secrets.add(standin.secrets)
        yield standin


@pytest.fixture
def standin_awx(harness: Harness) -> Iterator[StandinAwx]:
    with StandinAwx() as standin:
        harness.known_secrets.add(standin.secrets)
        yield standin


@pytest.fixture
def name() -> str:
    """The name of a credential of this test alone."""
    return f"quay-pull-{secrets.token_hex(4)}"


def arguments(awx: Awx, name: str, **more: Any) -> dict[str, Any]:
    store = {"kind": "awx_credential", "credential": name, "registry": "quay.example.com", **awx.login, **more}
    return {"name": "acme+ci", "deliver": [{key: value for key, value in store.items() if value is not None}]}


def assert_stored(awx: Awx, number: int, harness: Harness, name: str = "password") -> None:
    """Assert that an input holds the robot's present token, as far as AWX shows it."""
    assert awx.stored(number, name) in ((ENCRYPTED,) if awx.is_real else (harness.robot().token,))
    description = awx.credential(number)["description"]
    assert f"[tokensmith.quay fingerprint={harness.robot_fingerprint()} " in description
    assert harness.robot().token not in description


# --- delivery


def test_login_is_delivered_and_the_rest_is_kept(harness: Harness, awx: Awx, name: str) -> None:
    number = awx.add(name, inputs={"verify_ssl": True, "username": "former"}, description="Pulls for CI")
    runs = harness.four_runs(ROBOT, arguments(awx, name))
    place = f"awx_credential {awx.login['awx_host']} {name}"
    assert (runs.first.changed, runs.first["minted"]) == (True, False)
    assert runs.first["reason"] == "undelivered"
    assert runs.first["delivered"] == [place]
    assert runs.first.diff["before"]["deliver"] == {place: "absent"}
    assert runs.first.diff["after"]["deliver"] == {place: "current"}
    inputs = awx.credential(number)["inputs"]
    assert inputs | {"password": ENCRYPTED} == {
        "host": "quay.example.com",
        "username": "acme+ci",
        "password": ENCRYPTED,
        "verify_ssl": True,
    }
    assert awx.credential(number)["description"].startswith("Pulls for CI [tokensmith.quay ")
    assert_stored(awx, number, harness)


def test_new_secret_replaces_the_former_one(harness: Harness, awx: Awx, name: str) -> None:
    number = awx.add(name)
    harness.run(ROBOT, arguments(awx, name))
    former = harness.robot_fingerprint()
    result = harness.run(ROBOT, {**arguments(awx, name), "rotate": "always"})
    assert (result.changed, result["minted"]) == (True, True)
    assert harness.robot_fingerprint() != former
    assert result["token"] is None
    assert_stored(awx, number, harness)


def test_inputs_of_another_type(harness: Harness, awx: Awx, name: str) -> None:
    inputs = {"host": "https://kept.example.com", "other_secret": "kept-secret", "validate_certs": True}
    number = awx.add(name, custom=True, inputs=inputs)
    harness.known_secrets.add(["kept-secret"])
    runs = harness.four_runs(ROBOT, arguments(awx, name, inputs={"token": "token"}))
    assert runs.first.changed
    found = awx.credential(number)["inputs"]
    assert (found["host"], found["validate_certs"]) == ("https://kept.example.com", True)
    assert awx.stored(number, "other_secret") == (ENCRYPTED if awx.is_real else "kept-secret")
    assert_stored(awx, number, harness, "token")


def test_credential_is_created(harness: Harness, awx: Awx, name: str) -> None:
    create = {"create": True, "credential_type": awx.registry_type, "awx_organization": awx.organization}
    predicted = harness.check(ROBOT, arguments(awx, name, **create))
    assert predicted.changed
    assert awx.numbers(name) == []
    runs = harness.four_runs(ROBOT, arguments(awx, name, **create))
    assert runs.first.changed
    (number,) = awx.numbers(name)
    assert_stored(awx, number, harness)


def test_credential_by_its_number(harness: Harness, awx: Awx, name: str) -> None:
    first, second = awx.add(name), awx.add(name, other=True)
    message = assert_refused(harness, ROBOT, arguments(awx, name), "several credentials of this name")
    assert f"{first}, {second}" in message
    harness.four_runs(ROBOT, arguments(awx, name, credential=None, credential_id=second))
    assert_stored(awx, second, harness)
    assert awx.credential(first)["inputs"] == {}


def test_organization_tells_credentials_apart(harness: Harness, awx: Awx, name: str) -> None:
    first, second = awx.add(name), awx.add(name, other=True)
    harness.four_runs(ROBOT, arguments(awx, name, awx_organization=awx.other_organization))
    assert_stored(awx, second, harness)
    assert awx.credential(first)["inputs"] == {}


def test_login_from_the_environment(harness: Harness, awx: Awx, name: str) -> None:
    awx.add(name)
    without = arguments(awx, name, awx_host=None, awx_token=None)
    environ = {"CONTROLLER_HOST": awx.login["awx_host"], "CONTROLLER_OAUTH_TOKEN": awx.login["awx_token"]}
    result = harness.run(ROBOT, without, environ=environ)
    assert result["delivered"] == [f"awx_credential {awx.login['awx_host']} {name}"]


def test_robot_of_a_pair(harness: Harness, awx: Awx, name: str) -> None:
    """The user name changes with each rotation. No other store is needed: the record names the robot in use."""
    number = awx.add(name)
    paired = {**arguments(awx, name), "name": "acme+pair", "strategy": "paired"}
    users = []
    for rotate in ("when_due", "always", "always"):
        result = harness.run(ROBOT, {**paired, "rotate": rotate})
        assert not result.failed, result.message
        users.append(awx.credential(number)["inputs"]["username"])
        if not awx.is_real:
            assert awx.stored(number, "password") == harness.robot(users[-1]).token
    assert users[0] != users[1] != users[2]
    retired = harness.run(ROBOT, paired)["retired"]
    assert [handle.partition("@")[0] for handle in retired] == [users[1]]
    again = harness.run(ROBOT, paired)
    assert (again.changed, again["username"]) == (False, users[2])


def test_pair_needs_an_input_for_the_user_name(harness: Harness, awx: Awx, name: str) -> None:
    awx.add(name)
    paired = {**arguments(awx, name, inputs={"password": "token"}), "name": "acme+pair", "strategy": "paired"}
    assert_refused(harness, ROBOT, paired, "strategy: paired changes the user name with each rotation")


def test_secret_that_quay_returns_once_needs_another_store(harness: Harness, awx: Awx, name: str) -> None:
    """Nobody could say in the next run whether it is still valid."""
    awx.add(name)
    options = {"organization": "acme", "client_id": harness.accounts.automation}
    token = {**arguments(awx, name), **options, "name": "nightly"}
    assert_refused(harness, "quay_api_token", token, "none of its stores can be read back")
    primary = {"kind": "file", "path": str(harness.folder / "token.json"), "format": "json"}
    runs = harness.four_runs("quay_api_token", {**token, "deliver": [*token["deliver"], primary]})
    assert (runs.first["minted"], runs.second["minted"]) == (True, False)
    renewed = harness.run("quay_api_token", {**token, "deliver": [*token["deliver"], primary], "rotate": "always"})
    (number,) = awx.numbers(name)
    assert awx.credential(number)["inputs"]["username"] == "$oauthtoken"
    assert f"fingerprint={renewed['fingerprint']} " in awx.credential(number)["description"]


def test_registry_token_is_no_password(harness: Harness, awx: Awx, name: str) -> None:
    options = {**arguments(awx, name), "repositories": ["acme/app"]}
    del options["name"]
    assert_refused(harness, "quay_referrers_token", options, "a registry token is not a password")


# --- what others keep there, and removal


def test_token_that_was_set_by_hand_needs_force(harness: Harness, awx: Awx, name: str) -> None:
    number = awx.add(name, inputs={"host": "quay.example.com", "password": "typed-by-hand"})
    harness.known_secrets.add(["typed-by-hand"])
    assert_refused(harness, ROBOT, arguments(awx, name), "holds values that this collection did not write")
    assert awx.stored(number, "password") == (ENCRYPTED if awx.is_real else "typed-by-hand")
    harness.four_runs(ROBOT, arguments(awx, name, force=True))
    assert_stored(awx, number, harness)


def test_credential_is_cleared_and_not_deleted(harness: Harness, awx: Awx, name: str) -> None:
    number = awx.add(name, inputs={"verify_ssl": True}, description="Pulls")
    harness.run(ROBOT, arguments(awx, name))
    runs = harness.four_runs(ROBOT, {**arguments(awx, name), "state": "absent"})
    assert runs.first["removed"] == [f"awx_credential {awx.login['awx_host']} {name}"]
    assert awx.credential(number)["inputs"] == {"verify_ssl": True}
    assert awx.credential(number)["description"] == "Pulls"


def test_what_others_wrote_is_not_cleared(harness: Harness, awx: Awx, name: str) -> None:
    number = awx.add(name, inputs={"password": "typed-by-hand"})
    harness.known_secrets.add(["typed-by-hand"])
    runs = harness.four_runs(ROBOT, {**arguments(awx, name), "state": "absent"})
    assert runs.first.warned("holds something else than this credential. It was not changed.")
    assert awx.stored(number, "password") == (ENCRYPTED if awx.is_real else "typed-by-hand")


# --- refusals before a secret is minted


def test_token_with_the_scope_read(harness: Harness, awx: Awx, name: str) -> None:
    awx.add(name)
    refused = arguments(awx, name, **awx.read_only_login)
    assert_refused(harness, ROBOT, refused, "awx_token may not change it. Use a token with the scope write")


def test_user_without_the_role_admin(harness: Harness, awx: Awx, name: str) -> None:
    number = awx.add(name)
    more = {"awx_token": None, **awx.user_login}
    refused = arguments(awx, name, **{"credential": None, "credential_id": number, **more})
    assert_refused(harness, ROBOT, refused, "the user of the login may not change it")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"credential": "quay-missing"}, "has no such credential, or the login may not see it"),
        ({"credential": None, "credential_id": 999999}, "does not exist, or the login may not see it"),
        ({"awx_token": "W" * 30}, "AWX does not accept the login"),
        ({"awx_api_path": "/nothing/"}, "there is no API of AWX at this URL"),
        ({"inputs": {"password": "token", "nope": "username"}}, "has no input 'nope'"),
        ({"inputs": {"password": "token", "verify_ssl": "username"}}, "it is not a plain text"),
        ({"inputs": {"username": "token"}}, "is not secret, so AWX would show the token"),
        ({"awx_host": "http://127.0.0.1:1"}, "Check awx_host (CONTROLLER_HOST) and that the server is up"),
    ],
)
def test_refusal(harness: Harness, awx: Awx, name: str, change: dict[str, Any], words: str) -> None:
    harness.obstacles["no_pauses"] = True
    awx.add(name)
    assert_refused(harness, ROBOT, {**arguments(awx, name, **change), "rotate": "always"}, words)


# --- the stand-in alone: requests, faults, other writers


def test_requests(harness: Harness, standin_awx: StandinAwx) -> None:
    standin_awx.add("pull")
    counted = []
    for run in (harness.check, harness.run, harness.run):
        standin_awx.fake.requests.clear()
        run(ROBOT, arguments(standin_awx, "pull"))
        counted.append(list(standin_awx.fake.requests))
    assert counted == [CHECK, [*CHECK, DETAIL, PATCH], CHECK]


def test_edit_by_hand_is_repaired(harness: Harness, standin_awx: StandinAwx) -> None:
    number = standin_awx.add("pull")
    harness.run(ROBOT, arguments(standin_awx, "pull"))
    standin_awx.fake.advance(hours=1)
    inputs = standin_awx.fake.credentials[number]["inputs"]
    standin_awx.change(number, inputs={**inputs, "password": "typed-by-hand"})
    runs = harness.four_runs(ROBOT, arguments(standin_awx, "pull"))
    assert list(runs.first.diff["before"]["deliver"].values()) == ["other"]
    assert runs.first["reason"] == "undelivered"
    assert_stored(standin_awx, number, harness)


@pytest.mark.parametrize("status", [0, 500, 502])
@pytest.mark.parametrize("after", [False, True])
def test_write_whose_response_is_lost(harness: Harness, standin_awx: StandinAwx, status: int, after: bool) -> None:
    number = standin_awx.add("pull")
    standin_awx.fake.fail("^PATCH", status=status, after=after)
    result = harness.run(ROBOT, {**arguments(standin_awx, "pull"), "rotate": "always"})
    assert not result.failed, result.message
    assert standin_awx.fake.writes == ([PATCH] if after else [PATCH, PATCH])
    assert_stored(standin_awx, number, harness)
    assert not harness.run(ROBOT, arguments(standin_awx, "pull")).changed


def test_server_that_is_down_after_the_secret_was_issued(harness: Harness, standin_awx: StandinAwx) -> None:
    """The next run delivers the secret, which Quay returns again."""
    harness.obstacles["no_pauses"] = True
    number = standin_awx.add("pull")
    harness.before_request("^POST .*/regenerate", standin_awx.stop)
    result = harness.run(ROBOT, {**arguments(standin_awx, "pull"), "rotate": "always"})
    assert "Check awx_host (CONTROLLER_HOST) and that the server is up" in result.message
    with StandinAwx() as again:
        again.fake.credentials = standin_awx.fake.credentials
        repaired = harness.run(ROBOT, arguments(again, "pull"))
        assert (repaired.changed, repaired["minted"], repaired["reason"]) == (True, False, "undelivered")
        assert_stored(again, number, harness)


def test_permission_that_is_lost_after_the_secret_was_issued(harness: Harness, standin_awx: StandinAwx) -> None:
    number = standin_awx.add("pull")
    standin_awx.fake.fail("^PATCH", status=403)
    result = harness.run(ROBOT, {**arguments(standin_awx, "pull"), "rotate": "always"})
    assert "the login lacks the permission. It needs the role Admin on the credential" in result.message
    assert harness.run(ROBOT, arguments(standin_awx, "pull"))["reason"] == "undelivered"
    assert_stored(standin_awx, number, harness)


def test_other_writer_keeps_its_inputs(harness: Harness, standin_awx: StandinAwx) -> None:
    number = standin_awx.add("pull")
    harness.before_request(
        "^POST .*/regenerate", lambda: standin_awx.change(number, inputs={"verify_ssl": True}, description="Now")
    )
    result = harness.run(ROBOT, {**arguments(standin_awx, "pull"), "rotate": "always"})
    assert not result.failed, result.message
    assert standin_awx.credential(number)["inputs"]["verify_ssl"] is True
    assert standin_awx.credential(number)["description"].startswith("Now [tokensmith.quay ")
    assert_stored(standin_awx, number, harness)


# --- quay_store_info and quay_token_info


def test_fingerprint_is_read(harness: Harness, awx: Awx, name: str) -> None:
    awx.add(name)
    stores = {"stores": arguments(awx, name)["deliver"], **dict.fromkeys(harness.login)}
    empty = harness.run("quay_store_info", stores)["stores"]
    assert (empty[0]["token"], empty[0]["fingerprint"]) == (None, None)
    harness.run(ROBOT, arguments(awx, name))
    (found,) = harness.run("quay_store_info", stores)["stores"]
    assert (found["kind"], found["token"]) == ("awx_credential", None)
    assert found["fingerprint"] == fingerprint(harness.robot().token)


def test_status_of_the_credential(harness: Harness, awx: Awx, name: str) -> None:
    awx.add(name)
    declared = {"credentials": [{"kind": "robot", **arguments(awx, name)}]}
    (before,) = harness.run("quay_token_info", declared)["credentials"]
    assert (before["reason"], before["holds"]) == ("undelivered", ["absent"])
    harness.run(ROBOT, arguments(awx, name))
    (after,) = harness.run("quay_token_info", declared)["credentials"]
    assert (after["due"], after["holds"]) == (False, ["current"])
    refused = {"credentials": [{"kind": "robot", **arguments(awx, name, **awx.read_only_login)}]}
    (found,) = harness.run("quay_token_info", refused)["credentials"]
    assert "Use a token with the scope write" in found["error"]
