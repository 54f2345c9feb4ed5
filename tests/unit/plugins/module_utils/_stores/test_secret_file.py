# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that hold secrets: what is refused, written completely or not at all, private from the start, no leftovers."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import permissions, secret_file
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.directory import Directory
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.permissions import Mode, Permissions
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.secret_file import SecretFile
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import (
    ACL,
    FakeOwners,
    acl_text,
    drafts_in,
    failing,
    folder_with_acls,
    largest_file,
    mode_of,
    names_in,
)

OPTION = "token_path"
SECRET = "s3cret"
PRIVATE = Permissions(Mode("0600", 0o600))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


@pytest.fixture
def file(folder: Path) -> Path:
    return folder / "token"


def opened(file: Path | str, mode: int | None = 0o600, **options: Any) -> SecretFile:
    permissions = Permissions(None if mode is None else Mode(f"{mode:o}", mode))
    return SecretFile(str(file), OPTION, permissions, **options)


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
    assert opened(file).read() == text


def test_read_a_missing_file(file: Path) -> None:
    assert opened(file).read() is None


def test_read_a_binary_file(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with fails_with(f"token_path: {file} is not a text file"):
        opened(file).read()


def test_read_without_permission(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(SECRET)
    monkeypatch.setattr(Directory, "open", failing(errno.EACCES))
    with fails_with(f"token_path: {file} cannot be read: Permission denied"):
        opened(file).read()


def test_read_a_huge_file(file: Path) -> None:
    """The owner of the directory cannot fill the memory of the target."""
    with file.open("wb") as handle:
        handle.truncate(2**40)
    with fails_with(f"token_path: {file} is too large for a file of credentials"):
        opened(file).read()


def test_read_a_disk_that_fails(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(SECRET)
    monkeypatch.setattr(os, "pread", failing(errno.EIO))
    with fails_with(f"token_path: {file} cannot be read: Input/output error"):
        opened(file).read()


def test_remove(folder: Path, file: Path) -> None:
    file.write_text(SECRET)
    assert opened(file).remove() is True
    assert opened(file).remove() is False
    assert names_in(folder) == []


def test_remove_without_permission(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(SECRET)
    monkeypatch.setattr(os, "unlink", failing(errno.EPERM))
    with fails_with(f"token_path: {file} cannot be removed: Operation not permitted"):
        opened(file).remove()


# --- Paths that cannot hold a secret

ACTS: dict[str, Callable[[SecretFile], object]] = {
    "read": lambda opened_file: opened_file.read(),
    "remove": lambda opened_file: opened_file.remove(),
    "check": lambda opened_file: opened_file.check(),
    "prepare": lambda opened_file: opened_file.prepare().__enter__(),
    "write": lambda opened_file: opened_file.write(SECRET),
}
# What needs more than the permission to read.
CHANGES = ["remove", "check", "prepare", "write"]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("path", ["token", "./token", "../token", "~/token", "", "/", "/tmp/", "/tmp/a\0b"])
def test_path_of_no_file(act: str, path: str) -> None:
    with fails_with(f"token_path must be the absolute path of a file, not '{path}'"):
        ACTS[act](opened(path))


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("target", ["other", "nowhere", "."])
def test_symbolic_link(folder: Path, file: Path, act: str, target: str) -> None:
    """A link is refused, whether or not its target exists."""
    (folder / "other").write_text("other's")
    file.symlink_to(target)
    message = "is a symbolic link. Use the path that it points to, so that no other file is overwritten"
    with fails_with(f"token_path: {file} {message}"):
        ACTS[act](opened(file))
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
        ACTS[act](opened(file))
    assert file.exists()


@pytest.mark.parametrize("act", ACTS)
def test_file_instead_of_a_directory(file: Path, act: str) -> None:
    file.write_text("text")
    with fails_with(f"token_path: {file} is not a directory"):
        ACTS[act](opened(f"{file}/token"))


@pytest.mark.parametrize("act", ACTS)
def test_missing_directory(folder: Path, act: str) -> None:
    with fails_with(f"token_path: the directory {folder}/deep does not exist. Create it first"):
        ACTS[act](opened(f"{folder}/deep/er/token"))
    assert names_in(folder) == []


@pytest.mark.parametrize("act", CHANGES)
def test_read_only_directory(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    monkeypatch.setattr(os, "access", lambda *_arguments, **_options: False)
    message = "cannot be written: its directory is read-only, or not writable for the user of the module"
    with fails_with(f"token_path: {file} {message}"):
        ACTS[act](opened(file))
    assert names_in(folder) == []


@pytest.mark.parametrize("act", CHANGES)
def test_disk_without_space(file: Path, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    """The file's present size counts, too: a new version needs at least that."""
    file.write_text("x" * 1000)
    for free, is_enough in ((17384, True), (17383, False)):
        space = SimpleNamespace(f_blocks=10**6, f_bfree=free, f_bavail=free, f_frsize=1)
        monkeypatch.setattr(os, "statvfs", lambda _fd, space=space: space)
        if is_enough:
            opened(file).check()
        else:
            with fails_with(f"token_path: {file} cannot be written: no space left on its file system"):
                ACTS[act](opened(file))
    assert file.read_text() == "x" * 1000


def test_long_name(folder: Path) -> None:
    """The name of a draft is longer than that of the file."""
    opened(folder / ("x" * 239)).write(SECRET)
    file = folder / ("x" * 240)
    with fails_with(f"token_path: {file} has a name that is too long for a draft next to it"):
        opened(file).check()


def test_check_changes_nothing(folder: Path, file: Path) -> None:
    opened(file).check()
    assert names_in(folder) == []
    file.write_text("old")
    before = file.stat()
    opened(file).check()
    assert names_in(folder) == ["token"]
    # Without the time of the last access, which reading may change.
    after = file.stat()
    assert (after.st_mode, after.st_ino, after.st_uid, after.st_gid, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_mode,
        before.st_ino,
        before.st_uid,
        before.st_gid,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )
    assert file.read_text() == "old"


@pytest.mark.parametrize("name", ["stat", "fstat"])
def test_file_system_that_fails(file: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whatever fails is reported with the path."""
    file.write_text("old")
    subject = opened(file)
    real = getattr(os, name)

    def fail(*arguments: Any, **options: Any) -> Any:
        found = real(*arguments, **options)
        if stat.S_ISREG(found.st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return found

    monkeypatch.setattr(os, name, fail)
    needs_fstat = [subject.read, lambda: subject.write(SECRET)]
    for act in [*needs_fstat, subject.check, subject.permissions_match, subject.warnings, subject.remove]:
        if name == "stat" or act in needs_fstat:
            with pytest.raises(LocalFileError, match=f"^token_path: {file} cannot be .*: Input/output error$"):
                act()
    monkeypatch.undo()
    assert (names_in(file.parent), file.read_text()) == (["token"], "old")


# --- Obstacles that only a rename meets


@pytest.mark.parametrize("act", CHANGES)
def test_mount_point(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    file.write_text("old")
    monkeypatch.setattr(Directory, "is_mount_point", lambda _directory, name: name == "token")
    with fails_with(
        f"token_path: {file} is a mount point and cannot be replaced. Mount its directory instead, or use "
        "deliver or quay_token_file, and set unsafe_writes: true to write it in place"
    ):
        ACTS[act](opened(file))
    assert (file.read_text(), names_in(folder)) == ("old", ["token"])


@pytest.mark.parametrize("act", CHANGES)
@pytest.mark.parametrize("protected", [".", "token"])
@pytest.mark.parametrize("protection", ["immutable", "append-only"])
def test_protected_file(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, act: str, protected: str, protection: str
) -> None:
    file.write_text("old")
    monkeypatch.setattr(Directory, "protection", lambda _directory, name=".": protection if name == protected else None)
    message = f"cannot be replaced: it, or its directory, is {protection} (see lsattr)"
    with fails_with(f"token_path: {file} {message}"):
        ACTS[act](opened(file))
    assert (file.read_text(), names_in(folder)) == ("old", ["token"])


@pytest.mark.parametrize("act", CHANGES)
def test_file_of_another_user_in_a_sticky_directory(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    file.write_text("old")
    monkeypatch.setattr(secret_file, "may_replace_in_sticky_directory", lambda _directory, _found: False)
    with fails_with(f"token_path: {file} belongs to another user, and the sticky bit of its directory protects it"):
        ACTS[act](opened(file))
    assert names_in(folder) == ["token"]


@pytest.fixture
def plain_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the module's user have no rights of root."""
    monkeypatch.setattr(permissions, "_has_capability", lambda _number: False)


@pytest.mark.parametrize(
    ("option", "offer"), [("path", "set"), ("token_path", "use deliver or quay_token_file, and set")]
)
def test_option_that_a_message_offers(
    file: Path, monkeypatch: pytest.MonkeyPatch, plain_user: None, option: str, offer: str
) -> None:
    """A path alone has no options beside it."""
    for uid, gid, words in (
        (4711, -1, f"Run the task as root (become), or {offer} owner"),
        (-1, 4712, f"is not in the group 4712. Use become, or {offer} group"),
    ):
        with pytest.raises(LocalFileError) as caught:
            SecretFile(str(file), option, Permissions(Mode("0600", 0o600), uid, gid)).check()
        assert str(caught.value).endswith(words)
    file.write_text("old")
    monkeypatch.setattr(Directory, "is_mount_point", lambda _directory, name: name == "token")
    with pytest.raises(LocalFileError) as caught:
        SecretFile(str(file), option, PRIVATE).check()
    assert str(caught.value).endswith(f"instead, or {offer} unsafe_writes: true to write it in place")


@pytest.mark.parametrize("act", CHANGES)
def test_owner_that_only_root_can_set(file: Path, plain_user: None, act: str) -> None:
    with fails_with(
        f"token_path: {file} cannot be written: only root can make the user 4711 its owner. Run the task as root "
        "(become), or use deliver or quay_token_file, and set owner"
    ):
        ACTS[act](SecretFile(str(file), OPTION, Permissions(uid=4711)))
    assert not file.exists()


@pytest.mark.parametrize("act", CHANGES)
def test_file_of_another_user_in_the_own_directory(
    file: Path, plain_user: None, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """The owner is kept unless it is declared, and only root can do that."""
    file.write_text("old")
    files = FakeOwners(monkeypatch, capable=False)
    files.owners[file.stat().st_ino] = (4711, 4712)
    with fails_with(
        f"token_path: {file} cannot be written: only root can make the user 4711 its owner. Run the task as root "
        "(become), or use deliver or quay_token_file, and set owner"
    ):
        ACTS[act](opened(file))
    own = Permissions(uid=os.geteuid(), gid=os.getegid())
    SecretFile(str(file), OPTION, own).write(SECRET)
    assert file.read_text() == SECRET


@pytest.mark.parametrize("act", CHANGES)
def test_file_that_somebody_may_have_put_there(file: Path, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    """Not even root gives a secret to whoever made the file first."""
    file.touch()
    file.parent.chmod(0o1777)
    files = FakeOwners(monkeypatch)
    files.owners[file.stat().st_ino] = (4711, 4711)
    with fails_with(
        f"token_path: {file} belongs to the user 4711, who may have put it there to get the secret, because several "
        "users can write to its directory. Remove the file, or use deliver or quay_token_file, and set owner "
        "to that user"
    ):
        ACTS[act](opened(file))
    assert file.read_text() == ""


@pytest.mark.parametrize("act", CHANGES)
def test_mode_that_must_not_be_kept(file: Path, act: str) -> None:
    file.touch()
    file.chmod(0o622)
    with fails_with(f"token_path: {file} can be overwritten by everybody. Change its mode, for example to 0600"):
        ACTS[act](opened(file, None))


# --- Writing


@pytest.mark.parametrize("text", ["", "s3cret\n", "ü\r\n", "x" * 16384, "y" * 100000])
@pytest.mark.parametrize("old", [None, "old", "o" * 200000])
def test_write(folder: Path, file: Path, text: str, old: str | None) -> None:
    if old is not None:
        file.write_text(old)
    opened(file).write(text)
    assert file.read_bytes() == text.encode()
    assert mode_of(file) == 0o600
    assert names_in(folder) == ["token"]


@pytest.mark.parametrize("old_mode", [0o600, 0o640, 0o444, 0o2640])
def test_mode_and_owner_are_kept(file: Path, old_mode: int) -> None:
    file.write_text("old")
    file.chmod(old_mode)
    before = file.stat()
    subject = opened(file, None)
    assert subject.permissions_match()
    subject.write(SECRET)
    assert mode_of(file) == old_mode
    assert (file.stat().st_uid, file.stat().st_gid) == (before.st_uid, before.st_gid)
    assert subject.permissions_match()


def test_write_with_mode_and_owner(file: Path) -> None:
    file.write_text("old")
    declared = Permissions(Mode("0640", 0o640), os.getuid(), os.getgid())
    subject = SecretFile(str(file), OPTION, declared)
    assert not subject.permissions_match()
    subject.write(SECRET)
    assert mode_of(file) == 0o640
    assert (file.stat().st_uid, file.stat().st_gid) == (os.getuid(), os.getgid())
    assert subject.permissions_match()
    opened(file).write(SECRET)
    assert mode_of(file) == 0o600


def test_owner_is_given(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = FakeOwners(monkeypatch)
    subject = SecretFile(str(file), OPTION, Permissions(uid=4711, gid=4712))
    assert subject.permissions_match()
    subject.write(SECRET)
    assert files.changed == [(4711, 4712)]
    assert subject.permissions_match()
    assert not SecretFile(str(file), OPTION, Permissions(uid=4713)).permissions_match()


def test_mode_follows_another_file(folder: Path, file: Path) -> None:
    other = folder / "other"
    subject = opened(file, None, follows="other")
    subject.write(SECRET)
    assert mode_of(file) == 0o600
    other.touch()
    other.chmod(0o640)
    assert not subject.permissions_match()
    subject.write(SECRET)
    assert mode_of(file) == 0o640
    assert subject.permissions_match()


@pytest.mark.parametrize(("present", "declared"), [(0o640, 0o600), (0o644, 0o600), (0o640, 0o644), (0o640, None)])
def test_access_control_list_is_kept(tmp_path: Path, present: int, declared: int | None) -> None:
    """Neither those who had access lose it, nor does anybody gain it."""
    file = folder_with_acls(tmp_path) / "token"
    file.write_text("old")
    os.setxattr(str(file), ACL, acl_text(user=6, group=0, mask=4, other=present & 7, named=4))
    subject = opened(file, declared)
    matched = subject.permissions_match()
    subject.write(SECRET)
    other = (present if declared is None else declared) & 7
    assert os.getxattr(str(file), ACL) == acl_text(user=6, group=0, mask=4, other=other, named=4)
    assert mode_of(file) == 0o640 | other
    assert matched is (other == present & 7)
    assert subject.permissions_match()


def test_list_of_another_owner_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who owned the file before the play declared an owner may have named anybody in it."""
    file = folder_with_acls(tmp_path) / "token"
    file.write_text("old")
    os.setxattr(str(file), ACL, acl_text(user=6, group=0, mask=4, other=0, named=4))
    files = FakeOwners(monkeypatch)
    files.owners[file.stat().st_ino] = (4711, 4711)
    SecretFile(str(file), OPTION, Permissions(Mode("0600", 0o600), os.getuid(), os.getgid())).write(SECRET)
    assert ACL not in os.listxattr(str(file))
    assert mode_of(file) == 0o600


def test_default_list_of_the_directory(tmp_path: Path) -> None:
    """A new file gets it, with no more rights than its mode. An existing file without a list stays without one."""
    folder = folder_with_acls(tmp_path)
    file = folder / "token"
    file.write_text("old")
    file.chmod(0o640)
    os.setxattr(str(folder), "system.posix_acl_default", acl_text(user=7, group=5, mask=7, other=0, named=6))
    opened(file, 0o640).write(SECRET)
    assert ACL not in os.listxattr(str(file))
    assert mode_of(file) == 0o640
    opened(folder / "new").write(SECRET)
    assert mode_of(folder / "new") == 0o600
    assert os.getxattr(str(folder / "new"), ACL) == acl_text(user=6, group=5, mask=0, other=0, named=6)
    assert opened(folder / "new").permissions_match()


def test_other_attributes_are_kept(tmp_path: Path) -> None:
    file = folder_with_acls(tmp_path) / "token"
    file.write_text("old")
    os.setxattr(str(file), "user.note", b"text")
    opened(file).write(SECRET)
    assert os.getxattr(str(file), "user.note") == b"text"


def test_attribute_that_cannot_be_set(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found before a secret is minted."""
    file.write_text("old")
    monkeypatch.setattr(os, "listxattr", lambda _fd: ["security.selinux"], raising=False)
    values = iter(range(10))
    monkeypatch.setattr(os, "getxattr", lambda _fd, _name: b"%d" % next(values), raising=False)
    monkeypatch.setattr(os, "setxattr", failing(errno.EACCES), raising=False)
    with fails_with(
        f"token_path: {file} cannot be written: its access control list or label cannot be kept: Permission denied. "
        "Compare getfattr -m - of the file, or remove the file if they do not matter"
    ):
        opened(file).prepare().__enter__()
    assert names_in(folder) == ["token"]


def test_file_system_without_modes(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as FAT: a secret there could be read by everybody."""
    monkeypatch.setattr(os, "fchmod", lambda _fd, _mode: None)
    with fails_with(
        f"token_path: {file} is on a file system that does not keep its owner or mode. Deliver to another one"
    ):
        opened(file, 0o640).prepare().__enter__()
    assert names_in(folder) == []


# --- Warnings


def test_no_warnings(folder: Path, file: Path) -> None:
    assert opened(file).warnings() == []
    file.touch()
    file.chmod(0o644)
    folder.chmod(0o1777)
    assert opened(file).warnings() == []


def test_warnings(folder: Path, file: Path) -> None:
    file.touch()
    file.chmod(0o644)
    os.link(str(file), str(folder / "second"))
    folder.chmod(0o777)
    assert opened(file, None).warnings() == [
        f"{file} has 2 hard links. Only this name gets the new secret, and the others keep the old one. To share the "
        "file, share its directory.",
        f"{file} can be read by every user of the target. Change its mode if that is not intended.",
        f"The directory of {file} can be written by every user, who can replace the secret.",
    ]


# --- Prepare and replace


def test_space_is_reserved(folder: Path, file: Path) -> None:
    """More than a token needs, before the token is minted."""
    file.write_text("old")
    subject = opened(file)
    with subject.prepare():
        sizes = sorted((folder / name).stat().st_size for name in drafts_in(folder))
        assert sizes == [3, 16387]
        assert file.read_text() == "old"
        subject.replace(SECRET)
        assert drafts_in(folder) == []
    assert file.read_text() == SECRET


def test_file_that_is_not_replaced(folder: Path, file: Path) -> None:
    file.write_text("old")
    with opened(file).prepare():
        assert len(drafts_in(folder)) == 2
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, ConnectionError])
def test_failure_after_prepare(folder: Path, file: Path, kind: type[BaseException]) -> None:
    """An error of Quay is not taken for one of the file."""
    with pytest.raises(kind), opened(file).prepare():
        raise kind
    assert names_in(folder) == []


def test_file_can_be_replaced_once(folder: Path, file: Path) -> None:
    message = f"token_path: {file} was not prepared, or was written already"
    subject = opened(file)
    with subject.prepare():
        subject.replace("one")
        with fails_with(message):
            subject.replace("two")
    with fails_with(message):
        subject.replace("three")
    assert file.read_text() == "one"
    assert names_in(folder) == ["token"]


def test_two_at_once(folder: Path, file: Path) -> None:
    """The later one replaces the earlier one completely."""
    one, two = opened(file), opened(file)
    with one.prepare(), two.prepare():
        assert len(drafts_in(folder)) == 2
        two.replace("two")
        one.replace("one")
    assert file.read_text() == "one"
    assert names_in(folder) == ["token"]


def test_file_that_became_a_directory(folder: Path, file: Path) -> None:
    subject = opened(file)
    with subject.prepare():
        file.mkdir()
        with fails_with(f"token_path: {file} cannot be written: Is a directory"):
            subject.replace(SECRET)
    assert names_in(folder) == ["token"]


def test_new_symbolic_link_is_replaced_and_not_followed(folder: Path, file: Path) -> None:
    other = folder / "other"
    other.write_text("other's")
    subject = opened(file)
    with subject.prepare():
        file.symlink_to(other)
        subject.replace(SECRET)
    assert not file.is_symlink()
    assert (file.read_text(), other.read_text()) == (SECRET, "other's")


def test_full_disk(folder: Path, file: Path) -> None:
    """It is found when the space is reserved, before a secret is minted."""
    file.write_text("old")
    with largest_file(8192), fails_with(f"token_path: {file} cannot be written: File too large"):
        opened(file).prepare().__enter__()
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


def test_full_disk_and_a_text_larger_than_the_reserved_space(folder: Path, file: Path) -> None:
    file.write_text("old")
    subject = opened(file)
    with largest_file(20000):
        subject.write("x" * 20000)
    assert file.stat().st_size == 20000
    file.write_text("old")
    with largest_file(20000), fails_with(f"token_path: {file} cannot be written: File too large"):
        subject.write("y" * 20001)
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


def test_text_fits_into_the_reserved_space(file: Path) -> None:
    """Of a file that grows, too: there is room for its present size and for what is added."""
    file.write_text("x" * 5000)
    subject = opened(file)
    with subject.prepare(), largest_file(21384):
        subject.replace("x" * 21384)
    assert file.stat().st_size == 21384


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
        opened(file).write(SECRET)
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


@pytest.mark.parametrize("step", ["fchmod", "rename"])
def test_failing_step(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Owner, mode and rename are tried before a secret is minted."""
    file.write_text("old")
    monkeypatch.setattr(os, step, failing(errno.EPERM))
    with fails_with(f"token_path: {file} cannot be written: Operation not permitted"):
        opened(file, 0o640).prepare().__enter__()
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


def test_failing_change_of_the_owner(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may lack the right on a file system of another machine, which only trying shows."""
    FakeOwners(monkeypatch)
    monkeypatch.setattr(os, "fchown", failing(errno.EPERM))
    with fails_with(f"token_path: {file} cannot be written: Operation not permitted"):
        SecretFile(str(file), OPTION, Permissions(uid=4711)).prepare().__enter__()
    assert names_in(folder) == []


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError])
def test_interruption_while_space_is_reserved(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    def interrupt(_handle: int) -> None:
        raise kind

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(kind):
        opened(file).prepare().__enter__()
    assert names_in(folder) == []


def test_no_descriptor_is_left_open(file: Path) -> None:
    before = os.listdir("/dev/fd")
    opened(file).write(SECRET)
    assert opened(file).read() == SECRET
    opened(file).check()
    with largest_file(8192), pytest.raises(LocalFileError):
        opened(file).write(SECRET)
    assert len(os.listdir("/dev/fd")) == len(before)


# --- Reading back


def after_the_rename(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something as soon as the file is replaced."""
    rename = os.rename

    def renamed(source: str, target: str, **options: Any) -> None:
        rename(source, target, **options)
        if target == "token":
            monkeypatch.setattr(os, "rename", rename)
            act()

    monkeypatch.setattr(os, "rename", renamed)


NOT_AS_WRITTEN = "does not hold what was written. Check whether something else writes it"


@pytest.mark.parametrize("old", [None, "old"])
def test_content_that_is_not_as_written(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, old: str | None
) -> None:
    """The former content comes back."""
    if old is not None:
        file.write_text(old)
    after_the_rename(monkeypatch, lambda: file.write_text("damaged"))
    with fails_with(f"token_path: {file} {NOT_AS_WRITTEN}"):
        opened(file).write(SECRET)
    assert names_in(folder) == ([] if old is None else ["token"])
    assert old is None or file.read_text() == old


def test_disk_that_cannot_be_read_back(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("old")
    after_the_rename(monkeypatch, lambda: monkeypatch.setattr(os, "pread", failing(errno.EIO)))
    with fails_with(f"token_path: {file} cannot be read: Input/output error"):
        opened(file).write(SECRET)
    assert names_in(folder) == ["token"]
    assert file.read_text() == "old"


def test_file_that_another_process_writes(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the other process wrote stays, and no secret is left anywhere."""
    file.write_text("old")

    def replace_it() -> None:
        file.rename(folder / "taken")
        file.write_text("theirs")

    after_the_rename(monkeypatch, replace_it)
    with fails_with(f"token_path: {file} {NOT_AS_WRITTEN}"):
        opened(file).write(SECRET)
    assert names_in(folder) == ["taken", "token"]
    assert (file.read_text(), (folder / "taken").read_text()) == ("theirs", "")


def test_file_system_without_hard_links(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The former content cannot be kept there."""
    file.write_text("old")
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    opened(file).write(SECRET)
    assert file.read_text() == SECRET
    after_the_rename(monkeypatch, lambda: file.write_text("damaged"))
    with fails_with(f"token_path: {file} {NOT_AS_WRITTEN}"):
        opened(file).write("new")
    assert names_in(folder) == ["token"]


def test_mount_point_without_a_list_of_mounts(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hard link shows it, before a secret is minted."""
    file.write_text("old")
    monkeypatch.setattr(os, "link", failing(errno.EXDEV))
    with fails_with(f"token_path: {file} cannot be written: Device or resource busy"):
        opened(file).prepare().__enter__()
    assert names_in(folder) == ["token"]


# --- In place


@pytest.fixture
def mounted(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that cannot be replaced."""
    file.write_text("the old text\n")
    file.chmod(0o600)
    monkeypatch.setattr(Directory, "is_mount_point", lambda _directory, name: name == "token")
    rename = os.rename

    def renamed(source: str, target: str, **options: Any) -> None:
        if target == "token":
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        rename(source, target, **options)

    monkeypatch.setattr(os, "rename", renamed)
    return file


@pytest.mark.parametrize("text", ["", "short\n", "longer than the old text\n"])
def test_write_in_place(folder: Path, mounted: Path, text: str) -> None:
    before = mounted.stat()
    subject = opened(mounted, unsafe_writes=True)
    subject.check()
    subject.write(text)
    assert mounted.read_text() == text
    assert (mounted.stat().st_ino, mounted.stat().st_mode) == (before.st_ino, before.st_mode)
    assert names_in(folder) == ["token"]


def test_remove_in_place(folder: Path, mounted: Path) -> None:
    """A mount point cannot be removed, so it is emptied."""
    assert opened(mounted, unsafe_writes=True).remove()
    assert (names_in(folder), mounted.read_text()) == (["token"], "")


def test_unsafe_writes_of_a_file_that_can_be_replaced(file: Path) -> None:
    """It is replaced as ever."""
    file.write_text("old")
    before = file.stat().st_ino
    with file.open() as reader:
        opened(file, unsafe_writes=True).write(SECRET)
        assert reader.read() == "old"
    assert file.stat().st_ino != before


def test_unsafe_writes_in_a_read_only_directory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("old")
    file.chmod(0o600)
    monkeypatch.setattr(os, "access", lambda *_arguments, **_options: False)
    opened(file, unsafe_writes=True).write(SECRET)
    assert file.read_text() == SECRET
    with pytest.raises(LocalFileError, match="its directory is read-only, or not writable"):
        opened(file.parent / "new", unsafe_writes=True).check()


def test_mode_of_a_file_in_place(mounted: Path) -> None:
    mounted.chmod(0o640)
    with fails_with(
        f"token_path: {mounted} is written in place, which keeps its owner and mode (0640). Set owner, group and mode "
        "to those, or change the file"
    ):
        opened(mounted, unsafe_writes=True).check()
    opened(mounted, 0o640, unsafe_writes=True).check()
    opened(mounted, None, unsafe_writes=True).check()


def test_hard_links_of_a_file_in_place(folder: Path, mounted: Path) -> None:
    """Another name of it may be anybody's file."""
    os.link(str(mounted), str(folder / "second"))
    with fails_with(
        f"token_path: {mounted} has hard links, so it cannot be written in place. Deliver to a file of its own"
    ):
        opened(mounted, unsafe_writes=True).check()


@pytest.mark.parametrize("act", ["check", "write"])
def test_file_in_place_that_cannot_be_opened(mounted: Path, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    open_entry = Directory.open

    def refuse(directory: Directory, name: str, flags: int, mode: int = 0o600) -> int:
        if flags & os.O_RDWR and name == "token":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return open_entry(directory, name, flags, mode)

    monkeypatch.setattr(Directory, "open", refuse)
    with fails_with(f"token_path: {mounted} cannot be written: Read-only file system"):
        ACTS[act](opened(mounted, unsafe_writes=True))


@pytest.mark.parametrize("swap", ["another file", "hard link"])
def test_file_in_place_that_is_swapped(folder: Path, mounted: Path, monkeypatch: pytest.MonkeyPatch, swap: str) -> None:
    other = folder / "other"
    other.write_text("other's")
    open_entry = Directory.open

    def swapped(directory: Directory, name: str, flags: int, mode: int = 0o600) -> int:
        if flags & os.O_RDWR and len(calls) < 2:
            calls.append(name)
            if len(calls) == 2:
                mounted.rename(folder / "gone")
                if swap == "hard link":
                    os.link(str(other), str(mounted))
                else:
                    mounted.write_text("other's")
        return open_entry(directory, name, flags, mode)

    calls: list[str] = []
    monkeypatch.setattr(Directory, "open", swapped)
    with fails_with(
        f"token_path: {mounted} was replaced by somebody else while it was written, or its draft was. Nothing was "
        "delivered. Check who may write to its directory"
    ):
        opened(mounted, unsafe_writes=True).write(SECRET)
    assert (other.read_text(), mounted.read_text()) == ("other's", "other's")


@pytest.mark.parametrize("fault", ["partial", "error", "truncate"])
def test_failing_write_in_place(mounted: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """The former content comes back."""
    pwrite, ftruncate = os.pwrite, os.ftruncate
    new = "a text that is longer than the old one\n"

    def write(fd: int, data: bytes, offset: int) -> int:
        if not bytes(data).startswith(b"a text") or fault == "truncate":
            return pwrite(fd, data, offset)
        if fault == "error":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return pwrite(fd, data[:5], offset)

    def truncate(fd: int, size: int) -> None:
        if fault == "truncate" and size == len(new):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        ftruncate(fd, size)

    monkeypatch.setattr(os, "pwrite", write)
    monkeypatch.setattr(os, "ftruncate", truncate)
    with fails_with(f"token_path: {mounted} cannot be written: No space left on device"):
        opened(mounted, unsafe_writes=True).write(new)
    assert mounted.read_text() == "the old text\n"


def test_write_in_place_that_another_process_overwrites(mounted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def overwrite(fd: int) -> None:
        fsync(fd)
        if mounted.read_text() == SECRET:
            mounted.write_text("damaged")

    monkeypatch.setattr(os, "fsync", overwrite)
    with fails_with(f"token_path: {mounted} {NOT_AS_WRITTEN}"):
        opened(mounted, unsafe_writes=True).write(SECRET)
    assert mounted.read_text() == "the old text\n"


def test_write_in_place_is_one_call(mounted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed after any call leaves the old text, or the new one and blank lines."""
    states: list[str] = []
    for name in ("pwrite", "ftruncate"):
        monkeypatch.setattr(os, name, recording(getattr(os, name), mounted, states))
    opened(mounted, unsafe_writes=True).write("new\n")
    assert states == ["the old text\n", "the old text\n", "new\n" + "\n" * 9, "new\n"]


def recording(act: Callable[..., Any], file: Path, states: list[str]) -> Callable[..., Any]:
    def recorded(*arguments: Any) -> Any:
        result = act(*arguments)
        states.append(file.read_text())
        return result

    return recorded
