# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Whether this Quay lets a robot be used at all."""

from __future__ import annotations

from .._core.errors import BadInput
from .._module.context import ModuleContext
from .._quay.registry_auth import verify_secret

_DISALLOWED = "This Quay does not allow robot accounts (ROBOTS_DISALLOW in its configuration), so"


def refuse_disallowed_robot(context: ModuleContext, username: str, token: str | None) -> None:
    """Raise BadInput if a new token of this robot could not be used.

    ``token``: its present token; None for a new robot. With ROBOTS_DISALLOW, Quay creates no robot. It regenerates the
    token of any robot, and accepts it only from those on ROBOTS_WHITELIST. That list is not public, so the present
    token is tried (GET /v2/auth).
    """
    if not context.server.disallows_robots():
        return
    if token is None:
        raise BadInput(f"{_DISALLOWED} the robot {username} cannot be created. Use another kind of credential")
    namespace = username.partition("+")[0]
    if not verify_secret(context.client, username, token, namespace).live:
        raise BadInput(
            f"{_DISALLOWED} it would not accept a new token of {username}. The present token was not replaced. Ask the "
            f"administrator of Quay to add {username} to ROBOTS_WHITELIST, or use another kind of credential"
        )
