# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Owner and mode of a secret file: as declared, as found, and whether the module may set them."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import re
import stat
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._core.errors import BadInput

PRIVATE_MODE = 0o600

_KEEP = -1
_SYMBOLIC = re.compile(r"[ugoa]*(?:[-+=](?:[ugo]|[rwxX]*))+")
_CHANGE = re.compile(r"([-+=])([ugo]|[rwxX]*)")
_SHIFTS = {"u": 6, "g": 3, "o": 0}
# X gives the right to execute only to what is executable already. A secret is not.
_BITS = {"r": 4, "w": 2, "x": 1, "X": 0}

# Capabilities by their number in CapEff of /proc/self/status.
_CAP_CHOWN = 0
_CAP_FOWNER = 3


@dataclass(frozen=True)
class Mode:
    """A file mode as a play gives it: absolute bits, or symbolic changes of the present mode."""

    text: str
    bits: int | None = None

    def applied_to(self, present: int) -> int:
        """The bits that a file with these present bits gets."""
        if self.bits is not None:
            return self.bits
        mode = present
        for clause in self.text.split(","):
            mode = _apply_clause(clause, mode)
        return mode


class Target(NamedTuple):
    """Mode, uid and gid that a file gets. -1 stands for the module's own user or group."""

    mode: int
    uid: int
    gid: int

    def matches(self, found: os.stat_result, *, has_acl: bool = False) -> bool:
        """Whether a file has them already. The mask of an access control list takes the place of the group's bits."""
        ignored = 0o070 if has_acl else 0
        return stat.S_IMODE(found.st_mode) | ignored == self.mode | ignored and self.owned(found)

    def owned(self, found: os.stat_result) -> bool:
        """Whether a file has the owner and the group already."""
        return self.uid in (_KEEP, found.st_uid) and self.gid in (_KEEP, found.st_gid)

    def obstacle(self, directory: os.stat_result, how_to_set: str = "set") -> str | None:
        """Why the module cannot give a new file this owner or group, as the end of a sentence; None if it can.

        ``how_to_set``: the words that offer an option.
        """
        if not _is_mapped(self.uid, "uid") or not _is_mapped(self.gid, "gid"):
            return f"{_user_name(self.uid)}:{_group_name(self.gid)} does not exist in this container (user namespace)"
        if _has_capability(_CAP_CHOWN):
            return None
        if self.uid not in (_KEEP, os.geteuid()):
            return (
                f"only root can make {_user_name(self.uid)} its owner. Run the task as root (become), or "
                f"{how_to_set} owner"
            )
        inherited = directory.st_gid if directory.st_mode & stat.S_ISGID else os.getegid()
        if self.gid not in (_KEEP, inherited, os.getegid(), *os.getgroups()):
            return (
                f"the user of the module is not in the group {_group_name(self.gid)}. Use become, or {how_to_set} group"
            )
        return None


@dataclass(frozen=True)
class Permissions:
    """The declared owner and mode. What is not declared is kept; a new file is private to the module's user."""

    mode: Mode | None = None
    uid: int = _KEEP
    gid: int = _KEEP

    def target(self, found: os.stat_result | None) -> Target:
        """What the next file gets, in view of the present one."""
        present = PRIVATE_MODE if found is None else stat.S_IMODE(found.st_mode)
        mode = present if self.mode is None else self.mode.applied_to(present)
        if found is None:
            return Target(mode, self.uid, self.gid)
        uid, gid = (found.st_uid if self.uid == _KEEP else self.uid), (found.st_gid if self.gid == _KEEP else self.gid)
        return Target(mode, uid, gid)

    def danger(
        self, directory: os.stat_result, found: os.stat_result, target: Target, how_to_set: str = "set"
    ) -> str | None:
        """Why a secret must not take over the present file's owner or mode, as the end of a sentence; None if it may.

        A file of another user is trusted unless several users can write to its directory. ``how_to_set``: the words
        that offer an option.
        """
        several_can_write = bool(directory.st_mode & 0o022)
        if several_can_write and found.st_uid not in (0, os.geteuid(), directory.st_uid, self.uid):
            return (
                f"belongs to {_user_name(found.st_uid)}, who may have put it there to get the secret, because several "
                f"users can write to its directory. Remove the file, or {how_to_set} owner to that user"
            )
        if target.mode & 0o002:
            return "can be overwritten by everybody. Change its mode, for example to 0600"
        return None


def may_replace_in_sticky_directory(directory: os.stat_result, found: os.stat_result) -> bool:
    """Whether the module may replace a file where a sticky bit protects other users' files, as in /tmp."""
    if not directory.st_mode & stat.S_ISVTX or os.geteuid() in (found.st_uid, directory.st_uid):
        return True
    return _has_capability(_CAP_FOWNER)


def parse_mode(value: Any) -> Mode:
    """Read a mode as ansible.builtin.copy does: a number is the bits themselves, a text is octal or symbolic.

    Raises BadInput for anything else, and for a mode that is useless or dangerous for a secret.
    """
    is_number = isinstance(value, int) and not isinstance(value, bool)
    mode = Mode(str(value), value) if is_number else _parse_text(value)
    bits = mode.applied_to(PRIVATE_MODE)
    problem = _problem_of(bits, is_number=is_number)
    if problem:
        hint = f". As a number, {value} is {bits:o} in octal. Quote the mode, as in '0600'" if is_number else ""
        raise BadInput(f"mode: '{value}' {problem}{hint}")
    return mode


def _problem_of(bits: int, *, is_number: bool) -> str | None:
    """Why a secret must not have these bits, as the end of a sentence; None if it may."""
    if not 0 <= bits <= 0o777:
        return "sets more than the permissions to read, write and execute"
    if not bits & 0o400:
        return "does not let the owner read the file"
    if bits & 0o002:
        return "lets everybody overwrite the secret"
    if bits & 0o060 == 0o020:
        return "lets the group overwrite the secret, but not read it"
    # Every sensible mode that lost its leading zero, such as 440, is a number with a right to execute, or a case above.
    return "lets the group or others execute the secret" if is_number and bits & 0o011 else None


def parse_owner(user: str | None, group: str | None) -> tuple[int, int]:
    """The uid and gid of a user and a group, by name or number; -1 for one that is not given.

    Raises BadInput for a name that does not exist on the target.
    """
    try:
        uid = _KEEP if not user else int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
    except KeyError:
        raise BadInput(f"owner: the target has no user '{user}'") from None
    try:
        gid = _KEEP if not group else int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise BadInput(f"group: the target has no group '{group}'") from None
    return uid, gid


def _parse_text(value: Any) -> Mode:
    text = str(value).strip()
    if re.fullmatch(r"(0o)?[0-7]{1,5}", text):
        return Mode(text, int(text, 8))
    if text and all(_SYMBOLIC.fullmatch(clause) for clause in text.split(",")):
        return Mode(text)
    raise BadInput(f"mode must be octal such as '0600', or symbolic such as 'u=rw,g=r', not '{value}'")


def _apply_clause(clause: str, mode: int) -> int:
    """The mode after one clause such as ``u=rw`` or ``go-w``. A clause without u, g, o is for all; no umask applies."""
    who = re.split("[-+=]", clause)[0]
    names = "ugo" if not who or "a" in who else who
    for operator, letters in _CHANGE.findall(clause[len(who) :]):
        bits = mode >> _SHIFTS[letters] & 7 if letters in _SHIFTS else sum(_BITS[letter] for letter in set(letters))
        for name in names:
            shifted, all_bits = bits << _SHIFTS[name], 7 << _SHIFTS[name]
            if operator == "=":
                mode = mode & ~all_bits | shifted
            else:
                mode = mode | shifted if operator == "+" else mode & ~shifted
    return mode


def _has_capability(number: int) -> bool:
    """Whether the module's process has a capability: root in a container often lacks some."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            effective = next(line for line in file if line.startswith("CapEff:"))
        return bool(int(effective.split()[1], 16) >> number & 1)
    except (OSError, StopIteration, ValueError):
        return os.geteuid() == 0


def _is_mapped(number: int, kind: str) -> bool:
    """Whether a uid or gid exists in the module's user namespace; otherwise not even root can use it."""
    with contextlib.suppress(OSError, ValueError), open(f"/proc/self/{kind}_map", encoding="ascii") as file:
        ranges = [(int(first), int(count)) for first, _outside, count in map(str.split, file)]
        return number == _KEEP or any(first <= number < first + count for first, count in ranges)
    return True


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return f"the user {uid}"


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except (KeyError, OverflowError):
        return f"{gid}"
