# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Usage logs: when a robot's token was last changed.

Quay keeps no date for a robot's token. Its logs do, as long as they are kept: ``aggregatelogs`` says on which days a
robot of the namespace was created or regenerated, ``logs`` of such a day says which one. One pass serves all robots.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, Iterable, Iterator, Mapping

from ansible_collections.tokensmith.quay.plugins.module_utils._client import QuayClient, path_of
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import ApiError, QuayError
from ansible_collections.tokensmith.quay.plugins.module_utils._times import parse_time

TOKEN_KINDS = ("create_robot", "regenerate_robot_token")

# Windows of at most 28 days avoid two faults of aggregatelogs: it adds up equal days of two months, and fails around
# the end of February.
_WINDOW = timedelta(days=27)


class LogsSilent(QuayError):
    """The logs cannot answer: not readable with this login, not searchable, or not kept."""


@dataclass(frozen=True)
class LogEntry:
    """One usage log entry."""

    kind: str
    at: datetime | None
    metadata: Mapping[str, Any]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> LogEntry:
        metadata = data.get("metadata")
        return cls(
            kind=str(data.get("kind", "")),
            at=parse_time(data.get("datetime")),
            metadata=metadata if isinstance(metadata, dict) else {},
        )


class Logs:
    """The usage logs of one namespace (scope org:admin for an organization, user:admin for the user's own)."""

    def __init__(self, client: QuayClient, organization: str | None) -> None:
        self._client = client
        parts = ("user",) if organization is None else ("organization", organization)
        self._entries = path_of(*parts, "logs")
        self._counts = path_of(*parts, "aggregatelogs")

    def token_changes(self, robots: Iterable[str], since: datetime) -> dict[str, datetime]:
        """When each robot's (short name) token was last created or regenerated, looking back to ``since``.

        Robots without an entry in that time are absent from the answer: the logs do not know. Raises LogsSilent where
        the logs cannot be asked at all.
        """
        wanted = set(robots)
        found: dict[str, datetime] = {}
        if not wanted:
            return found
        try:
            for day in self._days_of_changes(since.astimezone(timezone.utc).date(), self._client.now().date()):
                self._changes_of_day(day, wanted, found)
                if wanted <= found.keys():
                    break
        except ApiError as error:
            raise LogsSilent(str(error)) from None
        return found

    def _changes_of_day(self, day: date, wanted: set[str], found: dict[str, datetime]) -> None:
        """Take the newest change of each wanted robot; entries come newest first, so the first one seen counts."""
        for item in self._client.pages(self._entries, "logs", _bounds(day, day)):
            entry = LogEntry.of(item)
            robot = str(entry.metadata.get("robot"))
            if entry.kind in TOKEN_KINDS and entry.at is not None and robot in wanted and robot not in found:
                found[robot] = entry.at
                if wanted <= found.keys():
                    return

    def _days_of_changes(self, first: date, last: date) -> Iterator[date]:
        """The days between ``first`` and ``last`` on which any robot's token changed, newest first."""
        while first <= last:
            start = max(first, last - _WINDOW)
            answer = self._client.get(self._counts, _bounds(start, last))
            if answer.mapping().get("search_unavailable"):
                raise LogsSilent("Quay cannot search its usage logs")
            counts = (LogEntry.of(item) for item in answer.items("aggregated"))
            days = {count.at.date() for count in counts if count.kind in TOKEN_KINDS and count.at is not None}
            yield from sorted(days, reverse=True)
            last = start - timedelta(days=1)


def _bounds(first: date, last: date) -> dict[str, str]:
    """Quay reads MM/DD/YYYY only, and silently ignores anything else."""
    return {"starttime": first.strftime("%m/%d/%Y"), "endtime": last.strftime("%m/%d/%Y")}
