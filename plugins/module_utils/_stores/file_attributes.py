# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Extended attributes of files by descriptor: access control lists, security labels, and what else a file carries."""

from __future__ import annotations

import errno
import os

_ACL = "system.posix_acl_access"
# What decides who can use a file, and what people note. Others belong to the content, such as checksums and
# capabilities, or to the file system itself.
_KEPT = ("security.selinux", "security.SMACK64", "system.nfs4_acl", "user.")


def has_acl(fd: int) -> bool:
    """Whether the file has an access control list in addition to its mode."""
    return _ACL in _names(fd)


def copy_attributes(source: int, target: int, *, with_acl: bool) -> None:
    """Give one file the attributes of another.

    ``with_acl``: with its access control list; otherwise without any, not even one that its directory gave it. Raises
    OSError for an attribute that cannot be set.
    """
    for name in _names(source):
        if not name.startswith(_KEPT):
            continue
        value = os.getxattr(source, name)
        if _value(target, name) != value:
            os.setxattr(target, name, value)
    if with_acl and has_acl(source):
        os.setxattr(target, _ACL, os.getxattr(source, _ACL))
    elif has_acl(target):
        os.removexattr(target, _ACL)


def _names(fd: int) -> list[str]:
    if not hasattr(os, "listxattr"):
        return []
    try:
        return os.listxattr(fd)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return []  # a file system without attributes
        raise


def _value(fd: int, name: str) -> bytes | None:
    try:
        return os.getxattr(fd, name)
    except OSError as error:
        if error.errno == errno.ENODATA:
            return None
        raise
