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

_HOST = re.compile(r"([\w-]+(\.[\w-]+)*|\[[0-9A-Fa-f:]+\])(:[0-9]+)?(/[\w.-]+)*")
_DEFAULT_PORTS = (("http://", ":80"), ("https://", ":443"))


def registry_from_options(options: Mapping[str, Any], quay_host: str) -> str:
    """The host that consumers name in ``podman login``: the option in lower case, else the host of ``quay_host``.

    Raises BadInput for a registry that is not a host. Without the option, a default port is left out, because no engine
    looks up a host with it.
    """
    given = str(options.get("registry") or "").strip()
    if given:
        if not _HOST.fullmatch(given):
            raise BadInput("registry must be a host, as in podman login: quay.example.com or quay.example.com:8443")
        host, slash, path = given.partition("/")
        return f"{host.lower()}{slash}{path}"
    origin = normalise_host(quay_host)
    for scheme, port in _DEFAULT_PORTS:
        if origin.startswith(scheme) and origin.endswith(port):
            origin = origin[: -len(port)]
    return urlsplit(origin).netloc
