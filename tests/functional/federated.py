# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A robot of a stand-in that trusts an OIDC issuer, and the workloads that this issuer knows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import requests

from functional.harness import Harness
from oidc_issuer import Client, Job, OidcIssuer
from standin.tokens import robot_token

SUBJECT = "repo:acme/app:ref:refs/heads/main"
EXCHANGE = "GET /oauth2/federation/robot/token"
AUTH = "GET /v2/auth"
FEDERATION = "GET /api/v1/organization/acme/robots/ci/federation"


@dataclass
class Federated:
    """A robot acme+ci whose federation has the issuer and SUBJECT. The harness has no login."""

    harness: Harness
    issuer: OidcIssuer
    login: dict[str, Any] = field(repr=False)

    @classmethod
    def of(cls, harness: Harness, issuer: OidcIssuer) -> Federated:
        login, harness.login = dict(harness.login), {}
        # The issuer measures time as the stand-in does, which tests move.
        issuer.now = harness.quay.clock.timestamp
        harness.quay.config["STANDIN_ISSUER_CA"] = issuer.ca_path
        federated = cls(harness, issuer, login)
        federated.trust({"issuer": issuer.url, "subject": SUBJECT})
        return federated

    def trust(self, *entries: dict[str, str]) -> None:
        self.harness.robot().federation = list(entries)

    def more_robots(self, number: int) -> list[str]:
        """Create robots that trust the same identity. Returns their names."""
        state, first = self.harness.quay.state, self.harness.robot()
        names = [f"acme+farm{count}" for count in range(number)]
        for name in names:
            token = robot_token()
            state.robots[name] = replace(first, name=name, id=state.next_id(), token=token, federation=first.federation)
        return names

    def token(self, subject: str | None = SUBJECT, **options: Any) -> str:
        """An OIDC token. No output may contain it."""
        token = self.issuer.token(subject, **options)
        self.harness.known_secrets.add([token])
        return token

    def given(self, subject: str | None = SUBJECT, **options: Any) -> dict[str, Any]:
        """The arguments that give an OIDC token to the module."""
        return {"name": "acme+ci", "oidc_token": self.token(subject, **options)}

    def stored(self, **options: Any) -> dict[str, Any]:
        """The same, for a token that is kept in a file."""
        return {**self.given(), "token_path": str(self.harness.token_path), **options}

    def by_client(self, **options: Any) -> dict[str, Any]:
        """The arguments that let the module request the OIDC token for a client."""
        client = Client("build-farm", "s3cret-of-the-client", SUBJECT)
        self.issuer.clients[client.client_id] = client
        arguments = {"oidc_issuer": self.issuer.url, "oidc_client_id": client.client_id}
        return {
            "name": "acme+ci",
            **arguments,
            "oidc_client_secret": client.secret,
            "oidc_ca_path": self.issuer.ca_path,
            **options,
        }

    def job(self) -> dict[str, str]:
        """The environment of a job of GitHub Actions."""
        job = Job("request-token-of-the-job", SUBJECT)
        self.harness.known_secrets.add([job.request_token])
        return self.issuer.job_environment(job)

    def is_accepted(self, secret: str, username: str = "acme+ci") -> bool:
        """Whether the registry accepts a secret."""
        url = f"{self.harness.quay.url}/v2/auth"
        return requests.get(url, auth=(username, secret), timeout=10).status_code == 200
