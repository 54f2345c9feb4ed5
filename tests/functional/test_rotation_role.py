# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role as users run it: values from the shell and from vault, several hosts, refusals, and the report."""

from __future__ import annotations

import json
import textwrap

import pytest

from functional.accounts import ALL_SCOPES
from functional.harness import Harness
from functional.registry_tokens import Thief
from functional.role import PLAY, Role, stored
from standin.tokens import fingerprint


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def role(harness: Harness) -> Role:
    return Role(harness)


def _indented(tasks: str) -> str:
    return textwrap.indent(tasks, "    ")


def test_first_run_and_second_run(role: Role) -> None:
    declared = [role.robot(), role.robot("acme+new", permissions=[{"repository": "acme/app", "role": "write"}])]
    predicted = role.rotate(declared, "--check")
    assert list(role.folder.iterdir()) == []
    planned = role.report()
    assert predicted.lines[0] == "1 would be created, 1 would be delivered again"
    real = role.rotate(declared)
    assert real.lines[0] == "1 created, 1 delivered again"
    unknown = {"fingerprint": None, "window_seconds": None, "expires_at": None}
    assert [{**row, **unknown} for row in role.report()] == [{**row, **unknown} for row in planned]
    assert stored(role.folder / "acme+new.json") == role.harness.robot_fingerprint("acme+new")
    assert role.harness.quay.state.repositories["acme", "app"].user_roles["acme+new"] == "write"
    again = role.rotate(declared)
    assert again.lines[0] == "2 not due"
    assert role.harness.writes == []


@pytest.mark.slow
def test_force_is_a_text_and_empty_values_are_unset(role: Role) -> None:
    """As the shell and AWX hand them over."""
    declared = [role.robot(max_age="", strategy="", description=None), role.robot("acme+new")]
    empty = dict.fromkeys(
        ("rotation_quay_token", "rotation_timeout", "rotation_validate_certs", "rotation_ca_path"), ""
    )
    role.rotate(declared, rotation_force="", **empty)
    first = {name: role.harness.robot_fingerprint(name) for name in ("acme+ci", "acme+new")}
    run = role.rotate(json.dumps(declared), rotation_force="acme+ci", **empty)
    assert [row["reason"] for row in role.report()] == ["forced", "not_due"]
    assert role.harness.robot_fingerprint("acme+ci") != first["acme+ci"]
    assert role.harness.robot_fingerprint("acme+new") == first["acme+new"]
    assert run.lines[0] == "1 rotated, 1 not due"
    assert role.refuse(declared, rotation_force="acme+c").text.count("Did you mean acme+ci?") > 0


def test_options_of_store_logins_are_no_secrets(role: Role) -> None:
    """The name of an organization in AWX is often that in Quay. Masked, a credential could not be found again."""
    declared = [role.robot("acme+new")]
    run = role.rotate(declared, rotation_store_logins={"awx_credential": {"awx_organization": "acme"}})
    assert run.lines[0] == "1 created"
    assert [row["name"] for row in role.report()] == ["acme+new"]
    assert stored(role.folder / "acme+new.json") == role.harness.robot_fingerprint("acme+new")


def test_nothing_is_declared(role: Role) -> None:
    run = role.rotate([])
    assert role.harness.requests == []
    assert run.lines == ["No credentials are declared. There is nothing to do."]
    assert role.report() == []
    assert "rotation_credentials is not set or empty" in role.refuse(None).text


def test_all_problems_are_named_at_once(role: Role) -> None:
    password = "swordfish-and-chips"
    role.harness.known_secrets.add([password])
    wrong = [
        role.robot(maxage="90d", renew_before="14d"),
        role.robot("acme+pull", strategy="paired", deliver=[role.file("pull", format="token")]),
        {"name": "scan", "kind": "referrers", "quay_pasword": password, "deliver": [role.file("acme+ci.json")]},
    ]
    text = role.refuse(wrong).text
    for problem in (
        "credential 1 (acme+ci): maxage is not an option. Did you mean max_age?",
        "credential 1 (acme+ci): renew_before has no effect on a credential of the kind robot. A robot token does not "
        "expire. Use max_age",
        "credential 2 (acme+pull): entry 1 of deliver: format: token stores no user name",
        "credential 3 (scan): quay_pasword is not an option. Did you mean quay_password?",
        "credential 3 (scan): repositories must name at least one repository",
        f"both write {role.folder}/acme+ci.json",
    ):
        assert problem in text


@pytest.mark.slow
def test_report_of_deletion_failure_and_retirement(role: Role) -> None:
    role.rotate([role.robot(), role.robot("acme+old")])
    declared = [
        role.robot(),
        role.robot("acme+old", state="absent"),
        role.robot("none+ci"),
        role.robot("acme+gone", state="absent", deliver=None),
    ]
    planned = role.run(declared, "--check", rotation_force="acme+ci")
    before = role.folder / "acme+old.json"
    assert "acme+old    robot  absent   declared absent" in "\n".join(planned.lines)
    assert f"would delete acme+old; remove from {before}" in planned.lines[4]
    assert before.exists()
    run = role.run(declared, rotation_force="acme+ci")
    assert run.lines[0] == "1 failed, 1 rotated, 1 removed, 1 not due"
    assert run.lines[2].startswith("none+ci")
    assert "FAILED: " in run.lines[2]
    assert f"deleted acme+old; removed from {before}" in run.lines[4]
    assert not before.exists()
    assert "acme+old" not in role.harness.quay.state.robots
    assert (run.summary["failed"], run.summary["removed"], run.summary["rotated_names"]) == (1, 1, ["acme+ci"])
    assert list(run.summary["errors"]) == ["none+ci"]
    assert "1 of 4 credentials failed" in run.text


def test_report_is_set_when_the_run_is_interrupted(role: Role) -> None:
    role.environ["QUAY_TOKEN"] = "NOSUCHTOKEN" * 4
    tasks = PLAY.partition("  tasks:\n")[2]
    rotate, _name, save = tasks.partition("    - name: Save")
    play = PLAY.replace(tasks, f"    - block:\n{_indented(rotate)}      always:\n{_indented(_name + save)}")
    run = role.run([role.robot()], play=play)
    assert run.failed
    assert run.lines[0] == "1 failed"
    assert "FAILED: not done: " in run.lines[2]
    (row,) = role.report()
    assert row["name"] == "acme+ci"
    assert "does not accept the token" in row["error"]
    assert run.summary["failed"] == 1


@pytest.mark.slow
def test_break_glass_of_a_registry_token_says_until_when_the_old_one_lives(role: Role) -> None:
    declared = [{"name": "scan", "kind": "referrers", "repositories": "acme/app", "deliver": [role.file("scan.json")]}]
    role.rotate(declared)
    (former,) = role.report()
    role.harness.advance(seconds=5)
    run = role.rotate(declared, rotation_force=["scan"])
    assert f"the former token stays valid until {former['expires_at']}" in run.lines[2]
    assert role.report()[0]["former_valid_until"] == former["expires_at"]


@pytest.mark.slow
def test_compromised_credentials_of_each_kind(role: Role) -> None:
    """All access by the secret of a robot ends. The others are rotated, and their old secrets retired if possible."""
    api = {"kind": "api", "organization": "acme", "application": "console", "scopes": "repo:read", "retire_after": "7d"}
    declared = [
        role.robot(max_age="90d"),
        role.robot("acme+kept"),
        {"name": "scan", "kind": "referrers", "repositories": "acme/app", "deliver": [role.file("scan.json")]},
        {"name": "nightly", **api, "deliver": [role.file("nightly.json")]},
    ]
    role.rotate(declared)
    former = {row["name"]: row for row in role.report()}
    harness, path = role.harness, role.folder / "acme+ci.json"
    old_uuid = json.loads((role.folder / "nightly.json").read_text())["uuid"]
    thief = Thief(harness, "acme+ci", harness.robot("acme+ci").token)
    kept = stored(role.folder / "acme+kept.json")
    harness.advance(seconds=5)
    state = harness.state()
    predicted = role.rotate(declared, "--check", rotation_compromised="acme+ci,scan,nightly")
    assert harness.state() == state
    planned = role.report()
    assert predicted.lines[0] == "3 would be rotated, 1 not due"
    run = role.rotate(declared, rotation_compromised="acme+ci,scan,nightly")
    assert run.lines[0] == "3 rotated, 1 not due"
    rows = {row["name"]: row for row in role.report()}
    assert [row["reason"] for row in rows.values()] == ["forced", "not_due", "forced", "forced"]
    assert [row["retired"] for row in planned] == [row["retired"] for row in rows.values()]
    # The robot was replaced and deleted, and neither its secret nor what was issued for it opens anything.
    assert rows["acme+ci"]["ended"] is True
    assert rows["acme+ci"]["retired"] == [f"acme+ci@{former['acme+ci']['fingerprint']}"]
    assert "former logins are refused" in next(line for line in run.lines if line.startswith("acme+ci "))
    assert not thief.has_access()
    assert "acme+ci" not in harness.quay.state.robots
    assert json.loads(path.read_text())["username"] == "acme+ci_a"
    assert stored(path) == harness.robot_fingerprint("acme+ci_a")
    assert harness.quay.state.repositories["acme", "app"].user_roles["acme+ci_a"] == "read"
    # The grace period of the API token does not count.
    assert rows["nightly"]["retired"] == [old_uuid]
    assert old_uuid not in harness.valid_tokens(harness.accounts.console)
    assert rows["scan"]["former_valid_until"] == former["scan"]["expires_at"]
    assert stored(role.folder / "acme+kept.json") == kept == harness.robot_fingerprint("acme+kept")
    again = role.rotate(declared)
    assert again.lines[0] == "4 not due"
    assert harness.writes == []


@pytest.mark.slow
def test_compromised_robot_that_cannot_be_replaced(role: Role) -> None:
    """It fails before anything is changed, and the other credentials are rotated all the same."""
    store = {"kind": "file", "path": str(role.folder / "plain")}
    declared = [role.robot(deliver=[store]), role.robot("acme+new")]
    role.rotate(declared)
    before = {name: role.harness.robot_fingerprint(name) for name in ("acme+ci", "acme+new")}
    run = role.run(declared, rotation_compromised=["acme+ci", "acme+new"])
    assert run.failed
    assert (run.summary["failed"], run.summary["rotated_names"]) == (1, ["acme+new"])
    assert list(run.summary["errors"]) == ["acme+ci"]
    assert (
        f"{role.folder}/plain holds the secret without its user name. Use another format. Nothing was changed"
        in (run.summary["errors"]["acme+ci"])
    )
    assert role.harness.robot_fingerprint("acme+ci") == before["acme+ci"]
    assert fingerprint((role.folder / "plain").read_text().strip()) == before["acme+ci"]
    assert "acme+new" not in role.harness.quay.state.robots


def test_own_token_of_the_rotator_is_renewed_last(role: Role) -> None:
    accounts = role.harness.accounts
    rotator = {
        "name": "rotator",
        "kind": "api",
        "organization": "acme",
        "application": "console",
        "scopes": ALL_SCOPES.split(),
        "rotate": "always",
        "deliver": [role.file("rotator")],
    }
    path = role.folder / "rotator"
    path.write_text(json.dumps({"token": accounts.alice_token}))
    path.chmod(0o600)
    role.environ["QUAY_TOKEN"] = accounts.alice_token
    role.rotate([rotator, role.robot(rotate="always")])
    mints = [request for request in role.harness.writes if "regenerate" in request or request.endswith("/tokens")]
    assert [request.rpartition("/")[2] for request in mints] == ["regenerate", "tokens"]
    assert [row["name"] for row in role.report()] == ["rotator", "acme+ci"]


@pytest.mark.slow
def test_stores_in_the_container_of_an_awx_job_are_refused(role: Role) -> None:
    declared = [role.robot()]
    text = role.refuse(declared, awx_job_id=7).text
    assert (
        f"{role.folder}/acme+ci.json is a file in the container of this AWX job, and is lost when the job ends" in text
    )
    role.rotate(declared, awx_job_id=7, rotation_allow_ephemeral_stores="true")


@pytest.mark.slow
def test_undeclared_deliveries_are_reported(role: Role) -> None:
    auth = {"kind": "container_auth", "path": str(role.folder / "auth.json")}
    role.rotate([role.robot(), role.robot("acme+old", deliver=[role.file("old", format="token"), auth])])
    run = role.rotate([role.robot()], rotation_report_undeclared=str(role.folder))
    assert run.lines[-3:] == [
        "No longer declared, but delivered by earlier runs:",
        f"{role.folder}/auth.json",
        f"{role.folder}/old",
    ]
    assert {(item["path"], item["username"]) for item in run.summary["undeclared"]} == {
        (f"{role.folder}/auth.json", "acme+old"),
        (f"{role.folder}/old", "acme+old"),
    }
