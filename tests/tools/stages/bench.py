# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measurements."""

from __future__ import annotations

import os

from .. import environments, places, servers


def bench(*arguments: str) -> None:
    """Measure what the collection costs, on a stand-in or on the server of QUAY_TEST_URL."""
    paths = (places.TREE, places.TREE / "tests", places.COLLECTIONS)
    variables = {"PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONDONTWRITEBYTECODE": "1"}
    environments.main().run("python", "-m", "bench", *arguments, variables={**variables, **servers.real_variables()})
