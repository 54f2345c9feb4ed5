# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The formats of a file with one credential: written, read back, and distinguished from other content. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Mapping

FORMATS = ("token", "json", "yaml", "env")

# The fields of a credential in a file, in their order. All but the first four are the record.
_VARIABLES = ("token", "username", "registry", "api_url")
_FIELDS = (*_VARIABLES, "name", "fingerprint", "created_at", "expires_at", "uuid", "superseded")

_YAML_LINE = re.compile(r"^([A-Za-z_]+):\s*(.*?)\s*$")
_ENV_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$")
_ENV_NOTE = re.compile(r"^# ([a-z_]+): (.+)$")
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@%+,=-]*")

# Secrets as Quay issues them: capital letters and digits, or a signed token of three parts.
_QUAY_SECRET = re.compile(r"[A-Z0-9]{20,}|[\w-]+\.[\w-]+\.[\w-]+")


def write_fields(file_format: str, fields: Mapping[str, Any], prefix: str, present: str | None) -> str:
    """The text of the file. ``present``: the text with which the variables are merged, None to replace everything."""
    if file_format == "token":
        return f"{fields['token']}\n"
    if file_format == "json":
        return json.dumps(fields, indent=2) + "\n"
    if file_format == "yaml":
        # A JSON scalar is a YAML scalar, so no YAML library is needed on the target.
        return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items())
    return other_lines(present or "", prefix) + _env_lines(fields, prefix)


def read_fields(file_format: str, text: str, prefix: str) -> dict[str, Any]:
    """The fields of a file that ``write_fields`` wrote, and that a person may have edited."""
    if file_format == "token":
        return {"token": text.strip()} if text.strip() else {}
    if file_format == "env":
        return _read_env(text, prefix)
    return _READERS[file_format](text)


def is_foreign(file_format: str, text: str, prefix: str) -> bool:
    """Whether the text holds anything that ``write_fields`` did not write, and that replacing it would lose."""
    if not text.strip():
        return False
    if file_format == "token":
        return not _QUAY_SECRET.fullmatch(text.strip())
    if file_format == "env":
        return bool(other_lines(text, prefix).strip())
    if file_format == "yaml":
        lines = [line for line in text.splitlines() if line.strip() and line.strip() != "---"]
        keys = [match.group(1) if match else "" for match in map(_YAML_LINE.match, lines)]
        return "token" not in keys or any(key not in _FIELDS for key in keys)
    data = _read_json(text)
    return "token" not in data or any(key not in _FIELDS for key in data)


def _env_lines(fields: Mapping[str, Any], prefix: str) -> str:
    notes = [
        f"# {key}: {' '.join(str(value).split())}\n" for key, value in fields.items() if key not in _VARIABLES and value
    ]
    return "".join([*notes, *(f"{prefix}{key.upper()}={_quoted(str(fields[key]))}\n" for key in _VARIABLES)])


def other_lines(text: str, prefix: str) -> str:
    """The lines of an environment file that are not ours. Notes are ours only directly above our variables."""
    variables = {f"{prefix}{key.upper()}" for key in _VARIABLES}
    kept: list[str] = []
    notes: list[str] = []
    for line in text.splitlines():
        note, variable = _ENV_NOTE.match(line), _ENV_LINE.match(line)
        if note is not None and note.group(1) in _FIELDS:
            notes.append(line)
            continue
        if variable is None or variable.group(1) not in variables:
            kept += [*notes, line]
        notes = []
    return "".join(f"{line}\n" for line in kept + notes)


def _read_env(text: str, prefix: str) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for line in text.splitlines():
        note, variable = _ENV_NOTE.match(line), _ENV_LINE.match(line)
        if note:
            data[note.group(1)] = note.group(2).split()[0]
        elif variable and variable.group(1).startswith(prefix):
            data[variable.group(1)[len(prefix) :].lower()] = _unquoted(variable.group(2))
    return data


def _read_json(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _read_yaml(text: str) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for line in text.splitlines():
        match = _YAML_LINE.match(line)
        if match:
            try:
                data[match.group(1)] = json.loads(match.group(2))
            except ValueError:
                data[match.group(1)] = _unquoted(match.group(2))
    return data


_READERS: Mapping[str, Callable[[str], dict[str, Any]]] = {"json": _read_json, "yaml": _read_yaml}


def _quoted(value: str) -> str:
    """Quoted for a shell only if needed: some readers of such files take quotes literally."""
    return value if _PLAIN.fullmatch(value) else "'" + value.replace("'", "'\\''") + "'"


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1].replace("'\\''", "'")
    return value
