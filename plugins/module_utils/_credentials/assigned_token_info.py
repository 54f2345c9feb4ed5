# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_assigned_token_info: the OAuth tokens that are assigned to the login's user and not yet accepted."""

from __future__ import annotations

from typing import Any

from .._module.context import ModuleContext, Result
from .._quay.oauth import Assignment, UserTokens


def read_assigned_tokens(context: ModuleContext) -> Result:
    """Run quay_assigned_token_info. Sorted by application, because Quay lists assignments in no particular order."""
    client_id = context.params["client_id"]
    found = [item for item in UserTokens(context.client).assignments() if client_id in (None, item.client_id)]
    found.sort(key=lambda item: (item.organization, item.application, item.client_id, item.scopes, item.uuid))
    return Result(changed=False, values={"assignments": [_values(item) for item in found]})


def _values(item: Assignment) -> dict[str, Any]:
    return {
        "uuid": item.uuid,
        "organization": item.organization,
        "application": item.application,
        "client_id": item.client_id,
        "scopes": list(item.scopes),
        "redirect_uri": item.redirect_uri,
    }
