# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules of the rotation in a play without the role: what they return, and that nothing of it is a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract import collection
from functional.fleet import Fleet
from functional.harness import Harness
from functional.role import Role

INSPECT, ROTATE, DELIVER = "quay_host_inspection", "quay_rotation", "quay_host_delivery"

PLAY = f"""
- hosts: nodes
  gather_facts: false
  tasks:
    - tokensmith.quay.{INSPECT}:
        quay_host: "{{{{ lookup('env', 'QUAY_HOST') }}}}"
        credentials: "{{{{ rotation_credentials }}}}"
        rotator: localhost
      register: __rotation_plan
    - tokensmith.quay.{ROTATE}:
        rotator: localhost
      delegate_to: localhost
      run_once: true
      register: rotation
    - tokensmith.quay.{DELIVER}:
        quay_host: "{{{{ lookup('env', 'QUAY_HOST') }}}}"
        run: "{{{{ rotation }}}}"
        rotator: localhost
      register: __rotation_delivery
    - tokensmith.quay.{ROTATE}:
        rotator: localhost
        run: "{{{{ rotation }}}}"
      delegate_to: localhost
      run_once: true
      register: end
    - ansible.builtin.copy:
        content: >-
          {{{{ {{'plan': __rotation_plan, 'run': rotation, 'delivery': __rotation_delivery, 'end': end}} | to_json }}}}
        dest: "{{{{ folder }}}}/results"
        mode: "0600"
      check_mode: false
"""


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def fleet(harness: Harness) -> Fleet:
    return Fleet(Role(harness), ["n1", "n2"])


def results(fleet: Fleet, harness: Harness, host: str) -> dict[str, Any]:
    """What the tasks returned on a host. Removes the file."""
    path: Path = fleet.folder(host) / "results"
    text = path.read_text()
    path.unlink()
    assert harness.known_secrets.in_text(text) == []
    return dict(json.loads(text))


def test_modules_of_a_fleet(fleet: Fleet, harness: Harness) -> None:
    file = {"kind": "file", "path": "{{ folder }}/ci.json", "format": "json"}
    declared = [{"name": "acme+fleet", "kind": "robot", "deliver": [file]}]
    fleet.rotate(declared, "--check", play=PLAY)
    predicted = results(fleet, harness, "n1")
    assert (predicted["run"]["planned"], predicted["run"]["sealed"]) == ({"n1": 1, "n2": 1}, {})
    assert predicted["delivery"]["changed"] is True
    assert set(fleet.held("ci.json").values()) == {None}
    results(fleet, harness, "n2")

    fleet.rotate(declared, "-vvvv", "--diff", play=PLAY)
    found = results(fleet, harness, "n2")
    minted = harness.robot_fingerprint("acme+fleet")
    assert fleet.held("ci.json") == {"n1": minted, "n2": minted}
    assert found["run"]["planned"] == predicted["run"]["planned"]
    assert found["run"]["diff"] == predicted["run"].get("diff", found["run"]["diff"])
    assert found["run"]["sealed"].keys() == {"n1", "n2"}
    (delivery,) = found["delivery"]["deliveries"]
    assert (delivery["fingerprint"], found["delivery"]["credentials"]) == (minted, ["acme+fleet"])
    (row,) = found["end"]["results"]
    assert (row["reason"], row["minted"], row["error"], row["fingerprint"]) == ("missing", True, None, minted)
    assert row["delivered"] == [f"{host}:{fleet.folder(host)}/ci.json" for host in ("n1", "n2")]


ROBOT: dict[str, Any] = {
    "kind": "robot",
    "deliver": [{"kind": "file", "path": "{{ folder }}/ci.json", "format": "json"}],
}


_MORE = [pytest.param(serial, marks=pytest.mark.slow) for serial in ("1", 2)]


@pytest.mark.parametrize("serial", ["50%", *_MORE])
def test_playbook_in_batches(serial: Any, fleet: Fleet, harness: Harness) -> None:
    play = (collection.ROOT / "playbooks" / "rotate.yml").read_text()
    run = fleet.rotate([{"name": "acme+fleet", **ROBOT}], play=play, rotation_serial=serial)
    assert run.output.count("PLAY [Rotate the credentials of a Quay registry]") == (1 if serial == 2 else 2)
    assert set(fleet.held("ci.json").values()) == {harness.robot_fingerprint("acme+fleet")}
    # A prompt or a survey of AWX hands over an empty text.
    again = fleet.rotate([{"name": "acme+fleet", **ROBOT}], play=play, rotation_serial="")
    assert again.lines[0] == "1 not due"


def test_empty_variables_are_unset(fleet: Fleet, harness: Harness) -> None:
    names = ("rotator", "rotator_become", "missing_hosts", "ignore_hosts", "expected_hosts", "store_logins")
    empty = dict.fromkeys([f"rotation_{name}" for name in names], "")
    fleet.rotate([{"name": "acme+fleet", **ROBOT}], **empty)
    assert set(fleet.held("ci.json").values()) == {harness.robot_fingerprint("acme+fleet")}
