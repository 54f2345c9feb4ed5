# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Robot tokens: how they are found, minted and proved."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Mapping, Sequence

from .._core.credential import Credential
from .._core.errors import BadInput, QuayError
from .._module.context import ModuleContext, Result
from .._quay.registry_auth import authenticated_user
from .._quay.robots import FederationEntry, Robot, RobotName, Robots
from .._stores.contract import StoredSecret
from .._stores.holders import SecretHolder, holder_from_options
from .policy import AGE_FROM_MINT, MISSING, ObservedState, Policy
from .robot_age import AgeQuestion, ages_of, records_of
from .robot_pair import Pair, PairIssuer, held_by_former_members, pair_of, refuse_unknown_robot
from .robot_secret import RobotToken
from .rotation import Minted, Observation, clear_stores, policy_from_options, rotate

PAIRED = "paired"


def ensure_robot_token(context: ModuleContext) -> Result:
    """The module quay_robot_token."""
    params = context.params
    name = RobotName.parse(params["name"])
    pair = pair_of(name, params)
    federation = _desired_federation(params["federation"])
    policy = _policy(params)
    with holder_from_options(params, check_mode=context.check_mode) as holder:
        if params["state"] == "absent":
            return _absent(context, pair, holder)
        if params["strategy"] == PAIRED:
            refuse_unknown_robot(pair, holder.held)
        if params["strategy"] == PAIRED or held_by_former_members(pair, holder.held):
            outcome = rotate(context, _pair_issuer(context, pair, policy), policy, holder, retires=True)
        else:
            issuer = RobotIssuer(context, name, policy, params["description"], params["metadata"])
            outcome = rotate(context, issuer, policy, holder, retires=False)
    return outcome if federation is None else _with_federation(context, name, federation, outcome)


def _policy(params: Mapping[str, Any]) -> Policy:
    policy = policy_from_options(params, overlaps=True)
    if params["strategy"] == PAIRED and not (params["deliver"] or params["token_path"]):
        raise BadInput(
            "strategy: paired needs deliver or token_path, because what they hold tells which robot the consumers use"
        )
    if params["strategy"] == PAIRED and params["federation"] is not None:
        raise BadInput("federation belongs to one robot; it cannot be given together with strategy: paired")
    if policy.max_age is not None and policy.retire_after is not None and policy.retire_after >= policy.max_age:
        raise BadInput("retire_after must be shorter than max_age: there are only two robots to take turns")
    return policy


def _pair_issuer(context: ModuleContext, pair: Pair, policy: Policy) -> PairIssuer:
    return PairIssuer(
        context,
        pair,
        policy,
        description=context.params["description"],
        metadata=context.params["metadata"],
        copy_rights=context.params["copy_rights"],
    )


class RobotIssuer:
    """One robot's token, replaced in place."""

    changes_quay = True
    secret_is_readable = True
    recorded = False

    def __init__(
        self,
        context: ModuleContext,
        name: RobotName,
        policy: Policy,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._context = context
        self._name = name
        self._policy = policy
        self._description = description
        self._token = RobotToken(context, name, description, metadata)
        self._known: set[str] = set()

    def observe(self, held: Sequence[StoredSecret], *, skip_lookup: bool) -> Observation:
        # What the token was before: as Quay tells it or, where looking is spared, as the holders have it.
        self._known = {item.secret for item in held if item.secret}
        if skip_lookup:
            return Observation(ObservedState(exists=True), Credential(str(self._name), str(self._name)))
        robot = self._token.read()
        if robot is None:
            missing = Credential(str(self._name), self._full_name(), details=self._details(self._description))
            return Observation(ObservedState(exists=False), missing)
        self._known = {robot.token or ""}
        self._token.warn_of_fixed_fields(robot)
        question = AgeQuestion(robot, self._name.short, self._policy.max_age, records_of(held))
        created, source = ages_of(self._context, self._name.organization, [question])[0]
        facts = ObservedState(exists=True, created_at=created)
        return Observation(facts, self._credential(robot, created, source))

    def prepare(self, finding: Observation) -> Observation:
        self._context.server.refuse_if_read_only("POST", f"{self._name.path}/regenerate")
        return finding

    def mint(self, finding: Observation) -> Minted:
        if finding.facts.exists:
            robot, existed = self._token.replace(self._known)
        else:
            robot, existed = self._token.create(self._known), False
        robot, verification_error = self._token.verified(robot)
        return Minted(self._credential(robot, self._context.client.now(), AGE_FROM_MINT), existed, verification_error)

    def retire(self, uuid: str) -> None:
        """A robot's old token needs no retiring."""

    def _full_name(self) -> str:
        """The robot's name with its namespace, which for one's own namespace is the user's."""
        if self._name.organization is not None or not self._context.check_mode:
            return str(self._name)
        return f"{authenticated_user(self._context.client)}+{self._name.short}"

    def _credential(self, robot: Robot, created: datetime | None, source: str | None) -> Credential:
        return Credential(
            name=str(self._name),
            username=robot.name,
            secret=robot.token,
            created_at=created,
            last_accessed=robot.last_accessed,
            age_source=source,
            details=self._details(robot.description),
        )

    @staticmethod
    def _details(description: str | None) -> dict[str, Any]:
        return {"description": description or ""}


def _absent(context: ModuleContext, pair: Pair, holder: SecretHolder) -> Result:
    """Delete the robots that carry the credential, and clear its stores."""
    robots = Robots(context.client)
    there = {name: robot for name in pair.members for robot in [robots.get(name)] if robot is not None}
    for name in there:
        context.server.refuse_if_read_only("DELETE", name.path)
        if not context.check_mode:
            _delete(robots, name)
    usernames = [robot.name for robot in there.values()] or [str(name) for name in pair.members]
    gone = Credential(str(pair.name), usernames[0], details={"description": ""})
    return clear_stores(context, holder, gone, existed=bool(there), usernames=usernames)


def _delete(robots: Robots, name: RobotName) -> None:
    """Delete it once; after a lost answer, see whether it is gone."""
    try:
        robots.delete(name)
    except QuayError as error:
        if not error.outcome_unknown or robots.get(name) is not None:
            raise


def _desired_federation(entries: list[dict[str, str]] | None) -> list[FederationEntry] | None:
    if entries is None:
        return None
    federation = [FederationEntry(entry["issuer"], entry["subject"]) for entry in entries]
    if len(set(federation)) != len(federation):
        raise BadInput("federation names the same issuer and subject twice")
    for entry in federation:
        if not entry.issuer.startswith(("https://", "http://")):
            raise BadInput(f"federation: the issuer '{entry.issuer}' must be an http or https URL")
    return federation


def _with_federation(
    context: ModuleContext, name: RobotName, federation: list[FederationEntry], outcome: Result
) -> Result:
    created = outcome.values["reason"] == MISSING
    present = [] if created else Robots(context.client).federation(name)
    differs = set(present) != set(federation)
    if differs:
        context.server.refuse_if_read_only("POST", f"{name.path}/federation")
    if differs and not context.check_mode:
        Robots(context.client).set_federation(name, federation)
    return Result(
        changed=outcome.changed or differs,
        values={**outcome.values, "federation": _shown(federation)},
        before={**outcome.before, "federation": _shown(present)},
        after={**outcome.after, "federation": _shown(federation)},
    )


def _shown(federation: list[FederationEntry]) -> list[dict[str, str]]:
    return sorted(
        ({"issuer": t.issuer, "subject": t.subject} for t in federation), key=lambda t: (t["issuer"], t["subject"])
    )
