# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""How far a registry token reaches that was issued to a robot.

Quay accepts it as the robot's password, whatever access it holds, and each login with it gives another one. So it is
worth all that the robot may do, until the robot is deleted.
"""

from __future__ import annotations

from typing import Iterator, Sequence

from .._core.errors import QuayError
from .._module.context import ModuleContext
from .._quay.registry_auth import RegistryToken, request_registry_token, visible_repositories

_ALL_ACTIONS = {"pull": "pull", "push": "push", "*": "administration"}
# So many further rights are named.
_NAMED = 3


def warn_of_further_rights(
    context: ModuleContext, token: RegistryToken, repositories: Sequence[str], actions: Sequence[str]
) -> None:
    """Warn if the token was issued to a robot that may do more than these actions on these repositories."""
    if "+" not in token.subject:
        return
    try:
        further = list(_further_rights(context, token, repositories, actions))
    except QuayError as error:
        further = [f"an unknown number of rights, because Quay does not list them ({error})"]
    if further:
        more = f" and {len(further) - _NAMED} more" if len(further) > _NAMED else ""
        context.warn(
            f"This token was issued to the robot {token.subject}, which has more rights than were asked for: "
            f"{', '.join(further[:_NAMED])}{more}. Quay accepts the token as the robot's password for an hour, and "
            "each login with it gives another, so whoever has it can do all that the robot may do, until the robot is "
            "deleted. Use the login of a robot that has no other rights, or of a user."
        )


def _further_rights(
    context: ModuleContext, token: RegistryToken, repositories: Sequence[str], actions: Sequence[str]
) -> Iterator[str]:
    visible = visible_repositories(context.client, token, len(repositories) + 1)
    yield from (f"a role on {name}" for name in visible if name not in repositories)
    # Only of these it is known that they exist. Quay would create others when it is asked for push.
    existing = [name for name in visible if name in repositories]
    if existing:
        auth, service = context.client.auth.for_registry(), context.server.hostname()
        granted = request_registry_token(context.client, auth, service, existing, list(_ALL_ACTIONS)).access
        for name in existing:
            further = [word for action, word in _ALL_ACTIONS.items() if action in granted.get(name, ())]
            yield from (f"{word} on {name}" for word in further if word not in actions)
