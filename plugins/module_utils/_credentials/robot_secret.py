# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The token of one robot: read it, replace it, verify it."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.errors import QuayError, RefusedCredential
from .._http.errors import ApiError, Forbidden
from .._module.context import ModuleContext
from .._quay.registry_auth import verify_secret
from .._quay.robots import Robot, RobotName, Robots, is_unknown_robot

# How often to look again when other writers keep replacing the robot's token.
_MAX_ATTEMPTS = 3


class RobotToken:
    """The token of one robot. Replacing it kills the old one at once, and Quay can tell the present one again."""

    def __init__(
        self,
        context: ModuleContext,
        name: RobotName,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._context = context
        self._name = name
        self._description = description
        self._metadata = metadata
        self._robots = Robots(context.client)

    def read(self) -> Robot | None:
        """The robot with its token, or None; refuses a login that may see the robot but not its token."""
        robot = self._robots.get(self._name)
        if robot is not None and robot.token is None:
            hint = f"This login may see the robot {self._name} but not its token"
            raise Forbidden(403, "GET", self._name.path, "", hint=hint)
        return robot

    def replace(self, known: set[str]) -> tuple[Robot, bool]:
        """A robot with a new token, and whether there was one before. ``known``: its possible tokens of before."""
        try:
            return self._robots.regenerate(self._name), True
        except QuayError as error:
            if isinstance(error, ApiError) and is_unknown_robot(error):
                return self.create(known), False
            return self._read_after_failure(error, known), True

    def end(self, robot: Robot) -> None:
        """Give the robot a token that nobody is told, so that the one given is dead."""
        try:
            self._robots.regenerate(self._name)
        except QuayError as error:
            if isinstance(error, ApiError) and is_unknown_robot(error):
                return
            self._read_after_failure(error, {robot.token or ""})

    def create(self, known: set[str]) -> Robot:
        """A new robot with its first token."""
        try:
            return self._robots.create(self._name, self._description, self._metadata)
        except QuayError as error:
            return self._read_after_failure(error, known, creating=True)

    def _read_after_failure(self, error: QuayError, known: set[str], *, creating: bool = False) -> Robot:
        """After a lost answer, the robot's present token tells whether the deed was done. Nothing is repeated."""
        robot = self._robots.get(self._name) if error.outcome_unknown else None
        if robot is None or robot.token is None or robot.token in known:
            raise error
        if not known and not creating:
            raise RefusedCredential(
                f"{error}. Whether the token was replaced cannot be told, because the old one was not looked at. "
                "Nothing is lost: Quay can tell the present token; run the task again"
            )
        return robot

    def verified(self, robot: Robot) -> tuple[Robot, QuayError | None]:
        """The robot with a token that Quay accepts: this run's, or that of another writer who was faster.

        Two writers at once are both told 200, and only one token lives. It is a good one: it is what Quay holds.
        """
        for _attempt in range(_MAX_ATTEMPTS):
            try:
                if robot.token and verify_secret(self._context.client, robot.name, robot.token, robot.namespace).live:
                    return robot, None
            except QuayError as error:
                # The old token is dead: consumers are better off with this one than with none.
                return robot, error
            found = self._robots.get(self._name)
            if found is None or found.token == robot.token:
                break
            robot = found
        raise RefusedCredential(
            f"Quay does not accept the new token of {self._name} at /v2/auth. The robot's present token can be read "
            "again: run the task once more, and look whether something else regenerates this robot"
        )

    def warn_of_fixed_fields(self, robot: Robot) -> None:
        """Say which declared fields differ: Quay can set them at creation only."""
        if self._description is not None and robot.description != self._description:
            self._context.warn(
                f"The description of {self._name} differs from the wanted one. Quay can set it at creation only; "
                "delete and create the robot to change it."
            )
        if self._metadata is not None and robot.metadata is not None and dict(robot.metadata) != dict(self._metadata):
            self._context.warn(
                f"The metadata of {self._name} differ from the wanted ones. Quay can set them at creation only; "
                "delete and create the robot to change them."
            )
