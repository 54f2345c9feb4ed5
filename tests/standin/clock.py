# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clock of the stand-in, which tests can move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Real time, or the time at which it was stopped, plus an offset that a test sets."""

    def __init__(self) -> None:
        self.offset = timedelta(0)
        self.stopped: datetime | None = None

    def now(self) -> datetime:
        """The current time, as an aware datetime in UTC."""
        return (self.stopped or datetime.now(UTC)) + self.offset

    def timestamp(self) -> int:
        """The current time in whole seconds since the epoch, as in a JWT."""
        return int(self.now().timestamp())

    def advance(self, seconds: float) -> None:
        self.offset += timedelta(seconds=seconds)

    def set(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        self.offset = moment - (self.stopped or datetime.now(UTC))

    def stop(self) -> None:
        """Stop the clock. Time changes only when a test moves it."""
        self.stopped = self.stopped or datetime.now(UTC)

    def resume(self) -> None:
        """Start the clock again at the time at which it was stopped."""
        if self.stopped:
            self.offset += self.stopped - datetime.now(UTC)
            self.stopped = None
