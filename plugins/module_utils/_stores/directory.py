# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The directory of a secret file, opened once: no part of a path is resolved twice, so nobody can swap it meanwhile.

A symbolic link in the path is followed only if root or the user of the module made it and nobody else could have put it
there. Any other link would let its owner decide where a secret is written.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import stat
import struct
from typing import Any

from .._core.errors import LocalFileError
from .descriptors import close_flushed

_MAX_LINKS = 40
# A descriptor that needs no permission to read the directory, where the system has it.
_OPEN_DIRECTORY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

# FS_IOC_GETFLAGS of Linux, which has another number on POWER, and the flags that keep even root from replacing a file.
_READS = 1 if platform.machine().startswith("ppc") else 2
_GET_FLAGS = (_READS << 30) | (struct.calcsize("l") << 16) | (ord("f") << 8) | 1
_IMMUTABLE = 0x10
_APPEND_ONLY = 0x20


class Directory:
    """An open directory. Names are those of its entries; no method follows a symbolic link."""

    def __init__(self, path: str, option: str) -> None:
        """Open it. Raises LocalFileError, naming ``option``, if it does not exist or cannot be trusted."""
        self.path = path
        self._option = option
        self.fd = self._open_trusted(path)

    def close(self) -> None:
        os.close(self.fd)

    @property
    def status(self) -> os.stat_result:
        return os.fstat(self.fd)

    def stat(self, name: str) -> os.stat_result | None:
        """The entry itself, also if it is a symbolic link; None if there is none."""
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def holds(self, name: str, fd: int) -> bool:
        """Whether the entry is the file of this descriptor, and not another one that was put in its place."""
        found = self.stat(name)
        return found is not None and os.path.samestat(found, os.fstat(fd))

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        """A descriptor of an entry. Never follows a link, and never waits for the other end of a pipe."""
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, mode, dir_fd=self.fd)

    def rename(self, source: str, target: str) -> None:
        os.rename(source, target, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def link(self, source: str, target: str) -> None:
        os.link(source, target, src_dir_fd=self.fd, dst_dir_fd=self.fd, follow_symlinks=False)

    def unlink(self, name: str) -> None:
        os.unlink(name, dir_fd=self.fd)

    def names(self) -> list[str]:
        """All entries; none if the directory cannot be read."""
        with contextlib.suppress(OSError), self._readable() as fd:
            return os.listdir(fd)
        return []

    def sync(self) -> None:
        """Make renames durable, where the file system can."""
        with contextlib.suppress(OSError), self._readable() as fd:
            os.fsync(fd)

    def is_writable(self) -> bool:
        """Whether the user of the module may create and rename entries."""
        effective = os.access in os.supports_effective_ids
        return os.access(".", os.W_OK | os.X_OK, dir_fd=self.fd, effective_ids=effective)

    def free_bytes(self) -> int | None:
        """The space that the user of the module can use; None for a file system without a limit."""
        try:
            disk = os.statvfs(self.fd)
        except OSError:
            return None
        blocks = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail
        return blocks * disk.f_frsize if disk.f_blocks else None

    def is_mount_point(self, name: str) -> bool:
        """Whether something is mounted on the entry, such as a single file in a container."""
        with contextlib.suppress(OSError):
            # The system names mount points by their path without links.
            path = os.path.join(os.readlink(f"/proc/self/fd/{self.fd}"), name)
            with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
                return any(_unescape(line.split(" ")[4]) == path for line in file)
        return False

    def protection(self, name: str = ".") -> str | None:
        """The attribute that keeps everybody from replacing the entry: immutable, append-only, or None."""
        try:
            fd = self.open(name, os.O_RDONLY)
        except OSError:
            return None
        try:
            (flags,) = struct.unpack("i", fcntl.ioctl(fd, _GET_FLAGS, bytes(struct.calcsize("l")))[:4])
        except OSError:
            return None
        finally:
            close_flushed(fd)
        return "immutable" if flags & _IMMUTABLE else "append-only" if flags & _APPEND_ONLY else None

    @contextlib.contextmanager
    def _readable(self) -> Any:
        fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.fd)
        try:
            yield fd
        finally:
            os.close(fd)

    def _open_trusted(self, path: str) -> int:
        """Open the directory part by part, without following a link of another user."""
        parts, seen, links = _parts(path), "/", 0
        fd = os.open("/", _OPEN_DIRECTORY)
        try:
            while parts:
                part = parts.pop(0)
                here = os.path.join(seen, part)
                target = self._link_target(fd, part, here)
                if target is None:
                    opened, seen = self._open_part(fd, part, here), here
                elif links >= _MAX_LINKS:
                    raise LocalFileError(f"{self._option}: {path} holds too many symbolic links")
                else:
                    links, parts = links + 1, _parts(target) + parts
                    if not target.startswith("/"):
                        continue
                    opened, seen = os.open("/", _OPEN_DIRECTORY), "/"
                os.close(fd)
                fd = opened
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _open_part(self, fd: int, part: str, here: str) -> int:
        try:
            return os.open(part, _OPEN_DIRECTORY, dir_fd=fd)
        except FileNotFoundError:
            raise LocalFileError(f"{self._option}: the directory {here} does not exist. Create it first") from None
        except NotADirectoryError:
            raise LocalFileError(f"{self._option}: {here} is not a directory") from None
        except OSError as error:
            raise LocalFileError(f"{self._option}: the directory {here} cannot be opened: {error.strerror}") from None

    def _link_target(self, fd: int, part: str, here: str) -> str | None:
        """The target of a symbolic link that may be followed; None for anything else."""
        try:
            found = os.stat(part, dir_fd=fd, follow_symlinks=False)
            if not stat.S_ISLNK(found.st_mode):
                return None
            if not _is_trusted(found, os.fstat(fd)):
                raise LocalFileError(
                    f"{self._option}: {here} is a symbolic link that another user could have put there, to redirect "
                    "the secret. Use the path that it points to"
                )
            return os.readlink(part, dir_fd=fd)
        except OSError:
            return None  # opening it reports the error


def _is_trusted(link: os.stat_result, directory: os.stat_result) -> bool:
    """Whether root or the user of the module made the link for this place."""
    trusted = (0, os.geteuid())
    if link.st_uid not in trusted:
        return False
    # A hard link to root's symbolic link still belongs to root, but whoever may write to the directory can make it.
    others_can_write = directory.st_uid not in trusted or bool(directory.st_mode & 0o022)
    return link.st_nlink == 1 or not others_can_write


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _unescape(path: str) -> str:
    """A path as /proc/self/mountinfo writes it, with its octal escapes replaced."""
    for escaped, plain in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        path = path.replace(escaped, plain)
    return path
