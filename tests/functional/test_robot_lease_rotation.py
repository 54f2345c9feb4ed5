# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leases of robot accounts in the role, in quay_token_info and in the credential inventory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functional.fleet import Fleet
from functional.harness import Harness
from functional.leases import Leases
from functional.role import Role, stored
from standin.tokens import fingerprint

ON_HOSTS: dict[str, Any] = {
    "name": "acme+ci",
    "kind": "robot_lease",
    "lifetime": "24h",
    "deliver": [{"kind": "file", "format": "json", "path": "{{ folder }}/ci.json"}],
}
ROBOTS = "GET /api/v1/organization/acme/robots"
CONFIG = "GET /config"
VERIFY = "GET /v2/auth"


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def role(harness: Harness) -> Role:
    return Role(harness)


@pytest.fixture
def fleet(role: Role) -> Fleet:
    return Fleet(role, ["n1", "n2"])


def lease(role: Role, **options: Any) -> dict[str, Any]:
    declared = {"name": "acme+ci", "kind": "robot_lease", "lifetime": "24h", "deliver": [role.file("ci.json")]}
    return {**declared, **options}


def names(harness: Harness) -> list[str]:
    return Leases(harness).names


def only(harness: Harness) -> str:
    return Leases(harness).name


def secret(harness: Harness, name: str) -> str:
    return fingerprint(harness.robot(name).token)


def create(name: str) -> str:
    return f"PUT /api/v1/organization/acme/robots/{name.partition('+')[2]}"


def get(name: str) -> str:
    return create(name).replace("PUT", "GET")


def delete(name: str) -> str:
    return create(name).replace("PUT", "DELETE")


def test_check_mode_first_run_and_second_run(role: Role) -> None:
    harness, declared = role.harness, [lease(role, owner="build farm")]
    predicted = role.rotate(declared, "--check", "--diff")
    assert predicted.lines[0] == "1 would be created"
    assert names(harness) == []
    assert list(role.folder.iterdir()) == []
    planned = role.report()

    created = role.rotate(declared, "--diff")
    assert created.lines[0] == "1 created"
    name = only(harness)
    assert harness.requests == [ROBOTS, CONFIG, get(name), create(name), VERIFY]
    unknown = {"fingerprint": None, "window_seconds": None, "username": None, "expires_at": None}
    (row,), (planned_row,) = role.report(), planned
    assert {**row, **unknown} == {**planned_row, **unknown}
    path = role.folder / "ci.json"
    assert json.loads(path.read_text())["username"] == name
    assert stored(path) == role.report()[0]["fingerprint"] == secret(harness, name)

    again = role.rotate(declared)
    assert again.lines[0] == "1 not due"
    assert harness.requests == [ROBOTS]


@pytest.mark.slow
def test_lease_is_replaced_and_its_robot_deleted(role: Role) -> None:
    harness, declared = role.harness, [lease(role)]
    role.rotate(declared)
    old = only(harness)
    harness.advance(hours=17)
    run = role.rotate(declared)
    assert run.lines[0] == "1 rotated"
    new = only(harness)
    assert new != old
    assert harness.requests == [ROBOTS, get(old), CONFIG, get(new), create(new), VERIFY, delete(old)]
    assert role.report()[0]["retired"] == [old]
    assert role.report()[0]["reason"] == "expiring"
    assert json.loads((role.folder / "ci.json").read_text())["username"] == new
    assert stored(role.folder / "ci.json") == secret(harness, new)


@pytest.mark.slow
def test_permissions_are_given_before_the_delivery_and_kept(role: Role) -> None:
    harness = role.harness
    declared = [lease(role, permissions=[{"repository": "acme/app", "role": "write"}])]
    role.rotate(declared)
    name = only(harness)
    assert harness.quay.state.repositories["acme", "app"].user_roles[name] == "write"
    assert role.rotate(declared).lines[0] == "1 not due"
    del harness.quay.state.repositories["acme", "app"].user_roles[name]
    role.rotate(declared)
    assert harness.quay.state.repositories["acme", "app"].user_roles[name] == "write"
    assert only(harness) == name


@pytest.mark.slow
def test_forced_and_compromised_leases_leave_no_old_robot(role: Role) -> None:
    harness, declared = role.harness, [lease(role)]
    role.rotate(declared)
    for force in ("rotation_force", "rotation_compromised"):
        old = only(harness)
        run = role.rotate(declared, **{force: "acme+ci"})
        assert run.lines[0] == "1 rotated"
        assert role.report()[0]["retired"] == [old]
        assert stored(role.folder / "ci.json") == secret(harness, only(harness))


@pytest.mark.slow
def test_absent_lease_is_deleted_and_its_store_cleared(role: Role) -> None:
    harness = role.harness
    role.rotate([lease(role)])
    name = only(harness)
    absent = [lease(role, state="absent")]
    predicted = role.rotate(absent, "--check")
    planned = role.report()
    assert only(harness) == name
    run = role.rotate(absent)
    assert (predicted.lines[0], run.lines[0]) == ("1 would be removed", "1 removed")
    assert role.report() == planned
    assert planned[0]["deleted"] == [name]
    assert names(harness) == []
    assert not (role.folder / "ci.json").exists()
    assert role.rotate(absent).lines[0] == "1 not due"


@pytest.mark.slow
def test_robot_that_is_no_lease_is_never_deleted(role: Role) -> None:
    """The list does not show metadata. A robot whose name alone is that of a lease is found before it is deleted."""
    harness, declared = role.harness, [lease(role)]
    role.rotate(declared)
    name = only(harness)
    harness.robot(name).metadata.clear()
    harness.advance(hours=17)
    run = role.rotate(declared)
    assert run.lines[0] == "1 rotated"
    assert "does not count as a lease" in run.text
    assert name in names(harness)
    assert role.report()[0]["retired"] == []


@pytest.mark.slow
def test_hundred_leases_need_one_list(role: Role) -> None:
    harness = role.harness
    declared = [lease(role, name=f"acme+ci{n}", deliver=[role.file(f"{n}.json")]) for n in range(100)]
    role.rotate(declared)
    assert harness.requests.count(ROBOTS) == 1
    assert len(harness.requests) == 2 + 3 * 100
    role.rotate(declared)
    assert harness.requests == [ROBOTS]


def test_declarations_are_validated(role: Role) -> None:
    declared = [
        lease(role, name="acme+CI", max_age="90d", renew_before="24h"),
        lease(role, name="acme+scan", lifetime="", deliver=[role.file("scan", format="token")]),
        lease(role, name="acme+build", owner="x" * 256, deliver=[{"kind": "tasks", "path": "deliver.yml"}]),
    ]
    text = role.refuse(declared).text
    assert "name: 'acme+CI' is not valid. Write organization+prefix" in text
    assert "max_age has no effect on a credential of the kind robot_lease. A lease ends at its time" in text
    assert "renew_before must be shorter than lifetime, because a new lease would be due in every run" in text
    assert "lifetime is missing: the time for which a robot account is used, for example 24h" in text
    assert "entry 1 of deliver: format: token stores no user name, and each lease changes the user name" in text
    assert "owner has 256 characters, and Quay stores 255 at most" in text
    assert "a lease needs a store that shows which robot account is in use" in text


# --- consumer hosts


@pytest.mark.slow
def test_lease_is_issued_once_for_all_hosts(fleet: Fleet, harness: Harness) -> None:
    declared = [{**ON_HOSTS}]
    fleet.rotate(declared)
    first = only(harness)
    assert harness.requests.count(create(first)) == 1
    assert set(fleet.held("ci.json").values()) == {secret(harness, first)}
    assert fleet.username("n1", "ci.json") == first
    again = fleet.rotate(declared)
    assert again.lines[0] == "1 not due"
    assert harness.requests == [ROBOTS]
    harness.advance(hours=17)
    fleet.rotate(declared)
    second = only(harness)
    assert second != first
    assert set(fleet.held("ci.json").values()) == {secret(harness, second)}
    assert fleet.role.report()[0]["retired"] == [first]


@pytest.mark.slow
def test_unreachable_host_keeps_the_former_lease_until_it_is_served(fleet: Fleet, harness: Harness) -> None:
    declared = [{**ON_HOSTS}]
    fleet.rotate(declared)
    former = only(harness)
    harness.advance(hours=17)
    fleet.lose("n2")
    fleet.run(declared)
    assert former in names(harness)
    assert fleet.held("ci.json")["n2"] == secret(harness, former)
    fleet.find("n2")
    fleet.rotate(declared)
    fleet.rotate(declared)
    assert former not in names(harness)
    assert set(fleet.held("ci.json").values()) == {secret(harness, only(harness))}


# --- quay_token_info, and the inventory


def test_status_of_a_declared_lease(harness: Harness) -> None:
    deliver = [{"kind": "file", "path": str(harness.token_path), "format": "json"}]
    declared = {"name": "acme+ci", "kind": "robot_lease", "lifetime": "24h", "deliver": deliver}

    def status() -> dict[str, Any]:
        (found,) = harness.run("quay_token_info", {"credentials": [declared]})["credentials"]
        return dict(found)

    assert status()["reason"] == "missing"
    harness.run("quay_robot_lease", {"name_prefix": "acme+ci", "lifetime": "24h", "deliver": deliver})
    now = status()
    assert harness.requests == [ROBOTS]
    assert (now["username"], now["reason"], now["holds"]) == (only(harness), "not_due", ["current"])
    harness.advance(hours=17)
    assert status()["reason"] == "expiring"
    harness.advance(hours=8)
    assert status()["reason"] == "expired"
