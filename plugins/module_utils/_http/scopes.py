# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Which scope of an OAuth access token a request needs, as Quay checks it. Pure."""

from __future__ import annotations

import re

_ORGANIZATION = r"/api/v1/organization/[^/]+"
_REPOSITORY = r"/api/v1/repository/.+"
# What only an administrator of a repository may read.
_SETTINGS = r"(aggregatelogs|logs|mirror|notification|permissions|tokens|trigger)"

# Method and path with the scopes; the first that matches counts. Quay's own description of its API (GET
# /api/v1/discovery) says the same, except that it omits org:admin where the permissions of a robot are read.
_RULES = tuple(
    (re.compile(pattern), scopes)
    for pattern, scopes in (
        (rf"GET {_ORGANIZATION}/robots/[^/]+/permissions", ("org:admin", "user:admin")),
        (rf"GET {_ORGANIZATION}", ()),
        (r"POST /api/v1/organization/", ("user:admin",)),
        (rf"\w+ {_ORGANIZATION}(/.*)?", ("org:admin",)),
        (r"GET /api/v1/repository", ("repo:read",)),
        (r"POST /api/v1/repository", ("repo:create",)),
        (rf"GET {_REPOSITORY}/(build|manifest|tag)/.*", ("repo:read",)),
        (rf"(POST {_REPOSITORY}/build/|\w+ {_REPOSITORY}/(manifest|tag)/.*)", ("repo:write",)),
        (rf"(GET|PUT) {_REPOSITORY}/{_SETTINGS}(/.*)?", ("repo:admin",)),
        (rf"PUT {_REPOSITORY}/changestate", ("repo:admin",)),
        (rf"GET {_REPOSITORY}", ("repo:read",)),
        (rf"PUT {_REPOSITORY}", ("repo:write",)),
        (rf"\w+ {_REPOSITORY}", ("repo:admin",)),
        (r"\w+ /api/v1/superuser/.*", ("super:user",)),
        (r"GET /api/v1/user/", ("user:read",)),
        (r"POST /api/v1/user/starred", ("repo:read",)),
        (r"\w+ /api/v1/user/.*", ("user:admin",)),
    )
)


def scopes_of_request(method: str, path: str) -> tuple[str, ...]:
    """The scopes that a token needs for a request; empty if none is needed, or if it is not known."""
    request = f"{method} {path}"
    return next((scopes for pattern, scopes in _RULES if pattern.fullmatch(request)), ())
