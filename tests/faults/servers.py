# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server of the tests, a Quay behind the fault proxy, and the workspace of a cell, a folder of stores.

On a stand-in each cell starts from a snapshot. On a real Quay each cell has unique names, and everything is removed at
the end with the organization.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from conformance.client import TIMEOUT_S, Client, Secret, Target, access_token, unique
from oidc_issuer import OidcIssuer
from standin import Standin
from standin.config import FAMILIES

from .file_stores import FILES, VAULT_PASSWORD, Login, read_store
from .proxy import Proxy
from .remote_stores import RemoteStore

_EVERY_SCOPE = "org:admin repo:admin repo:create repo:read repo:write user:admin user:read"


@dataclass(frozen=True)
class RealQuay:
    """The real Quay of QUAY_TEST_URL, and the organization of the tests."""

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
def real_quay() -> Iterator[RealQuay | None]:
    """Yield the Quay of QUAY_TEST_URL with a new organization, which is deleted at the end. None if it is not set."""
    url = os.environ.get("QUAY_TEST_URL", "").rstrip("/")
    if not url:
        yield None
        return
    verify = os.environ.get("QUAY_TEST_CA_PATH") or True
    path = "/api/v1/organization/zz/applications/zz/tokens"
    is_new = requests.get(url + path, allow_redirects=False, timeout=TIMEOUT_S, verify=verify).status_code == 401
    user = os.environ["QUAY_TEST_USERNAME"], Secret(os.environ["QUAY_TEST_PASSWORD"])
    found = RealQuay(url, *user, verify, FAMILIES[0] if is_new else FAMILIES[1], unique("flt"))
    with Client(found.target) as superuser:
        superuser.sign_in(found.username, found.password)
        _create_organization(superuser, found.org)
        try:
            yield found
        finally:
            superuser.delete(f"/api/v1/superuser/organizations/{found.org}")


def _create_organization(superuser: Client, org: str) -> None:
    response = superuser.post("/api/v1/organization/", {"name": org, "email": f"{org}@example.com"})
    assert response.status_code == 201, response.text
    for name in ("app", "base"):
        repository = {"namespace": org, "repository": name, "visibility": "private", "description": ""}
        assert superuser.post("/api/v1/repository", repository).status_code == 201
    assert superuser.put(f"/api/v1/organization/{org}/team/readers", {"role": "member"}).status_code == 200


@dataclass
class Workspace:
    """The names, the folder and the stores of one cell, and notes of its preparation."""

    server: Server
    folder: Path
    tag: str
    # The kinds of its stores: those of FILES, and the kind of the remote one.
    kinds: tuple[str, ...] = ("file", "auth")
    remote: RemoteStore | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def org(self) -> str:
        return self.server.org

    @property
    def file(self) -> Path:
        return self.folder / FILES["file"]

    @property
    def auth(self) -> Path:
        return self.folder / FILES["auth"]

    @property
    def stores(self) -> tuple[Path, ...]:
        """The stores that are files."""
        return tuple(self.folder / FILES[kind] for kind in self.kinds if kind in FILES)

    def logins(self) -> dict[str, Login | None]:
        """The login in each store, by its name; none for one that is incomplete."""
        found = {path.name: read_store(path) for path in self.stores}
        return {**found, self.remote.kind: self.remote.login()} if self.remote else found


class Server:
    """One Quay behind one proxy."""

    def __init__(self, stack: ExitStack, folder: Path, family: str, real: RealQuay | None) -> None:
        self.family = family
        self.standin = None if real else stack.enter_context(Standin(family))
        self.target = real.target if real else self._initialize()
        self.org = real.org if real else "acme"
        self.proxy = stack.enter_context(Proxy(self.target.url, self.target.verify))
        self.superuser = stack.enter_context(Client(self.target))
        assert self.superuser.sign_in(self.target.username, self.target.password).status_code == 200
        if self.standin:
            _create_organization(self.superuser, self.org)
            # A real Quay does not trust its certificate.
            self.issuer = stack.enter_context(OidcIssuer(now=self.standin.clock.timestamp))
            self.standin.config["STANDIN_ISSUER_CA"] = self.issuer.ca_path
        self.console = self.new_application(unique("console"))
        self.bearer = self.mint(self.console, _EVERY_SCOPE)
        self.proxy.secret_recorder.add(self.bearer, self.target.password, VAULT_PASSWORD)
        self._folder = folder
        self.vault_password_file = folder.parent / "vault-password"
        self.vault_password_file.write_text(VAULT_PASSWORD + "\n")
        self._snapshots: dict[str, tuple[dict[str, Any], dict[Path, tuple[int, bytes]], Any, Workspace]] = {}
        self._empty = self.standin.quay.snapshot() if self.standin else {}

    def _initialize(self) -> Target:
        assert self.standin
        target = Target(
            self.standin.url, "superuser", Secret("a-password-of-the-standin"), True, self.family, self.standin
        )
        user = {"username": target.username, "password": target.password, "email": "superuser@example.com"}
        with Client(target) as client:
            assert client.post("/api/v1/user/initialize", user).status_code == 200
        self.standin.config["SUPER_USERS"] = [target.username]
        return target

    # --- options of modules

    def login(self, *, password: bool) -> dict[str, Any]:
        if password:
            return {"quay_username": self.target.username, "quay_password": str(self.target.password)}
        return {"quay_token": str(self.bearer)}

    # --- the workspace of a cell

    def restored_workspace(self, name: str) -> Workspace | None:
        """Restore the workspace that was saved under this name. None if there is no such workspace."""
        if name not in self._snapshots or self.standin is None:
            return None
        state, files, content, workspace = self._snapshots[name]
        self.standin.quay.restore(state)
        _clear(workspace.folder)
        for path, (mode, text) in files.items():
            path.write_bytes(text)
            path.chmod(mode)
        if workspace.remote:
            workspace.remote.restore(content)
        return workspace

    def save_workspace(self, name: str, workspace: Workspace) -> None:
        if self.standin:
            files = {path: (path.stat().st_mode & 0o7777, path.read_bytes()) for path in workspace.folder.iterdir()}
            content = workspace.remote.save() if workspace.remote else None
            self._snapshots[name] = self.standin.quay.snapshot(), files, content, workspace

    def new_workspace(self, kinds: tuple[str, ...], remote: RemoteStore | None) -> Workspace:
        """Create an empty workspace."""
        if self.standin:
            self.standin.quay.restore(self._empty)
        tag = unique("t")
        folder = self._folder / tag
        folder.mkdir()
        if remote:
            remote.clear()
            self.proxy.secret_recorder.add(*remote.secrets)
        return Workspace(self, folder, tag, kinds, remote)

    # --- requests without the proxy

    def new_application(self, name: str) -> str:
        response = self.superuser.post(f"/api/v1/organization/{self.org}/applications", {"name": name})
        assert response.status_code == 200, response.text
        return str(response.json()["client_id"])

    def mint(self, client_id: str, scope: str) -> Secret:
        """Create a token without a name, like the user interface."""
        config = self.superuser.get("/config").json()["config"]
        page = f"{config['PREFERRED_URL_SCHEME']}://{config['SERVER_HOSTNAME']}/oauth/localapp"
        form = {"response_type": "token", "client_id": client_id, "redirect_uri": page, "scope": scope}
        return access_token(self.superuser.post("/oauth/authorizeapp", data=form))

    def get(self, path: str, **options: Any) -> Any:
        response = self.superuser.get(path, **options)
        assert response.status_code == 200, (path, response.status_code)
        return response.json()

    def listed(self, path: str, key: str) -> list[dict[str, Any]]:
        """Return all pages of a list."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, params=cursor)
            found += page[key]
            if not page.get("next_page") or not page[key]:
                return found
            cursor = {"next_page": page["next_page"]}

    def advance_days(self, days: float) -> None:
        assert self.standin
        self.standin.clock.advance(days * 86400)

    def logs_in(self, username: str, secret: str, *repositories: str) -> dict[str, Any] | None:
        """Log in at the registry. Returns the JSON of the response, or none if the login is refused."""
        scopes = [f"repository:{self.org}/{name}:pull" for name in repositories or ("app",)]
        with Client(self.target, basic=(username, secret)) as client:
            response = client.get("/v2/auth", params={"service": self.target.host, "scope": scopes})
        return dict(response.json()) if response.status_code == 200 else None

    def accepts_bearer(self, secret: str) -> bool:
        """Whether the registry accepts this registry token."""
        with Client(self.target, bearer=secret) as client:
            return client.get("/v2/").status_code == 200


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
