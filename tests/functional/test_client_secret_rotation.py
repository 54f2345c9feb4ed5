# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client secrets of applications in the role."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functional.fleet import Fleet
from functional.harness import Harness
from functional.role import Role, stored
from functional.test_quay_client_secret import LIST, VERIFY, change, present, reset
from standin.tokens import fingerprint

CONFIG = "GET /config"
ON_EACH_HOST = {"kind": "file", "format": "json", "path": "{{ folder }}/portal.json"}
PORTAL: dict[str, Any] = {
    "name": "portal",
    "kind": "client_secret",
    "organization": "acme",
    "application": "automation",
}


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def role(harness: Harness) -> Role:
    return Role(harness)


@pytest.fixture
def fleet(role: Role) -> Fleet:
    return Fleet(role, ["n1", "n2"])


def portal(role: Role, **options: Any) -> dict[str, Any]:
    return {**PORTAL, "deliver": [role.file("portal.json")], **options}


def test_check_mode_first_run_and_second_run(role: Role) -> None:
    harness, declared, path = role.harness, [portal(role)], role.folder / "portal.json"
    predicted = role.rotate(declared, "--check", "--diff")
    assert predicted.lines[0] == "1 would be delivered again"
    assert list(role.folder.iterdir()) == []
    planned = role.report()
    delivered = role.rotate(declared)
    assert delivered.lines[0] == "1 delivered again"
    assert role.report() == planned
    assert stored(path) == present(harness)
    assert json.loads(path.read_text())["username"] == harness.accounts.automation
    again = role.rotate(declared)
    assert again.lines[0] == "1 not due"
    assert harness.requests == [LIST]


@pytest.mark.slow
def test_forced_reset_is_announced_in_check_mode(role: Role) -> None:
    harness, declared = role.harness, [portal(role)]
    role.rotate(declared)
    former = present(harness)
    predicted = role.rotate(declared, "--check", "--diff", rotation_force="portal")
    assert predicted.lines[0] == "1 would be rotated"
    assert "makes the former one invalid at once" in predicted.text
    assert "former_client_secret" in predicted.text
    assert present(harness) == former
    run = role.rotate(declared, rotation_force="portal")
    assert run.lines[0] == "1 rotated"
    assert "makes the former one invalid at once" in run.text
    assert harness.requests == [LIST, CONFIG, reset(harness), VERIFY]
    assert stored(role.folder / "portal.json") == present(harness) != former


@pytest.mark.slow
def test_compromised_client_secret_is_reset(role: Role) -> None:
    role.rotate([portal(role)])
    former = present(role.harness)
    run = role.rotate([portal(role)], rotation_compromised="portal")
    assert run.lines[0] == "1 rotated"
    assert stored(role.folder / "portal.json") == present(role.harness) != former


@pytest.mark.slow
def test_absent_clears_the_store(role: Role) -> None:
    role.rotate([portal(role)])
    secret = present(role.harness)
    predicted = role.rotate([portal(role, state="absent")], "--check")
    planned = role.report()
    run = role.rotate([portal(role, state="absent")])
    assert (predicted.lines[0], run.lines[0]) == ("1 would be removed", "1 removed")
    assert role.report() == planned
    assert "is still valid, because an application always has one" in run.text
    assert not (role.folder / "portal.json").exists()
    assert present(role.harness) == secret
    assert role.rotate([portal(role, state="absent")]).lines[0] == "1 not due"


@pytest.mark.slow
def test_hundred_client_secrets_need_one_list(role: Role) -> None:
    harness = role.harness
    browser, path = harness.accounts.alice.browser(), LIST.partition(" ")[2]
    made = [browser.call("POST", path, {"name": f"app {number}"}).json()["client_id"] for number in range(100)]
    declared = [
        portal(role, name=f"app {number}", application=f"app {number}", deliver=[role.file(f"{number}.json")])
        for number in range(100)
    ]
    role.rotate(declared, rotation_force=",".join(item["name"] for item in declared))
    resets = [f"POST {path}/{client_id}/resetclientsecret" for client_id in made]
    assert sorted(harness.requests) == sorted([LIST, CONFIG, *resets, *[VERIFY] * 100])
    for number, client_id in enumerate(made):
        secret = harness.quay.state.applications[client_id].client_secret
        assert stored(role.folder / f"{number}.json") == fingerprint(secret)
    role.rotate(declared)
    assert harness.requests == [LIST]


def test_declarations_are_validated(role: Role) -> None:
    auth = {"kind": "container_auth", "path": str(role.folder / "auth.json")}
    run = role.refuse([portal(role, application="", scopes=["repo:read"], deliver=[auth])])
    assert "the application is missing: give client_id, or organization and application" in run.text
    assert "scopes has no effect on a credential of the kind client_secret" in run.text
    assert "a client secret is not a password" in run.text


# --- consumer hosts


@pytest.mark.slow
def test_secret_is_reset_once_for_all_hosts(fleet: Fleet, harness: Harness) -> None:
    declared = {**PORTAL, "deliver": [ON_EACH_HOST]}
    fleet.rotate([declared])
    assert set(fleet.held("portal.json").values()) == {present(harness)}
    fleet.rotate([declared], rotation_force="portal")
    assert harness.writes.count(reset(harness)) == 1
    assert set(fleet.held("portal.json").values()) == {present(harness)}
    assert fleet.username("n2", "portal.json") == harness.accounts.automation


@pytest.mark.slow
def test_secret_waits_for_a_missing_host(fleet: Fleet, harness: Harness) -> None:
    """A reset would leave it with an invalid one."""
    declared = {**PORTAL, "deliver": [ON_EACH_HOST]}
    fleet.rotate([declared], rotation_force="portal")
    former = present(harness)
    harness.advance(days=31)
    fleet.lose("n2")
    fleet.run([{**declared, "max_age": "30d"}])
    assert present(harness) == former
    assert fleet.role.report()[0]["waiting_for"] == ["n2 (unreachable)"]
    fleet.find("n2")
    fleet.rotate([{**declared, "max_age": "30d"}])
    assert set(fleet.held("portal.json").values()) == {present(harness)}
    assert present(harness) != former


@pytest.mark.slow
def test_secret_that_is_reset_elsewhere_during_the_delivery_is_delivered_again(fleet: Fleet, harness: Harness) -> None:
    declared = {**PORTAL, "deliver": [ON_EACH_HOST]}
    fleet.rotate([declared])
    harness.before_request(VERIFY, lambda: harness.before_request(LIST, lambda: change(harness)))
    fleet.rotate([declared], rotation_force="portal")
    assert set(fleet.held("portal.json").values()) == {present(harness)}
