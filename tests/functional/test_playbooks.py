# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks, one for each recipe of Quay's API guide: in check mode, for real, and again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from contract import collection
from functional.inhabitants import Person
from functional.world import World
from standin.state import Manifest
from standin.tokens import fingerprint

PLAYBOOKS = {path.stem for path in (collection.ROOT / "playbooks").glob("*.yml")}
_RECAP = re.compile(r"localhost\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)")


@pytest.fixture
def family() -> str:
    return "3.18"


@dataclass(frozen=True)
class Run:
    """What one run of a playbook displayed."""

    output: str = field(repr=False)
    changed: int
    failed: int


@dataclass
class Kitchen:
    """A world, and a way to run playbooks in it."""

    world: World
    person: Person | None
    environ: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        return self.world.folder

    def run(self, playbook: str, variables: Mapping[str, Any], *arguments: str) -> Run:
        self.world.quay.journal.clear()
        given = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **variables}
        command = [sys.executable, "-m", "ansible", "playbook", f"{collection.NAME}.{playbook}"]
        answer = subprocess.run(
            [*command, "-i", "localhost,", "-e", json.dumps(given), *arguments],
            env=self._environ(),
            cwd=self.folder.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        output = answer.stdout + answer.stderr
        assert self.world.secrets.in_text(output) == []
        recap = _RECAP.search(output)
        assert recap, output
        return Run(output, int(recap[2]), int(recap[3]))

    def once(self, playbook: str, variables: Mapping[str, Any]) -> Run:
        """One real run that changes something, where three of the same playbook have been seen."""
        run = self.run(playbook, variables)
        assert (run.changed > 0, run.failed) == (True, 0), run.output
        return run

    def three_runs(self, playbook: str, variables: Mapping[str, Any], *, again: int = 0) -> Run:
        """Check, real, and again: what check mode foretells comes, and nothing is done twice. Returns the real run."""
        state, files = self.world.state(), self.world.files()
        predicted = self.run(playbook, variables, "--check", "--diff")
        assert predicted.failed == 0, predicted.output
        assert (self.world.state(), self.world.files()) == (state, files)
        assert [request for request in self.world.writes if "signin" not in request] == []
        real = self.run(playbook, variables, "--diff")
        assert real.failed == 0, real.output
        assert real.changed == predicted.changed, (predicted.output, real.output)
        assert real.changed > 0
        repeated = self.run(playbook, variables)
        assert (repeated.changed, repeated.failed) == (again, 0), repeated.output
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
            "QUAY_HOST": self.world.quay.url,
            **self.environ,
        }
        if self.person:
            environ |= {"QUAY_USERNAME": self.person.username, "QUAY_PASSWORD": self.person.password}
        return environ


@pytest.fixture
def by(world: World) -> Callable[[str], Kitchen]:
    """A kitchen in which everything is done by one person."""
    return lambda name: Kitchen(world, getattr(world.people, name))


def kept(path: Path) -> str:
    """The fingerprint of the secret in a file, for its owner alone."""
    assert path.stat().st_mode & 0o777 == 0o600
    return fingerprint(path.read_text().strip())


def test_user(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("root")
    users = kitchen.world.quay.state.users
    path = kitchen.folder / "newuser"
    new = {"user_name": "newuser", "user_email": "newuser@example.com", "user_token_path": str(path)}
    run = kitchen.three_runs("user", new)
    assert users["newuser"].email == "newuser@example.com"
    assert "newuser" in run.output
    Person(kitchen.world.quay, "newuser", path.read_text().strip()).browser()
    kitchen.once("user", {"user_name": "newuser", "user_enabled": False})
    assert users["newuser"].enabled is False
    kitchen.once("user", {**new, "user_state": "absent"})
    assert "newuser" not in users


def test_organization(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("root")
    organizations = kitchen.world.quay.state.organizations
    kitchen.three_runs("organization", {"organization_name": "fresh", "organization_email": "fresh@example.com"})
    assert organizations["fresh"].email == "fresh@example.com"
    kitchen.once("organization", {"organization_name": "fresh", "organization_state": "absent"})
    assert "fresh" not in organizations


def test_team(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("alice")
    team = {"team_organization": "acme", "team_name": "builders"}
    kitchen.three_runs("team", {**team, "team_role": "creator", "team_members": ["acme+ci", "carol"]})
    teams = kitchen.world.quay.state.organizations["acme"].teams
    made = teams["builders"]
    assert (made.role, set(made.members)) == ("creator", {"acme+ci", "carol"})
    kitchen.once("team", {**team, "team_state": "absent"})
    assert "builders" not in teams


def test_team_sync(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("root")
    kitchen.world.quay.config.update(AUTHENTICATION_TYPE="LDAP", FEATURE_TEAM_SYNCING=True)
    kitchen.world.quay.config["STANDIN_GROUPS"] = {"cn=devs,ou=groups": ["carol"]}
    team = {"team_sync_organization": "acme", "team_sync_team": "readers"}
    readers = kitchen.world.quay.state.organizations["acme"].teams["readers"]
    kitchen.three_runs("team_sync", {**team, "team_sync_group_dn": "cn=devs,ou=groups"})
    assert readers.sync is not None
    assert readers.sync.config == {"group_dn": "cn=devs,ou=groups"}
    kitchen.once("team_sync", {**team, "team_sync_state": "absent"})
    assert readers.sync is None


def test_usage_logs(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("alice")
    logs = {"usage_logs_organization": "acme", "usage_logs_kinds": ["create_robot"]}
    for arguments in ((), ("--check",)):
        run = kitchen.run("usage_logs", logs, *arguments)
        assert (run.changed, run.failed) == (0, 0), run.output
        assert "create_robot" in run.output
        assert "create_application" not in run.output
    counted = kitchen.run("usage_logs", {**logs, "usage_logs_counts": True, "usage_logs_from": "7d"})
    assert '"count": 1' in counted.output


def test_robot(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("alice")
    path = kitchen.folder / "builder"
    robot = {"robot_name": "acme+builder", "robot_description": "builds", "robot_token_path": str(path)}
    kitchen.three_runs("robot", robot)
    first = kitchen.world.robot_token("acme+builder")
    assert kept(path) == first
    kitchen.once("robot", {**robot, "robot_rotate": "always"})
    assert kept(path) == kitchen.world.robot_token("acme+builder") != first
    kitchen.once("robot", {**robot, "robot_state": "absent"})
    assert "acme+builder" not in kitchen.world.quay.state.robots
    assert not path.exists()


def test_api_token(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("alice")
    path = kitchen.folder / "nightly"
    token = {
        "api_token_organization": "acme",
        "api_token_application": "automation",
        "api_token_name": "nightly",
        "api_token_scopes": ["repo:read"],
        "api_token_lifetime": "90d",
        "api_token_path": str(path),
    }
    kitchen.three_runs("api_token", token)
    (made,) = kitchen.world.tokens_of(kitchen.world.people.automation).values()
    assert (made.name, made.scope) == ("nightly", "repo:read")
    assert kept(path) == made.digest[:12]


def test_api_token_of_a_new_application(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("alice")
    path = kitchen.folder / "nightly"
    token = {
        "api_token_organization": "acme",
        "api_token_application": "new",
        "api_token_name": "nightly",
        "api_token_scopes": ["repo:read"],
        "api_token_path": str(path),
    }
    assert kitchen.three_runs("api_token", token).changed == 2
    assert path.exists()


def test_app_token(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("alice")
    path = kitchen.folder / "laptop"
    token = {"app_token_title": "laptop", "app_token_path": str(path)}
    kitchen.three_runs("app_token", token)
    tokens = kitchen.world.quay.state.app_tokens
    (made,) = tokens.values()
    assert made.title == "laptop"
    secret = kept(path)
    path.unlink()
    kitchen.once("app_token", token)
    assert kept(path) == secret
    kitchen.once("app_token", {**token, "app_token_state": "absent"})
    assert not tokens


def test_repository(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("alice")
    repositories = kitchen.world.quay.state.repositories
    permission = {"kind": "robot", "name": "acme+ci", "role": "write"}
    repository = {"repository_name": "acme/new", "repository_description": "The new one"}
    kitchen.three_runs("repository", {**repository, "repository_permissions": [permission]})
    made = repositories["acme", "new"]
    assert (made.is_public, made.description, made.user_roles["acme+ci"]) == (False, "The new one", "write")
    kitchen.once("repository", {**repository, "repository_visibility": "public"})
    assert repositories["acme", "new"].is_public
    kitchen.once("repository", {**repository, "repository_state": "absent"})
    assert ("acme", "new") not in repositories


MIRROR = {
    "mirror_repository": "acme/app",
    "mirror_robot": "acme+ci",
    "mirror_reference": "registry.example.com/ubi/ubi",
    "mirror_sync_start_date": "2031-01-31T02:00:00Z",
    "mirror_tags": ["latest", "9.*"],
}


@pytest.fixture
def mirroring(by: Callable[[str], Kitchen]) -> Kitchen:
    kitchen = by("alice")
    kitchen.world.quay.config["FEATURE_REPO_MIRROR"] = True
    return kitchen


def test_mirror(mirroring: Kitchen) -> None:
    repository = mirroring.world.quay.state.repositories["acme", "app"]
    mirroring.three_runs("mirror", MIRROR)
    assert repository.mirror is not None
    assert repository.mirror.external_reference == "registry.example.com/ubi/ubi"
    mirroring.once("mirror", {"mirror_repository": "acme/app", "mirror_sync": "now"})
    assert repository.mirror.status == "SYNC_NOW"


def test_mirror_with_everything(mirroring: Kitchen) -> None:
    password = "a-password-elsewhere"
    mirroring.world.secrets.add([password])
    mirroring.environ["MIRROR_PASSWORD"] = password
    extended = {
        **MIRROR,
        "mirror_registry_username": "puller",
        "mirror_verify_tls": False,
        "mirror_unsigned_images": True,
        "mirror_http_proxy": "http://proxy.example.com:3128",
        "mirror_https_proxy": "http://proxy.example.com:3129",
        "mirror_no_proxy": ".example.com",
        "mirror_sync_interval": "12h",
        "mirror_enabled": False,
    }
    mirroring.three_runs("mirror", extended)
    mirror = mirroring.world.quay.state.repositories["acme", "app"].mirror
    assert mirror is not None
    assert (mirror.username, mirror.sync_interval) == ("puller", 43200)


def test_build(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("alice")
    kitchen.world.quay.config["FEATURE_BUILD_SUPPORT"] = True
    build = {
        "build_repository": "acme/app",
        "build_archive_url": "https://files.example.com/app-1.0.tar.gz",
        "build_tags": ["latest", "1.2"],
        "build_wait": False,
    }
    kitchen.three_runs("build", build)
    (made,) = kitchen.world.quay.state.repositories["acme", "app"].builds
    assert made.tags == ["latest", "1.2"]


def test_referrers(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("alice")
    repository = kitchen.world.quay.state.repositories["acme", "app"]
    image = _push(repository.manifests, {"layers": []})
    about = _push(repository.manifests, {"subject": {"digest": image}, "artifactType": "application/spdx+json"})
    path = kitchen.folder / "registry"
    listing = {
        "referrers_repository": "acme/app",
        "referrers_digest": image,
        "referrers_artifact_type": "application/spdx+json",
        "referrers_token_path": str(path),
    }
    run = kitchen.three_runs("referrers", listing)
    assert about in run.output
    assert kept(path)


def _push(manifests: dict[str, Manifest], content: dict[str, Any]) -> str:
    kind = "application/vnd.oci.image.manifest.v1+json"
    raw = json.dumps({"schemaVersion": 2, "mediaType": kind, **content}).encode()
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    manifests[digest] = Manifest(digest, kind, raw)
    return digest


def test_first_user(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("alice")
    kitchen.person = None
    kitchen.world.quay.quay.reset()
    password = "correct-horse-battery"
    kitchen.world.secrets.add([password])
    user = {"first_user_name": "first", "first_user_email": "first@example.com", "first_user_password": password}
    kitchen.three_runs("first_user", user)
    assert kitchen.world.quay.state.users.keys() == {"first"}
    Person(kitchen.world.quay, "first", password).browser()


def test_api_operations(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("alice")
    kitchen.person = None
    run = kitchen.run("api_operations", {"api_operations_search": "regenerate organization robot"})
    assert (run.changed, run.failed) == (0, 0)
    assert "regenerateOrgRobotToken" in run.output


def test_api_call(by: Callable[[str], Kitchen]) -> None:
    kitchen = by("alice")
    call = {"api_call_operation": "getOrgRobot", "api_call_parameters": {"orgname": "acme", "robot_shortname": "ci"}}
    run = kitchen.run("api_call", call)
    assert (run.changed, run.failed) == (0, 0)
    assert '"token": "********"' in run.output
    visibility = {
        "api_call_operation": "changeRepoVisibility",
        "api_call_parameters": {"repository": "acme/app"},
        "api_call_body": {"visibility": "public"},
    }
    kitchen.three_runs("api_call", visibility, again=1)


def test_every_playbook_has_its_test() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    # That of the rotation has folders of its own: tests/canary, tests/demo, tests/integration.
    assert {"rotate"} == PLAYBOOKS - tested
