# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One credential on many hosts: issued once, delivered to all, and retired when all of them have the new secret."""

from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from functional.fleet import Fleet
from functional.harness import Harness
from functional.role import PLAY, Role
from standin.tokens import fingerprint

FILE = "{{ folder }}/ci.json"
ON_EACH_HOST = {"kind": "file", "format": "json", "path": FILE}
IN_PLACE: dict[str, Any] = {"name": "acme+ci", "kind": "robot", "deliver": [ON_EACH_HOST]}
PAIRED = {**IN_PLACE, "name": "acme+duo", "strategy": "paired"}
# Older than any policy after this.
DUE = {"max_age": "90d"}
DAYS = 100


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def role(harness: Harness) -> Role:
    return Role(harness)


@pytest.fixture
def fleet(role: Role) -> Fleet:
    return Fleet(role, ["n1", "n2", "n3"])


def mints(harness: Harness) -> list[str]:
    """The requests of the last run that issue a secret."""
    wanted = re.compile(r"(POST|PUT) .*(/regenerate|/robots/[^/]+|/tokens)$")
    return [request for request in harness.writes if wanted.match(request)]


def robots_of(harness: Harness, name: str) -> list[str]:
    return sorted(robot for robot in harness.quay.state.robots if robot.startswith(name))


def test_issued_once_and_delivered_to_every_host(fleet: Fleet, harness: Harness) -> None:
    new = {**IN_PLACE, "name": "acme+new"}
    predicted = fleet.rotate([new], "--check", "--diff")
    assert fleet.held("ci.json") == {"n1": None, "n2": None, "n3": None}
    planned = fleet.role.report()
    real = fleet.rotate([new], "--diff")
    assert mints(harness) == ["PUT /api/v1/organization/acme/robots/new"]
    assert set(fleet.held("ci.json").values()) == {harness.robot_fingerprint("acme+new")}
    (row,) = fleet.role.report()
    unknown = {"fingerprint": None, "window_seconds": None}
    assert {**row, **unknown} == {**planned[0], **unknown}
    assert row["delivered"] == [f"{host}:{fleet.folder(host)}/ci.json" for host in fleet.names]
    # The first host also saves the report.
    changes = {"n1": (3, 0), "n2": (1, 0), "n3": (1, 0)}
    assert (predicted.recap, real.recap) == (changes, changes)
    again = fleet.rotate([new])
    assert again.lines[0] == "1 not due"
    assert harness.writes == []
    assert again.recap == {"n1": (1, 0), "n2": (0, 0), "n3": (0, 0)}


@pytest.mark.slow
def test_requests_do_not_grow_with_the_hosts(role: Role, harness: Harness) -> None:
    Fleet(role, ["n1"]).rotate([IN_PLACE])
    one = list(harness.requests)
    harness.advance(days=DAYS)
    many = Fleet(role, [f"n{number}" for number in range(1, 5)])
    many.rotate([IN_PLACE])
    assert harness.requests == one
    many.rotate([{**IN_PLACE, **DUE}])
    assert len(mints(harness)) == 1


@pytest.mark.slow
def test_unreachable_host_keeps_the_former_secret(fleet: Fleet, harness: Harness) -> None:
    """It is named, it is served by the next run that reaches it, and only then the former robot is deleted."""
    fleet.rotate([PAIRED])
    former = harness.robot_fingerprint("acme+duo_a")
    harness.advance(days=DAYS)
    fleet.lose("n2")
    run = fleet.run([{**PAIRED, **DUE}])
    assert {host: bool(failed) for host, (_changed, failed) in run.recap.items()} == {
        "n1": False,
        "n2": True,
        "n3": False,
    }
    assert "This host was unreachable" in run.text
    assert "the former secret is kept for n2 (unreachable)" in run.lines[2]
    assert fleet.role.report()[0]["waiting_for"] == ["n2 (unreachable)"]
    present = harness.robot_fingerprint("acme+duo_b")
    assert fleet.held("ci.json") == {"n1": present, "n2": former, "n3": present}
    # It stays away: its secret stays valid, and nothing is issued.
    fleet.run([{**PAIRED, **DUE}])
    assert mints(harness) == []
    assert harness.robot_fingerprint("acme+duo_a") == former
    fleet.find("n2")
    run = fleet.rotate([{**PAIRED, **DUE}])
    assert run.lines[0] == "1 delivered again"
    assert mints(harness) == []
    assert set(fleet.held("ci.json").values()) == {present}
    fleet.rotate([{**PAIRED, **DUE}])
    assert robots_of(harness, "acme+duo") == ["acme+duo_b"]


@pytest.mark.slow
def test_robot_in_place_waits_for_a_missing_host(fleet: Fleet, harness: Harness) -> None:
    fleet.rotate([IN_PLACE])
    former = harness.robot_fingerprint("acme+ci")
    harness.advance(days=DAYS)
    due = [{**IN_PLACE, **DUE}]
    fleet.lose("n3")
    (fleet.folder("n1") / "ci.json").unlink()
    run = fleet.run(due)
    assert run.lines[0] == "1 delivered again"
    assert "waits for n3 (unreachable)" in run.lines[2]
    assert mints(harness) == []
    assert set(fleet.held("ci.json").values()) == {former}
    run = fleet.run(due, rotation_ignore_hosts=["n3"])
    assert run.lines[0] == "1 rotated"
    second = harness.robot_fingerprint("acme+ci")
    assert fleet.held("ci.json") == {"n1": second, "n2": second, "n3": former}
    harness.advance(days=DAYS)
    run = fleet.run(due, rotation_missing_hosts="proceed")
    assert run.lines[0] == "1 rotated"
    fleet.find("n3")
    fleet.rotate(due)
    assert set(fleet.held("ci.json").values()) == {harness.robot_fingerprint("acme+ci")}
    assert mints(harness) == []


@pytest.mark.slow
def test_limit_leaves_hosts_out_that_hold_the_secret(fleet: Fleet, harness: Harness) -> None:
    fleet.rotate([IN_PLACE])
    harness.advance(days=DAYS)
    run = fleet.rotate([{**IN_PLACE, **DUE}], "--limit", "n1")
    assert run.lines[0] == "1 waiting for hosts"
    assert "waits for n2 (not part of this run), n3 (not part of this run)" in run.lines[2]
    assert mints(harness) == []
    run = fleet.rotate([{**IN_PLACE, **DUE}], "--limit", "n1", rotation_force="acme+ci")
    assert len(mints(harness)) == 1
    assert len(set(fleet.held("ci.json").values())) == 2


@pytest.mark.slow
def test_expected_hosts(fleet: Fleet, harness: Harness) -> None:
    """A slice of AWX trims the groups too, so that the play does not know the other hosts."""
    fleet.rotate([PAIRED])
    harness.advance(days=DAYS)
    run = fleet.rotate([{**PAIRED, **DUE}], rotation_expected_hosts=5)
    assert "the former secret is kept for 2 more of 5 expected hosts" in run.lines[2]
    fleet.rotate([{**PAIRED, **DUE}], rotation_expected_hosts=5)
    assert robots_of(harness, "acme+duo") == ["acme+duo_a", "acme+duo_b"]
    fleet.rotate([{**PAIRED, **DUE}], rotation_expected_hosts=3)
    assert robots_of(harness, "acme+duo") == ["acme+duo_b"]


@pytest.mark.slow
def test_batches(fleet: Fleet, harness: Harness) -> None:
    """A pair is issued in the first batch, delivered in each, and its former robot is deleted by a run of all hosts."""
    in_place = {**IN_PLACE, "deliver": [{**ON_EACH_HOST, "path": FILE + "2"}]}
    fleet.rotate([PAIRED, in_place], batch=1)
    harness.advance(days=DAYS)
    due = [{**PAIRED, **DUE}, {**in_place, **DUE}]
    fleet.rotate(due, batch=1)
    assert mints(harness) == ["PUT /api/v1/organization/acme/robots/duo_b"]
    report = {row["name"]: row for row in fleet.role.report()}
    assert report["acme+duo"]["minted"]
    assert len(report["acme+duo"]["delivered"]) == 3
    assert report["acme+ci"]["waiting_for"] == ["n1 (in an earlier batch)", "n2 (in an earlier batch)"]
    fleet.rotate(due, batch=2, rotation_force="acme+duo,acme+ci")
    assert len(mints(harness)) == 2
    assert robots_of(harness, "acme+duo") == ["acme+duo_c"]
    assert set(fleet.held("ci.json2").values()) == {harness.robot_fingerprint("acme+ci")}


@pytest.mark.slow
def test_failure_in_a_batch_does_not_keep_the_later_ones_from_the_secret(role: Role, harness: Harness) -> None:
    """What the first batch replaced is invalid already. The last batch fails for all of them."""
    fleet = Fleet(role, ["n1", "n2", "n3", "n4"])
    fleet.rotate([IN_PLACE])
    fleet.lose("n1", after=1)
    fleet.lose("n2")
    run = fleet.run([IN_PLACE], batch=2, rotation_force="acme+ci")
    present = harness.robot_fingerprint()
    assert {host: value == present for host, value in fleet.held("ci.json").items()} == {
        "n1": False,
        "n2": False,
        "n3": True,
        "n4": True,
    }
    assert {host: bool(failed) for host, (_changed, failed) in run.recap.items()} == {
        "n1": False,
        "n2": False,
        "n3": True,
        "n4": True,
    }
    # A forced rotation is not repeated in the second batch.
    assert len(mints(harness)) == 1
    assert "the host is gone" in run.summary["errors"]["acme+ci"]
    assert "Unreachable in an earlier batch: n1, n2" in run.text


@pytest.mark.slow
def test_plays_of_one_run_are_apart(fleet: Fleet, harness: Harness) -> None:
    """What an earlier play delivered is not taken for an earlier batch, so that the next one rotates again."""
    fleet.rotate([IN_PLACE], play=PLAY + PLAY.lstrip(), batch=1, rotation_force="acme+ci")
    assert len(mints(harness)) == 2
    assert set(fleet.held("ci.json").values()) == {harness.robot_fingerprint()}


def test_host_that_is_lost_at_the_delivery(fleet: Fleet, harness: Harness) -> None:
    fleet.rotate([PAIRED])
    former = harness.robot_fingerprint("acme+duo_a")
    harness.advance(days=DAYS)
    fleet.lose("n3", after=1)
    run = fleet.run([{**PAIRED, **DUE}], rotation_force="acme+duo")
    assert run.lines[0] == "1 failed"
    assert "n3: " in run.summary["errors"]["acme+duo"]
    assert "the host is gone" in run.summary["errors"]["acme+duo"]
    assert harness.robot_fingerprint("acme+duo_a") == former
    fleet.find("n3")
    fleet.rotate([{**PAIRED, **DUE}])
    assert set(fleet.held("ci.json").values()) == {harness.robot_fingerprint("acme+duo_b")}
    fleet.rotate([{**PAIRED, **DUE}])
    assert robots_of(harness, "acme+duo") == ["acme+duo_b"]


@pytest.mark.slow
def test_all_hosts_are_gone(fleet: Fleet, harness: Harness) -> None:
    fleet.rotate([PAIRED])
    harness.advance(days=DAYS)
    for host in fleet.names:
        fleet.lose(host)
    run = fleet.run([{**PAIRED, **DUE}])
    assert all(failed for _changed, failed in run.recap.values())
    assert harness.requests == []


@pytest.mark.slow
def test_store_that_cannot_be_written_on_one_host(fleet: Fleet, harness: Harness) -> None:
    """What can be known is known before anything is issued, in check mode too."""
    (fleet.folder("n2") / "ci.json").write_text("the accounts of last year\n")
    for check in (["--check"], []):
        run = fleet.run(
            [{**IN_PLACE, "name": "acme+new"}, PAIRED | {"deliver": [{**ON_EACH_HOST, "path": FILE + "2"}]}], *check
        )
        assert run.lines[0].startswith("1 ")
        assert f"n2: path: {fleet.folder('n2')}/ci.json holds something else" in run.text
        assert "acme+new" not in harness.quay.state.robots
    assert (fleet.folder("n2") / "ci.json").read_text() == "the accounts of last year\n"
    assert set(fleet.held("ci.json2").values()) == {harness.robot_fingerprint("acme+duo_a")}


@pytest.mark.slow
def test_declarations_that_differ_by_host(fleet: Fleet, harness: Harness) -> None:
    fleet.write_inventory(
        n1={"own": [{**IN_PLACE, "deliver": [{**ON_EACH_HOST, "mode": "0640"}]}]},
        n2={"own": [IN_PLACE, {**IN_PLACE, "name": "acme+two", "deliver": [{**ON_EACH_HOST, "path": FILE + "2"}]}]},
        n3={"own": []},
    )
    fleet.rotate("{{ own }}")
    present = harness.robot_fingerprint("acme+ci")
    assert fleet.held("ci.json") == {"n1": present, "n2": present, "n3": None}
    assert fleet.held("ci.json2") == {"n1": None, "n2": harness.robot_fingerprint("acme+two"), "n3": None}
    assert (fleet.folder("n1") / "ci.json").stat().st_mode & 0o777 == 0o640
    fleet.write_inventory(n1={"own": [IN_PLACE]}, n2={"own": [{**IN_PLACE, **DUE}]}, n3={"own": []})
    state = harness.state()
    run = fleet.run("{{ own }}")
    assert "acme+ci is declared differently on n1 and n2 (max_age)" in run.text
    assert (harness.requests, harness.state()) == ([], state)


@pytest.mark.slow
def test_invalid_declarations_of_one_host(fleet: Fleet, harness: Harness) -> None:
    fleet.write_inventory(n1={"own": [IN_PLACE]}, n2={"own": [{**IN_PLACE, "maxage": "1d"}]}, n3={"own": []})
    run = fleet.run("{{ own }}")
    assert "Nothing was sent. n2: rotation_credentials is not valid" in run.text
    assert harness.requests == []


@pytest.mark.slow
def test_stores_of_some_hosts_and_of_the_rotator(fleet: Fleet, harness: Harness) -> None:
    """Quay does not return an API token again, so that it needs a store which the rotator can read."""
    token = {"name": "nightly", "kind": "api", "organization": "acme", "application": "console"}
    some = {**ON_EACH_HOST, "hosts": "n1:n3"}
    run = fleet.run([{**token, "deliver": [some]}])
    assert "none of its stores can be read back where Quay is asked" in run.text
    assert mints(harness) == []
    primary = {"kind": "file", "format": "json", "path": str(fleet.role.folder / "primary.json"), "hosts": "localhost"}
    declared = [{**token, "deliver": [some, primary]}]
    fleet.rotate(declared)
    assert len(mints(harness)) == 1
    present = fingerprint(json.loads(Path(primary["path"]).read_text())["token"])
    assert fleet.held("ci.json") == {"n1": present, "n2": None, "n3": present}
    (fleet.folder("n3") / "ci.json").unlink()
    run = fleet.rotate(declared)
    assert (run.lines[0], mints(harness)) == ("1 delivered again", [])
    assert fleet.held("ci.json")["n3"] == present
    run = fleet.rotate(declared, rotation_force="nightly")
    assert "revoked 1" in run.lines[2]
    assert len({*fleet.held("ci.json").values()} - {None, present}) == 1
    assert (
        "no host of the inventory matches 'builders'"
        in fleet.run([{**token, "deliver": [{**some, "hosts": "builders"}]}]).text
    )


@pytest.mark.slow
def test_absent(fleet: Fleet, harness: Harness) -> None:
    fleet.rotate([PAIRED])
    fleet.lose("n2")
    absent = [{**PAIRED, "state": "absent"}]
    run = fleet.run(absent)
    assert robots_of(harness, "acme+duo") == []
    assert [host for host, secret in fleet.held("ci.json").items() if secret] == ["n2"]
    assert "not removed from n2 (unreachable)" in run.lines[2]
    fleet.find("n2")
    fleet.rotate(absent)
    assert set(fleet.held("ci.json").values()) == {None}


HANDLERS = """
  handlers:
    - name: Restart
      ansible.builtin.copy:
        content: "{{ rotation_delivered | to_json }}"
        dest: "{{ folder }}/restarted"
        mode: "0600"
      when: not ansible_check_mode
      failed_when: inventory_hostname == broken | default('')
      listen: quay credential delivered
  tasks:
"""


@pytest.mark.slow
def test_handlers_of_hosts_whose_stores_changed(fleet: Fleet, harness: Harness) -> None:
    play = PLAY.replace("  tasks:\n", HANDLERS)
    fleet.rotate([PAIRED, IN_PLACE | {"deliver": [{**ON_EACH_HOST, "path": FILE + "2", "hosts": "n1"}]}], play=play)
    restarted = {host: json.loads((fleet.folder(host) / "restarted").read_text()) for host in fleet.names}
    assert restarted == {"n1": ["acme+ci", "acme+duo"], "n2": ["acme+duo"], "n3": ["acme+duo"]}
    for host in fleet.names:
        (fleet.folder(host) / "restarted").unlink()
    fleet.rotate([PAIRED], play=play)
    assert not any((fleet.folder(host) / "restarted").exists() for host in fleet.names)
    # A daemon that did not restart may still use the former secret.
    fleet.run([PAIRED], play=play, rotation_force="acme+duo", broken="n2")
    assert robots_of(harness, "acme+duo") == ["acme+duo_a", "acme+duo_b"]


def rotated_elsewhere(*, once: bool) -> str:
    """The play with a handler by which somebody else rotates: after the first delivery, or after each one."""
    handler = """
  handlers:
    - name: Rotate elsewhere
      ansible.builtin.uri:
        url: "{{ lookup('env', 'QUAY_HOST') }}/api/v1/organization/acme/robots/ci/regenerate"
        method: POST
        headers: {Authorization: "Bearer {{ lookup('env', 'QUAY_TOKEN') }}"}
      when: once not in [true] or rotated_elsewhere is not defined
      register: rotated_elsewhere
      run_once: true
      delegate_to: localhost
      no_log: true
      listen: quay credential delivered
  tasks:
"""
    return PLAY.replace("  tasks:\n", handler.replace("once not in [true]", str(not once).lower()))


@pytest.mark.slow
def test_somebody_else_rotates_during_the_delivery(fleet: Fleet, harness: Harness) -> None:
    """The present secret is delivered at once."""
    run = fleet.rotate([IN_PLACE], play=rotated_elsewhere(once=True), rotation_force="acme+ci")
    assert set(fleet.held("ci.json").values()) == {harness.robot_fingerprint("acme+ci")}
    assert "rotated elsewhere during the delivery, and delivered again" in run.lines[2]
    assert fleet.role.report()[0]["fingerprint"] == harness.robot_fingerprint("acme+ci")
    assert len(mints(harness)) == 2  # ours, and that of somebody else


@pytest.mark.slow
def test_somebody_else_rotates_again_and_again(fleet: Fleet, harness: Harness) -> None:
    """The run does not end well with consumers that hold a dead secret, and the next one repairs them."""
    run = fleet.run([IN_PLACE], play=rotated_elsewhere(once=False), rotation_force="acme+ci")
    assert run.failed
    assert "changed again while it was delivered" in run.text
    fleet.rotate([IN_PLACE])
    assert set(fleet.held("ci.json").values()) == {harness.robot_fingerprint("acme+ci")}
    assert mints(harness) == []


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_strategy_without_batches(fleet: Fleet, harness: Harness, strategy: str) -> None:
    run = fleet.run([IN_PLACE], strategy_name=strategy)
    assert f"with strategy: {strategy}, hosts do not wait for each other" in run.text
    assert harness.requests == []


@pytest.mark.slow
def test_run_once_of_the_play_leaves_out_no_host(fleet: Fleet, harness: Harness) -> None:
    """The tasks of the role say themselves which of them run once."""
    play = PLAY.replace("    - name: Rotate\n", "    - name: Rotate\n      run_once: true\n")
    run = fleet.run([IN_PLACE], play=play)
    assert not run.failed, run.output
    assert set(fleet.held("ci.json").values()) == {harness.robot_fingerprint("acme+ci")}


def test_secrets_are_nowhere_but_in_the_stores(fleet: Fleet, harness: Harness) -> None:
    """Not in the output, in the variables of hosts after the role, and in a fact cache."""
    dump = """
    - name: Dump all variables
      ansible.builtin.copy:
        content: "{{ hostvars | to_json }}"
        dest: "{{ folder }}.variables"
        mode: "0600"
      no_log: true
      delegate_to: localhost
"""
    cache = fleet.work / "facts"
    fleet.role.environ.update(
        ANSIBLE_CACHE_PLUGIN="ansible.builtin.jsonfile", ANSIBLE_CACHE_PLUGIN_CONNECTION=str(cache)
    )
    fleet.rotate(
        [PAIRED, {**IN_PLACE, "deliver": [{**ON_EACH_HOST, "path": FILE + "2"}]}],
        "-vvvv",
        "--diff",
        play=PLAY + dump,
        rotation_force="acme+ci",
    )
    assert len(mints(harness)) == 2
    written = [*cache.rglob("*"), *fleet.role.folder.glob("*.variables"), *(fleet.work / "ansible").rglob("*")]
    texts = [path.read_text(errors="replace") for path in written if path.is_file()]
    assert len(texts) >= 3
    # The login is in the environment of the play, which it may look up.
    for secret in harness.known_secrets.in_text("\n".join(texts)):
        assert secret == harness.accounts.alice_token


@pytest.mark.slow
def test_moved_store_is_cleared_on_every_host(fleet: Fleet, harness: Harness) -> None:
    """By the run after that which filled the new one. An API token is not issued again."""
    primary = {"kind": "file", "path": str(harness.folder / "primary"), "hosts": "localhost"}
    application = {"kind": "api", "organization": "acme", "application": "console", "scopes": "repo:read"}
    token = {"name": "nightly", **application, "deliver": [primary, ON_EACH_HOST]}
    fleet.rotate([token])
    present = stored_alone(harness.folder / "primary")
    moved = {**primary, "path": str(harness.folder / "moved")}
    on_hosts = {**ON_EACH_HOST, "path": "{{ folder }}/new.json"}
    former = [{**primary, "state": "absent"}, {**ON_EACH_HOST, "state": "absent"}]
    token["deliver"] = [moved, on_hosts, *former]
    fleet.rotate([token])
    assert mints(harness) == []
    assert set(fleet.held("new.json").values()) == set(fleet.held("ci.json").values()) == {present}
    fleet.lose("n2")
    fleet.run([token], "--check")
    planned = fleet.role.report()
    fleet.run([token])
    assert fleet.role.report() == planned
    assert fleet.held("ci.json") == {"n1": None, "n2": present, "n3": None}
    assert not (harness.folder / "primary").exists()
    fleet.find("n2")
    run = fleet.rotate([token])
    assert run.lines[0] == "1 changed"
    assert f"removed from n2:{fleet.folder('n2')}/ci.json" in run.lines[2]
    assert set(fleet.held("ci.json").values()) == {None}
    assert set(fleet.held("new.json").values()) == {stored_alone(harness.folder / "moved")} == {present}
    assert fleet.rotate([token]).lines[0] == "1 not due"
    assert harness.writes == []


def stored_alone(path: Path) -> str:
    """The fingerprint of a secret that a file holds without anything else."""
    return fingerprint(path.read_text().strip())


@pytest.mark.slow
def test_result_that_breaks_off_is_not_shown(fleet: Fleet, harness: Harness) -> None:
    """It holds what was issued, which nothing masks: the process on the rotator died while it printed it."""
    python = fleet.work / "python"
    python.write_text(f'#!/bin/sh\n{sys.executable} "$@" | head -c -20\n')
    python.chmod(0o700)
    rotator = {"ansible_connection": "local", "ansible_python_interpreter": str(python)}
    fleet.write_inventory(others={"hosts": {"quay1": rotator}})
    connection = {"rotation_quay_host": harness.quay.url, "rotation_quay_token": harness.accounts.alice_token}
    run = fleet.run([PAIRED], "-vvvv", rotation_rotator="quay1", **connection)
    assert len(mints(harness)) == 1
    assert not any("token" in text for text in _decoded(run.output))
    assert "it is not known what it did" in run.text
    fleet.rotate([PAIRED])
    assert set(fleet.held("ci.json").values()) == {harness.robot_fingerprint("acme+duo_a")}
    assert mints(harness) == []


def _decoded(output: str) -> list[str]:
    """What the output holds in Base64, in its long words."""
    words = re.findall(r"[A-Za-z0-9+/]{80,}", output)
    return [base64.b64decode(word[: len(word) // 4 * 4]).decode(errors="replace") for word in words]
