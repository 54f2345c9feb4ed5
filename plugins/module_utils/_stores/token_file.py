# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A store that is one file: the bare token, JSON, YAML, or environment variables (quay_token_file)."""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import replace
from functools import partial
from typing import Any, Callable, Iterator, Mapping, Sequence

from .._core.credential import Record
from .._core.errors import BadInput
from .._http.address import normalise_host
from .._module.context import LocalContext, Result
from .contract import Delivery, StoredSecret
from .delivery import ensure_delivered
from .file_formats import (
    FORMATS,
    format_of,
    is_environment,
    is_foreign,
    is_secret,
    other_lines,
    read_fields,
    write_fields,
)
from .options import registry_from_options
from .permissions import Permissions, parse_mode, parse_owner
from .records import RecordFile, merge_records, record_from_data, record_to_data
from .secret_file import SecretFile

_RECORD_KEY = "token"
_DEFAULT_PREFIX = "QUAY_"
_DEFAULT_FORMAT = "token"
_PREFIX = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)?")

FILE_OPTIONS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "format": {"type": "str", "choices": list(FORMATS)},
    "prefix": {"type": "str"},
    "merge": {"type": "bool", "default": False},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw"},
    "force": {"type": "bool", "default": False},
    "backup": {"type": "bool", "default": False},
    "unsafe_writes": {"type": "bool", "default": False},
}


def _no_addresses() -> dict[str, str]:
    return {"registry": "", "api_url": ""}


class FileStore:
    """One credential in one file. Anything else in the file is refused, merged or replaced, as the options say.

    What is not declared stays as it is in an existing file: its format, its owner and its mode.
    """

    tells_secret = True

    tells_secret = True

    def __init__(
        self,
        path: str,
        file_format: str | None = _DEFAULT_FORMAT,
        *,
        option: str = "path",
        prefix: str = _DEFAULT_PREFIX,
        merge: bool = False,
        permissions: Permissions | None = None,
        addresses: Callable[[], Mapping[str, str]] = _no_addresses,
        force: bool = False,
        backup: bool = False,
        unsafe_writes: bool = False,
    ) -> None:
        """``addresses``: the fields registry and api_url, if needed. ``backup``: keep a copy of what force replaces."""
        self.place = path
        # Stores with different variables can share an environment file.
        self.part = f"{prefix}TOKEN" if merge else ""
        self._declared_format = file_format
        self._found_format: str | None = None
        self._option = option
        self._prefix = prefix
        self._merge = merge
        self._addresses = addresses
        self._force = force
        self._backup = backup
        permissions = permissions or Permissions()
        self._file = SecretFile(path, option, permissions, unsafe_writes=unsafe_writes)
        # The file without our variables. It keeps its mode, because what is left is not ours.
        self._rest = SecretFile(path, option, replace(permissions, mode=None), unsafe_writes=unsafe_writes)
        self._record_file = RecordFile(path, option, permissions, unsafe_writes=unsafe_writes)
        may_be_bare = file_format in (None, _DEFAULT_FORMAT)
        self.files: Sequence[SecretFile] = [self._file, *([self._record_file.file] if may_be_bare else [])]

    @property
    def format(self) -> str:
        """The declared format, else that of the present file, which is read once."""
        if self._declared_format is not None:
            return self._declared_format
        if self._found_format is None:
            self._found_format = format_of(self._file.read() or "", self._prefix) or _DEFAULT_FORMAT
        return self._found_format

    @property
    def _records(self) -> RecordFile | None:
        """The file of the record. Only a bare token has no place for it."""
        return self._record_file if self.format == _DEFAULT_FORMAT else None

    @property
    def _written(self) -> list[SecretFile]:
        records = self._records
        return [self._file, *([records.file] if records else [])]

    def check(self, *, removing: bool = False) -> None:
        self._file.check()
        for file in self._written[1:]:
            file.check()
        if removing and self._kept_lines(self._file.read()):
            self._rest.check()
        if not removing and not self._force and self._is_foreign(self._file.read()):
            raise self._file.error(f"holds something else than this credential, which would be lost. {self._remedy}")

    @property
    def _remedy(self) -> str:
        if self._option != "path":
            return "Use another path, or remove the file"
        can_merge = self.format == "env" and not self._merge
        merge = "Set merge: true to keep its other variables" if can_merge else "Use another path"
        return f"{merge}, or set force: true to replace the file (with backup: true it is copied first)"

    def warnings(self) -> list[str]:
        return self._file.warnings()

    def read(self) -> StoredSecret:
        text = self._file.read()
        if text is None:
            return StoredSecret()
        foreign = self._is_foreign(text)
        data = read_fields(self.format, text, self._prefix)
        if foreign and self.format != "env" and (self._records or not is_secret(data.get("token"))):
            return StoredSecret(foreign=True)
        secret = str(data["token"]) if data.get("token") else None
        record, username = record_from_data(data), data.get("username") or None
        if self._records:
            record = self._records.read(_RECORD_KEY)
            username = record.username if record and record.fits(secret) else None
        # Only from an environment file, a credential can be removed without what is around it.
        removable = not foreign or self._force or self.format == "env"
        return StoredSecret(secret, record, username, self._permissions_match(), foreign, removable)

    def matches(self, delivery: Delivery) -> bool:
        return self._permissions_match() and self._file.read() == self._text(delivery)

    @contextlib.contextmanager
    def prepare(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for file in self._written:
                stack.enter_context(file.prepare())
            self._back_up()
            yield

    def write(self, delivery: Delivery) -> None:
        record = self._record(delivery)
        self._file.replace(self._text(delivery))
        if self._records:
            self._records.write(_RECORD_KEY, record)

    def remove(self) -> None:
        text = self._file.read()
        others = self._kept_lines(text)
        if others:
            self._rest.write(others)
        elif self._force or not self._is_foreign(text):
            self._file.remove()
        if self._records:
            self._records.remove(_RECORD_KEY)

    def _kept_lines(self, text: str | None) -> str:
        """What is left of the file without our variables; empty if nothing must be kept."""
        keeps_others = self.format == "env" and (self._merge or not self._force)
        others = other_lines(text or "", self._prefix) if keeps_others else ""
        return others if others.strip() else ""

    def _permissions_match(self) -> bool:
        return all(file.permissions_match() for file in self._written)

    def _is_foreign(self, text: str | None) -> bool:
        """Whether the file holds what this store did not write."""
        if text is None or not is_foreign(text, self._prefix):
            return False
        if self._merge:
            return not is_environment(text)
        record = self._records.read(_RECORD_KEY) if self._records else None
        return record is None or not record.fits(text.strip())

    def _back_up(self) -> None:
        """Copy content that is about to be replaced by force. Never a secret of ours."""
        text = self._file.read() if self._backup else None
        if text is not None and self._is_foreign(text):
            stamp = time.strftime("%Y-%m-%d@%H:%M:%S")
            SecretFile(f"{self.place}.{os.getpid()}.{stamp}~", self._option).write(text)

    def _record(self, delivery: Delivery) -> Record:
        return replace(merge_records(delivery.record, self.read().record), username=delivery.username or None)

    def _text(self, delivery: Delivery) -> str:
        fields: dict[str, Any] = {
            "token": delivery.secret,
            "username": delivery.username,
            **(_no_addresses() if self._records else self._addresses()),
            "name": delivery.name,
            **record_to_data(self._record(delivery)),
        }
        present = (self._file.read() or "") if self._merge else ""
        return write_fields(self.format, fields, self._prefix, present if is_environment(present) else "")


def file_store(options: Mapping[str, Any], quay_host: str) -> FileStore:
    """The store that the options describe. Raises BadInput for invalid options."""
    file_format = options["format"] or None
    for option in ("prefix", "merge"):
        if options[option] not in (None, False) and file_format != "env":
            raise BadInput(f"{option} has no effect without format: env, the format with variables. Leave it out")
    prefix = _DEFAULT_PREFIX if options["prefix"] is None else options["prefix"]
    if not _PREFIX.fullmatch(prefix):
        raise BadInput(f"prefix: '{prefix}' is not the beginning of a variable's name. Write it as QUAY_")
    if options.get("registry"):
        registry_from_options(options, quay_host)
    mode = None if options["mode"] in (None, "") else parse_mode(options["mode"])
    addresses = partial(_addresses, options, quay_host)
    if file_format not in (None, _DEFAULT_FORMAT):
        addresses()  # raises for invalid ones
    return FileStore(
        options["path"],
        file_format,
        prefix=prefix,
        merge=bool(options["merge"]),
        permissions=Permissions(mode, *parse_owner(options["owner"], options["group"])),
        addresses=addresses,
        force=bool(options["force"]),
        backup=bool(options["backup"]),
        unsafe_writes=bool(options["unsafe_writes"]),
    )


def _addresses(options: Mapping[str, Any], quay_host: str) -> dict[str, str]:
    registry = registry_from_options(options, quay_host)
    return {"registry": registry, "api_url": normalise_host(quay_host) + "/api/v1"}


def ensure_token_file(context: LocalContext) -> Result:
    """The module quay_token_file."""
    store = file_store(context.params, context.params["quay_host"])
    return ensure_delivered(context, store, {"place": context.params["path"], "format": store.format})
