# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a request costs the server, to measure clients: a delay before the response.

A real Quay spends a password hash on each bearer token and each password. All else is small in comparison. The cost is
a delay and no work of the processor, because a real server is another machine: it must not take from the clients what
is measured of them. A server with two workers handles two such requests at a time. Others wait.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

# The remaining cost of a request as a part of the cost of a hash, by its path, as measured on real servers.
_PARTS = (("/api/", 0.06), ("/v2/auth", 0.2))


@dataclass
class Cost:
    """The duration of a password hash in seconds, none by default, and how many requests are handled at a time."""

    hash_seconds: float = 0.0
    workers: int = 2
    _free: threading.BoundedSemaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._free = threading.BoundedSemaphore(self.workers)

    def seconds(self, path: str, hashes: int) -> float:
        """Return what a request to ``path`` costs for which so many hashes were computed."""
        part = next((part for prefix, part in _PARTS if path.startswith(prefix)), 0.0)
        return self.hash_seconds * (hashes + part)

    def spend(self, path: str, hashes: int) -> None:
        seconds = self.seconds(path, hashes)
        if seconds:
            with self._free:
                time.sleep(seconds)
