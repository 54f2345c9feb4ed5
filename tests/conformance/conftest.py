# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: the Quay under test, which is a stand-in of each family or the real Quay of QUAY_TEST_URL."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from conformance.client import TIMEOUT_S, Client, Secret, Target, unique
from conformance.resources import Resources, create_user
from oidc_issuer import OidcIssuer
from standin import Standin
from standin.config import FAMILIES

_REAL_URL = os.environ.get("QUAY_TEST_URL", "").rstrip("/")
# A certificate and its key for the OIDC issuer of the tests, of a CA that the real Quay trusts.
_ISSUER_CERT = os.environ.get("QUAY_TEST_ISSUER_CERT", "")
_PASSWORD = Secret("standin-password")
_HERE = Path(__file__).parent


def _verify() -> str | bool:
    return os.environ.get("QUAY_TEST_CA_PATH") or True


@functools.cache
def _real_family() -> str:
    """Detect the family by the endpoint of application tokens, which older servers do not have."""
    path = "/api/v1/organization/zz/applications/zz/tokens"
    response = requests.get(_REAL_URL + path, allow_redirects=False, timeout=TIMEOUT_S, verify=_verify())
    return "3.18" if response.status_code == 401 else "3.17"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "family(name): a fact of one family of servers only")
    config.addinivalue_line("markers", "standin: about the stand-in itself")
    config.addinivalue_line("markers", "issuer: needs a Quay that reaches and trusts the OIDC issuer of the tests")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "family" in metafunc.fixturenames:
        families = (_real_family(),) if _REAL_URL else FAMILIES
        metafunc.parametrize("family", families, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests of another family, and with a real Quay tests that need the control plane."""
    applies = [(item, _applies(item)) for item in items]
    items[:] = [item for item, selected in applies if selected]
    config.hook.pytest_deselected(items=[item for item, selected in applies if not selected])


def _applies(item: pytest.Item) -> bool:
    # The hook receives all tests of the session.
    if not isinstance(item, pytest.Function) or _HERE not in item.path.parents:
        return True
    marker = item.get_closest_marker("family")
    if marker and item.callspec.params["family"] != marker.args[0]:
        return False
    if _REAL_URL and not _ISSUER_CERT and item.get_closest_marker("issuer"):
        return False
    needs_standin = item.get_closest_marker("standin") or {"standin", "fresh"} & set(item.fixturenames)
    return not (_REAL_URL and needs_standin)


@pytest.fixture(scope="session")
def target(family: str) -> Iterator[Target]:
    """The Quay under test, with a superuser."""
    if _REAL_URL:
        names = (os.environ["QUAY_TEST_USERNAME"], os.environ["QUAY_TEST_PASSWORD"])
        yield Target(_REAL_URL, names[0], Secret(names[1]), verify=_verify(), family=family)
        return
    with Standin(family) as standin:
        found = Target(standin.url, "superuser", _PASSWORD, verify=True, family=family, standin=standin)
        user = {"username": found.username, "password": _PASSWORD, "email": "superuser@example.com"}
        with Client(found) as client:
            assert client.post("/api/v1/user/initialize", user).status_code == 200
        yield found


@pytest.fixture
def standin(target: Target) -> Iterator[Standin]:
    """The stand-in, for tests that need its clock or configuration. Its state is restored afterwards."""
    assert target.standin
    snapshot = target.standin.quay.snapshot()
    yield target.standin
    target.standin.faults.clear()
    target.standin.quay.restore(snapshot)


@pytest.fixture(scope="session")
def running_issuer() -> Iterator[OidcIssuer]:
    """An OIDC issuer. A real Quay trusts its certificate (QUAY_TEST_ISSUER_CERT) and reaches it by its URL."""
    url = os.environ.get("QUAY_TEST_ISSUER_URL") if _REAL_URL else None
    options: dict[str, Any] = {}
    if url:
        options = {"host": "0.0.0.0", "port": urlsplit(url).port or 443, "url": url, "certificate": Path(_ISSUER_CERT)}
    with OidcIssuer(**options) as issuer:
        yield issuer


@pytest.fixture
def issuer(running_issuer: OidcIssuer, target: Target) -> Iterator[OidcIssuer]:
    if target.standin:
        running_issuer.now = target.standin.clock.timestamp
        target.standin.config["STANDIN_ISSUER_CA"] = running_issuer.ca_path
    yield running_issuer
    running_issuer.reset()


@pytest.fixture
def fresh(family: str) -> Iterator[Target]:
    """A separate, empty stand-in, as after installation."""
    with Standin(family) as standin:
        yield Target(standin.url, "first", _PASSWORD, verify=True, family=family, standin=standin)


@pytest.fixture(scope="session")
def resources(target: Target) -> Iterator[Resources]:
    with ExitStack() as stack:
        superuser = stack.enter_context(Client(target))
        assert superuser.sign_in(target.username, target.password).status_code == 200
        superuser.keep_fresh(target.password)
        org, username = unique(), unique("confuser")
        created = superuser.post("/api/v1/organization/", {"name": org, "email": f"{org}@example.com"})
        assert created.status_code == 201, created.text
        stack.callback(superuser.delete, f"/api/v1/superuser/organizations/{org}")
        application = superuser.post(f"/api/v1/organization/{org}/applications", {"name": "conformance"}).json()
        password = create_user(superuser, username)
        stack.callback(superuser.delete, f"/api/v1/superuser/users/{username}")
        user = stack.enter_context(Client(target))
        assert user.sign_in(username, password).status_code == 200
        user.keep_fresh(password)
        yield Resources(
            target,
            superuser,
            org,
            application["client_id"],
            Secret(application["client_secret"]),
            user,
            username,
            password,
        )


@pytest.fixture
def temporary_user(resources: Resources) -> Iterator[tuple[str, Secret]]:
    """A user for one test. Yields name and password."""
    username = unique("passing")
    yield username, create_user(resources.superuser, username)
    # Quay does not delete a disabled user.
    resources.superuser.put(f"/api/v1/superuser/users/{username}", {"enabled": True})
    resources.superuser.delete(f"/api/v1/superuser/users/{username}")


@pytest.fixture
def temporary_org(resources: Resources) -> Iterator[str]:
    """An organization of the superuser for one test."""
    name = unique("passing")
    assert resources.superuser.post("/api/v1/organization/", {"name": name}).status_code == 201
    yield name
    resources.superuser.delete(f"/api/v1/superuser/organizations/{name}")


@pytest.fixture
def new_client(target: Target) -> Iterator[Callable[..., Client]]:
    """Create clients. They are closed at the end of the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Client(target, **options))


@pytest.fixture
def anonymous(target: Target) -> Iterator[Client]:
    with Client(target) as client:
        yield client


@pytest.fixture
def bearer(resources: Resources, new_client: Callable[..., Client]) -> Callable[[str], Client]:
    """A client with a token of the superuser that has these scopes."""
    return lambda scope: new_client(bearer=resources.token(scope))


def pytest_report_header(config: pytest.Config) -> str:
    return f"conformance: {_REAL_URL or 'stand-ins of ' + ', '.join(FAMILIES)}"
