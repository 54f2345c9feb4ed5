# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A credential that robots carry in turn, so that its rotation interrupts no consumer, and ends all former logins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping, Sequence

from .._core.credential import Credential
from .._core.errors import RefusedCredential
from .._module.context import ModuleContext
from .._quay.registry_auth import authenticated_user
from .._quay.robots import Robot, RobotName
from .._stores.contract import StoredSecret, records_of
from .evaluation import Observation
from .pair_robots import PairRobots
from .pair_state import (
    Pair,
    PairState,
    RobotsByName,
    handle_of,
    is_marked,
    marked,
    pair_state_of,
    robot_of_handle,
)
from .policy import AGE_FROM_MINT, IN_PLACE, PAIRED, ObservedState, Policy
from .robot_access import RightsCopy
from .robot_lookup import Age, AgeQuery, RobotLookup
from .robot_removal import (
    LIVES_ON,
    RIGHTS_NOT_COPIED,
    Obstacle,
    RobotRemoval,
    refuse_to_replace,
    warn_of_granted_access,
    warn_of_kept_robot,
)
from .robot_secret import RobotSecret
from .robot_use import refuse_disallowed_robot
from .rotation_order import Minted, superseded_by_minting
from .successor import NAME_REST, Situation, Successor, choose_successor


class PairIssuer:
    """Robots take turns. The former one exists until consumers have had time to switch, and is deleted then."""

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
        unseen: bool = False,
    ) -> None:
        """``copy_rights``: without it, two robots keep their permissions, so none of them is ever deleted.

        ``unseen``: whether hosts that were not seen may hold the secret of any robot.
        """
        self._context = context
        self._pair = pair
        self._policy = policy
        self._lookup = lookup
        self._description = description
        self._metadata = metadata
        self._copy_rights = copy_rights
        self._unseen = unseen
        # Two robots that the play names take turns, so the next turn ends the secret before the present one.
        self.invalidates = pair.explicit or not copy_rights
        self._read_robots = PairRobots(pair, lookup)
        self._rights = RightsCopy(context, pair.name.organization)
        self._removal = RobotRemoval(context, pair.name.organization)
        self._stored: Sequence[StoredSecret] = ()
        self._robots: RobotsByName = {}
        self._state = PairState(None, ())
        self._successor = Successor(pair.members[0])
        self._minted: Robot | None = None

    @property
    def ended(self) -> bool | None:
        """Whether all logins by the secrets that were retired were seen to be refused; None if none was retired."""
        return self._removal.ended

    def age_query(self, stored: Sequence[StoredSecret]) -> AgeQuery | None:
        """What must be known of the active robot's age; None without one."""
        self._stored = stored
        self._robots = self._read_robots.read(stored)
        self._state = pair_state_of(self._pair, self._robots, stored)
        active = self._active
        return None if active is None else AgeQuery(active, self._policy.max_age, records_of(stored))

    def observe(self, stored: Sequence[StoredSecret], *, proven: bool = False) -> Observation:
        query = self.age_query(stored)
        if query is None:
            missing = Credential(str(self._pair.name), str(self._pair.members[0]), details=_details(None))
            return Observation(ObservedState(exists=False), missing)
        age = self._lookup.age_of(query)
        superseded = self._state.superseded
        exists = self._state.is_served_by(self._pair) or self._must_wait()
        state = ObservedState(exists=exists, created_at=age[0])
        return Observation(state, self._credential(query.robot, age, superseded), predecessors=superseded)

    def prepare(self, observation: Observation) -> Observation:
        """Choose the next robot, and read the permissions that it needs."""
        self._context.server.refuse_if_read_only("POST", f"{self._pair.name.path}/regenerate")
        active = self._active
        surplus: tuple[str, ...] = ()
        if self._copy_rights:
            surplus = self._choose()
        else:
            name = next(name for name in self._pair.usual if name != self._state.active)
            self._successor = Successor(name, self._lookup.get(name))
        target = self._successor.robot
        username = target.name if target else self._full_name(self._successor.name)
        refuse_disallowed_robot(self._context, username, target.token if target else None)
        extra_diff: dict[str, tuple[Any, Any]] = {"username": (active.name if active else None, username)}
        if self._copy_rights and active is not None:
            extra_diff["rights"] = (self._rights.present.describe(), self._rights.desired.describe())
        # The former secret of the next robot becomes invalid when its token is replaced.
        superseded = [
            handle for handle in (*observation.credential.superseded, *surplus) if robot_of_handle(handle) != username
        ]
        credential = replace(observation.credential, superseded=tuple(superseded))
        return replace(observation, credential=credential, username=username, extra_diff=extra_diff)

    def mint(self, observation: Observation) -> Minted:
        secret, robot = self._secret(self._successor.name), self._successor.robot
        if robot is None:
            robot = secret.create(set())
            self._refuse_if_foreign(robot)
            self._rights.apply(robot)
        else:
            self._rights.apply(robot)
            robot, _existed = secret.replace({robot.token or ""})
        self._rights.verify(robot)
        self._minted = robot
        now = self._context.client.now()
        superseded = superseded_by_minting(observation.credential)
        return Minted(self._credential(robot, (now, AGE_FROM_MINT), superseded), existed=observation.state.exists)

    def retire(self, handle: str) -> None:
        """Delete a former robot, so that neither its secret nor any registry token of it is accepted."""
        name = self._pair.find(robot_of_handle(handle))
        secret = self._secret(name)
        robot = secret.read()
        leaked = self._policy.ends_access and name == self._state.active
        if robot is None or (handle_of(robot) != handle and not leaked):
            return
        kept = self._removal.remove(secret, robot, self._obstacle(name, robot))
        if kept is None:
            if leaked:
                warn_of_granted_access(self._context, robot)
            return
        warn_of_kept_robot(self._context, robot, kept)
        if leaked:
            raise RefusedCredential(
                f"{robot.name} was replaced, and the next robot's secret was delivered, but {robot.name} {kept.reason} "
                f"and was not deleted: {LIVES_ON}. {kept.remedy}, and delete {robot.name}"
            )

    def _refuse_if_foreign(self, robot: Robot) -> None:
        """Raise if somebody else created a robot of this name after the names were read."""
        name = self._successor.name
        ours = name in self._pair.usual or name == self._pair.name
        if not ours and robot.metadata is not None and not is_marked(robot, self._pair):
            raise RefusedCredential(
                f"A robot of the name {robot.name} was created meanwhile, but not for this credential. It was not "
                "changed, and nothing was delivered. Run the task again: it chooses another name"
            )

    @property
    def _active(self) -> Robot | None:
        return self._robots.get(self._state.active) if self._state.active else None

    def _must_wait(self) -> bool:
        """Whether the robot with the credential's own name cannot carry it yet, so that the present one stays.

        The former robot of that name must be deleted first, and its name must rest.
        """
        name = self._pair.name
        if self._pair.paired or not self._copy_rights:
            return False
        robot = self._robots[name] if name in self._robots else self._lookup.get(name)
        if robot is not None:
            return handle_of(robot) in self._state.superseded
        return self._situation({}, frozenset()).rests_until(name) is not None

    def _situation(self, own: Mapping[RobotName, Robot], taken: frozenset[RobotName]) -> Situation:
        active, now = self._active, self._context.client.now()
        records = [record for record in records_of(self._stored) if active and record.fits(active.token)]
        issued = [record.created_at for record in records if record.created_at]
        issued_at = max(issued) if issued else active.created_at if active else None
        return Situation(
            pair=self._pair,
            active=self._state.active,
            robots=own,
            taken=taken,
            deletions=self._lookup.deletions(now - NAME_REST, issued_at),
            issued_at=issued_at,
            replaced=[*self._state.superseded, *(handle for record in records for handle in record.superseded)],
            now=now,
            leaked=self._policy.ends_access,
            unseen=self._unseen,
        )

    def _choose(self) -> tuple[str, ...]:
        """Choose the next robot and read its rights. Returns the handles of robots that interrupted runs left."""
        own, taken = self._read_robots.list(self._stored)
        self._successor = choose_successor(self._situation(own, taken))
        self._warn_of_successor()
        active, name = self._state.active, self._successor.name
        if active is not None:
            self._rights.read(own[active], self._successor.robot, self._full_name(name))
        if self._policy.ends_access and active is not None:
            self._refuse_if_kept(active, own[active])
        idle = [other for other in self._pair.turns if other in own and other not in (active, name)]
        return tuple(
            handle for handle in (handle_of(own[other]) for other in idle) if handle not in self._state.superseded
        )

    def _warn_of_successor(self) -> None:
        robot = self._full_name(self._successor.name)
        if self._successor.outlived:
            self._context.warn(
                f"{robot} exists already and carries the credential from now on, because no other robot may. Its token "
                f"is replaced, but {LIVES_ON}, without end. Add another name to pair, or delete {robot} an hour before."
            )
        if self._successor.in_doubt:
            self._context.warn(
                f"The usage logs do not show whether a robot of the name {robot} was deleted within the last hour. If "
                "so, registry tokens that were issued to it are accepted again for an hour at most."
            )

    def _refuse_if_kept(self, name: RobotName, robot: Robot) -> None:
        obstacle = self._removal.obstacle(name, robot, self._rights.desired.unresolved_teams)
        if obstacle is not None:
            refuse_to_replace(robot, obstacle)
        self._removal.refuse_if_mirroring(robot)

    def _obstacle(self, name: RobotName, robot: Robot) -> Obstacle | None:
        if not self._copy_rights:
            return RIGHTS_NOT_COPIED
        listed = self._lookup.existing([name, *([self._state.active] if self._state.active else [])])
        if self._minted is not None:
            present = set(self._rights.desired.teams)
        else:
            active = listed.get(self._state.active) if self._state.active else None
            present = set(active.teams or ()) if active else set()
        teams = set(listed[name].teams or ()) if name in listed else set()
        return self._removal.obstacle(name, robot, teams - present)

    def _secret(self, name: RobotName) -> RobotSecret:
        active = self._active
        description = self._description
        metadata = self._metadata
        if active is not None and name != self._state.active:
            description = active.description or None if description is None else description
            metadata = active.metadata if metadata is None else metadata
        return RobotSecret(self._context, name, description, marked(metadata, self._pair, name))

    def _full_name(self, name: RobotName) -> str:
        if name.organization is not None or name.user is not None:
            return str(name)
        active = self._active
        user = active.namespace if active else authenticated_user(self._context.client)
        return f"{user}+{name.short}"

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
            strategy=PAIRED if self._pair.paired else IN_PLACE,
            details=_details(robot),
        )


def _details(robot: Robot | None) -> dict[str, Any]:
    return {"description": robot.description if robot else ""}
