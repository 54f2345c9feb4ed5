# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""That the judgement sees what it is there to see."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import requests

from conformance.client import Client
from faults import proxy as proxies
from faults.cell import Bench, logins_of
from faults.proxy import Plan
from faults.scenarios import SCENARIOS, held_in
from faults.site import Ground

ROBOT, API = SCENARIOS["robot-forced-3.18"], SCENARIOS["api-forced-3.18"]

# What a client gets of each fault, and whether Quay does what was asked.
SEEN = {
    "reset-before": ("ConnectionError", False),
    "reset-after": ("ConnectionError", True),
    "gone-after": ("ConnectionError", True),
    "500-before": ("<h1>Internal Server Error</h1>", False),
    "500-after": ("<h1>Internal Server Error</h1>", True),
    "502-page": ("<html><title>502 Bad Gateway</title></html>", False),
    "429": ("Too many requests", False),
    "429-retry-after": ("Too many requests", False),
    "hang-then-act": ("ReadTimeout", True),
    "act-then-hang": ("ReadTimeout", True),
    "truncated": ("ChunkedEncodingError", True),
    "login-page": (proxies.LOGIN_PAGE.decode().strip(), False),
    "restarted-before": ('{"error": "CSRF token was invalid or missing."}', False),
    "restarted-after": ("ConnectionError", True),
}


def problems_now(bench: Bench, ground: Ground) -> list[str]:
    return list(bench.judge_ground(ROBOT, ground, forgiven=False))


def test_sound_ground_has_no_problems(bench: Bench) -> None:
    assert problems_now(bench, bench.ground(ROBOT)) == []


def test_stores_that_are_not_whole(bench: Bench) -> None:
    ground = bench.ground(ROBOT)
    before = {path: path.read_bytes() for path in ground.folder.iterdir()}
    ground.auth.write_text(ground.auth.read_text()[:-3])
    ground.file.write_text(json.dumps({"username": "", "token": "of-nobody"}) + "\n")
    ground.file.chmod(0o644)
    found = set(bench.judge_whole(ROBOT, ground, before))
    assert found == {"auth.json is not whole", "secret is not whole", "secret can be read by others"}


def test_store_that_is_gone(bench: Bench) -> None:
    ground = bench.ground(ROBOT)
    before = {ground.file: ground.file.read_bytes()}
    ground.file.unlink()
    assert list(bench.judge_whole(ROBOT, ground, before)) == ["secret is gone"]
    assert problems_now(bench, ground) == ["secret holds no secret"]


def test_entry_of_somebody_else_that_is_gone(bench: Bench) -> None:
    ground = bench.ground(ROBOT)
    document = json.loads(ground.auth.read_text())
    del document["auths"]["other.example.com"]
    ground.auth.write_text(json.dumps(document) + "\n")
    assert held_in(ground.auth) is None


def test_secret_that_is_superseded(bench: Bench) -> None:
    ground = bench.ground(ROBOT)
    path = f"/api/v1/organization/{ground.org}/robots/{ground.tag}/regenerate"
    assert ground.site.superuser.post(path).status_code == 200
    found = problems_now(bench, ground)
    assert "a store holds another secret than the robot's present one" in found
    assert "a store holds a secret that Quay refuses" in found


def test_what_is_left_behind(bench: Bench) -> None:
    ground = bench.ground(ROBOT)
    shutil.copy(ground.file, ground.folder / ".secret.abcdefgh.draft")
    assert problems_now(bench, ground) == [".secret.abcdefgh.draft is left behind"]


def test_orphan_and_a_stranger_that_suffers(bench: Bench) -> None:
    ground = bench.ground(API)
    tokens = f"/api/v1/organization/{ground.org}/applications/{ground.notes['client_id']}/tokens"
    superuser = ground.site.superuser
    superuser.post(tokens, {"name": "nightly", "scope": "repo:read"})
    (persons,) = [item for item in superuser.get(tokens).json()["tokens"] if item["name"] == "a-persons"]
    superuser.delete(f"{tokens}/{persons['uuid']}")
    found = list(bench.judge_ground(API, ground, forgiven=False))
    assert found == ["1 superseded or orphaned token(s) alive", "1 token(s) of other people dead"]


def test_former_secret_that_lives_on(bench: Bench) -> None:
    ground = bench.ground(API)
    former = logins_of(ground)
    spared = {**API.arguments(ground), "rotate": "always", "retire_after": "1d"}
    assert not bench.run(API, ground.site, spared).failed
    assert list(bench.judge_former(API, ground, former)) == ["a superseded secret is still accepted"]


def test_secret_that_is_told(bench: Bench) -> None:
    ground = bench.ground(ROBOT)
    (login,) = {login.secret for login in logins_of(ground)}
    ran = bench.run(ROBOT, ground.site, ROBOT.arguments(ground))
    assert list(bench.judge_output(ground, ran, "it")) == []
    ran.stderr = f"Traceback: {login}"
    assert "it tells a secret" in list(bench.judge_output(ground, ran, "it"))
    assert "it shows a traceback" in list(bench.judge_output(ground, ran, "it"))


def test_each_request_and_file_operation_is_a_point(bench: Bench) -> None:
    points = [point.what for point in bench.points(ROBOT)]
    assert [what for what in points if "/regenerate" in what]
    for operation in ("flock the folder", "create .secret.*.draft", "replace .auth.json.*.draft auth.json"):
        assert operation in points


def test_fault_that_never_strikes(bench: Bench) -> None:
    ground = bench.ground(ROBOT)
    ran = bench.run(ROBOT, ground.site, ROBOT.arguments(ground), Plan(99, "reset-before"))
    assert not ran.struck


@pytest.mark.parametrize("fault", proxies.FAULTS)
def test_proxy_does_what_a_faults_name_says(bench: Bench, fault: str) -> None:
    """Seen from both sides: what the client gets, and what Quay did."""
    ground = bench.ground(ROBOT)
    proxy, robot = ground.site.proxy, f"/api/v1/organization/{ground.org}/robots/{ground.tag}"
    before = ground.site.get(robot)["token"]
    with Client(replace(ground.site.target, url=proxy.url)) as client:
        client.sign_in(ground.site.target.username, ground.site.target.password)
        proxy.begin(Plan(1, fault))
        try:
            got = client.post(f"{robot}/regenerate", timeout=0.5 if "hang" in fault else 30).text
        except requests.RequestException as error:
            got = type(error).__name__
        proxy.settle()
    assert (got.strip(), ground.site.get(robot)["token"] != before) == SEEN[fault]
