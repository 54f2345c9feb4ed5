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
from typing import Any, Iterator, Mapping, Sequence

from .._core.credential import Record
from .._core.errors import BadInput
from .._http.address import normalise_host
from .._module.context import LocalContext, Result
from .contract import Delivery, StoredSecret
from .delivery import ensure_delivered
from .file_formats import FORMATS, is_environment, is_foreign, other_lines, read_fields, write_fields
from .options import registry_from_options
from .permissions import Mode, Permissions, parse_mode, parse_owner
from .records import RecordFile, merge_records, record_from_data, record_to_data
from .secret_file import SecretFile

_RECORD_KEY = "token"
_DEFAULT_PREFIX = "QUAY_"
_DEFAULT_MODE = "0600"
_PREFIX = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)?")

FILE_OPTIONS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "format": {"type": "str", "choices": list(FORMATS), "default": "token"},
    "prefix": {"type": "str"},
    "merge": {"type": "bool", "default": False},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw", "default": _DEFAULT_MODE},
    "force": {"type": "bool", "default": False},
    "backup": {"type": "bool", "default": False},
    "unsafe_writes": {"type": "bool", "default": False},
}

_PRIVATE = Permissions(Mode("0600", 0o600))


class FileStore:
    """One credential in one file. Anything else in the file is refused, merged or replaced, as the options say."""

    tells_secret = True

    def __init__(
        self,
        path: str,
        file_format: str = "token",
        *,
        option: str = "path",
        prefix: str = _DEFAULT_PREFIX,
        merge: bool = False,
        permissions: Permissions = _PRIVATE,
        addresses: Mapping[str, str] | None = None,
        force: bool = False,
        backup: bool = False,
        unsafe_writes: bool = False,
    ) -> None:
        """``addresses``: the fields registry and api_url. ``backup``: keep a copy of what is replaced by force."""
        self.place = path
        # Stores with different variables can share an environment file.
        self.part = f"{prefix}TOKEN" if merge else ""
        self._format = file_format
        self._option = option
        self._prefix = prefix
        self._merge = merge
        self._addresses = addresses or {"registry": "", "api_url": ""}
        self._force = force
        self._backup = backup
        self._file = SecretFile(path, option, permissions, unsafe_writes=unsafe_writes)
        # Only a bare token has no place for its record.
        records = RecordFile(path, option, permissions, unsafe_writes=unsafe_writes)
        self._records = records if file_format == "token" else None
        self.files: Sequence[SecretFile] = [self._file, *([records.file] if self._records else [])]

    def check(self, *, removing: bool = False) -> None:
        for file in self.files:
            file.check()
        if not removing and not self._force and self._is_foreign(self._file.read()):
            raise self._file.error(f"holds something else than this credential, which would be lost. {self._remedy}")

    @property
    def _remedy(self) -> str:
        if self._option != "path":
            return "Use another path, or remove the file"
        can_merge = self._format == "env" and not self._merge
        merge = "Set merge: true to keep its other variables" if can_merge else "Use another path"
        return f"{merge}, or set force: true to replace the file (with backup: true it is copied first)"

    def warnings(self) -> list[str]:
        return self._file.warnings()

    def read(self) -> StoredSecret:
        text = self._file.read()
        if text is None:
            return StoredSecret()
        foreign = self._is_foreign(text)
        if foreign and self._format != "env":
            return StoredSecret(foreign=True)
        data = read_fields(self._format, text, self._prefix)
        secret = str(data["token"]) if data.get("token") else None
        record, username = record_from_data(data), data.get("username") or None
        if self._records:
            record = self._records.read(_RECORD_KEY)
            username = record.username if record and record.fits(secret) else None
        return StoredSecret(secret, record, username, self._permissions_match(), foreign)

    def matches(self, delivery: Delivery) -> bool:
        return self._permissions_match() and self._file.read() == self._text(delivery)

    @contextlib.contextmanager
    def prepare(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for file in self.files:
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
        keeps_others = self._format == "env" and (self._merge or not self._force)
        others = other_lines(text or "", self._prefix) if keeps_others else ""
        if others.strip():
            self._file.write(others)
        elif self._force or not self._is_foreign(text):
            self._file.remove()
        if self._records:
            self._records.remove(_RECORD_KEY)

    def _permissions_match(self) -> bool:
        return all(file.permissions_match() for file in self.files)

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
            **self._addresses,
            "name": delivery.name,
            **record_to_data(self._record(delivery)),
        }
        present = (self._file.read() or "") if self._merge else ""
        return write_fields(self._format, fields, self._prefix, present if is_environment(present) else "")


def file_store(options: Mapping[str, Any], quay_host: str) -> FileStore:
    """The store that the options describe. Raises BadInput for invalid options."""
    file_format = options["format"] or "token"
    for option in ("prefix", "merge"):
        if options[option] not in (None, False) and file_format != "env":
            raise BadInput(f"{option} has no effect without format: env, the format with variables. Leave it out")
    prefix = _DEFAULT_PREFIX if options["prefix"] is None else options["prefix"]
    if not _PREFIX.fullmatch(prefix):
        raise BadInput(f"prefix: '{prefix}' is not the beginning of a variable's name. Write it as QUAY_")
    if options.get("registry"):
        registry_from_options(options, quay_host)
    mode = _DEFAULT_MODE if options["mode"] in (None, "") else options["mode"]
    return FileStore(
        options["path"],
        file_format,
        prefix=prefix,
        merge=bool(options["merge"]),
        permissions=Permissions(parse_mode(mode), *parse_owner(options["owner"], options["group"])),
        addresses=None if file_format == "token" else _addresses(options, quay_host),
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
    return ensure_delivered(context, store, {"place": context.params["path"], "format": context.params["format"]})
