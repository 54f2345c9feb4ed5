# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Users of the server (quay_user_info)."""

from __future__ import annotations

from dataclasses import asdict

from .._module.context import ModuleContext, Result
from .._quay.users import Users


def list_users(context: ModuleContext) -> Result:
    """The module quay_user_info."""
    users, name, desired = Users(context.client), context.params["name"], context.params["enabled"]
    if name is not None:
        one = users.get(name)
        found = [] if one is None else [one]
    else:
        found = list(users.list(disabled=desired is not True))
    listed = [asdict(user) for user in found if desired is None or user.enabled is desired]
    return Result(changed=False, values={"users": listed})
