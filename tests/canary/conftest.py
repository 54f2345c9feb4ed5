# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: the ansible-core, the families of servers, and the states of the stand-in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from canary.controller import Controller, Run
from canary.harness import ROTATE_WITH_FACTS, Harness, Login, prepare_standin
from canary.leak_detector import LeakDetector
from standin import Standin
from standin.config import FAMILIES

PREPARED = "prepared"
ROTATED = "rotated"

# Before 3.18 tokens can only be minted with a password.
_LOGINS = {"3.18": ("bearer", "password"), "3.17": ("password",)}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("canary")
    group.addoption("--commands", type=Path, default=Path(sys.executable).parent, help="folder of ansible-playbook")
    group.addoption("--family", action="append", choices=FAMILIES, help="family of the stand-in (default: all)")
    group.addoption("--full", action="store_true", help="test every login, with and without pipelining")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    full = metafunc.config.getoption("full")
    if "harness" in metafunc.fixturenames:
        families = metafunc.config.getoption("family") or FAMILIES
        kinds = [f"{family} by {login}" for family in families for login in _LOGINS[family][: None if full else 1]]
        metafunc.parametrize("harness", kinds, indirect=True, scope="session")
    if "pipelining" in metafunc.fixturenames:
        values = (False, True) if full else (False,)
        metafunc.parametrize("pipelining", values, ids=[f"pipelining {'on' if on else 'off'}" for on in values])


@pytest.fixture(scope="session")
def leak_detector() -> Iterator[LeakDetector]:
    with pytest.MonkeyPatch.context() as patch:
        yield LeakDetector(patch)


@pytest.fixture(scope="session")
def controller(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Controller:
    return Controller(pytestconfig.getoption("commands").resolve(), tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def harness(
    request: pytest.FixtureRequest,
    leak_detector: LeakDetector,
    controller: Controller,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Harness]:
    family, _by, login = request.param.split()
    with Standin(family) as standin:
        accounts = prepare_standin(standin, leak_detector)
        options = {"quay_token": accounts.alice_token} if login == "bearer" else accounts.alice.by_password
        harness = Harness(
            standin, accounts, leak_detector, controller, tmp_path_factory.mktemp("harness"), Login(options)
        )
        harness.stores.mkdir()
        harness.save_state(PREPARED)
        yield harness


@pytest.fixture
def prepared(harness: Harness) -> Harness:
    """Accounts, an organization and a login. Nothing is rotated yet."""
    harness.restore_state(PREPARED)
    return harness


@pytest.fixture(scope="session")
def first_rotation(harness: Harness) -> Run:
    """The first rotation, which creates all credentials."""
    harness.restore_state(PREPARED)
    run = harness.rotate(playbook=ROTATE_WITH_FACTS, settings={"ANSIBLE_CACHE_PLUGIN": "jsonfile"})
    harness.save_state(ROTATED)
    return run


@pytest.fixture
def rotated(harness: Harness, first_rotation: Run) -> Harness:
    """Every credential is in its stores, and none is due."""
    harness.restore_state(ROTATED)
    return harness
