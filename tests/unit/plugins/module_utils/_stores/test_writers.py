# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a write: what is on the disk after each of them."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._stores import writers
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.directory import Directory
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.permissions import Target
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.writers import Draft, InPlace, Unwritable
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import (
    FakeOwners,
    drafts_in,
    failing,
    mode_of,
    names_in,
)

SECRET = b"s3cret"
PRIVATE = Target(0o600, -1, -1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


@pytest.fixture
def file(folder: Path) -> Path:
    return folder / "token"


@pytest.fixture
def directory(folder: Path) -> Iterator[Directory]:
    opened = Directory(str(folder), "path")
    yield opened
    opened.close()


def write(directory: Directory, target: Target = PRIVATE, data: bytes = SECRET) -> None:
    draft = Draft(directory, "token", target, directory.stat("token"))
    try:
        draft.prepare()
        draft.commit(data)
    finally:
        draft.discard()


def test_name_of_a_draft() -> None:
    """It shows the file, and no two are alike."""
    assert re.fullmatch(r"\.token" + writers.DRAFT_PATTERN, writers.draft_name("token"))
    assert len({writers.draft_name("token") for _number in range(100)}) == 100


def test_draft_is_always_private(folder: Path, directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it has its owner, the draft has mode 0600, whatever the umask is; it holds no secret before."""
    seen: list[tuple[int, bytes]] = []
    for name in ("fsync", "fchown", "fchmod"):
        monkeypatch.setattr(os, name, recording(getattr(os, name), folder, seen))
    umask = os.umask(0)
    try:
        write(directory, Target(0o644, os.geteuid(), os.getegid()))
    finally:
        os.umask(umask)
    modes = [mode for mode, _content in seen]
    assert modes[: modes.index(0o644)] == [0o600] * modes.index(0o644)
    assert {content.strip(b"\0") for mode, content in seen if mode == 0o600} == {b""}
    assert mode_of(folder / "token") == 0o644


def recording(act: Callable[..., Any], folder: Path, seen: list[tuple[int, bytes]]) -> Callable[..., Any]:
    """The same function, which first records the modes and contents of all drafts."""

    def recorded(*arguments: Any, **options: Any) -> Any:
        seen.extend((mode_of(folder / name), (folder / name).read_bytes()) for name in drafts_in(folder))
        return act(*arguments, **options)

    return recorded


def test_owner_is_set_before_the_mode(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The draft gets its owner while its mode is still 0600."""
    FakeOwners(monkeypatch)
    arguments: list[tuple[int, int, int]] = []
    change_owner = os.fchown

    def fchown(fd: int, uid: int, gid: int) -> None:
        arguments.append((uid, gid, stat.S_IMODE(os.fstat(fd).st_mode)))
        change_owner(fd, uid, gid)

    monkeypatch.setattr(os, "fchown", fchown)
    write(directory, Target(0o644, -1, 4711))
    write(directory, PRIVATE)
    assert arguments == [(-1, 4711, 0o600)]


def test_what_is_right_is_not_set_again(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems refuse even that."""
    for name in ("fchown", "fchmod"):
        monkeypatch.setattr(os, name, failing(errno.EPERM))
    write(directory, Target(0o600, os.geteuid(), directory.status.st_gid if _inherits(directory) else os.getegid()))


def _inherits(directory: Directory) -> bool:
    return bool(directory.status.st_mode & stat.S_ISGID)


def test_file_is_replaced_in_one_step(
    folder: Path, file: Path, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the last step, the file has its complete old content and the draft the complete new one."""
    file.write_text("old")
    os.link(str(file), str(folder / "link"))
    rename = os.rename
    contents: list[tuple[str, str]] = []

    def compare_and_rename(source: str, target: str, **options: Any) -> None:
        contents.append(((folder / source).read_text().strip("\0"), (folder / target).read_text()))
        rename(source, target, **options)

    monkeypatch.setattr(os, "rename", compare_and_rename)
    with file.open() as reader:
        write(directory, data=b"new")
        assert reader.read() == "old"
    assert contents == [("", ""), ("new", "old")]
    assert file.read_text() == "new"
    assert (folder / "link").read_text() == "old"


def test_draft_is_flushed_to_the_disk(file: Path, directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the reserved space, then the text, then (after the replacement) the directory."""
    file.write_text("old")
    steps: list[str] = []
    fsync, rename = os.fsync, os.rename

    def record_fsync(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else str(os.fstat(handle).st_size))
        fsync(handle)

    def record_rename(source: str, target: str, **options: Any) -> None:
        steps.append(f"rename to {'the file' if target == 'token' else 'a draft'}")
        rename(source, target, **options)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "rename", record_rename)
    write(directory)
    assert steps == ["16387", "rename to a draft", str(len(SECRET)), "rename to the file", "folder"]


def test_directory_that_cannot_be_flushed(folder: Path, directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is replaced all the same: some file systems cannot flush a directory."""
    fsync = os.fsync

    def only_files(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", only_files)
    write(directory)
    assert (folder / "token").read_bytes() == SECRET
    assert names_in(folder) == ["token"]


def test_short_writes(folder: Path, directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    write_some = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: write_some(fd, data[:7], offset))
    write(directory, data=b"x" * 100)
    assert (folder / "token").read_bytes() == b"x" * 100


@pytest.mark.parametrize("prepared", [False, True])
def test_error_when_a_draft_is_closed(
    folder: Path, directory: Directory, monkeypatch: pytest.MonkeyPatch, prepared: bool
) -> None:
    """The rehearsal reports it. Later the content was flushed before, so it changes nothing."""
    close = os.close

    def fail(fd: int) -> None:
        is_file = stat.S_ISREG(os.fstat(fd).st_mode)
        close(fd)
        if is_file:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    draft = Draft(directory, "token", PRIVATE, None)
    if prepared:
        draft.prepare()
    with monkeypatch.context() as patched:
        patched.setattr(os, "close", fail)
        if prepared:
            draft.commit(SECRET)
        else:
            with pytest.raises(OSError, match="Input/output error"):
                draft.prepare()
        draft.discard()
    assert names_in(folder) == (["token"] if prepared else [])


@pytest.mark.parametrize("swap", ["another file", "symbolic link", "nothing", "hard link"])
def test_draft_that_is_swapped(folder: Path, directory: Directory, swap: str) -> None:
    """It is not delivered. No secret stays in the draft, wherever it is now."""
    other = folder / "other"
    other.write_text("other's")
    draft = Draft(directory, "token", PRIVATE, None)
    draft.prepare()
    (name,) = drafts_in(folder)
    if swap == "hard link":
        os.link(str(folder / name), str(folder / "taken"))
    else:
        (folder / name).rename(folder / "taken")
    if swap == "another file":
        (folder / name).write_text("theirs")
    if swap == "symbolic link":
        (folder / name).symlink_to(other)
    with pytest.raises(Unwritable, match="^was replaced by somebody else while it was written, or its draft was"):
        draft.commit(SECRET)
    draft.discard()
    assert names_in(folder) == ["other", "taken"]
    assert (other.read_text(), (folder / "taken").read_bytes()) == ("other's", b"")


def test_file_that_is_swapped_before_its_attributes_are_read(file: Path, directory: Directory) -> None:
    file.write_text("old")
    found = directory.stat("token")
    file.rename(file.parent / "moved")
    file.write_text("theirs")
    draft = Draft(directory, "token", PRIVATE, found)
    with pytest.raises(Unwritable, match="^was replaced by somebody else"):
        draft.prepare()
    draft.discard()
    assert names_in(file.parent) == ["moved", "token"]


def test_restore_of_a_file_in_place(file: Path, directory: Directory) -> None:
    file.write_text("old")
    found = directory.stat("token")
    assert found is not None
    writer = InPlace(directory, "token", found)
    writer.prepare()
    writer.commit(b"x" * 100000)
    assert writer.wrote(file.stat())
    writer.restore()
    writer.discard()
    assert file.read_text() == "old"


def test_large_file_in_place(file: Path, directory: Directory) -> None:
    file.write_bytes(b"x" * 200000)
    found = directory.stat("token")
    assert found is not None
    writer = InPlace(directory, "token", found)
    writer.prepare()
    writer.commit(b"short")
    writer.restore()
    writer.discard()
    assert file.read_bytes() == b"x" * 200000
