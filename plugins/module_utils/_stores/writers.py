# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""The two ways to write a secret file: a draft that replaces the file in one step, or a write in place.

Each prepares, before a secret is minted, all of the write but its content. Both work on descriptors that they opened
themselves: whoever can write to the directory can make a write fail, but not redirect it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from typing import Protocol

from .descriptors import close_flushed, read_all, replace_content
from .directory import Directory
from .file_attributes import copy_attributes, has_acl
from .permissions import PRIVATE_MODE, Target

# Bytes that are reserved in addition to the present size.
RESERVED_BYTES = 16384
DRAFT_PATTERN = r"\.[0-9a-f]{8}\.draft"


class Unwritable(Exception):
    """Why a file cannot be written, as the end of a sentence, where the system reports no error."""


_SWAPPED = (
    "was replaced by somebody else while it was written, or its draft was. Nothing was delivered. Check who may write "
    "to its directory"
)


class Writer(Protocol):
    """One write of one file. Methods raise OSError, or Unwritable."""

    def prepare(self) -> None:
        """Do all of the write but its content."""

    def commit(self, data: bytes) -> None:
        """Write the content."""

    def wrote(self, found: os.stat_result) -> bool:
        """Whether this is the file that ``commit`` wrote."""

    def restore(self) -> None:
        """Bring the former content back, as far as the write is still in place."""

    def discard(self) -> None:
        """Remove what is left beside the file. Always the last call."""


class Draft:
    """The next content of a file, in a file beside it that replaces it in one step."""

    def __init__(self, directory: Directory, name: str, target: Target, found: os.stat_result | None) -> None:
        """``found``: the present file, to which ``target`` refers."""
        self._directory = directory
        self._name = name
        self._target = target
        self._found = found
        self._draft, self._fd = self._create()
        self._former = ""  # another name of the former file, until the new one is read back

    def prepare(self) -> None:
        """Reserve the space, set owner, mode and attributes, and rehearse what ``commit`` does."""
        replace_content(self._fd, bytes(RESERVED_BYTES + (self._found.st_size if self._found else 0)))
        self._keep_former()
        self._set_permissions()
        self._rehearse()

    def commit(self, data: bytes) -> None:
        replace_content(self._fd, data)
        if not self._directory.holds(self._draft, self._fd) or os.fstat(self._fd).st_nlink != 1:
            raise Unwritable(_SWAPPED)
        self._directory.rename(self._draft, self._name)
        self._draft = ""
        self._directory.sync()

    def wrote(self, found: os.stat_result) -> bool:
        return os.path.samestat(found, os.fstat(self._fd))

    def restore(self) -> None:
        with contextlib.suppress(OSError):
            if self._directory.holds(self._name, self._fd):
                if self._former:
                    self._directory.rename(self._former, self._name)
                elif self._found is None:
                    self._directory.unlink(self._name)
            else:
                # Somebody took the file away: no secret is left in it.
                os.ftruncate(self._fd, 0)

    def discard(self) -> None:
        if self._draft:
            # Also for a draft that somebody took away.
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
        close_flushed(self._fd)
        self._remove(self._draft)
        self._remove(self._former)

    def _create(self) -> tuple[str, int]:
        while True:
            name = draft_name(self._name)
            with contextlib.suppress(FileExistsError):
                return name, self._directory.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)

    def _rehearse(self) -> None:
        """Replace an empty file by the draft, as the draft will replace the file, and read it back."""
        name, fd = self._create()
        try:
            self._directory.rename(self._draft, name)
            self._draft, name = name, ""
        finally:
            self._remove(name)
            os.close(fd)
        # Read back, which the new owner and mode must not prevent.
        fd = self._directory.open(self._draft, os.O_RDONLY)
        try:
            read_all(fd, RESERVED_BYTES)
        finally:
            close_flushed(fd)

    def _remove(self, name: str) -> None:
        if name:
            with contextlib.suppress(OSError):
                self._directory.unlink(name)

    def _keep_former(self) -> None:
        """Keep the former file under another name, where the file system and its owner allow that."""
        if self._found is None:
            return
        former = draft_name(self._name)
        try:
            self._directory.link(self._name, former)
            self._former = former
        except OSError as error:
            # The file is on another mount than its directory, so it cannot be renamed either.
            if error.errno == errno.EXDEV:
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY)) from None

    def _set_permissions(self) -> None:
        mode = self._target.mode
        if not self._target.owned(os.fstat(self._fd)):
            os.fchown(self._fd, self._target.uid, self._target.gid)
        if self._found is not None:
            source = self._directory.open(self._name, os.O_RDONLY)
            try:
                self._copy_attributes(source)
            finally:
                close_flushed(source)
            if has_acl(self._fd):
                # The group's bits of the mode are the list's mask.
                mode = mode & ~0o070 | os.fstat(self._fd).st_mode & 0o070
        if stat.S_IMODE(os.fstat(self._fd).st_mode) != mode:
            os.fchmod(self._fd, mode)
        if not self._target.matches(os.fstat(self._fd), has_acl=has_acl(self._fd)):
            raise Unwritable("is on a file system that does not keep its owner or mode. Deliver to another one")

    def _copy_attributes(self, source: int) -> None:
        status = os.fstat(source)
        if self._found is None or not os.path.samestat(status, self._found):
            raise Unwritable(_SWAPPED)
        try:
            # A list that another owner made may name anybody.
            copy_attributes(source, self._fd, with_acl=status.st_uid == os.fstat(self._fd).st_uid)
        except OSError as error:
            raise Unwritable(
                f"cannot be written: its access control list or label cannot be kept: {error.strerror}. Compare "
                "getfattr -m - of the file, or remove the file if they do not matter"
            ) from None


class InPlace:
    """A write to a file that cannot be replaced: by one call, so that a killed run leaves the old or the new text."""

    def __init__(self, directory: Directory, name: str, found: os.stat_result) -> None:
        self._fd = directory.open(name, os.O_RDWR)
        self._found = found
        self._former = b""

    def prepare(self) -> None:
        """Rehearse the write with the present content."""
        status = os.fstat(self._fd)
        if not os.path.samestat(status, self._found) or not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise Unwritable(_SWAPPED)
        self._former = read_all(self._fd, status.st_size)
        self._write(self._former)

    def commit(self, data: bytes) -> None:
        try:
            self._write(data)
        except OSError:
            self.restore()
            raise

    def wrote(self, found: os.stat_result) -> bool:
        return os.path.samestat(found, os.fstat(self._fd))

    def restore(self) -> None:
        with contextlib.suppress(OSError):
            replace_content(self._fd, self._former)

    def discard(self) -> None:
        close_flushed(self._fd)

    def _write(self, data: bytes) -> None:
        # Line breaks cover what was longer: every format ignores them at the end.
        padded = data.ljust(len(self._former), b"\n")
        if padded and os.pwrite(self._fd, padded, 0) != len(padded):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(self._fd, len(data))
        os.fsync(self._fd)


def draft_name(name: str) -> str:
    """A new name for a draft of the file. Whoever holds the file's lock removes such files."""
    return f".{name}.{secrets.token_hex(4)}.draft"
