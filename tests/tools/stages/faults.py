# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault at every point of a rotation."""

from __future__ import annotations

from .. import environments, places, servers


def faults(*arguments: str) -> None:
    """Try every fault at every point of a rotation, on stand-ins or on the server of QUAY_TEST_URL."""
    variables = {"PYTHONPATH": f"{places.TREE / 'tests'}:{places.COLLECTIONS}", "PYTHONDONTWRITEBYTECODE": "1"}
    environments.main().run("python", "-m", "faults", *arguments, variables={**variables, **servers.real_variables()})
