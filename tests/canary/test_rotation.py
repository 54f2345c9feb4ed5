# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role: no trace of a rotation contains a secret, whether it succeeds or fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from canary.controller import Run
from canary.harness import Harness, Login
from canary.search import Trace
from standin import tokens
from standin.tokens import fingerprint

NOWHERE = "/proc/self/nowhere"


def assert_delivered(harness: Harness) -> None:
    """Assert that every store has the current secret."""
    stored = harness.stored_fingerprints()
    assert stored["api.json"] == stored["api.yaml"]
    assert stored["api.json"] in harness.valid_api_tokens()
    assert stored["auth.json"] == stored["robot.env"] == fingerprint(harness.robot_token())
    assert harness.drafts == []


def report_of(run: Run) -> str:
    """What is printed from the report on. With -vvvv, Ansible shows the result from which it is made, too."""
    return run.stdout.partition("Rotation report")[2]


def test_creation_in_check_mode(prepared: Harness, pipelining: bool) -> None:
    run = prepared.rotate("--check", pipelining=pipelining)
    assert prepared.leaks(run) == []
    assert run.status == 0, run.failures
    assert report_of(run).count("would mint") == 4
    assert prepared.standin.journal.mints == []
    assert list(prepared.stores.iterdir()) == []


def test_creation(rotated: Harness, first_rotation: Run) -> None:
    assert rotated.leaks(first_rotation) == []
    assert first_rotation.status == 0, first_rotation.failures
    assert [path for path in first_rotation.files_left if path.parent.name == "facts"]
    assert_delivered(rotated)


def test_report_files(prepared: Harness, tmp_path: Path, pipelining: bool) -> None:
    """Also with -vvvv, and if a store cannot be written."""
    variables = {"rotation_report_path": str(tmp_path / "reports")}
    failing = [
        *prepared.credentials()[:1],
        {**prepared.credentials()[1], "deliver": [{"kind": "file", "path": NOWHERE}]},
    ]
    for credentials in prepared.credentials(), failing:
        run = prepared.rotate(pipelining=pipelining, variables=variables, credentials=credentials)
        assert prepared.leaks(run) == []
        reports = sorted((tmp_path / "reports").iterdir())
        assert [path.name for path in reports] == ["rotation.html", "rotation.json"]
        assert prepared.leak_detector.leaks(Trace(path.name, path.read_text()) for path in reports) == []


TASKS = """
- name: Set the variable of another system
  ansible.builtin.copy:
    content: "{{ quay_credential | to_json }}"
    dest: "{{ quay_credential.variables.path }}"
    mode: "0600"
- name: Show what is not secret
  ansible.builtin.debug:
    msg: "{{ quay_credential.fingerprint }}"
"""


def test_other_hosts_and_task_files(prepared: Harness, tmp_path: Path, pipelining: bool) -> None:
    """What the rotator issues passes through Ansible to hosts and to the user's own tasks."""
    python = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    (tmp_path / "hosts").write_text(f"[nodes]\nn1 {python}\nn2 {python}\n")
    (tmp_path / "set_variable.yml").write_text(TASKS)
    on_hosts = {"kind": "file", "format": "json", "path": f"{prepared.stores}/{{{{ inventory_hostname }}}}.json"}
    variables = {"path": f"{prepared.stores}/variable.json"}
    elsewhere = {"kind": "tasks", "tasks_file": str(tmp_path / "set_variable.yml"), "variables": variables}
    declared = {"name": "acme+ci", "kind": "robot", "rotate": "always", "deliver": [on_hosts, elsewhere]}
    options: dict[str, Any] = {"variables": {"rotation_hosts": "nodes"}, "credentials": [declared]}
    for check in ("--check",), ():
        run = prepared.rotate("-i", str(tmp_path / "hosts"), *check, pipelining=pipelining, **options)
        assert prepared.leaks(run) == []
        assert run.status == 0, run.failures
    held = {path.name: json.loads(path.read_text()) for path in prepared.stores.glob("*.json")}
    assert held.keys() == {"n1.json", "n2.json", "variable.json"}
    assert {item.get("token") or item["secret"] for item in held.values()} == {prepared.robot_token()}


def test_nothing_due(rotated: Harness) -> None:
    run = rotated.rotate(login=Login({}), environment=rotated.login.environment, pipelining=True)
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert report_of(run).count("  none") == 5
    assert rotated.standin.journal.mints == []


def test_forced(rotated: Harness, pipelining: bool) -> None:
    before = rotated.stored_fingerprints()
    run = rotated.rotate(credentials=rotated.credentials(rotate="always"), pipelining=pipelining)
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert_delivered(rotated)
    assert not set(before.values()) & set(rotated.stored_fingerprints().values())


def test_forced_in_check_mode(rotated: Harness) -> None:
    before = rotated.stored_fingerprints()
    run = rotated.rotate("--check", credentials=rotated.credentials(rotate="always"))
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert rotated.stored_fingerprints() == before


def vaulted(secret: str) -> dict[str, str]:
    """A value as `ansible-vault encrypt_string` makes it, in a JSON file of variables."""
    return {"__ansible_vault": VaultLib().encrypt(secret, secret=VaultSecret(b"the vault")).decode()}


def test_vaulted_values(rotated: Harness, tmp_path: Path) -> None:
    """The login of the role and the login of a credential can be encrypted one by one."""
    before = rotated.stored_fingerprints()
    password_file = tmp_path / "vault"
    password_file.write_text("the vault")
    api, robot, referrers, *others = rotated.credentials(rotate="always")
    referrers["quay_password"] = vaulted(referrers["quay_password"])
    options = {
        name: value if name == "quay_username" else vaulted(value) for name, value in rotated.login.options.items()
    }
    run = rotated.rotate(
        "--vault-password-file", str(password_file), credentials=[api, robot, referrers, *others], login=Login(options)
    )
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert_delivered(rotated)
    assert not set(before.values()) & set(rotated.stored_fingerprints().values())


def test_repair(rotated: Harness) -> None:
    """One store is missing and one was edited: the secret is taken from another store."""
    before = rotated.stored_fingerprints()
    (rotated.stores / "api.yaml").unlink()
    variables = rotated.stores / "robot.env"
    variables.write_text(variables.read_text().replace("QUAY_TOKEN=", f"QUAY_TOKEN={tokens.robot_token()}#"))
    run = rotated.rotate()
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert rotated.stored_fingerprints() == before


def test_one_credential_and_one_store_fail(rotated: Harness) -> None:
    api, robot, *others = rotated.credentials(rotate="always")
    api["application"] = "unknown"
    robot["deliver"][1]["path"] = NOWHERE
    run = rotated.rotate(credentials=[api, robot, *others], settings={"ANSIBLE_RETRY_FILES_ENABLED": "1"})
    assert rotated.leaks(run) == []
    assert run.status == 2, run.failures
    assert report_of(run).count("FAILED: ") == 2
    assert [path.name for path in run.files_left if path.parent.name == "retry"] == ["rotate.retry"]


def test_server_faults(rotated: Harness) -> None:
    faults = rotated.standin.faults
    rules = [
        faults.add("cut_after", method="POST", path="/(tokens|authorizeapp)$"),
        faults.add("status", method="POST", path="/regenerate$", status=500, after=True),
        faults.add("html_200", method="GET", path="/robots/ci$"),
    ]
    run = rotated.rotate(credentials=rotated.credentials(rotate="always"))
    assert rotated.leaks(run) == []
    assert run.status == 2, run.failures
    assert [rule.path for rule in rules if not rule.fired] == []


@pytest.mark.parametrize("login", ["wrong token", "wrong password"])
def test_login_is_refused(prepared: Harness, login: str) -> None:
    password = {"quay_username": "alice", "quay_password": tokens.user_password()}
    wrong = Login({"quay_token": tokens.oauth_token()} if login == "wrong token" else password)
    run = prepared.rotate(login=wrong)
    assert prepared.leaks(run) == []
    assert run.status == 2, run.failures
    assert "does not accept the token" in run.stdout or "Check quay_username and quay_password" in run.stdout


def test_server_is_unreachable(rotated: Harness) -> None:
    """Neither the login is shown nor the password of the proxy."""
    proxy = tokens.user_password()
    run = rotated.rotate(
        variables={"rotation_quay_host": "http://quay.invalid", "rotation_retries": 0},
        environment={"http_proxy": f"http://porter:{proxy}@127.0.0.1:9"},
    )
    assert rotated.leaks(run) == []
    assert run.status == 2, run.failures
    assert "the proxy did not let the request through" in run.stdout


def test_debugged(rotated: Harness) -> None:
    """Debug output shows arguments and results of modules. The login is the only secret in them."""
    robot = rotated.credentials(rotate="always")[1:2]
    run = rotated.rotate(credentials=robot, login=Login({}), environment=rotated.login.environment, debug=True)
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert "dumping result to json" in run.stdout or "RUNNING CLEANUP" in run.stdout
    assert_delivered(rotated)
