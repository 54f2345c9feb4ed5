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

from .._core.credential import Credential, Record, fingerprint
from .._core.errors import BadInput, LocalFileError, QuayError
from .._core.times import format_duration, parse_time_option
from .._http.auth import OAUTH_USERNAME
from .._http.errors import ApiError, NotAuthenticated, RateLimited
from .._module.context import ModuleContext, Result
from .._quay.oauth import AccessToken, Applications, UserTokens
from .._quay.robots import Robot, RobotName, Robots
from .._stores.contract import StoredSecret
from .._stores.holders import delivery_state
from .._stores.kinds import store_of
from .api_token import desired_token, issuer_of, listed_tokens
from .policy import (
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
    Decision,
    ObservedState,
    Policy,
    Succession,
    decide,
    due_for_revocation,
)
from .referrers_token import ReferrersIssuer
from .robot_age import Age, AgeQuestion, ages_of, records_of
from .robot_pair import (
    Pair,
    PairState,
    held_by_former_members,
    pair_finding,
    pair_of,
    pair_state_of,
    refuse_unknown_robot,
)
from .robot_token import PAIRED
from .rotation import Issuer, policy_from_options

RETIRE = "retire"
REMOVE = "remove"
# A break-glass run: now, and the old secret ends at once.
_FORCE = {"rotate": "always", "retire_after": "0"}
# The defaults of quay_api_token and quay_referrers_token.
_RENEW_BEFORE = {"api": "14d", "referrers": "5m"}


@dataclass(frozen=True)
class CredentialRequest:
    """One credential that the user asks about: its options, its policy, and what its stores hold."""

    position: int
    params: Mapping[str, Any]
    policy: Policy
    held: Sequence[StoredSecret] = ()

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
class CredentialStatus:
    """What was found out about it."""

    requested: CredentialRequest
    facts: ObservedState
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


def get_token_info(context: ModuleContext) -> Result:
    """The module quay_token_info."""
    if context.params["credentials"] is not None:
        seen = _declared_credentials(context)
    elif context.params["organization"]:
        seen = list(_credentials_of_organization(context, context.params["organization"]))
    else:
        seen = list(_credentials_of_user(context))
    now = context.client.now()
    return Result(changed=False, values={"credentials": [_told(item, now) for item in seen]})


def _declared_credentials(context: ModuleContext) -> list[CredentialStatus]:
    host = context.params["quay_host"]
    forced = set(context.params["force"])
    unknown = forced - {params["name"] for params in context.params["credentials"]}
    if unknown:
        raise BadInput(f"force names credentials that are not asked about: {', '.join(sorted(unknown))}")
    requested = [
        _asked(position, {**params, **(_FORCE if params["name"] in forced else {})}, host)
        for position, params in enumerate(context.params["credentials"])
    ]
    seen = {item.requested.position: item for item in requested if isinstance(item, CredentialStatus)}
    for kind, look in _LOOKS.items():
        of_kind = [item for item in requested if isinstance(item, CredentialRequest) and item.kind == kind]
        if of_kind:
            seen.update({item.requested.position: item for item in look(context, of_kind)})
    return [seen[position] for position in sorted(seen)]


def _credentials_of_organization(context: ModuleContext, organization: str) -> Iterator[CredentialStatus]:
    policy = policy_from_options({**context.params, "rotate": "when_due"})
    if "robot" in context.params["kinds"]:
        yield from _all_robots(context, organization, policy)
    if "api" in context.params["kinds"]:
        for application in Applications(context.client, organization).list():
            listed = listed_tokens(context, organization, application.client_id)
            if listed is None:
                context.warn("This Quay (3.17 or older) does not list the tokens of an application.")
                return
            where = {"organization": organization, "client_id": application.client_id}
            yield from (_listed(token, where, policy) for token in listed)


def _credentials_of_user(context: ModuleContext) -> Iterator[CredentialStatus]:
    policy = policy_from_options({**context.params, "rotate": "when_due"})
    if "robot" in context.params["kinds"]:
        yield from _all_robots(context, None, policy)
    if "api" in context.params["kinds"]:
        for own in UserTokens(context.client).authorizations():
            details = {"organization": own.organization, "client_id": None, "scopes": list(own.scopes)}
            credential = Credential(own.application, OAUTH_USERNAME, uuid=own.uuid, details=details)
            yield CredentialStatus(_unasked("api", own.application, policy), ObservedState(exists=True), credential)


def _asked(position: int, params: Mapping[str, Any], quay_host: str) -> CredentialRequest | CredentialStatus:
    """The question with what its stores hold; a store that cannot be read is an answer already."""
    # As the module of its kind has it, so that both judge alike.
    renew_before = params["renew_before"] or _RENEW_BEFORE.get(params["kind"])
    requested = CredentialRequest(
        position,
        params,
        policy_from_options({**params, "renew_before": renew_before}, overlaps=params["kind"] == "robot"),
    )
    try:
        stored = [store_of(options, quay_host).read() for options in params["deliver"]]
        elsewhere = [_held(item) for item in params["held"]]
    except (LocalFileError, BadInput) as error:
        return _failed(requested, error)
    return replace(requested, held=[*stored, *elsewhere])


def _held(item: Mapping[str, Any]) -> StoredSecret:
    created, expires = (parse_time_option(item[key], f"held: {key}") for key in ("created_at", "expires_at"))
    return StoredSecret(item["token"], Record(fingerprint(item["token"]), created, expires, item["uuid"]))


def _unasked(kind: str, name: str, policy: Policy) -> CredentialRequest:
    return CredentialRequest(0, {"kind": kind, "name": name}, policy)


def _look_at_robots(context: ModuleContext, requested: Sequence[CredentialRequest]) -> Iterator[CredentialStatus]:
    """All robots of one namespace by one list, and their ages by one pass through its log."""
    namespaces: dict[str | None, list[tuple[CredentialRequest, Pair]]] = {}
    for item in requested:
        try:
            pair = pair_of(RobotName.parse(item.name), item.params)
            if item.params["strategy"] == PAIRED and not item.absent:
                refuse_unknown_robot(pair, item.held)
        except BadInput as error:
            yield _failed(item, error)
            continue
        namespaces.setdefault(pair.name.organization, []).append((item, pair))
    for organization, items in namespaces.items():
        yield from _permissions_match(
            [item for item, _pair in items], partial(_robots_of, context, organization, items)
        )


def _robots_of(
    context: ModuleContext, organization: str | None, items: Sequence[tuple[CredentialRequest, Pair]]
) -> list[CredentialStatus]:
    listed = {robot.name.rpartition("+")[2]: robot for robot in Robots(context.client).list(organization)}
    carried = [_carried(item, pair, listed) for item, pair in items]
    there = [one for one in carried if one.robot is not None]
    questions = [
        AgeQuestion(
            one.robot, one.robot.name.rpartition("+")[2], one.requested.policy.max_age, records_of(one.requested.held)
        )
        for one in there
        if one.robot is not None
    ]
    ages = dict(zip((one.requested.position for one in there), ages_of(context, organization, questions)))
    return [_robot_seen(one, ages.get(one.requested.position, (None, None))) for one in carried]


@dataclass(frozen=True)
class Carried:
    """A robot's credential, and the robot that carries it now."""

    requested: CredentialRequest
    pair: Pair
    robot: Robot | None
    pair_state: PairState | None = None  # of robots that take turns


def _carried(requested: CredentialRequest, pair: Pair, listed: Mapping[str, Robot]) -> Carried:
    robots = {name: listed.get(name.short) for name in pair.all}
    if requested.params["strategy"] != PAIRED and not held_by_former_members(pair, requested.held):
        return Carried(requested, pair, robots[pair.name])
    pair_state = pair_state_of(pair, robots, requested.held)
    return Carried(requested, pair, robots[pair_state.active] if pair_state.active else None, pair_state)


def _robot_seen(carried: Carried, age: Age) -> CredentialStatus:
    requested, pair, robot, pair_state = carried.requested, carried.pair, carried.robot, carried.pair_state
    if robot is not None and robot.token is None:
        return _failed(requested, BadInput(f"This login may see the robot {robot.name} but not its token"))
    holds = _holds(requested, robot.token if robot else None, recorded=pair_state is not None)
    if pair_state is not None:
        finding = pair_finding(pair, pair_state, robot, age)
        facts = replace(finding.facts, held=_together(holds))
        return CredentialStatus(requested, facts, finding.credential, holds, predecessors=finding.predecessors)
    if robot is None:
        return CredentialStatus(
            requested, ObservedState(exists=False), Credential(requested.name, requested.name), holds
        )
    facts = ObservedState(exists=True, held=_together(holds), created_at=age[0])
    return CredentialStatus(requested, facts, _robot_credential(requested.name, robot, age), holds)


def _all_robots(context: ModuleContext, organization: str | None, policy: Policy) -> Iterator[CredentialStatus]:
    robots = Robots(context.client).list(organization)
    questions = [AgeQuestion(robot, robot.name.rpartition("+")[2], policy.max_age, []) for robot in robots]
    for robot, age in zip(robots, ages_of(context, organization, questions)):
        requested = _unasked("robot", robot.name, policy)
        yield CredentialStatus(
            requested, ObservedState(exists=True, created_at=age[0]), _robot_credential(robot.name, robot, age)
        )


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


def _look_at_api_tokens(context: ModuleContext, requested: Sequence[CredentialRequest]) -> Iterator[CredentialStatus]:
    lists: dict[tuple[str, str], Sequence[AccessToken] | None] = {}

    def issuer(item: CredentialRequest) -> Issuer:
        desired = desired_token(context, item.params)
        key = (desired.organization, desired.client_id)
        if key not in lists:
            lists[key] = listed_tokens(context, *key)
        return issuer_of(context, desired, lists[key])

    for item in requested:
        yield from _permissions_match([item], partial(_of_holders, item, issuer))


def _look_at_referrers_tokens(
    context: ModuleContext, requested: Sequence[CredentialRequest]
) -> Iterator[CredentialStatus]:
    def issuer(item: CredentialRequest) -> Issuer:
        return ReferrersIssuer(context, item.params["repositories"], item.params["actions"])

    for item in requested:
        yield from _permissions_match([item], partial(_of_holders, item, issuer))


def _of_holders(
    requested: CredentialRequest, issuer_for: Callable[[CredentialRequest], Issuer]
) -> list[CredentialStatus]:
    finding = issuer_for(requested).observe(requested.held, skip_lookup=False)
    holds = _holds(requested, finding.credential.secret if finding.facts.held == "current" else None)
    facts = finding.facts
    if facts.held == "current":
        facts = replace(facts, held=_together(holds))
    return [CredentialStatus(requested, facts, finding.credential, holds, predecessors=finding.predecessors)]


def _listed(token: AccessToken, where: Mapping[str, Any], policy: Policy) -> CredentialStatus:
    facts = ObservedState(exists=True, created_at=token.created_at, expires_at=token.expires_at)
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
    return CredentialStatus(_unasked("api", token.name or "", policy), facts, credential)


_LOOKS: dict[str, Callable[[ModuleContext, Sequence[CredentialRequest]], Iterator[CredentialStatus]]] = {
    "robot": _look_at_robots,
    "api": _look_at_api_tokens,
    "referrers": _look_at_referrers_tokens,
}


def _permissions_match(
    requested: Sequence[CredentialRequest], look: Callable[[], list[CredentialStatus]]
) -> list[CredentialStatus]:
    """One credential that cannot be looked at does not hide the others; a failing login or server fails them all."""
    try:
        return look()
    except (NotAuthenticated, RateLimited):
        raise
    except (ApiError, BadInput) as error:
        if isinstance(error, ApiError) and error.status >= 500:
            raise
        return [_failed(item, error) for item in requested]


def _failed(requested: CredentialRequest, error: QuayError) -> CredentialStatus:
    return CredentialStatus(
        requested,
        ObservedState(exists=False),
        Credential(requested.name, ""),
        ["unknown"] * len(requested.held),
        str(error),
    )


def _holds(requested: CredentialRequest, secret: str | None, *, recorded: bool = False) -> list[str]:
    """What each store holds beside the present secret."""
    return [delivery_state(held, secret, recorded=recorded) for held in requested.held]


def _together(holds: Sequence[str]) -> str:
    return "current" if all(word == "current" for word in holds) else "other"


def _told(seen: CredentialStatus, now: datetime) -> dict[str, Any]:
    decision = _decision(seen, now)
    failed = seen.error is not None
    return {
        "kind": seen.requested.kind,
        "exists": seen.facts.exists,
        "due": decision.due and not failed,
        "reason": None if failed else decision.reason,
        "why": seen.error or _why(decision, seen, now),
        "action": NOTHING if failed else decision.action,
        "holds": list(seen.holds),
        "error": seen.error,
        **seen.credential.public(),
        "name": seen.requested.name,
    }


def _decision(seen: CredentialStatus, now: datetime) -> Decision:
    """As the module of its kind judges, and what is left to do besides."""
    if seen.requested.absent:
        return Decision(NOT_DUE, REMOVE if seen.leftover else NOTHING)
    decision = decide(seen.requested.policy, seen.facts, now)
    succession = Succession(seen.credential.superseded, seen.predecessors, seen.credential.created_at)
    if decision.action == NOTHING and seen.held and due_for_revocation(seen.requested.policy, succession, now):
        return replace(decision, action=RETIRE)
    return decision


def _why(decision: Decision, seen: CredentialStatus, now: datetime) -> str:
    """The reason as a sentence's part, for a person."""
    facts, policy, reason = seen.facts, seen.requested.policy, decision.reason
    if seen.requested.absent:
        return "it shall be absent" if decision.action == REMOVE else "absent"
    if decision.action == RETIRE:
        return "what it replaced is still alive"
    if reason == TOO_OLD and facts.created_at and policy.max_age:
        return f"{format_duration(now - facts.created_at)} old, limit {format_duration(policy.max_age)} ({seen.credential.age_source})"
    if reason == EXPIRING and facts.expires_at:
        return f"ends in {format_duration(facts.expires_at - now)}"
    if reason == UNDELIVERED:
        outdated = sum(word != "current" for word in seen.holds)
        return f"{outdated} of {len(seen.holds)} stores do not hold the present token"
    if reason == NOT_DUE and facts.expires_at:
        return f"good for {format_duration(facts.expires_at - now)}"
    if reason == NOT_DUE and facts.created_at:
        return f"{format_duration(now - facts.created_at)} old ({seen.credential.age_source})"
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
