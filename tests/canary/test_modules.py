# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module in a play: with its secret in a file or registered with no_log, and when it fails."""

from __future__ import annotations

from canary.controller import KillPoint
from canary.harness import Harness

# Files that remain after the playbook, and files that it creates and removes.
REMAINING_FILES = (
    "accepted-token",
    "assigned-token",
    "delivered.env",
    "delivered.yaml",
    "issued-auth.json",
    "lease.env",
    "other-robot-token",
    "registry-token",
)
REMOVED_FILES = (
    "lease",
    "api-token",
    "delivered.json",
    "delivered.token",
    "robot-token",
    "generated-password",
    "pair.env",
)

SERVER_FAULTS = ({"kind": "html_200"}, {"kind": "status", "status": 500, "after": True}, {"kind": "truncate"})
FAULTY_REQUESTS = (
    ("GET", "^/v2/auth$"),
    ("PUT", "/robots/(html|error|cut)$"),
    ("PUT", "/robots/lease-"),
    ("POST", "/(tokens|authorizeapp)$"),
    ("POST", "/applications$"),
    ("POST", "/superuser/users/$"),
)


def test_every_module(rotated: Harness, pipelining: bool) -> None:
    run = rotated.play("modules", pipelining=pipelining)
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert rotated.drafts == []
    remaining = {path.name for path in rotated.stores.iterdir()}
    assert set(REMAINING_FILES) <= remaining
    assert not set(REMOVED_FILES) & remaining


def test_every_module_in_check_mode(rotated: Harness, pipelining: bool) -> None:
    run = rotated.play("modules", "--check", pipelining=not pipelining)
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert rotated.standin.journal.mints == []


def test_failing_modules(rotated: Harness, pipelining: bool) -> None:
    rules = [
        rotated.standin.faults.add(method=method, path=path, **fault)
        for method, path in FAULTY_REQUESTS
        for fault in SERVER_FAULTS
    ]
    run = rotated.play("failing", pipelining=pipelining)
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert [rule.path for rule in rules if not rule.fired] == []
    assert rotated.drafts == []


def test_pipelining_leaves_no_arguments_of_a_killed_module(prepared: Harness) -> None:
    run = prepared.play("modules", kill_point=KillPoint(call="tempfile.mkdtemp quay_application"), pipelining=True)
    assert prepared.leaks(run) == []
