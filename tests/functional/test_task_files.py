# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivery by tasks of the user's own: their file is included for a credential, and its success is the confirmation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from functional.fleet import Fleet
from functional.harness import Harness
from functional.role import Role, stored
from standin.tokens import fingerprint

# What users write: it sets a variable of a CI system, here a file.
TASKS = """
- name: Set the variable
  ansible.builtin.copy:
    content: "{{ quay_credential | to_json }}"
    dest: "{{ quay_credential.variables.target }}"
    mode: "0600"
  when: quay_credential.state == 'present'
- name: Remove the variable
  ansible.builtin.file:
    path: "{{ quay_credential.variables.target }}"
    state: absent
  when: quay_credential.state == 'absent'
- name: Reach the CI system
  ansible.builtin.command:
    argv: [/usr/bin/test, "!", -e, "{{ quay_credential.variables.target }}.down"]
  changed_when: false
"""


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def role(harness: Harness) -> Role:
    role = Role(harness)
    (role.folder.parent / "set_variable.yml").write_text(TASKS)
    return role


@pytest.fixture
def target(role: Role) -> Path:
    return role.folder / "variable"


def store(target: Path, **options: Any) -> dict[str, Any]:
    return {"kind": "tasks", "tasks_file": "set_variable.yml", "variables": {"target": str(target)}, **options}


def robot(target: Path, **options: Any) -> dict[str, Any]:
    return {"name": "acme+ci", "kind": "robot", "deliver": [store(target)], **options}


def received(target: Path) -> dict[str, Any]:
    return dict(json.loads(target.read_text()))


def paired(role: Role, target: Path, **options: Any) -> dict[str, Any]:
    return {
        **robot(target),
        "name": "acme+duo",
        "strategy": "paired",
        "deliver": [role.file(), store(target)],
        **options,
    }


def valid_secrets(harness: Harness) -> set[str]:
    """The fingerprints of the valid tokens of the application."""
    return {token.digest[:12] for token in harness.valid_tokens(harness.accounts.console).values()}


def api_token(role: Role, target: Path, **options: Any) -> dict[str, Any]:
    application = {"organization": "acme", "application": "console", "scopes": "repo:read"}
    return {"name": "nightly", "kind": "api", **application, "deliver": [role.file(), store(target)], **options}


@pytest.mark.slow
def test_new_credential(role: Role, target: Path, harness: Harness) -> None:
    """Its secret is in the variable of the tasks, and nowhere else, whatever the user asks Ansible to print or keep."""
    cache = role.folder.parent / "cache"
    role.environ.update(ANSIBLE_CACHE_PLUGIN="jsonfile", ANSIBLE_CACHE_PLUGIN_CONNECTION=str(cache))
    new = robot(target, name="acme+new")
    predicted = role.rotate([new], "--check", "--diff", "-vvvv")
    assert not target.exists()
    (planned,) = role.report()
    real = role.rotate([new], "--diff", "-vvvv")
    (row,) = role.report()
    unknown = {"fingerprint": None, "window_seconds": None}
    assert {**row, **unknown} == {**planned, **unknown}
    assert row["delivered"] == ["tasks set_variable.yml"]
    assert "would mint a new secret; deliver to tasks set_variable.yml" in predicted.text
    given = received(target)
    secret = given.pop("secret")
    assert fingerprint(secret) == harness.robot_fingerprint("acme+new") == given["fingerprint"]
    assert given == {
        "name": "acme+new",
        "kind": "robot",
        "state": "present",
        "registry": harness.quay.url.removeprefix("http://"),
        "username": "acme+new",
        "fingerprint": row["fingerprint"],
        "created_at": given["created_at"],
        "expires_at": "",
        "check_mode": False,
        "variables": {"target": str(target)},
    }
    # The harness knows the secrets that Quay issued, and looked for them in the output.
    kept = (
        "".join(path.read_text() for path in cache.rglob("*") if path.is_file())
        + role.folder.parent.joinpath("report.json").read_text()
    )
    assert secret not in real.output + kept


@pytest.mark.slow
def test_present_secret_is_delivered_in_each_run(role: Role, target: Path, harness: Harness) -> None:
    """What somebody changed at the other end is repaired, without a request for it."""
    role.rotate([robot(target)])
    requests = list(harness.requests)
    present = received(target)
    target.write_text("changed by hand")
    checked = role.rotate([robot(target)], "--check")
    assert target.read_text() == "changed by hand"
    assert checked.recap["localhost"][0] == 1 + 1  # that of the report
    again = role.rotate([robot(target)])
    assert received(target) == present
    assert again.lines[0] == "1 not due"
    assert (harness.requests, harness.writes) == (requests, [])


def test_failure_is_reported_and_keeps_the_former_token(role: Role, target: Path, harness: Harness) -> None:
    role.rotate([api_token(role, target)])
    former = received(target)
    down = target.with_name("variable.down")
    down.touch()
    run = role.run([api_token(role, target), robot(target.with_name("other"))], rotation_force=["nightly"])
    assert run.failed
    assert run.lines[0] == "1 failed, 1 not due"
    done = f"(done: minted {stored(role.folder / 'ci.json')}; delivered to {role.folder}/ci.json)"
    assert run.lines[2].endswith(
        "FAILED: tasks set_variable.yml failed in the task 'Reach the CI system', so its consumers may hold the former "
        f"secret. Run the play again: it repeats it {done}"
    )
    assert received(target.with_name("other"))["name"] == "acme+ci"
    assert former["fingerprint"] in valid_secrets(harness)
    down.unlink()
    role.rotate([api_token(role, target)])
    assert former["fingerprint"] not in valid_secrets(harness)
    assert role.report()[0]["retired"] != []
    assert received(target)["fingerprint"] in valid_secrets(harness)


@pytest.mark.slow
def test_failed_task_leaves_no_secret_in_variables(role: Role, target: Path, harness: Harness) -> None:
    """Ansible keeps the result of a failed task with its arguments, and no_log hides it from the output alone."""
    failing = """
- name: Send the secret to a system that is down
  ansible.builtin.uri:
    url: http://127.0.0.1:9/
    method: POST
    body_format: json
    body: {token: "{{ quay_credential.secret }}"}
"""
    (role.folder.parent / "set_variable.yml").write_text(failing)
    work = role.folder.parent
    play = """
- hosts: localhost
  gather_facts: false
  tasks:
    - block:
        - ansible.builtin.import_role:
            name: tokensmith.quay.rotation
      always:
        - ansible.builtin.copy:
            content: "{{ [ansible_failed_result, hostvars.localhost.ansible_failed_result, outcomes] | to_json }}"
            dest: "{{ report_path }}"
            mode: "0600"
          vars:
            outcomes: "{{ __rotation_task_outcomes }}"
"""
    assert role.run([robot(target)], play=play).failed
    kept = (work / "report.json").read_text()
    assert "Send the secret to a system that is down" in kept
    assert harness.known_secrets.in_text(kept) == []


@pytest.mark.slow
@pytest.mark.parametrize("place", ["report.yml", "tasks/deliver.yml"])
def test_file_that_is_named_like_one_of_the_role(role: Role, target: Path, place: str) -> None:
    file = role.folder.parent / place
    file.parent.mkdir(exist_ok=True)
    file.write_text(TASKS)
    role.rotate([robot(target, deliver=[store(target, tasks_file=file.name)])])
    assert received(target)["name"] == "acme+ci"


@pytest.mark.slow
def test_task_file_that_is_no_longer_used(role: Role, target: Path, harness: Harness) -> None:
    role.rotate([robot(target)])
    file = role.file()
    moved = robot(target, deliver=[file, store(target, state="absent")])
    role.rotate([moved])
    assert target.exists()
    role.rotate([moved], "--check")
    assert target.exists()
    role.rotate([moved])
    assert not target.exists()
    assert harness.writes == []


@pytest.mark.slow
def test_former_token_is_retired_after_the_tasks(role: Role, target: Path, harness: Harness) -> None:
    """In the run that rotates, with one more look at Quay."""
    role.rotate([api_token(role, target)])
    former = received(target)["fingerprint"]
    checked = role.rotate([api_token(role, target)], "--check", rotation_force=["nightly"])
    assert len(role.report()[0]["retired"]) == 1
    assert "revoke" in checked.text
    role.rotate([api_token(role, target)], rotation_force=["nightly"])
    assert len(role.report()[0]["retired"]) == 1
    assert former not in valid_secrets(harness)


@pytest.mark.slow
def test_pair_waits_for_the_tasks(role: Role, target: Path, harness: Harness) -> None:
    """The robot whose turn would be next may still be used by what the tasks did not reach."""
    declared = paired(role, target, pair=["acme+duo_a", "acme+duo_b"], max_age="90d")
    role.rotate([declared])
    former = received(target)
    harness.advance(days=100)
    (role.folder.parent / "set_variable.yml").write_text("- ansible.builtin.command: {argv: [/usr/bin/false]}\n")
    assert role.run([declared]).failed
    assert received(target) == former
    harness.advance(days=100)
    waiting = role.run([declared])
    assert waiting.failed
    assert "first, all consumers get the present secret" in waiting.lines[2]
    assert harness.writes == []
    assert harness.robot_fingerprint(former["username"]) == former["fingerprint"]
    (role.folder.parent / "set_variable.yml").write_text(TASKS)
    role.rotate([declared])
    assert received(target)["username"] != former["username"]
    assert former["username"] not in harness.quay.state.robots
    harness.advance(days=1)
    role.rotate([declared])
    assert role.report()[0]["minted"]
    assert harness.robot_fingerprint(received(target)["username"]) == received(target)["fingerprint"]


@pytest.mark.slow
def test_absent_credential(role: Role, target: Path, harness: Harness) -> None:
    role.rotate([robot(target)])
    absent = robot(target, state="absent")
    role.rotate([absent], "--check")
    assert target.exists()
    role.rotate([absent])
    assert not target.exists()
    assert "acme+ci" not in harness.quay.state.robots
    role.rotate([absent])
    assert harness.writes == []


@pytest.mark.slow
def test_many_hosts(role: Role, target: Path, harness: Harness) -> None:
    """The tasks run once, on the rotator."""
    fleet = Fleet(role, ["n1", "n2", "n3"])
    on_hosts = {"kind": "file", "format": "json", "path": "{{ folder }}/ci.json"}
    run = fleet.rotate([robot(target, deliver=[on_hosts, store(target)])])
    assert set(fleet.held("ci.json").values()) == {received(target)["fingerprint"]}
    assert run.output.count("Set the variable]") == 1


@pytest.mark.slow
def test_tasks_whose_output_is_wanted(role: Role, target: Path) -> None:
    (role.folder.parent / "show.yml").write_text('- ansible.builtin.debug: {msg: "for {{ quay_credential.name }}"}\n')
    hidden = {"kind": "tasks", "tasks_file": "show.yml"}
    assert "for acme+ci" not in role.rotate([robot(target, deliver=[hidden])]).output
    shown = {**hidden, "hide_output": False}
    assert "for acme+ci" in role.rotate([robot(target, deliver=[shown])]).output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.yml", "tasks_file: missing.yml cannot be included: Could not find or access"),
        ("mapping.yml", "mapping.yml is not a list of tasks"),
    ],
)
def test_file_that_cannot_be_included(role: Role, target: Path, name: str, message: str) -> None:
    (role.folder.parent / "mapping.yml").write_text("name: no list\n")
    run = role.refuse([robot(target, deliver=[store(target, tasks_file=name)])])
    assert message in run.text
