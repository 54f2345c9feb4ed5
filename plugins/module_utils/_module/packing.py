# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Long lists between an action and its module.

AnsibleModule copies its options, collects what it must mask of them, and searches for it in each value of a result. For
thousands of credentials, that takes longer than the work itself. It would also mask names in which the value of a login
occurs, and the action would no longer know them.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import Any, Callable, Iterable, TypeVar

from .context import LocalContext, Result

_Context = TypeVar("_Context", bound=LocalContext)

# The return value that holds all others.
_PACKED = "packed"
# Each byte becomes a character that is in no password, so that nothing of the text is masked: a Braille pattern.
_FIRST = 0x2800
_TO_PATTERN = {byte: _FIRST + byte for byte in range(256)}
_FROM_PATTERN = {pattern: byte for byte, pattern in _TO_PATTERN.items()}


def pack_arguments(arguments: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The same arguments. Those of ``names`` that are lists or mappings are texts of JSON."""
    packed = dict(arguments)
    for name in names:
        if isinstance(packed.get(name), (list, dict)):
            # A value that is encrypted in a file of variables becomes its text.
            packed[name] = json.dumps(packed[name], default=str)
    return packed


def unpack_arguments(arguments: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The arguments before ``pack_arguments``. A text that is no JSON stays a text."""
    unpacked = dict(arguments)
    for name in names:
        if isinstance(unpacked.get(name), str):
            try:
                unpacked[name] = json.loads(unpacked[name])
            except ValueError:
                continue
    return unpacked


def pack_result(values: dict[str, Any]) -> dict[str, Any]:
    """Return values, as one."""
    text = zlib.compress(json.dumps(values).encode(), 1).decode("latin-1")
    return {_PACKED: text.translate(_TO_PATTERN)}


def unpack_result(result: dict[str, Any]) -> dict[str, Any]:
    """What a module returned, before ``pack_result``. A failed one returns no packed values."""
    if _PACKED not in result:
        return result
    text = result.pop(_PACKED).translate(_FROM_PATTERN)
    return {**result, **json.loads(zlib.decompress(text.encode("latin-1")))}


def with_packed(action: Callable[[_Context], Result], options: Iterable[str]) -> Callable[[_Context], Result]:
    """The action, with options that arrive packed, and return values that leave packed."""

    def run(context: _Context) -> Result:
        context.params = unpack_arguments(context.params, options)
        result = action(context)
        return replace(result, values=pack_result(dict(result.values)))

    return run
