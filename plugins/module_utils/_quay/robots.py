# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Robot accounts and their federation: typed records in, typed records out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from .._core.errors import BadInput
from .._core.names import MAX_LENGTH
from .._core.times import parse_time
from .._http.address import api_path
from .._http.errors import ApiError

if TYPE_CHECKING:
    from .._http.client import QuayClient

_SHORT_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
# Quay stores the full name. The name of the user's own namespace, which is not known here, has two characters or more.
_SHORTEST_NAMESPACE = "xx"
# For a robot that does not exist, Quay answers 400 with this text, never 404.
_UNKNOWN_ROBOT = "could not find robot"
# For a robot that exists: Quay's own text, and those of PostgreSQL and MySQL.
_EXISTING_ROBOT = ("existing robot", "duplicate key", "duplicate entry")
_USED_BY_MIRROR = (
    "Give the mirror another robot with quay_repository_mirror, or delete the mirrored repository. Quay releases the "
    "robot about a minute after that deletion"
)


@dataclass(frozen=True)
class RobotName:
    """A robot's name: acme+ci in an organization, or ci in the namespace of the signed-in user.

    ``short`` is the part after the plus sign. ``user``: the signed-in user, if the name gives it, as in alice+ci.
    """

    organization: str | None
    short: str
    user: str | None = field(default=None, compare=False)

    @classmethod
    def parse(cls, text: str) -> RobotName:
        """Split a robot's name. Raises BadInput if Quay would not accept it."""
        namespace, plus, short = text.rpartition("+")
        if not _SHORT_NAME.fullmatch(short) or len(short) < 2:
            raise BadInput(
                f"name: '{text}' is not a valid robot name. Write organization+robot, or only the robot part for your "
                "own namespace; the robot part has two or more lower-case letters, digits and single . _ - between them"
            )
        if plus and (not namespace or re.search(r"[\s/+]|^\.+$", namespace)):
            raise BadInput(f"name: '{text}' is not a valid robot name. Write the organization's name before the +")
        name = cls(namespace or None, short)
        if not name.has_room_for(""):
            raise BadInput(
                f"name: '{text}' is too long for a robot. The full name, organization+robot, has {MAX_LENGTH} "
                "characters at most"
            )
        return name

    def has_room_for(self, suffix: str) -> bool:
        """Return whether Quay can store the full name with this suffix."""
        full_name = f"{self.organization or _SHORTEST_NAMESPACE}+{self.short}{suffix}"
        return len(full_name) <= MAX_LENGTH

    @property
    def path(self) -> str:
        """The robot's API path."""
        if self.organization is None:
            return api_path("user", "robots", self.short)
        return api_path("organization", self.organization, "robots", self.short)

    def __str__(self) -> str:
        namespace = self.organization or self.user
        return f"{namespace}+{self.short}" if namespace else self.short


@dataclass(frozen=True)
class Robot:
    """One robot. ``name`` is its full name, such as acme+ci.

    ``metadata`` is None if the response does not include it (the list, regenerate). ``token`` is None if the login may
    not see it. ``teams``: the names of its teams, of other organizations too. ``repositories``: those on which it has a
    role of its own, without their namespace. Both are None if the response does not list them.
    """

    name: str
    created_at: datetime | None
    last_accessed: datetime | None
    description: str
    token: str | None = field(repr=False)
    metadata: Mapping[str, Any] | None = None
    teams: tuple[str, ...] | None = None
    repositories: tuple[str, ...] | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Robot:
        teams, repositories = data.get("teams"), data.get("repositories")
        return cls(
            name=str(data.get("name", "")),
            created_at=parse_time(data.get("created")),
            last_accessed=parse_time(data.get("last_accessed")),
            description=str(data.get("description") or ""),
            token=data.get("token") or None,
            metadata=data.get("unstructured_metadata"),
            teams=None if teams is None else tuple(str(team.get("name")) for team in teams),
            repositories=None if repositories is None else tuple(map(str, repositories)),
        )

    @property
    def namespace(self) -> str:
        return self.name.partition("+")[0]


@dataclass(frozen=True)
class FederationEntry:
    """One federation entry: the subject of an OIDC issuer that may exchange its token for one of the robot."""

    issuer: str
    subject: str


class Robots:
    """The robots of a server.

    /api/v1/organization/{org}/robots needs the scope org:admin, /api/v1/user/robots the scope user:admin.
    """

    def __init__(self, client: QuayClient) -> None:
        self._client = client

    def get(self, name: RobotName) -> Robot | None:
        """Return the robot with its token, or None if it does not exist (GET .../robots/{short})."""
        try:
            return Robot.of(self._client.get(name.path).object_with("name"))
        except ApiError as error:
            if is_unknown_robot(error):
                return None
            raise

    def create(self, name: RobotName, description: str | None, metadata: Mapping[str, Any] | None) -> Robot:
        """Create the robot and return it (PUT .../robots/{short}).

        Quay has no endpoint to change ``description`` and ``metadata`` later.
        """
        body: dict[str, Any] = {}
        if description is not None:
            body["description"] = description
        if metadata is not None:
            body["unstructured_metadata"] = dict(metadata)
        return Robot.of(self._client.put(name.path, body).json_object())

    def regenerate(self, name: RobotName) -> Robot:
        """Replace the robot's token and return the robot (POST .../regenerate). The old token is invalid at once."""
        return Robot.of(self._client.post(f"{name.path}/regenerate").json_object())

    def delete(self, name: RobotName) -> None:
        """Delete the robot. Quay answers 400 if a mirror uses it, with a hint in the error, or if it does not exist."""
        try:
            self._client.delete(name.path)
        except ApiError as error:
            raise error.with_hint(_USED_BY_MIRROR) if is_used_by_mirror(error) else error from None

    def federation(self, name: RobotName) -> list[FederationEntry]:
        """Return who may exchange an OIDC token for a token of this robot (GET .../federation)."""
        entries = self._client.get(f"{name.path}/federation").json_list()
        return [FederationEntry(str(entry.get("issuer")), str(entry.get("subject"))) for entry in entries]

    def set_federation(self, name: RobotName, entries: Sequence[FederationEntry]) -> None:
        """Replace the federation list (POST .../federation). The robot's own token stays valid."""
        body = [{"issuer": entry.issuer, "subject": entry.subject} for entry in entries]
        self._client.post(f"{name.path}/federation", body)

    def list(self, organization: str | None, *, with_teams: bool = False, with_tokens: bool = True) -> list[Robot]:
        """Return all robots of a namespace, in one request. None: the signed-in user's namespace.

        ``with_teams``: with the names of their teams and repositories. Quay does not say to which organization a team
        belongs. ``with_tokens``: whether Quay sends their tokens, too.
        """
        path = api_path("user", "robots") if organization is None else api_path("organization", organization, "robots")
        query = {**({"permissions": "true"} if with_teams else {}), **({} if with_tokens else {"token": "false"})}
        response = self._client.get(path, query) if query else self._client.get(path)
        return [Robot.of(item) for item in response.list_of("robots")]


def is_unknown_robot(error: ApiError) -> bool:
    """Return whether this error of Quay means that the robot does not exist."""
    return error.status == 400 and _UNKNOWN_ROBOT in error.message.lower()


def is_existing_robot(error: ApiError) -> bool:
    """Return whether this error of Quay means that a robot of that name exists already.

    If two requests arrive at the same moment, the message is that of the server's database.
    """
    message = error.message.lower()
    return error.status == 400 and any(sign in message for sign in _EXISTING_ROBOT)


def is_used_by_mirror(error: ApiError) -> bool:
    """Return whether this error of Quay means that the robot cannot be deleted because a mirror uses it."""
    return error.status == 400 and "used by a mirror" in error.message.lower()
