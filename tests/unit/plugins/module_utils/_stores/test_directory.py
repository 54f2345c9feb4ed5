# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An open directory: no link of another user is followed, and no path is resolved again."""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import directory as directories
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.directory import Directory
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import (
    failing,
    give_to_another_user,
    names_in,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


@pytest.fixture
def directory(folder: Path) -> Iterator[Directory]:
    opened = Directory(str(folder), "path")
    yield opened
    opened.close()


def names_by(path: Path) -> list[str]:
    """The names that a directory of this path has."""
    opened = Directory(str(path), "path")
    try:
        return sorted(opened.names())
    finally:
        opened.close()


def refusal_of(path: Path) -> str:
    with pytest.raises(LocalFileError) as caught:
        Directory(str(path), "path")
    assert caught.value.__cause__ is None
    return str(caught.value)


# --- Paths


@pytest.mark.parametrize("path", ["folder", "folder/", "./folder", "folder/../folder/.", "other/../folder"])
def test_path(tmp_path: Path, folder: Path, path: str) -> None:
    (tmp_path / "other").mkdir()
    (folder / "entry").touch()
    assert names_by(Path(f"{tmp_path}/{path}")) == ["entry"]


def test_root_directory() -> None:
    assert names_by(Path("/")) == sorted(os.listdir("/"))


def test_missing_directory(tmp_path: Path) -> None:
    assert refusal_of(tmp_path / "none" / "deeper") == (
        f"path: the directory {tmp_path}/none does not exist. Create it first"
    )


def test_file_instead_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert refusal_of(tmp_path / "file") == f"path: {tmp_path}/file is not a directory"
    assert refusal_of(tmp_path / "file" / "deeper") == f"path: {tmp_path}/file is not a directory"


def test_directory_without_permission(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_file = os.open

    def refuse(path: Any, *arguments: Any, **options: Any) -> int:
        if path == "folder":
            raise OSError(errno.EACCES, "Permission denied")
        return open_file(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    assert refusal_of(folder) == f"path: the directory {folder} cannot be opened: Permission denied"


@pytest.mark.parametrize("target", ["folder", "./folder", "../{parent}/folder", "{path}/folder", "again"])
def test_own_link_is_followed(tmp_path: Path, folder: Path, target: str) -> None:
    (folder / "entry").touch()
    (tmp_path / "again").symlink_to("folder")
    (tmp_path / "link").symlink_to(target.format(parent=tmp_path.name, path=tmp_path))
    assert names_by(tmp_path / "link") == ["entry"]


def test_link_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("none/deeper")
    assert refusal_of(tmp_path / "link") == f"path: the directory {tmp_path}/none does not exist. Create it first"


def test_endless_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("link")
    assert refusal_of(tmp_path / "link" / "x") == f"path: {tmp_path}/link/x holds too many symbolic links"


@pytest.mark.parametrize("below", ["", "/deeper"])
def test_link_of_another_user(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, below: str) -> None:
    (folder / "deeper").mkdir()
    link = tmp_path / "link"
    link.symlink_to(folder)
    give_to_another_user(link, monkeypatch)
    assert refusal_of(Path(f"{link}{below}")) == (
        f"path: {link} is a symbolic link that another user could have put there, to redirect the secret. Use the path "
        "that it points to"
    )


@pytest.mark.parametrize(("mode", "trusted"), [(0o755, True), (0o775, False), (0o1777, False)])
def test_hard_link_to_a_trusted_link(tmp_path: Path, folder: Path, mode: int, trusted: bool) -> None:
    """Whoever can write to the directory can make one, where the system does not forbid that."""
    place = tmp_path / "place"
    place.mkdir()
    (tmp_path / "link").symlink_to(folder)
    os.link(str(tmp_path / "link"), str(place / "link"), follow_symlinks=False)
    place.chmod(mode)
    if trusted:
        assert names_by(place / "link") == []
    else:
        assert "is a symbolic link that another user could have put there" in refusal_of(place / "link")


def test_no_descriptor_is_left_open(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "endless").symlink_to("endless")
    before = os.listdir("/dev/fd")
    names_by(tmp_path / "link")
    for name in ("none", "endless"):
        refusal_of(tmp_path / name)
    assert len(os.listdir("/dev/fd")) == len(before)


# --- Entries


def test_entries_after_the_path_was_swapped(tmp_path: Path, folder: Path, directory: Directory) -> None:
    """All operations go to the directory that was opened."""
    (folder / "one").write_text("1")
    folder.rename(tmp_path / "moved")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "one").write_text("other's")
    folder.symlink_to("elsewhere")
    os.close(directory.open("new", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    directory.link("one", "two")
    directory.rename("one", "three")
    directory.unlink("two")
    assert sorted(directory.names()) == names_in(tmp_path / "moved") == ["new", "three"]
    assert (tmp_path / "elsewhere" / "one").read_text() == "other's"


def test_link_is_not_followed(folder: Path, directory: Directory) -> None:
    (folder / "target").write_text("text")
    (folder / "link").symlink_to("target")
    for flags in (os.O_RDONLY, os.O_RDWR, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_TRUNC):
        with pytest.raises(OSError, match="Too many levels of symbolic links"):
            directory.open("link", flags)
    found = directory.stat("link")
    assert found is not None
    assert found.st_ino == (folder / "link").lstat().st_ino
    directory.link("link", "second")
    assert (folder / "second").is_symlink()
    assert (folder / "target").read_text() == "text"


def test_pipe_is_not_waited_for(folder: Path, directory: Directory) -> None:
    os.mkfifo(str(folder / "pipe"))
    os.close(directory.open("pipe", os.O_RDONLY))


def test_stat(folder: Path, directory: Directory) -> None:
    assert directory.stat("none") is None
    (folder / "file").write_text("text")
    found = directory.stat("file")
    assert found is not None
    assert found.st_size == 4
    assert directory.status.st_ino == folder.stat().st_ino


def test_file_in_its_place(folder: Path, directory: Directory) -> None:
    fd = directory.open("file", os.O_RDWR | os.O_CREAT)
    try:
        assert directory.holds("file", fd)
        (folder / "file").rename(folder / "moved")
        assert not directory.holds("file", fd)
        (folder / "file").symlink_to("moved")
        assert not directory.holds("file", fd)
    finally:
        os.close(fd)


def test_directory_that_cannot_be_read(folder: Path, directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its entries are still written. Whether a rename is durable is up to the system then."""
    (folder / "file").touch()

    def refuse(*_arguments: Any, **_options: Any) -> int:
        raise OSError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        assert directory.names() == []
        directory.sync()
    directory.rename("file", "other")
    assert directory.names() == ["other"]


def test_permission_to_write(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the effective user, to write and to enter."""
    asked: list[tuple[Any, ...]] = []

    def access(path: Any, mode: int, *, dir_fd: int, effective_ids: bool) -> bool:
        asked.append((path, mode, dir_fd, effective_ids))
        return False

    assert directory.is_writable()
    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(os, "supports_effective_ids", {access})
    assert not directory.is_writable()
    assert asked == [(".", os.W_OK | os.X_OK, directory.fd, True)]


# --- Obstacles


@pytest.mark.parametrize(("user", "free"), [(0, 8 * 512), (1000, 3 * 512)])
def test_free_space(directory: Directory, monkeypatch: pytest.MonkeyPatch, user: int, free: int) -> None:
    """Some blocks are reserved for root."""
    asked: list[int] = []

    def statvfs(fd: int) -> Any:
        asked.append(fd)
        return SimpleNamespace(f_blocks=10, f_bfree=8, f_bavail=3, f_frsize=512)

    monkeypatch.setattr(os, "statvfs", statvfs)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert directory.free_bytes() == free
    assert asked == [directory.fd]


def test_file_system_without_a_size(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    free = SimpleNamespace(f_blocks=0, f_bfree=0, f_bavail=0, f_frsize=512)
    monkeypatch.setattr(os, "statvfs", lambda _fd: free)
    assert directory.free_bytes() is None

    def fail(_fd: int) -> Any:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(os, "statvfs", fail)
    assert directory.free_bytes() is None


def show_mounts(monkeypatch: pytest.MonkeyPatch, *paths: str) -> None:
    """Let /proc/self/mountinfo show these mount points."""
    lines = [f"36 35 98:0 /mnt1 {path} rw,noatime master:1 - ext3 /dev/root rw\n" for path in ("/", *paths)]
    real = builtins.open

    def opened(path: Any, *arguments: Any, **options: Any) -> Any:
        return io.StringIO("".join(lines)) if path == "/proc/self/mountinfo" else real(path, *arguments, **options)

    monkeypatch.setattr(builtins, "open", opened)


def test_mount_point(folder: Path, directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not directory.is_mount_point("file")
    show_mounts(monkeypatch, f"{folder}/file", f"{folder}/a\\040b\\134040\\011\\012")
    assert directory.is_mount_point("file")
    assert directory.is_mount_point("a b\\040\t\n")
    assert not directory.is_mount_point("fil")
    assert not directory.is_mount_point("file2")


def test_mount_point_behind_a_link(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system names mount points without links."""
    (tmp_path / "link").symlink_to(folder)
    show_mounts(monkeypatch, f"{folder}/file")
    opened = Directory(str(tmp_path / "link"), "path")
    try:
        assert opened.is_mount_point("file")
    finally:
        opened.close()


def test_system_without_a_list_of_mounts(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "open", failing(errno.ENOENT))
    assert not directory.is_mount_point("file")


@pytest.mark.parametrize(
    ("flags", "protection"),
    [(0x80000, None), (0x80010, "immutable"), (0x80020, "append-only"), (0x30, "immutable")],
)
def test_protected_file(
    folder: Path, directory: Directory, monkeypatch: pytest.MonkeyPatch, flags: int, protection: str | None
) -> None:
    (folder / "file").touch()
    asked: list[int] = []

    def ioctl(fd: int, request: int, buffer: bytes) -> bytes:
        asked.append(os.fstat(fd).st_ino)
        assert (request, len(buffer)) == (directories._GET_FLAGS, struct.calcsize("l"))
        # The kernel writes an int, whatever the number of the request says.
        return struct.pack("i", flags) + buffer[4:]

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    assert directory.protection("file") == protection
    assert directory.protection() == protection
    assert asked == [(folder / "file").stat().st_ino, folder.stat().st_ino]


def test_unprotected_file(folder: Path, directory: Directory) -> None:
    """Asks the system itself. Not every file system has these attributes."""
    (folder / "file").touch()
    assert directory.protection("file") is None
    assert directory.protection() is None
    assert directory.protection("none") is None


def test_file_system_without_protection(folder: Path, directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").touch()
    monkeypatch.setattr(fcntl, "ioctl", failing(errno.ENOTTY))
    assert directory.protection("file") is None
