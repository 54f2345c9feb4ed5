# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The accounts on the stand-in: a superuser, two organizations with one administrator each, applications, a robot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from standin import Standin

Arguments = dict[str, Any]

# All scopes except super:user.
ALL_SCOPES = "org:admin repo:admin repo:create repo:read repo:write user:admin user:read"


@dataclass
class User:
    """A user with a password, who can open a browser session."""

    quay: Standin = field(repr=False)
    username: str
    password: str = field(repr=False)

    @property
    def by_password(self) -> Arguments:
        """The options with which a module signs in as this user."""
        return {"quay_username": self.username, "quay_password": self.password}

    def browser(self) -> Browser:
        return Browser(self.quay, self)

    def token(self, client_id: str, scope: str = ALL_SCOPES) -> str:
        """Create an OAuth token like the page "Generate Token": without a name, valid for ten years."""
        return self.browser().authorize(client_id, scope)

    def by_token(self, client_id: str, scope: str = ALL_SCOPES) -> Arguments:
        """The options with which a module uses a new token of this user."""
        return {"quay_token": self.token(client_id, scope)}


class Browser:
    """A browser session of one user."""

    def __init__(self, quay: Standin, user: User) -> None:
        self._quay = quay
        with requests.Session() as session:
            response = session.get(f"{quay.url}/csrf_token", verify=self._verify, timeout=10)
            self._cookies = session.cookies.get_dict()
            self._csrf = str(response.json()["csrf_token"])
        self.call("POST", "/api/v1/signin", {"username": user.username, "password": user.password})

    @property
    def _verify(self) -> str | bool:
        return self._quay.ca_path or True

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> requests.Response:
        response = requests.request(
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
        assert response.status_code < 400, (method, path, response.status_code)
        self._cookies.update(response.cookies.get_dict())
        self._csrf = response.headers.get("X-Next-CSRF-Token", self._csrf)
        return response

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
class Accounts:
    """The accounts and their credentials. Changes by a test are undone by a snapshot."""

    root: User
    alice: User  # administers acme
    bob: User  # administers rival
    carol: User  # a member of acme's team "readers"
    automation: str  # client id of acme's application, which has no token
    console: str  # client id of acme's application for the tokens with which tests call
    rival_console: str
    alice_token: str = field(repr=False)
    bob_token: str = field(repr=False)
    robot_token: str = field(repr=False)  # of acme+ci


def create_accounts(quay: Standin) -> Accounts:
    """Create all accounts on an empty stand-in."""
    body = {"username": "root", "password": "correct horse battery".replace(" ", "-"), "email": "root@example.com"}
    requests.post(f"{quay.url}/api/v1/user/initialize", json=body, timeout=10, verify=quay.ca_path or True)
    root = User(quay, "root", body["password"])
    # The first user of a new installation is a superuser only by configuration.
    quay.config["SUPER_USERS"] = ["root"]
    root_browser = root.browser()
    alice, bob, carol = (_create_user(quay, root_browser, name) for name in ("alice", "bob", "carol"))
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
    return Accounts(
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


def _create_user(quay: Standin, root_browser: Browser, name: str) -> User:
    response = root_browser.call("POST", "/api/v1/superuser/users/", {"username": name, "email": f"{name}@example.com"})
    return User(quay, name, str(response.json()["password"]))


def _application(browser: Browser, organization: str, name: str) -> str:
    path = f"/api/v1/organization/{organization}/applications"
    return str(browser.call("POST", path, {"name": name}).json()["client_id"])
