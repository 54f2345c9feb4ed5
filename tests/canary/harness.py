# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The canary's test harness: a stand-in with accounts, the stores, and runs of playbooks and modules."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from functional.accounts import Accounts, create_accounts
from standin import Standin, tokens
from standin.tokens import fingerprint

from .controller import PLAYBOOKS, Controller, Run
from .leak_detector import LeakDetector
from .search import Trace

ROTATE = "tokensmith.quay.rotate"
ROTATE_WITH_FACTS = str(PLAYBOOKS / "rotate_with_facts.yml")

# A password with characters that need quoting.
DIFFICULT_PASSWORD = """Zürich/"8°"\\7%41$HOME&<more>#é?=;'+{}"""

# A password of another registry, and of users that a play creates.
OTHER_PASSWORD = "Fremdes&Passwort%7#für+Spiegel"

Variables = dict[str, Any]


@dataclass
class Login:
    """The options of a login, as variables of the role and of the environment."""

    options: Mapping[str, Any] = field(repr=False)

    @property
    def role(self) -> dict[str, Any]:
        return {f"rotation_{name}": value for name, value in self.options.items()}

    @property
    def environment(self) -> dict[str, Any]:
        return {name.upper(): value for name, value in self.options.items()}

    @property
    def secrets(self) -> list[str]:
        return [value for name, value in self.options.items() if name != "quay_username"]


@dataclass
class Harness:
    standin: Standin = field(repr=False)
    accounts: Accounts = field(repr=False)
    leak_detector: LeakDetector = field(repr=False)
    controller: Controller
    folder: Path
    login: Login
    _states: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    # --- running

    def play(self, name: str, *options: str, **run_options: Any) -> Run:
        """Run a playbook of the canary."""
        wrong = {"quay_host": self.url, "quay_token": tokens.oauth_token()}
        variables = {
            "canary_login": {"quay_host": self.url, "retries": 0, **self.login.options},
            "canary_wrong_login": wrong,
            "canary_superuser": {"quay_host": self.url, "retries": 0, **self.accounts.root.by_password},
            "canary_other_password": OTHER_PASSWORD,
            "canary_users": [self.accounts.alice.by_password, self.accounts.bob.by_password],
            "canary_stores": str(self.stores),
        }
        return self.controller.playbook(str(PLAYBOOKS / f"{name}.yml"), variables, *options, **run_options)

    def rotate(
        self,
        *options: str,
        credentials: Sequence[Variables] | None = None,
        login: Login | None = None,
        variables: Variables | None = None,
        playbook: str = ROTATE,
        **run_options: Any,
    ) -> Run:
        """Rotate credentials with the role. The default is all credentials."""
        own = {
            "rotation_credentials": self.credentials() if credentials is None else credentials,
            "rotation_quay_host": self.url,
            **(login or self.login).role,
        }
        return self.controller.playbook(playbook, own | (variables or {}), *options, **run_options)

    def ad_hoc(self, module: str, arguments: str, *options: str, **run_options: Any) -> Run:
        """Run a module with `ansible`, with the login in the environment."""
        environment = {"QUAY_HOST": self.url, **self.login.environment}
        return self.controller.ad_hoc(module, arguments, *options, environment=environment, **run_options)

    # --- reading

    def leaks(self, run: Run, exclude: Callable[[Trace], Trace] | None = None) -> list[str]:
        """Return where secrets are in the traces of a run. ``exclude`` removes allowed secrets from a trace."""
        elsewhere = [path for path in run.files_written_elsewhere if not path.is_relative_to(self.stores)]
        traces = [
            *run.traces(),
            *(Trace(f"file {path}", path.read_text(errors="replace")) for path in elsewhere),
            Trace("journal", json.dumps(self.standin.journal.as_dicts())),
        ]
        return (
            self.leak_detector.leaks(exclude(trace) for trace in traces)
            if exclude
            else self.leak_detector.leaks(traces)
        )

    @property
    def url(self) -> str:
        return self.standin.url

    @property
    def stores(self) -> Path:
        return self.folder / "stores"

    @property
    def drafts(self) -> list[Path]:
        return sorted(self.stores.glob(".*.draft"))

    def robot_token(self, name: str = "acme+ci") -> str:
        return self.standin.state.robots[name].token

    def valid_api_tokens(self, name: str = "nightly") -> set[str]:
        """The fingerprints of the tokens with this name. On older servers of all tokens of the application."""
        tokens = self.standin.state.tokens_of_application(self.accounts.automation)
        return {token.digest[:12] for token in tokens if token.name in (name, None)}

    def stored_fingerprints(self) -> dict[str, str]:
        """The fingerprint of the secret in each store."""
        auths = json.loads((self.stores / "auth.json").read_text())["auths"]
        pair = base64.b64decode(auths[self.url.partition("://")[2]]["auth"]).decode()
        variables = dict(line.partition("=")[::2] for line in (self.stores / "robot.env").read_text().splitlines())
        secrets = {
            "api.json": json.loads((self.stores / "api.json").read_text())["token"],
            "api.yaml": yaml.safe_load((self.stores / "api.yaml").read_text())["token"],
            "auth.json": pair.partition(":")[2],
            "robot.env": variables["QUAY_TOKEN"],
            "scan.token": (self.stores / "scan.token").read_text().strip(),
        }
        return {name: fingerprint(secret) for name, secret in secrets.items()}

    # --- states

    def credentials(self, **changes: Any) -> list[dict[str, Any]]:
        """Return one credential of each kind, with several stores. ``changes`` are added to each of them."""
        api = {
            "name": "nightly",
            "kind": "api",
            "organization": "acme",
            "application": "automation",
            "deliver": [self._file("api.json", "json"), self._file("api.yaml", "yaml")],
        }
        robot = {
            "name": "acme+ci",
            "kind": "robot",
            "deliver": [
                {"kind": "container_auth", "path": str(self.stores / "auth.json")},
                self._file("robot.env", "env"),
            ],
        }
        app = {
            "name": "laptop",
            "kind": "app",
            "deliver": [self._file("app.json", "json")],
        }
        referrers = {
            "name": "scan",
            "kind": "referrers",
            "repositories": ["acme/app"],
            "quay_username": "acme+scan",
            "quay_password": self.robot_token("acme+scan"),
            "deliver": [self._file("scan.token", "token")],
        }
        lease = {
            "name": "acme+build",
            "kind": "robot_lease",
            "lifetime": "24h",
            "deliver": [self._file("build.json", "json")],
        }
        return [{**credential, **changes} for credential in (api, robot, referrers, app, lease)]

    def save_state(self, state: str) -> None:
        """Save the state of the stand-in and the stores."""
        self._states[state] = self.standin.quay.snapshot()
        shutil.copytree(self.stores, self.folder / state)

    def restore_state(self, state: str) -> None:
        """Restore the state of the stand-in and the stores."""
        self.standin.faults.clear()
        self.standin.journal.clear()
        self.standin.quay.restore(self._states[state])
        shutil.rmtree(self.stores)
        shutil.copytree(self.folder / state, self.stores)

    def _file(self, name: str, form: str) -> dict[str, str]:
        return {"kind": "file", "path": str(self.stores / name), "format": form}


def prepare_standin(standin: Standin, leak_detector: LeakDetector) -> Accounts:
    """Create accounts on an empty stand-in. Alice gets a password with special characters, acme a second robot."""
    accounts = create_accounts(standin)
    accounts.alice.password = DIFFICULT_PASSWORD
    accounts.root.browser().call("PUT", "/api/v1/superuser/users/alice", {"password": DIFFICULT_PASSWORD})
    acme = accounts.alice.browser()
    acme.call("PUT", "/api/v1/organization/acme/robots/scan", {})
    acme.call("PUT", "/api/v1/repository/acme/app/permissions/user/acme+scan", {"role": "read"})
    leak_detector.add(user.password for user in (accounts.root, accounts.alice, accounts.bob, accounts.carol))
    standin.config["FEATURE_REPO_MIRROR"] = True
    leak_detector.add([OTHER_PASSWORD, OTHER_PASSWORD[::-1]])
    return accounts
