# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-ins and their inhabitants, for every test below this folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from functional.inhabitants import ALL_SCOPES, Inhabitants, settle
from functional.modules import Modules
from functional.watch import Secrets
from functional.world import World
from standin import Standin

FAMILIES = ("3.18", "3.17")


@pytest.fixture(scope="session")
def secrets() -> Iterator[Secrets]:
    with pytest.MonkeyPatch.context() as patch:
        yield Secrets(patch)


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Modules]:
    with Modules(tmp_path_factory.mktemp("home")) as running:
        yield running


class Settlements:
    """A stand-in per family, settled once; each test finds it as it was then."""

    def __init__(self, stack: ExitStack, secrets: Secrets) -> None:
        self._stack = stack
        self._secrets = secrets
        self._settled: dict[tuple[str, bool], tuple[Standin, Inhabitants, dict[str, Any]]] = {}

    def of(self, family: str, *, tls: bool = False) -> tuple[Standin, Inhabitants]:
        if (family, tls) not in self._settled:
            quay = self._stack.enter_context(Standin(family, tls=tls))
            people = settle(quay)
            self._secrets.add(person.password for person in (people.root, people.alice, people.bob, people.carol))
            self._secrets.keep()
            self._settled[family, tls] = quay, people, quay.quay.snapshot()
        quay, people, snapshot = self._settled[family, tls]
        quay.quay.restore(snapshot)
        quay.faults.clear()
        quay.journal.clear()
        return quay, people


@pytest.fixture(scope="session")
def settlements(secrets: Secrets) -> Iterator[Settlements]:
    with ExitStack() as stack:
        yield Settlements(stack, secrets)


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def tls() -> bool:
    """Whether the world's Quay is reached over TLS; where it matters, a test says so."""
    return False


@pytest.fixture
def world(
    family: str,
    tls: bool,
    settlements: Settlements,
    secrets: Secrets,
    modules: Modules,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """Alice's view, by her bearer token, unless a test changes `login`."""
    quay, people = settlements.of(family, tls=tls)
    secrets.forget()
    folder = tmp_path / "target"
    folder.mkdir()
    made = World(quay, people, secrets, modules, folder, {"quay_token": people.alice_token})
    made.listen(monkeypatch)
    return made


@pytest.fixture
def either_login(world: World) -> World:
    """The world by bearer token on one family and by password on the other, where the two have nothing to do."""
    if world.quay.quay.family == "3.17":
        world.login = world.people.alice.by_password
    return world


@pytest.fixture
def superuser(world: World) -> World:
    """The world as its superuser sees it: by bearer token on one family and by password on the other."""
    root = world.people.root
    world.login = root.by_password
    if world.quay.quay.family == "3.18":
        office = root.browser()
        office.call("POST", "/api/v1/organization/", {"name": "office"})
        client_id = office.call("POST", "/api/v1/organization/office/applications", {"name": "x"}).json()["client_id"]
        world.login = root.by_token(client_id, f"{ALL_SCOPES} super:user")
    world.quay.journal.clear()
    return world


@pytest.fixture(params=("bearer", "session"))
def each_login(request: pytest.FixtureRequest, world: World) -> World:
    """The world by bearer token and by password, on the same family."""
    if request.param == "session":
        world.login = world.people.alice.by_password
    return world
