# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The resources that all tests of a session share."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.client import Client, Secret, Target, access_token, unique


@dataclass
class Resources:
    """An organization of the superuser, an application in it, and a user who is no member."""

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
        """Return the form data of `Generate Token` in the user interface."""
        form = {"response_type": "token", "client_id": self.client_id, "redirect_uri": self.redirect_uri}
        return form | {"scope": "repo:read"} | changes

    def mint(self, scope: str) -> Secret:
        """Create an OAuth token of the superuser."""
        return access_token(self.superuser.post("/oauth/authorizeapp", data=self.form(scope=scope)))

    def token(self, scope: str) -> Secret:
        """Return the OAuth token with these scopes. It is created once per session."""
        if scope not in self._tokens:
            self._tokens[scope] = self.mint(scope)
        return self._tokens[scope]

    def robot(self) -> tuple[str, Secret]:
        """Create a robot. Returns its short name and token."""
        shortname = unique("r")
        response = self.superuser.put(f"{self.base}/robots/{shortname}")
        assert response.status_code == 201, response.text
        return shortname, Secret(response.json()["token"])

    def repository(self, visibility: str = "private") -> str:
        """Create a repository of the organization. Returns its name."""
        name = unique("repo")
        body = {"namespace": self.org, "repository": name, "visibility": visibility, "description": ""}
        response = self.superuser.post("/api/v1/repository", body)
        assert response.status_code == 201, response.text
        return name

    def team(self, role: str = "member") -> str:
        name = unique("team")
        assert self.superuser.put(f"{self.base}/team/{name}", {"role": role}).status_code == 200
        return name


def create_user(superuser: Client, username: str) -> Secret:
    """Create a user. Returns the password that Quay generated."""
    body = {"username": username, "email": f"{username}@example.com"}
    response = superuser.post("/api/v1/superuser/users/", body)
    assert response.status_code == 200, response.text
    return Secret(response.json()["password"])
