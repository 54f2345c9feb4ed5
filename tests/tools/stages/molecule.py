# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's scenario."""

from __future__ import annotations

from .. import environments, places


def molecule(*arguments: str) -> None:
    """Run the role in check mode, for real and again, and look at what it left."""
    environments.main().run("molecule", *(arguments or ("test",)), cwd=places.TREE / "extensions")
