# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in itself: journal, faults, control plane, https and the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from conformance.client import Client, Secret, Target, unique
from conformance.resources import Resources
from standin import Standin
from standin.cost import Cost

pytestmark = pytest.mark.standin

CONTROL = "/__standin__"


@pytest.fixture(params=[False, True], ids=["http", "https"])
def standin_target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """A stand-in with a first user, over http and over https."""
    with Standin(tls=request.param) as standin:
        verify = standin.ca_path or True
        target = Target(standin.url, "first", Secret("long-enough"), verify, standin.quay.family, standin)
        _initialize(target)
        standin.journal.clear()
        yield target


def _standin(target: Target) -> Standin:
    assert target.standin
    return target.standin


def test_journal_lists_requests_and_no_secret(resources: Resources, standin: Standin) -> None:
    standin.journal.clear()
    secret = resources.token("org:admin")
    with Client(resources.target, bearer=secret) as client:
        created = client.put(f"{resources.base}/robots/{unique('r')}", {"description": "d"}).json()
        client.get(f"{resources.base}/robots", params={"token": "false"})
    resources.superuser.post("/oauth/authorizeapp", data=resources.form(scope="repo:read"))
    with Client(resources.target, basic=(resources.target.username, resources.target.password)) as client:
        client.get("/v2/auth", params={"service": resources.target.host})
    entries = [entry for entry in standin.journal if entry.path != "/oauth/authorizeapp" or entry.user]
    put, listing, browser, registry = entries[-4:]
    assert (put.method, put.auth, put.user, put.status) == ("PUT", "bearer", resources.target.username, 201)
    assert (put.write, put.mint, put.effect, put.body_keys) == (True, True, True, ["description"])
    assert (listing.write, listing.mint, listing.effect, listing.query) == (False, False, False, "token=false")
    assert (browser.auth, browser.write, browser.mint) == ("session", True, True)
    assert {"client_id", "scope"} <= set(browser.body_keys)
    assert (registry.auth, registry.write, registry.effect) == ("basic", False, True)
    written = json.dumps(standin.journal.as_dicts())
    for hidden in (secret, created["token"], resources.target.password, resources.superuser.csrf):
        assert hidden not in written


def test_journal_writes_are_requests_that_can_have_an_effect(
    resources: Resources, standin: Standin, anonymous: Client
) -> None:
    standin.journal.clear()
    anonymous.sign_in(resources.username, resources.password)
    anonymous.post("/api/v1/no/such/address")
    anonymous.delete(f"{resources.base}/robots/nobody")
    assert [(entry.method, entry.path, entry.write) for entry in standin.journal] == [
        ("GET", "/csrf_token", False),
        ("POST", "/api/v1/signin", False),
        ("POST", "/api/v1/no/such/address", False),
        ("DELETE", f"{resources.base}/robots/nobody", True),
    ]
    assert [entry.path for entry in standin.journal.writes] == [f"{resources.base}/robots/nobody"]
    assert standin.journal.mints == []


def _signed_in(target: Target) -> Client:
    client = Client(target)
    assert client.sign_in(target.username, target.password).status_code == 200
    return client


def _robot_exists(target: Target) -> bool:
    return "first+robot" in _standin(target).state.robots


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "refuse"])
def test_reset_connections(standin_target: Target, kind: str) -> None:
    standin = _standin(standin_target)
    with _signed_in(standin_target) as client:
        standin.faults.add(kind, method="PUT", path="/robots/")
        with pytest.raises(requests.ConnectionError) as caught:
            client.put("/api/v1/user/robots/robot")
        if standin_target.url.startswith("http://"):
            assert "ConnectionResetError" in repr(caught.value)
        assert _robot_exists(standin_target) is (kind == "cut_after")
        assert client.get("/api/v1/user/").status_code == 200
    entry = standin.journal.entries[-2]
    assert (entry.fault, entry.status, entry.effect) == (kind, None, kind == "cut_after")


def test_refuse_resets_new_connections(standin_target: Target) -> None:
    with _signed_in(standin_target) as client, Client(standin_target) as other:
        _standin(standin_target).faults.add("refuse", path="/api/v1/user/$", seconds=60)
        with pytest.raises(requests.ConnectionError):
            client.get("/api/v1/user/")
        with pytest.raises(requests.ConnectionError):
            other.get("/config")


def test_truncated_responses(standin_target: Target) -> None:
    with _signed_in(standin_target) as client:
        _standin(standin_target).faults.add("truncate", path="/robots/robot$")
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            client.put("/api/v1/user/robots/robot")
        assert _robot_exists(standin_target)


@pytest.mark.parametrize("after", [False, True])
def test_status_faults(standin_target: Target, after: bool) -> None:
    with _signed_in(standin_target) as client:
        fault = {"status": 503, "headers": {"Retry-After": "7"}, "body": "busy", "after": after}
        _standin(standin_target).faults.add("status", method="PUT", **fault)
        response = client.put("/api/v1/user/robots/robot")
        assert (response.status_code, response.text, response.headers["Retry-After"]) == (503, "busy", "7")
        assert _robot_exists(standin_target) is after
        assert client.put("/api/v1/user/robots/other").status_code == 201


def test_login_page_of_a_proxy(standin_target: Target) -> None:
    with Client(standin_target) as client:
        _standin(standin_target).faults.add("html_200", path="/config")
        response = client.get("/config")
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/html")
        assert "proxy" in response.text


@pytest.mark.parametrize("after", [False, True])
def test_delays(standin_target: Target, after: bool) -> None:
    with _signed_in(standin_target) as client:
        _standin(standin_target).faults.add("delay", method="PUT", seconds=60, after=after)
        with pytest.raises(requests.ReadTimeout):
            client.put("/api/v1/user/robots/robot", timeout=0.5)
        assert _robot_exists(standin_target) is after
        assert client.get("/config").status_code == 200


def test_a_fault_fires_from_the_nth_request_on_a_number_of_times(standin_target: Target) -> None:
    with Client(standin_target) as client:
        _standin(standin_target).faults.add("status", path="^/config$", status=502, nth=2, times=2)
        assert [client.get("/config").status_code for _time in range(5)] == [200, 502, 502, 200, 200]
        _standin(standin_target).faults.add("status", path="^/config$", status=504, times=None)
        assert {client.get("/config").status_code for _time in range(5)} == {504}


def test_unknown_faults_are_refused(fresh: Target) -> None:
    with pytest.raises(ValueError, match="a fault is one of"):
        _standin(fresh).faults.add("nonsense")


def test_login_that_is_not_fresh_any_more(standin_target: Target) -> None:
    """FRESH_LOGIN_TIMEOUT of the configuration says how long. The client of these tests enters the password again."""
    path = "/api/v1/superuser/users/"
    standin = standin_target.standin
    assert standin is not None
    standin.config["FRESH_LOGIN_TIMEOUT"] = "5m"
    with Client(standin_target) as client:
        client.sign_in(standin_target.username, standin_target.password)
        client.keep_fresh(standin_target.password)
        standin.journal.clear()
        for seconds, statuses in ((299, [200]), (2, [401, 200, 200]), (1, [200])):
            standin.clock.advance(seconds)
            assert client.get(path).status_code == 200
            assert [entry.status for entry in standin.journal.entries] == statuses
            standin.journal.clear()


def test_https_has_its_own_ca(standin_target: Target) -> None:
    standin = _standin(standin_target)
    assert (standin.ca_path is None) is standin_target.url.startswith("http://")
    if standin.ca_path:
        with Client(replace(standin_target, verify=True)) as client, pytest.raises(requests.exceptions.SSLError):
            client.get("/config")
        assert standin.config["PREFERRED_URL_SCHEME"] == "https"


class Control:
    """A client of the control plane."""

    def __init__(self, target: Target) -> None:
        self._client = Client(target)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        response = self._client.request(method, f"{CONTROL}/{path}", json=body)
        assert response.status_code < 300, response.text
        return response.json() if response.content else None


@pytest.fixture
def control(fresh: Target) -> Control:
    return Control(fresh)


def _initialize(target: Target) -> None:
    with Client(target) as client:
        body = {"username": target.username, "password": target.password}
        assert client.post("/api/v1/user/initialize", body).status_code == 200


def test_control_journal(fresh: Target, control: Control) -> None:
    _initialize(fresh)
    (entry,) = control.call("GET", "journal")
    assert (entry["method"], entry["path"], entry["n"]) == ("POST", "/api/v1/user/initialize", 1)
    control.call("DELETE", "journal")
    assert control.call("GET", "journal") == []


def test_control_clock(control: Control) -> None:
    assert control.call("POST", "clock", {"set": "2030-01-02T03:04:05+00:00"})["now"].startswith("2030-01-02T03:04:")
    assert control.call("POST", "clock", {"advance": 86400})["now"].startswith("2030-01-03T03:04:")
    stopped = control.call("POST", "clock", {"stopped": True})
    assert control.call("POST", "clock", {"advance": 0}) == stopped
    resumed = control.call("POST", "clock", {"stopped": False})["now"]
    assert stopped["now"] <= resumed < stopped["now"].replace("2030-01-03T03:", "2030-01-03T04:")


def test_control_config(fresh: Target, control: Control) -> None:
    changed = control.call("PATCH", "config", {"REGISTRY_STATE": "readonly"})
    assert changed["REGISTRY_STATE"] == control.call("GET", "config")["REGISTRY_STATE"] == "readonly"
    with Client(fresh) as client:
        assert client.get("/config").json()["registry_state"] == "readonly"


def test_control_faults(fresh: Target, control: Control) -> None:
    rule = {"match": {"method": "GET", "path": "/config", "nth": 1}, "action": {"kind": "status", "status": 418}}
    control.call("POST", "faults", rule | {"times": 1})
    with Client(fresh) as client:
        assert [client.get("/config").status_code for _time in range(2)] == [418, 200]
    (shown,) = control.call("GET", "faults")
    assert (shown["kind"], shown["seen"], shown["fired"]) == ("status", 2, 1)
    control.call("DELETE", "faults")
    assert control.call("GET", "faults") == []


def test_control_snapshots_and_reset(fresh: Target, control: Control) -> None:
    _initialize(fresh)
    with _signed_in(fresh) as client:
        client.put("/api/v1/user/robots/robot")
        before = control.call("GET", "state")["robots"]
        snapshot = control.call("POST", "snapshot")
        client.post("/api/v1/user/robots/robot/regenerate")
        client.put("/api/v1/user/robots/other")
        assert control.call("GET", "state")["robots"] != before
        control.call("POST", "restore", snapshot)
        assert control.call("GET", "state")["robots"] == before
    control.call("POST", "reset")
    summary = control.call("GET", "state")
    assert (summary["users"], summary["robots"], summary["requests"]) == ([], {}, 0)


def test_control_state_has_fingerprints_and_no_secrets(fresh: Target, control: Control) -> None:
    with Client(fresh) as client:
        body = {"username": "first", "password": "long-enough", "access_token": True}
        token = client.post("/api/v1/user/initialize", body).json()["access_token"]
        robot = client.put("/api/v1/user/robots/robot").json()["token"]
    summary = control.call("GET", "state")
    assert summary["robots"].keys() == {"first+robot"}
    assert len(summary["robots"]["first+robot"]) == 12
    (alive,) = summary["oauth_tokens"].values()
    assert (alive["user"], alive["alive"]) == ("first", True)
    for hidden in (token, robot, "long-enough"):
        assert hidden not in json.dumps(summary)


def test_command_line(tmp_path: Path) -> None:
    ready, ca = tmp_path / "ready.json", tmp_path / "ca.pem"
    options = ["--port", "0", "--family", "3.17", "--tls", "--ca-out", str(ca), "--ready-file", str(ready)]
    options += ["--server-hostname", "quay.example"]
    command = [sys.executable, "-m", "standin", *options]
    package = Path(sys.modules[Standin.__module__].__file__ or "").parents[1]
    with subprocess.Popen(command, cwd=package, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not ready.exists():
            assert process.poll() is None
            time.sleep(0.05)
        details = json.loads(ready.read_text())
        config = requests.get(f"{details['url']}/config", verify=str(ca), timeout=30).json()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (details["family"], details["pid"]) == ("3.17", process.pid)
    assert config["config"]["SERVER_HOSTNAME"] == details["server_hostname"] == "quay.example"
    assert process.returncode == 0
    assert errors == ""
    assert details["url"] in output
    assert not Path(details["ca_path"]).exists()


class RecordedCost(Cost):
    """Records the hashes of each request instead of a delay."""

    def __post_init__(self) -> None:
        self.hashes: list[int] = []

    def spend(self, path: str, hashes: int) -> None:
        self.hashes.append(hashes)


def test_tokens_and_passwords_cost_a_hash_and_sessions_and_robots_none(resources: Resources, standin: Standin) -> None:
    shortname, robot_token = resources.robot()
    robot = f"{resources.org}+{shortname}", robot_token
    path, bearer, before = f"{resources.base}/robots", resources.mint("org:admin"), standin.cost
    standin.cost = recorded = RecordedCost()
    try:
        for client in (Client(resources.target, bearer=bearer), Client(resources.target, bearer="x" * 40)):
            with client:
                client.get(path)
        resources.superuser.get(path)
        resources.superuser.get("/config")
        for basic in (robot, (resources.username, resources.password)):
            with Client(resources.target, basic=basic) as client:
                client.get("/v2/auth", params={"service": resources.target.host})
        with Client(resources.target) as client:
            client.sign_in(resources.username, resources.password)
    finally:
        standin.cost = before
    assert recorded.hashes == [1, 0, 0, 0, 0, 1, 0, 1]


def test_new_oauth_token_costs_a_hash_of_its_own(resources: Resources, standin: Standin) -> None:
    before = standin.cost
    standin.cost = recorded = RecordedCost()
    try:
        resources.mint("repo:read")
    finally:
        standin.cost = before
    assert recorded.hashes == [1]


def test_cost_of_a_request_depends_on_its_hashes_and_its_path() -> None:
    cost = Cost(hash_seconds=0.1)
    assert cost.seconds("/api/v1/organization/acme", 1) == pytest.approx(0.106)
    assert cost.seconds("/api/v1/organization/acme", 0) == pytest.approx(0.006)
    assert cost.seconds("/v2/auth", 0) == pytest.approx(0.02)
    assert cost.seconds("/config", 0) == 0
    assert Cost().seconds("/api/v1/organization/acme", 1) == 0
