# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook awx_setup, on a stand-in for the modules of awx.awx."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._module.options import CONNECTION_OPTIONS
from awx.modules import AwxModules
from contract import collection
from functional.documentation import examples_of_guide

TOKEN = "QUAYTOKENOFTHEJOBS0123456789"
LOGIN = {"QUAY_HOST": "https://quay.example.com", "QUAY_TOKEN": TOKEN}
URL = {"awx_setup_project_url": "https://git.example.com/acme/quay-rotation.git"}
_RECAP = re.compile(r"localhost\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)")


@dataclass
class Setup:
    """Runs the playbook with the login of the jobs in its environment."""

    folder: Path
    awx: AwxModules

    def run(
        self, *arguments: str, login: dict[str, str] | None = None, installed: bool = True, **variables: Any
    ) -> str:
        """``login``: the default is LOGIN."""
        login = LOGIN if login is None else login
        paths = [collection.COLLECTIONS, *([self.awx.collections] if installed else [])]
        environ = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, paths)),
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_NOCOLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        given = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **URL, **variables}
        command = [sys.executable, "-m", "ansible", "playbook", f"{collection.NAME}.awx_setup", "-i", "localhost,"]
        process = subprocess.run(
            [*command, "-vvvv", "-e", json.dumps(given), *arguments],
            env={**environ, **login},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        output = process.stdout + process.stderr
        for name in ("QUAY_TOKEN", "QUAY_PASSWORD"):
            assert not login.get(name) or login[name] not in output
        return output


@pytest.fixture
def kit(tmp_path: Path) -> Setup:
    return Setup(tmp_path, AwxModules(tmp_path))


def changes(output: str) -> int:
    """The number of changed tasks. Asserts that none failed."""
    recap = _RECAP.search(output)
    assert recap, output
    assert recap[2] == "0", output
    return int(recap[1])


def test_objects_are_predicted_created_and_then_kept(kit: Setup) -> None:
    empty = kit.awx.state
    predicted = changes(kit.run("--check"))
    assert kit.awx.state == empty
    assert changes(kit.run("--diff")) == predicted == 7
    state = kit.awx.state
    number = {kind: {name: item["id"] for name, item in objects.items()} for kind, objects in state.items()}
    assert state["credential"]["Quay login"]["inputs"] == {"host": "https://quay.example.com", "token": TOKEN}
    injected = state["credential_type"]["Quay login"]["injectors"]["env"]
    assert injected["QUAY_TOKEN"] == "{{ token }}"
    assert injected["QUAY_VERIFY_SSL"] == "{{ not insecure }}"
    # The modules read each of them.
    assert injected.keys() <= {
        name for option in CONNECTION_OPTIONS.values() for name in option.get("fallback", ("", ()))[1]
    }
    templates = {name: (item["playbook"], item["job_type"]) for name, item in state["job_template"].items()}
    assert templates == {
        "Quay plan": ("rotate.yml", "check"),
        "Quay rotation": ("rotate.yml", "run"),
        "Quay rotation after a leak": ("rotate.yml", "run"),
        "Quay usage logs": ("usage_logs.yml", "run"),
    }
    for item in state["job_template"].values():
        assert item["credentials"] == [str(number["credential"]["Quay login"])]
        assert item["inventory"] == number["inventory"]["Quay rotation"]
    (question,) = state["job_template"]["Quay rotation after a leak"]["survey_spec"]["spec"]
    assert (question["variable"], question["type"], question["required"]) == ("rotation_compromised", "text", True)
    assert state["schedule"]["Quay rotation every night"]["unified_job_template"] == "Quay rotation"
    assert state["host"]["localhost"]["variables"] == {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    }
    # The login is not needed again, and check mode predicts that nothing changes.
    for arguments in (["--check"], []):
        assert changes(kit.run(*arguments, login={})) == 0
        assert kit.awx.state == state


@pytest.mark.slow
def test_site_of_its_own(kit: Setup) -> None:
    """The inventory, the image, the credentials and the names of the guide."""
    login = {"QUAY_HOST": "https://quay.example.com", "QUAY_USERNAME": "jdoe", "QUAY_PASSWORD": "PASSWORDOFTHEJOBS"}
    (kit.folder / "ca.pem").write_text("CERTIFICATE\n")
    tls = {"QUAY_CA_PATH": str(kit.folder / "ca.pem"), "QUAY_VERIFY_SSL": "false"}
    state = kit.awx.state
    state["inventory"] = {"Build nodes": {"id": 7, "name": "Build nodes"}}
    state["credential"] = {"This AWX": {"id": 8, "name": "This AWX"}}
    (kit.folder / "awx.json").write_text(json.dumps(state))
    site = next(example for example in examples_of_guide("guide_awx_jobs") if "awx_setup_leak_choices" in example)
    more: dict[str, Any] = {
        "awx_setup_inventory": "Build nodes",
        "awx_setup_variables": {"rotation_hosts": "build_nodes"},
    }
    (kit.folder / "site.yml").write_text(site)
    arguments = ("-e", "@site.yml")
    given = {**login, **tls}
    predicted = changes(kit.run("--check", *arguments, login=given, **more))
    assert changes(kit.run(*arguments, login=given, **more)) == predicted
    state = kit.awx.state
    assert state["credential"]["Quay login"]["inputs"] == {
        "host": "https://quay.example.com",
        "username": "jdoe",
        "password": "PASSWORDOFTHEJOBS",
        "ca_certificates": "CERTIFICATE",
        "insecure": True,
    }
    assert "host" not in state
    template = state["job_template"]["Quay rotation after a leak"]
    assert template["inventory"] == "Build nodes"
    assert template["credentials"][1:] == ["This AWX"]
    assert template["extra_vars"] == {"rotation_hosts": "build_nodes"}
    assert template["execution_environment"] == state["execution_environment"]["Quay rotation"]["id"]
    assert state["execution_environment"]["Quay rotation"]["image"] == "quay.example.com/acme/ee-quay:1"
    (question,) = template["survey_spec"]["spec"]
    assert (question["type"], question["choices"]) == ("multiselect", ["acme+awx"])
    logs = state["job_template"]["Quay usage logs"]
    assert (len(logs["credentials"]), "extra_vars" in logs) == (1, False)
    assert changes(kit.run(*arguments, login={}, **more)) == 0


@pytest.mark.slow
def test_login_is_replaced_on_demand(kit: Setup) -> None:
    changes(kit.run())
    new = {**LOGIN, "QUAY_TOKEN": "ANOTHERTOKENOFTHEJOBS98765"}
    kept = kit.run(login=new)
    assert changes(kept) == 0
    assert "was kept as it is" in kept
    assert kit.awx.state["credential"]["Quay login"]["inputs"]["token"] == TOKEN
    assert changes(kit.run(login=new, awx_setup_replace_login=True)) == 1
    assert kit.awx.state["credential"]["Quay login"]["inputs"]["token"] == new["QUAY_TOKEN"]


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "no URL": ({"awx_setup_project_url": ""}, "Set awx_setup_project_url."),
    "no collection": ({"installed": False}, "This playbook needs the collection awx.awx, which is not installed."),
    "no organization": ({"awx_setup_organization": "Nope"}, "AWX has no organization 'Nope', or the login may not"),
    "no host": ({"login": {"QUAY_TOKEN": TOKEN}}, "Set QUAY_HOST, and QUAY_TOKEN or QUAY_USERNAME and QUAY_PASSWORD"),
    "no password": ({"login": {**LOGIN, "QUAY_TOKEN": "", "QUAY_USERNAME": "jdoe"}}, "Set QUAY_HOST, and QUAY_TOKEN"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_missing_is_named_before_anything_is_written(kit: Setup, case: str) -> None:
    arguments, words = REFUSALS[case]
    before = kit.awx.state
    output = kit.run(**arguments)
    assert words in output
    assert "failed=1" in output
    assert kit.awx.state == before
