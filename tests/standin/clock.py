# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one clock that everything in the stand-in reads; tests move it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Real time, or the moment at which it was stopped, shifted by whatever a test asked for."""

    def __init__(self) -> None:
        self.offset = timedelta(0)
        self.stopped: datetime | None = None

    def now(self) -> datetime:
        """The present moment, aware and in UTC."""
        return (self.stopped or datetime.now(UTC)) + self.offset

    def timestamp(self) -> int:
        """Whole seconds since the epoch, as a JWT has them."""
        return int(self.now().timestamp())

    def advance(self, seconds: float) -> None:
        self.offset += timedelta(seconds=seconds)

    def set(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        self.offset = moment - (self.stopped or datetime.now(UTC))

    def stop(self) -> None:
        """From now on time passes only when it is moved."""
        self.stopped = self.stopped or datetime.now(UTC)

    def resume(self) -> None:
        """Go on from the moment shown, as if no time had passed since the stop."""
        if self.stopped:
            self.offset += self.stopped - datetime.now(UTC)
            self.stopped = None
