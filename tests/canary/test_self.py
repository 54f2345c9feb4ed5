# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The canary is not blind: what leaks on purpose is found, in each of the places where it leaks."""

from __future__ import annotations

from canary.controller import Moment
from canary.world import World


def test_all_secrets_are_known(rotated: World) -> None:
    state = rotated.standin.state
    assert all(rotated.ledger.knows(robot.token) for robot in state.robots.values())
    assert all(rotated.ledger.knows(application.client_secret) for application in state.applications.values())
    assert all(rotated.ledger.knows(secret) for secret in rotated.login.secrets)
    assert rotated.ledger.knows((rotated.stores / "scan.token").read_text().strip())


def test_leaks_are_found_where_they_are(settled: World) -> None:
    run = settled.play("leaking", settings={"ANSIBLE_CACHE_PLUGIN": "jsonfile"})
    assert run.status == 0, run.failures
    leaks = settled.leaks(run)
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


def test_arguments_that_a_killed_module_leaves_are_found(settled: World) -> None:
    """Without pipelining, Ansible hands arguments over in a file. So this is what the role must not let happen."""
    run = settled.play("modules", moment=Moment(call="tempfile.mkdtemp quay_application"))
    leaks = settled.leaks(run)
    assert leaks
    assert all(leak.startswith("file home/.ansible/tmp/") for leak in leaks), leaks
