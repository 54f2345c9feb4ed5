# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what the collection costs: python3 -m bench [SCENARIO ...] [OPTION ...]."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from standin.cost import Cost

from . import nothing_due, quay
from .workspace import Workspace


def main() -> int:
    counts = [int(n) for n in sys.argv[1:]] or [1, 10]
    with tempfile.TemporaryDirectory() as folder, quay.serve(Cost(0.175)) as server:
        print(server.description)
        print(nothing_due.measure(Workspace(Path(folder), server), counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
