# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where rotations are tried: a Quay behind the faulty proxy, a folder of stores, and ways to look at both.

On a stand-in each cell begins from a snapshot; on a real Quay it has names of its own, and all of it is removed at the
end with its organization.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from conformance.client import TIMEOUT_S, Client, Secret, Target, access_token, unique
from standin import Standin
from standin.config import FAMILIES

from .proxy import Proxy

_EVERY_SCOPE = "org:admin repo:admin repo:create repo:read repo:write user:admin user:read"


@dataclass(frozen=True)
class Named:
    """The real Quay that the caller names, and an organization of ours on it."""

    url: str
    username: str
    password: Secret
    verify: str | bool
    family: str
    org: str

    @property
    def target(self) -> Target:
        return Target(self.url, self.username, self.password, self.verify, self.family)


@contextmanager
def named() -> Iterator[Named | None]:
    """The Quay of QUAY_TEST_URL with a new organization, which is deleted at the end; none without that variable."""
    url = os.environ.get("QUAY_TEST_URL", "").rstrip("/")
    if not url:
        yield None
        return
    verify = os.environ.get("QUAY_TEST_CA_PATH") or True
    path = "/api/v1/organization/zz/applications/zz/tokens"
    there = requests.get(url + path, allow_redirects=False, timeout=TIMEOUT_S, verify=verify).status_code == 401
    user = os.environ["QUAY_TEST_USERNAME"], Secret(os.environ["QUAY_TEST_PASSWORD"])
    found = Named(url, *user, verify, FAMILIES[0] if there else FAMILIES[1], unique("flt"))
    with Client(found.target) as superuser:
        superuser.sign_in(found.username, found.password)
        _furnish(superuser, found.org)
        try:
            yield found
        finally:
            superuser.delete(f"/api/v1/superuser/organizations/{found.org}")


def _furnish(superuser: Client, org: str) -> None:
    answer = superuser.post("/api/v1/organization/", {"name": org, "email": f"{org}@example.com"})
    assert answer.status_code == 201, answer.text
    for name in ("app", "base"):
        repository = {"namespace": org, "repository": name, "visibility": "private", "description": ""}
        assert superuser.post("/api/v1/repository", repository).status_code == 201
    assert superuser.put(f"/api/v1/organization/{org}/team/readers", {"role": "member"}).status_code == 200


@dataclass
class Ground:
    """The names and the folder of one cell, and what its preparation noted."""

    site: Site
    folder: Path
    tag: str
    # Whether the credential goes into an auth file.
    is_login: bool = True
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def org(self) -> str:
        return self.site.org

    @property
    def file(self) -> Path:
        return self.folder / "secret"

    @property
    def auth(self) -> Path:
        return self.folder / "auth.json"

    @property
    def second(self) -> Path:
        """Where a secret goes that is no login."""
        return self.folder / "second"

    @property
    def stores(self) -> tuple[Path, Path]:
        return self.file, self.auth if self.is_login else self.second


class Site:
    """One Quay behind one proxy."""

    def __init__(self, stack: ExitStack, folder: Path, family: str, real: Named | None) -> None:
        self.family = family
        self.standin = None if real else stack.enter_context(Standin(family))
        self.target = real.target if real else self._fresh()
        self.org = real.org if real else "acme"
        self.proxy = stack.enter_context(Proxy(self.target.url, self.target.verify))
        self.superuser = stack.enter_context(Client(self.target))
        assert self.superuser.sign_in(self.target.username, self.target.password).status_code == 200
        if self.standin:
            _furnish(self.superuser, self.org)
        self.console = self.new_application(unique("console"))
        self.bearer = self.mint(self.console, _EVERY_SCOPE)
        self.proxy.tap.add(self.bearer, self.target.password)
        self._folder = folder
        self._snapshots: dict[str, tuple[dict[str, Any], dict[Path, tuple[int, bytes]], Ground]] = {}
        self._empty = self.standin.quay.snapshot() if self.standin else {}

    def _fresh(self) -> Target:
        assert self.standin
        target = Target(
            self.standin.url, "superuser", Secret("a-password-of-the-standin"), True, self.family, self.standin
        )
        user = {"username": target.username, "password": target.password, "email": "superuser@example.com"}
        with Client(target) as client:
            assert client.post("/api/v1/user/initialize", user).status_code == 200
        self.standin.config["SUPER_USERS"] = [target.username]
        return target

    # --- what modules are told

    def login(self, *, password: bool) -> dict[str, Any]:
        if password:
            return {"quay_username": self.target.username, "quay_password": str(self.target.password)}
        return {"quay_token": str(self.bearer)}

    # --- the ground of a cell

    def remembered(self, name: str) -> Ground | None:
        """The ground that was prepared under this name, as it was then."""
        if name not in self._snapshots or self.standin is None:
            return None
        state, files, ground = self._snapshots[name]
        self.standin.quay.restore(state)
        _empty(ground.folder)
        for path, (mode, content) in files.items():
            path.write_bytes(content)
            path.chmod(mode)
        return ground

    def remember(self, name: str, ground: Ground) -> None:
        if self.standin:
            files = {path: (path.stat().st_mode & 0o7777, path.read_bytes()) for path in ground.folder.iterdir()}
            self._snapshots[name] = self.standin.quay.snapshot(), files, ground

    def new_ground(self, *, is_login: bool) -> Ground:
        """A place with nothing on it."""
        if self.standin:
            self.standin.quay.restore(self._empty)
        tag = unique("t")
        folder = self._folder / tag
        folder.mkdir()
        return Ground(self, folder, tag, is_login)

    # --- doing and looking, past the proxy

    def new_application(self, name: str) -> str:
        answer = self.superuser.post(f"/api/v1/organization/{self.org}/applications", {"name": name})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["client_id"])

    def mint(self, client_id: str, scope: str) -> Secret:
        """A nameless token, as the user interface makes it."""
        config = self.superuser.get("/config").json()["config"]
        page = f"{config['PREFERRED_URL_SCHEME']}://{config['SERVER_HOSTNAME']}/oauth/localapp"
        form = {"response_type": "token", "client_id": client_id, "redirect_uri": page, "scope": scope}
        return access_token(self.superuser.post("/oauth/authorizeapp", data=form))

    def get(self, path: str, **options: Any) -> Any:
        answer = self.superuser.get(path, **options)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.json()

    def listed(self, path: str, key: str) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, params=cursor)
            found += page[key]
            if not page.get("next_page") or not page[key]:
                return found
            cursor = {"next_page": page["next_page"]}

    def pass_days(self, days: float) -> None:
        assert self.standin
        self.standin.clock.advance(days * 86400)

    def logs_in(self, username: str, secret: str, *repositories: str) -> dict[str, Any] | None:
        """What the registry says to a login (the answer's JSON), none where it refuses it."""
        scopes = [f"repository:{self.org}/{name}:pull" for name in repositories or ("app",)]
        with Client(self.target, basic=(username, secret)) as client:
            answer = client.get("/v2/auth", params={"service": self.target.host, "scope": scopes})
        return dict(answer.json()) if answer.status_code == 200 else None

    def takes_bearer(self, secret: str) -> bool:
        """Whether the registry takes this registry token."""
        with Client(self.target, bearer=secret) as client:
            return client.get("/v2/").status_code == 200


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def deliver(ground: Ground, form: str, registry: str) -> list[Mapping[str, Any]]:
    """Two stores at once, of two kinds where the credential is a login."""
    file, other = ground.stores
    second = {"kind": "container_auth"} if ground.is_login else {"kind": "file", "format": "json"}
    return [
        {"kind": "file", "path": str(file), "format": form, "registry": registry},
        {**second, "path": str(other), "registry": registry},
    ]
