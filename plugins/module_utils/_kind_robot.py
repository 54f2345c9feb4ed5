# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Robot tokens: how they are found, minted and proved."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Mapping, Sequence

from ansible_collections.tokensmith.quay.plugins.module_utils._credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._custody import Custody, custody_of
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import BadInput, QuayError
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import (
    AGE_FROM_MINT,
    MISSING,
    Facts,
    Policy,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._pair import (
    Pair,
    PairIssuer,
    carried_by_others,
    pair_of,
    refuse_other_turns,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._registry import user_of_login
from ansible_collections.tokensmith.quay.plugins.module_utils._robot_tokens import (
    AgeQuestion,
    RobotToken,
    ages_of,
    records_of,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._robots import (
    Robot,
    RobotName,
    Robots,
    Trust,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._rotation import (
    Finding,
    Minted,
    cleared,
    policy_of,
    renew,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome
from ansible_collections.tokensmith.quay.plugins.module_utils._store import Held

PAIRED = "paired"


def ensure_robot_token(call: Call) -> Outcome:
    """The module quay_robot_token."""
    params = call.params
    name = RobotName.parse(params["name"])
    pair = pair_of(name, params)
    trusts = _wanted_trusts(params["federation"])
    policy = _policy(params)
    with custody_of(params, check_mode=call.check_mode) as custody:
        if params["state"] == "absent":
            return _absent(call, pair, custody)
        if params["strategy"] == PAIRED:
            refuse_other_turns(pair, custody.held)
        if params["strategy"] == PAIRED or carried_by_others(pair, custody.held):
            outcome = renew(call, _pair_issuer(call, pair, policy), policy, custody, retires=True)
        else:
            issuer = RobotIssuer(call, name, policy, params["description"], params["metadata"])
            outcome = renew(call, issuer, policy, custody, retires=False)
    return outcome if trusts is None else _with_federation(call, name, trusts, outcome)


def _policy(params: Mapping[str, Any]) -> Policy:
    policy = policy_of(params, overlaps=True)
    if params["strategy"] == PAIRED and not (params["deliver"] or params["token_path"]):
        raise BadInput(
            "strategy: paired needs deliver or token_path, because what they hold tells which robot the consumers use"
        )
    if params["strategy"] == PAIRED and params["federation"] is not None:
        raise BadInput("federation belongs to one robot; it cannot be given together with strategy: paired")
    if policy.max_age is not None and policy.retire_after is not None and policy.retire_after >= policy.max_age:
        raise BadInput("retire_after must be shorter than max_age: there are only two robots to take turns")
    return policy


def _pair_issuer(call: Call, pair: Pair, policy: Policy) -> PairIssuer:
    return PairIssuer(
        call,
        pair,
        policy,
        description=call.params["description"],
        metadata=call.params["metadata"],
        copies_rights=call.params["copy_rights"],
    )


class RobotIssuer:
    """One robot's token, replaced in place."""

    changes_quay = True
    retells = True
    recorded = False

    def __init__(
        self,
        call: Call,
        name: RobotName,
        policy: Policy,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._call = call
        self._name = name
        self._policy = policy
        self._description = description
        self._token = RobotToken(call, name, description, metadata)
        self._known: set[str] = set()

    def find(self, held: Sequence[Held], *, blind: bool) -> Finding:
        # What the token was before: as Quay tells it or, where looking is spared, as the holders have it.
        self._known = {item.secret for item in held if item.secret}
        if blind:
            return Finding(Facts(exists=True), Credential(str(self._name), str(self._name)))
        robot = self._token.read()
        if robot is None:
            missing = Credential(str(self._name), self._full_name(), details=self._details(self._description))
            return Finding(Facts(exists=False), missing)
        self._known = {robot.token or ""}
        self._token.warn_of_fixed_fields(robot)
        question = AgeQuestion(robot, self._name.short, self._policy.max_age, records_of(held))
        created, source = ages_of(self._call, self._name.organization, [question])[0]
        facts = Facts(exists=True, created_at=created)
        return Finding(facts, self._credential(robot, created, source))

    def prepare(self, finding: Finding) -> Finding:
        self._call.server.refuse_if_read_only("POST", f"{self._name.path}/regenerate")
        return finding

    def mint(self, finding: Finding) -> Minted:
        if finding.facts.exists:
            robot, existed = self._token.replace(self._known)
        else:
            robot, existed = self._token.create(self._known), False
        robot, doubt = self._token.proved(robot)
        return Minted(self._credential(robot, self._call.client.now(), AGE_FROM_MINT), existed, doubt)

    def retire(self, uuid: str) -> None:
        """A robot's old token needs no retiring."""

    def _full_name(self) -> str:
        """The robot's name with its namespace, which for one's own namespace is the user's."""
        if self._name.organization is not None or not self._call.check_mode:
            return str(self._name)
        return f"{user_of_login(self._call.client)}+{self._name.short}"

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


def _absent(call: Call, pair: Pair, custody: Custody) -> Outcome:
    """Delete the robots that carry the credential, and clear its stores."""
    robots = Robots(call.client)
    there = {name: robot for name in pair.carriers for robot in [robots.get(name)] if robot is not None}
    for name in there:
        call.server.refuse_if_read_only("DELETE", name.path)
        if not call.check_mode:
            _delete(robots, name)
    usernames = [robot.name for robot in there.values()] or [str(name) for name in pair.carriers]
    gone = Credential(str(pair.name), usernames[0], details={"description": ""})
    return cleared(call, custody, gone, existed=bool(there), usernames=usernames)


def _delete(robots: Robots, name: RobotName) -> None:
    """Delete it once; after a lost answer, see whether it is gone."""
    try:
        robots.delete(name)
    except QuayError as error:
        if not error.unclear or robots.get(name) is not None:
            raise


def _wanted_trusts(entries: list[dict[str, str]] | None) -> list[Trust] | None:
    if entries is None:
        return None
    trusts = [Trust(entry["issuer"], entry["subject"]) for entry in entries]
    if len(set(trusts)) != len(trusts):
        raise BadInput("federation names the same issuer and subject twice")
    for trust in trusts:
        if not trust.issuer.startswith(("https://", "http://")):
            raise BadInput(f"federation: the issuer '{trust.issuer}' must be an http or https URL")
    return trusts


def _with_federation(call: Call, name: RobotName, trusts: list[Trust], outcome: Outcome) -> Outcome:
    created = outcome.values["reason"] == MISSING
    present = [] if created else Robots(call.client).federation(name)
    differs = set(present) != set(trusts)
    if differs:
        call.server.refuse_if_read_only("POST", f"{name.path}/federation")
    if differs and not call.check_mode:
        Robots(call.client).set_federation(name, trusts)
    return Outcome(
        changed=outcome.changed or differs,
        values={**outcome.values, "federation": _shown(trusts)},
        before={**outcome.before, "federation": _shown(present)},
        after={**outcome.after, "federation": _shown(trusts)},
    )


def _shown(trusts: list[Trust]) -> list[dict[str, str]]:
    return sorted(
        ({"issuer": t.issuer, "subject": t.subject} for t in trusts), key=lambda t: (t["issuer"], t["subject"])
    )
