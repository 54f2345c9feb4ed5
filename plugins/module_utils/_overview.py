# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The eyes of the role: what exists of many credentials and what is due, with as few requests as Quay's lists allow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Callable, Iterator, Mapping, Sequence

from ansible_collections.tokensmith.quay.plugins.module_utils._credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._custody import word_for
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import (
    ApiError,
    BadInput,
    LocalFileError,
    NotAuthenticated,
    QuayError,
    RateLimited,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._kind_api import issuer_of, listed_tokens, wanted_of
from ansible_collections.tokensmith.quay.plugins.module_utils._kind_referrers import ReferrersIssuer
from ansible_collections.tokensmith.quay.plugins.module_utils._kind_robot import PAIRED
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import (
    AGE_FROM_QUAY,
    EXPIRED,
    EXPIRING,
    FORCED,
    INVALID,
    MISSING,
    NOT_DUE,
    NOTHING,
    SCOPES_CHANGED,
    TOO_OLD,
    UNDELIVERED,
    Facts,
    Policy,
    Record,
    Succession,
    Verdict,
    doomed,
    fingerprint,
    judge,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._login import OAUTH_USERNAME
from ansible_collections.tokensmith.quay.plugins.module_utils._oauth import AccessToken, Applications, UserTokens
from ansible_collections.tokensmith.quay.plugins.module_utils._pair import (
    Pair,
    Standing,
    carried_by_others,
    pair_finding,
    pair_of,
    refuse_other_turns,
    standing_of,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._robot_tokens import (
    Age,
    AgeQuestion,
    ages_of,
    records_of,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._robots import Robot, RobotName, Robots
from ansible_collections.tokensmith.quay.plugins.module_utils._rotation import Issuer, policy_of
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome
from ansible_collections.tokensmith.quay.plugins.module_utils._store import Held
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import store_of
from ansible_collections.tokensmith.quay.plugins.module_utils._times import given_time, spoken

RETIRE = "retire"
REMOVE = "remove"

# A break-glass run: now, and the old secret ends at once.
_FORCE = {"rotate": "always", "retire_after": "0"}

# The defaults of quay_api_token and quay_referrers_token.
_RENEW_BEFORE = {"api": "14d", "referrers": "5m"}


@dataclass(frozen=True)
class Asked:
    """One credential that the user asks about: its options, its policy, and what its stores hold."""

    position: int
    params: Mapping[str, Any]
    policy: Policy
    held: Sequence[Held] = ()

    @property
    def name(self) -> str:
        return str(self.params["name"])

    @property
    def absent(self) -> bool:
        """Whether it shall be taken away."""
        return self.params.get("state") == "absent"

    @property
    def kind(self) -> str:
        return str(self.params["kind"])


@dataclass(frozen=True)
class Seen:
    """What was found out about it."""

    asked: Asked
    facts: Facts
    credential: Credential
    holds: Sequence[str] = ()
    error: str | None = None
    predecessors: tuple[str, ...] = ()

    @property
    def leftover(self) -> bool:
        """Whether anything of it is there, in Quay or in a store."""
        return self.facts.exists or bool(self.credential.superseded) or any(word != "absent" for word in self.holds)

    @property
    def held(self) -> bool:
        """Whether all stores hold the present secret, so that nobody depends on an older one."""
        return bool(self.holds) and self.facts.held == "current"


def survey(call: Call) -> Outcome:
    """The module quay_token_info."""
    if call.params["credentials"] is not None:
        seen = _asked_for(call)
    elif call.params["organization"]:
        seen = list(_of_organization(call, call.params["organization"]))
    else:
        seen = list(_of_user(call))
    now = call.client.now()
    return Outcome(changed=False, values={"credentials": [_told(item, now) for item in seen]})


# --- the three ways to ask


def _asked_for(call: Call) -> list[Seen]:
    host = call.params["quay_host"]
    forced = set(call.params["force"])
    unknown = forced - {params["name"] for params in call.params["credentials"]}
    if unknown:
        raise BadInput(f"force names credentials that are not asked about: {', '.join(sorted(unknown))}")
    asked = [
        _asked(position, {**params, **(_FORCE if params["name"] in forced else {})}, host)
        for position, params in enumerate(call.params["credentials"])
    ]
    seen = {item.asked.position: item for item in asked if isinstance(item, Seen)}
    for kind, look in _LOOKS.items():
        of_kind = [item for item in asked if isinstance(item, Asked) and item.kind == kind]
        if of_kind:
            seen.update({item.asked.position: item for item in look(call, of_kind)})
    return [seen[position] for position in sorted(seen)]


def _of_organization(call: Call, organization: str) -> Iterator[Seen]:
    policy = policy_of({**call.params, "rotate": "when_due"})
    if "robot" in call.params["kinds"]:
        yield from _all_robots(call, organization, policy)
    if "api" in call.params["kinds"]:
        for application in Applications(call.client, organization).list():
            listed = listed_tokens(call, organization, application.client_id)
            if listed is None:
                call.warn("This Quay (3.17 or older) does not list the tokens of an application.")
                return
            where = {"organization": organization, "client_id": application.client_id}
            yield from (_listed(token, where, policy) for token in listed)


def _of_user(call: Call) -> Iterator[Seen]:
    policy = policy_of({**call.params, "rotate": "when_due"})
    if "robot" in call.params["kinds"]:
        yield from _all_robots(call, None, policy)
    if "api" in call.params["kinds"]:
        for own in UserTokens(call.client).authorizations():
            details = {"organization": own.organization, "client_id": None, "scopes": list(own.scopes)}
            credential = Credential(own.application, OAUTH_USERNAME, uuid=own.uuid, details=details)
            yield Seen(_unasked("api", own.application, policy), Facts(exists=True), credential)


def _asked(position: int, params: Mapping[str, Any], quay_host: str) -> Asked | Seen:
    """The question with what its stores hold; a store that cannot be read is an answer already."""
    # As the module of its kind has it, so that both judge alike.
    renew_before = params["renew_before"] or _RENEW_BEFORE.get(params["kind"])
    asked = Asked(
        position, params, policy_of({**params, "renew_before": renew_before}, overlaps=params["kind"] == "robot")
    )
    try:
        stored = [store_of(options, quay_host).read() for options in params["deliver"]]
        elsewhere = [_held(item) for item in params["held"]]
    except (LocalFileError, BadInput) as error:
        return _failed(asked, error)
    return replace(asked, held=[*stored, *elsewhere])


def _held(item: Mapping[str, Any]) -> Held:
    created, expires = (given_time(item[key], f"held: {key}") for key in ("created_at", "expires_at"))
    return Held(item["token"], Record(fingerprint(item["token"]), created, expires, item["uuid"]))


def _unasked(kind: str, name: str, policy: Policy) -> Asked:
    return Asked(0, {"kind": kind, "name": name}, policy)


# --- robots


def _look_at_robots(call: Call, asked: Sequence[Asked]) -> Iterator[Seen]:
    """All robots of one namespace by one list, and their ages by one pass through its log."""
    namespaces: dict[str | None, list[tuple[Asked, Pair]]] = {}
    for item in asked:
        try:
            pair = pair_of(RobotName.parse(item.name), item.params)
            if item.params["strategy"] == PAIRED and not item.absent:
                refuse_other_turns(pair, item.held)
        except BadInput as error:
            yield _failed(item, error)
            continue
        namespaces.setdefault(pair.name.organization, []).append((item, pair))
    for organization, items in namespaces.items():
        yield from _guarded([item for item, _pair in items], partial(_robots_of, call, organization, items))


def _robots_of(call: Call, organization: str | None, items: Sequence[tuple[Asked, Pair]]) -> list[Seen]:
    listed = {robot.name.rpartition("+")[2]: robot for robot in Robots(call.client).list(organization)}
    carried = [_carried(item, pair, listed) for item, pair in items]
    there = [one for one in carried if one.robot is not None]
    questions = [
        AgeQuestion(one.robot, one.robot.name.rpartition("+")[2], one.asked.policy.max_age, records_of(one.asked.held))
        for one in there
        if one.robot is not None
    ]
    ages = dict(zip((one.asked.position for one in there), ages_of(call, organization, questions)))
    return [_robot_seen(one, ages.get(one.asked.position, (None, None))) for one in carried]


@dataclass(frozen=True)
class Carried:
    """A robot's credential, and the robot that carries it now."""

    asked: Asked
    pair: Pair
    robot: Robot | None
    standing: Standing | None = None  # of robots that take turns


def _carried(asked: Asked, pair: Pair, listed: Mapping[str, Robot]) -> Carried:
    robots = {name: listed.get(name.short) for name in pair.all}
    if asked.params["strategy"] != PAIRED and not carried_by_others(pair, asked.held):
        return Carried(asked, pair, robots[pair.name])
    standing = standing_of(pair, robots, asked.held)
    return Carried(asked, pair, robots[standing.active] if standing.active else None, standing)


def _robot_seen(carried: Carried, age: Age) -> Seen:
    asked, pair, robot, standing = carried.asked, carried.pair, carried.robot, carried.standing
    if robot is not None and robot.token is None:
        return _failed(asked, BadInput(f"This login may see the robot {robot.name} but not its token"))
    holds = _holds(asked, robot.token if robot else None, recorded=standing is not None)
    if standing is not None:
        finding = pair_finding(pair, standing, robot, age)
        facts = replace(finding.facts, held=_together(holds))
        return Seen(asked, facts, finding.credential, holds, predecessors=finding.predecessors)
    if robot is None:
        return Seen(asked, Facts(exists=False), Credential(asked.name, asked.name), holds)
    facts = Facts(exists=True, held=_together(holds), created_at=age[0])
    return Seen(asked, facts, _robot_credential(asked.name, robot, age), holds)


def _all_robots(call: Call, organization: str | None, policy: Policy) -> Iterator[Seen]:
    robots = Robots(call.client).list(organization)
    questions = [AgeQuestion(robot, robot.name.rpartition("+")[2], policy.max_age, []) for robot in robots]
    for robot, age in zip(robots, ages_of(call, organization, questions)):
        asked = _unasked("robot", robot.name, policy)
        yield Seen(asked, Facts(exists=True, created_at=age[0]), _robot_credential(robot.name, robot, age))


def _robot_credential(name: str, robot: Robot, age: Age) -> Credential:
    return Credential(
        name=name,
        username=robot.name,
        secret=robot.token,
        created_at=age[0],
        last_accessed=robot.last_accessed,
        age_source=age[1],
        details={"description": robot.description},
    )


# --- API tokens and registry tokens: Quay never tells them again, so what the stores hold is put to the proof


def _look_at_api_tokens(call: Call, asked: Sequence[Asked]) -> Iterator[Seen]:
    lists: dict[tuple[str, str], Sequence[AccessToken] | None] = {}

    def issuer(item: Asked) -> Issuer:
        wanted = wanted_of(call, item.params)
        key = (wanted.organization, wanted.client_id)
        if key not in lists:
            lists[key] = listed_tokens(call, *key)
        return issuer_of(call, wanted, lists[key])

    for item in asked:
        yield from _guarded([item], partial(_of_holders, item, issuer))


def _look_at_referrers_tokens(call: Call, asked: Sequence[Asked]) -> Iterator[Seen]:
    def issuer(item: Asked) -> Issuer:
        return ReferrersIssuer(call, item.params["repositories"], item.params["actions"])

    for item in asked:
        yield from _guarded([item], partial(_of_holders, item, issuer))


def _of_holders(asked: Asked, issuer_for: Callable[[Asked], Issuer]) -> list[Seen]:
    finding = issuer_for(asked).find(asked.held, blind=False)
    holds = _holds(asked, finding.credential.secret if finding.facts.held == "current" else None)
    facts = finding.facts
    if facts.held == "current":
        facts = replace(facts, held=_together(holds))
    return [Seen(asked, facts, finding.credential, holds, predecessors=finding.predecessors)]


def _listed(token: AccessToken, where: Mapping[str, Any], policy: Policy) -> Seen:
    facts = Facts(exists=True, created_at=token.created_at, expires_at=token.expires_at)
    credential = Credential(
        name=token.name or "",
        username=OAUTH_USERNAME,
        uuid=token.uuid,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_accessed=token.last_accessed,
        age_source=AGE_FROM_QUAY,
        details={**where, "scopes": list(token.scopes)},
    )
    return Seen(_unasked("api", token.name or "", policy), facts, credential)


_LOOKS: dict[str, Callable[[Call, Sequence[Asked]], Iterator[Seen]]] = {
    "robot": _look_at_robots,
    "api": _look_at_api_tokens,
    "referrers": _look_at_referrers_tokens,
}


# --- judging and telling


def _guarded(asked: Sequence[Asked], look: Callable[[], list[Seen]]) -> list[Seen]:
    """One credential that cannot be looked at does not hide the others; a failing login or server fails them all."""
    try:
        return look()
    except (NotAuthenticated, RateLimited):
        raise
    except (ApiError, BadInput) as error:
        if isinstance(error, ApiError) and error.status >= 500:
            raise
        return [_failed(item, error) for item in asked]


def _failed(asked: Asked, error: QuayError) -> Seen:
    return Seen(asked, Facts(exists=False), Credential(asked.name, ""), ["unknown"] * len(asked.held), str(error))


def _holds(asked: Asked, secret: str | None, *, recorded: bool = False) -> list[str]:
    """What each store holds beside the present secret."""
    return [word_for(held, secret, recorded=recorded) for held in asked.held]


def _together(holds: Sequence[str]) -> str:
    return "current" if all(word == "current" for word in holds) else "other"


def _told(seen: Seen, now: datetime) -> dict[str, Any]:
    verdict = _verdict(seen, now)
    failed = seen.error is not None
    return {
        "kind": seen.asked.kind,
        "exists": seen.facts.exists,
        "due": verdict.due and not failed,
        "reason": None if failed else verdict.reason,
        "why": seen.error or _why(verdict, seen, now),
        "action": NOTHING if failed else verdict.action,
        "holds": list(seen.holds),
        "error": seen.error,
        **seen.credential.public(),
        "name": seen.asked.name,
    }


def _verdict(seen: Seen, now: datetime) -> Verdict:
    """As the module of its kind judges, and what is left to do besides."""
    if seen.asked.absent:
        return Verdict(NOT_DUE, REMOVE if seen.leftover else NOTHING)
    verdict = judge(seen.asked.policy, seen.facts, now)
    succession = Succession(seen.credential.superseded, seen.predecessors, seen.credential.created_at)
    if verdict.action == NOTHING and seen.held and doomed(seen.asked.policy, succession, now):
        return replace(verdict, action=RETIRE)
    return verdict


def _why(verdict: Verdict, seen: Seen, now: datetime) -> str:
    """The reason as a sentence's part, for a person."""
    facts, policy, reason = seen.facts, seen.asked.policy, verdict.reason
    if seen.asked.absent:
        return "it shall be absent" if verdict.action == REMOVE else "absent"
    if verdict.action == RETIRE:
        return "what it replaced is still alive"
    if reason == TOO_OLD and facts.created_at and policy.max_age:
        return f"{spoken(now - facts.created_at)} old, limit {spoken(policy.max_age)} ({seen.credential.age_source})"
    if reason == EXPIRING and facts.expires_at:
        return f"ends in {spoken(facts.expires_at - now)}"
    if reason == UNDELIVERED:
        behind = sum(word != "current" for word in seen.holds)
        return f"{behind} of {len(seen.holds)} stores do not hold the present token"
    if reason == NOT_DUE and facts.expires_at:
        return f"good for {spoken(facts.expires_at - now)}"
    if reason == NOT_DUE and facts.created_at:
        return f"{spoken(now - facts.created_at)} old ({seen.credential.age_source})"
    return _SENTENCES[reason]


_SENTENCES = {
    MISSING: "there is none yet",
    INVALID: "Quay does not accept what the stores hold",
    EXPIRED: "it has ended",
    FORCED: "asked for",
    SCOPES_CHANGED: "its rights are not the wanted ones",
    EXPIRING: "it ends soon",
    TOO_OLD: "it is too old",
    UNDELIVERED: "a store does not hold it",
    NOT_DUE: "sound",
}
