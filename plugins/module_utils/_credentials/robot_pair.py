# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Robots that carry one credential in turn, so that its rotation interrupts nobody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Mapping, Optional, Sequence

from .._core.credential import Credential, fingerprint
from .._core.errors import BadInput, RefusedCredential, Unconfirmed
from .._http.auth import BasicAuth
from .._http.errors import NotAuthenticated
from .._module.context import ModuleContext
from .._quay.registry_auth import RegistryToken, request_registry_token
from .._quay.robot_rights import Rights, RobotRights
from .._quay.robots import Robot, RobotName
from .._stores.contract import StoredSecret
from .policy import AGE_FROM_MINT, ObservedState, Policy
from .robot_age import Age, AgeQuestion, ages_of, records_of
from .robot_secret import RobotToken
from .rotation import Minted, Observation, superseded_by_minting

# A robot's name has 255 characters at most, two of which tell the twins apart.
_MAX_PAIR_NAME_LENGTH = 253
# So many repositories fit into one question to /v2/auth.
_REPOSITORIES_AT_ONCE = 30
Robots = Mapping[RobotName, Optional[Robot]]


@dataclass(frozen=True)
class Pair:
    """The robots of one credential. ``members`` take turns; ``others`` carried it under another strategy."""

    name: RobotName
    members: tuple[RobotName, ...]
    others: tuple[RobotName, ...]

    @property
    def all(self) -> tuple[RobotName, ...]:
        return self.members + self.others


def pair_of(name: RobotName, params: Mapping[str, Any]) -> Pair:
    """The robots of a credential, the pair and the one of its own name, in the roles that the strategy gives them."""
    given = params["pair"] or [f"{name}_a", f"{name}_b"]
    if params["strategy"] != "paired" and not params["pair"] and len(name.short) > _MAX_PAIR_NAME_LENGTH:
        # No pair could ever have carried it.
        return Pair(name, (name,), ())
    pair_names = tuple(RobotName.parse(text) for text in given)
    if len(set(pair_names)) != 2 or name in pair_names:
        raise BadInput(f"pair must name two different robots, neither of them {name} itself")
    if any(robot_handle.organization != name.organization for robot_handle in pair_names):
        raise BadInput(f"pair: both robots must be in the namespace of {name}, because rights end there")
    if params["strategy"] == "paired":
        return Pair(name, pair_names, (name,))
    return Pair(name, (name,), pair_names)


def refuse_unknown_robot(pair: Pair, held: Sequence[StoredSecret]) -> None:
    """Stop where a store has what we delivered for robots that are none of these.

    Nobody knows then whose rights the next robot needs, and its secret would open nothing.
    """
    for item in held:
        username = item.username if item.recorded else None
        if username and "+" in username and not any(_is(name, username) for name in pair.all):
            raise BadInput(
                f"A store of {pair.name} holds the login of {username}, which was delivered there and is none of its "
                f"robots ({', '.join(str(name) for name in pair.all)}). If the robots were renamed, run the task once "
                f"with strategy: in_place and the former pair, so that consumers and rights come to {pair.name}, and "
                "then with the new pair. If the place is another credential's, give this one a place of its own"
            )


def held_by_former_members(pair: Pair, held: Sequence[StoredSecret]) -> bool:
    """Whether we delivered, or noted as replaced, what robots carried under another strategy.

    The record proves that it was us: a robot whose login somebody put into a store is not ours, whatever it is called.
    """
    names = {item.username for item in held if item.recorded}
    recorded = {entry.rpartition("@")[0] for item in held if item.record for entry in item.record.superseded}
    return any(_is(other, username) for username in names | recorded if username for other in pair.others)


@dataclass(frozen=True)
class PairState:
    """Who carries the credential now, who will next, and which former secrets are still alive."""

    active: RobotName | None
    target: RobotName
    superseded: tuple[str, ...]

    def serves(self, pair: Pair) -> bool:
        """Whether the active robot is one that shall carry the credential."""
        return self.active in pair.members


def pair_state_of(pair: Pair, robots: Robots, held: Sequence[StoredSecret]) -> PairState:
    """Judge it by what the stores hold. ``robots``: those that were looked at, with their present tokens."""
    active = _active(pair, robots, held)
    target = next((name for name in pair.members if name != active), pair.members[0])
    return PairState(active, target, _superseded(pair, robots, held, active))


def handle_of(robot: Robot) -> str:
    """Which token of which robot: C(acme+ci_a@9f86d081884c). No secret."""
    return f"{robot.name}@{fingerprint(robot.token)}"


def _active(pair: Pair, robots: Robots, held: Sequence[StoredSecret]) -> RobotName | None:
    """The robot whose secret the stores hold; of two, the one that was being delivered when a run was cut off."""
    there = [name for name in pair.all if robots.get(name) is not None]
    for carries in (_has_token, _has_name):
        carrying = [(_delivered_at(item), name) for item in held for name in there if carries(robots[name], item)]
        if carrying:
            return max(carrying, key=lambda entry: entry[0])[1]
    # No store holds a present token: the one that was used last is the one that consumers know.
    beginning = datetime.min.replace(tzinfo=timezone.utc)
    members = [(name, robots.get(name)) for name in there if name in pair.members]
    used = [((robot.last_accessed or robot.created_at or beginning), name) for name, robot in members if robot]
    return max(used, key=lambda entry: entry[0])[1] if used else None


def _has_token(robot: Robot | None, held: StoredSecret) -> bool:
    return robot is not None and bool(held.secret) and held.secret == robot.token


def _has_name(robot: Robot | None, held: StoredSecret) -> bool:
    """A secret that is none any more, yet the name beside it tells whom the consumers know."""
    return robot is not None and bool(held.secret) and held.username == robot.name


def _delivered_at(held: StoredSecret) -> datetime:
    """When a store got what it holds; a secret without its record is the one whose delivery was cut off."""
    recorded = held.record.created_at if held.record and held.recorded else None
    return recorded or datetime.max.replace(tzinfo=timezone.utc)


def _superseded(pair: Pair, robots: Robots, held: Sequence[StoredSecret], active: RobotName | None) -> tuple[str, ...]:
    """Former secrets that may still be alive: those written down; where nothing is, that of the idle robot."""
    present = robots.get(active) if active else None
    if present is None:
        return ()
    records = [record for record in records_of(held) if record.fits(present.token)]
    recorded = {entry for record in records for entry in record.superseded}
    inactive = [(name, robot) for name, robot in robots.items() if robot is not None and name != active]
    return tuple(
        handle_of(robot)
        for name, robot in inactive
        if handle_of(robot) in recorded or (not records and (name in pair.members or active not in pair.members))
    )


class PairIssuer:
    """One credential, carried in turn. The old secret lives until its consumers have had time to change."""

    changes_quay = True
    secret_is_readable = True
    recorded = True

    def __init__(
        self,
        context: ModuleContext,
        pair: Pair,
        policy: Policy,
        *,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        copy_rights: bool = True,
    ) -> None:
        self._context = context
        self._pair = pair
        self._policy = policy
        self._copy_rights = copy_rights
        self._tokens = {name: RobotToken(context, name, description, metadata) for name in pair.all}
        self._rights = RobotRights(context.client, pair.name.organization)
        self._robots: dict[RobotName, Robot | None] = {}
        self._pair_state = PairState(None, pair.members[0], ())
        self._desired = Rights()
        self._present = Rights()

    def observe(self, held: Sequence[StoredSecret], *, skip_lookup: bool) -> Observation:
        """Look at both robots, blind or not: which of them is idle decides what may be replaced."""
        self._robots = {name: self._tokens[name].read() for name in self._pair.members}
        if self._held_by_former_members(held):
            self._robots.update({name: self._tokens[name].read() for name in self._pair.others})
        self._pair_state = pair_state_of(self._pair, self._robots, held)
        active = self._pair_state.active
        robot = self._robots[active] if active else None
        if active is None or robot is None:
            return pair_finding(self._pair, self._pair_state, None, (None, None))
        question = AgeQuestion(robot, active.short, self._policy.max_age, records_of(held))
        age = ages_of(self._context, active.organization, [question])[0]
        return pair_finding(self._pair, self._pair_state, robot, age)

    def prepare(self, finding: Observation) -> Observation:
        """Learn what the two robots may do: the next one gets the rights of the active one."""
        self._context.server.refuse_if_read_only("POST", f"{self._pair_state.target.path}/regenerate")
        active, target = self._active, self._robots.get(self._pair_state.target)
        username = target.name if target else str(self._pair_state.target)
        extra_diff: dict[str, tuple[Any, Any]] = {"username": (active.name if active else None, username)}
        if self._copy_rights and active is not None:
            self._read_rights(active)
            extra_diff["rights"] = (self._present.describe(), self._desired.describe())
        return replace(finding, username=username, extra_diff=extra_diff)

    def mint(self, finding: Observation) -> Minted:
        robot = self._prepared_robot()
        robot, _existed = self._tokens[self._pair_state.target].replace({robot.token or ""})
        self._verify_rights(robot)
        now = self._context.client.now()
        old = finding.credential
        # Its own former secret died just now.
        left = tuple(entry for entry in superseded_by_minting(old) if not entry.startswith(f"{robot.name}@"))
        credential = _credential(self._pair, robot, (now, AGE_FROM_MINT), left)
        return Minted(credential, existed=finding.facts.exists)

    def retire(self, uuid: str) -> None:
        """Give a former robot a new token that nobody is told, so that the one which consumers had is dead."""
        username = uuid.rpartition("@")[0]
        name = next(name for name in self._pair.all if _is(name, username))
        robot = self._tokens[name].read()
        if robot is not None and handle_of(robot) == uuid:
            self._tokens[name].end(robot)

    @property
    def _active(self) -> Robot | None:
        return self._robots.get(self._pair_state.active) if self._pair_state.active else None

    def _held_by_former_members(self, held: Sequence[StoredSecret]) -> bool:
        """Whether a store holds, or is noted to have replaced, what none of the carriers has."""
        members = [robot for robot in self._robots.values() if robot is not None]
        known = {robot.token for robot in members}
        recorded = {entry for record in records_of(held) for entry in record.superseded}
        foreign = {entry for entry in recorded if not any(entry.startswith(f"{robot.name}@") for robot in members)}
        return bool(foreign) or any(item.secret and item.secret not in known for item in held)

    def _read_rights(self, active: Robot) -> None:
        target = self._robots.get(self._pair_state.target)
        rights = self._rights.read([active, target] if target else [active])
        self._desired = rights[active.name]
        self._present = rights.get(target.name, Rights()) if target else Rights()
        if self._desired.unresolved_teams:
            self._context.warn(
                f"{active.name} is in teams that Quay names without telling their organization "
                f"({', '.join(sorted(self._desired.unresolved_teams))}): these rights are not given to {self._pair_state.target}."
            )

    def _prepared_robot(self) -> Robot:
        """The next robot, created where it is missing, with the rights of the active one."""
        token = self._tokens[self._pair_state.target]
        robot = self._robots.get(self._pair_state.target) or token.create(set())
        if self._copy_rights and not _same(self._present, self._desired):
            self._rights.apply(robot, self._present, self._desired)
            if not _same(self._rights.read([robot])[robot.name], self._desired):
                raise Unconfirmed(
                    f"Quay reported success, but the rights of {robot.name} are not those of the active robot. Nothing "
                    "was replaced; run the task again, and look whether something else changes them"
                )
        return robot

    def _verify_rights(self, robot: Robot) -> None:
        """Ask for each right of the active robot with the new secret. Raises where it opens less; the old one lives."""
        accessible_repositories = self._rights.accessible_repositories(self._desired)
        repositories = sorted(accessible_repositories) or [f"{robot.namespace}/credential-proof"]
        lacking: list[str] = []
        for start in range(0, len(repositories), _REPOSITORIES_AT_ONCE):
            lacking += self._lacking(
                robot,
                {
                    name: accessible_repositories.get(name)
                    for name in repositories[start : start + _REPOSITORIES_AT_ONCE]
                },
            )
        if lacking:
            raise RefusedCredential(
                f"The new secret of {robot.name} does not open what that of the active robot does: "
                f"{', '.join(lacking)}. It was not delivered, and the old one lives"
            )

    def _lacking(self, robot: Robot, roles: Mapping[str, str | None]) -> list[str]:
        """What the active robot is granted and this one is not."""
        missing = []
        # Asking to push where only pulling is allowed tells nothing, and would create a missing repository.
        for actions, desired in ((["pull"], (None, "read")), (["pull", "push"], ("write", "admin"))):
            params = [name for name, role in roles.items() if role in desired]
            if params:
                missing += self._compared(robot, params, actions)
        return missing

    def _compared(self, robot: Robot, repositories: Sequence[str], actions: Sequence[str]) -> list[str]:
        new = self._grant(robot, repositories, actions)
        needs_delivery = new.missing(repositories, actions)
        if not needs_delivery or self._active is None:
            return []
        # A repository may be read-only, or gone: what counts is what the active robot gets.
        old = self._grant(self._active, repositories, actions)
        return [right for right in needs_delivery if right not in old.missing(repositories, actions)]

    def _grant(self, robot: Robot, repositories: Sequence[str], actions: Sequence[str]) -> RegistryToken:
        auth = BasicAuth(robot.name, robot.token or "")
        try:
            return request_registry_token(
                self._context.client, auth, self._context.client.netloc, repositories, actions
            )
        except NotAuthenticated as refused:
            raise RefusedCredential(
                f"Quay does not accept the secret of {robot.name} at /v2/auth ({refused}). Nothing was delivered; run "
                "the task again, and look whether something else regenerates this robot"
            ) from None


def pair_finding(pair: Pair, pair_state: PairState, robot: Robot | None, age: Age) -> Observation:
    """The facts of a credential that robots carry in turn. ``robot``: the active one."""
    if robot is None:
        return Observation(
            ObservedState(exists=False), Credential(str(pair.name), str(pair.members[0]), details=_details(None))
        )
    credential = _credential(pair, robot, age, pair_state.superseded)
    return Observation(
        ObservedState(exists=pair_state.serves(pair), created_at=age[0]), credential, predecessors=pair_state.superseded
    )


def _credential(pair: Pair, robot: Robot, age: Age, superseded: tuple[str, ...]) -> Credential:
    return Credential(
        name=str(pair.name),
        username=robot.name,
        secret=robot.token,
        created_at=age[0],
        last_accessed=robot.last_accessed,
        age_source=age[1],
        superseded=superseded,
        robot_handle=handle_of(robot),
        details=_details(robot),
    )


def _details(robot: Robot | None) -> dict[str, Any]:
    return {"description": robot.description if robot else ""}


def _same(one: Rights, other: Rights) -> bool:
    return replace(one, unresolved_teams=frozenset()) == replace(other, unresolved_teams=frozenset())


def _is(name: RobotName, username: str) -> bool:
    """Whether this is the robot that Quay calls by its full name."""
    namespace, _plus, short = username.rpartition("+")
    return name.short == short and name.organization in (None, namespace)
