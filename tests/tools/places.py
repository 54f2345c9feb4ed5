# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths: the sources are in the clone, everything generated is in one ignored folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

# The first line of a script names its interpreter. The kernel allows no blanks and no long paths there. This limit
# leaves room for the longest path below the folder.
LONGEST = 40


def plain(folder: Path) -> Path:
    """Return ``folder``, or a link to it if its path is too long or has blanks."""
    name = str(folder)
    if len(name) <= LONGEST and len(name.split()) == 1:
        return folder
    folder.mkdir(exist_ok=True)
    link = Path(tempfile.gettempdir(), f"tokensmith-quay-{hashlib.sha256(name.encode()).hexdigest()[:12]}")
    if not link.is_symlink():
        link.symlink_to(folder)
    # Every user may write to the folder of temporary files: check that the link is our own.
    if link.readlink() != folder or link.lstat().st_uid != os.getuid():
        raise SystemExit(f"{link} must be a link to {folder} that you own. Remove it and try again.")
    return link


ROOT = Path(__file__).resolve().parents[2]
BUILD = plain(ROOT / "build")

# ansible-test and Python's imports of ansible_collections.* need the collection at this path below some folder.
COLLECTION = Path("ansible_collections", "tokensmith", "quay")
COLLECTIONS = BUILD
TREE = COLLECTIONS / COLLECTION

ENVIRONMENTS = BUILD / "environments"
INTERPRETERS = BUILD / "interpreters"

# The home folder of the tools, so that they neither read nor change the user's own settings.
HOME = BUILD / "home"


def shorten(text: str) -> str:
    """Return ``text`` with paths relative to the clone."""
    return text.replace(f"{TREE}/", "").replace(f"{BUILD}/", "build/").replace(f"{ROOT}/", "")
