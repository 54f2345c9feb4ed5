# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook bootstrap: no trace of it contains a secret, from the first user to the first delivery."""

from __future__ import annotations

from typing import Any

from canary.controller import Run
from canary.harness import Harness
from standin.endpoints.bootstrap import provision

PLAYBOOK = "tokensmith.quay.bootstrap"


def declared(harness: Harness) -> list[dict[str, Any]]:
    """Two credentials, and the API token with which the rotation logs in."""
    credentials = [credential for credential in harness.credentials() if credential["kind"] != "referrers"]
    rotator = {
        "name": "rotator",
        "kind": "api",
        "organization": "acme",
        "application": "rotation",
        "deliver": [{"kind": "file", "path": str(harness.stores / "rotator.json"), "format": "json"}],
    }
    return [*credentials, rotator]


def set_up(harness: Harness, credentials: list[dict[str, Any]], *options: str, **variables: Any) -> Run:
    given = {
        "bootstrap_login": "rotator",
        "bootstrap_organizations": [{"name": "acme", "teams": [{"name": "builders", "members": ["acme+ci"]}]}],
        "rotation_credentials": credentials,
        "rotation_quay_host": harness.url,
        **variables,
    }
    run = harness.controller.playbook(PLAYBOOK, given, *options, pipelining=True)
    assert harness.leaks(run) == []
    assert run.status == 0, run.failures
    return run


def test_set_up_with_the_first_user(prepared: Harness) -> None:
    root, credentials = prepared.accounts.root, declared(prepared)
    prepared.standin.quay.reset()
    user = {"bootstrap_username": root.username, "bootstrap_password": root.password}
    set_up(prepared, credentials, "--check", **user)
    set_up(prepared, credentials, **user)
    assert {"api.json", "auth.json", "rotator.json"} <= {path.name for path in prepared.stores.iterdir()}
    set_up(prepared, credentials, **user)


def test_set_up_with_a_token(prepared: Harness) -> None:
    path = prepared.folder / "bootstrap-token.json"
    prepared.standin.config.update(
        FEATURE_PROGRAMMATIC_BOOTSTRAP=True, BOOTSTRAP_TOKEN_OWNER="alice", BOOTSTRAP_TOKEN_PATH=str(path)
    )
    provision(prepared.standin.quay)
    set_up(prepared, declared(prepared), bootstrap_token_path=str(path))
    assert (prepared.stores / "rotator.json").exists()
