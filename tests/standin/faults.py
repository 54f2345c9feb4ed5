# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that make requests fail."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Any

KINDS = ("status", "html_200", "delay", "cut_before", "cut_after", "truncate", "refuse")


@dataclass
class Fault:
    """One rule. It fires from the nth matching request on, `times` times; none is without limit.

    status      respond with this status, headers and body; with `after`, the request is executed first
    html_200    respond with the page of a proxy
    delay       wait this many seconds before the request is executed; with `after`, before the response
    cut_before  reset the connection before the request is executed
    cut_after   reset the connection after the request was executed, without a response
    truncate    execute the request, but close the connection in the middle of the body
    refuse      like cut_before, and reset every new connection for this many seconds
    """

    kind: str
    method: str | None = None
    path: str = ""
    nth: int = 1
    times: int | None = 1
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    seconds: float = 0.0
    after: bool = False
    seen: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a fault is one of {', '.join(KINDS)}, not {self.kind}")
        re.compile(self.path)

    @property
    def takes_effect(self) -> bool:
        """Whether the request is executed in spite of the fault."""
        return self.after or self.kind in ("delay", "cut_after", "truncate")

    @property
    def delay(self) -> float:
        return self.seconds if self.kind == "delay" else 0.0

    def fires(self, method: str, path: str) -> bool:
        if self.method not in (None, method) or not re.search(self.path, path):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True


class Faults:
    def __init__(self) -> None:
        self.rules: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, kind: str, **options: Any) -> Fault:
        fault = Fault(kind, **options)
        with self._lock:
            self.rules.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self.rules.clear()

    def find(self, method: str, path: str) -> Fault | None:
        """Return the first rule that fires for this request."""
        with self._lock:
            return next((rule for rule in self.rules if rule.fires(method, path)), None)


def parse(rule: dict[str, Any]) -> dict[str, Any]:
    """Convert a rule of the control plane (match, action, times) to arguments of `Faults.add`."""
    match, action = rule.get("match", {}), rule["action"]
    options = {key: match[key] for key in ("method", "path", "nth") if key in match}
    options |= {key: action[key] for key in ("kind", "status", "headers", "body", "seconds", "after") if key in action}
    return options | ({"times": rule["times"]} if "times" in rule else {})
