# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Owner and mode of secret files: what a play may declare, what a file gets, and what the module can set."""

from __future__ import annotations

import builtins
import grp
import io
import os
import pwd
import stat
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import permissions
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.permissions import (
    Mode,
    Permissions,
    Target,
    may_replace_in_sticky_directory,
    parse_mode,
    parse_owner,
)


def status(mode: int, uid: int = 1000, gid: int = 1000) -> os.stat_result:
    """The status of a file or directory."""
    return os.stat_result((mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))


FOLDER = status(stat.S_IFDIR | 0o755, 0, 0)


class Process:
    """The rights of the module's process, whatever user runs the tests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.capabilities = 0
        self.uid_map = "         0          0 4294967295\n"
        self.unreadable = False
        self._open = builtins.open
        monkeypatch.setattr(builtins, "open", self.open)
        self.set_user(monkeypatch, 1000)
        monkeypatch.setattr(os, "getegid", lambda: 1000)
        monkeypatch.setattr(os, "getgroups", lambda: [1000, 27])

    @staticmethod
    def set_user(monkeypatch: pytest.MonkeyPatch, uid: int) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: uid)

    def open(self, path: Any, *arguments: Any, **options: Any) -> Any:
        texts = {
            "/proc/self/status": f"Name:\tx\nCapInh:\t0\nCapEff:\t{self.capabilities:016x}\nSeccomp:\t0\n",
            "/proc/self/uid_map": self.uid_map,
            "/proc/self/gid_map": self.uid_map,
        }
        if path not in texts:
            return self._open(path, *arguments, **options)
        if self.unreadable:
            raise FileNotFoundError(2, "No such file or directory", path)
        return io.StringIO(texts[path])


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    return Process(monkeypatch)


# --- Modes


@pytest.mark.parametrize(
    ("value", "bits"),
    [
        ("0600", 0o600),
        ("600", 0o600),
        ("0640", 0o640),
        ("0444", 0o444),
        ("0o400", 0o400),
        ("00660", 0o660),
        ("0700", 0o700),
        (" 0600 ", 0o600),
        # What YAML makes of 0640, 0600, 0400, 0440 and 0644.
        (416, 0o640),
        (384, 0o600),
        (256, 0o400),
        (288, 0o440),
        (420, 0o644),
        ("u=rw", 0o600),
        ("u=rw,g=r", 0o640),
        ("u=rw,go=", 0o600),
        ("g+r", 0o640),
        ("ug=rw,o-rwx", 0o660),
        ("a=r", 0o444),
        ("=r", 0o444),
        ("+r", 0o644),
        ("u=rw,g=u,g-w", 0o640),
        ("g=u", 0o660),
        ("u-w+r", 0o400),
        ("a+X", 0o600),
    ],
)
def test_mode(value: Any, bits: int) -> None:
    assert parse_mode(value).applied_to(0o600) == bits


def test_symbolic_mode_changes_the_present_one() -> None:
    assert parse_mode("g+r").applied_to(0o400) == 0o440
    assert parse_mode("o-r").applied_to(0o644) == 0o640
    assert parse_mode("u=rw,g=r,o=").applied_to(0o777) == 0o640


@pytest.mark.parametrize("value", ["rw", "0680", "-600", "0x1ff", "u=rw;g=r", "u=rs", "u=t", "x+r", "rw-------", True])
def test_text_that_is_no_mode(value: Any) -> None:
    with pytest.raises(BadInput) as caught:
        parse_mode(value)
    assert str(caught.value) == f"mode must be octal such as '0600', or symbolic such as 'u=rw,g=r', not '{value}'"


NUMBER = ". As a number, {} is {:o} in octal. Quote the mode, as in '0600'"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("0200", "does not let the owner read the file"),
        ("0000", "does not let the owner read the file"),
        (0, "does not let the owner read the file" + NUMBER.format(0, 0)),
        ("u=", "does not let the owner read the file"),
        ("1600", "sets more than the permissions to read, write and execute"),
        ("4600", "sets more than the permissions to read, write and execute"),
        (-1, "sets more than the permissions to read, write and execute" + NUMBER.format(-1, -1)),
        (640, "sets more than the permissions to read, write and execute" + NUMBER.format(640, 640)),
        (600, "sets more than the permissions to read, write and execute" + NUMBER.format(600, 600)),
        ("0606", "lets everybody overwrite the secret"),
        ("0777", "lets everybody overwrite the secret"),
        ("416", "lets everybody overwrite the secret"),
        ("o+w", "lets everybody overwrite the secret"),
        ("a=rw", "lets everybody overwrite the secret"),
        ("0620", "lets the group overwrite the secret, but not read it"),
        (400, "lets the group overwrite the secret, but not read it" + NUMBER.format(400, 400)),
        (440, "lets the group or others execute the secret" + NUMBER.format(440, 440)),
        (444, "lets the group or others execute the secret" + NUMBER.format(444, 444)),
    ],
)
def test_mode_that_is_no_mode_for_a_secret(value: Any, problem: str) -> None:
    """Also every number that a play gets by a forgotten zero."""
    with pytest.raises(BadInput) as caught:
        parse_mode(value)
    assert str(caught.value) == f"mode: '{value}' {problem}"


# --- Owners


def test_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        pwd, "getpwnam", lambda name: {"ann": pwd.struct_passwd(("ann", "", 1001, 0, "", "", ""))}[name]
    )
    monkeypatch.setattr(grp, "getgrnam", lambda name: {"dev": grp.struct_group(("dev", "", 2001, []))}[name])
    assert parse_owner("ann", "dev") == (1001, 2001)
    assert parse_owner("4711", "4712") == (4711, 4712)
    assert parse_owner(None, "dev") == (-1, 2001)
    assert parse_owner("", "") == (-1, -1)
    with pytest.raises(BadInput, match="^owner: the target has no user 'eve'$"):
        parse_owner("eve", "none")
    with pytest.raises(BadInput, match="^group: the target has no group 'none'$"):
        parse_owner("ann", "none")


@pytest.mark.parametrize(
    ("declared", "found", "target"),
    [
        (Permissions(), None, Target(0o600, -1, -1)),
        (Permissions(), status(0o640, 7, 8), Target(0o640, 7, 8)),
        (Permissions(Mode("0400", 0o400)), status(0o640, 7, 8), Target(0o400, 7, 8)),
        (Permissions(Mode("g+r")), None, Target(0o640, -1, -1)),
        (Permissions(Mode("g-r")), status(0o644, 7, 8), Target(0o604, 7, 8)),
        (Permissions(uid=1), status(0o640, 7, 8), Target(0o640, 1, 8)),
        (Permissions(gid=2), status(0o640, 7, 8), Target(0o640, 7, 2)),
        (Permissions(Mode("0600", 0o600), 1, 2), None, Target(0o600, 1, 2)),
    ],
)
def test_target(declared: Permissions, found: os.stat_result | None, target: Target) -> None:
    """What is not declared is kept; a new file is private to the module's user."""
    assert declared.target(found) == target


@pytest.mark.parametrize(
    ("target", "has_acl", "matches"),
    [
        (Target(0o640, 1000, 1000), False, True),
        (Target(0o640, -1, -1), False, True),
        (Target(0o600, -1, -1), False, False),
        (Target(0o600, -1, -1), True, True),
        (Target(0o604, -1, -1), True, False),
        (Target(0o640, 0, -1), False, False),
        (Target(0o640, -1, 0), False, False),
        (Target(0o640, 1000, 0), False, False),
    ],
)
def test_matches(target: Target, has_acl: bool, matches: bool) -> None:
    """With an access control list, the group's bits are its mask."""
    assert target.matches(status(stat.S_IFREG | 0o640), has_acl=has_acl) is matches


# --- What the module can set


@pytest.mark.parametrize(
    ("target", "obstacle"),
    [
        (Target(0o600, -1, -1), None),
        (Target(0o600, 1000, 1000), None),
        (Target(0o600, 1000, 27), None),
        (
            Target(0o600, 0, -1),
            "only root can make root its owner. Run the task as root (become), or set owner",
        ),
        (
            Target(0o600, 4711, -1),
            "only root can make the user 4711 its owner. Run the task as root (become), or set owner",
        ),
        (Target(0o600, -1, 4712), "the user of the module is not in the group 4712. Use become, or set group"),
    ],
)
def test_obstacle(process: Process, target: Target, obstacle: str | None) -> None:
    assert target.obstacle(FOLDER) == obstacle
    process.capabilities = 1 << 0
    assert target.obstacle(FOLDER) is None


def test_group_that_the_directory_gives(process: Process) -> None:
    """New files have that group, whether the module's user is a member or not."""
    shared = status(stat.S_IFDIR | stat.S_ISGID | 0o775, 0, 4712)
    assert Target(0o600, -1, 4712).obstacle(shared) is None
    assert Target(0o600, -1, 4713).obstacle(shared) is not None


def test_root_without_capabilities(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container, for example."""
    process.set_user(monkeypatch, 0)
    assert Target(0o600, 1, -1).obstacle(FOLDER) == (
        f"only root can make {pwd.getpwuid(1).pw_name} its owner. Run the task as root (become), or set owner"
    )


def test_user_that_the_container_does_not_have(process: Process) -> None:
    process.capabilities = 1 << 0
    process.uid_map = "         0       1000          1\n         1     100000      65536\n"
    assert Target(0o600, 65536, 65536).obstacle(FOLDER) is None
    assert Target(0o600, 65537, 0).obstacle(FOLDER) == (
        f"the user 65537:{grp.getgrgid(0).gr_name} does not exist in this container (user namespace)"
    )
    assert Target(0o600, 0, 70000).obstacle(FOLDER) is not None


@pytest.mark.parametrize(("uid", "can"), [(0, True), (1000, False)])
def test_system_without_proc(process: Process, monkeypatch: pytest.MonkeyPatch, uid: int, can: bool) -> None:
    process.unreadable = True
    process.set_user(monkeypatch, uid)
    assert (Target(0o600, 4711, -1).obstacle(FOLDER) is None) is can


@pytest.mark.parametrize("owner", [(1000, 0), (7, 1000)], ids=["own file", "own directory"])
def test_own_file_in_a_sticky_directory(process: Process, owner: tuple[int, int]) -> None:
    sticky = status(stat.S_IFDIR | 0o1777, owner[1], 0)
    assert may_replace_in_sticky_directory(sticky, status(0o600, owner[0]))


def test_file_of_another_user_in_a_sticky_directory(process: Process) -> None:
    sticky, theirs = status(stat.S_IFDIR | 0o1777, 0, 0), status(0o666, 7)
    assert not may_replace_in_sticky_directory(sticky, theirs)
    assert may_replace_in_sticky_directory(FOLDER, theirs)
    process.capabilities = 1 << 3
    assert may_replace_in_sticky_directory(sticky, theirs)


# --- What must not be kept


@pytest.mark.parametrize(
    ("folder_mode", "folder_owner", "file_owner", "declared", "is_danger"),
    [
        (0o1777, 0, 7, -1, True),
        (0o770, 0, 7, -1, True),
        (0o777, 0, 7, -1, True),
        (0o1777, 0, 7, 8, True),
        (0o1777, 0, 7, 7, False),
        (0o1777, 0, 0, -1, False),
        (0o1777, 0, 1000, -1, False),
        (0o755, 0, 7, -1, False),
        (0o755, 7, 7, -1, False),
        (0o775, 7, 7, -1, False),
    ],
)
def test_file_that_somebody_may_have_put_there(
    process: Process, folder_mode: int, folder_owner: int, file_owner: int, declared: int, is_danger: bool
) -> None:
    folder, found = status(stat.S_IFDIR | folder_mode, folder_owner), status(stat.S_IFREG | 0o600, file_owner)
    wanted = Permissions(uid=declared)
    problem = wanted.danger(folder, found, wanted.target(found))
    name = permissions._user_name(7)
    assert problem == (
        (
            f"belongs to {name}, who may have put it there to get the secret, because several users can write to its "
            "directory. Remove the file, or set owner to that user"
        )
        if is_danger
        else None
    )


@pytest.mark.parametrize(("declared", "is_danger"), [(None, True), (Mode("g+r"), True), (Mode("0600", 0o600), False)])
def test_mode_that_must_not_be_kept(process: Process, declared: Mode | None, is_danger: bool) -> None:
    wanted, found = Permissions(declared), status(stat.S_IFREG | 0o606)
    problem = wanted.danger(FOLDER, found, wanted.target(found))
    assert problem == ("can be overwritten by everybody. Change its mode, for example to 0600" if is_danger else None)
