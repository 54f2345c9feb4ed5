# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The status of many credentials: what exists, its age and expiry, whether it is due, and why (quay_token_info)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Callable, Iterator, Mapping, Sequence

from .._core.credential import Credential, Record, fingerprint
from .._core.errors import BadInput, LocalFileError, QuayError, StoreError
from .._core.times import parse_time_option
from .._http.auth import OAUTH_USERNAME, BearerAuth
from .._module.context import ModuleContext, Result
from .._quay.oauth import Applications, UserTokens
from .._stores.contract import Store, StoredSecret
from .._stores.holders import options_of_stores
from .._stores.kinds import KINDS, store_from_options
from .._stores.places import NamedPlaces, places_of, shared_places
from .api_token import api_token_policy, listed_credential, listed_tokens, observe_api_tokens
from .declared import DeclaredCredential, Observed
from .evaluation import Evaluation, Observation, evaluate, evaluate_removal
from .pair_state import with_strategy
from .policy import NOTHING, ObservedState, Policy, policy_from_options
from .referrers_token import observe_referrers_tokens, referrers_token_policy
from .robot_lookup import AgeQuery, RobotLookup, Seen
from .robot_token import observe_robots, robot_credential, robot_policy
from .validation import shared_place_problem

# Each kind of credential: how many of them are observed at once. A new kind is a new file and a line here.
_KINDS: dict[str, Callable[[ModuleContext, Sequence[DeclaredCredential]], Iterator[Observed]]] = {
    "robot": observe_robots,
    "api": observe_api_tokens,
    "referrers": observe_referrers_tokens,
}

# A forced run rotates now and revokes the former secret at once.
_FORCE = {"rotate": "always", "retire_after": "0"}

# The state of a store that could not be read.
_UNKNOWN = "unknown"


def get_token_info(context: ModuleContext) -> Result:
    """The module quay_token_info."""
    if context.params["credentials"] is not None:
        observed = declared_credentials(context, context.params["credentials"], context.params["force"])
    elif context.params["organization"]:
        observed = list(_credentials_of_organization(context, context.params["organization"]))
    else:
        observed = list(_credentials_of_user(context))
    return Result(changed=False, values={"credentials": [status.values for status in statuses_of(context, observed)]})


@dataclass(frozen=True)
class Status:
    """The return value for a credential: whether it is due, and why; and what it is now, if it could be read."""

    values: dict[str, Any]
    present: Credential | None = field(default=None, repr=False)
    seen: Seen | None = field(default=None, repr=False)  # of a robot: what need not be read again to rotate it


def statuses_of(context: ModuleContext, observed: Sequence[Observed]) -> list[Status]:
    """The status of each credential."""
    now = context.client.now()
    login = context.client.auth.headers("GET") if isinstance(context.client.auth, BearerAuth) else None
    return [_status(item, now, login) for item in observed]


def declared_credentials(
    context: ModuleContext, entries: Sequence[Mapping[str, Any]], force: Sequence[str]
) -> list[Observed]:
    """Observe declared credentials: a constant number of requests for each kind and namespace.

    ``entries``: with all options of ``credentials``. ``force``: the names of those to rotate now.
    Raises BadInput if it names others.
    """
    forced = set(force)
    unknown = forced - {params["name"] for params in entries}
    if unknown:
        raise BadInput(f"force names credentials that are not in credentials: {', '.join(sorted(unknown))}")
    _refuse_shared_places(context, entries)
    numbered = [
        (position, {**params, **(_FORCE if params["name"] in forced else {})})
        for position, params in enumerate(entries)
    ]
    if any(KINDS[store["kind"]].on_rotator for params in entries for store in params["deliver"]):
        read = context.each_apart(_read_stores, numbered)
    else:
        # Threads gain nothing if no server is waited for.
        read = [_read_stores(context, item) for item in numbered]
    observed = {item.declared.position: item for item in read if isinstance(item, Observed)}
    for kind, observe in _KINDS.items():
        of_kind = [item for item in read if isinstance(item, DeclaredCredential) and item.kind == kind]
        if of_kind:
            observed.update({item.declared.position: item for item in observe(context, of_kind)})
    return [observed[position] for position in sorted(observed)]


def _credentials_of_organization(context: ModuleContext, organization: str) -> Iterator[Observed]:
    policy = policy_from_options({**context.params, "rotate": "when_due"})
    if "robot" in context.params["kinds"]:
        yield from _all_robots(context, organization, policy)
    if "api" in context.params["kinds"]:
        for application in Applications(context.client, organization).list():
            listed = listed_tokens(context, organization, application.client_id)
            if listed is None:
                context.warn("This server (Quay 3.17 or older) does not list the tokens of an application.")
                return
            location = {"organization": organization, "client_id": application.client_id}
            for token in listed:
                state = ObservedState(exists=True, created_at=token.created_at, expires_at=token.expires_at)
                credential = listed_credential(token, location)
                yield Observed(_undeclared("api", credential.name, policy), Observation(state, credential))


def _credentials_of_user(context: ModuleContext) -> Iterator[Observed]:
    policy = policy_from_options({**context.params, "rotate": "when_due"})
    if "robot" in context.params["kinds"]:
        yield from _all_robots(context, None, policy)
    if "api" in context.params["kinds"]:
        for own in UserTokens(context.client).authorizations():
            details = {"organization": own.organization, "client_id": None, "scopes": list(own.scopes)}
            credential = Credential(own.application, OAUTH_USERNAME, uuid=own.uuid, details=details)
            observation = Observation(ObservedState(exists=True), credential)
            yield Observed(_undeclared("api", own.application, policy), observation)


def _all_robots(context: ModuleContext, organization: str | None, policy: Policy) -> Iterator[Observed]:
    lookup = RobotLookup(context, organization)
    queries = [AgeQuery(robot, policy.max_age, []) for robot in lookup.prefetch()]
    lookup.prefetch_ages(queries)
    for query in queries:
        age = lookup.age_of(query)
        observation = Observation(
            ObservedState(exists=True, created_at=age[0]), robot_credential(query.robot.name, query.robot, age)
        )
        yield Observed(_undeclared("robot", query.robot.name, policy), observation)


def _refuse_shared_places(context: ModuleContext, entries: Sequence[Mapping[str, Any]]) -> None:
    """Raise BadInput if two stores are one place. Each of their credentials would replace the secret of the other."""
    stores: list[NamedPlaces] = []
    for position, params in enumerate(entries, 1):
        for number, options in enumerate(params["deliver"], 1):
            # The invalid ones are reported with their credential.
            with suppress(BadInput):
                places = places_of(store_from_options(options, context.params["quay_host"]))
                stores.append((f"credential {position} ({params['name']}), entry {number} of deliver", places))
    problems = [shared_place_problem(first, second, place) for first, second, place in shared_places(stores)]
    if problems:
        raise BadInput(f"credentials is not valid: {'; '.join(problems)}")


def _read_stores(context: ModuleContext, numbered: tuple[int, Mapping[str, Any]]) -> DeclaredCredential | Observed:
    """The declared credential with what its stores hold, or the error if a store cannot be read or written."""
    position, params = numbered
    declared = DeclaredCredential(position, params, Policy())
    try:
        stored = [_read_store(context, options, declared) for options in params["deliver"]]
        held_elsewhere = [_held(item) for item in params["held"]]
        on_hosts = [_read(context, store, declared) for store in params.get("consumers") or ()]
        former = [_read(context, store, declared, removing=True) for store in params.get("former") or ()]
        if params["kind"] == "robot":
            declared = replace(declared, params=with_strategy(params, [*stored, *on_hosts, *former]))
        found = [*stored, *held_elsewhere, *on_hosts, *former]
        return replace(declared, policy=_policy(declared.params), stored=found, former=len(former))
    except (LocalFileError, StoreError, BadInput) as error:
        return Observed(declared, error)


def _read_store(context: ModuleContext, options: Mapping[str, Any], declared: DeclaredCredential) -> StoredSecret:
    return _read(context, store_from_options(options, context.params["quay_host"]), declared)


def _read(
    context: ModuleContext, store: Store, declared: DeclaredCredential, *, removing: bool = False
) -> StoredSecret:
    store.check(removing=removing or declared.is_absent)
    for warning in store.warnings():
        context.warn(warning)
    return store.read()


def _policy(params: Mapping[str, Any]) -> Policy:
    """The policy as the module of this kind has it."""
    if params["kind"] == "robot":
        return robot_policy(params) if options_of_stores(params) else policy_from_options(params, overlaps=True)
    return api_token_policy(params) if params["kind"] == "api" else referrers_token_policy(params)


def _held(item: Mapping[str, Any]) -> StoredSecret:
    created, expires = (parse_time_option(item[key], f"held: {key}") for key in ("created_at", "expires_at"))
    return StoredSecret(item["token"], Record(fingerprint(item["token"]), created, expires, item["uuid"]))


def _undeclared(kind: str, name: str, policy: Policy) -> DeclaredCredential:
    return DeclaredCredential(0, {"kind": kind, "name": name}, policy)


def _status(observed: Observed, now: datetime, login: Mapping[str, str] | None) -> Status:
    """The status of one credential. ``login``: the headers of the token with which the run signs in."""
    declared = observed.declared
    if isinstance(observed.outcome, QuayError):
        return Status(_failed_status(declared, observed.outcome))
    evaluation = _evaluate(declared, observed.outcome, now, record_required=observed.record_required)
    decision, present = evaluation.decision, evaluation.observation.credential
    values = {
        "kind": declared.kind,
        "exists": evaluation.observation.state.exists,
        "due": decision.due,
        "reason": decision.reason,
        "message": decision.message,
        "action": decision.action,
        "holds": list(evaluation.deliveries),
        "error": None,
        "is_login": any(login == {"Authorization": f"Bearer {item.secret}"} for item in declared.stored),
        **present.public(),
        "name": declared.name,
    }
    seen = None if observed.lookup is None else Seen(observed.lookup, declared.stored)
    return Status(values, present, seen)


def _evaluate(
    declared: DeclaredCredential, observation: Observation, now: datetime, *, record_required: bool
) -> Evaluation:
    if declared.is_absent:
        return evaluate_removal(observation, declared.stored, record_required=record_required)
    return evaluate(declared.policy, observation, declared.in_use, now, record_required=record_required)


def _failed_status(declared: DeclaredCredential, error: QuayError) -> dict[str, Any]:
    return {
        "kind": declared.kind,
        "exists": False,
        "due": False,
        "reason": None,
        "message": str(error),
        "action": NOTHING,
        # Of the options: after a store could not be read, ``stored`` is empty.
        "holds": [_UNKNOWN] * sum(len(declared.params.get(option) or ()) for option in ("deliver", "held")),
        "error": str(error),
        "is_login": False,
        **Credential(declared.name, "").public(),
    }
