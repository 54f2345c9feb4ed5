# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.
"""A store that is some variables in a file of variables that ansible-vault encrypts."""

from __future__ import annotations

import contextlib
import re
from typing import Any, Iterator, Mapping, Sequence

from .._core.credential import Record
from .._core.errors import BadInput, StoreError
from .._http.address import normalise_host
from .ansible_vault import AnsibleVault
from .contract import Delivery, StoredSecret
from .libraries import load_library
from .options import registry_from_options
from .permissions import Permissions, parse_mode, parse_owner
from .records import RecordFile, merge_records
from .remote_options import VAULT_VARS
from .secret_file import SecretFile
from .yaml_variables import Unchangeable, YamlVariables

KIND = VAULT_VARS
_OPTION = "path"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FIELDS = ("token", "username", "registry", "api_url")


class VaultVarsStore:
    """The variables of one credential. Everything else in the file is kept."""

    tells_secret = True

    def __init__(
        self,
        path: str,
        variables: Mapping[str, str],
        vault: AnsibleVault,
        permissions: Permissions,
        addresses: Mapping[str, str],
        *,
        force: bool = False,
        unsafe_writes: bool = False,
    ) -> None:
        """``variables``: the name of the variable for each field; the one for the token is among them."""
        self.place = path
        self.part = variables["token"]
        self._variables = variables
        self._vault = vault
        self._addresses = addresses
        self._force = force
        self._file = SecretFile(path, _OPTION, permissions, unsafe_writes=unsafe_writes)
        self._records = RecordFile(path, _OPTION, permissions, unsafe_writes=unsafe_writes)
        self.files: Sequence[SecretFile] = [self._file, self._records.file]
        self._decrypted: tuple[str, str] = ("", "")  # the encrypted text that was read last, and its plain text

    def check(self, *, removing: bool = False) -> None:
        for file in self.files:
            file.check()
        found = self._read()
        if not removing and self._is_foreign(found) and not self._force:
            raise StoreError(
                f"{self.place}: the variable {self.part} was not written by this collection. It was not changed. With "
                "force: true it is replaced"
            )
        names = dict.fromkeys(self._variables.values(), None if removing else "x")
        # Rehearsed, because it can fail for the form of the file, or for want of a vault id.
        self._vault.encrypt(self._changed(found, names), self._file.read())

    def warnings(self) -> list[str]:
        return self._file.warnings()

    def read(self) -> StoredSecret:
        found = self._read()
        record = self._record_of(found)
        username = found.get(self._variables["username"]) if "username" in self._variables else None
        username = username or (record.username if record else None)
        foreign = self._is_foreign(found)
        secret = None if foreign else found.get(self.part) or None
        return StoredSecret(secret, record, username, self._permissions_match(), foreign)

    def matches(self, delivery: Delivery) -> bool:
        found = self._read()
        values = self._values(delivery)
        return self._permissions_match() and all(found.get(name) == value for name, value in values.items())

    @contextlib.contextmanager
    def prepare(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for file in self.files:
                stack.enter_context(file.prepare())
            yield

    def write(self, delivery: Delivery) -> None:
        found, present = self._read(), self._file.read()
        encrypted = self._vault.encrypt(self._changed(found, self._values(delivery)), present)
        # The record is written first: after a killed run, a value without one would be refused as foreign. The present
        # value keeps its own record until then.
        record = merge_records(delivery.record, self._records.read_for(self.part, delivery.secret))
        self._records.write(self.part, record, former=self._record_of(found))
        self._file.replace(encrypted)

    def remove(self) -> None:
        found = self._read()
        if self._is_foreign(found) and not self._force:
            return
        if any(name in found for name in self._variables.values()):
            text = self._changed(found, dict.fromkeys(self._variables.values()))
            self._file.write(self._vault.encrypt(text, self._file.read()))
        self._records.remove(self.part)

    def _permissions_match(self) -> bool:
        return all(file.permissions_match() for file in self.files)

    def _is_foreign(self, found: YamlVariables) -> bool:
        """Whether the variable has a value that was not delivered here."""
        if self.part not in found:
            return False
        record = self._record_of(found)
        return record is None or not record.fits(found.get(self.part))

    def _record_of(self, found: YamlVariables) -> Record | None:
        return self._records.read_for(self.part, found.get(self.part))

    def _values(self, delivery: Delivery) -> dict[str, str]:
        fields = {**self._addresses, "token": delivery.secret, "username": delivery.username}
        return {name: fields[field] for field, name in self._variables.items()}

    def _read(self) -> YamlVariables:
        encrypted = self._file.read() or ""
        if encrypted and encrypted != self._decrypted[0]:
            self._decrypted = encrypted, self._vault.decrypt(encrypted)
        try:
            return YamlVariables(load_library("yaml", KIND), self._decrypted[1] if encrypted else "")
        except Unchangeable as error:
            problem = str(error)
        raise StoreError(f"{self.place} {problem}. It was not changed")

    def _changed(self, found: YamlVariables, values: Mapping[str, str | None]) -> str:
        try:
            return found.changed(values)
        except Unchangeable as error:
            problem = str(error)
        raise StoreError(f"{self.place} {problem}. It was not changed")


def vault_vars_store(options: Mapping[str, Any], quay_host: str) -> VaultVarsStore:
    """The store that the options describe. Raises BadInput for invalid options."""
    mode = None if options["mode"] in (None, "") else parse_mode(options["mode"])
    vault = AnsibleVault(options["path"], options["ansible_vault_id"], options["ansible_vault_password_file"])
    return VaultVarsStore(
        options["path"],
        _variables(options["variables"]),
        vault,
        Permissions(mode, *parse_owner(options["owner"], options["group"])),
        {
            "registry": registry_from_options(options, quay_host),
            "api_url": f"{normalise_host(quay_host)}/api/v1",
        },
        force=bool(options["force"]),
        unsafe_writes=bool(options["unsafe_writes"]),
    )


def _variables(given: Any) -> dict[str, str]:
    variables = {str(field): str(name) for field, name in (given or {}).items()}
    unknown = sorted(variables.keys() - set(_FIELDS))
    if unknown:
        raise BadInput(f"variables: there is no field {', '.join(unknown)}. There are: {', '.join(_FIELDS)}")
    if "token" not in variables:
        raise BadInput("variables must name the variable for the token, for example {token: quay_token}")
    if len(set(variables.values())) != len(variables):
        raise BadInput("variables names one variable for two fields")
    invalid = [field for field, name in variables.items() if not _NAME.fullmatch(name)]
    if invalid:
        raise BadInput(f"variables: the name for {', '.join(invalid)} is not a name of a variable, such as quay_token")
    return variables
