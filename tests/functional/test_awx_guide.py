# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that the guides to nightly jobs and to execution environments show: playbooks, and the image.

The image is not built. ansible-builder writes what a build would use.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from awx.standin import StandinAwx
from contract import collection
from contract.guides import blocks_of
from functional.documentation import examples_of_guide
from functional.harness import Harness
from functional.kubernetes_cluster import Cluster
from functional.openbao import OpenBao
from functional.shown_output import difference_of
from standin.tokens import fingerprint
from standin_kubernetes import StandinKubernetes

EXAMPLES = examples_of_guide("guide_awx_jobs")
REQUIREMENTS = ["requests", "hvac"]
_RECAP = re.compile(r"changed=(\d+)\s+unreachable=0\s+failed=0")


@pytest.fixture
def family() -> str:
    return "3.18"


def example(words: str) -> str:
    """Return the only example with these words."""
    (found,) = [text for text in EXAMPLES if words in text]
    return found


@dataclass
class Project:
    """The project of the guide, and the environment of a job."""

    harness: Harness
    folder: Path
    inventory: str = "localhost ansible_connection=local\n"
    environ: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        (self.folder / "rotate.yml").write_text(example("tokensmith.quay.rotation"))
        (self.folder / "usage_logs.yml").write_text(example("tokensmith.quay.usage_logs"))

    def declare(self, words: str, **replaced: str) -> None:
        text = example(words)
        for former, new in replaced.items():
            text = text.replace(former, new)
        (self.folder / "credentials.yml").write_text(text)

    def run(self, playbook: str, *arguments: str) -> tuple[int, str]:
        """Run a playbook of the project. Returns the number of changed tasks, and the output."""
        variables = f"[all:vars]\nansible_python_interpreter={sys.executable}\n"
        (self.folder / "hosts").write_text(self.inventory + variables)
        alice = self.harness.accounts.alice
        environ = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "ANSIBLE_COLLECTIONS_PATH": str(collection.COLLECTIONS),
            "ANSIBLE_NOCOLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "QUAY_HOST": self.harness.quay.url,
            "QUAY_USERNAME": alice.username,
            "QUAY_PASSWORD": alice.password,
            # As the credential type of awx_setup sets them.
            "QUAY_TOKEN": "",
            "QUAY_CA_PATH": "",
            "QUAY_VERIFY_SSL": "True",
            # As every job has it: a file on localhost would be lost.
            "AWX_ISOLATED_DATA_DIR": "/runner/artifacts/1",
            **self.environ,
        }
        command = [sys.executable, "-m", "ansible", "playbook", playbook, "-i", "hosts", "--diff", *arguments]
        process = subprocess.run(command, env=environ, cwd=self.folder, capture_output=True, text=True, check=False)
        output = process.stdout + process.stderr
        assert self.harness.known_secrets.in_text(output) == []
        recap = _RECAP.search(output)
        assert recap, output
        return int(recap[1]), output

    def rotate_twice(self) -> str:
        """Run the rotation twice. Asserts that the second run changes nothing. Returns the output of the first."""
        changed, output = self.run("rotate.yml")
        assert changed > 0, output
        assert self.run("rotate.yml")[0] == 0
        return output


@pytest.fixture
def project(harness: Harness) -> Project:
    return Project(harness, harness.folder.parent / "project")


@pytest.mark.slow
def test_credential_in_awx(project: Project) -> None:
    with StandinAwx() as awx:
        project.harness.known_secrets.add(awx.secrets)
        project.environ = {"CONTROLLER_HOST": awx.host, "CONTROLLER_OAUTH_TOKEN": str(awx.login["awx_token"])}
        project.declare("credential: quay-pull")
        project.rotate_twice()
        (number,) = awx.numbers("quay-pull")
        assert awx.stored(number, "password") == project.harness.robot("acme+awx").token
        # What the job template after a leak adds.
        _changed, output = project.run("rotate.yml", "-e", '{"rotation_compromised": ["acme+awx"]}')
        assert "former logins are refused" in output
        name = awx.credential(number)["inputs"]["username"]
        assert name != "acme+awx"
        assert awx.stored(number, "password") == project.harness.robot(name).token


@pytest.mark.slow
def test_report_of_the_first_check(project: Project) -> None:
    (shown,) = [block for block in blocks_of("guide_awx_jobs") if "shown by" in block.marks]
    with StandinAwx() as awx:
        project.harness.known_secrets.add(awx.secrets)
        project.environ = {"CONTROLLER_HOST": awx.host, "CONTROLLER_OAUTH_TOKEN": str(awx.login["awx_token"])}
        project.declare("credential: quay-pull")
        _changed, output = project.run("rotate.yml", "--check")
    assert difference_of(f"...\n{shown.text}...", output.replace(awx.host, "https://awx.example.com")) == ""


@pytest.mark.slow
def test_hosts(project: Project) -> None:
    project.inventory = "[build_nodes]\nnode1 ansible_connection=local\n"
    # The node of the test is this machine, so that a job would refuse it.
    project.environ = {"AWX_ISOLATED_DATA_DIR": ""}
    project.declare("path: /etc/containers/auth.json", **{"/etc/containers": str(project.folder)})
    variables = yaml.safe_load(example("awx_setup_inventory: Build nodes"))["awx_setup_variables"]
    (project.folder / "extra.yml").write_text(yaml.safe_dump(variables))
    assert project.run("rotate.yml", "-e", "@extra.yml")[0] > 0
    assert project.run("rotate.yml", "-e", "@extra.yml")[0] == 0
    assert "acme+ci" in project.run("usage_logs.yml", "-e", "usage_logs_organization=acme")[1]
    assert (project.folder / "auth.json").exists()


@pytest.mark.slow
def test_vault(project: Project, tmp_path: Path) -> None:
    names = {field["id"] for field in yaml.safe_load(example("label: URL of Vault"))["fields"]}
    injected: dict[str, str] = yaml.safe_load(example("VAULT_ADDR: "))["env"]
    with OpenBao(tmp_path) as bao:
        values = {"address": bao.url, "token": bao.root_token}
        assert names == values.keys()
        project.harness.known_secrets.add([bao.root_token])
        project.environ = {name: values[text.strip("{} ")] for name, text in injected.items()}
        project.declare("path: ci/quay-api")
        project.rotate_twice()
        stored = bao.call("GET", "secret/data/ci/quay-api")["data"]["data"]
    valid = project.harness.valid_tokens(project.harness.accounts.automation)
    assert fingerprint(stored["token"]) in {token.digest[:12] for token in valid.values()}


@pytest.mark.slow
def test_kubernetes(project: Project, tmp_path: Path) -> None:
    with StandinKubernetes() as standin:
        project.harness.known_secrets.add([standin.ADMIN])
        login = {"K8S_AUTH_HOST": standin.url, "K8S_AUTH_API_KEY": standin.ADMIN}
        project.environ = {**login, "K8S_AUTH_VERIFY_SSL": "False"}
        standin.api.namespaces |= {"build": "Active", "staging": "Active"}
        project.declare("namespaces: [build, staging]")
        project.rotate_twice()
        cluster = Cluster(standin.write_kubeconfig(tmp_path / "kubeconfig"), standin)
        token = project.harness.robot().token
        for namespace in ("build", "staging"):
            assert token in str(cluster.auths(namespace, "quay-pull"))


# --- the execution environment


@pytest.fixture
def builder() -> str:
    found = shutil.which("ansible-builder", path=str(Path(sys.executable).parent))
    assert found, "tests/requirements/main.txt installs it"
    return found


def build(builder: str, folder: Path, *arguments: str | Path) -> str:
    environ = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(folder)}
    process = subprocess.run(
        [builder, *map(str, arguments)], env=environ, cwd=folder, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@pytest.fixture
def context(tmp_path: Path) -> Path:
    return tmp_path / "context"


def names_of(requirements: list[str]) -> list[str]:
    return [name for line in requirements for name in re.findall(r"^[\w-]+", line)]


def test_definition_of_the_guide_is_accepted(builder: str, tmp_path: Path, context: Path) -> None:
    (definition,) = [text for text in examples_of_guide("guide_execution_environments") if "base_image:" in text]
    (tmp_path / "execution-environment.yml").write_text(definition)
    build(builder, tmp_path, "create", "--context", context, "--output-filename", "Containerfile")
    collections = yaml.safe_load((context / "_build" / "requirements.yml").read_text())["collections"]
    assert collections == [{"name": collection.NAME}]
    assert names_of((context / "_build" / "requirements.txt").read_text().splitlines()) == ["kubernetes"]
    assert (context / "Containerfile").exists()


def test_requirements_of_the_collection_are_found(builder: str, tmp_path: Path, context: Path) -> None:
    """In the definition alone, and by the introspection that runs while an image is built."""
    definition = collection.ROOT / "meta" / "execution-environment.yml"
    build(builder, tmp_path, "create", "--file", definition, "--context", context, "--output-filename", "Containerfile")
    assert names_of((context / "_build" / "requirements.txt").read_text().splitlines()) == REQUIREMENTS
    found: dict[str, Any] = yaml.safe_load(build(builder, tmp_path, "introspect", collection.COLLECTIONS))
    assert names_of(found["python"]) == REQUIREMENTS
    assert found["system"] == []
