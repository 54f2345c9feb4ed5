# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks: one run at a time per file, which nobody else can hold; and the drafts that killed runs left."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, ContextManager, Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.directory import Directory
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.locks import locked
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.permissions import Permissions
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.secret_file import SecretFile
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import (
    FakeOwners,
    drafts_in,
    failing,
    is_locked,
    mode_of,
    names_in,
)

OPTION = "token_path"
SECRET = "s3cret"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


@pytest.fixture
def file(folder: Path) -> Path:
    return folder / "token"


@pytest.fixture
def lock(folder: Path) -> Path:
    return folder / ".token.lock"


def opened(file: Path, permissions: Permissions | None = None) -> SecretFile:
    return SecretFile(str(file), OPTION, permissions)


def lock_and_release(file: Path) -> None:
    """Lock the file, as a run does that has nothing to write."""
    with locked([opened(file)], sleep=Pauses()):
        pass


class Pauses:
    """A sleep that records its pauses. After ``until`` pauses it calls ``then``."""

    def __init__(self, until: int = 0, then: Callable[[], object] = lambda: None) -> None:
        self.recorded: list[float] = []
        self._until = until
        self._then = then

    def __call__(self, seconds: float) -> None:
        self.recorded.append(seconds)
        if len(self.recorded) == self._until:
            self._then()


@contextmanager
def killed_in(context: ContextManager[object]) -> Iterator[None]:
    """Another process that is inside of the context, and is then killed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            context.__enter__()
            os.write(writer, b"!")
            signal.pause()
        finally:
            os._exit(1)
    os.close(writer)
    try:
        assert os.read(reader, 1) == b"!"
        yield
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


# --- One run at a time


def test_one_run_at_a_time(folder: Path, file: Path, lock: Path) -> None:
    """The lock can only be opened by the module's user, and it is removed at the end."""
    pauses = Pauses()
    with locked([opened(file), opened(folder / "other")], sleep=pauses):
        assert (is_locked(file), is_locked(folder / "other")) == (True, True)
        assert mode_of(lock) == 0o600
    assert names_in(folder) == []
    assert pauses.recorded == []


def test_next_run_waits_for_the_first(file: Path) -> None:
    first = locked([opened(file)])
    first.__enter__()
    pauses = Pauses(3, lambda: first.__exit__(None, None, None))
    with locked([opened(file)], sleep=pauses):
        assert is_locked(file)
    assert pauses.recorded == [0.2] * 3
    assert not is_locked(file)


def test_another_file_of_the_directory(folder: Path, file: Path) -> None:
    """Runs for two files do not wait for each other."""
    pauses = Pauses()
    with locked([opened(file)]), locked([opened(folder / "other")], sleep=pauses):
        assert pauses.recorded == []


def test_timeout(file: Path, lock: Path) -> None:
    pauses = Pauses()
    with locked([opened(file)]):
        with pytest.raises(LocalFileError) as caught:
            locked([opened(file)], 1.0, pauses).__enter__()
        assert is_locked(file)
    assert str(caught.value) == (
        f"Another run has held the lock {lock} for 1 s. Look for it, or try again later. If there is no such run, "
        "remove the lock"
    )
    assert pauses.recorded == [0.2] * 5
    assert not is_locked(file)


def test_lock_is_released_after_a_failure(folder: Path, file: Path) -> None:
    with pytest.raises(KeyboardInterrupt), locked([opened(file)]):
        raise KeyboardInterrupt
    assert names_in(folder) == []


def test_lock_of_a_killed_run_is_taken_over(folder: Path, file: Path, lock: Path) -> None:
    with killed_in(locked([opened(file)])):
        assert is_locked(file)
    assert lock.exists()
    assert not is_locked(file)
    lock_and_release(file)
    assert names_in(folder) == []


def test_lock_that_is_removed_while_a_run_waits(file: Path, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that waited would hold a file that no other run sees. It makes a new lock."""
    first = locked([opened(file)])
    first.__enter__()
    flock = fcntl.flock

    def finish_first(fd: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        first.__exit__(None, None, None)
        flock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", finish_first)
    pauses = Pauses()
    with locked([opened(file)], sleep=pauses):
        assert is_locked(file)
    assert pauses.recorded == [0.2]


def test_lock_that_somebody_removes(folder: Path, file: Path, lock: Path) -> None:
    """The lock of the next run stays."""
    with locked([opened(file)]):
        lock.unlink()
        with locked([opened(file)]):
            pass
        second = locked([opened(file)])
        second.__enter__()
    assert is_locked(file)
    second.__exit__(None, None, None)
    assert names_in(folder) == []


def test_files_are_locked_in_one_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One order prevents deadlocks. A file with two paths is locked once."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "b")
    taken: list[str] = []
    open_entry = Directory.open

    def recorded(directory: Directory, name: str, flags: int, mode: int = 0o600) -> int:
        taken.append(f"{os.fstat(directory.fd).st_ino} {name}")
        return open_entry(directory, name, flags, mode)

    monkeypatch.setattr(Directory, "open", recorded)
    paths = [tmp_path / name for name in ("b/token", "link/token", "a/token", "b/other", "b/token")]
    pauses = Pauses()
    for order in (paths, paths[::-1]):
        taken.clear()
        with locked([opened(path) for path in order], sleep=pauses):
            inodes = [(tmp_path / name).stat().st_ino for name in ("a", "b", "b")]
            expected = sorted(zip(inodes, [".token.lock", ".other.lock", ".token.lock"]))
            assert taken == [f"{inode} {name}" for inode, name in expected]
    assert pauses.recorded == []


def test_locks_are_released_if_one_times_out(tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    with locked([opened(files[1])]):
        with pytest.raises(LocalFileError):
            locked([opened(file) for file in files], 0.4, Pauses()).__enter__()
        assert [is_locked(file) for file in files] == [False, True]


def test_missing_directory(folder: Path) -> None:
    with pytest.raises(LocalFileError, match=r"does not exist\. Create it first$"):
        locked([opened(folder / "none" / "token")]).__enter__()


# --- Who else can hold it


def test_lock_of_the_directory_by_others(folder: Path, file: Path) -> None:
    """Everybody who can read the directory can lock it. That is not our lock."""
    handle = os.open(str(folder), os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        lock_and_release(file)
    finally:
        os.close(handle)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_lock_of_another_user(file: Path, lock: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Who delivers to the same file. It cannot be opened, so this run waits until it is gone."""
    lock.touch()
    open_entry = Directory.open

    def refuse(directory: Directory, name: str, flags: int, mode: int = 0o600) -> int:
        if lock.exists():
            raise OSError(number, os.strerror(number))
        return open_entry(directory, name, flags, mode)

    monkeypatch.setattr(Directory, "open", refuse)
    pauses = Pauses(2, lock.unlink)
    with locked([opened(file)], sleep=pauses):
        assert is_locked(file)
    assert pauses.recorded == [0.2] * 2
    lock.touch()
    with pytest.raises(LocalFileError, match=f"^Another run has held the lock {lock} for 1 s"):
        locked([opened(file)], 1.0, Pauses()).__enter__()


@pytest.mark.parametrize("kind", ["hard link", "pipe", "content"])
def test_file_that_is_no_lock(folder: Path, file: Path, lock: Path, kind: str) -> None:
    """It is neither written nor removed."""
    other = folder / "other"
    other.write_text("other's")
    if kind == "hard link":
        os.link(str(other), str(lock))
    elif kind == "pipe":
        os.mkfifo(str(lock))
    else:
        lock.write_text("other's")
    with pytest.raises(LocalFileError) as caught:
        lock_and_release(file)
    assert str(caught.value) == f"token_path: {file} cannot be locked: .token.lock next to it is not a lock. Remove it"
    assert names_in(folder) == [".token.lock", "other"]
    assert other.read_text() == "other's"


@pytest.mark.parametrize(
    ("kind", "text"), [("link", "Too many levels of symbolic links"), ("folder", "Is a directory")]
)
def test_place_of_the_lock_that_is_taken(file: Path, lock: Path, kind: str, text: str) -> None:
    if kind == "folder":
        lock.mkdir()
    else:
        lock.symlink_to("target")
    with pytest.raises(LocalFileError) as caught:
        lock_and_release(file)
    assert str(caught.value) == f"token_path: {file} cannot be locked: .token.lock next to it: {text}"
    assert not (file.parent / "target").exists()


# --- Without locks


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG])
def test_directory_that_cannot_be_written(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The check reports that, unless the file is written in place."""
    monkeypatch.setattr(Directory, "open", failing(number))
    pauses = Pauses()
    with locked([opened(file)], sleep=pauses):
        assert names_in(folder) == []
    assert pauses.recorded == []


def test_file_system_without_locks(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    pauses = Pauses()
    with locked([opened(file)], sleep=pauses):
        opened(file).write(SECRET)
    assert file.read_text() == SECRET
    assert names_in(folder) == ["token"]
    assert pauses.recorded == []


def test_no_descriptor_is_left_open(file: Path, lock: Path) -> None:
    before = os.listdir("/dev/fd")
    lock_and_release(file)
    with locked([opened(file)]), pytest.raises(LocalFileError):
        locked([opened(file)], 0.4, Pauses()).__enter__()
    lock.write_text("text")
    with pytest.raises(LocalFileError):
        lock_and_release(file)
    assert len(os.listdir("/dev/fd")) == len(before)


# --- Drafts of killed runs


def leave_draft(folder: Path, name: str) -> Path:
    draft = folder / name
    draft.write_text(SECRET)
    return draft


def test_draft_of_a_killed_run(folder: Path, file: Path) -> None:
    """The next run that locks the file removes it, even if it has nothing to write."""
    file.write_text("old")
    with killed_in(opened(file).prepare()):
        left = drafts_in(folder)
        assert len(left) == 2
    opened(file).write("one")
    assert drafts_in(folder) == left
    lock_and_release(file)
    assert names_in(folder) == ["token"]
    assert file.read_text() == "one"


def test_draft_is_kept_without_locks(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be that of another run at the same time."""
    draft = leave_draft(folder, ".token.abcd0123.draft")
    monkeypatch.setattr(fcntl, "flock", failing(errno.EOPNOTSUPP))
    lock_and_release(file)
    assert draft.exists()


def test_all_drafts_are_removed(folder: Path, file: Path) -> None:
    leave_draft(folder, ".token.abcd0123.draft")
    leave_draft(folder, ".token.ffffffff.draft")
    lock_and_release(file)
    assert names_in(folder) == []


def test_draft_that_the_run_itself_left(folder: Path, file: Path) -> None:
    """Such as the former content, if it could not be removed at once."""
    with locked([opened(file)]):
        leave_draft(folder, ".token.abcd0123.draft")
    assert names_in(folder) == []


def test_lock_that_cannot_be_examined(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = locked([opened(file)])
    first.__enter__()
    with monkeypatch.context() as patched:
        patched.setattr(Directory, "holds", failing(errno.EIO))
        with pytest.raises(LocalFileError, match="cannot be locked: .other.lock next to it: Input/output error$"):
            locked([opened(folder / "other")]).__enter__()
        first.__exit__(None, None, None)
    assert names_in(folder) == [".other.lock"]


def test_lock_that_cannot_be_examined_once(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = iter([OSError(errno.EACCES, "Permission denied")])
    holds = Directory.holds

    def fails_once(directory: Directory, name: str, fd: int) -> bool:
        for error in results:
            raise error
        return holds(directory, name, fd)

    monkeypatch.setattr(Directory, "holds", fails_once)
    with pytest.raises(LocalFileError, match="cannot be locked: .token.lock next to it: Permission denied$"):
        lock_and_release(file)
    assert names_in(folder) == []
    lock_and_release(file)


@pytest.mark.parametrize(
    "name",
    [
        ".other.abcdef01.draft",
        ".token2.abcdef01.draft",
        ".xtoken.abcdef01.draft",
        "token.abcdef01.draft",
        ".token.abcdef0.draft",
        ".token.abcdef012.draft",
        ".token.ABCDEF01.draft",
        ".token.abcd-f01.draft",
        ".token.abcdefgh.draft",
        ".token.abcdef01.draft2",
        ".token.abcdef01.draft\n",
        ".token.abcdef01",
        ".token..draft",
        ".tokenXabcdef01.draft",
        ".token.record.json.abcdef01.draft",
    ],
)
def test_file_with_another_name_is_kept(folder: Path, file: Path, name: str) -> None:
    other = leave_draft(folder, name)
    lock_and_release(file)
    assert other.read_text() == SECRET


def test_name_is_taken_literally(folder: Path) -> None:
    other = leave_draft(folder, ".tokenX1.abcdef01.draft")
    own = leave_draft(folder, ".token.1.abcdef01.draft")
    lock_and_release(folder / "token.1")
    assert (other.exists(), own.exists()) == (True, False)


def test_other_than_regular_files_are_kept(folder: Path, file: Path) -> None:
    link, target = folder / ".token.00000000.draft", folder / "target"
    target.write_text("text")
    link.symlink_to(target)
    directory = folder / ".token.11111111.draft"
    directory.mkdir()
    lock_and_release(file)
    assert (link.is_symlink(), directory.is_dir(), target.exists()) == (True, True, True)


@pytest.mark.parametrize(
    ("owner", "is_kept"), [(4713, True), (4711, False), (4712, False)], ids=["another", "declared", "of the file"]
)
def test_owner_of_a_draft(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, owner: int, is_kept: bool) -> None:
    """A killed run of root may have given the draft to the owner of the file."""
    files = FakeOwners(monkeypatch)
    draft = leave_draft(folder, ".token.abcdef01.draft")
    file.write_text("old")
    files.owners[draft.stat().st_ino] = (owner, 0)
    files.owners[file.stat().st_ino] = (4712, 0)
    permissions = Permissions(uid=4711) if owner == 4711 else None
    with locked([opened(file, permissions)]):
        pass
    assert draft.exists() is is_kept


def test_draft_that_cannot_be_removed_is_ignored(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undeletable, other = leave_draft(folder, ".token.aaaaaaaa.draft"), leave_draft(folder, ".token.bbbbbbbb.draft")
    unlink = os.unlink

    def fail(name: Any, **options: Any) -> None:
        if name == undeletable.name:
            raise OSError(errno.EPERM, "Operation not permitted")
        unlink(name, **options)

    monkeypatch.setattr(os, "unlink", fail)
    lock_and_release(file)
    assert (undeletable.exists(), other.exists()) == (True, False)


def test_directory_that_cannot_be_listed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = leave_draft(file.parent, ".token.abcdef01.draft")
    with monkeypatch.context() as patched:
        patched.setattr(os, "listdir", failing(errno.EACCES))
        lock_and_release(file)
    assert draft.exists()


def test_status_of_a_draft_that_cannot_be_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = leave_draft(file.parent, ".token.abcdef01.draft")
    real = os.stat

    def fail(path: Any, **options: Any) -> os.stat_result:
        found = real(path, **options)
        if stat.S_ISREG(found.st_mode) and path == draft.name:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", fail)
        lock_and_release(file)
    assert draft.exists()
