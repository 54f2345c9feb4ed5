# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lookups of tokens have in common."""

from __future__ import annotations

from typing import Any, ClassVar, Mapping, Sequence

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.tokensmith.quay.plugins.module_utils._http.session import REQUESTS_IMPORT_ERROR
from ansible_collections.tokensmith.quay.plugins.module_utils._module.failures import failure_message


class TokenLookup(LookupBase):
    """A lookup that returns one token. It names itself in its errors, and no error has an exception behind it."""

    name = ""
    # The options, each with its variable.
    variables: ClassVar[Mapping[str, str]] = {}

    def token(self, terms: Sequence[Any], options: Mapping[str, Any], *, check_mode: bool) -> str:
        """Return the token. ``options``: the values of ``variables``; None for what is not specified."""
        raise NotImplementedError

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return the token, as a list with one element."""
        variables = variables or {}
        plugin: Any = self  # these methods of Ansible have no types
        given = {name: value for name, value in kwargs.items() if not _is_empty(value)}
        plugin.set_options(var_options=self._known(variables), direct=given)
        if REQUESTS_IMPORT_ERROR is not None:
            raise AnsibleLookupError(f"{self.name}: the Python library requests is missing on the controller")
        try:
            options = {name: plugin.get_option(name) for name in self.variables}
            check_mode = bool(variables.get("ansible_check_mode"))
            token = self.token(plugin._flatten(terms), options, check_mode=check_mode)
        except Exception as error:
            message = failure_message(error)
        else:
            return [token]
        # Outside of the except block: Ansible shows the exceptions that led to this one.
        raise AnsibleLookupError(f"{self.name}: {message}")

    def _known(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The variables of the options, evaluated, without the empty ones."""
        plugin: Any = self
        names = [name for name in self.variables.values() if name in variables]
        found = {name: plugin._templar.template(variables[name]) for name in names}
        return {name: value for name, value in found.items() if not _is_empty(value)}


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
