# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that hold secrets: written completely or not at all, private from the start, without leftovers."""

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
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import is_locked, mode_of, names_in

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


def drafts_in(folder: Path) -> list[Path]:
    return sorted(folder.glob(".token.*.draft"))


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Limit the size of files, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


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


def failing(number: int) -> Callable[..., Any]:
    def fail(*_arguments: Any, **_options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


@contextmanager
def fails_with(message: str) -> Iterator[None]:
    """Expect this complete message, and no exception that is chained to it."""
    with pytest.raises(LocalFileError) as caught:
        yield
    assert str(caught.value) == message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert SECRET not in str(caught.value)


# --- Reading and removing


@pytest.mark.parametrize("text", ["", "s3cret", "s3cret\n", "a\r\nb\rc\n", "ü" * 100000])
def test_read(file: Path, text: str) -> None:
    file.write_bytes(text.encode())
    assert read_text(str(file), OPTION) == text


def test_read_a_missing_file(folder: Path) -> None:
    assert read_text(str(folder / "token"), OPTION) is None
    assert read_text(str(folder / "none" / "token"), OPTION) is None


def test_read_a_binary_file(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with fails_with(f"token_path: {file} is not a text file"):
        read_text(str(file), OPTION)


def test_read_without_permission(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(SECRET)
    monkeypatch.setattr(secret_file, "open", failing(errno.EACCES), raising=False)
    with fails_with(f"token_path: {file} cannot be read: Permission denied"):
        read_text(str(file), OPTION)


def test_remove(folder: Path, file: Path) -> None:
    file.write_text(SECRET)
    assert remove(str(file), OPTION) is True
    assert remove(str(file), OPTION) is False
    assert names_in(folder) == []


def test_remove_without_permission(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(SECRET)
    monkeypatch.setattr(os, "unlink", failing(errno.EPERM))
    with fails_with(f"token_path: {file} cannot be removed: Operation not permitted"):
        remove(str(file), OPTION)


# --- Paths that cannot hold a secret

ACTS: dict[str, Callable[[str], object]] = {
    "read": lambda path: read_text(path, OPTION),
    "remove": lambda path: remove(path, OPTION),
    "regular": lambda path: check_regular_file(path, OPTION),
    "writable": lambda path: check_writable(path, OPTION),
    "draft": lambda path: Draft(path, OPTION).__enter__(),
    "write": lambda path: write_text(path, SECRET, OPTION),
}
WRITING = ["writable", "draft", "write"]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("path", ["token", "./token", "../token", "~/token", ""])
def test_relative_path(act: str, path: str) -> None:
    with fails_with(f"token_path must be an absolute path, not '{path}'"):
        ACTS[act](path)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("target", ["other", "nowhere", "."])
def test_symbolic_link(folder: Path, file: Path, act: str, target: str) -> None:
    """A link is refused, whether or not its target exists."""
    (folder / "other").write_text("other's")
    file.symlink_to(target)
    message = "is a symbolic link; name the file it points to, so that no other is overwritten"
    with fails_with(f"token_path: {file} {message}"):
        ACTS[act](str(file))
    assert names_in(folder) == ["other", "token"]
    assert file.is_symlink()
    assert (folder / "other").read_text() == "other's"


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("kind", ["directory", "pipe", "device"])
def test_not_a_regular_file(file: Path, act: str, kind: str) -> None:
    if kind == "directory":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(str(file))
    else:
        file = Path(os.devnull)
    with fails_with(f"token_path: {file} is not a regular file"):
        ACTS[act](str(file))
    assert file.exists()


@pytest.mark.parametrize("act", ACTS)
def test_file_instead_of_a_directory(file: Path, act: str) -> None:
    file.write_text("text")
    with fails_with(f"token_path: {file}/token cannot be examined: Not a directory"):
        ACTS[act](f"{file}/token")


@pytest.mark.parametrize("act", WRITING)
def test_missing_directory(folder: Path, act: str) -> None:
    with fails_with(f"token_path: the directory {folder}/deep/er does not exist; create it first"):
        ACTS[act](f"{folder}/deep/er/token")
    assert names_in(folder) == []


@pytest.mark.parametrize("act", WRITING)
def test_path_that_ends_with_a_slash(folder: Path, act: str) -> None:
    with fails_with(f"token_path: the directory {folder}/new does not exist; create it first"):
        ACTS[act](f"{folder}/new/")


@pytest.mark.parametrize("act", WRITING)
def test_read_only_directory(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    requested: list[tuple[Any, int]] = []

    def access(path: Any, mode: int) -> bool:
        requested.append((path, mode))
        return False

    monkeypatch.setattr(os, "access", access)
    message = "is not writable for the user that runs the module"
    with fails_with(f"token_path: the directory {folder} {message}"):
        ACTS[act](str(file))
    assert requested == [(str(folder), os.W_OK | os.X_OK)]


@pytest.mark.parametrize("act", ["regular", "writable"])
def test_checks_change_nothing(folder: Path, file: Path, act: str) -> None:
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


def test_owner_is_set_before_the_mode(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The draft gets its owner while its mode is still 0600."""
    arguments: list[tuple[int, int, int]] = []

    def chown(path: str, uid: int, gid: int) -> None:
        arguments.append((uid, gid, mode_of(Path(path))))

    monkeypatch.setattr(os, "chown", chown)
    write_text(str(file), SECRET, OPTION, mode=0o644, owner=(-1, 4711))
    write_text(str(file), SECRET, OPTION)
    assert arguments == [(-1, 4711, 0o600)]


def test_draft_is_always_private(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The draft has mode 0600 at each step, whatever the umask and the mode of the file are."""
    seen: list[int] = []
    for name in ("fsync", "chmod", "open"):
        monkeypatch.setattr(os, name, recording(getattr(os, name), folder, seen))
    umask = os.umask(0)
    try:
        write_text(str(file), SECRET, OPTION, mode=0o644)
    finally:
        os.umask(umask)
    assert len(seen) >= 3
    assert set(seen) == {0o600}
    assert mode_of(file) == 0o644


def recording(act: Callable[..., Any], folder: Path, seen: list[int]) -> Callable[..., Any]:
    """The same function, which first records the modes of all drafts."""

    def recorded(*arguments: Any, **options: Any) -> Any:
        seen.extend(mode_of(draft) for draft in drafts_in(folder))
        return act(*arguments, **options)

    return recorded


def test_file_is_replaced_in_one_step(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the last step, the file has its complete old content and the draft the complete new one."""
    file.write_text("old")
    os.link(str(file), str(folder / "link"))
    replace = os.replace
    contents: list[tuple[str, str]] = []

    def compare_and_replace(source: str, target: str) -> None:
        contents.append((Path(source).read_text(), Path(target).read_text()))
        replace(source, target)

    monkeypatch.setattr(os, "replace", compare_and_replace)
    with file.open() as reader:
        write_text(str(file), "new", OPTION)
        assert reader.read() == "old"
    assert contents == [("new", "old")]
    assert file.read_text() == "new"
    assert (folder / "link").read_text() == "old"


def test_draft_reserves_space(folder: Path, file: Path) -> None:
    """The draft reserves more than a token needs, before the token is minted."""
    file.write_text("old")
    with Draft(str(file), OPTION) as draft:
        (reserved,) = drafts_in(folder)
        assert reserved.stat().st_size == 16384
        assert set(reserved.read_bytes()) == {0}
        assert file.read_text() == "old"
        draft.commit(SECRET)
        assert drafts_in(folder) == []
    assert file.read_text() == SECRET


def test_draft_is_flushed_to_the_disk(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the reserved space, then the text, then (after the replacement) the directory."""
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else str(os.fstat(handle).st_size))
        fsync(handle)

    def record_replace(source: str, target: str) -> None:
        steps.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
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


def test_draft_can_be_committed_once(folder: Path, file: Path) -> None:
    message = f"token_path: there is no draft of {file}, or it has been used already"
    with Draft(str(file), OPTION) as draft:
        draft.commit("one")
        with fails_with(message):
            draft.commit("two")
    with fails_with(message):
        draft.commit("three")
    with fails_with(message):
        Draft(str(file), OPTION).commit("four")
    assert file.read_text() == "one"
    assert names_in(folder) == ["token"]


def test_two_drafts_at_once(folder: Path, file: Path) -> None:
    """The later commit replaces the earlier one completely."""
    with Draft(str(file), OPTION) as one, Draft(str(file), OPTION) as two:
        assert len(drafts_in(folder)) == 2
        two.commit("two")
        one.commit("one")
    assert file.read_text() == "one"
    assert names_in(folder) == ["token"]


def test_file_that_became_a_directory(folder: Path, file: Path) -> None:
    with Draft(str(file), OPTION) as draft:
        file.mkdir()
        with fails_with(f"token_path: {file} cannot be written: Is a directory"):
            draft.commit(SECRET)
    assert names_in(folder) == ["token"]


def test_new_symbolic_link_is_replaced_and_not_followed(folder: Path, file: Path) -> None:
    other = folder / "other"
    other.write_text("other's")
    with Draft(str(file), OPTION) as draft:
        file.symlink_to(other)
        draft.commit(SECRET)
    assert not file.is_symlink()
    assert (file.read_text(), other.read_text()) == (SECRET, "other's")


def test_full_disk(folder: Path, file: Path) -> None:
    """It is found when the draft is opened, before a secret is minted."""
    file.write_text("old")
    with largest_file(8192), fails_with(f"token_path: {file} cannot be written: File too large"):
        Draft(str(file), OPTION).__enter__()
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


def test_full_disk_and_a_text_larger_than_the_reserved_space(folder: Path, file: Path) -> None:
    file.write_text("old")
    with largest_file(20000), Draft(str(file), OPTION) as draft:
        draft.commit("x" * 20000)
        assert file.stat().st_size == 20000
    with largest_file(20000), fails_with(f"token_path: {file} cannot be written: File too large"):
        write_text(str(file), "y" * 20001, OPTION)
    assert names_in(folder) == ["token"]
    assert set(file.read_text()) == {"x"}


def test_text_fits_into_the_reserved_space(file: Path) -> None:
    with Draft(str(file), OPTION) as draft, largest_file(16384):
        draft.commit("x" * 16384)
    assert file.stat().st_size == 16384


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("nth", [1, 2])
def test_failing_disk(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, number: int, nth: int) -> None:
    """It fails when the space is reserved, or when the text is written."""
    file.write_text("old")
    fsync = os.fsync
    calls: list[int] = []

    def fail(handle: int) -> None:
        calls.append(handle)
        if len(calls) == nth:
            raise OSError(number, os.strerror(number))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fail)
    with fails_with(f"token_path: {file} cannot be written: {os.strerror(number)}"):
        write_text(str(file), SECRET, OPTION)
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


@pytest.mark.parametrize("step", ["chown", "chmod", "replace"])
def test_failing_step(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    file.write_text("old")
    monkeypatch.setattr(os, step, failing(errno.EPERM))
    with fails_with(f"token_path: {file} cannot be written: Operation not permitted"):
        write_text(str(file), SECRET, OPTION, owner=(1, 1))
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError])
def test_interruption_while_space_is_reserved(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    def interrupt(_handle: int) -> None:
        raise kind

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(kind):
        Draft(str(file), OPTION).__enter__()
    assert names_in(folder) == []


def test_directory_that_cannot_be_flushed(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is replaced all the same: some file systems cannot flush a directory."""
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
    ("mode", "owner", "expected_match"),
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
def test_permissions(file: Path, mode: int, owner: tuple[int, int] | None, expected_match: bool) -> None:
    """The table holds the differences between the expected owner and the owner of the file."""
    file.touch()
    file.chmod(0o640)
    found = file.stat()
    own = (found.st_uid, found.st_gid)
    expected = owner and tuple(-1 if want < 0 else have + want for want, have in zip(owner, own))
    assert has_permissions(str(file), mode, cast("tuple[int, int] | None", expected)) is expected_match


def test_permissions_of_a_missing_file(file: Path) -> None:
    assert has_permissions(str(file), 0o600, None)


# --- Locks


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


def test_one_run_at_a_time(folder: Path, file: Path) -> None:
    pauses = Pauses()
    with locked([str(file), str(folder / "other")], sleep=pauses):
        assert is_locked(folder)
        assert names_in(folder) == []
    assert not is_locked(folder)
    assert pauses.recorded == []


def test_next_run_waits_for_the_first(folder: Path, file: Path) -> None:
    first = locked([str(file)])
    first.__enter__()
    pauses = Pauses(3, lambda: first.__exit__(None, None, None))
    with locked([str(folder / "other")], sleep=pauses):
        assert is_locked(folder)
    assert pauses.recorded == [0.2] * 3


def test_timeout_of_the_lock(folder: Path, file: Path) -> None:
    pauses = Pauses()
    message = f"another run has held the lock of {folder} for 1 s. Look for it, or try again later"
    with locked([str(file)]):
        with fails_with(message), locked([str(file)], timeout=1.0, sleep=pauses):
            raise AssertionError
        assert is_locked(folder)
    assert pauses.recorded == [0.2] * 5
    assert not is_locked(folder)


def test_lock_is_released_after_a_failure(folder: Path, file: Path) -> None:
    with pytest.raises(KeyboardInterrupt), locked([str(file)]):
        raise KeyboardInterrupt
    assert not is_locked(folder)


def test_lock_of_a_killed_run_is_released(folder: Path, file: Path) -> None:
    with killed_in(locked([str(file)])):
        assert is_locked(folder)
    assert not is_locked(folder)


def test_directories_are_locked_in_one_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One order prevents deadlocks. A directory with two names is locked once. A missing one is skipped."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "b")
    opened: list[str] = []
    open_file = os.open

    def recorded(path: Any, *arguments: Any, **options: Any) -> int:
        opened.append(Path(path).name)
        return open_file(path, *arguments, **options)

    monkeypatch.setattr(os, "open", recorded)
    paths = [str(tmp_path / name / "token") for name in ("b", "none", "link", "a", "b")]
    with locked(paths, sleep=Pauses()):
        assert opened == ["a", "b", "none"]
        assert is_locked(tmp_path / "a")
        assert is_locked(tmp_path / "b")
    assert not is_locked(tmp_path / "a")
    assert not is_locked(tmp_path / "b")


def test_locks_are_released_if_one_times_out(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with locked([str(tmp_path / "b" / "token")]):
        with pytest.raises(LocalFileError):
            locked([str(tmp_path / "a" / "x"), str(tmp_path / "b" / "x")], 0.4, Pauses()).__enter__()
        assert not is_locked(tmp_path / "a")


def test_file_system_without_locks(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    pauses = Pauses()
    with locked([str(file)], sleep=pauses):
        write_text(str(file), SECRET, OPTION)
    assert file.read_text() == SECRET
    assert pauses.recorded == []


# --- Drafts of killed runs


def leave_draft(folder: Path, name: str) -> Path:
    draft = folder / name
    draft.write_text(SECRET)
    return draft


def lock_and_release(file: Path) -> None:
    """Lock the directory, as a run does that has nothing to write."""
    with locked([str(file)]):
        pass


def test_draft_of_a_killed_run(folder: Path, file: Path) -> None:
    """The next run that locks the directory removes it, even if it has nothing to write."""
    with killed_in(Draft(str(file), OPTION)):
        (left,) = drafts_in(folder)
    write_text(str(file), "one", OPTION)
    assert drafts_in(folder) == [left]
    lock_and_release(file)
    assert names_in(folder) == ["token"]
    assert file.read_text() == "one"


def test_draft_is_kept_without_locks(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = leave_draft(folder, ".token.abcd_123.draft")
    monkeypatch.setattr(fcntl, "flock", failing(errno.EOPNOTSUPP))
    lock_and_release(file)
    assert draft.exists()


def test_all_drafts_are_removed(folder: Path, file: Path) -> None:
    leave_draft(folder, ".token.abcd_123.draft")
    leave_draft(folder, ".token.zzzzzzzz.draft")
    lock_and_release(file)
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
def test_file_with_another_name_is_kept(folder: Path, file: Path, name: str) -> None:
    other = leave_draft(folder, name)
    lock_and_release(file)
    assert other.read_text() == SECRET


def test_name_is_taken_literally(folder: Path) -> None:
    other = leave_draft(folder, ".tokenX1.abcdefgh.draft")
    own = leave_draft(folder, ".token.1.abcdefgh.draft")
    lock_and_release(folder / "token.1")
    assert (other.exists(), own.exists()) == (True, False)


def test_other_than_regular_files_are_kept(folder: Path, file: Path) -> None:
    link, target = folder / ".token.linklink.draft", folder / "target"
    target.write_text("text")
    link.symlink_to(target)
    directory = folder / ".token.dirdirdi.draft"
    directory.mkdir()
    lock_and_release(file)
    assert (link.is_symlink(), directory.is_dir(), target.exists()) == (True, True, True)


def test_draft_of_another_user_is_kept(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = leave_draft(folder, ".token.abcdefgh.draft")
    lstat = os.lstat

    def of_another(path: Any) -> os.stat_result:
        found = lstat(path)
        fields = list(found)
        fields[stat.ST_UID] += 1
        return os.stat_result(fields) if str(path) == str(draft) else found

    monkeypatch.setattr(os, "lstat", of_another)
    lock_and_release(file)
    assert draft.exists()


def test_draft_that_cannot_be_removed_is_ignored(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undeletable, other = leave_draft(folder, ".token.aaaaaaaa.draft"), leave_draft(folder, ".token.bbbbbbbb.draft")
    unlink = os.unlink

    def fail(path: Any) -> None:
        if str(path) == str(undeletable):
            raise OSError(errno.EPERM, "Operation not permitted")
        unlink(path)

    monkeypatch.setattr(os, "unlink", fail)
    lock_and_release(file)
    assert (undeletable.exists(), other.exists()) == (True, False)


def test_directory_that_cannot_be_listed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = leave_draft(file.parent, ".token.abcdefgh.draft")
    with monkeypatch.context() as patched:
        patched.setattr(os, "listdir", failing(errno.EACCES))
        lock_and_release(file)
    assert draft.exists()
