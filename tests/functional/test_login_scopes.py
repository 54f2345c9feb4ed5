# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scopes in the rotation guide: each task works with a token of exactly these, and with none of them missing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from contract import collection
from functional.harness import Harness

_GUIDE = collection.ROOT / "docs" / "docsite" / "rst" / "guide_rotation.rst"
_ROW = re.compile(r"^   \* - (.+)\n     - (``.+)$", re.MULTILINE)

PAIR: dict[str, Any] = {
    "name": "acme+pull",
    "kind": "robot",
    "strategy": "paired",
    "rotate": "always",
    "permissions": [{"repository": "acme/app", "role": "read"}],
    "deliver": [{"kind": "file", "path": "{folder}/pair.json", "format": "json"}],
}
# The credential of each row of the guide's table.
TASKS: dict[str, dict[str, Any]] = {
    "a robot account": {"name": "acme+ci", "kind": "robot", "rotate": "always"},
    "a robot account with ``max_age``": {"name": "acme+ci", "kind": "robot", "max_age": "30d"},
    "a robot account with ``permissions``": {
        "name": "acme+ci",
        "kind": "robot",
        "permissions": [{"repository": "acme/app", "role": "write"}],
    },
    "paired robot accounts": PAIR,
    "a robot account of the user": {"name": "own", "kind": "robot"},
    "an API token with the scope ``repo:read``": {"name": "nightly", "kind": "api", "scopes": ["repo:read"]},
    "an API token with the scope ``org:admin``": {"name": "nightly", "kind": "api", "scopes": ["org:admin"]},
    "an app token": {"name": "laptop", "title": "laptop", "kind": "app", "rotate": "always"},
    "a client secret": {
        "name": "portal",
        "kind": "client_secret",
        "organization": "acme",
        "application": "automation",
        "rotate": "always",
    },
    "a registry token to pull": {"name": "scan", "kind": "referrers", "repositories": ["acme/app"]},
    "a registry token to push": {
        "name": "scan",
        "kind": "referrers",
        "repositories": ["acme/app"],
        "actions": ["pull", "push"],
    },
}
MODULES = {
    "robot": "quay_robot_token",
    "api": "quay_api_token",
    "app": "quay_app_token",
    "client_secret": "quay_client_secret",
    "referrers": "quay_referrers_token",
}


def table() -> dict[str, list[str]]:
    """The rows of the guide: the task and its scopes."""
    section = _GUIDE.read_text().partition("Scopes of the login\n")[2].partition("\n\n\n")[0]
    return {task: re.findall(r"``([a-z:]+)``", scopes) for task, scopes in _ROW.findall(section)}


@pytest.fixture
def family() -> str:
    return "3.18"


def rotate(harness: Harness, task: str) -> str:
    """Rotate the credential of a row twice, as the role does. Returns the error, empty for success."""
    entry = {"deliver": [{"kind": "file", "path": "{folder}/token.json", "format": "json"}], **TASKS[task]}
    entry["deliver"] = [{**store, "path": store["path"].format(folder=harness.folder)} for store in entry["deliver"]]
    if entry["kind"] == "api":
        entry |= {"organization": "acme", "application": "automation"}
    module = MODULES[entry["kind"]]
    known = collection.spec_of("quay_token_info").options["credentials"]["options"]
    arguments = {key: value for key, value in entry.items() if key in collection.spec_of(module).options}
    for _turn in range(2):
        status = harness.run("quay_token_info", {"credentials": [{k: v for k, v in entry.items() if k in known}]})
        problem = status.message if status.failed else status["credentials"][0]["error"]
        result = harness.run(module, arguments)
        if problem or result.failed:
            return str(problem or result.message)
        harness.advance(days=40)
    return ""


@pytest.mark.parametrize("task", TASKS)
def test_declaration_names_these_scopes(harness: Harness, task: str) -> None:
    entry = {"deliver": [{"kind": "file", "path": "/tmp/token.json", "format": "json"}], **TASKS[task]}
    if entry["kind"] == "api":
        entry |= {"organization": "acme", "application": "automation"}
    entry.pop("title", None)
    result = harness.run("quay_declaration_info", {"credentials": [entry]})
    assert result["login_scopes"] == sorted(table()[task])


def test_included_scopes_are_left_out(harness: Harness) -> None:
    pull, push = (TASKS[f"a registry token to {action}"] for action in ("pull", "push"))
    stores = [[{"kind": "file", "path": f"/tmp/{name}"}] for name in ("pull", "push", "all")]
    everything = {"name": "all", "kind": "api", "client_id": "x", "scopes": "all", "deliver": stores[2]}
    credentials = [{**pull, "deliver": stores[0]}, {**push, "name": "push", "deliver": stores[1]}]
    assert harness.run("quay_declaration_info", {"credentials": credentials})["login_scopes"] == ["repo:write"]
    result = harness.run("quay_declaration_info", {"credentials": [*credentials, everything]})
    assert result["login_scopes"] == ["org:admin", "repo:admin", "repo:create", "super:user", "user:admin", "user:read"]


@pytest.mark.parametrize("task", TASKS)
def test_task_works_with_these_scopes_and_not_with_fewer(harness: Harness, task: str) -> None:
    scopes = table()[task]
    console, snapshot = harness.accounts.console, harness.quay.quay.snapshot()
    harness.login = harness.accounts.alice.by_token(console, " ".join(scopes))
    assert rotate(harness, task) == ""
    for missing in scopes:
        harness.quay.quay.restore(snapshot)
        for path in harness.folder.iterdir():
            path.unlink()
        fewer = [scope for scope in scopes if scope != missing] or ["user:read"]
        harness.login = harness.accounts.alice.by_token(console, " ".join(fewer))
        assert rotate(harness, task), f"works without {missing}"


def test_every_row_has_a_task() -> None:
    assert table().keys() == TASKS.keys()
