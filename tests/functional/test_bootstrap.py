# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook bootstrap: from an empty server to the first rotation, in one run or in several that were killed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import textwrap
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from canary import processes
from contract import collection
from functional.accounts import User
from functional.conftest import OLDER_IS_SLOW
from functional.harness import Harness
from functional.test_playbooks import PlaybookRunner, Run
from standin.endpoints.bootstrap import APPLICATION, provision
from standin.request_handler import Environ, RequestHandler, Response
from standin.tokens import fingerprint

PASSWORD = "a-long-first-password"


class Bootstrap:
    """A stand-in without users, and the variables to set it up."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.quay = harness.quay
        self.quay.quay.reset()
        self.runner = PlaybookRunner(harness, User(harness.quay, "quayadmin", PASSWORD))
        harness.known_secrets.add([PASSWORD])
        self.variables: dict[str, Any] = {
            "bootstrap_login": "rotator",
            "bootstrap_email": "quayadmin@example.com",
            "bootstrap_organizations": [
                {
                    "name": "acme",
                    "email": "acme@example.com",
                    "repositories": [{"name": "app", "description": "The product"}, {"name": "base"}],
                    "teams": [{"name": "builders", "role": "creator", "members": ["acme+ci"]}, {"name": "readers"}],
                },
                {"name": "tools"},
            ],
            "rotation_credentials": [
                {
                    "name": "acme+ci",
                    "kind": "robot",
                    "permissions": [{"repository": "acme/app", "role": "write"}],
                    "deliver": [self.file("ci")],
                },
                {
                    "name": "nightly",
                    "kind": "api",
                    "organization": "tools",
                    "application": "nightly",
                    "scopes": ["repo:read"],
                    "deliver": [self.file("nightly")],
                },
                {
                    "name": "rotator",
                    "kind": "api",
                    "organization": "acme",
                    "application": "rotation",
                    "deliver": [self.file("rotator")],
                },
            ],
        }

    def file(self, name: str) -> dict[str, Any]:
        return {"kind": "file", "path": str(self.path(name)), "format": "json"}

    def path(self, name: str) -> Path:
        return self.harness.folder / f"{name}.json"

    def contents(self) -> dict[str, tuple[int, str]]:
        """The permissions and the digest of each file."""
        return {path: (mode, digest) for path, (mode, _inode, _time, digest) in self.harness.files().items()}

    def run(self, *arguments: str, **variables: Any) -> Run:
        return self.runner.run("bootstrap", {**self.variables, **variables}, *arguments)

    def stored(self, name: str) -> str:
        """The fingerprint of the secret in a file."""
        return fingerprint(json.loads(self.path(name).read_text())["token"])

    # --- killing a run

    def kill(self, moment: Moment, patch: pytest.MonkeyPatch) -> None:
        """Run the playbook, and kill all its processes at a request."""
        mark = uuid.uuid4().hex
        handle, seen = RequestHandler.handle, 0

        def killing(handler: RequestHandler, environ: Environ, body: bytes) -> Response:
            nonlocal seen
            if re.search(moment.request, f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"):
                seen += 1
                if seen == moment.number:
                    response = handle(handler, environ, body) if moment.executed else Response(cut=True)
                    end_processes(mark)
                    return response
            return handle(handler, environ, body)

        with patch.context() as context:
            context.setattr(RequestHandler, "handle", killing)
            self.runner.environ[processes.MARK] = mark
            output = self.runner.start("bootstrap", self.variables)
            del self.runner.environ[processes.MARK]
        assert seen >= moment.number, output
        assert "PLAY RECAP" not in output

    # --- what was made

    def valid_tokens(self, application: str) -> list[str]:
        """The fingerprints of the valid tokens of an application."""
        found = next(each for each in self.quay.state.applications.values() if each.name == application)
        return [token.digest[:12] for token in self.harness.valid_tokens(found.client_id).values()]

    def scopes(self, application: str) -> list[str]:
        found = next(each for each in self.quay.state.applications.values() if each.name == application)
        return [token.scope for token in self.harness.valid_tokens(found.client_id).values()]

    def assert_complete(self, *, orphans: int = 0) -> None:
        """Everything exists once, and each store holds a secret that Quay accepts."""
        state = self.quay.state
        assert sorted(state.users) == ["quayadmin"]
        assert sorted(state.organizations) == ["acme", "tools"]
        assert sorted(state.repositories) == [("acme", "app"), ("acme", "base")]
        assert state.repositories["acme", "app"].user_roles == {"quayadmin": "admin", "acme+ci": "write"}
        teams = state.organizations["acme"].teams
        assert {name: (team.role, team.members) for name, team in teams.items()} == {
            "owners": ("admin", ["quayadmin"]),
            "builders": ("creator", ["acme+ci"]),
            "readers": ("member", []),
        }
        assert sorted(each.name for each in state.applications.values()) == ["nightly", "rotation"]
        assert self.stored("ci") == fingerprint(state.robots["acme+ci"].token)
        assert [self.stored("rotator")] == self.valid_tokens("rotation")
        assert self.stored("nightly") in self.valid_tokens("nightly")
        assert len(self.valid_tokens("nightly")) == 1 + orphans
        assert self.scopes("rotation") == ["org:admin repo:admin user:admin"]
        assert sorted(path.name for path in self.harness.folder.iterdir() if path.suffix == ".json") == [
            "ci.json",
            "nightly.json",
            "rotator.json",
        ]

    def assert_changes_nothing(self, **variables: Any) -> None:
        """A run, and one in check mode, change nothing."""
        state, files = self.harness.state(), self.contents()
        for arguments in ((), ("--check",)):
            run = self.run(*arguments, **variables)
            assert (run.failed, run.changed) == (0, 0), run.output
            assert [request for request in self.harness.writes if "signin" not in request] == []
            assert (self.harness.state(), self.contents()) == (state, files)

    def refuse(self, *words: str, **variables: Any) -> str:
        """Run in check mode and really. Asserts that both fail with these words and change nothing."""
        state, files = self.harness.state(), self.contents()
        for arguments in (("--check",), ()):
            run = self.run(*arguments, **variables)
            assert run.failed == 1, run.output
            text = re.sub(r"[\s\"\\]+", " ", run.output)
            for part in words:
                assert part in text, run.output
            assert (self.harness.state(), self.contents()) == (state, files)
        return run.output


def end_processes(mark: str) -> None:
    """Kill a run. Newer versions of ansible-core start workers in process groups of their own."""
    while remaining := processes.of_run(mark):
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True)
class Moment:
    """A request at which a run is killed. ``executed``: Quay executes it, and nobody gets the response."""

    request: str
    number: int = 1
    executed: bool = True


MOMENTS = {
    "before the user": Moment("POST .*/initialize$", 2, executed=False),
    "user": Moment("POST .*/initialize$", 2),
    "first organization": Moment("POST .*/organization/$"),
    "second organization": Moment("POST .*/organization/$", 2, executed=False),
    "repository": Moment("POST .*/repository$"),
    "team": Moment("PUT .*/team/builders$"),
    "application": Moment("POST .*/applications$", 2),
    "API token": Moment("POST (.*/tokens|/oauth/authorizeapp)$"),
    "API token that was verified": Moment("GET /v2/auth$"),
    "robot account": Moment("PUT .*/robots/ci$"),
    "permission": Moment("PUT .*/permissions/user/"),
    "other API token": Moment("POST (.*/tokens|/oauth/authorizeapp)$", 2),
    "members": Moment("PUT .*/members/"),
}
# Tokens of an older Quay have no names. So one whose response was lost is found only in an application of its own.
ORPHANS = {("3.17", "other API token"): 1}


@pytest.fixture
def bootstrap(harness: Harness) -> Bootstrap:
    return Bootstrap(harness)


@OLDER_IS_SLOW
def test_empty_server_is_set_up_in_one_run(bootstrap: Bootstrap) -> None:
    state, files = bootstrap.harness.state(), bootstrap.contents()
    predicted = bootstrap.run("--check", "--diff")
    assert predicted.failed == 0, predicted.output
    assert predicted.changed > 0
    assert bootstrap.harness.requests == ["POST /api/v1/user/initialize", "GET /config"]
    assert (bootstrap.harness.state(), bootstrap.contents()) == (state, files)
    for line in (
        *("organization acme", "organization tools", "repository acme/app", "repository acme/base"),
        *("team acme/builders", "team acme/readers", "application tools/nightly", "application acme/rotation"),
        f"API token rotator, stored in {bootstrap.path('rotator')}",
        *("credentials acme+ci, nightly", "acme/builders: acme+ci"),
    ):
        assert f'"msg": "{line}"' in predicted.output, line
    run = bootstrap.run("--diff", "-vvvv")
    assert run.failed == 0, run.output
    login = "password" if bootstrap.quay.quay.family == "3.17" else "API token rotator"
    assert f"The rotation logs in with the {login}" in run.output
    bootstrap.assert_complete()
    bootstrap.assert_changes_nothing()


@pytest.mark.slow
@pytest.mark.parametrize("family", ["3.18"])
def test_rotation_uses_the_new_token(bootstrap: Bootstrap) -> None:
    """Neither the first token nor the password is used for it."""
    assert bootstrap.run().failed == 0
    (robot,) = (entry for entry in bootstrap.quay.journal if entry.path.endswith("/robots/ci") and entry.mint)
    assert (robot.auth, robot.user) == ("bearer", "quayadmin")
    assert all(token.client_id != "quayadmin" for token in bootstrap.quay.state.oauth_tokens.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "moment"),
    [
        *(("3.18", moment) for moment in MOMENTS),
        *(("3.17", moment) for moment in ("user", "API token", "API token that was verified", "other API token")),
    ],
)
def test_killed_run_is_continued(bootstrap: Bootstrap, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    bootstrap.kill(MOMENTS[moment], monkeypatch)
    run = bootstrap.run("--diff")
    assert run.failed == 0, run.output
    bootstrap.assert_complete(orphans=ORPHANS.get((bootstrap.quay.quay.family, moment), 0))
    bootstrap.assert_changes_nothing()


@pytest.mark.slow
@pytest.mark.parametrize("family", ["3.18"])
def test_lost_responses_are_continued(bootstrap: Bootstrap) -> None:
    """Each write is answered by 500 although it was executed."""
    bootstrap.quay.faults.add("status", method="POST", path="initialize", nth=2, after=True)
    bootstrap.quay.faults.add("status", path="/(organization/|repository|applications|builders|tokens)$", after=True)
    run = bootstrap.run()
    for _time in range(5):
        if not run.failed:
            break
        run = bootstrap.run()
    assert run.failed == 0, run.output
    bootstrap.assert_complete()


# --- check mode between nothing and everything


@pytest.mark.slow
@pytest.mark.parametrize("family", ["3.18"])
@pytest.mark.parametrize("moment", ["first organization", "repository", "API token", "robot account", "members"])
def test_check_mode_of_an_interrupted_set_up(
    bootstrap: Bootstrap, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    bootstrap.kill(MOMENTS[moment], monkeypatch)
    state, files = bootstrap.harness.state(), bootstrap.contents()
    run = bootstrap.run("--check", "--diff")
    assert run.failed == 0, run.output
    # Only the response about the members was lost.
    assert (run.changed > 0) == (moment != "members"), run.output
    assert [request for request in bootstrap.harness.writes if "signin" not in request] == []
    assert (bootstrap.harness.state(), bootstrap.contents()) == (state, files)


# --- the guide

_BLOCK = re.compile(r"^\.\. code-block:: yaml\+jinja\n\n((?:    .*\n|\n)+)", re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["3.18"])
def test_examples_of_the_guide(bootstrap: Bootstrap) -> None:
    """The two files of the guide, and its command for every night. Only the directory of the files is another one."""
    guide = (collection.ROOT / "docs" / "docsite" / "rst" / "guide_bootstrap.rst").read_text()
    folder = bootstrap.harness.folder
    for directory in ("containers", "quay"):
        (folder / directory).mkdir()
    files = [textwrap.dedent(block).replace("/etc/", f"{folder}/") for block in _BLOCK.findall(guide)]
    assert [file.partition("\n")[0] for file in files] == ["# bootstrap.yml", "# credentials.yml"]
    bootstrap.variables = {name: value for file in files for name, value in yaml.safe_load(file).items()}
    run = bootstrap.run("--diff")
    assert run.failed == 0, run.output
    assert (folder / "containers" / "auth.json").exists()
    assert "-e rotation_quay_token_path=/etc/quay/rotator" in guide
    nightly = {
        "rotation_credentials": bootstrap.variables["rotation_credentials"],
        "rotation_quay_token_path": f"{folder}/quay/rotator",
    }
    # Also if the variable is in the same file, for the nights.
    bootstrap.variables.update(nightly)
    bootstrap.assert_changes_nothing()
    bootstrap.runner.user = None
    run = bootstrap.runner.run("rotate", nightly)
    assert (run.failed, run.changed) == (0, 0), run.output
    bootstrap.harness.advance(days=80)
    run = bootstrap.runner.run("rotate", nightly)
    assert run.failed == 0, run.output
    assert "rotator" in run.output
    assert bootstrap.valid_tokens("rotation") == [fingerprint((folder / "quay" / "rotator").read_text().strip())]


# --- with a token


@pytest.fixture
def with_token(bootstrap: Bootstrap) -> Path:
    """A server whose file has a bootstrap token. The variables name the file, and no user."""
    assert bootstrap.runner.run("first_user", {}).failed == 0
    path = bootstrap.runner.folder.parent / "bootstrap-token.json"
    bootstrap.quay.config.update(
        FEATURE_PROGRAMMATIC_BOOTSTRAP=True, BOOTSTRAP_TOKEN_OWNER="quayadmin", BOOTSTRAP_TOKEN_PATH=str(path)
    )
    provision(bootstrap.quay.quay)
    bootstrap.runner.user = None
    bootstrap.variables["bootstrap_token_path"] = str(path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("family", ["3.18"])
def test_set_up_with_a_bootstrap_token(bootstrap: Bootstrap, with_token: Path) -> None:
    run = bootstrap.run("--diff", "-vvvv")
    assert run.failed == 0, run.output
    assert "POST /api/v1/signin" not in bootstrap.harness.requests
    del bootstrap.quay.state.applications[_bootstrap_application(bootstrap)]
    bootstrap.assert_complete()


def _bootstrap_application(bootstrap: Bootstrap) -> str:
    return next(key for key, each in bootstrap.quay.state.applications.items() if each.name == APPLICATION)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["3.18"])
def test_later_run_uses_the_api_token(bootstrap: Bootstrap, with_token: Path) -> None:
    """The bootstrap token is valid for an hour. The API token has what the credentials need."""
    assert bootstrap.run().failed == 0
    bootstrap.harness.advance(hours=2)
    before = with_token.read_text()
    bootstrap.assert_changes_nothing()
    assert with_token.read_text() == before


@pytest.mark.slow
@pytest.mark.parametrize("family", ["3.18"])
def test_expired_bootstrap_token_is_renewed_on_the_server(bootstrap: Bootstrap, with_token: Path) -> None:
    bootstrap.harness.advance(hours=2)
    before = with_token.read_text()
    assert bootstrap.run().failed == 0
    assert with_token.read_text() != before


@pytest.mark.slow
@pytest.mark.parametrize("family", ["3.18"])
def test_expired_bootstrap_token_elsewhere(bootstrap: Bootstrap, with_token: Path) -> None:
    bootstrap.quay.config["STANDIN_LOCAL_ADDRESSES"] = []
    bootstrap.harness.advance(hours=2)
    bootstrap.refuse(f"The token in {with_token} cannot be used: ", "Quay answered 401", "POST /api/v1/bootstrap/renew")


@pytest.mark.slow
@pytest.mark.parametrize("family", ["3.18"])
@pytest.mark.parametrize("content", ['{"access": "broken-bootstrap-token"}', "a broken token"])
def test_file_that_holds_no_token(bootstrap: Bootstrap, with_token: Path, content: str) -> None:
    with_token.write_text(content)
    output = bootstrap.refuse("bootstrap-token.json cannot be used: ")
    assert "broken" not in output


# --- refusals


@OLDER_IS_SLOW
def test_nothing_is_created_with_a_wrong_password(bootstrap: Bootstrap) -> None:
    assert bootstrap.runner.run("first_user", {}).failed == 0
    bootstrap.runner.user = User(bootstrap.quay, "somebody", PASSWORD)
    bootstrap.refuse("Quay has users already", "'somebody'")


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "variables": (
        {"bootstrap_login": "", "bootstrap_organizations": []},
        "Set bootstrap_login and bootstrap_organizations",
    ),
    "login": ({"bootstrap_login": "acme+ci"}, "rotation_credentials declares no API token 'acme+ci' (kind: api)"),
    "unknown login": ({"bootstrap_login": "nobody"}, "rotation_credentials declares no API token 'nobody'"),
    "organization": ({"bootstrap_organizations": [{"name": "tools"}]}, "'acme' is not in bootstrap_organizations"),
    "no user": ({"bootstrap_username": " "}, "Set name (or quay_username)"),
}


@pytest.mark.slow
@pytest.mark.parametrize("family", ["3.18"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_found_before_anything_is_sent(bootstrap: Bootstrap, mistake: str) -> None:
    variables, words = MISTAKES[mistake]
    if mistake == "no user":
        bootstrap.runner.user = None
    bootstrap.refuse(words, **variables)
    assert bootstrap.harness.requests == []


MISDECLARED: dict[str, tuple[dict[str, Any], str]] = {
    "scopes": ({"scopes": ["repo:write"]}, "also needs the scopes org:admin, repo:admin, user:admin"),
    "client id": ({"client_id": "x", "application": ""}, "declare its application by organization and application"),
    "store": (
        {"deliver": [{"kind": "file", "path": "/tmp/x", "hosts": "elsewhere"}]},
        "deliver needs a store that localhost can read back",
    ),
    "option": ({"scope": "x"}, "scope is not an option. Did you mean scopes?"),
}


@pytest.mark.slow
@pytest.mark.parametrize("family", ["3.18"])
@pytest.mark.parametrize("mistake", MISDECLARED)
def test_misdeclared_login(bootstrap: Bootstrap, mistake: str) -> None:
    options, words = MISDECLARED[mistake]
    bootstrap.variables["rotation_credentials"][-1].update(options)
    bootstrap.refuse(words)
    assert bootstrap.harness.requests == []
