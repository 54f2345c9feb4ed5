# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A batch of hosts that are credentials (the inventory tokensmith.quay.credentials), inspected once for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._core.texts import listed
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.credential_hosts import (
    DECLARATION,
    LOGIN,
    MARKER,
    NAMES,
    names_for_batch,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.declaration_options import is_unset

_MIXED = (
    "some hosts of this batch are credentials of an inventory, and others are machines: {others}. Use one play for the "
    "credentials, for example with hosts: quay_credentials, and another one for the machines"
)
_DECLARED_TWICE = (
    "rotation_credentials is set, and the hosts of this play are credentials, which have their declarations already. "
    "Every slice would rotate all of rotation_credentials. Remove it from this play"
)
_UNDECLARED = (
    "rotation_report_undeclared is set, and the hosts of this play are credentials, perhaps not all of them. Those of "
    "the others would be reported, too. Remove it from this play"
)
_NOT_ALONE = (
    "this host is a credential of an inventory, and other hosts of this play are machines. Use one play for the "
    "credentials, for example with hosts: quay_credentials, and another one for the machines"
)


@dataclass(frozen=True)
class CredentialBatch:
    """The declarations of the hosts, and the hosts that Quay lists and nobody declares."""

    credentials: Sequence[Mapping[str, Any]] = field(repr=False)
    undeclared: Sequence[str]
    names: Sequence[str]  # those of the batch
    inventory: Sequence[str]  # those of the complete inventory, other slices included
    with_login: Sequence[str]  # the hosts whose variables have a login for the credential

    def names_in(self, given: Any, option: str) -> list[str]:
        """The names in an option such as rotation_force, without those of other slices."""
        return names_for_batch(given, option, self.names, self.inventory)


def is_credential(variables: Mapping[str, Any]) -> bool:
    """Whether a host is a credential instead of a machine."""
    return bool(boolean(variables.get(MARKER, False), strict=False))


def credential_batch(
    task_vars: Mapping[str, Any], arguments: Mapping[str, Any], *, runs_once: bool
) -> CredentialBatch | None:
    """The batch, if the first of its hosts is a credential. Raises BadInput if the role cannot work on it."""
    if not is_credential(task_vars):
        return None
    if not runs_once:
        raise BadInput(_NOT_ALONE)
    # Without templates, which a declaration has none of: evaluating them takes long for many hosts.
    hosts = {host: task_vars["hostvars"].raw_get(host) for host in task_vars["ansible_play_batch"]}
    others = [host for host, variables in hosts.items() if not is_credential(variables)]
    if others:
        raise BadInput(_MIXED.format(others=listed(others)))
    if not is_unset(arguments.get("credentials")):
        raise BadInput(_DECLARED_TWICE)
    if arguments.get("undeclared"):
        raise BadInput(_UNDECLARED)
    declared = {host: dict(variables[DECLARATION]) for host, variables in hosts.items() if DECLARATION in variables}
    with_login = [host for host in declared if LOGIN in hosts[host]]
    for host in with_login:
        declared[host].update(task_vars["hostvars"][host][LOGIN] or {})
    return CredentialBatch(
        list(declared.values()),
        [host for host in hosts if host not in declared],
        [str(credential.get("name")) for credential in declared.values()],
        list(task_vars.get(NAMES) or ()),
        with_login,
    )
