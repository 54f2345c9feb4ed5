# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is rotated: each kind of credential, made for the first time and renewed, on both families of servers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.client import claims
from contract import collection
from standin.config import FAMILIES

from .site import Ground, deliver

REGISTRY = "quay.example.com"
OTHER_REGISTRY = "other.example.com"
OTHER_LOGIN = base64.b64encode(b"somebody:something").decode()

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Login:
    """What a store holds."""

    username: str
    secret: str = field(repr=False)


class Kind:
    """One kind of credential: how it is asked for, and what must hold of it."""

    module = ""
    # Whether a container engine can log in with it.
    is_login = True
    # Whether what the stores hold is accepted at every moment, however a run ends.
    seamless = True
    # Whether the former secret lives on until a further run, so that no consumer notices anything.
    overlaps = False

    def prepare(self, ground: Ground) -> None:
        """What must be there before the first run."""

    def arguments(self, ground: Ground) -> Arguments:
        """The options of every run but the first of a renewal."""
        raise NotImplementedError

    def earlier(self, ground: Ground) -> Arguments:
        """How the options differed in the run that made what is renewed now."""
        return {}

    def settle_in(self, ground: Ground) -> None:
        """What happens between that run and the renewal."""

    def usernames(self, ground: Ground) -> Sequence[str]:
        """Under which names one may log in with it."""
        return ()

    def all_usernames(self, ground: Ground) -> Sequence[str]:
        """Also those under which one could before."""
        return self.usernames(ground)

    def grow_old(self, ground: Ground) -> None:
        """Let it become due."""

    def faults_of(self, ground: Ground, held: Sequence[Login], *, forgiven: bool) -> Iterator[str]:
        """What is wrong in Quay, given what the stores hold. ``forgiven``: the first run had no chance to finish."""
        raise NotImplementedError


class RobotToken(Kind):
    """A robot's token, replaced in place."""

    module = "quay_robot_token"
    seamless = False

    def arguments(self, ground: Ground) -> Arguments:
        return {"name": self._name(ground), "max_age": "10d", "description": "builds"}

    def grow_old(self, ground: Ground) -> None:
        if ground.site.standin:
            ground.site.pass_days(20)
            return
        # A real clock cannot be set: the record of the delivery is.
        record = Path(f"{ground.auth}.record.json")
        for path in (record, ground.file, Path(f"{ground.file}.record.json")):
            if path.exists():
                path.write_text(_with_old_dates(path.read_text()))

    def usernames(self, ground: Ground) -> Sequence[str]:
        return (self._name(ground),)

    def faults_of(self, ground: Ground, held: Sequence[Login], *, forgiven: bool) -> Iterator[str]:
        name = self._name(ground)
        robot = ground.site.get(f"/api/v1/organization/{ground.org}/robots/{name.partition('+')[2]}")
        for login in held:
            if login.username not in ("", name):
                yield f"a store names {login.username}"
            if login.secret != robot["token"]:
                yield "a store holds another secret than the robot's present one"
            if ground.site.logs_in(name, login.secret) is None:
                yield "a store holds a secret that Quay refuses"

    @staticmethod
    def _name(ground: Ground) -> str:
        return f"{ground.org}+{ground.tag}"


class PairedRobots(RobotToken):
    """Two robots that carry one credential in turn."""

    seamless = True
    overlaps = True

    def __init__(self, strategy: str = "paired", before: str = "paired") -> None:
        self._strategy = strategy
        self._before = before

    def arguments(self, ground: Ground) -> Arguments:
        return {**super().arguments(ground), "strategy": self._strategy}

    def earlier(self, ground: Ground) -> Arguments:
        return {"strategy": self._before}

    def settle_in(self, ground: Ground) -> None:
        """The robot gets every sort of rights, which the next one must have, too."""
        login = held_in(ground.auth)
        assert login
        superuser, root = ground.site.superuser, f"/api/v1/organization/{ground.org}"
        ground.notes["rights"] = {f"{ground.org}/app", f"{ground.org}/base"}
        for repository, role in (("app", "read"), ("base", "write")):
            path = f"/api/v1/repository/{ground.org}/{repository}/permissions/user/{login.username}"
            assert superuser.put(path, {"role": role}).status_code == 200
        assert superuser.put(f"{root}/team/readers/members/{login.username}").status_code == 200
        prototype = {"role": "read", "delegate": {"name": login.username, "kind": "user"}}
        assert superuser.post(f"{root}/prototypes", prototype).status_code == 200

    def usernames(self, ground: Ground) -> Sequence[str]:
        name = self._name(ground)
        return (f"{name}_a", f"{name}_b") if self._strategy == "paired" else (name,)

    def all_usernames(self, ground: Ground) -> Sequence[str]:
        name = self._name(ground)
        return f"{name}_a", f"{name}_b", name

    def faults_of(self, ground: Ground, held: Sequence[Login], *, forgiven: bool) -> Iterator[str]:
        site, carriers = ground.site, self.usernames(ground)
        for login in held:
            if login.username and login.username not in carriers:
                yield f"a store names {login.username}"
            names = [login.username] if login.username else carriers
            proofs = [proof for proof in (site.logs_in(name, login.secret, "app", "base") for name in names) if proof]
            if not proofs:
                yield "a store holds a secret that Quay refuses"
            for proof in proofs:
                opened = {entry["name"] for entry in claims(proof["token"])["access"] if "pull" in entry["actions"]}
                if not ground.notes.get("rights", set()) <= opened:
                    yield "a store holds a secret that does not open what the former one did"
        yield from self._lacking(ground, {login.username for login in held if login.username})

    def _lacking(self, ground: Ground, names: set[str]) -> Iterator[str]:
        """Rights that no token tells."""
        if "rights" not in ground.notes:
            return
        root = f"/api/v1/organization/{ground.org}"
        members = {member["name"] for member in ground.site.get(f"{root}/team/readers/members")["members"]}
        delegates = {item["delegate"]["name"] for item in ground.site.get(f"{root}/prototypes")["prototypes"]}
        if not names <= members:
            yield "the robot in the stores is not in the team of the former one"
        if not names <= delegates:
            yield "the robot in the stores has not the default permission of the former one"


def held_in(path: Path) -> Login | None:
    """What a store holds, if it is whole: read by other eyes than the collection's."""
    if path.is_symlink():
        return None
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError):
        return None
    if not text.endswith("\n"):
        return None
    if path.name != "auth.json" and not text.startswith("{"):
        return Login("", text[:-1]) if re.fullmatch(r"\S+\n", text) else None
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if path.name != "auth.json":
        return Login(document["username"] or "", document["token"])
    if document["auths"].get(OTHER_REGISTRY) != {"auth": OTHER_LOGIN} or REGISTRY not in document["auths"]:
        return None
    username, _colon, secret = base64.b64decode(document["auths"][REGISTRY]["auth"]).decode().partition(":")
    return Login(username, secret)


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

    def prepare(self, ground: Ground) -> None:
        site = ground.site
        ground.notes["client_id"] = site.new_application(ground.tag)
        ground.notes["strangers"] = strangers = []
        # What people made: in the same application, where it is not ours alone, and in another one.
        strangers.append(site.mint(site.console, "repo:read"))
        if site.family == "3.18":
            strangers.append(site.mint(ground.notes["client_id"], "repo:read"))
            answer = site.superuser.post(self._tokens(ground), {"name": "a-persons", "scope": "repo:read"})
            strangers.append(answer.json()["token"])
        site.proxy.tap.add(*strangers)

    def arguments(self, ground: Ground) -> Arguments:
        owns = {"owns_application": True} if _owning() and ground.site.family == "3.17" else {}
        where = {"organization": ground.org, "client_id": ground.notes["client_id"], "name": "nightly"}
        return {**where, **owns, "scopes": ["repo:read", "repo:write"]}

    def earlier(self, ground: Ground) -> Arguments:
        return {"scopes": ["repo:read"]}

    def usernames(self, ground: Ground) -> Sequence[str]:
        return ("$oauthtoken",)

    def faults_of(self, ground: Ground, held: Sequence[Login], *, forgiven: bool) -> Iterator[str]:
        site = ground.site
        proved = [site.logs_in("$oauthtoken", login.secret) for login in held]
        if None in proved:
            yield "a store holds a secret that Quay refuses"
        uuids = {claims(proof["token"])["context"]["entity_reference"] for proof in proved if proof}
        left = self._living(ground) - uuids
        if left and not (forgiven and site.family == "3.17" and not _owning()):
            yield f"{len(left)} superseded or orphaned token(s) alive"
        dead = sum(site.logs_in("$oauthtoken", secret) is None for secret in ground.notes["strangers"])
        if dead:
            yield f"{dead} token(s) of other people dead"

    def _tokens(self, ground: Ground) -> str:
        return f"/api/v1/organization/{ground.org}/applications/{ground.notes['client_id']}/tokens"

    def _living(self, ground: Ground) -> set[str]:
        """The uuids of our living tokens."""
        site = ground.site
        if site.family == "3.18":
            listed = site.listed(self._tokens(ground), "tokens")
            return {token["uuid"] for token in listed if token["name"] == "nightly"}
        listed = site.get("/api/v1/user/authorizations")["authorizations"]
        return {token["uuid"] for token in listed if token["application"]["name"] == ground.tag}


def _owning() -> bool:
    """Whether this collection can be told that an application is the credential's own."""
    return "owns_application" in collection.spec_of("quay_api_token").options


class ReferrersToken(Kind):
    """A registry token for an hour."""

    module = "quay_referrers_token"
    is_login = False

    def arguments(self, ground: Ground) -> Arguments:
        return {"repositories": [f"{ground.org}/app", f"{ground.org}/base"]}

    def earlier(self, ground: Ground) -> Arguments:
        return {"repositories": [f"{ground.org}/app"]}

    def faults_of(self, ground: Ground, held: Sequence[Login], *, forgiven: bool) -> Iterator[str]:
        for login in held:
            if not ground.site.takes_bearer(login.secret):
                yield "a store holds a registry token that Quay refuses"
            granted = {entry["name"] for entry in claims(login.secret)["access"] if "pull" in entry["actions"]}
            if granted != set(self.arguments(ground)["repositories"]):
                yield "a store holds a registry token for something else"


@dataclass(frozen=True)
class Scenario:
    """One rotation, at which every fault is tried."""

    kind: Kind = field(repr=False)
    title: str
    mode: str
    family: str
    password: bool = False
    # Whether its file operations are gone through, too: those of another server's family are the same.
    files: bool = False

    @property
    def name(self) -> str:
        return f"{self.title}-{self.mode}-{self.family}"

    @property
    def is_login(self) -> bool:
        """Whether the auth file's entry is a login of a container engine."""
        return self.kind.is_login

    @property
    def overlaps(self) -> bool:
        """Whether no consumer may notice a rotation: the former secret lives on until the new one is delivered."""
        return self.kind.overlaps

    @property
    def form(self) -> str:
        """The format of the file: one with its record inside, and one with its record beside."""
        return "json" if self.mode == "forced" else "token"

    def furnish(self, ground: Ground, run: Callable[[Arguments], None]) -> None:
        """Make the rotation due on an empty ground; ``run`` runs the module as it was run earlier."""
        if self.is_login:
            document = {"auths": {OTHER_REGISTRY: {"auth": OTHER_LOGIN}}}
            ground.auth.write_text(json.dumps(document))
            ground.auth.chmod(0o600)
        self.kind.prepare(ground)
        if self.mode != "create":
            run({**self.arguments(ground), **(self.kind.earlier(ground) if self.mode == "renew" else {})})
            self.kind.settle_in(ground)
        if self.mode == "retire":
            run({**self.arguments(ground), "rotate": "always", "retire_after": "1h"})
        if self.mode == "renew":
            self.kind.grow_old(ground)

    def arguments(self, ground: Ground) -> Arguments:
        """The options of a run that finds out by itself what is to be done."""
        return {
            "quay_host": ground.site.proxy.url,
            **ground.site.login(password=self.password),
            "retries": 0,
            **self.kind.arguments(ground),
            "deliver": deliver(ground, self.form, REGISTRY),
        }

    def first(self, ground: Ground) -> Arguments:
        """The options of the run to which the fault happens."""
        return {**self.arguments(ground), **({"rotate": "always"} if self.mode == "forced" else {})}


def _scenarios() -> Iterator[Scenario]:
    for family in FAMILIES:
        old = family == "3.17"
        for mode in ("create", "renew", "forced"):
            yield Scenario(RobotToken(), "robot", mode, family, password=old, files=not old)
        for mode in ("create", "renew", "forced", "retire"):
            yield Scenario(ApiToken(), "api", mode, family, password=old, files=mode in ("create", "renew"))
        for mode in ("create", "renew", "forced", "retire"):
            yield Scenario(PairedRobots(), "paired", mode, family, password=old, files=mode == "renew" and not old)
        yield Scenario(PairedRobots(before="in_place"), "to-paired", "renew", family, password=old)
        yield Scenario(PairedRobots("in_place", before="paired"), "from-paired", "renew", family, password=old)
        if not old:
            yield Scenario(ApiToken(), "api-by-password", "renew", family, password=True)
        for mode in ("create", "renew"):
            yield Scenario(ReferrersToken(), "referrers", mode, family, password=old, files=mode == "renew" and not old)


SCENARIOS = {scenario.name: scenario for scenario in _scenarios()}
