# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: a stand-in of each family with accounts, and a harness to run modules against it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from functional.accounts import ALL_SCOPES, Accounts, create_accounts
from functional.federated import Federated
from functional.harness import Harness
from functional.known_secrets import KnownSecrets
from functional.module_runner import ModuleRunner
from oidc_issuer import OidcIssuer
from standin import Standin

FAMILIES = ("3.18", "3.17")
# For a test that runs many plays: by the older one in the complete run only.
OLDER_IS_SLOW = pytest.mark.parametrize("family", ["3.18", pytest.param("3.17", marks=pytest.mark.slow)])


@pytest.fixture(scope="session")
def known_secrets() -> Iterator[KnownSecrets]:
    with pytest.MonkeyPatch.context() as patch:
        yield KnownSecrets(patch)


@pytest.fixture(scope="session")
def module_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleRunner]:
    with ModuleRunner(tmp_path_factory.mktemp("home")) as runner:
        yield runner


class Standins:
    """One stand-in per family. Its accounts are created once, and its state is restored for each test."""

    def __init__(self, stack: ExitStack, known_secrets: KnownSecrets) -> None:
        self._stack = stack
        self._known_secrets = known_secrets
        self._standins: dict[tuple[str, bool], tuple[Standin, Accounts, dict[str, Any]]] = {}

    def get(self, family: str, *, tls: bool = False) -> tuple[Standin, Accounts]:
        if (family, tls) not in self._standins:
            quay = self._stack.enter_context(Standin(family, tls=tls))
            accounts = create_accounts(quay)
            self._known_secrets.add(
                user.password for user in (accounts.root, accounts.alice, accounts.bob, accounts.carol)
            )
            self._known_secrets.mark_permanent()
            self._standins[family, tls] = quay, accounts, quay.quay.snapshot()
        quay, accounts, snapshot = self._standins[family, tls]
        quay.quay.restore(snapshot)
        quay.faults.clear()
        quay.journal.clear()
        return quay, accounts


@pytest.fixture(scope="session")
def standins(known_secrets: KnownSecrets) -> Iterator[Standins]:
    with ExitStack() as stack:
        yield Standins(stack, known_secrets)


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def tls() -> bool:
    """Whether the stand-in uses TLS. Tests that need it override this fixture."""
    return False


@pytest.fixture
def harness(
    family: str,
    tls: bool,
    standins: Standins,
    known_secrets: KnownSecrets,
    module_runner: ModuleRunner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Harness:
    """A harness that logs in as alice by bearer token. A test can change `login`."""
    quay, accounts = standins.get(family, tls=tls)
    known_secrets.reset()
    folder = tmp_path / "target"
    folder.mkdir()
    harness = Harness(quay, accounts, known_secrets, module_runner, folder, {"quay_token": accounts.alice_token})
    harness.install_hooks(monkeypatch)
    return harness


@pytest.fixture
def either_login(harness: Harness) -> Harness:
    """A harness that logs in by bearer token on one family and by password on the other."""
    if harness.quay.quay.family == "3.17":
        harness.login = harness.accounts.alice.by_password
    return harness


@pytest.fixture
def superuser(harness: Harness) -> Harness:
    """A harness that logs in as superuser, by bearer token on one family and by password on the other."""
    root = harness.accounts.root
    harness.login = root.by_password
    if harness.quay.quay.family == "3.18":
        browser = root.browser()
        browser.call("POST", "/api/v1/organization/", {"name": "tools"})
        client_id = browser.call("POST", "/api/v1/organization/tools/applications", {"name": "x"}).json()["client_id"]
        harness.login = root.by_token(client_id, f"{ALL_SCOPES} super:user")
    harness.quay.journal.clear()
    return harness


@pytest.fixture(scope="session")
def running_issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as issuer:
        yield issuer


@pytest.fixture
def federated(harness: Harness, running_issuer: OidcIssuer) -> Iterator[Federated]:
    """A robot with federation, and the issuer that it trusts."""
    yield Federated.of(harness, running_issuer)
    running_issuer.reset()


@pytest.fixture(params=("bearer", "session"))
def each_login(request: pytest.FixtureRequest, harness: Harness) -> Harness:
    """A harness that logs in by bearer token and by password, on the same family."""
    if request.param == "session":
        harness.login = harness.accounts.alice.by_password
    return harness
