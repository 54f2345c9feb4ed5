# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of secrets on a host with other users, mounts and protected files.

What cannot be written is found before a secret is minted, in check mode too. Nobody else gets a secret, and no other
file is written.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import stat
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from standin.tokens import fingerprint

ROBOT = "quay_robot_token"
FILE = "quay_token_file"
AUTH = "quay_container_auth"
SECRET = "STOREDSECRET" + "S" * 52

# A user that is not the one who runs the tests.
ANOTHER_UID = 4711
NOBODY = 65534
ACL = "system.posix_acl_access"


@pytest.fixture
def family() -> str:
    return "3.18"


@pytest.fixture
def file(harness: Harness) -> Path:
    """A file of an earlier delivery."""
    harness.known_secrets.add([SECRET])
    result = harness.run(ROBOT, robot(harness))
    assert not result.failed, result.message
    return harness.folder / "secret"


def robot(harness: Harness, **options: Any) -> dict[str, Any]:
    """The arguments of a rotation that is due, with one store."""
    store = {"kind": "file", "path": str(harness.folder / "secret"), "format": "json", **options}
    return {"name": "acme+ci", "rotate": "always", "deliver": [store]}


def to_file(harness: Harness, **options: Any) -> dict[str, Any]:
    """The arguments of a delivery by quay_token_file or quay_container_auth."""
    path = str(harness.folder / "secret")
    return {"path": path, "quay_host": "https://quay.example.com", "token": SECRET, "username": "acme+ci", **options}


def stored(file: Path) -> str:
    """The fingerprint of the secret in a JSON file."""
    return fingerprint(json.loads(file.read_text())["token"])


# --- What cannot be written is found before a secret is minted


def refuse_rotation(harness: Harness, file: Path, *words: str, **options: Any) -> None:
    """Assert that a rotation is refused before anything is sent, and that the secret in the store stays valid."""
    for _run in range(2):
        assert_refused(harness, ROBOT, robot(harness, **options), f"path: {file} ", *words)
        assert harness.requests == []
        assert stored(file) == harness.robot_fingerprint()


def test_mount_point(harness: Harness, file: Path) -> None:
    """Such as a file that a container mounts alone."""
    harness.obstacles = {"mounted": [str(file)]}
    refuse_rotation(harness, file, "is a mount point and cannot be replaced", "set unsafe_writes: true to write it")


def test_mount_point_of_a_path_alone(harness: Harness, file: Path) -> None:
    """token_path has no options of its own."""
    harness.obstacles = {"mounted": [str(file)]}
    arguments = {"name": "acme+ci", "rotate": "always", "token_path": str(file)}
    words = (
        f"token_path: {file} is a mount point and cannot be replaced. Mount its directory instead, or use deliver or"
    )
    assert_refused(
        harness, ROBOT, arguments, words, "quay_token_file, and set unsafe_writes: true to write it in place"
    )
    assert harness.requests == []


def test_mount_point_is_written_in_place_if_the_play_says_so(harness: Harness, file: Path) -> None:
    harness.obstacles = {"mounted": [str(file)]}
    before = file.stat().st_ino, stored(file)
    runs = harness.four_runs(ROBOT, robot(harness, unsafe_writes=True), idempotent=False)
    assert not runs.first.failed
    assert stored(file) == harness.robot_fingerprint() != before[1]
    assert file.stat().st_ino == before[0]
    assert [path.name for path in harness.folder.iterdir()] == ["secret"]


def test_mount_point_is_emptied_if_the_play_says_so(harness: Harness, file: Path) -> None:
    harness.obstacles = {"mounted": [str(file)]}
    arguments = {**robot(harness), "rotate": "when_due", "state": "absent"}
    assert_refused(harness, ROBOT, arguments, "is a mount point")
    arguments["deliver"][0]["unsafe_writes"] = True
    runs = harness.four_runs(ROBOT, arguments)
    assert runs.first.changed
    assert file.read_text() == ""


@pytest.mark.parametrize(("flags", "word"), [(0x10, "immutable"), (0x20, "append-only")])
@pytest.mark.parametrize("what", ["file", "directory"])
def test_protected_file(harness: Harness, file: Path, what: str, flags: int, word: str) -> None:
    harness.obstacles = {"flags": {str(file if what == "file" else file.parent): flags}}
    refuse_rotation(harness, file, f"cannot be replaced: it, or its directory, is {word}")


def test_owner_that_only_root_can_set(harness: Harness, file: Path) -> None:
    harness.obstacles = {"plain_user": True}
    refuse_rotation(harness, file, "only root can make the user 4711 its owner", owner=str(ANOTHER_UID))


def test_file_of_another_user_in_the_own_directory(harness: Harness, file: Path) -> None:
    """The owner is kept unless it is declared, and only root can do that."""
    harness.obstacles = {"plain_user": True, "owners": {str(file): ANOTHER_UID}}
    refuse_rotation(harness, file, "only root can make the user 4711 its owner", "or set owner")
    own = harness.run(ROBOT, robot(harness, owner=str(os.getuid())))
    assert not own.failed, own.message
    assert stored(file) == harness.robot_fingerprint()


def test_file_of_another_user_in_a_sticky_directory(harness: Harness, file: Path) -> None:
    harness.folder.chmod(0o1777)
    harness.obstacles = {
        "plain_user": True,
        "owners": {str(file): ANOTHER_UID, str(file.parent): ANOTHER_UID + 1},
    }
    refuse_rotation(harness, file, "may have put it there to get the secret")
    refuse_rotation(harness, file, "the sticky bit of its directory protects it", owner=str(ANOTHER_UID))


def test_full_disk(harness: Harness, file: Path) -> None:
    harness.obstacles = {"full": True}
    refuse_rotation(harness, file, "cannot be written: no space left on its file system")


def test_tokens_do_not_pile_up(harness: Harness) -> None:
    """Each failed run would leave one."""
    store = {"kind": "file", "path": str(harness.folder / "secret"), "format": "json"}
    arguments = {
        "organization": "acme",
        "client_id": harness.accounts.automation,
        "name": "nightly",
        "deliver": [store],
    }
    assert not harness.run("quay_api_token", arguments).failed
    harness.obstacles = {"mounted": [store["path"]]}
    valid = set(harness.valid_tokens(harness.accounts.automation))
    for _run in range(2):
        assert_refused(harness, "quay_api_token", {**arguments, "rotate": "always"}, "is a mount point")
    assert set(harness.valid_tokens(harness.accounts.automation)) == valid


@pytest.mark.parametrize("module", [FILE, AUTH])
def test_record_that_cannot_be_written(harness: Harness, module: str) -> None:
    record = harness.folder / "secret.record.json"
    record.write_text("{}")
    harness.obstacles = {"mounted": [str(record)]}
    assert_refused(harness, module, to_file(harness), f"path: {record} is a mount point")


# --- Modes


@pytest.mark.parametrize(
    ("mode", "bits"), [(0o640, 0o640), ("0640", 0o640), ("u=rw,g=r,o=", 0o640), ("g+r", 0o640), (0o400, 0o400)]
)
@pytest.mark.parametrize("module", [FILE, AUTH, ROBOT])
def test_mode(harness: Harness, module: str, mode: Any, bits: int) -> None:
    """YAML reads 0640 as the number 416. It means the same as for ansible.builtin.copy."""
    arguments = robot(harness, mode=mode) if module == ROBOT else to_file(harness, mode=mode)
    harness.four_runs(module, {**arguments, "rotate": "when_due"} if module == ROBOT else arguments)
    assert {stat.S_IMODE(path.stat().st_mode) for path in harness.folder.iterdir()} == {bits}


@pytest.mark.parametrize(
    ("mode", "word"),
    [
        (0o642, "lets everybody overwrite the secret"),
        ("0666", "lets everybody overwrite the secret"),
        ("o+w", "lets everybody overwrite the secret"),
        (640, "As a number, 640 is 1200 in octal. Quote the mode"),
        (440, "lets the group or others execute the secret. As a number, 440 is 670 in octal"),
        (0, "does not let the owner read the file"),
    ],
)
@pytest.mark.parametrize("module", [FILE, AUTH, ROBOT])
def test_mode_that_is_refused(harness: Harness, module: str, mode: Any, word: str) -> None:
    arguments = robot(harness, mode=mode) if module == ROBOT else to_file(harness, mode=mode)
    assert_refused(harness, module, arguments, f"mode: '{mode}'", word)
    assert list(harness.folder.iterdir()) == []
    assert harness.requests == []


def test_mode_that_everybody_can_write_is_not_kept(harness: Harness) -> None:
    path = harness.folder / "secret"
    path.write_text("{}")
    path.chmod(0o666)
    assert_refused(harness, AUTH, to_file(harness), "can be overwritten by everybody. Change its mode")
    harness.four_runs(AUTH, to_file(harness, mode="0600"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# --- What others have on the host


def test_directory_that_somebody_locks(harness: Harness, file: Path) -> None:
    """Whoever can read the directory can do that. The run does not wait for them."""
    handle = os.open(harness.folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        began = time.monotonic()
        result = harness.run(ROBOT, robot(harness))
    finally:
        os.close(handle)
    assert not result.failed, result.message
    assert time.monotonic() - began < 30
    assert stored(file) == harness.robot_fingerprint()


def folder_with_acls(tmp_path: Path) -> Path:
    """A directory on a file system that has access control lists."""
    for place in (tmp_path, Path("/dev/shm")):
        folder = Path(tempfile.mkdtemp(dir=place))
        try:
            os.setxattr(folder, ACL, acl_text(7))
        except OSError:
            continue
        os.removexattr(folder, ACL)
        return folder
    raise AssertionError("no file system with access control lists")


def acl_text(user: int) -> bytes:
    """A list with rights for the owner, reading for another user, and nothing for the group."""
    entries = [(1, user, -1), (2, 4, ANOTHER_UID), (4, 0, -1), (16, 4, -1), (32, 0, -1)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)


def test_access_control_list_is_kept(harness: Harness, tmp_path: Path) -> None:
    """The named user goes on to read the file, and the group does not gain that."""
    path = folder_with_acls(tmp_path) / "auth.json"
    path.write_text("{}")
    os.setxattr(path, ACL, acl_text(6))
    harness.four_runs(AUTH, to_file(harness, path=str(path)))
    assert SECRET not in path.read_text()
    assert "quay.example.com" in json.loads(path.read_text())["auths"]
    assert os.getxattr(path, ACL) == acl_text(6)
    harness.four_runs(AUTH, to_file(harness, path=str(path), mode="0600"))
    assert os.getxattr(path, ACL) == acl_text(6)


@pytest.mark.parametrize("module", [FILE, AUTH])
def test_record_follows_the_store(harness: Harness, module: str) -> None:
    """So that the owner of the store can deliver to it, too."""
    owner = NOBODY if os.getuid() == 0 else os.getuid()
    harness.run(module, to_file(harness))
    harness.four_runs(module, to_file(harness, owner=str(owner), mode="0640"))
    found = [path.stat() for path in harness.folder.iterdir()]
    assert [(status.st_uid, stat.S_IMODE(status.st_mode)) for status in found] == [(owner, 0o640)] * 2
    # What is not declared any more is kept.
    harness.four_runs(module, to_file(harness, token="O" * 40, mode="0640"))
    assert {path.stat().st_uid for path in harness.folder.iterdir()} == {owner}


def test_hard_link_gives_a_warning(harness: Harness, file: Path) -> None:
    second = harness.folder / "second"
    os.link(file, second)
    for check in (True, False):
        result = harness.run(ROBOT, robot(harness), check=check)
        assert result.warned(f"{file} has 2 hard links. Only this name gets the new secret")
    assert stored(second) != stored(file)
    assert not harness.run(ROBOT, robot(harness)).warned("hard links")


def test_link_of_another_user_in_the_path(harness: Harness, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    link = harness.folder / "link"
    link.symlink_to(target)
    arguments = to_file(harness, path=str(link / "secret"))
    assert harness.run(FILE, arguments).changed
    harness.obstacles = {"owners": {str(link): ANOTHER_UID}}
    for name in ("secret", "secret.record.json"):
        (target / name).unlink()
    assert_refused(harness, FILE, arguments, f"{link} is a symbolic link that another user could have put there")
    assert list(target.iterdir()) == []


# --- A user who swaps files meanwhile


@contextlib.contextmanager
def swapping(folder: Path, outside: Path) -> Iterator[None]:
    """Another process, of an unprivileged user if possible, that replaces files of the folder as fast as it can."""
    child = os.fork()
    if child == 0:
        try:
            _swap(folder, outside)
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _swap(folder: Path, outside: Path) -> None:
    os.chdir(folder)
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    number = 0
    while True:
        for path in Path().iterdir():
            number += 1
            with contextlib.suppress(OSError):
                if path.name.startswith("taken"):
                    path.unlink()
                elif path.name.startswith(".secret") or number % 3 == 0:
                    path.rename(f"taken{number}")
                    path.symlink_to(outside / "secret")


def test_swap_while_a_module_works(harness: Harness, tmp_path: Path) -> None:
    """No file outside is written or given away, whatever the runs report."""
    folder, outside = tmp_path / "theirs", tmp_path / "outside"
    for path in (folder, outside):
        path.mkdir()
    if os.getuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    victim = outside / "secret"
    victim.write_text("{}")
    before = victim.stat()
    owner = str(NOBODY if os.getuid() == 0 else os.getuid())
    messages = []
    with swapping(folder, outside):
        for _number in range(30):
            result = harness.run(FILE, to_file(harness, path=str(folder / "secret"), owner=owner, format="json"))
            messages.append(result.message)
    after = victim.stat()
    assert (victim.read_text(), after.st_uid, after.st_gid, after.st_mode) == (
        "{}",
        before.st_uid,
        before.st_gid,
        before.st_mode,
    )
    assert after.st_mtime_ns == before.st_mtime_ns
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert any(messages)
