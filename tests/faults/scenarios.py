# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scenarios: rotations of each kind of credential, new and renewed, on both families of servers."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.client import Client, claims
from contract import collection
from standin.config import FAMILIES

from .file_stores import FILES, Login, fill_file, options_of_file, read_store
from .servers import Workspace

Arguments = dict[str, Any]


class Kind:
    """One kind of credential: its options, and checks in Quay."""

    module = ""
    # Whether it is a login of a container engine.
    is_login = True
    # Whether the secrets in the stores are accepted at all times, also after a failed or killed run.
    always_valid = True
    # Whether the former secret stays valid until a further run, so that consumers never fail.
    overlaps = False
    # How many secrets a run with a fault and those after it may let Quay issue. Quay returns a robot's token again.
    max_mints = 1
    # Whether it needs more than a real Quay has, such as an issuer that it trusts.
    needs_standin = False
    # Whether a replaced secret is revoked.
    revocable = True

    def prepare(self, workspace: Workspace) -> None:
        """Create what the first run needs."""

    def arguments(self, workspace: Workspace) -> Arguments:
        """The options of the module."""
        raise NotImplementedError

    def login(self, workspace: Workspace, *, password: bool) -> Arguments:
        """The options with which each run logs in."""
        return workspace.server.login(password=password)

    def earlier_options(self, workspace: Workspace) -> Arguments:
        """Options that were different in the earlier run of a renewal."""
        return {}

    def before_first_run(self, workspace: Workspace) -> None:
        """Change Quay before the earlier run of a renewal."""

    def after_first_run(self, workspace: Workspace) -> None:
        """Change Quay after the earlier run of a renewal."""

    def usernames(self, workspace: Workspace) -> Sequence[str]:
        """The possible user names of the login."""
        return ()

    def all_usernames(self, workspace: Workspace) -> Sequence[str]:
        """The possible user names, including former ones."""
        return self.usernames(workspace)

    def make_due(self, workspace: Workspace) -> None:
        """Make the credential due."""

    def problems(self, workspace: Workspace, stored: Sequence[Login], *, orphans_allowed: int) -> Iterator[str]:
        """Yield problems in Quay, given the logins in the stores.

        ``orphans_allowed``: how many runs failed. Of each, a secret may be left that no store has.
        """
        raise NotImplementedError

    def former_problems(self, workspace: Workspace, stored: Collection[Login]) -> Iterator[str]:
        """Yield problems with what was issued for a former secret, after all runs."""
        yield from ()


class RobotToken(Kind):
    """The token of a robot, rotated in place."""

    module = "quay_robot_token"
    always_valid = False

    def arguments(self, workspace: Workspace) -> Arguments:
        return {"name": self._name(workspace), "max_age": "10d", "description": "builds"}

    def make_due(self, workspace: Workspace) -> None:
        if workspace.server.standin:
            workspace.server.advance_days(20)
            return
        # The clock of a real Quay cannot be set, so the record of the delivery is changed.
        record = Path(f"{workspace.auth}.record.json")
        for path in (record, workspace.file, Path(f"{workspace.file}.record.json")):
            if path.exists():
                path.write_text(_with_old_dates(path.read_text()))

    def usernames(self, workspace: Workspace) -> Sequence[str]:
        return (self._name(workspace),)

    def problems(self, workspace: Workspace, stored: Sequence[Login], *, orphans_allowed: int) -> Iterator[str]:
        name = self._name(workspace)
        robot = workspace.server.get(f"/api/v1/organization/{workspace.org}/robots/{name.partition('+')[2]}")
        for login in stored:
            if login.username not in ("", name):
                yield f"a store has the user {login.username}"
            if login.secret != robot["token"]:
                yield "a store has another secret than the robot"
            if workspace.server.logs_in(name, login.secret) is None:
                yield "a store has a secret that Quay refuses"

    @staticmethod
    def _name(workspace: Workspace) -> str:
        return f"{workspace.org}+{workspace.tag}"


class PairedRobots(RobotToken):
    """Robots that hold one credential in turn. The former one is deleted, and its name rests for an hour."""

    always_valid = True
    overlaps = True

    def __init__(self, strategy: str = "paired", before: str = "paired") -> None:
        self._strategy = strategy
        self._before = before

    def arguments(self, workspace: Workspace) -> Arguments:
        return {**super().arguments(workspace), "strategy": self._strategy}

    def earlier_options(self, workspace: Workspace) -> Arguments:
        return {"strategy": self._before}

    def after_first_run(self, workspace: Workspace) -> None:
        """Grant the robot rights of every kind, which the next robot must get, too."""
        login = next(login for login in workspace.logins().values() if login and login.username)
        issued = workspace.server.logs_in(login.username, login.secret)
        assert issued
        workspace.notes["issued"] = Login(login.username, issued["token"])
        superuser, root = workspace.server.superuser, f"/api/v1/organization/{workspace.org}"
        workspace.notes["rights"] = {f"{workspace.org}/app", f"{workspace.org}/base"}
        for repository, role in (("app", "read"), ("base", "write")):
            path = f"/api/v1/repository/{workspace.org}/{repository}/permissions/user/{login.username}"
            assert superuser.put(path, {"role": role}).status_code == 200
        assert superuser.put(f"{root}/team/readers/members/{login.username}").status_code == 200
        prototype = {"role": "read", "delegate": {"name": login.username, "kind": "user"}}
        assert superuser.post(f"{root}/prototypes", prototype).status_code == 200

    def usernames(self, workspace: Workspace) -> Sequence[str]:
        return self._in_turn(workspace) if self._strategy == "paired" else (self._name(workspace),)

    def all_usernames(self, workspace: Workspace) -> Sequence[str]:
        return *self._in_turn(workspace), self._name(workspace)

    def _in_turn(self, workspace: Workspace) -> Sequence[str]:
        return [f"{self._name(workspace)}_{letter}" for letter in string.ascii_lowercase]

    def problems(self, workspace: Workspace, stored: Sequence[Login], *, orphans_allowed: int) -> Iterator[str]:
        server, carriers = workspace.server, self.usernames(workspace)
        for login in stored:
            if login.username and login.username not in carriers:
                yield f"a store has the user {login.username}"
            names = [login.username] if login.username else carriers
            proofs = [proof for proof in (server.logs_in(name, login.secret, "app", "base") for name in names) if proof]
            if not proofs:
                yield "a store has a secret that Quay refuses"
            for proof in proofs:
                readable = {entry["name"] for entry in claims(proof["token"])["access"] if "pull" in entry["actions"]}
                if not workspace.notes.get("rights", set()) <= readable:
                    yield "a store has a secret with fewer rights than the former one"
        yield from self._missing_rights(workspace, {login.username for login in stored if login.username})

    def former_problems(self, workspace: Workspace, stored: Collection[Login]) -> Iterator[str]:
        """A registry token is accepted as the password of its robot until the robot is deleted."""
        issued: Login | None = workspace.notes.get("issued")
        if issued is None or any(login.username == issued.username for login in stored):
            return
        if workspace.server.logs_in(issued.username, issued.secret):
            yield "a registry token of a former robot is still accepted"

    def _missing_rights(self, workspace: Workspace, names: set[str]) -> Iterator[str]:
        """Yield missing rights that a registry token does not show."""
        if "rights" not in workspace.notes:
            return
        root = f"/api/v1/organization/{workspace.org}"
        members = {member["name"] for member in workspace.server.get(f"{root}/team/readers/members")["members"]}
        delegates = {item["delegate"]["name"] for item in workspace.server.get(f"{root}/prototypes")["prototypes"]}
        if not names <= members:
            yield "the robot in the stores is not in the team of the former one"
        if not names <= delegates:
            yield "the robot in the stores lacks the default permission of the former one"


class LeakedRobot(PairedRobots):
    """A robot in place whose secret leaked. Another robot replaces it, until its name can be used again."""

    def __init__(self) -> None:
        super().__init__("in_place", before="in_place")

    def usernames(self, workspace: Workspace) -> Sequence[str]:
        return self.all_usernames(workspace)


class RobotLease(Kind):
    """A robot for each secret. The former one is deleted. One whose secret nobody has is swept when it expires."""

    module = "quay_robot_lease"
    # After lost responses, other names are used.
    max_mints = 3

    def __init__(self, *, needs_standin: bool = False) -> None:
        self.needs_standin = needs_standin

    def arguments(self, workspace: Workspace) -> Arguments:
        return {"name_prefix": f"{workspace.org}+{workspace.tag}", "lifetime": "40d", "renew_before": "30d"}

    def after_first_run(self, workspace: Workspace) -> None:
        """Create a robot of a similar name, which must stay."""
        workspace.notes["first"] = next(login.username for login in workspace.logins().values() if login)
        workspace.notes["foreign"] = f"{workspace.org}+{workspace.tag}-other"
        assert workspace.server.superuser.put(self._path(workspace.notes["foreign"])).status_code == 201

    def make_due(self, workspace: Workspace) -> None:
        workspace.server.advance_days(20)

    def usernames(self, workspace: Workspace) -> Sequence[str]:
        robots = workspace.server.listed(f"/api/v1/organization/{workspace.org}/robots", "robots")
        names = [str(robot["name"]) for robot in robots]
        return [name for name in names if name.startswith(f"{workspace.org}+{workspace.tag}-2")]

    def problems(self, workspace: Workspace, stored: Sequence[Login], *, orphans_allowed: int) -> Iterator[str]:
        server, names = workspace.server, self.usernames(workspace)
        for login in stored:
            if server.logs_in(login.username, login.secret) is None:
                yield "a store has a secret that Quay refuses"
        used = {login.username for login in stored}
        if len(used) > 1:
            yield "the stores have different robots"
        first = workspace.notes.get("first")
        if first in names and first not in used:
            yield "the robot of the former lease exists"
        if not orphans_allowed and set(names) - used:
            yield "a robot exists that no store has"
        foreign = workspace.notes.get("foreign")
        if foreign and server.get(self._path(foreign))["name"] != foreign:
            yield "a robot that is no lease was deleted"

    @staticmethod
    def _path(name: str) -> str:
        organization, _plus, short = name.partition("+")
        return f"/api/v1/organization/{organization}/robots/{short}"


def _with_old_dates(text: str) -> str:
    def aged(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: "2020-01-01T00:00:00Z" if key == "created_at" else aged(part) for key, part in value.items()}
        return value

    try:
        return json.dumps(aged(json.loads(text)))
    except ValueError:
        return text


class ApiToken(Kind):
    """An OAuth access token of an application."""

    module = "quay_api_token"
    max_mints = 2

    def prepare(self, workspace: Workspace) -> None:
        server = workspace.server
        workspace.notes["client_id"] = server.new_application(workspace.tag)
        workspace.notes["foreign_tokens"] = foreign_tokens = []
        # Tokens of other users: in the same application (unless it belongs to the credential) and in another one.
        foreign_tokens.append(server.mint(server.console, "repo:read"))
        if server.family == "3.18":
            foreign_tokens.append(server.mint(workspace.notes["client_id"], "repo:read"))
            response = server.superuser.post(self._tokens(workspace), {"name": "other-user", "scope": "repo:read"})
            foreign_tokens.append(response.json()["token"])
        server.proxy.secret_recorder.add(*foreign_tokens)

    def arguments(self, workspace: Workspace) -> Arguments:
        owns = {"owns_application": True} if _supports_owned_application() and workspace.server.family == "3.17" else {}
        where = {"organization": workspace.org, "client_id": workspace.notes["client_id"], "name": "nightly"}
        return {**where, **owns, "scopes": ["repo:read", "repo:write"]}

    def earlier_options(self, workspace: Workspace) -> Arguments:
        return {"scopes": ["repo:read"]}

    def usernames(self, workspace: Workspace) -> Sequence[str]:
        return ("$oauthtoken",)

    def problems(self, workspace: Workspace, stored: Sequence[Login], *, orphans_allowed: int) -> Iterator[str]:
        server = workspace.server
        verified = [server.logs_in("$oauthtoken", login.secret) for login in stored]
        if None in verified:
            yield "a store has a secret that Quay refuses"
        uuids = {claims(proof["token"])["context"]["entity_reference"] for proof in verified if proof}
        surplus = self._valid_uuids(workspace) - uuids
        if surplus and not (orphans_allowed and server.family == "3.17" and not _supports_owned_application()):
            yield f"{len(surplus)} superseded or orphaned token(s) still valid"
        revoked = sum(server.logs_in("$oauthtoken", secret) is None for secret in workspace.notes["foreign_tokens"])
        if revoked:
            yield f"{revoked} token(s) of other users revoked"

    def _tokens(self, workspace: Workspace) -> str:
        return f"/api/v1/organization/{workspace.org}/applications/{workspace.notes['client_id']}/tokens"

    def _valid_uuids(self, workspace: Workspace) -> set[str]:
        """Return the uuids of the valid tokens of the credential."""
        server = workspace.server
        if server.family == "3.18":
            listed = server.listed(self._tokens(workspace), "tokens")
            return {token["uuid"] for token in listed if token["name"] == "nightly"}
        listed = server.get("/api/v1/user/authorizations")["authorizations"]
        return {token["uuid"] for token in listed if token["application"]["name"] == workspace.tag}


class OwnLogin(ApiToken):
    """The token with which the runs themselves log in. Each run reads it from the file that the one before left."""

    def arguments(self, workspace: Workspace) -> Arguments:
        return {**super().arguments(workspace), "scopes": ["org:admin", "repo:read"]}

    def earlier_options(self, workspace: Workspace) -> Arguments:
        return {"scopes": ["org:admin", "repo:read", "repo:write"]}

    def login(self, workspace: Workspace, *, password: bool) -> Arguments:
        # Somebody with another login has created the first one.
        if workspace.file.exists():
            return {"quay_token_path": str(workspace.file)}
        return super().login(workspace, password=password)

    def problems(self, workspace: Workspace, stored: Sequence[Login], *, orphans_allowed: int) -> Iterator[str]:
        yield from super().problems(workspace, stored, orphans_allowed=orphans_allowed)
        login = read_store(workspace.file)
        with Client(workspace.server.target, bearer=login.secret if login else "") as client:
            if client.get(self._tokens(workspace)).status_code != 200:
                yield "the next run cannot log in"


def _supports_owned_application() -> bool:
    """Whether the module has the option owns_application."""
    return "owns_application" in collection.spec_of("quay_api_token").options


class AssignedToken(Kind):
    """A token that the user of the login, an administrator, assigned to themself. Each can be accepted once.

    One that was issued, but whose response was lost, has no name. It stays, and the error of the run names it.
    """

    module = "quay_assigned_token"
    max_mints = 2

    def prepare(self, workspace: Workspace) -> None:
        server = workspace.server
        workspace.notes["client_id"] = server.new_application(workspace.tag)
        workspace.notes["foreign_token"] = server.mint(server.console, "repo:read")
        server.proxy.secret_recorder.add(workspace.notes["foreign_token"])
        query = {
            "response_type": "token",
            "client_id": workspace.notes["client_id"],
            "redirect_uri": f"{server.target.url}/oauth/localapp",
            "scope": "repo:read",
            "username": server.target.username,
            "format": "json",
        }
        for _time in range(_ASSIGNED):
            response = server.superuser.post("/oauth/authorize/assignuser", params=query)
            assert response.status_code == 200, response.text

    def arguments(self, workspace: Workspace) -> Arguments:
        return {"client_id": workspace.notes["client_id"], "scopes": ["repo:read"], "state": "accepted"}

    def usernames(self, workspace: Workspace) -> Sequence[str]:
        return ("$oauthtoken",)

    def problems(self, workspace: Workspace, stored: Sequence[Login], *, orphans_allowed: int) -> Iterator[str]:
        server = workspace.server
        verified = [server.logs_in("$oauthtoken", login.secret) for login in stored]
        if None in verified:
            yield "a store has a secret that Quay refuses"
        uuids = {claims(proof["token"])["context"]["entity_reference"] for proof in verified if proof}
        listed = server.get("/api/v1/user/authorizations")["authorizations"]
        surplus = {token["uuid"] for token in listed if token["application"]["name"] == workspace.tag} - uuids
        if len(surplus) > orphans_allowed:
            yield f"{len(surplus)} superseded or orphaned token(s) still valid"
        if server.logs_in("$oauthtoken", workspace.notes["foreign_token"]) is None:
            yield "a token of another application was revoked"


# More than the runs of one cell accept.
_ASSIGNED = 6


class AppToken(Kind):
    """An app token of the user of the login.

    ``owns_title``: without it, a token is kept that two interrupted runs in succession left, with a warning.
    """

    module = "quay_app_token"

    def __init__(self, *, owns_title: bool = False) -> None:
        self._owns_title = owns_title

    def prepare(self, workspace: Workspace) -> None:
        """Create a token of another title, which must stay."""
        response = workspace.server.superuser.post(_APP_TOKENS, {"title": f"{workspace.tag} 2"})
        workspace.notes["foreign_token"] = response.json()["token"]["token_code"]
        workspace.server.proxy.secret_recorder.add(workspace.notes["foreign_token"])

    def arguments(self, workspace: Workspace) -> Arguments:
        return {"title": workspace.tag, "owns_title": self._owns_title}

    def usernames(self, workspace: Workspace) -> Sequence[str]:
        return ("$app",)

    def problems(self, workspace: Workspace, stored: Sequence[Login], *, orphans_allowed: int) -> Iterator[str]:
        server = workspace.server
        verified = [server.logs_in("$app", login.secret) for login in stored]
        if None in verified:
            yield "a store has a secret that Quay refuses"
        uuids = {claims(proof["token"])["context"]["entity_reference"] for proof in verified if proof}
        titled = {token["uuid"] for token in server.listed(_APP_TOKENS, "tokens") if token["title"] == workspace.tag}
        if titled - uuids:
            yield f"{len(titled - uuids)} superseded or orphaned token(s) still valid"
        if server.logs_in("$app", workspace.notes["foreign_token"]) is None:
            yield "a token of another title was revoked"


_APP_TOKENS = "/api/v1/user/apptoken"


class ClientSecret(Kind):
    """The client secret of an application, which has only one."""

    module = "quay_client_secret"
    is_login = False
    always_valid = False

    def prepare(self, workspace: Workspace) -> None:
        workspace.notes["client_id"] = workspace.server.new_application(workspace.tag)
        workspace.notes["issued"] = workspace.server.mint(workspace.notes["client_id"], "repo:read")
        workspace.server.proxy.secret_recorder.add(workspace.notes["issued"])

    def arguments(self, workspace: Workspace) -> Arguments:
        return {"organization": workspace.org, "client_id": workspace.notes["client_id"]}

    def problems(self, workspace: Workspace, stored: Sequence[Login], *, orphans_allowed: int) -> Iterator[str]:
        server, client_id = workspace.server, workspace.notes["client_id"]
        application = server.get(f"/api/v1/organization/{workspace.org}/applications/{client_id}")
        for login in stored:
            if login.username not in ("", client_id):
                yield f"a store has the user {login.username}"
            if login.secret != application["client_secret"]:
                yield "a store has another secret than the application"
        if server.logs_in("$oauthtoken", workspace.notes["issued"]) is None:
            yield "a token of the application was revoked"


class ReferrersToken(Kind):
    """A registry token, valid for one hour."""

    module = "quay_referrers_token"
    is_login = False

    def arguments(self, workspace: Workspace) -> Arguments:
        return {"repositories": [f"{workspace.org}/app", f"{workspace.org}/base"]}

    def earlier_options(self, workspace: Workspace) -> Arguments:
        return {"repositories": [f"{workspace.org}/app"]}

    def problems(self, workspace: Workspace, stored: Sequence[Login], *, orphans_allowed: int) -> Iterator[str]:
        for login in stored:
            if not workspace.server.accepts_bearer(login.secret):
                yield "a store has a registry token that Quay refuses"
            granted = {entry["name"] for entry in claims(login.secret)["access"] if "pull" in entry["actions"]}
            if granted != set(self.arguments(workspace)["repositories"]):
                yield "a store has a registry token for something else"


class FederatedToken(Kind):
    """A token of a robot in exchange for an OIDC token, valid for one hour."""

    module = "quay_federated_token"
    # One whose response was lost is a password of the robot for an hour. Quay cannot revoke it.
    max_mints = 2
    needs_standin = True
    revocable = False
    _SUBJECT = "build-farm"
    # A stored token is judged by the clock of the module alone, so its own dates must make it due. It stays valid for
    # most of an hour all the same, and a new one is not due for ten minutes.
    _RENEW_BEFORE_MIN = 50
    _AGE_MIN = 11

    def prepare(self, workspace: Workspace) -> None:
        path = f"/api/v1/organization/{workspace.org}/robots/{workspace.tag}"
        assert workspace.server.superuser.put(path).status_code == 201
        entry = {"issuer": workspace.server.issuer.url, "subject": self._SUBJECT}
        assert workspace.server.superuser.post(f"{path}/federation", [entry]).status_code == 200

    def arguments(self, workspace: Workspace) -> Arguments:
        token = workspace.server.issuer.token(self._SUBJECT)
        workspace.server.proxy.secret_recorder.add(token)
        return {
            "name": f"{workspace.org}+{workspace.tag}",
            "oidc_token": token,
            "renew_before": f"{self._RENEW_BEFORE_MIN}m",
        }

    def before_first_run(self, workspace: Workspace) -> None:
        """Let Quay issue the first token in the past."""
        workspace.server.advance_days(-self._AGE_MIN / _MINUTES_PER_DAY)

    def make_due(self, workspace: Workspace) -> None:
        workspace.server.advance_days(self._AGE_MIN / _MINUTES_PER_DAY)

    def usernames(self, workspace: Workspace) -> Sequence[str]:
        return (f"{workspace.org}+{workspace.tag}",)

    def problems(self, workspace: Workspace, stored: Sequence[Login], *, orphans_allowed: int) -> Iterator[str]:
        (name,) = self.usernames(workspace)
        for login in stored:
            if login.username not in ("", name):
                yield f"a store has the user {login.username}"
            if workspace.server.logs_in(name, login.secret) is None:
                yield "a store has a token that Quay refuses"


_MINUTES_PER_DAY = 24 * 60


@dataclass(frozen=True)
class Scenario:
    """One rotation, at which all faults are tested."""

    kind: Kind = field(repr=False)
    title: str
    mode: str
    family: str
    password: bool = False
    # How the run with the fault is forced.
    rotate: str = "always"
    # Whether faults of file operations are tested, too. They are the same for both families.
    files: bool = False
    # The kinds of its stores; empty for two files.
    stores: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.title}-{self.mode}-{self.family}"

    @property
    def is_login(self) -> bool:
        """Whether the entry of the auth file is a login of a container engine."""
        return self.kind.is_login

    @property
    def store_kinds(self) -> tuple[str, ...]:
        return self.stores or ("file", "auth" if self.is_login else "second")

    @property
    def remote_kind(self) -> str:
        """The kind of the store on another server; empty without one."""
        return next((kind for kind in self.stores if kind not in FILES), "")

    @property
    def overlaps(self) -> bool:
        """Whether consumers never fail: the former secret stays valid until the new one is delivered."""
        return self.kind.overlaps

    @property
    def form(self) -> str:
        """The format of the file: one with the record inside, or one with a separate record."""
        # Other robots have other user names, which a file of the token alone has no place for.
        return "json" if self.mode == "forced" or isinstance(self.kind, (PairedRobots, RobotLease)) else "token"

    def set_up(self, workspace: Workspace, run: Callable[[Arguments], None]) -> None:
        """Make the rotation due in an empty workspace. ``run`` runs the module."""
        for kind in FILES.keys() & set(self.store_kinds):
            fill_file(kind, workspace.folder / FILES[kind])
        if workspace.remote and self.mode != "create":
            workspace.remote.fill()
        self.kind.prepare(workspace)
        if self.mode == "renew":
            self.kind.before_first_run(workspace)
        if self.mode != "create":
            run({**self.arguments(workspace), **(self.kind.earlier_options(workspace) if self.mode == "renew" else {})})
            self.kind.after_first_run(workspace)
        if self.mode == "retire":
            run({**self.arguments(workspace), "rotate": "always", "retire_after": "1h"})
        if self.mode == "renew":
            self.kind.make_due(workspace)

    def arguments(self, workspace: Workspace) -> Arguments:
        """The options of a run that decides what is due."""
        return {
            "quay_host": workspace.server.proxy.url,
            **self.kind.login(workspace, password=self.password),
            "retries": 0,
            **self.kind.arguments(workspace),
            "deliver": [self._options_of(kind, workspace) for kind in self.store_kinds],
        }

    def _options_of(self, kind: str, workspace: Workspace) -> Mapping[str, Any]:
        if kind in FILES:
            return options_of_file(
                kind, workspace.folder / FILES[kind], self.form, workspace.server.vault_password_file
            )
        assert workspace.remote
        return workspace.remote.options()

    def first_arguments(self, workspace: Workspace) -> Arguments:
        """The options of the run with the fault."""
        return {**self.arguments(workspace), **({"rotate": self.rotate} if self.mode == "forced" else {})}


def _scenarios() -> Iterator[Scenario]:
    for family in FAMILIES:
        old = family == "3.17"
        for mode in ("create", "renew", "forced"):
            yield Scenario(RobotToken(), "robot", mode, family, password=old, files=not old)
        for mode in ("create", "renew", "forced", "retire"):
            yield Scenario(ApiToken(), "api", mode, family, password=old, files=mode in ("create", "renew"))
        for mode in ("create", "forced", "retire"):
            yield Scenario(AssignedToken(), "assigned", mode, family, password=True, files=mode == "create" and not old)
        for mode in ("create", "retire"):
            yield Scenario(AppToken(), "app", mode, family, password=old, files=mode == "create" and not old)
        yield Scenario(AppToken(owns_title=True), "app", "forced", family, password=old, files=not old)
        yield Scenario(ClientSecret(), "client-secret", "forced", family, password=old, files=not old)
        for mode in ("create", "renew", "forced", "retire"):
            yield Scenario(PairedRobots(), "paired", mode, family, password=old, files=mode == "renew" and not old)
        yield Scenario(RobotLease(), "lease", "create", family, password=old)
        yield Scenario(RobotLease(), "lease", "forced", family, password=old, files=not old)
        if not old:
            # The clock of a real Quay cannot be set.
            yield Scenario(RobotLease(needs_standin=True), "lease", "renew", family)
        yield Scenario(LeakedRobot(), "compromised", "forced", family, password=old, rotate="compromised")
        yield Scenario(PairedRobots(before="in_place"), "to-paired", "renew", family, password=old)
        yield Scenario(PairedRobots("in_place", before="paired"), "from-paired", "renew", family, password=old)
        if not old:
            yield Scenario(ApiToken(), "api-by-password", "renew", family, password=True)
            # Older servers issue API tokens to a password only.
            for mode in ("renew", "forced", "retire"):
                yield Scenario(OwnLogin(), "own-login", mode, family, files=mode == "forced")
        for mode in ("create", "renew"):
            yield Scenario(ReferrersToken(), "referrers", mode, family, password=old, files=mode == "renew" and not old)
        for mode in ("create", "renew", "forced"):
            files = mode == "renew" and not old
            yield Scenario(FederatedToken(), "federated", mode, family, password=old, files=files)


def _store_scenarios() -> Iterator[Scenario]:
    """Rotations with each newer kind of store, and with a file and such a store for one credential."""
    for store, title in STORES.items():
        for mode in ("create", "renew", "forced"):
            yield Scenario(RobotToken(), f"robot-{title}", mode, "3.18", stores=(store,), files=mode == "renew")
        for mode in ("create", "forced"):
            yield Scenario(PairedRobots(), f"paired-{title}", mode, "3.18", stores=(store,))
            # AWX does not return a secret, so that a token that Quay returns once needs another store, too.
            stores = ("file", store) if store == "awx_credential" else (store,)
            yield Scenario(ApiToken(), f"api-{title}", mode, "3.18", stores=stores)
    mixed = ("file", "hashi_vault")
    yield Scenario(RobotToken(), "robot-file-vault", "renew", "3.18", stores=mixed, files=True)
    yield Scenario(PairedRobots(), "paired-file-vault", "forced", "3.18", stores=mixed)
    yield Scenario(ApiToken(), "api-file-vault", "forced", "3.18", stores=mixed)
    yield Scenario(ApiToken(), "api-vault", "renew", "3.17", stores=("hashi_vault",), password=True)


STORES = {
    "hashi_vault": "vault",
    "kubernetes_secret": "kubernetes",
    "awx_credential": "awx",
    "vault_vars": "vault-vars",
}
SCENARIOS = {scenario.name: scenario for scenario in (*_scenarios(), *_store_scenarios())}
