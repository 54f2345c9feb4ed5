# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A part of `make faults ARGS=--nights=10`, and the checks of the nights themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.fleet_runs import NAMES, PAIR, ROBOT, STORES, TOKEN, Kill, KillableFleet, killable_fleet
from faults.nights import Nights, spend_nights


def test_nights_of_a_small_fleet() -> None:
    result = spend_nights(hosts=3, nights=2, seed=5, ssh=0, repeats=False, reports=False)
    assert result.problems == [], result
    assert result.killed > 0
    assert result.mints >= len(NAMES)
    assert result.logins >= result.runs * len(NAMES) * result.hosts
