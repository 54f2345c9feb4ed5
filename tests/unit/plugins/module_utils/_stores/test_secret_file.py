# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that hold secrets: read and written whole, never readable by others, and nothing left lying about."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, ContextManager, Iterator, cast

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import secret_file
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.secret_file import (
    Draft,
    check_regular_file,
    check_writable,
    has_permissions,
    locked,
    read_text,
    remove,
    write_text,
)

OPTION = "token_path"
SECRET = "s3cret"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "folder"
    place.mkdir()
    return place


@pytest.fixture
def file(folder: Path) -> Path:
    return folder / "token"


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def drafts_in(folder: Path) -> list[Path]:
    return sorted(folder.glob(".token.*.draft"))


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """A disk on which no file can grow beyond this size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def another_run_in(context: ContextManager[object]) -> Iterator[None]:
    """Another process that has entered the context, and is killed there."""
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


def failing(number: int) -> Callable[..., Any]:
    def fail(*_arguments: Any, **_options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


@contextmanager
def refusal(words: str) -> Iterator[None]:
    """The whole message, and no exception that is chained to it."""
    with pytest.raises(LocalFileError) as caught:
        yield
    assert str(caught.value) == words
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert SECRET not in str(caught.value)


# --- Reading and removing


@pytest.mark.parametrize("text", ["", "s3cret", "s3cret\n", "a\r\nb\rc\n", "ü" * 100000])
def test_read(file: Path, text: str) -> None:
    file.write_bytes(text.encode())
    assert read_text(str(file), OPTION) == text


def test_read_what_is_not_there(folder: Path) -> None:
    assert read_text(str(folder / "token"), OPTION) is None
    assert read_text(str(folder / "none" / "token"), OPTION) is None


def test_read_what_is_no_text(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with refusal(f"token_path: {file} is not a text file"):
        read_text(str(file), OPTION)


def test_read_what_must_not_be_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(SECRET)
    monkeypatch.setattr(secret_file, "open", failing(errno.EACCES), raising=False)
    with refusal(f"token_path: {file} cannot be read: Permission denied"):
        read_text(str(file), OPTION)


def test_remove(folder: Path, file: Path) -> None:
    file.write_text(SECRET)
    assert remove(str(file), OPTION) is True
    assert remove(str(file), OPTION) is False
    assert names_in(folder) == []


def test_remove_what_must_not_be_removed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(SECRET)
    monkeypatch.setattr(os, "unlink", failing(errno.EPERM))
    with refusal(f"token_path: {file} cannot be removed: Operation not permitted"):
        remove(str(file), OPTION)


# --- Places that cannot be a secret's file

ACTS: dict[str, Callable[[str], object]] = {
    "read": lambda path: read_text(path, OPTION),
    "remove": lambda path: remove(path, OPTION),
    "place": lambda path: check_regular_file(path, OPTION),
    "writable": lambda path: check_writable(path, OPTION),
    "draft": lambda path: Draft(path, OPTION).__enter__(),
    "write": lambda path: write_text(path, SECRET, OPTION),
}
WRITING = ["writable", "draft", "write"]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("path", ["token", "./token", "../token", "~/token", ""])
def test_relative_path(act: str, path: str) -> None:
    with refusal(f"token_path must be an absolute path, not '{path}'"):
        ACTS[act](path)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("target", ["other", "nowhere", "."])
def test_symbolic_link(folder: Path, file: Path, act: str, target: str) -> None:
    """Whatever it points to, and though it points to nothing."""
    (folder / "other").write_text("other's")
    file.symlink_to(target)
    words = "is a symbolic link; name the file it points to, so that no other is overwritten"
    with refusal(f"token_path: {file} {words}"):
        ACTS[act](str(file))
    assert names_in(folder) == ["other", "token"]
    assert file.is_symlink()
    assert (folder / "other").read_text() == "other's"


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("kind", ["directory", "pipe", "device"])
def test_what_is_no_regular_file(file: Path, act: str, kind: str) -> None:
    if kind == "directory":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(str(file))
    else:
        file = Path(os.devnull)
    with refusal(f"token_path: {file} is not a regular file"):
        ACTS[act](str(file))
    assert file.exists()


@pytest.mark.parametrize("act", ACTS)
def test_file_where_a_directory_was_due(file: Path, act: str) -> None:
    file.write_text("text")
    with refusal(f"token_path: {file}/token cannot be examined: Not a directory"):
        ACTS[act](f"{file}/token")


@pytest.mark.parametrize("act", WRITING)
def test_missing_directory(folder: Path, act: str) -> None:
    with refusal(f"token_path: the directory {folder}/deep/er does not exist; create it first"):
        ACTS[act](f"{folder}/deep/er/token")
    assert names_in(folder) == []


@pytest.mark.parametrize("act", WRITING)
def test_path_that_ends_with_a_slash(folder: Path, act: str) -> None:
    with refusal(f"token_path: the directory {folder}/new does not exist; create it first"):
        ACTS[act](f"{folder}/new/")


@pytest.mark.parametrize("act", WRITING)
def test_directory_that_cannot_be_written(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    asked: list[tuple[Any, int]] = []

    def access(path: Any, mode: int) -> bool:
        asked.append((path, mode))
        return False

    monkeypatch.setattr(os, "access", access)
    words = "is not writable for the user that runs the module"
    with refusal(f"token_path: the directory {folder} {words}"):
        ACTS[act](str(file))
    assert asked == [(str(folder), os.W_OK | os.X_OK)]


@pytest.mark.parametrize("act", ["place", "writable"])
def test_asking_touches_nothing(folder: Path, file: Path, act: str) -> None:
    ACTS[act](str(file))
    assert names_in(folder) == []
    file.write_text("old")
    ACTS[act](str(file))
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


# --- Writing


@pytest.mark.parametrize("text", ["", "s3cret\n", "ü\r\n", "x" * 16384, "y" * 100000])
@pytest.mark.parametrize("old", [None, "old", "o" * 200000])
def test_write(folder: Path, file: Path, text: str, old: str | None) -> None:
    if old is not None:
        file.write_text(old)
    write_text(str(file), text, OPTION)
    assert file.read_bytes() == text.encode()
    assert mode_of(file) == 0o600
    assert names_in(folder) == ["token"]


def test_write_with_mode_and_owner(file: Path) -> None:
    file.write_text("old")
    owner = (os.getuid(), os.getgid())
    write_text(str(file), SECRET, OPTION, mode=0o640, owner=owner)
    assert mode_of(file) == 0o640
    assert (file.stat().st_uid, file.stat().st_gid) == owner
    write_text(str(file), SECRET, OPTION)
    assert mode_of(file) == 0o600


def test_owner_is_handed_on(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the draft, before others may read it."""
    given: list[tuple[int, int, int]] = []

    def chown(path: str, uid: int, gid: int) -> None:
        given.append((uid, gid, mode_of(Path(path))))

    monkeypatch.setattr(os, "chown", chown)
    write_text(str(file), SECRET, OPTION, mode=0o644, owner=(-1, 4711))
    write_text(str(file), SECRET, OPTION)
    assert given == [(-1, 4711, 0o600)]


def test_draft_is_private_from_the_first_moment(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the umask and the file's own mode; seen each time something reaches the disk or changes its mode."""
    seen: list[int] = []
    for name in ("fsync", "chmod", "open"):
        monkeypatch.setattr(os, name, noting(getattr(os, name), folder, seen))
    umask = os.umask(0)
    try:
        write_text(str(file), SECRET, OPTION, mode=0o644)
    finally:
        os.umask(umask)
    assert len(seen) >= 3
    assert set(seen) == {0o600}
    assert mode_of(file) == 0o644


def noting(act: Callable[..., Any], folder: Path, seen: list[int]) -> Callable[..., Any]:
    """The same act, with the modes of all drafts noted before it."""

    def noted(*arguments: Any, **options: Any) -> Any:
        seen.extend(mode_of(draft) for draft in drafts_in(folder))
        return act(*arguments, **options)

    return noted


def test_file_is_replaced_in_one_step(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the last step the old content is there, whole, and the new one too, beside it."""
    file.write_text("old")
    os.link(str(file), str(folder / "link"))
    replace = os.replace
    contents: list[tuple[str, str]] = []

    def looking(source: str, target: str) -> None:
        contents.append((Path(source).read_text(), Path(target).read_text()))
        replace(source, target)

    monkeypatch.setattr(os, "replace", looking)
    with file.open() as reader:
        write_text(str(file), "new", OPTION)
        assert reader.read() == "old"
    assert contents == [("new", "old")]
    assert file.read_text() == "new"
    assert (folder / "link").read_text() == "old"


def test_draft_claims_room(folder: Path, file: Path) -> None:
    """More than a token needs, before it is there."""
    file.write_text("old")
    with Draft(str(file), OPTION) as draft:
        (claimed,) = drafts_in(folder)
        assert claimed.stat().st_size == 16384
        assert set(claimed.read_bytes()) == {0}
        assert file.read_text() == "old"
        draft.commit(SECRET)
        assert drafts_in(folder) == []
    assert file.read_text() == SECRET


def test_draft_reaches_the_disk(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its room, then its text before it takes its place, then its name."""
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else str(os.fstat(handle).st_size))
        fsync(handle)

    def replaced(source: str, target: str) -> None:
        steps.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    write_text(str(file), SECRET, OPTION)
    assert steps == ["16384", str(len(SECRET)), "replace", "folder"]


def test_draft_that_is_not_committed(folder: Path, file: Path) -> None:
    file.write_text("old")
    with Draft(str(file), OPTION):
        assert len(drafts_in(folder)) == 1
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_failure_while_a_draft_is_open(folder: Path, file: Path, kind: type[BaseException]) -> None:
    with pytest.raises(kind), Draft(str(file), OPTION):
        raise kind
    assert names_in(folder) == []


def test_draft_serves_once(folder: Path, file: Path) -> None:
    words = f"token_path: there is no draft of {file}, or it has been used already"
    with Draft(str(file), OPTION) as draft:
        draft.commit("one")
        with refusal(words):
            draft.commit("two")
    with refusal(words):
        draft.commit("three")
    with refusal(words):
        Draft(str(file), OPTION).commit("four")
    assert file.read_text() == "one"
    assert names_in(folder) == ["token"]


def test_two_drafts_at_once(folder: Path, file: Path) -> None:
    """The later commit wins, whole."""
    with Draft(str(file), OPTION) as one, Draft(str(file), OPTION) as two:
        assert len(drafts_in(folder)) == 2
        two.commit("two")
        one.commit("one")
    assert file.read_text() == "one"
    assert names_in(folder) == ["token"]


def test_file_that_became_a_directory(folder: Path, file: Path) -> None:
    with Draft(str(file), OPTION) as draft:
        file.mkdir()
        with refusal(f"token_path: {file} cannot be written: Is a directory"):
            draft.commit(SECRET)
    assert names_in(folder) == ["token"]


def test_link_that_came_meanwhile_is_replaced_and_not_followed(folder: Path, file: Path) -> None:
    other = folder / "other"
    other.write_text("other's")
    with Draft(str(file), OPTION) as draft:
        file.symlink_to(other)
        draft.commit(SECRET)
    assert not file.is_symlink()
    assert (file.read_text(), other.read_text()) == (SECRET, "other's")


def test_disk_without_room(folder: Path, file: Path) -> None:
    """Found before a secret is minted."""
    file.write_text("old")
    with largest_file(8192), refusal(f"token_path: {file} cannot be written: File too large"):
        Draft(str(file), OPTION).__enter__()
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


def test_disk_without_room_for_a_text_beyond_the_claimed(folder: Path, file: Path) -> None:
    file.write_text("old")
    with largest_file(20000), Draft(str(file), OPTION) as draft:
        draft.commit("x" * 20000)
        assert file.stat().st_size == 20000
    with largest_file(20000), refusal(f"token_path: {file} cannot be written: File too large"):
        write_text(str(file), "y" * 20001, OPTION)
    assert names_in(folder) == ["token"]
    assert set(file.read_text()) == {"x"}


def test_text_within_the_claimed_room_always_fits(file: Path) -> None:
    with Draft(str(file), OPTION) as draft, largest_file(16384):
        draft.commit("x" * 16384)
    assert file.stat().st_size == 16384


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("nth", [1, 2])
def test_disk_that_fails(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, number: int, nth: int) -> None:
    """When the room is claimed, and when the text is written."""
    file.write_text("old")
    fsync = os.fsync
    calls: list[int] = []

    def fail(handle: int) -> None:
        calls.append(handle)
        if len(calls) == nth:
            raise OSError(number, os.strerror(number))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fail)
    with refusal(f"token_path: {file} cannot be written: {os.strerror(number)}"):
        write_text(str(file), SECRET, OPTION)
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


@pytest.mark.parametrize("step", ["chown", "chmod", "replace"])
def test_step_that_fails(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    file.write_text("old")
    monkeypatch.setattr(os, step, failing(errno.EPERM))
    with refusal(f"token_path: {file} cannot be written: Operation not permitted"):
        write_text(str(file), SECRET, OPTION, owner=(1, 1))
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError])
def test_interruption_while_room_is_claimed(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    def interrupt(_handle: int) -> None:
        raise kind

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(kind):
        Draft(str(file), OPTION).__enter__()
    assert names_in(folder) == []


def test_folder_that_cannot_be_synced(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is in its place; some file systems can do no more."""
    fsync = os.fsync

    def only_files(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", only_files)
    write_text(str(file), SECRET, OPTION)
    assert file.read_text() == SECRET
    assert names_in(folder) == ["token"]


def test_no_handle_is_left_open(file: Path) -> None:
    before = os.listdir("/dev/fd")
    write_text(str(file), SECRET, OPTION)
    with largest_file(8192), pytest.raises(LocalFileError):
        write_text(str(file), SECRET, OPTION)
    assert len(os.listdir("/dev/fd")) == len(before)


# --- Permissions


@pytest.mark.parametrize(
    ("mode", "owner", "fit"),
    [
        (0o640, None, True),
        (0o600, None, False),
        (0o640, (-1, -1), True),
        (0o640, (0, 0), True),
        (0o640, (1, 0), False),
        (0o640, (0, 1), False),
        (0o640, (-1, 0), True),
        (0o640, (-1, 1), False),
        (0o640, (0, -1), True),
        (0o600, (0, 0), False),
    ],
)
def test_permissions(file: Path, mode: int, owner: tuple[int, int] | None, fit: bool) -> None:
    """The owners of the table are how far from the file's own."""
    file.touch()
    file.chmod(0o640)
    found = file.stat()
    own = (found.st_uid, found.st_gid)
    wanted = owner and tuple(-1 if want < 0 else have + want for want, have in zip(owner, own))
    assert has_permissions(str(file), mode, cast("tuple[int, int] | None", wanted)) is fit


def test_permissions_of_what_is_not_there(file: Path) -> None:
    assert has_permissions(str(file), 0o600, None)


# --- One run at a time


class Waits:
    """Pauses that are noted; after so many of them, something happens."""

    def __init__(self, until: int = 0, then: Callable[[], object] = lambda: None) -> None:
        self.noted: list[float] = []
        self._until = until
        self._then = then

    def __call__(self, seconds: float) -> None:
        self.noted.append(seconds)
        if len(self.noted) == self._until:
            self._then()


def is_locked(folder: Path) -> bool:
    """Whether somebody has the lock."""
    handle = os.open(str(folder), os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def test_one_run_at_a_time(folder: Path, file: Path) -> None:
    waits = Waits()
    with locked([str(file), str(folder / "other")], sleep=waits):
        assert is_locked(folder)
        assert names_in(folder) == []
    assert not is_locked(folder)
    assert waits.noted == []


def test_next_run_waits_for_the_first(folder: Path, file: Path) -> None:
    first = locked([str(file)])
    first.__enter__()
    waits = Waits(3, lambda: first.__exit__(None, None, None))
    with locked([str(folder / "other")], sleep=waits):
        assert is_locked(folder)
    assert waits.noted == [0.2] * 3


def test_next_run_does_not_wait_for_ever(folder: Path, file: Path) -> None:
    waits = Waits()
    words = f"another run has been delivering to {folder} for 1 s; look for it, or try again later"
    with locked([str(file)]):
        with refusal(words), locked([str(file)], timeout=1.0, sleep=waits):
            raise AssertionError
        assert is_locked(folder)
    assert waits.noted == [0.2] * 5
    assert not is_locked(folder)


def test_lock_ends_with_a_failure(folder: Path, file: Path) -> None:
    with pytest.raises(KeyboardInterrupt), locked([str(file)]):
        raise KeyboardInterrupt
    assert not is_locked(folder)


def test_lock_ends_with_a_killed_run(folder: Path, file: Path) -> None:
    with another_run_in(locked([str(file)])):
        assert is_locked(folder)
    assert not is_locked(folder)


def test_several_folders_are_locked_in_one_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no two runs wait for each other. A folder by two names is one; one that is not there is nobody's."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "b")
    opened: list[str] = []
    open_file = os.open

    def noted(path: Any, *arguments: Any, **options: Any) -> int:
        opened.append(Path(path).name)
        return open_file(path, *arguments, **options)

    monkeypatch.setattr(os, "open", noted)
    paths = [str(tmp_path / name / "token") for name in ("b", "none", "link", "a", "b")]
    with locked(paths, sleep=Waits()):
        assert opened == ["a", "b", "none"]
        assert is_locked(tmp_path / "a")
        assert is_locked(tmp_path / "b")
    assert not is_locked(tmp_path / "a")
    assert not is_locked(tmp_path / "b")


def test_lock_that_cannot_be_had_lets_go_of_the_others(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with locked([str(tmp_path / "b" / "token")]):
        with pytest.raises(LocalFileError):
            locked([str(tmp_path / "a" / "x"), str(tmp_path / "b" / "x")], 0.4, Waits()).__enter__()
        assert not is_locked(tmp_path / "a")


def test_file_system_without_locks(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    waits = Waits()
    with locked([str(file)], sleep=waits):
        write_text(str(file), SECRET, OPTION)
    assert file.read_text() == SECRET
    assert waits.noted == []


# --- What a killed run left


def left_behind(folder: Path, name: str) -> Path:
    draft = folder / name
    draft.write_text(SECRET)
    return draft


def handled(file: Path) -> None:
    """A run that has nothing to write."""
    with locked([str(file)]):
        pass


def test_draft_of_a_killed_run(folder: Path, file: Path) -> None:
    """It stays while its run lives, and is removed by the next one, even if that has nothing to write."""
    with another_run_in(Draft(str(file), OPTION)):
        (left,) = drafts_in(folder)
    write_text(str(file), "one", OPTION)
    assert drafts_in(folder) == [left]
    handled(file)
    assert names_in(folder) == ["token"]
    assert file.read_text() == "one"


def test_draft_stays_where_there_are_no_locks(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = left_behind(folder, ".token.abcd_123.draft")
    monkeypatch.setattr(fcntl, "flock", failing(errno.EOPNOTSUPP))
    handled(file)
    assert draft.exists()


def test_all_drafts_go_at_once(folder: Path, file: Path) -> None:
    left_behind(folder, ".token.abcd_123.draft")
    left_behind(folder, ".token.zzzzzzzz.draft")
    handled(file)
    assert names_in(folder) == []


@pytest.mark.parametrize(
    "name",
    [
        ".other.abcdefgh.draft",
        ".token2.abcdefgh.draft",
        ".xtoken.abcdefgh.draft",
        "token.abcdefgh.draft",
        ".token.abcdefg.draft",
        ".token.abcdefghi.draft",
        ".token.ABCDEFGH.draft",
        ".token.abcd-fgh.draft",
        ".token.abcdefgh.draft2",
        ".token.abcdefgh.draft\n",
        ".token.abcdefgh",
        ".token..draft",
        ".tokenXabcdefgh.draft",
        ".token.record.json.abcdefgh.draft",
    ],
)
def test_file_of_another_name_stays(folder: Path, file: Path, name: str) -> None:
    other = left_behind(folder, name)
    handled(file)
    assert other.read_text() == SECRET


def test_name_is_taken_literally(folder: Path) -> None:
    other = left_behind(folder, ".tokenX1.abcdefgh.draft")
    own = left_behind(folder, ".token.1.abcdefgh.draft")
    handled(folder / "token.1")
    assert (other.exists(), own.exists()) == (True, False)


def test_what_is_no_regular_file_stays(folder: Path, file: Path) -> None:
    link, target = folder / ".token.linklink.draft", folder / "target"
    target.write_text("text")
    link.symlink_to(target)
    directory = folder / ".token.dirdirdi.draft"
    directory.mkdir()
    handled(file)
    assert (link.is_symlink(), directory.is_dir(), target.exists()) == (True, True, True)


def test_draft_of_another_user_stays(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = left_behind(folder, ".token.abcdefgh.draft")
    lstat = os.lstat

    def of_another(path: Any) -> os.stat_result:
        found = lstat(path)
        fields = list(found)
        fields[stat.ST_UID] += 1
        return os.stat_result(fields) if str(path) == str(draft) else found

    monkeypatch.setattr(os, "lstat", of_another)
    handled(file)
    assert draft.exists()


def test_stale_draft_that_cannot_be_removed_stops_nothing(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubborn, other = left_behind(folder, ".token.aaaaaaaa.draft"), left_behind(folder, ".token.bbbbbbbb.draft")
    unlink = os.unlink

    def fail(path: Any) -> None:
        if str(path) == str(stubborn):
            raise OSError(errno.EPERM, "Operation not permitted")
        unlink(path)

    monkeypatch.setattr(os, "unlink", fail)
    handled(file)
    assert (stubborn.exists(), other.exists()) == (True, False)


def test_folder_that_cannot_be_listed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = left_behind(file.parent, ".token.abcdefgh.draft")
    with monkeypatch.context() as patched:
        patched.setattr(os, "listdir", failing(errno.EACCES))
        handled(file)
    assert draft.exists()
