# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server of the measurements: a stand-in with the cost of a real one, or the server of QUAY_TEST_URL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests

from conformance.client import Client, Secret, Target, access_token
from faults.servers import real_quay
from standin import Standin, tokens
from standin.cost import Cost
from standin.state import Robot

PASSWORD = Secret("a-password-of-the-standin")
SCOPES = "org:admin repo:read user:admin"
REPOSITORY = "app"


class Refused(Exception):
    """The server refused a request of the preparation."""


@dataclass
class Quay:
    """A server, an organization of its own for the robots, and the API token of the runs."""

    target: Target
    superuser: Client = field(repr=False)
    organization: str
    token: Secret = field(repr=False)
    # That of a stand-in, while it is measured.
    cost: Cost

    @property
    def standin(self) -> Standin | None:
        return self.target.standin

    @property
    def description(self) -> str:
        if self.standin is None:
            return f"Quay {self.target.family} at {self.target.url}; its requests are not counted"
        seconds, workers = self.cost.hash_seconds, self.cost.workers
        return (
            f"a stand-in Quay {self.target.family} on this machine, {workers} workers, "
            f"{seconds * 1000:.0f} ms for a password hash (each request with an API token has one)"
        )

    @property
    def environment(self) -> dict[str, str]:
        """The login as environment variables of the collection."""
        verify = self.target.verify
        ca_path = {"QUAY_CA_PATH": verify} if isinstance(verify, str) else {}
        return {"QUAY_HOST": self.target.url, "QUAY_TOKEN": str(self.token), **ca_path}

    def robots(self, count: int, prefix: str) -> list[str]:
        """Create robots, at once on a stand-in. Returns their complete names."""
        names = [f"{self.organization}+{prefix}{number:05}" for number in range(count)]
        for name in names:
            if self.standin:
                self._put_into_state(self.standin, name)
            else:
                path = f"/api/v1/organization/{self.organization}/robots/{name.partition('+')[2]}"
                expect(self.superuser.put(path), 201)
        return names

    def remove(self, robots: Sequence[str]) -> None:
        """Delete robots, so that they do not lengthen the list of the next measurement."""
        for name in robots:
            if self.standin:
                self.standin.state.robots.pop(name, None)
            else:
                self.superuser.delete(f"/api/v1/organization/{self.organization}/robots/{name.partition('+')[2]}")

    def _put_into_state(self, standin: Standin, name: str) -> None:
        state = standin.state
        state.robots[name] = Robot(
            name=name, token=tokens.robot_token(), created=standin.clock.now(), id=state.next_id(), description=""
        )

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Let requests have their cost. Afterwards the list has the requests to a stand-in, as METHOD and path."""
        sent: list[str] = []
        if self.standin is None:
            yield sent
            return
        self.standin.journal.clear()
        self.standin.cost = self.cost
        try:
            yield sent
        finally:
            self.standin.cost = Cost()
            sent += [f"{entry.method} {entry.path}" for entry in self.standin.journal]

    def count(self, sent: list[str]) -> int | None:
        """The number of requests, none if they are not counted."""
        return len(sent) if self.standin else None


def expect(response: requests.Response, status: int) -> None:
    """Raise Refused if the server answered otherwise. The text of a response may hold a secret."""
    if response.status_code != status:
        request = f"{response.request.method} {urlsplit(response.url).path}"
        raise Refused(f"{request} returned the status {response.status_code} instead of {status}")


@contextmanager
def serve(cost: Cost) -> Iterator[Quay]:
    """Yield the server of QUAY_TEST_URL with an organization that is deleted at the end, else a stand-in."""
    with real_quay() as real:
        if real:
            with Client(real.target) as superuser:
                expect(superuser.sign_in(real.username, real.password), 200)
                yield Quay(real.target, superuser, real.org, _token(superuser, real.org), cost)
            return
    with Standin() as standin:
        target = Target(standin.url, "superuser", PASSWORD, True, standin.quay.family, standin)
        account = {"username": target.username, "password": PASSWORD, "email": "superuser@example.com"}
        with Client(target) as superuser:
            expect(superuser.post("/api/v1/user/initialize", account), 200)
            standin.config["SUPER_USERS"] = [target.username]
            expect(superuser.sign_in(target.username, PASSWORD), 200)
            expect(superuser.post("/api/v1/organization/", {"name": "acme"}), 201)
            yield Quay(target, superuser, "acme", _token(superuser, "acme"), cost)


def _token(superuser: Client, organization: str) -> Secret:
    response = superuser.post(f"/api/v1/organization/{organization}/applications", {"name": "bench"})
    expect(response, 200)
    config = superuser.get("/config").json()["config"]
    page = f"{config['PREFERRED_URL_SCHEME']}://{config['SERVER_HOSTNAME']}/oauth/localapp"
    client_id = response.json()["client_id"]
    form = {"response_type": "token", "client_id": client_id, "redirect_uri": page, "scope": SCOPES}
    return access_token(superuser.post("/oauth/authorizeapp", data=form))
