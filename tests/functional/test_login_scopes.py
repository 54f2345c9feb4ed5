# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables in the authentication guide: each task works with these scopes and this role, and not with less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contract import collection
from contract.login_tasks import CALLS, CREDENTIALS, table
from functional.accounts import User
from functional.harness import Harness

# A federated token needs no login.
TASKS = {task: credential for task, credential in CREDENTIALS.items() if credential["kind"] != "federated"}
MODULES = {
    "robot": "quay_robot_token",
    "api": "quay_api_token",
    "app": "quay_app_token",
    "client_secret": "quay_client_secret",
    "referrers": "quay_referrers_token",
    "robot_lease": "quay_robot_lease",
}


@pytest.fixture
def family() -> str:
    return "3.18"


def rotate(harness: Harness, task: str) -> str:
    """Rotate the credential of a row twice, as the role does. Returns the error, empty for success."""
    entry = {"deliver": [{"kind": "file", "path": "{folder}/token.json", "format": "json"}], **TASKS[task]}
    entry["deliver"] = [{**store, "path": store["path"].format(folder=harness.folder)} for store in entry["deliver"]]
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
    entry = {name: value for name, value in entry.items() if name not in ("title", "name_prefix")}
    result = harness.run("quay_declaration_info", {"credentials": [entry]})
    assert result["login_scopes"] == sorted(table("Rotates")[task].scopes)


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
    scopes = table("Rotates")[task].scopes
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


# The roles of a row, and less than that: in the team of the organization, and on the repository.
Roles = tuple[str, str | None]
ROLES: dict[str, tuple[Roles, Roles]] = {
    "``admin``": (("admin", None), ("creator", "admin")),
    "``admin`` on the repository": (("member", "admin"), ("creator", "write")),
    "``write`` on the repository": (("member", "write"), ("creator", "read")),
    "``read`` on the repository": (("member", "read"), ("creator", None)),
    "``write`` on the repositories": (("member", "write"), ("creator", "read")),
    "``read`` on the repositories": (("member", "read"), ("creator", None)),
}


def give(harness: Harness, roles: Roles) -> None:
    """Give carol these roles instead of the present ones."""
    team, repository = roles
    alice, path = harness.accounts.alice.browser(), "/api/v1/repository/acme/app/permissions/user/carol"
    alice.call("PUT", "/api/v1/organization/acme/team/readers", {"role": team})
    alice.call("PUT", path, {"role": repository or "read"})
    if repository is None:
        alice.call("DELETE", path)


def token_of(user: User, scopes: list[str]) -> dict[str, Any]:
    """A token of any user: of an application in an organization of the user."""
    browser, own = user.browser(), f"{user.username}s"
    browser.call("POST", "/api/v1/organization/", {"name": own, "email": f"{own}@example.com"})
    application = browser.call("POST", f"/api/v1/organization/{own}/applications", {"name": "own"}).json()
    return user.by_token(application["client_id"], " ".join(scopes))


def assert_role_is_needed(harness: Harness, role: str, work: Callable[[], str]) -> None:
    """Assert that the work succeeds with the role, and not with less. ``work`` returns the error."""
    if role == "none":
        assert work() == ""
        return
    enough, less = ROLES[role]
    give(harness, less)
    assert work(), "works with less"
    for path in harness.folder.iterdir():
        path.unlink()
    give(harness, enough)
    assert work() == ""


@pytest.mark.parametrize("task", TASKS)
def test_task_works_with_this_role_and_not_with_less(harness: Harness, task: str) -> None:
    row = table("Rotates")[task]
    harness.login = token_of(harness.accounts.carol, row.scopes)
    assert_role_is_needed(harness, row.role, lambda: rotate(harness, task))


def call(harness: Harness, task: str) -> str:
    """Run the module of a row. Returns the error, empty for success."""
    module, arguments = CALLS[task]
    result = harness.run(module, arguments)
    # Whoever may read the repository is shown that it has no such manifest.
    works = not result.failed or "has no manifest" in result.message
    # An audit reports what it could not read.
    return str(result.content.get("problems") or "") if works else result.message


def enable(harness: Harness) -> None:
    harness.quay.config.update(FEATURE_BUILD_SUPPORT=True, FEATURE_REPO_MIRROR=True)


@pytest.mark.parametrize("task", CALLS)
def test_module_works_with_these_scopes_and_not_with_fewer(harness: Harness, task: str) -> None:
    row = table("Module")[task]
    user = harness.accounts.root if row.role == "superuser" else harness.accounts.alice
    enable(harness)
    for missing in row.scopes:
        fewer = [scope for scope in row.scopes if scope != missing] or ["user:read"]
        snapshot = harness.quay.quay.snapshot()
        harness.login = token_of(user, fewer)
        assert call(harness, task), f"works without {missing}"
        harness.quay.quay.restore(snapshot)
    harness.login = token_of(user, row.scopes)
    assert call(harness, task) == ""


@pytest.mark.parametrize("task", CALLS)
def test_module_works_with_this_role_and_not_with_less(harness: Harness, task: str) -> None:
    row = table("Module")[task]
    enable(harness)
    harness.login = token_of(harness.accounts.carol, row.scopes)
    if row.role == "superuser":
        give(harness, ("admin", "admin"))
        assert call(harness, task)
        return
    assert_role_is_needed(harness, row.role, lambda: call(harness, task))
