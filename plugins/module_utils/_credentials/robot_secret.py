# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The token of one robot: create it, replace it and verify it without losing it."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.errors import QuayError, RefusedCredential
from .._http.errors import ApiError
from .._module.context import ModuleContext
from .._quay.registry_auth import verify_secret
from .._quay.robots import Robot, RobotName, Robots, is_existing_robot, is_unknown_robot

# How often to read the token again if other writers keep replacing it.
_MAX_ATTEMPTS = 3


class RobotSecret:
    """The token of one robot. Replacing it invalidates the old one at once. Quay returns the present one again."""

    def __init__(
        self,
        context: ModuleContext,
        name: RobotName,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """``description`` and ``metadata``: as declared, None if they are not."""
        self._context = context
        self._name = name
        self._description = description
        self._metadata = metadata
        self._robots = Robots(context.client)

    def read(self) -> Robot | None:
        """The robot as it is now, with its token; None if there is none."""
        return self._robots.get(self._name)

    def replace(self, former: set[str]) -> tuple[Robot, bool]:
        """The robot with a new token, and whether it existed before. ``former``: the tokens it may have had before."""
        try:
            return self._robots.regenerate(self._name), True
        except QuayError as error:
            if isinstance(error, ApiError) and is_unknown_robot(error):
                return self.create(former), False
            return self._read_after_failure(error, former), True

    def invalidate(self, robot: Robot) -> None:
        """Replace the robot's token by one that nobody knows. ``robot``: as it was read, with its present token."""
        try:
            self._robots.regenerate(self._name)
        except QuayError as error:
            if isinstance(error, ApiError) and is_unknown_robot(error):
                return
            self._read_after_failure(error, {robot.token or ""})

    def delete(self) -> None:
        """Delete the robot. After a lost response, read whether it is gone. Raises ApiError if a mirror uses it."""
        try:
            self._robots.delete(self._name)
        except QuayError as error:
            gone = isinstance(error, ApiError) and is_unknown_robot(error)
            if not gone and (not error.outcome_unknown or self._robots.get(self._name) is not None):
                raise

    def create(self, former: set[str]) -> Robot:
        """The new robot with its first token. ``former``: the tokens it may have had before.

        If another writer created it meanwhile, the robot as it is now, with its metadata.
        """
        try:
            return self._robots.create(self._name, self._description, self._metadata)
        except QuayError as error:
            if isinstance(error, ApiError) and is_existing_robot(error):
                return self._created_by_another(error)
            return self._read_after_failure(error, former)

    def _created_by_another(self, error: ApiError) -> Robot:
        robot = self._robots.get(self._name)
        if robot is None or robot.token is None:
            raise error
        self._context.warn(f"{robot.name} was created by another run at the same moment. Its token is used.")
        self.warn_of_fixed_fields(robot)
        return robot

    def _read_after_failure(self, error: QuayError, former: set[str]) -> Robot:
        """The robot after a lost response: its present token shows whether the request took effect. Never repeated."""
        robot = self._robots.get(self._name) if error.outcome_unknown else None
        if robot is None or robot.token is None or robot.token in former:
            raise error
        return robot

    def verified(self, robot: Robot) -> tuple[Robot, QuayError | None]:
        """The robot with a token that Quay accepts: from this run, or from another writer that was faster.

        Two concurrent regenerations are both answered 200, and only one token is valid: the one that Quay returns. The
        second value is the error if Quay could not be asked.
        """
        for _attempt in range(_MAX_ATTEMPTS):
            try:
                if robot.token and verify_secret(self._context.client, robot.name, robot.token, robot.namespace).live:
                    return robot, None
            except QuayError as error:
                # The old token is invalid: an unverified new one serves consumers better than none.
                return robot, error
            found = self._robots.get(self._name)
            if found is None or found.token == robot.token:
                break
            robot = found
        raise RefusedCredential(
            f"Quay does not accept the new token of {self._name} at /v2/auth. Quay returns the robot's present token "
            "again: run the task again, and check whether something else regenerates this robot"
        )

    def warn_of_fixed_fields(self, robot: Robot) -> None:
        """Warn of declared fields that differ. Quay sets them only when it creates a robot."""
        if self._description is not None and robot.description != self._description:
            self._context.warn(
                f"The description of {self._name} differs from the declared one. Quay sets it only when it creates a "
                "robot; delete the robot and create it again to change it."
            )
        if self._metadata is not None and robot.metadata is not None and dict(robot.metadata) != dict(self._metadata):
            self._context.warn(
                f"The metadata of {self._name} differ from the declared ones. Quay sets them only when it creates a "
                "robot; delete the robot and create it again to change them."
            )
