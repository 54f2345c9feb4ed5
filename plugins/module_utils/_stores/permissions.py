# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Owner and mode of a secret file: as declared, as found, and whether the module may set them."""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
from dataclasses import dataclass
from typing import Any

from .._core.errors import BadInput

PRIVATE_MODE = 0o600

_KEEP = -1
_SYMBOLIC = re.compile(r"([ugoa]*)((?:[-+=][rwx]*)+)")
_CLAUSE = re.compile(r"([-+=])([rwx]*)")
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 4, "w": 2, "x": 1}

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


@dataclass(frozen=True)
class Permissions:
    """The declared owner and mode. What is not declared is kept; a new file is private to the module's user."""

    mode: Mode | None = None
    uid: int = _KEEP
    gid: int = _KEEP

    def resolve(self, found: os.stat_result | None) -> tuple[int, int, int]:
        """Mode, uid and gid of the next file, in view of the present one. -1 stands for the module's user or group."""
        present = PRIVATE_MODE if found is None else stat.S_IMODE(found.st_mode)
        mode = present if self.mode is None else self.mode.applied_to(present)
        if found is None:
            return mode, self.uid, self.gid
        return mode, found.st_uid if self.uid == _KEEP else self.uid, found.st_gid if self.gid == _KEEP else self.gid

    def match(self, found: os.stat_result, *, has_acl: bool = False) -> bool:
        """Whether a file has them already. The mask of an access control list takes the place of the group's bits."""
        mode, uid, gid = self.resolve(found)
        ignored = 0o070 if has_acl else 0
        same_mode = (stat.S_IMODE(found.st_mode) | ignored) == (mode | ignored)
        return same_mode and (uid, gid) == (found.st_uid, found.st_gid)

    def obstacle(self, found: os.stat_result | None) -> str | None:
        """Why the module cannot give the next file this owner, as the end of a sentence; None if it can."""
        _mode, uid, gid = self.resolve(found)
        if uid not in (_KEEP, os.geteuid()) and not _has_capability(_CAP_CHOWN):
            return f"only root can make {_user_name(uid)} its owner"
        groups = {os.getegid(), *os.getgroups()}
        if gid not in (_KEEP, *groups) and not _has_capability(_CAP_CHOWN):
            return f"the user of the module is not in the group {_group_name(gid)}"
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
    mode = Mode(str(value), value) if isinstance(value, int) and not isinstance(value, bool) else _parse_text(value)
    bits = mode.applied_to(PRIVATE_MODE)
    if not 0 <= bits <= 0o777 or not bits & 0o400:
        hint = (
            f" The number {value} is {bits:o} in octal: quote the mode, as in '0600'." if mode.text == str(bits) else ""
        )
        raise BadInput(f"mode: '{value}' does not let the owner read the file, or sets special bits.{hint}")
    if bits & 0o002:
        raise BadInput(f"mode: '{value}' ({bits:04o}) lets everybody overwrite the secret. Use 0600 or 0640")
    return mode


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
    match = _SYMBOLIC.fullmatch(clause)
    who, changes = (match.group(1) or "a", match.group(2)) if match else ("", "")
    for operator, letters in _CLAUSE.findall(changes):
        bits = sum(_BITS[letter] for letter in set(letters))
        for name in "ugo" if "a" in who else who:
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


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user {uid}"


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
