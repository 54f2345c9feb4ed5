# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workflows of GitHub Actions: they call existing make targets, and they can only read the repository."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from . import collection

WORKFLOWS = collection.ROOT / ".github" / "workflows"
# Each workflow by the name of its file, with the make target that it calls.
TARGETS = {"integration": "integration", "lint": "lint", "sanity": "sanity", "units": "unit"}
# The oldest Python that can run make.
MAIN_PYTHON = (3, 11)

_ACTION = re.compile(r"^actions/[a-z-]+@v\d+$")

every_workflow = pytest.mark.parametrize("name", TARGETS)


def text_of(name: str) -> str:
    return (WORKFLOWS / f"{name}.yml").read_text()


def load(name: str) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load(text_of(name))
    return workflow


def job_of(name: str) -> dict[str, Any]:
    """Return the only job of a workflow. It has the name of the file."""
    jobs: dict[str, dict[str, Any]] = load(name)["jobs"]
    assert list(jobs) == [name]
    return jobs[name]


def phony_targets() -> set[str]:
    makefile = (collection.ROOT / "Makefile").read_text()
    return set(re.findall(r"^\.PHONY: ([a-z-]+)$", makefile, re.MULTILINE))


def test_no_workflow_is_untested() -> None:
    assert {path.name for path in WORKFLOWS.iterdir()} == {f"{name}.yml" for name in TARGETS}


@every_workflow
def test_workflow_calls_an_existing_make_target(name: str) -> None:
    commands = [step["run"] for step in job_of(name)["steps"] if "run" in step]
    assert commands == [f"make {TARGETS[name]}"]
    assert TARGETS[name] in phony_targets()


@every_workflow
def test_workflow_runs_on_push_and_pull_request(name: str) -> None:
    # The key is quoted in the file. YAML 1.1 reads a bare "on" as true.
    assert load(name)["on"] == {"push": {"branches": ["main"]}, "pull_request": None}


@every_workflow
def test_workflow_can_only_read(name: str) -> None:
    assert load(name)["permissions"] == {"contents": "read"}
    assert "permissions" not in job_of(name)
    assert "secrets." not in text_of(name)


@every_workflow
def test_workflow_cancels_superseded_runs(name: str) -> None:
    expected = {"group": "${{ github.workflow }}-${{ github.ref }}", "cancel-in-progress": True}
    assert load(name)["concurrency"] == expected


@every_workflow
def test_job_is_limited_in_time_and_runs_on_a_fixed_system(name: str) -> None:
    job = job_of(name)
    assert 0 < job["timeout-minutes"] <= 120
    assert re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"])


@every_workflow
def test_actions_are_pinned_to_a_major_version(name: str) -> None:
    used = [step["uses"] for step in job_of(name)["steps"] if "uses" in step]
    assert used == ["actions/checkout@v4", "actions/setup-python@v5"]
    assert all(_ACTION.match(action) for action in used)


@every_workflow
def test_checkout_leaves_no_token_behind(name: str) -> None:
    checkout = job_of(name)["steps"][0]
    assert checkout["with"] == {"persist-credentials": False}


@every_workflow
def test_python_can_run_make(name: str) -> None:
    versions = str(job_of(name)["steps"][1]["with"]["python-version"]).split()
    # With several versions, the last one is "python3".
    assert tuple(int(part) for part in versions[-1].split(".")) >= MAIN_PYTHON
