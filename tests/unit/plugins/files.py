# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about files and directories, and what needs root otherwise, for the tests of stores."""

from __future__ import annotations

import fcntl
import os
import resource
import stat
import struct
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._stores import directory, permissions

NOBODY = 65534


class FakeOwners:
    """Lets any user change the owner of files, as root can. Records the changes, in ``changed``.

    ``owners``: uid and gid of files by their inode.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, capable: bool = True) -> None:
        """``capable``: the module's process may do that."""
        self.changed: list[tuple[int, int]] = []
        self.owners: dict[int, tuple[int, int]] = {}
        self._stat, self._fstat = os.stat, os.fstat
        monkeypatch.setattr(os, "stat", lambda *arguments, **options: self._shown(self._stat(*arguments, **options)))
        monkeypatch.setattr(os, "fstat", lambda fd: self._shown(self._fstat(fd)))
        monkeypatch.setattr(os, "fchown", self._fchown)
        monkeypatch.setattr(permissions, "_has_capability", lambda _number: capable)
        monkeypatch.setattr(permissions, "_is_mapped", lambda _number, _kind: True)

    def _fchown(self, fd: int, uid: int, gid: int) -> None:
        self.changed.append((uid, gid))
        found = self._fstat(fd)
        present = self.owners.get(found.st_ino, (found.st_uid, found.st_gid))
        self.owners[found.st_ino] = (present[0] if uid < 0 else uid, present[1] if gid < 0 else gid)

    def _shown(self, found: os.stat_result) -> os.stat_result:
        if found.st_ino not in self.owners:
            return found
        fields = list(found)
        fields[stat.ST_UID], fields[stat.ST_GID] = self.owners[found.st_ino]
        return os.stat_result(fields)


def failing(number: int) -> Callable[..., Any]:
    """A function that fails with an error of the system."""

    def fail(*_arguments: Any, **_options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Limit the size of files, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def give_to_another_user(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a symbolic link, or a directory, that of another user in the eyes of a Directory.

    Only root can give files away. For any other user, that user's own links and directories look like another's.
    """
    if os.geteuid() == 0:
        os.chown(str(path), NOBODY, NOBODY, follow_symlinks=False)
    else:
        monkeypatch.setattr(directory, "os", _AnotherUser())


class _AnotherUser:
    """The module os, in which the user of the process is another one."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @staticmethod
    def geteuid() -> int:
        return os.geteuid() + 1


def acl_text(*, user: int, group: int, mask: int, other: int, named: int) -> bytes:
    """An access control list of a file, in which another user has the rights ``named``."""
    entries = [(1, user, -1), (2, named, NOBODY), (4, group, -1), (16, mask, -1), (32, other, -1)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)


ACL = "system.posix_acl_access"


def folder_with_acls(tmp_path: Path, more: Path = Path("/dev/shm")) -> Path:
    """An empty directory on a file system that has access control lists."""
    for place in (tmp_path, more):
        folder = Path(tempfile.mkdtemp(dir=str(place)))
        file = folder / "file"
        file.touch()
        try:
            os.setxattr(str(file), ACL, acl_text(user=6, group=0, mask=4, other=0, named=4))
        except OSError:
            continue
        finally:
            file.unlink()
        return folder
    raise AssertionError("no file system with access control lists")


def mode_of(file: Path) -> int:
    """The permissions of a file."""
    return stat.S_IMODE(file.stat().st_mode)


def names_in(folder: Path) -> list[str]:
    """The names of all entries of a directory."""
    return sorted(entry.name for entry in folder.iterdir())


def drafts_in(folder: Path) -> list[str]:
    """The names of the drafts in a directory."""
    return [name for name in names_in(folder) if name.endswith(".draft")]


def files_in(folder: Path) -> dict[str, tuple[bytes, int]]:
    """The content and the permissions of each file of a directory."""
    return {path.name: (path.read_bytes(), mode_of(path)) for path in folder.iterdir() if path.is_file()}


def is_locked(file: Path) -> bool:
    """Whether a run holds the lock of a file."""
    try:
        lock = os.open(str(file.with_name(f".{file.name}.lock")), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(lock)
