# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The declared credentials, validated, and what earlier runs delivered but no credential declares any more."""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import replace
from typing import Any, Callable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from .._core.credential import Record
from .._core.errors import BadInput
from .._core.times import format_time
from .._http.address import normalise_host
from .._module.context import LocalContext, Result
from .._quay.scopes import least_scopes
from .._stores.file_formats import is_foreign, read_fields
from .._stores.places import Place, collide, real_path
from .._stores.records import RECORD_SUFFIX, record_from_data
from .declaration_options import is_unset, read_list, read_path
from .kinds import KINDS
from .placement import EVERYWHERE, Placement
from .validation import Declared, read_declarations, read_force, secrets_in, texts_in

# A credential's file is small. Larger ones are not read.
_MAX_SIZE = 256 * 1024
# The prefix of the variables of an environment file, before the name of the first one.
_PREFIX = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*?|)TOKEN=", re.MULTILINE)
# The key of the record of a file that holds a secret alone.
_FILE_KEY = "token"


def get_declaration_info(context: LocalContext) -> Result:
    """The module quay_declaration_info."""
    scopes: list[str] = []

    def note_scopes(declared: Declared) -> dict[str, Any]:
        scopes.extend(KINDS[declared.options["kind"]].login_scopes(declared.options))
        return {}

    result = describe_declarations(context, EVERYWHERE, note_scopes)
    return replace(result, values={**result.values, "login_scopes": least_scopes(scopes)})


def describe_declarations(
    context: LocalContext, placement: Placement, describe: Callable[[Declared], dict[str, Any]]
) -> Result:
    """The validated declarations. ``placement``: the host they are for. ``describe``: what else is returned of each."""
    params = context.params
    hide_secrets_alone(context)
    host = "" if params["credentials"] in ([], "[]") else urlsplit(normalise_host(params["quay_host"])).netloc
    credentials = read_declarations(
        params["credentials"], params["quay_host"], ephemeral=params["ephemeral"], placement=placement
    )
    force = read_force(params["force"], credentials, "rotation_force")
    compromised = read_force(params["compromised"], credentials, "rotation_compromised")
    paths = [] if is_unset(params["undeclared"]) else read_list(params["undeclared"], "rotation_report_undeclared")
    return Result(
        changed=False,
        values={
            "credentials": [{**_returned(declared, host), **describe(declared)} for declared in credentials],
            "force": list(dict.fromkeys([*force, *compromised])),
            "compromised": compromised,
            "undeclared": list(_undeclared([read_path(path, "undeclared") for path in paths], credentials)),
        },
    )


def hide_secrets_alone(context: LocalContext) -> None:
    """Let Ansible show names and paths. It would mask every text of the option, because the option can hold a login."""
    params = context.params
    login = (params.get("quay_token"), params.get("quay_password"))
    secrets = {text for text in (*secrets_in(params["credentials"]), *login) if text}
    context.hidden.difference_update(set(texts_in(params["credentials"])) - secrets)
    # A list that arrived as one text was masked as a whole.
    context.hidden.update(secrets)


def _returned(declared: Declared, host: str) -> dict[str, Any]:
    """A credential as the token modules take it, and what identifies it among the credentials of other hosts."""
    identity = f"{declared.options['kind']} {declared.name} of {host}"
    return {**declared.public, "position": declared.position - 1, "identity": identity}


def _undeclared(paths: Sequence[str], credentials: Sequence[Declared]) -> Iterator[dict[str, Any]]:
    """What the files in these directories show of earlier deliveries, without the declared places."""
    declared: dict[str, list[Place]] = {}
    for place in (place for credential in credentials for _label, places in credential.stores for place in places):
        declared.setdefault(place.path, []).append(place)
    for place, record, details in deliveries_in(paths, "rotation_report_undeclared"):
        if not any(collide(place, other) for other in declared.get(place.path, ())):
            yield {
                "path": place.path,
                "registry": place.part or None,
                "name": details.get("name") or None,
                "username": details.get("username") or record.username,
                "fingerprint": record.fingerprint,
                "created_at": format_time(record.created_at),
            }


def deliveries_in(paths: Sequence[str], option: str) -> Iterator[tuple[Place, Record, Mapping[str, Any]]]:
    """What files, and the files of directories, show of earlier deliveries: place, record, and what else is known.

    Raises BadInput, naming ``option``, for a path that is not absolute or cannot be read.
    """
    for file in dict.fromkeys(file for path in paths for file in _files_at(path, option)):
        yield from _deliveries(file)


def _files_at(path: str, option: str) -> list[str]:
    """The file itself, or the files of a directory, without those of its sub-directories."""
    if not os.path.isabs(path):
        raise BadInput(f"{option}: '{path}' is not an absolute path")
    try:
        names = os.listdir(path)
    except NotADirectoryError:
        return [path]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadInput(f"{option}: {path} cannot be read: {os.strerror(error.errno or 0)}") from None
    return [os.path.join(path, name) for name in sorted(names)]


def _deliveries(path: str) -> Iterator[tuple[Place, Record, Mapping[str, Any]]]:
    """What a file shows of earlier deliveries: a record file, or a file whose format has a place for the record."""
    text = text_of(path)
    if text is None:
        return
    if path.endswith(RECORD_SUFFIX):
        store = real_path(path[: -len(RECORD_SUFFIX)])
        for key, data in _records(text).items():
            record = record_from_data(data)
            if record is not None and os.path.lexists(store):
                yield Place(store, "" if key == _FILE_KEY else key), record, {}
        return
    for file_format in ("json", "yaml", "env"):
        fields = _fields(file_format, text)
        record = record_from_data(fields)
        if record is not None:
            yield Place(real_path(path)), record, fields
            return


def _fields(file_format: str, text: str) -> Mapping[str, Any]:
    """The fields of a file of ours. The variables of an environment file may have any prefix and neighbours."""
    if file_format == "env":
        found = (read_fields(file_format, text, prefix) for prefix in dict.fromkeys(_PREFIX.findall(text)))
        return next((fields for fields in found if fields.get("fingerprint")), {})
    return {} if is_foreign(text, "") else read_fields(file_format, text, "")


def _records(text: str) -> Mapping[str, Mapping[str, Any]]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {key: item for key, item in data.items() if isinstance(item, dict)} if isinstance(data, dict) else {}


def text_of(path: str) -> str | None:
    """The text of a small regular file that can be read, else None. Links are not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_SIZE:
            return None
        return os.read(descriptor, _MAX_SIZE).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    finally:
        os.close(descriptor)
