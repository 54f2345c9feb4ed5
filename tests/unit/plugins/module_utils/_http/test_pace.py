# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.tokensmith.quay.plugins.module_utils._http.pace import Pace


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_nobody_waits_before_the_server_is_overloaded() -> None:
    clock = Clock()
    Pace(clock.sleep, lambda: clock.now).wait()
    assert clock.slept == []


def test_the_longest_pause_counts() -> None:
    clock = Clock()
    pace = Pace(clock.sleep, lambda: clock.now)
    pace.slow_down(5.0)
    pace.slow_down(2.0)
    clock.now += 1.0
    pace.wait()
    pace.wait()
    assert clock.slept == [4.0]


def test_pause_that_is_demanded_meanwhile_is_kept_too() -> None:
    clock = Clock()
    pace = Pace(clock.sleep, lambda: clock.now)
    pace.slow_down(1.0)
    sleep = clock.sleep

    def sleep_and_slow_down(seconds: float) -> None:
        sleep(seconds)
        if len(clock.slept) == 1:
            pace.slow_down(3.0)

    pace._sleep = sleep_and_slow_down
    pace.wait()
    assert clock.slept == [1.0, 3.0]
