# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many credentials in one run: several at the same time, in batches, and each with the guarantees of a single one."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from functional.accounts import ALL_SCOPES
from functional.fleet import Fleet
from functional.harness import Harness
from functional.role import Role, stored
from standin.tokens import fingerprint

NAMES = [f"acme+many{number}" for number in range(8)]
DUE = {"max_age": "1d"}


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def role(harness: Harness) -> Role:
    return Role(harness)


def held(role: Role, name: str) -> str:
    return stored(role.folder / f"{name}.json")


def assert_delivered(role: Role, names: list[str]) -> None:
    assert {name: held(role, name) for name in names} == {name: role.harness.robot_fingerprint(name) for name in names}


def declared(role: Role, names: list[str] = NAMES, **options: Any) -> list[dict[str, Any]]:
    return [role.robot(name, **DUE, **options) for name in names]


def paths(role: Role) -> list[str]:
    """The requests of the last run, with one name for all robots."""
    return [re.sub(r"many\d", "many", request) for request in role.harness.requests]


def test_each_gets_its_own_secret_with_two_requests(role: Role) -> None:
    role.rotate(declared(role))
    assert_delivered(role, NAMES)
    first = {name: held(role, name) for name in NAMES}
    role.harness.advance(days=2)
    run = role.rotate(declared(role))
    assert run.lines[0] == "8 rotated"
    assert_delivered(role, NAMES)
    assert not set(first.values()) & {held(role, name) for name in NAMES}
    robots = "/api/v1/organization/acme/robots"
    expected = [f"GET {robots}", "GET /config", *["GET /v2/auth", f"POST {robots}/many/regenerate"] * len(NAMES)]
    assert sorted(paths(role)) == sorted(expected)


def test_session_signs_in_once(role: Role) -> None:
    alice = role.harness.accounts.alice
    role.environ.update(QUAY_TOKEN="", QUAY_USERNAME=alice.username, QUAY_PASSWORD=alice.password)
    role.rotate(declared(role))
    assert_delivered(role, NAMES)
    assert paths(role).count("POST /api/v1/signin") == 1
    assert paths(role).count("GET /csrf_token") == 1


def test_credentials_that_share_a_file_do_not_lose_each_other(role: Role) -> None:
    """Each is one registry of the same auth file."""
    path = role.folder / "auth.json"

    def shared(name: str) -> dict[str, Any]:
        store = {"kind": "container_auth", "path": str(path), "registry": f"{name[5:]}.example.com"}
        return {"name": name, "kind": "robot", "deliver": [store], **DUE}

    credentials = [*map(shared, NAMES[:5]), role.robot(NAMES[5], **DUE)]
    for _run in range(2):
        role.rotate(credentials)
        auths = json.loads(path.read_text())["auths"]
        assert sorted(auths) == [f"{name[5:]}.example.com" for name in NAMES[:5]]
        assert_delivered(role, NAMES[5:6])
        role.harness.advance(days=2)


def test_failures_concern_their_own_credentials(role: Role) -> None:
    role.rotate(declared(role))
    first = {name: held(role, name) for name in NAMES}
    role.harness.advance(days=2)
    faults = role.harness.quay.faults
    faults.add("status", status=500, method="POST", path="many1/regenerate")
    faults.add("cut_after", method="POST", path="many2/regenerate")
    faults.add("status", status=429, method="POST", path="many3/regenerate")
    run = role.run(declared(role))
    failed = [NAMES[1], NAMES[3]]
    assert run.lines[0] == "2 failed, 6 rotated"
    assert list(run.summary["errors"]) == failed
    assert_delivered(role, NAMES)
    assert [held(role, name) == first[name] for name in NAMES] == [name in failed for name in NAMES]
    mints = [request for request in role.harness.requests if request.endswith("/regenerate")]
    assert len(mints) == len(set(mints)) == len(NAMES)
    role.rotate(declared(role))
    assert_delivered(role, NAMES)
    assert {request for request in role.harness.requests if "regenerate" in request} == {
        f"POST /api/v1/organization/acme/robots/{name[5:]}/regenerate" for name in failed
    }


def test_batches(role: Role) -> None:
    """Each batch says how far the run is. What is not due does not count."""
    role.rotate(declared(role, NAMES[:2]))
    run = role.rotate(declared(role), rotation_batch=2)
    progress = re.findall(r"^(\d of 6 credentials done)", run.output, re.MULTILINE)
    assert progress == [f"{number} of 6 credentials done" for number in (2, 4, 6)]
    assert run.lines[0] == "6 created, 2 not due"
    assert [row["name"] for row in role.report()] == NAMES
    assert_delivered(role, NAMES)
    predicted = role.rotate(declared(role), "--check", rotation_batch=2, rotation_force=",".join(NAMES))
    assert predicted.lines[0] == "8 would be rotated"
    assert "credentials done" not in predicted.output


@pytest.mark.slow
def test_login_of_the_run_is_replaced_after_all_others(role: Role) -> None:
    """Also in the last of several batches."""
    client_id = role.harness.accounts.automation
    own = role.harness.accounts.alice.token(client_id, ALL_SCOPES)
    path = role.folder / "token"
    path.write_text(own)
    path.chmod(0o600)
    api = {
        "name": "nightly",
        "kind": "api",
        "organization": "acme",
        "application": "automation",
        "scopes": ALL_SCOPES.split(),
        "deliver": [{"kind": "file", "path": str(path)}],
    }
    role.environ["QUAY_TOKEN"] = own
    credentials = [api, *declared(role, NAMES[:3])]
    role.rotate(credentials)
    role.rotate(credentials, rotation_force=",".join(["nightly", *NAMES[:3]]), rotation_batch=2)
    assert_delivered(role, NAMES[:3])
    mints = role.harness.quay.journal.mints
    assert mints[-1].path.endswith("/tokens")
    assert fingerprint(path.read_text().strip()) != fingerprint(own)


@pytest.mark.slow
def test_interruption_between_batches(role: Role) -> None:
    """The report has what was done, and the next run does the rest."""
    role.harness.quay.faults.add("status", status=500, method="GET", path="acme/robots$", nth=2)
    run = role.run(declared(role), rotation_batch=3)
    assert run.failed
    assert run.lines[0] == "5 failed, 3 created"
    assert all("not done" in run.summary["errors"][name] for name in NAMES[3:])
    assert_delivered(role, NAMES[:3])
    role.rotate(declared(role), rotation_batch=3)
    assert_delivered(role, NAMES)


@pytest.mark.slow
def test_batches_over_a_fleet(harness: Harness) -> None:
    """All hosts are delivered to after each batch, and a host that is lost in one is missing in the next."""
    fleet = Fleet(Role(harness), ["n1", "n2"])
    names = NAMES[:4]

    def of_hosts(name: str) -> dict[str, Any]:
        store = {"kind": "file", "format": "json", "path": "{{ folder }}/" + f"{name}.json"}
        return {"name": name, "kind": "robot", "deliver": [store], **DUE}

    credentials = [of_hosts(name) for name in names]
    fleet.rotate(credentials, rotation_batch=1)
    for name in names:
        assert set(fleet.held(f"{name}.json").values()) == {harness.robot_fingerprint(name)}
    harness.advance(days=2)
    # Its inspection and the first delivery succeed.
    fleet.lose("n2", after=2)
    run = fleet.run(credentials, rotation_batch=1)
    assert run.failed
    assert run.lines[0] == "1 failed, 1 rotated, 2 waiting for hosts"
    assert run.summary["errors"] == {names[1]: "n2: the host is gone"}
    assert sum("waits for n2 (unreachable)" in line for line in run.lines) == 2
    for name in names[2:]:
        assert set(fleet.held(f"{name}.json").values()) == {harness.robot_fingerprint(name)}
    fleet.find("n2")
    fleet.rotate(credentials, rotation_batch=1)
    for name in names:
        assert set(fleet.held(f"{name}.json").values()) == {harness.robot_fingerprint(name)}
