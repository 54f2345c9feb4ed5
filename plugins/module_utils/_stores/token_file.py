# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""A store that is one file of its own: the bare token, JSON, YAML, or environment variables."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, Mapping

from .._core.credential import Record
from .._core.errors import BadInput, LocalFileError
from .._http.address import normalise_host
from .._module.context import LocalContext, Result
from .contract import Delivery, StoredSecret
from .delivery import ensure_delivered
from .options import parse_mode, parse_owner, registry_from_options
from .records import RecordFile, merge_records, record_from_data, record_to_data
from .secret_file import PRIVATE_MODE, Draft, check_writable, has_permissions, read_text, remove

FORMATS = ("token", "json", "yaml", "env")
_YAML_LINE = re.compile(r"^([A-Za-z_]+):\s*(.*?)\s*$")
_ENV_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$")
_ENV_NOTE = re.compile(r"^# ([a-z_]+): (\S+)$")
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@%+,=-]*")
_ENV_FIELDS = ("token", "username", "registry", "api_url")
_RECORD_KEY = "token"
_PREFIX = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)?")

FILE_OPTIONS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "format": {"type": "str", "choices": list(FORMATS), "default": "token"},
    "prefix": {"type": "str", "default": "QUAY_"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str", "default": "0600"},
}


class FileStore:
    """One credential in one file. Everything else in the file is replaced."""

    def __init__(
        self,
        path: str,
        file_format: str = "token",
        *,
        prefix: str = "QUAY_",
        mode: int = PRIVATE_MODE,
        owner: tuple[int, int] | None = None,
        registry: str = "",
        api_url: str = "",
        option: str = "path",
    ) -> None:
        self.place = path
        self._format = file_format
        self._prefix = prefix
        self._mode = mode
        self._owner = owner
        self._addresses = {"registry": registry, "api_url": api_url}
        self._option = option
        self._records = RecordFile(path, option)
        self._draft = Draft(path, option)

    def check(self) -> None:
        check_writable(self.place, self._option)

    def read(self) -> StoredSecret:
        text = read_text(self.place, self._option)
        if text is None:
            return StoredSecret()
        if self._format == "token":
            return self._stored_bare_token(text.strip() or None)
        data = _READERS[self._format](text)
        if self._format == "env":
            data = {
                key[len(self._prefix) :].lower() if key.startswith(self._prefix) else key: v for key, v in data.items()
            }
        secret = data.get("token")
        return StoredSecret(
            str(secret) if secret else None,
            record_from_data(data),
            data.get("username") or None,
            permissions_match=self._permissions_match(),
        )

    def matches(self, delivery: Delivery) -> bool:
        return self._permissions_match() and read_text(self.place, self._option) == self._text(delivery)

    def prepare(self) -> Draft:
        return self._draft

    def write(self, delivery: Delivery) -> None:
        self._draft.commit(self._text(delivery), mode=self._mode, owner=self._owner)
        if self.read().secret != delivery.secret:
            raise LocalFileError(
                f"{self._option}: {self.place} does not hold what was written; check whether something else writes it"
            )
        if self._format == "token":
            self._records.write(_RECORD_KEY, self._record(delivery))

    def remove(self) -> None:
        remove(self.place, self._option)
        if self._format == "token":
            self._records.remove(_RECORD_KEY)

    def _permissions_match(self) -> bool:
        return has_permissions(self.place, self._mode, self._owner)

    def _stored_bare_token(self, secret: str | None) -> StoredSecret:
        record = self._records.read(_RECORD_KEY)
        username = record.username if record and record.fits(secret) else None
        return StoredSecret(secret, record, username, permissions_match=self._permissions_match())

    def _record(self, delivery: Delivery) -> Record:
        return replace(merge_records(delivery.record, self.read().record), username=delivery.username or None)

    def _text(self, delivery: Delivery) -> str:
        if self._format == "token":
            return delivery.secret + "\n"
        fields: dict[str, Any] = {
            "token": delivery.secret,
            "username": delivery.username,
            **self._addresses,
            "name": delivery.name,
            **record_to_data(self._record(delivery)),
        }
        if self._format == "json":
            return json.dumps(fields, indent=2) + "\n"
        if self._format == "yaml":
            # A JSON scalar is a YAML scalar, so no YAML library is needed on the target.
            return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items())
        notes = "".join(
            f"# {key}: {' '.join(str(value).split())}\n"
            for key, value in fields.items()
            if key not in _ENV_FIELDS and value
        )
        return notes + "".join(f"{self._prefix}{key.upper()}={_quoted(str(fields[key]))}\n" for key in _ENV_FIELDS)


def _quoted(value: str) -> str:
    """Quoted for a shell only if needed: some readers of such files take quotes literally."""
    return value if _PLAIN.fullmatch(value) else "'" + value.replace("'", "'\\''") + "'"


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1].replace("'\\''", "'")  # as _quoted writes a single quote
    return value


def _read_json(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _read_yaml(text: str) -> dict[str, Any]:
    """The top-level scalars of a file that this store wrote, and that a person may have edited."""
    data: dict[str, Any] = {}
    for line in text.splitlines():
        match = _YAML_LINE.match(line)
        if match:
            try:
                data[match.group(1)] = json.loads(match.group(2))
            except ValueError:
                data[match.group(1)] = _unquoted(match.group(2))
    return data


def _read_env(text: str) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for line in text.splitlines():
        note, variable = _ENV_NOTE.match(line), _ENV_LINE.match(line)
        if note:
            data[note.group(1)] = note.group(2)
        elif variable:
            data[variable.group(1)] = _unquoted(variable.group(2))
    return data


_READERS = {"json": _read_json, "yaml": _read_yaml, "env": _read_env}


def file_store(options: Mapping[str, Any], quay_host: str) -> FileStore:
    """The store that the options describe. Raises BadInput for invalid options."""
    if not _PREFIX.fullmatch(options["prefix"]):
        raise BadInput(f"prefix: '{options['prefix']}' is not the beginning of a variable's name. Write it as QUAY_")
    return FileStore(
        options["path"],
        options["format"],
        prefix=options["prefix"],
        mode=parse_mode(options["mode"]),
        owner=parse_owner(options["owner"], options["group"]),
        registry=registry_from_options(options, quay_host),
        api_url=normalise_host(quay_host) + "/api/v1",
    )


def ensure_token_file(context: LocalContext) -> Result:
    """The module quay_token_file."""
    store = file_store(context.params, context.params["quay_host"])
    return ensure_delivered(context, store, {"place": context.params["path"], "format": context.params["format"]})
