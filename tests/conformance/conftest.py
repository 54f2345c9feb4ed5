# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the facts are checked against: a stand-in of each family, or the real Quay that the environment names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
import requests

from conformance.client import TIMEOUT_S, Client, Secret, Target, access_token, unique
from standin import Standin
from standin.config import FAMILIES

_REAL_URL = os.environ.get("QUAY_TEST_URL", "").rstrip("/")
_PASSWORD = Secret("standin-password")


def _verify() -> str | bool:
    return os.environ.get("QUAY_TEST_CA_PATH") or True


def _real_family() -> str:
    """Asked as the contract says: the address of application tokens is there or it is not."""
    path = "/api/v1/organization/zz/applications/zz/tokens"
    response = requests.get(_REAL_URL + path, allow_redirects=False, timeout=TIMEOUT_S, verify=_verify())
    return "3.18" if response.status_code == 401 else "3.17"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "family(name): a fact of one family of servers alone")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "family" in metafunc.fixturenames:
        families = (_real_family(),) if _REAL_URL else FAMILIES
        metafunc.parametrize("family", families, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the Quay under test cannot show: the other family's facts, and what needs the control plane."""
    left_out = [item for item in items if not _applies(item)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def _applies(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function) or "family" not in item.fixturenames:
        return True
    marker = item.get_closest_marker("family")
    if marker and item.callspec.params["family"] != marker.args[0]:
        return False
    return not (_REAL_URL and {"standin", "fresh"} & set(item.fixturenames))


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
    """The stand-in behind the target, for facts that need its clock or configuration; what they do is undone."""
    assert target.standin
    snapshot = target.standin.quay.snapshot()
    yield target.standin
    target.standin.faults.clear()
    target.standin.quay.restore(snapshot)


@pytest.fixture
def fresh(family: str) -> Iterator[Target]:
    """A stand-in of its own, as empty as a freshly installed Quay."""
    with Standin(family) as standin:
        yield Target(standin.url, "first", _PASSWORD, verify=True, family=family, standin=standin)


@dataclass
class World:
    """What the tests of a session share: an organization, an application, and a user who is no member."""

    target: Target
    superuser: Client
    org: str
    client_id: str
    client_secret: Secret
    user: Client
    username: str
    password: Secret
    _tokens: dict[str, Secret] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"/api/v1/organization/{self.org}"

    @property
    def application(self) -> str:
        return f"{self.base}/applications/{self.client_id}"

    @property
    def redirect_uri(self) -> str:
        return f"{self.target.url}/oauth/localapp"

    def form(self, **changes: str) -> dict[str, str]:
        """The form of the user interface's `Generate Token`."""
        form = {"response_type": "token", "client_id": self.client_id, "redirect_uri": self.redirect_uri}
        return form | {"scope": "repo:read"} | changes

    def mint(self, scope: str) -> Secret:
        """A new OAuth token of the superuser."""
        return access_token(self.superuser.post("/oauth/authorizeapp", data=self.form(scope=scope)))

    def token(self, scope: str) -> Secret:
        """The session's OAuth token with these scopes."""
        if scope not in self._tokens:
            self._tokens[scope] = self.mint(scope)
        return self._tokens[scope]

    def robot(self) -> tuple[str, Secret]:
        """A new robot: short name and token."""
        shortname = unique("r")
        response = self.superuser.put(f"{self.base}/robots/{shortname}")
        assert response.status_code == 201, response.text
        return shortname, Secret(response.json()["token"])

    def repository(self, visibility: str = "private") -> str:
        """A new repository of the organization: its name."""
        name = unique("repo")
        body = {"namespace": self.org, "repository": name, "visibility": visibility, "description": ""}
        response = self.superuser.post("/api/v1/repository", body)
        assert response.status_code == 201, response.text
        return name

    def team(self, role: str = "member") -> str:
        name = unique("team")
        assert self.superuser.put(f"{self.base}/team/{name}", {"role": role}).status_code == 200
        return name


@pytest.fixture(scope="session")
def world(target: Target) -> Iterator[World]:
    with ExitStack() as stack:
        superuser = stack.enter_context(Client(target))
        assert superuser.sign_in(target.username, target.password).status_code == 200
        org, username = unique(), unique("confuser")
        created = superuser.post("/api/v1/organization/", {"name": org, "email": f"{org}@example.com"})
        assert created.status_code == 201, created.text
        stack.callback(superuser.delete, f"/api/v1/superuser/organizations/{org}")
        application = superuser.post(f"/api/v1/organization/{org}/applications", {"name": "conformance"}).json()
        password = _create_user(superuser, username)
        stack.callback(superuser.delete, f"/api/v1/superuser/users/{username}")
        user = stack.enter_context(Client(target))
        assert user.sign_in(username, password).status_code == 200
        yield World(
            target,
            superuser,
            org,
            application["client_id"],
            Secret(application["client_secret"]),
            user,
            username,
            password,
        )


def _create_user(superuser: Client, username: str) -> Secret:
    response = superuser.post("/api/v1/superuser/users/", {"username": username, "email": f"{username}@example.com"})
    assert response.status_code == 200, response.text
    return Secret(response.json()["password"])


@pytest.fixture
def passing_user(world: World) -> Iterator[tuple[str, Secret]]:
    """A user for one test: name and password."""
    username = unique("passing")
    yield username, _create_user(world.superuser, username)
    world.superuser.delete(f"/api/v1/superuser/users/{username}")


@pytest.fixture
def passing_org(world: World) -> Iterator[str]:
    """An organization of the superuser for one test."""
    name = unique("passing")
    assert world.superuser.post("/api/v1/organization/", {"name": name}).status_code == 201
    yield name
    world.superuser.delete(f"/api/v1/superuser/organizations/{name}")


@pytest.fixture
def caller(target: Target) -> Iterator[Callable[..., Client]]:
    """Make clients that are closed when the test is over."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Client(target, **options))


@pytest.fixture
def anonymous(target: Target) -> Iterator[Client]:
    with Client(target) as client:
        yield client


@pytest.fixture
def bearer(world: World, caller: Callable[..., Client]) -> Callable[[str], Client]:
    """A client with a token of the superuser that has these scopes."""
    return lambda scope: caller(bearer=world.token(scope))


def pytest_report_header(config: pytest.Config) -> str:
    return f"conformance: {_REAL_URL or 'stand-ins of ' + ', '.join(FAMILIES)}"
