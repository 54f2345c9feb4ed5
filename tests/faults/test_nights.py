# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A part of `make faults ARGS=--nights=10` and of `make faults ARGS="--consumer=10 --hosts=4"`."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.fleet_runs import NAMES, killable_fleet
from faults.nights import spend_nights
from faults.repeated_rotations import rotate_fleet_with_consumers


@pytest.mark.slow
def test_nights_of_a_small_fleet() -> None:
    result = spend_nights(hosts=3, nights=2, seed=23, complete=False)
    assert result.problems == [], result
    assert (result.runs, result.killed) == (5, 2)
    assert result.mints >= 2 * len(NAMES) - 1
    assert result.logins >= result.runs * len(NAMES) * result.hosts


@pytest.mark.slow
def test_consumers_of_a_fleet_never_fail(tmp_path: Path) -> None:
    with killable_fleet(tmp_path.resolve() / "work", ["n1", "n2", "n3"]) as fleet:
        result = rotate_fleet_with_consumers(fleet, rotations=4)
    assert all(tally.logins > result.rotations for tally in result.tallies)
    assert result.failed == 0
