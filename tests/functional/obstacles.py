# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Obstacles in the process of a module that only root could make for real: mounts, attributes, other users' files.

They are simulated at the system calls, so that the tests do not depend on the user who runs them.
"""

from __future__ import annotations

import builtins
import ctypes
import errno
import fcntl
import io
import os
import stat
import struct
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_MOUNTS = "/proc/self/mountinfo"
_CAPABILITIES_VERSION = 0x20080522
_CAPSET = 126 if os.uname().machine == "x86_64" else 91


def install(options: dict[str, Any]) -> None:
    """Install the obstacles.

    ``mounted``: files that are mount points. ``flags``: attributes of files as chattr sets them, such as 16 for an
    immutable one. ``owners``: uid of files. ``plain_user``: the module's process has no rights of root. ``full``: there
    is no space left. ``no_pauses``: pauses take no time.
    """
    if options.get("no_pauses"):
        _replace(time, "sleep", lambda _seconds: None)
    if options.get("full"):
        _replace(os, "statvfs", lambda _fd: SimpleNamespace(f_blocks=100, f_bfree=1, f_bavail=1, f_frsize=4096))
    if options.get("plain_user"):
        _drop_capabilities()
    inodes = {Path(path).lstat().st_ino: uid for path, uid in options.get("owners", {}).items()}
    if inodes:
        _show_owners(inodes)
    if options.get("mounted"):
        _mount(options["mounted"])
    if options.get("flags"):
        _set_flags({Path(path).stat().st_ino: flags for path, flags in options["flags"].items()})


def _replace(place: Any, name: str, replacement: Any) -> None:
    setattr(place, name, replacement)


def _drop_capabilities() -> None:
    """Let root be a user like any other. Without root's rights there is nothing to drop."""
    header = struct.pack("Ii", _CAPABILITIES_VERSION, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.syscall(_CAPSET, header, bytes(24)) == 0, os.strerror(ctypes.get_errno())


def _show_owners(owners: dict[int, int]) -> None:
    def shown(found: os.stat_result) -> os.stat_result:
        if found.st_ino not in owners:
            return found
        fields = list(found)
        fields[stat.ST_UID] = owners[found.st_ino]
        return os.stat_result(fields)

    real_stat, real_fstat = os.stat, os.fstat
    _replace(os, "stat", lambda *arguments, **options: shown(real_stat(*arguments, **options)))
    _replace(os, "fstat", lambda fd: shown(real_fstat(fd)))


def _mount(paths: list[str]) -> None:
    real_open, real_rename, real_link, real_unlink = builtins.open, os.rename, os.link, os.unlink
    names = {Path(path).name for path in paths}
    lines = "".join(f"36 35 98:0 / {path} rw,noatime - ext4 /dev/vda rw\n" for path in paths)

    def opened(file: Any, *arguments: Any, **options: Any) -> Any:
        return io.StringIO(lines) if file == _MOUNTS else real_open(file, *arguments, **options)

    def renamed(source: Any, target: Any, **options: Any) -> None:
        if target in names:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        real_rename(source, target, **options)

    def linked(source: Any, target: Any, **options: Any) -> None:
        if source in names:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real_link(source, target, **options)

    def unlinked(name: Any, **options: Any) -> None:
        if name in names:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        real_unlink(name, **options)

    _replace(builtins, "open", opened)
    _replace(os, "rename", renamed)
    _replace(os, "link", linked)
    _replace(os, "unlink", unlinked)


def _set_flags(flags: dict[int, int]) -> None:
    real_ioctl, real_rename = fcntl.ioctl, os.rename

    def ioctl(fd: int, request: int, argument: Any = 0) -> Any:
        found = os.fstat(fd).st_ino
        return struct.pack("i", flags[found]) + bytes(4) if found in flags else real_ioctl(fd, request, argument)

    def renamed(source: Any, target: Any, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        inodes = {os.fstat(dst_dir_fd).st_ino}
        if os.path.lexists(f"/proc/self/fd/{dst_dir_fd}/{target}"):
            inodes.add(os.stat(target, dir_fd=dst_dir_fd).st_ino)
        if inodes & flags.keys():
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        real_rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    _replace(fcntl, "ioctl", ioctl)
    _replace(os, "rename", renamed)
