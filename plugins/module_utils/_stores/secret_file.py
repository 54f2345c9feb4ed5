# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Files that hold secrets: read whole, written whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import tempfile
import time
from typing import Any, Callable, Iterable, Iterator

from .._core.errors import LocalFileError

PRIVATE_MODE = 0o600
# Bytes that are reserved on the disk before a secret is minted.
_RESERVED_BYTES = 16384
# Seconds between two attempts to take a lock that another run holds.
_POLL_INTERVAL = 0.2


def read_text(path: str, option: str) -> str | None:
    """The text of a file, or None if there is none. Raises LocalFileError, naming ``option``."""
    check_regular_file(path, option)
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise LocalFileError(f"{option}: {path} is not a text file") from None
    except OSError as error:
        raise LocalFileError(f"{option}: {path} cannot be read: {error.strerror}") from None


def remove(path: str, option: str) -> bool:
    """Remove a file; returns false if there was none."""
    check_regular_file(path, option)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise LocalFileError(f"{option}: {path} cannot be removed: {error.strerror}") from None
    return True


def check_regular_file(path: str, option: str) -> None:
    """Raise LocalFileError for what cannot be a secret's file: a relative path, a link, a directory, a device."""
    if not os.path.isabs(path):
        raise LocalFileError(f"{option} must be an absolute path, not '{path}'")
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise LocalFileError(f"{option}: {path} cannot be examined: {error.strerror}") from None
    if stat.S_ISLNK(kind):
        raise LocalFileError(
            f"{option}: {path} is a symbolic link; name the file it points to, so that no other is overwritten"
        )
    if not stat.S_ISREG(kind):
        raise LocalFileError(f"{option}: {path} is not a regular file")


def check_writable(path: str, option: str) -> None:
    """Raise LocalFileError if the file cannot be written. Changes nothing."""
    check_regular_file(path, option)
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise LocalFileError(f"{option}: the directory {folder} does not exist; create it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LocalFileError(f"{option}: the directory {folder} is not writable for the user that runs the module")


def has_permissions(path: str, mode: int, owner: tuple[int, int] | None) -> bool:
    """Whether a file has this mode and owner (uid, gid; -1 is any); true if there is no file."""
    try:
        found = os.lstat(path)
    except OSError:
        return True
    desired = owner or (-1, -1)
    owned = all(want in (-1, have) for want, have in zip(desired, (found.st_uid, found.st_gid)))
    return owned and stat.S_IMODE(found.st_mode) == mode


@contextlib.contextmanager
def locked(paths: Iterable[str], timeout: float = 60.0, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Keep other runs away from these files while the context lasts.

    The directories are locked (flock), so nothing is left behind and the lock of a killed run is released at once. It
    works between controllers, because the lock is where the files are. A file system without locks is not locked.
    Raises LocalFileError if another run holds the lock for longer than ``timeout`` seconds.

    The holder of the lock removes drafts of these files: only a killed run can have left them.
    """
    names: dict[str, set[str]] = {}
    for path in paths:
        folder, name = os.path.split(path)
        names.setdefault(os.path.realpath(folder), set()).add(name)
    with contextlib.ExitStack() as held:
        # Every run locks in the same order, so that no two runs wait for each other.
        for folder in sorted(names):
            try:
                handle = os.open(folder, os.O_RDONLY)
            except OSError:
                continue  # writing there raises the error
            held.callback(os.close, handle)
            if _lock(handle, folder, timeout, sleep):
                _remove_drafts(folder, names[folder])
        yield


def _lock(handle: int, folder: str, timeout: float, sleep: Callable[[float], None]) -> bool:
    """Wait for the lock; returns false if the file system has none."""
    waited = 0.0
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waited >= timeout:
                raise LocalFileError(
                    f"another run has held the lock of {folder} for {timeout:g} s. Look for it, or try again later"
                ) from None
        except OSError:
            return False
        else:
            return True
        sleep(_POLL_INTERVAL)
        waited += _POLL_INTERVAL


class Draft:
    """The next content of a file, in a file beside it, until it replaces the file in one step.

    Opening the draft reserves space on the disk, so that a full disk is found before a secret is minted. ``commit``
    replaces the file. A draft that is not committed leaves nothing behind; the next run that locks the file removes the
    draft of a killed run.
    """

    def __init__(self, path: str, option: str) -> None:
        self._path = path
        self._option = option
        self._draft: str | None = None

    def __enter__(self) -> Draft:
        check_writable(self._path, self._option)
        folder, name = os.path.split(self._path)
        try:
            # mkstemp opens with mode 0600: the secret is never readable by others, not even while it is written.
            handle, self._draft = tempfile.mkstemp(prefix=f".{name}.", suffix=".draft", dir=folder)
            with os.fdopen(handle, "wb") as file:
                file.write(b"\0" * _RESERVED_BYTES)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self._discard()
            raise self._failure(error) from None
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(self, *_exception: Any) -> None:
        self._discard()

    def commit(self, text: str, *, mode: int = PRIVATE_MODE, owner: tuple[int, int] | None = None) -> None:
        """Replace the file by this text, with this mode and owner (uid, gid; -1 keeps)."""
        if self._draft is None:
            raise LocalFileError(f"{self._option}: there is no draft of {self._path}, or it has been used already")
        try:
            with open(self._draft, "r+b") as file:
                file.write(text.encode("utf-8"))
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
            if owner is not None:
                os.chown(self._draft, *owner)
            os.chmod(self._draft, mode)
            os.replace(self._draft, self._path)
        except OSError as error:
            raise self._failure(error) from None
        self._draft = None
        self._sync_folder()

    def _sync_folder(self) -> None:
        """Make the rename durable, where the file system can. The file is in its place already."""
        with contextlib.suppress(OSError):
            handle = os.open(os.path.dirname(self._path), os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _discard(self) -> None:
        draft, self._draft = self._draft, None
        if draft is not None:
            with contextlib.suppress(OSError):
                os.unlink(draft)

    def _failure(self, error: OSError) -> LocalFileError:
        return LocalFileError(f"{self._option}: {self._path} cannot be written: {error.strerror}")


def _remove_drafts(folder: str, names: Iterable[str]) -> None:
    """Remove the drafts that a killed run of the same user left of these files. Requires the directory's lock."""
    draft_name = re.compile(r"\.(" + "|".join(re.escape(name) for name in names) + r")\.[a-z0-9_]{8}\.draft")
    entries: list[str] = []
    with contextlib.suppress(OSError):
        entries = os.listdir(folder)
    for entry in filter(draft_name.fullmatch, entries):
        draft = os.path.join(folder, entry)
        with contextlib.suppress(OSError):
            found = os.lstat(draft)
            if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
                os.unlink(draft)


def write_text(
    path: str, text: str, option: str, *, mode: int = PRIVATE_MODE, owner: tuple[int, int] | None = None
) -> None:
    """Write a file completely or not at all."""
    with Draft(path, option) as draft:
        draft.commit(text, mode=mode, owner=owner)
