# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""When the tokens of robots were issued, as the records of their delivery to files say."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Iterable, Mapping, Sequence

from .._stores.auth_document import auths_of, login_in, parse_document
from .._stores.places import Place
from .audited import ROBOT, Audited
from .declaration_info import deliveries_in, text_of
from .policy import AGE_FROM_RECORD


def recorded_times(paths: Sequence[str]) -> dict[str, datetime]:
    """The latest time in the records in these files and directories, by the user name of the delivered login.

    Raises BadInput for a path that is not absolute or cannot be read.
    """
    times: dict[str, datetime] = {}
    for place, record, details in deliveries_in(paths, "records"):
        username = details.get("username") or record.username or _username_at(place)
        if username and record.created_at:
            times[username] = max(record.created_at, times.get(username, record.created_at))
    return times


def _username_at(place: Place) -> str | None:
    """The user name in an auth file, whose record need not repeat it."""
    document = parse_document(text_of(place.path)) if place.part else None
    return None if document is None else login_in(auths_of(document).get(place.part))[0]


def with_records(items: Iterable[Audited], times: Mapping[str, datetime], now: datetime) -> list[Audited]:
    """The credentials, with the recorded time of those robots for which it is later than what is known.

    The token of a robot is not older than that: a later one would have been issued later. A time in the future is that
    of a wrong clock, or of an edit by hand.
    """
    past = {name: time for name, time in times.items() if time <= now}
    return [_with_record(item, past.get(item.name)) if item.kind == ROBOT else item for item in items]


def _with_record(robot: Audited, time: datetime | None) -> Audited:
    if time is None or (robot.created_at is not None and robot.created_at >= time):
        return robot
    return replace(robot, created_at=time, age_source=AGE_FROM_RECORD)
