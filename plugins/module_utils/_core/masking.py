# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Secrets in responses and bodies, recognised by their keys and masked. Pure."""

from __future__ import annotations

import re
from typing import Any, Iterator

HIDDEN = "********"
# As Quay calls them: token, token_code, access_token, client_secret, password, encrypted_password, private_key …
_SECRET_KEY = re.compile(r"(^|[_\W])(token|token_code|passwd|password|secret|private_key|secret_key|access_key)$", re.I)
# The password of an address such as https://user:password@example.com, wherever an answer has one.
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+(?=@)")


def is_secret_key(key: str) -> bool:
    """Whether a text below this key is a secret."""
    return bool(_SECRET_KEY.search(key))


def masked(value: Any) -> Any:
    """The same value, with every secret replaced by asterisks."""
    if isinstance(value, dict):
        # POST /api/v1/user/clientkey answers with an encrypted password as {"key"}; elsewhere a key is a label's.
        alone = len(value) == 1
        return {key: _masked_item(str(key), item, alone and key == "key") for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return _PASSWORD_IN_URL.sub(rf"\1:{HIDDEN}", value) if isinstance(value, str) else value


def _masked_item(key: str, item: Any, is_secret: bool) -> Any:
    if isinstance(item, str) and item and (is_secret or is_secret_key(key)):
        return HIDDEN
    return masked(item)


def secrets_in(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """The secrets in a value, each with the place where it stands."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        place = f"{where}.{key}"
        if isinstance(item, str) and item and is_secret_key(str(key)):
            yield place, item
        else:
            yield from secrets_in(item, place)
