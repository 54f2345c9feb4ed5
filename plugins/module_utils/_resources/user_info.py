# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_user_info: the users of the server (/api/v1/superuser/users)."""

from __future__ import annotations

from dataclasses import asdict

from .._module.context import ModuleContext, Result
from .._quay.users import Users


def list_users(context: ModuleContext) -> Result:
    """Run quay_user_info: list all users, or the one of the given name, optionally only enabled or disabled ones."""
    users, name, enabled = Users(context.client), context.params["name"], context.params["enabled"]
    if name is not None:
        user = users.get(name)
        found = [] if user is None else [user]
    else:
        found = list(users.list(disabled=enabled is not True))
    listed = [asdict(user) for user in found if enabled is None or user.enabled is enabled]
    return Result(changed=False, values={"users": listed})
