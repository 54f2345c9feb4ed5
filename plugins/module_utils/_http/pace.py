# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The pace of requests that run at the same time: if the server is overloaded, none of them makes it worse."""

from __future__ import annotations

import threading
import time
from typing import Callable


class Pace:
    """A pause that all threads keep."""

    def __init__(
        self, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._resume_at = 0.0

    def slow_down(self, seconds: float) -> None:
        """No request is sent for so long. A longer pause that another thread demanded stays."""
        with self._lock:
            self._resume_at = max(self._resume_at, self._clock() + seconds)

    def wait(self) -> None:
        """Return when a request may be sent."""
        while True:
            with self._lock:
                pause = self._resume_at - self._clock()
            if pause <= 0:
                return
            self._sleep(pause)
