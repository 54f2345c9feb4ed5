# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks of the keyless guide, as they are printed there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from functional.documentation import examples_of_guide
from functional.federated import AUTH, EXCHANGE, Federated
from functional.role import Role

PLAYBOOKS = [text for text in examples_of_guide("guide_keyless") if text.startswith("# login.yml")]
SOURCES = {"oidc_audience: quay.example.com": "github", "oidc_token_variable: QUAY_ID_TOKEN": "gitlab"}


@pytest.fixture
def family() -> str:
    return "3.18"


def test_guide_has_a_playbook_for_each_system() -> None:
    assert [next(name for part, name in SOURCES.items() if part in text) for text in PLAYBOOKS] == ["github", "gitlab"]


@pytest.mark.parametrize("system", SOURCES.values())
def test_playbook_logs_in(federated: Federated, tmp_path: Path, system: str) -> None:
    harness = federated.harness
    text = next(text for text in PLAYBOOKS if next(name for part, name in SOURCES.items() if part in text) == system)
    text = text.replace("https://quay.example.com", harness.quay.url).replace("acme+deploy", "acme+ci")
    (tmp_path / "login.yml").write_text(text)
    environ = {**Role(harness).variables_of_environment, "QUAY_TOKEN": "", "QUAY_HOST": ""}
    # The issuer of the tests has a CA of its own.
    environ |= {"REQUESTS_CA_BUNDLE": federated.issuer.ca_path}
    environ |= federated.job() if system == "github" else {"QUAY_ID_TOKEN": federated.token()}
    variables = tmp_path / "variables.json"
    variables.write_text(json.dumps({"ansible_python_interpreter": sys.executable}))
    for changed in (1, 0):
        harness.quay.journal.clear()
        process = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "login.yml", "-vvv", "-e", f"@{variables}"],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        output = process.stdout + process.stderr
        assert f"changed={changed}" in output, output
        assert harness.known_secrets.in_text(output) == []
        assert harness.requests == [EXCHANGE, AUTH] * changed
    assert list(json.loads((tmp_path / "auth.json").read_text())["auths"]) == [f"127.0.0.1:{harness.quay.port}"]
