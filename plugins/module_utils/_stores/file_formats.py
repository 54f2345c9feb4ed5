# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The formats of a file with one credential: written, read back, and distinguished from other content. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

FORMATS = ("token", "json", "yaml", "env")

# The fields of a credential in a file, in their order. All but the first four are the record.
_VARIABLES = ("token", "username", "registry", "api_url")
_RECORD = ("name", "fingerprint", "created_at", "expires_at", "uuid", "superseded")
_FIELDS = (*_VARIABLES, *_RECORD)

_YAML_LINE = re.compile(r"^([A-Za-z_]+):\s*(.*?)\s*$")
_ENV_LINE = re.compile(r"^\s*(export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$")
_ENV_NOTE = re.compile(r"^# ([a-z_]+): (.+)$")
_PLAIN = re.compile(r"[A-Za-z0-9_.:/@%+,=-]*")

# Secrets as Quay issues them: letters and digits, or a JSON Web Token.
_QUAY_SECRET = re.compile(r"[A-Za-z0-9]{20,}|eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")


@dataclass
class _EnvFile:
    """An environment file: our fields, and the lines that are not ours."""

    fields: dict[str, str] = field(default_factory=dict)
    others: str = ""
    exported: bool = False  # whether our variables are exported, as a person may have written them


def write_fields(file_format: str, fields: Mapping[str, Any], prefix: str, present: str = "") -> str:
    """The text of the file. ``present``: the text of an environment file, whose other variables are kept."""
    if file_format == "token":
        return f"{fields['token']}\n"
    if file_format == "json":
        return json.dumps(fields, indent=2) + "\n"
    if file_format == "yaml":
        # A JSON scalar is a YAML scalar, so no YAML library is needed on the target.
        return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items())
    return _env_text(fields, prefix, _parse_env(present, prefix))


def read_fields(file_format: str, text: str, prefix: str) -> dict[str, Any]:
    """The fields of a file that ``write_fields`` wrote, and that a person may have edited."""
    if file_format == "token":
        return {"token": text.strip()} if text.strip() else {}
    if file_format == "env":
        return {**_parse_env(text, prefix).fields}
    return _READERS[file_format](text)


def is_secret_of_quay(text: str) -> bool:
    """Whether the text looks like a secret that Quay issued."""
    return bool(_QUAY_SECRET.fullmatch(text))


def is_foreign(text: str, prefix: str) -> bool:
    """Whether the text holds anything that ``write_fields`` did not write in any format, and that would be lost."""
    text = text.strip()
    if not text or text in ("{}", "---") or _QUAY_SECRET.fullmatch(text):
        return False
    return bool(other_lines(text, prefix).strip()) and _is_foreign_mapping(text)


def is_environment(text: str) -> bool:
    """Whether variables can be merged into the text: it assigns some, or has comments only."""
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    return not lines or any(map(_ENV_LINE.match, lines))


def other_lines(text: str, prefix: str) -> str:
    """The lines of an environment file that are not ours."""
    return _parse_env(text, prefix).others


def _is_foreign_mapping(text: str) -> bool:
    """Whether the text is neither the JSON nor the YAML of one credential."""
    data = _read_json(text)
    if data:
        return "token" not in data or any(key not in _FIELDS or isinstance(data[key], (dict, list)) for key in data)
    lines = [line for line in text.splitlines() if line.strip() and line.strip() != "---"]
    keys = [match.group(1) if match else "" for match in map(_YAML_LINE.match, lines)]
    return "token" not in keys or any(key not in _FIELDS for key in keys)


def _env_text(fields: Mapping[str, Any], prefix: str, present: _EnvFile) -> str:
    notes = [f"# {key}: {' '.join(str(fields[key]).split())}\n" for key in _RECORD if fields.get(key)]
    export = "export " if present.exported else ""
    variables = [f"{export}{prefix}{key.upper()}={_quoted(str(fields[key]))}\n" for key in _VARIABLES]
    # A note of others directly above our variables would become ours.
    gap = "\n" if _ENV_NOTE.match(present.others[:-1].rpartition("\n")[2]) else ""
    return "".join([present.others, gap, *notes, *variables])


def _parse_env(text: str, prefix: str) -> _EnvFile:
    """The parts of an environment file. Notes are ours only directly above our variables."""
    names = {f"{prefix}{key.upper()}": key for key in _VARIABLES}
    found = _EnvFile()
    others: list[str] = []
    notes: list[str] = []
    # Not splitlines: the values of others may hold any character.
    for line in text.split("\n") if text else []:
        note, variable = _ENV_NOTE.match(line), _ENV_LINE.match(line)
        if note is not None and note.group(1) in _RECORD:
            notes.append(line)
            continue
        if variable is None or variable.group(2) not in names:
            others += [*notes, line]
        else:
            found.fields.update(_read_notes(notes))
            found.fields[names[variable.group(2)]] = _unquoted(variable.group(3))
            found.exported = found.exported or bool(variable.group(1))
        notes = []
    found.others = _with_line_break("\n".join(others + notes))
    return found


def _read_notes(lines: list[str]) -> dict[str, str]:
    matches = filter(None, map(_ENV_NOTE.match, lines))
    return {match.group(1): match.group(2).split()[0] for match in matches if match.group(2).split()}


def _with_line_break(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _read_json(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _read_yaml(text: str) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for line in text.splitlines():
        match = _YAML_LINE.match(line)
        if match:
            try:
                data[match.group(1)] = json.loads(match.group(2))
            except (ValueError, RecursionError):
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
