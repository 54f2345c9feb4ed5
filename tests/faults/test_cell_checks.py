# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of a cell find the problems that they are meant to find."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import requests
from ansible.parsing.vault import VaultLib, VaultSecret

from conformance.client import Client
from faults import proxy as proxies
from faults import vault_format
from faults.cell import CellRunner, Run, stored_logins
from faults.file_stores import read_store
from faults.proxy import PlannedFault, RecordedRequest
from faults.scenarios import SCENARIOS
from faults.servers import Workspace

ROBOT, API = SCENARIOS["robot-forced-3.18"], SCENARIOS["api-forced-3.18"]

# The response or error that a client gets with each fault, and whether Quay executes the request.
EXPECTED = {
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


def problems_now(runner: CellRunner, workspace: Workspace) -> list[str]:
    return list(runner.check_workspace(ROBOT, workspace, orphans_allowed=0))


def test_valid_workspace_has_no_problems(runner: CellRunner) -> None:
    assert problems_now(runner, runner.workspace(ROBOT)) == []


def test_incomplete_stores(runner: CellRunner) -> None:
    workspace = runner.workspace(ROBOT)
    before = {path: path.read_bytes() for path in workspace.folder.iterdir()}
    workspace.auth.write_text(workspace.auth.read_text()[:-3])
    workspace.file.write_text(json.dumps({"username": "", "token": "unknown"}) + "\n")
    workspace.file.chmod(0o644)
    found = set(runner.check_files(ROBOT, workspace, before))
    assert found == {"auth.json is incomplete", "secret is incomplete", "secret can be read by others"}


def test_missing_store(runner: CellRunner) -> None:
    workspace = runner.workspace(ROBOT)
    before = {workspace.file: workspace.file.read_bytes()}
    workspace.file.unlink()
    assert list(runner.check_files(ROBOT, workspace, before)) == ["secret is missing"]
    assert problems_now(runner, workspace) == ["secret contains no secret"]


def test_missing_entry_of_another_registry(runner: CellRunner) -> None:
    workspace = runner.workspace(ROBOT)
    document = json.loads(workspace.auth.read_text())
    del document["auths"]["other.example.com"]
    workspace.auth.write_text(json.dumps(document) + "\n")
    assert read_store(workspace.auth) is None


def test_superseded_secret(runner: CellRunner) -> None:
    workspace = runner.workspace(ROBOT)
    path = f"/api/v1/organization/{workspace.org}/robots/{workspace.tag}/regenerate"
    assert workspace.server.superuser.post(path).status_code == 200
    found = problems_now(runner, workspace)
    assert "a store has another secret than the robot" in found
    assert "a store has a secret that Quay refuses" in found


def test_leftover_draft(runner: CellRunner) -> None:
    workspace = runner.workspace(ROBOT)
    shutil.copy(workspace.file, workspace.folder / ".secret.abcdef01.draft")
    assert problems_now(runner, workspace) == [".secret.abcdef01.draft is left"]


def test_orphan_and_revoked_foreign_token(runner: CellRunner) -> None:
    workspace = runner.workspace(API)
    tokens = f"/api/v1/organization/{workspace.org}/applications/{workspace.notes['client_id']}/tokens"
    superuser = workspace.server.superuser
    superuser.post(tokens, {"name": "nightly", "scope": "repo:read"})
    (foreign,) = [item for item in superuser.get(tokens).json()["tokens"] if item["name"] == "other-user"]
    superuser.delete(f"{tokens}/{foreign['uuid']}")
    found = list(runner.check_workspace(API, workspace, orphans_allowed=0))
    assert found == ["1 superseded or orphaned token(s) still valid", "1 token(s) of other users revoked"]


def test_former_secret_that_is_still_valid(runner: CellRunner) -> None:
    workspace = runner.workspace(API)
    former = stored_logins(workspace)
    options = {**API.arguments(workspace), "rotate": "always", "retire_after": "1d"}
    assert not runner.run(API, workspace, options).failed
    assert list(runner.check_former(API, workspace, former)) == ["a superseded secret is still accepted"]


def test_printed_secret(runner: CellRunner) -> None:
    workspace = runner.workspace(ROBOT)
    (login,) = {login.secret for login in stored_logins(workspace)}
    ran = runner.run(ROBOT, workspace, ROBOT.arguments(workspace))
    assert list(runner.check_output(workspace, ran, "it")) == []
    ran.stderr = f"Traceback: {login}"
    assert "it prints a secret" in list(runner.check_output(workspace, ran, "it"))
    assert "it shows a traceback" in list(runner.check_output(workspace, ran, "it"))


def test_each_request_and_file_operation_is_a_point(runner: CellRunner) -> None:
    points = [point.what for point in runner.points(ROBOT)]
    assert [what for what in points if "/regenerate" in what]
    for operation in (
        "stat secret",
        "mounts of the folder",
        "flock .secret.lock",
        "create .secret.*.draft",
        "chown .auth.json.*.draft",
        "link auth.json .auth.json.*.draft",
        "rename .auth.json.*.draft .auth.json.*.draft",
        "rename .auth.json.*.draft auth.json",
        "unlink .auth.json.lock",
    ):
        assert operation in points


def test_change_of_quay_although_the_store_cannot_be_written(runner: CellRunner) -> None:
    """The requests after the first failed file operation are those that could have been spared."""
    requests = [RecordedRequest("GET", "/a"), RecordedRequest("PUT", "/b"), RecordedRequest("POST", "/api/v1/signin")]
    requests.append(RecordedRequest("POST", "/c"))
    steps = [["request", "1"], ["request", "2"], ["file", "write", "secret"], ["request", "3"], ["request", "4"]]
    assert Run(1, "", "", requests, steps).writes_after_the_fault == []
    assert Run(1, "", "", requests, [["fired"], *steps]).writes_after_the_fault == ["PUT /b", "POST /c"]
    assert Run(1, "", "", requests, [*steps[:3], ["fired"], *steps[3:]]).writes_after_the_fault == ["POST /c"]


def test_remote_store_without_what_others_keep(runner: CellRunner) -> None:
    for name in ("robot-vault-forced-3.18", "robot-kubernetes-forced-3.18", "robot-awx-forced-3.18"):
        workspace = runner.workspace(SCENARIOS[name])
        remote = workspace.remote
        assert remote
        assert list(remote.problems()) == []
        assert remote.login()
        remote.let_others_write()
        assert list(remote.problems()) == []
        remote.restore((True, True, None))
        assert list(remote.problems()) == [
            f"{remote.kind} lacks what others keep in it",
            f"{remote.kind} lacks what another writer added",
        ]
        assert remote.login() is None


def test_each_request_to_a_store_is_a_point(runner: CellRunner) -> None:
    points = [point for point in runner.points(SCENARIOS["robot-kubernetes-forced-3.18"]) if point.kind == "store"]
    path = "/api/v1/namespaces/ci/secrets/pull"
    assert [point.what for point in points] == [
        f"GET {path}",
        f"PATCH dry run of {path}",
        f"PATCH {path}",
        f"GET {path}",
    ]
    assert "conflict" in points[2].faults
    assert "conflict" not in points[1].faults


def test_late_request_is_executed_after_its_response(runner: CellRunner) -> None:
    """A gateway gives up, and the server behind it does not."""
    scenario = SCENARIOS["robot-kubernetes-create-3.18"]
    workspace = runner.workspace(scenario)
    remote = workspace.remote
    assert remote
    with Client(replace(workspace.server.target, url=remote.proxy.url), bearer=remote.secrets[0]) as client:
        remote.proxy.start_run(PlannedFault(1, "504-late", server="store"))
        body = {"metadata": {"name": "late"}, "type": "Opaque"}
        assert client.post("/api/v1/namespaces/ci/secrets", body).status_code == 504
        assert client.get("/api/v1/namespaces/ci/secrets/late").status_code == 404
        remote.proxy.wait_until_idle()
        assert client.get("/api/v1/namespaces/ci/secrets/late").status_code == 200


def test_format_of_ansible_vault() -> None:
    ansible = VaultLib([("ci", VaultSecret(b"password"))])
    text = b"a: 1\n" * 40
    assert ansible.decrypt(vault_format.encrypt(text, "ci", b"password")) == text
    assert vault_format.decrypt(ansible.encrypt(text, vault_id="ci"), b"password") == text
    with pytest.raises(vault_format.Undecryptable):
        vault_format.decrypt(ansible.encrypt(text, vault_id="ci"), b"other")


def test_fault_that_does_not_occur(runner: CellRunner) -> None:
    workspace = runner.workspace(ROBOT)
    ran = runner.run(ROBOT, workspace, ROBOT.arguments(workspace), PlannedFault(99, "reset-before"))
    assert not ran.fired


@pytest.mark.parametrize("fault", proxies.FAULTS)
def test_proxy_applies_each_fault(runner: CellRunner, fault: str) -> None:
    """Check the response of the client and the effect in Quay."""
    workspace = runner.workspace(ROBOT)
    proxy, robot = workspace.server.proxy, f"/api/v1/organization/{workspace.org}/robots/{workspace.tag}"
    before = workspace.server.get(robot)["token"]
    with Client(replace(workspace.server.target, url=proxy.url)) as client:
        client.sign_in(workspace.server.target.username, workspace.server.target.password)
        proxy.start_run(PlannedFault(1, fault))
        try:
            response = client.post(f"{robot}/regenerate", timeout=0.5 if "hang" in fault else 30).text
        except requests.RequestException as error:
            response = type(error).__name__
        proxy.wait_until_idle()
    assert (response.strip(), workspace.server.get(robot)["token"] != before) == EXPECTED[fault]
