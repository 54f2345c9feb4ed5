# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Files that hold secrets. This is the one place that reads, writes and removes them.

A file is replaced in one step by a draft beside it, through descriptors of its directory and of the draft, so that a
user who can write to the directory cannot redirect what is written. Whatever can be known of the write is checked
before a secret is minted: by ``check``, which changes nothing, and by ``prepare``, which does all but the content.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from typing import Iterator

from .._core.errors import LocalFileError
from .descriptors import close_flushed, read_all
from .directory import Directory
from .file_attributes import has_acl
from .permissions import Permissions, Target, may_replace_in_sticky_directory
from .writers import RESERVED_BYTES, Draft, InPlace, Unwritable, Writer, draft_name

_MAX_NAME_LENGTH = 255
# No file of credentials is as large as this. The owner of the directory could fill the memory of the target with one.
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class _Plan:
    """How the next content gets into the file, whose present status is ``found``."""

    found: os.stat_result | None
    target: Target
    in_place: bool = False


class SecretFile:
    """One file that holds secrets. Every method raises LocalFileError, naming ``option`` and the path."""

    def __init__(
        self,
        path: str,
        option: str,
        permissions: Permissions | None = None,
        *,
        unsafe_writes: bool = False,
        follows: str | None = None,
    ) -> None:
        """``unsafe_writes``: write a file in place that cannot be replaced, such as one that is a mount point.

        ``follows``: the name of the file beside it whose owner and mode this one gets.
        """
        self.path = path
        self.name = os.path.basename(path)
        self._option = option
        self._permissions = permissions or Permissions()
        self._unsafe_writes = unsafe_writes
        self._follows = follows
        # How messages begin to offer an option. A path alone, such as token_path, has none.
        self._set = "set" if option == "path" else "use deliver or quay_token_file, and set"
        self._writer: Writer | None = None

    # --- looking

    @contextlib.contextmanager
    def directory(self) -> Iterator[Directory]:
        """The directory of the file, opened while the context lasts."""
        if not os.path.isabs(self.path) or not self.name or "\0" in self.path:
            raise LocalFileError(f"{self._option} must be the absolute path of a file, not '{self.path}'")
        directory = Directory(os.path.dirname(self.path), self._option)
        try:
            yield directory
        finally:
            directory.close()

    def error(self, problem: str) -> LocalFileError:
        """An error that names the option and the path. ``problem``: the end of the sentence."""
        return LocalFileError(f"{self._option}: {self.path} {problem}")

    def check(self) -> None:
        """Raise if the file cannot be written as declared. Changes nothing."""
        with self.directory() as directory, self._reporting("examined"):
            self._plan(directory)

    def read(self) -> str | None:
        """The text of the file, or None if there is none."""
        with self.directory() as directory:
            data = self._read(directory)[0]
        try:
            return None if data is None else data.decode("utf-8")
        except UnicodeDecodeError:
            raise self.error("is not a text file") from None

    def permissions_match(self) -> bool:
        """Whether owner and mode are the declared ones; true if there is no file."""
        with self.directory() as directory, self._reporting("examined"):
            found = directory.stat(self.name)
            return found is None or self._matches(directory, found, self._target(directory, found))

    def warnings(self) -> list[str]:
        """What the user should know of the file although it can be written."""
        with self.directory() as directory, self._reporting("examined"):
            found, folder = directory.stat(self.name), directory.status
        warnings = []
        if found is not None and found.st_nlink > 1:
            warnings.append(
                f"{self.path} has {found.st_nlink} hard links. Only this name gets the new secret, and the others keep "
                "the old one. To share the file, share its directory."
            )
        if found is not None and self._permissions.mode is None and found.st_mode & 0o004:
            warnings.append(
                f"{self.path} can be read by every user of the target. Change its mode if that is not intended."
            )
        if folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
            warnings.append(f"The directory of {self.path} can be written by every user, who can replace the secret.")
        return warnings

    def owners(self, directory: Directory) -> set[int]:
        """The users whose files a run of this user makes: its own, and the owner of the file."""
        found = directory.stat(self.name)
        return {os.geteuid(), self._target(directory, found).uid}

    # --- writing

    @contextlib.contextmanager
    def prepare(self) -> Iterator[None]:
        """Do all of a write but its content, before a secret is minted. Nothing is left if it is not replaced."""
        with self.directory() as directory:
            try:
                with self._reporting("written"):
                    self._writer = self._new_writer(directory)
                    self._writer.prepare()
                yield
            finally:
                writer, self._writer = self._writer, None
                if writer is not None:
                    writer.discard()

    def replace(self, text: str) -> None:
        """Put this text in the file's place and read it back. Only inside of ``prepare``, once."""
        writer, self._writer = self._writer, None
        if writer is None:
            raise self.error("was not prepared, or was written already")
        data = text.encode("utf-8")
        try:
            with self._reporting("written"):
                writer.commit(data)
            self._confirm(writer, data)
        finally:
            writer.discard()

    def write(self, text: str) -> None:
        """Replace the file by this text, without a secret that is minted meanwhile."""
        with self.prepare():
            self.replace(text)

    def remove(self) -> bool:
        """Remove the file, or empty it if it cannot be removed; returns false if there was none."""
        with self.directory() as directory, self._reporting("removed"):
            plan = self._plan(directory)
            if plan.found is not None and not plan.in_place:
                directory.unlink(self.name)
        if plan.in_place:
            self.write("")
        return plan.found is not None

    # --- details

    @contextlib.contextmanager
    def _reporting(self, what: str) -> Iterator[None]:
        """Report errors of the system: the file cannot be ``what``."""
        try:
            yield
        except OSError as error:
            raise self.error(f"cannot be {what}: {error.strerror}") from None
        except Unwritable as problem:
            raise self.error(str(problem)) from None

    def _new_writer(self, directory: Directory) -> Writer:
        plan = self._plan(directory)
        if plan.in_place and plan.found is not None:
            return InPlace(directory, self.name, plan.found)
        return Draft(directory, self.name, plan.target, plan.found)

    def _confirm(self, writer: Writer, data: bytes) -> None:
        """Read the file back by its path, as a consumer does. Restores the former content if it is not as written."""
        try:
            with self.directory() as directory:
                found, status = self._read(directory)
            if status is not None and writer.wrote(status) and found == data:
                return
        except LocalFileError:
            writer.restore()
            raise
        writer.restore()
        raise self.error("does not hold what was written. Check whether something else writes it")

    def _read(self, directory: Directory) -> tuple[bytes | None, os.stat_result | None]:
        """The content of the file and its status, or None twice if there is none."""
        with self._reporting("read"):
            if self._found(directory) is None:
                return None, None
            fd = directory.open(self.name, os.O_RDONLY)
            try:
                status = os.fstat(fd)
                self._require_regular(status)
                if status.st_size > _MAX_BYTES:
                    raise self.error("is too large for a file of credentials")
                return read_all(fd, _MAX_BYTES), status
            finally:
                close_flushed(fd)

    def _found(self, directory: Directory) -> os.stat_result | None:
        found = directory.stat(self.name)
        if found is not None:
            self._require_regular(found)
        return found

    def _require_regular(self, found: os.stat_result) -> None:
        if stat.S_ISLNK(found.st_mode):
            raise self.error("is a symbolic link. Use the path that it points to, so that no other file is overwritten")
        if not stat.S_ISREG(found.st_mode):
            raise self.error("is not a regular file")

    def _target(self, directory: Directory, found: os.stat_result | None) -> Target:
        """The owner and mode of the next file."""
        return self._permissions.target(directory.stat(self._follows) if self._follows else found)

    def _matches(self, directory: Directory, found: os.stat_result, target: Target) -> bool:
        # An access control list changes what the group's bits mean, and nothing else.
        return target.matches(found) or (target.matches(found, has_acl=True) and self._has_acl(directory))

    def _has_acl(self, directory: Directory) -> bool:
        try:
            fd = directory.open(self.name, os.O_RDONLY)
        except OSError:
            return False
        try:
            return has_acl(fd)
        finally:
            close_flushed(fd)

    def _plan(self, directory: Directory) -> _Plan:
        """How to write the file. Raises what is known to prevent that."""
        found = self._found(directory)
        target = self._target(directory, found)
        danger = self._permissions.danger(directory.status, found, target, self._set) if found is not None else None
        if danger:
            raise self.error(danger)
        free = directory.free_bytes()
        if free is not None and free < RESERVED_BYTES + (found.st_size if found else 0):
            raise self.error("cannot be written: no space left on its file system")
        obstacle = self._obstacle(directory, found, target)
        if obstacle is None:
            return _Plan(found, target)
        if found is None or not self._unsafe_writes:
            raise self.error(obstacle)
        self._check_in_place(directory, found, target)
        return _Plan(found, target, in_place=True)

    def _obstacle(self, directory: Directory, found: os.stat_result | None, target: Target) -> str | None:
        """Why the file cannot be replaced by another one, as the end of a sentence; None if it can."""
        if found is not None and directory.is_mount_point(self.name):
            return (
                f"is a mount point and cannot be replaced. Mount its directory instead, or {self._set} unsafe_writes: "
                "true to write it in place"
            )
        if not directory.is_writable():
            return "cannot be written: its directory is read-only, or not writable for the user of the module"
        protection = directory.protection() or (directory.protection(self.name) if found is not None else None)
        if protection:
            return f"cannot be replaced: it, or its directory, is {protection} (see lsattr)"
        if found is not None and not may_replace_in_sticky_directory(directory.status, found):
            return "belongs to another user, and the sticky bit of its directory protects it"
        if len(os.fsencode(draft_name(self.name))) > _MAX_NAME_LENGTH:
            return "has a name that is too long for a draft next to it"
        obstacle = target.obstacle(directory.status, self._set)
        return f"cannot be written: {obstacle}" if obstacle else None

    def _check_in_place(self, directory: Directory, found: os.stat_result, target: Target) -> None:
        if found.st_nlink != 1:
            raise self.error("has hard links, so it cannot be written in place. Deliver to a file of its own")
        if not self._follows and not self._matches(directory, found, target):
            raise self.error(
                f"is written in place, which keeps its owner and mode ({stat.S_IMODE(found.st_mode):04o}). Set owner, "
                "group and mode to those, or change the file"
            )
        try:
            close_flushed(directory.open(self.name, os.O_RDWR))
        except OSError as error:
            raise self.error(f"cannot be written: {error.strerror}") from None
