# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that the guide to other systems shows, run as they stand with the modules of community.general."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract import collection
from functional.ci_systems import CiSystems, install_community_general
from functional.documentation import examples_of_guide
from functional.harness import Harness
from functional.role import Role, Run
from standin.tokens import fingerprint

pytestmark = pytest.mark.slow

EXAMPLES = {text.partition("\n")[0].removeprefix("# "): text for text in examples_of_guide("guide_task_files")}
TOKENS = {"gitlab_token": "glpat-0123456789", "github_token": "ghp_0123456789"}


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collections")
    install_community_general(folder)
    return folder


@pytest.fixture
def systems() -> Iterator[CiSystems]:
    with CiSystems() as systems:
        yield systems


@pytest.fixture
def role(harness: Harness, collections: Path) -> Role:
    role = Role(harness, environ={"ANSIBLE_COLLECTIONS_PATH": f"{collection.COLLECTIONS}:{collections}"})
    for name, text in EXAMPLES.items():
        (role.folder.parent / name).write_text(text)
    harness.known_secrets.add(list(TOKENS.values()))
    return role


def rotate(role: Role, systems: CiSystems, *arguments: str, **changes: Any) -> Run:
    """Run the play of the guide on these systems."""
    systems.writes.clear()
    play = yaml.safe_load(EXAMPLES["rotate.yml"])
    play[0]["vars"].update(gitlab_url=systems.url, github_api=systems.url)
    (declared,) = play[0]["vars"].pop("rotation_credentials")
    return role.run([{**declared, **changes}], "-vvvv", *arguments, play=yaml.safe_dump(play), **TOKENS)


def held(systems: CiSystems) -> set[str]:
    """The fingerprints of the secrets in both systems."""
    return {fingerprint(systems.gitlab["QUAY_TOKEN"]["value"]), fingerprint(systems.github["QUAY_TOKEN"])}


def test_secret_in_both_systems(role: Role, systems: CiSystems, harness: Harness) -> None:
    checked = rotate(role, systems, "--check")
    assert (checked.failed, systems.writes) == (False, [])
    assert not rotate(role, systems).failed
    present = harness.robot_fingerprint()
    assert held(systems) == {present}
    assert systems.gitlab["QUAY_USERNAME"]["value"] == "acme+ci"
    assert systems.gitlab["QUAY_TOKEN"]["masked"] is True
    assert systems.github_variables == {"QUAY_TOKEN_FINGERPRINT": present}
    # Nothing is written again. What is changed by hand in GitLab is repaired.
    assert not rotate(role, systems).failed
    assert systems.writes == []
    systems.gitlab["QUAY_TOKEN"]["value"] = "changed by hand"
    assert not rotate(role, systems).failed
    assert [request.partition(" ")[0] for request in systems.writes] == ["POST", "DELETE", "POST"]
    assert held(systems) == {present}
    # A rotation.
    assert not rotate(role, systems, rotate="always").failed
    assert held(systems) == {harness.robot_fingerprint()} != {present}
    assert systems.github_variables == {"QUAY_TOKEN_FINGERPRINT": harness.robot_fingerprint()}


def test_failure_and_removal(role: Role, systems: CiSystems, harness: Harness) -> None:
    assert not rotate(role, systems).failed
    systems.down = True
    run = rotate(role, systems, rotate="always")
    assert run.failed
    assert "failed in the task 'Set the variables of the project'" in run.text
    assert "failed in the task 'Read which secret GitHub has'" in run.text
    systems.down = False
    assert not rotate(role, systems).failed
    assert held(systems) == {harness.robot_fingerprint()}
    assert not rotate(role, systems, state="absent").failed
    assert (systems.gitlab, systems.github, systems.github_variables) == ({}, {}, {})
    assert not rotate(role, systems, state="absent").failed
    assert systems.writes == []
