# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults: what happens to a request instead of, or in addition to, its execution."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

KINDS = ("status", "reset_before", "reset_after", "late", "hang", "page")


@dataclass
class Fault:
    """One rule. It fires from the nth matching request on, `times` times.

    status        respond with this status and reason; with `after`, the request is carried out first
    reset_before  reset the connection before the request is carried out
    reset_after   carry out the request, then reset the connection
    late          respond with 504, and carry out the request just before the next write
    hang          carry out the request, and do not respond
    page          respond with the page of a proxy
    """

    kind: str
    method: str = ""
    nth: int = 1
    times: int = 1
    status: int = 500
    reason: str = "InternalError"
    message: str = "an error on the server"
    after: bool = False
    dry_run: bool = False  # whether it counts dry runs, instead of real requests
    seen: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a fault is one of {', '.join(KINDS)}, not {self.kind}")


@dataclass
class Faults:
    """The rules of a stand-in."""

    rules: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def find(self, method: str, *, dry_run: bool) -> Fault | None:
        """The fault of this request, if any."""
        with self._lock:
            for fault in self.rules:
                if fault.method in ("", method) and fault.dry_run == dry_run:
                    fault.seen += 1
                    if fault.nth <= fault.seen < fault.nth + fault.times:
                        return fault
        return None
