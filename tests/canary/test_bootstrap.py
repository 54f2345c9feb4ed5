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


def set_up(harness: Harness, *options: str, **variables: Any) -> Run:
    credentials = [credential for credential in harness.credentials() if credential["kind"] != "referrers"]
    rotator = {
        "name": "rotator",
        "kind": "api",
        "organization": "acme",
        "application": "rotation",
        "deliver": [{"kind": "file", "path": str(harness.stores / "rotator.json"), "format": "json"}],
    }
    given = {
        "bootstrap_login": "rotator",
        "bootstrap_organizations": [{"name": "acme", "teams": [{"name": "builders", "members": ["acme+ci"]}]}],
        "rotation_credentials": [*credentials, rotator],
        "rotation_quay_host": harness.url,
        **variables,
    }
    run = harness.controller.playbook(PLAYBOOK, given, *options, pipelining=True)
    assert harness.leaks(run) == []
    assert run.status == 0, run.failures
    return run


def test_set_up_with_the_first_user(prepared: Harness) -> None:
    root = prepared.accounts.root
    prepared.standin.quay.reset()
    user = {"bootstrap_username": root.username, "bootstrap_password": root.password}
    set_up(prepared, "--check", **user)
    set_up(prepared, **user)
    assert sorted(path.name for path in prepared.stores.glob("*.json")) == ["api.json", "auth.json", "rotator.json"]
    set_up(prepared, **user)


def test_set_up_with_a_token(prepared: Harness) -> None:
    path = prepared.folder / "bootstrap-token.json"
    prepared.standin.config.update(
        FEATURE_PROGRAMMATIC_BOOTSTRAP=True, BOOTSTRAP_TOKEN_OWNER="alice", BOOTSTRAP_TOKEN_PATH=str(path)
    )
    provision(prepared.standin.quay)
    set_up(prepared, bootstrap_token_path=str(path))
    assert (prepared.stores / "rotator.json").exists()
