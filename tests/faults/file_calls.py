# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wraps the system calls of files in the process of a module. Only entries of the folder of the stores are covered.

The module works on descriptors. So each descriptor that it opens is known by its path, and names are looked up in the
directory of the descriptor that comes with them.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import stat
from collections.abc import Callable
from pathlib import Path, PurePath
from types import SimpleNamespace
from typing import Any

from .fault_injection import FaultInjector, replace_function

_MOUNTS = "/proc/self/mountinfo"

# The calls whose first argument is a descriptor, with the name of the operation.
_ON_DESCRIPTORS = {
    "pread": "read",
    "ftruncate": "truncate",
    "fchmod": "chmod",
    "listxattr": "list-attributes",
    "getxattr": "get-attribute",
    "setxattr": "set-attribute",
    "removexattr": "set-attribute",
}


class FileCalls:
    """Wraps the file functions of Python."""

    def __init__(self, injector: FaultInjector) -> None:
        self._injector = injector
        self._paths: dict[int, str] = {}
        # Files that are open for writing, and drafts that have their owner.
        self._writable: set[int] = set()
        self._owned: set[int] = set()
        self._real_fstat = os.fstat

    def install(self) -> None:
        self._wrap_open()
        self._wrap_close()
        self._wrap_name("stat", "stat", self._raise)
        self._wrap_name("access", "access", lambda _error: False)
        self._wrap_name("unlink", "unlink", self._raise)
        self._wrap_names("rename")
        self._wrap_names("link")
        for call, name in _ON_DESCRIPTORS.items():
            self._wrap_descriptor(call, name)
        self._wrap_pwrite()
        self._wrap_fsync()
        self._wrap_owner()
        self._wrap_descriptor("statvfs", "statvfs", self._full_disk)
        self._wrap_descriptor("listdir", "listdir")
        self._wrap_flock()
        self._wrap_mounts()

    @staticmethod
    def _raise(error: OSError) -> Any:
        raise error

    def _path(self, name: Any, directory: int | None) -> str | None:
        """The path of a name in an open directory, if it is known."""
        if isinstance(name, int):
            return self._paths.get(name)
        path = PurePath(os.fsdecode(name))
        if directory in self._paths:
            path = PurePath(self._paths[directory]) / path
        return str(path) if path.is_absolute() else None

    def _covered(self, name: Any, directory: int | None) -> str | None:
        path = self._path(name, directory)
        return path if path and self._injector.covers(path) else None

    def _wrap_open(self) -> None:
        real = os.open

        def wrapped(name: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            path = self._path(name, dir_fd)
            changes = flags & (os.O_WRONLY | os.O_RDWR)
            if path and self._injector.covers(path):
                operation = "create" if flags & os.O_CREAT else "open-to-write" if changes else "open"
                label = self._injector.label(path)
                fd = int(self._injector.step(operation, label, lambda: real(name, flags, mode, dir_fd=dir_fd)))
                if changes:
                    self._writable.add(fd)
            else:
                fd = real(name, flags, mode, dir_fd=dir_fd)
            if path:
                self._paths[fd] = path
            return fd

        replace_function(os, "open", wrapped)

    def _wrap_close(self) -> None:
        real = os.close

        def wrapped(fd: int) -> None:
            path, is_writable = self._paths.pop(fd, None), fd in self._writable
            self._writable.discard(fd)
            self._owned.discard(fd)
            if path is None or not is_writable:
                return real(fd)
            # A failing close closes the file, too.
            self._injector.step("close", self._injector.label(path), lambda: real(fd), on_error=lambda: real(fd))
            return None

        replace_function(os, "close", wrapped)

    def _wrap_name(self, call: str, operation: str, failed: Callable[[OSError], Any]) -> None:
        real = getattr(os, call)

        def wrapped(name: Any, *arguments: Any, dir_fd: int | None = None, **options: Any) -> Any:
            def act() -> Any:
                return real(name, *arguments, dir_fd=dir_fd, **options)

            path = None if isinstance(name, int) else self._covered(name, dir_fd)
            if path is None:
                return act()
            return self._injector.step(operation, self._injector.label(path), act, failed=failed)

        replace_function(os, call, wrapped)
        if call == "access":
            # The module asks which functions take these options.
            replace_function(os, "supports_effective_ids", {wrapped})

    def _wrap_names(self, call: str) -> None:
        real = getattr(os, call)

        def wrapped(source: Any, target: Any, **options: Any) -> Any:
            paths = (
                self._covered(source, options.get("src_dir_fd")),
                self._covered(target, options.get("dst_dir_fd")),
            )
            known = [path for path in paths if path]
            if not known:
                return real(source, target, **options)
            label = self._injector.label(*known)
            return self._injector.step(call, label, lambda: real(source, target, **options))

        replace_function(os, call, wrapped)

    def _wrap_descriptor(self, call: str, operation: str, failed: Callable[[OSError], Any] | None = None) -> None:
        real = getattr(os, call)

        def wrapped(fd: Any, *arguments: Any) -> Any:
            path = self._covered(fd, None) if isinstance(fd, int) else None
            if path is None:
                return real(fd, *arguments)
            label = self._injector.label(path)
            return self._injector.step(operation, label, lambda: real(fd, *arguments), failed=failed or self._raise)

        replace_function(os, call, wrapped)

    def _full_disk(self, error: OSError) -> Any:
        if error.errno == errno.ENOSPC:
            return SimpleNamespace(f_blocks=1, f_bfree=0, f_bavail=0, f_frsize=1)
        raise error

    def _wrap_pwrite(self) -> None:
        real = os.pwrite

        def wrapped(fd: int, data: Any, offset: int) -> int:
            path = self._covered(fd, None)
            if path is None:
                return real(fd, data, offset)
            part = data[: len(data) // 2]
            label = self._injector.label(path)
            return int(
                self._injector.step(
                    "write", label, lambda: real(fd, data, offset), on_error=lambda: real(fd, part, offset)
                )
            )

        replace_function(os, "pwrite", wrapped)

    def _wrap_fsync(self) -> None:
        real = os.fsync

        def wrapped(fd: int) -> None:
            path = self._covered(fd, None)
            if path is None:
                return real(fd)
            # Not executed: fsync matters only for power failures, which tests cannot show.
            self._injector.step("fsync", self._injector.label(path), lambda: None)
            return None

        replace_function(os, "fsync", wrapped)

    def _wrap_owner(self) -> None:
        """Let the system give each draft another group, as in a directory with the setgid bit."""
        real = os.fchown

        def changed(fd: int, uid: int, gid: int) -> None:
            path = self._covered(fd, None)
            if path is None:
                return real(fd, uid, gid)
            self._injector.step("chown", self._injector.label(path), lambda: real(fd, uid, gid))
            self._owned.add(fd)
            return None

        def shown(fd: int) -> os.stat_result:
            found = self._real_fstat(fd)
            path = self._covered(fd, None)
            if path is None or not path.endswith(".draft") or fd not in self._writable or fd in self._owned:
                return found
            fields = list(found)
            fields[stat.ST_GID] += 1
            return os.stat_result(fields)

        replace_function(os, "fchown", changed)
        replace_function(os, "fstat", shown)

    def _wrap_flock(self) -> None:
        real = fcntl.flock

        def wrapped(fd: int, operation: int) -> None:
            path = self._covered(fd, None)
            if path is None:
                return real(fd, operation)
            self._injector.step("flock", self._injector.label(path), lambda: real(fd, operation))
            return None

        replace_function(fcntl, "flock", wrapped)

    def _wrap_mounts(self) -> None:
        """Show every store as a mount point, where the fault says so."""
        real = builtins.open

        def wrapped(file: Any, *arguments: Any, **options: Any) -> Any:
            if file != _MOUNTS:
                return real(file, *arguments, **options)
            return self._injector.step(
                "mounts", "of the folder", lambda: real(file, *arguments, **options), failed=self._mounted
            )

        replace_function(builtins, "open", wrapped)

    def _mounted(self, error: OSError) -> Any:
        if error.errno != errno.EBUSY:
            raise error
        stores = [path for path in Path(self._injector.folder).iterdir() if not path.name.startswith(".")]
        return io.StringIO("".join(f"1 1 8:0 / {path} rw - ext4 x rw\n" for path in stores))
