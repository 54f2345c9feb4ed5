# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Removes a former robot, so that nothing that was issued to it is accepted as a login, and verifies that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Collection

from .._core.errors import QuayError, RefusedCredential, Unconfirmed
from .._core.times import format_time
from .._http.auth import BasicAuth
from .._http.errors import ApiError
from .._module.context import ModuleContext
from .._quay.mirrors import repository_mirrored_by, robot_of_organization_mirror
from .._quay.registry_auth import request_registry_token, verify_secret
from .._quay.robots import Robot, RobotName, Robots, is_used_by_mirror
from .robot_secret import RobotSecret

# It need not exist.
_REPOSITORY = "credential-proof"

# How long Quay accepts what a registry token grants on repositories, 30 seconds of leeway included. It checks only the
# signature and dates, so this outlives the robot.
_GRANT = timedelta(hours=1, seconds=30)

# What a registry token of a robot is worth, as long as the robot exists.
LIVES_ON = (
    "registry tokens that were issued to it are still accepted as its password for an hour, and each login with one "
    "gives another"
)


@dataclass(frozen=True)
class Obstacle:
    """Why a robot must not be deleted: it has something that no other robot can get. ``remedy``: what to do."""

    reason: str
    remedy: str


USED_BY_MIRROR = Obstacle("is the user of a mirror", "Give the mirror another robot")
RIGHTS_NOT_COPIED = Obstacle(
    "has permissions that are not copied (copy_rights: false)", "Set copy_rights: true, with a login that may do it"
)


class RobotRemoval:
    """Deletes former robots. ``ended``: whether Quay was seen to refuse a login by what was issued to them.

    It is None before.
    """

    def __init__(self, context: ModuleContext, organization: str | None) -> None:
        self._context = context
        self._organization = organization
        self._robots = Robots(context.client)
        self.ended: bool | None = None

    def obstacle(self, name: RobotName, robot: Robot, foreign_teams: Collection[str]) -> Obstacle | None:
        """Why the robot must not be deleted, as far as Quay shows it at little cost.

        ``foreign_teams``: its teams that its successor is no member of.
        """
        if foreign_teams:
            teams = ", ".join(sorted(foreign_teams))
            return Obstacle(f"is a member of teams that the next robot is not in ({teams})", "Take it out of them")
        if self._robots.federation(name):
            return Obstacle("has federation, whose workloads know it by name", "Remove its federation")
        return USED_BY_MIRROR if self._mirrors_organization(robot) else None

    def refuse_if_mirroring(self, robot: Robot) -> None:
        """Raise if a mirror uses the robot, which Quay does not delete then. Reads all mirrors of the namespace."""
        repository = repository_mirrored_by(self._context.client, robot.namespace, robot.name)
        if repository is not None:
            obstacle = Obstacle(f"is the user of the mirror of {repository}", "Give the mirror another robot")
            refuse_to_replace(robot, obstacle)

    def remove(self, secret: RobotSecret, robot: Robot, obstacle: Obstacle | None) -> Obstacle | None:
        """Delete the robot, or replace its token if something forbids to delete it, which is then returned."""
        issued = None if obstacle else self._registry_token(robot)
        if obstacle is None:
            obstacle = self._delete(secret)
        if obstacle is not None:
            secret.invalidate(robot)
            self.ended = False
            return obstacle
        refused = issued is not None and self._is_refused(robot, issued)
        self.ended = refused and self.ended is not False
        return None

    def _mirrors_organization(self, robot: Robot) -> bool:
        if self._organization is None or not self._context.server.feature("ORG_MIRROR"):
            return False
        return robot_of_organization_mirror(self._context.client, self._organization) == robot.name

    @staticmethod
    def _delete(secret: RobotSecret) -> Obstacle | None:
        try:
            secret.delete()
        except ApiError as error:
            if is_used_by_mirror(error):
                return USED_BY_MIRROR
            raise
        return None

    def _registry_token(self, robot: Robot) -> str | None:
        """A registry token of the robot, to try it after the deletion; None if Quay issues none."""
        client, auth = self._context.client, BasicAuth(robot.name, robot.token or "")
        # Only a token for the server's own name is accepted as a password.
        service = self._context.server.hostname()
        try:
            return request_registry_token(client, auth, service, [f"{robot.namespace}/{_REPOSITORY}"], ["pull"]).token
        except QuayError:
            return None

    def _is_refused(self, robot: Robot, issued: str) -> bool:
        """Whether Quay refuses what was issued to the deleted robot. Raises Unconfirmed if it accepts it."""
        try:
            accepted = verify_secret(self._context.client, robot.name, issued, robot.namespace).live
        except QuayError as error:
            self._context.warn(
                f"{robot.name} was deleted. Whether Quay refuses the registry tokens that were issued to it could not "
                f"be verified: {error}"
            )
            return False
        if accepted:
            raise Unconfirmed(
                f"{robot.name} was deleted, but Quay still accepts a registry token that was issued to it. Check "
                "whether something created it again"
            )
        return True


def refuse_to_replace(robot: Robot, obstacle: Obstacle) -> None:
    """Raise before anything is changed, because a leaked secret of this robot could not be ended."""
    raise RefusedCredential(
        f"{robot.name} {obstacle.reason}, so it cannot be deleted. Nothing was changed: its secret is still valid, and "
        f"{LIVES_ON}, without end. {obstacle.remedy}, and run the task again. With rotate: always its secret is "
        "replaced at once, but those registry tokens stay valid until the robot is deleted"
    )


def warn_of_granted_access(context: ModuleContext, robot: Robot) -> None:
    """Warn of what whoever had the secret of a deleted robot can still do. Nothing ends this earlier."""
    until = format_time(context.client.now() + _GRANT)
    context.warn(
        f"{robot.name} was deleted, so Quay accepts no further login of it. Registry tokens that it requested for "
        f"repositories before are valid until {until}: they list tags, and push and delete them where {robot.name} "
        "could write. Quay cannot revoke them. Check the tags that change until then."
    )


def warn_of_kept_robot(context: ModuleContext, robot: Robot, obstacle: Obstacle) -> None:
    """Warn that a former robot was not deleted."""
    context.warn(
        f"{robot.name} {obstacle.reason}, so it was not deleted. Its secret was replaced by one that nobody knows, but "
        f"{LIVES_ON}, without end. {obstacle.remedy}, and delete {robot.name}."
    )
