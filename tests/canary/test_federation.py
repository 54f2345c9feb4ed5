# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OIDC tokens and what they are exchanged for: from every source, by the role, a module and a lookup."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from canary.controller import PLAYBOOKS, Run
from canary.harness import Harness, Login
from oidc_issuer import Client, Job, OidcIssuer

SUBJECT = "project/acme"
WITHOUT_LOGIN = Login({})


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as running:
        yield running


@pytest.fixture
def trusting(prepared: Harness, issuer: OidcIssuer) -> Harness:
    """A robot that trusts the issuer."""
    prepared.standin.config["STANDIN_ISSUER_CA"] = issuer.ca_path
    prepared.standin.state.robots["acme+ci"].federation = [{"issuer": issuer.url, "subject": SUBJECT}]
    return prepared


class Sources:
    """The options for each source of an OIDC token, and the environment of a CI system."""

    def __init__(self, harness: Harness, issuer: OidcIssuer) -> None:
        self._harness = harness
        self._issuer = issuer
        client = Client("farm", secrets.token_urlsafe(30), SUBJECT)
        issuer.clients[client.client_id] = client
        self.environment = {
            **issuer.job_environment(Job(secrets.token_urlsafe(30), SUBJECT)),
            "QUAY_ID_TOKEN": issuer.token(SUBJECT),
        }
        path = harness.stores / "identity"
        path.write_text(issuer.token(SUBJECT))
        given = (self.environment[name] for name in ("QUAY_ID_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"))
        harness.leak_detector.add([client.secret, path.read_text(), *given])
        by_client = {"oidc_issuer": issuer.url, "oidc_client_id": "farm", "oidc_client_secret": client.secret}
        self.options: Mapping[str, dict[str, Any]] = {
            "given": {"oidc_token": self._token()},
            "file": {"oidc_token_path": str(path)},
            "variable": {"oidc_token_variable": "QUAY_ID_TOKEN"},
            "job": {"oidc_ca_path": issuer.ca_path},
            "client": {**by_client, "oidc_ca_path": issuer.ca_path},
        }

    def _token(self) -> str:
        token = self._issuer.token(SUBJECT)
        self._harness.leak_detector.add([token])
        return token


@pytest.fixture
def sources(trusting: Harness, issuer: OidcIssuer) -> Sources:
    return Sources(trusting, issuer)


def rotate(harness: Harness, sources: Sources, *options: str, **changes: Any) -> Run:
    """Run the role for a credential of each source, without a login of Quay."""
    declared = [
        {
            "name": f"by {source}",
            "kind": "federated",
            "robot": "acme+ci",
            "deliver": [{"kind": "file", "path": f"{harness.stores}/{source}.json", "format": "json"}],
            **given,
            **changes,
        }
        for source, given in sources.options.items()
    ]
    environment = sources.environment
    return harness.rotate(*options, credentials=declared, login=WITHOUT_LOGIN, environment=environment)


def test_role(trusting: Harness, sources: Sources) -> None:
    for options in ("--check",), ():
        run = rotate(trusting, sources, *options)
        assert trusting.leaks(run) == []
        assert run.status == 0, run.failures
    assert len(trusting.standin.journal.mints) == len(sources.options)
    for source in sources.options:
        assert (trusting.stores / f"{source}.json").exists()


def test_failing_role(trusting: Harness, sources: Sources, issuer: OidcIssuer) -> None:
    trusting.standin.state.robots["acme+ci"].federation = []
    issuer.clients.clear()
    run = rotate(trusting, sources)
    assert trusting.leaks(run) == []
    assert run.status != 0
    assert "has no federation" in run.stdout
    assert "it does not accept oidc_client_id with oidc_client_secret" in run.stdout


def test_module_and_lookup(trusting: Harness, sources: Sources) -> None:
    variables = {
        "canary_quay_host": trusting.url,
        "canary_sources": dict(sources.options),
        "canary_stores": str(trusting.stores),
    }
    run = trusting.controller.playbook(str(PLAYBOOKS / "federation.yml"), variables, environment=sources.environment)
    assert trusting.leaks(run) == []
    assert run.status == 0, run.failures
    # To a file, to a variable, and by the lookup.
    assert len(trusting.standin.journal.mints) == 3 * len(sources.options)
