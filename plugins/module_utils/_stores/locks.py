# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Locks that keep two runs away from the same secret files, whichever controllers they come from."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import time
from typing import Callable, Iterable, Iterator

from .._core.errors import LocalFileError
from .descriptors import close_flushed
from .directory import Directory
from .permissions import PRIVATE_MODE
from .secret_file import SecretFile
from .writers import DRAFT_PATTERN

# Seconds between two attempts to take a lock that another run holds.
_POLL_INTERVAL = 0.2

# Why there can be no lock although the file may be readable, or even writable in place.
_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG)


@contextlib.contextmanager
def locked(
    files: Iterable[SecretFile], timeout: float = 60.0, sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Keep other runs away from these files while the context lasts.

    The lock is a file beside each, which only the user of the module and root can open, so that nobody else can hold
    it. It is removed at the end, and one that a killed run left is taken over. Without locks, such as in a directory
    that the module cannot write, runs are not kept apart. Raises LocalFileError if another run holds a lock for longer
    than ``timeout`` seconds.

    The holder of a lock removes the drafts of the file: only a killed run can have left them.
    """
    with contextlib.ExitStack() as stack:
        places: dict[tuple[int, int, str], tuple[SecretFile, Directory]] = {}
        for file in files:
            directory = stack.enter_context(file.directory())
            status = directory.status
            places[status.st_dev, status.st_ino, file.name] = file, directory
        # Every run locks in the same order, so that no two runs wait for each other.
        for _place, (file, directory) in sorted(places.items(), key=lambda item: item[0]):
            stack.enter_context(_Lock(file, directory, timeout, sleep))
        yield


class _Lock:
    """The lock of one file."""

    def __init__(self, file: SecretFile, directory: Directory, timeout: float, sleep: Callable[[float], None]) -> None:
        self._file = file
        self._directory = directory
        self._timeout = timeout
        self._sleep = sleep
        self._name = f".{file.name}.lock"
        self._fd = -1
        self._is_locked = False  # else the file system has no locks

    def __enter__(self) -> None:
        waited = 0.0
        while not self._try():
            if waited >= self._timeout:
                raise LocalFileError(
                    f"Another run has held the lock {self._directory.path}/{self._name} for {self._timeout:g} s. Look "
                    "for it, or try again later. If there is no such run, remove the lock"
                )
            self._sleep(_POLL_INTERVAL)
            waited += _POLL_INTERVAL

    def __exit__(self, *_exception: object) -> None:
        if self._fd < 0:
            return
        if self._is_locked:
            _remove_drafts(self._directory, self._file)
        # Removed while it is held: who waits for it notices that it is gone, and makes a new one.
        self._remove(self._fd, if_unknown=True)
        close_flushed(self._fd)

    def _remove(self, fd: int, *, if_unknown: bool) -> None:
        """Remove the lock if it is this file. ``if_unknown``: also if the file cannot be examined."""
        is_own = if_unknown
        with contextlib.suppress(OSError):
            is_own = self._directory.holds(self._name, fd)
        with contextlib.suppress(OSError):
            if is_own:
                self._directory.unlink(self._name)

    def _try(self) -> bool:
        """Whether this run has the lock now, or there can be none."""
        try:
            fd = self._open()
            return self._take(fd) if fd >= 0 else self._directory.stat(self._name) is None
        except OSError as error:
            raise self._file.error(f"cannot be locked: {self._name} next to it: {error.strerror}") from None

    def _open(self) -> int:
        """A descriptor of the lock; -1 if it is that of another user, or if the directory cannot be written."""
        try:
            return self._directory.open(self._name, os.O_RDWR | os.O_CREAT, PRIVATE_MODE)
        except OSError as error:
            if error.errno in _UNWRITABLE:
                return -1
            raise

    def _take(self, fd: int) -> bool:
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_size:
                raise self._file.error(f"cannot be locked: {self._name} next to it is not a lock. Remove it")
            is_locked = _flock(fd)
            # It was removed by the run that this one waited for, and may be another file by now.
            if is_locked and self._is_current(fd):
                _remove_drafts(self._directory, self._file)
                self._fd, self._is_locked = fd, True
            elif is_locked is None:
                self._fd = fd
        finally:
            if self._fd != fd:
                close_flushed(fd)
        return self._fd == fd

    def _is_current(self, fd: int) -> bool:
        """Whether the locked file still has the name of the lock."""
        try:
            return self._directory.holds(self._name, fd)
        except OSError:
            # The run ends here, and leaves no lock behind.
            self._remove(fd, if_unknown=False)
            raise


def _flock(fd: int) -> bool | None:
    """Whether the lock was taken; None on a file system without locks."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _remove_drafts(directory: Directory, file: SecretFile) -> None:
    """Remove what a killed run left of this file: its drafts, which may have the file's owner already."""
    pattern = re.compile(re.escape(f".{file.name}") + DRAFT_PATTERN)
    for draft in filter(pattern.fullmatch, directory.names()):
        with contextlib.suppress(OSError):
            owners, found = file.owners(directory), directory.stat(draft)
            if found is not None and stat.S_ISREG(found.st_mode) and found.st_uid in owners:
                directory.unlink(draft)
