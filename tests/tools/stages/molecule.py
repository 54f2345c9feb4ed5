# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Molecule scenario of the role."""

from __future__ import annotations

from .. import environments, places


def molecule(*arguments: str) -> None:
    """Run the role's Molecule scenario: check mode, converge, idempotence, verify."""
    environments.main().run("molecule", *(arguments or ("test",)), cwd=places.TREE / "extensions")
