# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Usage logs: their entries by the page, their counts by the day, and when a robot's token was last changed.

Quay keeps no date for a robot's token. Its logs do, as long as they are kept: C(aggregatelogs) says on which days a
robot of the namespace was created or regenerated, C(logs) of such a day says which one. One pass serves all robots.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Iterable, Iterator, Mapping

from .._core.errors import QuayError
from .._core.times import parse_time
from .._http.address import api_path
from .._http.client import QuayClient
from .._http.errors import ApiError
from .._http.paging import read_pages
from .._http.response import Response

TOKEN_KINDS = ("create_robot", "regenerate_robot_token")
# Windows of at most 28 days avoid two faults of aggregatelogs: it adds up equal days of two months, and fails around
# the end of February.
_WINDOW = timedelta(days=27)
# How far Quay's reading of a date may be off, where its clock is not set to UTC.
_TOLERANCE = timedelta(days=1)


class LogsUnavailable(QuayError):
    """The logs cannot answer: not readable with this login, not searchable, or not kept."""


@dataclass(frozen=True)
class LogEntry:
    """One usage log entry. ``namespace`` is told by the logs of the whole server only."""

    kind: str
    at: datetime | None
    metadata: Mapping[str, Any]
    performer: str | None = None
    ip: str | None = None
    namespace: str | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> LogEntry:
        metadata = data.get("metadata")
        return cls(
            kind=str(data.get("kind", "")),
            at=parse_time(data.get("datetime")),
            metadata=metadata if isinstance(metadata, dict) else {},
            performer=_name_in(data.get("performer")),
            ip=data.get("ip"),
            namespace=_name_in(data.get("namespace")),
        )


def _name_in(data: Any) -> str | None:
    return str(data["name"]) if isinstance(data, dict) and data.get("name") else None


@dataclass(frozen=True)
class LogCount:
    """How often one kind of entry was written on one day."""

    kind: str
    day: date
    count: int


class Logs:
    """The usage logs of one namespace (scope org:admin for an organization, user:admin for the user's own)."""

    def __init__(self, client: QuayClient, organization: str | None) -> None:
        self._client = client
        self._place: tuple[str, ...] = ("user",) if organization is None else ("organization", organization)

    @classmethod
    def of_repository(cls, client: QuayClient, repository: str) -> Logs:
        """The logs of one repository (scope repo:admin)."""
        logs = cls(client, None)
        logs._place = ("repository", *repository.split("/"))
        return logs

    @classmethod
    def of_server(cls, client: QuayClient) -> Logs:
        """The logs of the whole server (a superuser; scope super:user)."""
        logs = cls(client, None)
        logs._place = ("superuser",)
        return logs

    @property
    def path(self) -> str:
        """Where the entries are."""
        return api_path(*self._place, "logs")

    def entries(self, first: date, last: date, performer: str | None = None) -> Iterator[LogEntry]:
        """The entries of these days (UTC, both included), newest first, by the page and lazily.

        Raises LogsSilent where Quay cannot search: its empty list then means "unknown". Of entries with one and the
        same time at the edge of a page Quay may lose some (GET C(.../logs)).
        """
        params = _query(first, last, performer)
        for page in read_pages(lambda query: self._client.get(self.path, query), lambda _page: "logs", params):
            _check_searchable(page)
            _check_dates(page, first)
            for item in page.list_of("logs"):
                yield LogEntry.of(item)

    def counts(self, first: date, last: date, performer: str | None = None) -> Iterator[LogCount]:
        """How often what happened on these days (UTC, both included), newest day first, a window at a time.

        Raises LogsSilent where Quay cannot search. An unknown ``performer`` is silently ignored here.
        """
        while first <= last:
            start = max(first, last - _WINDOW)
            response = self._client.get(api_path(*self._place, "aggregatelogs"), _query(start, last, performer))
            _check_searchable(response)
            counted = (_count_of(item) for item in response.list_of("aggregated"))
            yield from sorted((count for count in counted if count is not None), key=_newest_first)
            last = start - timedelta(days=1)

    def token_changes(self, robots: Iterable[str], since: datetime) -> dict[str, datetime]:
        """When each robot's (short name) token was last created or regenerated, looking back to ``since``.

        Robots without an entry in that time are absent from the answer: the logs do not know. Raises LogsSilent where
        the logs cannot be asked at all.
        """
        desired = set(robots)
        found: dict[str, datetime] = {}
        if not desired:
            return found
        try:
            for day in self.days_of(TOKEN_KINDS, since.astimezone(timezone.utc).date(), self._client.now().date()):
                self._changes_of_day(day, desired, found)
                if desired <= found.keys():
                    break
        except ApiError as error:
            raise LogsUnavailable(str(error)) from None
        return found

    def _changes_of_day(self, day: date, desired: set[str], found: dict[str, datetime]) -> None:
        """Take the newest change of each wanted robot; entries come newest first, so the first one seen counts."""
        for entry in self.entries(day, day):
            robot = str(entry.metadata.get("robot"))
            if entry.kind in TOKEN_KINDS and entry.at is not None and robot in desired and robot not in found:
                found[robot] = entry.at
                if desired <= found.keys():
                    return

    def days_of(self, kinds: Iterable[str], first: date, last: date, performer: str | None = None) -> Iterator[date]:
        """The days on which something of these kinds happened, newest first."""
        seen: date | None = None
        for count in self.counts(first, last, performer):
            if count.kind in kinds and count.day != seen:
                seen = count.day
                yield count.day


def _newest_first(count: LogCount) -> tuple[int, str]:
    return -count.day.toordinal(), count.kind


def _count_of(data: Mapping[str, Any]) -> LogCount | None:
    entry, count = LogEntry.of(data), data.get("count")
    return None if entry.at is None else LogCount(entry.kind, entry.at.date(), count if isinstance(count, int) else 0)


def _check_searchable(response: Response) -> None:
    if response.json_object().get("search_unavailable"):
        raise LogsUnavailable("Quay cannot search its usage logs")


def _check_dates(response: Response, first: date) -> None:
    """Quay silently ignores dates that it cannot read; its response names the dates that it used."""
    taken = parse_time(response.json_object().get("start_time"))
    wanted = datetime.combine(first, time.min, timezone.utc)
    if taken is not None and abs(taken - wanted) > _TOLERANCE:
        raise response.unexpected(f"Quay searched from {taken:%Y-%m-%d} on, but was asked for {wanted:%Y-%m-%d} on")


def _query(first: date, last: date, performer: str | None) -> dict[str, str]:
    """Quay reads MM/DD/YYYY only, and silently ignores anything else."""
    bounds = {"starttime": first.strftime("%m/%d/%Y"), "endtime": last.strftime("%m/%d/%Y")}
    return {**bounds, "performer": performer} if performer else bounds
