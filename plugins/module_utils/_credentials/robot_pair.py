# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A credential that two robots carry in turn, so that its rotation interrupts no consumer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping, Sequence

from .._core.credential import Credential
from .._core.errors import RefusedCredential, Unconfirmed
from .._http.auth import BasicAuth
from .._http.errors import NotAuthenticated
from .._module.context import ModuleContext
from .._quay.registry_auth import RegistryToken, request_registry_token
from .._quay.robot_rights import Rights, RobotRights
from .._quay.robots import Robot, RobotName
from .._stores.contract import StoredSecret
from .evaluation import Observation
from .pair_state import Pair, PairState, handle_of, held_by_unknown_token, pair_state_of, robot_of_handle
from .policy import AGE_FROM_MINT, ObservedState, Policy
from .robot_lookup import Age, AgeQuery, RobotLookup, records_of
from .robot_secret import RobotSecret
from .robot_use import refuse_disallowed_robot
from .rotation import Minted, superseded_by_minting

# So many repositories fit into one request to /v2/auth.
_REPOSITORIES_AT_ONCE = 30


class PairIssuer:
    """Two robots take turns. The former secret stays valid until consumers have had time to switch."""

    changes_quay = True
    secret_is_readable = True
    record_required = True

    def __init__(
        self,
        context: ModuleContext,
        pair: Pair,
        policy: Policy,
        lookup: RobotLookup,
        *,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        copy_rights: bool = True,
    ) -> None:
        self._context = context
        self._pair = pair
        self._policy = policy
        self._lookup = lookup
        self._copy_rights = copy_rights
        self._secrets = {name: RobotSecret(context, name, description, metadata) for name in pair.all}
        self._rights = RobotRights(context.client, pair.name.organization)
        self._robots: dict[RobotName, Robot | None] = {}
        self._state = PairState(None, pair.members[0], ())
        self._desired = Rights()
        self._present = Rights()

    def age_query(self, stored: Sequence[StoredSecret]) -> AgeQuery | None:
        """What must be known of the active robot's age; None without one."""
        # Which robot is idle decides what may be replaced.
        self._robots = {name: self._lookup.get(name) for name in self._pair.members}
        if held_by_unknown_token(self._robots, stored):
            self._robots.update({name: self._lookup.get(name) for name in self._pair.others})
        self._state = pair_state_of(self._pair, self._robots, stored)
        active = self._active
        return None if active is None else AgeQuery(active, self._policy.max_age, records_of(stored))

    def observe(self, stored: Sequence[StoredSecret]) -> Observation:
        query = self.age_query(stored)
        if query is None:
            missing = Credential(str(self._pair.name), str(self._pair.members[0]), details=_details(None))
            return Observation(ObservedState(exists=False), missing)
        age = self._lookup.age_of(query)
        superseded = self._state.superseded
        state = ObservedState(exists=self._state.is_served_by(self._pair), created_at=age[0])
        return Observation(state, self._credential(query.robot, age, superseded), predecessors=superseded)

    def prepare(self, observation: Observation) -> Observation:
        """Read the permissions of both robots: the next one gets those of the active one."""
        self._context.server.refuse_if_read_only("POST", f"{self._state.target.path}/regenerate")
        active, target = self._active, self._robots.get(self._state.target)
        username = target.name if target else str(self._state.target)
        refuse_disallowed_robot(self._context, username, target.token if target else None)
        extra_diff: dict[str, tuple[Any, Any]] = {"username": (active.name if active else None, username)}
        if self._copy_rights and active is not None:
            self._read_rights(active)
            extra_diff["rights"] = (self._present.describe(), self._desired.describe())
        return replace(observation, username=username, extra_diff=extra_diff)

    def mint(self, observation: Observation) -> Minted:
        robot = self._prepared_robot()
        robot, _existed = self._secrets[self._state.target].replace({robot.token or ""})
        self._verify_rights(robot)
        now = self._context.client.now()
        replaced = superseded_by_minting(observation.credential)
        # The robot's own former secret is invalid now.
        superseded = tuple(handle for handle in replaced if robot_of_handle(handle) != robot.name)
        credential = self._credential(robot, (now, AGE_FROM_MINT), superseded)
        return Minted(credential, existed=observation.state.exists)

    def retire(self, handle: str) -> None:
        """Give a former robot a token that nobody knows, so that the secret which consumers had is invalid."""
        secret = self._secrets[self._pair.find(robot_of_handle(handle))]
        robot = secret.read()
        if robot is not None and handle_of(robot) == handle:
            secret.invalidate(robot)

    @property
    def _active(self) -> Robot | None:
        return self._robots.get(self._state.active) if self._state.active else None

    def _credential(self, robot: Robot, age: Age, superseded: tuple[str, ...]) -> Credential:
        return Credential(
            name=str(self._pair.name),
            username=robot.name,
            secret=robot.token,
            created_at=age[0],
            last_accessed=robot.last_accessed,
            age_source=age[1],
            superseded=superseded,
            robot_handle=handle_of(robot),
            details=_details(robot),
        )

    def _read_rights(self, active: Robot) -> None:
        target = self._robots.get(self._state.target)
        rights = self._rights.read([active, target] if target else [active])
        self._desired = rights[active.name]
        self._present = rights.get(target.name, Rights()) if target else Rights()
        if self._desired.unresolved_teams:
            self._context.warn(
                f"{active.name} is a member of teams that Quay lists without their organization "
                f"({', '.join(sorted(self._desired.unresolved_teams))}): {self._state.target} does not get these "
                "permissions."
            )

    def _prepared_robot(self) -> Robot:
        """The next robot, created if it is missing, with the permissions of the active one."""
        secret = self._secrets[self._state.target]
        robot = self._robots.get(self._state.target) or secret.create(set())
        if self._copy_rights and not _same_rights(self._present, self._desired):
            self._rights.apply(robot, self._present, self._desired)
            if not _same_rights(self._rights.read([robot])[robot.name], self._desired):
                raise Unconfirmed(
                    f"Quay reported success, but the permissions of {robot.name} differ from those of the active "
                    "robot. Nothing was replaced. Run the task again, and check whether something else changes them"
                )
        return robot

    def _verify_rights(self, robot: Robot) -> None:
        """Use the new secret for each permission of the active robot. Raises if it opens less; the old one stays."""
        roles = self._rights.accessible_repositories(self._desired)
        repositories = sorted(roles) or [f"{robot.namespace}/credential-proof"]
        lacking: list[str] = []
        for start in range(0, len(repositories), _REPOSITORIES_AT_ONCE):
            some = repositories[start : start + _REPOSITORIES_AT_ONCE]
            lacking += self._lacking(robot, {name: roles.get(name) for name in some})
        if lacking:
            raise RefusedCredential(
                f"The new secret of {robot.name} does not open what that of the active robot opens: "
                f"{', '.join(lacking)}. It was not delivered, and the old one is still valid"
            )

    def _lacking(self, robot: Robot, roles: Mapping[str, str | None]) -> list[str]:
        """What the active robot is granted and this one is not, as ``repository:action``."""
        lacking = []
        # Only a role that may push is asked for push: for others the answer is known, and Quay would create a
        # repository that is missing.
        for actions, verified_roles in ((["pull"], (None, "read")), (["pull", "push"], ("write", "admin"))):
            repositories = [name for name, role in roles.items() if role in verified_roles]
            if repositories:
                lacking += self._compare_access(robot, repositories, actions)
        return lacking

    def _compare_access(self, robot: Robot, repositories: Sequence[str], actions: Sequence[str]) -> list[str]:
        lacking = self._request_token(robot, repositories, actions).missing(repositories, actions)
        if not lacking or self._active is None:
            return []
        # A repository may be read-only or deleted: what the active robot gets is the measure.
        lacking_before = self._request_token(self._active, repositories, actions).missing(repositories, actions)
        return [access for access in lacking if access not in lacking_before]

    def _request_token(self, robot: Robot, repositories: Sequence[str], actions: Sequence[str]) -> RegistryToken:
        client, auth = self._context.client, BasicAuth(robot.name, robot.token or "")
        try:
            return request_registry_token(client, auth, client.netloc, repositories, actions)
        except NotAuthenticated as refused:
            raise RefusedCredential(
                f"Quay does not accept the secret of {robot.name} at /v2/auth ({refused}). Nothing was delivered. Run "
                "the task again, and check whether something else regenerates this robot"
            ) from None


def _details(robot: Robot | None) -> dict[str, Any]:
    return {"description": robot.description if robot else ""}


def _same_rights(one: Rights, other: Rights) -> bool:
    return replace(one, unresolved_teams=frozenset()) == replace(other, unresolved_teams=frozenset())
