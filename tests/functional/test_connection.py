# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to Quay: TLS, the environment, redirects, sessions, and a target without the library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from functional.conftest import Settlements
from functional.modules import run_alone
from functional.refusals import EVERY, every_feature, every_module_of_all
from functional.world import World

# What costs least, by module.
ALL: dict[str, dict[str, Any]] = {
    "quay_robot_token": {"name": "acme+ci"},
    "quay_application": {"organization": "acme", "name": "automation"},
    "quay_referrers_token": {"repositories": ["acme/app"]},
    "quay_token_info": {"credentials": [{"name": "acme+ci", "kind": "robot"}]},
}

every_module = pytest.mark.parametrize("module", ALL)


class TestTls:
    @pytest.fixture
    def tls(self) -> bool:
        return True

    @pytest.fixture
    def family(self) -> str:
        return "3.18"

    @every_module
    def test_own_authority(self, each_login: World, module: str) -> None:
        assert not each_login.run(module, ALL[module]).failed
        assert each_login.quay.url.startswith("https://")

    @pytest.mark.parametrize("authority", ["none", "another"])
    @every_module
    def test_unknown_authority(self, each_login: World, module: str, authority: str, tmp_path: Path) -> None:
        path = None
        if authority == "another":
            path = str(tmp_path / "ca.pem")
            trustme.CA().cert_pem.write_to_path(path)
        result = each_login.run(module, {**ALL[module], "ca_path": path})
        assert result.failed
        assert "the server's TLS certificate is not trusted" in result.message
        assert "Give the issuing CA by ca_path" in result.message
        assert each_login.requests == []

    @every_module
    def test_unchecked(self, each_login: World, module: str) -> None:
        assert not each_login.run(module, {**ALL[module], "ca_path": None, "validate_certs": False}).failed

    def test_authority_that_is_not_there(self, world: World) -> None:
        result = world.run("quay_robot_token", {"name": "acme+ci", "ca_path": str(world.folder / "none.pem")})
        assert f"ca_path: there is no file {world.folder / 'none.pem'} on the target" in result.message
        assert world.requests == []

    def test_authority_that_is_none(self, world: World) -> None:
        (world.folder / "ca.pem").write_text("no certificate\n")
        result = world.run("quay_robot_token", {"name": "acme+ci", "ca_path": str(world.folder / "ca.pem")})
        assert result.failed
        assert world.requests == []

    def test_the_environment_names_the_authority(self, world: World) -> None:
        environ = {"QUAY_HOST": world.quay.url, "QUAY_CA_PATH": str(world.quay.ca_path)}
        assert not world.run(
            "quay_robot_token", {"name": "acme+ci", "quay_host": None, "ca_path": None}, environ=environ
        ).failed
        unchecked = {"QUAY_HOST": world.quay.url, "QUAY_VERIFY_SSL": "false"}
        assert not world.run(
            "quay_robot_token", {"name": "acme+ci", "quay_host": None, "ca_path": None}, environ=unchecked
        ).failed

    def test_password_over_tls_is_no_word_worth(self, world: World) -> None:
        world.login = world.people.alice.by_password
        assert world.run("quay_robot_token", {"name": "acme+ci"}).warnings == []


# --- the environment


def entry_kinds(world: World) -> set[str]:
    return {entry.auth for entry in world.quay.journal if entry.path.startswith("/api/v1/organization")}


def test_login_from_the_environment(world: World) -> None:
    token, alice = world.login["quay_token"], world.people.alice
    world.login = {}
    by_token = {"QUAY_HOST": world.quay.url, "QUAY_TOKEN": token}
    by_password = {"QUAY_HOST": world.quay.url, "QUAY_USERNAME": alice.username, "QUAY_PASSWORD": alice.password}
    for environ, kinds in ((by_token, {"bearer"}), (by_password, {"session"}), (by_token | by_password, {"bearer"})):
        result = world.run("quay_robot_token", {"name": "acme+ci", "quay_host": None}, environ=environ)
        assert not result.failed, result.message
        assert entry_kinds(world) == kinds


@pytest.mark.parametrize("way", ["quay_token", "quay_password"])
def test_what_the_play_says_wins_over_the_environment(world: World, way: str) -> None:
    alice, environ = world.people.alice, {"QUAY_TOKEN": "X" * 40}
    if way == "quay_token":
        environ = {"QUAY_USERNAME": "alice", "QUAY_PASSWORD": "not-her-password"}
    world.login = world.login if way == "quay_token" else alice.by_password
    world.secrets.add(environ.values() if way == "quay_password" else ["not-her-password"])
    result = world.run("quay_robot_token", {"name": "acme+ci"}, environ={"QUAY_HOST": "http://127.0.0.1:9", **environ})
    assert not result.failed, result.message
    assert entry_kinds(world) == {"bearer" if way == "quay_token" else "session"}


def test_patience_from_the_environment(world: World) -> None:
    result = world.run("quay_robot_token", {"name": "acme+ci"}, environ={"QUAY_TIMEOUT": "0"})
    assert "timeout must be more than 0 seconds" in result.message


def test_netrc_is_not_read(world: World, tmp_path: Path) -> None:
    secret = "password-out-of-netrc"
    world.secrets.add([secret])
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login bob password {secret}\n")
    netrc.chmod(0o600)
    result = world.run("quay_robot_token", {"name": "acme+new"}, environ={"HOME": str(tmp_path), "NETRC": str(netrc)})
    assert not result.failed
    proofs = [entry for entry in world.quay.journal if entry.auth == "basic"]
    assert [entry.user for entry in proofs] == ["acme+new"]
    assert {entry.user for entry in world.quay.journal if entry.auth == "bearer"} == {"alice"}


# --- redirects


@every_module_of_all
def test_credentials_do_not_follow_a_redirect(either_login: World, settlements: Settlements, module: str) -> None:
    world = either_login
    other, _people = settlements.of("3.17" if world.quay.quay.family == "3.18" else "3.18")
    every_feature(world)
    location = {"Location": f"{other.url}/api/v1/user/"}
    world.quay.faults.add("status", path="^/(api/v1|v2)", times=None, status=302, headers=location)
    result = world.run(module, EVERY[module])
    assert result.failed
    assert "the server redirects to http://127.0.0.1" in result.message
    assert len(other.journal) == 0


# --- sessions


def test_nobody_is_signed_out(world: World) -> None:
    """Signing out would end every session that the user has anywhere."""
    elsewhere = world.people.alice.browser()
    world.login = world.people.alice.by_password
    for check in (True, False):
        world.run("quay_robot_token", {"name": "acme+ci", "rotate": "always"}, check=check)
        assert not [request for request in world.requests if "signout" in request]
    assert elsewhere.call("GET", "/api/v1/user/").json()["username"] == "alice"


def test_sign_in_is_repeated_when_quay_asks_for_patience(world: World) -> None:
    world.login = world.people.alice.by_password
    world.quay.faults.add("status", path="/signin$", status=429, headers={"Retry-After": "0"})
    result = world.run("quay_robot_token", {"name": "acme+ci", "retries": 1})
    assert not result.failed, result.message
    assert world.requests.count("POST /api/v1/signin") == 2


def test_password_over_plain_http_is_warned_of(world: World) -> None:
    assert world.run("quay_robot_token", {"name": "acme+ci"}).warnings == []
    world.login = world.people.alice.by_password
    assert world.run("quay_robot_token", {"name": "acme+ci"}).warned("over plain http")


# --- targets


@every_module
def test_module_runs_by_itself_as_well(world: World, module: str) -> None:
    """With nothing loaded beforehand, as on a target, it answers the same."""
    arguments = {"quay_host": world.quay.url, **world.login, **ALL[module]}
    alone = run_alone(module, arguments)
    if module == "quay_referrers_token":
        assert alone["access"] == world.run(module, ALL[module])["access"]
    else:
        assert alone.content == world.run(module, ALL[module]).content


@every_module_of_all
def test_target_without_requests(world: World, module: str, tmp_path: Path) -> None:
    (tmp_path / "requests.py").write_text("raise ImportError('no such library')\n")
    arguments = {"quay_host": world.quay.url, **world.login, **EVERY[module]}
    result = run_alone(module, arguments, before=tmp_path)
    assert result.failed
    assert "requests" in result.message
    assert "Failed to import the required Python library" in result.message
    assert len(world.quay.journal) == 0


def test_result_is_one_line_of_json(world: World) -> None:
    output = world.run("quay_robot_token", {"name": "acme+ci"}).output
    assert json.loads(output.strip())
    assert len(output.strip().splitlines()) == 1
