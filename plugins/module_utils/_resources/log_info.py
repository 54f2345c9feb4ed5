# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_log_info: usage log entries of a period, or their number by day and kind (.../logs, .../aggregatelogs)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Iterable, Iterator

from .._core.errors import BadInput
from .._core.times import format_time, parse_moment_option
from .._http.auth import SessionAuth
from .._http.errors import ApiError, Forbidden, NotFound
from .._module.context import ModuleContext, Result
from .._quay.logs import LogCount, LogEntry, Logs, LogsUnavailable
from .._quay.repositories import RepositoryName

# Entries on one page. Quay can lose entries between two pages, but not within one.
_PAGE_SIZE = 20
_UNKNOWN_PERFORMER_STATUS = 500


@dataclass(frozen=True)
class TimeRange:
    """The requested period, from ``start`` to ``end`` inclusive (aware datetimes in UTC)."""

    start: datetime
    end: datetime

    @property
    def first_day(self) -> date:
        return self.start.date()

    @property
    def last_day(self) -> date:
        return self.end.date()

    def contains(self, moment: datetime | None) -> bool:
        return moment is not None and self.start <= moment <= self.end

    def covers(self, day: date) -> bool:
        """Return whether the complete day is in the period."""
        midnight = datetime.combine(day, time.min, timezone.utc)
        return self.start <= midnight and midnight + timedelta(days=1, microseconds=-1) <= self.end


def read_logs(context: ModuleContext) -> Result:
    """Run quay_log_info: list log entries, or with the option counts their number by day and kind."""
    query = LogQuery(context)
    query.prepare()
    counts: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    searchable = True
    try:
        if context.params["counts"]:
            counts = [_count_values(count) for count in query.counts()]
        else:
            entries = [_entry_values(entry) for entry in query.entries()]
    except LogsUnavailable as error:
        searchable = False
        context.warn(f"{error}. The list is empty for that reason; it does not mean that nothing happened.")
    except ApiError as error:
        raise query.with_hint(error) from None
    limit = context.params["limit"]
    values = {
        "logs": entries,
        "counts": counts,
        "from": format_time(query.time_range.start),
        "to": format_time(query.time_range.end),
        "searchable": searchable,
        "limit_reached": bool(limit) and len(entries) >= limit,
    }
    return Result(changed=False, values=values)


def _entry_values(entry: LogEntry) -> dict[str, Any]:
    """Return an entry as the module returns it."""
    return {
        "kind": entry.kind,
        "time": format_time(entry.at),
        "performer": entry.performer,
        "namespace": entry.namespace,
        "ip": entry.ip,
        "metadata": dict(entry.metadata),
    }


def _count_values(count: LogCount) -> dict[str, Any]:
    """Return a count as the module returns it."""
    return {"kind": count.kind, "date": count.day.isoformat(), "count": count.count}


class LogQuery:
    """The entries or counts that the options select, of one namespace, one repository or the complete server."""

    def __init__(self, context: ModuleContext) -> None:
        params = context.params
        self._context = context
        self._kinds = frozenset(params["kinds"] or ())
        self._performer: str | None = params["performer"] or None
        self._limit: int = params["limit"]
        if self._limit < 0:
            raise BadInput("limit must be 0 (all) or more")
        # By the local clock, to refuse unreadable values before anything is sent.
        self.time_range = _time_range(context)
        self._logs = _logs_from_options(context)
        self._counts_available = True
        # Quay filters the logs of namespaces by performer. For other logs it silently ignores the parameter.
        self._of_namespace = not params["repository"] and (params["organization"] or params["user"]) is not None
        self._sent_performer = self._performer if self._of_namespace else None

    def prepare(self) -> None:
        """Read the server's features, anonymously. The response brings Quay's clock, to which relative times refer."""
        self._counts_available = self._context.server.feature("AGGREGATED_LOG_COUNT_RETRIEVAL") is not False
        self.time_range = _time_range(self._context)
        if self.time_range.start > self.time_range.end:
            raise BadInput(
                f"from ({format_time(self.time_range.start)}) must not be after to ({format_time(self.time_range.end)})"
            )

    def counts(self) -> list[LogCount]:
        """Return the number of entries by day and kind, newest day first."""
        if not self._counts_available:
            raise BadInput(
                "counts: this Quay does not count entries (FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL is off). Use "
                "counts=false"
            )
        if self._performer and not self._of_namespace:
            raise BadInput(
                "performer: Quay counts by performer only for an organization or a user. Remove performer or counts"
            )
        if self._performer:
            self._check_performer()
        return [count for count in self._all_counts() if not self._kinds or count.kind in self._kinds]

    def entries(self) -> list[LogEntry]:
        """Return the newest matching entries, up to the limit. Reads no more pages than that needs."""
        found: list[LogEntry] = []
        for entry in self._entries_of_kinds() if self._kinds else self._all_entries():
            if self._performer in (None, entry.performer):
                found.append(entry)
            if self._limit and len(found) >= self._limit:
                break
        return found

    def _all_counts(self) -> Iterable[LogCount]:
        return self._logs.counts(self.time_range.first_day, self.time_range.last_day, self._sent_performer)

    def _check_performer(self) -> None:
        """Request one page of entries: Quay answers 500 if the performer is unknown. Counts ignore such a performer."""
        last = self.time_range.last_day
        next(self._logs.entries(last, last, self._sent_performer), None)

    def _all_entries(self) -> Iterator[LogEntry]:
        read: Counter[date] = Counter()
        for entry in self._logs.entries(self.time_range.first_day, self.time_range.last_day, self._sent_performer):
            if entry.at is not None:
                if entry.at < self.time_range.start:
                    break  # newest first: all that follow are older
                read[entry.at.date()] += 1
            if self.time_range.contains(entry.at):
                yield entry
        if sum(read.values()) > _PAGE_SIZE and self._counts_available:
            self._warn_if_incomplete(read)

    def _entries_of_kinds(self) -> Iterator[LogEntry]:
        """Yield the entries of the given kinds. The counts say which days have some, and how many."""
        if not self._counts_available:
            yield from (entry for entry in self._all_entries() if entry.kind in self._kinds)
            return
        expected: Counter[date] = Counter()
        for count in self._all_counts():
            if count.kind in self._kinds:
                expected[count.day] += count.count
        if self._sent_performer and not expected:
            self._check_performer()
        for day in sorted(expected, reverse=True):
            yield from self._entries_of_day(day, expected[day])

    def _entries_of_day(self, day: date, expected: int) -> Iterator[LogEntry]:
        seen = 0
        for entry in self._logs.entries(day, day, self._sent_performer):
            if entry.kind in self._kinds:
                seen += 1
                if self.time_range.contains(entry.at):
                    yield entry
            if seen >= expected and day != self._today:
                return
        if seen < expected:
            self._warn_of_missing(expected - seen)

    @property
    def _today(self) -> date:
        return self._context.client.now().date()

    def _warn_if_incomplete(self, read: Counter[date]) -> None:
        """Compare the number of entries read with Quay's counts, except for today, whose entries still increase."""
        counted: Counter[date] = Counter()
        for count in self._all_counts():
            if self.time_range.covers(count.day) and count.day != self._today:
                counted[count.day] += count.count
        missing = sum(max(0, number - read[day]) for day, number in counted.items())
        if missing:
            self._warn_of_missing(missing)

    def _warn_of_missing(self, missing: int) -> None:
        self._context.warn(
            f"Quay counts {missing} more log entries than it lists. It loses entries of the same time between two "
            "pages, and stops a listing after ACTION_LOG_MAX_PAGE pages. Request fewer days, or select kinds."
        )

    def with_hint(self, error: ApiError) -> ApiError:
        """Return Quay's error with a hint at its cause."""
        if error.status == _UNKNOWN_PERFORMER_STATUS and self._performer:
            hint = f"Quay answers 500 for an unknown performer. Check that the user or robot {self._performer} exists"
        elif isinstance(error, Forbidden):
            hint = (
                "Logs can be read by administrators of the organization (a token needs org:admin) or repository "
                "(repo:admin), and those of the complete server by superusers (super:user). Or the name does not exist"
            )
        elif isinstance(error, NotFound) or "Invalid namespace" in error.message:
            hint = "This Quay has no organization, user or repository of that name"
        else:
            return error
        return error.with_hint(hint)


def _time_range(context: ModuleContext) -> TimeRange:
    now = context.client.now().replace(microsecond=0)
    start = parse_moment_option(context.params["from"], "from", now)
    end = parse_moment_option(context.params["to"], "to", now, ends=True) if context.params["to"] else now
    return TimeRange(start, end)


def _logs_from_options(context: ModuleContext) -> Logs:
    client, params = context.client, context.params
    if params["repository"]:
        return Logs.of_repository(client, str(RepositoryName.parse(params["repository"])))
    if params["user"]:
        own = isinstance(client.auth, SessionAuth) and client.auth.username == params["user"]
        return Logs(client, None if own else params["user"])
    return Logs(client, params["organization"]) if params["organization"] else Logs.of_server(client)
