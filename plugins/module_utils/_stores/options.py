# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Options that several kinds of stores share."""

from __future__ import annotations

import re
from typing import Any, Mapping
from urllib.parse import urlsplit

from .._core.errors import BadInput
from .._http.address import normalise_host


def registry_from_options(options: Mapping[str, Any], quay_host: str) -> str:
    """The host that consumers name in ``podman login``: the option in lower case, else the host of ``quay_host``.

    Raises BadInput for a registry with white space.
    """
    given = str(options.get("registry") or "").strip()
    if not given:
        return urlsplit(normalise_host(quay_host)).netloc
    if re.search(r"\s", given):
        raise BadInput(f"registry must be a host without white space, not '{given}'")
    host, slash, path = given.partition("/")
    return f"{host.lower()}{slash}{path}"
