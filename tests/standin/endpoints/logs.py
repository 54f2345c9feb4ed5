# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the usage log: pages of entries, and counts by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import abort, request

from .. import rights
from ..errors import MessageError, internal_error, not_found
from ..paging import decode_cursor, encode_cursor
from ..quay import quay
from ..routing import Routes, require, require_fresh_login, require_user_admin
from ..serialization import account_avatar, rfc2822
from ..state import LogEntry

routes = Routes()

_PAGE_SIZE = 20
_LONGEST_AGGREGATE = timedelta(days=31)
_AGGREGATED = "AGGREGATED_LOG_COUNT_RETRIEVAL"

_SEARCH_UNAVAILABLE = (
    "Audit log viewing requires a search_token to be configured for Splunk HEC. "
    "Logs are still being forwarded to Splunk."
)

Select = Callable[[LogEntry], bool]


@routes.add("GET", "/organization/<orgname>/logs")
def organization_logs(orgname: str) -> dict[str, Any]:
    require(rights.can_administer_organization(orgname))
    return _logs(_of_namespace(orgname), performer=_performer())


@routes.add("GET", "/organization/<orgname>/aggregatelogs", feature=_AGGREGATED)
def organization_aggregate(orgname: str) -> dict[str, Any]:
    require(rights.can_administer_organization(orgname))
    return _aggregate(_of_namespace(orgname), performer=_performer())


@routes.add("GET", "/user/logs")
def user_logs() -> dict[str, Any]:
    return _logs(_of_namespace(require_user_admin().username), performer=_performer())


@routes.add("GET", "/user/aggregatelogs", feature=_AGGREGATED)
def user_aggregate() -> dict[str, Any]:
    return _aggregate(_of_namespace(require_user_admin().username), performer=_performer())


@routes.add("GET", "/repository/<repository:repository>/logs")
def repository_logs(repository: str) -> dict[str, Any]:
    return _logs(_of_repository(repository))


@routes.add("GET", "/repository/<repository:repository>/aggregatelogs", feature=_AGGREGATED)
def repository_aggregate(repository: str) -> dict[str, Any]:
    return _aggregate(_of_repository(repository))


@routes.add("GET", "/superuser/logs")
def superuser_logs() -> dict[str, Any]:
    require_fresh_login()
    require(rights.is_superuser())
    return _logs(lambda entry: True, with_namespace=True, limited=False)


@routes.add("GET", "/superuser/aggregatelogs")
def superuser_aggregate() -> dict[str, Any]:
    require_fresh_login()
    require(rights.is_superuser())
    start, end = _range()
    if end - start > _LONGEST_AGGREGATE and not _search_unavailable():
        internal_error()
    return _aggregate(lambda entry: True)


def _of_namespace(name: str) -> Select:
    if not quay().state.namespace_exists(name):
        raise MessageError(f"Invalid namespace requested: {name}")
    return lambda entry: entry.namespace == name


def _of_repository(full_name: str) -> Select:
    namespace, _slash, name = full_name.partition("/")
    require(rights.can_administer_repository(namespace, name))
    if (namespace, name) not in quay().state.repositories:
        raise not_found()
    return lambda entry: (entry.namespace, entry.repository) == (namespace, name)


def _performer() -> str | None:
    return request.args.get("performer") or None


def _search_unavailable() -> bool:
    config = quay().config
    return bool(config["LOGS_MODEL"] == "splunk" and not config["LOGS_MODEL_CONFIG"].get("search_token"))


def _logs(
    select: Select, *, performer: str | None = None, with_namespace: bool = False, limited: bool = True
) -> dict[str, Any]:
    start, end = _checked_range()
    body: dict[str, Any] = {"start_time": rfc2822(start), "end_time": rfc2822(end), "logs": []}
    if _search_unavailable():
        return body | {"search_unavailable": True, "message": _SEARCH_UNAVAILABLE}
    if performer and not _account_exists(performer):
        internal_error()
    entries, position = _page(_find(select, start, end, performer), limited)
    body["logs"] = [_view(entry, with_namespace) for entry in entries]
    return body | ({"next_page": encode_cursor(position)} if position else {})


def _aggregate(select: Select, *, performer: str | None = None) -> dict[str, Any]:
    start, end = _checked_range()
    if _search_unavailable():
        return {"aggregated": [], "search_unavailable": True, "message": _SEARCH_UNAVAILABLE}
    if end - start > _LONGEST_AGGREGATE:
        raise MessageError("Invalid date range for logs")
    known_performer = performer if performer and _account_exists(performer) else None
    # Quay groups by day of the month only, so the same day of two months is added up.
    counts = Counter((entry.kind, entry.at.day) for entry in _find(select, start, end, known_performer))
    return {
        "aggregated": [
            {"kind": kind, "count": count, "datetime": rfc2822(_date_of(day, start))}
            for (kind, day), count in counts.items()
        ]
    }


def _date_of(day: int, start: datetime) -> datetime:
    """Return the date of a day number: in the month of the start or the next. Fails in short months, as Quay does."""
    try:
        date = datetime(start.year, start.month, day, tzinfo=UTC)
    except ValueError:
        internal_error()
    if day >= start.day:
        return date
    return date.replace(year=date.year + 1, month=1) if date.month == 12 else date.replace(month=date.month + 1)


def _account_exists(name: str) -> bool:
    return quay().state.namespace_exists(name) or name in quay().state.robots


def _find(select: Select, start: datetime, end: datetime, performer: str | None) -> list[LogEntry]:
    """The entries in a range, newest first."""
    found = [
        entry
        for entry in quay().state.logs
        if start <= entry.at < end and select(entry) and performer in (None, entry.performer)
    ]
    return sorted(found, key=lambda entry: (entry.at, entry.id), reverse=True)


def _page(entries: list[LogEntry], limited: bool) -> tuple[list[LogEntry], dict[str, Any] | None]:
    """Return one page and the position of the next one, with the errors of Quay.

    The last page with entries has a next page too, because older tables may have more. Entries with the same
    time at the end of a page are skipped by an offset, which is applied to every later page as well.
    """
    position = decode_cursor()
    if position.get("older_tables"):
        return [], None
    number, offset = int(position.get("number", 0)), int(position.get("offset", 0))
    limit = quay().config["ACTION_LOG_MAX_PAGE"]
    if limited and limit is not None and number > int(limit):
        return [], None
    if "at" in position:
        at = datetime.fromisoformat(position["at"])
        entries = [entry for entry in entries if entry.at <= at]
    entries = entries[offset:]
    if len(entries) <= _PAGE_SIZE:
        return entries, {"older_tables": True} if entries else None
    following = entries[_PAGE_SIZE]
    if following.at == entries[_PAGE_SIZE - 1].at:
        offset += _PAGE_SIZE
    return entries[:_PAGE_SIZE], {"at": following.at.isoformat(), "number": number + 1, "offset": offset}


def _checked_range() -> tuple[datetime, datetime]:
    start, end = _range()
    if end < start:
        abort(400)
    return start, end


def _range() -> tuple[datetime, datetime]:
    """Return the range: from midnight of the start date to midnight after the end date. Invalid dates are ignored."""
    now = quay().clock.now()
    start = _date("starttime") or now - timedelta(days=1)
    end = _date("endtime") or now
    return start, end + timedelta(days=1)


def _date(name: str) -> datetime | None:
    try:
        return datetime.strptime(request.args.get(name, "") + " UTC", "%m/%d/%Y %Z").replace(tzinfo=UTC)
    except ValueError:
        return None


def _view(entry: LogEntry, with_namespace: bool) -> dict[str, Any]:
    view: dict[str, Any] = {
        "kind": entry.kind,
        "metadata": entry.metadata,
        "ip": entry.ip,
        "datetime": rfc2822(entry.at),
    }
    if entry.performer:
        view["performer"] = {
            "kind": "user",
            "name": entry.performer,
            "is_robot": "+" in entry.performer,
            "avatar": account_avatar(entry.performer),
        }
    if with_namespace and entry.namespace:
        kind = "org" if entry.namespace in quay().state.organizations else "user"
        view["namespace"] = {"kind": kind, "name": entry.namespace, "avatar": account_avatar(entry.namespace)}
    return view
