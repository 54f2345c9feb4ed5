# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Content of open files: read, written and flushed completely."""

from __future__ import annotations

import contextlib
import os

_PART = 65536


def read_all(fd: int, limit: int) -> bytes:
    """The content of a file, or its beginning if that is longer than ``limit`` bytes."""
    data = b""
    while len(data) < limit:
        part = os.pread(fd, min(_PART, limit - len(data)), len(data))
        if not part:
            break
        data += part
    return data


def replace_content(fd: int, data: bytes) -> None:
    """Write the whole content of a file, and flush it to the disk."""
    view, offset = memoryview(data), 0
    while offset < len(data):
        offset += os.pwrite(fd, view[offset:], offset)
    os.ftruncate(fd, len(data))
    os.fsync(fd)


def close_flushed(fd: int) -> None:
    """Close a file whose content was flushed or does not matter, so that an error changes nothing."""
    with contextlib.suppress(OSError):
        os.close(fd)
