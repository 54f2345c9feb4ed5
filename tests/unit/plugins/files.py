# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about files and directories, for the tests of stores."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path


def mode_of(file: Path) -> int:
    """The permissions of a file."""
    return stat.S_IMODE(file.stat().st_mode)


def names_in(folder: Path) -> list[str]:
    """The names of all entries of a directory."""
    return sorted(entry.name for entry in folder.iterdir())


def files_in(folder: Path) -> dict[str, tuple[bytes, int]]:
    """The content and the permissions of each file of a directory."""
    return {path.name: (path.read_bytes(), mode_of(path)) for path in folder.iterdir() if path.is_file()}


def is_locked(folder: Path) -> bool:
    """Whether a run holds the lock of a directory."""
    handle = os.open(str(folder), os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)
