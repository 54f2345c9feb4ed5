# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ansible-core and the families that are tried, and the states in which a test may find a world."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from canary.controller import Controller, Run
from canary.ledger import Ledger
from canary.world import ROTATE_WITH_FACTS, Login, World, inhabit
from standin import Standin
from standin.config import FAMILIES

SETTLED = "settled"
ROTATED = "rotated"

# Before 3.18 only a password can issue tokens.
_LOGINS = {"3.18": ("bearer", "password"), "3.17": ("password",)}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("canary")
    group.addoption("--commands", type=Path, default=Path(sys.executable).parent, help="folder of ansible-playbook")
    group.addoption("--family", action="append", choices=FAMILIES, help="of stand-ins to try; all unless given")
    group.addoption("--full", action="store_true", help="every login, with pipelining and without")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    full = metafunc.config.getoption("full")
    if "world" in metafunc.fixturenames:
        families = metafunc.config.getoption("family") or FAMILIES
        kinds = [f"{family} by {login}" for family in families for login in _LOGINS[family][: None if full else 1]]
        metafunc.parametrize("world", kinds, indirect=True, scope="session")
    if "pipelining" in metafunc.fixturenames:
        values = (False, True) if full else (False,)
        metafunc.parametrize("pipelining", values, ids=[f"pipelining {'on' if on else 'off'}" for on in values])


@pytest.fixture(scope="session")
def ledger() -> Iterator[Ledger]:
    with pytest.MonkeyPatch.context() as patch:
        yield Ledger(patch)


@pytest.fixture(scope="session")
def controller(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Controller:
    return Controller(pytestconfig.getoption("commands").resolve(), tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def world(
    request: pytest.FixtureRequest, ledger: Ledger, controller: Controller, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    family, _by, login = request.param.split()
    with Standin(family) as standin:
        people = inhabit(standin, ledger)
        options = {"quay_token": people.alice_token} if login == "bearer" else people.alice.by_password
        made = World(standin, people, ledger, controller, tmp_path_factory.mktemp("world"), Login(options))
        made.stores.mkdir()
        made.keep(SETTLED)
        yield made


@pytest.fixture
def settled(world: World) -> World:
    """People, an organization and a login; nothing is rotated yet."""
    world.restore(SETTLED)
    return world


@pytest.fixture(scope="session")
def first_rotation(world: World) -> Run:
    """The run by which everything came into being."""
    world.restore(SETTLED)
    run = world.rotate(playbook=ROTATE_WITH_FACTS, settings={"ANSIBLE_CACHE_PLUGIN": "jsonfile"})
    world.keep(ROTATED)
    return run


@pytest.fixture
def rotated(world: World, first_rotation: Run) -> World:
    """Every credential is in its stores, and nothing is due."""
    world.restore(ROTATED)
    return world
