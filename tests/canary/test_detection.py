# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The canary finds intentional leaks in every place."""

from __future__ import annotations

from canary.controller import KillPoint
from canary.harness import Harness


def test_all_secrets_are_known(rotated: Harness) -> None:
    state = rotated.standin.state
    assert all(rotated.leak_detector.knows(robot.token) for robot in state.robots.values())
    assert all(rotated.leak_detector.knows(application.client_secret) for application in state.applications.values())
    assert all(rotated.leak_detector.knows(secret) for secret in rotated.login.secrets)
    assert rotated.leak_detector.knows((rotated.stores / "scan.token").read_text().strip())


def test_leaks_are_found_in_every_place(prepared: Harness) -> None:
    run = prepared.play("leaking", settings={"ANSIBLE_CACHE_PLUGIN": "jsonfile"})
    assert run.status == 0, run.failures
    leaks = prepared.leaks(run)
    for place in (
        "stdout",
        "process arguments",
        "process environment",
        "program started",
        "system log",
        "file log/ansible.log",
        "file tmp/",
        "file facts/",
    ):
        assert any(leak.startswith(place) for leak in leaks), place
    assert not any(leak.startswith(("stderr", "journal")) for leak in leaks)


def test_arguments_that_a_killed_module_leaves_are_found(prepared: Harness) -> None:
    """Without pipelining, Ansible passes arguments in a file. The role must avoid secrets there."""
    run = prepared.play("modules", kill_point=KillPoint(call="tempfile.mkdtemp quay_application"))
    leaks = prepared.leaks(run)
    assert leaks
    assert all(leak.startswith("file home/.ansible/tmp/") for leak in leaks), leaks
