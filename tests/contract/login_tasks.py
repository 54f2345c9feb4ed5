# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the authentication guide, and for each of their rows a task that needs these scopes and this role."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from . import collection

GUIDE = collection.ROOT / "docs" / "docsite" / "rst" / "guide_authentication.rst"
_ROW = re.compile(r"^   \* - (.+)\n     - (.+)\n     - (.+)$", re.MULTILINE)


class Row(NamedTuple):
    """The scopes of a token, and the role of its user."""

    scopes: list[str]
    role: str


def table(first_cell: str) -> dict[str, Row]:
    """The rows of the table whose header begins with this cell, by their first cell."""
    text = GUIDE.read_text().partition(f"   * - {first_cell}\n")[2].partition("\n\n")[0]
    return {
        task: Row(re.findall(r"``([a-z]+:[a-z]+)``", scopes), role)
        for task, scopes, role in _ROW.findall(f"   * - {first_cell}\n{text}")
        if task != first_cell
    }


PAIR: dict[str, Any] = {
    "name": "acme+pull",
    "kind": "robot",
    "strategy": "paired",
    "rotate": "always",
    "permissions": [{"repository": "acme/app", "role": "read"}],
    "deliver": [{"kind": "file", "path": "{folder}/pair.json", "format": "json"}],
}
LEASE: dict[str, Any] = {"name": "acme+job", "name_prefix": "acme+job", "kind": "robot_lease", "lifetime": "24h"}
APPLICATION = {"organization": "acme", "application": "automation"}
# The credential of each row.
CREDENTIALS: dict[str, dict[str, Any]] = {
    "a robot account": {"name": "acme+ci", "kind": "robot", "rotate": "always"},
    "a robot account with ``max_age``": {"name": "acme+ci", "kind": "robot", "max_age": "30d"},
    "a robot account with ``permissions``": {
        "name": "acme+ci",
        "kind": "robot",
        "permissions": [{"repository": "acme/app", "role": "write"}],
    },
    "paired robot accounts": PAIR,
    "a short-lived robot account": LEASE,
    "a short-lived robot account with ``permissions``": {**LEASE, "permissions": PAIR["permissions"]},
    "a robot account of the user": {"name": "own", "kind": "robot"},
    "an API token with the scope ``repo:read``": {
        "name": "nightly",
        "kind": "api",
        "scopes": ["repo:read"],
        **APPLICATION,
    },
    "an API token with the scope ``org:admin``": {
        "name": "nightly",
        "kind": "api",
        "scopes": ["org:admin"],
        **APPLICATION,
    },
    "an app token": {"name": "laptop", "title": "laptop", "kind": "app", "rotate": "always"},
    "a client secret": {"name": "portal", "kind": "client_secret", "rotate": "always", **APPLICATION},
    "a registry token to pull": {"name": "scan", "kind": "referrers", "repositories": ["acme/app"]},
    "a registry token to push": {
        "name": "scan",
        "kind": "referrers",
        "repositories": ["acme/app"],
        "actions": ["pull", "push"],
    },
    "a federated token": {"name": "acme+ci", "kind": "federated"},
}

_BUILD = {"repository": "acme/app", "archive_url": "https://git.example.com/app.tar.gz", "wait": False}
_DIGEST = f"sha256:{'0' * 64}"
# The module of each row, and its options.
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "``quay_application``": ("quay_application", {"organization": "acme", "name": "automation", "description": "x"}),
    "``quay_organization``, existing": ("quay_organization", {"name": "acme", "email": "billing@example.com"}),
    "``quay_organization``, new": ("quay_organization", {"name": "newcomer", "email": "billing@example.com"}),
    "``quay_team``": ("quay_team", {"organization": "acme", "name": "newcomers", "members": ["carol"]}),
    "``quay_repository``, description": ("quay_repository", {"repository": "acme/app", "description": "x"}),
    "``quay_repository``, visibility and permissions": (
        "quay_repository",
        {"repository": "acme/app", "visibility": "public", "permissions": [{"name": "acme+ci", "role": "write"}]},
    ),
    "``quay_repository``, new": ("quay_repository", {"repository": "acme/new"}),
    "``quay_repository_mirror``": (
        "quay_repository_mirror",
        {
            "repository": "acme/app",
            "external_reference": "registry.example.com/app",
            "tags": ["latest"],
            "robot": "acme+ci",
        },
    ),
    "``quay_repository_build``": ("quay_repository_build", _BUILD),
    "``quay_referrers_info``": ("quay_referrers_info", {"repository": "acme/app", "digest": _DIGEST}),
    "``quay_log_info`` of an organization": ("quay_log_info", {"organization": "acme"}),
    "``quay_log_info`` of a repository": ("quay_log_info", {"repository": "acme/app"}),
    "``quay_audit_info`` of an organization": ("quay_audit_info", {"organizations": ["acme"]}),
    "``quay_user``, ``quay_user_info``": ("quay_user_info", {}),
}
