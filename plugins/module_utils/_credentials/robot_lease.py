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
from typing import Any, Mapping, NamedTuple, Sequence

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
from .evaluation import Observation
from .lease import Lease, LeaseNames, lease_of, new_lease
from .own_namespace import in_its_namespace
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
from .robot_permissions import PERMISSION_OPTIONS, DeclaredPermissions
from .robot_removal import USED_BY_MIRROR, warn_of_kept_robot
from .robot_secret import RobotSecret
from .robot_use import refuse_disallowed_robot
from .rotation_order import TOKEN_OPTIONS, Minted, clear_stores, rotate, superseded_by_minting

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


def ensure_robot_lease(context: ModuleContext) -> Result:
    """The module quay_robot_lease."""
    names = LeaseNames.parse(context.params["name_prefix"])
    return in_its_namespace(context, names.prefix, partial(_ensure, context), option="name_prefix")


def _ensure(context: ModuleContext, prefix: RobotName) -> Result:
    params = context.params
    check_length(params["description"], "description")
    check_length(params["owner"], "owner")
    permissions = DeclaredPermissions(context, prefix.organization, params["permissions"])
    leases = LeaseLookup(context, LeaseNames(prefix))
    if params["state"] == "absent":
        with holder_from_options(params, check_mode=context.check_mode) as holder:
            return _ensure_absent(context, leases, holder)
    lifetime = lifetime_from_options(params)
    policy = lease_policy(params, lifetime)
    issuer = LeaseIssuer(context, leases, lifetime, permissions)
    with holder_from_options(params, check_mode=context.check_mode) as holder:
        held = leases.latest(holder.stored)
        if params["permissions"]:
            permissions.check(held.robot if held else None)
        result = rotate(context, issuer, policy, holder, retires=True)
        if not params["permissions"]:
            return result
        return _with_permissions(context, permissions, result, held)


def lifetime_from_options(params: Mapping[str, Any]) -> timedelta:
    """The lifetime of a new lease. Raises BadInput if it is not longer than 0."""
    lifetime = parse_duration(params["lifetime"], "lifetime")
    if not lifetime:
        raise BadInput("lifetime must be longer than 0: the time for which the robot is needed, for example 12h")
    return lifetime


def lease_policy(params: Mapping[str, Any], lifetime: timedelta) -> Policy:
    """The rotation policy of a lease. Raises BadInput for one that would issue another robot in every run."""
    policy = policy_from_options(params)
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
    """Finds the leases whose secrets are stored. Each robot is read once."""

    def __init__(self, context: ModuleContext, names: LeaseNames) -> None:
        self._context = context
        self.names = names
        self._robots = Robots(context.client)
        self._found: dict[RobotName, Robot | None] = {}
        self._listed: dict[str | None, RobotName] | None = None

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

    def _held(self, stored: StoredSecret) -> HeldLease | None:
        """The lease of a stored secret, if Quay shows that it is its robot's: who can edit a store proves nothing."""
        name = self._name_of(stored)
        robot = self.get(name) if name else None
        if name is None or robot is None or not _is_token_of(robot, stored):
            return None
        state = lease_of(robot)
        if state.lease is None or state.problem:
            self._context.warn(f"{robot.name} {state.problem}. It is kept, and does not count as a lease.")
            return None
        return HeldLease(name, robot, state.lease)

    def _name_of(self, stored: StoredSecret) -> RobotName | None:
        recorded = stored.record.username if stored.record and stored.recorded else None
        username = stored.username or recorded
        return self.names.of(username) if username else self._name_by_secret(stored.fingerprint)

    def _name_by_secret(self, shown: str | None) -> RobotName | None:
        """The robot whose secret it is, from the list of all robots: a secret alone does not say whose it is."""
        if self._listed is None:
            robots = self._robots.list(self.names.prefix.organization)
            named = [(robot, self.names.of(robot.name)) for robot in robots]
            self._listed = {fingerprint(robot.token): name for robot, name in named if name is not None}
        return self._listed.get(shown)

    def get(self, name: RobotName) -> Robot | None:
        """The robot with its metadata, or None. Asked once."""
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
        self, context: ModuleContext, leases: LeaseLookup, lifetime: timedelta, permissions: DeclaredPermissions
    ) -> None:
        self._context = context
        self._leases = leases
        self._lifetime = lifetime
        self._permissions = permissions
        self._robots = Robots(context.client)
        self._former: dict[str, HeldLease] = {}
        self._next: tuple[RobotName, Lease] | None = None

    def observe(self, stored: Sequence[StoredSecret], *, proven: bool = False) -> Observation:
        held = self._leases.held(stored)
        self._former = {item.robot.name: item for item in held}
        if not held:
            exists = any(item.fingerprint for item in stored)
            state = ObservedState(exists=exists, secret=STORED_INVALID)
            return Observation(state, self._credential(None, None))
        present, *others = held
        expired = present.lease.expires_at <= self._context.client.now()
        state = ObservedState(
            exists=True,
            secret=STORED_EXPIRED if expired else STORED_VALID,
            created_at=present.lease.issued_at,
            expires_at=present.lease.expires_at,
        )
        older = tuple(item.robot.name for item in others)
        credential = replace(self._credential(present.robot, present.lease), superseded=older)
        return Observation(state, credential, predecessors=older)

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
        expires_at = now + self._lifetime
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
        description = robot.description if robot else self._context.params["description"]
        owner = lease.owner if lease else self._context.params["owner"]
        return Credential(
            name=self._context.params["name_prefix"],
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
    held = leases.held(holder.stored)
    for item in held:
        context.server.refuse_if_read_only("DELETE", item.name.path)
        if not context.check_mode:
            RobotSecret(context, item.name).delete()
    deleted = [item.robot.name for item in held]
    # A robot of another name is not ours.
    usernames = [item.username for item in holder.stored if leases.names.of(item.username) is not None]
    details = {"description": "", "owner": ""}
    username = deleted[0] if deleted else next(iter(usernames), None)
    credential = Credential(context.params["name_prefix"], username, details=details)
    return clear_stores(
        context, holder, credential, existed=bool(held), deleted=deleted, usernames=[name for name in usernames if name]
    )
