# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What one host of a play declares, and what its stores hold, before Quay is asked (quay_host_inspection)."""

from __future__ import annotations

from functools import partial
from typing import Any

from .._module.context import LocalContext, Result
from .._stores.host_store import inspection_of
from .._stores.kinds import store_from_options
from .declaration_info import describe_declarations
from .placement import Placement, is_former, store_itself
from .validation import Declared


def inspect_host(context: LocalContext) -> Result:
    """The module quay_host_inspection."""
    inventory = context.params["inventory"] or {}
    placement = Placement(
        inventory.get("host", ""),
        inventory.get("rotator", context.params["rotator"]),
        inventory.get("patterns", {}),
        bool(inventory.get("ephemeral_rotator")),
    )
    return describe_declarations(context, placement, partial(_inspected, context, placement))


def _inspected(context: LocalContext, placement: Placement, declared: Declared) -> dict[str, Any]:
    """Where each store of the credential is, and what those of this host hold, without their secrets."""
    removing = declared.options.get("state") == "absent"
    stores = []
    for entry, options in enumerate(declared.options.get("deliver", ())):
        plain = store_itself(options)
        store = store_from_options(plain, context.params["quay_host"]) if placement.is_on_host(options) else None
        stores.append(
            {
                "entry": entry,
                "options": plain,
                "on_rotator": placement.is_on_rotator(options),
                "hosts": placement.expected_hosts(options),
                "former": is_former(options),
                "inspected": inspection_of(store, removing=removing or is_former(options)) if store else None,
            }
        )
    return {"stores": stores}
