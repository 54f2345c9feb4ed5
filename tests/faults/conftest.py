# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cell runner that all tests in this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faults.cell import CellRunner


@pytest.fixture(scope="session")
def runner() -> Iterator[CellRunner]:
    with CellRunner() as runner:
        yield runner
