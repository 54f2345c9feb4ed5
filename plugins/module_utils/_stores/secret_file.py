# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Files that hold secrets. This is the one place that reads, writes, locks and removes them.

A file is replaced in one step by a draft beside it, through descriptors of its directory and of the draft, so that a
user who can write to the directory cannot redirect what is written. Whatever can be known of the write is checked
before a secret is minted, by ``check``, which changes nothing, and by ``prepare``, which makes the draft with owner and
mode.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import stat
import time
from typing import Callable, Iterable, Iterator

from .._core.errors import LocalFileError
from .directory import Directory
from .permissions import PRIVATE_MODE, Permissions, may_replace_in_sticky_directory

# Bytes that are reserved on the disk before a secret is minted.
_RESERVED_BYTES = 16384
_MAX_NAME_LENGTH = 255

# Seconds between two attempts to take a lock that another run holds.
_POLL_INTERVAL = 0.2

_ACL = "system.posix_acl_access"
# Checksums of the content, which belong to the old content alone.
_CONTENT_ATTRIBUTES = ("security.ima", "security.evm")


class SecretFile:
    """One file that holds secrets. Every method raises LocalFileError, naming ``option`` and the path."""

    def __init__(
        self, path: str, option: str, permissions: Permissions | None = None, *, unsafe_writes: bool = False
    ) -> None:
        """``unsafe_writes``: write a file in place that cannot be replaced, such as one that is a mount point."""
        self.path = path
        self._option = option
        self._permissions = permissions or Permissions()
        self._unsafe_writes = unsafe_writes
        self._draft: _Draft | _InPlace | None = None

    # --- looking

    def check(self) -> None:
        """Raise if the file cannot be written as declared. Changes nothing."""
        with self._directory() as directory:
            self._check(directory)

    def read(self) -> str | None:
        """The text of the file, or None if there is none."""
        with self._directory() as directory:
            data = self._read(directory)
        try:
            return None if data is None else data.decode("utf-8")
        except UnicodeDecodeError:
            raise self._error("is not a text file") from None

    def permissions_match(self) -> bool:
        """Whether owner and mode are the declared ones; true if there is no file."""
        with self._directory() as directory:
            found = directory.stat(self._name)
            return found is None or self._permissions.match(found, has_acl=self._has_acl(directory))

    def warnings(self) -> list[str]:
        """What the user should know of the file although it can be written."""
        with self._directory() as directory:
            found = directory.stat(self._name)
            opened = os.fstat(directory.fd)
        warnings = []
        if found is not None and found.st_nlink > 1 and not self._unsafe_writes:
            warnings.append(
                f"{self.path} has {found.st_nlink} hard links. Only this name gets the new secret; the others, or a "
                "container that mounts the single file, keep the old one. Mount the directory instead."
            )
        if found is not None and self._permissions.resolve(found)[0] & 0o004:
            warnings.append(f"{self.path} can be read by every user of the target.")
        if opened.st_mode & stat.S_IWOTH and not opened.st_mode & stat.S_ISVTX:
            warnings.append(f"The directory of {self.path} can be written by every user, who can replace the secret.")
        return warnings

    # --- writing

    @contextlib.contextmanager
    def prepare(self) -> Iterator[None]:
        """Do all of a write but its content, before a secret is minted. Nothing is left if it is not replaced."""
        with self._directory() as directory:
            try:
                found = self._check(directory)
                in_place = self._needs_unsafe_write(directory, found)
                self._draft = _InPlace(directory, self._name) if in_place else _Draft(directory, self._name)
                self._draft.prepare(self._permissions, found)
            except OSError as error:
                self._discard()
                raise self._error(f"cannot be written: {error.strerror}") from None
            except BaseException:
                self._discard()
                raise
            try:
                yield
            finally:
                self._discard()

    def replace(self, text: str) -> None:
        """Put this text in the file's place and read it back. Only inside of ``prepare``, once."""
        if self._draft is None:
            raise self._error("was not prepared, or was written already")
        data = text.encode("utf-8")
        try:
            self._draft.commit(data)
            self._confirm(data)
        except OSError as error:
            raise self._error(f"cannot be written: {error.strerror}") from None
        finally:
            self._discard()

    def write(self, text: str) -> None:
        """Replace the file by this text, without a secret that is minted meanwhile."""
        with self.prepare():
            self.replace(text)

    def remove(self) -> bool:
        """Remove the file; returns false if there was none."""
        with self._directory() as directory:
            found = directory.stat(self._name)
            if found is None:
                return False
            self._require_regular(found)
            try:
                directory.unlink(self._name)
            except OSError as error:
                raise self._error(f"cannot be removed: {error.strerror}") from None
            return True

    # --- details

    @property
    def _name(self) -> str:
        return os.path.basename(self.path)

    def _error(self, problem: str) -> LocalFileError:
        return LocalFileError(f"{self._option}: {self.path} {problem}")

    @contextlib.contextmanager
    def _directory(self) -> Iterator[Directory]:
        if not os.path.isabs(self.path) or not self._name or "\0" in self.path:
            raise LocalFileError(f"{self._option} must be the absolute path of a file, not '{self.path}'")
        directory = Directory(os.path.dirname(self.path), self._option)
        try:
            yield directory
        finally:
            directory.close()

    def _require_regular(self, found: os.stat_result) -> None:
        if stat.S_ISLNK(found.st_mode):
            raise self._error(
                "is a symbolic link. Use the path that it points to, so that no other file is overwritten"
            )
        if not stat.S_ISREG(found.st_mode):
            raise self._error("is not a regular file")

    def _read(self, directory: Directory) -> bytes | None:
        try:
            fd = directory.open(self._name, os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError as error:
            found = directory.stat(self._name)
            if found is not None:
                self._require_regular(found)
            raise self._error(f"cannot be read: {error.strerror}") from None
        with os.fdopen(fd, "rb") as file:
            self._require_regular(os.fstat(fd))
            try:
                return file.read()
            except OSError as error:
                raise self._error(f"cannot be read: {error.strerror}") from None

    def _check(self, directory: Directory) -> os.stat_result | None:
        """Raise what is known to prevent the write; returns the present file's status."""
        try:
            found = directory.stat(self._name)
        except OSError as error:
            raise self._error(f"cannot be examined: {error.strerror}") from None
        if found is not None:
            self._require_regular(found)
        if self._needs_unsafe_write(directory, found):
            self._check_in_place(directory, found)
        else:
            self._check_replaceable(directory, found)
        return found

    def _needs_unsafe_write(self, directory: Directory, found: os.stat_result | None) -> bool:
        """Whether only writing in place can work, because the file cannot be replaced by another one."""
        if found is None:
            return False
        return directory.is_mount_point(self._name) or (self._unsafe_writes and not directory.is_writable())

    def _check_in_place(self, directory: Directory, found: os.stat_result | None) -> None:
        if not self._unsafe_writes:
            raise self._error(
                "is a mount point and cannot be replaced. Set unsafe_writes: true to write it in place, or mount its "
                "directory"
            )
        if found is not None and not self._permissions.match(found, has_acl=self._has_acl(directory)):
            raise self._error("is written in place, so its owner and mode cannot be changed. Declare those it has")
        try:
            os.close(directory.open(self._name, os.O_RDWR))
        except OSError as error:
            raise self._error(f"cannot be written: {error.strerror}") from None

    def _check_replaceable(self, directory: Directory, found: os.stat_result | None) -> None:
        if not directory.is_writable():
            raise self._error(
                "cannot be written: its directory is not writable for the user of the module (or read-only)"
            )
        flag = directory.locked_flag() or (directory.locked_flag(self._name) if found else None)
        if flag:
            raise self._error(f"cannot be replaced: it, or its directory, is {flag} (lsattr shows it)")
        if found is not None and not may_replace_in_sticky_directory(os.fstat(directory.fd), found):
            raise self._error("belongs to another user, and the sticky bit of its directory protects it")
        obstacle = self._permissions.obstacle(found)
        if obstacle:
            raise self._error(f"cannot be written as declared: {obstacle}")
        if len(os.fsencode(_draft_name(self._name))) > _MAX_NAME_LENGTH:
            raise self._error("has a name that is too long for a draft beside it")
        self._check_space(directory)

    def _check_space(self, directory: Directory) -> None:
        try:
            disk = os.statvfs(f"/proc/self/fd/{directory.fd}")
        except OSError:
            return
        blocks = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail
        # File systems without a size report no blocks at all.
        if disk.f_blocks and blocks * disk.f_frsize < _RESERVED_BYTES:
            raise self._error("cannot be written: no space left on its file system")

    def _has_acl(self, directory: Directory) -> bool:
        try:
            fd = directory.open(self._name, os.O_RDONLY)
        except OSError:
            return False
        try:
            return _ACL in os.listxattr(fd)
        except OSError:
            return False
        finally:
            os.close(fd)

    def _confirm(self, data: bytes) -> None:
        """Read the file back by its path, as a consumer does. Restores the former content if it is not as written."""
        with self._directory() as directory:
            if self._read(directory) == data:
                return
        if self._draft is not None:
            self._draft.restore()
        raise self._error("does not hold what was written. Check whether something else writes it")

    def _discard(self) -> None:
        draft, self._draft = self._draft, None
        if draft is not None:
            draft.discard()


class _Draft:
    """The next content of a file, in a file beside it until it replaces the file in one step."""

    def __init__(self, directory: Directory, name: str) -> None:
        self._directory = directory
        self._name = name
        self._drafts: dict[str, int] = {}  # names of drafts with their descriptors
        self._former = ""  # another name of the former file, until the new one is read back

    def prepare(self, permissions: Permissions, found: os.stat_result | None) -> None:
        """Create the draft with its space, owner, mode and attributes, and rehearse the rename."""
        rehearsed, draft = self._create(), self._create()
        _write_all(self._drafts[draft], b"\0" * _RESERVED_BYTES)
        os.fsync(self._drafts[draft])
        self._apply(self._drafts[draft], permissions, found)
        self._directory.rename(draft, rehearsed)
        os.close(self._drafts[rehearsed])
        self._drafts = {rehearsed: self._drafts[draft]}

    def commit(self, data: bytes) -> None:
        ((draft, fd),) = self._drafts.items()
        os.lseek(fd, 0, os.SEEK_SET)
        _write_all(fd, data)
        os.ftruncate(fd, len(data))
        os.fsync(fd)
        self._require_own(draft, fd)
        self._keep_former()
        self._directory.rename(draft, self._name)
        os.close(self._drafts.pop(draft))
        self._directory.sync()

    def restore(self) -> None:
        """Put the former file back."""
        if self._former:
            with contextlib.suppress(OSError):
                self._directory.rename(self._former, self._name)

    def discard(self) -> None:
        """Remove what is left beside the file."""
        for draft, fd in self._drafts.items():
            self._unlink_own(draft, fd)
            os.close(fd)
        self._drafts = {}
        if self._former:
            with contextlib.suppress(OSError):
                self._directory.unlink(self._former)
            self._former = ""

    def _create(self) -> str:
        while True:
            draft = _draft_name(self._name)
            with contextlib.suppress(FileExistsError):
                self._drafts[draft] = self._directory.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
                return draft

    def _apply(self, fd: int, permissions: Permissions, found: os.stat_result | None) -> None:
        mode, uid, gid = permissions.resolve(found)
        if (uid, gid) != (-1, -1):
            os.fchown(fd, uid, gid)
        os.fchmod(fd, mode)
        if found is not None:
            # Last: an access control list sets the group's bits itself.
            _copy_attributes(self._directory, self._name, fd)

    def _require_own(self, draft: str, fd: int) -> None:
        """Raise if the draft's name is another file by now: somebody who may write to the directory swapped it."""
        found, own = self._directory.stat(draft), os.fstat(fd)
        if found is None or (found.st_dev, found.st_ino) != (own.st_dev, own.st_ino) or own.st_nlink != 1:
            raise LocalFileError(
                f"Somebody replaced the draft of {self._directory.path}/{self._name} while it was written. Nothing was "
                "delivered. Check who may write to that directory"
            )

    def _unlink_own(self, draft: str, fd: int) -> None:
        with contextlib.suppress(OSError):
            found, own = self._directory.stat(draft), os.fstat(fd)
            if found is not None and (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino):
                self._directory.unlink(draft)

    def _keep_former(self) -> None:
        """Keep the former file under another name until the new one is read back, where the system allows it."""
        former = _draft_name(self._name)
        with contextlib.suppress(OSError):
            self._directory.link(self._name, former)
            self._former = former


class _InPlace:
    """A file that cannot be replaced. It is written by one call, so a killed run leaves the old or the new text."""

    def __init__(self, directory: Directory, name: str) -> None:
        self._fd = directory.open(name, os.O_RDWR)
        self._former = b""

    def prepare(self, permissions: Permissions, found: os.stat_result | None) -> None:
        """Rehearse the write with the present content."""
        self._former = os.pread(self._fd, os.fstat(self._fd).st_size, 0)
        if self._former:
            os.pwrite(self._fd, self._former, 0)
        os.fsync(self._fd)

    def commit(self, data: bytes) -> None:
        # White space covers what was longer: every text format ignores it at the end.
        padded = data.ljust(os.fstat(self._fd).st_size, b"\n")
        if os.pwrite(self._fd, padded, 0) != len(padded):
            self.restore()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(self._fd, len(data))
        os.fsync(self._fd)

    def restore(self) -> None:
        with contextlib.suppress(OSError):
            os.pwrite(self._fd, self._former, 0)
            os.ftruncate(self._fd, len(self._former))

    def discard(self) -> None:
        os.close(self._fd)


@contextlib.contextmanager
def locked(
    files: Iterable[SecretFile], timeout: float = 60.0, sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Keep other runs away from these files while the context lasts, whichever controllers they come from.

    The lock is a file beside each, which only the module's user can open, so that nobody else can hold it. It is
    removed at the end; that of a killed run is taken over. A file system without locks is not locked. Raises
    LocalFileError if another run holds a lock for longer than ``timeout`` seconds.

    The holder of a lock removes the drafts of the file: only a killed run can have left them.
    """
    with contextlib.ExitStack() as stack:
        # Every run locks in the same order, so that no two runs wait for each other.
        for file in sorted({file.path: file for file in files}.values(), key=lambda file: file.path):
            stack.enter_context(_locked(file, timeout, sleep))
        yield


@contextlib.contextmanager
def _locked(file: SecretFile, timeout: float, sleep: Callable[[float], None]) -> Iterator[None]:
    with file._directory() as directory:
        name = f".{file._name}.lock"
        fd = _take_lock(file, directory, name, timeout, sleep)
        if fd is None:
            yield
            return
        try:
            _remove_drafts(directory, file._name)
            yield
        finally:
            # Removed while it is held: who waits for it notices that it is gone, and makes a new one.
            with contextlib.suppress(OSError):
                directory.unlink(name)
            os.close(fd)


def _take_lock(
    file: SecretFile, directory: Directory, name: str, timeout: float, sleep: Callable[[float], None]
) -> int | None:
    """The descriptor of the lock; None if there can be none (a directory or file system that does not allow it)."""
    waited = 0.0
    while True:
        fd = _open_lock(file, directory, name)
        if fd is None:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found, own = directory.stat(name), os.fstat(fd)
            if found is not None and (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino):
                return fd
        except BlockingIOError:
            if waited >= timeout:
                os.close(fd)
                raise LocalFileError(
                    f"Another run has held the lock {directory.path}/{name} for {timeout:g} s. Look for it, or try "
                    "again later"
                ) from None
            sleep(_POLL_INTERVAL)
            waited += _POLL_INTERVAL
        except OSError:
            return fd  # a file system without locks
        os.close(fd)


def _open_lock(file: SecretFile, directory: Directory, name: str) -> int | None:
    try:
        fd = directory.open(name, os.O_RDWR | os.O_CREAT, PRIVATE_MODE)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG):
            return None  # ``check`` reports it, unless the file is written in place
        raise file._error(f"cannot be locked: {name} beside it is not a lock file. Remove it") from None
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_uid not in (os.geteuid(), 0) or found.st_nlink != 1:
        os.close(fd)
        raise file._error(f"cannot be locked: {name} beside it belongs to somebody else. Remove it")
    return fd


def _remove_drafts(directory: Directory, name: str) -> None:
    """Remove the drafts that a killed run of the same user left of this file. Requires the lock."""
    pattern = re.compile(r"\." + re.escape(name) + r"\.[a-z0-9]{8}\.draft")
    for draft in filter(pattern.fullmatch, directory.names()):
        with contextlib.suppress(OSError):
            found = directory.stat(draft)
            if found is not None and stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
                directory.unlink(draft)


def _draft_name(name: str) -> str:
    return f".{name}.{secrets.token_hex(4)}.draft"


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _copy_attributes(directory: Directory, name: str, target: int) -> None:
    """Give the draft the extended attributes of the present file: its access control list, its security label."""
    source = directory.open(name, os.O_RDONLY)
    try:
        for attribute in _attributes_of(source):
            value = os.getxattr(source, attribute)
            if attribute in _CONTENT_ATTRIBUTES or _attribute(target, attribute) == value:
                continue
            os.setxattr(target, attribute, value)
    finally:
        os.close(source)


def _attributes_of(fd: int) -> list[str]:
    try:
        return os.listxattr(fd)
    except OSError:
        return []  # a file system without extended attributes


def _attribute(fd: int, name: str) -> bytes | None:
    try:
        return os.getxattr(fd, name)
    except OSError:
        return None
