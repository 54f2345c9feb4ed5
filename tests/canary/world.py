# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in with its inhabitants, the stores that are delivered to, and all runs that are made there."""

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
from .ledger import Ledger
from .search import Trace

ROTATE = "tokensmith.quay.rotate"
ROTATE_WITH_FACTS = str(PLAYBOOKS / "rotate_with_facts.yml")

# A password over which careless quoting would stumble.
DIFFICULT = """Zürich/"8°"\\7%41$HOME&<more>#é?=;'+{}"""

# Of another registry, and of users that a play makes.
FOREIGN = "Fremdes&Passwort%7#für+Spiegel"

Variables = dict[str, Any]


@dataclass
class Login:
    """One way to log in, as the several kinds of users write it down."""

    options: Mapping[str, str] = field(repr=False)

    @property
    def role(self) -> dict[str, str]:
        return {f"rotation_{name}": value for name, value in self.options.items()}

    @property
    def environment(self) -> dict[str, str]:
        return {name.upper(): value for name, value in self.options.items()}

    @property
    def secrets(self) -> list[str]:
        return [value for name, value in self.options.items() if name != "quay_username"]


@dataclass
class World:
    standin: Standin = field(repr=False)
    people: Accounts = field(repr=False)
    ledger: Ledger = field(repr=False)
    controller: Controller
    folder: Path
    login: Login
    _states: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    # --- running

    def play(self, name: str, *options: str, **how: Any) -> Run:
        """Run one of the canary's own playbooks."""
        wrong = {"quay_host": self.url, "quay_token": tokens.oauth_token()}
        variables = {
            "canary_login": {"quay_host": self.url, "retries": 0, **self.login.options},
            "canary_wrong_login": wrong,
            "canary_superuser": {"quay_host": self.url, "retries": 0, **self.people.root.by_password},
            "canary_foreign_password": FOREIGN,
            "canary_colleagues": [self.people.alice.by_password, self.people.bob.by_password],
            "canary_stores": str(self.stores),
        }
        return self.controller.playbook(str(PLAYBOOKS / f"{name}.yml"), variables, *options, **how)

    def rotate(
        self,
        *options: str,
        credentials: Sequence[Variables] | None = None,
        login: Login | None = None,
        variables: Variables | None = None,
        playbook: str = ROTATE,
        **how: Any,
    ) -> Run:
        """Rotate credentials by the role, all of this world's unless told otherwise."""
        own = {
            "rotation_credentials": self.credentials() if credentials is None else credentials,
            "rotation_quay_host": self.url,
            **(login or self.login).role,
        }
        return self.controller.playbook(playbook, own | (variables or {}), *options, **how)

    def ad_hoc(self, module: str, arguments: str, *options: str, **how: Any) -> Run:
        """Call a module from a shell, with the login in the environment."""
        environment = {"QUAY_HOST": self.url, **self.login.environment}
        return self.controller.ad_hoc(module, arguments, *options, environment=environment, **how)

    # --- looking

    def leaks(self, run: Run, but: Callable[[Trace], Trace] | None = None) -> list[str]:
        """Where a secret stands that should not, in any trace of a run. ``but`` takes out of one what may be there."""
        elsewhere = [path for path in run.written_elsewhere if not path.is_relative_to(self.stores)]
        traces = [
            *run.traces(),
            *(Trace(f"file {path}", path.read_text(errors="replace")) for path in elsewhere),
            Trace("journal", json.dumps(self.standin.journal.as_dicts())),
        ]
        return self.ledger.leaks(but(trace) for trace in traces) if but else self.ledger.leaks(traces)

    @property
    def url(self) -> str:
        return self.standin.url

    @property
    def stores(self) -> Path:
        return self.folder / "stores"

    @property
    def drafts(self) -> list[Path]:
        return sorted(self.stores.glob(".*.draft"))

    def secret_of_robot(self, name: str = "acme+ci") -> str:
        return self.standin.state.robots[name].token

    def live_api_tokens(self, name: str = "nightly") -> set[str]:
        """Fingerprints of the tokens with a name, or on older servers of all that the application has."""
        tokens = self.standin.state.tokens_of_application(self.people.automation)
        return {token.digest[:12] for token in tokens if token.name in (name, None)}

    def kept(self) -> dict[str, str]:
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
        """One of each kind, each in several stores. ``changes`` come into every one of them."""
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
        referrers = {
            "name": "scan",
            "kind": "referrers",
            "repositories": ["acme/app"],
            "quay_username": "acme+scan",
            "quay_password": self.secret_of_robot("acme+scan"),
            "deliver": [self._file("scan.token", "token")],
        }
        return [{**credential, **changes} for credential in (api, robot, referrers)]

    def keep(self, state: str) -> None:
        """Remember how everything is now."""
        self._states[state] = self.standin.quay.snapshot()
        shutil.copytree(self.stores, self.folder / state)

    def knows(self, state: str) -> bool:
        return state in self._states

    def restore(self, state: str) -> None:
        """Bring everything back to how it was then."""
        self.standin.faults.clear()
        self.standin.journal.clear()
        self.standin.quay.restore(self._states[state])
        shutil.rmtree(self.stores)
        shutil.copytree(self.folder / state, self.stores)

    def _file(self, name: str, form: str) -> dict[str, str]:
        return {"kind": "file", "path": str(self.stores / name), "format": form}


def inhabit(standin: Standin, ledger: Ledger) -> Accounts:
    """Fill an empty stand-in. Alice gets a difficult password, and acme a second robot, which pulls."""
    people = create_accounts(standin)
    people.alice.password = DIFFICULT
    people.root.browser().call("PUT", "/api/v1/superuser/users/alice", {"password": DIFFICULT})
    acme = people.alice.browser()
    acme.call("PUT", "/api/v1/organization/acme/robots/scan", {})
    acme.call("PUT", "/api/v1/repository/acme/app/permissions/user/acme+scan", {"role": "read"})
    ledger.add(person.password for person in (people.root, people.alice, people.bob, people.carol))
    standin.config["FEATURE_REPO_MIRROR"] = True
    ledger.add([FOREIGN, FOREIGN[::-1]])
    return people
