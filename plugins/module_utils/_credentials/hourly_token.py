# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What tokens have in common that Quay issues for an hour, and neither lists nor revokes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Mapping

from .._core.errors import BadInput
from .._module.context import ModuleContext
from .._quay.registry_auth import RegistryToken
from .policy import Policy, policy_from_options

# Quay gives every registry token this lifetime.
_LIFETIME = timedelta(hours=1)
_DEFAULT_RENEW_BEFORE = timedelta(minutes=5)

# A token that was issued later than this in the local clock's future means that the local clock is wrong.
_MAX_CLOCK_ERROR = timedelta(seconds=60)


def hourly_token_policy(params: Mapping[str, Any]) -> Policy:
    """The rotation policy of such a token. Raises BadInput for one that would replace it in every run."""
    policy = policy_from_options(params)
    if policy.renew_before is None:
        return replace(policy, renew_before=_DEFAULT_RENEW_BEFORE)
    if policy.renew_before >= _LIFETIME:
        raise BadInput(
            f"renew_before ({params['renew_before']}) must be shorter than the hour for which Quay issues such a "
            "token: a new one would be due at once, in every run"
        )
    return policy


def is_from_future(context: ModuleContext, token: RegistryToken) -> bool:
    """Whether a stored token was issued in the future, by the clock of the target. Warns of it."""
    early = token.issued_at - context.client.now() > _MAX_CLOCK_ERROR
    if early:
        context.warn(
            "By this target's clock, the stored token was issued in the future. Check the clock of the target."
        )
    return early
