# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A killed rotation: its secrets are in no file except the stores and their drafts."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from canary.controller import KillPoint
from canary.harness import Harness
from standin.tokens import fingerprint

# Seconds. Long enough to kill a run meanwhile, or to let its workers finish.
DELAY_S = 5


def during_response(method: str, path: str) -> Callable[[Harness], KillPoint]:
    """After Quay has executed a request and before it sends the response."""

    def create(harness: Harness) -> KillPoint:
        return KillPoint(harness.standin.faults.add("delay", method=method, path=path, seconds=DELAY_S, after=True))

    return create


def at_call(call: str) -> Callable[[Harness], KillPoint]:
    return lambda _world: KillPoint(call=call)


ROBOT, API = "acme+ci", "nightly"

KILL_POINTS = {
    "the module starts": (ROBOT, at_call("tempfile.mkdtemp quay_robot_token")),
    "a robot's token was issued": (ROBOT, during_response("POST", "/regenerate$")),
    "a robot's token is verified": (ROBOT, during_response("GET", "^/v2/auth$")),
    "the second store is written": (ROBOT, at_call("os.rename .robot.env.")),
    "an API token was issued": (API, during_response("POST", "/(tokens|authorizeapp)$")),
    "an API token was delivered": (API, during_response("DELETE", "/(tokens|authorizations)/")),
}


def credentials_named(harness: Harness, name: str) -> list[dict[str, object]]:
    return [credential for credential in harness.credentials(rotate="always") if credential["name"] == name]


@pytest.mark.parametrize("kill_point", KILL_POINTS)
def test_no_file_contains_a_secret(rotated: Harness, kill_point: str) -> None:
    name, create = KILL_POINTS[kill_point]
    run = rotated.rotate(credentials=credentials_named(rotated, name), kill_point=create(rotated))
    assert run.status < 0
    assert rotated.leaks(run) == []


def test_no_file_contains_a_secret_after_the_workers_have_finished(rotated: Harness) -> None:
    kill_point = replace(during_response("POST", "/regenerate$")(rotated), keep_workers=True)
    run = rotated.rotate(credentials=credentials_named(rotated, ROBOT), kill_point=kill_point)
    assert run.status < 0
    assert rotated.leaks(run) == []


def test_drafts_are_private_and_are_removed(rotated: Harness) -> None:
    """Before a store is replaced, its draft contains the secret. A later run removes old drafts."""
    before = rotated.stored_fingerprints()
    run = rotated.rotate(
        credentials=credentials_named(rotated, ROBOT), kill_point=at_call("os.rename .auth.json.")(rotated)
    )
    assert rotated.leaks(run) == []
    assert [path.name.split(".")[1] for path in rotated.drafts] == ["auth", "robot"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in rotated.drafts} == {0o600}
    assert fingerprint(rotated.robot_token()) not in before.values()
    assert rotated.stored_fingerprints() == before

    long_ago = time.time() - 2 * 3600
    for path in rotated.drafts:
        os.utime(path, (long_ago, long_ago))
    run = rotated.rotate(credentials=rotated.credentials()[1:2])
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert rotated.drafts == []
    assert (
        rotated.stored_fingerprints()["auth.json"]
        == rotated.stored_fingerprints()["robot.env"]
        == fingerprint(rotated.robot_token())
    )
