# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks, one for each recipe of Quay's API guide: in check mode, really, and repeated."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contract import collection
from functional.accounts import User
from functional.harness import Harness
from standin.state import Manifest
from standin.tokens import fingerprint

PLAYBOOKS = {path.stem for path in (collection.ROOT / "playbooks").glob("*.yml")}
_RECAP = re.compile(r"localhost\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)")


@pytest.fixture
def family() -> str:
    return "3.18"


@dataclass(frozen=True)
class Run:
    """The output of one run of a playbook."""

    output: str = field(repr=False)
    changed: int
    failed: int


@dataclass
class PlaybookRunner:
    """Runs playbooks against the stand-in as one user."""

    harness: Harness
    user: User | None
    environ: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        return self.harness.folder

    def start(self, playbook: str, variables: Mapping[str, Any], *arguments: str) -> str:
        """Run a playbook, and return its output. Asserts that it has no secret."""
        self.harness.quay.journal.clear()
        given = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **variables}
        command = [sys.executable, "-m", "ansible", "playbook", f"{collection.NAME}.{playbook}"]
        process = subprocess.run(
            [*command, "-i", "localhost,", "-e", json.dumps(given), *arguments],
            env=self._environ(),
            cwd=self.folder.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        output = process.stdout + process.stderr
        assert self.harness.known_secrets.in_text(output) == []
        return output

    def run(self, playbook: str, variables: Mapping[str, Any], *arguments: str) -> Run:
        output = self.start(playbook, variables, *arguments)
        recap = _RECAP.search(output)
        assert recap, output
        return Run(output, int(recap[2]), int(recap[3]))

    def run_once(self, playbook: str, variables: Mapping[str, Any]) -> Run:
        """Run a playbook once. Asserts that it changes something."""
        run = self.run(playbook, variables)
        assert (run.changed > 0, run.failed) == (True, 0), run.output
        return run

    def three_runs(self, playbook: str, variables: Mapping[str, Any], *, changes_again: int = 0) -> Run:
        """Run in check mode, really, and again. Checks prediction and idempotence. Returns the real run."""
        state, files = self.harness.state(), self.harness.files()
        predicted = self.run(playbook, variables, "--check", "--diff")
        assert predicted.failed == 0, predicted.output
        assert (self.harness.state(), self.harness.files()) == (state, files)
        assert [request for request in self.harness.writes if "signin" not in request] == []
        real = self.run(playbook, variables, "--diff")
        assert real.failed == 0, real.output
        assert real.changed == predicted.changed, (predicted.output, real.output)
        assert real.changed > 0
        second = self.run(playbook, variables)
        assert (second.changed, second.failed) == (changes_again, 0), second.output
        return real

    def _environ(self) -> dict[str, str]:
        environ = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": str(self.folder.parent),
            "ANSIBLE_HOME": str(self.folder.parent / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(collection.COLLECTIONS),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "QUAY_HOST": self.harness.quay.url,
            **self.environ,
        }
        if self.user:
            environ |= {"QUAY_USERNAME": self.user.username, "QUAY_PASSWORD": self.user.password}
        return environ


@pytest.fixture
def runner_for(harness: Harness) -> Callable[[str], PlaybookRunner]:
    """Create a runner for the user with this name."""
    return lambda name: PlaybookRunner(harness, getattr(harness.accounts, name))


def stored_fingerprint(path: Path) -> str:
    """Return the fingerprint of the secret in a file. Asserts its mode."""
    assert path.stat().st_mode & 0o777 == 0o600
    return fingerprint(path.read_text().strip())


@pytest.mark.slow
def test_user(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("root")
    users = runner.harness.quay.state.users
    path = runner.folder / "newuser"
    new = {"user_name": "newuser", "user_email": "newuser@example.com", "user_token_path": str(path)}
    run = runner.three_runs("user", new)
    assert users["newuser"].email == "newuser@example.com"
    assert "newuser" in run.output
    User(runner.harness.quay, "newuser", path.read_text().strip()).browser()
    runner.run_once("user", {"user_name": "newuser", "user_enabled": False})
    assert users["newuser"].enabled is False
    runner.run_once("user", {**new, "user_state": "absent"})
    assert "newuser" not in users


def test_organization(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("root")
    organizations = runner.harness.quay.state.organizations
    runner.three_runs("organization", {"organization_name": "fresh", "organization_email": "fresh@example.com"})
    assert organizations["fresh"].email == "fresh@example.com"
    runner.run_once("organization", {"organization_name": "fresh", "organization_state": "absent"})
    assert "fresh" not in organizations


@pytest.mark.slow
def test_team(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    team = {"team_organization": "acme", "team_name": "builders"}
    runner.three_runs("team", {**team, "team_role": "creator", "team_members": ["acme+ci", "carol"]})
    teams = runner.harness.quay.state.organizations["acme"].teams
    made = teams["builders"]
    assert (made.role, set(made.members)) == ("creator", {"acme+ci", "carol"})
    runner.run_once("team", {**team, "team_state": "absent"})
    assert "builders" not in teams


@pytest.mark.slow
def test_team_sync(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("root")
    runner.harness.quay.config.update(AUTHENTICATION_TYPE="LDAP", FEATURE_TEAM_SYNCING=True)
    runner.harness.quay.config["STANDIN_GROUPS"] = {"cn=devs,ou=groups": ["carol"]}
    team = {"team_sync_organization": "acme", "team_sync_team": "readers"}
    readers = runner.harness.quay.state.organizations["acme"].teams["readers"]
    runner.three_runs("team_sync", {**team, "team_sync_group_dn": "cn=devs,ou=groups"})
    assert readers.sync is not None
    assert readers.sync.config == {"group_dn": "cn=devs,ou=groups"}
    runner.run_once("team_sync", {**team, "team_sync_state": "absent"})
    assert readers.sync is None


@pytest.mark.slow
def test_usage_logs(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    logs = {"usage_logs_organization": "acme", "usage_logs_kinds": ["create_robot"]}
    for arguments in ((), ("--check",)):
        run = runner.run("usage_logs", logs, *arguments)
        assert (run.changed, run.failed) == (0, 0), run.output
        assert "create_robot" in run.output
        assert "create_application" not in run.output
    counted = runner.run("usage_logs", {**logs, "usage_logs_counts": True, "usage_logs_from": "7d"})
    assert '"count": 1' in counted.output


def test_robot(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    path = runner.folder / "builder"
    robot = {"robot_name": "acme+builder", "robot_description": "builds", "robot_token_path": str(path)}
    runner.three_runs("robot", robot)
    first = runner.harness.robot_fingerprint("acme+builder")
    assert stored_fingerprint(path) == first
    runner.run_once("robot", {**robot, "robot_rotate": "always"})
    assert stored_fingerprint(path) == runner.harness.robot_fingerprint("acme+builder") != first
    runner.run_once("robot", {**robot, "robot_state": "absent"})
    assert "acme+builder" not in runner.harness.quay.state.robots
    assert not path.exists()


@pytest.mark.slow
def test_robot_lease(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    path, quay = runner.folder / "auth.json", runner.harness.quay
    lease = {
        "robot_lease_name_prefix": "acme+build",
        "robot_lease_auth_path": str(path),
        "robot_lease_lifetime": "12h",
        "robot_lease_owner": "build farm",
        "robot_lease_permissions": [{"repository": "acme/app", "role": "write"}],
    }

    def names() -> list[str]:
        return [name for name in quay.state.robots if name.startswith("acme+build-")]

    runner.three_runs("robot_lease", lease)
    (first,) = names()
    assert quay.state.robots[first].metadata["tokensmith.quay"]["owner"] == "build farm"
    assert quay.state.repositories["acme", "app"].user_roles[first] == "write"
    runner.run_once("robot_lease", {**lease, "robot_lease_rotate": "always"})
    (second,) = names()
    assert second != first
    runner.run_once("robot_lease", {**lease, "robot_lease_state": "absent"})
    assert names() == []
    runner.run_once("robot_lease", lease)
    runner.harness.advance(hours=13)
    runner.three_runs("robot_lease", {"robot_lease_name_prefix": "acme+build", "robot_lease_sweep": True})
    assert names() == []


def test_api_token(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    path = runner.folder / "nightly"
    token = {
        "api_token_organization": "acme",
        "api_token_application": "automation",
        "api_token_name": "nightly",
        "api_token_scopes": ["repo:read"],
        "api_token_lifetime": "90d",
        "api_token_path": str(path),
    }
    runner.three_runs("api_token", token)
    (made,) = runner.harness.valid_tokens(runner.harness.accounts.automation).values()
    assert (made.name, made.scope) == ("nightly", "repo:read")
    assert stored_fingerprint(path) == made.digest[:12]


@pytest.mark.slow
def test_api_token_of_a_new_application(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    path = runner.folder / "nightly"
    token = {
        "api_token_organization": "acme",
        "api_token_application": "new",
        "api_token_name": "nightly",
        "api_token_scopes": ["repo:read"],
        "api_token_path": str(path),
    }
    assert runner.three_runs("api_token", token).changed == 2
    assert path.exists()


@pytest.mark.slow
def test_app_token(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    path = runner.folder / "laptop"
    token = {"app_token_title": "laptop", "app_token_path": str(path)}
    runner.three_runs("app_token", token)
    tokens = runner.harness.quay.state.app_tokens
    (made,) = tokens.values()
    assert made.title == "laptop"
    secret = stored_fingerprint(path)
    path.unlink()
    runner.run_once("app_token", token)
    assert stored_fingerprint(path) == secret
    runner.run_once("app_token", {**token, "app_token_state": "absent"})
    assert not tokens


@pytest.fixture
def reassignment(runner_for: Callable[[str], PlaybookRunner]) -> tuple[PlaybookRunner, dict[str, Any]]:
    """A runner for the administrator, and the variables to reassign a token of the administrator to carol."""
    runner = runner_for("alice")
    runner.environ["REASSIGN_TOKEN_PASSWORD"] = runner.harness.accounts.carol.password
    former = runner.folder / "former"
    former.write_text(runner.harness.accounts.alice.token(runner.harness.accounts.automation, "repo:read") + "\n")
    former.chmod(0o600)
    variables = {
        "reassign_token_organization": "acme",
        "reassign_token_application": "automation",
        "reassign_token_user": "carol",
        "reassign_token_scopes": ["org:admin", "repo:create"],
        "reassign_token_path": str(runner.folder / "carol"),
        "reassign_token_former_path": str(former),
    }
    return runner, variables


def test_reassign_token(reassignment: tuple[PlaybookRunner, dict[str, Any]]) -> None:
    runner, variables = reassignment
    harness = runner.harness
    harness.accounts.alice.browser().call("PUT", "/api/v1/organization/acme/team/owners/members/carol")
    run = runner.three_runs("reassign_token", variables)
    (token,) = harness.valid_tokens(harness.accounts.automation).values()
    assert (token.username, set(token.scope.split())) == ("carol", {"org:admin", "repo:create"})
    path = Path(variables["reassign_token_path"])
    assert harness.is_oauth_token(token.uuid, stored_fingerprint(path))
    assert not Path(variables["reassign_token_former_path"]).exists()
    assert harness.quay.state.assignments == {}
    assert '"assigning_user": "alice"' in run.output
    assert '"assigned_user": "carol"' in run.output
    assert '"used": []' in run.output
    # The entry of a call with the token names its new owner and the application.
    login = {"quay_token": path.read_text().strip()}
    harness.login = login
    harness.run("quay_robot_token", {"name": "acme+by-carol"})
    later = runner.run("reassign_token", variables)
    assert (later.changed, later.failed) == (0, 0)
    used = later.output.partition('"used": [')[2]
    assert '"kind": "create_robot"' in used
    assert '"performer": "carol"' in used
    assert f'"oauth_token_application_id": "{harness.accounts.automation}"' in used


@pytest.mark.slow
def test_reassign_token_of_another_application(reassignment: tuple[PlaybookRunner, dict[str, Any]]) -> None:
    """The former token could not be revoked, so nothing is assigned."""
    runner, variables = reassignment
    accounts = runner.harness.accounts
    Path(variables["reassign_token_former_path"]).write_text(accounts.alice.token(accounts.console, "repo:read") + "\n")
    refused = runner.run("reassign_token", variables)
    assert refused.failed == 1
    assert "it is not one of this application" in refused.output
    assert runner.harness.quay.state.assignments == {}
    assert Path(variables["reassign_token_former_path"]).exists()


@pytest.mark.slow
def test_reassign_token_that_is_pending(reassignment: tuple[PlaybookRunner, dict[str, Any]]) -> None:
    """What was assigned before is accepted. Nothing else is assigned."""
    runner, variables = reassignment
    harness = runner.harness
    harness.login = harness.accounts.alice.by_password
    del variables["reassign_token_former_path"]
    options = {"client_id": harness.accounts.automation, "scopes": variables["reassign_token_scopes"]}
    harness.run("quay_assigned_token", {**options, "for_user": "carol", "state": "assigned"})
    runner.three_runs("reassign_token", variables)
    assert harness.quay.state.assignments == {}
    assert len(harness.valid_tokens(harness.accounts.automation)) == 2
    # The token is lost, and the administrator has another one assigned at once.
    Path(variables["reassign_token_path"]).unlink()
    runner.run_once("reassign_token", variables)
    assert harness.quay.state.assignments == {}


@pytest.mark.slow
def test_reassign_token_by_its_uuid(reassignment: tuple[PlaybookRunner, dict[str, Any]]) -> None:
    """The former token is in the file that gets the new one."""
    runner, variables = reassignment
    variables["reassign_token_path"] = variables["reassign_token_former_path"]
    refused = runner.run("reassign_token", variables)
    assert refused.failed == 1
    assert "is the file that gets the new token" in refused.output
    assert runner.harness.requests == []
    del variables["reassign_token_former_path"]
    (former,) = runner.harness.valid_tokens(runner.harness.accounts.automation)
    runner.three_runs("reassign_token", {**variables, "reassign_token_former_uuid": former})
    (token,) = runner.harness.valid_tokens(runner.harness.accounts.automation).values()
    assert (token.username, token.uuid == former) == ("carol", False)


@pytest.mark.slow
def test_client_secret(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    application = runner.harness.quay.state.applications[runner.harness.accounts.automation]
    former = fingerprint(application.client_secret)
    path = runner.folder / "portal"
    variables = {
        "client_secret_organization": "acme",
        "client_secret_application": "automation",
        "client_secret_path": str(path),
    }
    runner.three_runs("client_secret", variables)
    assert stored_fingerprint(path) == former
    runner.run_once("client_secret", {**variables, "client_secret_rotate": "always"})
    assert stored_fingerprint(path) == fingerprint(application.client_secret) != former


@pytest.mark.slow
def test_repository(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    repositories = runner.harness.quay.state.repositories
    permission = {"kind": "robot", "name": "acme+ci", "role": "write"}
    repository = {"repository_name": "acme/new", "repository_description": "The new one"}
    runner.three_runs("repository", {**repository, "repository_permissions": [permission]})
    made = repositories["acme", "new"]
    assert (made.is_public, made.description, made.user_roles["acme+ci"]) == (False, "The new one", "write")
    runner.run_once("repository", {**repository, "repository_visibility": "public"})
    assert repositories["acme", "new"].is_public
    runner.run_once("repository", {**repository, "repository_description": "The public one"})
    assert (made.is_public, made.description) == (True, "The public one")
    runner.run_once("repository", {**repository, "repository_state": "absent"})
    assert ("acme", "new") not in repositories


MIRROR = {
    "mirror_repository": "acme/app",
    "mirror_robot": "acme+ci",
    "mirror_reference": "registry.example.com/ubi/ubi",
    "mirror_tags": ["latest", "9.*"],
}


@pytest.fixture
def mirror_runner(runner_for: Callable[[str], PlaybookRunner]) -> PlaybookRunner:
    runner = runner_for("alice")
    runner.harness.quay.config["FEATURE_REPO_MIRROR"] = True
    # The first synchronization is due in the current hour, so the hour must not end between two runs.
    runner.harness.quay.clock.set(datetime(2031, 1, 31, 2, tzinfo=UTC))
    return runner


@pytest.mark.slow
def test_mirror(mirror_runner: PlaybookRunner) -> None:
    repository = mirror_runner.harness.quay.state.repositories["acme", "app"]
    mirror_runner.three_runs("mirror", MIRROR)
    assert repository.mirror is not None
    assert repository.mirror.external_reference == "registry.example.com/ubi/ubi"
    repository.mirror.enabled = False
    mirror_runner.run_once("mirror", {"mirror_repository": "acme/app", "mirror_sync": "now"})
    assert (repository.mirror.status, repository.mirror.enabled) == ("SYNC_NOW", False)


@pytest.mark.slow
def test_mirror_with_everything(mirror_runner: PlaybookRunner) -> None:
    password = "a-password-elsewhere"
    mirror_runner.harness.known_secrets.add([password])
    mirror_runner.environ["MIRROR_PASSWORD"] = password
    extended = {
        **MIRROR,
        "mirror_sync_start_date": "2031-01-31T02:00:00Z",
        "mirror_registry_username": "puller",
        "mirror_verify_tls": False,
        "mirror_unsigned_images": True,
        "mirror_http_proxy": "http://proxy.example.com:3128",
        "mirror_https_proxy": "http://proxy.example.com:3129",
        "mirror_no_proxy": ".example.com",
        "mirror_sync_interval": "12h",
        "mirror_enabled": False,
    }
    mirror_runner.three_runs("mirror", extended)
    mirror = mirror_runner.harness.quay.state.repositories["acme", "app"].mirror
    assert mirror is not None
    assert (mirror.username, mirror.sync_interval) == ("puller", 43200)


@pytest.mark.slow
def test_build(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    runner.harness.quay.config["FEATURE_BUILD_SUPPORT"] = True
    build = {
        "build_repository": "acme/app",
        "build_archive_url": "https://files.example.com/app-1.0.tar.gz",
        "build_tags": ["latest", "1.2"],
        "build_wait": False,
    }
    runner.three_runs("build", build)
    (made,) = runner.harness.quay.state.repositories["acme", "app"].builds
    assert made.tags == ["latest", "1.2"]


def test_referrers(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    repository = runner.harness.quay.state.repositories["acme", "app"]
    image = _push(repository.manifests, {"layers": []})
    referrer = _push(repository.manifests, {"subject": {"digest": image}, "artifactType": "application/spdx+json"})
    path = runner.folder / "registry"
    listing = {
        "referrers_repository": "acme/app",
        "referrers_digest": image,
        "referrers_artifact_type": "application/spdx+json",
        "referrers_token_path": str(path),
    }
    run = runner.three_runs("referrers", listing)
    assert referrer in run.output
    assert stored_fingerprint(path)


def _push(manifests: dict[str, Manifest], content: dict[str, Any]) -> str:
    kind = "application/vnd.oci.image.manifest.v1+json"
    raw = json.dumps({"schemaVersion": 2, "mediaType": kind, **content}).encode()
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    manifests[digest] = Manifest(digest, kind, raw)
    return digest


@pytest.mark.slow
def test_first_user(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    runner.user = None
    runner.harness.quay.quay.reset()
    password = "correct-horse-battery"
    runner.harness.known_secrets.add([password])
    user = {"first_user_name": "first", "first_user_email": "first@example.com", "first_user_password": password}
    runner.three_runs("first_user", user)
    assert runner.harness.quay.state.users.keys() == {"first"}
    assert runner.harness.quay.state.oauth_tokens == {}
    User(runner.harness.quay, "first", password).browser()


@pytest.mark.slow
def test_first_user_with_a_token(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    runner.user = User(runner.harness.quay, "first", "correct-horse-battery")
    runner.harness.quay.quay.reset()
    path = runner.folder / "first"
    runner.three_runs("first_user", {"first_user_token_path": str(path)})
    (token,) = runner.harness.quay.state.oauth_tokens.values()
    assert stored_fingerprint(path) == token.digest[:12]


def test_api_operations(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    runner.user = None
    run = runner.run("api_operations", {"api_operations_search": "regenerate organization robot"})
    assert (run.changed, run.failed) == (0, 0)
    assert "regenerateOrgRobotToken" in run.output


@pytest.mark.slow
def test_api_call(runner_for: Callable[[str], PlaybookRunner]) -> None:
    runner = runner_for("alice")
    call = {"api_call_operation": "getOrgRobot", "api_call_parameters": {"orgname": "acme", "robot_shortname": "ci"}}
    run = runner.run("api_call", call)
    assert (run.changed, run.failed) == (0, 0)
    assert '"token": "********"' in run.output
    visibility = {
        "api_call_operation": "changeRepoVisibility",
        "api_call_parameters": {"repository": "acme/app"},
        "api_call_body": {"visibility": "public"},
    }
    runner.three_runs("api_call", visibility, changes_again=1)


MISSING: dict[str, tuple[dict[str, Any], str]] = {
    "robot": ({"robot_token_path": "/x"}, "Set robot_name."),
    "robot_lease": (
        {"robot_lease_lifetime": "1h"},
        "Set robot_lease_name_prefix and robot_lease_auth_path.",
    ),
    "api_token": ({"api_token_organization": ""}, "Set api_token_organization and api_token_application and"),
    "app_token": ({"app_token_title": "laptop"}, "Set app_token_path."),
    "client_secret": ({"client_secret_organization": "acme"}, "Set client_secret_application and client_secret_path."),
    "reassign_token": (
        {"reassign_token_organization": "acme", "reassign_token_scopes": ["repo:read"], "reassign_token_user": "carol"},
        "Set reassign_token_application and reassign_token_path and REASSIGN_TOKEN_PASSWORD (environment).",
    ),
    "rotate": ({}, "Set rotation_credentials, for example with -e @credentials.yml."),
}


@pytest.mark.parametrize("playbook", MISSING)
def test_missing_variable_is_named(runner_for: Callable[[str], PlaybookRunner], playbook: str) -> None:
    variables, words = MISSING[playbook]
    runner = runner_for("alice")
    run = runner.run(playbook, variables)
    assert run.failed == 1
    assert words in run.output
    assert runner.harness.requests == []


def test_every_playbook_has_a_test() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    # These have tests of their own: tests/canary, tests/demo, tests/integration, test_audit_role, test_awx_setup and
    # test_bootstrap.
    assert {"audit", "rotate", "awx_setup", "bootstrap"} == PLAYBOOKS - tested
