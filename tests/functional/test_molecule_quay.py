# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Molecule scenarios of Quay in containers, with a container engine that starts a stand-in."""

from __future__ import annotations

import inspect
import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract import collection
from tools import __main__ as main
from tools.stages import molecule

EXTENSIONS = collection.ROOT / "extensions"
SCENARIOS = ("quay-3.17", "quay-3.18")

# What `make integration` gets. The password is written to a file, so that the test can search for it.
MAKEFILE = """\
integration:
\t@echo "$$QUAY_TEST_URL $$QUAY_TEST_USERNAME $(MAKEFLAGS)" > called
\t@umask 077; echo "$$QUAY_TEST_PASSWORD" > password
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Machine:
    """A machine with a container engine, and a clone for the integration tests."""

    folder: Path
    port: int

    @classmethod
    def create(cls, folder: Path) -> Machine:
        for name in ("home", "engine", "clone"):
            (folder / name).mkdir()
        (folder / "clone" / "Makefile").write_text(MAKEFILE)
        engine = folder / "podman"
        command = f"exec {sys.executable} -m functional.container_engine {folder / 'engine'}"
        engine.write_text(f'#!/bin/sh\nPYTHONPATH={collection.ROOT / "tests"} {command} "$@"\n')
        engine.chmod(0o700)
        return cls(folder, free_port())

    def molecule(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Molecule where the scenarios are."""
        programs = Path(sys.executable).parent
        # The settings of the user who runs the tests have no effect.
        environ = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
        environ |= {
            "ANSIBLE_COLLECTIONS_PATH": str(collection.COLLECTIONS),
            "CONTAINER_ENGINE": str(self.folder / "podman"),
            "HOME": str(self.folder / "home"),
            "NO_COLOR": "1",
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "QUAY_PORT": str(self.port),
            "QUAY_SCENARIO_CLONE": str(self.folder / "clone"),
            **variables,
        }
        command = [str(programs / "molecule"), "-vvv", *arguments]
        return subprocess.run(command, cwd=EXTENSIONS, env=environ, capture_output=True, text=True, check=False)

    def calls(self) -> list[list[str]]:
        """Return the arguments of all calls of the engine."""
        return [json.loads(line) for line in (self.folder / "engine" / "calls").read_text().splitlines()]

    def configuration(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what was copied into the container of Quay: the description of the file, and its contents."""
        copied = json.loads((self.folder / "engine" / "copied-config.yaml").read_text())
        return copied, yaml.safe_load(copied.pop("content"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine.create(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario_passes_and_leaves_nothing(machine: Machine, scenario: str) -> None:
    image = f"quay.example.com/quay:{scenario.partition('-')[2]}"
    done = machine.molecule("test", "--scenario-name", scenario, QUAY_IMAGE=image)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-8000:]
    assert images_of(machine) == ["postgres:16", "redis:7", image]
    copied, config = machine.configuration()
    assert copied == {"uid": 1001, "mode": 0o600, "target": f"tokensmith-{scenario}-quay:/conf/stack"}
    assert (machine.folder / "clone" / "called").read_text().split()[:2] == [
        f"http://127.0.0.1:{machine.port}",
        "admin",
    ]
    check_secrets(machine, config, output)
    left = [path.name for path in (machine.folder / "engine").iterdir()]
    assert not [name for name in left if name.startswith(("container-", "network-", "pid-"))]
    assert not list((machine.folder / "home").rglob("secrets"))


def images_of(machine: Machine) -> list[str]:
    return [call[-1] for call in machine.calls() if call[0] in ("run", "create")]


def check_secrets(machine: Machine, config: dict[str, Any], output: str) -> None:
    """All passwords differ, and none is in an argument or in the output."""
    login, _at, _place = config["DB_URI"].removeprefix("postgresql://quay:").partition("@")
    admin = (machine.folder / "clone" / "password").read_text().strip()
    secrets = [login, admin, config["SECRET_KEY"], config["DATABASE_SECRET_KEY"]]
    assert len({secret for secret in secrets if len(secret) == 32}) == 4
    for secret in secrets:
        assert secret not in output
        assert secret not in json.dumps(machine.calls())


def test_scenario_asks_for_the_image(machine: Machine) -> None:
    done = machine.molecule("create", "--scenario-name", "quay-3.18")
    assert done.returncode != 0
    message = " ".join((done.stdout + done.stderr).split())
    assert "Set the environment variable QUAY_IMAGE to the image of Quay 3.18" in message
    assert not (machine.folder / "engine" / "calls").exists()


def test_scenarios_differ_in_the_version_only() -> None:
    old, new = ((EXTENSIONS / "molecule" / name / "molecule.yml").read_text() for name in SCENARIOS)
    assert old.replace("3.17", "3.18") == new
    settings = yaml.safe_load(new)
    for playbook in settings["ansible"]["playbooks"].values():
        assert (EXTENSIONS / "molecule" / "quay-3.18" / playbook).is_file()


def test_scenarios_name_no_registry() -> None:
    """The user names the images. Those with defaults have short names."""
    texts = [path.read_text() for path in (EXTENSIONS / "molecule").rglob("*") if path.is_file()]
    found = {name for text in texts for name in re.findall(r"\b((?:[\w-]+\.)+[a-z]{2,})/[\w./-]+:", text)}
    assert found == {"quay.example.com"}


def test_no_pipeline_runs_containers() -> None:
    """Without --all, Molecule runs the scenario `default` alone."""
    assert main.COMMANDS["molecule-quay"] is molecule.molecule_quay
    assert molecule.molecule_quay not in {**main.ALL_STAGES, **main.SOURCES, **main.PRODUCT}.values()
    assert "--all" not in inspect.getsource(molecule.molecule)
