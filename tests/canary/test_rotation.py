# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role: whatever happens to a rotation, no trace of it holds a secret."""

from __future__ import annotations

import pytest

from canary.controller import Run
from canary.world import Login, World
from standin import tokens
from standin.tokens import fingerprint

NOWHERE = "/proc/self/nowhere"


def delivered(world: World) -> None:
    """Every store holds what Quay has now."""
    kept = world.kept()
    assert kept["api.json"] == kept["api.yaml"]
    assert kept["api.json"] in world.live_api_tokens()
    assert kept["auth.json"] == kept["robot.env"] == fingerprint(world.secret_of_robot())
    assert world.drafts == []


def test_creation_in_check_mode(settled: World, pipelining: bool) -> None:
    run = settled.rotate("--check", pipelining=pipelining)
    assert settled.leaks(run) == []
    assert run.status == 0, run.failures
    assert run.stdout.count("would mint") == 2
    assert settled.standin.journal.mints == []
    assert list(settled.stores.iterdir()) == []


def test_creation(rotated: World, first_rotation: Run) -> None:
    assert rotated.leaks(first_rotation) == []
    assert first_rotation.status == 0, first_rotation.failures
    assert [path for path in first_rotation.left if path.parent.name == "facts"]
    delivered(rotated)


def test_nothing_due(rotated: World) -> None:
    run = rotated.rotate(login=Login({}), environment=rotated.login.environment, pipelining=True)
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert run.stdout.count("  nothing") == 3
    assert rotated.standin.journal.mints == []


def test_forced(rotated: World, pipelining: bool) -> None:
    before = rotated.kept()
    run = rotated.rotate(credentials=rotated.credentials(rotate="always"), pipelining=pipelining)
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    delivered(rotated)
    assert not set(before.values()) & set(rotated.kept().values())


def test_forced_in_check_mode(rotated: World) -> None:
    before = rotated.kept()
    run = rotated.rotate("--check", credentials=rotated.credentials(rotate="always"))
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert rotated.kept() == before


def test_repair(rotated: World) -> None:
    """A store is gone, and one was edited by hand: the secret is taken from where it still is."""
    before = rotated.kept()
    (rotated.stores / "api.yaml").unlink()
    variables = rotated.stores / "robot.env"
    variables.write_text(variables.read_text().replace("QUAY_TOKEN=", f"QUAY_TOKEN={tokens.robot_token()}#"))
    run = rotated.rotate()
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert rotated.kept() == before


def test_one_credential_and_one_store_fail(rotated: World) -> None:
    api, robot, referrers = rotated.credentials(rotate="always")
    api["application"] = "unknown"
    robot["deliver"][1]["path"] = NOWHERE
    run = rotated.rotate(credentials=[api, robot, referrers], settings={"ANSIBLE_RETRY_FILES_ENABLED": "1"})
    assert rotated.leaks(run) == []
    assert run.status == 2, run.failures
    assert run.stdout.count("FAILED: ") == 2
    assert [path.name for path in run.left if path.parent.name == "retry"] == ["rotate.retry"]


def test_server_is_disturbed(rotated: World) -> None:
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
def test_login_is_refused(settled: World, login: str) -> None:
    password = {"quay_username": "alice", "quay_password": tokens.user_password()}
    wrong = Login({"quay_token": tokens.oauth_token()} if login == "wrong token" else password)
    run = settled.rotate(login=wrong)
    assert settled.leaks(run) == []
    assert run.status == 2, run.failures
    assert "does not accept the token" in run.stdout or "Check quay_username and quay_password" in run.stdout


def test_server_is_unreachable(rotated: World) -> None:
    """Neither the login is told, nor the password of the proxy that is in the way."""
    proxy = tokens.user_password()
    run = rotated.rotate(
        variables={"rotation_quay_host": "http://quay.invalid", "rotation_retries": 0},
        environment={"http_proxy": f"http://porter:{proxy}@127.0.0.1:9"},
    )
    assert rotated.leaks(run) == []
    assert run.status == 2, run.failures
    assert "the proxy did not let the request through" in run.stdout


def test_debugged(rotated: World) -> None:
    """Ansible then shows what modules are given and what they answer. No secret passes through it but the login."""
    robot = rotated.credentials(rotate="always")[1:2]
    run = rotated.rotate(credentials=robot, login=Login({}), environment=rotated.login.environment, debug=True)
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert "done with _execute_module" in run.stdout
    delivered(rotated)
