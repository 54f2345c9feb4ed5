# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays over hosts that are credentials: slices, batches and limits rotate each credential exactly once."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
import yaml

from functional.credential_inventory import PLAY, SOURCE, CredentialInventory
from functional.harness import Harness
from functional.role import Role, Run, stored
from standin.tokens import fingerprint

DUE = {"max_age": "90d"}
DAYS = 100
SLICES = 4
NAMES = [f"acme+r{number}" for number in range(8)]


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def inventory(harness: Harness) -> CredentialInventory:
    role = Role(harness)
    # As for users: the inventory says how its hosts are reached.
    role.connection = {}
    return CredentialInventory(role)


def robot(inventory: CredentialInventory, name: str = "acme+ci", **options: Any) -> dict[str, Any]:
    """A robot account whose token is in a file of the rotator."""
    store = inventory.role.file(f"{name}.json", hosts="localhost")
    return {"name": name, "kind": "robot", "deliver": [store], **options}


def in_one_auth_file(inventory: CredentialInventory, name: str, **options: Any) -> dict[str, Any]:
    """A robot account that shares an auth file with others: each has an entry of its own there."""
    path = str(inventory.role.folder / "auth.json")
    registry = f"quay.example.com/{name.replace('+', '/')}"
    store = {"kind": "container_auth", "path": path, "registry": registry, "hosts": "localhost"}
    return robot(inventory, name, deliver=[store], **options)


def mints(harness: Harness) -> list[str]:
    """The requests of the last run that issue a secret."""
    wanted = re.compile(r"(POST|PUT) .*(/regenerate|/robots/[^/]+|/tokens)$")
    return sorted(request for request in harness.writes if wanted.match(request))


def run_side_by_side(inventory: CredentialInventory, limits: list[str]) -> list[Run]:
    """Run the play at the same time for each of these parts of the inventory, as the slices of one job."""
    commands = []
    for number, limit in enumerate(limits):
        base = inventory.role.command(None, play=PLAY, inventory=SOURCE)
        report = json.dumps({"report_path": str(inventory.work / f"report{number}.json")})
        commands.append([*base, "--limit", limit, "-e", report])
    processes = [
        subprocess.Popen(
            command,
            env=inventory.role.variables_of_environment,
            cwd=inventory.work,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for command in commands
    ]
    return [inventory.role.finished(process.communicate()[0]) for process in processes]


def test_four_slices_side_by_side_rotate_each_credential_once(inventory: CredentialInventory, harness: Harness) -> None:
    inventory.write([in_one_auth_file(inventory, name, **DUE) for name in NAMES])
    inventory.rotate()
    former = {name: harness.robot_fingerprint(name) for name in NAMES}
    harness.advance(days=DAYS)
    limits = [",".join(NAMES[number::SLICES]) for number in range(SLICES)]
    runs = run_side_by_side(inventory, limits)
    for number, run in enumerate(runs):
        assert not run.failed, run.output
        assert run.lines[0] == "2 rotated"
        rows, summary = json.loads((inventory.work / f"report{number}.json").read_text())
        assert sorted(row["name"] for row in rows) == NAMES[number::SLICES]
        assert summary["rotated_names"] == NAMES[number::SLICES]
    assert mints(harness) == [f"POST /api/v1/organization/acme/robots/r{number}/regenerate" for number in range(8)]
    # The slices share one auth file: none of them lost the entry of another one.
    auths = json.loads((inventory.role.folder / "auth.json").read_text())["auths"]
    assert sorted(auths) == [f"quay.example.com/acme/r{number}" for number in range(8)]
    assert all(harness.robot_fingerprint(name) != former[name] for name in NAMES)
    run = inventory.rotate()
    assert run.lines[0] == "8 not due"
    assert harness.writes == []


@pytest.mark.slow
def test_slice_costs_what_its_share_costs(inventory: CredentialInventory, harness: Harness) -> None:
    inventory.write([robot(inventory, name, **DUE) for name in NAMES], status=False)
    inventory.rotate()
    harness.advance(days=DAYS)
    run = inventory.rotate("--limit", NAMES[0])
    of_one = list(harness.requests)
    assert run.lines[0] == "1 rotated"
    assert mints(harness) == ["POST /api/v1/organization/acme/robots/r0/regenerate"]
    run = inventory.rotate("--limit", ",".join(NAMES[1:3]))
    of_two = list(harness.requests)
    assert run.lines[0] == "2 rotated"
    # What is asked for all of them is asked once, and the others of the inventory cost nothing.
    assert in_common(of_two) == in_common(of_one)
    assert len(of_two) - len(in_common(of_two)) == 2 * (len(of_one) - len(in_common(of_one)))


def in_common(requests: list[str]) -> list[str]:
    """The requests that are not those of one robot account, or of its login."""
    return [request for request in requests if "/robots/" not in request and request != "GET /v2/auth"]


@pytest.mark.slow
def test_batches_rotate_each_credential_once(inventory: CredentialInventory, harness: Harness) -> None:
    names = NAMES[:5]
    inventory.write([robot(inventory, name, **DUE) for name in names])
    inventory.rotate()
    harness.advance(days=DAYS)
    run = inventory.rotate("-e", json.dumps({"rotation_force": [names[0], names[4]]}), batch=2)
    assert mints(harness) == [f"POST /api/v1/organization/acme/robots/r{number}/regenerate" for number in range(5)]
    assert [row["name"] for row in inventory.role.report()] == names
    assert (run.summary["rotated"], run.summary["rotated_names"]) == (5, names)
    assert "All batches: 4 rotated" in run.text
    assert "All batches: 5 rotated" in run.text
    assert all(stored(inventory.role.folder / f"{name}.json") == harness.robot_fingerprint(name) for name in names)


@pytest.mark.slow
def test_failure_in_a_batch_stops_no_other_batch(inventory: CredentialInventory, harness: Harness) -> None:
    lost = robot(inventory, NAMES[0])
    lost["deliver"] = [{**lost["deliver"][0], "path": str(inventory.role.folder / "missing" / "file")}]
    inventory.write([lost, robot(inventory, NAMES[1]), robot(inventory, NAMES[2])])
    run = inventory.run(batch=1)
    assert run.failed
    assert mints(harness) == [f"PUT /api/v1/organization/acme/robots/r{number}" for number in (1, 2)]
    assert run.summary["failed"] == 1
    assert list(run.summary["errors"]) == [NAMES[0]]
    # The last batch fails for all of them.
    assert {host: bool(failed) for host, (_changed, failed) in run.recap.items()} == {
        NAMES[0]: False,
        NAMES[1]: False,
        NAMES[2]: True,
    }
    assert "1 of 3 credentials failed" in run.text


@pytest.mark.slow
def test_groups_and_patterns_select_what_is_rotated(inventory: CredentialInventory, harness: Harness) -> None:
    api: dict[str, Any] = {"name": "nightly", "kind": "api", "organization": "acme", "application": "automation"}
    api["deliver"] = [inventory.role.file("nightly.json", hosts="localhost")]
    inventory.write([robot(inventory), robot(inventory, "acme+new"), api], discover=[{"organization": "acme"}])
    run = inventory.rotate(pattern="due:&kind_robot")
    assert mints(harness) == ["PUT /api/v1/organization/acme/robots/new"]
    assert [row["name"] for row in inventory.role.report()] == ["acme+new"]
    # What Quay lists and nobody declares is left alone.
    before = harness.state()
    run = inventory.rotate(pattern="undeclared")
    assert harness.state() == before
    assert run.lines[0] == "No credentials are declared. There is nothing to do."
    assert re.match(r"\d+ not declared, and therefore left alone: token-", run.lines[1])
    run = inventory.rotate(pattern="due:undeclared")
    assert run.summary["created"] == 1
    assert "left alone" in run.lines[-1]


@pytest.mark.slow
def test_check_mode_predicts_the_run(inventory: CredentialInventory, harness: Harness) -> None:
    inventory.write([robot(inventory), robot(inventory, "acme+new")])
    before, files = harness.state(), harness.files()
    predicted = inventory.rotate("--check", "--diff")
    planned = inventory.role.report()
    assert (harness.state(), harness.files()) == (before, files)
    real = inventory.rotate("--diff")
    unknown = {"fingerprint": None, "window_seconds": None, "username": None}
    assert [{**row, **unknown} for row in inventory.role.report()] == [{**row, **unknown} for row in planned]
    assert predicted.recap == real.recap
    assert real.recap["acme+new"] == (0, 0)


@pytest.mark.slow
def test_tasks_and_handlers_run_once_for_all_hosts(inventory: CredentialInventory, harness: Harness) -> None:
    inventory.write([robot(inventory, name) for name in NAMES[:3]])
    run = inventory.rotate()
    assert run.output.count("handled acme+r0 acme+r1 acme+r2") == 1
    done = dict(re.findall(r"^(\S+)\s+: ok=(\d+)", run.output, re.MULTILINE))
    # Ansible itself validates the arguments of a role for each host.
    assert done[NAMES[1]] == done[NAMES[2]] == "1"
    # The playbook of the collection spares even that.
    ansible = inventory.role.command(None, inventory=SOURCE)[:4]
    process = subprocess.run(
        [*ansible, "tokensmith.quay.rotate", "-i", SOURCE, "-e", "rotation_hosts=quay_credentials"],
        env=inventory.role.variables_of_environment,
        cwd=inventory.work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 not due" in process.stdout, process.stdout + process.stderr
    done = dict(re.findall(r"^(\S+)\s+: ok=(\d+)", process.stdout, re.MULTILINE))
    assert list(done) == [NAMES[0]]


@pytest.mark.slow
def test_slice_in_several_rounds(inventory: CredentialInventory, harness: Harness) -> None:
    """The role works on so many credentials at once. The hosts have nothing to do with it."""
    inventory.write([robot(inventory, name) for name in NAMES[:3]])
    run = inventory.rotate(rotation_batch=2)
    assert run.lines[0] == "3 created"
    assert "2 of 3 credentials done" in run.text
    assert mints(harness) == [f"PUT /api/v1/organization/acme/robots/r{number}" for number in range(3)]
    assert (run.output.count('handled acme+r0 acme+r1"'), run.output.count('handled acme+r2"')) == (1, 1)
    done = dict(re.findall(r"^(\S+)\s+: ok=(\d+)", run.output, re.MULTILINE))
    assert done[NAMES[1]] == done[NAMES[2]] == "1"


@pytest.mark.slow
def test_force_names_credentials_of_other_slices(inventory: CredentialInventory, harness: Harness) -> None:
    inventory.write([robot(inventory, name) for name in NAMES[:2]])
    inventory.rotate()
    run = inventory.rotate("--limit", NAMES[1], rotation_force=NAMES[:2])
    assert mints(harness) == ["POST /api/v1/organization/acme/robots/r1/regenerate"]
    assert run.lines[0] == "1 rotated"
    run = inventory.run("--limit", NAMES[1], rotation_force=["acme+r11"])
    assert run.failed
    assert "rotation_force: 'acme+r11' is not declared. Did you mean acme+r1?" in run.text
    assert harness.writes == []


def test_stores_of_machines_are_refused(inventory: CredentialInventory, harness: Harness) -> None:
    everywhere, elsewhere = (robot(inventory, name) for name in NAMES[:2])
    everywhere["deliver"] = [{"kind": "container_auth", "path": "/etc/containers/auth.json"}]
    elsewhere["deliver"].append(inventory.role.file("other.json", hosts="build"))
    inventory.write([everywhere, elsewhere, robot(inventory, NAMES[2])], status=False)
    state, files = harness.state(), harness.files()
    for check in ((), ("--check",)):
        run = inventory.run(*check, pattern=NAMES[0] + "," + NAMES[2])
        assert run.failed
        assert (
            "Nothing was sent: acme+r0: entry 1 of deliver (container_auth /etc/containers/auth.json): this is a file "
            "of other machines, and the hosts of this play are credentials, not machines."
        ) in run.text
        assert "add hosts: localhost" in run.text
        assert harness.requests == []
        assert (harness.state(), harness.files()) == (state, files)
    run = inventory.run(pattern=NAMES[1])
    assert "hosts: no host of the inventory matches 'build'" in run.text
    assert harness.requests == []
    # The group has them, so that a play can leave them out.
    run = inventory.rotate(pattern="declared:!machine_stores")
    assert run.lines[0] == "1 created"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"rotation_credentials": []}, "Every slice would rotate all of rotation_credentials. Remove it"),
        ({"rotation_expected_hosts": 3}, "rotation_expected_hosts counts machines, and the hosts of this play are"),
        ({"rotation_report_undeclared": ["/etc"]}, "rotation_report_undeclared is set"),
    ],
)
def test_variables_for_machines_are_refused(
    inventory: CredentialInventory, harness: Harness, variables: dict[str, Any], words: str
) -> None:
    inventory.write([robot(inventory)], status=False)
    run = inventory.run("-e", json.dumps(variables))
    assert run.failed
    assert words in run.text
    assert harness.requests == []


@pytest.mark.parametrize("pattern", ["all", "zebra,all"])
def test_machines_in_the_same_play_are_refused(inventory: CredentialInventory, harness: Harness, pattern: str) -> None:
    inventory.write([robot(inventory)], status=False)
    machines = {"machines": {"hosts": {"zebra": {"ansible_connection": "local"}}}}
    (inventory.work / "machines.yml").write_text(yaml.safe_dump(machines))
    # The order of the hosts decides whether the first one is a machine.
    sources = ("machines.yml", SOURCE) if pattern == "zebra,all" else (SOURCE, "machines.yml")
    state = harness.state()
    base = inventory.role.command(
        None, play=PLAY.replace("gather_facts: false", "gather_facts: false\n  order: inventory")
    )
    command = [*base[:-2], *(part for source in sources for part in ("-i", source)), "-e", "pattern=all"]
    process = subprocess.run(
        command,
        env=inventory.role.variables_of_environment,
        cwd=inventory.work,
        capture_output=True,
        text=True,
        check=False,
    )
    run = inventory.role.finished(process.stdout + process.stderr)
    assert run.failed, run.output
    assert "Use one play for the credentials" in run.text
    assert harness.requests == []
    assert harness.state() == state


@pytest.mark.slow
def test_own_login_of_a_credential(inventory: CredentialInventory, harness: Harness) -> None:
    """It is in variables of the host, which the user encrypts. Nothing shows it."""
    scan: dict[str, Any] = {"name": "scan", "kind": "referrers", "repositories": ["acme/app"]}
    scan["deliver"] = [inventory.role.file("scan.json", hosts="localhost")]
    inventory.write([scan, robot(inventory)], status=False)
    (inventory.work / "host_vars").mkdir()
    login = {"quay_username": "acme+ci", "quay_password": harness.accounts.robot_token}
    (inventory.work / "host_vars" / "scan.yml").write_text(yaml.safe_dump({"quay_credential_login": login}))
    run = inventory.rotate("-vvv")
    assert (run.summary["created"], run.summary["delivered"]) == (1, 1)
    # The user name of the login is also that of another credential. Ansible must not mask it.
    assert sorted(row["name"] for row in inventory.role.report()) == ["acme+ci", "scan"]
    assert stored(inventory.role.folder / "acme+ci.json") == fingerprint(harness.accounts.robot_token)
    assert inventory.rotate().lines[0] == "2 not due"
