# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user who can write to the directory of a store swaps files while a run works there, at each of its system calls.

Whatever they do, no file outside of the directory is written, and none gets another owner or mode. A run that fails
leaves no secret behind.
"""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.directory import Directory
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.holders import StoreHolder
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.permissions import Mode, Permissions
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.token_file import FileStore
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import OTHER_SECRET, SECRET
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import NOBODY, give_to_another_user

CREDENTIAL = Credential("nightly", "acme+ci", SECRET)

# The functions by which the store reaches the disk. Between those that are not here, such as close, a swap is the same.
CALLS = (
    *("access", "fchmod", "fchown", "fsync", "ftruncate", "link", "listdir", "listxattr", "open", "pread", "pwrite"),
    *("rename", "setxattr", "stat", "statvfs", "unlink"),
)
# The names that matter: those of entries, and the last part of the path. Nobody can swap the parts before it.
NAMES = ("token", ".token", "mallorys", ".")


class Attack:
    """The directory of the store, a directory of somebody else, and one swap at one system call."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swap: Callable[[Attack], None]) -> None:
        self.folder = tmp_path / "mallorys"
        self.outside = tmp_path / "outside"
        self.moved = tmp_path / "moved"
        self._swap = swap
        self._monkeypatch = monkeypatch
        self._number = 0
        self._taken = 0
        for folder in (self.folder, self.outside):
            folder.mkdir()
        give_to_another_user(self.folder, monkeypatch)
        # What an attacker wants to be overwritten has the names of our files, too.
        for name in ("token", "victim"):
            (self.outside / name).write_text("{}")
            (self.outside / name).chmod(0o644)
        self.store = self._new_store()
        self._deliver(Credential("nightly", "acme+ci", OTHER_SECRET))
        self.before = self.look_outside()

    def _new_store(self) -> FileStore:
        owner = NOBODY if os.geteuid() == 0 else os.geteuid()
        permissions = Permissions(Mode("0600", 0o600), owner)
        return FileStore(str(self.folder / "token"), "json", permissions=permissions, unsafe_writes=True)

    def look_outside(self) -> dict[str, tuple[Any, ...]]:
        """Content, owner, mode and time of all files of somebody else."""
        found = {}
        for path in self.outside.iterdir():
            status = path.lstat()
            found[path.name] = (
                path.read_bytes(),
                status.st_mode,
                status.st_uid,
                status.st_gid,
                status.st_mtime_ns,
                os.listxattr(str(path)),
            )
        return found

    def _deliver(self, credential: Credential) -> None:
        with StoreHolder([self.store]) as holder, holder.prepare(holder.stores):
            holder.deliver(credential, holder.stores)

    def run(self, swap_at: int) -> str | None:
        """Deliver, and swap at this call. Returns the error message, if it fails."""
        with self._monkeypatch.context() as patched:
            for name in CALLS:
                patched.setattr(os, name, self._watched(getattr(os, name), swap_at), raising=False)
            patched.setattr(os, "supports_effective_ids", {os.access})
            patched.setattr(fcntl, "flock", self._watched(fcntl.flock, swap_at))
            try:
                self._deliver(CREDENTIAL)
            except LocalFileError as error:
                return str(error)
        return None

    @property
    def has_swapped(self) -> bool:
        return self._number < 0

    def _watched(self, call: Callable[..., Any], swap_at: int) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            if self._number >= 0 and (isinstance(arguments[0], int) or str(arguments[0]).startswith(NAMES)):
                self._number += 1
            if self._number == swap_at:
                # What the attacker does is not counted.
                self._number = -1
                self._swap(self)
            return call(*arguments, **options)

        return watched

    # --- what the attacker can do

    def take_away(self, path: Path) -> bool:
        """Move an entry to another name. False if there is none."""
        self._taken += 1
        try:
            path.rename(self.folder / f"taken{self._taken}")
        except FileNotFoundError:
            return False
        return True

    def link(self, path: Path, target: Path) -> None:
        path.symlink_to(target)
        if os.geteuid() == 0:
            os.chown(str(path), NOBODY, NOBODY, follow_symlinks=False)

    def drafts(self) -> Iterator[Path]:
        return iter([path for path in self.folder.iterdir() if path.name.endswith(".draft")])


def draft_to_link(attack: Attack) -> None:
    for draft in attack.drafts():
        if attack.take_away(draft):
            attack.link(draft, attack.outside / "victim")


def draft_to_hard_link(attack: Attack) -> None:
    for draft in attack.drafts():
        if attack.take_away(draft):
            os.link(str(attack.outside / "victim"), str(draft))


def draft_to_own_file(attack: Attack) -> None:
    for draft in attack.drafts():
        if attack.take_away(draft):
            draft.write_text("theirs")


def second_name_of_the_draft(attack: Attack) -> None:
    for number, draft in enumerate(attack.drafts()):
        os.link(str(draft), str(attack.folder / f"second{number}"))


def file_to_link(attack: Attack) -> None:
    attack.take_away(attack.folder / "token")
    attack.link(attack.folder / "token", attack.outside / "token")


def file_to_hard_link(attack: Attack) -> None:
    attack.take_away(attack.folder / "token")
    os.link(str(attack.outside / "token"), str(attack.folder / "token"))


def file_to_folder(attack: Attack) -> None:
    attack.take_away(attack.folder / "token")
    (attack.folder / "token").mkdir()


def lock_to_link(attack: Attack) -> None:
    attack.take_away(attack.folder / ".token.lock")
    attack.link(attack.folder / ".token.lock", attack.outside / "victim")


def lock_to_hard_link(attack: Attack) -> None:
    attack.take_away(attack.folder / ".token.lock")
    os.link(str(attack.outside / "victim"), str(attack.folder / ".token.lock"))


def folder_to_link(attack: Attack) -> None:
    attack.folder.rename(attack.moved)
    attack.link(attack.folder, attack.outside)


def folder_to_empty_folder(attack: Attack) -> None:
    attack.folder.rename(attack.moved)
    attack.folder.mkdir()


SWAPS: dict[str, Callable[[Attack], None]] = {
    swap.__name__: swap
    for swap in (
        draft_to_link,
        draft_to_hard_link,
        draft_to_own_file,
        second_name_of_the_draft,
        file_to_link,
        file_to_hard_link,
        file_to_folder,
        lock_to_link,
        lock_to_hard_link,
        folder_to_link,
        folder_to_empty_folder,
    )
}


@pytest.mark.parametrize("in_place", [False, True], ids=["replaced", "in place"])
@pytest.mark.parametrize("swap", SWAPS)
def test_swap_at_each_system_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swap: str, in_place: bool) -> None:
    monkeypatch.setattr(os, "fsync", lambda _fd: None)
    if in_place:
        # As if the file was mounted, so that it is written in place.
        monkeypatch.setattr(Directory, "is_mount_point", lambda _directory, name: name == "token")
    number, failures = 0, 0
    while True:
        number += 1
        place = tmp_path / str(number)
        place.mkdir()
        attack = Attack(place, monkeypatch, SWAPS[swap])
        message = attack.run(number)
        assert attack.look_outside() == attack.before, f"call {number}: {message}"
        if not attack.has_swapped:
            break
        failures += message is not None
        holders = [path.stat() for path in place.rglob("*") if path.is_file() and SECRET in path.read_text()]
        # Without an error, the swap came too late to matter, or was undone by the rename: one file has the secret.
        assert len({found.st_ino for found in holders}) == (message is None), f"call {number}: {message}"
        assert all(stat.S_IMODE(found.st_mode) == 0o600 for found in holders)
    assert message is None
    # Otherwise the test would not have met the calls that matter.
    assert number > 60
    assert failures > 0 or (in_place and "draft" in swap)
