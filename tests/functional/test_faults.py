# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: responses that are lost or broken, stores that cannot be written, and a read-only registry.

A minting request is never sent twice. The run either finds out whether it was executed, or fails with a clear message.
The next run leaves exactly one valid token, which is delivered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from functional.harness import Harness
from standin.tokens import fingerprint

ROBOTS = "/api/v1/organization/acme/robots"
APPLICATIONS = "/api/v1/organization/acme/applications"

# How a response is lost, and whether Quay executed the request.
FAULTS: dict[str, tuple[dict[str, Any], bool]] = {
    "500 after the effect": ({"kind": "status", "status": 500, "after": True}, True),
    "502 before the effect": ({"kind": "status", "status": 502}, False),
    "cut before the effect": ({"kind": "cut_before"}, False),
    "cut after the effect": ({"kind": "cut_after"}, True),
    "answer breaks off": ({"kind": "truncate"}, True),
    "a proxy's page": ({"kind": "html_200"}, False),
}

each_fault = pytest.mark.parametrize("fault", FAULTS)


def add_fault(harness: Harness, fault: str, method: str, path: str) -> bool:
    """Make one request fail. Returns whether Quay executes it."""
    options, has_effect = FAULTS[fault]
    harness.quay.faults.add(method=method, path=path, **options)
    return has_effect


def file_arguments(harness: Harness, **arguments: Any) -> dict[str, Any]:
    # With retries, to detect a repeated mint.
    return {"token_path": str(harness.token_path), "retries": 1, **arguments}


def sent(harness: Harness, method: str, path: str) -> int:
    return sum(request == f"{method} {path}" for request in harness.requests)


# --- robots


@dataclass(frozen=True)
class RobotCase:
    """A run that mints a robot token."""

    arguments: dict[str, Any]
    method: str
    path: str
    days: float = 0


ROBOT_CASES = {
    "create": RobotCase({"name": "acme+new"}, "PUT", f"{ROBOTS}/new"),
    "regenerate": RobotCase({"name": "acme+ci", "max_age": "30d"}, "POST", f"{ROBOTS}/ci/regenerate", days=31),
    "forced": RobotCase({"name": "acme+ci", "rotate": "always"}, "POST", f"{ROBOTS}/ci/regenerate"),
}


@each_fault
@pytest.mark.parametrize("case", ROBOT_CASES)
def test_lost_response_to_a_robot_token_request(harness: Harness, case: str, fault: str) -> None:
    run = ROBOT_CASES[case]
    harness.advance(days=run.days)
    has_effect = add_fault(harness, fault, run.method, run.path)
    old_fingerprint = harness.robot().token
    result = harness.run("quay_robot_token", file_arguments(harness, **run.arguments))
    name = run.arguments["name"]
    assert sent(harness, run.method, run.path) == 1
    if has_effect:
        assert not result.failed, result.message
        assert (result["minted"], result["fingerprint"]) == (True, harness.robot_fingerprint(name))
        assert harness.stored_fingerprint() == harness.robot_fingerprint(name)
        assert harness.robot_fingerprint(name) != fingerprint(old_fingerprint)
    else:
        assert result.failed
        assert f"{run.method} {harness.quay.url}{run.path}" in result.message
        assert not harness.token_path.exists()
    arguments = {**run.arguments, "rotate": "when_due"}
    repaired = harness.run("quay_robot_token", file_arguments(harness, **arguments))
    assert not repaired.failed, repaired.message
    assert harness.stored_fingerprint() == harness.robot_fingerprint(name)
    again = harness.run("quay_robot_token", file_arguments(harness, **arguments))
    assert (again.changed, again["reason"]) == (False, "not_due")


@pytest.mark.parametrize("fault", ["500 after the effect", "cut before the effect", "cut after the effect"])
def test_forced_rotation_never_reports_the_old_token_as_new(harness: Harness, fault: str) -> None:
    old_fingerprint = harness.robot_fingerprint()
    has_effect = add_fault(harness, fault, "POST", "/regenerate$")
    result = harness.run("quay_robot_token", {"name": "acme+ci", "rotate": "always"})
    assert result.failed == (not has_effect)
    assert (harness.robot_fingerprint() == old_fingerprint) == (not has_effect)
    if has_effect:
        assert (result["minted"], result["fingerprint"]) == (True, harness.robot_fingerprint())


@each_fault
def test_lost_response_to_the_deletion_of_a_robot(harness: Harness, fault: str) -> None:
    has_effect = add_fault(harness, fault, "DELETE", f"{ROBOTS}/ci$")
    harness.store_secret(harness.accounts.robot_token)
    arguments = file_arguments(harness, name="acme+ci", state="absent")
    result = harness.run("quay_robot_token", arguments)
    assert sent(harness, "DELETE", f"{ROBOTS}/ci") == 1
    # A 204 has no body that could be truncated.
    assert result.failed == (not has_effect)
    assert harness.token_path.exists() == (not has_effect)
    harness.run("quay_robot_token", arguments)
    assert "acme+ci" not in harness.quay.state.robots
    assert not harness.token_path.exists()
    assert not harness.run("quay_robot_token", arguments).changed


@each_fault
def test_lost_response_to_a_federation_change(harness: Harness, fault: str) -> None:
    federation = [{"issuer": "https://token.ci.example.com", "subject": "project/acme"}]
    has_effect = add_fault(harness, fault, "POST", "/federation$")
    arguments = {"name": "acme+ci", "federation": federation, "retries": 1}
    result = harness.run("quay_robot_token", arguments)
    assert result.failed
    assert "/federation" in result.message
    assert sent(harness, "POST", f"{ROBOTS}/ci/federation") == 1
    repaired = harness.run("quay_robot_token", arguments)
    assert repaired.changed == (not has_effect)
    assert harness.robot().federation == federation


@pytest.mark.parametrize("fault", ["500 after the effect", "cut before the effect", "a proxy's page"])
def test_unverified_robot_token_is_delivered_anyway(harness: Harness, fault: str) -> None:
    """The old token is invalid already, so the new one is delivered although it was not verified."""
    options, _has_effect = FAULTS[fault]
    harness.quay.faults.add(method="GET", path="^/v2/auth$", times=None, **options)
    arguments = {"name": "acme+ci", "rotate": "always", "token_path": str(harness.token_path)}
    result = harness.run("quay_robot_token", arguments)
    assert result.failed
    assert "The new secret of acme+ci could not be verified: GET " in result.message
    assert "It was delivered anyway, because the old one is invalid already" in result.message
    assert len(harness.quay.journal.mints) == 1
    assert harness.stored_fingerprint() == harness.robot_fingerprint() != fingerprint(harness.accounts.robot_token)
    harness.quay.faults.clear()
    again = harness.run("quay_robot_token", {**arguments, "rotate": "when_due"})
    assert (again["reason"], again.changed) == ("not_due", False)


def test_unverified_robot_token_is_returned_by_the_next_run(harness: Harness) -> None:
    harness.quay.faults.add("status", method="GET", path="^/v2/auth$", status=500)
    result = harness.run("quay_robot_token", {"name": "acme+ci", "rotate": "always"})
    assert result.failed
    assert "Quay returns it again. Run the task again" in result.message
    again = harness.run("quay_robot_token", {"name": "acme+ci"})
    assert again.token == harness.robot_fingerprint() != fingerprint(harness.accounts.robot_token)


def test_reads_are_retried_and_the_mint_is_not(harness: Harness) -> None:
    for path in (f"{ROBOTS}/new$", "^/config$", "^/v2/auth$"):
        harness.quay.faults.add("cut_before", method="GET", path=path)
    result = harness.run("quay_robot_token", {"name": "acme+new", "retries": 1})
    assert result.token == harness.robot_fingerprint("acme+new")
    read = f"GET {ROBOTS}/new"
    put = f"PUT {ROBOTS}/new"
    # The log says whether a robot of this name was deleted within the last hour.
    log = "GET /api/v1/organization/acme/aggregatelogs"
    assert harness.requests == [read, read, "GET /config", "GET /config", log, put, "GET /v2/auth", "GET /v2/auth"]


# --- OAuth tokens


class ApiTokens:
    """The API tokens of acme's application "automation", on both families."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.client_id = harness.accounts.automation
        self.has_names = harness.quay.quay.family == "3.18"
        if not self.has_names:
            harness.login = harness.accounts.alice.by_password
        self.tokens_path = f"{APPLICATIONS}/{self.client_id}/tokens"
        self.mint_path = self.tokens_path if self.has_names else "/oauth/authorizeapp"
        self.revoke_path = f"{self.tokens_path}/" if self.has_names else "/api/v1/user/authorizations/"

    def file_arguments(self, **options: Any) -> dict[str, Any]:
        where = {"organization": "acme", "client_id": self.client_id, "name": "nightly"}
        return file_arguments(self.harness, **where, **options)

    def valid_uuids(self) -> set[str]:
        return set(self.harness.valid_tokens(self.client_id))


@pytest.fixture
def api_tokens(harness: Harness) -> ApiTokens:
    return ApiTokens(harness)


@each_fault
@pytest.mark.parametrize("existing", [False, True], ids=["first", "successor"])
def test_lost_response_to_an_oauth_token_request(api_tokens: ApiTokens, fault: str, existing: bool) -> None:
    harness = api_tokens.harness
    old = {harness.run("quay_api_token", api_tokens.file_arguments())["uuid"]} if existing else set()
    old_fingerprint = harness.stored_fingerprint() if existing else None
    has_effect = add_fault(harness, fault, "POST", f"^{api_tokens.mint_path}$")
    if fault == "answer breaks off" and not api_tokens.has_names:
        # The token is in a header of the redirect, so a truncated body does not matter.
        return
    result = harness.run("quay_api_token", api_tokens.file_arguments(rotate="always"))
    assert sent(harness, "POST", api_tokens.mint_path) == 1
    assert result.failed
    assert f"POST {harness.quay.url}{api_tokens.mint_path}" in result.message
    assert "It is unknown whether Quay issued the token" in result.message
    assert not [request for request in harness.requests if request.startswith("DELETE")]
    lost = api_tokens.valid_uuids() - old
    assert len(lost) == int(has_effect)
    assert old <= api_tokens.valid_uuids()
    assert (harness.stored_fingerprint() if existing else None) == old_fingerprint
    repaired = harness.run("quay_api_token", api_tokens.file_arguments())
    assert not repaired.failed, repaired.message
    if api_tokens.has_names:
        assert api_tokens.valid_uuids() == {repaired["uuid"]}
    else:
        assert api_tokens.valid_uuids() == lost | {repaired["uuid"]}
    assert harness.is_oauth_token(repaired["uuid"], harness.stored_fingerprint())
    assert not harness.run("quay_api_token", api_tokens.file_arguments()).changed


@each_fault
def test_lost_response_to_the_revocation_of_the_old_token(api_tokens: ApiTokens, fault: str) -> None:
    harness = api_tokens.harness
    old = harness.run("quay_api_token", api_tokens.file_arguments())["uuid"]
    old_fingerprint = harness.stored_fingerprint()
    has_effect = add_fault(harness, fault, "DELETE", f"^{api_tokens.revoke_path}{old}$")
    result = harness.run("quay_api_token", api_tokens.file_arguments(rotate="always"))
    assert sent(harness, "DELETE", f"{api_tokens.revoke_path}{old}") == 1
    # A 204 has no body that could be truncated.
    assert result.failed == (fault != "answer breaks off")
    if result.failed:
        assert old in result.message
    new = api_tokens.valid_uuids() - {old}
    assert len(new) == 1
    assert (old in api_tokens.valid_uuids()) == (not has_effect)
    assert harness.stored_fingerprint() != old_fingerprint
    again = harness.run("quay_api_token", api_tokens.file_arguments())
    assert again["reason"] == "not_due"
    assert {again["uuid"]} == new == api_tokens.valid_uuids()
    assert not harness.run("quay_api_token", api_tokens.file_arguments()).changed


@each_fault
def test_new_token_is_returned_although_the_old_one_could_not_be_revoked(api_tokens: ApiTokens, fault: str) -> None:
    """Only the caller knows the new token, and the old one may be revoked."""
    harness = api_tokens.harness
    where = {"organization": "acme", "client_id": api_tokens.client_id}
    made = harness.run("quay_api_token", where)
    add_fault(harness, fault, "DELETE", f"^{api_tokens.revoke_path}{made['uuid']}$")
    arguments = {**where, "current_token": made["token"], "rotate": "always", "revoke_superseded": True}
    result = harness.run("quay_api_token", arguments)
    assert not result.failed, result.message
    assert harness.is_oauth_token(result["uuid"], result.token)
    if fault != "answer breaks off":
        assert result["superseded"] == [made["uuid"]]
        assert result.warned(f"token {made['uuid']} could not be revoked")


def test_unverified_oauth_token_is_not_delivered_and_the_old_one_stays_valid(api_tokens: ApiTokens) -> None:
    harness = api_tokens.harness
    old = harness.run("quay_api_token", api_tokens.file_arguments())["uuid"]
    old_fingerprint = harness.stored_fingerprint()
    # On older servers the stored token is verified first.
    nth = 1 if api_tokens.has_names else 2
    harness.quay.faults.add("status", method="GET", path="^/v2/auth$", nth=nth, times=None, status=500)
    result = harness.run("quay_api_token", {**api_tokens.file_arguments(rotate="always"), "retries": 0})
    assert result.failed
    assert f"GET {harness.quay.url}/v2/auth" in result.message
    assert harness.stored_fingerprint() == old_fingerprint
    assert old in api_tokens.valid_uuids()
    harness.quay.faults.clear()
    repaired = harness.run("quay_api_token", api_tokens.file_arguments())
    assert repaired["reason"] == "not_due"
    if api_tokens.has_names:
        assert api_tokens.valid_uuids() == {old}


def test_application_deleted_meanwhile(api_tokens: ApiTokens) -> None:
    """Quay responds with 200 to the mint, but the token is invalid at once."""
    harness = api_tokens.harness
    if api_tokens.has_names:
        # The first request looks up the scopes of the login.
        harness.before_request("GET /v2/auth", lambda: None)
    harness.before_request("GET /v2/auth", lambda: harness.quay.state.delete_application(api_tokens.client_id))
    result = harness.run("quay_api_token", api_tokens.file_arguments())
    assert result.failed
    assert "Quay does not accept the new token at /v2/auth" in result.message
    assert "Check whether the application was deleted meanwhile" in result.message
    assert not harness.token_path.exists()


# --- applications


@each_fault
def test_lost_response_to_the_creation_of_an_application(harness: Harness, fault: str) -> None:
    has_effect = add_fault(harness, fault, "POST", f"^{APPLICATIONS}$")
    arguments = {"organization": "acme", "name": "new", "retries": 1}
    result = harness.run("quay_application", arguments)
    assert sent(harness, "POST", APPLICATIONS) == 1
    assert result.failed == (not has_effect)
    repaired = harness.run("quay_application", arguments)
    named = [app for app in harness.quay.state.applications.values() if app.name == "new"]
    assert [app.client_id for app in named] == [repaired["client_id"]]
    assert repaired.changed == (not has_effect)
    assert repaired["fingerprint"] == fingerprint(named[0].client_secret)


@each_fault
def test_lost_response_to_the_reset_of_a_secret(harness: Harness, fault: str) -> None:
    path = f"{APPLICATIONS}/{harness.accounts.automation}/resetclientsecret"
    has_effect = add_fault(harness, fault, "POST", f"^{path}$")
    arguments = {"organization": "acme", "name": "automation", "retries": 1}
    before = harness.quay.state.applications[harness.accounts.automation].client_secret
    result = harness.run("quay_application", {**arguments, "reset_client_secret": True})
    assert sent(harness, "POST", path) == 1
    present = harness.quay.state.applications[harness.accounts.automation].client_secret
    assert (present != before) == has_effect
    if not result.failed:
        assert result.token == fingerprint(present)
        assert has_effect
    assert harness.run("quay_application", arguments)["fingerprint"] == fingerprint(present)


@each_fault
@pytest.mark.parametrize("state", ["present", "absent"])
def test_lost_response_to_a_change_of_an_application(harness: Harness, fault: str, state: str) -> None:
    path = f"{APPLICATIONS}/{harness.accounts.automation}"
    method = "PUT" if state == "present" else "DELETE"
    add_fault(harness, fault, method, f"^{path}$")
    arguments = {"organization": "acme", "name": "automation", "description": "x", "state": state}
    result = harness.run("quay_application", {**arguments, "retries": 1})
    assert sent(harness, method, path) == 1
    if result.failed:
        assert f"{method} {harness.quay.url}{path}" in result.message
    harness.run("quay_application", arguments)
    assert not harness.run("quay_application", arguments).changed
    present = harness.quay.state.applications.get(harness.accounts.automation)
    assert (present.description if present else None) == ("x" if state == "present" else None)


# --- registry tokens


@each_fault
def test_lost_response_to_a_registry_token_request(harness: Harness, fault: str) -> None:
    add_fault(harness, fault, "GET", "^/v2/auth$")
    arguments = {"repositories": ["acme/app"], "token_path": str(harness.token_path)}
    result = harness.run("quay_referrers_token", arguments)
    assert result.failed
    assert f"GET {harness.quay.url}/v2/auth" in result.message
    assert not harness.token_path.exists()
    assert harness.run("quay_referrers_token", arguments)["fingerprint"] == harness.stored_fingerprint()


# --- delivery


def obstruct(harness: Harness) -> None:
    """Create a directory at the path of the file, between preparation and delivery."""
    harness.token_path.mkdir()


DELIVERIES: dict[str, tuple[str, Callable[[Harness], dict[str, Any]], str]] = {
    "robot": ("quay_robot_token", lambda harness: {"name": "acme+new"}, f"PUT {ROBOTS}/new"),
    "api": ("quay_api_token", lambda harness: ApiTokens(harness).file_arguments(), "POST .*(tokens|authorizeapp)$"),
    "referrers": ("quay_referrers_token", lambda harness: {"repositories": ["acme/app"]}, "GET /v2/auth"),
}


@pytest.mark.parametrize("kind", DELIVERIES)
def test_secret_that_cannot_be_delivered(harness: Harness, kind: str) -> None:
    module, arguments_of, request = DELIVERIES[kind]
    arguments = {**arguments_of(harness), "token_path": str(harness.token_path)}
    harness.before_request(request, lambda: obstruct(harness))
    result = harness.run(module, arguments)
    assert result.failed
    assert result.message.startswith(f"token_path: {harness.token_path} is not a regular file")
    assert not [request for request in harness.requests if request.startswith("DELETE")]
    harness.token_path.rmdir()
    assert harness.files().keys() == {str(harness.folder)}
    repaired = harness.run(module, arguments)
    assert repaired["fingerprint"] == harness.stored_fingerprint()
    if kind == "api" and harness.quay.quay.family == "3.18":
        assert set(harness.valid_tokens(harness.accounts.automation)) == {repaired["uuid"]}


# --- a read-only registry


READ_ONLY: dict[str, tuple[str, Callable[[Harness], dict[str, Any]]]] = {
    "robot is missing": ("quay_robot_token", lambda harness: {"name": "acme+new"}),
    "robot is forced": ("quay_robot_token", lambda harness: {"name": "acme+ci", "rotate": "always"}),
    "robot is absent": ("quay_robot_token", lambda harness: {"name": "acme+ci", "state": "absent"}),
    "robot's federation": (
        "quay_robot_token",
        lambda harness: {"name": "acme+ci", "federation": [{"issuer": "https://x.example.com", "subject": "y"}]},
    ),
    "token is missing": ("quay_api_token", lambda harness: ApiTokens(harness).file_arguments()),
    "token is absent": ("quay_api_token", lambda harness: stored_token(harness, state="absent")),
    "token is forced": ("quay_api_token", lambda harness: stored_token(harness, rotate="always")),
    "application is missing": ("quay_application", lambda harness: {"organization": "acme", "name": "new"}),
    "application is changed": (
        "quay_application",
        lambda harness: {"organization": "acme", "name": "automation", "description": "x"},
    ),
    "application is absent": (
        "quay_application",
        lambda harness: {"organization": "acme", "name": "automation", "state": "absent"},
    ),
    "secret is reset": (
        "quay_application",
        lambda harness: {"organization": "acme", "name": "automation", "reset_client_secret": True},
    ),
}


def stored_token(harness: Harness, **options: Any) -> dict[str, Any]:
    harness.store_secret(harness.accounts.alice.token(harness.accounts.automation))
    return ApiTokens(harness).file_arguments(scopes=["repo:read"], **options)


def stored_files(harness: Harness) -> dict[str, Any]:
    """The files, without their directory: a real run locks it by a file there."""
    return {path: file for path, file in harness.files().items() if path != str(harness.folder)}


@pytest.mark.parametrize("case", READ_ONLY)
def test_read_only_registry_is_detected_before_any_change(harness: Harness, case: str) -> None:
    module, arguments_of = READ_ONLY[case]
    arguments = arguments_of(harness)
    harness.quay.config["REGISTRY_STATE"] = "readonly"
    predicted = harness.check(module, arguments)
    state, secrets = harness.state(), stored_files(harness)
    result = harness.run(module, arguments)
    assert result.failed
    assert result.message == predicted.message
    assert "the registry is read-only; nothing was changed" in result.message
    assert harness.writes == []
    assert (harness.state(), stored_files(harness)) == (state, secrets)


def test_read_only_registry_does_not_matter_where_nothing_is_due(harness: Harness) -> None:
    harness.quay.config["REGISTRY_STATE"] = "readonly"
    runs = harness.four_runs("quay_robot_token", {"name": "acme+ci"})
    assert runs.first.token == harness.robot_fingerprint()
    harness.four_runs("quay_robot_token", {"name": "acme+ci", "token_path": str(harness.token_path)})
    assert harness.stored_fingerprint() == harness.robot_fingerprint()
    harness.run("quay_application", {"organization": "acme", "name": "automation"})
    result = harness.run("quay_referrers_token", {"repositories": ["acme/app"]})
    assert result["access"] == {"acme/app": ["pull"]}


def test_registry_that_becomes_read_only_meanwhile(harness: Harness) -> None:
    def make_read_only() -> None:
        harness.quay.config["REGISTRY_STATE"] = "readonly"

    harness.before_request("POST .*/regenerate", make_read_only)
    result = harness.run("quay_robot_token", {"name": "acme+ci", "rotate": "always"})
    assert result.failed
    assert "System is currently read-only" in result.message
    assert harness.robot_fingerprint() == fingerprint(harness.accounts.robot_token)
