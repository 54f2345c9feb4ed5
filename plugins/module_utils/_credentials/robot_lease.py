# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.
"""Short-lived robots, each with a lease (quay_robot_lease)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Container, Iterator, Mapping, NamedTuple, Sequence

from .._core.credential import Credential, fingerprint
from .._core.errors import BadInput, QuayError, RefusedCredential
from .._core.names import check_length
from .._core.times import format_time, parse_duration
from .._http.errors import ApiError
from .._module.context import ModuleContext, Result
from .._quay.registry_auth import verify_secret
from .._quay.robots import Robot, RobotName, Robots, is_existing_robot, is_used_by_mirror
from .._stores.contract import StoredSecret
from .._stores.holders import SecretHolder, holder_from_options
from .declared import DeclaredCredential, Observed, observe_or_report
from .evaluation import Observation, kept_secrets
from .kind import TokenModule
from .lease import Lease, LeaseNames, lease_of, listed_lease, new_lease
from .own_namespace import as_own, in_its_namespace, own_or_organization, retried_as_own
from .policy import (
    AGE_FROM_MINT,
    AGE_FROM_QUAY,
    STORED_EXPIRED,
    STORED_INVALID,
    STORED_VALID,
    ObservedState,
    Policy,
    policy_from_options,
)
from .robot_lookup import RobotLookup
from .robot_permissions import PERMISSION_OPTIONS, DeclaredPermissions
from .robot_removal import USED_BY_MIRROR, warn_of_kept_robot
from .robot_secret import RobotSecret
from .robot_use import refuse_disallowed_robot
from .rotation_order import TOKEN_OPTIONS, Minted, clear_stores, rotate, superseded_by_minting
from .token_list import Entry, TokenKind, ensure_one_or_many

# So many names are tried if Quay does not say whether it created a robot, or if the name exists already.
_MAX_ATTEMPTS = 3

# The options of quay_robot_lease, with their defaults.
ROBOT_LEASE_OPTIONS: dict[str, Any] = {
    **TOKEN_OPTIONS,
    "name_prefix": {"type": "str", "required": True},
    "lifetime": {"type": "str"},
    "renew_before": {"type": "str"},
    "description": {"type": "str"},
    "owner": {"type": "str"},
    "permissions": {"type": "list", "elements": "dict", "options": PERMISSION_OPTIONS},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def ensure_robot_leases(context: ModuleContext) -> Result:
    """The module quay_robot_lease: one credential, or many."""
    return ensure_one_or_many(_LEASES, context)


def ensure_robot_lease(context: ModuleContext) -> Result:
    """Ensure one credential."""
    # Invalid options are reported before anything is read.
    names, _policy = _declared(context.params)
    return in_its_namespace(context, names.prefix, partial(_ensure, context), option="name_prefix")


def observe_robot_leases(context: ModuleContext, credentials: Sequence[DeclaredCredential]) -> Iterator[Observed]:
    """Observe many leases: one list for each namespace."""
    namespaces: dict[str | None, list[tuple[DeclaredCredential, RobotName]]] = {}
    for declared in credentials:
        prefix = own_or_organization(context, LeaseNames.parse(prefix_of(declared.params)).prefix)
        namespaces.setdefault(prefix.organization, []).append((declared, prefix))
    for organization, items in namespaces.items():
        observe = partial(_observe_namespace, context, organization, items)
        yield from observe_or_report(
            [declared for declared, _prefix in items], partial(retried_as_own, context, organization, observe)
        )


def _observe_namespace(
    context: ModuleContext,
    organization: str | None,
    items: Sequence[tuple[DeclaredCredential, RobotName]],
    is_own: bool,
) -> list[Observed]:
    """``is_own``: the organization turned out to be the user's own namespace."""
    listed = RobotLookup(context, None if is_own else organization)
    listed.prefetch()
    observed = []
    for declared, prefix in items:
        leases = LeaseLookup(context, LeaseNames(as_own(prefix) if is_own else prefix), listed)
        observation = LeaseIssuer(context.with_params(dict(declared.params)), leases, None, None).observe(
            declared.stored
        )
        if declared.is_absent:
            usernames = tuple(item.robot.name for item in leases.to_delete(declared.stored))
            kept = kept_secrets(declared.stored, partial(_other_robot, leases, usernames))
            observation = replace(observation, exists_in_quay=bool(usernames), usernames=usernames, kept=kept)
        observed.append(Observed(declared, observation, seen=True))
    return observed


def prefix_of(params: Mapping[str, Any]) -> str:
    """What the names of the robots begin with. In a declaration of a play, it is the name of the credential."""
    return str(params.get("name_prefix") or params.get("name") or "")


def _declared(params: Mapping[str, Any]) -> tuple[LeaseNames, Policy]:
    """The names and the policy that the options declare. Raises BadInput if they are wrong, whatever Quay says."""
    check_length(params.get("description"), "description")
    check_length(params.get("owner"), "owner")
    return LeaseNames.parse(prefix_of(params)), lease_policy(params)


def _ensure(context: ModuleContext, prefix: RobotName) -> Result:
    params = context.params
    permissions = DeclaredPermissions(context, prefix.organization, params["permissions"])
    # In a run for many credentials, a list showed which ones exist.
    leases = LeaseLookup(context, LeaseNames(prefix), complete=bool(params.get("seen")))
    if params["state"] == "absent":
        with holder_from_options(params, check_mode=context.check_mode) as holder:
            return _ensure_absent(context, leases, holder)
    policy = lease_policy(params)
    issuer = LeaseIssuer(context, leases, lifetime_from_options(params), permissions)
    with holder_from_options(params, check_mode=context.check_mode) as holder:
        held = leases.latest(holder.stored)
        if params["permissions"]:
            permissions.check(held.robot if held else None)
        result = rotate(context, issuer, policy, holder, retires=True)
        if not params["permissions"]:
            return result
        return _with_permissions(context, permissions, result, held)


def lifetime_from_options(params: Mapping[str, Any]) -> timedelta:
    """The lifetime of a new lease. Raises BadInput if it is not longer than 0, or not given."""
    lifetime = parse_duration(params["lifetime"], "lifetime")
    if lifetime is None:
        raise BadInput("lifetime is missing. Set it to the time for which the robot is needed, such as 12h")
    if not lifetime:
        raise BadInput("lifetime must be longer than 0. Set it to the time for which the robot is needed, such as 12h")
    return lifetime


def lease_policy(params: Mapping[str, Any]) -> Policy:
    """The rotation policy of a lease. Raises BadInput for one that would issue another robot in every run."""
    policy = policy_from_options(params)
    if params.get("state") == "absent":
        return policy
    lifetime = lifetime_from_options(params)
    if policy.renew_before is None:
        # Whole seconds, as all times of Quay.
        return replace(policy, renew_before=timedelta(seconds=int(lifetime.total_seconds()) // 3))
    if policy.renew_before >= lifetime:
        raise BadInput(
            f"renew_before ({params['renew_before']}) must be shorter than lifetime ({params['lifetime']}): a new "
            "lease would be due at once, in every run"
        )
    return policy


class HeldLease(NamedTuple):
    """A robot whose secret is stored, and its lease."""

    name: RobotName
    robot: Robot
    lease: Lease


class LeaseLookup:
    """Finds the leases whose secrets are stored. Each robot is read once.

    ``listed``: the robots of the namespace. They serve many credentials at the cost of one, but Quay lists them without
    their metadata, so their names alone say that they are leases. ``complete``: look for replaced leases that expired,
    too. The sweep deletes those, so that a single credential need not ask for them in each run.
    """

    def __init__(
        self, context: ModuleContext, names: LeaseNames, listed: RobotLookup | None = None, *, complete: bool = False
    ) -> None:
        self._context = context
        self.names = names
        self.listed = listed
        self._complete = complete or listed is not None
        self._robots = Robots(context.client)
        self._found: dict[RobotName, Robot | None] = {}
        self._by_secret: dict[str | None, str] | None = None

    def proven(self) -> LeaseLookup:
        """The same, but each robot is read with its metadata."""
        return LeaseLookup(self._context, self.names, complete=self._complete)

    def held(self, stored: Sequence[StoredSecret]) -> list[HeldLease]:
        """The leases of the stored secrets, the one that counts first.

        Stores hold different ones only after an interrupted run. The latest one is the one that was being delivered.
        """
        distinct = {item.fingerprint: item for item in reversed(stored) if item.fingerprint}
        found = {lease.name: lease for lease in map(self._held, distinct.values()) if lease is not None}
        replaced = {name for item in stored if item.record and item.recorded for name in item.record.superseded}
        now = self._context.client.now()

        def rank(held: HeldLease) -> tuple[Any, ...]:
            return held.lease.expires_at > now, held.robot.name not in replaced, held.lease.issued_at

        return sorted(found.values(), key=rank, reverse=True)

    def latest(self, stored: Sequence[StoredSecret]) -> HeldLease | None:
        """The lease that counts, or None."""
        return next(iter(self.held(stored)), None)

    def replaced(self, stored: Sequence[StoredSecret]) -> list[HeldLease]:
        """The leases that the records of deliveries name as replaced, and whose robots still exist.

        They were delivered to these stores before, so they are to be deleted.
        """
        records = [item.record for item in stored if item.record and item.recorded]
        names = (self.names.of(name) for record in records for name in record.superseded)
        robots = {name: self.get(name) for name in names if name is not None and self._is_looked_for(name)}
        leases = (self._lease_of(name, robot) for name, robot in robots.items() if robot is not None)
        return [lease for lease in leases if lease is not None]

    def _is_looked_for(self, name: RobotName) -> bool:
        expires_at = self.names.expiry(name.short)
        return self._complete or expires_at is None or expires_at > self._context.client.now()

    def to_delete(self, stored: Sequence[StoredSecret]) -> list[HeldLease]:
        """All leases that were delivered to these stores, the one that counts first."""
        found = {item.name: item for item in (*self.held(stored), *self.replaced(stored))}
        return list(found.values())

    def _held(self, stored: StoredSecret) -> HeldLease | None:
        """The lease of a stored secret, if Quay shows that it is its robot's: who can edit a store proves nothing."""
        name = self._name_of(stored)
        robot = self.get(name) if name else None
        if name is None or robot is None or not _is_token_of(robot, stored):
            return None
        return self._lease_of(name, robot)

    def _lease_of(self, name: RobotName, robot: Robot) -> HeldLease | None:
        state = listed_lease(robot, self.names.expiry(name.short)) if self.listed else lease_of(robot)
        if state.lease is None or state.problem:
            self._context.warn(f"{robot.name} {state.problem}. It is kept, and does not count as a lease.")
            return None
        return HeldLease(name, robot, state.lease)

    def _name_of(self, stored: StoredSecret) -> RobotName | None:
        recorded = stored.record.username if stored.record and stored.recorded else None
        username = stored.username or recorded
        return self.names.of(username or self._username_by_secret(stored.fingerprint))

    def _username_by_secret(self, shown: str | None) -> str | None:
        """The robot whose secret it is, from the list of all robots: a secret alone does not say whose it is."""
        if self._by_secret is None:
            robots = (self.listed or RobotLookup(self._context, self.names.prefix.organization)).all()
            self._by_secret = {fingerprint(robot.token): robot.name for robot in robots}
        return self._by_secret.get(shown)

    def owner_of(self, stored: StoredSecret) -> str | None:
        """The robot whose present secret a store holds, whether it is a lease or not; None if it is unknown."""
        name = self._name_of(stored)
        if name is None:
            return None if stored.username else self._username_by_secret(stored.fingerprint)
        robot = self.get(name)
        return robot.name if robot is not None and _is_token_of(robot, stored) else None

    def get(self, name: RobotName) -> Robot | None:
        """The robot, or None. Asked once. It has its metadata, unless the robots were listed."""
        if self.listed is not None:
            return self.listed.get(name)
        if name not in self._found:
            self._found[name] = self._robots.get(name)
        return self._found[name]


def _is_token_of(robot: Robot, stored: StoredSecret) -> bool:
    """Whether the stored secret is the robot's token, as far as the store shows it."""
    if stored.secret is not None:
        return stored.secret == robot.token
    return robot.token is not None and stored.fingerprint == fingerprint(robot.token)


class LeaseIssuer:
    """Robots that are used until their leases expire. Each has a name of its own."""

    changes_quay = True
    secret_is_readable = True
    invalidates = False
    record_required = False

    def __init__(
        self,
        context: ModuleContext,
        leases: LeaseLookup,
        lifetime: timedelta | None,
        permissions: DeclaredPermissions | None,
    ) -> None:
        """``lifetime`` and ``permissions`` are of a new robot. An issuer that only observes does not need them."""
        self._context = context
        self._leases = leases
        self._lifetime = lifetime
        self._permissions = permissions
        self._robots = Robots(context.client)
        self._former: dict[str, HeldLease] = {}
        self._next: tuple[RobotName, Lease] | None = None

    def observe(self, stored: Sequence[StoredSecret], *, proven: bool = False) -> Observation:
        if proven and self._leases.listed is not None:
            self._leases = self._leases.proven()
        held, replaced = self._leases.held(stored), self._leases.replaced(stored)
        self._former = {item.robot.name: item for item in (*replaced, *held)}
        older = tuple(name for name in self._former if not held or name != held[0].robot.name)
        if not held:
            exists = any(item.fingerprint for item in stored)
            state = ObservedState(exists=exists, secret=STORED_INVALID)
            return Observation(state, replace(self._credential(None, None), superseded=older), predecessors=older)
        present = held[0]
        expired = present.lease.expires_at <= self._context.client.now()
        state = ObservedState(
            exists=True,
            secret=STORED_EXPIRED if expired else STORED_VALID,
            created_at=present.lease.issued_at,
            expires_at=present.lease.expires_at,
        )
        credential = replace(self._credential(present.robot, present.lease), superseded=older)
        return Observation(
            state, credential, predecessors=older, by_record=self._leases.listed is not None, mints_by_record=True
        )

    def prepare(self, observation: Observation) -> Observation:
        name = self._leases.names.prefix
        self._context.server.refuse_if_read_only("PUT", name.path)
        refuse_disallowed_robot(self._context, str(name), None)
        self._next = self._new_name()
        # Raises if the login may not create robots there. It reads nothing else, so it costs one request.
        self._robots.get(self._next[0])
        if not self._context.check_mode:
            return observation
        # The random name of the next robot is unknown.
        return replace(observation, credential=self._unnamed(observation.credential))

    def mint(self, observation: Observation) -> Minted:
        robot, lease = self._create()
        try:
            if self._permissions is not None:
                self._permissions.grant(robot, {})
            self._verify(robot)
        except QuayError:
            self._discard(robot, lease)
            raise
        credential = replace(
            self._credential(robot, lease),
            age_source=AGE_FROM_MINT,
            superseded=superseded_by_minting(observation.credential),
        )
        return Minted(credential, existed=observation.state.exists)

    def retire(self, handle: str) -> None:
        held = self._former[handle]
        secret = RobotSecret(self._context, held.name)
        try:
            secret.delete()
        except ApiError as error:
            if not is_used_by_mirror(error):
                raise
            secret.invalidate(held.robot)
            warn_of_kept_robot(self._context, held.robot, USED_BY_MIRROR)

    def _new_name(self) -> tuple[RobotName, Lease]:
        now = self._context.client.now().replace(microsecond=0)
        expires_at = now + (self._lifetime or timedelta(0))
        name = self._leases.names.new(expires_at)
        return name, new_lease(name, now, expires_at, self._context.params["owner"] or "")

    def _create(self) -> tuple[Robot, Lease]:
        """Create a robot. A request whose outcome is unknown is not repeated: another name is used.

        If Quay creates the robot after all, nobody has its secret, and it is swept after its lease.
        """
        attempts = 0
        while True:
            attempts += 1
            name, lease = self._next or self._new_name()
            self._next = None
            try:
                return self._robots.create(name, self._context.params["description"], lease.metadata()), lease
            except QuayError as error:
                robot = self._created_nevertheless(name, lease, error)
                if robot is not None:
                    return robot, lease
                if attempts >= _MAX_ATTEMPTS:
                    raise

    def _created_nevertheless(self, name: RobotName, lease: Lease, error: QuayError) -> Robot | None:
        """The robot, if this run created it although Quay's answer was lost. Raises if Quay refused to create it."""
        exists = isinstance(error, ApiError) and is_existing_robot(error)
        if not (error.outcome_unknown or exists):
            raise error
        robot = self._robots.get(name)
        found = lease_of(robot).lease if robot else None
        return robot if robot and robot.token and found and found.lease_id == lease.lease_id else None

    def _verify(self, robot: Robot) -> None:
        if not verify_secret(self._context.client, robot.name, robot.token or "", robot.namespace).live:
            raise RefusedCredential(
                f"Quay does not accept the secret of the new robot {robot.name} at /v2/auth. It was not delivered, and "
                "the former lease is kept. Run the task again"
            )

    def _discard(self, robot: Robot, lease: Lease) -> None:
        """Delete a new robot that nobody can use."""
        name = self._leases.names.of(robot.name)
        try:
            if name is not None:
                RobotSecret(self._context, name).delete()
        except QuayError as error:
            self._context.warn(
                f"The new robot {robot.name} could not be deleted: {error}. quay_robot_lease_sweep deletes it after "
                f"{format_time(lease.expires_at)}."
            )

    def _credential(self, robot: Robot | None, lease: Lease | None) -> Credential:
        description = robot.description if robot else self._context.params.get("description")
        owner = lease.owner if lease else self._context.params.get("owner")
        return Credential(
            name=prefix_of(self._context.params),
            username=robot.name if robot else None,
            secret=robot.token if robot else None,
            created_at=lease.issued_at if lease else None,
            expires_at=lease.expires_at if lease else None,
            last_accessed=robot.last_accessed if robot else None,
            age_source=AGE_FROM_QUAY if lease else None,
            robot_handle=robot.name if robot else None,
            details={"description": description or "", "owner": owner or ""},
        )

    def _unnamed(self, credential: Credential) -> Credential:
        """What check mode knows of the next robot, with the former one as what it replaces."""
        details = self._credential(None, None).details
        return replace(credential, username=None, details=details)


def _with_permissions(
    context: ModuleContext, permissions: DeclaredPermissions, result: Result, held: HeldLease | None
) -> Result:
    """The result, completed by the declared roles. A new robot got them before its secret was delivered."""
    if result.values["minted"] or held is None:
        return permissions.completed(result, {})
    if not context.check_mode:
        permissions.grant(held.robot, permissions.present)
    return permissions.completed(result, permissions.present)


def _ensure_absent(context: ModuleContext, leases: LeaseLookup, holder: SecretHolder) -> Result:
    """Delete the robots whose secrets are stored, and clear the stores."""
    held = leases.to_delete(holder.stored)
    for item in held:
        context.server.refuse_if_read_only("DELETE", item.name.path)
        if not context.check_mode:
            RobotSecret(context, item.name).delete()
    deleted = [item.robot.name for item in held]
    # A robot of another name is not ours.
    usernames = [item.username for item in holder.stored if leases.names.of(item.username) is not None]
    details = {"description": "", "owner": ""}
    username = deleted[0] if deleted else next(iter(usernames), None)
    credential = Credential(prefix_of(context.params), username, details=details)
    return clear_stores(
        context,
        holder,
        credential,
        existed=bool(held),
        deleted=deleted,
        usernames=[name for name in usernames if name],
        other=partial(_other_robot, leases, deleted),
    )


def _other_robot(leases: LeaseLookup, deleted: Container[str], stored: StoredSecret) -> str:
    """Of which robot that is not deleted a store holds the secret; empty if of none."""
    owner = leases.owner_of(stored)
    return f"the secret of the robot {owner}" if owner is not None and owner not in deleted else ""


def _check_listed(context: ModuleContext) -> None:
    _declared(context.params)


def _conflicts(_context: ModuleContext, _entries: Sequence[Entry]) -> tuple[str, ...]:
    """Credentials may share a prefix, because each lease has a robot of its own."""
    return ()


def _owns(params: Mapping[str, Any], username: str | None) -> bool:
    return LeaseNames.parse(prefix_of(params)).of(username) is not None


def _has_more(params: Mapping[str, Any]) -> bool:
    """Permissions are ensured in each run."""
    return bool(params.get("permissions")) and params["state"] == "present"


_LEASES = TokenKind(ensure_robot_lease, _check_listed, _conflicts)

LEASE_MODULE = TokenModule(
    options=ROBOT_LEASE_OPTIONS,
    status_options={name: ROBOT_LEASE_OPTIONS[name] for name in ("lifetime", "renew_before")},
    policy=lease_policy,
    observe=observe_robot_leases,
    ensure=ensure_robot_lease,
    owns=_owns,
    has_more=_has_more,
)
