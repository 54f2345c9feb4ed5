# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The declaration of a token of a robot account that is issued for an OIDC token."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from .._core.errors import BadInput
from .._quay.robots import RobotName
from .declaration_options import Option, read_duration, read_list, read_path, read_secret, read_text
from .kind import Kind, TokenModule

# At most one of them says where the OIDC token comes from.
_SOURCES = ("oidc_token", "oidc_token_path", "oidc_token_variable", "oidc_issuer")


def _module() -> TokenModule:
    from .federated_token import FEDERATED_MODULE

    return FEDERATED_MODULE


def _robot(values: Mapping[str, Any]) -> str:
    return str(values.get("robot") or values["name"])


def _check(options: Mapping[str, Any]) -> Iterator[str]:
    given = [name for name in _SOURCES if options.get(name)]
    if len(given) > 1:
        yield f"{' and '.join(given)} exclude each other: there is one OIDC token"
    # The secret of a credential that an inventory declares is in other variables of its host.
    if options.get("oidc_issuer") and not options.get("oidc_client_id"):
        yield "oidc_issuer needs oidc_client_id and oidc_client_secret"
    if options.get("name") and options.get("state") != "absent":
        try:
            if RobotName.parse(_robot(options)).organization is None:
                yield f"robot: '{_robot(options)}' has no namespace. Write it as organization+robot"
        except BadInput as error:
            yield str(error).replace("name:", "robot:", 1)


def _organization(values: Mapping[str, Any]) -> str | None:
    return _robot(values).rpartition("+")[0] or None


FEDERATED = Kind(
    name="federated",
    title="a federated token",
    module=_module,
    options={
        "renew_before": Option(read_duration),
        "robot": Option(read_text),
        "oidc_token": Option(read_secret, secret=True),
        "oidc_token_path": Option(read_path),
        "oidc_token_variable": Option(read_text),
        "oidc_issuer": Option(read_text),
        "oidc_client_id": Option(read_text),
        "oidc_client_secret": Option(read_secret, secret=True),
        "oidc_audience": Option(read_text),
        "oidc_scopes": Option(read_list),
        "oidc_ca_path": Option(read_path),
    },
    check=_check,
    instead={
        "max_age": "A federated token is valid for one hour. Use renew_before",
        "lifetime": "A federated token is valid for one hour",
        "retire_after": "A federated token cannot be revoked. It is valid for one hour",
        "scopes": "A federated token has all permissions of the robot account",
        "permissions": "Declare them for the robot account, with kind: robot",
        "federation": "Declare it for the robot account, with kind: robot",
    },
    is_revocable=False,
    needs_login=False,
    comes_last=True,
    organization=_organization,
)
