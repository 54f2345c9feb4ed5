# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Usage logs as a play asks for them: entries of a span, or how often what happened on which day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Iterator

from .._core.errors import BadInput
from .._core.times import format_time, parse_moment_option
from .._http.auth import SessionAuth
from .._http.errors import ApiError, Forbidden, NotFound
from .._module.context import ModuleContext, Result
from .._quay.logs import LogEntry, Logs, LogsUnavailable

# What fits on one page cannot get lost between two.
_PAGE = 20
_UNKNOWN_PERFORMER_STATUS = 500


@dataclass(frozen=True)
class TimeRange:
    """The time that is asked for; both ends belong to it."""

    start: datetime
    end: datetime

    @property
    def first(self) -> date:
        return self.start.date()

    @property
    def last(self) -> date:
        return self.end.date()

    def holds(self, moment: datetime | None) -> bool:
        return moment is not None and self.start <= moment <= self.end

    def covers(self, day: date) -> bool:
        """Whether all of a day belongs to it."""
        midnight = datetime.combine(day, time.min, timezone.utc)
        return self.start <= midnight and midnight + timedelta(days=1, microseconds=-1) <= self.end


def read_logs(context: ModuleContext) -> Result:
    """The module quay_log_info."""
    reading = _LogReader(context)
    reading.begin()
    counts: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    searchable = True
    try:
        if context.params["counts"]:
            counts = reading.counts()
        else:
            entries = [_shown(entry) for entry in reading.entries()]
    except LogsUnavailable as error:
        searchable = False
        context.warn(f"{error}: what happened is unknown, although the list is empty.")
    except ApiError as error:
        raise reading.explained(error) from None
    limit = context.params["limit"]
    values = {
        "logs": entries,
        "counts": counts,
        "from": format_time(reading.time_range.start),
        "to": format_time(reading.time_range.end),
        "searchable": searchable,
        "limit_reached": bool(limit) and len(entries) >= limit,
    }
    return Result(changed=False, values=values)


def _shown(entry: LogEntry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "time": format_time(entry.at),
        "performer": entry.performer,
        "namespace": entry.namespace,
        "ip": entry.ip,
        "metadata": dict(entry.metadata),
    }


class _LogReader:
    """One question to the logs."""

    def __init__(self, context: ModuleContext) -> None:
        params = context.params
        self._context = context
        self._kinds = frozenset(params["kinds"] or ())
        self._performer: str | None = params["performer"] or None
        self._limit: int = params["limit"]
        if self._limit < 0:
            raise BadInput("limit must be 0 (all) or more")
        # What cannot be read is refused before anything is sent.
        self.time_range = _time_range(context)
        self._logs = _logs_of(context)
        self.path = self._logs.path
        self._counts_exist = True
        # Only a namespace's logs know how to look for a performer; the others silently ignore him.
        self._of_namespace = not params["repository"] and (params["organization"] or params["user"]) is not None
        self._asked_performer = self._performer if self._of_namespace else None

    def begin(self) -> None:
        """Ask what Quay can, anonymously. Its answer brings Quay's clock, by which "now" and "ago" are meant."""
        self._counts_exist = self._context.server.feature("AGGREGATED_LOG_COUNT_RETRIEVAL") is not False
        self.time_range = _time_range(self._context)
        if self.time_range.start > self.time_range.end:
            raise BadInput(
                f"from ({format_time(self.time_range.start)}) must not be after to ({format_time(self.time_range.end)})"
            )

    def counts(self) -> list[dict[str, Any]]:
        """How often what happened on each day of the span, newest day first."""
        if not self._counts_exist:
            raise BadInput("counts: this Quay does not count (FEATURE_AGGREGATED_LOG_COUNT_RETRIEVAL is off)")
        if self._performer and not self._of_namespace:
            raise BadInput("performer: Quay counts by performer for an organization or a user only")
        if self._performer:
            # Counting, Quay ignores an unknown performer and counts everybody's; listing, it stumbles over him.
            next(self._logs.entries(self.time_range.last, self.time_range.last, self._performer), None)
        found = self._logs.counts(self.time_range.first, self.time_range.last, self._asked_performer)
        return [
            {"kind": count.kind, "date": count.day.isoformat(), "count": count.count}
            for count in found
            if not self._kinds or count.kind in self._kinds
        ]

    def entries(self) -> list[LogEntry]:
        """The newest entries that are asked for, up to the limit; no page is read that is not needed."""
        found: list[LogEntry] = []
        for entry in self._entries_of_kinds() if self._kinds else self._all_entries():
            if self._performer in (None, entry.performer):
                found.append(entry)
            if self._limit and len(found) >= self._limit:
                break
        return found

    def _all_entries(self) -> Iterator[LogEntry]:
        read: Counter[date] = Counter()
        for entry in self._logs.entries(self.time_range.first, self.time_range.last, self._asked_performer):
            if entry.at is not None:
                if entry.at < self.time_range.start:
                    break  # newest first: the rest is older still
                read[entry.at.date()] += 1
            if self.time_range.holds(entry.at):
                yield entry
        if sum(read.values()) > _PAGE and self._counts_exist:
            self._warn_of_loss(read)

    def _entries_of_kinds(self) -> Iterator[LogEntry]:
        """The counts say on which days it is worth looking, and how many entries to look for."""
        if not self._counts_exist:
            yield from (entry for entry in self._all_entries() if entry.kind in self._kinds)
            return
        counted = list(self._logs.counts(self.time_range.first, self.time_range.last, self._asked_performer))
        days: Counter[date] = Counter()
        for count in counted:
            if count.kind in self._kinds:
                days[count.day] += count.count
        if self._asked_performer and not days:
            # Counting, Quay ignores a performer that it does not know; listing, it stumbles over him.
            next(self._logs.entries(self.time_range.last, self.time_range.last, self._asked_performer), None)
        for day in sorted(days, reverse=True):
            yield from self._entries_of_day(day, days[day])

    def _entries_of_day(self, day: date, expected: int) -> Iterator[LogEntry]:
        seen = 0
        for entry in self._logs.entries(day, day, self._asked_performer):
            if entry.kind in self._kinds:
                seen += 1
                if self.time_range.holds(entry.at):
                    yield entry
            if seen >= expected and day != self._today:
                return
        if seen < expected:
            self._warn(expected - seen)

    @property
    def _today(self) -> date:
        return self._context.client.now().date()

    def _warn_of_loss(self, read: Counter[date]) -> None:
        """Compare what was read with what Quay counts. Today is left out: it goes on being written."""
        sums: Counter[date] = Counter()
        for count in self._logs.counts(self.time_range.first, self.time_range.last, self._asked_performer):
            if self.time_range.covers(count.day) and count.day != self._today:
                sums[count.day] += count.count
        lost = sum(max(0, number - read[day]) for day, number in sums.items())
        if lost:
            self._warn(lost)

    def _warn(self, lost: int) -> None:
        self._context.warn(
            f"Quay counts {lost} more log entries than it lists: it loses entries of one and the same time between two "
            "pages, and ends a listing after ACTION_LOG_MAX_PAGE pages. Ask for fewer days, or by kinds."
        )

    def explained(self, error: ApiError) -> ApiError:
        """Quay's error with what it means here."""
        if error.status == _UNKNOWN_PERFORMER_STATUS and self._performer:
            hint = f"Quay stumbles over a performer that it does not know: is there a user or robot {self._performer}?"
        elif isinstance(error, Forbidden):
            hint = (
                "Logs are for who administers the organization (a token: org:admin) or repository (repo:admin); those "
                "of the whole server for superusers (super:user). Or there is nothing of that name"
            )
        elif isinstance(error, NotFound) or "Invalid namespace" in error.message:
            hint = "There is nothing of that name in this Quay"
        else:
            return error
        return error.with_hint(hint)


def _time_range(context: ModuleContext) -> TimeRange:
    now = context.client.now().replace(microsecond=0)
    start = parse_moment_option(context.params["from"], "from", now)
    end = parse_moment_option(context.params["to"], "to", now, ends=True) if context.params["to"] else now
    return TimeRange(start, end)


def _logs_of(context: ModuleContext) -> Logs:
    client, params = context.client, context.params
    if params["repository"]:
        if "/" not in params["repository"]:
            raise BadInput(f"repository must be namespace/name, not '{params['repository']}'")
        return Logs.of_repository(client, params["repository"])
    if params["user"]:
        own = isinstance(client.auth, SessionAuth) and client.auth.username == params["user"]
        return Logs(client, None if own else params["user"])
    return Logs(client, params["organization"]) if params["organization"] else Logs.of_server(client)
