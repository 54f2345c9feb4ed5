# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""What stores hold (quay_store_info)."""

from __future__ import annotations

from typing import Any, Mapping

from .._core.credential import Record
from .._module.context import LocalContext, Result
from .contract import UNKNOWN, StoredSecret
from .kinds import store_from_options
from .records import record_to_data

# Quay's secrets have 40 characters and more. A much shorter text is somebody's note. As a secret, Ansible would mask
# that word everywhere in the result.
_MIN_SECRET_LENGTH = 20


def read_stores(context: LocalContext) -> Result:
    """The module quay_store_info."""
    host = context.params["quay_host"]
    return Result(changed=False, values={"stores": [_describe(options, host) for options in context.params["stores"]]})


def _describe(options: Mapping[str, Any], quay_host: str) -> dict[str, Any]:
    store = store_from_options(options, quay_host)
    held = store.read()
    if held.secret is not None and len(held.secret) < _MIN_SECRET_LENGTH:
        held = StoredSecret()
    fitting = held.record if held.record is not None and held.recorded else Record()
    return {
        "kind": options["kind"],
        "place": store.place,
        "token": held.secret,
        **{key: record_to_data(fitting)[key] for key in ("created_at", "expires_at", "uuid")},
        "fingerprint": None if held.untold == UNKNOWN else held.fingerprint,
    }
