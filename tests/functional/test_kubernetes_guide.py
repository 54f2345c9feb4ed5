# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that takes the place of the operator's ApiToken resource, as the guide shows it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract import collection
from functional.harness import Harness
from functional.kubernetes_cluster import Cluster
from standin.tokens import fingerprint
from standin_kubernetes import StandinKubernetes

GUIDE = (collection.ROOT / "docs" / "docsite" / "rst" / "guide_kubernetes.rst").read_text()
_EXAMPLES = re.compile(r"^\.\. code-block:: yaml\+jinja\n\n((?:    .*\n|\n)+)", re.MULTILINE)
# A module of that name, which reads Secrets of the stand-in and returns what the real one returns.
K8S_INFO = """
import json, os, urllib.request
from ansible.module_utils.basic import AnsibleModule

def main():
    names = ("api_version", "kind", "namespace", "name")
    module = AnsibleModule({name: {"type": "str"} for name in names}, supports_check_mode=True)
    url = "{url}/api/v1/namespaces/" + module.params["namespace"] + "/secrets/" + module.params["name"]
    request = urllib.request.Request(url, headers={"Authorization": "Bearer {token}"})
    module.exit_json(resources=[json.load(urllib.request.urlopen(request))])

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def standin() -> Iterator[StandinKubernetes]:
    with StandinKubernetes() as server:
        yield server


def install_k8s_info(folder: Path, standin: StandinKubernetes) -> None:
    modules = folder / "ansible_collections" / "kubernetes" / "core" / "plugins" / "modules"
    modules.mkdir(parents=True)
    text = K8S_INFO.replace("{url}", standin.url).replace("{token}", standin.ADMIN)
    (modules / "k8s_info.py").write_text(text)


def run(harness: Harness, kubeconfig: Path, *arguments: str) -> str:
    folder = harness.folder.parent
    paths = [str(folder / "collections"), str(collection.COLLECTIONS)]
    environ = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(paths),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "KUBECONFIG": str(kubeconfig),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    connection = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    command = [sys.executable, "-m", "ansible", "playbook", "play.yml", "-i", "localhost,", "-vvvv", "-e", connection]
    process = subprocess.run(
        [*command, *arguments], env=environ, cwd=folder, capture_output=True, text=True, check=False
    )
    output = process.stdout + process.stderr
    assert harness.known_secrets.in_text(output) == []
    assert process.returncode == 0, output
    return output


@pytest.mark.slow
def test_playbook_of_the_guide(harness: Harness, standin: StandinKubernetes, tmp_path: Path) -> None:
    """The Secret has all keys of the operator's. The second run changes nothing, and no output has a secret."""
    (example,) = [text for text in _EXAMPLES.findall(GUIDE) if "hosts: localhost" in text]
    folder = harness.folder.parent
    (folder / "play.yml").write_text(textwrap.dedent(example))
    cluster = Cluster(standin.write_kubeconfig(tmp_path / "kubeconfig"), standin)
    install_k8s_info(folder / "collections", standin)
    alice = harness.accounts.alice
    harness.known_secrets.add([standin.ADMIN])
    standin.api.namespaces["quay"] = "Active"
    login = {"host": harness.quay.url, "username": alice.username, "password": alice.password, "validateCerts": "true"}
    cluster.create("quay", "quay-temp-credentials-secret", login)
    cluster.create("quay", "application-secret", {"clientId": harness.accounts.automation})
    old = {"accessToken": "operator-0123456789012345678901", "token": "operator-0123456789012345678901"}
    cluster.create("quay", "quay-credentials-secret", {**old, "host": "x", "validateCerts": "x", "timeout": "x"})
    run(harness, tmp_path / "kubeconfig", "--check", "--diff")
    assert cluster.data("quay", "quay-credentials-secret")["host"] == "x"
    run(harness, tmp_path / "kubeconfig", "--diff")
    data = cluster.data("quay", "quay-credentials-secret")
    tokens = {fingerprint(data.pop("accessToken")), fingerprint(data.pop("token"))}
    assert data == {"host": harness.quay.url, "validateCerts": "true", "timeout": "10"}
    record = cluster.records("quay", "quay-credentials-secret")["accessToken"]
    assert tokens == {record["fingerprint"]}
    assert record["name"] == "apitoken-sample"
    valid = harness.valid_tokens(harness.accounts.automation)
    assert record["uuid"] in valid
    assert set(valid[record["uuid"]].scope.split()) == {"repo:read", "org:admin"}
    assert "changed=0" in run(harness, tmp_path / "kubeconfig")
