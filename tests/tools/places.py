# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where everything is: sources in the clone, everything generated in one ignored folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

# Interpreters are named in the first lines of scripts, where the system allows neither blanks nor long names. This
# leaves room for the longest name below the folder.
LONGEST = 40


def plain(folder: Path) -> Path:
    """Return ``folder``, or a link to it where its own name is too long or has blanks in it."""
    name = str(folder)
    if len(name) <= LONGEST and len(name.split()) == 1:
        return folder
    folder.mkdir(exist_ok=True)
    link = Path(tempfile.gettempdir(), f"tokensmith-quay-{hashlib.sha256(name.encode()).hexdigest()[:12]}")
    if not link.is_symlink():
        link.symlink_to(folder)
    # The folder of temporary files is everybody's: nobody else may lead us elsewhere.
    if link.readlink() != folder or link.lstat().st_uid != os.getuid():
        raise SystemExit(f"{link} should be a link of yours to {folder}: remove it")
    return link


ROOT = Path(__file__).resolve().parents[2]
BUILD = plain(ROOT / "build")

# ansible-test and the import of ansible_collections.* want the collection at this very path below some folder.
COLLECTION = Path("ansible_collections", "tokensmith", "quay")
COLLECTIONS = BUILD
TREE = COLLECTIONS / COLLECTION

ENVIRONMENTS = BUILD / "environments"
INTERPRETERS = BUILD / "interpreters"

# The tools' home, so that they neither see nor change the user's own settings.
HOME = BUILD / "home"
