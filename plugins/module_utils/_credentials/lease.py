# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The lease of a short-lived robot: its name, and what its metadata say. Pure, but for random names.

Quay has no expiry for robots. It keeps the metadata with which a robot was created, and never changes them. The list of
robots does not include them, so the name has the expiry, too: a list shows which leases are worth a closer look.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Mapping

from .._core.errors import BadInput
from .._core.times import format_time, parse_time
from .._quay.robots import Robot, RobotName

# The key of a robot's metadata that holds the lease.
_KEY = "tokensmith.quay"
_KIND = "lease"

_SEPARATORS = "._-"
_EXPIRY = "%Y%m%dt%H%M%Sz"
# Letters and digits that people do not confuse. 12 of them have 59 bits.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_RANDOM_LENGTH = 12
_REST = re.compile(rf"(?P<expiry>[0-9]{{8}}t[0-9]{{6}}z)-[{_ALPHABET}]{{{_RANDOM_LENGTH}}}")

_NAME = re.compile(rf"(?P<prefix>.+[{re.escape(_SEPARATORS)}]){_REST.pattern}")

# Quay creates the robot when the request arrives, with the clock of whichever of its servers gets it.
_MAX_CREATION_DIFFERENCE = timedelta(minutes=10)


@dataclass(frozen=True)
class LeaseNames:
    """The names of the robots of one prefix: ``acme+ci`` gives ``acme+ci-20260131t120000z-k7m2xq9wd4hb``.

    ``prefix``: the namespace and the beginning of the names, as a robot's name.
    """

    prefix: RobotName

    @classmethod
    def parse(cls, text: str) -> LeaseNames:
        """Split a prefix. Raises BadInput if the names that begin with it are none for Quay."""
        prefix = text if text.endswith(tuple(_SEPARATORS)) else f"{text}-"
        try:
            name = RobotName.parse(prefix + "20260131t120000z-" + "x" * _RANDOM_LENGTH)
        except BadInput:
            raise BadInput(
                f"name_prefix: '{text}' is not valid. Write organization+prefix, or only the prefix for your own "
                "namespace. The prefix has lower-case letters and digits, with single . _ - between them, and the full "
                "name, to which 30 characters are added, has 255 at most"
            ) from None
        return cls(replace(name, short=prefix.rpartition("+")[2]))

    def new(self, expires_at: datetime) -> RobotName:
        """A name that no robot ever had: registry tokens of a deleted robot count for a later one of its name."""
        rest = "".join(secrets.choice(_ALPHABET) for _position in range(_RANDOM_LENGTH))
        expiry = expires_at.astimezone(timezone.utc).strftime(_EXPIRY)
        return replace(self.prefix, short=f"{self.prefix.short}{expiry}-{rest}")

    def of(self, full_name: str | None) -> RobotName | None:
        """The robot's name, given as acme+ci-…; None if it is no name of a lease of this prefix."""
        namespace, _plus, short = str(full_name or "").rpartition("+")
        known = self.prefix.organization or self.prefix.user
        if known not in (None, namespace) or self.expiry(short) is None:
            return None
        return replace(self.prefix, short=short)

    def expiry(self, short: str) -> datetime | None:
        """When the lease of this robot expires, as its name says; None if it is no name of this prefix."""
        if not short.startswith(self.prefix.short):
            return None
        return _expiry_in(short[len(self.prefix.short) :])


def prefix_in(full_name: str) -> str | None:
    """What the name of a robot begins with, if it is a name of a lease: ``acme+ci-``."""
    match = _NAME.fullmatch(full_name)
    return match.group("prefix") if match else None


@dataclass(frozen=True)
class Lease:
    """What the metadata of a robot say.

    ``lease_id``: a random text by which a run recognises the robot that it created.
    """

    short_name: str
    lease_id: str
    issued_at: datetime
    expires_at: datetime
    owner: str = ""

    def metadata(self) -> dict[str, Any]:
        """The metadata of the robot."""
        lease = {
            "kind": _KIND,
            "name": self.short_name,
            "id": self.lease_id,
            "issued_at": format_time(self.issued_at),
            "expires_at": format_time(self.expires_at),
            "owner": self.owner,
        }
        return {_KEY: lease}


@dataclass(frozen=True)
class LeaseState:
    """What is known of a robot's lease. ``problem``: why it must not be deleted, as the end of a sentence."""

    lease: Lease | None
    problem: str = ""

    @property
    def is_ours(self) -> bool:
        return self.lease is not None and not self.problem


def expiry_in_name(short: str) -> datetime | None:
    """When the lease of a robot expires, as its short name says; None if it is no name of a lease of any prefix."""
    rest = short[-len("20260131t120000z-") - _RANDOM_LENGTH :]
    return _expiry_in(rest) if short[: -len(rest)].endswith(tuple(_SEPARATORS)) else None


def new_lease(name: RobotName, issued_at: datetime, expires_at: datetime, owner: str) -> Lease:
    """A lease with a random id."""
    return Lease(name.short, secrets.token_hex(16), issued_at, expires_at, owner)


def lease_of(robot: Robot) -> LeaseState:
    """The lease of a robot that was read with its metadata."""
    marker = robot.metadata.get(_KEY) if isinstance(robot.metadata, Mapping) else None
    if marker is None:
        return LeaseState(None, "was not issued as a lease: its metadata do not say so")
    lease = _parsed(marker)
    if lease is None:
        return LeaseState(None, "has metadata of a lease that cannot be read")
    return LeaseState(lease, _contradiction(robot, lease))


def listed_lease(robot: Robot, expires_at: datetime | None) -> LeaseState:
    """The lease of a robot that was listed, thus without its metadata. ``expires_at``: what its name says."""
    if expires_at is None or robot.created_at is None:
        return LeaseState(None, "has no name of a lease, or no time of its creation")
    return LeaseState(Lease(robot.name.rpartition("+")[2], "", robot.created_at, expires_at))


def _parsed(marker: Any) -> Lease | None:
    if not isinstance(marker, Mapping) or marker.get("kind") != _KIND:
        return None
    issued_at, expires_at = parse_time(marker.get("issued_at")), parse_time(marker.get("expires_at"))
    texts = [marker.get(name) for name in ("name", "id", "owner")]
    if issued_at is None or expires_at is None or not all(isinstance(text, str) for text in texts):
        return None
    short_name, lease_id, owner = map(str, texts)
    return Lease(short_name, lease_id, issued_at, expires_at, owner)


def _contradiction(robot: Robot, lease: Lease) -> str:
    """What the metadata say otherwise than Quay; empty if nothing."""
    short = robot.name.rpartition("+")[2]
    if lease.short_name != short:
        return f"has the metadata of another robot, {lease.short_name}"
    named = _expiry_in(short[-len("20260131t120000z-") - _RANDOM_LENGTH :])
    if named != lease.expires_at or lease.expires_at <= lease.issued_at:
        return f"has metadata by which its lease expires at {format_time(lease.expires_at)}, which its name does not"
    if robot.created_at is None or abs(robot.created_at - lease.issued_at) > _MAX_CREATION_DIFFERENCE:
        created = format_time(robot.created_at) or "an unknown time"
        return f"was created at {created}, but its lease was issued at {format_time(lease.issued_at)}"
    return ""


def _expiry_in(rest: str) -> datetime | None:
    match = _REST.fullmatch(rest)
    if match is None:
        return None
    try:
        return datetime.strptime(match.group("expiry"), _EXPIRY).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
