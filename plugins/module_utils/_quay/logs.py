# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Usage logs: entries, counts per day, and the time of a robot's last token change.

Quay stores no date for a robot's token, but its usage logs do for as long as they are retained. GET .../aggregatelogs
returns the days on which any robot of the namespace was created or regenerated; GET .../logs of such a day returns
which robot it was. One pass serves all robots of a namespace.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Iterable, Iterator, Mapping, Sequence

from .._core.errors import QuayError
from .._core.times import parse_time
from .._http.address import api_path
from .._http.client import QuayClient
from .._http.errors import ApiError, Forbidden
from .._http.paging import read_pages
from .._http.response import Response

TOKEN_KINDS = ("create_robot", "regenerate_robot_token")
CLIENT_SECRET_KINDS = ("create_application", "reset_application_client_secret")
_DELETION = "delete_robot"
_ASSIGNMENT = "oauth_token_assigned"
# A window of 28 days (both ends included) avoids two defects of aggregatelogs: it adds up equal days of two months, and
# it fails around the end of February.
_WINDOW = timedelta(days=27)
# Quay interprets dates by its own clock, which may not be set to UTC.
_TOLERANCE = timedelta(days=1)


class LogsUnavailable(QuayError):
    """The usage logs could not be searched: no permission, no searchable log store, or an error of the server."""


@dataclass(frozen=True)
class LogEntry:
    """One usage log entry. ``namespace`` is None except in the logs of the server (Logs.of_server)."""

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
    """The number of entries of one kind on one day (UTC)."""

    kind: str
    day: date
    count: int


class Logs:
    """The usage logs of one namespace, one repository or the server (GET .../logs and .../aggregatelogs).

    Scopes: org:admin for an organization, user:admin for the user's own namespace.
    """

    def __init__(self, client: QuayClient, organization: str | None) -> None:
        """``organization``: None for the namespace of the signed-in user."""
        self._client = client
        self._root: tuple[str, ...] = ("user",) if organization is None else ("organization", organization)

    @classmethod
    def of_repository(cls, client: QuayClient, repository: str) -> Logs:
        """Return the logs of one repository, named as namespace/name (scope repo:admin)."""
        logs = cls(client, None)
        logs._root = ("repository", *repository.split("/"))
        return logs

    @classmethod
    def of_server(cls, client: QuayClient) -> Logs:
        """Return the logs of all namespaces (requires a superuser; scope super:user)."""
        logs = cls(client, None)
        logs._root = ("superuser",)
        return logs

    @property
    def path(self) -> str:
        """The API path of the entries."""
        return api_path(*self._root, "logs")

    def entries(self, first: date, last: date, performer: str | None = None) -> Iterator[LogEntry]:
        """Yield the entries of these days (UTC, both included), newest first (GET .../logs, read page by page).

        Raises LogsUnavailable if Quay cannot search its logs: the empty list in its response then means "unknown".
        Raises UnexpectedResponse if Quay ignored ``first``. An unknown ``performer`` is an ApiError (500). If two
        entries with the same time are at a page boundary, Quay may omit entries.
        """
        query = _date_query(first, last, performer)
        for page in read_pages(lambda params: self._client.get(self.path, params), lambda _page: "logs", query):
            _check_searchable(page)
            _check_dates(page, first)
            for item in page.list_of("logs"):
                yield LogEntry.of(item)

    def counts(self, first: date, last: date, performer: str | None = None) -> Iterator[LogCount]:
        """Yield the counts of these days (UTC, both included), newest day first (GET .../aggregatelogs).

        Sends one request for each window of 28 days, lazily. Raises LogsUnavailable if Quay cannot search its logs.
        Quay silently ignores an unknown ``performer`` here.
        """
        while first <= last:
            start = max(first, last - _WINDOW)
            response = self._client.get(api_path(*self._root, "aggregatelogs"), _date_query(start, last, performer))
            _check_searchable(response)
            counts = (_parse_count(item) for item in response.list_of("aggregated"))
            yield from sorted((count for count in counts if count is not None), key=_newest_first)
            last = start - timedelta(days=1)

    def token_changes(self, robots: Iterable[str], since: datetime) -> dict[str, datetime]:
        """Return when each robot's token was last created or regenerated, by the robot's short name.

        ``robots``: short names. ``since``: the earliest time to search. Robots without an entry since then are absent
        from the result. Raises LogsUnavailable if the logs cannot be searched, also for an error status of Quay.
        """
        return self._changes(TOKEN_KINDS, "robot", set(robots), since)

    def client_secret_changes(self, client_ids: Iterable[str], since: datetime) -> dict[str, datetime]:
        """Return when the client secret of each application was last issued, by client id. As ``token_changes``."""
        return self._changes(CLIENT_SECRET_KINDS, "client_id", set(client_ids), since)

    def last_assignment(self, client_id: str, username: str, since: datetime, performer: str) -> datetime | None:
        """Return when ``performer`` last assigned a token of an application to a user; None if not since then.

        The entry has no scopes, and neither accepting nor declining is logged. Raises Forbidden if the login may not
        read the logs, and LogsUnavailable if they cannot be searched, also for any other error status of Quay.
        """
        try:
            for day in self.days_of([_ASSIGNMENT], _utc_day(since), self._client.now().date(), performer):
                for entry in self.entries(day, day, performer):
                    named = (entry.metadata.get("client_id"), entry.metadata.get("assigned_user"))
                    if entry.kind == _ASSIGNMENT and named == (client_id, username) and not _is_older(entry, since):
                        return entry.at
        except Forbidden:
            raise
        except ApiError as error:
            raise LogsUnavailable(str(error)) from None
        return None

    def _changes(self, kinds: Sequence[str], key: str, searched: set[str], since: datetime) -> dict[str, datetime]:
        """When an entry of these kinds last had each of the values of ``key`` in its metadata."""
        changes: dict[str, datetime] = {}
        if not searched:
            return changes
        try:
            for day in self.days_of(kinds, _utc_day(since), self._client.now().date()):
                self._add_changes(day, kinds, key, searched, changes)
                if searched <= changes.keys():
                    break
        except ApiError as error:
            raise LogsUnavailable(str(error)) from None
        return changes

    def robot_deletions(self, since: datetime, logged: datetime) -> dict[str, datetime]:
        """Return when robots were last deleted, by their short names. Only those that were deleted since then.

        ``logged``: a time at which something must have been logged. Raises LogsUnavailable if deletions are unknown:
        the logs cannot be searched, or are empty since that time, as Quay can be configured not to log a namespace.
        """
        deletions: dict[str, datetime] = {}
        try:
            for day in self._days_of_deletions(since, logged):
                for entry in itertools.takewhile(lambda entry: not _is_older(entry, since), self.entries(day, day)):
                    if entry.kind == _DELETION and entry.at is not None:
                        deletions.setdefault(str(entry.metadata.get("robot")), entry.at)
        except ApiError as error:
            raise LogsUnavailable(str(error)) from None
        return deletions

    def _days_of_deletions(self, since: datetime, logged: datetime) -> list[date]:
        """The days on which robots were deleted, newest first."""
        first = _day(since)
        recent = list(self.counts(first, self._client.now().date()))
        if not recent and next(self.counts(_day(logged), first - timedelta(days=1)), None) is None:
            raise LogsUnavailable(f"the usage logs are empty since {_day(logged)}")
        return list(dict.fromkeys(count.day for count in recent if count.kind == _DELETION))

    def _add_changes(
        self, day: date, kinds: Sequence[str], key: str, searched: set[str], changes: dict[str, datetime]
    ) -> None:
        """Add the newest change of each on one day. Entries come newest first, so the first match counts."""
        for entry in self.entries(day, day):
            value = str(entry.metadata.get(key))
            if entry.kind in kinds and entry.at is not None and value in searched and value not in changes:
                changes[value] = entry.at
                if searched <= changes.keys():
                    return

    def days_of(self, kinds: Iterable[str], first: date, last: date, performer: str | None = None) -> Iterator[date]:
        """Yield the days (UTC) that have entries of these kinds, newest first. Raises as ``counts``."""
        previous: date | None = None
        for count in self.counts(first, last, performer):
            if count.kind in kinds and count.day != previous:
                previous = count.day
                yield count.day


def _utc_day(moment: datetime) -> date:
    return moment.astimezone(timezone.utc).date()


def _day(moment: datetime) -> date:
    """The day in UTC, and one day more, because Quay's days may be those of another time zone."""
    return _utc_day(moment) - timedelta(days=1)


def _is_older(entry: LogEntry, moment: datetime) -> bool:
    return entry.at is not None and entry.at < moment


def _newest_first(count: LogCount) -> tuple[int, str]:
    return -count.day.toordinal(), count.kind


def _parse_count(data: Mapping[str, Any]) -> LogCount | None:
    entry, count = LogEntry.of(data), data.get("count")
    return None if entry.at is None else LogCount(entry.kind, entry.at.date(), count if isinstance(count, int) else 0)


def _check_searchable(response: Response) -> None:
    if response.json_object().get("search_unavailable"):
        raise LogsUnavailable(str(response.unexpected("Quay cannot search its usage logs")))


def _check_dates(response: Response, first: date) -> None:
    """Raise UnexpectedResponse if Quay searched other dates: it silently ignores a date that it cannot parse."""
    used = parse_time(response.json_object().get("start_time"))
    requested = datetime.combine(first, time.min, timezone.utc)
    if used is not None and abs(used - requested) > _TOLERANCE:
        raise response.unexpected(
            f"Quay searched from {used:%Y-%m-%d} on, but the request was from {requested:%Y-%m-%d} on"
        )


def _date_query(first: date, last: date, performer: str | None) -> dict[str, str]:
    """The query of a log request. Quay parses dates as MM/DD/YYYY only, and silently ignores any other format."""
    bounds = {"starttime": first.strftime("%m/%d/%Y"), "endtime": last.strftime("%m/%d/%Y")}
    return {**bounds, "performer": performer} if performer else bounds
