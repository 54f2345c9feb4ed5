# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Options that several kinds of stores share: registry, mode, owner."""

from __future__ import annotations

import grp
import pwd
from typing import Any, Mapping
from urllib.parse import urlsplit

from .._core.errors import BadInput
from .._http.address import normalise_host


def registry_from_options(options: Mapping[str, Any], quay_host: str) -> str:
    """The host that consumers name in ``podman login``: the option, else the host of ``quay_host``."""
    return str(options.get("registry") or urlsplit(normalise_host(quay_host)).netloc)


def parse_mode(text: str) -> int:
    """The bits of an octal file mode. Raises BadInput for anything else, and for a mode that the owner cannot read."""
    try:
        mode = int(text, 8)
    except ValueError:
        raise BadInput(f"mode must be octal, such as 0600, not '{text}'") from None
    if not 0 <= mode <= 0o777 or mode & 0o400 == 0:
        raise BadInput(f"mode must let the owner read the file, such as 0600, not '{text}'")
    return mode


def parse_owner(user: str | None, group: str | None) -> tuple[int, int] | None:
    """The uid and gid of a user and a group, by name or number; -1 stands for one that is not given, None for both.

    Raises BadInput for a name that does not exist on the target.
    """
    if user is None and group is None:
        return None
    try:
        uid = -1 if user is None else int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
        gid = -1 if group is None else int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise BadInput(
            f"owner, group: the target has no such user or group: {user or ''} {group or ''}".rstrip()
        ) from None
    return uid, gid
