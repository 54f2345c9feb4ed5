# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who lives on the stand-in: a superuser, two organizations with an administrator each, an application, a robot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from standin import Standin

Arguments = dict[str, Any]

# All that a token may do, but for what only a superuser may.
ALL_SCOPES = "org:admin repo:admin repo:create repo:read repo:write user:admin user:read"


@dataclass
class Person:
    """A user with his password, who does things as the browser does them."""

    quay: Standin = field(repr=False)
    username: str
    password: str = field(repr=False)

    @property
    def by_password(self) -> Arguments:
        """The options with which a module signs in as this person."""
        return {"quay_username": self.username, "quay_password": self.password}

    def browser(self) -> Browser:
        return Browser(self.quay, self)

    def token(self, client_id: str, scope: str = ALL_SCOPES) -> str:
        """A new OAuth token, as the page "Generate Token" makes it; nameless, for ten years."""
        return self.browser().authorize(client_id, scope)

    def by_token(self, client_id: str, scope: str = ALL_SCOPES) -> Arguments:
        """The options with which a module uses a token of this person."""
        return {"quay_token": self.token(client_id, scope)}


class Browser:
    """One session of one person."""

    def __init__(self, quay: Standin, person: Person) -> None:
        self._quay = quay
        with requests.Session() as session:
            answer = session.get(f"{quay.url}/csrf_token", verify=self._verify, timeout=10)
            self._cookies = session.cookies.get_dict()
            self._csrf = str(answer.json()["csrf_token"])
        self.call("POST", "/api/v1/signin", {"username": person.username, "password": person.password})

    @property
    def _verify(self) -> str | bool:
        return self._quay.ca_path or True

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> requests.Response:
        answer = requests.request(
            method,
            self._quay.url + path,
            json=json,
            headers={"X-CSRF-Token": self._csrf},
            cookies=self._cookies,
            allow_redirects=False,
            verify=self._verify,
            timeout=10,
            **options,
        )
        assert answer.status_code < 400, (method, path, answer.status_code)
        self._cookies.update(answer.cookies.get_dict())
        self._csrf = answer.headers.get("X-Next-CSRF-Token", self._csrf)
        return answer

    def authorize(self, client_id: str, scope: str) -> str:
        form = {
            "response_type": "token",
            "client_id": client_id,
            "redirect_uri": f"{self._quay.config['PREFERRED_URL_SCHEME']}://{self._quay.config['SERVER_HOSTNAME']}"
            "/oauth/localapp",
            "scope": scope,
        }
        location = self.call("POST", "/oauth/authorizeapp", data=form).headers["Location"]
        return parse_qs(urlsplit(location).fragment)["access_token"][0]


@dataclass
class Inhabitants:
    """The people and what they own. Nothing here changes; what a test changes is undone by a snapshot."""

    root: Person
    alice: Person  # administers acme
    bob: Person  # administers rival
    carol: Person  # a member of acme's team of readers
    automation: str  # client id of acme's application, which has no token
    console: str  # client id of acme's application for the tokens with which tests call
    rival_console: str
    alice_token: str = field(repr=False)
    bob_token: str = field(repr=False)
    robot_token: str = field(repr=False)  # of acme+ci


def settle(quay: Standin) -> Inhabitants:
    """Fill an empty stand-in."""
    body = {"username": "root", "password": "correct horse battery".replace(" ", "-"), "email": "root@example.com"}
    requests.post(f"{quay.url}/api/v1/user/initialize", json=body, timeout=10, verify=quay.ca_path or True)
    root = Person(quay, "root", body["password"])
    # The first user of a fresh installation is no superuser until the configuration says so.
    quay.config["SUPER_USERS"] = ["root"]
    office = root.browser()
    alice, bob, carol = (_hire(quay, office, name) for name in ("alice", "bob", "carol"))
    acme, rival = alice.browser(), bob.browser()
    acme.call("POST", "/api/v1/organization/", {"name": "acme", "email": "acme@example.com"})
    rival.call("POST", "/api/v1/organization/", {"name": "rival", "email": "rival@example.com"})
    acme.call("PUT", "/api/v1/organization/acme/team/readers", {"role": "member"})
    acme.call("PUT", "/api/v1/organization/acme/team/readers/members/carol")
    for name in ("app", "base"):
        repository = {"namespace": "acme", "repository": name, "visibility": "private", "description": ""}
        acme.call("POST", "/api/v1/repository", repository)
    robot = acme.call("PUT", "/api/v1/organization/acme/robots/ci", {"description": "builds"}).json()
    acme.call("PUT", "/api/v1/repository/acme/app/permissions/user/acme+ci", {"role": "read"})
    automation, console = (_application(acme, "acme", name) for name in ("automation", "console"))
    rival_console = _application(rival, "rival", "console")
    return Inhabitants(
        root,
        alice,
        bob,
        carol,
        automation,
        console,
        rival_console,
        acme.authorize(console, ALL_SCOPES),
        rival.authorize(rival_console, ALL_SCOPES),
        str(robot["token"]),
    )


def _hire(quay: Standin, office: Browser, name: str) -> Person:
    answer = office.call("POST", "/api/v1/superuser/users/", {"username": name, "email": f"{name}@example.com"})
    return Person(quay, name, str(answer.json()["password"]))


def _application(browser: Browser, organization: str, name: str) -> str:
    path = f"/api/v1/organization/{organization}/applications"
    return str(browser.call("POST", path, {"name": name}).json()["client_id"])
