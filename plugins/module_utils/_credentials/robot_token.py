# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Robot tokens: one robot whose token is replaced in place, or a pair of robots (quay_robot_token)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Iterator, Mapping, Sequence

from .._core.credential import Credential
from .._core.errors import BadInput
from .._core.names import check_length
from .._core.times import format_time
from .._http.errors import ApiError
from .._module.context import ModuleContext, Result
from .._quay.registry_auth import authenticated_user
from .._quay.robots import Robot, RobotName
from .._stores.contract import StoredSecret, records_of
from .._stores.holders import SecretHolder, holder_from_options, options_of_stores
from .declaration_options import lacks_username_key, stores_secret_alone
from .declared import DeclaredCredential, Observed, observe_or_report, undeclared
from .evaluation import Observation
from .kind import TokenModule
from .own_namespace import as_own, in_its_namespace, own_or_organization, retried_as_own
from .pair_robots import PairRobots
from .pair_state import (
    Pair,
    held_by_other_strategy,
    is_robot_of,
    pair_from_options,
    pair_state_of,
    recorded_robots,
    refuse_unknown_robot,
    with_strategy,
)
from .policy import AGE_FROM_MINT, MISSING, PAIRED, ObservedState, Policy, policy_from_options
from .robot_federation import FEDERATION_OPTIONS, DeclaredFederation
from .robot_lookup import Age, AgeQuery, RobotLookup, Seen
from .robot_pair import PairIssuer
from .robot_permissions import PERMISSION_OPTIONS, DeclaredPermissions
from .robot_removal import LIVES_ON
from .robot_secret import RobotSecret
from .robot_use import refuse_disallowed_robot
from .rotation_order import TOKEN_OPTIONS, Minted, clear_stores, rotate
from .successor import NAME_REST
from .token_list import Entry, TokenKind, ensure_one_or_many, same_claims

_KIND = "robot"

# The options of quay_robot_token, with their defaults.
ROBOT_TOKEN_OPTIONS: dict[str, Any] = {
    **TOKEN_OPTIONS,
    "rotate": {**TOKEN_OPTIONS["rotate"], "choices": [*TOKEN_OPTIONS["rotate"]["choices"], "compromised"]},
    "name": {"type": "str", "required": True},
    "description": {"type": "str"},
    "metadata": {"type": "dict"},
    "max_age": {"type": "str"},
    "strategy": {"type": "str", "choices": ["in_place", "paired"]},
    "pair": {"type": "list", "elements": "str"},
    "copy_rights": {"type": "bool", "default": True},
    "retire_after": {"type": "str"},
    **FEDERATION_OPTIONS,
    "permissions": {"type": "list", "elements": "dict", "options": PERMISSION_OPTIONS},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def ensure_robot_tokens(context: ModuleContext) -> Result:
    """The module quay_robot_token: one credential, or many."""
    return ensure_one_or_many(_ROBOT_TOKENS, context)


def ensure_robot_token(context: ModuleContext) -> Result:
    """Ensure one credential."""
    return in_its_namespace(context, RobotName.parse(context.params["name"]), partial(_ensure, context))


def _ensure(context: ModuleContext, name: RobotName) -> Result:
    params = context.params
    # Invalid options are reported before anything is read.
    _check_options(context, name)
    with holder_from_options(params, check_mode=context.check_mode) as holder:
        params = with_strategy(params, holder.stored)
        pair, policy = pair_from_options(name, params), robot_policy(params)
        lookup = _lookup(context, pair, policy, params, holder.stored)
        permissions = DeclaredPermissions(context, pair.name.organization, params["permissions"])
        if params["state"] == "absent":
            return _ensure_absent(context, pair, holder, lookup)
        if params["permissions"]:
            permissions.check(_active_robot(pair, holder.stored, lookup))
        issuer = robot_issuer(context, pair, policy, params, holder.stored, lookup)
        result = rotate(context, issuer, policy, holder, retires=isinstance(issuer, PairIssuer))
    result = replace(result, values={**result.values, "ended": issuer.ended})
    if params["permissions"]:
        result = permissions.ensure(result, copies=isinstance(issuer, PairIssuer) and params["copy_rights"])
    federation = _declared_federation(context, params)
    if federation is None:
        return result
    return federation.ensure(name, result, is_new=result.values["reason"] == MISSING)


def _declared_federation(context: ModuleContext, params: Mapping[str, Any]) -> DeclaredFederation | None:
    """None if the task does not name it. Raises BadInput."""
    if params["federation"] is None:
        return None
    return DeclaredFederation(context, params["federation"], exclusive=params["federation_exclusive"])


def _check_options(context: ModuleContext, name: RobotName) -> None:
    """Raise BadInput for options that are wrong whatever Quay says."""
    params = context.params
    check_length(params["description"], "description")
    _declared_federation(context, params)
    robot_policy(params)
    pair = pair_from_options(name, params)
    DeclaredPermissions(context, pair.name.organization, params["permissions"])


def _lookup(
    context: ModuleContext, pair: Pair, policy: Policy, params: Mapping[str, Any], stored: Sequence[StoredSecret]
) -> RobotLookup:
    """What is known of the robots of the namespace: just read for many credentials, or to be read for this one."""
    seen: Seen | None = params.get("seen")
    # The stores of other machines are not read again before a secret is minted.
    may_be_outdated = bool(params.get("consumers")) and not params["fleet"].confirming
    if seen is None or not _is_listed_completely(pair, policy, params, stored) or may_be_outdated:
        return RobotLookup(context, pair.name.organization)
    if seen.lookup.organization != pair.name.organization or not seen.still_holds(stored):
        return RobotLookup(context, pair.name.organization)
    return seen.lookup


def _is_listed_completely(
    pair: Pair, policy: Policy, params: Mapping[str, Any], stored: Sequence[StoredSecret]
) -> bool:
    """Whether the list of robots shows all of the credential that matters.

    It has no metadata. The robots of a pair need to be seen with their rights.
    """
    alone = params["strategy"] != PAIRED and not policy.ends_access and not held_by_other_strategy(pair, stored)
    return alone and params["metadata"] is None


def _active_robot(pair: Pair, stored: Sequence[StoredSecret], lookup: RobotLookup) -> Robot | None:
    """The robot that carries the credential now."""
    if not pair.paired and not held_by_other_strategy(pair, stored):
        return lookup.get(pair.name)
    robots = PairRobots(pair, lookup).read(stored)
    active = pair_state_of(pair, robots, stored).active
    return robots.get(active) if active else None


def declared_robot_policy(params: Mapping[str, Any]) -> Policy:
    """The policy of a declared robot. One whose status alone is asked for need not be delivered to any store."""
    return robot_policy(params) if options_of_stores(params) else policy_from_options(params, overlaps=True)


def robot_policy(params: Mapping[str, Any]) -> Policy:
    """The rotation policy of a robot's credential. Raises BadInput for options that exclude each other."""
    policy = policy_from_options(params, overlaps=True)
    if policy.ends_access:
        _refuse_irreplaceable(params)
        return replace(policy, retire_after=timedelta(0))
    stores = options_of_stores(params)
    if params["strategy"] == PAIRED and not (stores or params.get("token_path")):
        raise BadInput("strategy: paired needs deliver, because the stores show which robot the consumers use")
    needs_username = params["strategy"] == PAIRED and params.get("state") != "absent"
    if needs_username and any(map(lacks_username_key, stores)):
        raise BadInput(
            "strategy: paired changes the user name with each rotation, and keys has no name for it. Add username to "
            "keys"
        )
    if needs_username and any(map(stores_secret_alone, stores or [{"kind": "file"}])):
        raise BadInput(
            "strategy: paired changes the user name with each rotation, and a file with the token alone has no place "
            "for it. Use deliver with format: json, yaml or env, or with kind: container_auth"
        )
    if params["strategy"] == PAIRED and params.get("federation") is not None:
        raise BadInput("federation belongs to one robot; it cannot be given together with strategy: paired")
    if policy.max_age is not None and policy.retire_after is not None and policy.retire_after >= policy.max_age:
        raise BadInput("retire_after must be shorter than max_age, because only two robots take turns")
    return policy


def _refuse_irreplaceable(params: Mapping[str, Any]) -> None:
    """Raise BadInput if options forbid that a robot of another name carries the credential."""
    stores = options_of_stores(params)
    # A container engine's auth file always has the user name.
    without_username = [_name_of(store) for store in stores if stores_secret_alone(store)]
    if params.get("token_path"):
        without_username.append(params["token_path"])
    problem = None
    if without_username:
        problem = f"{', '.join(without_username)} holds the secret without its user name. Use another format"
    elif not stores:
        problem = "deliver is missing. Name the stores that consumers read"
    elif not params.get("copy_rights", True):
        problem = "with copy_rights: false, the next robot would have no permissions. Leave it out"
    elif params.get("federation") is not None:
        problem = "federation belongs to one robot. Set it to an empty list in a run without rotate, and leave it out"
    if problem is not None:
        raise BadInput(
            f"rotate: compromised gives the credential to a robot of another name, and deletes {params['name']}, "
            f"because {LIVES_ON}. {problem}. Nothing was changed: the secret is still valid. With rotate: always it is "
            "replaced at once, but those registry tokens stay valid without end, until the robot is deleted"
        )


def _name_of(store: Mapping[str, Any]) -> str:
    """A store in messages."""
    return str(store.get("path") or store.get("secret_name") or store.get("credential") or f"a {store['kind']}")


class RobotIssuer:
    """One robot, whose token is replaced in place."""

    changes_quay = True
    secret_is_readable = True
    invalidates = True
    record_required = False

    def __init__(
        self,
        context: ModuleContext,
        name: RobotName,
        policy: Policy,
        lookup: RobotLookup,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._context = context
        self._name = name
        self._policy = policy
        self._lookup = lookup
        self._description = description
        self._secret = RobotSecret(context, name, description, metadata)
        self._former: set[str] = set()  # the token before the run
        # Whether the access by the former token has ended: never, because its registry tokens are still accepted.
        self.ended: bool | None = None

    def age_query(self, stored: Sequence[StoredSecret]) -> AgeQuery | None:
        """What must be known of the robot's age; None if there is no robot."""
        robot = self._lookup.get(self._name)
        return None if robot is None else AgeQuery(robot, self._policy.max_age, records_of(stored))

    def observe(self, stored: Sequence[StoredSecret], *, proven: bool = False) -> Observation:
        query = self.age_query(stored)
        if query is None:
            missing = Credential(str(self._name), str(self._name), details=_details(self._description))
            return Observation(ObservedState(exists=False), missing)
        self._former = {query.robot.token or ""}
        self._secret.warn_of_fixed_fields(query.robot)
        age = self._lookup.age_of(query)
        return Observation(ObservedState(exists=True, created_at=age[0]), self._credential(query.robot, age))

    def prepare(self, observation: Observation) -> Observation:
        self._context.server.refuse_if_read_only("POST", f"{self._name.path}/regenerate")
        present = observation.credential
        refuse_disallowed_robot(
            self._context, present.username or "", present.secret if observation.state.exists else None
        )
        if observation.state.exists:
            self._warn_of_registry_tokens()
        else:
            self._warn_of_recent_deletion()
        if observation.state.exists or self._name.organization is not None or not self._context.check_mode:
            return observation
        # In the user's own namespace, Quay puts the user's name before the robot's.
        user = authenticated_user(self._context.client)
        return replace(observation, username=f"{user}+{self._name.short}")

    def mint(self, observation: Observation) -> Minted:
        if observation.state.exists:
            robot, existed = self._secret.replace(self._former)
        else:
            robot, existed = self._secret.create(self._former), False
        robot, verification_error = self._secret.verified(robot)
        self.ended = False if existed else None
        age = (self._context.client.now(), AGE_FROM_MINT)
        return Minted(self._credential(robot, age), existed, verification_error)

    def retire(self, handle: str) -> None:
        """Nothing to do: the former token became invalid when it was replaced."""

    def _warn_of_registry_tokens(self) -> None:
        """A forced rotation may be meant to end a leak, which it does not."""
        if self._policy.forced:
            self._context.warn(
                f"A new token makes the former secret of {self._name} invalid, but {LIVES_ON}, without end, until "
                f"{self._name} is deleted. If the secret leaked, run the task with rotate: compromised."
            )

    def _warn_of_recent_deletion(self) -> None:
        now = self._context.client.now()
        deleted = (self._lookup.deletions(now - NAME_REST) or {}).get(self._name.short)
        if deleted is not None:
            until = format_time(deleted + NAME_REST)
            self._context.warn(
                f"A robot of the name {self._name} was deleted at {format_time(deleted)}. Registry tokens that were "
                f"issued to it are accepted again as a password of the new one until {until}, and each login with one "
                "gives another. If its secret leaked, use another name, or create it later."
            )

    def _credential(self, robot: Robot, age: Age) -> Credential:
        return robot_credential(str(self._name), robot, age)


def robot_issuer(
    context: ModuleContext,
    pair: Pair,
    policy: Policy,
    params: Mapping[str, Any],
    stored: Sequence[StoredSecret],
    lookup: RobotLookup,
) -> RobotIssuer | PairIssuer:
    """The issuer for the declared strategy. Moving from one strategy to the other is a rotation between robots, too."""
    description, metadata = params.get("description"), params.get("metadata")
    if params["strategy"] == PAIRED:
        refuse_unknown_robot(pair, stored)
    elif not policy.ends_access and not held_by_other_strategy(pair, stored):
        return RobotIssuer(context, pair.name, policy, lookup, description, metadata)
    return PairIssuer(
        context,
        pair,
        policy,
        lookup,
        description=description,
        metadata=metadata,
        copy_rights=params.get("copy_rights", True),
        unseen=bool(params["fleet"].missing) if params.get("fleet") else False,
    )


def robot_credential(name: str, robot: Robot, age: Age) -> Credential:
    """The credential that one robot carries."""
    return Credential(
        name=name,
        username=robot.name,
        secret=robot.token,
        created_at=age[0],
        last_accessed=robot.last_accessed,
        age_source=age[1],
        details=_details(robot.description),
    )


def observe_robots(context: ModuleContext, credentials: Sequence[DeclaredCredential]) -> Iterator[Observed]:
    """Observe many robots: one list for each namespace, and one pass through its logs."""
    namespaces: dict[str | None, list[tuple[DeclaredCredential, Pair]]] = {}
    for declared in credentials:
        try:
            name = own_or_organization(context, RobotName.parse(declared.name))
            pair = pair_from_options(name, declared.params)
        except BadInput as error:
            yield Observed(declared, error)
            continue
        namespaces.setdefault(pair.name.organization, []).append((declared, pair))
    for organization, items in namespaces.items():
        observe = partial(_observe_namespace, context, organization, items)
        yield from observe_or_report(
            [declared for declared, _pair in items], partial(retried_as_own, context, organization, observe)
        )


def list_robots(context: ModuleContext, organization: str | None, policy: Policy) -> Iterator[Observed]:
    """All robots of an organization, or of the user's own namespace."""
    lookup = RobotLookup(context, organization)
    queries = [AgeQuery(robot, policy.max_age, []) for robot in lookup.prefetch()]
    lookup.prefetch_ages(queries)
    for query in queries:
        robot, age = query.robot, lookup.age_of(query)
        state = ObservedState(exists=True, created_at=age[0])
        listed = Observation(state, robot_credential(robot.name, robot, age))
        yield Observed(undeclared(_KIND, robot.name, policy), listed)


def _observe_namespace(
    context: ModuleContext,
    organization: str | None,
    items: Sequence[tuple[DeclaredCredential, Pair]],
    is_own: bool,
) -> list[Observed]:
    """``is_own``: the organization turned out to be the user's own namespace."""
    if is_own:
        organization = None
        items = [(declared, pair_from_options(as_own(pair.name), declared.params)) for declared, pair in items]
    lookup = RobotLookup(context, organization)
    lookup.prefetch()
    observed: list[Observed] = []
    issuers: list[tuple[DeclaredCredential, Pair, RobotIssuer | PairIssuer]] = []
    queries: list[AgeQuery] = []
    for declared, pair in items:
        try:
            issuer = _issuer_of_declared(context, pair, declared, lookup)
            query = issuer.age_query(declared.stored)
        except BadInput as error:
            observed.append(Observed(declared, error))
            continue
        issuers.append((declared, pair, issuer))
        queries += [query] if query else []
    lookup.prefetch_ages(queries)
    for declared, pair, issuer in issuers:
        observation = issuer.observe(declared.stored)
        if declared.is_absent:
            existing, usernames = _robots_to_delete(pair, declared.stored, lookup)
            observation = replace(observation, exists_in_quay=bool(existing), usernames=usernames)
        seen = Seen(lookup, declared.stored)
        observed.append(Observed(declared, observation, record_required=issuer.record_required, seen=seen))
    return observed


def _issuer_of_declared(
    context: ModuleContext, pair: Pair, declared: DeclaredCredential, lookup: RobotLookup
) -> RobotIssuer | PairIssuer:
    if declared.is_absent and declared.params["strategy"] == PAIRED:
        # What is deleted needs no permissions, so a store may hold any robot's secret.
        return PairIssuer(context, pair, declared.policy, lookup)
    return robot_issuer(context, pair, declared.policy, declared.params, declared.stored, lookup)


def _details(description: str | None) -> dict[str, Any]:
    return {"description": description or ""}


def _ensure_absent(context: ModuleContext, pair: Pair, holder: SecretHolder, lookup: RobotLookup) -> Result:
    """Delete the robots that carry the credential, and clear its stores."""
    existing, usernames = _robots_to_delete(pair, holder.stored, lookup)
    for name in existing:
        context.server.refuse_if_read_only("DELETE", name.path)
        if not context.check_mode:
            RobotSecret(context, name).delete()
    credential = Credential(str(pair.name), usernames[0], details=_details(None))
    deleted = [robot.name for robot in existing.values()]
    result = clear_stores(context, holder, credential, existed=bool(existing), deleted=deleted, usernames=usernames)
    return replace(result, values={**result.values, "ended": None})


def _robots_to_delete(
    pair: Pair, stored: Sequence[StoredSecret], lookup: RobotLookup
) -> tuple[dict[RobotName, Robot], tuple[str, ...]]:
    """The existing robots of the credential, and those of another strategy that were delivered to its stores.

    The second value: the users whose secrets its stores may hold.
    """
    existing = _existing_robots(pair, stored, lookup)
    return existing, tuple(robot.name for robot in existing.values()) or tuple(str(name) for name in pair.usual)


def _existing_robots(pair: Pair, stored: Sequence[StoredSecret], lookup: RobotLookup) -> dict[RobotName, Robot]:
    if not pair.paired and not held_by_other_strategy(pair, stored):
        robot = lookup.get(pair.name)
        return {} if robot is None else {pair.name: robot}
    own, _taken = PairRobots(pair, lookup).list(stored)
    recorded = recorded_robots(pair, stored)
    return {name: robot for name, robot in own.items() if name in pair.members or name in recorded}


def _check_listed(context: ModuleContext) -> None:
    _check_options(context, own_or_organization(context, RobotName.parse(context.params["name"])))


def _has_more(params: Mapping[str, Any]) -> bool:
    """Permissions and federation are ensured in each run."""
    declared = bool(params.get("permissions")) or params.get("federation") is not None
    return declared and params["state"] == "present"


def _conflicts(context: ModuleContext, entries: Sequence[Entry]) -> Iterator[str]:
    """Two credentials must not replace or delete each other's robots."""

    def robots(entry: Entry) -> Iterator[str]:
        pair = _pair_of(context, entry.params)
        used = pair.usual + pair.others if pair.paired else (pair.name, *(pair.chosen or ()))
        return (f"the robot {name}" for name in used)

    return same_claims(entries, robots)


def _look(context: ModuleContext, entries: Sequence[Entry]) -> None:
    """Read the robots of each namespace once, where at least two credentials have robots of it."""
    declared: dict[str | None, list[DeclaredCredential]] = {}
    for position, entry in enumerate(entries):
        if entry.stored is None:
            continue
        params = {**with_strategy(entry.params, entry.stored), "kind": _KIND}
        pair, policy = _pair_of(context, params), robot_policy(params)
        if _is_listed_completely(pair, policy, params, entry.stored):
            credential = DeclaredCredential(position, params, policy, entry.stored)
            declared.setdefault(pair.name.organization, []).append(credential)
    shared = [credential for items in declared.values() if len(items) > 1 for credential in items]
    try:
        for observed in observe_robots(context, shared):
            if observed.seen is not None:
                entries[observed.declared.position].params["seen"] = observed.seen
    except ApiError as error:
        if error.status < 500:
            raise
        # It may concern one namespace only. Each credential reads its robot itself.


def _pair_of(context: ModuleContext, params: Mapping[str, Any]) -> Pair:
    return pair_from_options(own_or_organization(context, RobotName.parse(params["name"])), params)


_ROBOT_TOKENS = TokenKind(ensure_robot_token, _check_listed, _conflicts, _look)

ROBOT_MODULE = TokenModule(
    options=ROBOT_TOKEN_OPTIONS,
    status_options={name: ROBOT_TOKEN_OPTIONS[name] for name in ("max_age", "retire_after", "strategy", "pair")},
    policy=declared_robot_policy,
    observe=observe_robots,
    ensure=ensure_robot_token,
    list_all=list_robots,
    complete=with_strategy,
    owns=is_robot_of,
    has_more=_has_more,
)
