# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection to Quay: TLS, environment variables, redirects, sessions, and a target without requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from functional.conftest import Standins
from functional.harness import Harness
from functional.module_arguments import ALL_MODULES, each_module, enable_all_features
from functional.module_runner import run_standalone

# A cheap run of each kind of module.
CHEAP_RUNS: dict[str, dict[str, Any]] = {
    "quay_robot_token": {"name": "acme+ci"},
    "quay_application": {"organization": "acme", "name": "automation"},
    "quay_referrers_token": {"repositories": ["acme/app"]},
    "quay_token_info": {"credentials": [{"name": "acme+ci", "kind": "robot"}]},
}

each_cheap_run = pytest.mark.parametrize("module", CHEAP_RUNS)


class TestTls:
    @pytest.fixture
    def tls(self) -> bool:
        return True

    @pytest.fixture
    def family(self) -> str:
        return "3.18"

    @each_cheap_run
    def test_own_ca(self, each_login: Harness, module: str) -> None:
        assert not each_login.run(module, CHEAP_RUNS[module]).failed
        assert each_login.quay.url.startswith("https://")

    @pytest.mark.parametrize("authority", ["none", "another"])
    @each_cheap_run
    def test_unknown_ca(self, each_login: Harness, module: str, authority: str, tmp_path: Path) -> None:
        path = None
        if authority == "another":
            path = str(tmp_path / "ca.pem")
            trustme.CA().cert_pem.write_to_path(path)
        result = each_login.run(module, {**CHEAP_RUNS[module], "ca_path": path})
        assert result.failed
        assert "the server's TLS certificate is not trusted" in result.message
        assert "Set ca_path to the issuing CA" in result.message
        assert each_login.requests == []

    @each_cheap_run
    def test_without_certificate_validation(self, each_login: Harness, module: str) -> None:
        assert not each_login.run(module, {**CHEAP_RUNS[module], "ca_path": None, "validate_certs": False}).failed

    def test_missing_ca_file(self, harness: Harness) -> None:
        result = harness.run("quay_robot_token", {"name": "acme+ci", "ca_path": str(harness.folder / "none.pem")})
        assert f"ca_path: there is no file {harness.folder / 'none.pem'} on the target" in result.message
        assert harness.requests == []

    def test_invalid_ca_file(self, harness: Harness) -> None:
        (harness.folder / "ca.pem").write_text("no certificate\n")
        result = harness.run("quay_robot_token", {"name": "acme+ci", "ca_path": str(harness.folder / "ca.pem")})
        assert result.failed
        assert harness.requests == []

    def test_ca_from_the_environment(self, harness: Harness) -> None:
        environ = {"QUAY_HOST": harness.quay.url, "QUAY_CA_PATH": str(harness.quay.ca_path)}
        assert not harness.run(
            "quay_robot_token", {"name": "acme+ci", "quay_host": None, "ca_path": None}, environ=environ
        ).failed
        unchecked = {"QUAY_HOST": harness.quay.url, "QUAY_VERIFY_SSL": "false"}
        assert not harness.run(
            "quay_robot_token", {"name": "acme+ci", "quay_host": None, "ca_path": None}, environ=unchecked
        ).failed

    def test_password_over_tls_gives_no_warning(self, harness: Harness) -> None:
        harness.login = harness.accounts.alice.by_password
        assert harness.run("quay_robot_token", {"name": "acme+ci"}).warnings == []


# --- the environment


def entry_kinds(harness: Harness) -> set[str]:
    return {entry.auth for entry in harness.quay.journal if entry.path.startswith("/api/v1/organization")}


def test_login_from_the_environment(harness: Harness) -> None:
    token, alice = harness.login["quay_token"], harness.accounts.alice
    harness.login = {}
    by_token = {"QUAY_HOST": harness.quay.url, "QUAY_TOKEN": token}
    by_password = {"QUAY_HOST": harness.quay.url, "QUAY_USERNAME": alice.username, "QUAY_PASSWORD": alice.password}
    for environ, kinds in ((by_token, {"bearer"}), (by_password, {"session"}), (by_token | by_password, {"bearer"})):
        result = harness.run("quay_robot_token", {"name": "acme+ci", "quay_host": None}, environ=environ)
        assert not result.failed, result.message
        assert entry_kinds(harness) == kinds


@pytest.mark.parametrize("way", ["quay_token", "quay_password"])
def test_options_override_the_environment(harness: Harness, way: str) -> None:
    alice, environ = harness.accounts.alice, {"QUAY_TOKEN": "X" * 40}
    if way == "quay_token":
        environ = {"QUAY_USERNAME": "alice", "QUAY_PASSWORD": "not-her-password"}
    harness.login = harness.login if way == "quay_token" else alice.by_password
    harness.known_secrets.add(environ.values() if way == "quay_password" else ["not-her-password"])
    result = harness.run(
        "quay_robot_token", {"name": "acme+ci"}, environ={"QUAY_HOST": "http://127.0.0.1:9", **environ}
    )
    assert not result.failed, result.message
    assert entry_kinds(harness) == {"bearer" if way == "quay_token" else "session"}


def test_timeout_from_the_environment(harness: Harness) -> None:
    result = harness.run("quay_robot_token", {"name": "acme+ci"}, environ={"QUAY_TIMEOUT": "0"})
    assert "timeout must be more than 0 seconds" in result.message


@pytest.mark.parametrize(
    ("variable", "value", "option", "words"),
    [
        ("QUAY_TIMEOUT", "abc", "timeout", "unable to convert to float"),
        ("QUAY_TIMEOUT", "-1", "timeout", "timeout must be more than 0 seconds"),
        ("QUAY_VERIFY_SSL", "perhaps", "validate_certs", "not a valid boolean"),
        ("QUAY_CA_PATH", "/nowhere/ca.pem", "ca_path", "there is no file /nowhere/ca.pem"),
        ("QUAY_HOST", "https://quay.example.com/login/", "quay_host", "quay_host"),
        ("QUAY_TOKEN", "no token", "quay_token", "quay_token holds white space"),
        ("QUAY_USERNAME", "alice", "quay_username", "one of them is missing"),
    ],
)
def test_error_names_the_environment_variable(
    harness: Harness, variable: str, value: str, option: str, words: str
) -> None:
    """Whoever wrote the task did not set the option."""
    given = {"quay_host": None} if variable == "QUAY_HOST" else {"ca_path": None}
    if variable in ("QUAY_TOKEN", "QUAY_USERNAME"):
        harness.login = {}
    result = harness.run("quay_robot_token", {"name": "acme+ci", **given}, environ={variable: value})
    assert result.failed
    assert words in result.message
    assert result.message.endswith(f". {option} was read from the environment variable {variable}")
    assert harness.requests == []


def test_error_names_no_variable_of_an_option_that_is_given(harness: Harness) -> None:
    arguments = {"name": "acme+ci", "timeout": 0, "verify_ssl": "perhaps"}
    environ = {"QUAY_TIMEOUT": "abc", "QUAY_VERIFY_SSL": "no", "QUAY_CA_PATH": ""}
    for option in ("verify_ssl", "timeout"):
        result = harness.run("quay_robot_token", arguments, environ=environ)
        assert result.failed
        assert "environment" not in result.message
        del arguments[option]


def test_netrc_is_not_read(harness: Harness, tmp_path: Path) -> None:
    secret = "password-out-of-netrc"
    harness.known_secrets.add([secret])
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login bob password {secret}\n")
    netrc.chmod(0o600)
    result = harness.run("quay_robot_token", {"name": "acme+new"}, environ={"HOME": str(tmp_path), "NETRC": str(netrc)})
    assert not result.failed
    proofs = [entry for entry in harness.quay.journal if entry.auth == "basic"]
    assert [entry.user for entry in proofs] == ["acme+new"]
    assert {entry.user for entry in harness.quay.journal if entry.auth == "bearer"} == {"alice"}


# --- redirects


@each_module
def test_credentials_do_not_follow_a_redirect(either_login: Harness, standins: Standins, module: str) -> None:
    harness = either_login
    other, _accounts = standins.get("3.17" if harness.quay.quay.family == "3.18" else "3.18")
    enable_all_features(harness)
    location = {"Location": f"{other.url}/api/v1/user/"}
    harness.quay.faults.add("status", path="^/(api/v1|v2)", times=None, status=302, headers=location)
    result = harness.run(module, ALL_MODULES[module])
    assert result.failed
    assert "the server redirects to http://127.0.0.1" in result.message
    assert len(other.journal) == 0


# --- sessions


def test_nobody_is_signed_out(harness: Harness) -> None:
    """Signing out would end all sessions of the user."""
    elsewhere = harness.accounts.alice.browser()
    harness.login = harness.accounts.alice.by_password
    for check in (True, False):
        harness.run("quay_robot_token", {"name": "acme+ci", "rotate": "always"}, check=check)
        assert not [request for request in harness.requests if "signout" in request]
    assert elsewhere.call("GET", "/api/v1/user/").json()["username"] == "alice"


def test_sign_in_is_retried_after_429(harness: Harness) -> None:
    harness.login = harness.accounts.alice.by_password
    harness.quay.faults.add("status", path="/signin$", status=429, headers={"Retry-After": "0"})
    result = harness.run("quay_robot_token", {"name": "acme+ci", "retries": 1})
    assert not result.failed, result.message
    assert harness.requests.count("POST /api/v1/signin") == 2


def test_password_over_plain_http_gives_a_warning(harness: Harness) -> None:
    assert harness.run("quay_robot_token", {"name": "acme+ci"}).warnings == []
    harness.login = harness.accounts.alice.by_password
    assert harness.run("quay_robot_token", {"name": "acme+ci"}).warned("over plain http")


# --- targets


@each_cheap_run
def test_module_runs_standalone(harness: Harness, module: str) -> None:
    """In a new interpreter, as on a target, a module returns the same."""
    arguments = {"quay_host": harness.quay.url, **harness.login, **CHEAP_RUNS[module]}
    standalone = run_standalone(module, arguments)
    if module == "quay_referrers_token":
        assert standalone["access"] == harness.run(module, CHEAP_RUNS[module])["access"]
    else:
        assert standalone.content == harness.run(module, CHEAP_RUNS[module]).content


@each_module
def test_target_without_requests(harness: Harness, module: str, tmp_path: Path) -> None:
    (tmp_path / "requests.py").write_text("raise ImportError('no such library')\n")
    arguments = {"quay_host": harness.quay.url, **harness.login, **ALL_MODULES[module]}
    result = run_standalone(module, arguments, import_first=tmp_path)
    assert result.failed
    assert "requests" in result.message
    assert "Failed to import the required Python library" in result.message
    assert len(harness.quay.journal) == 0


def test_result_is_one_line_of_json(harness: Harness) -> None:
    output = harness.run("quay_robot_token", {"name": "acme+ci"}).output
    assert json.loads(output.strip())
    assert len(output.strip().splitlines()) == 1
