# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Secrets and user names as a play hands them over: cleaned, or refused if they are not what they seem to be. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Iterator, Mapping

from .errors import BadInput

# What Ansible puts in the place of a secret in results that pass from one task to the next: the words for a complete
# value, exactly eight asterisks inside of a longer text.
_MASK = re.compile(r"VALUE_SPECIFIED_IN_NO_LOG_PARAMETER|(?<!\*)\*{8}(?!\*)")


def refuse_masked_values(params: Mapping[str, Any]) -> None:
    """Raise BadInput, naming the option, if an option holds a value that Ansible masked in an earlier result."""
    for place, text in _texts(params, ""):
        if _MASK.search(text):
            raise BadInput(
                f"{place} holds a value that Ansible masked in the result of another task, because it contains a "
                "secret of that task (such as a password that is equal to the user name). Do not take it from that "
                "result: set it to the real value"
            )


def clean_secret(text: str | None, option: str) -> str | None:
    """A token without the white space around it, such as the line break at the end of a file; None for nothing.

    Raises BadInput, naming ``option``, for white space inside.
    """
    cleaned = (text or "").strip()
    if re.search(r"\s", cleaned):
        raise BadInput(f"{option} holds white space, so it is not a single secret")
    return cleaned or None


def clean_password(text: str | None) -> str | None:
    """A password without line breaks around it, such as that at the end of a file; None for nothing.

    Any other character may belong to it: users of LDAP may have blanks in their passwords.
    """
    password = (text or "").strip("\r\n")
    return password if password.strip() else None


def clean_username(text: str | None, option: str) -> str | None:
    """A user name without the white space around it; None for nothing.

    Raises BadInput, naming ``option``, for a colon: HTTP Basic would take what follows for a part of the password.
    """
    cleaned = (text or "").strip()
    if ":" in cleaned:
        raise BadInput(f"{option} must not hold a colon. Give the user name alone, without the password")
    return cleaned or None


def clean_delivered_username(text: str | None, option: str) -> str:
    """The user name that is delivered with a secret, without the white space around it; empty for nothing.

    Raises BadInput, naming ``option``, for white space inside: no name that Quay gives has any.
    """
    cleaned = (text or "").strip()
    if re.search(r"\s", cleaned):
        raise BadInput(f"{option} holds white space, so it is not a user name of Quay")
    return cleaned


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every text in the options, with the name of its place."""
    if isinstance(value, str):
        inner = _from_json(value) if _MASK.search(value) else None
        if inner is None:
            yield place, value
        else:
            yield from _texts(inner, place)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _texts(item, f"{place}[{number}]")


def _from_json(text: str) -> Any:
    """The list or mapping that arrived as one text of JSON; None for any other text."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, (list, dict)) else None
