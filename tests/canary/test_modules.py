# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module in a play: with its secret in a file, or registered under no_log; and when it fails."""

from __future__ import annotations

from canary.controller import Moment
from canary.world import World

# What the playbook has in its files at the end, and what it had there meanwhile.
KEPT = ("assigned-token", "delivered.env", "delivered.yaml", "issued-auth.json", "other-robot-token", "registry-token")
TAKEN_AWAY = ("api-token", "delivered.json", "delivered.token", "robot-token", "told-password", "turns.env")

DISTURBANCES = ({"kind": "html_200"}, {"kind": "status", "status": 500, "after": True}, {"kind": "truncate"})
DISTURBED = (
    ("GET", "^/v2/auth$"),
    ("PUT", "/robots/(html|error|cut)$"),
    ("POST", "/(tokens|authorizeapp)$"),
    ("POST", "/applications$"),
    ("POST", "/superuser/users/$"),
)


def test_every_module(rotated: World, pipelining: bool) -> None:
    run = rotated.play("modules", pipelining=pipelining)
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert rotated.drafts == []
    left = {path.name for path in rotated.stores.iterdir()}
    assert set(KEPT) <= left
    assert not set(TAKEN_AWAY) & left


def test_every_module_in_check_mode(rotated: World, pipelining: bool) -> None:
    run = rotated.play("modules", "--check", pipelining=not pipelining)
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert rotated.standin.journal.mints == []


def test_failing_modules(rotated: World, pipelining: bool) -> None:
    rules = [
        rotated.standin.faults.add(method=method, path=path, **disturbance)
        for method, path in DISTURBED
        for disturbance in DISTURBANCES
    ]
    run = rotated.play("failing", pipelining=pipelining)
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert [rule.path for rule in rules if not rule.fired] == []
    assert rotated.drafts == []


def test_pipelining_leaves_no_arguments_of_a_killed_module(settled: World) -> None:
    run = settled.play("modules", moment=Moment(call="tempfile.mkdtemp quay_application"), pipelining=True)
    assert settled.leaks(run) == []
